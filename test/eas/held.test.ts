// What one process remembers of what a client holds goes by the client's key, which may have come from another process in another answer.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { versions } from '../../src/eas/versions.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { text } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { CollectionResult, CollectionWish } from '../support/eas-sync.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { classNames, folderOf, stored, storedName } from '../support/objects-of-each-class.ts'

const folder = folderOf.contacts
let user: MemoryUser
let one: EasServer, two: EasServer
let phone: Phone
beforeEach(async () => {
  user = new MemoryUser()
  one = await easServer({}, user)
  two = await easServer({}, user)
})
afterEach(async () => {
  await one.stop()
  await two.stop()
})

const put = (name: string, version: string): string => user.collections.put(folder, storedName('contacts', name), stored('contacts', name, `TITLE:${version}`))
const shown = (): Record<string, string> => Object.fromEntries([...phone.held(folder).items.values()]
  .map(({ data }) => [text(data!, 'Contacts:FirstName'), text(data!, 'Contacts:JobTitle')]))
const at = async (server: EasServer, wish: Omit<CollectionWish, 'id'>, lose = false): Promise<CollectionResult | undefined> => {
  Object.assign(phone.options, { url: server.served.url })
  const { collections: [answer] } = await phone.sync({ collections: [{ id: folder, class: classNames.contacts, ...wish }], lose })
  return answer
}
const settle = async (server: EasServer): Promise<void> => {
  while ((await at(server, { window: 100 }))?.more);
}

describe.each(versions)('a phone of version %s that gets no answer from one process and asks another', version => {
  const names = ['Anna', 'Bob', 'Carl', 'Dora']
  beforeEach(async () => {
    phone = one.phone({ version })
    await at(one, { key: '0' })
    for (const name of names) put(name, 'first')
    await settle(one)
  })

  it('is told of what changed while a list was told', async () => {
    for (const name of names) put(name, 'second')
    const begun = await at(one, { window: 1 })
    expect(begun).toMatchObject({ more: true })
    for (const name of names) put(name, 'third')
    await at(one, { window: 100 }, true)
    await at(two, { window: 100 })
    await settle(one)
    expect(shown()).toEqual(Object.fromEntries(names.map(name => [name, 'third'])))
  })
})

// What one process remembers of what a client holds goes by the client's key, which may have come from another process in another answer.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { versions } from '../../src/eas/versions.ts'
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

const names = ['Anna', 'Bob', 'Carl', 'Dora']
const all = (version: string, of = names): Record<string, string> => Object.fromEntries(of.map(name => [name, version]))
const putAll = (version: string, of = names): void => of.forEach(name => put(name, version))
const idOf = (name: string): string => [...phone.held(folder).items.values()].find(({ data }) => text(data!, 'Contacts:FirstName') === name)!.id

describe.each(versions)('a phone of version %s that gets no answer from one process and asks another', version => {
  beforeEach(async () => {
    phone = one.phone({ version })
    await at(one, { key: '0' })
    putAll('first')
    await settle(one)
  })

  it('is told of what changed while a list was told', async () => {
    putAll('second')
    expect(await at(one, { window: 1 })).toMatchObject({ more: true })
    putAll('third')
    await at(one, { window: 100 }, true)
    await at(two, { window: 100 })
    await settle(one)
    expect(shown()).toEqual(all('third'))
  })

  it.each([1, 2, 100])('is told of what was made, changed and removed while a list was told, in windows of %i', async window => {
    const more = ['Emil', 'Fanny', 'Gus', 'Hanna']
    putAll('second', more)
    await at(one, { window: 1 })
    putAll('third', more.slice(0, 2))
    put('Ida', 'third')
    user.collections.put(folder, storedName('contacts', 'Hanna'), undefined)
    await at(one, { window: 100 }, true)
    for (let n = 0; n < 20; n++) await at(n % 3 ? one : two, { window }, n % 5 === 1)
    await settle(one)
    expect(shown()).toEqual({ ...all('first'), ...all('third', ['Emil', 'Fanny', 'Ida']), Gus: 'second' })
    expect(phone.held(folder).items.size).toBe(user.collections.list(folder).size)
  })

  it('is told of what changed after an answer that it gets in the end, though another was newer', async () => {
    putAll('second')
    await at(one, { window: 1 })
    await at(two, { key: phone.held(folder).key, window: 0 }, true)
    await at(one, { window: 100 }, true)
    putAll('third')
    await at(two, { window: 100 }, true)
    await at(one, { window: 100 })
    await settle(two)
    expect(shown()).toEqual(all('third'))
  })
})

it('a process that remembers nothing tells of what a phone has and is not shown any more', async () => {
  phone = one.phone()
  await at(one, { key: '0' })
  putAll('first')
  await settle(one)
  user.collections.put(folder, storedName('contacts', 'Anna'), stored('contacts', 'Anna', 'X-ADDRESSBOOKSERVER-KIND:group'))
  await settle(two)
  expect(shown()).toEqual(all('first', ['Bob', 'Carl', 'Dora']))
})

it('what a phone has deleted it does not hold, though its key is the same', async () => {
  phone = one.phone()
  await at(one, { key: '0' })
  putAll('first')
  await settle(one)
  const { key } = phone.held(folder)
  await at(one, { getChanges: false, commands: [{ kind: 'Delete', id: idOf('Anna') }] })
  expect(phone.held(folder).key).toBe(key)
  put('Anna', 'second')
  expect(await at(one, { window: 100 })).toMatchObject({ changes: [] })
  expect(shown()).toEqual({ ...all('first'), Anna: 'second' })
})

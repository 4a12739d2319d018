// Every element of contacts, events, tasks and notes, as far as each version has it, in requests that are carried out; and what is answered.
// test/golden/eas/spoken/CLASS-VERSION.txt is the vocabulary of each version, beside that of mail (spoken.test.ts).
import { expect, it } from 'vitest'
import { since, versions } from '../../src/eas/versions.ts'
import type { ObjectContent } from '../../src/model/folder.ts'
import { el, type Tag } from '../../src/wire/wbxml.ts'
import { keepAll } from '../conformance/kept.ts'
import { search } from '../support/eas-search.ts'
import { easServer } from '../support/eas-server.ts'
import { fullBody, fullObjects } from '../support/full-objects.ts'
import { golden } from '../support/golden.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { classNames, folderOf, storedName } from '../support/objects-of-each-class.ts'
import { overhear, printSpoken } from '../support/spoken.ts'

const supported: Readonly<Record<ObjectContent, readonly Tag[] | undefined>> = {
  contacts: ['Contacts:JobTitle', 'Contacts:Picture', 'Contacts2:NickName'], calendar: ['Calendar:Location', 'Calendar:Reminder'], tasks: ['Tasks:Categories'], notes: undefined,
}
/** What finds all of them. */
const words: Readonly<Record<ObjectContent, string>> = {
  contacts: 'Test OR FirstName', calendar: 'Series OR Week OR Day OR Said', tasks: 'Series OR Week OR Year OR Done OR Said', notes: 'Shopping OR Said',
}
const all = versions.flatMap(version => (Object.keys(classNames) as ObjectContent[])
  .filter(content => content !== 'notes' || since(version, '14.0')).map(content => [content, version] as const))

it.each(all)('%s have these elements in version %s, and no others', async (content, version) => {
  const user = new MemoryUser(), id = folderOf[content]
  const server = await easServer({ timeZone: 'Europe/Berlin', heartbeat: { min: 1, max: 3540 } }, user, () => new Date('2026-11-25T10:00:00Z'))
  const phone = server.phone({ version }), spoken = overhear(phone, true)
  const wish = { id, class: classNames[content] }
  for (const [n, octets] of fullObjects[content].entries()) user.collections.put(id, storedName(content, `o${n}`), octets)

  const named = supported[content]
  await phone.sync({ collections: [{ ...wish, key: '0', ...(named ? { supported: named } : {}) }] })
  const bodies = since(version, '12.0') ? [{ type: 1, size: 50, ...(since(version, '14.0') ? { preview: 20 } : {}) }] : []
  const filter = content === 'calendar' ? 7 : 0
  expect(await phone.getItemEstimate([{ id, ...(since(version, '14.0') ? {} : { filter }) }])).toMatchObject([{ status: '1' }])
  await phone.syncAll(id, { ...wish, options: { filter, conflict: 1, bodies } })
  expect(phone.held(id).items.size).toBe(fullObjects[content].length)

  const { collections: [answer] } = await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Add', clientId: 'n', data: fullBody(content, version) }] }] })
  expect(answer!.responses.map(({ status }) => status)).toEqual(['1'])
  const made = answer!.responses[0]!.id
  if (content === 'calendar' && since(version, '16.0')) {
    expect((await phone.sync({ collections: [{ ...wish, commands: [
      { kind: 'Change', id: made, instance: '20261202T090000Z', data: [el('Calendar:Subject', 'Other')] }, { kind: 'Delete', id: made, instance: '20261203T090000Z' },
    ] }] })).collections[0]?.responses ?? []).toEqual([])
  }
  // Another device is told what the first one made.
  const second = server.phone({ version, deviceId: 'SECOND' })
  await second.syncAll(id, wish)
  expect(second.held(id).items.size).toBe(fullObjects[content].length + 1)
  const back = second.held(id).items.get(made)!.data!
  expect(back.children.length).toBeGreaterThan(3)
  for (const [n, octets] of fullObjects[content].entries()) user.collections.put(id, storedName(content, `o${n}`), octets)
  expect((await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Fetch', id: made }] }] })).collections[0]!.changes).toHaveLength(fullObjects[content].length)
  if (since(version, '12.0')) {
    for (const item of phone.held(id).items.keys()) expect(await phone.fetch([{ id: item }])).toMatchObject([{ status: '1' }])
    const body = el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1'), el('AirSyncBase:TruncationSize', '50')])
    const found = await search(phone, { query: words[content], classes: [classNames[content]], folders: [id], options: [body], range: '0-9', deep: true, rebuild: true })
    expect([found.store, found.hits.length]).toEqual(['1', fullObjects[content].length + 1])
  }
  const other = user.collections.add(content, 'Other')
  expect(await phone.moveItems([{ id: made, from: id, to: other }])).toMatchObject([{ status: '3' }])
  await phone.sync({ collections: [wish] })
  const [first] = [...phone.held(id).items.keys()] as [string]
  await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Delete', id: first }] }] })
  user.collections.put(id, storedName(content, 'late'), fullObjects[content][0]!)
  expect(await phone.ping([id], 60)).toMatchObject({ status: '2' })
  golden(`eas/spoken/${content}-${version}.txt`, printSpoken(spoken))
  keepAll(server)
  await server.stop()
})

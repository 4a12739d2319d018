// What a phone itself writes of objects, where answers get lost, windows are full, or the server refuses: nothing of it is dropped, nothing is told twice.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import { type ScriptedDav } from '../support/bad-dav.ts'
import { card, closeDavPhone, openDavPhone } from '../support/bad-dav-phone.ts'
import { Phone } from '../support/eas-client.ts'
import type { Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let dav: ScriptedDav
let postern: Instance
let phone: Phone
let contacts: string
let book: Map<string, string>
let devices = 0

beforeAll(async () => { house = await startHouse({ exim: false, users: 1 }) })
beforeEach(async () => {
  ({ dav, postern, phone } = await openDavPhone(house, `OWN${++devices}`))
  book = dav.objects.get('book/')!
  book.set('a.vcf', card('Anna'))
  await phone.folderSync('0')
  contacts = phone.folder('9')
  await phone.syncAll(contacts)
})
afterEach(() => closeDavPhone({ dav, postern, phone }))
afterAll(() => house.stop())

const said = (name: string): Node[] => [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test')]
const idOf = (name: string): string =>
  [...phone.held(contacts).items.values()].find(({ data }) => data && text(data, 'Contacts:FirstName') === name)!.id
const stored = (): string[] => [...book.values()].map(one => /^N:Test;(\w+)/m.exec(one)![1]!).sort()
const add = (name: string) => ({ kind: 'Add', clientId: name, data: said(name) }) as const
const change = (id: string, name: string) => ({ kind: 'Change', id, data: said(name) }) as const

it('a repeated Add is answered, and not told as a second new item by a process that remembers nothing', async () => {
  const wish = { collections: [{ id: contacts, commands: [add('Dave')] }] }
  await phone.sync({ ...wish, lose: true })
  dav.misdeed = ({ method }, answer) => method === 'PUT' ? (answer.writeHead(412).end(), true) : undefined
  await postern.restart()
  Object.assign(phone.options, { url: postern.url })
  const { collections: [answer] } = await phone.sync(wish)
  expect(answer).toMatchObject({ responses: [{ status: '1' }], adds: [] })
  expect(stored()).toEqual(['Anna', 'Dave'])
})

it('a repeated Change is told back as a change, by a process that remembers nothing', async () => {
  const wish = { collections: [{ id: contacts, commands: [change(idOf('Anna'), 'Anne')] }] }
  await phone.sync({ ...wish, lose: true })
  await postern.restart()
  Object.assign(phone.options, { url: postern.url })
  const { collections: [answer] } = await phone.sync(wish)
  expect(answer).toMatchObject({ adds: [], changes: [expect.any(String)] })
})

it('what the server makes of an Add is told as a change of it', async () => {
  dav.misdeed = ({ method, path, body }, answer) => {
    if (method !== 'PUT') return undefined
    book.set(path.split('/').at(-1)!, body.replace('END:VCARD', 'NOTE:seen\r\nEND:VCARD'))
    answer.writeHead(201).end()
    return true
  }
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [add('Dave')] }] })
  expect(answer).toMatchObject({ responses: [{ kind: 'Add', status: '1' }], adds: [], changes: [expect.any(String)] })
})

it('a second change of an item is no conflict with the first, where the phone wants no changes in between', async () => {
  const id = idOf('Anna')
  for (const name of ['Anne', 'Annette']) await phone.sync({ collections: [{ id: contacts, getChanges: false, commands: [change(id, name)] }] })
  expect(stored()).toEqual(['Annette'])
})

it('a second change of an item is no conflict with the first, whose answer got lost', async () => {
  const id = idOf('Anna')
  await phone.sync({ collections: [{ id: contacts, commands: [change(id, 'Anne')] }], lose: true })
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [change(id, 'Annette')] }] })
  expect(answer!.responses).toEqual([])
  expect(stored()).toEqual(['Annette'])
})

it("somebody else's change between two of the phone's own is a conflict", async () => {
  const id = idOf('Anna')
  await phone.sync({ collections: [{ id: contacts, commands: [change(id, 'Anne')] }], lose: true })
  book.set('a.vcf', card('Theirs'))
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [change(id, 'Annette')] }] })
  expect(answer!.responses).toMatchObject([{ status: '7' }])
  expect(stored()).toEqual(['Theirs'])
})

it.each([403, 412, 423])('an item whose deletion the server refuses by %i comes back to the phone', async code => {
  const id = idOf('Anna')
  dav.misdeed = ({ method }, answer) => method === 'DELETE' ? (answer.writeHead(code).end(), true) : undefined
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [{ kind: 'Delete', id }] }] })
  expect(answer).toMatchObject({ responses: code === 403 ? [] : [{ kind: 'Delete' }], adds: [id] })
})

it('an item that was made in a full window, and deleted by somebody else before the next look, leaves the phone', async () => {
  const inbox = phone.folder('2')
  await house.deliver(0, 'Subject: x\r\n\r\nhello\r\n')
  await phone.sync({ collections: [{ id: inbox, key: '0' }] })
  const { collections } = await phone.sync({ window: 1, collections: [{ id: inbox }, { id: contacts, commands: [add('Dave')] }] })
  expect(collections.map(({ adds }) => adds.length)).toEqual([1, 0])
  const name = [...book.keys()].find(one => one !== 'a.vcf')!
  book.delete(name)
  while (!(await phone.sync({ collections: [{ id: contacts }] })).empty);
  expect([...phone.held(contacts).items.values()]).toHaveLength(1)
})

it('a change of an item that is yet to be told in another version is a conflict', async () => {
  for (const n of [1, 2, 3, 4, 5, 6]) book.set(`${n}.vcf`, card(`N${n}`))
  await phone.syncAll(contacts)
  const ids = new Map([1, 2, 3, 4, 5, 6].map(n => [n, idOf(`N${n}`)]))
  for (const n of ids.keys()) book.set(`${n}.vcf`, card(`M${n}`))
  const { collections: [first] } = await phone.sync({ collections: [{ id: contacts, window: 3 }] })
  const [n, id] = [...ids].find(([, one]) => !first!.changes.includes(one))!
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, window: 1, commands: [{ ...change(id, 'Mine'), data: [el('Contacts:FirstName', 'Mine')] }] }] })
  expect(answer!.responses).toMatchObject([{ status: '7' }])
  await phone.syncAll(contacts)
  expect(text(phone.held(contacts).items.get(id)!.data!, 'Contacts:FirstName')).toBe(`M${n}`)
})

it('what is changed and then deleted in one request is gone', async () => {
  const id = idOf('Anna')
  dav.misdeed = ({ method, match }, answer) =>
    method === 'DELETE' && match && !match.includes(String(book.get('a.vcf')!.length)) ? (answer.writeHead(412).end(), true) : undefined
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [change(id, 'Annabella'), { kind: 'Delete', id }] }] })
  expect(answer!.responses).toEqual([])
  expect(stored()).toEqual([])
})

it('a new item whose UID another one has is told to be gone, as that other one is there', async () => {
  dav.misdeed = ({ method }, answer) => method === 'PUT'
    ? (answer.writeHead(409).end('<d:error xmlns:d="DAV:" xmlns:a="urn:ietf:params:xml:ns:carddav"><a:no-uid-conflict/></d:error>'), true) : undefined
  const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, commands: [add('Dave')] }] })
  expect(answer).toMatchObject({ responses: [{ status: '1' }], deletes: [expect.any(String)] })
  expect([...phone.held(contacts).items.values()]).toHaveLength(1)
})

it('a request that was to be tried again is looked at again, with the mail in it', async () => {
  const inbox = phone.folder('2')
  await phone.syncAll(inbox)
  const wish = { collections: [{ id: inbox }, { id: contacts, commands: [change(idOf('Anna'), 'Anne')] }] }
  dav.misdeed = (_, answer) => (answer.writeHead(503).end(), true)
  expect((await phone.sync(wish)).collections).toMatchObject([{ id: contacts, status: '16' }])
  await house.deliver(0, 'Subject: new\r\n\r\nhello\r\n')
  expect((await phone.sync(wish)).collections.map(({ id, status }) => [id, status])).toEqual([[inbox, '1'], [contacts, '16']])
  dav.misdeed = undefined
  expect((await phone.sync(wish)).collections).toMatchObject([{ id: contacts, status: '1' }])
  expect(stored()).toEqual(['Anne'])
})

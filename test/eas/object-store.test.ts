// What Sync and Ping decide about collections of objects, over a store in memory.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryAccount } from '../support/memory.ts'
import { MemoryObjects } from '../support/memory-objects.ts'
import type { FolderId } from '../../src/model/folder.ts'

let server: EasServer
let objects: MemoryObjects
let phone: Phone
let inbox: string, contacts: FolderId
const down = new Failure('unavailable', 'the DAV server cannot be reached')

const card = (name: string): string => ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name}`, `N:;${name};;;`, 'END:VCARD', ''].join('\r\n')
const said = (name: string): Node[] => [el('Contacts:FirstName', name)]
const names = (): string[] => [...phone.held(contacts).items.values()].map(({ data }) => data ? text(data, 'Contacts:FirstName') ?? '?' : '').sort()
const only = (): string => [...phone.held(contacts).items.keys()][0]!

beforeEach(async () => {
  const account = new MemoryAccount()
  account.objects = objects = new MemoryObjects()
  server = await easServer({ heartbeat: { min: 1, max: 600 } }, account)
  phone = server.phone()
  contacts = objects.id('contacts')
  objects.put(contacts, 'anna.vcf', card('Anna'))
  await phone.folderSync('0')
  inbox = phone.folder('2')
  for (const id of [inbox, contacts]) await phone.syncAll(id)
})
afterEach(() => server.stop())

describe('a server that takes no writes, and has not said so', () => {
  beforeEach(() => { objects.closed = true })

  it.each([
    ['Add', () => ({ kind: 'Add', clientId: '1', data: said('Bob') } as const)],
    ['Change', () => ({ kind: 'Change', id: only(), data: said('Annabel') } as const)],
    ['Delete', () => ({ kind: 'Delete', id: only() } as const)],
  ])('has an %s undone', async (_, command) => {
    await phone.sync({ collections: [{ id: contacts, commands: [command()] }] })
    expect(names()).toEqual(['Anna'])
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
    expect(server.log).toContainEqual(expect.objectContaining({ message: 'a change of a collection that is read-only is undone' }))
  })
})

describe('a Sync without changes', () => {
  it('asks once for all collections', async () => {
    const calendar = objects.id('calendar')
    await phone.syncAll(calendar)
    objects.calls.length = 0
    expect(await phone.sync({ collections: [{ id: contacts }, { id: calendar }, { id: inbox }] })).toMatchObject({ empty: true })
    expect(objects.calls.filter(name => name !== 'folder')).toEqual(['changed'])
  })
})

describe('objects that cannot be had', () => {
  beforeEach(() => { objects.outage = down })
  const deliver = (): number => server.account.deliver('inbox', 'Subject: new\n\nnew\n')

  it('keep no mail waiting, and the key of their collection stays', async () => {
    const { key } = phone.held(contacts)
    deliver()
    const { collections } = await phone.sync({ collections: [{ id: inbox }, { id: contacts }] })
    expect(collections.map(({ id, status }) => [id, status])).toEqual([[inbox, '1']])
    expect(phone.held(contacts).key).toBe(key)
  })

  it('are to be asked for again where the phone had something to say there', async () => {
    const commands = [{ kind: 'Change', id: only(), data: said('Annabel') }] as const
    const { collections } = await phone.sync({ collections: [{ id: inbox }, { id: contacts, commands }] })
    expect(collections.map(({ id, status }) => [id, status])).toContainEqual([contacts, '16'])
    objects.outage = undefined
    await phone.sync({ collections: [{ id: contacts, commands }] })
    expect(Buffer.from(objects.held(contacts).get('anna.vcf')!.octets).toString()).toContain('Annabel')
  })

  it('end a request that is about nothing else', async () => {
    const answer = await phone.sync({ collections: [{ id: contacts }, { id: objects.id('calendar'), key: '0' }] })
    expect(answer.status).toBe('16')
  })

  it('leave a Sync and a Ping to wait for mail', async () => {
    const sync = phone.sync({ collections: [{ id: inbox }, { id: contacts }], heartbeat: 60 })
    while (server.account.watching === 0) await new Promise(resolve => setTimeout(resolve, 2))
    deliver()
    expect((await sync).collections.map(({ id }) => id)).toEqual([inbox])
    const ping = phone.ping([inbox, contacts], 60)
    while (server.account.watching === 0) await new Promise(resolve => setTimeout(resolve, 2))
    deliver()
    expect(await ping).toMatchObject({ status: '2', folders: [inbox] })
  })

  it('are not taken out of the hierarchy', async () => {
    expect((await phone.folderSync()).status).toBe('6')
    objects.outage = undefined
    expect(await phone.folderSync()).toMatchObject({ status: '1', changes: [] })
  })
})

describe('a write that the server names no version of', () => {
  it('is told back once, and then is known', async () => {
    objects.versionless = true
    await phone.sync({ collections: [{ id: contacts, commands: [{ kind: 'Change', id: only(), data: said('Annabel') }] }] })
    await phone.syncAll(contacts)
    expect(names()).toEqual(['Annabel'])
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
  })
})

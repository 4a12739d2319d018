// Files of events that a CalDAV server keeps beside them (RFC 8607), over a real Radicale with a server of such files before it.
import http from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { child, children, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import type { PhoneCommand } from '../support/eas-sync.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { managedServer, type ManagedServer } from '../support/managed-server.ts'

let house: House
let server: ManagedServer
let postern: Instance
let phone: Phone
let dav: DavUser
let elsewhere: http.Server
const strangers: string[] = []
const phones: Phone[] = []
let users = 0

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 20 })
  server = await managedServer(house.dav.url, 'https://calendar.example.test/')
  postern = await startInstance(house, { dav: { url: server.url, pollSeconds: 1 }, settings: { timeZone: 'Europe/Berlin' } })
  elsewhere = http.createServer((request, response) => {
    strangers.push(`${request.method} ${request.headers.authorization ?? '-'}`)
    response.end('secret')
  })
  await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve))
})
beforeEach(async () => {
  phone = phoneOf({})
  const { login, password } = house.user(users)
  dav = new DavUser(server.url, login, password)
  await phone.folderSync('0')
  await dav.open('calendar')
  for (const list of [server.asked, server.done, strangers]) list.length = 0
  server.limit = 1e9
})
afterEach(() => {
  for (const one of phones.splice(0)) one.close()
  users++
})
afterAll(async () => {
  await postern.close()
  server.close()
  elsewhere.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

function phoneOf(options: Partial<PhoneOptions>): Phone {
  const { login, password } = house.user(users)
  const one = new Phone({ url: postern.url, user: login, password, ...options })
  phones.push(one)
  return one
}

const calendar = (): string => phone.folder('8')
const event = (...lines: readonly string[]): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', 'UID:e', 'DTSTAMP:20261101T080000Z',
  'SUMMARY:Plan', 'DTSTART:20261201T090000Z', 'DTEND:20261201T100000Z', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
const put = (...lines: readonly string[]): Promise<void> => dav.put('e.ics', event(...lines))
const stored = async (): Promise<string> => [...(await dav.list()).values()].join('\n').replace(/\r\n[ \t]/g, '')
const attached = async (): Promise<string[]> => (await stored()).match(/^ATTACH.*$/gm) ?? []
const held = () => [...phone.held(calendar()).items.values()][0]!
const ask = async (...commands: readonly PhoneCommand[]) => (await phone.sync({ collections: [{ id: calendar(), commands: [...commands] }] })).collections[0]?.responses ?? []

const adding = (clientId: string, name: string, content: Buffer): Node => el('AirSyncBase:Attachments', [el('AirSyncBase:Add', [
  el('AirSyncBase:ClientId', clientId), el('AirSyncBase:DisplayName', name), el('AirSyncBase:Method', '1'), el('AirSyncBase:ContentType', 'text/plain'), el('AirSyncBase:Content', content),
])])
const removing = (reference: string): Node => el('AirSyncBase:Attachments', [el('AirSyncBase:Delete', [el('AirSyncBase:FileReference', reference)])])
type Shown = { readonly name: string | undefined; readonly reference: string; readonly size: string | undefined }
const filesIn = (data: Element | undefined): Shown[] => children(data && child(data, 'AirSyncBase:Attachments') || { tag: 'AirSync:Sync', text: '', children: [] }, 'AirSyncBase:Attachment').map(one => ({
  name: text(one, 'AirSyncBase:DisplayName'), reference: text(one, 'AirSyncBase:FileReference')!, size: text(one, 'AirSyncBase:EstimatedDataSize'),
}))
const octetsOf = async (file: string): Promise<Buffer | string> => {
  const [fetched] = await phone.fetch([{ file }])
  const data = fetched?.properties && text(fetched.properties, 'ItemOperations:Data')
  return data === undefined ? `Status ${fetched?.status}` : Buffer.from(data, 'base64')
}
const content = Buffer.from('Über alles\n'.repeat(40_000))

describe.each(['16.0', '16.1'])('a phone of %s', version => {
  beforeEach(async () => {
    phone = phoneOf({ version, deviceId: 'PHONE' })
    await phone.folderSync('0')
    await phone.syncAll(calendar())
  })

  it('adds a file to an event, which the server keeps; it is fetched, and taken away again', async () => {
    await put()
    await phone.syncAll(calendar())
    const [changed] = await ask({ kind: 'Change', id: held().id, data: [adding('c1', 'Übersicht (1).txt', content), el('Calendar:Subject', 'Plan B')] })
    expect(changed).toMatchObject({ status: '1' })
    const [{ reference }] = filesIn(changed!.data) as [Shown]
    expect(await attached()).toEqual([expect.stringMatching(/^ATTACH[^\r\n]*MANAGED-ID="?urn:file:\d+"?/)])
    expect(await stored()).toMatch(/SUMMARY:Plan B/)
    expect([...server.files.values()].at(-1)).toEqual(content)
    expect(reference).toMatch(/:murn:file:\d+$/)
    expect(await octetsOf(reference)).toEqual(content)
    expect(server.asked.every(one => one.endsWith(house.user(users).login))).toBe(true)

    const other = phoneOf({ version, deviceId: 'OTHER' })
    await other.folderSync('0')
    await other.syncAll(calendar())
    expect(filesIn([...other.held(calendar()).items.values()][0]!.data)).toEqual([{ name: 'Übersicht (1).txt', reference, size: String(content.length) }])
    await ask({ kind: 'Change', id: held().id, data: [removing(reference)] })
    expect(await attached()).toEqual([])
    expect(server.done).toEqual(['attachment-add -', 'attachment-remove -'])
    expect(await octetsOf(reference)).toMatch(/^Status/)
  })

  it('makes an event with files, each once though the answer got lost', async () => {
    const data = [el('Calendar:Subject', 'New'), el('Calendar:StartTime', '20261202T080000Z'), el('Calendar:EndTime', '20261202T090000Z'), el('Calendar:ClientUid', 'u'), adding('c1', 'a.txt', content)]
    const wish = { collections: [{ id: calendar(), commands: [{ kind: 'Add', clientId: 'n', data } as const] }] }
    await phone.sync({ ...wish, lose: true })
    await postern.restart()
    phone = Object.assign(phoneOf({ version, deviceId: 'PHONE' }), { folders: phone.folders, collections: phone.collections })
    const { collections: [answer] } = await phone.sync(wish)
    const [{ reference }] = filesIn(answer!.responses[0]!.data) as [Shown]
    expect(await attached()).toHaveLength(1)
    expect(await octetsOf(reference)).toEqual(content)
    const before = server.done.length
    const change = { kind: 'Change', id: answer!.responses[0]!.id, data: [adding('c2', 'b.txt', Buffer.from('b'))] } as const
    const lost = { collections: [{ id: calendar(), commands: [change] }] }
    await phone.sync({ ...lost, lose: true })
    await postern.restart()
    phone = Object.assign(phoneOf({ version, deviceId: 'PHONE' }), { folders: phone.folders, collections: phone.collections })
    const again = await phone.sync(lost)
    expect(filesIn(again.collections[0]!.responses[0]!.data)).toHaveLength(1)
    expect(await attached()).toHaveLength(2)
    expect(server.done).toHaveLength(before + 1)
    // What the phone itself has written is not told to it.
    await phone.syncAll(calendar())
    const { collections: [quiet] } = await phone.sync({ collections: [{ id: calendar() }] })
    expect([...quiet?.adds ?? [], ...quiet?.changes ?? []]).toEqual([])
  })

  it('adds one to an occurrence of a series alone, or to the series', async () => {
    await put('RRULE:FREQ=DAILY;COUNT=4')
    await phone.syncAll(calendar())
    const { id } = held()
    await ask({ kind: 'Change', id, instance: '20261202T090000Z', data: [adding('c1', 'one.txt', content)] })
    expect(await stored()).toMatch(/RECURRENCE-ID[^]*ATTACH[^\r\n]*one\.txt/)
    await ask({ kind: 'Change', id, data: [adding('c2', 'all.txt', content)] })
    expect(server.done).toEqual(['attachment-add 20261202T090000Z', 'attachment-add M'])
    expect(await attached()).toHaveLength(2)
  })

  it('hears that a file is too large, and nothing else of the change is kept', async () => {
    await put()
    await phone.syncAll(calendar())
    server.limit = 10
    expect(await ask({ kind: 'Change', id: held().id, data: [adding('c1', 'a.txt', content), el('Calendar:Subject', 'Plan B')] })).toMatchObject([{ status: '9' }])
    expect(await stored()).toMatch(/SUMMARY:Plan\r/)
    const data = [el('Calendar:Subject', 'New'), el('Calendar:StartTime', '20261202T080000Z'), el('Calendar:EndTime', '20261202T090000Z'), el('Calendar:ClientUid', 'u'), adding('c1', 'a.txt', content)]
    expect(await ask({ kind: 'Add', clientId: 'n', data })).toMatchObject([{ status: '9' }])
    expect((await dav.list()).size).toBe(1)
  })
})

it('a link to the user’s own server is a file, one to elsewhere is none, and nobody is sent there', async () => {
  const { port } = elsewhere.address() as { port: number }
  await dav.put('plain.ics', event().replace('UID:e', 'UID:p'))
  const own = `${server.url}${house.user(users).login}/` // fetched below by its name
  const [path] = [...(await dav.list()).keys()]
  await put(`ATTACH;FMTTYPE=text/calendar:${dav.address(path!)}`, `ATTACH;FMTTYPE=text/plain:http://127.0.0.1:${port}/a.txt`,
    'ATTACH:cid:part@x', 'ATTACH:mailto:x@y.test', `ATTACH:${own}missing.txt`)
  await phone.syncAll(calendar())
  const shown = [...phone.held(calendar()).items.values()].flatMap(({ data }) => filesIn(data))
  expect(shown.map(({ name }) => name)).toEqual(['plain.ics', 'missing.txt'])
  expect((await octetsOf(shown[0]!.reference)).toString()).toContain('UID:p')
  expect(await octetsOf(shown[1]!.reference)).toMatch(/^Status/)
  // Nor where somebody who knows how references are made asks for it.
  const { createHash } = await import('node:crypto')
  const guessed = `u${createHash('sha256').update(`http://127.0.0.1:${port}/a.txt`).digest('hex').slice(0, 24)}`
  expect(await octetsOf(shown[0]!.reference.replace(/[^:]+$/, guessed))).toMatch(/^Status/)
  expect(strangers).toEqual([])
})

it('a file of another user is not fetched', async () => {
  await put()
  await phone.syncAll(calendar())
  await ask({ kind: 'Change', id: held().id, data: [adding('c1', 'a.txt', content)] })
  const [line] = await attached()
  const other = house.user(users + 1)
  const theirs = phoneOf({ user: other.login, password: other.password, deviceId: 'THEIRS' })
  await theirs.folderSync('0')
  const davs = new DavUser(server.url, other.login, other.password)
  await davs.open('calendar')
  await davs.put('e.ics', event(line!))
  await theirs.syncAll(theirs.folder('8'))
  phone = theirs
  expect(await octetsOf(filesIn(held().data)[0]!.reference)).toMatch(/^Status/)
  users++
})

it('up to 14.1 nothing is told of files, and a change leaves them where they are', async () => {
  await put()
  await phone.syncAll(calendar())
  await ask({ kind: 'Change', id: held().id, data: [adding('c1', 'a.txt', content)] })
  const before = await attached()
  phone = phoneOf({ version: '14.1', deviceId: 'OLD' })
  await phone.folderSync('0')
  await phone.syncAll(calendar())
  expect(filesIn(held().data)).toEqual([])
  await ask({ kind: 'Change', id: held().id, data: [el('Calendar:Subject', 'Other'), el('Calendar:StartTime', '20261201T090000Z'), el('Calendar:EndTime', '20261201T100000Z')] })
  expect(await stored()).toContain('SUMMARY:Other')
  expect(await attached()).toEqual(before)
})

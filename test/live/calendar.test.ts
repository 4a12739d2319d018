// Events and tasks between phones and a real Radicale.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { child, el, text, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { livePhones } from '../support/live-phones.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser
let users = 0
const phoneOfUser = livePhones(() => postern.url)

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 20 })
  postern = await startInstance(house, { dav: { url: house.dav.url, pollSeconds: 1 }, settings: { timeZone: 'Europe/Berlin' } })
})
beforeEach(async () => {
  phone = phoneOf({})
  dav = new DavUser(house.dav.url, house.user(users).login, house.user(users).password)
  await phone.folderSync('0')
})
afterEach(() => {
  users++
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

const phoneOf = (options: Partial<PhoneOptions>): Phone => phoneOfUser(house.user(users), options)

const object = (kind: 'VEVENT' | 'VTODO', uid: string, ...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', `BEGIN:${kind}`, `UID:${uid}`, 'DTSTAMP:20261101T080000Z', ...lines, `END:${kind}`, 'END:VCALENDAR', ''].join('\r\n')
const meeting = ['SUMMARY:Plan', 'DTSTART;TZID=Europe/Berlin:20261201T100000', 'DTEND;TZID=Europe/Berlin:20261201T110000']
const one = (folder: string) => [...phone.held(folder).items.values()][0]!

describe.each(['2.5', '12.1', '14.1', '16.0', '16.1'])('a calendar by %s', version => {
  beforeEach(async () => {
    phone = phoneOf({ version })
    await phone.folderSync('0')
    await dav.open('calendar')
  })
  const folder = (): string => phone.folder('8')
  const wish = { class: 'Calendar', options: { filter: 0 } }

  it('tells of events and takes changes, which keep what the phone does not know', async () => {
    await dav.put('plan.ics', object('VEVENT', 'plan', ...meeting, 'X-OWN:kept'))
    await phone.syncAll(folder(), wish)
    const { id, data } = one(folder())
    expect(text(data!, 'Calendar:StartTime')).toBe('20261201T090000Z')
    await phone.sync({ collections: [{ id: folder(), ...wish, commands: [{ kind: 'Change', id, data: [
      el('Calendar:Subject', 'Plan B'), el('Calendar:StartTime', '20261201T100000Z'), el('Calendar:EndTime', '20261201T113000Z'),
    ] }] }] })
    const stored = (await dav.list()).get('plan.ics')!
    expect(stored).toContain('SUMMARY:Plan B')
    expect(stored).toMatch(/DTSTART;TZID=Europe\/Berlin:20261201T110000[^]*/)
    expect(stored).toContain('X-OWN:kept')
    const { collections: [after] } = await phone.sync({ collections: [{ id: folder(), ...wish }] })
    expect([...after?.adds ?? [], ...after?.changes ?? [], ...after?.deletes ?? []]).toEqual([])
  })

  it('takes what the phone makes, and deletes', async () => {
    await phone.syncAll(folder(), wish)
    const data: Node[] = [
      el('Calendar:Subject', 'Made here'), el('Calendar:StartTime', '20261202T080000Z'), el('Calendar:EndTime', '20261202T090000Z'),
      ...(version.startsWith('16') ? [el('Calendar:ClientUid', 'made-1')] : [el('Calendar:UID', 'made-1')]),
    ]
    const { collections: [answer] } = await phone.sync({ collections: [{ id: folder(), ...wish, commands: [{ kind: 'Add', clientId: 'c1', data }] }] })
    expect(answer!.responses).toMatchObject([{ kind: 'Add', status: '1' }])
    expect([...(await dav.list()).values()][0]).toMatch(/SUMMARY:Made here/)
    await phone.sync({ collections: [{ id: folder(), ...wish, commands: [{ kind: 'Delete', id: one(folder()).id }] }] })
    expect((await dav.list()).size).toBe(0)
  })
})

describe('of a series, from 16.0 on,', () => {
  it('one occurrence is changed and another deleted by its InstanceId, and a file is fetched', async () => {
    const folder = phone.folder('8')
    await dav.open('calendar')
    await dav.put('s.ics', object('VEVENT', 's', ...meeting, 'RRULE:FREQ=DAILY;COUNT=5',
      'ATTACH;FMTTYPE=text/plain;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:aGVsbG8='))
    await phone.syncAll(folder)
    const { id, data } = one(folder)
    await phone.sync({ collections: [{ id: folder, commands: [
      { kind: 'Change', id, instance: '20261202T090000Z', data: [el('Calendar:Subject', 'Another')] },
      { kind: 'Delete', id, instance: '20261203T090000Z' },
    ] }] })
    const stored = (await dav.list()).get('s.ics')!
    expect(stored).toMatch(/RECURRENCE-ID[^\r\n]*20261202T100000[^]*SUMMARY:Another|SUMMARY:Another[^]*RECURRENCE-ID[^\r\n]*20261202T100000/)
    expect(stored).toMatch(/EXDATE[^\r\n]*20261203T100000/)
    const file = text(child(child(data!, 'AirSyncBase:Attachments')!, 'AirSyncBase:Attachment')!, 'AirSyncBase:FileReference')!
    const [fetched] = await phone.fetch([{ file }])
    expect(text(fetched!.properties!, 'ItemOperations:Data')).toBe('aGVsbG8=')
  })
})

describe('a task list', () => {
  it('tells of tasks, and takes one that is done', async () => {
    const folder = phone.folder('7')
    await dav.open('tasks')
    await dav.put('t.ics', object('VTODO', 't', 'SUMMARY:Buy milk', 'X-OWN:kept'))
    await phone.syncAll(folder)
    expect(text(one(folder).data!, 'Tasks:Subject')).toBe('Buy milk')
    await phone.sync({ collections: [{ id: folder, commands: [{ kind: 'Change', id: one(folder).id, data: [
      el('Tasks:Subject', 'Buy milk'), el('Tasks:Complete', '1'), el('Tasks:DateCompleted', '2026-11-25T10:00:00.000Z'),
    ] }] }] })
    expect((await dav.list()).get('t.ics')).toMatch(/STATUS:COMPLETED/)
    expect((await dav.list()).get('t.ics')).toContain('X-OWN:kept')
    const other = phoneOf({ deviceId: 'OTHER' })
    await other.sync({ collections: [{ id: folder, key: '0', options: { filter: 8 } }] })
    await other.syncAll(folder, { options: { filter: 8 } })
    expect(other.held(folder).items.size).toBe(0)
  })

  it('keeps one of a series that was done, once, and goes on with the next', async () => {
    const folder = phone.folder('7')
    await dav.open('tasks')
    await dav.put('t.ics', object('VTODO', 't', 'SUMMARY:Water', 'DTSTART;VALUE=DATE:20261201', 'DUE;VALUE=DATE:20261201', 'RRULE:FREQ=DAILY'))
    await phone.syncAll(folder)
    const wish = { collections: [{ id: folder, commands: [{ kind: 'Change', id: one(folder).id, data: [
      el('Tasks:Complete', '1'), el('Tasks:DateCompleted', '2026-11-25T10:00:00.000Z'),
    ] }] }] } as const
    await phone.sync({ ...wish, lose: true })
    await postern.restart()
    phone = Object.assign(phoneOf({}), { folders: phone.folders, collections: phone.collections })
    await phone.sync(wish)
    const stored = await dav.list()
    expect(stored.size).toBe(2)
    expect(stored.get('t.ics')).toMatch(/DUE[^\r\n]*20261202/)
    await phone.syncAll(folder)
    expect(phone.held(folder).items.size).toBe(2)
  })
})

// Meetings that a phone makes, changes and calls off, over real Dovecot, Exim and Radicale: who is invited hears of it once.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { children, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { descend, Phone } from '../support/eas-client.ts'
import type { PhoneCommand } from '../support/eas-sync.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { livePhones } from '../support/live-phones.ts'
import { calendarOf, mailsIn, respond, sendResponse } from '../support/meetings.ts'
import { schedulingServer, type SchedulingServer } from '../support/scheduling-server.ts'
import type { User } from '../support/users.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser
let organizer: User, guest: User
let users = 0

beforeAll(async () => {
  house = await startHouse({ radicale: true, users: 40 })
  postern = await startInstance(house, { dav: { url: house.dav.url, pollSeconds: 1 }, settings: { timeZone: 'Europe/Berlin' } })
})
beforeEach(async () => {
  organizer = house.user(users)
  guest = house.user(users + 1)
  await begin('16.1')
})
afterEach(() => {
  users += 2
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

const phoneOf = livePhones(() => postern.url)

async function begin(version: string): Promise<void> {
  phone = phoneOf(organizer, { version })
  await phone.folderSync('0')
  dav = new DavUser(house.dav.url, organizer.login, organizer.password)
  await dav.open('calendar')
  await phone.syncAll(calendar(), { class: 'Calendar' })
}

const calendar = (): string => phone.folder('8')
const stored = async (): Promise<string> => [...(await dav.list()).values()].join('\n').replace(/\r\n[ \t]/g, '')
const commands = (...list: PhoneCommand[]) => ({ collections: [{ id: calendar(), class: 'Calendar', commands: list }] })

const attendees = (...people: User[]): Node => el('Calendar:Attendees', people.map(({ address, name }) => el('Calendar:Attendee', [
  el('Calendar:Email', address), el('Calendar:Name', name), el('Calendar:AttendeeType', '1'),
])))

const meeting = (...more: readonly Node[]): PhoneCommand => ({ kind: 'Add', clientId: 'm1', data: [
  el('Calendar:Subject', 'Budget'), el('Calendar:StartTime', '20261207T090000Z'), el('Calendar:EndTime', '20261207T100000Z'),
  phone.options.version.startsWith('16') ? el('Calendar:ClientUid', `uid-${users}`) : el('Calendar:UID', `uid-${users}`),
  el('Calendar:MeetingStatus', '1'), ...(more.length ? more : [attendees(guest)]),
] })

const idOfMeeting = (): string => [...phone.held(calendar()).items.keys()][0]!

function statusOfGuest(): string | undefined {
  const { data } = phone.held(calendar()).items.get(idOfMeeting())!
  return text(descend(data, 'Calendar:Attendees', 'Calendar:Attendee'), 'Calendar:AttendeeStatus')
}

/** What arrived: method, sequence and subject of each. */
async function heard(who: User, count: number): Promise<string[]> {
  for (let tries = 0; tries < 200 && (await mailsIn(house, who)).length < count; tries++) await sleep(50)
  await sleep(150)
  return (await mailsIn(house, who)).map(mail => {
    const said = (pattern: RegExp, from: string): string => pattern.exec(from)?.[1] ?? '-'
    const event = calendarOf(mail)
    return `${said(/^METHOD:(\w+)/m, event)} ${said(/^SEQUENCE:(\d+)/m, event)} ${said(/^Subject: (.*)\r$/m, mail)}`
  })
}

async function anew(): Promise<void> {
  await postern.restart()
  phone = Object.assign(phoneOf(organizer, { version: phone.options.version }), { folders: phone.folders, collections: phone.collections })
}

describe.each(['16.0', '16.1'])('a meeting made by a phone of %s', version => {
  beforeEach(() => begin(version))

  it('invites once, though the answer got lost and the server was started anew', async () => {
    await phone.sync({ ...commands(meeting()), lose: true })
    await anew()
    await phone.sync(commands(meeting()))
    expect(await heard(guest, 1)).toEqual(['REQUEST 0 Budget'])
    expect(await mailsIn(house, organizer, 'Sent')).toHaveLength(1)
    expect((await dav.list()).size).toBe(1)
    const [mail] = await mailsIn(house, guest)
    expect(mail).toMatch(/^Content-Type: text\/calendar; charset=utf-8; method=REQUEST/m)
    expect(calendarOf(mail!)).toMatch(new RegExp(`ORGANIZER[^\\r\\n]*:mailto:${organizer.address}`, 'i'))
    expect(calendarOf(mail!)).not.toContain('SCHEDULE-')
    expect(calendarOf(mail!)).not.toContain('VALARM')
  })

  it('that is moved and called off says so once each, and of a new text or reminder as it should', async () => {
    await phone.sync(commands(meeting()))
    const id = idOfMeeting()
    const moved = commands({ kind: 'Change', id, data: [el('Calendar:StartTime', '20261207T110000Z'), el('Calendar:EndTime', '20261207T120000Z')] })
    await phone.sync({ ...moved, lose: true })
    await anew()
    await phone.sync(moved)
    await phone.sync(commands({ kind: 'Change', id, data: [el('Calendar:Reminder', '30')] }))
    expect(await heard(guest, 2)).toEqual(['REQUEST 0 Budget', 'REQUEST 1 Budget'])
    const gone = commands({ kind: 'Delete', id })
    await phone.sync({ ...gone, lose: true })
    await anew()
    await phone.sync(gone)
    expect(await heard(guest, 3)).toEqual(['REQUEST 0 Budget', 'REQUEST 1 Budget', 'CANCEL 2 Canceled: Budget'])
    expect((await dav.list()).size).toBe(0)
  })

  it('tells who is invited later, and who is no more, and nobody else', async () => {
    const third = house.user('full')
    await phone.sync(commands(meeting()))
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), data: [attendees(guest, third)] }))
    const before = (await heard(third, 1)).length
    expect(before).toBeGreaterThan(0)
    expect(await heard(guest, 1)).toEqual(['REQUEST 0 Budget'])
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), data: [attendees(third)] }))
    expect((await heard(guest, 2))[1]).toMatch(/^CANCEL/)
    expect(await mailsIn(house, third)).toHaveLength(before)
    const client = await house.imapClient(third)
    await client.mailboxOpen('INBOX')
    await client.messageDelete('1:*')
  })

  it('of a series tells of one occurrence alone', async () => {
    await phone.sync(commands(meeting(attendees(guest), el('Calendar:Recurrence', [
      el('Calendar:Type', '0'), el('Calendar:Interval', '1'), el('Calendar:Occurrences', '4'),
    ]))))
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), instance: '20261208T090000Z', data: [el('Calendar:Subject', 'Budget, again')] }))
    await phone.sync(commands({ kind: 'Delete', id: idOfMeeting(), instance: '20261209T090000Z' }))
    await heard(guest, 3)
    const [, second, third] = await mailsIn(house, guest)
    expect(calendarOf(second!)).toMatch(/METHOD:REQUEST[^]*RECURRENCE-ID[^\r\n]*20261208T/)
    expect(calendarOf(second!)).not.toMatch(/^RRULE:FREQ=DAILY/m)
    expect(calendarOf(third!)).toMatch(/METHOD:CANCEL[^]*RECURRENCE-ID[^\r\n]*20261209T/)
  })

  it('is not made while nobody can be told', async () => {
    await house.exim.stop()
    const answer = await phone.sync({ ...commands(meeting()), lose: true })
    expect(answer.collections[0]?.responses[0]?.status ?? answer.collections[0]?.status ?? answer.status).not.toBe('1')
    expect((await dav.list()).size).toBe(0)
    await house.exim.start()
    await phone.sync(commands(meeting()))
    expect(await heard(guest, 1)).toEqual(['REQUEST 0 Budget'])
  })
})

/** The guest's phone, with the invitation in its inbox. */
async function invited(): Promise<{ other: Phone; id: string }> {
  await phone.sync(commands(meeting()))
  await heard(guest, 1)
  const other = phoneOf(guest, { deviceId: 'OTHER' })
  await other.folderSync('0')
  await other.syncAll(other.folder('2'))
  const [id] = other.held(other.folder('2')).items.keys()
  return { other, id: id! }
}

describe('between two phones of 16.1', () => {
  it('an invitation is made, accepted, moved and called off, each with one message', async () => {
    const { other, id } = await invited()
    const [answer] = await respond(other, { id, answer: 1, more: [sendResponse('Fine')] })
    expect(answer).toMatchObject({ status: '1' })
    expect(await heard(organizer, 1)).toEqual(['REPLY 0 Accepted: Budget'])
    await phone.syncAll(phone.folder('2'))
    await vi.waitFor(async () => expect(await stored()).toMatch(new RegExp(`ATTENDEE[^\\r\\n]*PARTSTAT=ACCEPTED[^\\r\\n]*${guest.address}`, 'i')), { timeout: 3000 })
    await phone.syncAll(calendar())
    expect(statusOfGuest()).toBe('3')
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), data: [el('Calendar:StartTime', '20261207T130000Z'), el('Calendar:EndTime', '20261207T140000Z')] }))
    await heard(guest, 1)
    await other.syncAll(other.folder('2'))
    const [update] = other.held(other.folder('2')).items.keys()
    expect((await respond(other, { id: update!, answer: 1, more: [sendResponse()] }))[0]!.calendarId).toBe(answer!.calendarId)
    const theirs = new DavUser(house.dav.url, guest.login, guest.password)
    await theirs.open('calendar')
    expect([...(await theirs.list()).values()].join()).toMatch(/DTSTART[^\r\n]*20261207T1[34]0000/)
    await phone.sync(commands({ kind: 'Delete', id: idOfMeeting() }))
    expect(await heard(guest, 1)).toEqual(['CANCEL 2 Canceled: Budget'])
    expect(await heard(organizer, 2)).toEqual(['REPLY 0 Accepted: Budget', 'REPLY 1 Accepted: Budget'])
  })
})

describe('replies by mail', () => {
  const reply = (who: User, answer: string, stamp: string, from = who.address): string => [
    `From: ${from}`, `To: ${organizer.address}`, 'Subject: Re', 'MIME-Version: 1.0', 'Content-Type: text/calendar; method=REPLY; charset=utf-8', '',
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Other//EN', 'METHOD:REPLY', 'BEGIN:VEVENT', `UID:uid-${users}`, `DTSTAMP:${stamp}`, 'SEQUENCE:0',
    'DTSTART:20261207T090000Z', `ORGANIZER:mailto:${organizer.address}`, `ATTENDEE;PARTSTAT=${answer}:mailto:${who.address}`, 'END:VEVENT', 'END:VCALENDAR', '',
  ].join('\r\n')

  it('count by when they were given, in whatever order and however often they are told, and for oneself only', async () => {
    await phone.sync(commands(meeting()))
    await house.deliver(organizer, reply(guest, 'DECLINED', '20261126T100000Z'))
    await house.deliver(organizer, reply(guest, 'ACCEPTED', '20261125T120000Z'))
    await house.deliver(organizer, reply(guest, 'TENTATIVE', '20261127T100000Z', 'somebody@else.test'))
    await phone.syncAll(phone.folder('2'))
    await vi.waitFor(async () => expect(await stored()).toMatch(/PARTSTAT=DECLINED/), { timeout: 3000 })
    await anew()
    await phone.sync({ collections: [{ id: phone.folder('2'), key: '0' }] })
    await phone.syncAll(phone.folder('2'))
    await sleep(500)
    expect(await stored()).toMatch(/PARTSTAT=DECLINED/)
    expect(await stored()).not.toMatch(/PARTSTAT=(ACCEPTED|TENTATIVE)/)
    expect(await heard(guest, 1)).toEqual(['REQUEST 0 Budget'])
  })
})

describe('another time that a guest proposes', () => {
  const proposedTo = ({ data }: { readonly data: Element | undefined }): (string | undefined)[] => {
    const guestOf = descend(data!, 'Calendar:Attendees', 'Calendar:Attendee')
    return (['Calendar:AttendeeStatus', 'MeetingResponse:ProposedStartTime', 'MeetingResponse:ProposedEndTime'] as const).map(tag => text(guestOf, tag))
  }
  const shown = async (id = idOfMeeting()): Promise<(string | undefined)[]> => {
    await phone.syncAll(calendar())
    return proposedTo(phone.held(calendar()).items.get(id)!)
  }

  it('is shown in the mail and with the guest, to 16.1 alone, until the organizer moves the meeting', async () => {
    const { other, id } = await invited()
    await respond(other, { id, answer: 2, more: [sendResponse('Later?', ['2026-12-07T13:00:00.000Z', '2026-12-07T14:00:00.000Z'])] })
    await heard(organizer, 1)
    await phone.syncAll(phone.folder('2'))
    const [mail] = [...phone.held(phone.folder('2')).items.values()]
    expect(text(descend(mail!.data, 'Email:MeetingRequest'), 'MeetingResponse:ProposedStartTime')).toBe('20261207T130000Z')
    await vi.waitFor(async () => expect(await stored()).toContain('X-POSTERN-PROPOSED'), { timeout: 3000 })
    expect(await shown()).toEqual(['2', '20261207T130000Z', '20261207T140000Z'])
    const older = phoneOf(organizer, { version: '16.0', deviceId: 'OLDER' })
    await older.folderSync('0')
    await older.syncAll(calendar(), { class: 'Calendar' })
    expect(proposedTo([...older.held(calendar()).items.values()][0]!)).toEqual(['2', undefined, undefined])
    // What the phone says of the guest, as it was told, is no change of him.
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), data: [attendees(guest), el('Calendar:Reminder', '5')] }))
    expect(await stored()).toContain('X-POSTERN-PROPOSED')
    await phone.sync(commands({ kind: 'Change', id: idOfMeeting(), data: [el('Calendar:StartTime', '20261207T130000Z'), el('Calendar:EndTime', '20261207T140000Z')] }))
    expect(await heard(guest, 1)).toEqual(['REQUEST 1 Budget'])
    expect(await stored()).not.toContain('X-POSTERN-PROPOSED')
    const again = phoneOf(organizer, { deviceId: 'AGAIN' })
    await again.folderSync('0')
    await again.syncAll(calendar(), { class: 'Calendar' })
    expect(proposedTo([...again.held(calendar()).items.values()][0]!)).toEqual(['2', undefined, undefined])
  })

  it('of one occurrence of a series is kept with that one, and so is an answer', async () => {
    await phone.sync(commands(meeting(attendees(guest), el('Calendar:Recurrence', [
      el('Calendar:Type', '0'), el('Calendar:Interval', '1'), el('Calendar:Occurrences', '4'),
    ]))))
    const about = (method: string, day: string, partstat: string, lines: readonly string[]): string => [
      `From: ${guest.address}`, `To: ${organizer.address}`, 'Subject: Re', 'MIME-Version: 1.0', `Content-Type: text/calendar; method=${method}; charset=utf-8`, '',
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Other//EN', `METHOD:${method}`, 'BEGIN:VEVENT', `UID:uid-${users}`, 'DTSTAMP:20261126T100000Z', 'SEQUENCE:0',
      `RECURRENCE-ID:202612${day}T090000Z`, ...lines, `ORGANIZER:mailto:${organizer.address}`, 'ATTENDEE:mailto:third@else.test',
      `ATTENDEE;PARTSTAT=${partstat}:mailto:${guest.address}`, 'END:VEVENT', 'END:VCALENDAR', '',
    ].join('\r\n')
    await house.deliver(organizer, about('COUNTER', '10', 'NEEDS-ACTION', ['DTSTART:20261210T110000Z', 'DTEND:20261210T120000Z']))
    await house.deliver(organizer, about('REPLY', '09', 'DECLINED', ['DTSTART:20261209T090000Z']))
    await phone.syncAll(phone.folder('2'))
    await vi.waitFor(async () => expect((await stored()).match(/RECURRENCE-ID/g)).toHaveLength(2), { timeout: 3000 })
    expect(await stored()).toMatch(/X-POSTERN-PROPOSED="?20261210T090000Z/)
    await phone.syncAll(calendar())
    const { data } = phone.held(calendar()).items.get(idOfMeeting())!
    const exceptions = children(descend(data, 'Calendar:Exceptions')!, 'Calendar:Exception')
    expect(exceptions.map(one => proposedTo({ data: one }))).toEqual([['4', undefined, undefined], ['5', '20261210T110000Z', '20261210T120000Z']])
  })
})

describe('a meeting that is forwarded from the calendar', () => {
  it('invites who is named, once, and the organizer stays', async () => {
    await phone.sync(commands(meeting()))
    const third = house.user(users + 2)
    users++
    const forwardee = el('ComposeMail:Forwardees', [el('ComposeMail:Forwardee', [el('ComposeMail:Email', third.address), el('ComposeMail:Name', 'Third')])])
    const text = el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'Come along')])
    const forward = () => phone.smart('SmartForward', idOfMeeting(), '', { clientId: 'f1', save: false, more: [forwardee, text] })
    expect(await forward()).toBe('')
    await anew()
    expect(await forward()).toBe('')
    expect(await heard(third, 1)).toEqual(['REQUEST 0 FW: Budget'])
    const [mail] = await mailsIn(house, third)
    expect(mail).toContain('Come along')
    expect(calendarOf(mail!)).toMatch(new RegExp(`ORGANIZER[^\\r\\n]*${organizer.address}`, 'i'))
  })
})

describe('a meeting made by a phone of 14.1', () => {
  it('is mailed by the phone alone, and a server that schedules is told so', async () => {
    await begin('14.1')
    await phone.sync(commands(meeting()))
    expect(await stored()).toMatch(new RegExp(`ATTENDEE[^\\r\\n]*SCHEDULE-AGENT=CLIENT[^\\r\\n]*${guest.address}`, 'i'))
    await phone.sync(commands({ kind: 'Delete', id: idOfMeeting() }))
    expect(await heard(guest, 0)).toEqual([])
  })
})

describe('where the CalDAV server schedules', () => {
  let server: SchedulingServer
  let scheduled: Instance
  beforeAll(async () => {
    server = await schedulingServer(house.dav.url)
    scheduled = await startInstance(house, { dav: { url: server.url }, settings: { timeZone: 'Europe/Berlin' } })
  })
  afterAll(async () => {
    await scheduled.close()
    server.close()
  })

  it('nothing is mailed besides, and attendees are the server’s', async () => {
    phone = phoneOf(organizer, { url: scheduled.url })
    await phone.folderSync('0')
    await phone.syncAll(calendar())
    await phone.sync(commands(meeting()))
    expect(await stored()).not.toContain('SCHEDULE-AGENT')
    await phone.sync(commands({ kind: 'Delete', id: idOfMeeting() }))
    expect(await heard(guest, 0)).toEqual([])
    expect(server.quiet()).toBe(0)
  })

  it('a phone of 14.1 that calls off what another client has made tells them alone', async () => {
    await dav.put('theirs.ics', [
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Other//EN', 'BEGIN:VEVENT', 'UID:theirs', 'DTSTAMP:20261101T080000Z', 'SUMMARY:Theirs', 'DTSTART:20261207T090000Z',
      'DTEND:20261207T100000Z', `ORGANIZER:mailto:${organizer.address}`, `ATTENDEE:mailto:${guest.address}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'))
    phone = phoneOf(organizer, { url: scheduled.url, version: '14.1', deviceId: 'OLD' })
    await phone.folderSync('0')
    await phone.syncAll(calendar())
    server.edits.length = 0
    await phone.sync(commands({ kind: 'Delete', id: idOfMeeting() }))
    expect(server.edits).toEqual([expect.stringMatching(/ATTENDEE;SCHEDULE-AGENT=CLIENT/), 'DELETE'])
    expect((await dav.list()).size).toBe(0)
  })
})

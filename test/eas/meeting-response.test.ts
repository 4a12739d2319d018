import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { versions, type Version } from '../../src/eas/versions.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { decode, el, encodeSync } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { Failure } from '../../src/base/failure.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { golden } from '../support/golden.ts'
import { calendarOf, invitation, invitationMail, respond, responseBody, sendResponse, type Invited, type Response } from '../support/meetings.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { appointmentSet, berlinStruct, meetingSet, winmail, writePattern, writeTnef, type TnefProperty } from '../support/tnef-write.ts'

let account: MemoryUser
let server: EasServer
const calendar = 'c.1' as FolderId
const now = new Date('2026-11-25T10:12:00Z')
const invited = (more: Partial<Invited> = {}): Invited => ({ uid: 'budget', organizer: 'boss@other.test', attendee: account.person.addresses[0]!, ...more })

beforeEach(async () => {
  account = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin' }, account, () => now)
})
afterEach(() => server.stop())

const invite = (more: Partial<Invited> = {}): string => `f1:1:${account.deliver('inbox', invitationMail(invited(more))).toString(36)}`
const stored = (): string[] => [...account.collections.list(calendar).values()]
/** What changes from run to run. */
const steady = (mail: string): string => mail.replace(/boundary="?[^"\r\n]+"?/g, 'boundary="b"').replace(/^--[^\r\n]+?(--)?\r$/gm, '--b$1\r').replaceAll('\r\n', '\n')

describe.each(versions)('by %s', version => {
  it.each([['accept', 1], ['tentative', 2], ['decline', 3]] as const)('%s answers as recorded', async (name, answer) => {
    const phone = server.phone({ version })
    const later = version.startsWith('16')
    const request = responseBody([{ id: invite(), answer, more: later ? [sendResponse('See you')] : [] }])
    golden(`eas/meeting-response/${name}-${version}.request.xml`, printXml(decode(encodeSync(request))))
    const { status, bytes } = await phone.raw('MeetingResponse', request)
    expect(status).toBe(200)
    golden(`eas/meeting-response/${name}-${version}.response.xml`, printXml(decode(bytes)))
    expect(account.submitted).toHaveLength(later ? 1 : 0)
    if (version !== '16.1') return
    golden(`eas/meeting-response/${name}.reply.eml`, steady(account.submitted[0]!.message))
    if (answer !== 3) golden(`eas/meeting-response/${name}.ics`, stored()[0]!.replaceAll('\r\n', '\n'))
  })
})

describe('an invitation', () => {
  it('is moved to Trash, and what others have marked as deleted stays', async () => {
    const id = invite()
    const other = account.deliver('inbox', 'Subject: x\n\nx\n', { flags: ['\\Deleted'] })
    await respond(server.phone(), { id, answer: 1 })
    expect(account.list('inbox').map(({ uid }) => uid)).toEqual([other])
    expect(account.list('trash')).toHaveLength(1)
    expect(account.calls).not.toContain('remove')
  })

  it('that cannot be moved is answered all the same, once', async () => {
    const id = invite()
    account.failing.set('move', new Failure('unavailable', 'no'))
    expect(await respond(server.phone(), { id, answer: 1, more: [sendResponse()] })).toMatchObject([{ status: '1' }])
    server.forget()
    account.failing.clear()
    expect(await respond(server.phone(), { id, answer: 1, more: [sendResponse()] })).toMatchObject([{ status: '1' }])
    expect(account.submitted).toHaveLength(1)
    expect(account.list('inbox')).toEqual([])
  })

  it('to a meeting that is in the calendar already is that one, with what the user made of it', async () => {
    const mine = invitation(invited()).replace('METHOD:REQUEST\r\n', '').replace('END:VEVENT', 'CATEGORIES:Mine\r\nX-MY:own\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT')
    account.collections.put(calendar, 'theirs.ics', mine)
    await respond(server.phone(), { id: invite(), answer: 1 })
    expect(stored()).toHaveLength(1)
    // Nothing but the answer: it is the version that was there.
    const lines = (text: string): string[] => text.replaceAll('\r\n ', '').split('\r\n')
    const changed = lines(stored()[0]!).filter(line => !lines(mine).includes(line))
    expect(changed.map(line => line.replace(/:f1:1:.*/, ''))).toEqual([
      `ATTENDEE;CN=You;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:${account.person.addresses[0]}`, 'X-MICROSOFT-CDO-REPLYTIME:20261125T101200Z', 'X-POSTERN-ANSWERED',
    ])
    expect(lines(stored()[0]!)).toHaveLength(lines(mine).length + 2)
    await respond(server.phone(), { id: invite({ sequence: 1, hour: 15 }), answer: 1 })
    expect(stored()[0]).toMatch(/DTSTART;TZID=Europe\/Berlin:20261207T150000/)
    expect(stored()[0]).toMatch(/CATEGORIES:Mine/)
    expect(stored()[0]).toMatch(/TRIGGER:-PT5M/)
  })

  it('to one occurrence of a series is an exception of it, and declined it is left out', async () => {
    account.collections.put(calendar, 's.ics', invitation(invited({ lines: ['RRULE:FREQ=DAILY;COUNT=5'] })).replace('METHOD:REQUEST\r\n', ''))
    const instance = ['RECURRENCE-ID;TZID=Europe/Berlin:20261209T100000']
    await respond(server.phone(), { id: invite({ lines: instance, hour: 16, sequence: 1 }), answer: 1 })
    expect(stored()).toHaveLength(1)
    expect(stored()[0]).toMatch(/RRULE[^]*RECURRENCE-ID;TZID=Europe\/Berlin:20261209T100000/)
    await respond(server.phone(), { id: invite({ lines: instance, hour: 16, sequence: 2 }), answer: 3 })
    expect(stored()[0]).toMatch(/EXDATE[^\r\n]*20261209T100000/)
    expect(stored()[0]).not.toContain('RECURRENCE-ID')
  })

  it('to somebody who is asked by way of a list makes him one of those who come', async () => {
    await respond(server.phone(), { id: invite({ attendee: 'team@lists.test' }), answer: 1, more: [sendResponse()] })
    expect(stored()[0]!.replaceAll('\r\n ', '')).toMatch(new RegExp(`ATTENDEE[^\\r\\n]*PARTSTAT=ACCEPTED[^\\r\\n]*${account.person.addresses[0]}`))
    expect(calendarOf(account.submitted[0]!.message)).not.toContain('team@lists.test')
  })

  it('to another address of the user is answered from there', async () => {
    const alias = account.person.addresses[1]!
    await respond(server.phone(), { id: invite({ attendee: alias }), answer: 1, more: [sendResponse()] })
    expect(account.submitted[0]!.from).toBe(alias)
    expect(calendarOf(account.submitted[0]!.message)).toMatch(new RegExp(`^ATTENDEE;CN=You;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:${alias}`, 'm'))
  })

  it('is one answer of several in a request, each with a status of its own', async () => {
    const [one, two] = [invite(), invite({ uid: 'other' })]
    const answers = await respond(server.phone(), { id: one, answer: 1 }, { id: 'f1:1:zz', answer: 1 }, { id: two, answer: 3 })
    expect(answers.map(({ status }) => status)).toEqual(['1', '2', '1'])
    expect(answers[0]!.calendarId!.length).toBeLessThanOrEqual(64)
  })

  it('of a mailbox that cannot be read is for trying again', async () => {
    const id = invite()
    account.outage = new Failure('unavailable', 'away')
    expect(await respond(server.phone(), { id, answer: 1 })).toMatchObject([{ status: '3' }])
  })
})

describe('an invitation inside winmail.dat', () => {
  const id = Buffer.from('040000008200e00074c5b7101a82e00800000000a0d5c1e2f35bd901000000000000000004000000deadbeef', 'hex')
  const tnef = (messageClass: string, ...more: readonly TnefProperty[]): string => winmail(writeTnef({ messageClass, properties: [
    { id: [appointmentSet, 0x820d], value: new Date('2026-12-07T09:00:00Z') }, { id: [appointmentSet, 0x820e], value: new Date('2026-12-07T10:00:00Z') },
    { id: [appointmentSet, 0x8233], value: berlinStruct }, { id: [meetingSet, 3], value: id }, { id: [meetingSet, 0x1a], value: now }, ...more,
  ] })).replace('Subject: winmail', 'Subject: Budget').replace('anna@postern.test', `${account.person.addresses[0]!}, carl@else.test`)
  const deliver = (mail: string): string => `f1:1:${account.deliver('inbox', mail).toString(36)}`
  const series: TnefProperty = { id: [appointmentSet, 0x8216], value: writePattern({ frequency: 0x200a, type: 0, period: 1440, end: 'count', count: 3, first: '2026-12-07', time: 600 }) }

  it('is answered, and makes the event, which a phone then shows', async () => {
    const phone = server.phone()
    await phone.folderSync('0')
    const [answer] = await respond(phone, { id: deliver(tnef('IPM.Schedule.Meeting.Request', series)), answer: 1, more: [sendResponse('Yes')] })
    expect(answer).toMatchObject({ status: '1' })
    expect(calendarOf(account.submitted[0]!.message)).toMatch(new RegExp(`METHOD:REPLY[^]*UID:${id.toString('hex').toUpperCase()}`))
    expect(account.submitted[0]).toMatchObject({ to: ['bob@postern.test'] })
    expect(stored()[0]!.replaceAll('\r\n ', '')).toMatch(/DTSTART;TZID=Europe\/Berlin:20261207T100000[^]*RRULE:FREQ=DAILY;INTERVAL=1;COUNT=3/)
    expect(stored()[0]!.replaceAll('\r\n ', '')).toMatch(new RegExp(`ATTENDEE[^\\r\\n]*PARTSTAT=ACCEPTED[^\\r\\n]*${account.person.addresses[0]}`))
    await phone.syncAll('c.1', { class: 'Calendar' })
    expect([...phone.held('c.1').items.keys()]).toEqual([answer!.calendarId])
    expect(account.list('trash')).toHaveLength(1)
  })

  it('once, and declined it makes none', async () => {
    const message = deliver(tnef('IPM.Schedule.Meeting.Request'))
    await respond(server.phone(), { id: message, answer: 1, more: [sendResponse()] })
    server.forget()
    expect(await respond(server.phone(), { id: message, answer: 1, more: [sendResponse()] })).toMatchObject([{ status: '1' }])
    expect(await respond(server.phone(), { id: deliver(tnef('IPM.Schedule.Meeting.Request')), answer: 3, more: [sendResponse()] })).toMatchObject([{ status: '1' }])
    expect(stored()).toEqual([])
    expect(account.submitted).toHaveLength(2)
  })

  it.each(['IPM.Schedule.Meeting.Canceled', 'IPM.Note'])('of class %s is nothing to answer', async messageClass => {
    expect(await respond(server.phone(), { id: deliver(tnef(messageClass)), answer: 1 })).toMatchObject([{ status: '2' }])
    expect(stored()).toEqual([])
  })
})

it.each<[what: string, wish: Partial<Response>, version: Version, status: string]>([
  ['no InstanceId before 14.1', { instance: '2026-12-07T09:00:00.000Z' }, '14.0', '2'],
  ['an InstanceId of a message', { instance: '2026-12-07T09:00:00.000Z' }, '16.1', '2'],
  ['an empty InstanceId', { instance: '' }, '16.1', '2'],
  ['an InstanceId without punctuation', { instance: '20261207T090000Z' }, '16.1', '104'],
  ['no SendResponse before 16.0', { more: [sendResponse()] }, '14.1', '2'],
  ['no proposal before 16.1', { more: [sendResponse(undefined, ['20261207T130000Z', '20261207T140000Z'])] }, '16.0', '2'],
  ['a proposal that ends before it begins', { more: [sendResponse(undefined, ['20261207T150000Z', '20261207T140000Z'])] }, '16.1', '2'],
  ['another UserResponse', { answer: 7 as 3 }, '16.1', '2'],
  ['another folder', { folder: 'f2' }, '16.1', '2'],
])('%s is refused', async (_, wish, version, status) => {
  expect(await respond(server.phone({ version }), { id: invite(), answer: 1, ...wish })).toMatchObject([{ status }])
  expect(stored()).toEqual([])
})

it('a LongId beside other ids is refused', async () => {
  const id = invite()
  const request = responseBody([{ id, answer: 1, longId: true, more: [el('MeetingResponse:RequestId', id)] }])
  const { bytes } = await server.phone().raw('MeetingResponse', request)
  expect(printXml(decode(bytes))).toContain('>2<')
})

describe('a meeting in the calendar', () => {
  const series = (): string => {
    account.collections.put(calendar, 's.ics', invitation(invited({ lines: ['RRULE:FREQ=DAILY;COUNT=5'] })).replace('METHOD:REQUEST\r\n', ''))
    return 'c.1:os'
  }
  const instance = '2026-12-09T09:00:00.000Z'

  it.each(['2.5', '12.0', '12.1', '14.0'] as const)('is not answered by %s', async version => {
    expect(await respond(server.phone({ version }), { id: series(), answer: 1 })).toMatchObject([{ status: '2' }])
  })

  it.each(['14.1', '16.0', '16.1'] as const)('is answered for one occurrence by %s, which is told back', async version => {
    const id = series()
    expect(await respond(server.phone({ version }), { id, answer: 1, instance })).toEqual([{ status: '1', requestId: id, calendarId: id, instanceId: instance }])
    expect(stored()[0]).toMatch(/PARTSTAT=NEEDS-ACTION[^]*RECURRENCE-ID[^]*PARTSTAT=ACCEPTED/)
  })

  it('is answered as a whole without an InstanceId, its exceptions too', async () => {
    const id = series()
    const phone = server.phone()
    await respond(phone, { id, answer: 2, instance })
    await respond(phone, { id, answer: 1, more: [sendResponse()] })
    expect(stored()[0]!.replaceAll('\r\n ', '').match(/PARTSTAT=ACCEPTED;RSVP/g)).toHaveLength(2)
    expect(stored()[0]).not.toMatch(/PARTSTAT=(TENTATIVE|NEEDS)/)
    expect(calendarOf(account.submitted[0]!.message)).not.toContain('RECURRENCE-ID')
  })

  it('is removed where it is declined, or the one occurrence is left out', async () => {
    const id = series()
    const phone = server.phone()
    expect(await respond(phone, { id, answer: 3, instance })).toMatchObject([{ status: '1', calendarId: undefined }])
    expect(stored()[0]).toMatch(/EXDATE[^\r\n]*20261209T100000/)
    expect(await respond(phone, { id, answer: 3 })).toMatchObject([{ status: '1', calendarId: undefined }])
    expect(stored()).toEqual([])
  })

  it.each([
    ['that happens once has no instance', [], '146', instance], ['has no instance on another day', ['RRULE:FREQ=DAILY;COUNT=2'], '2', instance],
    ['has no instance that was left out', ['RRULE:FREQ=DAILY;COUNT=5', 'EXDATE;TZID=Europe/Berlin:20261209T100000'], '2', instance],
  ])('%s', async (_, lines, status, wanted) => {
    account.collections.put(calendar, 's.ics', invitation(invited({ lines })).replace('METHOD:REQUEST\r\n', ''))
    expect(await respond(server.phone(), { id: 'c.1:os', answer: 1, instance: wanted })).toMatchObject([{ status }])
  })

  it('of the user’s own is nothing to answer', async () => {
    account.collections.put(calendar, 's.ics', invitation(invited({ organizer: account.person.addresses[0]! })).replace('METHOD:REQUEST\r\n', ''))
    expect(await respond(server.phone(), { id: 'c.1:os', answer: 1 })).toMatchObject([{ status: '2' }])
  })
})

it('more than 100 requests are refused as a whole', async () => {
  const id = invite()
  const { bytes } = await server.phone().raw('MeetingResponse', responseBody(Array.from({ length: 101 }, () => ({ id, answer: 1 as const }))))
  expect(printXml(decode(bytes))).toMatch(/<MeetingResponse[^>]*>\s*<Status>103/)
  expect(stored()).toEqual([])
})

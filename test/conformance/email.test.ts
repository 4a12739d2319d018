import { afterAll, beforeAll, expect, it } from 'vitest'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import { child, decode, text, type Tag } from '../../src/wire/wbxml.ts'
import { descend } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { OptionsWish } from '../support/eas-sync.ts'
import { keepAll } from './kept.ts'
import { readSchema } from './schema.ts'
import { validate, type Seen } from './validate.ts'

const schema = readSchema()
const item = 'AirSync:Sync/AirSync:Collections/AirSync:Collection/AirSync:Commands/AirSync:Add/AirSync:ApplicationData'

/** What no mailbox tells, or nobody can have asked for here. */
const never = [
  /UmCallerID|UmUserNotes|UmAttDuration|UmAttOrder/, // voice mail
  /RightsManagement:/, /Email2:AccountId$/, // one account
  /Tasks:OrdinalDate$|Tasks:SubOrdinalDate$/,
  /ItemOperations:Part$/, // parts of ItemOperations
  /Contacts:/, // the recipient cache
  /AirSyncBase:Location\/AirSyncBase:(?!DisplayName)/, /ComposeMail:Forwardee/,
  new RegExp(`^${item}/(Contacts2?:|Calendar:|Tasks:|Notes:|AirSyncBase:Location)`), // other classes
]

const meeting = (method: string, ...lines: string[]): string => [
  'From: "Olga" <olga@x.test>', 'To: anna@postern.test', 'Subject: Plan', `Content-Type: text/calendar; charset=utf-8; method=${method}`, '',
  'BEGIN:VCALENDAR', `METHOD:${method}`, 'BEGIN:VEVENT', 'UID:1@x.test', 'DTSTAMP:20261101T080000Z', 'DTSTART;TZID=Europe/Berlin:20261123T090000',
  'DTEND;TZID=Europe/Berlin:20261123T100000', 'SUMMARY:Plan', 'LOCATION:Room 1', 'ORGANIZER;CN=Olga:mailto:olga@x.test',
  'ATTENDEE;RSVP=TRUE:mailto:anna@postern.test', ...lines, 'BEGIN:VALARM', 'TRIGGER:-PT15M', 'ACTION:DISPLAY', 'END:VALARM', 'END:VEVENT', 'END:VCALENDAR', '',
].join('\r\n')

const files = [
  'From: "Boss" <boss@x.test>', 'Sender: "Secretary" <sec@x.test>', 'To: "Anna" <anna@postern.test>', 'Cc: carl@x.test', 'Bcc: anna@postern.test',
  'Reply-To: office@x.test', 'Subject: Re: files', 'Message-ID: <2@x.test>', 'References: <1@x.test>', 'Importance: high',
  'Content-Type: multipart/mixed; boundary=m', '', '--m', 'Content-Type: multipart/related; boundary=r', '',
  '--r', 'Content-Type: text/html; charset=utf-8', '', `<p>Look: <img src="cid:pic@x"></p><p>${'more '.repeat(200)}</p>`,
  '--r', 'Content-Type: image/png; name=pic.png', 'Content-ID: <pic@x>', 'Content-Location: pics/pic.png', 'Content-Disposition: inline',
  'Content-Transfer-Encoding: base64', '', 'iVBORw0KGgo=', '--r--', '--m--', '',
].join('\r\n')

const messages: readonly (readonly [octets: string, flags: readonly string[]])[] = [
  [files, ['\\Flagged', '\\Answered', 'Work', '$Postern-start-2026-11-24T00:00+01:00', '$Postern-due-2026-11-27T00:00+01:00', '$Postern-remind-2026-11-24T07:30Z']],
  ['Subject: done\r\n\r\ndone\r\n', ['$Completed', '$Postern-done-2026-11-24T09:00+01:00']],
  [meeting('REQUEST', 'RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=5'), []],
  [meeting('REQUEST', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=23;UNTIL=20301123T080000Z'), []],
  [meeting('REQUEST', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4MO'), []],
  [meeting('REQUEST', 'RECURRENCE-ID:20261122T080000Z'), []],
  [meeting('COUNTER'), []],
]

let server: EasServer
beforeAll(async () => {
  server = await easServer()
  for (const [octets, flags] of messages) server.account.deliver('inbox', octets, { flags: [...flags] })
  server.account.deliver('Sent', 'From: anna@postern.test\r\nTo: boss@x.test\r\nSubject: Re: files\r\nIn-Reply-To: <2@x.test>\r\n\r\nYes.\r\n')
})
afterAll(() => {
  keepAll(server)
  return server.stop()
})

/** All that a phone of this version is told of the mail above. */
async function told(version: Version): Promise<Seen> {
  const phone = server.phone({ version, deviceId: `D${version.replace('.', '')}` })
  await phone.folderSync('0')
  const inbox = phone.folder('Inbox'), seen: Seen = new Map()
  const parts = since(version, '14.1') ? [{ part: { size: 20, preview: 10 } }, { part: {} }] : []
  const wishes: OptionsWish[] = [{ bodies: [{ type: 2, size: 20, preview: 10 }] }, { bodies: [{ type: 1 }] }, { mimeSupport: 2, mimeTruncation: 1 }, ...parts]
  for (const wish of wishes) {
    await phone.sync({ collections: [{ id: inbox, key: '0' }] })
    const { bytes } = await phone.sync({ collections: [{ id: inbox, options: { truncation: 1, ...wish } }] })
    expect(validate(schema, 'Sync', version, decode(bytes), seen)).toEqual([])
  }
  return seen
}

it.each(versions)('every element that mail has in version %s is told, as the document has it', async version => {
  const seen = await told(version)
  const expected = [...schema.paths].filter(([path, list]) => path.startsWith(`${item}/`) && list.some(one => one.versions.has(version)))
    .map(([path]) => path).filter(path => !never.some(one => one.test(path)))
  expect(expected.filter(path => !seen.has(path)).map(path => path.slice(item.length + 1))).toEqual([])
})

it.each<[what: string, lines: string[], version: Version, tag: Tag, told: string | undefined]>([
  ['of somebody who works elsewhere', ['X-MICROSOFT-CDO-INTENDEDSTATUS:WORKINGELSEWHERE'], '16.0', 'Email:BusyStatus', '4'],
  ...(['2.5', '12.0', '12.1', '14.0', '14.1'] as const).map((version): [string, string[], Version, Tag, string] =>
    [`of somebody who works elsewhere, before 16.0: ${version}`, ['X-MICROSOFT-CDO-INTENDEDSTATUS:WORKINGELSEWHERE'], version, 'Email:BusyStatus', '0']),
  ['that says nothing of it', [], '16.1', 'Email:BusyStatus', '2'],
  ['that may be countered', [], '16.1', 'Email:DisallowNewTimeProposal', '0'],
  ['that may not be countered', ['X-MICROSOFT-DISALLOW-COUNTER:TRUE'], '16.1', 'Email:DisallowNewTimeProposal', '1'],
  ['of hours', [], '16.1', 'Email:AllDayEvent', '0'],
  ['of a day', ['X-MICROSOFT-CDO-ALLDAYEVENT:TRUE'], '16.1', 'Email:AllDayEvent', '1'],
  ['that is answered', [], '16.1', 'Email:ResponseRequested', '1'],
  ['that is the first', [], '14.1', 'Email2:MeetingMessageType', '1'],
  ['that is an update', ['SEQUENCE:2'], '14.1', 'Email2:MeetingMessageType', '2'],
  ['to a meeting of its own', [], '16.1', 'Email:RecurrenceId', undefined],
  ['to a series', ['RRULE:FREQ=DAILY'], '16.1', 'Email:RecurrenceId', undefined],
  ['to an instance', ['RECURRENCE-ID:20261122T080000Z'], '16.1', 'Email:RecurrenceId', '2026-11-22T08:00:00.000Z'],
  ['to a meeting of its own alone', [], '16.1', 'Email:InstanceType', '0'],
  ['to a series as such', ['RRULE:FREQ=DAILY'], '16.1', 'Email:InstanceType', '1'],
  ['to an instance that was moved', ['RECURRENCE-ID:20261122T080000Z'], '16.1', 'Email:InstanceType', '3'],
  ['that is private', ['CLASS:PRIVATE'], '16.1', 'Email:Sensitivity', '2'],
])('an invitation %s', async (_, lines, version, tag, expected) => {
  const own = await easServer()
  own.account.deliver('inbox', meeting('REQUEST', ...lines))
  const phone = own.phone({ version })
  await phone.syncAll('f1')
  const [item] = [...phone.held('f1').items.values()]
  expect(text(child(item!.data!, 'Email:MeetingRequest')!, tag)).toBe(expected)
  await own.stop()
})

it.each<[rule: string, type: string, calendar: string | undefined]>([
  ['FREQ=DAILY', '0', undefined], ['FREQ=WEEKLY', '1', undefined], ['FREQ=MONTHLY', '2', '0'], ['FREQ=MONTHLY;BYDAY=-1FR', '3', '0'],
  ['FREQ=YEARLY', '5', '0'], ['FREQ=YEARLY;BYMONTH=11;BYDAY=4MO', '6', '0'],
])('a series by %s says of which calendar its months are, where it counts them', async (rule, type, calendar) => {
  const own = await easServer()
  own.account.deliver('inbox', meeting('REQUEST', `RRULE:${rule}`))
  const phone = own.phone({ version: '14.0' })
  await phone.syncAll('f1')
  const [item] = [...phone.held('f1').items.values()]
  const recurrence = descend(item!.data, 'Email:MeetingRequest', 'Email:Recurrences', 'Email:Recurrence')
  expect([text(recurrence, 'Email:Type'), text(recurrence, 'Email2:CalendarType')]).toEqual([type, calendar])
  await own.stop()
})

import { expect, it } from 'vitest'
import { hear, hearOne, isSince, removeOne, say, uidOf } from '../../../src/eas/map/calendar.ts'
import type { Version } from '../../../src/eas/versions.ts'
import { readZoneBlob } from '../../../src/formats/zone-blob.ts'
import { el, type Element, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { calendarOf } from '../../support/events.ts'

type Fields = Readonly<Record<string, string | readonly Node[]>>
const tagOf = (name: string): Tag => (name.includes(':') ? name : `Calendar:${name}`) as Tag
const nodes = (fields: Fields): Node[] => Object.entries(fields).map(([name, value]) => el(tagOf(name), value))
const data = (fields: Fields): Element => arrived(nodes(fields))
const text = (octets: Uint8Array): string => Buffer.from(octets).toString().replace(/\r\n[ \t]/g, '').replaceAll('\r\n', '\n')

const berlin = (day: string, from = '090000', to = '100000'): string => `DTSTART;TZID=Europe/Berlin:${day}T${from}\nDTEND;TZID=Europe/Berlin:${day}T${to}`
const tuesday = berlin('20260901')
const weekly = `${tuesday}\nRRULE:FREQ=WEEKLY;BYDAY=TU`
const guests = 'ORGANIZER;CN=Anna:mailto:anna@x.example\nATTENDEE;PARTSTAT=ACCEPTED;CN=Bob:mailto:bob@x.example'

/** The texts of an element wherever it is, in order; `undefined` where it is nowhere. */
function told(octets: Uint8Array, version: Version, name: string, more = {}): string | undefined {
  const found: string[] = []
  const walk = (one: Element): void => {
    if (one.tag === tagOf(name)) found.push(one.text)
    one.children.forEach(walk)
  }
  walk(arrived(say(octets, contextOf(version, more))))
  return found.length > 0 ? found.join(' ') : undefined
}
const tell = (lines: string, version: Version, names: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(names.map(name => [name, told(calendarOf(lines), version, name)]))

it.each<[string, string, Version, Record<string, string | undefined>]>([
  ['trap 39: days up to 14.1 begin by the clock of the user', 'DTSTART;VALUE=DATE:20261003', '14.1', { AllDayEvent: '1', StartTime: '20261002T220000Z', EndTime: '20261003T220000Z' }],
  ['trap 40: days from 16.0 on are dates, without a zone', 'DTSTART;VALUE=DATE:20261003', '16.0', { StartTime: '20261003T000000Z', EndTime: '20261004T000000Z', Timezone: undefined }],
  ['trap 41: three days end with the third', 'DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227', '16.1', { StartTime: '20261224T000000Z', EndTime: '20261227T000000Z' }],
  ['trap 41: a day that ends when it begins is one', 'DTSTART;VALUE=DATE:20261003\nDTEND;VALUE=DATE:20261003', '16.1', { EndTime: '20261004T000000Z' }],
  ['trap 42: no end is no length', 'DTSTART;TZID=Europe/Berlin:20260901T090000', '16.1', { StartTime: '20260901T070000Z', EndTime: '20260901T070000Z', AllDayEvent: '0' }],
  ['trap 43: floating is by the clock of the user', 'DTSTART:20260901T120000\nDTEND:20260901T130000', '14.1', { StartTime: '20260901T100000Z' }],
  ['trap 44: EXDATE in any form is the original start in UTC',
    `${tuesday}\nRRULE:FREQ=DAILY;COUNT=9\nEXDATE;TZID=Europe/Berlin:20260902T090000,20260903T090000\nEXDATE:20260904T070000Z\nEXDATE;VALUE=DATE:20260905\nEXDATE;TZID=America/New_York:20260906T030000`,
    '14.1', { ExceptionStartTime: '20260902T070000Z 20260903T070000Z 20260904T070000Z 20260905T070000Z 20260906T070000Z', Deleted: '1 1 1 1 1' }],
  ['trap 44: an EXDATE of no occurrence is none', `${weekly}\nEXDATE:20260907T123456Z`, '14.1', { Deleted: undefined }],
  ['trap 49: the last Friday', `${berlin('20260925')}\nRRULE:FREQ=MONTHLY;BYDAY=-1FR`, '14.1', { Type: '3', WeekOfMonth: '5', DayOfWeek: '32' }],
  ['trap 49: the last day of a month', `${berlin('20260930')}\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1`, '14.1', { Type: '3', WeekOfMonth: '5', DayOfWeek: '127' }],
  ['trap 50: the second Sunday of May', `${berlin('20260510')}\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU`, '12.1', { Type: '6', MonthOfYear: '5', WeekOfMonth: '2', CalendarType: undefined }],
  ['trap 51: working days', `${tuesday}\nRRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR`, '16.1', { Type: '1', DayOfWeek: '62', FirstDayOfWeek: '1' }],
  ['trap 51: a week without days has that of the start', `${tuesday}\nRRULE:FREQ=WEEKLY;WKST=SU`, '16.1', { DayOfWeek: '4', FirstDayOfWeek: '0' }],
  ['trap 52: what EAS cannot say is told as far as there is room', `${tuesday}\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15`, '16.1', { Type: '0', Interval: '1', Occurrences: '257' }],
  ['trap 53: UNTIL as a date counts the whole day', `${weekly};UNTIL=20261215`, '14.1', { Until: '20261215T080000Z' }],
  ['trap 53: UNTIL by the clock', `DTSTART:20260901T090000\nRRULE:FREQ=DAILY;UNTIL=20260910T090000`, '14.1', { Until: '20260910T070000Z' }],
  ['trap 53: COUNT up to 999', `${tuesday}\nRRULE:FREQ=DAILY;COUNT=5000`, '14.1', { Occurrences: '999', Until: undefined }],
  ['trap 54: the UID that is stored', tuesday, '16.1', { UID: 'sample@postern.test' }],
  ['trap 56: the nearest alarm that is shown', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1D\nEND:VALARM\nBEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-PT5M\nEND:VALARM\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT30M\nEND:VALARM`, '14.1', { Reminder: '30' }],
  ['trap 56: a week before', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1W\nEND:VALARM`, '14.1', { Reminder: '10080' }],
  ['trap 56: from the end', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=END:-PT90M\nEND:VALARM`, '14.1', { Reminder: '30' }],
  ['trap 56: at a fixed time', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20260901T060000Z\nEND:VALARM`, '14.1', { Reminder: '60' }],
  ['trap 56: at the start', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:PT0S\nEND:VALARM`, '14.1', { Reminder: '0' }],
  ['trap 56: after the start is none', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:PT10M\nEND:VALARM`, '14.1', { Reminder: undefined }],
  ['trap 57: elsewhere is free up to 14.1', `${tuesday}\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE`, '14.1', { BusyStatus: '0' }],
  ['trap 57: elsewhere from 16.0 on', `${tuesday}\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE`, '16.0', { BusyStatus: '4' }],
  ['trap 57: out of office', `${tuesday}\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\nTRANSP:OPAQUE`, '2.5', { BusyStatus: '3' }],
  ['trap 57: TRANSP against what Outlook once wrote', `${tuesday}\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\nTRANSP:TRANSPARENT`, '14.1', { BusyStatus: '0' }],
  ['trap 57: tentative', `${tuesday}\nSTATUS:TENTATIVE`, '14.1', { BusyStatus: '1' }],
  ['trap 58: private', `${tuesday}\nCLASS:PRIVATE`, '14.1', { Sensitivity: '2' }], ['trap 58: personal', `${tuesday}\nCLASS;X-SENSITIVITY=PERSONAL:PRIVATE`, '14.1', { Sensitivity: '1' }],
  ['trap 58: a class of its own is private', `${tuesday}\nCLASS:X-SECRET`, '14.1', { Sensitivity: '2' }], ['trap 58: confidential', `${tuesday}\nCLASS:CONFIDENTIAL`, '14.1', { Sensitivity: '3' }],
  ['trap 59: the organizer is no attendee; a room is a resource; who delegated has no answer; who has no name is called by his address',
    `${tuesday}\nORGANIZER:mailto:anna@x.example\nATTENDEE;ROLE=CHAIR:mailto:anna@x.example\nATTENDEE;CUTYPE=ROOM;ROLE=NON-PARTICIPANT:mailto:room@x.example\n` +
    'ATTENDEE;ROLE=NON-PARTICIPANT;PARTSTAT=DELEGATED:mailto:dan@x.example\nATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE;CN="Doe, J":mailto:doe@x.example',
    '14.1', { Email: 'room@x.example dan@x.example doe@x.example', Name: 'room dan Doe, J', AttendeeType: '3 2 2', AttendeeStatus: '5 0 2' }],
  ['trap 59: 2.5 has neither type nor answer', `${tuesday}\n${guests}`, '2.5', { Email: 'bob@x.example', AttendeeType: undefined, AttendeeStatus: undefined }],
  ['trap 60: an appointment', tuesday, '14.1', { MeetingStatus: '0', ResponseType: '0', OrganizerEmail: undefined }],
  ['trap 60: one that is off is no meeting either', `${tuesday}\nSTATUS:CANCELLED`, '14.1', { MeetingStatus: '0' }],
  ['trap 60: a meeting of the user', `${tuesday}\n${guests}`, '14.1', { MeetingStatus: '1', ResponseType: '1', OrganizerEmail: 'anna@x.example', OrganizerName: 'Anna' }],
  ['trap 60: a meeting nobody says is whose', `${tuesday}\nATTENDEE:mailto:bob@x.example`, '14.1', { MeetingStatus: '1', OrganizerEmail: 'anna@x.example', OrganizerName: 'Anna' }],
  ['trap 60: a meeting of another', `${tuesday}\nORGANIZER:mailto:bob@x.example\nATTENDEE;PARTSTAT=DECLINED;RSVP=TRUE:mailto:A.ROE@x.example`, '14.1', { MeetingStatus: '3', ResponseType: '4', ResponseRequested: '1' }],
  ['trap 60: the user comes by a list', `${tuesday}\nORGANIZER:mailto:bob@x.example\nATTENDEE:mailto:all@x.example`, '14.1', { MeetingStatus: '3', ResponseType: '5' }],
  ['trap 60: cancelled by the user', `${tuesday}\n${guests}\nSTATUS:CANCELLED`, '14.1', { MeetingStatus: '5' }],
  ['trap 60: cancelled by another', `${tuesday}\nORGANIZER:mailto:bob@x.example\nSTATUS:CANCELLED`, '14.1', { MeetingStatus: '7' }],
  ['nobody has answered: no time of an answer', `${tuesday}\nORGANIZER:mailto:bob@x.example\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@x.example\nX-MICROSOFT-CDO-REPLYTIME:20260801T101500Z`, '14.1', { AppointmentReplyTime: undefined }],
  ['12.1 has no answers', `${tuesday}\n${guests}`, '12.1', { ResponseType: undefined, ResponseRequested: undefined, DisallowNewTimeProposal: undefined }],
  ['14.0 has no links, and no first day', `${weekly}\nCONFERENCE;VALUE=URI:https://meet.example/1`, '14.0', { OnlineMeetingExternalLink: undefined, FirstDayOfWeek: undefined, CalendarType: undefined }],
  ['14.1 has both', `${weekly}\nCONFERENCE;VALUE=URI:https://meet.example/1`, '14.1', { OnlineMeetingExternalLink: 'https://meet.example/1', FirstDayOfWeek: '1' }],
  ['trap 66: a file is told from 16.0 on', `${tuesday}\nATTACH;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=`, '14.1', { 'AirSyncBase:DisplayName': undefined }],
  ['trap 66: with its name and size', `${tuesday}\nATTACH;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=`, '16.1', { 'AirSyncBase:DisplayName': 'a.txt', 'AirSyncBase:EstimatedDataSize': '5' }],
  ['trap 45: an exception is bound by its instant', `${weekly}\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\nRECURRENCE-ID:20260908T070000Z\nDTSTART:20260908T080000Z\nDTEND:20260908T090000Z`, '14.1', { ExceptionStartTime: '20260908T070000Z' }],
  ['trap 45: or by its date', `${weekly}\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\nRECURRENCE-ID;VALUE=DATE:20260908\nSUMMARY:x`, '16.1', { 'AirSyncBase:InstanceId': '20260908T070000Z', StartTime: '20260901T070000Z 20260908T070000Z' }],
])('%s', (_, lines, version, expected) => {
  expect(tell(lines, version, Object.keys(expected))).toEqual(expected)
})

// Traps 35, 36, 37
it.each<[string, string, string]>([
  ['Berlin', tuesday, '-60'], ['Windows', 'DTSTART;TZID=W. Europe Standard Time:20260901T090000', '-60'], ['Lotus', 'DTSTART;TZID=Romance:20260901T090000', '-60'],
  ['Kathmandu', 'DTSTART;TZID=Asia/Kathmandu:20260901T090000', '-345'], ['Lord Howe', 'DTSTART;TZID=Australia/Lord_Howe:20260901T090000', '-630'],
  ['Dublin', 'DTSTART;TZID=Europe/Dublin:20260901T090000', '0'],
])('the blob of an event in %s has its rules', (_, lines, bias) => {
  const blob = readZoneBlob(told(calendarOf(`${lines}\nX-A:1`), '14.1', 'Timezone')!)
  expect(String(blob?.rules.bias)).toBe(bias)
})

it('a series of long ago has the rules of today, as it goes on', () => {
  const series = calendarOf('DTSTART;TZID=America/New_York:20050301T090000\nRRULE:FREQ=WEEKLY')
  expect(readZoneBlob(told(series, '14.1', 'Timezone')!)?.rules.daylight?.begins).toMatchObject({ month: 3, week: 2 })
  const over = calendarOf('DTSTART;TZID=America/New_York:20050301T090000\nRRULE:FREQ=WEEKLY;UNTIL=20051201T000000Z')
  expect(readZoneBlob(told(over, '14.1', 'Timezone')!)?.rules.daylight?.begins).toMatchObject({ month: 4, week: 1 })
})

it.each<[string, string, string, boolean]>([
  ['one that is over', tuesday, '2026-09-02', false], ['one that is to come', tuesday, '2026-08-01', true], ['one that goes on', berlin('20260901', '090000', '230000'), '2026-09-01T12:00:00', true],
  ['a series without an end', weekly, '2030-01-01', true], ['a series that is over', `${weekly};COUNT=3`, '2026-10-01', false],
  ['a series that is not yet over', `${weekly};UNTIL=20261201T080000Z`, '2026-11-25', true], ['a series that is over by now', `${weekly};UNTIL=20261201T080000Z`, '2026-12-02', false],
  ['an exception after the end of a series', `${weekly};COUNT=2\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\nRECURRENCE-ID:20260908T070000Z\n${berlin('20261224')}`, '2026-12-01', true],
])('%s is in the window or not', (_, lines, since, expected) => {
  expect(isSince(calendarOf(lines), new Date(`${since.slice(0, 10)}T${since.slice(11) || '00:00:00'}Z`), contextOf('16.1'))).toBe(expected)
})

it('the whole occurrence changes with hearOne and goes with removeOne; a day without one is refused', () => {
  const octets = calendarOf(`${weekly}\nSUMMARY:x`)
  expect(text(hearOne(octets, '20260908T070000Z', data({ Subject: 'y' }), contextOf('16.1')))).toContain('RECURRENCE-ID;TZID=Europe/Berlin:20260908T090000')
  expect(text(removeOne(octets, '20260908T070000Z', contextOf('16.1')))).toContain('\nEXDATE;TZID=Europe/Berlin:20260908T090000\n')
  const twice = removeOne(removeOne(octets, '20260908T070000Z', contextOf('16.1')), '20260908T070000Z', contextOf('16.1'))
  expect(text(twice).match(/EXDATE/g)).toHaveLength(1)
  for (const at of ['20260909T070000Z', '20200101T000000Z']) {
    expect(() => removeOne(octets, at, contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'not-found' }))
  }
  expect(() => removeOne(octets, 'never', contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('the UID of a new event: that of the client, or one of our own', () => {
  const times = { StartTime: '20261201T080000Z', EndTime: '20261201T090000Z' }
  const of = (fields: Fields, version: Version): string => uidOf(hear(undefined, data({ ...times, ...fields }), contextOf(version)), contextOf(version))
  expect(of({ ClientUid: 'abc-1' }, '16.1')).toBe('abc-1')
  expect(of({ UID: '{1234}\0' }, '14.1')).toBe('{1234}')
  expect(of({ UID: 'not in 16.1' }, '16.1')).toMatch(/^[\da-f-]{36}$/)
})

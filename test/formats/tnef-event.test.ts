import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { readEvent } from '../../src/formats/event-read.ts'
import { readTnef } from '../../src/formats/tnef.ts'
import { tnefEvent, type TnefHead } from '../../src/formats/tnef-event.ts'
import { tnefInvitation } from '../../src/formats/tnef-invitation.ts'
import { readTnefSeries } from '../../src/formats/tnef-recurrence.ts'
import { createZones } from '../../src/formats/zones.ts'
import { mutations } from '../support/fuzz.ts'
import { appointmentSet, berlinStruct, meetingSet, writePattern, writeTnef, type Pattern, type TnefProperty } from '../support/tnef-write.ts'

const zones = createZones()
const context = { zones, zone: zones.named('Europe/Berlin')! }
const head: TnefHead = {
  organizer: { name: 'Boss', address: 'boss@other.test' }, subject: 'Budget',
  to: [{ name: 'Anna', address: 'anna@postern.test' }, { address: 'BOSS@other.test' }], cc: [{ address: 'carl@x.test' }, { address: 'Anna@postern.test' }],
}
const id = Buffer.from('040000008200e00074c5b7101a82e00800000000a0d5c1e2f35bd901000000000000000004000000deadbeef', 'hex')
const instanceId = Buffer.from(id)
instanceId.writeUInt32BE(0x07ea0c09, 16)

const stream = (more: readonly TnefProperty[] = [], messageClass = 'IPM.Schedule.Meeting.Request', uid: TnefProperty = { id: [meetingSet, 3], value: id }): Buffer => writeTnef({ messageClass, properties: [
  { id: [appointmentSet, 0x820d], value: new Date('2026-12-07T09:00:00Z') }, { id: [appointmentSet, 0x820e], value: new Date('2026-12-07T10:00:00Z') },
  { id: [appointmentSet, 0x8208], value: 'Room 1' }, { id: [appointmentSet, 0x8224], value: 3 }, { id: [appointmentSet, 0x8201], value: 4 },
  { id: [meetingSet, 0x1a], value: new Date('2026-11-20T08:00:00Z') }, uid, { id: 0x1000, value: 'Please come.' }, ...more,
] })
const berlin: TnefProperty = { id: [appointmentSet, 0x8233], value: berlinStruct }
const pattern = (wish: Pattern): TnefProperty => ({ id: [appointmentSet, 0x8216], value: writePattern(wish) })
const made = (...more: readonly TnefProperty[]): string => Buffer.from(tnefEvent(readTnef(stream(more)), head, context)).toString().replace(/\r\n[ \t]/g, '')
const lines = (text: string, names: RegExp): string[] =>
  text.replace(/BEGIN:VTIMEZONE[^]*END:VTIMEZONE\r\n/, '').split('\r\n').filter(line => names.test(line))

it('a meeting in a TNEF stream is an event with all that the stream and the message say', () => {
  expect(made(berlin).replace(/BEGIN:VTIMEZONE[^]*END:VTIMEZONE\r\n/, '').split('\r\n').filter(line => !/^(BEGIN|END|VERSION|PRODID|CALSCALE)/.test(line)).sort()).toEqual([
    'ATTENDEE;CN=Anna;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:anna@postern.test',
    'ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:carl@x.test',
    'CREATED:20261120T080000Z', 'DESCRIPTION:Please come.', 'DTEND;TZID=Europe/Berlin:20261207T110000', 'DTSTAMP:20261120T080000Z',
    'DTSTART;TZID=Europe/Berlin:20261207T100000', 'LOCATION:Room 1', 'ORGANIZER;CN=Boss:mailto:boss@other.test', 'SEQUENCE:4', 'SUMMARY:Budget', '',
    `UID:${id.toString('hex').toUpperCase()}`, 'X-MICROSOFT-CDO-INTENDEDSTATUS:OOF',
  ].sort())
})

it('without a zone it is by the clocks of UTC; of days by those of the user', () => {
  expect(lines(made(), /^DT(START|END)/)).toEqual(['DTSTART:20261207T090000Z', 'DTEND:20261207T100000Z'])
  const days = [{ id: [appointmentSet, 0x8215] as const, value: 1 }, { id: [appointmentSet, 0x820d] as const, value: new Date('2026-12-06T23:00:00Z') }]
  const [first, second] = [berlin, undefined].map(zone => Buffer.from(tnefEvent(readTnef(writeTnef({ messageClass: 'IPM.Schedule.Meeting.Request', properties: [
    ...days, { id: [appointmentSet, 0x820e], value: new Date('2026-12-08T23:00:00Z') }, { id: [meetingSet, 3], value: id }, ...(zone ? [zone] : []),
  ] })), head, context)).toString())
  for (const one of [first!, second!]) expect(lines(one, /^DT(START|END)/)).toEqual(['DTSTART;VALUE=DATE:20261207', 'DTEND;VALUE=DATE:20261209'])
})

const day = 1440
describe('a series', () => {
  it.each<[string, Pattern, string]>([
    ['every third day, ten times', { frequency: 0x200a, type: 0, period: 3 * day, end: 'count', count: 10, first: '2026-12-07', time: 600 }, 'FREQ=DAILY;INTERVAL=3;COUNT=10'],
    ['every working day', { frequency: 0x200a, type: 1, period: 1, specific: [0x3e], first: '2026-12-07', time: 600 }, 'FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO'],
    ['every other week until a day', { frequency: 0x200b, type: 1, period: 2, specific: [0x12], end: 'date', last: '2027-06-21', first: '2026-12-07', time: 600 },
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=MO;UNTIL=20270621T080000Z'],
    ['the 7th of each month', { frequency: 0x200c, type: 2, period: 1, specific: [7], first: '2026-12-07', time: 600 }, 'FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=7'],
    ['the last day of each month', { frequency: 0x200c, type: 2, period: 1, specific: [31], first: '2026-12-31', time: 600 }, 'FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1'],
    ['the last day, as it is called', { frequency: 0x200c, type: 4, period: 1, specific: [31], first: '2026-12-31', time: 600 }, 'FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1'],
    ['the first Monday', { frequency: 0x200c, type: 3, period: 1, specific: [2, 1], first: '2026-12-07', time: 600 }, 'FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO'],
    ['the last working day', { frequency: 0x200c, type: 3, period: 1, specific: [0x3e, 5], first: '2026-12-07', time: 600 }, 'FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1'],
    ['each 7th of December', { frequency: 0x200d, type: 2, period: 12, specific: [7], first: '2026-12-07', time: 600 }, 'FREQ=YEARLY;INTERVAL=1;BYMONTH=12;BYMONTHDAY=7'],
    ['the first Monday of December, every other year', { frequency: 0x200d, type: 3, period: 24, specific: [2, 1], first: '2026-12-07', time: 600 }, 'FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYDAY=1MO'],
  ])('%s', (_, wish, rule) => {
    expect(lines(made(berlin, pattern(wish)), /^RRULE/)).toEqual([`RRULE:${rule}`])
  })

  it('has what is left out and what is moved, whatever else is said of it', () => {
    const text = made(berlin, pattern({ frequency: 0x200a, type: 0, period: day, first: '2026-12-07', time: 600, deleted: ['2026-12-09', '2026-12-11'], moved: [
      { original: '2026-12-08T10:00', start: '2026-12-08T16:00', end: '2026-12-08T17:30', subject: 'Budget, again' },
      { original: '2026-12-10T10:00', start: '2026-12-11T10:00', end: '2026-12-11T11:00' },
    ] }))
    expect(lines(text, /^(EXDATE|RECURRENCE-ID|DTSTART|DTEND|SEQUENCE)/)).toEqual([
      'DTSTART;TZID=Europe/Berlin:20261207T100000', 'DTEND;TZID=Europe/Berlin:20261207T110000', 'EXDATE;TZID=Europe/Berlin:20261209T100000',
      'EXDATE;TZID=Europe/Berlin:20261211T100000', 'SEQUENCE:4',
      'RECURRENCE-ID;TZID=Europe/Berlin:20261208T100000', 'DTSTART;TZID=Europe/Berlin:20261208T160000', 'DTEND;TZID=Europe/Berlin:20261208T173000', 'SEQUENCE:4',
      'RECURRENCE-ID;TZID=Europe/Berlin:20261210T100000', 'DTSTART;TZID=Europe/Berlin:20261211T100000', 'DTEND;TZID=Europe/Berlin:20261211T110000', 'SEQUENCE:4',
    ])
  })

  it.each<[string, TnefProperty]>([
    ['of another calendar', pattern({ frequency: 0x200c, type: 2, period: 1, specific: [7], calendar: 8, first: '2026-12-07', time: 600 })],
    ['by the Hijri months', pattern({ frequency: 0x200c, type: 0xa, period: 1, specific: [7], first: '2026-12-07', time: 600 })],
    ['that breaks off', { id: [appointmentSet, 0x8216], value: writePattern({ frequency: 0x200a, type: 0, period: day, first: '2026-12-07', time: 600 }).subarray(0, 40) }],
  ])('%s is malformed rather than another one', (_, series) => {
    expect(() => made(berlin, series)).toThrow(expect.objectContaining({ kind: 'malformed' }))
    expect(tnefInvitation(readTnef(stream([series])))?.recurrence).toBeUndefined()
  })

  // [MS-OXOCAL] Weekly Recurrence BLOB Without Exceptions: the octets of that example.
  it('of the document is read as the document says', () => {
    const octets = Buffer.from(
      '043004300b2001000000c0210000010000000000000032000000222000000c0000000000000000000000000000008020bc0c20adbc0c06300000093000005802000076020000' + '0000'.repeat(5), 'hex')
    expect(readTnefSeries(octets)).toEqual({ rule: { FREQ: 'WEEKLY', INTERVAL: '1', BYDAY: 'MO,TH,FR', WKST: 'SU', COUNT: '12' }, last: undefined, deleted: [], moved: [] })
  })
})

it('one occurrence of a series is that one of the same event, moved or not', () => {
  const one = (...more: readonly TnefProperty[]): string => Buffer.from(tnefEvent(readTnef(stream([berlin, ...more], undefined, { id: [meetingSet, 3], value: instanceId })), head, context)).toString()
  expect(lines(one(), /^(UID|RECURRENCE-ID)/).join().replace('\r\n ', '')).toContain('RECURRENCE-ID;TZID=Europe/Berlin:20261209T100000')
  expect(readEvent(Buffer.from(one()), context).uid).toBe(id.toString('hex').toUpperCase())
  expect(lines(one({ id: [appointmentSet, 0x8228], value: new Date('2026-12-09T14:00:00Z') }), /^RECURRENCE-ID/)).toEqual(['RECURRENCE-ID;TZID=Europe/Berlin:20261209T150000'])
})

it.each(['IPM.Schedule.Meeting.Canceled', 'IPM.Schedule.Meeting.Resp.Pos', 'IPM.Note'])('%s invites nobody', messageClass => {
  expect(() => tnefEvent(readTnef(stream([], messageClass)), head, context)).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('whatever octets are an event or malformed, and soon', () => {
  const whole = stream([berlin, pattern({ frequency: 0x200b, type: 1, period: 2, specific: [0x12], end: 'date', last: '2027-06-21', first: '2026-12-07', time: 600,
    deleted: ['2026-12-10'], moved: [{ original: '2026-12-21T10:00', start: '2026-12-22T10:00', end: '2026-12-22T11:00', subject: 'x' }] })])
  let events = 0
  for (const octets of mutations([whole], 20_000, 11)) {
    try {
      readEvent(tnefEvent(readTnef(octets), head, context), context)
      events++
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
  expect(events).toBeGreaterThan(1000)
}, 120_000)

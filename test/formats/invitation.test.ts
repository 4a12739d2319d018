import { describe, expect, it } from 'vitest'
import { globalObjectId } from '../../src/formats/global-object-id.ts'
import { readInvitation, type Invitation } from '../../src/formats/invitation.ts'
import { mutations } from '../support/fuzz.ts'

const calendar = (lines: readonly string[], head: readonly string[] = ['METHOD:REQUEST']): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...head, 'BEGIN:VEVENT', 'UID:u@x', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
const read = (...lines: string[]): Invitation => readInvitation(calendar(lines))!
const times = ({ start, end, allDay }: Invitation): string => `${start.toISOString().slice(0, 16)} ${end.toISOString().slice(0, 16)}${allDay ? ' all day' : ''}`

// Trap 7
it.each([
  ['of the header', ['METHOD:PUBLISH'], 'REQUEST', 'REQUEST'], ['of the object', ['METHOD:CANCEL'], undefined, 'CANCEL'],
  ['in lower case', ['method:reply'], undefined, 'REPLY'], ['of the header, which asks for nothing', ['METHOD:REQUEST'], 'PUBLISH', undefined],
  ['of none', [], undefined, undefined], ['nobody knows', ['METHOD:DANCE'], undefined, undefined],
])('the method %s', (_, head, parameter, expected) => {
  expect(readInvitation(calendar(['DTSTART:20261123T090000Z'], head), parameter)?.method).toBe(expected)
})

// Traps 41 and 42
describe('the time', () => {
  it.each([
    ['in UTC', ['DTSTART:20261123T090000Z', 'DTEND:20261123T100000Z'], '2026-11-23T09:00 2026-11-23T10:00'],
    ['in a zone', ['DTSTART;TZID=Europe/Berlin:20260723T090000', 'DTEND;TZID=America/New_York:20260723T100000'], '2026-07-23T07:00 2026-07-23T14:00'],
    ['in a zone of Windows', ['DTSTART;TZID="Romance Standard Time":20260723T090000'], '2026-07-23T07:00 2026-07-23T07:00'],
    ['with a duration', ['DTSTART:20261123T090000Z', 'DURATION:PT45M'], '2026-11-23T09:00 2026-11-23T09:45'],
    ['of a day over a change of clocks', ['DTSTART;TZID=Europe/Berlin:20261024T120000', 'DURATION:P1D'], '2026-10-24T10:00 2026-10-25T11:00'],
    ['without an end', ['DTSTART:20261123T090000Z'], '2026-11-23T09:00 2026-11-23T09:00'],
    ['with an end before the start', ['DTSTART:20261123T090000Z', 'DTEND:20261122T100000Z'], '2026-11-23T09:00 2026-11-23T09:00'],
    ['of days', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'], '2026-12-24T00:00 2026-12-27T00:00 all day'],
    ['of a day that ends when it begins', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261224'], '2026-12-24T00:00 2026-12-25T00:00 all day'],
    ['of a day without an end', ['DTSTART:20261224'], '2026-12-24T00:00 2026-12-25T00:00 all day'],
    ['nobody says the zone of', ['DTSTART:20261123T090000'], '2026-11-23T09:00 2026-11-23T09:00'],
  ])('%s', (_, lines, expected) => {
    expect(times(read(...lines))).toBe(expected)
  })

  it('of no zone is that of the calendar where it has one', () => {
    expect(times(readInvitation(calendar(['DTSTART:20260723T090000'], ['METHOD:REQUEST', 'X-WR-TIMEZONE:Europe/Berlin']))!)).toMatch(/T07:00/)
  })
})

// Trap 36: never a wrong hour
it.each([
  ['a zone nobody knows', 'DTSTART;TZID=Nowhere:20261123T090000'], ['no start', 'SUMMARY:x'], ['a start that is none', 'DTSTART:tomorrow'],
  ['a year no calendar has', 'DTSTART:99991231T090000Z\r\nDURATION:P9W'],
])('with %s it is malformed', (_, line) => {
  expect(() => read(line)).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('without a UID it is malformed: nobody could answer it', () => {
  const text = calendar(['DTSTART:20261123T090000Z']).replace('UID:u@x', 'X-UID:u@x')
  expect(() => readInvitation(text)).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('a zone of its own is read from the VTIMEZONE beside it', () => {
  const zone = ['BEGIN:VTIMEZONE', 'TZID:Nowhere', 'BEGIN:STANDARD', 'DTSTART:16010101T000000', 'TZOFFSETFROM:+0545', 'TZOFFSETTO:+0545', 'END:STANDARD', 'END:VTIMEZONE']
  expect(times(readInvitation(calendar(['DTSTART;TZID=Nowhere:20261123T090000'], ['METHOD:REQUEST', ...zone]))!)).toBe('2026-11-23T03:15 2026-11-23T03:15')
})

it('of a series with changed instances it tells the series', () => {
  const text = calendar(['DTSTART:20261123T090000Z', 'RECURRENCE-ID:20261123T080000Z', 'END:VEVENT', 'BEGIN:VEVENT', 'UID:u@x', 'DTSTART:20261116T080000Z', 'RRULE:FREQ=WEEKLY'])
  expect(readInvitation(text)).toMatchObject({ instance: undefined, recurrence: { rule: { FREQ: 'WEEKLY' } } })
})

// Trap 53
it.each([
  ['a date of a timed series', 'DTSTART;TZID=Europe/Berlin:20260701T090000', '20260901', '2026-09-01T07:00:00.000Z'],
  ['a local time', 'DTSTART;TZID=Europe/Berlin:20260701T090000', '20260901T090000', '2026-09-01T07:00:00.000Z'],
  ['UTC', 'DTSTART;TZID=Europe/Berlin:20260701T090000', '20260901T070000Z', '2026-09-01T07:00:00.000Z'],
  ['a date of whole days', 'DTSTART;VALUE=DATE:20260701', '20260901', '2026-09-01T00:00:00.000Z'],
])('UNTIL as %s is the last start', (_, start, until, expected) => {
  expect(read(start, `RRULE:FREQ=DAILY;UNTIL=${until}`).recurrence?.until?.toISOString()).toBe(expected)
})

it.each(['RRULE:FREQ=DAILY\r\nRRULE:FREQ=WEEKLY', 'RRULE:FREQ=DAILY\r\nRDATE:20270101T090000Z'])('more than a rule is no series: %s', lines => {
  expect(read('DTSTART:20261123T090000Z', lines).recurrence).toBeUndefined()
})

// Trap 56
it.each([
  ['before the start', ['TRIGGER:-PT15M'], 900], ['a week before', ['TRIGGER:-P1W'], 604_800], ['at the start', ['TRIGGER:PT0S'], 0],
  ['the nearest of several', ['TRIGGER:-PT1H', 'END:VALARM', 'BEGIN:VALARM', 'TRIGGER:-PT5M'], 300],
  ['not by mail', ['ACTION:EMAIL', 'TRIGGER:-PT1H'], undefined], ['not after the start', ['TRIGGER:PT5M'], undefined],
  ['not by the end', ['TRIGGER;RELATED=END:-PT5M'], undefined], ['not at a date', ['TRIGGER;VALUE=DATE-TIME:20261123T080000Z'], undefined],
])('a reminder %s', (_, lines, expected) => {
  expect(read('DTSTART:20261123T090000Z', 'BEGIN:VALARM', ...lines, 'END:VALARM').reminder).toBe(expected)
})

// Trap 57
it.each([
  [[], 'BUSY'], [['TRANSP:TRANSPARENT'], 'FREE'], [['STATUS:TENTATIVE'], 'TENTATIVE'], [['X-MICROSOFT-CDO-BUSYSTATUS:OOF'], 'OOF'],
  [['X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE', 'X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY'], 'BUSY'], [['X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE'], 'BUSY'],
])('%j means %s', (lines, expected) => {
  expect(read('DTSTART:20261123T090000Z', ...lines).busy).toBe(expected)
})

it('people have names and answers', () => {
  const { organizer, attendees } = read('DTSTART:20261123T090000Z', 'ORGANIZER;CN="Doe, John":MAILTO:j@x', 'ATTENDEE;PARTSTAT=accepted;RSVP=TRUE:mailto:a@x')
  expect([organizer, attendees]).toEqual([{ name: 'Doe, John', address: 'j@x' }, [{ address: 'a@x', status: 'ACCEPTED', responseRequested: true }]])
})

// Trap 9
describe('a GlobalObjId', () => {
  const outlook = '040000008200E00074C5B7101A82E00807EA0B17A0D5C1E2F35BD9010000000000000000100000004F1A2B3C4D5E6F708192A3B4C5D6E7F8'

  it('of a UID of Outlook is what it spells, without the day of an instance', () => {
    const octets = Buffer.from(globalObjectId(outlook))
    expect(octets.toString('hex').toUpperCase()).toBe(outlook.replace('07EA0B17', '00000000'))
  })

  it('of any other UID wraps it', () => {
    const octets = Buffer.from(globalObjectId('ü@x'))
    expect(octets.toString('hex')).toBe(`040000008200e00074c5b7101a82e008${'00'.repeat(20)}11000000${Buffer.from('vCal-Uid').toString('hex')}01000000${Buffer.from('ü@x').toString('hex')}00`)
  })
})

it('of whatever lines it is an invitation, none, or malformed', () => {
  const sample = Buffer.from(calendar(['DTSTART;TZID=Europe/Berlin:20260701T090000', 'DTEND;TZID=Europe/Berlin:20260701T100000', 'RRULE:FREQ=WEEKLY;UNTIL=20261231T000000Z', 'ORGANIZER;CN=A:mailto:a@x', 'BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM']))
  let understood = 0
  for (const bytes of mutations([sample], 1500, 5)) {
    try {
      if (readInvitation(Buffer.from(bytes).toString('utf8'))) understood++
    } catch (error) {
      expect(error).toMatchObject({ kind: 'malformed' })
    }
  }
  expect(understood).toBeGreaterThan(300)
})

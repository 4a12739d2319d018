import { expect, it } from 'vitest'
import { readEvent } from '../../src/formats/event-read.ts'
import { occurrencesOf } from '../../src/formats/series.ts'
import { createZones } from '../../src/formats/zones.ts'
import { calendarOf } from '../support/events.ts'

const zones = createZones()
const context = { zone: zones.named('Europe/Berlin')!, zones }
const tuesday = 'DTSTART;TZID=Europe/Berlin:20260901T090000\nDTEND;TZID=Europe/Berlin:20260901T100000'
const O = '\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\n'

/** `09-01T07 09-08T07`, in UTC. */
function happens(lines: string, from: string, to: string): string {
  const { list } = occurrencesOf(readEvent(calendarOf(lines), context), Date.parse(`${from}Z`), Date.parse(`${to}Z`), 100)
  return list.map(({ start }) => new Date(start).toISOString().slice(5, 13)).join(' ')
}

it.each<[string, string, string, string, string]>([
  ['over the end of summer time', `${tuesday}\nRRULE:FREQ=WEEKLY`, '2026-10-18', '2026-11-04', '10-20T07 10-27T08 11-03T08'],
  ['in the hour that comes twice, once', 'DTSTART;TZID=Europe/Berlin:20261024T023000\nRRULE:FREQ=DAILY', '2026-10-24', '2026-10-26T12:00', '10-24T00 10-25T00 10-26T01'],
  ['in the hour that never comes, from the hour before', 'DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY', '2026-03-28', '2026-03-30T12:00', '03-28T01 03-29T01 03-30T00'],
  ['with what is added and left out', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=3\nRDATE:20260903T100000Z,20260908T070000Z\nEXDATE:20260915T070000Z`, '2026-09-01', '2027-01-01', '09-01T07 09-03T10 09-08T07'],
  ['by dates alone', `${tuesday}\nRDATE;VALUE=PERIOD:20260903T070000Z/PT2H`, '2026-09-01', '2027-01-01', '09-01T07 09-03T07'],
  ['by two rules', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=2\nRRULE:FREQ=MONTHLY;BYMONTHDAY=8;COUNT=2`, '2026-09-01', '2027-01-01', '09-01T07 09-08T07 10-08T07'],
  ['but for a rule', `${tuesday}\nRRULE:FREQ=DAILY;COUNT=5\nEXRULE:FREQ=DAILY;INTERVAL=2`, '2026-09-01', '2027-01-01', '09-02T07 09-04T07'],
  ['moved', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=3${O}RECURRENCE-ID:20260908T070000Z\nDTSTART:20260910T120000Z`, '2026-09-01', '2027-01-01', '09-01T07 09-10T12 09-15T07'],
  ['moved into the window from afar', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=3${O}RECURRENCE-ID:20260908T070000Z\nDTSTART:20261224T120000Z`, '2026-12-01', '2027-01-01', '12-24T12'],
  ['moved out of it', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=3${O}RECURRENCE-ID:20260908T070000Z\nDTSTART:20261224T120000Z`, '2026-09-02', '2026-09-12', ''],
  ['moved with all that follow', `${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=4${O}RECURRENCE-ID;RANGE=THISANDFUTURE:20260915T070000Z\nDTSTART:20260916T100000Z`, '2026-09-01', '2027-01-01', '09-01T07 09-08T07 09-16T10 09-23T10'],
  ['that goes on from before the window', 'DTSTART:20260901T000000Z\nDTEND:20260905T000000Z', '2026-09-03', '2026-09-04', '09-01T00'],
  ['whose rule never comes to a day', `${tuesday}\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30`, '2026-01-01', '2027-01-01', '09-01T07'],
  ['whose start is none of its rule', `${tuesday}\nRRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=2`, '2026-09-01', '2027-01-01', '09-03T07 09-10T07'],
  ['without its series', `RECURRENCE-ID:20260901T070000Z\n${tuesday}`, '2026-01-01', '2027-01-01', '09-01T07'],
])('an event %s', (_, lines, from, to, expected) => {
  expect(happens(lines, from, to)).toBe(expected)
})

it('a year of 500 series is looked through, every occurrence of it', () => {
  const rules = ['FREQ=WEEKLY;BYDAY=TU', 'FREQ=DAILY', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=YEARLY', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR', 'FREQ=MONTHLY;BYMONTHDAY=15',
    'FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR', 'FREQ=WEEKLY;COUNT=200', 'FREQ=YEARLY;BYMONTH=5;BYDAY=2SU', 'FREQ=WEEKLY;UNTIL=20270101T000000Z']
  const events = Array.from({ length: 500 }, (_, n) => readEvent(calendarOf(
    `DTSTART;TZID=Europe/Berlin:20${18 + n % 8}0${1 + n % 9}0${1 + n % 9}T0${n % 10}0000\nDURATION:PT1H\nRRULE:${rules[n % 10]}\nEXDATE:20260301T080000Z`), context))
  const found = events.reduce((sum, event) => sum + occurrencesOf(event, Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1), 1000).list.length, 0)
  expect(found).toBeGreaterThan(40_000)
})

import { describe, expect, it } from 'vitest'
import { parseRule } from '../../src/formats/icalendar.ts'
import { expand } from '../../src/formats/recurrence.ts'
import { readRule } from '../../src/formats/recurrence-rule.ts'
import { effort } from '../support/effort.ts'
import { mutations, randomBelow } from '../support/fuzz.ts'
import { icalStarts } from '../support/starts.ts'

const day = 86_400_000

/** The first starts of a rule, and what of the work was left. */
function starts(text: string, start: number, to: number, most: number, from = start): { list: number[]; left: number } {
  const work = { left: 400_000 }
  const list: number[] = []
  const rule = readRule(parseRule(text))
  if (rule) for (const local of expand(rule, start, from, to, work)) {
    if (local < from) continue
    if (list.length === most) break
    list.push(local)
  }
  return { list, left: work.left }
}
const print = (local: number): string => new Date(local).toISOString().slice(0, 16).replace('T00:00', '')

/** Tuesday, 2 September 1997, 9:00, as in RFC 5545. */
const tuesday = Date.UTC(1997, 8, 2, 9)
it.each([
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '1997-05-12', ['1997-05-12', '1998-05-11', '1999-05-17']],
  ['FREQ=YEARLY;BYWEEKNO=20', '1997-05-12', ['1997-05-12', '1998-05-11', '1999-05-17']],
  ['FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=FR', '2020-01-01', ['2020-01-03', '2021-01-01', '2021-01-08', '2022-01-07']],
  ['FREQ=YEARLY;BYDAY=20MO', '1997-05-19', ['1997-05-19', '1998-05-18', '1999-05-17']],
  ['FREQ=YEARLY;BYDAY=-1SA', '2024-01-01', ['2024-12-28', '2025-12-27', '2026-12-26']],
  ['FREQ=YEARLY;BYYEARDAY=-1,60', '2023-12-01', ['2023-12-31', '2024-02-29', '2024-12-31', '2025-03-01']],
  ['FREQ=YEARLY;BYMONTHDAY=15', '2026-01-01', ['2026-01-15', '2026-02-15', '2026-03-15']],
  ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', '2024-02-29', ['2024-02-29', '2028-02-29', '2032-02-29']],
  ['FREQ=MONTHLY;BYMONTHDAY=31', '2026-01-31', ['2026-01-31', '2026-03-31', '2026-05-31']],
  // The traps of ical.js
  ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', '2026-01-01', []],
  ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '2026-01-01', []],
  ['FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4', '2026-01-01', []],
  ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '1997-09-02', ['1998-02-13', '1998-03-13', '1998-11-13']],
  ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2', '1997-09-29', ['1997-09-29', '1997-10-30', '1997-11-27']],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO', '1997-08-05', ['1997-08-05', '1997-08-10', '1997-08-19', '1997-08-24']],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU', '1997-08-05', ['1997-08-05', '1997-08-17', '1997-08-19', '1997-08-31']],
  ['FREQ=HOURLY;INTERVAL=36', '2026-01-01', ['2026-01-01', '2026-01-02T12:00', '2026-01-04']],
  ['FREQ=DAILY;BYHOUR=9,15;BYMINUTE=30', '2026-01-01', ['2026-01-01T09:30', '2026-01-01T15:30', '2026-01-02T09:30']],
  ['FREQ=MINUTELY;INTERVAL=90;BYHOUR=6', '2026-01-01', ['2026-01-01T06:00', '2026-01-02T06:00', '2026-01-03T06:00']],
  ['FREQ=SECONDLY;INTERVAL=43200', '2026-01-01', ['2026-01-01', '2026-01-01T12:00', '2026-01-02']],
])('%s from %s', (rule, start, expected) => {
  const begin = Date.parse(`${start}Z`)
  expect(starts(rule, begin, begin + 8 * 366 * day, Math.max(1, expected.length)).list.map(print)).toEqual(expected)
})

it('a day of a week that begins in the year before counts to the week it is in', () => {
  expect(starts('FREQ=YEARLY;BYWEEKNO=52;BYDAY=SA', Date.UTC(2020, 6, 9), Date.UTC(2023, 0, 1), 9).list.map(print))
    .toEqual(['2020-12-26', '2022-01-01', '2022-12-31'])
})

/** Rules that ical.js expands rightly: no BYWEEKNO, no tenth Tuesday of a year, and a start that is one of the rule's. */
function randomRule(below: (n: number) => number): string {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const some = (most: number, one: () => unknown): string => [...new Set(Array.from({ length: 1 + below(most) }, one))].join(',')
  const weekday = (): string => pick(['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'])
  const interval = below(2) ? `;INTERVAL=${1 + below(4)}` : ''
  return pick([
    () => `FREQ=DAILY${interval}`,
    () => `FREQ=DAILY${interval};BYDAY=${some(4, weekday)}`,
    () => `FREQ=WEEKLY${interval};WKST=${weekday()};BYDAY=${some(4, weekday)}`,
    () => `FREQ=MONTHLY${interval};BYMONTHDAY=${some(4, () => pick([1 + below(28), -1 - below(20)]))}`,
    () => `FREQ=MONTHLY${interval};BYDAY=${some(3, () => pick([1, 2, 3, 4, -1, -2]) + weekday())}`,
    () => `FREQ=MONTHLY${interval};BYDAY=${some(5, weekday)};BYSETPOS=${pick([1, 2, 3, -1, -2])}`,
    () => `FREQ=YEARLY${interval};BYMONTH=${some(3, () => 1 + below(12))};BYMONTHDAY=${some(2, () => 1 + below(28))}`,
    () => `FREQ=YEARLY${interval};BYMONTH=${1 + below(12)};BYDAY=${pick([1, 2, 3, 4, -1]) + weekday()}`,
    () => `FREQ=YEARLY${interval};BYMONTH=${1 + below(12)};BYDAY=${some(4, weekday)};BYSETPOS=${pick([1, 2, -1])}`,
    () => `FREQ=YEARLY${interval};BYYEARDAY=${some(3, () => pick([1 + below(365), -1 - below(365)]))}`,
    () => `FREQ=HOURLY${interval};BYDAY=${weekday()}`,
  ])()
}

describe('rules by the hundred', () => {
  it('start when ical.js has them start', { timeout: 60_000 }, () => {
    const below = randomBelow(5)
    for (let n = 0; n < 800; n++) {
      const rule = randomRule(below)
      const begin = Date.UTC(2020, below(12), 1 + below(28), below(24), below(60)), to = begin + 5 * 366 * day
      const [start] = starts(rule, begin, to, 1).list
      if (start === undefined) continue
      expect(starts(rule, start, to, 20).list.map(print), `${rule} from ${print(start)}`).toEqual(icalStarts(rule, start, to, 20).map(print))
    }
  })

  it('have the same starts in a window as when all are counted from the first', () => {
    const below = randomBelow(6)
    for (let n = 0; n < 800; n++) {
      const rule = randomRule(below)
      const begin = Date.UTC(2015, below(12), 1 + below(28), below(24)), from = begin + below(2500) * day, to = from + 100 * day
      const all = starts(rule, begin, to, 100_000).list.filter(one => one >= from)
      expect(starts(rule, begin, to, 100_000, from).list, `${rule} from ${print(begin)}`).toEqual(all)
    }
  })
})

it.each(['FREQ=SECONDLY', 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=YEARLY;BYHOUR=0,1,2,3,4;BYMINUTE=1,2,3;BYSECOND=1,2,3;BYMONTHDAY=1;BYSETPOS=7',
  'FREQ=DAILY;BYSECOND=1;BYMINUTE=1;BYMONTH=2;BYMONTHDAY=30', 'FREQ=MINUTELY;BYSETPOS=2'])('%s ends', rule => {
  expect(effort(() => starts(rule, Date.UTC(1950, 0, 1), Date.UTC(9000, 0, 1), 10_000_000))).toBeLessThan(20)
})

it.each(['', 'FREQ=NEVER', 'FREQ=DAILY;INTERVAL=0', 'FREQ=DAILY;INTERVAL=x', 'FREQ=DAILY;COUNT=0', 'FREQ=DAILY;UNTIL=soon', 'FREQ=WEEKLY;BYDAY=XX',
  'FREQ=MONTHLY;BYMONTHDAY=0', 'FREQ=MONTHLY;BYMONTHDAY=32', 'FREQ=YEARLY;BYMONTH=13', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L', 'FREQ=DAILY;BYEASTER=1',
])('%s is no rule that can be expanded', rule => {
  expect(readRule(parseRule(rule))).toBeUndefined()
})

it('whatever a rule says, its starts are in order and end', { timeout: 60_000 }, () => {
  const samples = ['FREQ=YEARLY;INTERVAL=2;BYMONTH=3,4;BYDAY=-1SU,2MO;BYSETPOS=1,-1;BYHOUR=4', 'FREQ=WEEKLY;COUNT=7;WKST=SU;BYDAY=MO,TU',
    'FREQ=HOURLY;INTERVAL=5;BYMINUTE=1,2', 'FREQ=MONTHLY;UNTIL=20261224T120000Z;BYMONTHDAY=1,-1'].map(text => Buffer.from(text))
  for (const bytes of mutations(samples, 20_000, 13)) {
    const rule = readRule(parseRule(Buffer.from(bytes).toString('latin1')))
    if (!rule) continue
    const work = { left: 2000 }
    const found = [...expand(rule, tuesday, tuesday, tuesday + 500 * day, work)]
    const inOrder = found.every((local, index) => index === 0 || local >= found[index - 1]!)
    if (!inOrder) expect.unreachable(`${Buffer.from(bytes).toString('latin1')} is out of order`)
  }
})

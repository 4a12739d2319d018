import { expect, it } from 'vitest'
import { hearRecurrence } from '../../../src/eas/map/recurrence-hear.ts'
import { recurrenceOf, ruleOf, type Recurrence } from '../../../src/eas/map/recurrence.ts'
import { parseRule } from '../../../src/formats/icalendar.ts'
import { expand } from '../../../src/formats/recurrence.ts'
import { readRule } from '../../../src/formats/recurrence-rule.ts'
import type { Element } from '../../../src/wire/wbxml.ts'
import { randomBelow } from '../../support/fuzz.ts'

// A Monday
const start = Date.UTC(2026, 10, 23, 9)

// Traps 49, 50 and 51
it.each<[string, object]>([
  ['FREQ=DAILY', { type: 0, interval: 1 }],
  ['FREQ=DAILY;INTERVAL=3;COUNT=5', { type: 0, interval: 3, occurrences: 5 }],
  ['FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR', { type: 1, interval: 1, dayOfWeek: 62, firstDayOfWeek: 1 }],
  ['FREQ=WEEKLY', { type: 1, interval: 1, dayOfWeek: 2, firstDayOfWeek: 1 }],
  ['FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH', { type: 1, interval: 2, dayOfWeek: 20, firstDayOfWeek: 0 }],
  ['FREQ=MONTHLY', { type: 2, interval: 1, dayOfMonth: 23 }],
  ['FREQ=MONTHLY;BYMONTHDAY=15', { type: 2, interval: 1, dayOfMonth: 15 }],
  ['FREQ=MONTHLY;BYMONTHDAY=-1', { type: 3, interval: 1, dayOfWeek: 127, weekOfMonth: 5 }],
  ['FREQ=MONTHLY;BYDAY=-1FR', { type: 3, interval: 1, dayOfWeek: 32, weekOfMonth: 5 }],
  ['FREQ=MONTHLY;BYDAY=2TU', { type: 3, interval: 1, dayOfWeek: 4, weekOfMonth: 2 }],
  ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', { type: 3, interval: 1, dayOfWeek: 62, weekOfMonth: 5 }],
  ['FREQ=YEARLY', { type: 5, interval: 1, dayOfMonth: 23, monthOfYear: 11 }],
  ['FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=14', { type: 5, interval: 1, dayOfMonth: 14, monthOfYear: 3 }],
  ['FREQ=YEARLY;BYMONTH=5;BYDAY=2SU', { type: 6, interval: 1, dayOfWeek: 1, weekOfMonth: 2, monthOfYear: 5 }],
  ['FREQ=DAILY;COUNT=5000', { type: 0, interval: 1, occurrences: 999 }],
])('%s', (rule, expected) => {
  expect(JSON.parse(JSON.stringify(recurrenceOf(parseRule(rule), start)))).toEqual(expected)
})

// Trap 52
it.each([
  'FREQ=HOURLY', 'FREQ=SECONDLY;INTERVAL=1', '', 'FREQ=MONTHLY;BYMONTHDAY=1,15', 'FREQ=MONTHLY;BYMONTHDAY=-2', 'FREQ=MONTHLY;BYDAY=1MO,3MO',
  'FREQ=MONTHLY;BYDAY=MO', 'FREQ=MONTHLY;BYDAY=5MO', 'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,3', 'FREQ=WEEKLY;BYDAY=1MO', 'FREQ=WEEKLY;BYMONTH=1',
  'FREQ=YEARLY;BYDAY=2SU', 'FREQ=YEARLY;BYMONTHDAY=15', 'RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L', 'FREQ=YEARLY;BYWEEKNO=20', 'FREQ=YEARLY;BYMONTH=1,7', 'FREQ=DAILY;INTERVAL=0', 'FREQ=DAILY;INTERVAL=1000',
  'FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU', 'FREQ=DAILY;BYHOUR=9,15', 'FREQ=DAILY;COUNT=x', 'FREQ=MONTHLY;BYDAY=XX',
])('%s is nothing EAS has words for', rule => {
  expect(recurrenceOf(parseRule(rule), start)).toBeUndefined()
})

const day = 86_400_000
const weekdayOf = (local: number): number => new Date(local).getUTCDay()

/** [MS-ASCAL] Recurrence Patterns, day by day, with nothing of the code that is tested. */
function patternDays(one: Recurrence, start: number, days: number): number[] {
  const { type, interval, dayOfWeek = 0, dayOfMonth = 0, weekOfMonth = 0, monthOfYear = 0, firstDayOfWeek = 1 } = one
  const begin = new Date(start)
  const weekStart = (local: number): number => local - (weekdayOf(local) - firstDayOfWeek + 7) % 7 * day
  const isDay = (at: number): boolean => Boolean(dayOfWeek & 1 << at)
  const isNth = (local: number, date: Date): boolean => {
    if (!isDay(date.getUTCDay())) return false
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    const all = Array.from({ length: new Date(Date.UTC(year, month + 1, 0)).getUTCDate() }, (_, n) => Date.UTC(year, month, n + 1, 9)).filter(at => isDay(weekdayOf(at)))
    return (weekOfMonth === 5 ? all.at(-1) : all[weekOfMonth - 1]) === local
  }
  const found: number[] = []
  for (let local = start; local < start + days * day; local += day) {
    const date = new Date(local)
    const monthly = ((date.getUTCFullYear() - begin.getUTCFullYear()) * 12 + date.getUTCMonth() - begin.getUTCMonth()) % interval === 0
    const yearly = date.getUTCMonth() + 1 === monthOfYear && (date.getUTCFullYear() - begin.getUTCFullYear()) % interval === 0
    const on = type === 0 ? Math.round((local - start) / day) % interval === 0
      : type === 1 ? isDay(date.getUTCDay()) && Math.round((weekStart(local) - weekStart(start)) / day / 7) % interval === 0
      : type === 2 ? date.getUTCDate() === dayOfMonth && monthly
      : type === 3 ? monthly && isNth(local, date)
      : type === 5 ? yearly && date.getUTCDate() === dayOfMonth
      : yearly && isNth(local, date)
    if (on) found.push(local)
  }
  return found
}

function random(below: (n: number) => number): Recurrence {
  const type = ([0, 1, 2, 3, 5, 6] as const)[below(6)]!
  const dayOfWeek = 1 + below(127), dayOfMonth = 1 + below(31), weekOfMonth = 1 + below(5), monthOfYear = 1 + below(12)
  return {
    type, interval: 1 + below(5), occurrences: below(2) ? 1 + below(30) : undefined,
    ...(type === 1 ? { dayOfWeek, firstDayOfWeek: below(7) } : {}),
    ...(type === 2 ? { dayOfMonth } : {}), ...(type === 3 ? { dayOfWeek, weekOfMonth } : {}),
    ...(type === 5 ? { dayOfMonth, monthOfYear } : {}), ...(type === 6 ? { dayOfWeek, weekOfMonth, monthOfYear } : {}),
  }
}

/** A day of the month counted among all seven is told as what it is. */
const plain = (one: Recurrence): Recurrence => {
  if (one.dayOfWeek !== 127 || one.weekOfMonth === undefined || one.weekOfMonth === 5) return one
  const { dayOfWeek: _, weekOfMonth, ...rest } = one
  return { ...rest, type: one.type === 3 ? 2 : 5, dayOfMonth: weekOfMonth }
}

it('2,000 recurrences of a client have the starts of their RRULE, and come back', { timeout: 60_000 }, () => {
  const below = randomBelow(21)
  for (let n = 0; n < 2000; n++) {
    const one = random(below)
    const start = Date.UTC(2026, below(12), 1 + below(28), 9), days = one.type >= 5 ? 2200 : 400
    const text = Object.entries(ruleOf(one)).map(pair => pair.join('=')).join(';')
    const starts = [...expand(readRule(parseRule(text))!, start, start, start + (days - 1) * day, { left: 1e6 })]
    expect(starts, `${JSON.stringify(one)} ${text}`).toEqual(patternDays(one, start, days))
    expect(recurrenceOf(parseRule(text), start), text).toEqual(plain(one))
  }
})

const element = (fields: Record<string, string>, page = 'Calendar'): Element => ({
  tag: 'Calendar:Recurrence', text: '',
  children: Object.entries(fields).map(([name, text]) => ({ tag: `${page}:${name}` as 'Calendar:Type', text, children: [] })),
})
it.each<[string, Record<string, string>, string]>([
  ['daily', { Type: '0', Interval: '2' }, 'FREQ=DAILY;INTERVAL=2'],
  ['daily on working days is weekly', { Type: '0', DayOfWeek: '62' }, 'FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR'],
  ['every second week', { Type: '0', Interval: '2', DayOfWeek: '6' }, 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU'],
  ['an interval of 0 is 1', { Type: '1', Interval: '0', DayOfWeek: '1', FirstDayOfWeek: '0' }, 'FREQ=WEEKLY;BYDAY=SU;WKST=SU'],
  ['Occurrences wins over Until', { Type: '2', DayOfMonth: '15', Occurrences: '4', Until: '20270101T000000Z' }, 'FREQ=MONTHLY;COUNT=4;BYMONTHDAY=15'],
  ['the last working day', { Type: '3', DayOfWeek: '62', WeekOfMonth: '5' }, 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1'],
  ['the last day', { Type: '3', DayOfWeek: '127', WeekOfMonth: '5' }, 'FREQ=MONTHLY;BYMONTHDAY=-1'],
  ['the second Sunday of May', { Type: '6', DayOfWeek: '1', WeekOfMonth: '2', MonthOfYear: '5', CalendarType: '1' }, 'FREQ=YEARLY;BYMONTH=5;BYDAY=2SU'],
])('%s', (_, fields, expected) => {
  expect(Object.entries(ruleOf(hearRecurrence(element(fields), 'Calendar'))).map(pair => pair.join('=')).join(';')).toBe(expected)
})

it.each<[string, Record<string, string>, string]>([
  ['no Type', {}, 'malformed'], ['Type 4', { Type: '4' }, 'malformed'], ['a week without days', { Type: '1' }, 'malformed'],
  ['a DayOfMonth that is of another Type', { Type: '0', DayOfMonth: '1' }, 'malformed'],
  ['a DayOfWeek that is of another Type', { Type: '2', DayOfMonth: '1', DayOfWeek: '1' }, 'malformed'],
  ['a MonthOfYear that is of another Type', { Type: '2', DayOfMonth: '1', MonthOfYear: '1' }, 'malformed'],
  ['a WeekOfMonth that is of another Type', { Type: '2', DayOfMonth: '1', WeekOfMonth: '1' }, 'malformed'],
  ['an eighth day of the week', { Type: '1', DayOfWeek: '1', FirstDayOfWeek: '7' }, 'malformed'],
  ['an Interval of 1000', { Type: '0', Interval: '1000' }, 'malformed'], ['Until never', { Type: '0', Until: 'never' }, 'malformed'],
  ['a DayOfWeek of 128', { Type: '1', DayOfWeek: '128' }, 'malformed'], ['the Hebrew calendar', { Type: '2', DayOfMonth: '1', CalendarType: '8' }, 'unsupported'],
  ['a calendar nobody may use', { Type: '2', DayOfMonth: '1', CalendarType: '13' }, 'malformed'],
])('%s is refused', (_, fields, kind) => {
  expect(() => hearRecurrence(element(fields), 'Calendar')).toThrow(expect.objectContaining({ kind }))
})

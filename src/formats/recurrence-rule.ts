import { parseDateTime, type Numerals, type Rule } from './icalendar.ts'

export const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const
export const frequencies = ['SECONDLY', 'MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const
export type Frequency = (typeof frequencies)[number]

/** RFC 5545, Recurrence Rule, read. Lists are empty where the part is absent; days of the week: 0 is Sunday. */
export type RecurrenceRule = {
  readonly frequency: Frequency
  readonly interval: number
  readonly count: number | undefined
  readonly until: Numerals | undefined
  readonly weekStart: number
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** `nth` is 0 for each of them. */
  readonly weekdays: readonly { readonly day: number; readonly nth: number }[]
  readonly monthDays: readonly number[]
  readonly yearDays: readonly number[]
  readonly weeks: readonly number[]
  readonly months: readonly number[]
  readonly positions: readonly number[]
}

const mostValues = 400

const parts = new Set([
  'FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST', 'BYSECOND', 'BYMINUTE', 'BYHOUR', 'BYDAY', 'BYMONTHDAY', 'BYYEARDAY', 'BYWEEKNO',
  'BYMONTH', 'BYSETPOS',
])

/** Undefined for a rule that is none, or of another calendar (RFC 7529): expanding half of it would be wrong. */
export function readRule(rule: Rule): RecurrenceRule | undefined {
  if (Object.keys(rule).some(name => !parts.has(name) && !name.startsWith('X-'))) return undefined
  const frequency = frequencies.find(one => one === rule['FREQ'])
  const interval = Number(rule['INTERVAL'] ?? 1), count = rule['COUNT'] === undefined ? undefined : Number(rule['COUNT'])
  const until = rule['UNTIL'] === undefined ? undefined : parseDateTime(rule['UNTIL'])
  const weekStart = weekdays.indexOf((rule['WKST'] ?? 'MO') as 'MO')
  const list = (name: string, low: number, high: number): readonly number[] | undefined => numbers(rule[name], low, high)
  const seconds = list('BYSECOND', 0, 60), minutes = list('BYMINUTE', 0, 59), hours = list('BYHOUR', 0, 23)
  const monthDays = list('BYMONTHDAY', -31, 31), yearDays = list('BYYEARDAY', -366, 366), weeks = list('BYWEEKNO', -53, 53)
  const months = list('BYMONTH', 1, 12), positions = list('BYSETPOS', -366, 366)
  const days = daysOf(rule['BYDAY'])
  if (!frequency || !whole(interval) || !(count === undefined || whole(count)) || (rule['UNTIL'] !== undefined && !until)) return undefined
  if (!seconds || !minutes || !hours || !monthDays || !yearDays || !weeks || !months || !positions || !days || weekStart < 0) {
    return undefined
  }
  if ([monthDays, yearDays, weeks, positions].some(values => values.includes(0))) return undefined
  const of = { seconds, minutes, hours, weekdays: days, monthDays, yearDays, weeks, months, positions }
  return { frequency, interval, count, until, weekStart, ...of }
}

const whole = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 0x7fffffff

function numbers(value: string | undefined, low: number, high: number): readonly number[] | undefined {
  if (value === undefined) return []
  const list = value.split(',', mostValues).map(one => /^\s*[+-]?\d{1,3}\s*$/.test(one) ? Number(one) : NaN)
  return list.every(one => one >= low && one <= high) ? list : undefined
}

function daysOf(value: string | undefined): RecurrenceRule['weekdays'] | undefined {
  if (value === undefined) return []
  const list = value.split(',', mostValues).map(one => /^\s*([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)\s*$/.exec(one))
  const read = list.flatMap(match => match ? [{ day: weekdays.indexOf(match[2] as 'SU'), nth: Number(match[1] ?? 0) }] : [])
  return read.length === list.length && read.every(({ nth }) => Math.abs(nth) <= 53) ? read : undefined
}

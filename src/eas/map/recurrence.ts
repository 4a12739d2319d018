import type { Rule } from '../../formats/icalendar.ts'
import { weekdays } from '../../formats/recurrence-rule.ts'

/** [MS-ASCAL] Recurrence, [MS-ASEMAIL] Recurrence: what both have elements for. */
export type Recurrence = {
  readonly type: 0 | 1 | 2 | 3 | 5 | 6
  readonly interval: number
  readonly occurrences: number | undefined
  readonly dayOfWeek?: number
  readonly dayOfMonth?: number
  /** 5 is the last. */
  readonly weekOfMonth?: number
  readonly monthOfYear?: number
  /** 0 is Sunday. */
  readonly firstDayOfWeek?: number
}

/** [MS-ASCAL] Interval, Occurrences. */
export const most = 999

type Days = { readonly mask: number; readonly nth: number | undefined }
/** Parts of a rule, read; `undefined` where absent. */
type Parts = {
  readonly days: Days | undefined
  readonly monthDay: number | undefined
  readonly month: number | undefined
  readonly position: number | undefined
}
type Shape = Omit<Recurrence, 'interval' | 'occurrences' | 'firstDayOfWeek'>
type Row = {
  readonly frequency: string
  readonly takes: readonly (keyof Parts)[]
  shape(parts: Parts, start: Date): Shape | undefined
}

const week = (nth = 0): number | undefined => nth === -1 ? 5 : nth >= 1 && nth <= 4 ? nth : undefined
const everyDay = 127

/** `2TU`, `TU,TH` with BYSETPOS=-1: the days and which of them. */
function nthDay({ days, position }: Parts): { dayOfWeek: number; weekOfMonth: number } | undefined {
  const weekOfMonth = week(days?.nth ?? position)
  if (!days || !weekOfMonth || (days.nth !== undefined && position !== undefined)) return undefined
  return { dayOfWeek: days.mask, weekOfMonth }
}

/** RFC 5545, Recurrence Rule, in the forms of [MS-ASEMAIL] Type; the first row that takes all the parts a rule has decides. */
const rows: readonly Row[] = [
  { frequency: 'DAILY', takes: [], shape: () => ({ type: 0 }) },
  // Every working day is a week's pattern
  {
    frequency: 'DAILY', takes: ['days'],
    shape: ({ days }) => days?.nth === undefined ? { type: 1, dayOfWeek: days!.mask } : undefined,
  },
  {
    frequency: 'WEEKLY', takes: ['days'],
    shape: ({ days }, start) =>
      days?.nth === undefined ? { type: 1, dayOfWeek: days?.mask ?? 1 << start.getUTCDay() } : undefined,
  },
  { frequency: 'MONTHLY', takes: ['monthDay'], shape: ({ monthDay = 0 }, start) => {
    if (monthDay === -1) return { type: 3, dayOfWeek: everyDay, weekOfMonth: 5 }
    return monthDay < 0 ? undefined : { type: 2, dayOfMonth: monthDay || start.getUTCDate() }
  } },
  { frequency: 'MONTHLY', takes: ['days', 'position'], shape: parts => {
    const day = nthDay(parts)
    return day && { type: 3, ...day }
  } },
  { frequency: 'YEARLY', takes: ['month', 'monthDay'], shape: ({ month, monthDay = 0 }, start) => {
    // A day of no month is one of each month.
    if (monthDay !== 0 && month === undefined) return undefined
    const monthOfYear = month ?? start.getUTCMonth() + 1
    if (monthDay === -1) return { type: 6, dayOfWeek: everyDay, weekOfMonth: 5, monthOfYear }
    return monthDay < 0 ? undefined : { type: 5, dayOfMonth: monthDay || start.getUTCDate(), monthOfYear }
  } },
  { frequency: 'YEARLY', takes: ['month', 'days', 'position'], shape: parts => {
    const day = nthDay(parts)
    return day && parts.month !== undefined ? { type: 6, ...day, monthOfYear: parts.month } : undefined
  } },
]

/** What is no part of the shape. */
const apart = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST'])
const names: Readonly<Record<string, keyof Parts>> = {
  BYDAY: 'days', BYMONTHDAY: 'monthDay', BYMONTH: 'month', BYSETPOS: 'position',
}

/** `start` as its clocks show it, milliseconds as if at UTC. Undefined for a rule EAS has no words for. */
export function recurrenceOf(rule: Rule, start: number): Recurrence | undefined {
  const given = Object.keys(rule).filter(name => !apart.has(name))
  const parts = partsOf(rule)
  const interval = Number(rule['INTERVAL'] ?? 1), count = Number(rule['COUNT'] ?? 0)
  if (!parts || !(interval >= 1 && interval <= most) || Number.isNaN(count)) return undefined
  const row = rows.find(({ frequency, takes }) =>
    frequency === rule['FREQ'] && given.every(name => names[name] !== undefined && takes.includes(names[name])))
  const shape = row?.shape(parts, new Date(start))
  // Every other day of the days of a week is nothing a week repeats.
  if (!shape || (rule['FREQ'] === 'DAILY' && shape.type === 1 && interval > 1)) return undefined
  const first = weekdays.indexOf((rule['WKST'] ?? 'MO') as 'MO')
  return {
    ...shape, interval, occurrences: count > 0 ? Math.min(count, most) : undefined,
    ...(shape.type === 1 && first >= 0 ? { firstDayOfWeek: first } : {}),
  }
}

/** Undefined where a part lists several values that one element cannot hold. */
function partsOf(rule: Rule): Parts | undefined {
  const number = (name: string, low: number, high: number): number | undefined | false => {
    const value = rule[name]
    if (value === undefined) return undefined
    const read = /^[+-]?\d{1,2}$/.test(value) ? Number(value) : NaN
    return read >= low && read <= high && read !== 0 ? read : false
  }
  const monthDay = number('BYMONTHDAY', -31, 31), month = number('BYMONTH', 1, 12), position = number('BYSETPOS', -1, 4)
  const days = rule['BYDAY'] === undefined ? undefined : daysOf(rule['BYDAY'])
  if (monthDay === false || month === false || position === false || days === false) return undefined
  return { days, monthDay, month, position }
}

function daysOf(value: string): Days | false {
  let mask = 0
  let nth: number | undefined
  const list = value.split(',', 50)
  for (const one of list) {
    const match = /^\s*([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)\s*$/.exec(one)
    if (!match || (match[1] !== undefined && list.length > 1)) return false
    mask |= 1 << weekdays.indexOf(match[2] as 'MO')
    if (match[1] !== undefined) nth = Number(match[1])
  }
  return { mask, nth }
}

/** RFC 5545, Recurrence Rule, of what a client says; `until` as it will be written. The other way of `recurrenceOf`. */
export function ruleOf({ type, interval, occurrences, firstDayOfWeek, ...shape }: Recurrence, until?: string): Rule {
  const { dayOfWeek = 0, dayOfMonth, weekOfMonth, monthOfYear } = shape
  return {
    FREQ: ['DAILY', 'WEEKLY', 'MONTHLY', 'MONTHLY', '', 'YEARLY', 'YEARLY'][type]!,
    ...(interval > 1 ? { INTERVAL: String(interval) } : {}),
    ...(occurrences !== undefined ? { COUNT: String(occurrences) } : until ? { UNTIL: until } : {}),
    ...(monthOfYear !== undefined ? { BYMONTH: String(monthOfYear) } : {}),
    ...(dayOfMonth !== undefined ? { BYMONTHDAY: String(dayOfMonth) } : {}),
    ...(weekOfMonth !== undefined ? nthOf(dayOfWeek, weekOfMonth) : dayOfWeek > 0 ? { BYDAY: namesOf(dayOfWeek).join(',') } : {}),
    ...(type === 1 && firstDayOfWeek !== undefined && firstDayOfWeek !== 1 ? { WKST: weekdays[firstDayOfWeek]! } : {}),
  }
}

const namesOf = (mask: number): string[] => weekdays.filter((_, index) => mask & 1 << index)

/** [MS-ASCAL] Recurrence Patterns: of all days of the week, WeekOfMonth counts days of the month. */
function nthOf(mask: number, weekOfMonth: number): Rule {
  const nth = weekOfMonth === 5 ? -1 : weekOfMonth
  const names = namesOf(mask)
  if (mask === everyDay) return { BYMONTHDAY: String(nth) }
  return names.length === 1 ? { BYDAY: `${nth}${names[0]!}` } : { BYDAY: names.join(','), BYSETPOS: String(nth) }
}

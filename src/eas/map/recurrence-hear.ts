import { Failure } from '../../base/failure.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import { children, text, type Element, type Tag } from '../../wire/wbxml.ts'
import { most, type Recurrence } from './recurrence.ts'

/** What a client says of a series; `until` in milliseconds as its numerals stand, which are those of UTC or of a date alone. */
export type HeardRecurrence = Recurrence & { readonly until: { readonly local: number; readonly dateOnly: boolean } | undefined }

type Field = 'Interval' | 'Occurrences' | 'DayOfMonth' | 'DayOfWeek' | 'WeekOfMonth' | 'MonthOfYear' | 'FirstDayOfWeek' | 'CalendarType'

/** Lowest and highest value, and the Types an element is of: [MS-ASCAL] Sync Command Response, [MS-ASTASK] likewise. */
const fields: Readonly<Record<Field, { readonly low: number; readonly high: number; readonly types?: readonly number[] }>> = {
  Interval: { low: 0, high: most },
  Occurrences: { low: 1, high: most },
  DayOfMonth: { low: 1, high: 31, types: [2, 5] },
  DayOfWeek: { low: 1, high: 127, types: [0, 1, 3, 6] },
  WeekOfMonth: { low: 1, high: 5, types: [3, 6] },
  MonthOfYear: { low: 1, high: 12, types: [5, 6] },
  FirstDayOfWeek: { low: 0, high: 6 },
  CalendarType: { low: 0, high: 23 },
}

const required: Readonly<Record<number, readonly Field[]>> = {
  0: [], 1: ['DayOfWeek'], 2: ['DayOfMonth'], 3: ['DayOfWeek', 'WeekOfMonth'], 5: ['DayOfMonth', 'MonthOfYear'],
  6: ['DayOfWeek', 'WeekOfMonth', 'MonthOfYear'],
}

/** [MS-ASCAL] CalendarType: those whose months and days are the Gregorian ones, whatever they call the year. */
const gregorian = new Set([0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12])
const lunar = new Set([6, 8, 14, 15, 20])

/**
 * [MS-ASCAL] Recurrence, [MS-ASTASK] Recurrence. Throws `malformed` for what is out of range or belongs to another Type,
 * `unsupported` for a lunar calendar: its dates written as Gregorian ones would be wrong.
 */
export function hearRecurrence(element: Element, page: 'Calendar' | 'Tasks'): HeardRecurrence {
  const said = (name: string): string | undefined => text(element, `${page}:${name}` as Tag)
  const type = Number(said('Type') || NaN)
  if (!required[type]) throw new Failure('malformed', 'a recurrence of no known Type')
  const value = (name: Field): number | undefined => {
    if (children(element, `${page}:${name}` as Tag).length > 1) throw new Failure('malformed', `${name} twice`)
    const written = said(name)
    if (written === undefined || written.trim() === '') return undefined
    const { low, high, types } = fields[name]
    const number = /^\s*\d{1,5}\s*$/.test(written) ? Number(written) : NaN
    if (!(number >= low && number <= high)) throw new Failure('malformed', `${name} is out of range`)
    if (types && !types.includes(type)) throw new Failure('malformed', `${name} in a recurrence of Type ${type}`)
    return number
  }
  const calendar = value('CalendarType') ?? 0
  if (lunar.has(calendar)) throw new Failure('unsupported', 'a recurrence by a lunar calendar')
  if (!gregorian.has(calendar)) throw new Failure('malformed', 'a CalendarType that may not be used')
  const missing = required[type].find(name => value(name) === undefined)
  if (missing) throw new Failure('malformed', `a recurrence of Type ${type} without ${missing}`)
  const shape = {
    dayOfWeek: value('DayOfWeek'), dayOfMonth: value('DayOfMonth'), weekOfMonth: value('WeekOfMonth'), monthOfYear: value('MonthOfYear'),
    firstDayOfWeek: value('FirstDayOfWeek'),
  }
  const occurrences = value('Occurrences')
  const interval = value('Interval') || 1
  // [MS-ASCAL] Recurrence Patterns: with days, the interval of Type 0 counts weeks
  const weekly = type === 0 && shape.dayOfWeek !== undefined && interval > 1
  return {
    type: (weekly ? 1 : type) as Recurrence['type'], interval, occurrences,
    ...Object.fromEntries(Object.entries(shape).filter(([, one]) => one !== undefined)),
    // [MS-ASCAL] Sync Command Response: Occurrences wins
    until: occurrences === undefined ? untilOf(said('Until')) : undefined,
  }
}

function untilOf(written: string | undefined): HeardRecurrence['until'] {
  if (written === undefined || written.trim() === '') return undefined
  const until = parseDateTime(written)
  if (!until) throw new Failure('malformed', 'Until is no date')
  return { local: until.local, dateOnly: until.dateOnly }
}

import { el, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import type { Recurrence } from './recurrence.ts'

/** Where the elements of a recurrence are: the first page has them, the second those that came later. */
export type Pages = { readonly page: 'Email' | 'Calendar' | 'Tasks'; readonly later: 'Email2' | 'Calendar' | 'Tasks' }

/** [MS-ASCAL] CalendarType: the Types that must have one in an answer. */
const calendarTypes = new Set([2, 3, 5, 6])

/** [MS-ASCAL], [MS-ASEMAIL], [MS-ASTASK] Recurrence. `until` is as that class writes it; it and Occurrences exclude each other. */
export function recurrenceNodes(
  { type, interval, occurrences, ...shape }: Recurrence, until: string | undefined, { page, later }: Pages, version: Version,
  start?: string,
): Node[] {
  const rows: readonly (readonly [name: string, value: string | number | undefined, least?: Version])[] = [
    [`${page}:Type`, type],
    [`${page}:Start`, start],
    [`${page}:Interval`, interval],
    [`${page}:Until`, until],
    [`${page}:Occurrences`, until ? undefined : occurrences],
    [`${page}:WeekOfMonth`, shape.weekOfMonth],
    [`${page}:DayOfMonth`, shape.dayOfMonth],
    [`${page}:DayOfWeek`, shape.dayOfWeek],
    [`${page}:MonthOfYear`, shape.monthOfYear],
    [`${later}:CalendarType`, calendarTypes.has(type) ? 0 : undefined, '14.0'],
    [`${later}:IsLeapMonth`, page === 'Email' || calendarTypes.has(type) ? 0 : undefined, '14.0'],
    [`${later}:FirstDayOfWeek`, shape.firstDayOfWeek, '14.1'],
  ]
  return rows.flatMap(([tag, value, least]) =>
    value === undefined || (least && !since(version, least)) ? [] : [el(tag as Tag, String(value))])
}

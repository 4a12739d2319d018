import { Failure } from '../../base/failure.ts'
import { printUtc } from '../../formats/calendar-edit.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import { match, occurrenceOf, originalNear, untilOf } from '../../formats/series.ts'
import { instantOf, localOf } from '../../formats/timezone.ts'
import { printDate, printLocal } from '../../formats/vtimezone-write.ts'
import type { Event, ExceptionPatch, Occasion, OccasionPatch, RuleParts, When } from '../../model/event.ts'
import { child, children, text, type Element, type Node } from '../../wire/wbxml.ts'
import { since } from '../versions.ts'
import { hearOccasion, hearWhen } from './calendar-hear.ts'
import { recurrence, type CalendarContext, type Item } from './calendar-say.ts'
import { hasDates, hearDay, hearTime, hearUntil } from './calendar-times.ts'
import { hearRecurrence } from './recurrence-hear.ts'
import { ruleOf } from './recurrence.ts'

const day = 86_400_000

/** [MS-ASCAL] Exceptions: elements of one request. */
const mostExceptions = 256

/** As it would have arrived. */
const asElement = ({ tag, children: content }: Node): Element => ({
  tag, text: typeof content === 'string' ? content : '', children: Array.isArray(content) ? (content as readonly Node[]).map(asElement) : [],
})

/**
 * What a client makes of a series: another rule, null where it is a single event now, undefined where it stays as it was told. `when`
 * is what the event has by then.
 */
export function hearRule(data: Element, item: Item | undefined, when: When, context: CalendarContext): RuleParts | null | undefined {
  const element = child(data, 'Calendar:Recurrence')
  const told = item && recurrence(item)
  if (!element) {
    // Up to 14.1 an event that is told whole, and no recurrence with it, has none.
    const whole = !since(context.version, '16.0') && child(data, 'Calendar:StartTime') && child(data, 'Calendar:EndTime')
    return told && whole ? null : undefined
  }
  if (element.children.length === 0) return told ? null : undefined
  const { until, ...heard } = hearRecurrence(element, 'Calendar')
  const last = until && hearUntil(until, when, context.version)
  if (told) {
    const { until: before, ...known } = hearRecurrence({ tag: 'Calendar:Recurrence', text: '', children: told.map(asElement) }, 'Calendar')
    const same = JSON.stringify({ firstDayOfWeek: 1, ...known }) === JSON.stringify({ firstDayOfWeek: known.firstDayOfWeek ?? 1, ...heard })
    if (same && (before && hearUntil(before, when, context.version)) === last) return undefined
  }
  return ruleOf(heard, last === undefined ? undefined : printUntil(last, when, item?.occasion))
}

/** The rule a series keeps when it is moved: its last day stays the last, at the new time. Undefined where it says so already. */
export function movedRule({ series, start }: Event, when: When): RuleParts | undefined {
  const [rule] = series?.rules ?? []
  const until = parseDateTime(rule?.['UNTIL'] ?? ''), last = untilOf(until, start)
  if (!rule || !until || last === undefined) return undefined
  const midnight = Math.floor((start.form === 'date' ? last : localOf(last, start.zone)) / day) * day
  const begins = localOf(when.start, when.zone)
  const next = when.allDay ? midnight : instantOf(midnight + begins - Math.floor(begins / day) * day, when.zone)
  const fits = until.dateOnly === when.allDay && untilOf(until, start)! >= next
  if (fits) return undefined
  const local = !until.utc && !until.dateOnly
  return { ...rule, UNTIL: when.allDay ? printDate(next) : local ? printLocal(localOf(next, when.zone)) : printUtc(next) }
}

/** RFC 5545, UNTIL: a date of dates, local time of times without a zone, else UTC. */
function printUntil(last: number, { allDay, zone }: When, old: Occasion | undefined): string {
  if (allDay) return printDate(last)
  return old?.start.form === 'floating' ? printLocal(last + zone.offset(last) * 60_000) : printUtc(last)
}

/** The occurrence a client names; undefined where the series has none there. Throws `malformed` for what is no time. */
// Some phones name the day of an all-day exception of a timed series.
export const hearOriginal = (value: string, event: Event, context: CalendarContext): number | undefined =>
  originalNear(event, hearInstant(value, event, context))

/** What a client means by the start of an occurrence; of days the midnight by the clocks of the event. */
export function hearInstant(value: string, { allDay, start }: Event, { version, zone }: CalendarContext): number {
  const local = hearTime(value, 'the start of an occurrence')
  if (!parseDateTime(value)?.dateOnly && !allDay) return local
  const midnight = hearDay(local, zone, version)
  return start.form === 'date' ? midnight : instantOf(midnight, start.zone)
}

/** What the client was told of an occurrence: the exception, else what the series has. */
export function instanceItem(item: Item, original: number): Item {
  const { event } = item
  const exception = event.exceptions.find(one => match(one.original, event.start) === original)
  return { ...item, occasion: exception ?? occurrenceOf(event, original) }
}

/** One occurrence, changed by itself: [MS-ASAIRS] InstanceId. */
export function hearInstance(data: Element, item: Item, original: number, context: CalendarContext): OccasionPatch {
  const instance = instanceItem(item, original)
  return { ...hearOccasion(data, instance, context), when: hearWhen(data, instance, undefined, context) }
}

/**
 * [MS-ASCAL] Exceptions of a request up to 14.1. An exception that is not in it stays. One of a day without an occurrence is left out:
 * there is nothing it could be an exception of.
 */
export function hearExceptions(data: Element, item: Item, context: CalendarContext): readonly ExceptionPatch[] | undefined {
  const list = child(data, 'Calendar:Exceptions')
  if (!list) return undefined
  const all = children(list, 'Calendar:Exception')
  if (all.length > mostExceptions) throw new Failure('malformed', `more than ${mostExceptions} exceptions`)
  const heard = all.flatMap((one): ExceptionPatch[] => {
    const named = text(one, hasDates(context.version) ? 'AirSyncBase:InstanceId' : 'Calendar:ExceptionStartTime')?.trim()
    if (!named) throw new Failure('malformed', 'an exception of no occurrence')
    const original = hearOriginal(named, item.event, context)
    if (original === undefined) return []
    if (['1', 'true'].includes(text(one, 'Calendar:Deleted')?.trim() ?? '')) {
      return isLeftOut(item.event, original) ? [] : [{ original, change: 'remove' }]
    }
    const change = hearException(one, item, original, context)
    return Object.values(change).every(value => value === undefined) && !isLeftOut(item.event, original) ? [] : [{ original, change }]
  })
  return heard.length > 0 ? heard : undefined
}

export const isLeftOut = ({ series, start, exceptions }: Event, original: number): boolean =>
  !exceptions.some(one => match(one.original, start) === original) && (series?.excluded.some(one => match(one, start) === original) ?? false)

/** What it does not say, it has of the series; when it is, of its own occurrence. */
function hearException(one: Element, item: Item, original: number, context: CalendarContext): OccasionPatch {
  const instance = instanceItem(item, original)
  const inherited: Item = { ...item, occasion: occurrenceOf(item.event, original) }
  const plain = (tag: 'Calendar:StartTime' | 'Calendar:EndTime'): boolean => !text(one, tag)?.trim()
  const base = plain('Calendar:StartTime') && plain('Calendar:EndTime') ? inherited : instance
  const said = hearWhen(one, base, undefined, context)
  const moved = instance.occasion.start.at !== base.occasion.start.at || instance.occasion.end.at !== base.occasion.end.at
  const { start, end, allDay } = base.occasion
  return {
    ...hearOccasion(one, instance, context, inherited),
    when: said ?? (moved ? { start: start.at, end: end.at, allDay, zone: start.zone } : undefined),
  }
}

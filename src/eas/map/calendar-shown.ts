import { Failure } from '../../base/failure.ts'
import { followed, match, occurrenceOf, startsOf } from '../../formats/series.ts'
import { instantOf, localOf, utcZone } from '../../formats/timezone.ts'
import type { Event, Exception, Series } from '../../model/event.ts'
import type { Time, Zone } from '../../model/zone.ts'
import { ruleOf, type Recurrence } from './recurrence.ts'

/**
 * A series that EAS has no words for is shown as one it has: the simplest recurrence that has all days of the occurrences of a window,
 * what is too much of it left out by exceptions. Each occurrence keeps its own day, so an exception a client names is of the occurrence of
 * that day, whenever the client was told. Days in a row whose exceptions are moved to where they belong would need no
 * exceptions for what is too much, but a client told another day would name other occurrences by them, and Exchange and Outlook refuse
 * exceptions that pass other occurrences.
 *
 * Where a day has several occurrences, which no recurrence has, all are exceptions of days in a row, told by another time of day than
 * that of the series: what is said of one of these is refused, as its day does not say which it is.
 */

const day = 86_400_000, minute = 60_000

/** Days from the first occurrence that is shown; days before now, fewer where a day has several; days in which any is looked for. */
const window = { length: 394, before: 28, crowded: 1, horizon: 40 * 366 }

/** Starts that are looked at; exceptions that are told, of the 256 there may be: the client must have room for its own. */
const most = { starts: 500, exceptions: 240 }

const floor = (local: number): number => Math.floor(local / day) * day
const clocksOf = ({ form, zone }: Time): Zone => form === 'date' ? utcZone : zone

/** The midnight, as numerals, of the day of an instant by the clocks of an event. */
export const dayOf = ({ start }: Event, at: number): number => floor(localOf(at, clocksOf(start)))

const timeOfDay = ({ start: { local } }: Event): number => local - floor(local)

/** The time of a midnight's day at which the recurrence is shown. */
function slotOn(event: Event, midnight: number, time = timeOfDay(event)): Time {
  const local = midnight + time
  return { ...event.start, at: instantOf(local, clocksOf(event.start)), local }
}

/** The starts that a series would have but for exceptions, and those of exceptions; within days, sorted. */
function originalsIn(event: Event, first: number, last: number, limit = most.starts): number[] {
  const { series, start, partial } = event
  const from = instantOf(first, clocksOf(start)), to = instantOf(last, clocksOf(start)) - 1
  const { starts } = series ? startsOf(series, start, from, to, limit) : { starts: partial ? [] : [start.at] }
  const known = event.exceptions.map(one => match(one.original, start))
  return [...new Set([...starts, ...known])].filter(at => at >= from && at <= to).sort((one, other) => one - other).slice(0, limit)
}

/** As a client is told at a time; of a series that is over, its last part. Undefined where it has no occurrence at all. */
export function shownNow(event: Event, now: number): Event | undefined {
  const moved = event.exceptions.reduce((most, one) => one.following ? Math.max(most, one.start.at - one.original.at) : most, 0)
  const begins = (before: number): number => dayOf(event, now - before * day - moved)
  const shown = shownFrom(event, begins(window.before))
  if (!shown) return shownLast(event, begins(window.before))
  return isCrowded(event, shown) ? shownFrom(event, begins(window.crowded)) ?? shown : shown
}

function shownLast(event: Event, midnight: number): Event | undefined {
  const begin = Math.min(event.start.at, ...event.exceptions.map(one => one.original.at))
  const last = originalsIn(event, dayOf(event, begin), midnight, Infinity).at(-1)
  return last === undefined ? undefined : shownFrom(event, dayOf(event, last) - most.exceptions * day)
}

/**
 * The same by the first day that is shown: whatever the time, it is the same for the same day. By the start of it a client knows the
 * clock of all, so it is none at which the hour of the series never comes.
 */
export function shownFrom(event: Event, midnight: number): Event | undefined {
  const near = originalsIn(event, midnight, midnight + window.length * day)
  const all = near.length > 0 ? near : originalsIn(event, midnight, midnight + window.horizon * day)
  const first = all.find(at => isOnClock(event, slotOn(event, dayOf(event, at)))) ?? all[0]
  if (first === undefined) return undefined
  const begin = dayOf(event, first)
  const shown = begin === midnight ? near : originalsIn(event, begin, begin + window.length * day)
  if (shown.length === 0) return undefined
  const days = new Map(shown.map((at): [number, number] => [dayOf(event, at), at]).reverse())
  if (days.size === shown.length || event.allDay) return sparse(event, [...days].reverse())
  return crowded(event, shown.slice(0, most.exceptions))
}

const isOnClock = ({ start }: Event, { at, local }: Time): boolean => localOf(at, clocksOf(start)) === local

/** Whether what is shown of an event is of several a day. */
const isCrowded = (event: Event, shown: Event): boolean => timeOfDay(shown) !== timeOfDay(event)

type Layout = { readonly recurrence: Recurrence; readonly slots: readonly number[]; readonly shown: number; readonly exceptions: number }

/** Undefined where a day is not what its zone says it is. */
function sparse(event: Event, originals: readonly (readonly [midnight: number, original: number])[]): Event | undefined {
  const start = slotOn(event, originals[0]![0])
  const told = new Map(originals.map(([midnight, original]) => {
    const slot = slotOn(event, midnight)
    return [slot.at, exceptionOf(event, original, slot)]
  }))
  const last = [...told.keys()].at(-1)!
  const layouts = recurrencesOf(originals.map(([midnight]) => midnight)).flatMap(recurrence => layoutOf(recurrence, start, last, told) ?? [])
  const [best] = layouts.sort((one, other) => other.shown - one.shown || one.exceptions - other.exceptions)
  if (!best) return undefined
  const { recurrence, slots } = best
  const excluded = slots.filter(at => !told.has(at)).map(at => slotOn(event, dayOf(event, at)))
  const exceptions = slots.flatMap(at => told.get(at) ?? [])
  return seriesOf(event, start, recurrence, slots.length, { excluded, exceptions })
}

function crowded(event: Event, originals: readonly number[]): Event {
  const time = timeOfDay(event)
  const first = dayOf(event, originals[0]!), other = time + (time < day / 2 ? minute : -minute)
  const slot = (index: number): Time => slotOn(event, first + index * day, other)
  const exceptions = originals.flatMap((original, index) => exceptionOf(event, original, slot(index)) ?? [])
  return seriesOf(event, slot(0), { type: 0, interval: 1, occurrences: undefined }, originals.length, { excluded: [], exceptions })
}

type Differences = { readonly excluded: Series['excluded']; readonly exceptions: Event['exceptions'] }

function seriesOf(event: Event, start: Time, recurrence: Recurrence, occurrences: number, { excluded, exceptions }: Differences): Event {
  const series: Series = { rules: [ruleOf({ ...recurrence, occurrences })], exceptRules: [], dates: [], excluded }
  return { ...event, start, end: endOf(event, start), series, exceptions, partial: false }
}

/** Days are as many, whatever their hours. */
function endOf({ start, end, allDay }: Event, { at, local }: Time): Time {
  if (!allDay) return { ...end, at: at + end.at - start.at, local: localOf(at + end.at - start.at, end.zone) }
  const last = local + end.local - start.local
  return { ...end, at: instantOf(last, clocksOf(end)), local: last }
}

/** Of an occurrence that is not at the time of its day, or has words of its own. */
function exceptionOf(event: Event, original: number, slot: Time): Exception | undefined {
  const own = event.exceptions.find(one => match(one.original, event.start) === original)
  if (!own && !followed(event, original) && original === slot.at) return undefined
  return { ...own ?? occurrenceOf(event, original), original: slot, following: false }
}

/** The recurrences that have all these days: of some days of the week, of one day of the month, of every so many days. */
function recurrencesOf(midnights: readonly number[]): Recurrence[] {
  const dates = midnights.map(at => new Date(at)), first = dates[0]!
  const weekdays = dates.reduce((mask, date) => mask | 1 << date.getUTCDay(), 0)
  const monthDay = first.getUTCDate()
  const monthly = monthDay <= 28 && dates.every(date => date.getUTCDate() === monthDay)
  const months = dates.map(date => (date.getUTCFullYear() - first.getUTCFullYear()) * 12 + date.getUTCMonth() - first.getUTCMonth())
  return [
    { type: 0, interval: commonOf(midnights.map(at => (at - midnights[0]!) / day)), occurrences: undefined },
    ...(weekdays < 127 ? [{ type: 1, interval: 1, occurrences: undefined, dayOfWeek: weekdays, firstDayOfWeek: 1 } as const] : []),
    ...(monthly ? [{ type: 2, interval: commonOf(months), occurrences: undefined, dayOfMonth: monthDay } as const] : []),
  ]
}

/** The greatest step that comes to all of these. */
const commonOf = (steps: readonly number[]): number => steps.reduce((one, other) => {
  while (other > 0) [one, other] = [other, one % other]
  return one
}, 0) || 1

/** As far as there is room for exceptions; undefined for a recurrence that does not come to all of them. */
function layoutOf(recurrence: Recurrence, start: Time, last: number, told: ReadonlyMap<number, Exception | undefined>): Layout | undefined {
  const { starts } = startsOf({ rules: [ruleOf(recurrence)], exceptRules: [], dates: [], excluded: [] }, start, start.at, last, most.starts)
  const slots = new Set(starts)
  if (![...told.keys()].every(at => slots.has(at))) return undefined
  let exceptions = 0, shown = 0, until = 0, spent = 0
  for (const [index, at] of starts.entries()) {
    if (!told.has(at) || told.get(at)) exceptions++
    if (exceptions > most.exceptions) break
    if (told.has(at)) [until, shown, spent] = [index + 1, shown + 1, exceptions]
  }
  return { recurrence, slots: starts.slice(0, until), shown, exceptions: spent }
}

/**
 * The occurrence that is meant by what is shown of it: that of its day. Throws `not-found` where there is none, `denied` where it cannot
 * be known which, and for one that moves all that follow.
 */
export function originalOf(event: Event, slot: number): number {
  const midnight = dayOf(event, slot)
  const originals = originalsIn(event, midnight, midnight + day)
  const isOne = event.allDay || (slotOn(event, midnight).at === slot && originals.length <= 1)
  if (!isOne) throw new Failure('denied', 'one of several occurrences a day')
  const [original] = originals
  if (original === undefined) throw new Failure('not-found', 'an exception of no occurrence')
  const isFollowed = event.exceptions.some(one => one.following && match(one.original, event.start) === original)
  if (isFollowed) throw new Failure('denied', 'an exception that is of all that follow')
  return original
}

import type { Event, Exception, Occasion, RuleParts, Series } from '../model/event.ts'
import type { Time, Zone } from '../model/zone.ts'
import type { Numerals } from './icalendar.ts'
import { expand, type Work } from './recurrence.ts'
import { readRule } from './recurrence-rule.ts'
import { instantOf, localOf, utcZone } from './timezone.ts'

const day = 86_400_000

/** Days and times that are looked at for one series, at most; a daily one of 200 years takes 73,000. */
const mostWork = 200_000

/** Instants. `complete` is false where a rule cannot be expanded, or not as far as was asked. */
export type Starts = { readonly starts: readonly number[]; readonly complete: boolean }

/**
 * RFC 5545, Recurrence Component Properties: when a series begins within a window, `from` and `to` included, at most `most` times.
 * What excludes is taken out; exceptions are not regarded. A series whose rules never come to a day has its own start.
 */
export function startsOf(series: Series, start: Time, from: number, to: number, most: number): Starts {
  const work: Work = { left: mostWork }
  let complete = true
  const all = new Set<number>()
  const add = (parts: Series['rules'], into: Set<number>): void => {
    for (const one of parts) complete = ruled(one, start, from, to, most, work, into) && complete
  }
  add(series.rules, all)
  for (const { at } of series.dates) if (at >= from && at <= to) all.add(at)
  const excluded = new Set(series.excluded.map(one => match(one, start)))
  add(series.exceptRules, excluded)
  // A rule that never comes to anything still leaves the event itself.
  const inside = start.at >= from && start.at <= to
  if (inside && (series.rules.length === 0 || (all.size === 0 && isBarren(series.rules, start)))) all.add(start.at)
  const starts = [...all].filter(at => !excluded.has(at))
  if (series.rules.length !== 1 || series.dates.length > 0) starts.sort((one, other) => one - other)
  return { starts: starts.slice(0, most), complete: complete && starts.length <= most }
}

const years = 366 * day

function isBarren(rules: Series['rules'], start: Time): boolean {
  const found = new Set<number>()
  for (const one of rules) ruled(one, start, start.at, start.at + 40 * years, 1, { left: mostWork / 10 }, found)
  return found.size === 0
}

/** A date excludes what begins on it, whatever the hour. */
export function match(one: Time, start: Time): number {
  if (start.form === 'date') return Math.floor(one.local / day) * day
  if (one.form !== 'date') return one.at
  return instantOf(one.local + timeOfDay(start), start.zone)
}

const timeOfDay = ({ local }: Time): number => local - Math.floor(local / day) * day

/** By the clocks of its start. */
const zoneOf = ({ form, zone }: Time): Zone => form === 'date' ? utcZone : zone

/** Adds the starts a rule gives; false where there are more, or nobody knows. */
function ruled(parts: RuleParts, start: Time, from: number, to: number, most: number, work: Work, into: Set<number>): boolean {
  const rule = readRule(parts)
  if (!rule) {
    if (start.at >= from && start.at <= to) into.add(start.at)
    return false
  }
  const zone = zoneOf(start)
  const last = Math.min(to, untilOf(rule.until, start) ?? to)
  // Counting begins at the start.
  const begin = rule.count === undefined ? localOf(from, zone) - day : start.local
  let count = 0, found = 0
  for (const local of expand(rule, start.local, begin, localOf(last, zone) + day, work)) {
    const at = instantOf(local, zone)
    if (at > last || (rule.count !== undefined && ++count > rule.count)) break
    if (at < from) continue
    into.add(at)
    if (++found > most) return false
  }
  return work.left > 0
}

/** RFC 5545, UNTIL: the last instant at which a start can be. */
export function untilOf(until: Numerals | undefined, start: Time): number | undefined {
  if (!until) return undefined
  if (until.utc || (until.dateOnly && start.form === 'date')) return until.local
  // A date means the start of that day's occurrence, whatever its hour.
  return instantOf(until.dateOnly ? until.local + timeOfDay(start) : until.local, zoneOf(start))
}

export type Occurrence = { readonly original: number; readonly start: number; readonly end: number }
export type Occurrences = { readonly list: readonly Occurrence[]; readonly complete: boolean }

/** When an event happens within a window, exceptions in the place of what they replace, sorted by start. */
export function occurrencesOf(event: Event, from: number, to: number, most: number): Occurrences {
  const length = event.end.at - event.start.at
  const replaced = new Map(event.exceptions.map(one => [match(one.original, event.start), one]))
  const moved = event.exceptions.filter(one => one.following)
  // What was moved into the window may come from far outside.
  const far = moved.reduce((most, one) => Math.max(most, Math.abs(one.start.at - one.original.at)), 0) + Math.max(0, length)
  const { starts, complete } = event.partial ? { starts: [], complete: true }
    : event.series ? startsOf(event.series, event.start, from - far, to + far, most)
    : { starts: [event.start.at], complete: true }
  const list = starts.filter(at => !replaced.has(at)).map((at): Occurrence => {
    const by = moved.findLast(one => one.original.at <= at)
    const start = by ? at + by.start.at - by.original.at : at
    return { original: at, start, end: start + (by ? by.end.at - by.start.at : length) }
  })
  for (const [original, one] of replaced) list.push({ original, start: one.start.at, end: one.end.at })
  const inside = list.filter(({ start, end }) => start <= to && (end > from || start >= from))
  return { list: inside.sort((one, other) => one.start - other.start).slice(0, most), complete }
}

/** The instants at which occurrences begin, or would but for exceptions and what leaves them out, on a day of its clocks. */
export function originals({ series, start, exceptions }: Event, midnight: number): number[] {
  if (!series) return []
  const zone = zoneOf(start)
  const from = instantOf(midnight, zone), to = instantOf(midnight + day, zone) - 1
  const { starts } = startsOf({ ...series, excluded: [], exceptRules: [] }, start, from, to, 100)
  const known = exceptions.map(one => match(one.original, start)).filter(at => at >= from && at <= to)
  return [...new Set([...known, ...starts])]
}

/** What the series says of one of its occurrences, or the exception that all from it on follow. */
export function occurrenceOf(event: Event, original: number): Occasion {
  const moved = followed(event, original)
  const { start, end } = moved ?? event
  const at = moved ? original + start.at - moved.original.at : original
  return { ...event, ...moved, start: timeAt(start, at), end: timeAt(end, at + end.at - start.at) }
}

/** RFC 5545, THISANDFUTURE: what an occurrence is moved with. */
export const followed = ({ exceptions }: Event, original: number): Exception | undefined =>
  exceptions.findLast(one => one.following && one.original.at <= original)

/** Another time, written as this one. */
export const timeAt = (time: Time, at: number): Time => ({ ...time, at, local: time.form === 'date' ? at : localOf(at, time.zone) })

/**
 * The original start of the occurrence somebody means by an instant, or by the midnight of a day: exactly that one, else the one
 * of its day by the clocks of the series. Undefined for a day without one.
 */
export function originalNear(event: Event, at: number): number | undefined {
  const { start, exceptions } = event
  if (exceptions.some(one => match(one.original, start) === at)) return at
  const zone = zoneOf(start)
  const days = [localOf(at, zone), ...at % day === 0 ? [at] : []].map(local => Math.floor(local / day) * day)
  const found = [...new Set(days)].flatMap(midnight => originals(event, midnight))
  return found.includes(at) ? at : found[0]
}

/** How far from now a series is looked for. */
const horizon = 40 * years

/** Whether an event has an occurrence that ends after `since`; of a series without an end that is always so. */
export function happensSince(event: Event, since: number): boolean {
  if ([event, ...event.exceptions].some(({ start, end }) => end.at > since || start.at >= since)) return true
  if (!event.series) return false
  const endless = event.series.rules.some(rule => rule['COUNT'] === undefined && rule['UNTIL'] === undefined)
  if (endless && event.series.exceptRules.length === 0) return true
  return occurrencesOf(event, since, since + horizon, 1).list.length > 0
}

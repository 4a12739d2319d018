import { Failure } from '../../base/failure.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import { instantOf, localOf } from '../../formats/timezone.ts'
import { printLocal } from '../../formats/vtimezone-write.ts'
import type { Occasion, When } from '../../model/event.ts'
import type { Time, Zone } from '../../model/zone.ts'
import { since, type Version } from '../versions.ts'

const day = 86_400_000, minute = 60_000

/** [MS-ASDTYPE] Compact DateTime, of an instant, or of numerals. */
export const compact = (at: number): string => `${printLocal(at)}Z`

/** From 16.0 on a day is a day, whatever the clock: [MS-ASCAL] AllDayEvent. */
export const hasDates = (version: Version): boolean => since(version, '16.0')

/** The midnights, as numerals, of the days of an all-day event; the last is not in it. */
export function daysOf({ start, end }: Pick<Occasion, 'start' | 'end'>): { readonly start: number; readonly end: number } {
  const first = Math.floor(start.local / day) * day
  return { start: first, end: Math.max(first + day, Math.ceil(end.local / day) * day) }
}

/**
 * A day as clients are told it: up to 14.1 when it begins by the clocks of `zone`, which goes along with it (that is what Exchange
 * does, and all clients have seen it); later its numerals.
 */
export const sayDay = (midnight: number, zone: Zone, version: Version): string =>
  compact(hasDates(version) ? midnight : instantOf(midnight, zone))

/** The original start of an exception, which for days is one of them. */
export const sayOriginal = (original: Time, allDay: boolean, zone: Zone, version: Version): string =>
  allDay ? sayDay(Math.floor(original.local / day) * day, zone, version) : compact(original.at)

/** Numerals of a date a client sent; throws `malformed` for what is none. */
export function hearTime(value: string, what: string): number {
  const read = parseDateTime(value)
  if (!read || read.local < Date.UTC(1601, 0, 1) || read.local > Date.UTC(4500, 11, 31)) throw new Failure('malformed', `${what} is no time`)
  return read.local
}

/**
 * The midnight, as numerals, of the day a client means: that of UTC where it is one (16.x, and those who do not convert), else the
 * nearest by the clocks of its zone.
 */
export function hearDay(at: number, zone: Zone, version: Version): number {
  if (at % day === 0) return at
  // 16.x counts in dates; an hour that is told nevertheless says nothing.
  return hasDates(version) ? Math.floor(at / day) * day : Math.round(localOf(at, zone) / day) * day
}

/** Both times of an event, of which the client may have said but one. Throws `malformed` for an end before the start. */
export function whenOf(start: number, end: number, allDay: boolean, zone: Zone, version: Version): When {
  if (end < start) throw new Failure('malformed', 'an event that ends before it begins')
  if (!allDay) return { start, end, allDay, zone }
  const first = hearDay(start, zone, version)
  return { start: first, end: Math.max(first + day, hearDay(end, zone, version)), allDay, zone }
}

/**
 * [MS-ASCAL] Creating Calendar Events when the StartTime Element or EndTime Element is Absent: the half hour nearest to now takes
 * their place. Throws `malformed` where that makes no event.
 */
export function substituted(
  start: number | undefined, end: number | undefined, now: number,
): { readonly start: number; readonly end: number } {
  const half = 30 * minute
  const rounded = Math.round(now / half) * half
  const times = { start: start ?? rounded, end: end ?? rounded + half }
  const past = start === undefined && end !== undefined && (end < now || rounded > end)
  if (past || (end === undefined && start !== undefined && start > now)) throw new Failure('malformed', 'an event without start or end')
  return times
}

/**
 * The last start of a series that ends with what a client says. An hour that is the one of the series is exact; else a day counts,
 * by its numerals where they are a midnight, else by the clocks of the series: phones mean the day, and not all in UTC.
 */
export function hearUntil(
  { local, dateOnly }: { readonly local: number; readonly dateOnly: boolean }, { start, allDay, zone }: When, version: Version,
): number {
  if (allDay) return hearDay(local, zone, version)
  const time = (at: number): number => localOf(at, zone) - Math.floor(localOf(at, zone) / day) * day
  if (!dateOnly && time(local) === time(start)) return local
  const midnight = dateOnly || local % day === 0 ? local : Math.floor(localOf(local, zone) / day) * day
  return instantOf(midnight + time(start), zone)
}

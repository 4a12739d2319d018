import { Failure } from '../base/failure.ts'
import type { Time, Zone } from '../model/zone.ts'
import { parseDateTime, parseDuration, property, type Component, type Property } from './icalendar.ts'
import { instantOf, utcZone, zoneOfName } from './timezone.ts'
import { vtimezone } from './vtimezone.ts'

const day = 86_400_000

/** The zone of a property by its TZID. Throws `malformed` for one that nobody knows: a wrong hour would be worse than none. */
export type ZoneReader = (time: Property) => Zone

/**
 * Zones by TZID: `Intl` knows more years than most of what is sent along; that helps where the name is somebody's own. A time
 * without one is by the clocks of the calendar, where it says which, else by `floating`.
 */
export function zonesOf(calendar: Component, floating: Zone, named: (name: string) => Zone | undefined = zoneOfName): ZoneReader {
  const known = new Map<string, Zone>()
  const inCalendar = (id: string): Component | undefined =>
    calendar.components.find(one => one.name === 'VTIMEZONE' && property(one, 'TZID')?.value.trim() === id)
  return ({ parameters }) => {
    const id = (parameters['TZID'] ?? '').trim()
    let zone = known.get(id)
    if (!zone) {
      if (id === '') zone = named(property(calendar, 'X-WR-TIMEZONE')?.value ?? '') ?? floating
      else {
        const component = inCalendar(id)
        zone = /^[A-Z][A-Za-z]+\/[A-Z]/.test(id) ? named(id) : undefined
        zone ??= (component && vtimezone(component)) ?? named(id)
      }
      if (!zone) throw new Failure('malformed', 'a time zone that nobody knows')
      known.set(id, zone)
    }
    return zone
  }
}

/** Throws `malformed` for what is no date. */
export function readTime(time: Property | undefined, zones: ZoneReader): Time | undefined {
  return time && timeOf(time.value, time, zones)
}

/** What nobody needs to have right does no harm when it is wrong. */
export function instant(component: Component, name: string, zones: ZoneReader): number | undefined {
  try {
    return readTime(property(component, name), zones)?.at
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

export function timeOf(value: string, time: Property, zones: ZoneReader): Time {
  const numerals = parseDateTime(value)
  if (!numerals) throw new Failure('malformed', `${time.name} is no date`)
  const { local, utc, dateOnly } = numerals
  if (!isPlausible(local)) throw new Failure('malformed', 'a year that no calendar has')
  if (utc || dateOnly) return { at: local, local, form: dateOnly ? 'date' : 'utc', zone: utcZone }
  const zone = zones(time)
  const at = instantOf(local, zone)
  return { at, local, form: (time.parameters['TZID'] ?? '').trim() === '' ? 'floating' : 'zoned', zone }
}

/** Years of four digits: what [MS-ASDTYPE] dateTime can say. */
const earliest = Date.UTC(100, 0, 2), latest = Date.UTC(9999, 11, 30)
const isPlausible = (at: number): boolean => at >= earliest && at < latest

/** DTEND, DTSTART with DURATION, or by RFC 5545, Event Component: one day of a date, no time at all of a date with time. */
export function endOf(event: Component, start: Time, zones: ZoneReader): Time {
  const told = readTime(property(event, 'DTEND'), zones)
  const duration = parseDuration(property(event, 'DURATION')?.value ?? '')
  const least = start.form === 'date' ? day : 0
  if (told && told.at >= start.at + least) return told
  const length = !told && duration !== undefined ? duration : least
  return later(start, Math.max(length, least))
}

/** Days of a duration are days of the calendar, hours are exact. */
export function later(time: Time, duration: number): Time {
  const days = Math.trunc(duration / day) * day, rest = duration - days
  const at = (days === 0 ? time.at : instantOf(time.local + days, time.zone)) + rest
  return { ...time, at, local: time.form === 'date' ? at : at + time.zone.offset(at) * 60_000 }
}

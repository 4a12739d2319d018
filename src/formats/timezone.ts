import type { Transition, Zone } from '../model/zone.ts'
import { windowsZones } from './windows-zones.ts'

export type { Transition, Zone }

export const utcZone: Zone = { name: 'UTC', offset: () => 0, transitions: () => [], steady: () => 0 }

const minute = 60_000, day = 86_400_000

/** The zone of an IANA name, undefined for a name that `Intl` does not know. */
export function ianaZone(name: string): Zone | undefined {
  const format = formatOf(name)
  if (!format) return undefined
  return {
    name,
    offset(instant) {
      const whole = Math.floor(instant / 1000) * 1000
      const [month, date, year, hour, minutes, second] = format.format(whole).match(/\d+/g)!.map(Number)
      return (Date.UTC(year!, month! - 1, date, hour, minutes, second) - whole) / minute
    },
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone, calendar: 'gregory', hourCycle: 'h23',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    })
  } catch {
    return undefined
  }
}

/** Years of transitions that are remembered of one zone. */
const mostYears = 200

/** Numerals that all have one offset, the end not included. */
type Steady = { readonly from: number; readonly to: number; readonly offset: number }
type Year = {
  readonly begins: number; readonly ends: number; readonly before: number
  readonly transitions: readonly Transition[]; readonly steady: readonly Steady[]
}

/** What a year has beyond two days of its ends and of each change of clocks. */
function steadyOf({ begins, ends, before, transitions }: Omit<Year, 'steady'>): Steady[] {
  const starts = [begins, ...transitions.map(({ at }) => at)], offsets = [before, ...transitions.map(({ to }) => to)]
  return starts.map((from, index) => ({ from: from + 2 * day, to: (starts[index + 1] ?? ends) - 2 * day, offset: offsets[index]! }))
}

/** The same zone, which asks for each year but once. */
export function remembered(zone: Zone): Zone {
  const years = new Map<number, Year>()
  const of = (year: number): Year => {
    let known = years.get(year)
    if (!known) {
      if (years.size >= mostYears) years.clear()
      const begins = Date.UTC(year, 0, 1)
      const found = { begins, ends: Date.UTC(year + 1, 0, 1), before: zone.offset(begins - 1000), transitions: findTransitions(zone, year) }
      known = { ...found, steady: steadyOf(found) }
      years.set(year, known)
    }
    return known
  }
  // Mostly the next question is about the same year.
  let last = of(1970)
  const look = (time: number): void => {
    if (!(time >= last.begins && time < last.ends)) last = of(new Date(time).getUTCFullYear())
  }
  return {
    name: zone.name,
    transitions: year => of(year).transitions,
    steady(local) {
      look(local)
      for (const { from, to, offset } of last.steady) if (local >= from && local < to) return offset
      return undefined
    },
    offset(instant) {
      look(instant)
      let offset = last.before
      for (const { at, to } of last.transitions) if (at <= instant) offset = to
      return offset
    },
  }
}

/**
 * The zone somebody meant: IANA names with whatever path before them (Mozilla, Evolution), those of Windows, Lotus and
 * Outlook's lists, offsets. Undefined rather than a wrong one.
 */
export function zoneOfName(name: string): Zone | undefined {
  const plain = name.trim().replace(/^"|"$/g, '').slice(0, 200)
  if (plain === '') return undefined
  const path = plain.split('/')
  const tails = [path, path.slice(-3), path.slice(-2)].map(part => part.join('/'))
  const windows = windowsZones.get(plain.toLowerCase().replace(/ (standard|daylight|summer) time\b/, ''))
  for (const candidate of [...new Set(tails), windows, cityOf(plain)]) {
    const zone = candidate === undefined ? undefined : ianaZone(candidate)
    if (zone) return zone
  }
  if (/^tzone:\/\/microsoft\/utc$/i.test(plain)) return utcZone
  return fixedZone(plain)
}

/** `(UTC+01:00) Amsterdam, Berlin, Bern`: the first city that has a zone. */
function cityOf(name: string): string | undefined {
  if (!/^\((UTC|GMT)/i.test(name)) return undefined
  const cities = name.replace(/^\([^)]*\)/, '').split(/[,/]/).map(city => city.trim().replaceAll(' ', '_'))
  const known = Intl.supportedValuesOf('timeZone')
  return cities.flatMap(city => city ? known.find(zone => zone.endsWith(`/${city}`)) ?? [] : [])[0]
}

/** `GMT+0100`, `UTC-3:30` */
function fixedZone(name: string): Zone | undefined {
  const match = /^(?:UTC|GMT)?\s?([+-])(\d{1,2}):?(\d\d)?$/i.exec(name)
  if (!match) return undefined
  const minutes = (Number(match[2]) * 60 + Number(match[3] ?? 0)) * (match[1] === '-' ? -1 : 1)
  return Math.abs(minutes) <= 14 * 60 ? { name, offset: () => minutes, transitions: () => [] } : undefined
}

/** What its clocks show, in milliseconds as if at UTC. */
export const localOf = (instant: number, zone: Zone): number => instant + zone.offset(instant) * minute

/**
 * When clocks of the zone show these numerals (milliseconds as if at UTC): the first time where they do twice, RFC 5545's
 * reading of a time that is skipped where they never do.
 */
export function instantOf(local: number, zone: Zone): number {
  const steady = zone.steady?.(local)
  if (steady !== undefined) return local - steady * minute
  const before = zone.offset(local - day), after = zone.offset(local + day)
  if (before === after) return local - before * minute
  const first = local - before * minute, second = local - after * minute
  return zone.offset(first) === before || zone.offset(second) !== after ? first : second
}

/** The changes of clocks in a year of UTC, in order. */
export const transitionsOf = (zone: Zone, year: number): readonly Transition[] =>
  zone.transitions?.(year) ?? findTransitions(zone, year)

/** Steps of ten days find them all: Ramadan parts two by a month. */
function findTransitions(zone: Zone, year: number): Transition[] {
  const end = Date.UTC(year + 1, 0, 1) - 1000
  const found: Transition[] = []
  let before = Date.UTC(year, 0, 1) - 1000, from = zone.offset(before)
  while (before < end) {
    const next = Math.min(before + 10 * day, end), to = zone.offset(next)
    if (to !== from) found.push({ at: changed(zone, before, next), from, to })
    before = next
    from = to
  }
  return found
}

/** The first instant of the later offset, to the second. */
function changed(zone: Zone, from: number, to: number): number {
  const before = zone.offset(from)
  while (to - from > 1000) {
    const middle = from + Math.floor((to - from) / 2000) * 1000
    if (zone.offset(middle) === before) from = middle
    else to = middle
  }
  return to
}

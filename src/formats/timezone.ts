import { windowsZones } from './windows-zones.ts'

/** A time zone: what its clocks show at an instant (milliseconds since 1970), in minutes ahead of UTC. */
export type Zone = { readonly name: string; offset(instant: number): number }

export const utcZone: Zone = { name: 'UTC', offset: () => 0 }

const minute = 60_000, day = 86_400_000

/** The zone of an IANA name, undefined for a name that `Intl` does not know. */
export function ianaZone(name: string): Zone | undefined {
  const format = formatOf(name)
  if (!format) return undefined
  return {
    name,
    offset(instant) {
      const whole = Math.floor(instant / 1000) * 1000
      const parts = new Map(format.formatToParts(whole).map(({ type, value }) => [type, value]))
      const [year, month, date, hour, minutes, second] =
        ['year', 'month', 'day', 'hour', 'minute', 'second'].map(type => Number(parts.get(type as Intl.DateTimeFormatPartTypes)))
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
  return Math.abs(minutes) <= 14 * 60 ? { name, offset: () => minutes } : undefined
}

/**
 * When clocks of the zone show these numerals (milliseconds as if at UTC): the first time where they do twice, RFC 5545's
 * reading of a time that is skipped where they never do.
 */
export function instantOf(local: number, zone: Zone): number {
  const before = zone.offset(local - day), after = zone.offset(local + day)
  const first = local - before * minute, second = local - after * minute
  return zone.offset(first) === before || zone.offset(second) !== after ? first : second
}

/** When and to what clocks are changed, each year: on the `week`th (5: last) `weekday` (0: Sunday) of `month` (1 to 12). */
export type Change = { readonly month: number; readonly week: number; readonly weekday: number; readonly milliseconds: number }

/** Minutes to add to local time to get UTC, as Windows counts: Berlin has -60. */
export type ZoneRules = {
  readonly name: string
  readonly bias: number
  /** Undefined where clocks are not changed by a yearly rule. `bias` is added to the other. */
  readonly daylight: { readonly bias: number; readonly begins: Change; readonly ends: Change } | undefined
}

/** The rules of the year of an instant. What changes once, or three times in a year, is no rule: the offset then counts. */
export function zoneRules(zone: Zone, instant: number): ZoneRules {
  const year = new Date(instant).getUTCFullYear()
  const [first, second, third] = transitions(zone, year)
  const now = { name: zone.name, bias: -Math.round(zone.offset(instant)) || 0, daylight: undefined }
  if (!first || !second || third || first.from !== second.to) return now
  const [begins, ends] = first.to > first.from ? [first, second] : [second, first]
  if (ends.to !== begins.from) return now
  return {
    name: zone.name, bias: -Math.round(ends.to) || 0,
    daylight: {
      bias: Math.round(ends.to - begins.to),
      begins: changeOf(zone, year, begins, year => ordered(zone, year)?.begins),
      ends: changeOf(zone, year, ends, year => ordered(zone, year)?.ends),
    },
  }
}

type Transition = { readonly at: number; readonly from: number; readonly to: number }

function ordered(zone: Zone, year: number): { readonly begins: Transition; readonly ends: Transition } | undefined {
  const [first, second, third] = transitions(zone, year)
  if (!first || !second || third) return undefined
  return first.to > first.from ? { begins: first, ends: second } : { begins: second, ends: first }
}

/** Steps of ten days find them all: Ramadan parts two by a month. */
function transitions(zone: Zone, year: number): Transition[] {
  const end = Date.UTC(year + 1, 0, 1)
  const found: Transition[] = []
  let before = Date.UTC(year, 0, 1), from = zone.offset(before)
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

/** The years after tell "last" from "fourth" where this one cannot. */
function changeOf(zone: Zone, year: number, transition: Transition, inYear: (year: number) => Transition | undefined): Change {
  const { month, weekday, milliseconds, date, last } = wallClock(transition)
  const week = Math.ceil(date / 7)
  const ambiguous = week === 4 && last
  const later = ambiguous ? [1, 2, 3, 4, 5, 6].flatMap(n => inYear(year + n) ?? []).map(wallClock) : []
  const always = later.every(one => one.last && one.month === month && one.weekday === weekday)
  return { month, weekday, milliseconds, week: week === 5 || (ambiguous && always) ? 5 : week }
}

/** What clocks show when they are changed. Midnight is the end of the day before: Windows knows no other way to say it. */
function wallClock({ at, from }: Transition) {
  const shown = at + from * minute
  const date = new Date(shown % day === 0 ? shown - 1 : shown)
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return {
    month: date.getUTCMonth() + 1, weekday: date.getUTCDay(), date: date.getUTCDate(), last: date.getUTCDate() + 7 > days,
    milliseconds: ((date.getTime() % day) + day) % day,
  }
}

/** [MS-ASDTYPE] TimeZone: 172 octets, numbers in little-endian order, a SYSTEMTIME without a year for each change. */
export function zoneBlob({ name, bias, daylight }: ZoneRules): Uint8Array {
  const blob = Buffer.alloc(172)
  const named = (at: number): void => void blob.write(name.slice(0, 31), at, 'utf16le')
  const change = (at: number, { month, week, weekday, milliseconds }: Change): void => {
    const fields = [
      0, month, weekday, week, Math.floor(milliseconds / 3_600_000), Math.floor(milliseconds / minute) % 60,
      Math.floor(milliseconds / 1000) % 60, milliseconds % 1000,
    ]
    for (const [index, value] of fields.entries()) blob.writeUInt16LE(value, at + 2 * index)
  }
  blob.writeInt32LE(bias, 0)
  named(4)
  named(88)
  if (daylight) {
    change(68, daylight.ends)
    change(152, daylight.begins)
    blob.writeInt32LE(daylight.bias, 168)
  }
  return blob
}

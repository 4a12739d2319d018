import ICAL from 'ical.js'

/** The first starts of a rule as ical.js has them, numerals; at most so many, none behind `to`. */
export function icalStarts(rule: string, start: number, to: number, most: number): number[] {
  const time = new ICAL.Time({ year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, isDate: false }, ICAL.Timezone.utcTimezone)
  time.fromUnixTime(start / 1000)
  const iterator = ICAL.Recur.fromString(rule).iterator(time)
  const found: number[] = []
  for (let next = iterator.next(); next && found.length < most; next = iterator.next()) {
    const at = next.toUnixTime() * 1000
    if (at > to) break
    found.push(at)
  }
  return found
}

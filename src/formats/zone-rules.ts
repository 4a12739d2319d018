import { transitionsOf, type Transition, type Zone } from './timezone.ts'

const minute = 60_000, day = 86_400_000

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
  const [first, second, third] = transitionsOf(zone, year)
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

function ordered(zone: Zone, year: number): { readonly begins: Transition; readonly ends: Transition } | undefined {
  const [first, second, third] = transitionsOf(zone, year)
  if (!first || !second || third) return undefined
  return first.to > first.from ? { begins: first, ends: second } : { begins: second, ends: first }
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

/** Local time of a change in a year, by the clocks before it. */
function localChange({ month, week, weekday, milliseconds }: Change, year: number): number {
  const first = Date.UTC(year, month - 1, 1), last = Date.UTC(year, month, 0)
  const date = first + ((weekday - new Date(first).getUTCDay() + 7) % 7 + (week - 1) * 7) * day
  // The last millisecond of a day stands for its end.
  return (date > last ? date - 7 * day : date) + (milliseconds === day - 1 ? day : milliseconds)
}

/** The zone that has these rules in all years. */
export function zoneOfRules({ name, bias, daylight }: ZoneRules): Zone {
  const standard = -bias || 0
  if (!daylight) return { name, offset: () => standard, transitions: () => [] }
  const { begins, ends } = daylight
  const summer = standard - daylight.bias
  const transitions = (year: number): Transition[] => [
    { at: localChange(begins, year) - standard * minute, from: standard, to: summer },
    { at: localChange(ends, year) - summer * minute, from: summer, to: standard },
  ].sort((one, other) => one.at - other.at)
  return {
    name, transitions,
    offset(instant) {
      const year = new Date(instant).getUTCFullYear()
      return [...transitions(year - 1), ...transitions(year), ...transitions(year + 1)].findLast(({ at }) => at <= instant)!.to
    },
  }
}

/** Whether a zone is as the rules say all through a year, but for the second in which clocks are changed. */
export function followsRules(zone: Zone, rules: ZoneRules, year: number): boolean {
  const ruled = zoneOfRules(rules)
  const changes = transitionsOf(ruled, year).flatMap(({ at }) => [at - 1000, at + 1000])
  const sundry = Array.from({ length: 37 }, (_, n) => Date.UTC(year, 0, 1, 12) + n * 10 * day)
    .filter(instant => new Date(instant).getUTCFullYear() === year)
  return [...changes, ...sundry].every(instant => zone.offset(instant) === ruled.offset(instant))
}

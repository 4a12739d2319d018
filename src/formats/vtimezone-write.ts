import { localOf, transitionsOf, type Transition, type Zone } from './timezone.ts'
import { printOffset } from './zones.ts'

const minute = 60_000, day = 86_400_000

/** Years in which a rule must hold before it is believed: in 28 of them a date has met each day of the week, leap years too. */
const trial = 28
/** Years that may be listed before a rule begins. */
const wait = 12
/** Years that are listed of a zone without a yearly rule. */
const listed = 20

/** Changes to one offset, by the clocks before them. */
type Observance = { readonly from: number; readonly to: number; readonly onsets: readonly number[]; readonly rule: string | undefined }

/**
 * RFC 5545, Time Zone Component, in lines without folds. Right from a year before that of `instant` on: by yearly rules where
 * there are such, else by the dates of some years.
 */
export function vtimezoneLines(zone: Zone, instant: number): string[] {
  const year = new Date(instant).getUTCFullYear() - 1
  const begins = Date.UTC(year, 0, 1)
  const offset = zone.offset(begins)
  const observances = [
    { from: offset, to: offset, onsets: [begins], rule: undefined },
    ...ruledFrom(zone, year) ?? datesFrom(zone, year),
  ]
  return [
    'BEGIN:VTIMEZONE', `TZID:${zone.name}`,
    ...observances.flatMap(({ from, to, onsets, rule }) => {
      const kind = to > Math.min(...observances.map(one => one.to)) ? 'DAYLIGHT' : 'STANDARD'
      return [
        `BEGIN:${kind}`, `DTSTART:${printLocal(onsets[0]!)}`, `TZOFFSETFROM:${printOffset(from)}`, `TZOFFSETTO:${printOffset(to)}`,
        ...(rule ? [`RRULE:${rule}`] : []),
        // Thunderbird forgets DTSTART where there are RDATEs.
        ...(onsets.length > 1 ? onsets.map(local => `RDATE:${printLocal(local)}`) : []), `END:${kind}`,
      ]
    }),
    'END:VTIMEZONE',
  ]
}

const yearsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n)

/** Undefined where no rule begins soon; what was before it is listed. */
function ruledFrom(zone: Zone, first: number): Observance[] | undefined {
  const changes = yearsFrom(first, trial + wait).map(year => transitionsOf(zone, year))
  for (let from = 0; from <= wait; from++) {
    const ruled = changes.slice(from)
    if (ruled.some(one => kindsOf(one) !== kindsOf(ruled[0]!))) continue
    const rules = ruled[0]!.map((change, index) => ruleOf(ruled.map(one => one[index]!), change))
    if (!rules.includes(undefined)) return [...grouped(changes.slice(0, from).flat()), ...rules as Observance[]]
  }
  return undefined
}

const datesFrom = (zone: Zone, first: number): Observance[] =>
  grouped(yearsFrom(first, listed).flatMap(year => transitionsOf(zone, year)))

const onset = ({ at, from }: Transition): number => at + from * minute
const kindsOf = (changes: readonly Transition[]): string => changes.map(({ from, to }) => `${from}/${to}`).join(' ')

function grouped(changes: readonly Transition[]): Observance[] {
  const kinds = Map.groupBy(changes, change => kindsOf([change]))
  return [...kinds.values()].map(same => ({ from: same[0]!.from, to: same[0]!.to, onsets: same.map(onset), rule: undefined }))
}

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

/** One change of each year, as one rule: last weekday of a month, nth one, or the first on or after a date. */
function ruleOf(changes: readonly Transition[], { from, to }: Transition): Observance | undefined {
  const dates = changes.map(change => new Date(onset(change)))
  const [first] = dates
  const same = (of: (date: Date) => number): boolean => dates.every(date => of(date) === of(first!))
  if (!same(date => date.getUTCDay()) || !same(date => date.getUTCMonth()) || !same(date => date.getTime() % day)) return undefined
  const days = dates.map(date => date.getUTCDate())
  const least = Math.min(...days), most = Math.max(...days)
  const weekday = weekdays[first!.getUTCDay()]!
  const last = dates.every(date => new Date(date.getTime() + 7 * day).getUTCMonth() !== date.getUTCMonth())
  const by = last ? `BYDAY=-1${weekday}`
    : Math.ceil(least / 7) === Math.ceil(most / 7) ? `BYDAY=${Math.ceil(least / 7)}${weekday}`
    : most - least < 7 ? `BYMONTHDAY=${yearsFrom(least, 7).join(',')};BYDAY=${weekday}`
    : undefined
  return by === undefined ? undefined
    : { from, to, onsets: [first!.getTime()], rule: `FREQ=YEARLY;BYMONTH=${first!.getUTCMonth() + 1};${by}` }
}

/** RFC 5545, Date-Time, of numerals. */
export const printLocal = (local: number): string => new Date(local).toISOString().replace(/[-:]|\.\d+Z$/g, '')

/** The same with the date alone. */
export const printDate = (local: number): string => printLocal(local).slice(0, 8)

/** The instant as clocks of the zone show it. */
export const printIn = (instant: number, zone: Zone): string => printLocal(localOf(instant, zone))

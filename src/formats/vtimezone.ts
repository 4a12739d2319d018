import { parseDateTime, parseRule, property, type Component, type Rule } from './icalendar.ts'
import type { Zone } from './timezone.ts'

const minute = 60_000, day = 86_400_000

type Observance = {
  /** Local time of the first onset, by the clocks before it. */
  readonly start: number
  readonly from: number
  readonly to: number
  readonly rule: Rule | undefined
  readonly dates: readonly number[]
}

type Onset = { readonly at: number; readonly to: number }

/** A VTIMEZONE holds a few rules; some programs list every year since 1900. */
const mostObservances = 500

/** RFC 5545, Time Zone Component. Undefined for one without a usable rule. */
export function vtimezone(component: Component): Zone | undefined {
  const observances = component.components.slice(0, mostObservances).flatMap(one => observance(one) ?? [])
  if (observances.length === 0) return undefined
  const years = new Map<number, readonly Onset[]>()
  const onsets = (year: number): readonly Onset[] => {
    const known = years.get(year)
    if (known) return known
    const found = observances.flatMap(one => onsetsIn(one, year)).sort((a, b) => a.at - b.at)
    years.set(year, found)
    return found
  }
  // Before every onset: the time from which the earliest of them leads away.
  const earliest = observances.reduce((a, b) => b.start < a.start ? b : a)
  return {
    name: property(component, 'TZID')?.value ?? '',
    offset(instant) {
      const year = new Date(instant).getUTCFullYear()
      for (const one of [year + 1, year, year - 1]) {
        const last = onsets(one).findLast(({ at }) => at <= instant)
        if (last) return last.to
      }
      return lastBefore(observances, instant)?.to ?? earliest.from
    },
  }
}

function observance(component: Component): Observance | undefined {
  const start = parseDateTime(property(component, 'DTSTART')?.value ?? '')
  const from = offsetOf(property(component, 'TZOFFSETFROM')?.value), to = offsetOf(property(component, 'TZOFFSETTO')?.value)
  if (!start || to === undefined) return undefined
  const rule = property(component, 'RRULE')
  const dates = component.properties.filter(({ name }) => name === 'RDATE')
    .flatMap(({ value }) => value.split(',', 200)).flatMap(value => parseDateTime(value)?.local ?? [])
  return { start: start.local, from: from ?? to, to, rule: rule && parseRule(rule.value), dates }
}

/** RFC 5545, UTC Offset; in minutes. */
function offsetOf(value: string | undefined): number | undefined {
  const match = /^\s*([+-]?)(\d\d):?(\d\d)(\d\d)?\s*$/.exec(value ?? '')
  if (!match) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3]) + Number(match[4] ?? 0) / 60
  return minutes > 16 * 60 ? undefined : match[1] === '-' ? -minutes : minutes
}

function onsetsIn(one: Observance, year: number): Onset[] {
  const fixed = [one.start, ...one.dates].filter(local => new Date(local).getUTCFullYear() === year)
  const local = (one.rule && ruled(one.start, one.rule, year)) ?? fixed
  return local.map(local => ({ at: local - one.from * minute, to: one.to }))
}

/** Where nothing happened for years, the last thing that did. */
function lastBefore(observances: readonly Observance[], instant: number): Onset | undefined {
  const year = new Date(instant).getUTCFullYear()
  const all = observances.flatMap(one => {
    const until = one.rule && parseDateTime(one.rule['UNTIL'] ?? '')
    const years = new Set([one.start, ...one.dates, ...(until ? [until.local, until.local - 366 * day] : [])]
      .map(local => new Date(local).getUTCFullYear()).filter(one => one <= year))
    return [...years].flatMap(year => onsetsIn(one, year))
  })
  return all.filter(({ at }) => at <= instant).reduce<Onset | undefined>((a, b) => a && a.at > b.at ? a : b, undefined)
}

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

/** The onset of a yearly rule in one year; undefined for a rule of another kind, which is not used in zones. */
function ruled(start: number, rule: Rule, year: number): number[] | undefined {
  const first = new Date(start)
  const month = Number(rule['BYMONTH'] ?? first.getUTCMonth() + 1) - 1
  if (rule['FREQ'] !== 'YEARLY' || !(month >= 0 && month <= 11)) return undefined
  const days = daysOf(rule, year, month, first.getUTCDate())
  const until = parseDateTime(rule['UNTIL'] ?? '')
  return days.map(date => Date.UTC(year, month, date) + ((start % day) + day) % day)
    .filter(local => local >= start && (!until || local <= until.local + day))
}

/** `BYDAY=-1SU`, `BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU`, `BYMONTHDAY=1` or the day it began. */
function daysOf(rule: Rule, year: number, month: number, otherwise: number): number[] {
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const weekdayOf = (date: number): number => new Date(Date.UTC(year, month, date)).getUTCDay()
  const days = rule['BYMONTHDAY']?.split(',', 31).map(Number).map(date => date < 0 ? last + 1 + date : date)
  const by = /^([+-]?\d)?(SU|MO|TU|WE|TH|FR|SA)$/.exec(rule['BYDAY'] ?? '')
  if (!by) return (days ?? [otherwise]).filter(date => date >= 1 && date <= last)
  const matching = (days ?? Array.from({ length: last }, (_, n) => n + 1))
    .filter(date => date >= 1 && date <= last && weekdayOf(date) === weekdays.indexOf(by[2]!))
  const nth = Number(by[1] ?? 1)
  return matching.slice(nth < 0 ? nth : nth - 1, nth < 0 ? nth + 1 || undefined : nth)
}

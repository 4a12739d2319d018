import ICAL from 'ical.js'
import type { Element } from '../../src/wire/wbxml.ts'
import { icalStarts } from './starts.ts'

/** An occurrence as a person sees it: `2026-11-03T08:00 60 Rent`, in UTC, with its minutes. */
export type Seen = string
const seen = (start: number, end: number, subject: string): Seen => `${new Date(start).toISOString().slice(0, 16)} ${(end - start) / 60_000} ${subject}`

const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'medium' })
const berlin = (at: number): number => Date.parse(`${clock.format(at).replace(' ', 'T')}Z`)
const instant = (local: number): number => [1, 2].map(hours => local - hours * 3_600_000).find(at => berlin(at) === local) ?? local - 3_600_000

const child = (element: Element | undefined, name: string): Element | undefined => element?.children.find(one => one.tag.endsWith(`:${name}`))
const textOf = (element: Element | undefined, name: string): string | undefined => child(element, name)?.text
const time = (value: string | undefined): number => Date.parse((value ?? '').replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'))
const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']

/** What a client makes of the recurrence it is told, by its own reading of it: the starts of its occurrences. */
export function startsTold(data: Element, utc: boolean): number[] {
  const recurrence = child(data, 'Recurrence')!
  const of = (name: string): string => textOf(recurrence, name) ?? ''
  const days = weekdays.filter((_, bit) => Number(of('DayOfWeek')) & 1 << bit).join(',')
  const rule = ({ 0: 'FREQ=DAILY', 1: `FREQ=WEEKLY;BYDAY=${days}`, 2: `FREQ=MONTHLY;BYMONTHDAY=${of('DayOfMonth')}` } as Record<string, string>)[of('Type')]!
  const start = time(textOf(data, 'StartTime'))
  const numerals = icalStarts(`${rule};INTERVAL=${of('Interval')};COUNT=${of('Occurrences')}`, utc ? start : berlin(start), Infinity, 1000)
  return utc ? numerals : numerals.map(instant)
}

/** What it shows: `Deleted` is gone, another exception is instead of what it names. */
export function shownBy(data: Element, utc: boolean): Seen[] {
  const exceptions = new Map((child(data, 'Exceptions')?.children ?? []).map(one => [time(textOf(one, 'ExceptionStartTime') ?? textOf(one, 'InstanceId')), one]))
  const length = time(textOf(data, 'EndTime')) - time(textOf(data, 'StartTime'))
  const subject = textOf(data, 'Subject') ?? ''
  const starts = startsTold(data, utc)
  const strange = [...exceptions.keys()].filter(at => !starts.includes(at))
  if (strange.length > 0) throw new Error(`exceptions of no occurrence: ${strange.map(at => new Date(at).toISOString()).join(' ')}`)
  return starts.flatMap(at => {
    const one = exceptions.get(at)
    if (textOf(one, 'Deleted') === '1') return []
    return one ? [seen(time(textOf(one, 'StartTime')), time(textOf(one, 'EndTime')), textOf(one, 'Subject') ?? subject)] : [seen(at, at + length, subject)]
  }).sort()
}

/** What ical.js makes of a stored series: occurrences whose originals are from one day of UTC on, up to one. */
export function occurrencesBy(octets: Uint8Array, from: number, to: number): Seen[] {
  const calendar = new ICAL.Component(ICAL.parse(Buffer.from(octets).toString()) as unknown[])
  const all = calendar.getAllSubcomponents('vevent')
  const event = new ICAL.Event(all.find(one => !one.hasProperty('recurrence-id'))!, { strictExceptions: false })
  const at = (one: ICAL.Time): number => one.isDate ? Date.UTC(one.year, one.month - 1, one.day) : one.toUnixTime() * 1000
  const iterator = event.iterator(), found: Seen[] = []
  for (let next = iterator.next(), left = 20_000; next && at(next) < to && left > 0; next = iterator.next(), left--) {
    if (at(next) < from) continue
    const { item, startDate, endDate } = event.getOccurrenceDetails(next)
    found.push(seen(at(startDate), at(endDate), item.summary))
  }
  // What two rules come to is once.
  return [...new Set(found)].sort()
}

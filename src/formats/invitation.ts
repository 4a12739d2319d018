import { Failure } from '../base/failure.ts'
import { cleanText } from './charset.ts'
import type { Address } from './header.ts'
import {
  parseCalendar, parseDateTime, parseDuration, parseRule, property, textValue, type Component, type Property, type Rule,
} from './icalendar.ts'
import { instantOf, utcZone, zoneOfName, type Zone } from './timezone.ts'
import { vtimezone } from './vtimezone.ts'
import { zoneRules, type ZoneRules } from './zone-rules.ts'

/** RFC 5546, Methods: those that mail programs show as something about a meeting. */
export type Method = 'REQUEST' | 'CANCEL' | 'REPLY' | 'COUNTER'
const methods: readonly string[] = ['REQUEST', 'CANCEL', 'REPLY', 'COUNTER']

export type Attendee = Address & { readonly status: string; readonly responseRequested: boolean }

/** What a message says about a meeting. Times are instants; those of an all-day meeting are midnights of `zone`. */
export type Invitation = {
  readonly method: Method
  readonly uid: string
  readonly sequence: number
  readonly stamp: Date
  readonly start: Date
  readonly end: Date
  readonly allDay: boolean
  readonly zone: ZoneRules
  /** The original start of the one instance this is about. */
  readonly instance: Date | undefined
  readonly recurrence: { readonly rule: Rule; readonly start: Local; readonly until: Date | undefined } | undefined
  readonly summary: string
  readonly description: string
  readonly location: string
  readonly organizer: Address | undefined
  readonly attendees: readonly Attendee[]
  /** Seconds before the start. */
  readonly reminder: number | undefined
  /** CLASS, in upper case, empty where absent. */
  readonly sensitivity: string
  /** As Outlook spells it: FREE, TENTATIVE, BUSY, OOF, WORKINGELSEWHERE. */
  readonly busy: string
  readonly counterDisallowed: boolean
  /** COUNTER: what it proposes, in place of `start` and `end`, which are then those of the meeting where they are told. */
  readonly proposed: { readonly start: Date; readonly end: Date } | undefined
}

/** The start as clocks of its zone show it, in milliseconds as if at UTC. */
export type Local = number

const day = 86_400_000
const mostAttendees = 1000

/** METHOD: that of the part's header, else that of the object; undefined for what is no message about a meeting. */
export function methodOf(parameter: string | undefined, calendar: Component): Method | undefined {
  const method = (parameter || property(calendar, 'METHOD')?.value || '').trim().toUpperCase()
  return methods.includes(method) ? method as Method : undefined
}

/**
 * RFC 5546 of a text/calendar part; `parameter` is the METHOD of its header. Undefined where it is about no meeting. Throws
 * `malformed` where it cannot be understood: a wrong hour would be worse than none.
 */
export function readInvitation(text: string, parameter?: string): Invitation | undefined {
  const calendar = parseCalendar(text)
  const method = methodOf(parameter, calendar)
  if (!method) return undefined
  const events = calendar.components.filter(({ name }) => name === 'VEVENT')
  const event = events.find(one => !property(one, 'RECURRENCE-ID')) ?? events[0]
  if (!event) return undefined
  const invitation = readEvent(event, method, zonesOf(calendar))
  const { stamp, start, end, instance = start, proposed, recurrence } = invitation
  const told = [stamp, start, end, instance, proposed?.start ?? start, proposed?.end ?? end, recurrence?.until ?? start]
  if (!told.every(isPlausible)) throw new Failure('malformed', 'a year that no calendar has')
  return invitation
}

/** Years of four digits: what [MS-ASDTYPE] dateTime can say. */
const isPlausible = (date: Date): boolean => date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999

type Zones = (time: Property) => Zone

/** Zones by TZID: `Intl` knows more years than most of what is sent along; that helps where the name is somebody's own. */
function zonesOf(calendar: Component): Zones {
  const sent = new Map<string, Component>()
  for (const one of calendar.components) {
    const id = one.name === 'VTIMEZONE' && property(one, 'TZID')?.value.trim()
    if (id && !sent.has(id)) sent.set(id, one)
  }
  const floating = property(calendar, 'X-WR-TIMEZONE')?.value
  const known = new Map<string, Zone>()
  return ({ parameters }) => {
    const id = parameters['TZID'] ?? ''
    // Nobody says whose zone a time without one is in, unless the calendar does.
    if (id === '') return (floating && zoneOfName(floating)) || utcZone
    let zone = known.get(id)
    if (!zone) {
      const component = sent.get(id)
      zone = /^[A-Z][A-Za-z]+\/[A-Z]/.test(id) ? zoneOfName(id) : undefined
      zone ??= (component && vtimezone(component)) ?? zoneOfName(id)
      if (!zone) throw new Failure('malformed', 'a time zone that nobody knows')
      known.set(id, zone)
    }
    return zone
  }
}

type Time = { readonly at: Date; readonly local: Local; readonly dateOnly: boolean; readonly zone: Zone }

function readTime(time: Property | undefined, zones: Zones): Time | undefined {
  if (!time) return undefined
  const numerals = parseDateTime(time.value)
  if (!numerals) throw new Failure('malformed', `${time.name} is no date`)
  const { local, utc, dateOnly } = numerals
  if (utc || dateOnly) return { at: new Date(local), local, dateOnly, zone: utcZone }
  const zone = zones(time)
  return { at: new Date(instantOf(local, zone)), local, dateOnly, zone }
}

function readEvent(event: Component, method: Method, zones: Zones): Invitation {
  const start = readTime(property(event, 'DTSTART'), zones)
  if (!start) throw new Failure('malformed', 'an event without DTSTART')
  const end = endOf(event, start, zones)
  const allDay = start.dateOnly || textValue(event, 'X-MICROSOFT-CDO-ALLDAYEVENT')?.trim().toUpperCase() === 'TRUE'
  const organizer = property(event, 'ORGANIZER')
  const original = readTime(property(event, 'X-MS-OLK-ORIGINALSTART'), zones)
  const originalEnd = readTime(property(event, 'X-MS-OLK-ORIGINALEND'), zones)
  const counter = method === 'COUNTER' ? { start: start.at, end: end.at } : undefined
  return {
    method,
    uid: said(event, 'UID', 1000),
    sequence: Number(/^\d{1,9}$/.exec(said(event, 'SEQUENCE', 9))?.[0] ?? 0),
    stamp: readTime(property(event, 'DTSTAMP') ?? property(event, 'CREATED'), zones)?.at ?? start.at,
    start: (counter && original?.at) ?? start.at,
    end: (counter && originalEnd?.at) ?? end.at,
    allDay,
    zone: zoneRules(start.zone, start.at.getTime()),
    instance: readTime(property(event, 'RECURRENCE-ID'), zones)?.at,
    recurrence: recurrenceOf(event, start),
    summary: said(event, 'SUMMARY', 1000),
    description: textOf(event, 'DESCRIPTION'),
    location: said(event, 'LOCATION', 32_768),
    organizer: organizer && addressOf(organizer),
    attendees: event.properties.filter(({ name }) => name === 'ATTENDEE').slice(0, mostAttendees).map(one => ({
      ...addressOf(one), status: one.parameters['PARTSTAT']?.toUpperCase() ?? '',
      responseRequested: one.parameters['RSVP']?.toUpperCase() === 'TRUE',
    })),
    reminder: reminderOf(event),
    sensitivity: said(event, 'CLASS', 40).toUpperCase(),
    busy: busyOf(event),
    counterDisallowed: said(event, 'X-MICROSOFT-DISALLOW-COUNTER', 5).toUpperCase() === 'TRUE',
    proposed: counter,
  }
}

/** DTEND, DTSTART with DURATION, or by RFC 5545, Event Component: one day of a date, no time at all of a date with time. */
function endOf(event: Component, start: Time, zones: Zones): { readonly at: Date } {
  const told = readTime(property(event, 'DTEND'), zones)
  const duration = parseDuration(property(event, 'DURATION')?.value ?? '')
  const least = start.at.getTime() + (start.dateOnly ? day : 0)
  const at = told?.at.getTime() ?? (duration === undefined ? least : spent(start, duration))
  return { at: new Date(Math.max(at, least)) }
}

/** Days of a duration are days of the calendar, hours are exact. */
function spent({ at, local, zone }: Time, duration: number): number {
  const days = Math.trunc(duration / day) * day
  return (days === 0 ? at.getTime() : instantOf(local + days, zone)) + duration - days
}

/** Undefined too for what more than one rule says: EAS has room for one. */
function recurrenceOf(event: Component, start: Time): Invitation['recurrence'] {
  const rules = event.properties.filter(({ name }) => name === 'RRULE')
  const more = ['RDATE', 'EXRULE', 'RECURRENCE-ID'].some(name => property(event, name))
  if (rules.length !== 1 || more) return undefined
  const rule = parseRule(rules[0]!.value)
  return { rule, start: start.local, until: untilOf(rule['UNTIL'], start) }
}

/** The last start that can be, in UTC. */
function untilOf(value: string | undefined, start: Time): Date | undefined {
  const until = parseDateTime(value ?? '')
  if (!until) return undefined
  if (until.utc || (until.dateOnly && start.dateOnly)) return new Date(until.local)
  // A date means the start of that day's occurrence, whatever its hour.
  const local = until.dateOnly ? until.local + ((start.local % day) + day) % day : until.local
  return new Date(instantOf(local, start.zone))
}

const textOf = (event: Component, name: string): string => cleanText(textValue(event, name) ?? '')
const said = (event: Component, name: string, length: number): string =>
  textOf(event, name).replace(/\s+/g, ' ').trim().slice(0, length)

// RFC 5545, Calendar User Address
function addressOf({ value, parameters }: Property): Address {
  const address = cleanText(value.trim().replace(/^mailto:/i, '')).slice(0, 1000)
  const name = cleanText(parameters['CN'] ?? '').trim().slice(0, 1000)
  return name && name !== address ? { name, address } : { address }
}

/** RFC 5545, Alarm Trigger: of the alarms that are shown, the nearest before the start. */
function reminderOf(event: Component): number | undefined {
  const before = event.components.filter(({ name }) => name === 'VALARM').flatMap(alarm => {
    const trigger = property(alarm, 'TRIGGER')
    const shown = (property(alarm, 'ACTION')?.value.trim().toUpperCase() ?? 'DISPLAY') !== 'EMAIL'
    if (!shown || trigger?.parameters['RELATED']?.toUpperCase() === 'END') return []
    const length = parseDuration(trigger?.value ?? '')
    return length === undefined || length > 0 ? [] : [Math.abs(length) / 1000]
  })
  return before.length > 0 ? Math.min(...before) : undefined
}

/** What the time will be once the meeting is accepted. Outlook's BUSYSTATUS of an invitation says only that it is not yet. */
function busyOf(event: Component): string {
  const intended = said(event, 'X-MICROSOFT-CDO-INTENDEDSTATUS', 40).toUpperCase()
  if (intended) return intended
  const busy = said(event, 'X-MICROSOFT-CDO-BUSYSTATUS', 40).toUpperCase()
  if (busy && busy !== 'TENTATIVE') return busy
  if (said(event, 'TRANSP', 40).toUpperCase() === 'TRANSPARENT') return 'FREE'
  return said(event, 'STATUS', 40).toUpperCase() === 'TENTATIVE' ? 'TENTATIVE' : 'BUSY'
}

import { Failure } from '../base/failure.ts'
import type { Time } from '../model/zone.ts'
import { endOf, readTime, zonesOf, type ZoneReader } from './calendar-time.ts'
import { cleanText } from './charset.ts'
import { personOf } from './event-people.ts'
import type { Address } from './header.ts'
import {
  parseCalendar, parseDateTime, parseDuration, parseRule, property, textValue, type Component, type Rule,
} from './icalendar.ts'
import { untilOf } from './series.ts'
import { utcZone } from './timezone.ts'
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
  // Nobody says whose zone a time without one is in, unless the calendar does.
  return readEvent(event, method, zonesOf(calendar, utcZone))
}

function readEvent(event: Component, method: Method, zones: ZoneReader): Invitation {
  const start = readTime(property(event, 'DTSTART'), zones)
  const uid = said(event, 'UID', 1000)
  if (!start || !uid) throw new Failure('malformed', 'an event without DTSTART or UID')
  const end = endOf(event, start, zones)
  const allDay = start.form === 'date' || textValue(event, 'X-MICROSOFT-CDO-ALLDAYEVENT')?.trim().toUpperCase() === 'TRUE'
  const organizer = property(event, 'ORGANIZER')
  const original = readTime(property(event, 'X-MS-OLK-ORIGINALSTART'), zones)
  const originalEnd = readTime(property(event, 'X-MS-OLK-ORIGINALEND'), zones)
  const counter = method === 'COUNTER' ? { start: dateOf(start), end: dateOf(end) } : undefined
  return {
    method,
    uid,
    sequence: Number(/^\d{1,9}$/.exec(said(event, 'SEQUENCE', 9))?.[0] ?? 0),
    stamp: dateOf(readTime(property(event, 'DTSTAMP') ?? property(event, 'CREATED'), zones) ?? start),
    start: (counter && dateOf(original)) ?? dateOf(start),
    end: (counter && dateOf(originalEnd)) ?? dateOf(end),
    allDay,
    zone: zoneRules(start.zone, start.at),
    instance: dateOf(readTime(property(event, 'RECURRENCE-ID'), zones)),
    recurrence: recurrenceOf(event, start),
    summary: said(event, 'SUMMARY', 1000),
    description: textOf(event, 'DESCRIPTION'),
    location: said(event, 'LOCATION', 32_768),
    organizer: organizer && personOf(organizer),
    attendees: event.properties.filter(({ name }) => name === 'ATTENDEE').slice(0, mostAttendees).map(one => ({
      ...personOf(one), status: one.parameters['PARTSTAT']?.toUpperCase() ?? '',
      responseRequested: one.parameters['RSVP']?.toUpperCase() === 'TRUE',
    })),
    reminder: reminderOf(event),
    sensitivity: said(event, 'CLASS', 40).toUpperCase(),
    busy: busyOf(event),
    counterDisallowed: said(event, 'X-MICROSOFT-DISALLOW-COUNTER', 5).toUpperCase() === 'TRUE',
    proposed: counter,
  }
}

/** Undefined too for what more than one rule says: EAS has room for one. */
function recurrenceOf(event: Component, start: Time): Invitation['recurrence'] {
  const rules = event.properties.filter(({ name }) => name === 'RRULE')
  const more = ['RDATE', 'EXRULE', 'RECURRENCE-ID'].some(name => property(event, name))
  if (rules.length !== 1 || more) return undefined
  const rule = parseRule(rules[0]!.value)
  return { rule, start: start.local, until: dateOf(untilOf(parseDateTime(rule['UNTIL'] ?? ''), start)) }
}

function dateOf(time: Time | number): Date
function dateOf(time: Time | number | undefined): Date | undefined
function dateOf(time: Time | number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(typeof time === 'number' ? time : time.at)
}

const textOf = (event: Component, name: string): string => cleanText(textValue(event, name) ?? '')
const said = (event: Component, name: string, length: number): string =>
  textOf(event, name).replace(/\s+/g, ' ').trim().slice(0, length)

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

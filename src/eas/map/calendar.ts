import { randomUUID } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { cleanText } from '../../formats/charset.ts'
import { printUtc } from '../../formats/calendar-edit.ts'
import { newEvent, patchEvent, type WriteContext } from '../../formats/event-patch.ts'
import { readEvent } from '../../formats/event-read.ts'
import { happensSince } from '../../formats/series.ts'
import { printDate } from '../../formats/vtimezone-write.ts'
import type { Event, EventPatch, OccasionPatch, Person, When } from '../../model/event.ts'
import { child, text, type Element, type Node } from '../../wire/wbxml.ts'
import { since } from '../versions.ts'
import { hearOccasion, hearWhen, hearZone, line, ownZone } from './calendar-hear.ts'
import { eventNodes, type CalendarContext, type Item } from './calendar-say.ts'
import { hearExceptions, hearInstance, hearInstant, hearOriginal, hearRule, isLeftOut, movedRule } from './calendar-series.ts'
import { patchOfShown, shownTo } from './calendar-shown-hear.ts'
import { originalOf, shownNow } from './calendar-shown.ts'
import { daysOf, hearTime, substituted, whenOf } from './calendar-times.ts'
import { isExpressible, isReceived } from './calendar-values.ts'

export type { CalendarContext }

const itemOf = (event: Event, context: CalendarContext): Item => ({ event, occasion: event, context })

/**
 * [MS-ASCAL] Calendar class elements of a stored event; of a series EAS has no words for, its occurrences from about a month ago on, as far
 * as there is room. Throws `malformed` for what cannot be understood.
 */
export function say(stored: Uint8Array, context: CalendarContext): readonly Node[] {
  const event = readEvent(stored, context)
  const shown = isExpressible(event) ? undefined : shownNow(event, context.now.getTime())
  return eventNodes(itemOf(shown ?? event, context))
}

/** Whether an event is one of which only the occurrences around now are told. Throws `malformed`. */
export function isPassing(stored: Uint8Array, context: CalendarContext): boolean {
  const event = readEvent(stored, context)
  return event.series !== undefined && !isExpressible(event)
}

/** [MS-ASCMD] FilterType 4 to 7: whether an event happens, or happens again, after a time. */
export const isSince = (stored: Uint8Array, time: Date, context: CalendarContext): boolean =>
  happensSince(readEvent(stored, context), time.getTime())

/** The UID an event has, or is to have: [MS-ASCAL] UID, ClientUid. */
export const uidOf = (stored: Uint8Array, context: CalendarContext): string => readEvent(stored, context).uid

function newUid(data: Element, { version }: CalendarContext): string {
  const said = text(data, since(version, '16.0') ? 'Calendar:ClientUid' : 'Calendar:UID')
  return cleanText(said ?? '').replace(/[\s\p{Cc}]+/gu, '').slice(0, 300) || randomUUID()
}

const writing = (context: CalendarContext, received: boolean): WriteContext => ({
  zone: context.zone, zones: context.zones, now: context.now.getTime(), received,
  agent: context.agent ?? (since(context.version, '16.0') ? 'SERVER' : 'CLIENT'),
})

/**
 * The stored object with what the client says in it, a new one where there is none. What is said as it was told is no change. Throws
 * `malformed`, and `denied` where a client changes when something happens that it was told but in part.
 */
export function hear(stored: Uint8Array | undefined, data: Element, context: CalendarContext): Uint8Array {
  if (!stored) return hearNew(data, context)
  const event = readEvent(stored, context)
  const shown = isExpressible(event) ? undefined : shownTo(data, event, context)
  const item = itemOf(shown ?? event, context)
  const received = isReceived(event, context.addresses)
  const patch = received ? { ...localPatch(hearOccasion(data, item, context)), ...localExceptions(data, item, context) }
    : hearEvent(data, item, context)
  return patchEvent(stored, shown ? patchOfShown(patch, event) : patch, writing(context, received))
}

/**
 * Whether a client is to be told again what came of what it says: its occurrences of a series EAS has no words for may be those of long
 * ago.
 */
export function isNews(stored: Uint8Array, data: Element, context: CalendarContext): boolean {
  const event = readEvent(stored, context)
  const shown = isExpressible(event) ? undefined : shownTo(data, event, context)
  return shown !== undefined && shown.start.at !== shownNow(event, context.now.getTime())?.start.at
}

/** [MS-ASCAL] Sync Command Response: up to 14.1 an end wants its start. */
function checkTimes(data: Element, { version }: CalendarContext): void {
  if (!since(version, '16.0') && child(data, 'Calendar:EndTime') && !child(data, 'Calendar:StartTime')) {
    throw new Failure('malformed', 'EndTime without StartTime')
  }
}

function hearEvent(data: Element, item: Item, context: CalendarContext): EventPatch {
  const { event, occasion } = item
  const { version, zone: own } = context
  checkTimes(data, context)
  const zone = hearZone(data, item, occasion.start.at, context)
  const moved = hearWhen(data, item, zone, context)
  const stands = occasion.allDay ? daysOf(occasion) : { start: occasion.start.at, end: occasion.end.at }
  const when: When = moved ?? { ...stands, allDay: occasion.allDay, zone: zone ?? ownZone(occasion, own) }
  const expressible = isExpressible(event)
  const heard = expressible ? hearRule(data, item, when, context) : undefined
  const rule = heard === undefined && moved && expressible ? movedRule(event, when) : heard
  const patch = { ...hearOccasion(data, item, context), ...(organizerOf(data, item, context)) }
  if (!expressible) {
    if (moved || child(data, 'Calendar:Recurrence')?.children.length) throw new Failure('denied', 'a series that EAS has no words for')
    return patch
  }
  // A client that travels says its own zone with whatever it changes; a single event keeps to that it was made in.
  const kept = moved && !moved.allDay && !event.series && !rule && !occasion.allDay ? { ...moved, zone: ownZone(occasion, own) } : moved
  const anew = rule !== undefined || kept !== undefined
  // [MS-ASCAL] Exceptions: from 16.0 on those of a series that is changed are no more.
  const dropped = since(version, '16.0') && anew && event.series !== undefined
  const after: Item = { ...item, event: expected(event, when, rule) }
  const exceptions = since(version, '16.0') || rule === null ? undefined : hearExceptions(data, anew ? after : item, context)
  const times = kept ?? (rule ? zoned(when, occasion, zone) : undefined)
  return { ...patch, when: times, rule, exceptions, ...(dropped ? { dropExceptions: true } : {}) }
}

/** What becomes a series, or another one, is by the clocks that were told. */
const zoned = (when: When, { allDay, start }: Event | Item['occasion'], zone: When['zone'] | undefined): When | undefined =>
  !allDay && (zone !== undefined || start.form === 'utc') ? when : undefined

/** The series as it will be, for exceptions that are told along with a change of it. */
function expected(event: Event, when: When, rule: EventPatch['rule']): Event {
  const form = when.allDay ? 'date' : 'zoned'
  const time = (at: number): Event['start'] => ({ at, local: when.allDay ? at : at + when.zone.offset(at) * 60_000, form, zone: when.zone })
  const series = rule ? { rules: [rule], exceptRules: [], dates: [], excluded: event.series?.excluded ?? [] } : event.series
  return { ...event, start: time(when.start), end: time(when.end), allDay: when.allDay, series }
}

/** What somebody who was invited may change by himself: the rest is the organizer's. */
const localPatch = ({ reminder, categories, busy }: OccasionPatch): OccasionPatch => ({ reminder, categories, busy })

function localExceptions(data: Element, item: Item, context: CalendarContext): Pick<EventPatch, 'exceptions'> {
  if (since(context.version, '16.0') || !item.event.series) return {}
  const heard = hearExceptions(data, item, context)?.map(one => one.change === 'remove' ? one : { ...one, change: localPatch(one.change) })
  return { exceptions: heard?.filter(({ change }) => change === 'remove' || Object.values(change).some(value => value !== undefined)) }
}

/** Whoever first invites somebody is the organizer. */
function organizerOf(
  data: Element, item: Item | undefined, { version, addresses, displayName }: CalendarContext,
): { readonly organizer?: Person } {
  if (item?.occasion.organizer || !child(data, 'Calendar:Attendees')?.children.length) return {}
  const said = since(version, '16.0') ? undefined : line(text(data, 'Calendar:OrganizerEmail') ?? '').replace(/^mailto:/i, '')
  const name = (said && line(text(data, 'Calendar:OrganizerName') ?? '')) || displayName
  const address = said || addresses[0]
  return address ? { organizer: { address, ...(name && name !== address ? { name } : {}) } } : {}
}

function hearNew(data: Element, context: CalendarContext): Uint8Array {
  const { version, now } = context
  const value = (tag: 'Calendar:StartTime' | 'Calendar:EndTime'): number | undefined => {
    const said = text(data, tag)?.trim()
    return said ? hearTime(said, tag) : undefined
  }
  const { start, end } = substituted(value('Calendar:StartTime'), value('Calendar:EndTime'), now.getTime())
  const zone = hearZone(data, undefined, start, context) ?? context.zone
  const allDay = ['1', 'true'].includes(text(data, 'Calendar:AllDayEvent')?.trim() ?? '')
  const when = whenOf(start, end, allDay, zone, version)
  const rule = hearRule(data, undefined, when, context) ?? undefined
  const uid = newUid(data, context)
  const patch = { ...hearOccasion(data, undefined, context), ...organizerOf(data, undefined, context), uid, when, rule }
  const octets = newEvent(patch, writing(context, false))
  if (!rule) return octets
  // Exceptions are of the series, which must be there first.
  const exceptions = hearExceptions(data, itemOf(readEvent(octets, context), context), context)
  return exceptions ? patchEvent(octets, { exceptions }, writing(context, false)) : octets
}

/**
 * [MS-ASAIRS] InstanceId: one occurrence changed by itself. Throws `not-found` for a time at which the series has none, `denied` where
 * it cannot be known which, and for one that moves all that follow.
 */
export function hearOne(stored: Uint8Array, instance: string, data: Element, context: CalendarContext): Uint8Array {
  const { item, original } = find(stored, instance, context)
  const received = isReceived(item.event, context.addresses)
  const heard = hearInstance(data, item, original, context)
  const change = received ? localPatch(heard) : heard
  if (Object.values(change).every(value => value === undefined)) return stored
  return patchEvent(stored, { exceptions: [{ original, change }] }, writing(context, received))
}

/** The same of an occurrence that is to be no more. */
export function removeOne(stored: Uint8Array, instance: string, context: CalendarContext): Uint8Array {
  const { item, original } = find(stored, instance, context)
  if (isLeftOut(item.event, original)) return stored
  return patchEvent(stored, { exceptions: [{ original, change: 'remove' }] }, writing(context, isReceived(item.event, context.addresses)))
}

/** RFC 8607, rid: the RECURRENCE-ID of an occurrence, in UTC or a date. Throws as `hearOne`. */
export function occurrenceId(stored: Uint8Array, instance: string, context: CalendarContext): string {
  const { item: { event }, original } = find(stored, instance, context)
  return event.start.form === 'date' ? printDate(original) : printUtc(original)
}

function find(stored: Uint8Array, instance: string, context: CalendarContext): { readonly item: Item; readonly original: number } {
  const event = readEvent(stored, context)
  const named = instance.trim()
  const original = isExpressible(event) ? hearOriginal(named, event, context) : originalOf(event, hearInstant(named, event, context))
  if (original === undefined) throw new Failure('not-found', 'an exception of no occurrence')
  return { item: itemOf(event, context), original }
}

/** What a folder of events holds. */
export const calendarClass = { say, hear, ending: '.ics' } as const

import type { Answer, Occasion, Period } from '../model/event.ts'
import type { Zone } from '../model/zone.ts'
import { printUtc, setProperty, setText, timeValue } from './calendar-edit.ts'
import { objectOf, openObject, viewOf, type CalendarObject, type View } from './calendar-object.ts'
import {
  componentsOf, insert, isLine, lineOf, linesOf, printLines, replace, rewriteLine, valueOf, writeLine, writeParameter,
  type Component, type Document, type Line,
} from './content-lines.ts'
import { isSameAddress, personOf, proposal, proposalOf } from './event-people.ts'
import { originalOf, product } from './event-patch.ts'
import { eventOf, type ReadContext } from './event-read.ts'
import { withoutParameter, withParameters } from './occasion-patch.ts'
import { match } from './series.ts'

/** RFC 5546, Methods: what is mailed. */
export type ItipMethod = 'REQUEST' | 'CANCEL' | 'REPLY' | 'COUNTER'

/** What this program notes in an event: the mail it was answered by. */
export const note = 'X-POSTERN-ANSWERED'
const replyTime = 'X-MICROSOFT-CDO-REPLYTIME'

type Calendar = { readonly document: Document; readonly object: CalendarObject }

const open = (octets: Uint8Array): Calendar => {
  const object = openObject(octets, 'VEVENT')
  return { document: object.document, object }
}

const views = ({ master, exceptions }: CalendarObject): readonly View[] => [...(master ? [master] : []), ...exceptions]

/** RFC 5546 of an invitation, as it is to be stored: RFC 4791 wants no METHOD there. */
export function withoutMethod(octets: Uint8Array): Uint8Array {
  const { document, object } = open(octets)
  return printLines(replace(document, object.calendar.lines, setProperty(object.calendar.lines, 'METHOD', undefined, document.lineEnd)))
}

export type Answered = {
  /** How the user may be called; the first is the primary one. */
  readonly addresses: readonly string[]
  readonly displayName: string | undefined
  readonly answer: Extract<Answer, 'accepted' | 'tentative' | 'declined'>
  readonly now: number
  /** The one occurrence this is about, which must be an exception. */
  readonly original?: number | undefined
  /** RFC 6638: whether the server is to tell the organizer; undefined where it would not anyway. */
  readonly agent?: 'CLIENT' | 'SERVER' | undefined
  /** The mail that asked. */
  readonly noted?: string | undefined
}

const partstats: Readonly<Record<Answered['answer'], string>> = { accepted: 'ACCEPTED', tentative: 'TENTATIVE', declined: 'DECLINED' }

/** RFC 5545, Participation Status: the user's own. What has it already stays as it is, octet for octet. */
export function answerEvent(octets: Uint8Array, answered: Answered, context: ReadContext): Uint8Array {
  const { document, object } = open(octets)
  const event = eventOf(object, context)
  const chosen = answered.original === undefined ? views(object)
    : object.exceptions.filter(view => originalOf(view, event, object, context) === answered.original)
  return printLines(chosen.reduce((from, { lines }) => replace(from, lines, answer(lines, answered, document.lineEnd)), document))
}

function answer(component: Component, { addresses, displayName, answer, now, agent, noted }: Answered, lineEnd: string): Component {
  const own = linesOf(component, 'ATTENDEE').filter(line => isOwn(line, addresses))
  const partstat = writeParameter('PARTSTAT', partstats[answer])
  const isSaid = own.length > 0 && own.every(line => valueIn(line, 'PARTSTAT') === partstats[answer])
  let patched = own.reduce((from, line) => replace(from, line, withParameters(line, [partstat], lineEnd)), component)
  if (own.length === 0) {
    const name = displayName ? [writeParameter('CN', displayName)] : []
    patched = insert(patched, writeLine({ label: 'ATTENDEE', value: `mailto:${addresses[0]!}`, parameters: [...name, partstat] }, lineEnd))
  }
  patched = setAgent(isSaid ? component : busyAs(setProperty(patched, replyTime, { value: printUtc(now) }, lineEnd), answer, lineEnd), agent, lineEnd)
  return noted === undefined || lineOf(component, 'RECURRENCE-ID') ? patched : setProperty(patched, note, { value: noted }, lineEnd)
}

const isOwn = (line: Line, addresses: readonly string[]): boolean => {
  const { address } = personOf(propertyOf(line))
  return addresses.some(one => isSameAddress(one, address))
}

const propertyOf = (line: Line) => viewOf({ name: '', begin: undefined, end: undefined, content: [line] }).properties[0]!
const valueIn = (line: Line, name: string): string | undefined => line.parameters.find(one => one.name === name)?.values[0]?.toUpperCase()

/** [MS-OXCICAL] BUSYSTATUS: what was accepted takes the time that was intended. */
function busyAs(component: Component, answer: Answered['answer'], lineEnd: string): Component {
  const said = (name: string): string => valueOf(lineOf(component, name) ?? writeLine({ label: name, value: '' }, lineEnd)).trim().toUpperCase()
  const busy = 'X-MICROSOFT-CDO-BUSYSTATUS'
  if (answer === 'tentative') return setProperty(component, busy, { value: 'TENTATIVE' }, lineEnd)
  if (said(busy) !== 'TENTATIVE') return component
  return setProperty(component, busy, { value: said('X-MICROSOFT-CDO-INTENDEDSTATUS') || 'BUSY' }, lineEnd)
}

/** RFC 6638, Scheduling Agent of the organizer: who answers. */
function setAgent(component: Component, agent: Answered['agent'], lineEnd: string): Component {
  const organizer = lineOf(component, 'ORGANIZER')
  if (!agent || !organizer || (valueIn(organizer, 'SCHEDULE-AGENT') ?? 'SERVER') === agent) return component
  const others = organizer.parameters.filter(({ name }) => name !== 'SCHEDULE-AGENT')
  return replace(component, organizer, rewriteLine(organizer, {
    value: valueOf(organizer), parameters: agent === 'CLIENT' ? [...others, writeParameter('SCHEDULE-AGENT', 'CLIENT')] : others,
  }, lineEnd))
}

/** RFC 6638, Scheduling Agent of all who are invited: what becomes of the event, the client tells them. */
export function toldByClient(octets: Uint8Array): Uint8Array {
  const { document, object } = open(octets)
  const agent = writeParameter('SCHEDULE-AGENT', 'CLIENT')
  const handed = (line: Line): boolean => (valueIn(line, 'SCHEDULE-AGENT') ?? 'SERVER') !== 'SERVER'
  return printLines(views(object).flatMap(({ lines }) => linesOf(lines, 'ATTENDEE')).filter(line => !handed(line))
    .reduce((from, line) => replace(from, line, withParameters(line, [agent], document.lineEnd)), document))
}

/** The mail by which an event was answered last. */
export function answeredBy(octets: Uint8Array): string | undefined {
  const [first] = views(open(octets).object)
  const line = first && lineOf(first.lines, note)
  return line && valueOf(line).trim()
}

/** What the user has made of an event for himself. */
const local = new Set(['CATEGORIES', replyTime, note])

/**
 * RFC 5546, Message Sequencing: the stored event with what an invitation says. One that was sent before what is stored, and one that was
 * heard already, changes nothing. What is the user's own stays.
 */
export function mergeInvitation(stored: Uint8Array, incoming: Uint8Array, context: ReadContext): Uint8Array {
  const old = open(stored), fresh = open(incoming)
  const before = eventOf(old.object, context), after = eventOf(fresh.object, context)
  if (!fresh.object.master && old.object.master) return withInstances(old, fresh, context)
  const newer = after.sequence > before.sequence || (after.sequence === before.sequence && (after.stamp ?? 0) > (before.stamp ?? 0))
  if (!newer) return stored
  const { lineEnd } = fresh.document
  const kept = old.object.master?.lines
  const mineStill = (one: Line | Component): boolean => isLine(one) ? local.has(one.name) : one.name === 'VALARM'
  const lines = kept?.content.filter(mineStill) ?? []
  const mine = fresh.object.master
  let document = fresh.document
  if (mine) {
    const bare = { ...mine.lines, content: mine.lines.content.filter(one => !kept || !mineStill(one)) }
    document = replace(document, mine.lines, insert(bare, ...lines))
  }
  // A series that is moved has no exceptions but those that are told along with it.
  if (after.sequence > before.sequence) return printLines(document)
  const told = new Set(fresh.object.exceptions.map(view => originalOf(view, after, fresh.object, context)))
  const still = old.object.exceptions.filter(view => !told.has(originalOf(view, before, old.object, context))).map(({ lines }) => lines)
  const { calendar } = objectOf(document, 'VEVENT')
  return printLines(withZones(replace(document, calendar.lines, insert(calendar.lines, ...still)), old.object, lineEnd))
}

/** Of one occurrence, or some. */
function withInstances(old: Calendar, fresh: Calendar, context: ReadContext): Uint8Array {
  const before = eventOf(old.object, context), after = eventOf(fresh.object, context)
  let { document } = old
  for (const view of fresh.object.exceptions) {
    const at = originalOf(view, before, fresh.object, context) ?? originalOf(view, after, fresh.object, context)
    const known = old.object.exceptions.find(one => originalOf(one, before, old.object, context) === at)
    if (known && sequenceOf(known) > sequenceOf(view)) continue
    const { calendar } = objectOf(document, 'VEVENT')
    document = known ? replace(document, known.lines, view.lines) : replace(document, calendar.lines, insert(calendar.lines, view.lines))
  }
  return printLines(withZones(document, fresh.object, document.lineEnd))
}

const sequenceOf = ({ lines }: View): number => Number(/^\s*\d{1,9}/.exec(valueOf(lineOf(lines, 'SEQUENCE') ?? writeLine({ label: 'X', value: '0' }, '\r\n')))?.[0] ?? 0)

/** With the zones that what came from another object is in. */
function withZones(document: Document, from: CalendarObject, lineEnd: string): Document {
  const id = (one: Component): string => valueOf(lineOf(one, 'TZID') ?? writeLine({ label: 'TZID', value: '' }, lineEnd)).trim()
  const { calendar: { lines: calendar } } = objectOf(document, 'VEVENT')
  const known = new Set(componentsOf(calendar, 'VTIMEZONE').map(id))
  const missing = componentsOf(from.calendar.lines, 'VTIMEZONE').filter(one => !known.has(id(one)))
  const [first] = calendar.content.filter(one => !isLine(one))
  return first && missing.length > 0 ? replace(document, first, ...missing, first) : document
}

export type Itip = {
  readonly method: ItipMethod
  /** DTSTAMP. */
  readonly stamp: number
  /** The one occurrence this is about, which must be an exception. */
  readonly original?: number | undefined
  /** Addresses of those who are meant; all where absent. */
  readonly only?: readonly string[] | undefined
  /** Raises SEQUENCE. */
  readonly next?: boolean
  readonly comment?: string
  /** COUNTER: instants. */
  readonly proposed?: { readonly start: number; readonly end: number; readonly zone: Zone } | undefined
}

/** What is said of an event in a REPLY. */
const replied = new Set([
  'UID', 'SEQUENCE', 'RECURRENCE-ID', 'ORGANIZER', 'ATTENDEE', 'DTSTART', 'DTEND', 'DURATION', 'SUMMARY', 'LOCATION',
])
/** What is nobody else's business. */
const personal = new Set(['CATEGORIES', replyTime, note, 'X-MOZ-LASTACK', 'X-MOZ-GENERATION', 'REQUEST-STATUS', 'DTSTAMP'])
const ofServer = /^(SCHEDULE-|X-POSTERN-)/

/** RFC 5546 of a stored event: an object to be mailed. */
export function itipObject(stored: Uint8Array, itip: Itip, context: ReadContext): Uint8Array {
  const { document, object } = open(stored)
  const { lineEnd } = document
  const event = eventOf(object, context)
  const chosen = itip.original === undefined ? itip.method === 'REQUEST' ? views(object) : views(object).slice(0, 1)
    : object.exceptions.filter(view => originalOf(view, event, object, context) === itip.original)
  const { lines: calendar } = object.calendar
  const method = writeLine({ label: 'METHOD', value: itip.method }, lineEnd)
  const head = [
    ...calendar.content.filter(one => isLine(one) && ['VERSION', 'CALSCALE'].includes(one.name)), writeLine({ label: 'PRODID', value: product }, lineEnd),
  ]
  const said: Component = {
    ...calendar, content: [...head, method, ...componentsOf(calendar, 'VTIMEZONE'), ...chosen.map(({ lines }) => mailed(lines, itip, lineEnd))],
  }
  return printLines(calendar === document as Component ? { ...document, content: said.content } : replace(document, calendar, said))
}

function mailed(component: Component, itip: Itip, lineEnd: string): Component {
  const { method, only, stamp, comment, next, proposed } = itip
  const wanted = (line: Line): boolean => {
    if (personal.has(line.name) || (method === 'REPLY' && !replied.has(line.name))) return false
    return line.name !== 'ATTENDEE' || !only || isOwn(line, only)
  }
  const content = component.content.filter((one): one is Line => isLine(one) && wanted(one)).map(line => withoutServer(line, lineEnd))
  let made = setProperty({ ...component, content }, 'DTSTAMP', { value: printUtc(stamp) }, lineEnd)
  // It is 0 where it is not said, which not every program knows.
  if (next || !lineOf(made, 'SEQUENCE')) made = setProperty(made, 'SEQUENCE', { value: String(sequenceOf(viewOf(component)) + (next ? 1 : 0)) }, lineEnd)
  if (method === 'CANCEL') made = setProperty(made, 'STATUS', { value: 'CANCELLED' }, lineEnd)
  if (comment) made = setText(made, 'COMMENT', comment, lineEnd)
  return method === 'COUNTER' && proposed ? counter(made, proposed, lineEnd) : made
}

/** RFC 6638, Additional iCalendar Property Parameters: between a client and its server. */
function withoutServer(line: Line, lineEnd: string): Line {
  if (!line.parameters.some(({ name }) => ofServer.test(name))) return line
  return rewriteLine(line, { value: valueOf(line), parameters: line.parameters.filter(({ name }) => !ofServer.test(name)) }, lineEnd)
}

/** RFC 5546, COUNTER; the former times as Outlook tells them. */
function counter(component: Component, { start, end, zone }: NonNullable<Itip['proposed']>, lineEnd: string): Component {
  const former = ([from, to]: readonly [string, string], one: Component): Component => {
    const line = lineOf(component, from)
    return line ? insert(one, writeLine({ label: to, value: valueOf(line), parameters: line.parameters }, lineEnd)) : one
  }
  const moved = setProperty(setProperty(component, 'DTSTART', timeValue(start, zone, { form: 'utc' }), lineEnd), 'DURATION', undefined, lineEnd)
  const ended = setProperty(moved, 'DTEND', timeValue(end, zone, { form: 'utc' }), lineEnd)
  return former(['DTEND', 'X-MS-OLK-ORIGINALEND'], former(['DTSTART', 'X-MS-OLK-ORIGINALSTART'], ended))
}

export type Reply = {
  readonly attendee: string
  /** Undefined for one who proposes another time and answers nothing. */
  readonly answer: Answered['answer'] | undefined
  /** COUNTER. */
  readonly proposed?: Period | undefined
  /** Of the version that was answered. */
  readonly sequence: number
  readonly stamp: number
  /** The instant at which the occurrence begins that this is about. */
  readonly original: number | undefined
}

/** When an attendee gave the answer that stands. */
const repliedAt = 'X-POSTERN-REPLIED'

/**
 * RFC 5546, REPLY and COUNTER: the organizer's event with what one of those has answered who are invited. An answer to an earlier version, and
 * one that was given before what is known, changes nothing: they may be heard in any order, and again. What was proposed stands until the
 * next answer, or until the event is moved.
 */
export function takeReply(stored: Uint8Array, reply: Reply, context: ReadContext): Uint8Array {
  const { document, object } = open(stored)
  const event = eventOf(object, context)
  const chosen = reply.original === undefined ? views(object)
    : object.exceptions.filter(view => originalOf(view, event, object, context) === reply.original)
  const occasionOf = (view: View): Occasion => event.exceptions.find(one => match(one.original, event.start) === originalIn(view)) ?? event
  const originalIn = (view: View): number | undefined => view === object.master ? undefined : originalOf(view, event, object, context)
  return printLines(chosen.filter(view => sequenceOf(view) <= reply.sequence).reduce((from, view) =>
    replace(from, view.lines, heard(view.lines, reply, occasionOf(view), document.lineEnd)), document))
}

function heard(component: Component, { attendee, answer, proposed, stamp }: Reply, { start, end, counterDisallowed }: Occasion, lineEnd: string): Component {
  const at = printUtc(stamp)
  const given = [
    ...(answer ? [writeParameter('PARTSTAT', partstats[answer])] : []), writeParameter(repliedAt, at),
    ...(proposed && !counterDisallowed ? [writeParameter(proposal, ...proposalOf({ start: start.at, end: end.at }, proposed))] : []),
  ]
  return linesOf(component, 'ATTENDEE').filter(line => isOwn(line, [attendee]) && (valueIn(line, repliedAt) ?? '') < at)
    .reduce((from, line) => replace(from, line, withParameters(withoutParameter(line, proposal, lineEnd), given, lineEnd)), component)
}

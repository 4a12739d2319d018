import { Failure } from '../base/failure.ts'
import type { Event, EventPatch, ExceptionPatch, RuleParts, When } from '../model/event.ts'
import type { Time } from '../model/zone.ts'
import { formOf, printUtc, readComponent, setProperty, timeValue, withZone, type Form } from './calendar-edit.ts'
import { objectOf, openObject, type CalendarObject, type View } from './calendar-object.ts'
import { timeOf } from './calendar-time.ts'
import {
  componentsOf, insert, lineOf, linesOf, printLines, replace, rewriteLine, valueOf, writeComponent, writeDocument, writeLine, writeParameter,
  type Component, type Document, type Line,
} from './content-lines.ts'
import { isSameAddress } from './event-people.ts'
import { eventOf, readersOf, type ReadContext } from './event-read.ts'
import { patchOccasion, stampComponent, withParameters, type PatchContext } from './occasion-patch.ts'
import { property } from './icalendar.ts'
import { followed, match, occurrenceOf, originals } from './series.ts'

/** What a patch must know that neither it nor the object says. */
export type WriteContext = ReadContext & {
  readonly now: number
  readonly agent: PatchContext['agent']
  /** Whether the user is not the organizer: then nothing is changed that others would have to know. */
  readonly received: boolean
}

/** RFC 5546, Update: what makes an event another one to those who meet. */
const isSignificant = (patch: EventPatch): boolean =>
  isRescheduled(patch) || isAny(patch.place, patch.summary, patch.attendees)
/** RFC 5545, Sequence Number: those of them that raise it. */
const isRescheduled = ({ when, cancelled, rule, exceptions, dropExceptions }: EventPatch): boolean =>
  isAny(when, cancelled, rule, exceptions, dropExceptions)

const isAny = (...values: readonly unknown[]): boolean => values.some(one => one !== undefined)

const nothing = (patch: object): boolean => Object.values(patch).every(one => one === undefined)

/** An object while it is changed; components are found again in it by what they are. */
type Work = { document: Document; readonly context: WriteContext }

/**
 * The stored object with what a patch says. What it does not say stays octet for octet. Throws `malformed` for an object that cannot be
 * read, `not-found` for an exception that is of no occurrence.
 */
export function patchEvent(octets: Uint8Array, patch: EventPatch, context: WriteContext): Uint8Array {
  const object = openObject(octets, 'VEVENT')
  const event = eventOf(object, context)
  if (nothing(patch)) return octets
  const work: Work = { document: object.document, context }
  const { exceptions, rule, dropExceptions, ...occasion } = patch
  if (!nothing(occasion) || rule !== undefined || dropExceptions) patchMaster(work, object, event, patch)
  if (exceptions?.length) patchExceptions(work, exceptions)
  if (isSignificant(patch) && !context.received) delegate(work)
  return printLines(work.document)
}

function contextOf(work: Work, calendar: Component, recurring: boolean): PatchContext {
  const { lineEnd } = work.document
  const formIn = ({ zone, start }: When): Form => {
    if (zone.name === 'UTC' || zone.name === 'Etc/UTC') return { form: 'utc' }
    work.document = withZone(work.document, calendar, zone, start)
    return { form: 'zoned', tzid: writeParameter('TZID', zone.name) }
  }
  return { lineEnd, formIn, recurring, agent: work.context.agent }
}

function patchMaster(work: Work, object: CalendarObject, event: Event, patch: EventPatch): void {
  const { lineEnd } = work.document
  const master = (object.master ?? object.exceptions[0]!).lines
  const recurring = patch.rule === undefined ? event.series !== undefined : patch.rule !== null
  let patched = patchOccasion(master, event, patch, contextOf(work, object.calendar.lines, recurring))
  if (patch.rule !== undefined) patched = setRule(patched, patch.rule, lineEnd)
  if (patch.dropExceptions || patch.rule === null) {
    patched = setProperty(patched, 'EXDATE', undefined, lineEnd)
    for (const { lines } of object.exceptions) if (lines !== master) work.document = replace(work.document, lines)
  }
  patched = stampComponent(patched, work.context.now, isRescheduled(patch) && !work.context.received, lineEnd)
  work.document = replace(work.document, master, patched)
  if (!patch.dropExceptions && patch.rule !== null && (patch.when || patch.rule)) rebase(work, event)
}

function setRule(component: Component, rule: RuleParts | null, lineEnd: string): Component {
  const bare = ['RDATE', 'EXRULE'].reduce((one, name) => setProperty(one, name, undefined, lineEnd), component)
  return setProperty(bare, 'RRULE', rule ? { value: printRule(rule) } : undefined, lineEnd)
}

const printRule = (rule: RuleParts): string => Object.entries(rule).map(pair => pair.join('=')).join(';')

const day = 86_400_000

/**
 * After a series was moved: exceptions and what is left out keep to the days they were on, at the new time of day; those of days
 * the series has no more go, as they would show as events of their own.
 */
function rebase(work: Work, before: Event): void {
  const object = objectOf(work.document, 'VEVENT')
  const after = eventOf(object, work.context)
  if (!after.series) return
  const { lineEnd } = work.document
  const master = object.master!.lines
  const moved = (time: Time): number | undefined => instanceOn(after, Math.floor(time.local / day) * day + timeOfDay(after.start))
  const form = formOf(lineOf(master, 'DTSTART'), after.start)
  for (const view of object.exceptions) {
    const was = originalOf(view, before, object, work.context)
    const original = before.exceptions.find(one => match(one.original, before.start) === was)
    const at = original && moved(original.original)
    if (at === undefined) work.document = replace(work.document, view.lines)
    else if (at !== was) {
      const patched = setProperty(view.lines, 'RECURRENCE-ID', timeValue(at, after.start.zone, form), lineEnd)
      work.document = replace(work.document, view.lines, patched)
    }
  }
  const kept = before.series?.excluded.flatMap(one => moved(one) ?? []) ?? []
  const same = before.series?.excluded.every((one, index) => match(one, before.start) === kept[index])
  if (same) return
  let patched = setProperty(master, 'EXDATE', undefined, lineEnd)
  for (const at of kept) patched = insert(patched, exdate(at, after, form, lineEnd))
  work.document = replace(work.document, master, patched)
}

const timeOfDay = ({ local }: Time): number => local - Math.floor(local / day) * day

/** The occurrence of a series on the day of these numerals. */
const instanceOn = (event: Event, local: number): number | undefined =>
  originals({ ...event, exceptions: [] }, Math.floor(local / day) * day)[0]

const exdate = (at: number, { start }: Event, form: Form, lineEnd: string): Line =>
  writeLine({ label: 'EXDATE', ...timeValue(at, start.zone, form) }, lineEnd)

/** All at once: each exception is a component of its own, and what is left out is told in the master. */
function patchExceptions(work: Work, patches: readonly ExceptionPatch[]): void {
  const object = objectOf(work.document, 'VEVENT')
  const event = eventOf(object, work.context)
  const { lineEnd } = work.document
  const master = object.master?.lines
  const form = master ? formOf(lineOf(master, 'DTSTART'), event.start) : undefined
  const stored = Map.groupBy(object.exceptions, view => originalOf(view, event, object, work.context))
  let last = object.exceptions.at(-1)?.lines ?? master!
  // What is said of an occurrence last, counts.
  for (const [original, said] of new Map(patches.map(one => [one.original, one.change]))) {
    const [override, ...more] = stored.get(original) ?? []
    const own = event.exceptions.find(one => match(one.original, event.start) === original)
    if (said === 'remove') {
      for (const { lines } of stored.get(original) ?? []) work.document = replace(work.document, lines)
      if (last === override?.lines || more.some(({ lines }) => lines === last)) last = master ?? last
      continue
    }
    if (!(override && own) && !(master && form)) throw new Failure('not-found', 'an exception of no occurrence')
    const moved = followed(event, original)
    const like = moved && stored.get(match(moved.original, event.start))?.[0]?.lines
    const base = override?.lines ?? asException(like ?? master!, event, original, form!, lineEnd)
    const changed = patchOccasion(base, own ?? occurrenceOf(event, original), said, contextOf(work, object.calendar.lines, false))
    const patched = stampComponent(changed, work.context.now, isRescheduled(said) && !work.context.received, lineEnd)
    work.document = override ? replace(work.document, override.lines, patched) : replace(work.document, last, last, patched)
    if (!override || last === override.lines) last = patched
  }
  if (master) leaveOut(work, object, event, patches)
}

export function originalOf(view: View, event: Event, object: CalendarObject, context: ReadContext): number | undefined {
  const id = property(view, 'RECURRENCE-ID')!
  try {
    return match(timeOf(id.value, id, readersOf(object, context)), event.start)
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

const ofSeries = new Set(['RRULE', 'RDATE', 'EXDATE', 'EXRULE', 'RECURRENCE-ID'])

/** The occurrence as the series has it, or the exception it follows, as a component that can be changed. */
function asException(base: Component, event: Event, original: number, form: Form, lineEnd: string): Component {
  const { start: from, end: to } = occurrenceOf(event, original)
  const lines = base.content.filter(one => !('raw' in one && ofSeries.has(one.name)))
  const first = lineOf(base, 'DTSTART')
  const begins = timeValue(from.at, from.zone, first ? formOf(first, from) : form)
  const begun = setProperty({ ...base, content: lines }, 'DTSTART', begins, lineEnd)
  const end = lineOf(begun, 'DTEND')
  const ended = end ? setProperty(begun, 'DTEND', timeValue(to.at, to.zone, formOf(end, to)), lineEnd) : begun
  const start = lineOf(ended, 'DTSTART')!
  return replace(ended, start, writeLine({ label: 'RECURRENCE-ID', ...timeValue(original, event.start.zone, form) }, lineEnd), start)
}

/** EXDATE: those that are removed are added, those that are exceptions now are taken out of it. */
function leaveOut(work: Work, object: CalendarObject, event: Event, patches: readonly ExceptionPatch[]): void {
  const { lineEnd } = work.document
  const zones = readersOf(object, work.context)
  const master = object.master!
  const form = formOf(lineOf(master.lines, 'DTSTART'), event.start)
  const excluded = new Set(event.series?.excluded.map(one => match(one, event.start)))
  const out = new Set(patches.filter(one => one.change === 'remove').map(one => one.original))
  const back = new Set(patches.map(one => one.original).filter(at => excluded.has(at) && !out.has(at)))
  let patched = master.lines
  const dates = master.properties.filter(({ name }) => name === 'EXDATE')
  if (back.size > 0) for (const [index, line] of linesOf(patched, 'EXDATE').entries()) {
    const all = dates[index]!.value.split(',')
    const left = all.filter(value => value.trim() === '' || !back.has(match(timeOf(value.trim(), dates[index]!, zones), event.start)))
    if (left.length === 0) patched = replace(patched, line)
    else if (left.length < all.length) patched = replace(patched, line, rewriteLine(line, { value: left.join(',') }, lineEnd))
  }
  for (const at of out) if (!excluded.has(at)) patched = insert(patched, exdate(at, event, form, lineEnd))
  if (patched === master.lines) return
  work.document = replace(work.document, master.lines, stampComponent(patched, work.context.now, !work.context.received, lineEnd))
}

/** RFC 6638, Scheduling Agent: of all who are invited, once something is changed that they must hear of. */
function delegate(work: Work): void {
  const { agent } = work.context
  if (!agent) return
  const { document } = work
  for (const calendar of componentsOf(document, 'VCALENDAR')) {
    for (const event of componentsOf(calendar, 'VEVENT')) {
      let patched = event
      const organizer = lineOf(event, 'ORGANIZER')
      for (const line of linesOf(event, 'ATTENDEE')) {
        if (organizer && isSameAddress(valueOf(organizer), valueOf(line))) continue
        const said = line.parameters.find(({ name }) => name === 'SCHEDULE-AGENT')?.values[0]?.toUpperCase() ?? 'SERVER'
        if (said === agent || (said !== 'SERVER' && said !== 'CLIENT')) continue
        const bare = line.parameters.filter(({ name }) => name !== 'SCHEDULE-AGENT')
        patched = replace(patched, line, agent === 'SERVER' ? rewriteLine(line, { value: valueOf(line), parameters: bare }, document.lineEnd)
          : withParameters(line, [writeParameter('SCHEDULE-AGENT', 'CLIENT')], document.lineEnd))
      }
      if (patched !== event) work.document = replace(work.document, event, patched)
    }
  }
}

/** What made it: RFC 5545, Product Identifier. */
export const product = '-//Postern//Postern//EN'

/** A new object. `when` is what it must have; `uid` too. */
export function newEvent(patch: EventPatch & { readonly when: When; readonly uid: string }, context: WriteContext): Uint8Array {
  const lineEnd = '\r\n'
  const now = printUtc(context.now)
  const event = readComponent(['BEGIN:VEVENT', `UID:${patch.uid}`, `DTSTAMP:${now}`, `CREATED:${now}`, 'END:VEVENT'], lineEnd)
  const calendar = writeComponent('VCALENDAR', [
    ...[['VERSION', '2.0'], ['PRODID', product], ['CALSCALE', 'GREGORIAN']].map(([label, value]) =>
      writeLine({ label: label!, value: value! }, lineEnd)),
    event,
  ], lineEnd)
  const work: Work = { document: writeDocument(calendar), context }
  const recurring = Boolean(patch.rule)
  let patched = patchOccasion(event, undefined, patch, contextOf(work, calendar, recurring))
  if (patch.rule) patched = setRule(patched, patch.rule, lineEnd)
  work.document = replace(work.document, event, patched)
  if (patch.exceptions?.length) patchExceptions(work, patch.exceptions)
  return printLines(work.document)
}

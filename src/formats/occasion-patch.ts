import type { Attendee, Busy, EventBody, NewFile, Occasion, OccasionPatch, Person, Place, Sensitivity, When } from '../model/event.ts'
import { alarmsOf } from './alarm.ts'
import { formOf, printUtc, readComponent, setList, setProperty, setText, timeValue, type Form } from './calendar-edit.ts'
import { viewOf } from './calendar-object.ts'
import {
  insert, lineOf, linesOf, replace, rewriteLine, valueOf, writeLine, writeParameter, type Component, type Line, type Parameter,
} from './content-lines.ts'
import { fileOf } from './event-files.ts'
import { attendeeOf, isSameAddress, proposal } from './event-people.ts'
import { locationsValue } from './event-place.ts'
import { busyOf } from './event-read.ts'

/** What a patch must know beside it. */
export type PatchContext = {
  readonly lineEnd: string
  /** The form a time in a zone is to have where it cannot stay in the old one. */
  readonly formIn: (when: When) => Form
  readonly recurring: boolean
  /**
   * RFC 6638, Scheduling Agent: whether the client itself mails those it meets, so that the server must not; undefined where nothing
   * is known of how the server does it.
   */
  readonly agent: 'CLIENT' | 'SERVER' | undefined
}

type Step = (component: Component, context: PatchContext) => Component

/** A component with what a patch says; each property that is not in it stays as it is, octet for octet. */
export function patchOccasion(component: Component, old: Occasion | undefined, patch: OccasionPatch, context: PatchContext): Component {
  const { summary, place, categories, sensitivity, busy, cancelled, attendees, counterDisallowed: counter } = patch
  const steps: (Step | false | undefined)[] = [
    patch.when && setWhen(patch.when, old),
    patch.when && dropProposals,
    summary !== undefined && ((one, { lineEnd }) => setText(one, 'SUMMARY', summary, lineEnd)),
    patch.body && setBody(patch.body),
    place !== undefined && setPlace(place),
    categories && ((one, { lineEnd }) => setList(one, 'CATEGORIES', categories, lineEnd)),
    sensitivity && setSensitivity(sensitivity),
    busy && setBusy(busy),
    cancelled !== undefined && ((one, { lineEnd }) => setProperty(one, 'STATUS', { value: cancelled ? 'CANCELLED' : 'CONFIRMED' }, lineEnd)),
    patch.organizer && setOrganizer(patch.organizer),
    attendees && setAttendees(attendees, patch.organizer ?? old?.organizer),
    counter !== undefined && ((one, { lineEnd }) =>
      setProperty(one, 'X-MICROSOFT-DISALLOW-COUNTER', { value: counter ? 'TRUE' : 'FALSE' }, lineEnd)),
    patch.removeFiles && removeFiles(new Set(patch.removeFiles)),
    patch.addFiles && addFiles(patch.addFiles),
    patch.reminder !== undefined && setReminder(patch.reminder, old),
  ]
  return steps.reduce((one, step) => step ? step(one, context) : one, component)
}

/** DTSTART and DTEND in the form they had, as long as it can say the new times. */
const setWhen = (when: When, old: Occasion | undefined): Step => (component, context) => {
  const { lineEnd } = context
  const begins = lineOf(component, 'DTSTART'), ends = lineOf(component, 'DTEND')
  const form = chooseForm(when, old, begins, context)
  const same = old?.allDay === when.allDay && (old.start.form === 'date') === when.allDay && isForm(begins, form)
  let patched = component
  if (!same || old?.start.at !== when.start || !begins) {
    patched = setProperty(patched, 'DTSTART', timeValue(when.start, when.zone, form), lineEnd)
  }
  const outlook = lineOf(patched, 'X-MICROSOFT-CDO-ALLDAYEVENT')
  if (outlook && old?.allDay !== when.allDay) {
    patched = setProperty(patched, 'X-MICROSOFT-CDO-ALLDAYEVENT', { value: when.allDay ? 'TRUE' : 'FALSE' }, lineEnd)
  }
  const duration = lineOf(patched, 'DURATION')
  const length = old ? old.end.at - old.start.at : undefined
  const implied = !ends && same && when.end - when.start === length
  if ((same && ends && old?.end.at === when.end) || (implied && (duration || old))) return patched
  // An end may be by other clocks than the start: that of a flight.
  const value = ends && old && same && !when.allDay ? timeValue(when.end, old.end.zone, formOf(ends, old.end))
    : timeValue(when.end, when.zone, form)
  return setProperty(duration ? replace(patched, duration) : patched, 'DTEND', value, lineEnd)
}

/** What was proposed in place of a time that is no more. */
const dropProposals: Step = (component, { lineEnd }) => linesOf(component, 'ATTENDEE').reduce((from, line) =>
  line.parameters.some(({ name }) => name === proposal) ? replace(from, line, withoutParameter(line, proposal, lineEnd)) : from, component)

/** Floating times stay floating, those in UTC stay in UTC unless a series needs a zone. */
function chooseForm(when: When, old: Occasion | undefined, begins: Line | undefined, { formIn, recurring }: PatchContext): Form {
  if (when.allDay) return { form: 'date' }
  if (!old || old.start.form === 'date') return formIn(when)
  if (old.start.form === 'utc' && !recurring) return { form: 'utc' }
  return old.start.zone.name === when.zone.name ? formOf(begins, old.start) : formIn(when)
}

function isForm(line: Line | undefined, form: Form): boolean {
  const tzid = line?.parameters.find(({ name }) => name === 'TZID')
  const date = /^\s*\d{8}\s*$/.test(line ? valueOf(line) : '')
  if (form.form === 'zoned') return tzid?.values[0] === form.tzid.values[0]
  return !tzid && date === (form.form === 'date')
}

/** The rich forms of a text that is no more go with it. */
const setBody = ({ plain, html }: EventBody): Step => (component, { lineEnd }) => {
  const styled = setProperty(component, 'STYLED-DESCRIPTION', undefined, lineEnd)
  const patched = setText(styled, 'DESCRIPTION', plain, lineEnd)
  return setText(patched, 'X-ALT-DESC', html ?? '', lineEnd, [writeParameter('FMTTYPE', 'text/html')])
}

/** What other programs know of the old place is wrong of the new one. */
const setPlace = (place: Place | null): Step => (component, { lineEnd }) => {
  const named = setText(component, 'LOCATION', place?.name ?? '', lineEnd)
  const apart = ['X-APPLE-STRUCTURED-LOCATION', 'X-APPLE-TRAVEL-START']
    .reduce((one, name) => setProperty(one, name, undefined, lineEnd), named)
  const position = place?.latitude && place.longitude ? { value: `${place.latitude};${place.longitude}` } : undefined
  return setText(setProperty(apart, 'GEO', position, lineEnd), 'X-MICROSOFT-LOCATIONS', place ? locationsValue(place) ?? '' : '', lineEnd)
}

const classes: Readonly<Record<Sensitivity, string>> = {
  normal: 'PUBLIC', personal: 'PRIVATE', private: 'PRIVATE', confidential: 'CONFIDENTIAL',
}

const setSensitivity = (sensitivity: Sensitivity): Step => (component, { lineEnd }) => {
  const old = lineOf(component, 'CLASS')
  const bare = old ? replace(component, old, rewriteLine(old, {
    value: valueOf(old), parameters: old.parameters.filter(({ name }) => name !== 'X-SENSITIVITY'),
  }, lineEnd)) : component
  const parameters = sensitivity === 'personal' ? [writeParameter('X-SENSITIVITY', 'PERSONAL')] : []
  return setProperty(bare, 'CLASS', { value: classes[sensitivity], parameters }, lineEnd)
}

const outlook: Readonly<Record<Busy, string>> = {
  free: 'FREE', tentative: 'TENTATIVE', busy: 'BUSY', oof: 'OOF', elsewhere: 'WORKINGELSEWHERE',
}

/** TRANSP, and what Outlook adds where that does not say all. STATUS is of the event, not of the user: it stays. */
const setBusy = (busy: Busy): Step => (component, { lineEnd }) => {
  const transparent = busy === 'free' || (busy === 'elsewhere' && /^TRANSPARENT$/i.test(said(component, 'TRANSP')))
  const wanted = transparent ? 'TRANSPARENT' : 'OPAQUE'
  const stands = said(component, 'TRANSP').toUpperCase() || 'OPAQUE'
  const patched = stands === wanted ? component : setProperty(component, 'TRANSP', { value: wanted }, lineEnd)
  if (busyOf(viewOf(patched)) === busy) return patched
  return setProperty(patched, 'X-MICROSOFT-CDO-BUSYSTATUS', { value: outlook[busy] }, lineEnd)
}

function said(component: Component, name: string): string {
  const line = lineOf(component, name)
  return line ? valueOf(line).trim() : ''
}

const named = (name: string | undefined): Parameter[] => name ? [writeParameter('CN', name)] : []

const setOrganizer = (person: Person): Step => (component, { lineEnd }) =>
  setProperty(component, 'ORGANIZER', { value: `mailto:${person.address}`, parameters: named(person.name) }, lineEnd)

const partstats: Readonly<Record<Attendee['answer'], string>> = {
  none: 'NEEDS-ACTION', accepted: 'ACCEPTED', tentative: 'TENTATIVE', declined: 'DECLINED', unknown: 'NEEDS-ACTION',
}

/** Lines of those who stay keep all that is not said of them; the organizer's own line, which no client sees, is left alone. */
const setAttendees = (attendees: readonly Attendee[], organizer: Person | undefined): Step => (component, context) => {
  const { lineEnd, agent } = context
  const left = [...attendees]
  let patched = component
  for (const line of linesOf(component, 'ATTENDEE')) {
    const old = attendeeOf(viewOf({ name: '', begin: undefined, end: undefined, content: [line] }).properties[0]!)
    const at = left.findIndex(one => isSameAddress(one.address, old.address))
    if (at < 0) {
      if (!organizer || !isSameAddress(organizer.address, old.address)) patched = replace(patched, line)
      continue
    }
    const [wanted] = left.splice(at, 1)
    const changed = attendeeParameters(wanted!, old)
    if (changed.length > 0) patched = replace(patched, line, withParameters(line, changed, lineEnd))
  }
  const added = left.map(one => writeLine({
    label: 'ATTENDEE', value: `mailto:${one.address}`,
    parameters: [
      ...named(one.name), ...agent === 'CLIENT' ? [writeParameter('SCHEDULE-AGENT', 'CLIENT')] : [], ...attendeeParameters(one, undefined),
    ],
  }, lineEnd))
  return insert(patched, ...added)
}

const roles: Readonly<Record<Attendee['kind'], string>> = {
  required: 'REQ-PARTICIPANT', optional: 'OPT-PARTICIPANT', resource: 'NON-PARTICIPANT',
}

/** What is to be said of one that was not said. */
function attendeeParameters(wanted: Attendee, old: Attendee | undefined): Parameter[] {
  const kind = old?.kind === wanted.kind ? [] : [
    writeParameter('CUTYPE', wanted.kind === 'resource' ? 'RESOURCE' : 'INDIVIDUAL'),
    writeParameter('ROLE', roles[wanted.kind]),
  ]
  const asked = old?.asked === wanted.asked ? [] : [writeParameter('RSVP', wanted.asked ? 'TRUE' : 'FALSE')]
  const name = old && wanted.name && old.name !== wanted.name ? named(wanted.name) : []
  return [...name, ...kind, ...old?.answer === wanted.answer ? [] : [writeParameter('PARTSTAT', partstats[wanted.answer])], ...asked]
}

/** The line with other parameters of those names, in their places. */
export function withParameters(line: Line, given: readonly Parameter[], lineEnd: string): Line {
  const changed = line.parameters.map(one => given.find(({ name }) => name === one.name) ?? one)
  const more = given.filter(({ name }) => !line.parameters.some(one => one.name === name))
  return rewriteLine(line, { value: valueOf(line), parameters: [...changed, ...more] }, lineEnd)
}

export const withoutParameter = (line: Line, name: string, lineEnd: string): Line =>
  rewriteLine(line, { value: valueOf(line), parameters: line.parameters.filter(one => one.name !== name) }, lineEnd)

const removeFiles = (ids: ReadonlySet<string>): Step => component => {
  const { properties } = viewOf(component)
  const attached = properties.filter(({ name }) => name === 'ATTACH')
  return linesOf(component, 'ATTACH').reduce((from, line, index) => {
    const file = fileOf(attached[index]!, line)
    return file && ids.has(file.id) ? replace(from, line) : from
  }, component)
}

const addFiles = (files: readonly NewFile[]): Step => (component, { lineEnd }) =>
  insert(component, ...files.map(({ name, type, octets }) => writeLine({
    label: 'ATTACH', value: Buffer.from(octets).toString('base64'),
    parameters: [['FMTTYPE', type], ['FILENAME', name], ['ENCODING', 'BASE64'], ['VALUE', 'BINARY']].map(([key, value]) => writeParameter(key!, value!)),
  }, lineEnd)))

/** The alarm that is shown next is moved, or all that are shown are taken out; what sends mail or comes later stays. */
const setReminder = (minutes: number | null, old: Occasion | undefined): Step => (component, context) => {
  const { lineEnd, recurring } = context
  const alarms = old ? alarmsOf(viewOf(component), old.start, old.end, recurring).map(one => one.component.lines) : []
  if (minutes === null) return alarms.reduce((from, alarm) => replace(from, alarm), component)
  const value = minutes === 0 ? 'PT0S' : `-PT${minutes}M`
  const [next] = alarms
  const fresh = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Reminder', `TRIGGER:${value}`, 'END:VALARM']
  if (!next) return insert(component, readComponent(fresh, lineEnd))
  const trigger = lineOf(next, 'TRIGGER')!
  const parameters = trigger.parameters.filter(({ name }) => name !== 'RELATED' && name !== 'VALUE')
  const moved = replace(next, trigger, rewriteLine(trigger, { value, parameters }, lineEnd))
  return replace(component, next, setProperty(moved, 'ACKNOWLEDGED', undefined, lineEnd))
}

/** RFC 5545, Change Management Component Properties: when it was changed, and by the organizer to what it means. */
export function stampComponent(component: Component, now: number, significant: boolean, lineEnd: string): Component {
  const stamped = setProperty(component, 'DTSTAMP', { value: printUtc(now) }, lineEnd)
  const modified = lineOf(stamped, 'LAST-MODIFIED') ? setProperty(stamped, 'LAST-MODIFIED', { value: printUtc(now) }, lineEnd) : stamped
  if (!significant) return modified
  const sequence = lineOf(modified, 'SEQUENCE')
  const next = Math.min((Number(/^\s*\d{1,9}/.exec(sequence ? valueOf(sequence) : '')?.[0] ?? 0) || 0) + 1, 0x7fffffff)
  return setProperty(modified, 'SEQUENCE', { value: String(next) }, lineEnd)
}


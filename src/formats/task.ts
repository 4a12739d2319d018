import type { RuleParts } from '../model/event.ts'
import type { Importance, Task, TaskPatch, TaskTime } from '../model/task.ts'
import type { Time, Zone } from '../model/zone.ts'
import { formOf, printUtc, readComponent, setProperty, timeValue, withZone, type Form } from './calendar-edit.ts'
import { openObject, viewOf, type CalendarObject, type View } from './calendar-object.ts'
import { instant, later, readTime, type ZoneReader } from './calendar-time.ts'
import {
  insert, lineOf, printLines, replace, rewriteLine, writeComponent, writeDocument, writeLine, writeParameter, type Component,
} from './content-lines.ts'
import { bodyOf, categoriesOf, readersOf, sensitivityOf, textOf, type ReadContext } from './event-read.ts'
import { parseDuration, parseRule, property, type Property } from './icalendar.ts'
import { patchOccasion, stampComponent } from './occasion-patch.ts'

/** Ours: iCalendar has no words for these. */
const own = { regenerates: 'X-POSTERN-REGENERATE', ordinal: 'X-POSTERN-ORDINAL-DATE', sub: 'X-POSTERN-SUB-ORDINAL-DATE' }

/** RFC 5545, To-Do Component: a stored object. Throws `malformed` for what cannot be understood. */
export function readTask(octets: Uint8Array, context: ReadContext): Task {
  const object = openObject(octets, 'VTODO')
  return taskOf(viewOfTask(object), readersOf(object, context))
}

const viewOfTask = ({ master, exceptions }: CalendarObject): View => master ?? exceptions[0]!

function taskOf(view: View, zones: ZoneReader): Task {
  const all = (name: string): readonly Property[] => view.properties.filter(one => one.name === name)
  const start = readTime(property(view, 'DTSTART'), zones)
  const duration = parseDuration(property(view, 'DURATION')?.value ?? '')
  const due = readTime(property(view, 'DUE'), zones) ?? (start && duration !== undefined ? later(start, duration) : undefined)
  const [rule] = all('RRULE')
  const status = said(view, 'STATUS').toUpperCase()
  const done = instant(view, 'COMPLETED', zones)
  return {
    uid: said(view, 'UID'), summary: said(view, 'SUMMARY'), body: bodyOf(view), categories: categoriesOf(all('CATEGORIES')),
    sensitivity: sensitivityOf(property(view, 'CLASS')), importance: importanceOf(said(view, 'PRIORITY')), start, due,
    completed: status === 'COMPLETED' || (status === '' && done !== undefined) ? { at: done } : undefined,
    reminder: alarmOf(view, start, due)?.at,
    rule: rule && parseRule(rule.value),
    ruled: all('RRULE').length > 1 || all('RDATE').length + all('EXRULE').length > 0,
    regenerates: said(view, own.regenerates).toUpperCase() === 'TRUE',
    ordinal: { at: instant(view, own.ordinal, zones), sub: said(view, own.sub) || undefined },
    stamp: instant(view, 'LAST-MODIFIED', zones) ?? instant(view, 'DTSTAMP', zones),
  }
}

const said = (view: View, name: string): string => textOf(view, name).replace(/\s+/g, ' ').trim().slice(0, 1000)

// RFC 5545, Priority: 1 to 4 high, 5 normal, 6 to 9 low, 0 undefined
function importanceOf(priority: string): Importance {
  const value = /^\d$/.test(priority) ? Number(priority) : 0
  return value === 0 || value === 5 ? 'normal' : value < 5 ? 'high' : 'low'
}

type TaskAlarm = { readonly at: number; readonly lines: Component }

/** The first alarm that is shown, and when. RFC 5545, Alarm Trigger: by default it is about the start. */
function alarmOf(view: View, start: Time | undefined, due: Time | undefined): TaskAlarm | undefined {
  const found = view.components.filter(({ name }) => name === 'VALARM').flatMap(alarm => {
    const action = property(alarm, 'ACTION')?.value.trim().toUpperCase() ?? 'DISPLAY'
    const trigger = property(alarm, 'TRIGGER')
    if (!trigger || (action !== 'DISPLAY' && action !== 'AUDIO') || property(alarm, 'RELATED-TO')) return []
    const duration = parseDuration(trigger.value)
    const anchor = trigger.parameters['RELATED']?.toUpperCase() === 'END' ? due ?? start : start ?? due
    const at = duration === undefined ? fixed(trigger) : anchor && anchor.at + duration
    return at === undefined ? [] : [{ at, lines: alarm.lines }]
  })
  return found.sort((one, other) => one.at - other.at)[0]
}

function fixed(trigger: Property): number | undefined {
  const match = /^\s*(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\s*$/.exec(trigger.value)
  const [year, month, date, hours, minutes, seconds] = (match ?? []).slice(1).map(Number)
  return match ? Date.UTC(year!, month! - 1, date, hours, minutes, seconds) : undefined
}

export type TaskContext = ReadContext & { readonly now: number }

const nothing = (patch: object): boolean => Object.values(patch).every(one => one === undefined)

/** The stored object with what a patch says; what it does not say stays octet for octet. Throws `malformed`. */
export function patchTask(octets: Uint8Array, patch: TaskPatch, context: TaskContext): Uint8Array {
  if (nothing(patch)) return octets
  const object = openObject(octets, 'VTODO')
  const view = viewOfTask(object)
  let { document } = object
  const { lineEnd } = document
  const before = taskOf(view, readersOf(object, context))
  const zoned = (zone: Zone, at: number): Form => {
    document = withZone(document, object.calendar.lines, zone, at)
    return { form: 'zoned', tzid: writeParameter('TZID', zone.name) }
  }
  const patched = applied(view.lines, before, patch, context, zoned, lineEnd)
  return printLines(replace(document, view.lines, stampComponent(patched, context.now, false, lineEnd)))
}

type Zoned = (zone: Zone, at: number) => Form
const priorities: Readonly<Record<Importance, string>> = { high: '1', normal: '5', low: '9' }

function applied(
  component: Component, before: Task | undefined, patch: TaskPatch, context: TaskContext, zoned: Zoned, lineEnd: string,
): Component {
  const { summary, body, categories, sensitivity } = patch
  const patchContext = { lineEnd, formIn: (): Form => ({ form: 'utc' }), recurring: false, agent: undefined }
  const set = (one: Component, name: string, value: string | undefined): Component =>
    setProperty(one, name, value === undefined ? undefined : { value }, lineEnd)
  let patched = patchOccasion(component, undefined, { summary, body, categories, sensitivity }, patchContext)
  if (patch.importance) patched = set(patched, 'PRIORITY', priorities[patch.importance])
  for (const [name, time, old] of [['DTSTART', patch.start, before?.start], ['DUE', patch.due, before?.due]] as const) {
    if (time !== undefined) patched = setTime(patched, name, time, old, context, zoned, lineEnd)
  }
  if (patch.rule !== undefined) patched = set(patched, 'RRULE', patch.rule ? printRule(patch.rule) : undefined)
  if (patch.completed !== undefined) {
    patched = set(set(set(patched, 'STATUS', patch.completed === null ? 'NEEDS-ACTION' : 'COMPLETED'), 'COMPLETED',
      patch.completed === null ? undefined : printUtc(patch.completed)), 'PERCENT-COMPLETE', patch.completed === null ? undefined : '100')
  }
  if (patch.regenerates !== undefined) patched = set(patched, own.regenerates, patch.regenerates ? 'TRUE' : undefined)
  if (patch.ordinal?.at !== undefined) patched = set(patched, own.ordinal, printUtc(patch.ordinal.at))
  if (patch.ordinal?.sub !== undefined) patched = set(patched, own.sub, patch.ordinal.sub.replace(/[\\;,\r\n]/g, '') || undefined)
  return patch.reminder === undefined ? patched : setReminder(patched, component, patch.reminder, before, lineEnd)
}

const printRule = (rule: RuleParts): string => Object.entries(rule).map(pair => pair.join('=')).join(';')

/** In the form it had, where that can say it; a new hour is by the clocks of the user. DURATION and DUE exclude each other. */
function setTime(
  component: Component, name: 'DTSTART' | 'DUE', time: TaskTime | null, old: Time | undefined,
  { zone }: TaskContext, zoned: Zoned, lineEnd: string,
): Component {
  const bare = name === 'DUE' && lineOf(component, 'DURATION') ? setProperty(component, 'DURATION', undefined, lineEnd) : component
  if (time === null) return setProperty(bare, name, undefined, lineEnd)
  if ('date' in time) return setProperty(bare, name, timeValue(time.date, zone, { form: 'date' }), lineEnd)
  const form = old && old.form !== 'date' ? formOf(lineOf(component, name), old) : zoned(zone, time.at)
  return setProperty(bare, name, timeValue(time.at, old && old.form !== 'date' ? old.zone : zone, form), lineEnd)
}

/** At a fixed time: clients say when, not how long before what. */
function setReminder(patched: Component, stored: Component, at: number | null, before: Task | undefined, lineEnd: string): Component {
  const alarm = before && alarmOf(viewOf(stored), before.start, before.due)?.lines
  if (at === null) return alarm ? replace(patched, alarm) : patched
  const trigger = alarm && lineOf(alarm, 'TRIGGER')
  if (!alarm || !trigger) {
    const fresh = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Reminder', `TRIGGER;VALUE=DATE-TIME:${printUtc(at)}`, 'END:VALARM']
    return insert(patched, readComponent(fresh, lineEnd))
  }
  const others = trigger.parameters.filter(({ name }) => name !== 'RELATED' && name !== 'VALUE')
  const moved = rewriteLine(trigger, { value: printUtc(at), parameters: [...others, writeParameter('VALUE', 'DATE-TIME')] }, lineEnd)
  return replace(patched, alarm, setProperty(replace(alarm, trigger, moved), 'ACKNOWLEDGED', undefined, lineEnd))
}

/** A new object. */
export function newTask(patch: TaskPatch & { readonly uid: string }, context: TaskContext): Uint8Array {
  const lineEnd = '\r\n'
  const now = printUtc(context.now)
  const todo = readComponent(['BEGIN:VTODO', `UID:${patch.uid}`, `DTSTAMP:${now}`, `CREATED:${now}`, 'END:VTODO'], lineEnd)
  const calendar = writeComponent('VCALENDAR', [
    ...[['VERSION', '2.0'], ['PRODID', '-//Postern//Postern//EN']].map(([label, value]) => writeLine({ label: label!, value: value! }, lineEnd)),
    todo,
  ], lineEnd)
  let document = writeDocument(calendar)
  const patched = applied(todo, undefined, patch, context, (zone, at) => {
    document = withZone(document, calendar, zone, at)
    return { form: 'zoned', tzid: writeParameter('TZID', zone.name) }
  }, lineEnd)
  const status = lineOf(patched, 'STATUS') ? patched : setProperty(patched, 'STATUS', { value: 'NEEDS-ACTION' }, lineEnd)
  return printLines(replace(document, todo, status))
}

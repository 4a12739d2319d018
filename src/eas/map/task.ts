import { randomUUID } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import { expand } from '../../formats/recurrence.ts'
import { readRule } from '../../formats/recurrence-rule.ts'
import { untilOf } from '../../formats/series.ts'
import { newTask, patchTask, readTask, type TaskContext as WriteContext } from '../../formats/task.ts'
import { instantOf, localOf } from '../../formats/timezone.ts'
import { printDate, printLocal } from '../../formats/vtimezone-write.ts'
import type { RuleParts } from '../../model/event.ts'
import type { Importance, Task, TaskPatch, TaskTime } from '../../model/task.ts'
import type { Time, Zone } from '../../model/zone.ts'
import { child, children, el, text, type Content, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import type { CalendarContext } from './calendar-say.ts'
import { hearTime as hearNumerals } from './calendar-times.ts'
import { sensitivities } from './calendar-values.ts'
import { hearRecurrence } from './recurrence-hear.ts'
import { recurrenceNodes } from './recurrence-say.ts'
import { recurrenceOf, ruleOf } from './recurrence.ts'
import { echoedRich, hearRich, sayRich } from './text-body.ts'

/** What the mapping must know beside the task. */
export type TaskContext = Pick<CalendarContext, 'version' | 'bodies' | 'zone' | 'zones' | 'now' | 'supported'>

const day = 86_400_000
/** Octets of a text; [MS-ASTASK] Category. */
const most = { text: 32 * 1024, categories: 300 }
const shown = (value: string): string => cutUtf8(cleanText(value).replace(/\s+/g, ' ').trim(), most.text)
const importances: readonly Importance[] = ['low', 'normal', 'high']

/** [MS-ASDTYPE] dateTime. */
const print = (at: number): string => new Date(at).toISOString()

/** What its clocks show, and the instant; of a date, its midnight by the clocks of the user. */
const numerals = (time: Time): number => time.local
const instant = (time: Time, zone: Zone): number => time.form === 'date' ? instantOf(time.local, zone) : time.at
/** The clocks of the user show it: a client that shows "local" means those. */
const shownAs = (time: Time, zone: Zone): number => time.form === 'date' || time.form === 'floating' ? numerals(time) : localOf(time.at, zone)

type Row = { readonly tag: Tag; readonly since?: Version; readonly say: (task: Task, context: TaskContext) => Content | undefined }

/** [MS-ASTASK] Task class elements. What says nothing is left out. */
const rows: readonly Row[] = [
  { tag: 'Tasks:Subject', say: task => shown(task.summary) },
  { tag: 'Tasks:Importance', say: task => String(importances.indexOf(task.importance)) },
  { tag: 'Tasks:UtcStartDate', say: (task, { zone }) => task.start && print(instant(task.start, zone)) },
  { tag: 'Tasks:StartDate', say: (task, { zone }) => task.start && print(shownAs(task.start, zone)) },
  { tag: 'Tasks:UtcDueDate', say: (task, { zone }) => task.due && print(instant(task.due, zone)) },
  { tag: 'Tasks:DueDate', say: (task, { zone }) => task.due && print(shownAs(task.due, zone)) },
  { tag: 'Tasks:Categories', say: task => task.categories.slice(0, most.categories).map(one => el('Tasks:Category', shown(one))) },
  { tag: 'Tasks:Recurrence', say: recurrence },
  { tag: 'Tasks:Complete', say: task => task.completed ? '1' : '0' },
  { tag: 'Tasks:DateCompleted', say: (task, { now }) => task.completed && print(task.completed.at ?? task.stamp ?? now.getTime()) },
  { tag: 'Tasks:Sensitivity', say: task => String(sensitivities.indexOf(task.sensitivity)) },
  { tag: 'Tasks:ReminderTime', say: task => task.reminder === undefined ? undefined : print(task.reminder) },
  { tag: 'Tasks:ReminderSet', say: task => task.reminder === undefined ? '0' : '1' },
  { tag: 'Tasks:OrdinalDate', since: '12.0', say: task => task.ordinal.at === undefined ? undefined : print(task.ordinal.at) },
  { tag: 'Tasks:SubOrdinalDate', since: '12.0', say: task => task.ordinal.sub },
]

/** [MS-ASTASK] Task class elements of a stored task. Throws `malformed` for what cannot be understood. */
export function say(stored: Uint8Array, context: TaskContext): readonly Node[] {
  const task = readTask(stored, context)
  const { version } = context
  const said = rows.filter(row => !row.since || since(version, row.since)).flatMap(({ tag, say }) => {
    const content = say(task, context)
    return content === undefined || content === '' || (Array.isArray(content) && content.length === 0) ? [] : [el(tag, content)]
  })
  return task.body.plain === '' ? said : [...said, ...sayRich(task.body, context.bodies, version, 'Tasks')]
}

const anchorOf = ({ start, due }: Task): Time | undefined => start ?? due

/** [MS-ASTASK] Start (Recurrence): real UTC up to 14.1, from 16.0 on what clocks show. That is what Exchange reads. */
function recurrence(task: Task, { version, zone }: TaskContext): readonly Node[] | undefined {
  const anchor = anchorOf(task)
  const found = task.rule && anchor && !task.ruled ? recurrenceOf(task.rule, anchor.local) : undefined
  if (!found) return undefined
  const until = untilOf(parseDateTime(task.rule!['UNTIL'] ?? ''), anchor!)
  const nodes = recurrenceNodes(found, until === undefined ? undefined : print(until), { page: 'Tasks', later: 'Tasks' }, version,
    print(since(version, '16.0') ? shownAs(anchor!, zone) : instant(anchor!, zone)))
  return task.regenerates ? [...nodes, el('Tasks:Regenerate', '1')] : nodes
}

/** [MS-ASCMD] FilterType 8: whether a task is to be done. */
export const isOpen = (stored: Uint8Array, context: TaskContext): boolean => readTask(stored, context).completed === undefined

const writing = ({ zone, zones, now }: TaskContext): WriteContext => ({ zone, zones, now: now.getTime() })

/**
 * The stored object with what the client says in it, a new one where there is none. A series of which one is done goes on with its next;
 * `finished` is that one. Throws `malformed`.
 */
export function hear(stored: Uint8Array | undefined, data: Element, context: TaskContext): Uint8Array {
  const before = stored && readTask(stored, context)
  const patch = hearTask(data, stored, before, context)
  if (!stored) return newTask({ ...patch, uid: randomUUID() }, writing(context))
  const next = before && isFinishing(data, before) ? nextOf(before, context) : undefined
  return patchTask(stored, next ? { ...patch, ...next, completed: undefined } : patch, writing(context))
}

/** What is to be stored beside a series that went on: the one that was done. Undefined where there is no such thing. */
export function finished(stored: Uint8Array, data: Element, context: TaskContext): Uint8Array | undefined {
  const before = readTask(stored, context)
  if (!isFinishing(data, before) || !nextOf(before, context)) return undefined
  const { rule: _, ...patch } = hearTask(data, stored, before, context)
  const { summary, body, categories, sensitivity, importance, start, due } = before
  const kept = (time: Time | undefined): TaskTime | undefined => time && (time.form === 'date' ? { date: time.local } : { at: time.at })
  const done = { summary, body, categories, sensitivity, importance, start: kept(start), due: kept(due), ...defined(patch) }
  return newTask({ ...done, uid: randomUUID(), completed: completedAt(data, context) }, writing(context))
}

const defined = (patch: TaskPatch): TaskPatch => Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))

const isTrue = (value: string | undefined): boolean => ['1', 'true'].includes(value?.trim().toLowerCase() ?? '')
const completedAt = (data: Element, { now }: TaskContext): number =>
  hearDate(text(data, 'Tasks:DateCompleted'), 'DateCompleted') ?? now.getTime()

/** One of a series is done, and the client leaves the rest to the server: without DeadOccur. */
const isFinishing = (data: Element, before: Task): boolean =>
  before.rule !== undefined && !before.completed && isTrue(text(data, 'Tasks:Complete')) && !isDead(data)

/** [MS-ASTASK] DeadOccur: an occurrence that was done; the series is another item. */
const isDead = (data: Element): boolean => {
  const element = child(data, 'Tasks:Recurrence')
  return element !== undefined && !/^0*$/.test(text(element, 'Tasks:DeadOccur')?.trim() ?? '')
}

/** Dates of the next occurrence; undefined behind the last, or where nobody can say. */
function nextOf(task: Task, { zone, now }: TaskContext): Pick<TaskPatch, 'start' | 'due' | 'rule' | 'reminder'> | undefined {
  const anchor = anchorOf(task)
  const rule = task.rule && readRule(task.rule)
  if (!rule || !anchor || task.ruled || rule.count === 1) return undefined
  // Of a task that regenerates, the time begins anew when it is done.
  const from = task.regenerates ? Math.floor(localOf(now.getTime(), zone) / day) * day + anchor.local % day : anchor.local
  let local: number | undefined
  for (const one of expand(rule, from, from, from + 40 * 366 * day, { left: 50_000 })) {
    if (one > from) {
      local = one
      break
    }
  }
  const until = untilOf(rule.until, anchor)
  if (local === undefined || (until !== undefined && instantOf(local, anchor.zone) > until)) return undefined
  const by = local - anchor.local
  const moved = (time: Time | undefined): TaskTime | undefined =>
    time && (time.form === 'date' ? { date: time.local + by } : { at: instantOf(time.local + by, time.zone) })
  return {
    start: moved(task.start), due: moved(task.due),
    rule: rule.count === undefined ? undefined : { ...task.rule, COUNT: String(rule.count - 1) },
    reminder: task.reminder === undefined ? undefined : task.reminder + by,
  }
}

function hearTask(data: Element, stored: Uint8Array | undefined, before: Task | undefined, context: TaskContext): TaskPatch {
  const told = stored ? say(stored, context) : []
  const said = (tag: Tag): string | undefined => text(data, tag)?.trim()
  const isTold = (tag: Tag): boolean => said(tag) === (told.find(one => one.tag === tag)?.children ?? '')
  const subject = said('Tasks:Subject'), sensitivity = said('Tasks:Sensitivity'), importance = said('Tasks:Importance')
  const heard: TaskPatch = {
    summary: subject === undefined || isTold('Tasks:Subject') ? undefined : shown(subject),
    body: hearBody(data, before, context),
    categories: hearCategories(data, before),
    sensitivity: !sensitivity || isTold('Tasks:Sensitivity') ? undefined : valid(sensitivities[Number(sensitivity)], 'Sensitivity'),
    // [MS-ASTASK] Importance: what is none is no error
    importance: !importance || isTold('Tasks:Importance') ? undefined : importances[Math.min(2, Number(importance))],
    start: hearTime(data, 'Tasks:UtcStartDate', 'Tasks:StartDate', isTold, before?.start, context),
    due: hearTime(data, 'Tasks:UtcDueDate', 'Tasks:DueDate', isTold, before?.due, context),
    completed: hearComplete(data, before, context),
    reminder: hearReminder(data, before),
    ...hearSeries(data, before, told, context),
    ordinal: hearOrdinal(said('Tasks:OrdinalDate'), said('Tasks:SubOrdinalDate'), isTold),
  }
  // RFC 5545, Date-Time Due: a date and a time of day do not go together
  const { start, due } = heard
  const mixed = start && due && 'date' in start !== 'date' in due
  const timed = (time: TaskTime): TaskTime => 'date' in time ? { at: instantOf(time.date, context.zone) } : time
  return mixed ? { ...heard, start: timed(start), due: timed(due) } : heard
}

function valid<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Failure('malformed', `${what} is out of range`)
  return value
}

function hearDate(value: string | undefined, what: string): number | undefined {
  return value === undefined || value.trim() === '' ? undefined : hearNumerals(value, what)
}

function hearBody(data: Element, before: Task | undefined, { version, bodies }: TaskContext): TaskPatch['body'] {
  const said = hearRich(data, version, 'Tasks')
  const old = before?.body ?? { plain: '', html: undefined }
  const isLike = (other: string): boolean => said!.plain.replace(/\s+/g, ' ').trim() === other.replace(/\s+/g, ' ').trim()
  return !said || isLike(old.plain) || isLike(echoedRich(old, bodies, version)) ? undefined : said
}

function hearCategories(data: Element, before: Task | undefined): readonly string[] | undefined {
  const list = child(data, 'Tasks:Categories')
  if (!list) return undefined
  const names = children(list, 'Tasks:Category').map(one => shown(one.text)).filter(Boolean)
  if (names.length > most.categories) throw new Failure('malformed', `more than ${most.categories} categories`)
  return names.join('\n') === (before?.categories ?? []).map(shown).join('\n') ? undefined : names
}

/**
 * A time is told twice: in UTC, and as clocks show it. Midnight by the clock is a date alone, as that is what clients mean who have no
 * hours in tasks; an hour is the instant of UTC.
 */
function hearTime(
  data: Element, utc: Tag, local: Tag, isTold: (tag: Tag) => boolean, old: Time | undefined, { zone }: TaskContext,
): TaskPatch['start'] {
  const both = [utc, local].filter(tag => child(data, tag))
  if (both.every(isTold)) return undefined
  const at = hearDate(text(data, utc), utc), clock = hearDate(text(data, local), local)
  if (at === undefined && clock === undefined) return old ? null : undefined
  const shownClock = clock ?? localOf(at!, zone)
  const midnight = shownClock % day === 0
  if (midnight && (!old || old.form === 'date')) return { date: shownClock }
  return { at: at ?? instantOf(clock!, zone) }
}

function hearComplete(data: Element, before: Task | undefined, context: TaskContext): number | null | undefined {
  const said = text(data, 'Tasks:Complete')?.trim()
  if (!said) return undefined
  if (said !== '0' && said !== '1') throw new Failure('malformed', 'Complete is out of range')
  if (said === '0') return before?.completed ? null : undefined
  return before?.completed ? undefined : completedAt(data, context)
}

function hearReminder(data: Element, before: Task | undefined): number | null | undefined {
  const set = text(data, 'Tasks:ReminderSet')?.trim(), at = hearDate(text(data, 'Tasks:ReminderTime'), 'ReminderTime')
  if (set !== undefined && set !== '' && set !== '0' && set !== '1') throw new Failure('malformed', 'ReminderSet is out of range')
  if (set === '0') return before?.reminder === undefined ? undefined : null
  return at === undefined || at === before?.reminder ? undefined : at
}

const hearOrdinal = (date: string | undefined, sub: string | undefined, isTold: (tag: Tag) => boolean): TaskPatch['ordinal'] => {
  const at = isTold('Tasks:OrdinalDate') ? undefined : hearDate(date, 'OrdinalDate')
  const text_ = isTold('Tasks:SubOrdinalDate') ? undefined : sub
  return at === undefined && text_ === undefined ? undefined : { at, sub: text_ }
}

/** Throws `malformed` for a recurrence without Start, which counts as the date of a task that has none. */
function hearSeries(
  data: Element, before: Task | undefined, told: readonly Node[], context: TaskContext,
): Pick<TaskPatch, 'rule' | 'regenerates' | 'start'> {
  const element = child(data, 'Tasks:Recurrence')
  if (!element) return {}
  if (element.children.length === 0) return before?.rule ? { rule: null } : {}
  if (isDead(data)) return before?.rule ? { rule: null } : {}
  const { version, zone } = context
  const { until, ...heard } = hearRecurrence(element, 'Tasks')
  const start = valid(hearDate(text(element, 'Tasks:Start'), 'Start'), 'Start')
  const regenerates = isTrue(text(element, 'Tasks:Regenerate'))
  const known = told.find(({ tag }) => tag === 'Tasks:Recurrence')
  const rule: RuleParts = ruleOf(heard, until && printUntil(until.local, before, data))
  const same = known && isSameRecurrence(known, element)
  const begun = before?.start !== undefined || child(data, 'Tasks:UtcStartDate') || child(data, 'Tasks:StartDate')
  const clock = since(version, '16.0') ? start : localOf(start, zone)
  // RFC 5545, Recurrence Rule: it wants a DTSTART
  const anchor = !same && !begun ? { start: clock % day === 0 ? { date: clock } : { at: instantOf(clock, zone) } } : {}
  return { ...anchor, ...(same ? {} : { rule }), regenerates: regenerates === (before?.regenerates ?? false) ? undefined : regenerates }
}

/** RFC 5545, UNTIL, in the form of the dates of the task. */
function printUntil(until: number, before: Task | undefined, data: Element): string {
  const anchor = before && anchorOf(before)
  const midnight = (hearDate(text(data, 'Tasks:StartDate') ?? text(data, 'Tasks:DueDate'), 'StartDate') ?? 0) % day === 0
  return anchor?.form === 'date' || (!anchor && midnight) ? printDate(until) : `${printLocal(until)}Z`
}

/** Start moves with the dates of a task: it is no change of the rule. */
function isSameRecurrence(known: Node, element: Element): boolean {
  const elements = (known.children as readonly Node[]).map(({ tag, children }): Element => ({ tag, text: String(children), children: [] }))
  const { until: one, ...first } = hearRecurrence({ tag: 'Tasks:Recurrence', text: '', children: elements }, 'Tasks')
  const { until: other, ...second } = hearRecurrence(element, 'Tasks')
  const same = JSON.stringify({ firstDayOfWeek: 1, ...first }) === JSON.stringify({ firstDayOfWeek: first.firstDayOfWeek ?? 1, ...second })
  return same && one?.local === other?.local
}

/** What a folder of tasks holds. */
export const taskClass = { say, hear, ending: '.ics' } as const

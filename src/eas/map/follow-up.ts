import { Failure } from '../../base/failure.ts'
import { el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { categoryOf, keywordOf, longest } from './category.ts'

// [MS-ASEMAIL] Flag: \Flagged is all of it that IMAP knows (trap 16). Completed is a keyword, and so is each date:
//   $Postern-due-2026-11-24T00:00+01:00     local time with its distance to UTC, by the minute
//   $Postern-remind-2026-11-24T07:30Z

type Slot = 'type' | 'start' | 'due' | 'done' | 'remind'

/** What a client says of a follow-up flag. Slots that are absent stay as they are, `null` empties them; keywords fill them. */
export type FollowUpWish = {
  readonly status: 'none' | 'active' | 'complete' | undefined
  readonly slots: Readonly<Partial<Record<Slot, string | null>>>
}

const completed = '$Completed'
const usualType = 'Flag for follow up'
const prefix = '$Postern-'
const all = { type: null, start: null, due: null, done: null, remind: null } as const

/** [MS-ASEMAIL] Updating E-Mail Flags. Throws `malformed` where an element it needs is missing or does not fit the others. */
export function hearFollowUp(flag: Element): FollowUpWish {
  const status = statuses[text(flag, 'Email:Status') ?? (flag.children.length ? '' : '0')]
  if (status === undefined) throw new Failure('malformed', 'Status of a flag')
  if (status === 'none') return { status, slots: all }
  const start = span(flag, 'start', 'Tasks:StartDate', 'Tasks:UtcStartDate')
  const due = span(flag, 'due', 'Tasks:DueDate', 'Tasks:UtcDueDate')
  if (status === 'active') together(flag)
  if (start && due && (start.local > due.local || start.utc > due.utc)) throw new Failure('malformed', 'a start after its end')
  const done = span(flag, 'done', 'Tasks:DateCompleted', 'Email:CompleteTime')
  const said = { ...type(flag), ...slot('start', start), ...slot('due', due), ...slot('done', done), ...reminder(flag) }
  // A flag that is set is told in full, one that is edited or completed as far as it changes.
  return { status: status || undefined, slots: status === 'active' ? { ...all, ...said } : said }
}

const statuses: Readonly<Record<string, FollowUpWish['status'] | ''>> = { 0: 'none', 1: 'complete', 2: 'active', '': '' }

function together(flag: Element): void {
  const dates: Tag[] = ['Tasks:StartDate', 'Tasks:UtcStartDate', 'Tasks:DueDate', 'Tasks:UtcDueDate']
  const given = dates.filter(tag => text(flag, tag)).length
  if (given !== 0 && given !== dates.length) throw new Failure('malformed', 'some of the four dates')
}

type Span = { readonly keyword: string; readonly local: number; readonly utc: number }
const slot = (name: Slot, value: Span | undefined) => value ? { [name]: value.keyword } : {}

/** A time in the client's own numerals and in UTC; where one is missing, the other is both. */
function span(flag: Element, name: Slot, localTag: Tag, utcTag: Tag): Span | undefined {
  const said = text(flag, localTag), meant = text(flag, utcTag)
  if (!said && !meant) return undefined
  const local = readTime(said || meant!), utc = readTime(meant || said!)
  const offset = Math.round((local - utc) / 60_000)
  if (Math.abs(offset) > 24 * 60) throw new Failure('malformed', 'a local time more than a day away from UTC')
  const hours = Math.floor(Math.abs(offset) / 60), minutes = Math.abs(offset) % 60
  const zone = `${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
  return { keyword: `${prefix}${name}-${printMinute(local)}${zone}`, local, utc }
}

function reminder(flag: Element): Partial<Record<Slot, string | null>> {
  const set = text(flag, 'Tasks:ReminderSet')
  if (set === undefined) return {}
  if (set === '0') return { remind: null }
  const time = text(flag, 'Tasks:ReminderTime')
  if (set !== '1' || !time) throw new Failure('malformed', 'a reminder without its time')
  return { remind: `${prefix}remind-${printMinute(readTime(time))}Z` }
}

/** Its own words; those that every client uses need no keeping. */
function type(flag: Element): Partial<Record<Slot, string | null>> {
  const said = text(flag, 'Email:FlagType')?.trim()
  if (!said) return {}
  if (/^(flag )?for follow up$/i.test(said)) return { type: null }
  const keyword = `${prefix}type-${keywordOf(said) ?? ''}`
  return { type: keyword.endsWith('-type-') || keyword.length > longest ? null : keyword }
}

/** [MS-ASDTYPE] dateTime, in either form, as milliseconds. */
function readTime(value: string): number {
  const [, year, month, day, hour, minute] = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?\d\d(?:\.\d{1,3})?Z$/.exec(value) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`)
  if (Number.isNaN(time)) throw new Failure('malformed', 'a time that is none')
  return time
}

const printMinute = (time: number): string => new Date(time).toISOString().slice(0, 16)
const printTime = (time: number): string => new Date(time).toISOString()

/** The keywords to add and to remove where a message has these flags. */
export function editFollowUp({ status, slots }: FollowUpWish, flags: ReadonlySet<string>): { add: string[]; remove: string[] } {
  const add: string[] = [], remove: string[] = []
  const put = (flag: string, on: boolean): void => void (on ? add : remove).push(flag)
  if (status) put('\\Flagged', status === 'active')
  if (status && (status === 'complete' || has(flags, completed))) put(completed, status === 'complete')
  for (const [name, keyword] of Object.entries(slots)) {
    const own = [...flags].filter(flag => flag.toLowerCase().startsWith(`${prefix}${name}-`.toLowerCase()))
    remove.push(...own.filter(flag => flag.toLowerCase() !== keyword?.toLowerCase()))
    if (keyword && !has(flags, keyword)) add.push(keyword)
  }
  return { add, remove }
}

const has = (flags: ReadonlySet<string>, flag: string): boolean =>
  flags.has(flag) || [...flags].some(one => one.toLowerCase() === flag.toLowerCase())

/** The children of Flag: none where there is none. `subject` where the whole item is told. */
export function followUpNodes(flags: ReadonlySet<string>, subject?: string): Node[] {
  const active = flags.has('\\Flagged')
  if (!active && !has(flags, completed)) return []
  const start = readSpan(flags, 'start'), due = readSpan(flags, 'due'), done = active ? undefined : readSpan(flags, 'done')
  const remind = /^(.{16})z$/.exec(value(flags, 'remind') ?? '')?.[1]
  const reminder = active && remind ? Date.parse(`${remind.toUpperCase()}Z`) : NaN
  return [
    ...(subject ? [el('Tasks:Subject', subject)] : []),
    el('Email:Status', active ? '2' : '1'),
    el('Email:FlagType', typeOf(flags)),
    ...(done ? [el('Tasks:DateCompleted', printTime(done.local)), el('Email:CompleteTime', printTime(done.utc))] : []),
    ...(start && due ? [
      el('Tasks:StartDate', printTime(start.local)), el('Tasks:DueDate', printTime(due.local)),
      el('Tasks:UtcStartDate', printTime(start.utc)), el('Tasks:UtcDueDate', printTime(due.utc)),
    ] : []),
    ...(Number.isNaN(reminder) ? [] : [el('Tasks:ReminderSet', '1'), el('Tasks:ReminderTime', printTime(reminder))]),
  ]
}

/** What a slot says, in lower case. Two clients may have filled it at once: the later time counts. */
function value(flags: ReadonlySet<string>, name: Slot): string | undefined {
  const start = `${prefix}${name}-`.toLowerCase()
  const found = [...flags].map(flag => flag.toLowerCase()).filter(flag => flag.startsWith(start)).sort().at(-1)
  return found?.slice(start.length)
}

function readSpan(flags: ReadonlySet<string>, name: Slot): { readonly local: number; readonly utc: number } | undefined {
  const [, minute, sign, hours, minutes] = /^(\d{4}-\d\d-\d\dt\d\d:\d\d)([+-])(\d\d):(\d\d)$/.exec(value(flags, name) ?? '') ?? []
  const local = minute ? Date.parse(`${minute.toUpperCase()}Z`) : NaN
  if (Number.isNaN(local)) return undefined
  return { local, utc: local - (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1) }
}

function typeOf(flags: ReadonlySet<string>): string {
  const start = `${prefix}type-`.toLowerCase()
  const keyword = [...flags].find(flag => flag.toLowerCase().startsWith(start))
  return (keyword && categoryOf(keyword.slice(start.length))) ?? usualType
}

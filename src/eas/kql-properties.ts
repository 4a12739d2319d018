import type { MailQuery, QueryField } from '../model/query.ts'

/** What may stand before the colon, and the fields it means. */
const fields: Readonly<Record<string, readonly QueryField[]>> = {
  from: ['from'], author: ['from'], sender: ['from'], to: ['to'], cc: ['cc'], bcc: ['bcc'], subject: ['subject'], title: ['subject'],
  recipients: ['to', 'cc', 'bcc'], participants: ['from', 'to', 'cc', 'bcc'],
}

const flags: Readonly<Record<string, string>> = { isread: '\\Seen', read: '\\Seen', isflagged: '\\Flagged' }

/** [MS-KQL] Property Restrictions. Undefined for what is none: a word with a colon in it. */
export function restriction(name: string, operator: string, value: string, now: Date): MailQuery | undefined {
  if (value === '') return undefined
  if (dates.has(name)) return dated(operator, value, now)
  if (operator !== ':' && operator !== '=' && operator !== '<>') return undefined
  const query = equal(name, value)
  return query && operator === '<>' ? { kind: 'not', of: query } : query
}

function equal(name: string, value: string): MailQuery | undefined {
  if (Object.hasOwn(fields, name)) {
    const of = fields[name]!.map((field): MailQuery => ({ kind: 'field', field, text: value }))
    return of.length === 1 ? of[0]! : { kind: 'or', of }
  }
  if (name === 'body') return { kind: 'body', text: value }
  if (name === 'importance') return importance(value.toLowerCase())
  if (name === 'hasattachment' || name === 'hasattachments') return truth(value, { kind: 'attachment' })
  return Object.hasOwn(flags, name) ? truth(value, { kind: 'flag', flag: flags[name]! }) : undefined
}

function truth(value: string, query: MailQuery): MailQuery | undefined {
  if (/^(true|yes|1)$/i.test(value)) return query
  return /^(false|no|0)$/i.test(value) ? { kind: 'not', of: query } : undefined
}

const importanceOf = (text: string): MailQuery => ({ kind: 'field', field: 'importance', text })

function importance(value: string): MailQuery | undefined {
  if (value === 'high' || value === 'low') return importanceOf(value)
  if (value !== 'normal') return undefined
  return { kind: 'not', of: { kind: 'or', of: [importanceOf('high'), importanceOf('low')] } }
}

const dates: ReadonlySet<string> = new Set(['received', 'sent', 'date'])

/** From the first instant, before the second; milliseconds. */
type Span = readonly [number, number]

const since = (time: number): MailQuery => ({ kind: 'since', at: new Date(time) })
const before = (time: number): MailQuery => ({ kind: 'before', at: new Date(time) })

function dated(operator: string, value: string, now: Date): MailQuery | undefined {
  const [first, last = first] = value.split('..', 2).map(part => span(part.trim().toLowerCase(), now))
  if (!first || !last || value.split('..').length > 2) return undefined
  const [from, to] = [first[0], last[1]]
  switch (operator) {
    case '>': return since(to)
    case '>=': return since(from)
    case '<': return before(from)
    case '<=': return before(to)
    case '<>': return { kind: 'or', of: [before(from), since(to)] }
    default: return { kind: 'and', of: [since(from), before(to)] }
  }
}

const day = 86_400_000

function span(value: string, now: Date): Span | undefined {
  return named(value, now) ?? written(value)
}

/** [MS-KQL] Reserved keywords of dates; days are those of UTC, weeks begin on Mondays. */
function named(value: string, now: Date): Span | undefined {
  const [year, month, date] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const today = Date.UTC(year, month, date)
  const monday = today - (now.getUTCDay() + 6) % 7 * day
  switch (value) {
    case 'today': return [today, today + day]
    case 'yesterday': return [today - day, today]
    case 'this week': return [monday, monday + 7 * day]
    case 'last week': return [monday - 7 * day, monday]
    case 'this month': return [Date.UTC(year, month), Date.UTC(year, month + 1)]
    case 'last month': return [Date.UTC(year, month - 1), Date.UTC(year, month)]
    case 'this year': return [Date.UTC(year, 0), Date.UTC(year + 1, 0)]
    case 'last year': return [Date.UTC(year - 1, 0), Date.UTC(year, 0)]
    default: return undefined
  }
}

const iso = /^(\d{4})-(\d\d?)-(\d\d?)(?:t(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?z?)?$/
/** As Americans write it, and as Germans do. */
const american = /^(\d\d?)\/(\d\d?)\/(\d{4})$/, german = /^(\d\d?)\.(\d\d?)\.(\d{4})$/

/** A whole day, or an instant to the second. */
function written(value: string): Span | undefined {
  const [, y, m, d, hour, minute, second] = iso.exec(value) ?? []
  if (hour !== undefined) {
    const time = Date.UTC(Number(y), Number(m) - 1, Number(d), Number(hour), Number(minute), Number(second ?? 0))
    return [time, time + (second === undefined ? 60_000 : 1000)]
  }
  const slashes = american.exec(value), dots = german.exec(value)
  const [year, month, date] = y ? [y, m, d] : slashes ? [slashes[3], slashes[1], slashes[2]] : dots ? [dots[3], dots[2], dots[1]] : []
  const time = Date.UTC(Number(year), Number(month) - 1, Number(date))
  return Number.isNaN(time) ? undefined : [time, time + day]
}

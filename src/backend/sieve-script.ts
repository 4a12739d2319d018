import { Failure } from '../base/failure.ts'
import { encodeText } from '../formats/transfer-write.ts'
import { audiences, inOffice, type OutOfOffice, type Reply, type ReplyText } from '../model/out-of-office.ts'
import type { Filing } from '../model/ports.ts'

/** A filing with its mailbox as Sieve spells it: the whole path in Unicode. */
export type PathFiling = Filing & { readonly path: string }

/** All that Postern's own script is made from, and is read back from. */
export type Filtering = {
  readonly outOfOffice: OutOfOffice
  /** Oldest first. */
  readonly filings: readonly PathFiling[]
  /** The user's own script, which runs after what is Postern's. */
  readonly included: string | undefined
}

export const noFiltering: Filtering = { outOfOffice: inOffice, filings: [], included: undefined }

/** Whose mail it is. */
export type Recipient = {
  /** Mail to any of these is answered. */
  readonly addresses: readonly string[]
  /** Who writes from there is of the same organization. */
  readonly domains: readonly string[]
}

/** Sieve commands, and the extensions they need. */
type Code = { readonly lines: readonly string[]; readonly needs: readonly string[] }

const version = 'version 1'
const mark = '# postern '
const notice = '# Written by Postern, which reads its settings from the lines below and makes all else from them. Changes here get lost.'
/** Days until the same person gets the same answer again. */
const days = 7
const mostLines = 1000

/** Whether there is anything for the server to do. */
export const isBusy = (filtering: Filtering): boolean => filtering.filings.length > 0 || spoken(filtering.outOfOffice).length > 0

/** Whether people are answered, now or later. */
export const answers = ({ outOfOffice }: Filtering): boolean => spoken(outOfOffice).length > 0

/** The script (RFC 5228), its lines ended by CRLF. Throws `unsupported`, naming the extensions the server lacks. */
export function printScript(filtering: Filtering, recipient: Recipient, extensions: ReadonlySet<string>): string {
  const { outOfOffice, filings, included } = filtering
  const parts = [
    answerCode(outOfOffice, recipient),
    ...filings.map(filing => filingCode(filing, extensions.has('mailbox'))),
    ...(included === undefined ? [] : [{ lines: [`include :personal :optional ${quote(included)};`], needs: ['include'] }]),
  ]
  const needs = [...new Set(parts.flatMap(part => part.needs))]
  const lacking = needs.filter(need => !extensions.has(need))
  if (lacking.length > 0) throw new Failure('unsupported', `the mail server's Sieve does not have ${lacking.join(', ')}`)
  const kept = [
    version,
    `out-of-office ${JSON.stringify(outOfOffice)}`,
    ...filings.map(filing => `filing ${JSON.stringify(filing)}`),
    ...(included === undefined ? [] : [`include ${JSON.stringify(included)}`]),
  ]
  return [
    notice, ...kept.map(line => mark + line), '',
    ...(needs.length > 0 ? [`require ${quoteList(needs)};`] : []),
    ...parts.flatMap(part => part.lines), '',
  ].join('\r\n')
}

/** Reads what `printScript` wrote. Throws `conflict` for a script that is not Postern's, or not any more. */
export function parseScript(script: string): Filtering {
  let known = false
  let { outOfOffice, included } = noFiltering
  const filings: PathFiling[] = []
  // Nothing below the comments is read: an answer may have any lines.
  for (const line of script.split(/\r?\n/, mostLines)) {
    if (!line.startsWith('#')) break
    if (!line.startsWith(mark)) continue
    const [name, rest] = split(line.slice(mark.length))
    if (`${name} ${rest}` === version) known = true
    else if (name === 'out-of-office') outOfOffice = readOutOfOffice(parse(rest))
    else if (name === 'filing') filings.push(readFiling(parse(rest)))
    else if (name === 'include') included = string(parse(rest))
    else throw foreign()
  }
  if (!known) throw foreign()
  return { outOfOffice, filings, included }
}

const foreign = (): Failure => new Failure('conflict', 'the script with the name of Postern is not one that this Postern wrote')

function split(line: string): [string, string] {
  const space = line.indexOf(' ')
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
}

/** Replies that would be sent. Who is in the user's contacts no script can tell: all strangers get what is for unknown ones. */
function spoken({ on, replies }: OutOfOffice): readonly ['internal' | 'unknown', ReplyText][] {
  return (['internal', 'unknown'] as const).flatMap(audience => {
    const { enabled = false, message } = replies[audience] ?? {}
    return on && enabled && message && message.text.trim() !== '' ? [[audience, message]] : []
  })
}

/** RFC 5230 (vacation), within the time (RFC 5260, RFC 5231) and to the sender's domain as the envelope says it, where the answer goes. */
function answerCode(outOfOffice: OutOfOffice, { addresses, domains }: Recipient): Code {
  const said = spoken(outOfOffice)
  if (said.length === 0) return { lines: [], needs: [] }
  const { period } = outOfOffice
  const time = (relation: string, date: Date): string =>
    `currentdate :zone "+0000" :value "${relation}" "iso8601" "${date.toISOString().slice(0, 19)}"`
  const everybody = said.length === 2 && said[0]![1].type === said[1]![1].type && said[0]![1].text === said[1]![1].text
  const within = domains.length > 0 ? `envelope :domain :is "from" ${quoteList(domains)}` : 'false'
  const command = (message: ReplyText): string => `  vacation :days ${days}${addresses.length > 0 ? ` :addresses ${quoteList(addresses)}` : ''} ${reason(message)};`
  const rule = (tests: readonly string[], message: ReplyText): string[] => {
    // Who sends junk need not know who is away.
    const all = ['not header :is "x-spam-flag" "YES"', ...(period ? [time('ge', period.start), time('lt', period.end)] : []), ...tests]
    return [`if allof (${all.join(',\r\n  ')}) {`, command(message), '}']
  }
  return {
    lines: everybody
      ? rule([], said[0]![1])
      : said.flatMap(([audience, message]) => rule([audience === 'internal' ? within : `not ${within}`], message)),
    needs: ['vacation', ...(period ? ['date', 'relational'] : []), ...(everybody ? [] : ['envelope'])],
  }
}

/** An answer that is HTML, or has lines no mail may have, is a MIME entity of its own. */
function reason({ type, text }: ReplyText): string {
  const lines = text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n').replaceAll('\0', '')
  if (type === 'text' && !/[^\r\n]{300}/.test(lines)) return quote(lines)
  const { encoding, octets } = encodeText(lines)
  return `:mime ${quote([
    `Content-Type: text/${type === 'html' ? 'html' : 'plain'}; charset=utf-8`, `Content-Transfer-Encoding: ${encoding}`, '',
    Buffer.from(octets).toString('latin1'),
  ].join('\r\n'))}`
}

/** Mail of the conversation goes there and nowhere else; what runs after it would file it a second time. */
function filingCode({ path, messages }: PathFiling, mailbox: boolean): Code {
  const tests = [
    ...(mailbox ? [`mailboxexists ${quote(path)}`] : []),
    `header :contains ["references", "in-reply-to"] ${quoteList(messages.map(id => `<${id}>`))}`,
  ]
  return {
    lines: [`if allof (${tests.join(',\r\n  ')}) {`, `  fileinto ${quote(path)};`, '  stop;', '}'],
    needs: ['fileinto', ...(mailbox ? ['mailbox'] : [])],
  }
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
const quoteList = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw foreign()
  }
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw foreign()
  return value
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw foreign()
  return value as Record<string, unknown>
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw foreign()
  return value
}

function readOutOfOffice(value: unknown): OutOfOffice {
  const { on, period, replies } = object(value)
  const told = object(replies)
  return {
    on: on === true,
    ...(on === true && period !== undefined ? { period: readPeriod(object(period)) } : {}),
    replies: Object.fromEntries(audiences.flatMap(one => told[one] === undefined ? [] : [[one, readReply(object(told[one]))]])),
  }
}

function readPeriod({ start, end }: Readonly<Record<string, unknown>>): { start: Date; end: Date } {
  const period = { start: new Date(string(start)), end: new Date(string(end)) }
  if (Number.isNaN(period.start.getTime()) || Number.isNaN(period.end.getTime())) throw foreign()
  return period
}

function readReply({ enabled, message }: Readonly<Record<string, unknown>>): Reply {
  if (message === undefined) return { enabled: enabled === true }
  const { type, text } = object(message)
  return { enabled: enabled === true, message: { type: type === 'html' ? 'html' : 'text', text: string(text) } }
}

function readFiling(value: unknown): PathFiling {
  const { conversation, messages, folder, path } = object(value)
  return {
    conversation: string(conversation), messages: list(messages).map(string), folder: string(folder) as Filing['folder'], path: string(path),
  }
}

import { Failure, stale } from '../base/failure.ts'
import type { Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import { listedFields, type Message } from '../model/message.ts'
import type { ImapCapabilities } from './imap-capabilities.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import { bignumber, list, number, octets, pairs, text, type Response, type Value } from './imap-response.ts'
import { gone, type Batch, type Command, type ImapSession } from './imap-session.ts'
import type { MailboxState } from './imap-state.ts'
import { readStructure } from './imap-structure.ts'
import { normalise, ofUids, print } from './uid-ranges.ts'

export type { MailboxState } from './imap-state.ts'

export type FlagRow = {
  readonly uid: number
  readonly flags: ReadonlySet<string>
  readonly modseq: bigint
  /** Of INTERNALDATE as the server prints it, in days since 1970-01-01: SEARCH SINCE disregards time and zone. */
  readonly day: number
}

export type Query =
  /** Without CONDSTORE every message's flags, without QRESYNC nothing vanished. */
  | { readonly kind: 'vanished+flags'; readonly uids: string; readonly modseq: bigint; readonly keep?: Keep }
  /** Days since 1970-01-01; `changed`: with a higher MODSEQ. */
  | { readonly kind: 'search'; readonly uids: string; readonly since?: number; readonly before?: number; readonly changed?: bigint }
  | { readonly kind: 'messages'; readonly uids: string }

/** Of what changed only rows of these UIDs and not before this day are answered, and of the lowest UIDs alone: of the others which they are. */
export type Keep = { readonly uids: string; readonly since: number; readonly most: number }

/** One for each query, of its kind. Ranges as the server told them, not normalised; never expanded. */
export type Answer =
  | { readonly kind: 'vanished+flags'; readonly vanished: readonly Range[]; readonly flags: readonly FlagRow[]; readonly changed: readonly Range[] }
  | { readonly kind: 'search'; readonly uids: readonly Range[] }
  | { readonly kind: 'messages'; readonly messages: readonly Message[] }

export type ImapMailbox = {
  readonly capabilities: ImapCapabilities
  /**
   * One round trip: SELECT where needed, then all queries. `state` is of before the first query was read, never later: what changes in
   * between may be told twice, and is never missed. Throws `stale` for another UIDVALIDITY than the one given.
   */
  ask(folder: FolderId, validity: number | undefined, queries: readonly Query[]): Promise<{ state: MailboxState; selectedFresh: boolean; answers: Answer[] }>
  /** More questions about what was just asked: the mailbox may be as it was then. Throws as `ask` does. */
  more(folder: FolderId, validity: number, queries: readonly Query[]): Promise<Answer[]>
  /** Throws `not-found`, and `stale` for another UIDVALIDITY than the one given. */
  stateOf(folder: FolderId, validity?: number): Promise<MailboxState>
  /**
   * One round trip for all; undefined for a folder that is not there or does not tell. By names that are remembered: where another mailbox
   * has the name by now, its UIDVALIDITY tells.
   */
  status(folders: readonly FolderId[]): Promise<Map<FolderId, MailboxState | undefined>>
  messages(folder: FolderId, validity: number, uids: readonly number[]): Promise<readonly Message[]>
  /** As it was told last, else 0. */
  uidNextOf(folder: FolderId): number
}

/** Outbox has no mailbox: it is always there and always empty. */
const emptyState: MailboxState = { validity: 1, uidNext: 1, highestModseq: 1n, messages: 0 }

export function imapMailbox(session: ImapSession, folders: ImapFolders): ImapMailbox {
  const stateOf = async (id: FolderId, validity?: number): Promise<MailboxState> => id === outbox.id ? emptyState : folders.at(id, async path => {
    const state = await session.state(path)
    if (!state) throw new Failure('not-found', 'the folder is gone')
    return as(validity, state)
  }, validity !== undefined)

  const asking = (queries: readonly Query[]) => (): Batch<Answer[]> => together(queries.map(query => prepare(query, session.capabilities)))

  return {
    get capabilities() { return session.capabilities },

    async ask(folder, validity, queries) {
      if (folder === outbox.id) return { state: emptyState, selectedFresh: false, answers: queries.map(noAnswer) }
      return folders.at(folder, async path => {
        const { state, fresh, result } = await session.read(path, asking(queries))
        as(validity, state)
        return { state, selectedFresh: fresh, answers: result }
      }, validity !== undefined)
    },

    async more(folder, validity, queries) {
      return (await folders.at(folder, path => session.peek(path, validity, asking(queries)), true)).result
    },

    stateOf,
    uidNextOf: folder => folders.told(folder)?.uidNext ?? 0,

    async status(ids) {
      const paths = await Promise.all(ids.map(async id => id === outbox.id ? undefined : folders.path(id, true).catch(ifGone)))
      const known = paths.filter(path => path !== undefined)
      const states = new Map((await session.status(known)).map((state, index) => [known[index]!, state]))
      return new Map(await Promise.all(ids.map(async (id, index) => {
        const path = paths[index]
        const state = id === outbox.id ? emptyState : path === undefined ? undefined : states.get(path) ?? await stateOf(id).catch(ifGone)
        return [id, state] as const
      })))
    },

    async messages(folder, validity, uids) {
      if (uids.length === 0) return []
      if (folder === outbox.id) return []
      const ask = (wanted: readonly number[], fresh = false): Promise<{ fresh: boolean; result: readonly Message[] }> =>
        folders.at(folder, path => session.peek(path, validity, () => messagesBatch(print(ofUids(wanted)), session.capabilities), fresh), true)
      const first = await ask(uids)
      if (first.fresh || first.result.length === uids.length) return first.result
      // The session may not have heard of these messages yet.
      const there = new Set(first.result.map(({ uid }) => uid))
      const again = await ask(uids.filter(uid => !there.has(uid)), true)
      return [...first.result, ...again.result]
    },
  }
}

function as(validity: number | undefined, state: MailboxState): MailboxState {
  if (validity !== undefined && state.validity !== validity) throw stale('uidvalidity', 'UIDVALIDITY changed')
  return state
}

function ifGone(error: unknown): undefined {
  if (!(error instanceof Failure) || error.kind !== 'not-found') throw error
}

const noAnswer = ({ kind }: Query): Answer =>
  kind === 'search' ? { kind, uids: [] } : kind === 'messages' ? { kind, messages: [] } : { kind, vanished: [], flags: [], changed: [] }

/** Several batches as one: a list of their results. */
export function together<T>(batches: readonly Batch<T>[]): Batch<T[]> {
  return {
    commands: batches.flatMap(batch => batch.commands),
    result: answers => {
      let at = 0
      return batches.map(batch => batch.result(answers.slice(at, at += batch.commands.length)))
    },
  }
}

function prepare(query: Query, capabilities: ImapCapabilities): Batch<Answer> {
  if (query.kind === 'search') return search(query, capabilities)
  if (query.kind === 'vanished+flags') return changes(query, capabilities)
  const { commands, result } = messagesBatch(query.uids, capabilities)
  return { commands, result: answers => ({ kind: 'messages', messages: result(answers) }) }
}

// Dovecot takes 64 KiB in a line; RFC 7162 asks for no more than 8,192 octets.
const maxSet = 7_000

/** A sequence set cut into sets that fit into a command line. */
export function setsOf(uids: string): string[] {
  const sets: string[] = []
  for (let rest = uids; rest !== '';) {
    const cut = rest.length <= maxSet ? rest.length : rest.lastIndexOf(',', maxSet)
    sets.push(rest.slice(0, cut))
    rest = rest.slice(cut + 1)
  }
  return sets
}

// RFC 9051, SEARCH; RFC 4731 for RETURN
function search({ uids, since, before, changed }: Query & { kind: 'search' }, { esearch }: ImapCapabilities): Batch<Answer> {
  const found: Range[] = []
  const keys = [since && ` SINCE ${printDay(since)}`, before && ` BEFORE ${printDay(before)}`, changed !== undefined && ` MODSEQ ${changed + 1n}`]
  const more = keys.filter(Boolean).join('')
  return {
    commands: setsOf(uids).map(set => searchCommand(`UID ${set}${more}`, esearch, found)),
    result: () => ({ kind: 'search', uids: found }),
  }
}

export function searchCommand(keys: string, esearch: boolean, found: Range[]): Command {
  let answered = false
  return {
    line: `UID SEARCH ${esearch ? 'RETURN (ALL) ' : ''}${keys}`,
    on: ({ name, values }, tag) => {
      if (name === 'ESEARCH' && text(list(values[0])[1]) === tag) {
        const at = values.findIndex(value => typeof value === 'string' && value.toUpperCase() === 'ALL')
        if (at >= 0) addAll(found, readSet(text(values[at + 1])))
      }
      // RFC 3501's SEARCH does not say whose it is: the first that has no answer yet.
      if (name !== 'SEARCH' || esearch || answered) return false
      answered = true
      for (const value of values) append(found, number(value))
      return true
    },
  }
}

/** Neighbours in a long list of UIDs cost one range. */
function append(found: Range[], uid: number): void {
  const last = found.at(-1)
  if (uid <= 0) return
  if (last && last.to + 1 === uid) found[found.length - 1] = { from: last.from, to: uid }
  else found.push({ from: uid, to: uid })
}

const maxUid = 0xffffffff

const COMMA = 0x2c, COLON = 0x3a, STAR = 0x2a, ZERO = 0x30, longestNumber = 10

/**
 * RFC 9051, sequence-set, as ranges in their own order. Throws `unavailable` for one without reason or end. Digit by digit: of a mailbox
 * of half a million messages a set may have as many parts, and nobody else is served meanwhile.
 */
export function readSet(set: string): Range[] {
  const ranges: Range[] = []
  if (set === '') return ranges
  let first: number | undefined, value = 0, digits = 0
  for (let at = 0; at <= set.length; at++) {
    const c = at < set.length ? set.charCodeAt(at) : COMMA
    if (c >= ZERO && c < ZERO + 10 && digits < longestNumber) {
      value = value * 10 + c - ZERO
      digits++
      continue
    }
    if (c === STAR && digits === 0) {
      value = maxUid
      digits = longestNumber
      continue
    }
    if (digits === 0 || (c !== COMMA && (c !== COLON || first !== undefined))) throw new Failure('unavailable', 'a sequence set that is none')
    if (c === COLON) first = value
    else {
      const other = first ?? value
      ranges.push(other <= value ? { from: other, to: value } : { from: value, to: other })
      first = undefined
    }
    value = digits = 0
  }
  return ranges
}

/** One by one: as arguments of one call there may be too many. */
function addAll(found: Range[], more: readonly Range[]): void {
  for (const range of more) found.push(range)
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** RFC 9051, date, of a day since 1970-01-01. */
export function printDay(day: number): string {
  const date = new Date(day * 86_400_000)
  return `${date.getUTCDate()}-${months[date.getUTCMonth()]}-${date.getUTCFullYear()}`
}

// RFC 9051, date-time: "17-Jul-1996 02:44:25 -0700", the day padded with a space
export function readDate(value: string): { day: number; time: Date } {
  const match = /^([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(value)
  if (!match) return { day: 0, time: new Date(0) }
  const [, day, month, year, hour, minute, second, sign, offsetHours, offsetMinutes] = match
  const midnight = Date.UTC(Number(year), months.indexOf(month!), Number(day))
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -1 : 1)
  const time = midnight + ((Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second)) * 1000
  return { day: Math.floor(midnight / 86_400_000), time: new Date(time) }
}

// RFC 7162, FETCH with CHANGEDSINCE and VANISHED
function changes({ uids, modseq, keep }: Query & { kind: 'vanished+flags' }, { condstore, qresync }: ImapCapabilities): Batch<Answer> {
  const vanished: Range[] = [], changed: Range[] = []
  const rows = lowestRows(keep?.most ?? Infinity)
  const asked = within(uids), wanted = keep && within(keep.uids)
  const on = ({ name, values }: Response): void => {
    // Only EARLIER answers the question; a live VANISHED is news for the next time.
    if (name === 'VANISHED' && Array.isArray(values[0])) addAll(vanished, readSet(text(values[1])))
    if (name !== 'FETCH') return
    const items = new Map(pairs(list(values[0])))
    const date = items.get('INTERNALDATE'), uid = number(items.get('UID'))
    // News of the moment come without a date; their MODSEQ is above the state's, so they are told again. Rows of another request may be
    // older than what this one asks for.
    if (date === undefined || !asked(uid) || wanted?.(uid) === false) return
    const now = readModseq(items)
    if (condstore && modseq !== 0n && now <= modseq) return
    const day = (): number => readDate(text(date)).day
    if (keep && keep.since > -Infinity && day() < keep.since) return
    append(changed, uid)
    rows.add(uid, now, () => ({ uid, flags: readFlags(items.get('FLAGS')), modseq: now, day: day() }))
  }
  const since = !condstore ? '' : ` (CHANGEDSINCE ${modseq}${qresync ? ' VANISHED' : ''})`
  const items = `UID FLAGS INTERNALDATE${condstore ? ' MODSEQ' : ''}`
  return {
    // CHANGEDSINCE 0 is not allowed everywhere, and means all.
    commands: setsOf(uids).map(set => ({ line: `UID FETCH ${set} (${items})${modseq === 0n ? '' : since}`, on })),
    result: () => ({ kind: 'vanished+flags', vanished: normalise(vanished), flags: rows.all(), changed: normalise(changed) }),
  }
}

/** Rows as they come, in whatever order and perhaps again: what is kept of half a million is no more than twice what is wanted. */
function lowestRows(most: number) {
  const rows = new Map<number, FlagRow>()
  let limit = Infinity
  const cut = (): void => {
    const uids = [...rows.keys()].sort((a, b) => a - b)
    limit = most > 0 ? uids[most - 1]! : 0
    for (const uid of uids.slice(most)) rows.delete(uid)
  }
  return {
    add(uid: number, modseq: bigint, row: () => FlagRow): void {
      if (uid > limit || modseq < (rows.get(uid)?.modseq ?? 0n)) return
      rows.set(uid, row())
      if (rows.size > 2 * most) cut()
    },
    all(): FlagRow[] {
      if (rows.size > most) cut()
      return [...rows.values()]
    },
  }
}

function readFlags(value: Value | undefined): ReadonlySet<string> {
  const flags = new Set<string>()
  for (const flag of list(value)) flags.add(text(flag))
  flags.delete('\\Recent')
  return flags
}

/** Whether a UID is in the set. */
export function within(uids: string): (uid: number) => boolean {
  const ranges = normalise(readSet(uids))
  return uid => {
    let [low, high] = [0, ranges.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle]!.to < uid) low = middle + 1
      else high = middle
    }
    const range = ranges[low]
    return range !== undefined && uid >= range.from && uid <= range.to
  }
}

/** `MODSEQ (12345)` */
const readModseq = (items: ReadonlyMap<string, Value>): bigint => bignumber(list(items.get('MODSEQ'))[0])

// A header of megabytes is cut: nothing a listing shows is that far down.
const maxHeader = 65_536
const header = `BODY.PEEK[HEADER.FIELDS (${listedFields.join(' ').toUpperCase()})]<0.${maxHeader}>`

function messagesBatch(uids: string, { condstore }: ImapCapabilities): Batch<readonly Message[]> {
  const found = new Map<number, Message>()
  const asked = within(uids)
  const on = ({ name, values }: Response): void => {
    if (name !== 'FETCH') return
    const message = readMessage(list(values[0]))
    if (message && asked(message.uid)) found.set(message.uid, message)
  }
  const items = `UID FLAGS INTERNALDATE RFC822.SIZE${condstore ? ' MODSEQ' : ''} BODYSTRUCTURE ${header}`
  return {
    commands: setsOf(uids).map(set => ({ line: `UID FETCH ${set} (${items})`, on, optional: true })),
    result: answers => {
      gone(answers)
      return [...found.values()]
    },
  }
}

/** Undefined for a response that answers another question. */
function readMessage(values: readonly Value[]): Message | undefined {
  const items = new Map<string, Value>()
  let head: Value | undefined
  for (const [name, value] of pairs(values)) {
    // Each server writes the names of the fields in its own way.
    if (name.startsWith('BODY[HEADER')) head ??= value
    else items.set(name, value)
  }
  if (!items.has('UID') || !items.has('RFC822.SIZE') || head === undefined) return undefined
  return {
    uid: number(items.get('UID')),
    flags: readFlags(items.get('FLAGS')),
    modseq: readModseq(items),
    received: readDate(text(items.get('INTERNALDATE'))).time,
    size: number(items.get('RFC822.SIZE')),
    header: octets(head),
    structure: readStructure(items.get('BODYSTRUCTURE')),
  }
}

import { stale } from '../base/failure.ts'
import type { MailCursor, Pass, Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { ChangesWish } from '../model/ports.ts'
import type { Answer, ImapMailbox, FlagRow, MailboxState, Query } from './imap-mailbox.ts'
import type { Recall } from './imap-recall.ts'
import { inStep, once, seek, type Steps } from './imap-seek.ts'
import { intersect, normalise, ofUids, print, split, subtract } from './uid-ranges.ts'

/** What one look at a mailbox told, seen from a cursor. */
export type Look = {
  readonly state: MailboxState
  /** HIGHESTMODSEQ, or what stands in for it, taken before anything below was read. */
  readonly now: bigint
  /** Nothing from here up was looked at. */
  readonly uidNext: number
  /** The time filter's day the lists lead to: that of the pass under way, else today's. */
  readonly target: number
  readonly lists: Readonly<Record<Pass['phase'], Range[]>>
  readonly flags: readonly FlagRow[]
  /** Undelivered and there: within the gaps and above `top`. */
  readonly offered: Range[]
  readonly messages: ReadonlyMap<number, Message>
  /** Whether the message was already asked for; one that was and is not in `messages` is gone. */
  readonly asked: (uid: number) => boolean
}

/** Nothing is owed and nothing stands between this cursor and "no changes" but the mailbox's state. */
export const settled = (cursor: MailCursor, since: number): boolean =>
  cursor.validity !== 0 && !cursor.pass && cursor.gaps.length === 0 && cursor.since === since

export const unchanged = (cursor: MailCursor, state: MailboxState): boolean =>
  state.validity === cursor.validity && state.uidNext === cursor.top && state.highestModseq !== 0n &&
  state.highestModseq === cursor.modseq

/** A state of any time that goes beyond the cursor is enough to know that there is news. One that does not says nothing. */
export const isBehind = (cursor: MailCursor, state: MailboxState | undefined): boolean => state !== undefined &&
  state.validity === cursor.validity && (state.uidNext > cursor.top || (cursor.modseq > 0n && state.highestModseq > cursor.modseq))

/** Messages that will be told, as far as can be known before the look; with `below` they are all there is above `top`, and it ends there. */
export type Expected = { readonly uids: readonly Range[]; readonly below?: number | undefined }

/**
 * `before`: the mailbox's state where it was asked for or heard, then all that has just arrived, where that is few. Else what is next of
 * the backlog, newest first, as if each UID had its message; of a mailbox without one, by the UIDNEXT that was told last.
 */
export function expected(cursor: MailCursor, { window, since }: ChangesWish, before: MailboxState | undefined, uidNext: number): Expected {
  const { top, gaps: [gap], validity, pass } = cursor
  if (before) return before.uidNext > top && before.uidNext - top <= 2 * window ? { uids: [{ from: top, to: before.uidNext - 1 }], below: before.uidNext } : { uids: [] }
  // What lies before the time filter's day would be read for nothing.
  const next = gap ?? (validity === 0 && since === 0 && uidNext > 1 ? { from: 1, to: uidNext - 1 } : undefined)
  return { uids: next && !pass ? [{ from: Math.max(next.from, next.to - window + 1), to: next.to }] : [] }
}

export type LookOptions = {
  /** So many changes are wanted at most; Infinity: how many there are, and none of them. */
  readonly window: number
  /** Is read along in the first round trip. */
  readonly expect?: Expected
  /** UIDs looked through at first for one window. */
  readonly slice?: number
}

/** Few for a server to look through, and more than a folder has as a rule. */
const usualSlice = 8192

/**
 * One pipelined round trip; more of them where a window of a large mailbox is not filled by the first slice of it. Of lists longer
 * than the window only that is known. Throws `stale` where the cursor cannot go on from.
 */
export async function lookAt(
  mailbox: ImapMailbox, recall: Recall, folder: FolderId, cursor: MailCursor, since: number,
  { window, expect: { uids: arrived, below } = { uids: [] }, slice = usualSlice }: LookOptions,
): Promise<Look> {
  const { pass } = cursor
  const target = pass?.since ?? since
  const gaps = normalise(cursor.gaps)
  const covered = subtract(cursor.top > 1 ? [{ from: 1, to: cursor.top - 1 }] : [], gaps)
  // What falls out of the filter in this very pass is told as aged, not as changed.
  const narrow = Math.max(earliest(cursor.since), earliest(target))
  const later = earliest(target) > earliest(cursor.since)
  const { qresync, esearch } = mailbox.capabilities
  const bySlices = { most: window, slice: esearch && window < Infinity ? slice : Infinity }

  let state: MailboxState | undefined
  const ask = async (queries: readonly Query[]): Promise<readonly Answer[]> => {
    if (state) return mailbox.more(folder, state.validity, queries)
    const asked = await mailbox.ask(folder, cursor.validity || undefined, queries)
    state = asked.state
    if (state.highestModseq < cursor.modseq && state.highestModseq !== 0n) throw stale('modseq', 'HIGHESTMODSEQ went back')
    return asked.answers
  }

  /** An interrupted pass is done with those before the one it stopped at. */
  const left = (phase: Pass['phase']): Range[] => pass?.phase !== phase ? covered
    : intersect(covered, [phase === 'widened' ? { from: 1, to: pass.reached - 1 } : { from: pass.reached + 1, to: maxUid }])

  const moved = target === cursor.since ? [] : left(later ? 'aged' : 'widened')

  const [sought, others, messages, told, held] = await inStep(ask, [
    seek({ within: gaps, besides: [{ from: cursor.top, to: maxUid }], from: 'highest', ...day('since', since), ...bySlices }),
    seek({ within: moved, from: later ? 'lowest' : 'highest', ...between(cursor.since, target), ...bySlices }),
    once(...arrived.length ? [{ kind: 'messages', uids: print(arrived) } as const] : []),
    changesOf(mailbox.capabilities, cursor, { within: left('flags'), since: narrow, ...bySlices }),
    once(...qresync ? [] : [everything]),
  ])
  const now = state!
  const [all] = held
  const known = recall.compare({ folder, cursor, covered, state: now, changes: told, held: all?.kind === 'search' ? normalise(all.uids) : undefined })
  // What was heard may have been said of another mailbox of that name: nothing is offered that is not there yet.
  const uidNext = Math.min(below ?? Infinity, now.uidNext)
  const shown = known.flags.filter(row => row.day >= narrow && intersect(covered, [{ from: row.uid, to: row.uid }]).length > 0)
  return {
    state: now, uidNext, target,
    now: known.modseq,
    flags: shown.toSorted((a, b) => a.uid - b.uid),
    lists: {
      // Also what was not offered yet: MoveItems may have given it to the client.
      expunged: normalise(known.vanished),
      aged: later ? others : [],
      flags: qresync ? [...told.changed] : ofUids(shown.map(row => row.uid)),
      widened: later ? [] : others,
    },
    offered: intersect(sought, uidNext > 1 ? [{ from: 1, to: uidNext - 1 }] : []),
    messages: new Map(messages.flatMap(answer => answer.kind === 'messages' ? answer.messages.map(message => [message.uid, message] as const) : [])),
    asked: uid => arrived.some(({ from, to }) => uid >= from && uid <= to),
  }
}

type Changes = Omit<Answer & { kind: 'vanished+flags' }, 'kind'>

/** What vanished, and which flags changed of messages that are not before a day; the rows of as many as fill a window. */
function* changesOf(
  { condstore, qresync, esearch }: ImapMailbox['capabilities'], { validity, modseq, pass }: MailCursor,
  { within, since, most, slice }: { readonly within: readonly Range[]; readonly since: number; readonly most: number; readonly slice: number },
): Steps<Changes> {
  const rows = most < Infinity ? most : 0
  if (condstore && !validity) return nothing
  if (!qresync) return changesIn(yield [condstore ? { ...everyFlag, modseq } : everyFlag])
  // A mailbox may keep no MODSEQ all the same (RFC 7162, NOMODSEQ).
  if (!esearch || modseq === 0n || !pass || pass.phase === 'expunged') {
    return changesIn(yield [{ ...everyFlag, modseq, keep: { uids: print(within), since, most: rows } }])
  }
  // What vanished has been told by now. What changed may be very much, and all of it was asked for once.
  if (pass.phase === 'widened') return nothing
  const changed = yield* seek({ within, from: 'lowest', ...day('since', Math.max(since, 0)), changed: modseq, most, slice })
  const uids = print(split(changed, rows, 'lowest')[0])
  const { flags } = uids === '' ? nothing : changesIn(yield [{ kind: 'vanished+flags', uids, modseq }])
  return { vanished: [], flags, changed }
}

const nothing: Changes = { vanished: [], flags: [], changed: [] }

const changesIn = ([answer]: readonly Answer[]): Changes => answer?.kind === 'vanished+flags' ? answer : nothing

const maxUid = 0xffffffff

/** Without QRESYNC the whole mailbox is compared: what is recalled must not depend on how much one client holds of it. */
const everything: Query = { kind: 'search', uids: `1:${maxUid}` }
const everyFlag = { kind: 'vanished+flags', uids: `1:${maxUid}`, modseq: 0n } as const

/** 0 shows all mail, so it is the earliest day there is. */
const earliest = (since: number): number => since === 0 ? -Infinity : since

const day = (key: 'since' | 'before', value: number): { since?: number; before?: number } => value ? { [key]: value } : {}

/** The days that are within just one of two time filters. */
function between(a: number, b: number): { since?: number; before?: number } {
  const [early, late] = earliest(a) < earliest(b) ? [a, b] : [b, a]
  return { ...day('since', early), ...day('before', late) }
}

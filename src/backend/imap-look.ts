import { setImmediate } from 'node:timers/promises'
import { stale } from '../base/failure.ts'
import type { MailCursor, Pass, Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { ChangesWish } from '../model/ports.ts'
import type { Answer, ImapMailbox, FlagRow, MailboxState, Query } from './imap-mailbox.ts'
import type { Recall } from './imap-recall.ts'
import { intersect, normalise, ofUids, print, subtract } from './uid-ranges.ts'

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

/** One pipelined round trip, in which what is expected is read along. Throws `stale` where the cursor cannot go on from. */
export async function lookAt(
  mailbox: ImapMailbox, recall: Recall, folder: FolderId, cursor: MailCursor, since: number, { uids: arrived, below }: Expected,
): Promise<Look> {
  const target = cursor.pass?.since ?? since
  const covered = subtract(cursor.top > 1 ? [{ from: 1, to: cursor.top - 1 }] : [], normalise(cursor.gaps))
  const open = normalise([...cursor.gaps, { from: cursor.top, to: maxUid }])

  const queries: Query[] = [{ kind: 'search', uids: print(open), ...day('since', since) }]
  const add = (query: Query): number => queries.push(query) - 1
  const moved = covered.length && target !== cursor.since ? add({ kind: 'search', uids: print(covered), ...between(cursor.since, target) }) : 0
  const fetched = arrived.length ? add({ kind: 'messages', uids: print(arrived) }) : 0
  const { qresync, condstore } = mailbox.capabilities
  const told: Query = { kind: 'vanished+flags', uids: `1:${maxUid}`, modseq: cursor.modseq }
  const flags = condstore ? cursor.validity && add(told) : add(everyFlag)
  const held = qresync ? 0 : add(everything)

  const { state, answers } = await mailbox.ask(folder, cursor.validity || undefined, queries)
  if (state.highestModseq < cursor.modseq && state.highestModseq !== 0n) throw stale('modseq', 'HIGHESTMODSEQ went back')
  await breath(answers)
  const ranges = (index: number): Range[] => {
    const answer = answers[index]
    return answer?.kind === 'search' ? normalise(answer.uids) : []
  }
  const rows = flags ? answers[flags] : undefined
  const changes = rows?.kind === 'vanished+flags' ? rows : { vanished: [], flags: [] }
  const known = recall.compare({ folder, cursor, covered, state, changes, held: held ? ranges(held) : undefined })

  const messages = fetched ? answers[fetched] : undefined
  // What was heard may have been said of another mailbox of that name: nothing is offered that is not there yet.
  const uidNext = Math.min(below ?? Infinity, state.uidNext)
  // What falls out of the filter in this very pass is told as aged, not as changed.
  const narrow = Math.max(earliest(cursor.since), earliest(target))
  const shown = known.flags.filter(row => row.day >= narrow && intersect(covered, [{ from: row.uid, to: row.uid }]).length > 0)
  const later = earliest(target) > earliest(cursor.since)
  const offered = intersect(ranges(0), uidNext > 1 ? [{ from: 1, to: uidNext - 1 }] : [])
  await breath(answers)
  return {
    state, uidNext, target,
    now: known.modseq,
    flags: shown.toSorted((a, b) => a.uid - b.uid),
    lists: {
      // Also what was not offered yet: MoveItems may have given it to the client.
      expunged: normalise(known.vanished),
      aged: moved && later ? ranges(moved) : [],
      flags: ofUids(shown.map(row => row.uid)),
      widened: moved && !later ? ranges(moved) : [],
    },
    offered,
    messages: new Map(messages?.kind === 'messages' ? messages.messages.map(message => [message.uid, message]) : []),
    asked: uid => arrived.some(({ from, to }) => uid >= from && uid <= to),
  }
}

/** Of so many ranges each look through them takes its time: others are served in between. */
const many = 20_000

async function breath(answers: readonly Answer[]): Promise<void> {
  if (answers.some(answer => answer.kind === 'search' && answer.uids.length > many)) await setImmediate()
}

const maxUid = 0xffffffff

/** Without QRESYNC the whole mailbox is compared: what is recalled must not depend on how much one client holds of it. */
const everything: Query = { kind: 'search', uids: `1:${maxUid}` }
const everyFlag: Query = { kind: 'vanished+flags', uids: `1:${maxUid}`, modseq: 0n }

/** 0 shows all mail, so it is the earliest day there is. */
const earliest = (since: number): number => since === 0 ? -Infinity : since

const day = (key: 'since' | 'before', value: number): { since?: number; before?: number } => value ? { [key]: value } : {}

/** The days that are within just one of two time filters. */
function between(a: number, b: number): { since?: number; before?: number } {
  const [early, late] = earliest(a) < earliest(b) ? [a, b] : [b, a]
  return { ...day('since', early), ...day('before', late) }
}

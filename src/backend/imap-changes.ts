import { fresh, type MailCursor, type Pass, type Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { ChangesWish, FlagChange, MailChanges, MailStore } from '../model/ports.ts'
import type { ImapMailbox, MailboxState } from './imap-mailbox.ts'
import { expected, isBehind, lookAt, settled, unchanged, type Look } from './imap-look.ts'
import type { Recall } from './imap-recall.ts'
import { count, highest, intersect, lowest, subtract } from './uid-ranges.ts'

/** What the server has told of a mailbox unasked, however long ago. */
type Heard = (folder: FolderId) => MailboxState | undefined

/**
 * What differs between a cursor and a mailbox: RFC 7162 (CONDSTORE, QRESYNC) where the server has it. Deciding is apart from asking:
 * `imap-look.ts` asks, this file cuts the answer to the window and says where the client then stands.
 */
export function mailChanges(mailbox: ImapMailbox, recall: Recall, heard: Heard = () => undefined, slice?: number): Pick<MailStore, 'changes' | 'changed' | 'estimate'> {
  return {
    async changes(folder, cursor = fresh, wish) {
      const before = behind(folder, cursor, wish.since) ?? await look(folder, cursor, wish.since)
      if (before && unchanged(cursor, before)) return nothing(cursor)
      const expect = expected(cursor, wish, before, mailbox.uidNextOf(folder))
      const found = await lookAt(mailbox, recall, folder, cursor, wish.since, { window: wish.window, expect, ...(slice && { slice }) })
      return cut(folder, cursor, found, wish)
    },

    async changed(cursors) {
      const isSure = ([folder, { cursor, since }]: [FolderId, { cursor: MailCursor; since: number }]): boolean =>
        !settled(cursor, since) || isBehind(cursor, heard(folder))
      const sure = [...cursors].filter(isSure), rest = [...cursors].filter(one => !isSure(one))
      const states = rest.length ? await mailbox.status(rest.map(([folder]) => folder)) : new Map<FolderId, MailboxState>()
      const news = await Promise.all(rest.map(async ([folder, { cursor, since }]) => {
        const state = states.get(folder)
        if (!state || state.validity !== cursor.validity) return [folder]
        // Where no MODSEQ tells, only the flags themselves do.
        const differs = state.highestModseq === 0n ? await this.estimate(folder, cursor, since) > 0 : !unchanged(cursor, state)
        return differs ? [folder] : []
      }))
      return new Set([...sure.map(([folder]) => folder), ...news.flat()])
    },

    async estimate(folder, cursor = fresh, since) {
      const before = await look(folder, cursor, since)
      if (before && unchanged(cursor, before)) return 0
      const found = await lookAt(mailbox, recall, folder, cursor, since, { window: Infinity })
      const lists = pending(cursor, found).reduce((sum, { rest }) => sum + count(rest), 0)
      return lists + count(found.offered)
    },
  }

  /** What was told of the mailbox, where that is more than the cursor knows: nobody has to ask whether there is news. */
  function behind(folder: FolderId, cursor: MailCursor, since: number): MailboxState | undefined {
    const state = mailbox.capabilities.condstore && settled(cursor, since) ? heard(folder) : undefined
    return isBehind(cursor, state) ? state : undefined
  }

  /** The mailbox's state in one cheap command, where that may be all there is to ask. Throws `stale` where the cursor cannot go on from. */
  async function look(folder: FolderId, cursor: MailCursor, since: number): Promise<MailboxState | undefined> {
    if (!mailbox.capabilities.condstore || !settled(cursor, since)) return undefined
    return mailbox.stateOf(folder, cursor.validity)
  }

  async function cut(folder: FolderId, cursor: MailCursor, found: Look, wish: ChangesWish): Promise<MailChanges> {
    const lists = page(cursor, found, wish.window)
    // What arrived after the moment the client is brought to waits for the next answer: a digest in MODSEQ's place may come again.
    const behind = lists.pass || lists.modseq !== found.now || found.target !== wish.since
    const left = behind ? 0 : wish.window - lists.taken
    const arrivals = left > 0 ? offer(cursor, found, left) : untouched(cursor, found, behind ? cursor.top : found.uidNext)
    const next: MailCursor = {
      validity: found.state.validity, modseq: lists.modseq, since: lists.since, pass: lists.pass, top: arrivals.top, gaps: arrivals.gaps,
    }
    return {
      deletes: lists.expunged,
      aged: lists.aged,
      updates: found.flags.filter(row => lists.flags.has(row.uid)).map(toChange),
      adds: await read(folder, found, [...arrivals.uids, ...lists.widened]),
      next,
      more: Boolean(lists.pass) || arrivals.more || found.target !== wish.since || lists.modseq !== found.now,
    }
  }

  async function read(folder: FolderId, found: Look, uids: readonly number[]): Promise<readonly Message[]> {
    const known = found.messages
    const wanted = uids.filter(uid => !known.has(uid) && !found.asked(uid))
    const rest = wanted.length ? await mailbox.messages(folder, found.state.validity, wanted) : []
    const all = new Map([...known, ...rest.map(message => [message.uid, message] as const)])
    // One that was expunged in between is left out: the cursor covers it, its expunge is news the client can ignore.
    return uids.flatMap(uid => all.get(uid) ?? [])
  }
}

const nothing = (cursor: MailCursor): MailChanges => ({ deletes: [], aged: [], updates: [], adds: [], next: cursor, more: false })

const toChange = ({ uid, flags, modseq }: FlagChange): FlagChange => ({ uid, flags, modseq })

const order = ['expunged', 'aged', 'flags', 'widened'] as const

/** What each phase still has to tell, an interrupted pass taken up where it stopped. */
function pending(cursor: MailCursor, found: Look): { phase: Pass['phase']; rest: Range[] }[] {
  const { pass } = cursor
  const first = pass ? order.indexOf(pass.phase) : 0
  return order.slice(first).map(phase => {
    if (pass?.phase !== phase) return { phase, rest: found.lists[phase] }
    const told = phase === 'widened' ? { from: pass.reached, to: Infinity } : { from: 0, to: pass.reached }
    return { phase, rest: subtract(found.lists[phase], [told]) }
  })
}

type Page = {
  expunged: number[]; aged: number[]; flags: Set<number>; widened: number[]
  taken: number; modseq: bigint; since: number; pass: Pass | undefined
}

/** Fills the window with changes to what the client holds, phase after phase; remembers in `pass` where it had to stop. */
function page(cursor: MailCursor, found: Look, window: number): Page {
  const end = cursor.pass?.end ?? found.now
  const told: Record<Pass['phase'], number[]> = { expunged: [], aged: [], flags: [], widened: [] }
  let taken = 0
  let pass: Pass | undefined
  for (const { phase, rest } of pending(cursor, found)) {
    const uids = (phase === 'widened' ? highest : lowest)(rest, window - taken)
    told[phase] = uids
    taken += uids.length
    if (uids.length === count(rest)) continue
    const start = cursor.pass?.phase === phase ? cursor.pass.reached : phase === 'widened' ? cursor.top : 0
    pass = { end, phase, reached: uids.at(-1) ?? start, since: found.target }
    break
  }
  const { expunged, aged, flags, widened } = told
  // A digest in MODSEQ's place says nothing of what was told on the way to it: 0 has the flags told again.
  const reached = found.state.highestModseq === 0n && end !== found.now ? 0n : end
  const where = pass ? { modseq: cursor.modseq, since: cursor.since } : { modseq: reached, since: found.target }
  return { expunged, aged, flags: new Set(flags), widened, taken, pass, ...where }
}

type Arrivals = { uids: number[]; top: number; gaps: readonly Range[]; more: boolean }

/** No room for any. What came and went below the first of them has been told, so `top` moves up to that one, at most to `limit`. */
function untouched(cursor: MailCursor, found: Look, limit: number): Arrivals {
  const [first] = intersect(found.offered, [{ from: cursor.top, to: Infinity }])
  return { uids: [], top: Math.min(first?.from ?? limit, limit), gaps: cursor.gaps, more: found.offered.length > 0 }
}

/** The newest mail first, then the backlog, newest first. */
function offer(cursor: MailCursor, found: Look, left: number): Arrivals {
  const span = { from: cursor.top, to: found.uidNext - 1 }
  const arrived = intersect(found.offered, [span])
  if (cursor.gaps.length === 2 && count(arrived) > left) {
    // A third gap has no place in the cursor: these few go out oldest first instead.
    const uids = lowest(arrived, left)
    return { uids: uids.reverse(), top: uids[0]! + 1, gaps: cursor.gaps, more: true }
  }
  const uids: number[] = []
  const gaps: Range[] = []
  for (const gap of [span, ...cursor.gaps]) {
    const there = intersect(found.offered, [gap])
    const now = highest(there, left - uids.length)
    uids.push(...now)
    // Closed in on what is there: the rest of it does not exist or lies before the filter's day.
    if (now.length < count(there)) gaps.push({ from: there[0]!.from, to: (now.at(-1) ?? there.at(-1)!.to + 1) - 1 })
  }
  return { uids, top: found.uidNext, gaps, more: gaps.length > 0 }
}

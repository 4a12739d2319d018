import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { stale } from '../base/failure.ts'
import type { MailCursor, Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { FlagRow, MailboxState } from './imap-mailbox.ts'
import { count, intersect, normalise, subtract } from './uid-ranges.ts'

/**
 * For servers without QRESYNC or CONDSTORE: what a mailbox held when a cursor was made, in memory. With QRESYNC there is
 * nothing to recall. Without it, a lost memory means Deletes for UIDs the client may never have had (harmless), within a bound.
 */
export type Recall = {
  /** Throws `stale` when nothing is recalled and too much is missing to tell. */
  compare(seen: Seen): Known
}

type Seen = {
  readonly folder: FolderId
  readonly cursor: MailCursor
  readonly covered: readonly Range[]
  readonly state: MailboxState
  readonly changes: { readonly vanished: readonly Range[]; readonly flags: readonly FlagRow[] }
  /** All UIDs that exist; undefined with QRESYNC. */
  readonly held: readonly Range[] | undefined
}

type Known = { readonly vanished: readonly Range[]; readonly flags: readonly FlagRow[]; readonly modseq: bigint }

type Memory = { readonly held: readonly Range[]; readonly uidNext: number; readonly flags: ReadonlyMap<number, string> | undefined }

/** Deletes sent for holes of unknown history; beyond that the client starts again. */
const mostHoles = 5000

export function recall(options: { mailboxes: number }): Recall {
  const memories = new LRUCache<string, Memory>({ max: options.mailboxes })
  return {
    compare({ folder, cursor, covered, state, changes, held }) {
      if (!held) return { ...changes, modseq: state.highestModseq }
      const counts = state.highestModseq !== 0n
      const modseq = counts ? state.highestModseq : digest(changes.flags)
      const name = (mark: bigint): string => `${folder}:${state.validity}:${mark}`
      const before = memories.get(name(cursor.modseq))
      const flags = counts ? undefined : new Map(changes.flags.map(row => [row.uid, spell(row)]))
      // The first look at this mark is kept: a later one may already lack what no client has been told of.
      if (!memories.has(name(modseq))) memories.set(name(modseq), { held, flags, uidNext: state.uidNext })
      if (!counts && modseq === cursor.modseq) {
        // As it was. What came and went in between may have come by MoveItems, unless the client was not given all of what it was.
        const span = cursor.top < state.uidNext ? [{ from: cursor.top, to: state.uidNext - 1 }] : []
        return { vanished: intersect(span, held).length ? [] : span, flags: [], modseq }
      }
      // Of what arrived since then the client may have been given anything, by MoveItems too.
      const arrived = { from: before?.uidNext ?? cursor.top, to: state.uidNext - 1 }
      const then = normalise([...before?.held ?? covered, ...arrived.from > arrived.to ? [] : [arrived]])
      const vanished = cursor.validity ? subtract(then, held) : []
      if (!before && count(vanished) > mostHoles) throw stale('holes', 'too many holes to tell expunges from')
      const news = before?.flags ? changes.flags.filter(row => before.flags!.get(row.uid) !== spell(row)) : changes.flags
      return { vanished, flags: news, modseq }
    },
  }
}

const spell = ({ flags }: FlagRow): string => [...flags].sort().join(' ')

/** Stands in for HIGHESTMODSEQ where the server keeps none: 48 bits that change when any flag or UID does. */
function digest(rows: readonly FlagRow[]): bigint {
  const hash = createHash('sha256')
  for (const row of rows.toSorted((a, b) => a.uid - b.uid)) hash.update(`${row.uid} ${spell(row)}\n`)
  return BigInt(`0x${hash.digest('hex').slice(0, 12)}`) | 1n
}


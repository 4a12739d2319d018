import { isDeepStrictEqual } from 'node:util'
import type { Budget } from '../base/budget.ts'
import type { MailCursor } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { ChangesWish, MailChanges, MailStore, PartWish } from '../model/ports.ts'
import { unchanged } from './imap-look.ts'
import type { ImapMailbox } from './imap-mailbox.ts'

type Reading = Pick<MailStore, 'changes' | 'parts'>
type PiecesOf = Parameters<MailStore['foresee']>[3]
type Pieces = Map<string, Uint8Array>

/** Changes that were read before anybody asked, and pieces of the messages in them. Both are empty where reading failed. */
type Ahead = {
  readonly folder: FolderId
  readonly cursor: MailCursor
  readonly wish: ChangesWish
  readonly changes: Promise<MailChanges | undefined>
  readonly pieces: Promise<Pieces>
  forget(): void
}

export type AheadOptions = {
  readonly mailbox: ImapMailbox
  /** Octets of one user and of all that may be held. */
  readonly budget: Budget
  readonly user: string
  /** Seconds that what was read is held. Default 30. */
  readonly seconds?: number
}

/** Octets that one reading may hold: pieces of bodies, as many as are asked for in one go, and the heads they belong to. */
export const mostAhead = 3 * 1024 * 1024

/**
 * The next window of a mailbox, read while its client takes the one before: mail server and Postern compute at the same time. It is answered
 * only where one look at the mailbox tells that nothing has happened in it since (RFC 7162, HIGHESTMODSEQ), so that nobody can tell it from
 * what would be read now; else it is thrown away.
 */
export function readAhead(read: Reading, { mailbox, budget, user, seconds = 30 }: AheadOptions): Pick<MailStore, 'changes' | 'parts' | 'foresee'> {
  // A list made anew each time: a Set grows old, and what an old one once held lives on until all of the memory is looked through.
  let held: readonly Ahead[] = []

  async function stands(folder: FolderId, { next }: MailChanges): Promise<boolean> {
    const state = (await mailbox.status([folder])).get(folder)
    return state !== undefined && unchanged(next, state)
  }

  return {
    async changes(folder, cursor, wish) {
      const ahead = held.find(one => one.folder === folder && isDeepStrictEqual([one.cursor, one.wish], [cursor, wish]))
      const changes = await ahead?.changes
      if (!ahead || !changes) return read.changes(folder, cursor, wish)
      if (await stands(folder, changes)) return changes
      ahead.forget()
      return read.changes(folder, cursor, wish)
    },

    // What a message is made of never changes: RFC 9051, Unique Identifier (UID) Message Attribute.
    async parts(folder, validity, wishes) {
      const known: Pieces = new Map()
      for (const one of held) {
        if (one.folder !== folder || one.cursor.validity !== validity) continue
        const pieces = await one.pieces
        for (const name of wishes.map(nameOf)) take(pieces, name, known)
        if (pieces.size === 0) one.forget()
      }
      const rest = wishes.filter(wish => !known.has(nameOf(wish)))
      const more = rest.length ? [...await read.parts(folder, validity, rest)] : []
      return wishes.map(wish => known.get(nameOf(wish)) ?? more.shift())
    },

    foresee(folder, cursor, wish, piecesOf) {
      const giveBack = mailbox.capabilities.qresync ? taken(budget, user) : undefined
      if (!giveBack) return
      const forget = (): void => {
        clearTimeout(timer)
        held = held.filter(one => one !== ahead)
        giveBack()
      }
      const timer = setTimeout(forget, seconds * 1000).unref()
      const { changes, pieces } = begun(read, folder, cursor, wish, piecesOf)
      // Whoever asks reads it then, and hears why that fails.
      const ahead: Ahead = { folder, cursor, wish, forget, changes: changes.catch(() => void forget()), pieces: pieces.catch(() => new Map()) }
      held = [...held, ahead]
    },
  }
}

/** Apart from what is held: that must not hold on to the request before, by way of `piecesOf`. */
function begun(read: Reading, folder: FolderId, cursor: MailCursor, wish: ChangesWish, piecesOf: PiecesOf) {
  const changes = read.changes(folder, cursor, wish).then(found => {
    if (headsOf(found) > mostAhead / 3) throw new RangeError('heads of more octets than are held')
    return found
  })
  const pieces = changes.then(async ({ adds, next }) => {
    const wishes = piecesOf(adds)
    const octets = wishes.length ? await read.parts(folder, next.validity, wishes) : []
    return new Map(wishes.flatMap((one, index) => octets[index] ? [[nameOf(one), octets[index]]] : []))
  })
  return { changes, pieces }
}

const nameOf = ({ uid, section, offset, length }: PartWish): string => `${uid} ${section} ${offset} ${length}`

function take(pieces: Pieces, name: string, into: Pieces): void {
  const found = pieces.get(name)
  if (!found) return
  pieces.delete(name)
  into.set(name, found)
}

const headsOf = ({ adds }: MailChanges): number => adds.reduce((sum, { header }) => sum + header.length + 1024, 0)

/** What gives it back; undefined where there is no more of it. */
function taken(budget: Budget, user: string): (() => void) | undefined {
  try {
    return budget.take(user, mostAhead)
  } catch {
    return undefined
  }
}

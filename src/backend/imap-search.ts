import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { attachments } from '../formats/structure.ts'
import type { Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Found } from '../model/ports.ts'
import { conditions, type MailQuery } from '../model/query.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import { readDate, searchCommand, setsOf, within } from './imap-mailbox.ts'
import { list, number, pairs, text, type Response } from './imap-response.ts'
import { searchKeys, type Keys } from './imap-search-keys.ts'
import { gone, type Batch, type ImapSession } from './imap-session.ts'
import { readStructure } from './imap-structure.ts'
import { count, highest, normalise, ofUids, print } from './uid-ranges.ts'

/** Folders asked in one go: a user's other requests get their turn in between. */
const together = 16

type Place = { readonly session: ImapSession; readonly folders: ImapFolders; readonly log: Log }
type Hits = { readonly folder: FolderId; readonly validity: number; readonly uids: readonly Range[] }
type Dated = { readonly folder: FolderId; readonly validity: number; readonly uid: number; readonly received: number }

/**
 * RFC 9051, SEARCH, folder by folder but pipelined, then the dates of what was found: the order over all folders is by them, and IMAP
 * itself knows no instants, only days.
 */
export async function search(place: Place, ids: readonly FolderId[], query: MailQuery, most: number): Promise<Found> {
  const asked = [...new Set(ids)].filter(id => id !== outbox.id)
  const hits = await matches(place, asked, query)
  const exact = condition(query)
  const dated = await inTurns(hits, hit => dates(place, hit, most, exact))
  const all = dated.flat().filter(({ keep }) => keep).map(({ row }) => row).sort((a, b) => b.received - a.received || b.uid - a.uid)
  const unseen = hits.reduce((sum, { uids }) => sum + Math.max(0, count(uids) - most), 0)
  return { refs: all.slice(0, most).map(({ folder, validity, uid }) => ({ folder, validity, uid })), total: all.length + unseen }
}

/** UIDs by folder. Without a hit, a fuzzy search is asked again exactly: its index may be behind or not there. */
async function matches(place: Place, ids: readonly FolderId[], query: MailQuery): Promise<Hits[]> {
  const { session, log } = place
  const ask = async (keys: Keys): Promise<Hits[]> => (await inTurns(ids, id => searchFolder(place, id, keys))).flat()
  await session.ready()
  const fuzzy = session.capabilities.fuzzy ? await refusable(ask(searchKeys(query, { fuzzy: true }))) : undefined
  if (fuzzy?.length) return fuzzy
  const keys = searchKeys(query)
  const found = await refusable(ask(keys))
  if (found) return found
  if (!keys.charset) throw new Failure('unsupported', 'the mail server refuses this search')
  log.warn({ why: 'BADCHARSET' }, 'the mail server does not search in UTF-8: only what is ASCII of the words is looked for')
  const rest = await refusable(ask(searchKeys(query, { ascii: true })))
  if (!rest) throw new Failure('unsupported', 'the mail server refuses this search')
  return rest
}

/** Undefined where the server refuses the command itself. */
async function refusable(work: Promise<Hits[]>): Promise<Hits[] | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

class Refused extends Failure {}

async function searchFolder({ session, folders }: Place, folder: FolderId, keys: Keys): Promise<Hits[]> {
  try {
    const { state, result } = await folders.at(folder, path => session.read(path, () => searchBatch(keys, session.capabilities.esearch)))
    return result.length ? [{ folder, validity: state.validity, uids: result }] : []
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'not-found' || error.kind === 'denied')) return []
    throw error
  }
}

function searchBatch({ pieces: [first, ...rest], charset }: Keys, esearch: boolean): Batch<Range[]> {
  const found: Range[] = []
  const command = searchCommand(`${charset ? 'CHARSET UTF-8 ' : ''}${first!.line}`, esearch, found)
  return {
    commands: [{ ...command, ...(first!.literal ? { literal: first!.literal } : {}), rest, optional: true }],
    result: ([answer]) => {
      if (answer!.name !== 'OK') throw new Refused('unsupported', `SEARCH was refused: ${answer!.name} ${answer!.code ?? ''}`.trim(), { cause: answer })
      return normalise(found)
    },
  }
}

type Exact = { readonly since: number; readonly before: number; readonly attachment: boolean | undefined }

/** What a message has to be looked at for. */
function condition(query: MailQuery): Exact {
  let since = -Infinity, before = Infinity, attachment: boolean | undefined
  for (const one of conditions(query)) {
    if (one.kind === 'since') since = Math.max(since, one.at.getTime())
    else if (one.kind === 'before') before = Math.min(before, one.at.getTime())
    else if (one.kind === 'attachment') attachment = true
    else if (one.kind === 'not' && one.of.kind === 'attachment') attachment = false
  }
  return { since, before, attachment }
}

type Row = { readonly row: Dated; readonly keep: boolean }

/** The newest by UID of what was found in a folder. Whatever became of the folder since then is not there. */
async function dates({ session, folders }: Place, { folder, validity, uids }: Hits, most: number, exact: Exact): Promise<Row[]> {
  const asked = highest(uids, most)
  try {
    const { result } = await folders.at(folder, path => session.peek(path, validity, () => datesBatch(print(ofUids(asked)), exact)))
    return result.map(({ uid, received, keep }) => ({ row: { folder, validity, uid, received }, keep }))
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'not-found' || error.kind === 'stale')) return []
    throw error
  }
}

type Looked = { readonly uid: number; readonly received: number; readonly keep: boolean }

function datesBatch(set: string, { since, before, attachment }: Exact): Batch<Looked[]> {
  const found = new Map<number, Looked>()
  const asked = within(set)
  const on = ({ name, values }: Response): void => {
    if (name !== 'FETCH') return
    const items = new Map(pairs(list(values[0])))
    const uid = number(items.get('UID'))
    const structure = items.get('BODYSTRUCTURE')
    if (!asked(uid) || !items.has('INTERNALDATE') || (attachment !== undefined && structure === undefined)) return
    const received = readDate(text(items.get('INTERNALDATE'))).time.getTime()
    const has = attachment === undefined ? undefined : attachments(readStructure(structure)).length > 0
    found.set(uid, { uid, received, keep: received >= since && received < before && has === attachment })
  }
  const wanted = `UID INTERNALDATE${attachment === undefined ? '' : ' BODYSTRUCTURE'}`
  return {
    commands: setsOf(set).map(part => ({ line: `UID FETCH ${part} (${wanted})`, on, optional: true })),
    result: answers => {
      gone(answers)
      return [...found.values()]
    },
  }
}

/** A few at a time, all of those in one go. */
async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += together) {
    const some = await Promise.allSettled(all.slice(at, at + together).map(work))
    for (const one of some) {
      if (one.status === 'rejected') throw one.reason
      done.push(one.value)
    }
  }
  return done
}

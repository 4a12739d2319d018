import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../base/failure.ts'
import { fresh, type MailCursor } from '../../model/cursor.ts'
import type { Folder } from '../../model/folder.ts'
import type { Message } from '../../model/message.ts'
import type { MailChanges } from '../../model/ports.ts'
import { printItemId } from '../../state/item-id.ts'
import { parseSyncKey, printSyncKey } from '../../state/sync-key.ts'
import { defaultOptions, type SyncOptions } from '../../state/sync-options.ts'
import type { Call } from '../command.ts'
import { ageLeftOvers, wholeConversations } from '../conversation-mode.ts'
import { applyToDrafts } from '../drafts.ts'
import { filterDay, isFilterOf } from '../filter.ts'
import type { MailStanding } from '../folders.ts'
import { moveArrivals } from '../move-always.ts'
import { givenOf } from '../moved.ts'
import { since as atLeast } from '../versions.ts'
import { applyCommands, type Applied } from './sync-commands.ts'
import type { CollectionRequest } from './sync-request.ts'

/** A mailbox on its way through a Sync. */
export type Mailbox = {
  readonly request: CollectionRequest
  readonly folder: Folder
  readonly options: SyncOptions
  /** The client said other options than its key carries: the next key tells them to whoever answers then. */
  readonly renewed: boolean
  /** Where the client stands; moved on by `gather`. */
  readonly cursor: MailCursor
  readonly since: number
  readonly applied: Applied
  readonly changes: MailChanges | undefined
  /** How many changes were asked for at most. */
  readonly window: number
  /** Messages before the time filter's day that belong to conversations told of: see `wholeConversations`. */
  readonly older: readonly Message[]
}

const untouched: Applied = {
  responses: [], removed: new Set(), modseq: new Map(), added: new Set(), dropped: new Set(), fetched: [], unkept: 0,
}

const cursorName = (call: Call, id: string): string => `cursor:${call.scope}:${id}`
/** What is remembered of a mailbox: where its client stands, which key says so, and what Ping needs. */
type Remembered = MailStanding & { readonly key: string; readonly options: SyncOptions }

/** Understands key and options, and carries out the client's commands. Throws `stale` for a key that is not ours, `not-found`. */
export async function openMailbox(call: Call, request: CollectionRequest, folder: Folder): Promise<Mailbox> {
  const held = request.key === '0' ? undefined : stateOf(call, request)
  const known = request.options ?? held?.options ?? call.cache.get<Remembered>(cursorName(call, request.id))?.options
  const options = known ?? defaultOptions
  if (!isFilterOf('mail', options.filter)) throw new Failure('malformed', `FilterType ${options.filter} is none of mail`)
  const cursor = held?.cursor ?? fresh
  // A long key has no room for options: without them the client goes on seeing what it sees.
  const since = known || !held ? filterDay(options.filter, call.now()) : cursor.pass?.since ?? cursor.since
  const { deletesAsMoves } = request
  const place = { mail: call.stores.mail, folder: folder.id, cursor, options, deletesAsMoves }
  const apply = folder.role === 'drafts' && atLeast(call.request.version, '16.0')
    ? (): Promise<Applied> => applyToDrafts(call, place, request.key, request.commands)
    : (): Promise<Applied> => applyCommands(place, request.commands)
  const applied = request.commands.length ? await apply() : untouched
  const renewed = request.options !== undefined && !isDeepStrictEqual(request.options, held?.options)
  return { request, folder, options, renewed, cursor, since, applied, changes: undefined, window: 0, older: [] }
}

/** The key speaks for itself; memory may know better where the client stands when nothing it can see has happened since. */
function stateOf(call: Call, { id, key }: CollectionRequest): { cursor: MailCursor; options: SyncOptions | undefined } {
  const remembered = call.cache.get<Remembered>(cursorName(call, id))
  if (remembered?.key === key) return remembered
  return parseSyncKey(call.settings.secret, call.stores.person.account, id, key)
}

/** Whether the client wants changes, and there can be any: a folder that only holds others, or Outbox, is always empty. */
export const wantsChanges = ({ request, folder }: Mailbox): boolean =>
  request.key !== '0' && request.getChanges !== false && folder.selectable

/** Asks for changes; the client's own are left out of them. */
export async function gather(call: Call, collection: Mailbox, window: number): Promise<Mailbox> {
  const { folder, cursor, since, applied } = collection
  const all = await call.stores.mail.changes(folder.id, cursor, { window, since })
  const changes = countOf(all) + applied.dropped.size > 0 ? await notOwn(call, collection, all) : all
  if (!collection.request.conversations || since === 0) return { ...collection, changes, window, older: [] }
  const { older, ...whole } = await wholeConversations(call, collection, changes)
  return { ...collection, changes: await ageLeftOvers(call, collection, changes, whole, older), window, older }
}

const countOf = ({ deletes, aged, updates, adds }: MailChanges): number => deletes.length + aged.length + updates.length + adds.length

/** Changes without those that the client made or knows. */
async function notOwn(call: Call, collection: Mailbox, all: MailChanges): Promise<MailChanges> {
  const { folder, cursor, applied: { removed, modseq, added, dropped } } = collection
  const held = await heldByMove(call, collection, all.adds)
  const arrivals = cursor.validity ? all.adds.filter(message => message.uid >= cursor.top && !held.includes(message)) : []
  const elsewhere = await moveArrivals(call, folder, all.next.validity, arrivals)
  return {
    ...all,
    deletes: [...new Set([...all.deletes.filter(uid => !removed.has(uid)), ...dropped])],
    updates: [...all.updates, ...held]
      .filter(({ uid, modseq: now }) => modseq.get(uid) !== now && !added.has(uid) && !dropped.has(uid)),
    adds: all.adds.filter(message => !held.includes(message) && !added.has(message.uid) && !elsewhere.has(message.uid)),
  }
}

/**
 * What MoveItems gave to this client since its cursor was made: it has it under that id. It is told as a change, for its flags may be other
 * ones by now. Below `top` the mark says nothing: the client may have begun the collection anew.
 */
async function heldByMove(call: Call, { folder, cursor: { validity, top } }: Mailbox, adds: readonly Message[]): Promise<Message[]> {
  const idOf = ({ uid }: Message): string => printItemId({ folder: folder.id, validity, uid })
  const late = adds.filter(({ uid }) => uid >= top)
  const given = await givenOf(call, late.map(idOf))
  return late.filter(message => given.has(idOf(message)))
}

/** What the answer must say at all: nothing is said of a collection without news. */
export function hasNews({ request, renewed, applied, changes }: Mailbox): boolean {
  if (request.key === '0' || renewed || applied.responses.length + applied.fetched.length > 0) return true
  if (!changes) return false
  return changes.more || countOf(changes) > 0
}

/** The key the client gets. Memory is brought up to date; losing it costs a look at the mailbox, no more. */
export function advance(call: Call, collection: Mailbox): string {
  const { request, options, since, changes } = collection
  const cursor = changes?.next ?? collection.cursor
  const secret = call.settings.secret
  const key = hasNews(collection)
    ? printSyncKey(secret, call.stores.person.account, request.id, { cursor, options })
    : request.key
  call.cache.set(cursorName(call, request.id), { key, cursor, since, options } satisfies Remembered, { size: 512 })
  return key
}

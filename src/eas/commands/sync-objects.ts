import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../base/failure.ts'
import { freshObjects, incompleteOnly, type ObjectCursor } from '../../model/cursor.ts'
import type { Folder, FolderId } from '../../model/folder.ts'
import type { Listed, ObjectStore } from '../../model/ports.ts'
import { splitToken, standForSame } from '../../state/merged-token.ts'
import { parseObjectKey, printObjectKey } from '../../state/object-key.ts'
import type { KeyOwner } from '../../state/sync-key.ts'
import { defaultOptions, type SyncOptions } from '../../state/sync-options.ts'
import type { Call } from '../command.ts'
import { filterDay, isFilterOf } from '../filter.ts'
import { objectsOf, type ObjectStanding } from '../folders.ts'
import { holdsVersion, isHeld, nowHeld, noVersion, type Held } from '../held.ts'
import type { ObjectClass } from '../object-class.ts'
import { countChanges, listChanges, weekOf, type ListedChanges, type ListWish } from '../object-changes.ts'
import { classOf } from '../object-classes.ts'
import { applyToObjects, contextOf, nothingApplied, type AppliedToObjects } from './sync-object-commands.ts'
import type { CollectionRequest } from './sync-request.ts'

/** A collection of objects on its way through a Sync. */
export type Objects = {
  readonly request: CollectionRequest
  readonly folder: Folder
  readonly store: ObjectStore
  readonly kind: ObjectClass
  readonly options: SyncOptions
  readonly renewed: boolean
  readonly cursor: ObjectCursor
  readonly since: number
  /** What the client is known to hold, and in which version: after a loss of memory, less than it does. */
  readonly held: Held
  /** [MS-ASCMD] Supported: undefined for a client that named none. */
  readonly supported: ReadonlySet<string> | undefined
  readonly applied: AppliedToObjects
  readonly changes: ListedChanges | undefined
}

/** What is remembered of a collection: what Ping needs, and what the client holds that has this key. */
type Remembered = ObjectStanding & {
  readonly key: string
  readonly options: SyncOptions
  readonly held: Held
  /** The client may come back with the key before, where the answer got lost. */
  readonly before: { readonly key: string; readonly held: Held } | undefined
}

const slot = (call: Call, id: string): string => `cursor:${call.scope}:${id}`
const ownerOf = ({ settings, stores }: Call): KeyOwner => ({ secret: settings.secret, account: stores.person.account })

/**
 * Throws `malformed` also for what is of mail alone, for a FilterType of another class, and for Supported of a class that has none:
 * [MS-ASNOTE] Sync Command Response.
 */
export async function openObjects(call: Call, request: CollectionRequest, folder: Folder): Promise<Objects> {
  if (request.conversations) throw new Failure('malformed', 'ConversationMode of what is no mail')
  if (folder.content === 'notes' && request.supported?.length) throw new Failure('malformed', 'Supported of notes')
  // What a key remembers from before this was asked shows all.
  if (request.options && !isFilterOf(folder.content, request.options.filter)) throw new Failure('malformed', `FilterType ${request.options.filter} of ${folder.content}`)
  const store = objectsOf(call.stores.objects)
  const kind = classOf(folder)
  const memory = call.cache.get<Remembered>(slot(call, request.id))
  const state = request.key === '0' ? undefined : await parseObjectKey(ownerOf(call), call.shared, request.id, request.key)
  const known = request.options ?? state?.options ?? memory?.options
  const options = known ?? defaultOptions
  const cursor = state?.cursor ?? freshObjects
  const since = known || !state ? sinceOf(kind, options.filter, call.now()) : cursor.since
  const supported = await supportedOf(call, request, state?.supportsAll ?? request.supported === undefined)
  const place = { store, folder, kind, cursor, options, supported, held: heldBy(memory, request.key) }
  // What several collections were like may turn out to be forgotten: better before anything is done.
  if (request.commands.length > 0 && splitToken(cursor.token)) await store.changes(folder.id, cursor.token)
  const applied = request.commands.length ? await applyToObjects(call, place, request.key, request.commands) : nothingApplied
  const renewed = request.options !== undefined && !isDeepStrictEqual(request.options, state?.options)
  return { ...place, request, renewed, since, applied, changes: undefined }
}

function heldBy(memory: Remembered | undefined, key: string): Held {
  if (key === '0') return new Map()
  return (memory?.key === key ? memory.held : memory?.before?.key === key ? memory.before.held : undefined) ?? new Map()
}

/** What does not apply shows all. */
function sinceOf(kind: ObjectClass, filter: number, now: Date): number {
  if (kind.isDone) return filter === 8 ? incompleteOnly : 0
  return kind.timed && filter >= 4 && filter <= 7 ? filterDay(filter, now) : 0
}

/** Objects asked for in one request. */
const batch = 100

/** What of a class is shown but for a time. Nothing is told of it anew to a client that asks for no changes. */
function passingOf(call: Call, kind: ObjectClass, still?: ObjectCursor): Pick<ListWish, 'week' | 'passing'> {
  const passing: ListWish['passing'] = async (store, folder) => {
    const found: Listed[] = [], names = [...await store.within(folder, call.now())]
    for (let at = 0; at < names.length; at += batch) {
      for (const one of await store.objects(folder, names.slice(at, at + batch))) if (passes(one.octets)) found.push({ name: one.name, etag: one.etag })
    }
    return found
  }
  const context = contextOf(call, { options: defaultOptions, supported: undefined, folder: { id: '' as FolderId } })
  /** What cannot be understood is not shown at all. */
  const passes = (octets: Uint8Array): boolean => {
    try {
      return kind.isPassing!(octets, context)
    } catch (error) {
      if (error instanceof Failure) return false
      throw error
    }
  }
  return { week: still ? still.week : kind.isPassing && weekOf(call.now(), call.scope).week, passing }
}

/** [MS-ASCMD] Supported comes with key 0 and holds from then on. Where it is forgotten what was named, what a client leaves out is kept. */
async function supportedOf(call: Call, { id, key, supported, commands }: CollectionRequest, all: boolean): Promise<ReadonlySet<string> | undefined> {
  const name = `supported:${call.scope}:${id}`
  if (key === '0' ? !supported : all) return undefined
  const tags = key === '0' ? supported! : commands.length ? await call.shared.recall<readonly string[]>(name) ?? [] : []
  // Whoever goes on writing is not forgotten.
  if (tags.length) await call.shared.keep(name, tags, { seconds: year, size: tags.length * 32 })
  return new Set(tags)
}

const year = 366 * 86_400

export async function gatherObjects(call: Call, state: Objects, window: number): Promise<Objects> {
  const { store, folder, cursor, since, applied, held } = state
  const wanted = state.request.getChanges !== false
  const all = await listChanges(store, folder.id, cursor, {
    window: wanted ? window : 0, since, ...passingOf(call, state.kind, wanted ? undefined : cursor), memory: call.cache, scope: call.scope, made: applied.made,
  })
  // Where done tasks are left out, those a client holds are looked at too: see `tellingsOf`.
  const own = ({ name, etag }: Listed): boolean => !applied.undone.has(name) &&
    (applied.versions.has(name) ? applied.versions.get(name) === etag : since !== incompleteOnly && holdsVersion(held, name, etag))
  const changes = {
    ...all, more: all.more && wanted,
    present: all.present.filter(one => one.again || !own(one)),
    gone: all.gone.filter(name => !applied.removed.has(name)),
  }
  return { ...state, changes }
}

/** Also where it wants none but made something: see `listChanges`. */
export const wantsObjectChanges = ({ request, applied }: Objects): boolean =>
  request.key !== '0' && (request.getChanges !== false || applied.made.size > 0)

/**
 * A new token is news even where nothing is told along with it: a key stands for the state its client holds and nothing else, so that any
 * process may take it up.
 */
export function hasObjectNews({ request, renewed, cursor, applied, changes }: Objects): boolean {
  if (request.key === '0' || renewed || applied.responses.length + applied.fetched.length + applied.undone.size > 0) return true
  return changes !== undefined && (changes.more || !isSame(changes.next, cursor))
}

const isSame = (one: ObjectCursor, other: ObjectCursor): boolean =>
  standForSame(one.token, other.token) && isDeepStrictEqual({ ...one, token: '' }, { ...other, token: '' })

/** How many items a Sync with this key would still tell about. Throws `unsupported` for a FilterType that is none of the class. */
export async function estimateObjects(call: Call, folder: Folder, key: string, wanted: number | undefined): Promise<number> {
  const kind = classOf(folder)
  const { cursor, options } = await parseObjectKey(ownerOf(call), call.shared, folder.id, key)
  const filter = wanted ?? options?.filter ?? 0
  if (wanted !== undefined && !isFilterOf(folder.content, wanted)) throw new Failure(wanted > 8 ? 'malformed' : 'unsupported', `FilterType ${wanted}`)
  return countChanges(objectsOf(call.stores.objects), folder.id, cursor, {
    since: sinceOf(kind, filter, call.now()), ...passingOf(call, kind), memory: call.cache, scope: call.scope,
  })
}

/** The key the client gets. `told` is what it holds beyond what it held, undefined for what it has no longer. */
export async function advanceObjects(call: Call, state: Objects, told: ReadonlyMap<string, string | undefined>): Promise<string> {
  const { request, options, since, changes, applied } = state
  const supportsAll = state.supported === undefined
  const cursor = changes?.next ?? state.cursor
  // Printed in any case: what a key has no room for is remembered then.
  const printed = await printObjectKey(ownerOf(call), call.shared, request.id, { cursor, options, supportsAll })
  const key = hasObjectNews(state) ? printed : request.key
  // What is held goes with the key: where that stays, so does this, and the client's own writes are told back to it. What it has deleted it
  // does not hold, whatever key it comes with.
  const left = nowHeld(state.held, [...applied.removed].map(name => [name, undefined]))
  const known = [...applied.known].filter(name => applied.versions.has(name) || !isHeld(state.held, name))
  const held = key === request.key ? left : nowHeld(left, [...known.map(name => [name, applied.versions.get(name) ?? noVersion] as const), ...told])
  const before = key === request.key ? undefined : { key: request.key, held: left }
  const due = state.kind.isPassing ? weekOf(call.now(), call.scope).ends : undefined
  call.cache.set(slot(call, request.id), { key, cursor, since, due, options, held, before } satisfies Remembered, { size: 512 + held.size * 48 })
  return key
}

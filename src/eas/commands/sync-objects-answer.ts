import { Failure } from '../../base/failure.ts'
import { incompleteOnly } from '../../model/cursor.ts'
import type { FolderId } from '../../model/folder.ts'
import type { Listed, StoredObject } from '../../model/ports.ts'
import { printObjectId } from '../../state/item-id.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { classes } from '../folder-type.ts'
import { holdsVersion, isHeld, noVersion } from '../held.ts'
import { givenOf } from '../moved.ts'
import { shows } from '../object-classes.ts'
import { collectionHead } from './sync-answer.ts'
import { contextOf } from './sync-object-commands.ts'
import { advanceObjects, type Objects } from './sync-objects.ts'

/** Objects asked for in one request. */
const batch = 100

/** One thing the client is told, with the version that is known of it then; undefined where it holds it no longer. */
type Telling = { readonly node: Node; readonly name: string; readonly etag: string | undefined }

/**
 * [MS-ASCMD] Collection (Sync response), of objects. What there is to tell is known before the first element is written: which objects a
 * folder shows stands in them.
 */
export async function describeObjects(call: Call, state: Objects): Promise<Node> {
  const { request, applied, changes } = state
  const tellings = await tellingsOf(call, state)
  const responses = [...applied.responses, ...await fetchedNodes(call, state)]
  const key = await advanceObjects(call, state, new Map(tellings.map(({ name, etag }) => [name, etag])))
  return el('AirSync:Collection', [
    ...collectionHead(call, request, key, '1', classes[state.folder.content]),
    ...(changes?.more ? [el('AirSync:MoreAvailable')] : []),
    ...(responses.length ? [el('AirSync:Responses', responses)] : []),
    ...(tellings.length ? [el('AirSync:Commands', tellings.map(({ node }) => node))] : []),
  ])
}

async function tellingsOf(call: Call, state: Objects): Promise<Telling[]> {
  const { changes, applied, cursor } = state
  const went = new Set(changes?.gone ?? [])
  const gone = [...went].map(name => telling(state, 'Delete', name))
  const aged = [...changes?.aged ?? []].map(name => telling(state, 'SoftDelete', name))
  const listed = new Map((changes?.present ?? []).map(one => [one.name, one]))
  const undone = [...applied.undone].filter(name => !listed.has(name) && !went.has(name) && !applied.removed.has(name)).map(name => ({ name, etag: '' }))
  const wanted = [...listed.values(), ...undone]
  const there = await objectsOf(state, wanted)
  const holds = cursor.pass?.phase === 'coming' ? !cursor.pass.first : cursor.token !== ''
  // Those MoveItems gave to this client: it has them under these ids.
  const idOf = (name: string): string => printObjectId({ folder: state.folder.id, name })
  const given = holds ? await givenOf(call, wanted.filter(({ name }) => !isHeld(state.held, name)).map(({ name }) => idOf(name))) : undefined
  const present = wanted.flatMap(({ name }) => {
    const object = there.get(name)
    // What was made in a collection that takes nothing is not there; what is listed and is not there will be told as gone.
    if (!object) return applied.undone.has(name) ? [telling(state, 'Delete', name)] : []
    const nodes = say(call, state, object)
    if (nodes && nodes !== 'done' && state.since === incompleteOnly && !applied.undone.has(name) && holdsVersion(state.held, name, object.etag)) return []
    if (nodes === 'done') return holds ? [telling(state, 'SoftDelete', name)] : []
    // It may have been shown before, in a process that remembers so.
    if (!nodes) return holds ? [telling(state, 'Delete', name)] : []
    const has = applied.known.has(name) || (!applied.undone.has(name) && (isHeld(state.held, name) || given?.has(idOf(name)) === true))
    return [{ ...telling(state, has ? 'Change' : 'Add', name, nodes), etag: isOfList(listed.get(name), object) ? object.etag : noVersion }]
  })
  return [...gone, ...aged, ...present]
}

/**
 * What was read later than the list is told, and told again with the next one: the client may get the same key from another process, which
 * read it earlier.
 */
const isOfList = (one: Listed | undefined, { etag }: StoredObject): boolean => one?.etag === etag

function telling({ folder }: Objects, kind: 'Add' | 'Change' | 'Delete' | 'SoftDelete', name: string, nodes?: readonly Node[]): Telling {
  const id = el('AirSync:ServerId', printObjectId({ folder: folder.id, name }))
  return { name, etag: undefined, node: el(`AirSync:${kind}`, [id, ...(nodes ? [el('AirSync:ApplicationData', nodes)] : [])]) }
}

async function objectsOf({ store, folder }: Objects, listed: readonly Pick<Listed, 'name'>[]): Promise<ReadonlyMap<string, StoredObject>> {
  const found: StoredObject[] = []
  for (let at = 0; at < listed.length; at += batch) {
    found.push(...await store.objects(folder.id, listed.slice(at, at + batch).map(({ name }) => name)))
  }
  return new Map(found.map(one => [one.name, one]))
}

/** Undefined for what this folder does not show, and for what cannot be understood: the rest goes on. */
function say(call: Call, state: Objects, { name, octets }: StoredObject): readonly Node[] | 'done' | undefined {
  const { kind } = state
  const context = contextOf(call, state, name)
  try {
    if (filterOf(state) === incompleteOnly && kind.isDone?.(octets, context)) return 'done'
    return shows(kind, octets) ? kind.say(octets, context) : undefined
  } catch (error) {
    return leftOut(call, state.folder.id, name, error)
  }
}

/** Tells the log of an object that cannot be understood, and why: the rest goes on. */
export function leftOut(call: Call, folder: FolderId, name: string, error: unknown): undefined {
  const reason = error instanceof Failure ? error.message : undefined
  call.log[reason === undefined ? 'error' : 'warn']({ collection: folder, object: name.slice(0, 100), reason, err: reason ? undefined : error }, 'object left out')
  return undefined
}

/** The one of the list that is told, which may be older than what the client wants by now. */
const filterOf = ({ changes, cursor }: Objects): number => (changes?.next ?? cursor).since

/** [MS-ASCMD] Fetch (Sync): items as they are now. */
async function fetchedNodes(call: Call, state: Objects): Promise<Node[]> {
  const { fetched } = state.applied
  if (fetched.length === 0) return []
  const there = await objectsOf(state, fetched)
  return fetched.map(({ serverId, name }) => {
    const object = there.get(name)
    const nodes = object && say(call, state, object)
    const found = nodes !== undefined && nodes !== 'done'
    return el('AirSync:Fetch', [
      el('AirSync:ServerId', serverId), el('AirSync:Status', found ? '1' : '8'),
      ...(found ? [el('AirSync:ApplicationData', nodes)] : []),
    ])
  })
}

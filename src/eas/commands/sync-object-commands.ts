import { createHash } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import type { ObjectCursor } from '../../model/cursor.ts'
import { isClosed, type Folder } from '../../model/folder.ts'
import type { ObjectStore, StoredObject } from '../../model/ports.ts'
import { printObjectFile, printObjectId } from '../../state/item-id.ts'
import type { SyncOptions } from '../../state/sync-options.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { holdsVersion, nowHeld, type Held } from '../held.ts'
import { isBehind, isUntold } from '../object-changes.ts'
import { removeMeeting, tellGuests } from '../meetings.ts'
import type { ObjectClass, ObjectContext } from '../object-class.ts'
import { namesOf } from '../object-names.ts'
import { outcome } from '../outcome.ts'
import { filesOf, storeFiles, type FilesOfChange } from './object-files.ts'
import { itemStatus, response } from './sync-commands.ts'
import { digestElement, type ClientCommand } from './sync-request.ts'

/** What the client's own commands did, so that it is not told of it again. */
export type AppliedToObjects = {
  readonly responses: readonly Node[]
  /** What the client made is called so. */
  readonly made: ReadonlySet<string>
  /** Versions the client's own writes left behind; undefined where the server made something else of them. */
  readonly versions: ReadonlyMap<string, string | undefined>
  readonly removed: ReadonlySet<string>
  /** What the client has by now in some version: a later one is a change to it, however little is remembered. */
  readonly known: ReadonlySet<string>
  /** What the client did to these does not count: it is told what there is. */
  readonly undone: ReadonlySet<string>
  readonly fetched: readonly { readonly serverId: string; readonly name: string }[]
}

export const nothingApplied: AppliedToObjects =
  { responses: [], made: new Set(), versions: new Map(), removed: new Set(), known: new Set(), undone: new Set(), fetched: [] }

export type ObjectPlace = {
  readonly store: ObjectStore
  readonly folder: Folder
  readonly kind: ObjectClass
  readonly cursor: ObjectCursor
  readonly options: SyncOptions
  readonly supported: ReadonlySet<string> | undefined
  readonly held: Held
}

type Work = {
  readonly call: Call
  readonly place: ObjectPlace
  readonly key: string
  /** What somebody else made of objects or removed since the client last looked, by name. Asked for once, where it matters. */
  readonly changed: () => Promise<ReadonlySet<string> | undefined>
  /** What the client itself wrote with the same key before, in a request whose answer got lost or moved it no further. */
  readonly before: Held
  readonly made: Set<string>
  readonly versions: Map<string, string | undefined>
  /** As they were, after nobody could be told of a change: versions the client has written no less. */
  readonly restored: Map<string, string | undefined>
  readonly removed: Set<string>
  readonly known: Set<string>
  readonly undone: Set<string>
}

type Named = { readonly command: ClientCommand; readonly name: string | undefined }

/** [MS-ASCMD] Commands, of objects: each is idempotent, as a client whose answer got lost repeats it. Failures of single items become their Status. */
export async function applyToObjects(call: Call, place: ObjectPlace, key: string, commands: readonly ClientCommand[]): Promise<AppliedToObjects> {
  const named = await resolve(place, commands)
  let changed: ReturnType<Work['changed']> | undefined
  const work: Work = {
    call, place, key, changed: () => changed ??= changedSince(place), before: await writtenBefore(call, place, key),
    made: new Set(), versions: new Map(), restored: new Map(), removed: new Set(), known: new Set(), undone: new Set(),
  }
  const wanted = named.flatMap(({ command, name }) => command.kind === 'Delete' && !command.instance && name ? [name] : [])
  const stored = new Map((wanted.length ? await place.store.objects(place.folder.id, [...new Set(wanted)]) : []).map(one => [one.name, one]))
  const responses: Node[] = []
  try {
    for (const one of named) {
      const answered = await itemwise(work, one, stored)
      if (answered) responses.push(answered)
    }
  } finally {
    await keepWritten(work)
  }
  const fetched = named.flatMap(({ command, name }) => command.kind === 'Fetch' && name ? [{ serverId: command.serverId, name }] : [])
  return { ...work, responses, fetched }
}

/** A name for each command that names an object. */
async function resolve({ store, folder }: ObjectPlace, commands: readonly ClientCommand[]): Promise<Named[]> {
  const found = await namesOf(store, folder.id, commands.map(({ serverId }) => serverId))
  return commands.map((command, index) => ({ command, name: found[index] }))
}

/** Undefined where the server does not know the token any more; the changes asked for afterwards will say so. */
async function changedSince({ store, folder, cursor }: ObjectPlace): Promise<ReadonlySet<string> | undefined> {
  if (!cursor.token) return new Set()
  const found = await outcome(store.changes(folder.id, cursor.token))
  if (!(found instanceof Failure)) return new Set([...found.gone, ...found.present.map(({ name }) => name)])
  if (found.kind === 'stale') return undefined
  throw found
}

/** What is remembered of a client's own writes: they are no conflict to a client that goes on with the key it wrote them with. */
const writtenName = ({ scope }: Call, { folder }: ObjectPlace, key: string): string => `wrote:${scope}:${folder.id}:${key}`

const writtenBefore = async (call: Call, place: ObjectPlace, key: string): Promise<Held> =>
  new Map(await call.shared.recall<readonly (readonly [number, number])[]>(writtenName(call, place, key)))

async function keepWritten({ call, place, key, before, versions, restored }: Work): Promise<void> {
  if (versions.size + restored.size === 0) return
  const all = nowHeld(nowHeld(before, restored), versions)
  await call.shared.keep(writtenName(call, place, key), [...all], { size: 256 + all.size * 48, seconds: day })
}

const day = 86_400

async function itemwise(work: Work, { command, name }: Named, stored: ReadonlyMap<string, StoredObject>): Promise<Node | undefined> {
  try {
    if (command.kind === 'Add') return await add(work, command)
    if (name === undefined) return command.kind === 'Delete' && !command.instance ? undefined : response(command, '8')
    if (command.kind === 'Change') return await change(work, command, name)
    if (command.kind === 'Delete') return command.instance ? await change(work, command, name) : await remove(work, command, name, stored.get(name))
    return undefined
  } catch (error) {
    const status = error instanceof Failure ? itemStatus[error.kind] : undefined
    if (!status) throw error
    const { call, place } = work
    // The client has it no longer, and we do.
    if (command.kind === 'Delete' && !command.instance && name !== undefined) work.undone.add(name)
    call.log.info({ collection: place.folder.id, command: command.kind, kind: (error as Failure).kind, reason: (error as Failure).message }, 'item refused')
    return response(command, status)
  }
}

async function add(work: Work, command: ClientCommand): Promise<Node> {
  const { call, place: { store, folder, kind }, key, made, known, versions, undone } = work
  if (!command.data) return response(command, '6')
  const uid = kind.clientUid?.(command.data)
  const wanted = uid ? nameOf(`uid\0${folder.id}\0${uid}`, kind.ending) : nameOfNew(call, key, command, kind.ending), said: Node[] = []
  const files = folder.readOnly ? undefined : await filesToStore(work, command, undefined)
  const octets = folder.readOnly ? undefined : kind.hear(undefined, files?.data ?? command.data, contextOf(call, work.place))
  const written = octets ? await outcome(store.write(folder.id, wanted, octets, 'new')) : closed
  if (written instanceof Failure && written.kind !== 'exists' && written.kind !== 'denied') throw written
  const before = written instanceof Failure && !isDenied(written) ? await store.read(folder.id, wanted) : undefined
  const name = (written instanceof Failure ? before?.name : written.name) ?? wanted
  const there = written instanceof Failure ? before?.octets : octets
  // What was made on the phone leaves it again: it gets an id, and is told at once that there is no such item.
  if (isDenied(written)) undo(work, name)
  else if (!there) {
    call.log.info({ collection: folder.id, reason: (written as Failure).message }, 'a new item of the phone is there already, under another name')
    undone.add(name)
  } else {
    if (!(written instanceof Failure)) versions.set(name, written.etag)
    const context = contextOf(call, work.place, name)
    const filed = await file(work, command, name, undefined, written instanceof Failure ? await filesToStore(work, command, { name, octets: there, etag: '' }) : files)
    if (kind.meets) await tell(work, name, undefined, there)
    known.add(name)
    made.add(name)
    said.push(...kind.made?.(there, context) ?? [], ...filed)
  }
  return el('AirSync:Add', [
    el('AirSync:ClientId', command.clientId), el('AirSync:ServerId', printObjectId({ folder: folder.id, name })), el('AirSync:Status', '1'),
    ...(said.length ? [el('AirSync:ApplicationData', said)] : []),
  ])
}

/** Of an item, or of one occurrence. A write that somebody was faster than is tried once more with what there is now, and the Conflict rule decides. */
async function change(work: Work, command: ClientCommand, name: string, again = false): Promise<Node | undefined> {
  const { call, place, versions } = work
  const stored = await place.store.read(place.folder.id, name)
  if (!stored) return response(command, '8')
  work.known.add(name)
  if (isClosed(place.folder, name)) return undo(work, name)
  const files = await filesToStore(work, command, stored)
  const octets = edited(call, place, files ? { ...command, data: files.data } : command, stored)
  if (!octets) return response(command, '6')
  const done = async (): Promise<Node | undefined> => {
    const filed = await file(work, command, name, stored, files)
    return filed.length ? response(command, '1', [el('AirSync:ApplicationData', filed)]) : undefined
  }
  const same = Buffer.compare(octets, stored.octets) === 0
  // Nothing is left to do: also for a request that comes a second time.
  if (same && !files?.isWork) return done()
  if (await isDisputed(work, name, stored.etag, again)) return response(command, '7')
  if (!again && await isDoneBefore(work, command, stored)) return done()
  const written = same ? { etag: stored.etag } : await outcome(place.store.write(place.folder.id, name, octets, { etag: stored.etag }))
  if (isDenied(written)) return undo(work, name)
  if (written instanceof Failure) {
    if (written.kind !== 'conflict' || again) throw written
    return change(work, command, name, true)
  }
  versions.set(name, written.etag)
  const answered = await done()
  const etag = versions.get(name)
  if (place.kind.meets) await tell(work, name, stored.octets, octets)
  const isNews = (isUntold(place.cursor, name) && !holdsVersion(place.held, name, stored.etag)) ||
    (command.data && place.kind.isNews?.(octets, command.data, contextOf(call, place, name, command.instance)))
  versions.set(name, isNews ? undefined : etag)
  return answered
}

/** Files that the server is to keep: undefined where they are in the object itself. */
async function filesToStore({ call, place }: Work, { data, instance }: ClientCommand, stored: StoredObject | undefined): Promise<FilesOfChange | undefined> {
  if (!place.kind.filed || !data) return undefined
  const context = contextOf(call, place, stored?.name)
  const occurrence = (): string | undefined => stored && instance !== undefined ? place.kind.occurrence?.(stored.octets, instance, context) : undefined
  return filesOf(call, data, stored?.octets, occurrence)
}

/** What the answer says of files that came with a command, after the server has them. Where it does not take them, nothing of the item is there. */
async function file(work: Work, { data }: ClientCommand, name: string, before: StoredObject | undefined, files: FilesOfChange | undefined): Promise<readonly Node[]> {
  const { call, place, versions } = work
  const context = contextOf(call, place, name)
  if (!files) return data && place.kind.filed?.(data, context) || []
  const stored = await outcome(storeFiles(call, place.folder.id, context.reference, name, versions.get(name), files))
  if (!(stored instanceof Failure)) {
    if (files.isWork) versions.set(name, stored.etag)
    return stored.nodes
  }
  await restore(work, name, before?.octets, before !== undefined || versions.has(name))
  throw stored
}

/** Those who meet hear of what was written. Where they cannot, it is as it was, and the client may try again. */
async function tell(work: Work, name: string, before: Uint8Array | undefined, after: Uint8Array | undefined): Promise<void> {
  const told = await outcome(tellGuests(work.call, before, after))
  if (!(told instanceof Failure)) return
  // What was there before this request stays.
  await restore(work, name, before, before !== undefined || work.versions.has(name))
  throw told
}

async function restore({ call, place: { store, folder }, versions, restored }: Work, name: string, before: Uint8Array | undefined, own: boolean): Promise<void> {
  const etag = versions.get(name)
  versions.delete(name)
  const undone = own && await outcome(before
    ? store.write(folder.id, name, before, etag === undefined ? undefined : { etag })
    : store.remove(folder.id, name, etag).then(() => undefined))
  if (undone instanceof Failure) call.log.warn({ collection: folder.id, kind: undone.kind, why: undone.message }, 'an event stands that was to be as before')
  else if (undone) restored.set(name, undone.etag)
}

/** Stores what a change makes beside its object. That it is there already tells of a request that comes a second time. */
async function isDoneBefore({ call, key, place }: Work, { data, serverId, instance }: ClientCommand, { name, octets }: StoredObject): Promise<boolean> {
  const made = data && place.kind.beside?.(octets, data, contextOf(call, place, name, instance))
  if (!made) return false
  const written = await outcome(place.store.write(place.folder.id, nameOfNew(call, key, { clientId: serverId, data }, place.kind.ending), made, 'new'))
  if (written instanceof Failure && written.kind !== 'exists') throw written
  return written instanceof Failure
}

/** Undefined for what makes no sense. */
function edited(call: Call, place: ObjectPlace, { kind, data, instance }: ClientCommand, { name, octets: stored }: StoredObject): Uint8Array | undefined {
  const context = contextOf(call, place, name, instance)
  if (kind === 'Delete') return instance === undefined ? undefined : place.kind.cut?.(stored, instance, context)
  return data && place.kind.hear(stored, data, context)
}

async function remove(work: Work, command: ClientCommand, name: string, stored: StoredObject | undefined): Promise<Node | undefined> {
  const { call, place: { store, folder, kind, options }, versions, removed, known, undone } = work
  known.delete(name)
  if (stored && isClosed(folder, name)) return undo(work, name)
  if (stored && await isDisputed(work, name, stored.etag, false)) {
    undone.add(name)
    return response(command, '7')
  }
  // The same request may have changed it before.
  const etag = options.conflict === 0 ? undefined : versions.has(name) ? versions.get(name) : stored?.etag
  if (stored && kind.meets) await tellGuests(call, stored.octets, undefined)
  const done = stored && await outcome(kind.meets ? removeMeeting(call, folder.id, stored, etag) : store.remove(folder.id, name, etag))
  if (isDenied(done)) return undo(work, name)
  if (done instanceof Failure) throw done
  removed.add(name)
  return undefined
}

/**
 * Whether somebody else changed what the client means to change, and the server's side is to win. Where nobody can know, it does: an edit
 * that the client has not seen is not undone by it.
 */
async function isDisputed({ call, place, changed, versions, before }: Work, name: string, etag: string, again: boolean): Promise<boolean> {
  if (place.options.conflict !== 1) return false
  if (again) return true
  // The same request may have changed it before: occurrences of a series come one by one.
  if (versions.has(name)) return false
  if (holdsVersion(place.held, name, etag) || holdsVersion(before, name, etag)) return false
  if (isBehind(place.folder.id, place.cursor, name, { memory: call.cache, scope: call.scope })) return true
  return (await changed())?.has(name) ?? true
}

/** A collection may be read-only, or turn out to be when it is written to. */
const closed = new Failure('denied', 'the collection is read-only')
const isDenied = (done: unknown): boolean => done instanceof Failure && done.kind === 'denied'

function undo({ call, place: { folder }, undone }: Work, name: string): undefined {
  call.log.info({ collection: folder.id }, 'a change of a collection that is read-only is undone')
  undone.add(name)
}

type Around = Pick<ObjectPlace, 'options' | 'supported'> & { readonly folder: Pick<Folder, 'id'> }

/** `name` is the object's; of a new one there is none. */
export const contextOf = (call: Call, { options, supported, folder }: Around, name = '', instance?: string): ObjectContext => ({
  ...call.clocks, version: call.request.version, userAgent: call.request.userAgent, bodies: options.bodies, person: call.stores.person,
  reference: file => printObjectFile({ folder: folder.id, name }, file), isHere: uri => call.stores.objects?.files?.isHere(uri) ?? false, supported, instance, now: call.now(), log: call.log,
})

/**
 * What a client's object is called in its collection: the same for a request that is repeated. What is in it counts: a phone that was set
 * up anew counts its ids from one again.
 */
function nameOfNew({ scope }: Call, key: string, { clientId, data }: Pick<ClientCommand, 'clientId' | 'data'>, ending: string): string {
  return nameOf(`add\0${scope}\0${key}\0${clientId}\0${data ? digestElement(data) : ''}`, ending)
}

function nameOf(said: string, ending: string): string {
  const hex = createHash('sha256').update(said).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}${ending}`
}

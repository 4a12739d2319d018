import { Failure } from '../base/failure.ts'
import type { MailCursor, ObjectCursor } from '../model/cursor.ts'
import { holdsObjects, type Folder, type FolderId } from '../model/folder.ts'
import type { ObjectStore, Stores, Watcher } from '../model/ports.ts'
import { since, type Version } from './versions.ts'

/** Where a client stands in a folder; undefined where that is not known, and any event counts as news. */
export type Standing = MailStanding | ObjectStanding | undefined
export type MailStanding = { readonly cursor: MailCursor; readonly since: number }
export type ObjectStanding = { readonly cursor: ObjectCursor; readonly since: number }

/** Mailboxes, then collections of objects, of the classes that the version knows: [MS-ASNOTE] came with 14.0. */
export async function foldersOf({ mail, objects }: Stores, version: Version): Promise<readonly Folder[]> {
  const [mailboxes, collections = []] = await Promise.all([mail.folders(), objects?.folders()])
  return [...mailboxes, ...collections.filter(({ content }) => content !== 'notes' || since(version, '14.0'))]
}

/** Throws `not-found`. */
export const folderOf = ({ mail, objects }: Stores, id: FolderId): Promise<Folder> =>
  holdsObjects(id) ? objectsOf(objects).folder(id) : mail.folder(id)

/** The store behind a folder that holds objects. Throws `not-found` where there is none. */
export function objectsOf(objects: ObjectStore | undefined): ObjectStore {
  if (!objects) throw new Failure('not-found', 'no such folder')
  return objects
}

/** Which of these folders may have changes; one round trip to each kind of server that is asked. */
export async function changedFolders({ mail, objects }: Stores, standings: ReadonlyMap<FolderId, NonNullable<Standing>>): Promise<ReadonlySet<FolderId>> {
  const mailboxes = new Map<FolderId, MailStanding>(), tokens = new Map<FolderId, string>()
  const sure = new Set<FolderId>()
  for (const [id, standing] of standings) {
    if (!isOfObjects(standing)) mailboxes.set(id, standing)
    else if (isUnderWay(standing)) sure.add(id)
    else tokens.set(id, standing.cursor.token)
  }
  const found = await Promise.all([
    ...(mailboxes.size ? [mail.changed(mailboxes)] : []), ...(tokens.size ? [objectsOf(objects).changed(tokens)] : []),
  ])
  return new Set([...found, sure].flatMap(ids => [...ids]))
}

const isOfObjects = (standing: NonNullable<Standing>): standing is ObjectStanding => 'token' in standing.cursor

/** A list is being told, a first one will be, or the time filter has moved on: there is news without asking. */
const isUnderWay = ({ cursor: { token, pass, since }, since: wanted }: ObjectStanding): boolean =>
  token === '' || pass !== undefined || since !== wanted

/** Watches folders of both kinds until `signal` ends: see `MailStore.watch`. */
export async function watchFolders({ mail, objects }: Stores, ids: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void> {
  const collections = ids.filter(holdsObjects), mailboxes = ids.filter(id => !holdsObjects(id))
  const watches = [
    ...(mailboxes.length || collections.length === 0 ? [mail.watch(mailboxes, signal, on)] : []),
    ...(collections.length ? [objectsOf(objects).watch(collections, signal, on)] : []),
  ]
  await Promise.all(watches)
}

import { Failure } from '../base/failure.ts'
import type { MailCursor, ObjectCursor } from '../model/cursor.ts'
import { holdsObjects, type Folder, type FolderId } from '../model/folder.ts'
import type { ObjectStore, Stores, Watcher } from '../model/ports.ts'
import { outcome } from './outcome.ts'
import { since, type Version } from './versions.ts'

/** Where a client stands in a folder; undefined where that is not known, and any event counts as news. */
export type Standing = MailStanding | ObjectStanding | undefined
export type MailStanding = { readonly cursor: MailCursor; readonly since: number }
/** `due`: when, in milliseconds, there is news that nobody made: what is shown but for a time. */
export type ObjectStanding = { readonly cursor: ObjectCursor; readonly since: number; readonly due?: number | undefined }

/**
 * Mailboxes, then collections of objects, of the classes that the version knows: [MS-ASNOTE] came with 14.0. All of them, or it throws;
 * mailboxes alone of a user whom the server of objects refuses, which is `refused` then.
 */
export async function foldersAllowed(stores: Stores, version: Version): Promise<{ readonly folders: readonly Folder[]; readonly refused: Failure | undefined }> {
  const { folders, away } = await together(stores, version, outcome)
  if (away && away.kind !== 'denied') throw away
  return { folders, refused: away }
}

/** The same where mail must not wait: `away` where it cannot be told, now or soon, which collections of objects there are. */
export const foldersAtHand = (stores: Stores, version: Version): Promise<Together> => together(stores, version, soon)

type Together = { readonly folders: readonly Folder[]; readonly away: Failure | undefined }
type Asking = (work: Promise<readonly Folder[]>) => Promise<readonly Folder[] | Failure>

async function together({ mail, objects }: Stores, version: Version, asking: Asking): Promise<Together> {
  const [mailboxes, collections = []] = await Promise.all([mail.folders(), objects && asking(objects.folders())])
  if (collections instanceof Failure) return { folders: mailboxes, away: collections }
  const known = collections.filter(({ content }) => isKnownTo(version, content))
  return { folders: [...asMail(mailboxes, known), ...known], away: undefined }
}

/** A mailbox of notes is no mail folder to a client that has it as notes. */
function asMail(mailboxes: readonly Folder[], known: readonly Folder[]): readonly Folder[] {
  const others = new Set(known.map(({ mailbox }) => mailbox))
  return others.size > 0 ? mailboxes.filter(({ id }) => !others.has(id)) : mailboxes
}

/** The mail folders as a client of the version has them. */
export async function mailFolders({ mail, objects }: Stores, version: Version): Promise<readonly Folder[]> {
  const [mailboxes, collections = []] = await Promise.all([mail.folders(), objects && since(version, '14.0') ? soon(objects.folders()) : undefined])
  return collections instanceof Failure ? mailboxes : asMail(mailboxes, collections)
}

const isKnownTo = (version: Version, content: Folder['content']): boolean => content !== 'notes' || since(version, '14.0')

/** Milliseconds that news of mail wait for what is asked beside it. */
const patience = 5000

/** What a server of objects says in that time, in milliseconds, or why it says nothing. */
export async function soon<T>(work: Promise<T>, time = patience): Promise<T | Failure> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Failure>(resolve => {
    timer = setTimeout(() => resolve(new Failure('unavailable', 'no answer in time')), time).unref()
  })
  try {
    return await Promise.race([outcome(work), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Throws `not-found`. */
export const folderOf = ({ mail, objects }: Stores, id: FolderId): Promise<Folder> =>
  holdsObjects(id) ? objectsOf(objects).folder(id) : mail.folder(id)

/** The store behind a folder that holds objects. Throws `not-found` where there is none. */
export function objectsOf(objects: ObjectStore | undefined): ObjectStore {
  if (!objects) throw new Failure('not-found', 'no such folder')
  return objects
}

export type Looked = {
  readonly changed: ReadonlySet<FolderId>
  /** Objects whose server does not answer, and why: mail does not wait for it. */
  readonly unknown: ReadonlySet<FolderId>
  readonly why: Failure | undefined
}

/** Which of these folders may have changes; one round trip to each kind of server that is asked. */
export async function changedFolders({ mail, objects }: Stores, standings: ReadonlyMap<FolderId, NonNullable<Standing>>, now: Date): Promise<Looked> {
  const mailboxes = new Map<FolderId, MailStanding>(), tokens = new Map<FolderId, string>()
  const sure = new Set<FolderId>(), none: ReadonlySet<FolderId> = new Set()
  for (const [id, standing] of standings) {
    if (!isOfObjects(standing)) mailboxes.set(id, standing)
    else if (isUnderWay(standing, now)) sure.add(id)
    else tokens.set(id, standing.cursor.token)
  }
  const asked = tokens.size ? objectsOf(objects).changed(tokens) : Promise.resolve(none)
  const [found, others] = await Promise.all([mailboxes.size ? mail.changed(mailboxes) : none, mailboxes.size ? soon(asked) : outcome(asked)])
  const away = others instanceof Failure
  return { changed: new Set([...found, ...away ? none : others, ...sure]), unknown: away ? new Set(tokens.keys()) : none, why: away ? others : undefined }
}

const isOfObjects = (standing: NonNullable<Standing>): standing is ObjectStanding => 'token' in standing.cursor

/** A list is being told, a first one will be, or time has moved on: there is news without asking. */
const isUnderWay = ({ cursor: { token, pass, since }, since: wanted, due }: ObjectStanding, now: Date): boolean =>
  token === '' || pass !== undefined || since !== wanted || (due !== undefined && now.getTime() >= due)

/** As `Watcher`; `ready` names the folders of which nothing goes untold from now on. */
export type FoldersWatcher = Omit<Watcher, 'ready'> & { ready(ids: readonly FolderId[]): void }

/** Watches folders of both kinds until `signal` ends: see `MailStore.watch`. */
export function watchFolders({ mail, objects }: Stores, ids: readonly FolderId[], signal: AbortSignal, on: FoldersWatcher): Promise<unknown> {
  const collections = ids.filter(holdsObjects), mailboxes = collections.length ? ids.filter(id => !holdsObjects(id)) : ids
  const ofMail = () => mail.watch(mailboxes, signal, watcherOf(mailboxes, on))
  if (collections.length === 0) return ofMail()
  const ofCollections = objectsOf(objects).watch(collections, signal, watcherOf(collections, on))
  return mailboxes.length === 0 ? ofCollections : Promise.all([ofMail(), ofCollections])
}

const watcherOf = (ids: readonly FolderId[], on: FoldersWatcher): Watcher =>
  ({ ready: () => on.ready(ids), changed: id => on.changed(id), lost: why => on.lost(why) })

import { Failure } from '../base/failure.ts'
import { printUtc } from '../formats/calendar-edit.ts'
import type { Folder, FolderId, ObjectContent } from '../model/folder.ts'
import type { ObjectRef, ObjectStore, StoredObject, Watcher } from '../model/ports.ts'
import { isRefusal, octetsOf, type DavClient, type DavServer } from './dav-client.ts'
import {
  componentOf, listCollections, listStates, makeCollection, renameCollection, type CollectionState, type DavCollection,
} from './dav-collections.ts'
import { davHomes, type DavHomes, type DavUser } from './dav-homes.ts'
import { davChanges } from './dav-changes.ts'
import { davFiles } from './dav-files.ts'
import { davFreeBusy } from './dav-free-busy.ts'
import { askForAll, completeRows, objectRows, type ObjectRow } from './dav-rows.ts'
import type { DavLists } from './dav-lists.ts'
import { davWatch } from './dav-watch.ts'
import { document, escapeXml, names, readMultistatus } from './dav-xml.ts'

export type DavOptions = {
  readonly server: DavServer
  readonly client: DavClient
  readonly user: DavUser
  /** What others are called there, by their addresses; undefined for who is not of this server. Nobody is where absent. */
  readonly called?: (address: string) => DavUser | undefined
  /** Lists of collections whose server cannot tell changes; shared by all users. */
  readonly lists: DavLists
  /** False where notes are kept elsewhere: none is made for them. */
  readonly journals?: boolean
  /** Hears of everything that went wrong at the server. */
  readonly trouble?: (error: unknown) => void
}

export type DavStore = ObjectStore & {
  /** The user's address books. */
  books(): Promise<readonly DavCollection[]>
  close(): Promise<void>
}

const { dav, caldav, carddav } = names
/** Seconds the list of collections is believed. */
const fresh = 60
/** Objects named in one REPORT: long enough to be worth the round trip, short enough for servers that build the answer in memory. */
const batch = 100

/** What default collections are called where a user has none. */
const defaultNames: Readonly<Record<ObjectContent, string>> = { calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes' }

/** RFC 4918 and what CalDAV (RFC 4791), CardDAV (RFC 6352) and sync (RFC 6578) add, for one user. */
export function davStore({ server, client, user, called = () => undefined, lists, journals = true, trouble = () => {} }: DavOptions): DavStore {
  let homes: Promise<DavHomes> | undefined
  let known: { readonly at: number; readonly all: readonly DavCollection[] } | undefined
  let listing: Promise<readonly DavCollection[]> | undefined
  let extensions: Promise<string> | undefined
  /** Kinds that the server makes no collection of. */
  const notMade = new Set<ObjectContent>()
  const reports = davChanges(client, lists)
  const watch = davWatch({ pollSeconds: server.pollSeconds ?? 20, states: ids => statesOf(ids), trouble })

  const homesOf = (): Promise<DavHomes> => homes ??= davHomes(client, server, user).catch(error => {
    homes = undefined
    throw error
  })

  async function list(): Promise<readonly DavCollection[]> {
    const found = await homesOf()
    let all = await listCollections(client, found)
    if (server.create !== false && await makeMissing(found, all)) all = await listCollections(client, found)
    known = { at: performance.now(), all }
    return all
  }

  /**
   * A phone shows one of each at least. A server that makes none of some kind goes without. Each has its address, so that of two processes
   * that find it missing at the same time one is refused. Answers whether there may be more now.
   */
  async function makeMissing(found: DavHomes, all: readonly DavCollection[]): Promise<boolean> {
    const missing = (Object.keys(defaultNames) as ObjectContent[])
      .filter(content => !notMade.has(content) && !all.some(one => one.content === content) && (content !== 'notes' || journals))
    for (const content of missing) {
      try {
        await makeCollection(client, found, content, defaultNames[content], `postern-${content}`)
      } catch (error) {
        if (!(error instanceof Failure) || error.kind === 'unavailable' || error.kind === 'busy') throw error
        notMade.add(content)
      }
    }
    return missing.length > 0
  }

  /** Where the server cannot be reached now, what it said before. */
  async function collections(anew = false): Promise<readonly DavCollection[]> {
    if (known && !anew && performance.now() - known.at < fresh * 1000) return known.all
    listing ??= list().finally(() => { listing = undefined })
    try {
      return await listing
    } catch (error) {
      if (known && error instanceof Failure && (error.kind === 'unavailable' || error.kind === 'busy')) return known.all
      throw error
    }
  }

  async function collection(id: FolderId): Promise<DavCollection> {
    const find = (all: readonly DavCollection[]): DavCollection | undefined => all.find(one => one.id === id)
    const found = find(await collections()) ?? find(await collections(true))
    if (!found) throw new Failure('not-found', 'no such collection')
    return found
  }

  /** As they are now, by one request for each home. A collection that is gone has none. */
  async function statesOf(ids: readonly FolderId[]): Promise<ReadonlyMap<FolderId, CollectionState | undefined>> {
    const found = await homesOf(), all = await collections()
    const paths = new Map(all.map(({ id, path }) => [id, path]))
    const needed = [found.calendars, found.contacts].flatMap(home => home && ids.some(id => paths.get(id)?.startsWith(home)) ? [home] : [])
    const states = await listStates(client, [...new Set(needed)])
    return new Map(ids.map(id => [id, states.get(paths.get(id) ?? '')]))
  }

  function addressOf({ path }: DavCollection, name: string): string {
    // These would be the collection, or what it is in.
    if (name === '' || name === '.' || name === '..') throw new Failure('not-found', 'no such object')
    return `${path}${encodeURIComponent(name)}`
  }

  async function written<T>(id: FolderId, work: Promise<T>): Promise<T> {
    const result = await work
    watch.tell(id)
    return result
  }

  /** What is read of a collection. Where that is gone, the next list of folders is to be without it. */
  async function here<T>(id: FolderId, read: (where: DavCollection) => Promise<T>): Promise<T> {
    try {
      return await read(await collection(id))
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'not-found') throw error
      if (!(await collections(true)).some(one => one.id === id)) throw error
      throw new Failure('unavailable', 'the DAV server names a collection and then has none', { cause: error })
    }
  }

  const forget = (): void => { known = undefined }

  /** RFC 4918, DAV Header, of the home of calendars. */
  async function offers(extension: string): Promise<boolean> {
    extensions ??= homesOf().then(async ({ calendars }) => {
      if (!calendars) return ''
      const answer = await client.ask({ method: 'OPTIONS', path: calendars })
      await octetsOf(answer)
      return [answer.headers['dav'] ?? ''].flat().join(',').toLowerCase()
    }).catch((error: unknown) => {
      extensions = undefined
      throw error
    })
    return (await extensions).split(',').some(one => one.trim() === extension)
  }

  const store: DavStore = {
    folders: async anew => (await collections(anew).catch(refused)).map(shown),
    books: async () => (await collections().catch(refused)).filter(({ content }) => content === 'contacts'),
    folder: async id => shown(await collection(id)),
    async createFolder(content, name) {
      const all = await collections()
      if (all.some(one => one.content === content && one.name === name)) throw new Failure('exists', 'there is such a collection')
      const path = await makeCollection(client, await homesOf(), content, name)
      if (!path) throw new Failure('unsupported', 'the DAV server has no home for this')
      forget()
      const made = (await collections()).find(one => one.path === path && one.content === content)
      if (!made) throw new Failure('unavailable', 'the DAV server does not show what it made')
      return shown(made)
    },
    async renameFolder(id, name) {
      const { path } = await collection(id)
      await renameCollection(client, path, name)
      forget()
      return shown(await collection(id))
    },
    async deleteFolder(id) {
      const where = await collection(id)
      // They are in another folder to the client, which did not ask for that one to go.
      if (await holdsOthers(where)) throw new Failure('denied', 'the collection holds objects of other kinds')
      await octetsOf(await client.ask({ method: 'DELETE', path: where.path, expect: [404, 410] }))
      forget()
    },

    changes: async (id, token) => here(id, where => reports.changes(where, token)),
    within: (id, from, to) => here(id, async ({ path }) => {
      const range = `start="${printUtc(from.getTime())}"${to ? ` end="${printUtc(to.getTime())}"` : ''}`
      const body = document('C:calendar-query', '<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">' +
        `<C:time-range ${range}/></C:comp-filter></C:comp-filter></C:filter>`)
      const { rows } = await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '1' }, body })).body)
      const objects = completeRows(rows, path)
      objects.forEach(readable)
      return new Set(objects.map(({ name }) => name))
    }),
    objects: (id, wanted) => here(id, async where => {
      const found: StoredObject[] = []
      for (let at = 0; at < wanted.length; at += batch) found.push(...await multiget(where, wanted.slice(at, at + batch)))
      return found
    }),
    async read(id, name) {
      const answer = await client.ask({ method: 'GET', path: addressOf(await collection(id), name), expect: [404, 410] })
      const octets = await octetsOf(answer)
      const { etag } = answer.headers
      if (answer.status >= 400) return undefined
      if (typeof etag !== 'string') throw new Failure('unavailable', 'the DAV server names no version of an object')
      return { name, etag: plain(etag), octets }
    },
    async write(id, name, octets, condition) {
      const where = await collection(id)
      const type = where.content === 'contacts' ? 'text/vcard; charset=utf-8' : 'text/calendar; charset=utf-8'
      const headers = { 'content-type': type, ...(condition === 'new' ? { 'if-none-match': '*' } : condition?.etag ? { 'if-match': condition.etag } : {}) }
      const put = client.ask({ method: 'PUT', path: addressOf(where, name), headers, body: octets }).catch((error: unknown) => {
        throw condition === 'new' && error instanceof Failure && error.kind === 'conflict' ? new Failure('exists', error.message, { cause: error }) : error
      })
      const answer = await written(id, put)
      await octetsOf(answer)
      const { etag } = answer.headers
      // RFC 7232: a weak one does not promise that what is stored is what was sent.
      return { etag: typeof etag === 'string' && !etag.startsWith('W/') ? plain(etag) : undefined }
    },
    async remove(id, name, etag, quietly = false) {
      const path = addressOf(await collection(id), name)
      const headers = { ...(etag ? { 'if-match': etag } : {}), ...(quietly ? { 'schedule-reply': 'F' } : {}) }
      await octetsOf(await written(id, client.ask({ method: 'DELETE', path, headers, expect: [404, 410] })))
    },
    async containing(id, property, text) {
      const filter = `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="${escapeXml(property)}">` +
        `<C:text-match collation="i;octet">${escapeXml(text)}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter>`
      const body = document('C:calendar-query', `<D:prop><D:getetag/><C:calendar-data/></D:prop>${filter}`)
      const where = await collection(id)
      return (await objectsIn((await client.ask({ method: 'REPORT', path: where.path, headers: { depth: '1' }, body })).body, where)).found
    },
    schedules: () => offers('calendar-auto-schedule'),
    files: davFiles({
      client, offers, addressOf: async ({ folder, name }) => addressOf(await collection(folder), name), written: ({ folder }, work) => written(folder, work),
    }),
    freeBusy: davFreeBusy({ client, user, homes: homesOf, template: server.freeBusy, called }),
    async move({ folder, name }, to) {
      const from = await collection(folder), target = await collection(to)
      const headers = { destination: new URL(addressOf(target, name), client.origin).href, overwrite: 'F' }
      try {
        await octetsOf(await client.ask({ method: 'MOVE', path: addressOf(from, name), headers }))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        if (error.kind === 'conflict') throw new Failure('exists', error.message, { cause: error })
        // Servers that do not move, or not such objects, may still take a copy.
        if (error.kind !== 'denied' && error.kind !== 'unavailable') throw error
        await moveByCopy({ folder, name }, to)
      }
      watch.tell(folder)
      watch.tell(to)
    },

    async changed(tokens) {
      const states = await statesOf([...tokens.keys()]), all = await collections()
      const same = await Promise.all([...tokens].map(([id, token]) => reports.isSame(all.find(one => one.id === id), token, states.get(id))))
      return new Set([...tokens.keys()].filter((_, index) => !same[index]))
    },
    watch: (ids: readonly FolderId[], signal: AbortSignal, on: Watcher) => watch.watch(ids, signal, on),
    async close() {
      watch.close()
      await client.close()
    },
  }
  return reported(store, trouble)

  async function moveByCopy({ folder, name }: ObjectRef, to: FolderId): Promise<void> {
    const stored = await store.read(folder, name)
    if (!stored) throw new Failure('not-found', 'no such object')
    await store.write(to, name, stored.octets, 'new')
    await store.remove(folder, name, stored.etag)
  }

  /** Whether there are objects that are shown in another folder of the same collection. */
  async function holdsOthers({ path, content }: DavCollection): Promise<boolean> {
    const others = (await collections()).filter(one => one.path === path && one.content !== content)
    for (const other of others) {
      const filter = `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="${componentOf(other.content)}"/></C:comp-filter></C:filter>`
      const body = document('C:calendar-query', `<D:prop><D:getetag/></D:prop>${filter}`)
      const { rows } = await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '1' }, body })).body)
      if (rows.length) return true
    }
    return false
  }

  async function multiget(where: DavCollection, all: readonly string[]): Promise<StoredObject[]> {
    const objects: StoredObject[] = []
    const [root, data] = where.content === 'contacts' ? ['A:addressbook-multiget', 'A:address-data'] : ['C:calendar-multiget', 'C:calendar-data']
    await askForAll(all, async wanted => {
      const hrefs = wanted.map(name => `<D:href>${escapeXml(addressOf(where, name))}</D:href>`).join('')
      const body = document(root!, `<D:prop><D:getetag/><${data!}/></D:prop>${hrefs}`)
      const { found, ...rows } = await objectsIn((await client.ask({ method: 'REPORT', path: where.path, headers: { depth: '1' }, body })).body, where)
      objects.push(...found)
      return rows
    })
    return objects
  }

  /** What a REPORT hands out, and what it spoke of at all. */
  async function objectsIn(body: AsyncIterable<Uint8Array>, where: DavCollection) {
    const { rows } = await readMultistatus(body)
    const property = where.content === 'contacts' ? `${carddav}address-data` : `${caldav}calendar-data`
    const { objects, partial } = objectRows(rows, where.path)
    const found = objects.flatMap((row): StoredObject[] => {
      readable(row)
      const text = row.properties.get(property)?.text, etag = row.properties.get(`${dav}getetag`)?.text ?? ''
      return text === undefined ? [] : [{ name: row.name, etag: plain(etag), octets: Buffer.from(text) }]
    })
    return { found, told: new Set(objects.map(({ name }) => name)), partial }
  }
}

/** A user who is not let in has no collections to wait for. */
function refused(error: unknown): never {
  throw error instanceof Failure && error.kind === 'unavailable' && isRefusal(error) ? new Failure('denied', error.message, { cause: error }) : error
}

/** The same store; what fails is told of beside. */
function reported(store: DavStore, trouble: (error: unknown) => void): DavStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args)
        if (result instanceof Promise) result.catch(trouble)
        return result
      }
    },
  })
}

const shown = ({ id, parent, name, role, content, selectable, readOnly, isDefault }: DavCollection): Folder =>
  ({ id, parent, name, role, content, selectable, ...(readOnly ? { readOnly } : {}), ...(isDefault ? { isDefault } : {}) })

/** What cannot be had for now is not gone. */
function readable({ trouble }: ObjectRow): void {
  if (trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${trouble} for an object`)
}

const plain = (etag: string): string => etag.trim()

import { Failure } from '../../src/base/failure.ts'
import { isSince } from '../../src/eas/map/calendar.ts'
import type { Folder, FolderId, ObjectContent } from '../../src/model/folder.ts'
import type { Condition, Listed, ObjectStore, StoredObject, Watcher } from '../../src/model/ports.ts'
import { contextOf } from './calendar-context.ts'
import { MemoryAccount } from './memory.ts'

type Collection = {
  folder: Folder
  readonly objects: Map<string, StoredObject>
  /** Every name that was written or removed, in order, and whether it was there then: a token counts them. */
  readonly history: { readonly name: string; readonly there: boolean }[]
  /** Tokens below this are not known any more. */
  known: number
}
type Watch = { readonly folders: readonly FolderId[]; readonly on: Watcher }

const titles: Readonly<Record<ObjectContent, string>> = { calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes' }

/**
 * A user's collections as RFC 4791, 6352 and 6578 describe them, in memory, for the decisions made about them (not for the protocol: that
 * is tested against real servers).
 */
export class MemoryObjects implements ObjectStore {
  /** Thrown by every operation from now on. */
  outage: Failure | undefined
  /** Writes are answered without a version. */
  versionless = false
  /** Writes are refused, though no folder says that it is read-only. */
  closed = false
  /** As RFC 6578 lets a server, nothing is told of what came and went since the token (Radicale). */
  brief = false
  /** What tokens begin with: servers have long ones. */
  tokens = 't'
  /** Calls by name. */
  readonly calls: string[] = []
  readonly #collections = new Map<FolderId, Collection>()
  readonly #watches = new Set<Watch>()
  #versions = 0
  #ids = 0

  constructor() {
    for (const content of Object.keys(titles) as ObjectContent[]) this.add(content, titles[content], { isDefault: true })
  }

  add(content: ObjectContent, name: string, more: Pick<Folder, 'isDefault' | 'readOnly'> = {}): FolderId {
    const id = this.nextId(++this.#ids) as FolderId
    const folder: Folder = { id, parent: undefined, name, role: undefined, content, selectable: true, ...more }
    this.#collections.set(id, { folder, objects: new Map(), history: [], known: 0 })
    return id
  }

  protected nextId(count: number): string {
    return `c.${count}`
  }

  id(content: ObjectContent): FolderId {
    return [...this.#collections.values()].find(({ folder }) => folder.content === content)!.folder.id
  }

  /** Somebody else writes an object, or removes it; its version. */
  put(folder: FolderId, name: string, octets: string | Uint8Array | undefined): string {
    const { objects, history } = this.#of(folder)
    const etag = `"${++this.#versions}"`
    history.push({ name, there: octets !== undefined })
    if (octets === undefined) objects.delete(name)
    else objects.set(name, { name, etag, octets: Buffer.from(octets as Uint8Array) })
    for (const { folders, on } of this.#watches) if (folders.includes(folder)) on.changed(folder)
    return etag
  }

  /** What is there, by name. */
  held(folder: FolderId): ReadonlyMap<string, StoredObject> {
    return this.#of(folder).objects
  }

  /** The same as text. */
  list(folder: FolderId): ReadonlyMap<string, string> {
    return new Map([...this.held(folder)].map(([name, { octets }]) => [name, Buffer.from(octets).toString()]))
  }

  /** The tokens given so far mean nothing any more. */
  forget(folder: FolderId): void {
    const one = this.#of(folder)
    one.known = one.history.push({ name: '', there: false })
  }

  get watching(): number {
    return this.#watches.size
  }

  #of(id: FolderId): Collection {
    const found = this.#collections.get(id)
    if (!found) throw new Failure('not-found', 'no such collection')
    return found
  }

  #asked(name: string, id?: FolderId): Collection | undefined {
    this.calls.push(name)
    if (this.outage) throw this.outage
    return id && this.#of(id)
  }

  async folders(): Promise<readonly Folder[]> {
    this.#asked('folders')
    return [...this.#collections.values()].map(({ folder }) => folder)
  }

  async folder(id: FolderId): Promise<Folder> {
    return this.#asked('folder', id)!.folder
  }

  async createFolder(content: ObjectContent, name: string): Promise<Folder> {
    this.#asked('createFolder')
    const all = [...this.#collections.values()].map(({ folder }) => folder)
    if (all.some(one => one.content === content && one.name === name)) throw new Failure('exists', 'there is such a collection')
    return this.#of(this.add(content, name)).folder
  }

  async renameFolder(id: FolderId, name: string): Promise<Folder> {
    const one = this.#asked('renameFolder', id)!
    return one.folder = { ...one.folder, name }
  }

  async deleteFolder(id: FolderId): Promise<void> {
    this.#asked('deleteFolder', id)
    this.#collections.delete(id)
  }

  async changes(id: FolderId, token: string | undefined) {
    const { objects, history, known } = this.#asked('changes', id)!
    const from = token === undefined ? undefined : Number(token.slice(this.tokens.length))
    if (from !== undefined && !(from >= known && from <= history.length)) throw new Failure('stale', 'no such token')
    const names = from === undefined ? [...objects.keys()] : [...new Set(history.slice(from).map(({ name }) => name))]
    const present = names.flatMap((name): Listed[] => objects.has(name) ? [{ name, etag: objects.get(name)!.etag }] : [])
    const wasThere = (name: string): boolean => history.slice(0, from).findLast(one => one.name === name)?.there === true
    return { present, gone: names.filter(name => !objects.has(name) && (!this.brief || wasThere(name))), token: `${this.tokens}${history.length}` }
  }

  async within(id: FolderId, from: Date, to?: Date): Promise<ReadonlySet<string>> {
    const { objects } = this.#asked('within', id)!
    return new Set([...objects.values()].filter(one => takesPlace(one, from, to)).map(({ name }) => name))
  }

  async objects(id: FolderId, names: readonly string[]): Promise<readonly StoredObject[]> {
    const { objects } = this.#asked('objects', id)!
    return names.flatMap(name => objects.get(name) ?? [])
  }

  async read(id: FolderId, name: string): Promise<StoredObject | undefined> {
    return this.#asked('read', id)!.objects.get(name)
  }

  async containing(id: FolderId, property: string, text: string): Promise<readonly StoredObject[]> {
    const { objects } = this.#asked('containing', id)!
    const lines = (octets: Uint8Array): string[] => Buffer.from(octets).toString().replace(/\r?\n[ \t]/g, '').split(/\r?\n/)
    const holds = (line: string): boolean => line.startsWith(property) && line.slice(line.indexOf(':')).includes(text)
    return [...objects.values()].filter(({ octets }) => lines(octets).some(holds))
  }

  async schedules(): Promise<boolean> {
    return false
  }

  async write(id: FolderId, name: string, octets: Uint8Array, condition: Condition): Promise<{ readonly etag: string | undefined }> {
    const { objects, folder } = this.#asked('write', id)!
    if (folder.readOnly || this.closed) throw new Failure('denied', 'read-only')
    if (condition === 'new' && objects.has(name)) throw new Failure('exists', 'there is such an object')
    if (typeof condition === 'object' && objects.get(name)?.etag !== condition.etag) throw new Failure('conflict', 'another version')
    const etag = this.put(id, name, octets)
    return { etag: this.versionless ? undefined : etag }
  }

  async remove(id: FolderId, name: string, etag: string | undefined): Promise<void> {
    const { objects, folder } = this.#asked('remove', id)!
    if (folder.readOnly || this.closed) throw new Failure('denied', 'read-only')
    if (!objects.has(name)) return
    if (etag !== undefined && objects.get(name)!.etag !== etag) throw new Failure('conflict', 'another version')
    this.put(id, name, undefined)
  }

  async move({ folder, name }: { folder: FolderId; name: string }, to: FolderId): Promise<void> {
    const { objects } = this.#asked('move', folder)!
    const one = objects.get(name)
    if (!one) throw new Failure('not-found', 'no such object')
    if (this.#of(to).objects.has(name)) throw new Failure('exists', 'there is such an object')
    this.put(to, name, one.octets)
    this.put(folder, name, undefined)
  }

  async changed(tokens: ReadonlyMap<FolderId, string>): Promise<ReadonlySet<FolderId>> {
    this.#asked('changed')
    return new Set([...tokens].filter(([id, token]) => this.#collections.get(id)?.history.length !== Number(token.slice(this.tokens.length))).map(([id]) => id))
  }

  watch(folders: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void> {
    return new Promise(resolve => {
      const watch = { folders, on }
      this.#watches.add(watch)
      signal.addEventListener('abort', () => {
        this.#watches.delete(watch)
        resolve()
      }, { once: true })
      queueMicrotask(() => this.outage ? on.lost(this.outage) : on.ready())
    })
  }
}

/** Of what is no iCalendar object, by the day of a DTSTART in it. */
function takesPlace({ octets }: StoredObject, from: Date, to: Date | undefined): boolean {
  const said = Buffer.from(octets).toString('latin1')
  const [, year, month, day] = /DTSTART[^:]*:(\d{4})(\d\d)(\d\d)/.exec(said) ?? []
  const begin = year ? Date.UTC(Number(year), Number(month) - 1, Number(day)) : undefined
  const since = said.startsWith('BEGIN:') ? happens(octets, from) : begin === undefined || begin >= from.getTime()
  return since && (!to || begin === undefined || begin < to.getTime())
}

/** Of what cannot be understood nobody can say that it does not. */
function happens(octets: Uint8Array, from: Date): boolean {
  try {
    return isSince(octets, from, contextOf('16.1'))
  } catch (error) {
    if (error instanceof Failure) return true
    throw error
  }
}

/** A user of mail and collections. */
export class MemoryUser extends MemoryAccount {
  readonly collections = new MemoryObjects()
  override objects: ObjectStore | undefined = this.collections
}

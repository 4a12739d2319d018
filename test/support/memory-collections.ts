import { Failure } from '../../src/base/failure.ts'
import { isSince } from '../../src/eas/map/calendar.ts'
import type { Folder, FolderId, ObjectContent } from '../../src/model/folder.ts'
import type { Listed, ObjectChanges, ObjectStore, Stores, StoredObject, Watcher } from '../../src/model/ports.ts'
import { contextOf } from './calendar-context.ts'
import { MemoryAccount } from './memory.ts'

type Collection = { folder: Folder; readonly objects: Map<string, StoredObject>; readonly changed: Map<string, number> }

const names: Readonly<Record<ObjectContent, string>> = { calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes' }

/** Collections of a user in memory: one of each content, each with a token for every state it had. */
export class MemoryCollections implements ObjectStore {
  readonly #collections = new Map<FolderId, Collection>()
  readonly #watchers = new Set<() => void>()
  #state = 0

  constructor() {
    for (const content of Object.keys(names) as ObjectContent[]) this.add(content, names[content], true)
  }

  /** How many wait for changes. */
  get watching(): number {
    return this.#watchers.size
  }

  add(content: ObjectContent, name: string, isDefault = false, readOnly = false): FolderId {
    const id = `c.${this.#collections.size + 1}` as FolderId
    const folder: Folder = { id, parent: undefined, name, role: undefined, content, isDefault, selectable: true, readOnly }
    this.#collections.set(id, { folder, objects: new Map(), changed: new Map() })
    return id
  }

  /** By somebody else. */
  put(id: FolderId, name: string, octets: string | Uint8Array): void {
    this.#set(id, name, Buffer.from(octets))
  }

  /** Octets as text, by name. */
  list(id: FolderId): ReadonlyMap<string, string> {
    return new Map([...this.#of(id).objects].map(([name, { octets }]) => [name, Buffer.from(octets).toString()]))
  }

  drop(id: FolderId, name: string): void {
    this.#of(id).objects.delete(name)
    this.#noted(id, name)
  }

  #of(id: FolderId): Collection {
    const found = this.#collections.get(id)
    if (!found) throw new Failure('not-found', 'no such folder')
    return found
  }

  #set(id: FolderId, name: string, octets: Uint8Array): string {
    const etag = `"${this.#state + 1}"`
    this.#of(id).objects.set(name, { name, etag, octets })
    this.#noted(id, name)
    return etag
  }

  #noted(id: FolderId, name: string): void {
    this.#of(id).changed.set(name, ++this.#state)
    for (const tell of this.#watchers) tell()
  }

  async folders(): Promise<readonly Folder[]> {
    return [...this.#collections.values()].map(({ folder }) => folder)
  }

  async folder(id: FolderId): Promise<Folder> {
    return this.#of(id).folder
  }

  createFolder(content: ObjectContent, name: string): Promise<Folder> {
    return this.folder(this.add(content, name))
  }

  async renameFolder(id: FolderId, name: string): Promise<Folder> {
    const found = this.#of(id)
    return found.folder = { ...found.folder, name }
  }

  async deleteFolder(id: FolderId): Promise<void> {
    this.#of(id)
    this.#collections.delete(id)
  }

  async changes(id: FolderId, token: string | undefined): Promise<ObjectChanges> {
    const { objects, changed } = this.#of(id), since = token === undefined ? -1 : Number(token.slice(1))
    if (!(since <= this.#state)) throw new Failure('stale', 'no such token')
    const news = [...changed].filter(([, state]) => state > since).map(([name]) => name)
    const present = news.flatMap((name): Listed[] => {
      const found = objects.get(name)
      return found ? [{ name, etag: found.etag }] : []
    })
    return { present, gone: token === undefined ? [] : news.filter(name => !objects.has(name)), token: `t${this.#state}` }
  }

  async within(id: FolderId, from: Date): Promise<ReadonlySet<string>> {
    return new Set([...this.#of(id).objects.values()].filter(({ octets }) => {
      try {
        return isSince(octets, from, contextOf('16.1'))
      } catch (error) {
        if (error instanceof Failure) return true
        throw error
      }
    }).map(({ name }) => name))
  }

  async objects(id: FolderId, wanted: readonly string[]): Promise<readonly StoredObject[]> {
    return wanted.flatMap(name => this.#of(id).objects.get(name) ?? [])
  }

  async read(id: FolderId, name: string): Promise<StoredObject | undefined> {
    return this.#of(id).objects.get(name)
  }

  async write(id: FolderId, name: string, octets: Uint8Array, condition: Parameters<ObjectStore['write']>[3]): Promise<{ readonly etag: string }> {
    const there = this.#of(id).objects.get(name)
    if (condition === 'new' && there) throw new Failure('exists', 'there is such an object')
    if (typeof condition === 'object' && condition.etag !== there?.etag) throw new Failure('conflict', 'another version')
    return { etag: this.#set(id, name, Buffer.from(octets)) }
  }

  async remove(id: FolderId, name: string, etag: string | undefined): Promise<void> {
    const there = this.#of(id).objects.get(name)
    if (there && etag !== undefined && there.etag !== etag) throw new Failure('conflict', 'another version')
    if (there) this.drop(id, name)
  }

  async containing(id: FolderId, property: string, text: string): Promise<readonly StoredObject[]> {
    const lines = (octets: Uint8Array): string[] => Buffer.from(octets).toString().replace(/\r\n[ \t]/g, '').split('\r\n')
    const holds = (line: string): boolean => line.startsWith(property) && line.slice(line.indexOf(':')).includes(text)
    return [...this.#of(id).objects.values()].filter(({ octets }) => lines(octets).some(holds))
  }

  async schedules(): Promise<boolean> {
    return false
  }

  async move({ folder, name }: { readonly folder: FolderId; readonly name: string }, to: FolderId): Promise<void> {
    const there = this.#of(folder).objects.get(name)
    if (!there) throw new Failure('not-found', 'no such object')
    if (this.#of(to).objects.has(name)) throw new Failure('exists', 'there is such an object')
    this.drop(folder, name)
    this.#set(to, name, there.octets)
  }

  async changed(tokens: ReadonlyMap<FolderId, string>): Promise<ReadonlySet<FolderId>> {
    return new Set([...tokens].filter(([id, token]) => {
      const found = this.#collections.get(id)
      return !found || [...found.changed.values()].some(state => state > Number(token.slice(1)))
    }).map(([id]) => id))
  }

  async watch(ids: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void> {
    const seen = new Map(ids.map(id => [id, this.#last(id)]))
    const tell = (): void => {
      for (const id of ids) {
        if (seen.get(id) === this.#last(id)) continue
        seen.set(id, this.#last(id))
        on.changed(id)
      }
    }
    this.#watchers.add(tell)
    on.ready()
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#watchers.delete(tell)
  }

  #last(id: FolderId): number {
    return Math.max(0, ...this.#collections.get(id)?.changed.values() ?? [])
  }
}

/** A user of mail and collections. */
export class MemoryUser extends MemoryAccount {
  readonly collections = new MemoryCollections()

  override stores(): Stores {
    return { ...super.stores(), objects: this.collections }
  }
}

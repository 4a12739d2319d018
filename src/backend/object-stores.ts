import { Failure } from '../base/failure.ts'
import type { FolderId } from '../model/folder.ts'
import type { ObjectStore, Watcher } from '../model/ports.ts'
import { holdsMailNotes } from './imap-notes.ts'

/** Whose notes count: those of a mailbox, or those of the DAV server where it has any. */
export type NotesOf = 'imap' | 'auto'

/** Collections of a DAV server, where there is one, and notes of a mailbox as one store. */
export function objectStores(dav: ObjectStore | undefined, notes: ObjectStore, which: NotesOf): ObjectStore {
  const of = (id: FolderId): ObjectStore => {
    if (holdsMailNotes(id)) return notes
    if (!dav) throw new Failure('not-found', 'no such folder')
    return dav
  }

  async function folders(anew?: boolean) {
    const collections = await dav?.folders(anew) ?? []
    if (which === 'auto' && collections.some(({ content }) => content === 'notes')) return collections
    return [...collections.filter(({ content }) => content !== 'notes'), ...await notes.folders(anew)]
  }

  return {
    folders,
    folder: id => of(id).folder(id),
    async createFolder(content, name) {
      if (content === 'notes' && (await folders()).some(({ id }) => holdsMailNotes(id))) return notes.createFolder(content, name)
      if (!dav) throw new Failure('unsupported', 'there is no server for this')
      return dav.createFolder(content, name)
    },
    renameFolder: (id, name) => of(id).renameFolder(id, name),
    deleteFolder: id => of(id).deleteFolder(id),
    changes: (id, token) => of(id).changes(id, token),
    within: (id, from, to) => of(id).within(id, from, to),
    objects: (id, names) => of(id).objects(id, names),
    read: (id, name) => of(id).read(id, name),
    write: (id, name, octets, condition) => of(id).write(id, name, octets, condition),
    remove: (id, name, etag, quietly) => of(id).remove(id, name, etag, quietly),
    containing: (id, property, text) => of(id).containing(id, property, text),
    schedules: async () => await dav?.schedules() ?? false,
    ...(dav?.files ? { files: dav.files } : {}),
    ...(dav?.freeBusy ? { freeBusy: (addresses, from, to) => dav.freeBusy!(addresses, from, to) } : {}),
    async move(ref, to) {
      if (of(ref.folder) !== of(to)) throw new Failure('denied', 'nothing moves from one server to another')
      return of(to).move(ref, to)
    },

    async changed(tokens) {
      const found = await Promise.all(parted([...tokens], ([id]) => id).map(([store, some]) => store.changed(new Map(some))))
      return new Set(found.flatMap(each => [...each]))
    },
    async watch(ids, signal, on) {
      const parts = parted(ids, id => id)
      const live = new Set<ObjectStore>()
      const each = (store: ObjectStore): Watcher => ({
        ...on,
        ready() {
          live.add(store)
          if (live.size === parts.length) on.ready()
        },
        lost(why) {
          live.delete(store)
          on.lost(why)
        },
      })
      await Promise.all(parts.map(([store, some]) => store.watch(some, signal, each(store))))
    },
  }

  function parted<T>(all: readonly T[], idOf: (one: T) => FolderId): [ObjectStore, T[]][] {
    const parts = new Map<ObjectStore, T[]>()
    for (const one of all) parts.set(of(idOf(one)), [...parts.get(of(idOf(one))) ?? [], one])
    return [...parts]
  }
}

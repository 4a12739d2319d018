import { Failure, stale } from '../base/failure.ts'
import type { Folder, FolderId, ObjectContent } from '../model/folder.ts'
import type { ObjectChanges, ObjectFiles, ObjectStore } from '../model/ports.ts'
import { digestOf, isDigest, isTag, joinTokens, splitToken, tagOf, type Standings } from '../state/merged-token.ts'
import { outcome } from './outcome.ts'
import { noteSeen, seenAt, type SeenIn } from './seen-names.ts'

/** Collections that are one folder to the client. It is called as the first, where new objects go, and has its id. */
type Group = readonly [home: Folder, ...others: Folder[]]
type Place = { readonly folder: Folder; readonly name: string }
type Named = { readonly name: string }

/**
 * The same store for a client that shows one folder alone of each of these contents: what is in all the collections of the content is in it.
 * An object of the first of them keeps its name, any other has the id of its collection and a slash before it. So nothing changes for who has
 * one collection, and a client that was served otherwise before keeps what it has.
 *
 * A token stands for all the collections. One that is new brings what is in it. One that is gone, or that the user is not let into any more,
 * takes along what was in it, as far as that is remembered: else the token is `stale`.
 */
export function mergedObjects(store: ObjectStore, contents: readonly ObjectContent[], seenIn: SeenIn): ObjectStore {
  const isMerged = (content: string): boolean => (contents as readonly string[]).includes(content)

  async function groups(anew = false): Promise<readonly Group[]> {
    const found: [Folder, ...Folder[]][] = []
    for (const folder of await store.folders(anew)) {
      const group = isMerged(folder.content) ? found.find(([home]) => home.content === folder.content) : undefined
      // A key could not tell two collections with the same tag apart: then the second stays by itself.
      if (group && [...group, folder].every(({ id }) => isTag(tagOf(id))) && !group.some(({ id }) => tagOf(id) === tagOf(folder.id))) group.push(folder)
      else found.push([folder])
    }
    return found
  }

  /** The collections of a folder. Another process may know of one sooner: where one is missing, the server is asked. */
  async function groupOf(id: FolderId, isWhole: (group: Group) => boolean = () => true): Promise<Group> {
    const find = (all: readonly Group[]): Group | undefined => all.find(([home]) => home.id === id)
    const known = find(await groups())
    if (known && isWhole(known)) return known
    const found = find(await groups(true))
    if (!found) throw new Failure('not-found', 'no such folder, or it is part of another one')
    return found
  }

  const placeOf = async (id: FolderId, name: string): Promise<Place | undefined> =>
    placeIn(await groupOf(id, group => placeIn(group, name) !== undefined), name)

  /** Where an object is that may be written. */
  async function openPlace(id: FolderId, name: string): Promise<Place> {
    const place = await placeOf(id, name)
    if (!place) throw new Failure('not-found', 'the collection is gone')
    if (place.folder.readOnly) throw new Failure('denied', 'the collection is read-only')
    return place
  }

  /** What each of the collections has, by the names it has in the folder. Those the user is not let into have nothing. */
  async function inAll<T extends Named>(group: Group, ask: (folder: Folder) => Promise<Iterable<T>>): Promise<T[]> {
    const found = await Promise.all(group.map(async folder => {
      const some = await outcome(ask(folder))
      if (!(some instanceof Failure)) return [...some].map(one => ({ ...one, name: nameIn(group, folder, one.name) }))
      if (group.length === 1 || some.kind !== 'denied') throw some
      return []
    }))
    return found.flat()
  }

  async function changes(group: Group, token: string | undefined): Promise<ObjectChanges> {
    const [home, ...others] = group
    const before: Standings = token === undefined ? new Map() : standingsOf(home, token)
    if (others.length === 0 && (token === undefined || isOf(before, home))) return store.changes(home.id, before.get(tagOf(home.id)))
    const all = await Promise.all(group.map(async folder => ({ tag: tagOf(folder.id), ...await changesIn(group, folder, before.get(tagOf(folder.id)) ?? '') })))
    if (all.every(({ token }) => token === '')) throw new Failure('denied', 'no collection of the folder can be read')
    const left = [...before].filter(([tag, standing]) => standing !== '' && !all.some(one => one.tag === tag))
    const taken = left.flatMap(([tag, standing]) => {
      const { id, names } = seenAt(seenIn, home.id, tag, standing)
      return [...names].map(name => `${id}/${name}`)
    })
    return {
      present: all.flatMap(({ present }) => present), gone: [...all.flatMap(({ gone }) => gone), ...taken],
      token: others.length === 0 ? all[0]!.token : joinTokens(new Map(all.map(({ tag, token }) => [tag, token]))),
    }
  }

  /**
   * Of one of several, by the names in the folder; without a token while the user is not let into it. Never more than what is new: another
   * process, which remembers the token, would go on from there.
   */
  async function changesIn(group: Group, folder: Folder, standing: string): Promise<ObjectChanges> {
    const [home] = group, tag = tagOf(folder.id)
    const isForgotten = isDigest(standing), from = standing === '' || isForgotten ? undefined : standing
    const found = await outcome(store.changes(folder.id, from))
    if (found instanceof Failure) {
      if (found.kind !== 'denied') throw found
      const held = standing === '' ? [] : [...seenAt(seenIn, home.id, tag, standing).names]
      return { present: [], gone: held.map(name => nameIn(group, folder, name)), token: '' }
    }
    noteSeen(seenIn, home.id, tag, folder.id, from, found)
    const { token } = found
    if (isForgotten) {
      // As it was: it does not matter then which token it was.
      if (digestOf(token) === standing) return { present: [], gone: [], token }
      throw stale('forgotten', 'what the collection was like is not remembered')
    }
    return {
      present: found.present.map(one => ({ ...one, name: nameIn(group, folder, one.name) })),
      gone: from === undefined ? [] : found.gone.map(name => nameIn(group, folder, name)), token,
    }
  }

  /** Where a client stands in each of them now; undefined where that has to be looked at. */
  async function standingsNow(group: Group, token: string): Promise<ReadonlyMap<FolderId, string> | undefined> {
    const standings = standingsOf(group[0], token), now = new Map(group.map(({ id }) => [id, standings.get(tagOf(id))]))
    if (standings.size !== group.length) return undefined
    for (const [id, standing] of now) {
      if (standing === undefined || isDigest(standing)) return undefined
      if (standing !== '') continue
      const opened = await outcome(store.changes(id, undefined))
      if (!(opened instanceof Failure) || opened.kind !== 'denied') return undefined
      now.delete(id)
    }
    return now as ReadonlyMap<FolderId, string>
  }

  async function single(id: FolderId): Promise<void> {
    if ((await groupOf(id)).length > 1) throw new Failure('denied', 'the folder is several collections')
  }

  const filesIn = (files: ObjectFiles): ObjectFiles => ({
    ...files,
    async add({ folder, name }, file, occurrence) {
      const place = await openPlace(folder, name)
      return files.add({ folder: place.folder.id, name: place.name }, file, occurrence)
    },
    async remove({ folder, name }, id, occurrence) {
      const place = await openPlace(folder, name)
      return files.remove({ folder: place.folder.id, name: place.name }, id, occurrence)
    },
  })

  return {
    folders: async () => (await groups()).map(shown),
    folder: async id => shown(await groupOf(id)),
    async createFolder(content, name) {
      if (isMerged(content)) throw new Failure('denied', 'the client would not be shown what it makes')
      return store.createFolder(content, name)
    },
    async renameFolder(id, name) {
      await single(id)
      return store.renameFolder(id, name)
    },
    async deleteFolder(id) {
      await single(id)
      await store.deleteFolder(id)
    },

    async changes(id, token) {
      const group = await groupOf(id, some => token === undefined || areIn(some, standingsOf(some[0], token)))
      if (!isMerged(group[0].content)) return store.changes(id, token)
      const found = await outcome(changes(group, token))
      if (!(found instanceof Failure)) return found
      // One of them may have gone just now, which the store knows of then.
      const now = found.kind === 'not-found' ? await groupOf(id) : group
      if (now.length === group.length) throw found
      return changes(now, token)
    },
    async within(id, from, to) {
      const group = await groupOf(id)
      return new Set((await inAll(group, async folder => [...await store.within(folder.id, from, to)].map(name => ({ name })))).map(({ name }) => name))
    },
    async objects(id, names) {
      const group = await groupOf(id, some => names.every(name => placeIn(some, name))), places = names.flatMap(name => placeIn(group, name) ?? [])
      return inAll(group, async folder => {
        const wanted = places.filter(place => place.folder === folder).map(({ name }) => name)
        return wanted.length > 0 ? store.objects(folder.id, wanted) : []
      })
    },
    async read(id, name) {
      const place = await placeOf(id, name)
      const found = place && await store.read(place.folder.id, place.name)
      return found && { ...found, name }
    },
    async write(id, name, octets, condition) {
      const place = await openPlace(id, name)
      return store.write(place.folder.id, place.name, octets, condition)
    },
    async remove(id, name, etag, quietly) {
      if (!await placeOf(id, name)) return
      const place = await openPlace(id, name)
      await store.remove(place.folder.id, place.name, etag, quietly)
    },
    // Whoever looks for an event means to change it.
    async containing(id, property, text) {
      return inAll(await groupOf(id), async folder => folder.readOnly && folder.id !== id ? [] : store.containing(folder.id, property, text))
    },
    schedules: () => store.schedules(),
    ...(store.files ? { files: filesIn(store.files) } : {}),
    ...(store.freeBusy ? { freeBusy: (addresses, from, to) => store.freeBusy!(addresses, from, to) } : {}),
    async move({ folder, name }, to) {
      const place = await openPlace(folder, name)
      await store.move({ folder: place.folder.id, name: place.name }, to)
    },

    async changed(tokens) {
      const asked = new Map<FolderId, string>(), shownIn = new Map<FolderId, FolderId>(), sure: FolderId[] = []
      for (const [id, token] of tokens) {
        const group = await outcome(groupOf(id))
        if (group instanceof Failure && group.kind !== 'not-found') throw group
        const now = group instanceof Failure ? undefined : isMerged(group[0].content) ? await standingsNow(group, token) : new Map([[id, token]])
        if (!now) sure.push(id)
        for (const [one, standing] of now ?? []) {
          asked.set(one, standing)
          shownIn.set(one, id)
        }
      }
      const found = asked.size > 0 ? [...await store.changed(asked)] : []
      return new Set([...sure, ...found.map(one => shownIn.get(one)!)])
    },
    async watch(ids, signal, on) {
      const shownIn = new Map<FolderId, FolderId>()
      for (const id of ids) {
        const group = await outcome(groupOf(id))
        for (const one of group instanceof Failure ? [{ id }] : group) shownIn.set(one.id, id)
      }
      await store.watch([...shownIn.keys()], signal, {
        ready: () => on.ready(), lost: why => on.lost(why), changed: one => on.changed(shownIn.get(one) ?? one),
      })
    },
  }
}

/** The folder of them all. What is in those of the others that are read-only cannot be changed. */
function shown([home, ...others]: Group): Folder {
  const closed = home.readOnly ? [] : others.filter(({ readOnly }) => readOnly).map(({ id }) => `${id}/`)
  return closed.length > 0 ? { ...home, closed } : home
}

const nameIn = ([home]: Group, { id }: Folder, name: string): string => id === home.id ? name : `${id}/${name}`

/** Undefined for an object of a collection that is gone. */
function placeIn([home, ...others]: Group, name: string): Place | undefined {
  const at = name.indexOf('/'), before = name.slice(0, Math.max(at, 0))
  const folder = others.find(({ id }) => id === before)
  if (folder) return { folder, name: name.slice(at + 1) }
  return collectionId.test(before) ? undefined : { folder: home, name }
}

const collectionId = /^[a-z]\.[A-Za-z0-9_-]{11}$/

const standingsOf = ({ id }: Folder, token: string): Standings => splitToken(token) ?? new Map([[tagOf(id), token]])

const areIn = (group: Group, standings: Standings): boolean => [...standings.keys()].every(tag => group.some(({ id }) => tagOf(id) === tag))

/** Whether it is a token of this collection alone, as its server made it. */
const isOf = (standings: Standings, { id }: Folder): boolean =>
  standings.size === 1 && (standings.get(tagOf(id)) ?? '') !== '' && !isDigest(standings.get(tagOf(id))!)

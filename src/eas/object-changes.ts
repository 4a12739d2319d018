import { createHash } from 'node:crypto'
import { incompleteOnly, type ObjectCursor } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Listed, ObjectStore } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'

export type ListedChanges = {
  /** To be told: there, and new or another version. */
  readonly present: readonly Telling[]
  readonly gone: readonly string[]
  /** Still there, but outside the time filter now. */
  readonly aged: readonly string[]
  readonly next: ObjectCursor
  /** Ask again with `next`. */
  readonly more: boolean
}

/** `again`: the client may hold this very version, and is to be told all the same. */
export type Telling = Listed & { readonly again?: true }

export type ListWish = {
  readonly window: number
  readonly since: number
  /** Keeps the rest of a list that is being told, so that it need not be asked for again. */
  readonly memory: Cache
  readonly scope: string
  /** The week it is, for what is shown but for a time, and what that is: see `weekOf`. Undefined where nothing is. */
  readonly week: number | undefined
  readonly passing: (store: ObjectStore, folder: FolderId) => Promise<readonly Listed[]>
  /** What the client has just made here: it holds these. */
  readonly made: ReadonlySet<string>
}

type Kind = 'present' | 'gone' | 'aged'
type Entry = Telling & { readonly kind: Kind; readonly order: string }
/** What leads from one state to another: what goes, of which `begun` have been told (undefined: others were), what comes, both in order, and the token of that state. */
type Way = { readonly going: readonly Entry[]; readonly begun: number | undefined; readonly coming: readonly Entry[]; readonly end: string }

const dayLength = 86_400_000
const hour = 3600

/**
 * What differs from where the client stands, a window of it, in the order of a digest of names, which does not depend on who is asked and
 * when. First what goes; while that is told the client keeps its token. Then its token is that of the list, and what comes is told:
 * whoever has no memory of the list tells all that is there, from the place reached on. What a client was told is thus always part of the
 * state its token stands for, or of changes since; and who is not in the midst of a list was told all of that state, by whatever processes.
 *
 * What the client has made itself must be part of that state too: nobody would tell that it went before the next look. Then (`made`) all
 * that keeps the token behind is told at once, whatever the window. So it is where a list is not remembered, if the window has room: what was
 * in it and has changed since cannot be told from what is new. Where there is no room, all is told anew, after what went.
 */
export async function listChanges(store: ObjectStore, folder: FolderId, cursor: ObjectCursor, wish: ListWish): Promise<ListedChanges> {
  const { memory, made } = wish
  if (cursor.pass?.phase === 'coming') {
    const known = recall(folder, cursor, wish)
    if (known && made.size === 0) return tellComing(cursor, known, wish, [])
    const { going, coming, rest, end } = await onTheWay(store, folder, cursor, wish, known), news = [...going, ...coming]
    if (made.size === 0 && news.length > wish.window) {
      return listChanges(store, folder, { ...cursor, pass: { phase: 'going', reached: start, told: digestOf([]), anew: true } }, wish)
    }
    const next = { ...cursor, token: end }
    // Where this answer gets lost, the client may come to the same state by steps that have told it less.
    remember(memory, slotOf(folder, next, wish), [...rest, ...coming].sort(inOrder))
    return tellComing(next, rest, { ...wish, window: Math.max(0, wish.window - news.length) }, news)
  }
  const way = await wayTo(store, folder, cursor, wish)
  const { begun = 0 } = way
  // Nor does a client get less than all that goes after it was told of other things: it is not known for long of which.
  const until = made.size > 0 || way.begun === undefined ? way.going.length : endOfWindow(way.going, begun, wish.window)
  const told = way.going.slice(begun, until)
  if (until < way.going.length) {
    const anew = cursor.pass?.phase === 'going' && cursor.pass.anew ? { anew: true as const } : {}
    const pass = { phase: 'going', reached: way.going[until - 1]?.order ?? start, told: digestOf(way.going.slice(0, until)), ...anew } as const
    return { ...listOf(told), next: { ...cursor, pass }, more: true }
  }
  const next: ObjectCursor = { token: way.end, since: wish.since, week: wish.week, pass: { phase: 'coming', reached: start, first: cursor.token === '' } }
  remember(memory, slotOf(folder, next, wish), way.coming)
  return tellComing(next, way.coming, { ...wish, window: Math.max(0, wish.window - told.length) }, told)
}

function tellComing(cursor: ObjectCursor, coming: readonly Entry[], wish: ListWish, before: readonly Entry[]): ListedChanges {
  const pass = cursor.pass as Extract<ObjectCursor['pass'], { phase: 'coming' }>
  const ahead = coming.filter(({ order }) => order > pass.reached)
  const until = endOfWindow(ahead, 0, wish.window)
  const list = listOf([...before, ...ahead.slice(0, until)])
  // What the filter has become since comes next.
  if (until === ahead.length) return { ...list, next: { ...cursor, pass: undefined }, more: cursor.since !== wish.since || cursor.week !== wish.week }
  return { ...list, next: { ...cursor, pass: { ...pass, reached: ahead[until - 1]?.order ?? pass.reached } }, more: true }
}

const remember = (memory: Cache, slot: string, entries: readonly Entry[]): void =>
  memory.set(slot, entries, { seconds: hour, size: entries.length * 150 })

/** What leads to a state from nothing is more than what leads there from another: the same client may have been told either. */
const slotOf = (folder: FolderId, { token, since, pass }: ObjectCursor, { scope }: Pick<ListWish, 'scope'>): string =>
  `list:${scope}:${folder}:${token}:${since}:${pass?.phase === 'coming' && pass.first ? 'all' : 'news'}`

const recall = (folder: FolderId, cursor: ObjectCursor, wish: Pick<ListWish, 'memory' | 'scope'>): readonly Entry[] | undefined =>
  wish.memory.get<readonly Entry[]>(slotOf(folder, cursor, wish))

/** Of a list that is being told, or else of all that is there: what is new since its token, and the rest, which is as it was then. */
async function onTheWay(
  store: ObjectStore, folder: FolderId, cursor: ObjectCursor, wish: Omit<ListWish, 'window'>, known: readonly Entry[] | undefined,
): Promise<Pick<Way, 'going' | 'coming' | 'end'> & { readonly rest: readonly Entry[] }> {
  // First all, then what is new of it: what is in the one alone has not changed since the token.
  const list = known ?? await all(store, folder, cursor.since)
  const { going, coming, end } = await wayTo(store, folder, { ...cursor, pass: undefined }, { ...wish, since: cursor.since, week: cursor.week })
  const named = new Set([...going, ...coming].map(({ name }) => name))
  return { going, coming, rest: list.filter(({ name }) => !named.has(name)), end }
}

async function all(store: ObjectStore, folder: FolderId, since: number): Promise<readonly Entry[]> {
  const { present } = await store.changes(folder, undefined)
  const shown = isDay(since) ? await store.within(folder, dateOf(since)) : undefined
  return present.filter(({ name }) => !shown || shown.has(name)).map(one => ({ ...entryOf('present', one), again: true as const })).sort(inOrder)
}

function listOf(entries: readonly Entry[]): Pick<ListedChanges, Kind> {
  const of = (kind: Kind): Entry[] => entries.filter(entry => entry.kind === kind)
  return { present: of('present'), gone: of('gone').map(({ name }) => name), aged: of('aged').map(({ name }) => name) }
}

/** How many entries the client has been told; undefined where it was told of others. */
function toldOf(entries: readonly Entry[], { reached, told }: { readonly reached: string; readonly told: string }): number | undefined {
  const after = entries.findIndex(({ order }) => order > reached)
  const count = after < 0 ? entries.length : after
  return digestOf(entries.slice(0, count)) === told ? count : undefined
}

/** Those with the same place in the order are told together, or not yet. */
function endOfWindow(entries: readonly Entry[], begun: number, window: number): number {
  let until = Math.min(begun + window, entries.length)
  while (until < entries.length && until > begun && entries[until]!.order === entries[until - 1]!.order) until--
  if (until > begun || window <= 0) return until
  const order = entries[begun]?.order
  const after = entries.findIndex((entry, index) => index > begun && entry.order !== order)
  return after < 0 ? entries.length : after
}

const digestOf = (entries: readonly Entry[]): string =>
  createHash('sha256').update(JSON.stringify(entries.map(({ kind, name }) => [kind, name]))).digest('hex').slice(0, 6)

/** How many items `listChanges` would still have to tell about. */
export async function countChanges(store: ObjectStore, folder: FolderId, cursor: ObjectCursor, wish: Omit<ListWish, 'window' | 'made'>): Promise<number> {
  const { pass } = cursor
  if (pass?.phase === 'coming') {
    const known = recall(folder, cursor, wish)
    const { going, coming, rest } = known ? { going: [], coming: [], rest: known } : await onTheWay(store, folder, cursor, { ...wish, made: nothing }, known)
    return going.length + coming.length + rest.filter(({ order }) => order > pass.reached).length
  }
  const { going, begun = 0, coming } = await wayTo(store, folder, cursor, { ...wish, made: nothing })
  return going.length - begun + coming.length
}

/** `there`: all there is, looked at before. */
async function wayTo(
  store: ObjectStore, folder: FolderId, cursor: ObjectCursor, wish: Omit<ListWish, 'window'>, there?: readonly Listed[],
): Promise<Way> {
  const { token, since: old, week: before, pass } = cursor, { since, made, week, passing } = wish
  const holds = token !== ''
  // Which tasks are done is not in a list: where that begins or ceases to matter, all are looked at.
  const anew = holds && old !== since && (old === incompleteOnly || since === incompleteOnly)
  const { present, gone, token: end } = await store.changes(folder, holds && !anew ? token : undefined)
  const vanished = anew ? (await store.changes(folder, token)).gone : gone
  const entries = new Map<string, Entry>()
  const add = (kind: Kind, one: Listed): void => void entries.set(one.name, entryOf(kind, one))
  const shown = isDay(since) && (present.length > 0 || old !== since || pass) ? await store.within(folder, dateOf(since)) : undefined
  for (const one of present) {
    if (!shown || shown.has(one.name)) add('present', one)
    else if (holds || made.has(one.name)) add('aged', one)
  }
  if (holds) {
    if (old !== since && !anew) for (const [kind, one] of await moved(store, folder, old, since, shown)) if (!entries.has(one.name)) add(kind, one)
    if (before !== week) for (const one of await passing(store, folder)) if (!entries.has(one.name)) entries.set(one.name, { ...entryOf('present', { ...one, etag: '' }), again: true })
    for (const name of vanished) if (!entries.has(name)) add('gone', { name, etag: '' })
  }
  for (const name of await removedSince(store, folder, [...made].filter(one => !entries.has(one)))) add('gone', { name, etag: '' })
  const of = (gone: boolean): Entry[] => [...entries.values()].filter(({ kind }) => (kind !== 'present') === gone).sort(inOrder)
  const going = of(true)
  const begun = pass?.phase === 'going' ? toldOf(going, pass) : 0
  if (pass?.phase === 'going' && (pass.anew || begun === undefined)) {
    // First all, as above.
    if (!there) return wayTo(store, folder, cursor, wish, (await store.changes(folder, undefined)).present)
    for (const one of upTo(there, pass.anew ? last : pass.reached, shown)) if (!entries.has(one.name)) add('present', one)
  }
  return { end, going, begun, coming: of(false) }
}

/**
 * A server may say nothing of what was not there before and is not there now: somebody has removed what the client made a moment ago. It is
 * asked, as a list may be of before.
 */
async function removedSince(store: ObjectStore, folder: FolderId, made: readonly string[]): Promise<readonly string[]> {
  if (made.length === 0) return []
  const there = new Set((await store.objects(folder, made)).map(({ name }) => name))
  return made.filter(name => !there.has(name))
}

/**
 * A client was told that things went which are there: another filter hid them then, which the client has given up before it was
 * told all. It does no harm to say again what it holds.
 */
function upTo(there: readonly Listed[], reached: string, shown: ReadonlySet<string> | undefined): readonly Listed[] {
  return there.filter(({ name }) => orderOf(name) <= reached && (!shown || shown.has(name)))
}

/** What another time filter shows and hides, of all that is there. */
async function moved(
  store: ObjectStore, folder: FolderId, old: number, since: number, shown: ReadonlySet<string> | undefined,
): Promise<[Kind, Listed][]> {
  const narrowed = since > old
  if (!narrowed) {
    const before = await store.within(folder, dateOf(old))
    return (await store.changes(folder, undefined)).present
      .filter(({ name }) => !before.has(name) && (!shown || shown.has(name))).map(one => ['present', one])
  }
  const before = old === 0
    ? new Set((await store.changes(folder, undefined)).present.map(({ name }) => name))
    : await store.within(folder, dateOf(old), dateOf(since))
  return [...before].filter(name => !shown!.has(name)).map(name => ['aged', { name, etag: '' }])
}

/**
 * Weeks are counted up to 256, each device's from another day on: they do not all ask at once. `ends` is when the next one begins, in
 * milliseconds.
 */
export function weekOf(now: Date, scope: string): { readonly week: number; readonly ends: number } {
  const offset = Number.parseInt(orderOf(scope), 16) % (7 * 24) * hour * 1000
  const week = Math.floor((now.getTime() + offset) / (7 * dayLength))
  return { week: week & 255, ends: (week + 1) * 7 * dayLength - offset }
}

const isDay = (since: number): boolean => since !== 0 && since !== incompleteOnly
const dateOf = (day: number): Date => new Date(day * dayLength)

const entryOf = (kind: Kind, { name, etag }: Listed): Entry => ({ kind, name, etag, order: orderOf(name) })

/** Six hexadecimal digits, above `start`. */
export function orderOf(name: string): string {
  const order = createHash('sha256').update(name).digest('hex').slice(0, 6)
  return order === start ? '000001' : order
}

const start = '000000', last = 'ffffff'
const nothing: ReadonlySet<string> = new Set()
const inOrder = (a: Entry, b: Entry): number => a.order < b.order || (a.order === b.order && a.name < b.name) ? -1 : 1

import { createHash } from 'node:crypto'
import { incompleteOnly, type ObjectCursor, type ObjectPass } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Listed, ObjectStore } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'

export type ListedChanges = {
  /** To be told: there, and new or another version. */
  readonly present: readonly Listed[]
  readonly gone: readonly string[]
  /** Still there, but outside the time filter now. */
  readonly aged: readonly string[]
  readonly next: ObjectCursor
  /** Ask again with `next`. */
  readonly more: boolean
}

export type ListWish = {
  readonly window: number
  readonly since: number
  /** Keeps the rest of a list that is being told, so that it need not be asked for again. */
  readonly memory: Cache
  readonly scope: string
}

type Kind = 'present' | 'gone' | 'aged'
type Entry = Listed & { readonly kind: Kind; readonly order: string }
/** All that leads from one state to another, in order. */
type Way = { readonly entries: readonly Entry[]; readonly end: string }

const dayLength = 86_400_000
const hour = 3600

/**
 * What differs from where the client stands, a window of it. Objects are told in the order of a digest of their names, which does not
 * depend on who is asked and when: how far a client has come is one place in that order.
 */
export async function listChanges(store: ObjectStore, folder: FolderId, cursor: ObjectCursor, wish: ListWish): Promise<ListedChanges> {
  const { since, memory } = wish
  const slot = (told: string): string => `list:${wish.scope}:${folder}:${cursor.token}:${since}:${told}`
  const way = (cursor.pass && memory.get<Way>(slot(cursor.pass.told))) ?? await wayTo(store, folder, cursor, since)
  const begun = cursor.pass ? toldOf(way.entries, cursor.pass) : 0
  const until = endOfWindow(way.entries, begun, wish.window)
  const told = way.entries.slice(begun, until)
  const of = (kind: Kind): Entry[] => told.filter(entry => entry.kind === kind)
  const list = { present: of('present'), gone: of('gone').map(({ name }) => name), aged: of('aged').map(({ name }) => name) }
  if (until === way.entries.length) return { ...list, next: { token: way.end, since, pass: undefined }, more: false }
  const pass = { reached: way.entries[until - 1]!.order, told: digestOf(way.entries.slice(0, until)) }
  // A key may have room for the beginning of the digest only.
  for (const name of [pass.told, pass.told.slice(0, 6)]) memory.set(slot(name), way, { seconds: hour, size: way.entries.length * 150 })
  return { ...list, next: { ...cursor, pass }, more: true }
}

/** How many entries the client has been told; none where they are others now. */
function toldOf(entries: readonly Entry[], { reached, told }: ObjectPass): number {
  const after = entries.findIndex(({ order }) => order > reached)
  const count = after < 0 ? entries.length : after
  return digestOf(entries.slice(0, count)).startsWith(told) ? count : 0
}

/** Those with the same place in the order are told together, or not yet. */
function endOfWindow(entries: readonly Entry[], begun: number, window: number): number {
  let until = Math.min(begun + window, entries.length)
  while (until < entries.length && until > begun && entries[until]!.order === entries[until - 1]!.order) until--
  if (until > begun) return until
  const { order } = entries[begun] ?? { order: '' }
  const after = entries.findIndex((entry, index) => index > begun && entry.order !== order)
  return after < 0 ? entries.length : after
}

const digestOf = (entries: readonly Entry[]): string =>
  createHash('sha256').update(JSON.stringify(entries.map(({ kind, name, etag }) => [kind, name, etag]))).digest('hex').slice(0, 16)

/** How many items `listChanges` would still have to tell about. */
export async function countChanges(store: ObjectStore, folder: FolderId, cursor: ObjectCursor, since: number): Promise<number> {
  const { entries } = await wayTo(store, folder, cursor, since)
  return entries.length - (cursor.pass ? toldOf(entries, cursor.pass) : 0)
}

async function wayTo(store: ObjectStore, folder: FolderId, { token, since: old }: ObjectCursor, since: number): Promise<Way> {
  const holds = token !== ''
  // Which tasks are done is not in a list: where that begins or ceases to matter, all are looked at.
  const anew = holds && old !== since && (old === incompleteOnly || since === incompleteOnly)
  const { present, gone, token: end } = await store.changes(folder, holds && !anew ? token : undefined)
  const entries = new Map<string, Entry>()
  const add = (kind: Kind, { name, etag }: Listed): void => void entries.set(name, { kind, name, etag, order: orderOf(name) })
  const shown = isDay(since) && (present.length > 0 || old !== since) ? await store.within(folder, dateOf(since)) : undefined
  for (const one of present) {
    if (!shown || shown.has(one.name)) add('present', one)
    else if (holds) add('aged', one)
  }
  if (holds) {
    if (old !== since && !anew) for (const [kind, one] of await moved(store, folder, old, since, shown)) if (!entries.has(one.name)) add(kind, one)
    for (const name of gone) add('gone', { name, etag: '' })
  }
  return { end, entries: [...entries.values()].sort(inOrder) }
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

const isDay = (since: number): boolean => since !== 0 && since !== incompleteOnly
const dateOf = (day: number): Date => new Date(day * dayLength)

/** Six hexadecimal digits. */
export const orderOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 6)
const inOrder = (a: Entry, b: Entry): number => a.order < b.order || (a.order === b.order && a.name < b.name) ? -1 : 1

import { hash } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Folder, FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { MailStore, MessageRef } from '../model/ports.ts'
import type { Node } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { renderItems } from './items.ts'
import type { BodyWish } from './map/body.ts'
import { outcome } from './outcome.ts'

/** Matches a client can page through; Find's ranges end there. */
export const mostFound = 1000

/** Entries of one answer: [MS-ASCMD] Range (Search). */
export const mostTold = 100

/** Seconds results are kept; octets of each. */
const kept = 15 * 60, octetsOfRef = 96

/** Zero-based, both ends included. */
export type Rows = { readonly from: number; readonly to: number }

/** [MS-ASCMD] Range (Search, Find). Throws `malformed`. */
export function readRows(range: string | undefined): Rows | undefined {
  if (range === undefined) return undefined
  const [, from, to] = /^(\d{1,6})-(\d{1,6})$/.exec(range) ?? []
  if (from === undefined || Number(from) > Number(to)) throw new Failure('malformed', 'a Range that is none')
  return { from: Number(from), to: Number(to) }
}

/** What a search finds, in its order, as far as a client can page; how many match in all. */
export type FoundRefs<Ref> = { readonly refs: readonly Ref[]; readonly total: number }

/** How a search is made, and what of the items it named still exists. */
export type Search<Ref, Item extends { readonly ref: Ref }> = {
  find(): Promise<FoundRefs<Ref>>
  existing(refs: readonly Ref[]): Promise<readonly Item[]>
}

/**
 * What a search found and the client has not been told to the end. Remembered, so that the rows of a second request follow those of
 * the first; where memory is lost, the search is made anew.
 */
export class Results<Ref, Item extends { readonly ref: Ref }> {
  readonly #call: Call
  readonly #slot: string
  readonly #search: Search<Ref, Item>
  #found: FoundRefs<Ref>
  /** What the slices looked at are, as they are now. */
  readonly #there = new Map<Ref, Item>()

  private constructor(call: Call, slot: string, search: Search<Ref, Item>, found: FoundRefs<Ref>) {
    this.#call = call
    this.#slot = slot
    this.#search = search
    this.#found = found
  }

  /** `query` is whatever tells one search from another. `anew` forgets what was found before. */
  static async of<Ref, Item extends { readonly ref: Ref }>(call: Call, query: unknown, anew: boolean, search: Search<Ref, Item>): Promise<Results<Ref, Item>> {
    const slot = slotOf(call, query)
    const results = new Results(call, slot, search, (anew ? undefined : call.cache.get<FoundRefs<Ref>>(slot)) ?? await search.find())
    results.#remember()
    return results
  }

  static known(call: Call, query: unknown): boolean {
    return call.cache.get(slotOf(call, query)) !== undefined
  }

  get total(): number {
    return this.#found.total
  }

  /** How far rows can be had. */
  get length(): number {
    return this.#found.refs.length
  }

  /** Rows of items that still exist; those that are gone are taken out of the results. */
  async rows({ from, to }: Rows): Promise<Item[]> {
    for (;;) {
      const slice = this.#found.refs.slice(from, to + 1)
      const fresh = slice.filter(ref => !this.#there.has(ref))
      for (const item of await this.#search.existing(fresh)) this.#there.set(item.ref, item)
      const gone = new Set(fresh.filter(ref => !this.#there.has(ref)))
      if (gone.size === 0) return slice.map(ref => this.#there.get(ref)!)
      const { refs, total } = this.#found
      this.#found = { refs: refs.filter(ref => !gone.has(ref)), total: total - gone.size }
      this.#remember()
    }
  }

  #remember(): void {
    this.#call.cache.set(this.#slot, this.#found, { seconds: kept, size: octetsOfRef * (this.#found.refs.length + 1) })
  }
}

const slotOf = (call: Call, query: unknown): string => `found:${call.scope}:${hash('sha256', JSON.stringify(query), 'base64url')}`

export type Hit = { readonly ref: MessageRef; readonly folder: Folder; readonly message: Message }

/** Those of one mailbox together, whatever stands between them. */
function byMailbox<T extends { readonly folder: FolderId; readonly validity: number }>(refs: readonly T[]): T[][] {
  const groups = new Map<string, T[]>()
  for (const ref of refs) {
    const key = `${ref.folder} ${ref.validity}`
    groups.set(key, [...groups.get(key) ?? [], ref])
  }
  return [...groups.values()]
}

/** A folder that is gone, or was made anew, has none of them. */
export async function existing(mail: MailStore, refs: readonly MessageRef[]): Promise<Hit[]> {
  const groups = await Promise.all(byMailbox(refs).map(async group => {
    const { folder: id, validity } = group[0]!
    const found = await outcome(Promise.all([mail.folder(id), mail.messages(id, validity, group.map(({ uid }) => uid))]))
    if (found instanceof Failure && found.kind !== 'not-found' && found.kind !== 'stale') throw found
    if (found instanceof Failure) return []
    const [folder, messages] = found
    const there = new Map(messages.map(message => [message.uid, message]))
    return group.flatMap(ref => there.has(ref.uid) ? [{ ref, folder, message: there.get(ref.uid)! }] : [])
  }))
  return groups.flat()
}

/** Rendered together: bodies of so many messages are in memory at once. */
const together = 20

/** The messages in their order over all folders, as `renderItems` makes them. One that went in the meantime is left out. */
export async function* renderHits(call: Call, hits: readonly Hit[], wish: BodyWish): AsyncGenerator<Hit & { readonly nodes: readonly Node[] }> {
  for (let at = 0; at < hits.length; at += together) {
    const some = hits.slice(at, at + together)
    const rendered = new Map<MessageRef, readonly Node[]>()
    await Promise.all(byMailbox(some.map(({ ref }) => ref)).map(async refs => {
      const group = some.filter(({ ref }) => refs.includes(ref))
      const { folder, ref: { validity } } = group[0]!
      const context = { version: call.request.version, userAgent: call.request.userAgent, log: call.log, cache: call.cache }
      const byUid = new Map(group.map(({ ref }) => [ref.uid, ref]))
      const items = renderItems(call.stores, folder, validity, group.map(({ message }) => message), wish, context)
      for await (const some of items) for (const { uid, nodes } of some) rendered.set(byUid.get(uid)!, nodes)
    }))
    for (const hit of some) {
      const nodes = rendered.get(hit.ref)
      if (nodes) yield { ...hit, nodes }
    }
  }
}

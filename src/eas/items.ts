import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { find } from '../formats/structure.ts'
import type { Folder } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { PartWish, Stores } from '../model/ports.ts'
import { printFileReference } from '../state/item-id.ts'
import type { Node } from '../wire/wbxml.ts'
import { planBody, renderBody, type BodyPlan, type BodyWish, type Rendered } from './map/body.ts'
import { brokenItem, emailNodes } from './map/email.ts'
import { outcome } from './outcome.ts'
import { renderMimeStream, wantsMimeStream } from './mime-stream.ts'
import type { Version } from './versions.ts'

export type Item = { readonly uid: number; readonly nodes: readonly Node[] }
export type ItemContext = { readonly version: Version; readonly log?: Log }

/** What is fetched in one round trip: messages, and octets of their bodies. */
const batchMessages = 100, batchOctets = 2 * 1024 * 1024

type Octets = readonly (Uint8Array | undefined)[]
type Planned = { readonly message: Message; readonly plan: BodyPlan; readonly stream: boolean }
type Wanted = { readonly uid: number; readonly plan: BodyPlan }
type Place = { readonly stores: Stores; readonly folder: Folder; readonly validity: number; readonly context: ItemContext }

/**
 * Messages as a client sees them, in the given order: the children of ApplicationData (Sync) or Properties (ItemOperations).
 * Bodies are fetched a batch at a time, the next one while this one is written. A message that is gone is left out, one that
 * cannot be read is an item that says so. Throws `unavailable`, `auth`, `stale`.
 */
export async function* renderItems(
  stores: Stores, folder: Folder, validity: number, messages: readonly Message[], wish: BodyWish, context: ItemContext,
): AsyncGenerator<Item> {
  const place = { stores, folder, validity, context }
  const waiting = batches(messages.map(message => planned(message, wish, context)))
  let coming = fetchBatch(place, waiting.shift())
  for (;;) {
    const items = await coming
    if (!items) return
    coming = fetchBatch(place, waiting.shift())
    coming.catch(() => undefined) // it is awaited only when this batch is written
    yield* items
  }
}

function planned(message: Message, wish: BodyWish, { version }: ItemContext): Planned {
  const plan = planBody(message, wish, version)
  const stream = wantsMimeStream(plan, message)
  return { message, plan: stream ? { ...plan, parts: [] } : plan, stream }
}

function batches(all: readonly Planned[]): Planned[][] {
  const list: Planned[][] = []
  let octets = Infinity
  for (const one of all) {
    const more = cost(one)
    if (octets + more > batchOctets || list.at(-1)!.length >= batchMessages) {
      list.push([])
      octets = 0
    }
    list.at(-1)!.push(one)
    octets += more
  }
  return list
}

const cost = ({ message, plan }: Planned): number => plan.parts.reduce((sum, { section, length = Infinity }) => {
  const size = section === '' ? message.size : find(message.structure, section)?.size ?? message.size
  return sum + Math.min(length, size)
}, 0)

async function fetchBatch(place: Place, batch: readonly Planned[] | undefined): Promise<Item[] | undefined> {
  if (!batch) return undefined
  const first = await fetchParts(place, batch.map(({ message, plan }) => ({ uid: message.uid, plan })))
  const rendered = batch.map((one, i) => render(place, one, first[i]!))
  // Seldom: what seemed to be enough of a body was not.
  const short = rendered.flatMap((result, i) =>
    result && 'more' in result ? [{ i, uid: batch[i]!.message.uid, plan: result.more }] : [])
  if (short.length) {
    const second = await fetchParts(place, short)
    short.forEach(({ i, plan }, at) => rendered[i] = render(place, { ...batch[i]!, plan }, second[at]!))
  }
  const lost = await existing(place, batch.filter((_, i) => !rendered[i]).map(({ message }) => message.uid))
  return batch.flatMap(({ message }, i) => {
    const result = rendered[i]
    if (result && 'nodes' in result) return [{ uid: message.uid, nodes: result.nodes }]
    return lost.has(message.uid) ? [{ uid: message.uid, nodes: broken(place, message, 'the server does not hand it out') }] : []
  })
}

/** Octets by message; undefined for one that the server refuses to hand out. */
async function fetchParts(place: Place, wanted: readonly Wanted[]): Promise<(Octets | undefined)[]> {
  const { stores, folder, validity } = place
  const wishes = wanted.flatMap(({ uid, plan }) => plan.parts.map((part): PartWish => ({ uid, ...part })))
  const all: Octets | Failure = wishes.length ? await outcome(stores.mail.parts(folder.id, validity, wishes)) : []
  if (all instanceof Failure) {
    if (final.has(all.kind)) throw all
    if (wanted.length === 1) return [undefined]
    const one: (Octets | undefined)[] = []
    for (const each of wanted) one.push(...await fetchParts(place, [each]))
    return one
  }
  let at = 0
  return wanted.map(({ plan }) => all.slice(at, at += plan.parts.length))
}

/** Failures that are not about one message. */
const final = new Set<Failure['kind']>(['unavailable', 'auth', 'busy', 'stale'])

type Result = { readonly nodes: Node[] } | { readonly more: BodyPlan } | undefined

/** Undefined for a message some of which is not there; whether it is gone altogether is for `existing` to find out. */
function render(place: Place, { message, plan, stream }: Planned, octets: Octets | undefined): Result {
  if (!octets || octets.includes(undefined)) return undefined
  const ref = { folder: place.folder.id, validity: place.validity, uid: message.uid }
  try {
    if (stream) return { nodes: renderMimeStream(place.stores.mail.stream(ref, ''), message, nodesOf) }
    const rendered = renderBody(plan, octets)
    return 'more' in rendered ? rendered : { nodes: nodesOf(rendered) }
  } catch (error) {
    // Whatever a message does to the code that reads it: the folder goes on.
    place.context.log?.error({ err: error, uid: message.uid }, 'message could not be read')
    return { nodes: broken(place, message, 'it is not made as mail is made') }
  }

  function nodesOf(body: Rendered): Node[] {
    return emailNodes(message, {
      version: place.context.version, draft: place.folder.role === 'drafts', body,
      reference: section => printFileReference(ref, section),
    })
  }
}

const broken = ({ context }: Place, message: Message, why: string): Node[] => brokenItem(message, context.version, why)

async function existing({ stores, folder, validity }: Place, uids: readonly number[]): Promise<ReadonlySet<number>> {
  if (uids.length === 0) return new Set()
  return new Set((await stores.mail.messages(folder.id, validity, uids)).map(({ uid }) => uid))
}

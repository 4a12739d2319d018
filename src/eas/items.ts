import { setImmediate as nextTurn } from 'node:timers/promises'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import type { Invitation } from '../formats/invitation.ts'
import { find } from '../formats/structure.ts'
import type { Folder } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { PartWish, Stores } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import { printFileReference } from '../state/item-id.ts'
import type { Node } from '../wire/wbxml.ts'
import { lookInside, lookOf, type Inside, type Look } from './inside.ts'
import { planBody, renderBody, type BodyPlan, type BodyWish, type Rendered } from './map/body.ts'
import { planBodyPart, renderBodyPart, type BodyPart, type BodyPartPlan } from './map/body-part.ts'
import { brokenItem, emailNodes } from './map/email.ts'
import type { Verb } from './map/flags.ts'
import { outcome } from './outcome.ts'
import { renderMimeStream, wantsMimeStream } from './mime-stream.ts'
import { bareTexts, mostWithFiles, tellsOfFiles, withoutFiles } from './uu-text.ts'
import { verbsOf } from './verbs.ts'
import { since, type Version } from './versions.ts'

export type Item = { readonly uid: number; readonly nodes: readonly Node[] }
export type ItemContext = {
  readonly version: Version
  readonly userAgent?: string | undefined
  readonly log?: Log
  /** Of what the user has sent: see `verbsOf`. */
  readonly cache?: Cache
  /** Messages as MIME go out as octets: none has to be made text of. */
  readonly octets?: boolean
  /** The nodes are written as they are: texts may be octets in them. */
  readonly asWritten?: boolean
  /** Is told of each message about a meeting. Must not block. */
  readonly meeting?: (message: Message, meeting: Invitation) => void
}

/** What is fetched in one round trip: messages, and octets of their bodies. */
const batchMessages = 100, batchOctets = 2 * 1024 * 1024

/**
 * Messages rendered in one go. All of them live until the last one is written; of a hundred, the garbage collector would move the texts
 * to where it seldom looks.
 */
const together = 10

type Octets = readonly (Uint8Array | undefined)[]
type Plans = { readonly body: BodyPlan; readonly part: BodyPartPlan | undefined }
type Planned = {
  readonly message: Message
  /** What else to read of it. */
  readonly look: Look | undefined
  readonly plans: Plans
  readonly inside: Inside
  readonly stream: boolean
  readonly verb?: Verb | undefined
}
type Asked = { readonly wish: BodyWish; readonly context: ItemContext }
type Place = Asked & { readonly stores: Stores; readonly folder: Folder; readonly validity: number }

/**
 * Messages as a client sees them, in the given order: the children of ApplicationData (Sync) or Properties (ItemOperations).
 * Bodies are fetched a batch at a time, the next one while this one is written, and rendered a few at a time. A message that is gone is
 * left out, one that cannot be read is an item that says so. Throws `unavailable`, `auth`, `stale`. They come a few at a time, as a promise each would
 * cost as much as an address.
 */
export async function* renderItems(
  stores: Stores, folder: Folder, validity: number, messages: readonly Message[], wish: BodyWish, context: ItemContext,
): AsyncGenerator<readonly Item[]> {
  const place = { stores, folder, validity, wish, context }
  const waiting = plannedBatches(place, messages)
  let coming = fetchBatch(place, waiting.shift())
  for (;;) {
    const batch = await coming
    if (!batch) return
    coming = fetchBatch(place, waiting.shift())
    coming.catch(() => undefined) // it is awaited only when this batch is written
    for (let at = 0; at < batch.length; at += together) {
      // What others ask for, and what is asked of the mail server meanwhile, would otherwise wait for all of the batch.
      if (at > 0) await nextTurn()
      yield await renderSome(place, batch.slice(at, at + together))
    }
  }
}

/** What `renderItems` asks for first of these messages, so that it may be read before it is asked. */
export const firstPieces = (messages: readonly Message[], wish: BodyWish, context: ItemContext): PartWish[] =>
  piecesOf(plannedBatches({ wish, context }, messages)[0] ?? [])

const piecesOf = (batch: readonly Planned[]): PartWish[] => batch.flatMap(one =>
  wishesOf(one).filter(({ section }) => !one.inside.octets.has(section)).map(wish => ({ ...wish, uid: one.message.uid })))

const plannedBatches = (asked: Asked, messages: readonly Message[]): Planned[][] => batches(messages.map(message =>
  planned(asked, message, lookOf(message.structure, asked.context.userAgent), lookInside(message, undefined, undefined))))

function planned({ wish, context: { version, octets, asWritten } }: Asked, message: Message, look: Look | undefined, inside: Inside): Planned {
  const shaped = { structure: inside.structure, texts: inside.texts, size: message.size }
  const body = planBody(shaped, wish, version, asWritten), part = planBodyPart(shaped, wish.part, version)
  const stream = wantsMimeStream(body, message, octets)
  return { message, look, inside, plans: { body: stream ? { ...body, parts: [] } : body, part }, stream }
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

const wishesOf = ({ look, plans }: Pick<Planned, 'look' | 'plans'>): readonly Omit<PartWish, 'uid'>[] =>
  [...plans.body.parts, ...plans.part?.parts ?? [], ...(look ? [{ section: look.section, length: look.length }] : [])]

const cost = (one: Planned): number => wishesOf(one).reduce((sum, { section, length = Infinity }) => {
  const size = section === '' ? one.message.size : find(one.message.structure, section)?.size ?? one.message.size
  return sum + Math.min(length, size)
}, 0)

type Fetched = { readonly one: Planned; readonly octets: Octets | undefined }

async function fetchBatch(place: Place, given: readonly Planned[] | undefined): Promise<Fetched[] | undefined> {
  if (!given) return undefined
  const [read, verbs] = await Promise.all([opened(place, given), verbsOfBatch(place, given)])
  const batch = read.map(one => ({ ...one, verb: verbs.get(one.message.uid) }))
  const octets = await fetchParts(place, batch)
  await takeFilesOut(place, batch, octets)
  return batch.map((one, i) => ({ one, octets: octets[i] }))
}

async function renderSome(place: Place, batch: readonly Fetched[]): Promise<Item[]> {
  const rendered = batch.map(({ one, octets }) => render(place, one, octets))
  // Seldom: what seemed to be enough of a body was not.
  const short = rendered.flatMap((result, i) =>
    result && 'more' in result ? [{ i, one: { ...batch[i]!.one, plans: result.more } }] : [])
  if (short.length) {
    const second = await fetchParts(place, short.map(({ one }) => one))
    short.forEach(({ i, one }, at) => rendered[i] = render(place, one, second[at]))
  }
  const lost = await existing(place, batch.filter((_, i) => !rendered[i]).map(({ one }) => one.message.uid))
  return batch.flatMap(({ one: { message } }, i) => {
    const result = rendered[i]
    if (result && 'nodes' in result) return [{ uid: message.uid, nodes: result.nodes }]
    return lost.has(message.uid) ? [{ uid: message.uid, nodes: broken(place, message, 'the server does not hand it out') }] : []
  })
}

const verbsOfBatch = async ({ stores, context: { version, cache } }: Place, batch: readonly Planned[]): Promise<ReadonlyMap<number, Verb>> =>
  since(version, '14.0') ? verbsOf({ stores, cache }, batch.map(({ message }) => message)) : new Map()

/** Those whose text is in a container (TNEF, a calendar alone) are read before anything is planned: one more round trip. */
async function opened(place: Place, batch: readonly Planned[]): Promise<readonly Planned[]> {
  const closed = batch.filter(({ look }) => look?.first)
  if (closed.length === 0) return batch
  const unplanned = closed.map(one => ({ ...one, plans: { body: { ...one.plans.body, parts: [] }, part: undefined } }))
  const octets = await fetchParts(place, unplanned)
  const open = new Map(closed.map((one, i) => [one.message.uid, insideOf(place, one, octets[i]?.[0])]))
  return batch.map(one => {
    const inside = open.get(one.message.uid)
    return inside ? planned(place, one.message, undefined, inside) : one
  })
}

/** Texts turn out to have files in them when they are read: those are planned anew, and read whole where they are not too long. */
async function takeFilesOut(place: Place, batch: Planned[], octets: (Octets | undefined)[]): Promise<void> {
  if (place.folder.role === 'drafts') return
  const suspects = batch.flatMap((one, at) => one.look || one.stream ? [] : bareTexts(one.inside.texts).flatMap(part => {
    const wish = one.plans.body.parts.findIndex(({ section }) => section === part.section)
    const seen = wish < 0 ? undefined : octets[at]?.[wish]
    if (!seen || !tellsOfFiles(part, seen)) return []
    const { length } = one.plans.body.parts[wish]!
    return [{ at, part, seen, cut: length !== undefined && seen.length >= length }]
  }))
  const changed = new Set<number>()
  for (const one of suspects) {
    const { plans, ...rest } = batch[one.at]!
    // One after the other: each may be large.
    const [whole] = one.cut && one.part.size <= mostWithFiles
      ? await fetchParts(place, [{ ...rest, plans: { body: { ...plans.body, parts: [{ section: one.part.section }] }, part: undefined } }]) : []
    const all = whole?.[0]
    const { inside, message, verb } = batch[one.at]!
    const opened = withoutFiles(inside, one.part, all ?? one.seen, one.cut && !all)
    if (!opened) continue
    batch[one.at] = { ...planned(place, message, undefined, opened), verb }
    changed.add(one.at)
  }
  const again = changed.size ? await fetchParts(place, [...changed].map(at => batch[at]!)) : []
  for (const [index, at] of [...changed].entries()) octets[at] = again[index]
}

function insideOf({ context }: Place, { message, look }: Planned, octets: Uint8Array | undefined): Inside {
  const inside = lookInside(message, look, octets)
  if (inside.trouble) context.log?.warn({ uid: message.uid, reason: inside.trouble }, 'part of a message not understood')
  return inside
}

/** Octets by message; undefined for one that the server refuses to hand out. */
async function fetchParts(
  place: Place, wanted: readonly Pick<Planned, 'message' | 'inside' | 'look' | 'plans'>[],
): Promise<(Octets | undefined)[]> {
  const { stores, folder, validity } = place
  const wishes = wanted.flatMap(one => wishesOf(one).map(wish =>
    ({ ...wish, uid: one.message.uid, known: one.inside.octets.get(wish.section) })))
  const asked = wishes.flatMap(({ known, ...wish }) => known ? [] : [wish])
  const all: Octets | Failure = asked.length ? await outcome(stores.mail.parts(folder.id, validity, asked)) : []
  if (all instanceof Failure) {
    if (final.has(all.kind)) throw all
    if (wanted.length === 1) return [undefined]
    const one: (Octets | undefined)[] = []
    for (const each of wanted) one.push(...await fetchParts(place, [each]))
    return one
  }
  const answers = all.values()
  const octets = wishes.map(({ known, length }) => known ? known.subarray(0, length) : answers.next().value)
  let at = 0
  return wanted.map(one => octets.slice(at, at += wishesOf(one).length))
}

/** Failures that are not about one message. */
const final = new Set<Failure['kind']>(['unavailable', 'auth', 'busy', 'stale'])

type Result = { readonly nodes: Node[] } | { readonly more: Plans } | undefined

/** Undefined for a message some of which is not there; whether it is gone altogether is for `existing` to find out. */
function render(place: Place, one: Planned, octets: Octets | undefined): Result {
  const { message, plans, look, stream } = one
  const bodyParts = plans.body.parts.length, needed = bodyParts + (plans.part?.parts.length ?? 0)
  if (!octets || octets.slice(0, needed).includes(undefined)) return undefined
  const ref = { folder: place.folder.id, validity: place.validity, uid: message.uid }
  try {
    const inside = look ? insideOf(place, one, octets[needed]) : one.inside
    const part = plans.part && renderBodyPart(plans.part, octets.slice(bodyParts, needed))
    if (stream) {
      if (part && 'more' in part) return { more: { ...plans, part: part.more } }
      return { nodes: renderMimeStream(place.stores.mail.stream(ref, ''), message, body => nodesOf(body, part, inside)) }
    }
    const body = asCut(renderBody(plans.body, octets.slice(0, bodyParts)), inside)
    if ('more' in body || (part && 'more' in part)) return { more: {
      body: 'more' in body ? body.more : plans.body, part: part && 'more' in part ? part.more : plans.part,
    } }
    return { nodes: nodesOf(body, part, inside) }
  } catch (error) {
    // Whatever a message does to the code that reads it: the folder goes on.
    place.context.log?.error({ err: error, uid: message.uid }, 'message could not be read')
    return { nodes: broken(place, message, 'it is not made as mail is made') }
  }

  function nodesOf(body: Rendered, bodyPart: BodyPart | undefined, inside: Inside): Node[] {
    if (inside.meeting) place.context.meeting?.(message, inside.meeting)
    return emailNodes(message, {
      // [MS-ASAIRS] BodyPart takes the place of Body for a client that wishes for nothing else
      version: place.context.version, draft: place.folder.role === 'drafts', inside, bodyPart, verb: one.verb,
      body: bodyPart && place.wish.bodies.length === 0 ? undefined : body,
      addresses: place.stores.person.addresses, reference: section => printFileReference(ref, section),
    })
  }
}

const asCut = <T extends object>(rendered: Rendered | T, { cutShort }: Inside): Rendered | T =>
  cutShort && 'body' in rendered ? { ...rendered, body: { ...rendered.body, truncated: true } } : rendered

const broken = ({ context }: Place, message: Message, why: string): Node[] => brokenItem(message, context.version, why)

async function existing({ stores, folder, validity }: Place, uids: readonly number[]): Promise<ReadonlySet<number>> {
  if (uids.length === 0) return new Set()
  return new Set((await stores.mail.messages(folder.id, validity, uids)).map(({ uid }) => uid))
}

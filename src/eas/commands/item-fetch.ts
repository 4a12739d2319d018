import { Failure } from '../../base/failure.ts'
import { sliceStream } from '../../formats/transfer-stream.ts'
import type { MessageRef } from '../../model/ports.ts'
import { namesObject, parseItemId } from '../../state/item-id.ts'
import { child, children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { openAttachment } from '../attachment.ts'
import { noBody, readWish } from '../body-wish.ts'
import type { Call } from '../command.ts'
import { itemRange, octetRange } from '../item-range.ts'
import { renderItems } from '../items.ts'
import type { BodyWish } from '../map/body.ts'
import type { Carrier } from '../multipart.ts'
import { outcome } from '../outcome.ts'
import type { Version } from '../versions.ts'
import { badAttachment, badRange, notFound, protocolError, refusedAs, success, unknownStore } from './item-status.ts'
import type { FetchedObject } from './object-fetch.ts'
import { unknownPart, wantsUnknownPart } from './sync-request.ts'

export type FetchedItem = {
  readonly kind: 'item'
  /** How the client named it, which the answer repeats. */
  readonly named: readonly Node[]
  readonly ref: MessageRef | undefined
  readonly wish: BodyWish
  /** Properties that are wanted; undefined: all. */
  readonly schema: readonly string[] | undefined
  readonly range: string | undefined
}
export type FetchedFile = { readonly kind: 'file'; readonly reference: string; readonly range: string | undefined }
export type Refused = { readonly kind: 'refused'; readonly answer: Node }

/** [MS-ASCMD] Options (ItemOperations): what Fetch may say of an item. Of a file it says a Range and nothing else. */
const itemOptions: readonly string[] = [
  'ItemOperations:Schema', 'ItemOperations:Range', 'ItemOperations:UserName', 'ItemOperations:Password', 'AirSync:MIMESupport',
  'AirSyncBase:BodyPreference', 'AirSyncBase:BodyPartPreference', 'RightsManagement:RightsManagementSupport',
]
const fileOptions: readonly string[] = ['ItemOperations:Range']

// [MS-ASCMD] Fetch (ItemOperations)
export function readFetch(fetch: Element, version: Version): FetchedItem | FetchedObject | FetchedFile | Refused {
  const options = child(fetch, 'ItemOperations:Options')
  const reference = text(fetch, 'AirSyncBase:FileReference')
  if (text(fetch, 'ItemOperations:Store')?.toLowerCase() !== 'mailbox') return { kind: 'refused', answer: fetchAnswer(unknownStore, []) }
  const range = options && text(options, 'ItemOperations:Range')
  const allowed = reference === undefined ? itemOptions : fileOptions
  const bad = options?.children.some(({ tag }) => !allowed.includes(tag)) || children(fetch, 'AirSyncBase:FileReference').length > 1
  if (reference !== undefined) {
    return bad ? { kind: 'refused', answer: fetchAnswer(protocolError, fileNamed(reference)) } : { kind: 'file', reference, range }
  }
  const longId = text(fetch, 'Search:LongId'), collectionId = text(fetch, 'AirSync:CollectionId')
  const id = longId ?? text(fetch, 'AirSync:ServerId')
  if (!id) throw new Failure('malformed', 'Fetch of nothing')
  const named = longId !== undefined ? [el('Search:LongId', id)] : [
    ...(collectionId ? [el('AirSync:CollectionId', collectionId)] : []), el('AirSync:ServerId', id),
  ]
  if (bad) return { kind: 'refused', answer: fetchAnswer(protocolError, named) }
  if (wantsUnknownPart(options, version)) return { kind: 'refused', answer: fetchAnswer(unknownPart, named) }
  const schema = options && child(options, 'ItemOperations:Schema')?.children.map(({ tag }) => tag)
  const wish = schema?.some(tag => tag === 'AirSyncBase:Body' || tag === 'AirSyncBase:BodyPart') === false ? noBody() : readWish(options)
  if (namesObject(id)) return { kind: 'object', id: collectionId === undefined || id.startsWith(`${collectionId}:`) ? id : '', named, wish, schema }
  return { kind: 'item', named, ref: refOf(id, collectionId), wish, schema, range }
}

function refOf(id: string, collectionId: string | undefined): MessageRef | undefined {
  try {
    const ref = parseItemId(id)
    return collectionId === undefined || collectionId === ref.folder ? ref : undefined
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Items that are looked up together: of one folder, wanted in one way. */
export const together = ({ ref, wish }: FetchedItem): string => JSON.stringify([ref?.folder, ref?.validity, wish])

export async function* itemAnswers(call: Call, items: readonly FetchedItem[], carrier: Carrier): AsyncGenerator<Node> {
  const { ref, wish } = items[0]!
  const found = ref ? await outcome(lookUp(call, ref, items)) : new Failure('not-found', 'no such item')
  if (found instanceof Failure) {
    for (const item of items) yield fetchAnswer(refusedAs(found), item.named)
    return
  }
  let next = 0
  const missing = function* (until: number): Generator<Node> {
    for (; next < until; next++) yield fetchAnswer(notFound, items[next]!.named)
  }
  const { version, userAgent } = call.request
  const context = { version, userAgent, log: call.log, cache: call.cache, octets: carrier.octets }
  for await (const some of renderItems(call.stores, found.folder, ref!.validity, found.messages, wish, context)) {
    for (const { uid, nodes } of some) {
      yield* missing(items.findIndex((item, index) => index >= next && item.ref?.uid === uid))
      yield itemAnswer(items[next++]!, nodes, carrier)
    }
  }
  yield* missing(items.length)
}

/** The messages in the order they were asked for. */
async function lookUp({ stores }: Call, ref: MessageRef, items: readonly FetchedItem[]) {
  const folder = await stores.mail.folder(ref.folder)
  const uids = items.map(item => item.ref!.uid)
  const messages = await stores.mail.messages(ref.folder, ref.validity, [...new Set(uids)])
  const there = new Map(messages.map(message => [message.uid, message]))
  return { folder, messages: uids.flatMap(uid => there.get(uid) ?? []) }
}

function itemAnswer({ named, schema, range }: FetchedItem, nodes: readonly Node[], carrier: Carrier): Node {
  try {
    const wanted = schema ? nodes.filter(({ tag }) => schema.includes(tag)) : nodes
    const properties = carrier.item(range === undefined ? wanted : itemRange(wanted, range))
    return fetchAnswer(success, named, [el('AirSync:Class', 'Email'), el('ItemOperations:Properties', properties)])
  } catch (error) {
    if (error instanceof Failure) return fetchAnswer(badRange, named)
    throw error
  }
}

const fetchAnswer = (value: string, named: readonly Node[], rest: readonly Node[] = []): Node =>
  el('ItemOperations:Fetch', [el('ItemOperations:Status', value), ...named, ...rest])

const fileNamed = (reference: string): Node[] => [el('AirSyncBase:FileReference', reference)]

/** [MS-ASCMD] Range (ItemOperations): octets of the file, told only to a client that asked for some: iOS 10 stumbles. */
export async function fileAnswer(call: Call, { reference, range }: FetchedFile, carrier: Carrier): Promise<Node> {
  const named = fileNamed(reference)
  const file = await outcome(openAttachment(call, reference))
  if (file instanceof Failure) {
    const status = refusedAs(file)
    return fetchAnswer(file.kind === 'denied' ? status : badAttachment, named)
  }
  const properties = async (octets: AsyncIterable<Uint8Array>, length: () => Promise<number>, told: readonly Node[]): Promise<Node> =>
    el('ItemOperations:Properties', [...told, el('AirSyncBase:ContentType', file.type), await carrier.file(octets, length)])
  if (range === undefined) return fetchAnswer(success, named, [await properties(file.octets(), file.length, [])])

  const total = await file.length()
  const asked = await outcome((async () => octetRange(range, total))())
  if (asked instanceof Failure) return fetchAnswer(badRange, named)
  const { from, to } = asked
  const length = to - from + 1
  const told = [el('ItemOperations:Range', `${from}-${to}`), el('ItemOperations:Total', String(total))]
  return fetchAnswer(success, named, [await properties(sliceStream(file.octets(), from, length), async () => length, told)])
}

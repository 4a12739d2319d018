import { Failure, type Kind } from '../../base/failure.ts'
import { base64Stream, sliceStream } from '../../formats/transfer-stream.ts'
import type { MessageRef } from '../../model/ports.ts'
import { parseItemId } from '../../state/item-id.ts'
import { defaultOptions } from '../../state/sync-options.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { openAttachment } from '../attachment.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { renderItems } from '../items.ts'
import type { BodyWish } from '../map/body.ts'
import { outcome } from '../outcome.ts'
import { readPart, readPreference } from './sync-request.ts'

/** [MS-ASCMD] Status (ItemOperations). */
const success = '1', protocolError = '2', badRange = '8', unknownStore = '9', badAttachment = '15', unsupported = '156'
const status: Partial<Record<Kind, string>> = {
  malformed: protocolError, denied: '16', 'not-found': '6', stale: '6', 'too-large': '11', unsupported: '9', unavailable: '3',
}
const mostOperations = 200

// [MS-ASCMD] ItemOperations: carried out in the given order, the answer written as it comes.
export const itemOperations: Command = {
  async run(call) {
    const operations = call.body?.children ?? []
    if (operations.length === 0 || operations.length > mostOperations) throw new Failure('malformed', 'number of operations')
    call.facts['items'] = operations.length
    // An operation that breaks the protocol refuses the request before anything is done.
    const steps = grouped(operations.map(readOperation))
    return wbxml(el('ItemOperations:ItemOperations', [
      el('ItemOperations:Status', success),
      el('ItemOperations:Response', answers(call, steps)),
    ]))
  },

  refuse: kind => el('ItemOperations:ItemOperations', [el('ItemOperations:Status', status[kind] ?? '3')]),
}

type Fetched = {
  readonly kind: 'item'
  /** How the client named it, which the answer repeats. */
  readonly named: readonly Node[]
  readonly ref: MessageRef | undefined
  readonly wish: BodyWish
}
type File = { readonly kind: 'file'; readonly reference: string; readonly range: string | undefined }
type Refused = { readonly kind: 'refused'; readonly answer: Node }
type Operation = Fetched | File | Refused
/** Items of one folder that are looked up together. */
type Step = File | Refused | { readonly kind: 'items'; readonly items: readonly Fetched[] }

function readOperation(operation: Element): Operation {
  switch (operation.tag) {
    case 'ItemOperations:Fetch': return readFetch(operation)
    case 'ItemOperations:EmptyFolderContents': return notServed(operation, 'AirSync:CollectionId')
    case 'ItemOperations:Move': return notServed(operation, 'ItemOperations:ConversationId')
    default: throw new Failure('malformed', `${operation.tag} is no operation`)
  }
}

/** A later version of this program will do them. */
function notServed(operation: Element, named: Tag): Refused {
  const name = child(operation, named)
  return { kind: 'refused', answer: el(operation.tag as Tag, [
    el('ItemOperations:Status', unsupported), ...(name ? [el(named, name.opaque ?? name.text)] : []),
  ]) }
}

function readFetch(fetch: Element): Operation {
  const options = child(fetch, 'ItemOperations:Options')
  const reference = text(fetch, 'AirSyncBase:FileReference')
  if (text(fetch, 'ItemOperations:Store')?.toLowerCase() !== 'mailbox') {
    return { kind: 'refused', answer: el('ItemOperations:Fetch', [el('ItemOperations:Status', unknownStore)]) }
  }
  if (reference !== undefined) return { kind: 'file', reference, range: options && text(options, 'ItemOperations:Range') }
  const longId = text(fetch, 'Search:LongId'), collectionId = text(fetch, 'AirSync:CollectionId')
  const id = longId ?? text(fetch, 'AirSync:ServerId')
  if (!id) throw new Failure('malformed', 'Fetch of nothing')
  const named = longId !== undefined ? [el('Search:LongId', id)] : [
    ...(collectionId ? [el('AirSync:CollectionId', collectionId)] : []), el('AirSync:ServerId', id),
  ]
  return { kind: 'item', named, ref: refOf(id, collectionId), wish: readWish(options) }
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

/** [MS-ASCMD] Options (ItemOperations). MIME is not sent unless it is asked for, and then whole. */
function readWish(options: Element | undefined): BodyWish {
  const mimeSupport = Number(options && text(options, 'AirSync:MIMESupport') || 0)
  if (![0, 1, 2].includes(mimeSupport)) throw new Failure('malformed', 'MIMESupport')
  return {
    mimeSupport: mimeSupport as BodyWish['mimeSupport'], mimeTruncation: defaultOptions.mimeTruncation,
    bodies: options ? children(options, 'AirSyncBase:BodyPreference').slice(0, 8).map(readPreference) : [],
    ...(options ? readPart(options) : {}),
  }
}

function grouped(operations: readonly Operation[]): Step[] {
  const steps: Step[] = []
  let open: { items: Fetched[]; key: string } | undefined
  for (const operation of operations) {
    if (operation.kind !== 'item') {
      steps.push(operation)
      open = undefined
      continue
    }
    const key = JSON.stringify([operation.ref?.folder, operation.ref?.validity, operation.wish])
    if (open?.key === key) open.items.push(operation)
    else {
      open = { items: [operation], key }
      steps.push({ kind: 'items', items: open.items })
    }
  }
  return steps
}

async function* answers(call: Call, steps: readonly Step[]): AsyncGenerator<Node> {
  for (const step of steps) {
    if (step.kind === 'refused') yield step.answer
    else if (step.kind === 'file') yield await fileAnswer(call, step)
    else yield* itemAnswers(call, step.items)
  }
}

async function* itemAnswers(call: Call, items: readonly Fetched[]): AsyncGenerator<Node> {
  const { ref, wish } = items[0]!
  const found = ref ? await outcome(lookUp(call, ref, items)) : new Failure('not-found', 'no such item')
  if (found instanceof Failure) {
    if (found.kind === 'unavailable' || found.kind === 'auth') throw found
    for (const item of items) yield fetchAnswer(status[found.kind] ?? '3', item.named)
    return
  }
  let next = 0
  const missing = function* (until: number): Generator<Node> {
    for (; next < until; next++) yield fetchAnswer('6', items[next]!.named)
  }
  const context = { version: call.request.version, userAgent: call.request.userAgent, log: call.log }
  for await (const { uid, nodes } of renderItems(call.stores, found.folder, ref!.validity, found.messages, wish, context)) {
    yield* missing(items.findIndex((item, index) => index >= next && item.ref?.uid === uid))
    yield fetchAnswer(success, items[next++]!.named, [el('AirSync:Class', 'Email'), el('ItemOperations:Properties', nodes)])
  }
  yield* missing(items.length)
}

/** The messages in the order they were asked for. */
async function lookUp({ stores }: Call, ref: MessageRef, items: readonly Fetched[]) {
  const folder = await stores.mail.folder(ref.folder)
  const uids = items.map(item => item.ref!.uid)
  const messages = await stores.mail.messages(ref.folder, ref.validity, [...new Set(uids)])
  const there = new Map(messages.map(message => [message.uid, message]))
  return { folder, messages: uids.flatMap(uid => there.get(uid) ?? []) }
}

const fetchAnswer = (value: string, named: readonly Node[], rest: readonly Node[] = []): Node =>
  el('ItemOperations:Fetch', [el('ItemOperations:Status', value), ...named, ...rest])

/** [MS-ASCMD] Range (ItemOperations): octets of the file, told only to a client that asked for some: iOS 10 stumbles. */
async function fileAnswer(call: Call, { reference, range }: File): Promise<Node> {
  const named = [el('AirSyncBase:FileReference', reference)]
  const file = await outcome(openAttachment(call, reference))
  if (file instanceof Failure) {
    if (file.kind === 'unavailable' || file.kind === 'auth') throw file
    return fetchAnswer(file.kind === 'denied' ? '16' : badAttachment, named)
  }
  const properties = (octets: AsyncIterable<Uint8Array>, told: readonly Node[]): Node => el('ItemOperations:Properties', [
    ...told, el('AirSyncBase:ContentType', file.type), el('ItemOperations:Data', { text: base64Stream(octets) }),
  ])
  if (range === undefined) return fetchAnswer(success, named, [properties(file.octets(), [])])

  const [, first = '', last = ''] = /^(\d{1,15})-(\d{1,15})$/.exec(range) ?? []
  const from = Number(first || NaN), total = await file.length()
  const to = Math.min(Number(last || NaN), total - 1)
  if (!(from <= to)) return fetchAnswer(badRange, named)
  const told = [el('ItemOperations:Range', `${from}-${to}`), el('ItemOperations:Total', String(total))]
  return fetchAnswer(success, named, [properties(sliceStream(file.octets(), from, to - from + 1), told)])
}

import type { Kind } from '../../base/failure.ts'
import type { Message } from '../../model/message.ts'
import type { MailChanges } from '../../model/ports.ts'
import { printItemId } from '../../state/item-id.ts'
import { defaultOptions, type SyncOptions } from '../../state/sync-options.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { noBody } from '../body-wish.ts'
import type { Call } from '../command.ts'
import { classes } from '../folder-type.ts'
import { firstPieces, renderItems, type Item, type ItemContext } from '../items.ts'
import { flagNodes, lastVerb, type Verb } from '../map/flags.ts'
import { MeetingNews } from '../meeting-news.ts'
import { verbsOf } from '../verbs.ts'
import { since } from '../versions.ts'
import { advance, type Mailbox } from './sync-mailbox.ts'
import type { CollectionRequest } from './sync-request.ts'

/** [MS-ASCMD] Collection (Sync response). The Class is told up to 12.1 only. MoreAvailable stands before Commands: some clients break otherwise. */
export function describe(call: Call, collection: Mailbox): Node {
  const { request, applied, changes } = collection
  const responses = applied.responses.length + applied.fetched.length > 0
  const listed = changes && changes.deletes.length + changes.aged.length + changes.updates.length + changes.adds.length > 0
  return el('AirSync:Collection', [
    ...collectionHead(call, request, advance(call, collection), '1', classes.mail),
    ...(changes?.more ? [el('AirSync:MoreAvailable')] : []),
    ...(responses ? [el('AirSync:Responses', responsesOf(call, collection))] : []),
    ...(listed ? [el('AirSync:Commands', commandsOf(call, collection))] : []),
  ])
}

/** [MS-ASCMD] Status (Sync) of one collection; after 3 and 12 the client starts again from 0 or from FolderSync. */
export function refusedCollection(call: Call, request: CollectionRequest, kind: Kind): Node {
  const value = collectionStatus[kind] ?? '5'
  return el('AirSync:Collection', collectionHead(call, request, value === '3' ? '0' : request.key, value, request.className ?? classes.mail))
}

const collectionStatus: Partial<Record<Kind, string>> = { stale: '3', 'not-found': '12', malformed: '4', quota: '9', denied: '5', busy: '16', unavailable: '16' }

export const collectionHead = (call: Call, { id }: CollectionRequest, key: string, status: string, name: string): Node[] => [
  ...(since(call.request.version, '14.0') ? [] : [el('AirSync:Class', name)]),
  el('AirSync:SyncKey', key),
  el('AirSync:CollectionId', id),
  el('AirSync:Status', status),
]

async function* commandsOf(call: Call, collection: Mailbox): AsyncGenerator<Node | readonly Node[]> {
  const { folder, changes } = collection
  if (!changes) return
  const { validity } = changes.next
  const id = (uid: number): Node => el('AirSync:ServerId', printItemId({ folder: folder.id, validity, uid }))
  const add = ({ uid, nodes }: Item): Node => el('AirSync:Add', [id(uid), el('AirSync:ApplicationData', nodes)])
  for (const uid of changes.deletes) yield el('AirSync:Delete', [id(uid)])
  for (const uid of changes.aged) yield el('AirSync:SoftDelete', [id(uid)])
  const verbs = await verbsOfChanges(call, collection, changes)
  for (const { uid, flags } of changes.updates) {
    yield el('AirSync:Change', [id(uid), el('AirSync:ApplicationData', flagNodes(flags, call.request.version, verbs.get(uid)))])
  }
  const news = new MeetingNews()
  let begun = false
  for await (const items of render(call, collection, validity, changes.adds, news.hear)) {
    if (!begun && changes.more) foresee(call, collection, changes)
    begun = true
    yield items.map(add)
  }
  news.take(call)
  // [MS-ASCMD] ConversationMode (Sync): of these the preview, where one was asked for, and no body; [MS-ASCON] Sending a Message Part: but a part
  const { bodies, part } = collection.options
  const preview = Math.max(0, ...bodies.map(body => body.preview ?? 0)), body = noBody(preview)
  const older = { ...collection, options: { ...collection.options, ...body, ...(part && bodies.length === 0 ? { bodies } : {}) } }
  for await (const items of render(call, older, validity, collection.older)) yield items.map(add)
}

/** A change says nothing of the message but its flags; what was answered or forwarded is looked at, for the time of that. */
async function verbsOfChanges(call: Call, { folder }: Mailbox, { updates, next }: MailChanges): Promise<ReadonlyMap<number, Verb>> {
  if (!since(call.request.version, '14.0')) return new Map()
  const used = updates.filter(({ flags }) => lastVerb(flags)).map(({ uid }) => uid)
  return used.length ? verbsOf(call, await call.stores.mail.messages(folder.id, next.validity, used)) : new Map()
}

/** Items that were fetched are looked up only now: what the client asked for is what is there. */
async function* responsesOf(call: Call, collection: Mailbox): AsyncGenerator<Node | readonly Node[]> {
  const { applied, folder } = collection
  yield* applied.responses
  if (applied.fetched.length === 0) return
  const { validity } = applied.fetched[0]!.ref
  const messages = await call.stores.mail.messages(folder.id, validity, applied.fetched.map(({ ref }) => ref.uid))
  const complete = { ...collection, options: uncut(collection.options) }
  const found = new Map(applied.fetched.map(({ serverId, ref }) => [ref.uid, serverId]))
  const answer = (serverId: string, status: string, nodes: readonly Node[] = []): Node =>
    el('AirSync:Fetch', [
      el('AirSync:ServerId', serverId), el('AirSync:Status', status),
      ...(nodes.length ? [el('AirSync:ApplicationData', nodes)] : []),
    ])
  for await (const items of render(call, complete, validity, messages)) {
    yield items.map(({ uid, nodes }) => answer(found.get(uid)!, '1', nodes))
    for (const { uid } of items) found.delete(uid)
  }
  for (const serverId of found.values()) yield answer(serverId, '8')
}

/** [MS-ASCMD] Fetch (Sync): what had been cut is wanted whole. */
const uncut = (options: SyncOptions): SyncOptions => ({
  ...options, mimeTruncation: defaultOptions.mimeTruncation,
  bodies: options.bodies.map(body => ({ ...body, truncationSize: Infinity })),
})

function render(call: Call, { folder, options }: Mailbox, validity: number, messages: readonly Message[], meeting?: ItemContext['meeting']) {
  return renderItems(call.stores, folder, validity, messages, options, { ...contextOf(call), ...(meeting ? { meeting } : {}) })
}

const contextOf = ({ request: { version, userAgent }, log, cache }: Call): ItemContext => ({ version, userAgent, log, cache, asWritten: true })

/** The client comes again for what the window had no room for: that can be read while it takes what there is. */
function foresee(call: Call, { folder, options, since, window }: Mailbox, { next }: MailChanges): void {
  call.stores.mail.foresee(folder.id, next, { window, since }, adds => firstPieces(adds, options, contextOf(call)))
}

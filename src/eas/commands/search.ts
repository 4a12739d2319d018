import { Failure, type Kind } from '../../base/failure.ts'
import type { Content, Folder, FolderId } from '../../model/folder.ts'
import type { MessageRef, ObjectRef } from '../../model/ports.ts'
import type { MailQuery } from '../../model/query.ts'
import { printItemId, printObjectId } from '../../state/item-id.ts'
import { child, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { findConversation } from '../conversations.ts'
import { classes } from '../folder-type.ts'
import { objectsOf } from '../folders.ts'
import { existing, mostFound, mostTold, renderHits, Results, type FoundRefs, type Hit, type Rows } from '../found.ts'
import type { BodyWish } from '../map/body.ts'
import { existingObjects, sayHit, searchObjects, type ObjectHit } from '../object-search.ts'
import { outcome } from '../outcome.ts'
import { allContents, searchScope } from '../search-scope.ts'
import { since } from '../versions.ts'
import { searchAddressList } from './search-gal.ts'
import { readMailboxSearch, type MailboxSearch } from './search-request.ts'
import { unknownPart, wantsUnknownPart } from './sync-request.ts'

/** [MS-ASCMD] Status (Search) of the store. */
const success = '1', notFound = '6', endOfRange = '12'
const storeStatus: Partial<Record<Kind, string>> = {
  malformed: '2', denied: '5', 'too-large': '8', unsupported: '8', busy: '10', 'not-found': '11', stale: '11',
}
/** Of the address list there are no folders that could be out of date. */
const galStatus: typeof storeStatus = { ...storeStatus, 'not-found': notFound, unavailable: '7' }

// [MS-ASCMD] Search
export const search: Command = {
  async run(call) {
    const store = call.body && child(call.body, 'Search:Store')
    if (!store) throw new Failure('malformed', 'no Store')
    const answered = await outcome(searchStore(call, store))
    if (!(answered instanceof Failure)) return answer(answered)
    const status = (nameOf(store) === 'gal' ? galStatus : storeStatus)[answered.kind]
    if (!status) throw answered
    call.facts['why'] = answered.message
    return answer([el('Search:Status', status)])
  },

  // [MS-ASCMD] Common Status Codes, 103: what is no Search at all
  refuse: kind => el('Search:Search', [el('Search:Status', kind === 'malformed' ? '103' : '3')]),
}

type StoreNodes = readonly Node[] | AsyncIterable<Node>

const answer = (nodes: StoreNodes) => wbxml(el('Search:Search', [
  el('Search:Status', '1'),
  el('Search:Response', [el('Search:Store', nodes)]),
]))

const nameOf = (store: Element): string | undefined => text(store, 'Search:Name')?.toLowerCase().replace(/\s/g, '')

async function searchStore(call: Call, store: Element): Promise<StoreNodes> {
  switch (nameOf(store)) {
    case 'mailbox':
      // Version 2.5 knows the address list only.
      if (!since(call.request.version, '12.0')) throw new Failure('malformed', 'a search in a store of later versions')
      if (wantsUnknownPart(child(store, 'Search:Options'), call.request.version)) return [el('Search:Status', unknownPart)]
      return searchMailbox(call, readMailboxSearch(store, call.now()))
    case 'gal': return searchAddressList(call, store)
    case 'documentlibrary': return [el('Search:Status', notFound)]
    default: throw new Failure('malformed', 'a search in no known store')
  }
}

async function searchMailbox(call: Call, asked: MailboxSearch): Promise<StoreNodes> {
  const contents = contentsOf(call, asked.classes), { mail, objects } = call.stores
  const { query, conversation, folders, deep } = asked
  const key = { query, conversation: conversation && Buffer.from(conversation).toString('hex'), folders, deep, contents }
  const results = await Results.of<Ref, Item>(call, key, asked.rebuild, {
    find: () => find(call, asked, contents),
    async existing(refs) {
      const messages = refs.filter((ref): ref is MessageRef => !isObject(ref)), others = refs.filter(isObject)
      const found = await Promise.all([existing(mail, messages), others.length > 0 ? existingObjects(objectsOf(objects), others) : []])
      return found.flat()
    },
  })
  const { from, to } = asked.rows ?? { from: 0, to: mostTold - 1 }
  const items = await results.rows({ from, to: Math.min(to, from + mostTold - 1) })
  Object.assign(call.facts, { found: results.total, items: items.length })
  // A warning: what can be had of the range is in the answer nevertheless.
  const beyond = to - from >= mostTold || to >= mostFound || (from > 0 && from >= results.length)
  return listed(call, items, asked, { from, total: results.total, status: beyond ? endOfRange : success })
}

type Ref = MessageRef | ObjectRef
type Item = Hit | ObjectHit

const isObject = (ref: Ref): ref is ObjectRef => 'name' in ref

/** Mail, the newest first, then objects. */
async function find(call: Call, { query, conversation, folders, deep }: MailboxSearch, contents: readonly Content[]): Promise<FoundRefs<Ref>> {
  const scope = await searchScope(call.stores, call.request.version, { named: folders, deep, contents })
  const mailboxes = scope.filter(({ content }) => content === 'mail').map(({ id }) => id)
  const mail = mailboxes.length === 0 ? { refs: [], total: 0 }
    : conversation ? ofConversation(call, conversation, mailboxes, query) : call.stores.mail.search(mailboxes, query, mostFound)
  // Nothing but mail is of a conversation.
  const objects = conversation ? [] : searchObjects(call, scope.filter(({ content }) => content !== 'mail'), query)
  const [messages, others] = await Promise.all([mail, objects])
  return { refs: [...messages.refs, ...others].slice(0, mostFound), total: messages.total + others.length }
}

async function ofConversation(call: Call, id: Uint8Array, mailboxes: readonly FolderId[], query: MailQuery): Promise<FoundRefs<MessageRef>> {
  const hits = await outcome(findConversation(call, id, mailboxes, query))
  if (hits instanceof Failure && hits.kind !== 'not-found') throw hits
  const refs = hits instanceof Failure ? [] : hits.map(({ ref }) => ref)
  return { refs, total: refs.length }
}

/** [MS-ASCMD] Class (Search): what is looked into; SMS are kept nowhere here. Throws `malformed`. */
function contentsOf({ request: { version } }: Call, names: readonly string[]): readonly Content[] {
  const known = since(version, '14.0') ? allContents : allContents.filter(content => content !== 'notes')
  const isKnown = (name: string): boolean => (name === 'SMS' && since(version, '14.0')) || known.some(content => classes[content] === name)
  if (!names.every(isKnown)) throw new Failure('malformed', 'a Class that is none')
  return names.length === 0 ? known : known.filter(content => names.includes(classes[content]))
}

type Told = Pick<Rows, 'from'> & { readonly total: number; readonly status: string }

/** Range and Total say at the end what was told: an item may have gone since it was found. */
async function* listed(call: Call, items: readonly Item[], { wish }: MailboxSearch, { from, total, status }: Told): AsyncGenerator<Node> {
  yield el('Search:Status', status)
  let told = 0
  for await (const { id, folder, nodes } of rendered(call, items, wish)) {
    told++
    yield el('Search:Result', [
      el('AirSync:Class', classes[folder.content]), el('Search:LongId', id), el('AirSync:CollectionId', folder.id), el('Search:Properties', nodes),
    ])
  }
  if (told === 0) yield el('Search:Result')
  else yield el('Search:Range', `${from}-${from + told - 1}`)
  yield el('Search:Total', String(total))
}

type Rendered = { readonly id: string; readonly folder: Folder; readonly nodes: readonly Node[] }

async function* rendered(call: Call, items: readonly Item[], wish: BodyWish): AsyncGenerator<Rendered> {
  for await (const { ref, folder, nodes } of renderHits(call, items.filter(item => 'message' in item), wish)) yield { id: printItemId(ref), folder, nodes }
  for (const hit of items.filter(item => 'object' in item)) {
    const nodes = sayHit(call, hit, wish)
    if (nodes) yield { id: printObjectId(hit.ref), folder: hit.folder, nodes }
  }
}

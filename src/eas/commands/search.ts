import { Failure, type Kind } from '../../base/failure.ts'
import type { Found } from '../../model/ports.ts'
import { printItemId } from '../../state/item-id.ts'
import { child, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { findConversation } from '../conversations.ts'
import { mostFound, mostTold, renderHits, Results, type Hit, type Rows } from '../found.ts'
import { outcome } from '../outcome.ts'
import { searchScope } from '../search-scope.ts'
import { since } from '../versions.ts'
import { searchAddressList } from './search-gal.ts'
import { readMailboxSearch, type MailboxSearch } from './search-request.ts'
import { unknownPart, wantsUnknownPart } from './sync-request.ts'

/** [MS-ASCMD] Status (Search) of the store. */
const success = '1', notFound = '6', endOfRange = '12'
const storeStatus: Partial<Record<Kind, string>> = {
  malformed: '2', denied: '5', 'too-large': '8', unsupported: '8', 'not-found': '11', stale: '11',
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
  checkClasses(call, asked.classes)
  const { query, conversation, folders, classes, deep } = asked
  const wanted = classes.length === 0 || classes.includes('Email')
  const results = await Results.of(call, { query, conversation: conversation && Buffer.from(conversation).toString('hex'), folders, deep, wanted },
    asked.rebuild, () => wanted ? find(call, asked) : Promise.resolve({ refs: [], total: 0 }))
  const { from, to } = asked.rows ?? { from: 0, to: mostTold - 1 }
  const hits = await results.rows({ from, to: Math.min(to, from + mostTold - 1) })
  Object.assign(call.facts, { found: results.total, items: hits.length })
  // A warning: what can be had of the range is in the answer nevertheless.
  const beyond = to - from >= mostTold || to >= mostFound || (from > 0 && from >= results.length)
  return listed(call, hits, asked, { from, total: results.total, status: beyond ? endOfRange : success })
}

async function find(call: Call, { query, conversation, folders, deep }: MailboxSearch): Promise<Found> {
  const { mail } = call.stores
  const scope = await searchScope(call, folders, deep)
  if (!conversation) return mail.search(scope, query, mostFound)
  const hits = await outcome(findConversation(call, conversation, scope, query))
  if (hits instanceof Failure && hits.kind !== 'not-found') throw hits
  const refs = hits instanceof Failure ? [] : hits.map(({ ref }) => ref)
  return { refs, total: refs.length }
}

const known = new Set(['Tasks', 'Email', 'Calendar', 'Contacts'])

/** [MS-ASCMD] Class (Search). */
function checkClasses({ request: { version } }: Call, classes: readonly string[]): void {
  const newer = since(version, '14.0') ? ['Notes', 'SMS'] : []
  for (const one of classes) if (!known.has(one) && !newer.includes(one)) throw new Failure('malformed', 'a Class that is none')
}

type Told = Pick<Rows, 'from'> & { readonly total: number; readonly status: string }

/** Range and Total say at the end what was told: a message may have gone since it was found. */
async function* listed(call: Call, hits: readonly Hit[], { wish }: MailboxSearch, { from, total, status }: Told): AsyncGenerator<Node> {
  yield el('Search:Status', status)
  let told = 0
  for await (const { ref, nodes } of renderHits(call, hits, wish)) {
    told++
    yield el('Search:Result', [
      el('AirSync:Class', 'Email'), el('Search:LongId', printItemId(ref)), el('AirSync:CollectionId', ref.folder),
      el('Search:Properties', nodes),
    ])
  }
  if (told === 0) yield el('Search:Result')
  else yield el('Search:Range', `${from}-${from + told - 1}`)
  yield el('Search:Total', String(total))
}

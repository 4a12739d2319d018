import { child, children, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from './eas-client.ts'

export type SearchWish = {
  readonly store?: string
  /** Children of And; a text is what stands in FreeText. */
  readonly query: string | readonly Node[]
  readonly folders?: readonly string[]
  readonly classes?: readonly string[]
  readonly options?: readonly Node[]
  readonly range?: string
  readonly deep?: boolean
  readonly rebuild?: boolean
}

export type Hit = { readonly id: string; readonly folder: string; readonly class: string; readonly properties: Element }
export type Hits = {
  readonly status: string; readonly store: string; readonly range: string | undefined; readonly total: string | undefined
  readonly hits: readonly Hit[]; readonly subjects: readonly string[]
}

export const compare = (operator: 'GreaterThan' | 'LessThan' | 'EqualTo', value: string): Node =>
  el(`Search:${operator}`, [el('Email:DateReceived'), el('Search:Value', value)])

export const searchNode = ({ store = 'Mailbox', query, folders = [], classes = [], options = [], range, deep, rebuild }: SearchWish): Node => {
  const all = [
    ...(rebuild ? [el('Search:RebuildResults')] : []), ...(deep ? [el('Search:DeepTraversal')] : []),
    ...(range ? [el('Search:Range', range)] : []), ...options,
  ]
  return el('Search:Search', [el('Search:Store', [
    el('Search:Name', store),
    el('Search:Query', [el('Search:And', [
      ...classes.map(one => el('AirSync:Class', one)), ...folders.map(one => el('AirSync:CollectionId', one)),
      ...(typeof query === 'string' ? [el('Search:FreeText', query)] : query),
    ])]),
    ...(all.length ? [el('Search:Options', all)] : []),
  ])])
}

export async function search(phone: Phone, wish: SearchWish | Node): Promise<Hits> {
  return readSearch((await phone.command('Search', 'tag' in wish ? wish : searchNode(wish)))!)
}

export function readSearch(answer: Element): Hits {
  const store = descend(answer, 'Search:Response', 'Search:Store')
  const hits = children(store, 'Search:Result').filter(one => one.children.length > 0).map(one => ({
    id: text(one, 'Search:LongId') ?? '', folder: text(one, 'AirSync:CollectionId') ?? '', class: text(one, 'AirSync:Class') ?? '',
    properties: child(one, 'Search:Properties')!,
  }))
  return {
    status: text(answer, 'Search:Status') ?? '', store: text(store, 'Search:Status') ?? '', range: text(store, 'Search:Range'),
    total: text(store, 'Search:Total'), hits, subjects: hits.map(({ properties }) => text(properties, 'Email:Subject') ?? ''),
  }
}

export type FindWish = {
  readonly id?: string; readonly query: string; readonly folder?: string; readonly range?: string; readonly deep?: boolean; readonly class?: string
}

export const findNode = ({ id = 'search-1', query, folder, range, deep, class: kind = 'Email' }: FindWish): Node => el('Find:Find', [
  el('Find:SearchId', id),
  el('Find:ExecuteSearch', [el('Find:MailBoxSearchCriterion', [
    el('Find:Query', [
      el('Find:FreeText', query), el('AirSync:Class', kind), ...(folder ? [el('AirSync:CollectionId', folder)] : []),
    ]),
    ...(range || deep ? [el('Find:Options', [
      ...(range ? [el('Find:Range', range)] : []), ...(deep ? [el('Find:DeepTraversal')] : []),
    ])] : []),
  ])]),
])

export type FindHits = Omit<Hits, 'store'> & { readonly response: string | undefined }

export async function find(phone: Phone, wish: FindWish | Node): Promise<FindHits> {
  const answer = (await phone.command('Find', 'tag' in wish ? wish : findNode(wish)))!
  const response = child(answer, 'Find:Response')
  const hits = response ? children(response, 'Find:Result').map(one => ({
    id: text(one, 'AirSync:ServerId') ?? '', folder: text(one, 'AirSync:CollectionId') ?? '', class: text(one, 'AirSync:Class') ?? '',
    properties: child(one, 'Find:Properties')!,
  })) : []
  return {
    status: text(answer, 'Find:Status') ?? '', response: response && text(response, 'Find:Status'), range: response && text(response, 'Find:Range'),
    total: response && text(response, 'Find:Total'), hits, subjects: hits.map(({ properties }) => text(properties, 'Email:Subject') ?? ''),
  }
}

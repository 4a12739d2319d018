import { el, type Element, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { readGalSearch, searchGal } from '../gal.ts'

/** [MS-ASCMD] Status (Search) of the store. */
const success = '1', endOfRange = '12'

/** [MS-ASCMD] Searching the Global Address List: what the Store of the answer holds. Throws `not-found` where there is none. */
export async function searchAddressList(call: Call, store: Element): Promise<Node[]> {
  const { properties, from, total, beyond } = await searchGal(call, readGalSearch(call, store, 'Search'))
  return [
    el('Search:Status', beyond ? endOfRange : success),
    ...properties.map(nodes => el('Search:Result', [el('Search:Properties', nodes)])),
    ...(properties.length > 0 ? [el('Search:Range', `${from}-${from + properties.length - 1}`)] : [el('Search:Result')]),
    el('Search:Total', String(total)),
  ]
}

import { Failure } from '../base/failure.ts'
import type { Entry } from '../model/directory.ts'
import { child, el, text, type Element, type Node, type Tag } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { addressList } from './directories.ts'
import { mostFound, mostTold, readRows, type Rows } from './found.ts'
import { Photos, readPhotoWish, type Photo, type PhotoWish } from './photos.ts'

/** A search of the address list. */
export type GalSearch = { readonly words: string; readonly rows: Rows; readonly photos: PhotoWish | undefined }

/** What was found: rows of it as nodes of their properties. */
export type GalRows = {
  readonly properties: readonly (readonly Node[])[]
  readonly from: number
  readonly total: number
  /** More was asked for than can be had. */
  readonly beyond: boolean
}

/** [MS-ASCMD] Query, Options: of a Search in the GAL, and of a GALSearchCriterion. Throws `malformed`. */
export function readGalSearch(call: Call, criterion: Element, space: 'Search' | 'Find'): GalSearch {
  const query = child(criterion, `${space}:Query`), options = child(criterion, `${space}:Options`)
  const words = query && (text(query, `${space}:FreeText`) ?? query.text)
  if (!words?.trim()) throw new Failure('malformed', 'a search for nobody')
  return {
    words,
    rows: readRows(options && text(options, `${space}:Range`)) ?? { from: 0, to: mostTold - 1 },
    photos: readPhotoWish(call, options, space),
  }
}

/** The directory is asked anew for each page: it answers at once, and in the same order. */
export async function searchGal(call: Call, { words, rows: { from, to }, photos }: GalSearch): Promise<GalRows> {
  const list = addressList(call.stores)
  const { entries, total } = await list.search(words, mostFound)
  const shown = entries.slice(from, Math.min(to + 1, from + mostTold))
  const pictures = photos ? await new Photos(photos).of(shown, list) : []
  Object.assign(call.facts, { found: total, items: shown.length })
  return {
    properties: shown.map((entry, row) => galProperties(entry, pictures[row])), from, total,
    beyond: to - from >= mostTold || to >= mostFound || (from > 0 && from >= entries.length),
  }
}

/** [MS-ASCMD] Properties, of somebody in the GAL: what there is, and always an alias. */
export function galProperties(entry: Entry, photo: Photo | undefined): Node[] {
  const [address] = entry.addresses
  const known: readonly [Tag, string | undefined][] = [
    ['Gal:DisplayName', entry.displayName], ['Gal:Phone', entry.phone], ['Gal:Office', entry.office], ['Gal:Title', entry.title],
    ['Gal:Company', entry.company], ['Gal:Alias', entry.alias ?? address.slice(0, address.lastIndexOf('@'))],
    ['Gal:FirstName', entry.firstName], ['Gal:LastName', entry.lastName], ['Gal:HomePhone', entry.homePhone],
    ['Gal:MobilePhone', entry.mobilePhone], ['Gal:EmailAddress', address],
  ]
  return [
    ...known.flatMap(([tag, value]) => value ? [el(tag, value)] : []),
    ...(photo ? [el('Gal:Picture', [el('Gal:Status', photo.status), ...(photo.octets ? [el('Gal:Data', photo.octets)] : [])])] : []),
  ]
}

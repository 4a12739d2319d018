import { Failure } from '../base/failure.ts'
import type { Entry } from '../model/directory.ts'
import type { Directory } from '../model/ports.ts'
import { child, text, type Element, type Tag } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { since } from './versions.ts'

/** [MS-ASCMD] MaxSize, MaxPictures: octets of one photo, photos of one query. */
export type PhotoWish = { readonly size: number; readonly count: number }

/** [MS-ASCMD] Status, of a Picture. */
const success = '1', noPicture = '173', tooLarge = '174', limitReached = '175'

export type Photo = { readonly status: string; readonly octets?: Uint8Array }

/** [MS-ASCMD] MaxSize: the most a client may ask for. */
const largest = 102_400

/** Octets of all photos of an answer, and how many are read at the same time. */
const mostOctets = 4 * 1024 * 1024, together = 2

type Space = 'Search' | 'Find' | 'ResolveRecipients'

/** Undefined where no photos are wanted, or the version knows none. Throws `malformed`. */
export function readPhotoWish({ request: { version } }: Call, options: Element | undefined, space: Space): PhotoWish | undefined {
  const picture = options && child(options, `${space}:Picture`)
  if (!picture || !since(version, '14.1')) return undefined
  return {
    size: Math.min(readCount(picture, `${space}:MaxSize`) ?? largest, largest),
    count: readCount(picture, `${space}:MaxPictures`) ?? Infinity,
  }
}

/** A whole number; undefined where nothing is said. Throws `malformed`. */
export function readCount(parent: Element, tag: Tag, most = 2 ** 31 - 1): number | undefined {
  const said = text(parent, tag)
  if (said === undefined || said === '') return undefined
  if (!/^\d{1,10}$/.test(said) || Number(said) > most) throw new Failure('malformed', `${tag} that is none`)
  return Number(said)
}

/** The photos of one answer, which share a budget. */
export class Photos {
  readonly #wish: PhotoWish
  #octets = 0

  constructor(wish: PhotoWish) {
    this.#wish = wish
  }

  /** Those of the entries one query found in a book, in their order. */
  async of(entries: readonly Entry[], book: Directory | undefined): Promise<Photo[]> {
    const photos: Photo[] = []
    let told = 0
    for (let at = 0; at < entries.length; at += together) {
      const found = await Promise.all(entries.slice(at, at + together).map(async entry => book?.photo(entry.id)))
      for (const octets of found) {
        const status = this.#statusOf(octets, told)
        photos.push(status === success ? { status, octets: octets! } : { status })
        if (status !== success) continue
        told++
        this.#octets += octets!.length
      }
    }
    return photos
  }

  #statusOf(octets: Uint8Array | undefined, told: number): string {
    if (!octets || octets.length === 0) return noPicture
    if (octets.length > this.#wish.size) return tooLarge
    return told >= this.#wish.count || this.#octets + octets.length > mostOctets ? limitReached : success
  }
}

import { LRUCache } from 'lru-cache'
import type { Shared } from '../base/shared.ts'

/** Versions by names, and the CTag they go with, of a collection whose server cannot say what changed. */
export type DavList = { readonly versions: ReadonlyMap<string, string>; readonly ctag: string | undefined }

/** By the token that stands for a list, which is made of all that is in it but the CTag. */
export type DavLists = {
  recall(token: string): Promise<DavList | undefined>
  keep(token: string, list: DavList): Promise<void>
}

/** Octets of lists this process keeps; entries of one that the site keeps, and seconds. */
const together = 64 * 1024 * 1024, mostShared = 1000, month = 30 * 86_400

type Row = readonly [name: string, etag: string]

/** Lists that are not too long are known to other processes as well, so that a client which comes to one of them need not begin anew. */
export function davLists(shared?: Shared): DavLists {
  const own = new LRUCache<string, DavList>({ maxSize: together })
  const remember = (token: string, list: DavList): void => void own.set(token, list, { size: 64 + list.versions.size * 120 })
  return {
    async recall(token) {
      const known = own.get(token)
      if (known) return known
      const told = await shared?.recall<{ readonly rows: readonly Row[]; readonly ctag?: string }>(`dav:${token}`)
      if (!told) return undefined
      const list = { versions: new Map(told.rows), ctag: told.ctag }
      remember(token, list)
      return list
    },
    async keep(token, list) {
      const before = own.get(token)
      remember(token, list)
      if (list.versions.size > mostShared || (before && before.ctag === list.ctag)) return
      const { ctag } = list
      const told = { rows: [...list.versions], ...(ctag === undefined ? {} : { ctag }) }
      await shared?.keep(`dav:${token}`, told, { seconds: month, size: 64 + list.versions.size * 120 })
    },
  }
}

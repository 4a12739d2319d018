import { stale } from '../base/failure.ts'
import type { FolderId } from '../model/folder.ts'
import type { ObjectChanges } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import { digestOf, isDigest } from '../state/merged-token.ts'

/** What is remembered of the collections of an account. */
export type SeenIn = { readonly cache: Cache; readonly account: string }

/** Of one collection: names that whoever stands at one of these tokens may hold, never fewer; tokens by their digests. */
type Seen = { readonly id: FolderId; readonly names: Set<string>; readonly tokens: Set<string> }

const month = 30 * 86_400
const mostTokens = 1000
const slot = ({ account }: SeenIn, home: FolderId, tag: string): string => `seen:${account}:${home}:${tag}`
const key = (token: string): string => isDigest(token) ? token : digestOf(token)

/** Notes what came after `from`, or (undefined) all there is: names are known from when all were told. */
export function noteSeen(seenIn: SeenIn, home: FolderId, tag: string, id: FolderId, from: string | undefined, { present, token }: ObjectChanges): void {
  const known = seenIn.cache.get<Seen>(slot(seenIn, home, tag))
  if (from !== undefined && !known?.tokens.has(key(from))) return
  // What has gone is kept for who has not heard of it, but not for ever.
  const old = from === undefined && (known?.names.size ?? 0) > 100 + 3 * present.length
  const seen = known && known.id === id && !old && known.tokens.size < mostTokens ? known : from === undefined ? { id, names: new Set<string>(), tokens: new Set<string>() } : undefined
  if (!seen) return
  seen.tokens.add(key(token))
  for (const { name } of present) seen.names.add(name)
  seenIn.cache.set(slot(seenIn, home, tag), seen, { seconds: month, size: 256 + seen.names.size * 100 + seen.tokens.size * 50 })
}

/** What may be held by whoever stands at this token of a collection, which need not be there any more. Throws `stale` where that is not known. */
export function seenAt(seenIn: SeenIn, home: FolderId, tag: string, token: string): Pick<Seen, 'id' | 'names'> {
  const seen = seenIn.cache.get<Seen>(slot(seenIn, home, tag))
  if (!seen?.tokens.has(key(token))) throw stale('forgotten', 'what a collection held is not remembered')
  return seen
}

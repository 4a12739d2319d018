import { createHash } from 'node:crypto'
import type { FolderId } from '../model/folder.ts'

/**
 * Where a client stands in each of several collections that it is shown as one folder: their sync-tokens, by the tags of the collections. Empty
 * for one it holds nothing of; a digest where the token itself is not remembered.
 */
export type Standings = ReadonlyMap<string, string>

/** Four characters of base64url that the id of a collection ends with: they stand for it in a key, where they are three octets. */
export const tagOf = (id: FolderId): string => id.slice(-4)
export const isTag = (tag: string): boolean => /^[A-Za-z0-9_-]{4}$/.test(tag)

/** All of it as one token. Two that are equal stand for the same. */
export const joinTokens = (standings: Standings): string =>
  mark + [...standings].sort(([a], [b]) => a < b ? -1 : 1).map(([tag, token]) => `${tag}=${encodeURIComponent(token)}`).join('&')

/** What `joinTokens` joined; undefined for any other token. */
export function splitToken(token: string): Standings | undefined {
  if (!token.startsWith(mark)) return undefined
  const parts = token.slice(mark.length).split('&').map(part => [part.slice(0, 4), part.slice(5)] as const)
  if (!parts.every(([tag, said]) => isTag(tag) && escaped.test(said))) return undefined
  const standings = new Map(parts.map(([tag, said]) => [tag, decoded(said)]))
  return joinTokens(standings) === token ? standings : undefined
}

function decoded(said: string): string {
  try {
    return decodeURIComponent(said)
  } catch {
    return ''
  }
}

const mark = 'merged:'
const escaped = /^(?:[A-Za-z0-9_.!~*'()-]|%[0-9A-F]{2})*$/

/** What stands for a token that has no room: no token begins so, as XML knows no NUL. */
export const digestOf = (token: string): string => `\0${createHash('sha256').update(token).digest().subarray(0, digestSize).toString('hex')}`
export const isDigest = (token: string): boolean => token.startsWith('\0')
export const digestSize = 4

/** Whether two tokens stand for the same state, though what is remembered of them differs. */
export const standForSame = (one: string, other: string): boolean => one === other || digested(one) === digested(other)

function digested(token: string): string {
  const standings = splitToken(token)
  return standings ? joinTokens(new Map([...standings].map(([tag, one]) => [tag, one === '' || isDigest(one) ? one : digestOf(one)]))) : token
}

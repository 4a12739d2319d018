import { createHash } from 'node:crypto'
import { stale } from '../base/failure.ts'
import type { ObjectCursor } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { Cache } from './cache.ts'
import { keySize, readKey, sealKey, type KeyOwner } from './sync-key.ts'
import { packOptions, unpackOptions, type SyncOptions } from './sync-options.ts'
import { packToken, unpackToken } from './sync-token.ts'

/**
 * The EAS SyncKey of a collection of objects:
 *
 *   version and kind 1 | layout 1 | token, since 2 (neither for a client that holds nothing) | reached 3, told 3 (only while that is going on) | options | check 4
 *
 * A token has its length before it. One that has no room is kept in memory, and a digest of it stands in the key: where memory is lost, its
 * client begins the collection anew.
 */
export type ObjectState = {
  readonly cursor: ObjectCursor
  readonly options: SyncOptions | undefined
  /** [MS-ASCMD] Supported: the client named no elements, so it supports all. */
  readonly supportsAll: boolean
}

const objects = 0x21 // version 2, kind 1
const holding = 1, going = 2, coming = 4, first = 8, optioned = 16, tokenAway = 32, supporting = 64
const month = 30 * 86_400

export function printObjectKey(owner: KeyOwner, cache: Cache, collection: FolderId, { cursor, options, supportsAll }: ObjectState): string {
  const { token, since, pass } = cursor
  const shape = (token || since ? holding : 0) | (pass ? pass.phase === 'going' ? going : pass.first ? coming | first : coming : 0) |
    (supportsAll ? supporting : 0)
  for (const layout of [options ? optioned : 0, 0, options ? tokenAway | optioned : tokenAway, tokenAway].map(more => shape | more)) {
    const bytes = [objects, layout]
    if (layout & holding) bytes.push(...layout & tokenAway ? digest(token) : sized(packToken(token)), since >> 8, since & 255)
    if (pass) bytes.push(...Buffer.from(pass.reached + (pass.phase === 'going' ? pass.told : ''), 'hex'))
    if (layout & optioned) bytes.push(...packOptions(options!))
    if (bytes.length > keySize) continue
    if (layout & holding && layout & tokenAway) cache.set(slot(owner, digest(token)), token, { seconds: month, size: token.length })
    return sealKey(owner, collection, Uint8Array.from(bytes))
  }
  throw stale('overflow', 'a sync key cannot hold this')
}

/** Throws `stale` for a key that was altered, belongs to somebody else, or stands for a token that is not remembered. */
export function parseObjectKey(owner: KeyOwner, cache: Cache, collection: FolderId, key: string): ObjectState {
  const bytes = readKey(owner, collection, key, objects)
  const layout = bytes[1]!, at = { offset: 2 }
  const take = (length: number): Buffer => bytes.subarray(at.offset, at.offset += length)
  const day = (): number => take(2).readUInt16BE()
  const text = (): string => unpackToken(take(take(1)[0]!))
  const token = !(layout & holding) ? '' : layout & tokenAway ? cache.get<string>(slot(owner, take(digestSize))) : text()
  if (token === undefined) throw stale('forgotten', 'the state this key stands for is not remembered')
  const since = layout & holding ? day() : 0
  const place = (): string => take(3).toString('hex')
  const pass = layout & going ? { phase: 'going', reached: place(), told: place() } as const
    : layout & coming ? { phase: 'coming', reached: place(), first: (layout & first) !== 0 } as const : undefined
  const options = layout & optioned ? unpackOptions(bytes, at) : undefined
  return { cursor: { token, since, pass }, options, supportsAll: (layout & supporting) !== 0 }
}

/** With the length before it; what is too long for that is too long for a key. */
const sized = (octets: readonly number[]): readonly number[] => octets.length > 255 ? octets : [octets.length, ...octets]

const digestSize = 5
const digest = (text: string): Buffer => createHash('sha256').update(text).digest().subarray(0, digestSize)
const slot = ({ account }: KeyOwner, octets: Uint8Array): string => `key:${account}:${Buffer.from(octets).toString('base64url')}`

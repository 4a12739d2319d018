import { createHash } from 'node:crypto'
import { stale } from '../base/failure.ts'
import type { Shared } from '../base/shared.ts'
import type { ObjectCursor, ObjectPass } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import { keySize, readKey, sealKey, type KeyOwner } from './sync-key.ts'
import { packOptions, unpackOptions, type SyncOptions } from './sync-options.ts'
import { digestOf, isDigest, joinTokens, splitToken } from './merged-token.ts'
import { digestedIn, packToken, unpackToken } from './sync-token.ts'

/**
 * The EAS SyncKey of a collection of objects:
 *
 *   version and kind 1 | layout 1 | token, since 2 (neither for a client that holds nothing) | week 1 (of what is shown but for a time) |
 *   reached 3, told 3 (only while that is going on) | options | check 4
 *
 * A token has its length before it. One that has no room is kept in memory, the site's where there is one, and a digest of it stands in
 * the key: where memory is lost, its client begins the collection anew. Of several collections that are one folder to the client, each has
 * a digest of its own where all of them have no room: what they stand for is then known again of those that are still as they were.
 */
export type ObjectState = {
  readonly cursor: ObjectCursor
  readonly options: SyncOptions | undefined
  /** [MS-ASCMD] Supported: the client named no elements, so it supports all. */
  readonly supportsAll: boolean
}

const objects = 0x21 // version 2, kind 1
const holding = 1, going = 2, coming = 4, first = 8, anew = 8, optioned = 16, tokenAway = 32, supporting = 64, weekly = 128
const season = 90 * 86_400

export async function printObjectKey(owner: KeyOwner, shared: Shared, collection: FolderId, { cursor, options, supportsAll }: ObjectState): Promise<string> {
  const { token, since, week, pass } = cursor
  const shape = (token || since ? holding : 0) | (pass ? shapeOf(pass) : 0) | (supportsAll ? supporting : 0)
  for (const form of splitToken(token) ? ['whole', 'brief', 'away'] as const : ['whole', 'away'] as const) {
    for (const more of optional(options, cursor)) {
      const layout = shape | more | (form === 'away' ? tokenAway : 0)
      const bytes = [objects, layout]
      if (layout & holding) bytes.push(...form === 'away' ? digest(token) : sized(packToken(token, form === 'brief')), since >> 8, since & 255)
      if (layout & weekly) bytes.push(week!)
      if (pass) bytes.push(...Buffer.from(pass.reached + (pass.phase === 'going' ? pass.told : ''), 'hex'))
      if (layout & optioned) bytes.push(...packOptions(options!))
      if (bytes.length > keySize) continue
      if (layout & holding && form === 'away') await keep(shared, slot(owner, digest(token)), token)
      if (form === 'brief') await Promise.all(digestedIn(token).map(one => keep(shared, partSlot(owner, collection, digestOf(one)), one)))
      return sealKey(owner, collection, Uint8Array.from(bytes))
    }
  }
  throw stale('overflow', 'a sync key cannot hold this')
}

const shapeOf = (pass: ObjectPass): number => pass.phase === 'going' ? pass.anew ? going | anew : going : pass.first ? coming | first : coming

/**
 * What may stand in a key beside the rest, the best first. Where its week is left out, a client is told anew of what is shown but for a
 * time: it does no harm once, and another key follows before long.
 */
function optional(options: SyncOptions | undefined, { week, pass }: ObjectCursor): readonly number[] {
  const time = week === undefined ? 0 : weekly
  return [...options ? [optioned | time] : [], time, ...pass?.phase === 'going' ? [0] : []]
}

/** Throws `stale` for a key that was altered, belongs to somebody else, or stands for a token that is not remembered. */
export async function parseObjectKey(owner: KeyOwner, shared: Shared, collection: FolderId, key: string): Promise<ObjectState> {
  const bytes = readKey(owner, collection, key, objects)
  const layout = bytes[1]!, at = { offset: 2 }
  const take = (length: number): Buffer => bytes.subarray(at.offset, at.offset += length)
  const day = (): number => take(2).readUInt16BE()
  const text = (): Promise<string> => remembered(owner, shared, collection, unpackToken(take(take(1)[0]!)))
  const token = !(layout & holding) ? '' : await (layout & tokenAway ? shared.recall<string>(slot(owner, take(digestSize))) : text())
  if (token === undefined) throw stale('forgotten', 'the state this key stands for is not remembered')
  const since = layout & holding ? day() : 0
  const week = layout & weekly ? take(1)[0]! : undefined
  const place = (): string => take(3).toString('hex')
  const pass = layout & going ? { phase: 'going', reached: place(), told: place(), ...(layout & anew ? { anew: true as const } : {}) } as const
    : layout & coming ? { phase: 'coming', reached: place(), first: (layout & first) !== 0 } as const : undefined
  const options = layout & optioned ? unpackOptions(bytes, at) : undefined
  return { cursor: { token, since, week, pass }, options, supportsAll: (layout & supporting) !== 0 }
}

/** Of a token of several collections, those that have no room in a key, where they are still known. */
async function remembered(owner: KeyOwner, shared: Shared, collection: FolderId, token: string): Promise<string> {
  const standings = splitToken(token)
  if (!standings) return token
  const digests = [...standings.values()].filter(isDigest)
  const known = await shared.recallAll<string>(digests.map(one => partSlot(owner, collection, one)))
  const whole = new Map(digests.map((one, i) => [one, known[i] ?? one]))
  return joinTokens(new Map([...standings].map(([tag, one]) => [tag, whole.get(one) ?? one])))
}

const keep = (shared: Shared, name: string, token: string): Promise<void> => shared.keep(name, token, { seconds: season, size: token.length })

/** With the length before it; what is too long for that is too long for a key. */
const sized = (octets: readonly number[]): readonly number[] => octets.length > 255 ? octets : [octets.length, ...octets]

const digestSize = 5
const digest = (text: string): Buffer => createHash('sha256').update(text).digest().subarray(0, digestSize)
const slot = ({ account }: KeyOwner, octets: Uint8Array): string => `key:${account}:${Buffer.from(octets).toString('base64url')}`
const partSlot = ({ account }: KeyOwner, collection: FolderId, one: string): string => `key:${account}:${collection}:${one.slice(1)}`

import { createHmac, timingSafeEqual } from 'node:crypto'
import { stale } from '../base/failure.ts'
import type { MailCursor, Pass, Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import { packOptions, unpackOptions, type SyncOptions } from './sync-options.ts'
import { readVarint, writeVarint } from './varint.ts'

/**
 * The EAS SyncKey: [MS-ASCMD] SyncKey (Sync), 64 characters at most. It holds all that the client has been given, sealed so that
 * only its own user and collection can use it:
 *
 *   version and kind 1 | UIDVALIDITY 4 | layout 1 | modseq | top | since 2 | gaps | pass | options | check 4
 *
 * Numbers without a size are varints, gaps count down from `top`. Options go in where they fit.
 */
export type SyncState = { readonly cursor: MailCursor; readonly options: SyncOptions | undefined }

const sealSize = 4
/** Octets a key can hold besides its seal: 64 characters of base64url. */
export const keySize = 48 - sealSize
const mail = 0x11 // version 1, kind 1
const phases = ['expunged', 'aged', 'flags', 'widened'] as const

/**
 * Never longer than 64 characters: what does not fit is left out in an order that costs time, never an item. Throws `stale` only
 * where UIDs above 2^28 meet a MODSEQ that moved by more than 2^34 while a list was being paged.
 */
export function printSyncKey(secret: Uint8Array, owner: string, collection: FolderId, state: SyncState): string {
  const { cursor, options } = state
  // Two gaps told as one offer what lies between them again: the client takes that as a change of what it has.
  const [newest, oldest = newest] = cursor.gaps
  const merged = newest && oldest ? { ...cursor, gaps: [{ from: oldest.from, to: newest.to }] } : cursor
  for (const attempt of [() => pack(cursor, options), () => pack(cursor, undefined), () => pack(merged, undefined)]) {
    const bytes = attempt()
    if (bytes.length <= keySize) return sealKey({ secret, account: owner }, collection, Uint8Array.from(bytes))
  }
  throw stale('overflow', 'the numbers of this mailbox do not fit into a sync key')
}

/** Throws `stale` for a key that was altered, or belongs to another user, collection or secret. */
export const parseSyncKey = (secret: Uint8Array, account: string, collection: FolderId, key: string): SyncState =>
  unpack(readKey({ secret, account }, collection, key, mail))

/** Whose keys they are. */
export type KeyOwner = { readonly secret: Uint8Array; readonly account: string }

/** What stands in a key, with the seal that binds it to its owner and collection. */
export const sealKey = (owner: KeyOwner, collection: FolderId, body: Uint8Array): string =>
  Buffer.concat([body, check(owner, collection, body)]).toString('base64url')

/** What `sealKey` sealed. Throws `stale` for anything else, and for a key whose first octet is another `kind`. */
export function readKey(owner: KeyOwner, collection: FolderId, key: string, kind: number): Buffer {
  const bytes = Buffer.from(key, 'base64url')
  const body = bytes.subarray(0, -sealSize)
  const known = bytes.length > sealSize + 1 && body.length <= keySize && bytes.toString('base64url') === key &&
    timingSafeEqual(bytes.subarray(-sealSize), check(owner, collection, body))
  if (!known) throw stale('foreign', 'sync key is not one of ours for this collection')
  if (body[0] !== kind) throw stale('version', 'sync key of an unknown version')
  return body
}

function check({ secret, account }: KeyOwner, collection: FolderId, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`sync\0${account}\0${collection}\0`).update(body).digest().subarray(0, sealSize)
}

function pack(cursor: MailCursor, options: SyncOptions | undefined): number[] {
  const { validity, modseq, top, gaps, since, pass } = cursor
  const ownSince = pass && pass.since !== since
  const layout = gaps.length | (pass ? 4 : 0) | (pass ? phases.indexOf(pass.phase) << 3 : 0) | (ownSince ? 32 : 0) | (options ? 64 : 0)
  const bytes = [mail, validity >>> 24, validity >>> 16 & 255, validity >>> 8 & 255, validity & 255, layout]
  writeVarint(bytes, modseq)
  writeVarint(bytes, BigInt(top))
  bytes.push(since >> 8, since & 255)
  let above = top
  for (const gap of gaps) {
    writeVarint(bytes, BigInt(above - gap.to))
    writeVarint(bytes, BigInt(gap.to - gap.from))
    above = gap.from
  }
  if (pass) {
    writeVarint(bytes, zigzag(pass.end - modseq))
    writeVarint(bytes, BigInt(pass.reached))
    if (ownSince) bytes.push(pass.since >> 8, pass.since & 255)
  }
  return options ? [...bytes, ...packOptions(options)] : bytes
}

function unpack(bytes: Buffer): SyncState {
  const at = { offset: 6 }
  const validity = bytes.readUInt32BE(1)
  const layout = bytes[5]!
  const day = (): number => {
    at.offset += 2
    return bytes.readUInt16BE(at.offset - 2)
  }
  const modseq = readVarint(bytes, at)
  const top = Number(readVarint(bytes, at))
  const since = day()
  const gaps: Range[] = []
  for (let above = top; gaps.length < (layout & 3); above = gaps.at(-1)!.from) {
    const to = above - Number(readVarint(bytes, at))
    gaps.push({ from: to - Number(readVarint(bytes, at)), to })
  }
  const pass = layout & 4 ? unpackPass(bytes, at, modseq, phases[layout >> 3 & 3]!, layout & 32 ? day : () => since) : undefined
  const options = layout & 64 ? unpackOptions(bytes, at) : undefined
  return { cursor: { validity, modseq, top, gaps, since, pass }, options }
}

function unpackPass(bytes: Buffer, at: { offset: number }, modseq: bigint, phase: Pass['phase'], day: () => number): Pass {
  const end = modseq + unzigzag(readVarint(bytes, at))
  const reached = Number(readVarint(bytes, at))
  return { end, phase, reached, since: day() }
}

/** Signed numbers as small unsigned ones. A pass may end below its start where a digest stands in for MODSEQ. */
const zigzag = (value: bigint): bigint => value < 0n ? -value * 2n - 1n : value * 2n
const unzigzag = (value: bigint): bigint => value & 1n ? -(value + 1n) / 2n : value / 2n

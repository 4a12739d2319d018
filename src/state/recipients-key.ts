import { timingSafeEqual } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { check } from './sync-key.ts'
import { readVarint, writeVarint } from './varint.ts'

/**
 * The SyncKey of the recipient information cache: a digest of the list the client holds, and what it takes to make that list again.
 *
 *   version and kind 1 | digest 8 | UIDVALIDITY of Sent | its UIDNEXT | entries held | MaxItems | check 4
 */
export type RecipientsState = {
  readonly digest: Uint8Array
  readonly validity: number
  readonly uidNext: number
  readonly held: number
  readonly max: number
}

const kind = 0x1f // version 1, kind 15
const digestLength = 8

export function printRecipientsKey(secret: Uint8Array, owner: string, collection: string, state: RecipientsState): string {
  const bytes = [kind, ...state.digest]
  for (const number of [state.validity, state.uidNext, state.held, state.max]) writeVarint(bytes, BigInt(number))
  const body = Uint8Array.from(bytes)
  return Buffer.concat([body, check(secret, owner, collection, body)]).toString('base64url')
}

/** Throws `stale` for a key that was altered, or belongs to another user, collection or secret. */
export function parseRecipientsKey(secret: Uint8Array, owner: string, collection: string, key: string): RecipientsState {
  const bytes = Buffer.from(key, 'base64url')
  const body = bytes.subarray(0, -4)
  const known = bytes.length > digestLength + 5 && bytes.length <= 48 && bytes.toString('base64url') === key && body[0] === kind &&
    timingSafeEqual(bytes.subarray(-4), check(secret, owner, collection, body))
  if (!known) throw new Failure('stale', 'sync key is not one of ours for this collection')
  const at = { offset: 1 + digestLength }
  const next = (): number => Number(readVarint(body, at))
  return { digest: body.subarray(1, 1 + digestLength), validity: next(), uidNext: next(), held: next(), max: next() }
}

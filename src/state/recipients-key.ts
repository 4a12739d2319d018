import type { FolderId } from '../model/folder.ts'
import { readKey, sealKey, type KeyOwner } from './sync-key.ts'
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

export function printRecipientsKey(owner: KeyOwner, collection: FolderId, state: RecipientsState): string {
  const bytes = [kind, ...state.digest]
  for (const number of [state.validity, state.uidNext, state.held, state.max]) writeVarint(bytes, BigInt(number))
  return sealKey(owner, collection, Uint8Array.from(bytes))
}

/** Throws `stale` for a key that was altered, or belongs to another user, collection or secret. */
export function parseRecipientsKey(owner: KeyOwner, collection: FolderId, key: string): RecipientsState {
  const body = readKey(owner, collection, key, kind)
  const at = { offset: 1 + digestLength }
  const next = (): number => Number(readVarint(body, at))
  return { digest: body.subarray(1, 1 + digestLength), validity: next(), uidNext: next(), held: next(), max: next() }
}

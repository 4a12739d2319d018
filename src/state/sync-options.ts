import { stale } from '../base/failure.ts'
import { readVarint, writeVarint } from './varint.ts'

/** [MS-ASAIRS] BodyPreference. */
export type BodyPreference = {
  readonly type: 1 | 2 | 3 | 4
  readonly truncationSize?: number
  readonly allOrNone?: boolean
  readonly preview?: number
}

/** [MS-ASCMD] Options of Sync: what a client said once for a collection and need not say again. */
export type SyncOptions = {
  /** FilterType, 0 to 8. */
  readonly filter: number
  readonly mimeSupport: 0 | 1 | 2
  /** MIMETruncation, 0 to 8; 8 truncates nothing. */
  readonly mimeTruncation: number
  /** Conflict: 0 the client's object wins, 1 the server's. */
  readonly conflict: 0 | 1
  readonly bodies: readonly BodyPreference[]
  /** [MS-ASAIRS] BodyPartPreference, from 14.1. */
  readonly part?: BodyPreference
}

export const defaultOptions: SyncOptions = { filter: 0, mimeSupport: 0, mimeTruncation: 8, conflict: 1, bodies: [] }

/** A few octets: they travel in the sync key, so a client that says its options once may talk to any process afterwards. */
export function packOptions(options: SyncOptions): number[] {
  const bodies = [...options.bodies, ...(options.part ? [options.part] : [])]
  const bytes = [
    options.filter << 4 | options.mimeSupport << 2 | options.conflict << 1, options.mimeTruncation << 4 | bodies.length,
  ]
  for (const body of bodies) {
    const { truncationSize, preview } = body
    const given = (truncationSize === undefined ? 0 : 2) | (preview === undefined ? 0 : 4) | (body === options.part ? 8 : 0)
    bytes.push(body.type << 5 | given | (body.allOrNone ? 1 : 0))
    if (truncationSize !== undefined) writeVarint(bytes, BigInt(truncationSize))
    if (preview !== undefined) bytes.push(preview)
  }
  return bytes
}

/** Reads what `packOptions` wrote from `at`; throws `stale` for anything else. */
export function unpackOptions(bytes: Uint8Array, at: { offset: number }): SyncOptions {
  const next = (): number => {
    const byte = bytes[at.offset++]
    if (byte === undefined) throw stale('version', 'sync key ends early')
    return byte
  }
  const first = next(), second = next()
  const bodies: BodyPreference[] = []
  let part: BodyPreference | undefined
  for (let left = second & 15; left > 0; left--) {
    const head = next()
    const body: BodyPreference = {
      type: head >> 5 as BodyPreference['type'],
      ...(head & 2 ? { truncationSize: Number(readVarint(bytes, at)) } : {}),
      ...(head & 4 ? { preview: next() } : {}),
      ...(head & 1 ? { allOrNone: true } : {}),
    }
    if (head & 8) part = body
    else bodies.push(body)
  }
  return {
    filter: first >> 4, mimeSupport: (first >> 2 & 3) as SyncOptions['mimeSupport'], conflict: (first >> 1 & 1) as 0 | 1,
    mimeTruncation: second >> 4, bodies, ...(part ? { part } : {}),
  }
}

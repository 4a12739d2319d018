import { stale } from '../base/failure.ts'

/** Seven bits an octet, lowest first, the top bit says that more follow (as Protocol Buffers have it). */
export function writeVarint(bytes: number[], value: bigint): void {
  while (value > 127n) {
    bytes.push(Number(value & 127n) | 128)
    value >>= 7n
  }
  bytes.push(Number(value))
}

/** Throws `stale` when the octets end early or the number exceeds 64 bits. */
export function readVarint(bytes: Uint8Array, at: { offset: number }): bigint {
  let value = 0n
  for (let shift = 0n; shift < 64n; shift += 7n) {
    const byte = bytes[at.offset++]
    if (byte === undefined) throw stale('version', 'sync key ends early')
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return value
  }
  throw stale('version', 'sync key holds a number out of range')
}

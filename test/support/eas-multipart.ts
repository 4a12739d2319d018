import { decode, type Element } from '../../src/wire/wbxml.ts'

/** [MS-ASCMD] MultiPartResponse, read as a client would: the tree, then the parts its Part elements number from 1. */
export function readMultipart(bytes: Uint8Array): { readonly root: Element; readonly parts: readonly Buffer[] } {
  const buffer = Buffer.from(bytes)
  const count = buffer.readInt32LE(0)
  const parts = Array.from({ length: count }, (_, n) => {
    const offset = buffer.readInt32LE(4 + 8 * n), length = buffer.readInt32LE(8 + 8 * n)
    if (offset + length > buffer.length) throw new Error(`part ${n} ends beyond the answer`)
    return buffer.subarray(offset, offset + length)
  })
  const end = parts.reduce((sum, part) => sum + part.length, 4 + 8 * count)
  if (end !== buffer.length) throw new Error(`${buffer.length - end} octets that belong to no part`)
  return { root: decode(parts[0]!), parts }
}

import { latin1 } from './octets.ts'
import { decodeTransfer } from './transfer-encoding.ts'

type Chunks = AsyncIterable<Uint8Array>

/** RFC 2045, Content-Transfer-Encoding, of octets that come in pieces: see `decodeTransfer`. */
export function decodeStream(chunks: Chunks, encoding: string): Chunks {
  switch (encoding.trim().toLowerCase()) {
    case 'base64': return decoded(smaller(chunks), encoding, base64Border, decodedLines)
    case 'quoted-printable': case 'x-uuencode': case 'uuencode': case 'x-uue': return decoded(chunks, encoding, lineBorder)
    default: return chunks
  }
}

/** Octets decoded in one go: whole lines of the usual length, and few enough that what is made of them does not live long. */
const piece = 78 * 800

async function* smaller(chunks: Chunks): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += piece) yield chunk.subarray(at, at + piece)
}

/** A text without line ends is cut here, whatever it is. */
const longestLine = 64 * 1024

/** Decodes piece by piece, each up to a border behind which decoding can begin anew; or at once what `straight` can. */
async function* decoded(
  chunks: Chunks, encoding: string, border: (octets: Buffer) => number, straight?: (octets: Uint8Array) => Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  let left: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const simple = left.length === 0 ? straight?.(chunk) : undefined
    if (simple) {
      yield simple
      continue
    }
    const octets = left.length ? Buffer.concat([left, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const at = border(octets)
    const whole = decodeTransfer(octets.subarray(0, at), encoding)
    if (whole.length) yield whole
    left = octets.subarray(at)
  }
  if (left.length) yield decodeTransfer(left, encoding)
}

const LF = 0x0a, CR = 0x0d
/** Octets of a line of base64 as nearly all programs write it, its end included, and those it stands for. */
const usualLine = 78, inUsualLine = 57

/** Whole lines of that kind, decoded without a look at each octet: only they can have both such ends and so many octets in them. */
function decodedLines(octets: Uint8Array): Uint8Array | undefined {
  if (octets.length % usualLine !== 0) return undefined
  for (let at = usualLine - 2; at < octets.length; at += usualLine) if (octets[at] !== CR || octets[at + 1] !== LF) return undefined
  const whole = Buffer.from(latin1(octets), 'base64')
  return whole.length === octets.length / usualLine * inUsualLine ? whole : undefined
}

/** Behind the last line end; quoted-printable treats each line by itself. */
function lineBorder(octets: Buffer): number {
  const at = octets.lastIndexOf(LF) + 1
  if (at > 0 || octets.length < longestLine) return at
  const equals = octets.lastIndexOf(0x3d)
  return equals >= octets.length - 2 ? equals : octets.length
}

/** Behind the last group of four characters of the alphabet: 24 bits, three octets. */
function base64Border(octets: Buffer): number {
  let characters = 0
  for (let index = 0; index < octets.length; index++) characters += alphabet[octets[index]!]!
  let at = octets.length
  for (let over = characters % 4; over > 0;) over -= alphabet[octets[--at]!]!
  return at
}

// RFC 4648, base64 and base64url with their padding: 1 for an octet that is one of the alphabet
const alphabet = Uint8Array.from({ length: 256 }, (_, octet) => /[A-Za-z0-9+/=_-]/.test(String.fromCharCode(octet)) ? 1 : 0)

/** The text form of [MS-ASCMD] Data: base64 without line ends, in pieces. */
export async function* base64Stream(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let left: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const octets = left.length ? Buffer.concat([left, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const whole = octets.length - octets.length % 3
    if (whole > 0) yield Buffer.from(octets.toString('base64', 0, whole), 'latin1')
    left = octets.subarray(whole)
  }
  if (left.length) yield Buffer.from(left.toString('base64'), 'latin1')
}

/** `length` octets from `offset`; reads no further than that. */
export async function* sliceStream(chunks: Chunks, offset: number, length: number): AsyncGenerator<Uint8Array> {
  const end = offset + length
  let at = 0
  for await (const chunk of chunks) {
    const from = Math.max(0, offset - at), to = Math.min(chunk.length, end - at)
    if (from < to) yield chunk.subarray(from, to)
    at += chunk.length
    if (at >= end) return
  }
}

/** Octets in all of it. */
export async function streamLength(chunks: Chunks): Promise<number> {
  let length = 0
  for await (const chunk of chunks) length += chunk.length
  return length
}

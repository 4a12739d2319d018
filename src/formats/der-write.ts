import { tags } from './der.ts'

/** X.690, Identifier octets, Length octets: an element of DER that holds others. */
export function writeDer(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(length)]), ...content])
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [0x80 | octets.length, ...octets]
}

/** X.690, Encoding of an object identifier value: of `1.2.840.113549`. */
export function writeOid(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number)
  return writeDer(tags.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(number: number): number[] {
  const octets = [number % 128]
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(rest % 128 | 0x80)
  return octets
}

/** X.690, Set-of components: in the order of their octets. */
export const writeSetOf = (tag: number, elements: readonly Uint8Array[]): Buffer => writeDer(tag, ...[...elements].sort(Buffer.compare))

/** RFC 5280, UTCTime, good until 2049. */
export const writeUtcTime = (time: Date): Buffer =>
  writeDer(tags.utcTime, Buffer.from(`${time.toISOString().replace(/[-:T]|\..*$/g, '').slice(2)}Z`))

import { readVarint, writeVarint } from './varint.ts'

/** How the tokens of known servers begin (RFC 6578, DAV:sync-token). Their numbers stand in keys: only append. */
const prefixes: readonly string[] = [
  '',
  'http://radicale.org/ns/sync/', 'http://sabre.io/ns/sync/', 'http://sabredav.org/ns/sync/', 'http://sabre.io/ns/sync-token/',
  'http://calendarserver.org/ns/sync/', 'data:,', 'urn:stalwart:davsync:', 'urn:uuid:', 'opaquetoken:', 'https://', 'http://',
]

const hexadecimal = 16, decimal = 32

/** A token in as few octets as its shape allows: the number of what it begins with, then hexadecimal digits, a number, or text. */
export function packToken(token: string): number[] {
  const longest = prefixes.reduce((best, prefix, index) => token.startsWith(prefix) && prefix.length > prefixes[best]!.length ? index : best, 0)
  const rest = token.slice(prefixes[longest]!.length)
  if (/^(?:[0-9a-f]{2})+$/.test(rest) && rest.length > 8) return [longest | hexadecimal, ...Buffer.from(rest, 'hex')]
  if (/^(?:0|[1-9][0-9]{0,17})$/.test(rest)) {
    const bytes = [longest | decimal]
    writeVarint(bytes, BigInt(rest))
    return bytes
  }
  return [longest, ...Buffer.from(rest, 'utf8')]
}

export function unpackToken(octets: Uint8Array): string {
  const head = octets[0] ?? 0
  const prefix = prefixes[head & 15] ?? '', rest = Buffer.from(octets.subarray(1))
  if (head & hexadecimal) return prefix + rest.toString('hex')
  return prefix + (head & decimal ? String(readVarint(rest, { offset: 0 })) : rest.toString('utf8'))
}

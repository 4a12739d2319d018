import { stale } from '../base/failure.ts'
import { digestOf, digestSize, isDigest, joinTokens, splitToken, type Standings } from './merged-token.ts'
import { readVarint, writeVarint } from './varint.ts'

/** How the tokens of known servers begin (RFC 6578, DAV:sync-token). Their numbers stand in keys: only append. */
const prefixes: readonly string[] = [
  '',
  'http://radicale.org/ns/sync/', 'http://sabre.io/ns/sync/', 'http://sabredav.org/ns/sync/', 'http://sabre.io/ns/sync-token/',
  'http://calendarserver.org/ns/sync/', 'data:,', 'urn:stalwart:davsync:', 'urn:uuid:', 'opaquetoken:', 'https://', 'http://',
]

const hexadecimal = 16, decimal = 32, digested = 64, merged = 128

/**
 * A token in as few octets as its shape allows: the number of what it begins with, then hexadecimal digits, a number, or text. One of several
 * collections: the tag of each, three octets, and its token, with a length before what does not end by itself. `briefly` a digest stands for
 * each of them that is longer than a digest.
 */
export function packToken(token: string, briefly = false): number[] {
  const standings = splitToken(token)
  return standings ? [merged, ...[...standings].flatMap(([tag, one]) => [...Buffer.from(tag, 'base64url'), ...packStanding(one, briefly)])] : packOne(token)
}

function packStanding(token: string, briefly: boolean): number[] {
  if (isDigest(token)) return [digested, ...Buffer.from(token.slice(1), 'hex')]
  const [head = 0, ...rest] = packOne(token)
  // What is longer is too long for a key in any case.
  const whole = head & decimal ? [head, ...rest] : [head, Math.min(rest.length, 255), ...rest]
  return briefly && isLong(whole) ? packStanding(digestOf(token), briefly) : whole
}

const isLong = (packed: readonly number[]): boolean => packed.length > 1 + digestSize

/** Tokens that `packToken` has put digests for. */
export const digestedIn = (token: string): readonly string[] =>
  [...splitToken(token)?.values() ?? []].filter(one => !isDigest(one) && packStanding(one, true)[0] === digested)

function packOne(token: string): number[] {
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

/** Throws `stale` for what ends early. */
export function unpackToken(octets: Uint8Array): string {
  return (octets[0] ?? 0) & merged ? joinTokens(unpackStandings(octets)) : unpackOne(octets)
}

function unpackStandings(octets: Uint8Array): Standings {
  const standings = new Map<string, string>(), at = { offset: 1 }
  const take = (length: number): Buffer => {
    if (at.offset + length > octets.length) throw stale('version', 'sync key ends early')
    return Buffer.from(octets.subarray(at.offset, at.offset += length))
  }
  while (at.offset < octets.length) {
    const tag = take(3).toString('base64url'), from = at.offset, [head = 0] = take(1)
    if (head & digested) standings.set(tag, `\0${take(digestSize).toString('hex')}`)
    else if (head & decimal) {
      readVarint(octets, at)
      standings.set(tag, unpackOne(octets.subarray(from, at.offset)))
    } else standings.set(tag, unpackOne(Buffer.concat([Buffer.of(head), take(take(1)[0]!)])))
  }
  return standings
}

function unpackOne(octets: Uint8Array): string {
  const head = octets[0] ?? 0
  const prefix = prefixes[head & 15] ?? '', rest = Buffer.from(octets.subarray(1))
  if (head & hexadecimal) return prefix + rest.toString('hex')
  return prefix + (head & decimal ? String(readVarint(rest, { offset: 0 })) : rest.toString('utf8'))
}

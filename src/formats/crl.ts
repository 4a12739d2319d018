import { constants, verify, type KeyObject } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { DerReader, elementsOf, oidOf, readDer, tags, timeOf, type Der } from './der.ts'
import { generalNames } from './general-names.ts'

/** A revocation list. Its entries are looked through anew for each question: there may be hundreds of thousands. */
export type Crl = {
  /** Octets of it. */
  readonly size: number
  /** DER of the name. */
  readonly issuer: Uint8Array
  readonly nextUpdate: Date | undefined
  /** Of certificates of authorities, of others, of both. */
  readonly scope: 'all' | 'users' | 'authorities'
  /** URLs the list is one part for; empty where it is for all the issuer has. */
  readonly points: readonly string[]
  /** It is of a kind nothing can be told by: partial, indirect, or with something that is not understood. */
  readonly unusable: boolean
  isRevoked(serial: Uint8Array): boolean
  isSignedBy(key: KeyObject): boolean
}

/** RFC 3279, RFC 4055, RFC 8410: signatures by algorithm; the hash, where the algorithm says it. SHA-1 is what old lists have, MD5 nobody may have. */
const hashes: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1', '1.2.840.113549.1.1.11': 'sha256', '1.2.840.113549.1.1.12': 'sha384', '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1', '1.2.840.10045.4.3.2': 'sha256', '1.2.840.10045.4.3.3': 'sha384', '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null, '1.3.101.113': null,
}
const rsaPss = '1.2.840.113549.1.1.10'
const pssHashes: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** Whether signatures of this algorithm count. */
export const isAccepted = (algorithm: string): boolean => algorithm === rsaPss || Object.hasOwn(hashes, algorithm)

const oids = { deltaIndicator: '2.5.29.27', issuingDistributionPoint: '2.5.29.28' }
/** Critical extensions that change nothing for us. */
const harmless: readonly string[] = ['2.5.29.20', '2.5.29.35']

/** RFC 5280, CertificateList, in DER or PEM. Throws `malformed`. */
export function readCrl(octets: Uint8Array): Crl {
  const whole = new DerReader(readDer(derOf(octets)))
  const list = whole.need(tags.sequence), algorithm = whole.need(tags.sequence), signature = whole.need(tags.bitString)
  const body = new DerReader(list)
  body.maybe(tags.integer)
  body.need(tags.sequence)
  const issuer = body.need(tags.sequence).whole
  timeOf(body.need(tags.utcTime, tags.generalizedTime))
  const next = body.maybe(tags.utcTime, tags.generalizedTime)
  const revoked = body.maybe(tags.sequence)
  const extensions = body.maybe(0xa0)
  return {
    size: octets.length, issuer, nextUpdate: next && timeOf(next), ...readExtensions(extensions),
    isRevoked: serial => revoked !== undefined && holds(revoked, serial),
    isSignedBy: key => isSigned(list.whole, algorithm, signature.content.subarray(1), key),
  }
}

function derOf(octets: Uint8Array): Uint8Array {
  if (octets[0] === tags.sequence) return octets
  const [, base64] = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/.exec(Buffer.from(octets).toString('latin1')) ?? []
  if (base64 === undefined) throw new Failure('malformed', 'a revocation list that is none')
  return Buffer.from(base64, 'base64')
}

function holds(revoked: Der, serial: Uint8Array): boolean {
  const wanted = Buffer.from(serial.buffer, serial.byteOffset, serial.length)
  for (const { content } of elementsOf(revoked)) if (wanted.equals(readDer(content).content)) return true
  return false
}

function isSigned(octets: Uint8Array, algorithm: Der, signature: Uint8Array, key: KeyObject): boolean {
  const reader = new DerReader(algorithm)
  const oid = oidOf(reader.need(tags.oid))
  try {
    if (oid !== rsaPss) return Object.hasOwn(hashes, oid) && verify(hashes[oid], octets, key, signature)
    const parameters = reader.maybe(tags.sequence), hash = parameters && new DerReader(parameters).maybe(0xa0)
    const name = hash && pssHashes[oidOf(new DerReader(new DerReader(hash).need(tags.sequence)).need(tags.oid))]
    if (name === undefined) return false
    return verify(name, octets, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, signature)
  } catch {
    return false // a key of another kind
  }
}

function readExtensions(wrapped: Der | undefined): Pick<Crl, 'scope' | 'points' | 'unusable'> {
  let scope: Crl['scope'] = 'all', points: readonly string[] = [], unusable = false
  for (const extension of wrapped ? elementsOf(new DerReader(wrapped).need(tags.sequence)) : []) {
    const reader = new DerReader(extension)
    const oid = oidOf(reader.need(tags.oid))
    const critical = Boolean(reader.maybe(tags.boolean)?.content[0])
    if (oid === oids.issuingDistributionPoint) {
      const point = new DerReader(readDer(reader.need(tags.octetString).content))
      const name = point.maybe(0xa0), full = name && new DerReader(name).maybe(0xa0)
      points = full ? generalNames(full).urls : []
      const [users, authorities] = [0x81, 0x82].map(tag => Boolean(point.maybe(tag)?.content[0]))
      scope = users ? 'users' : authorities ? 'authorities' : 'all'
      // Some reasons only, indirect, of attribute certificates; or a name that is no URL.
      unusable ||= point.maybe() !== undefined || (name !== undefined && points.length === 0)
    } else {
      unusable ||= oid === oids.deltaIndicator || (critical && !harmless.includes(oid))
    }
  }
  return { scope, points, unusable }
}

import { X509Certificate } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { bitsOf, DerReader, elementsOf, oidOf, readDer, tags, type Der } from './der.ts'
import { generalNames, type GeneralNames } from './general-names.ts'

/** A certificate: what node knows of it, and the extensions node does not show. */
export type Certificate = {
  readonly x509: X509Certificate
  /** DER of the names, to be compared. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly serial: Uint8Array
  /** Of the signature on it. */
  readonly algorithm: string
  /** Undefined where nothing is said: then for everything. */
  readonly usage: ReadonlySet<number> | undefined
  readonly purposes: ReadonlySet<string> | undefined
  /** Authorities that may stand between this one and the end. */
  readonly pathLength: number | undefined
  readonly names: GeneralNames
  readonly permitted: GeneralNames | undefined
  readonly excluded: GeneralNames | undefined
  /** Where revocation lists are, by URL. */
  readonly crls: readonly string[]
  /** It has something that must be understood, and here is not. */
  readonly unknown: boolean
}

/** RFC 5280, Key Usage: bits. */
export const keyUsage = { signature: 0, commitment: 1, encipherment: 2, agreement: 4, certSign: 5, crlSign: 6 } as const

/** RFC 5280, Extended Key Usage. */
const emailProtection = '1.3.6.1.5.5.7.3.4', anyPurpose = '2.5.29.37.0'

const oids = {
  keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', subjectAltName: '2.5.29.17', nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31', extKeyUsage: '2.5.29.37',
}
/** Critical ones that ask nothing of us, as no policy is required: policies, their mappings and constraints, any-policy. */
const harmless: readonly string[] = ['2.5.29.32', '2.5.29.33', '2.5.29.36', '2.5.29.54']

const largest = 64 * 1024

const malformed = (cause?: unknown): Failure => new Failure('malformed', 'a certificate that is none', { cause })

/** RFC 5280, Certificate, in DER. Throws `malformed`. */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > largest) throw malformed()
  const x509 = x509Of(der)
  const whole = new DerReader(readDer(der))
  const body = new DerReader(whole.need(tags.sequence))
  const algorithm = oidOf(new DerReader(whole.need(tags.sequence)).need(tags.oid))
  body.maybe(0xa0)
  const serial = body.need(tags.integer).content
  body.need(tags.sequence)
  const issuer = body.need(tags.sequence).whole
  body.need(tags.sequence)
  const subject = body.need(tags.sequence).whole
  body.need(tags.sequence)
  body.maybe(0x81)
  body.maybe(0x82)
  const extensions = body.maybe(0xa3)
  return { x509, issuer, subject, serial, algorithm, ...readExtensions(extensions) }
}

function x509Of(der: Uint8Array): X509Certificate {
  try {
    const x509 = new X509Certificate(der)
    // Only now does node look at the key.
    if (!x509.publicKey) throw malformed()
    return x509
  } catch (error) {
    throw malformed(error)
  }
}

type Extensions = Omit<Certificate, 'x509' | 'issuer' | 'subject' | 'serial' | 'algorithm'>

function readExtensions(wrapped: Der | undefined): Extensions {
  const found = new Map<string, Der>()
  let unknown = false
  for (const extension of wrapped ? elementsOf(new DerReader(wrapped).need(tags.sequence)) : []) {
    const reader = new DerReader(extension)
    const oid = oidOf(reader.need(tags.oid))
    const critical = Boolean(reader.maybe(tags.boolean)?.content[0])
    if (found.has(oid)) throw malformed()
    found.set(oid, readDer(reader.need(tags.octetString).content))
    unknown ||= critical && !Object.values(oids).includes(oid) && !harmless.includes(oid)
  }
  const read = <T>(oid: string, reader: (value: Der) => T): T | undefined => found.has(oid) ? reader(found.get(oid)!) : undefined
  const constraints = read(oids.nameConstraints, readConstraints)
  return {
    usage: read(oids.keyUsage, bitsOf),
    purposes: read(oids.extKeyUsage, value => new Set([...elementsOf(value)].map(oidOf))),
    pathLength: read(oids.basicConstraints, readPathLength),
    names: read(oids.subjectAltName, generalNames) ?? generalNames(undefined),
    permitted: constraints?.permitted, excluded: constraints?.excluded,
    crls: read(oids.crlDistributionPoints, readDistributionPoints) ?? [],
    unknown,
  }
}

function readPathLength(value: Der): number | undefined {
  const reader = new DerReader(value)
  reader.maybe(tags.boolean)
  const length = reader.maybe(tags.integer)?.content
  return length && length.reduce((sum, octet) => sum * 256 + octet, 0)
}

function readDistributionPoints(value: Der): string[] {
  return [...elementsOf(value)].flatMap(point => {
    const name = new DerReader(point).maybe(0xa0)
    const full = name && new DerReader(name).maybe(0xa0)
    return full ? generalNames(full).urls : []
  })
}

/** RFC 5280, Name Constraints. */
function readConstraints(value: Der): { permitted: GeneralNames | undefined; excluded: GeneralNames | undefined } {
  const reader = new DerReader(value)
  const names = (wrapped: Der | undefined): GeneralNames | undefined =>
    wrapped && generalNames({ ...wrapped, content: Buffer.concat([...elementsOf(wrapped)].map(subtree => new DerReader(subtree).need().whole)) })
  return { permitted: names(reader.maybe(0xa0)), excluded: names(reader.maybe(0xa1)) }
}

/** RFC 8551, Certificate Processing: whether it may be used for mail; undefined usages are no limits. */
export const isForMail = ({ purposes }: Certificate): boolean => !purposes || purposes.has(emailProtection) || purposes.has(anyPurpose)

const messageUsages = [keyUsage.signature, keyUsage.commitment, keyUsage.encipherment, keyUsage.agreement]

/** Whether its key may sign or receive messages. */
export const isForMessages = ({ usage }: Certificate): boolean => !usage || messageUsages.some(bit => usage.has(bit))

/** Whether a message may be encrypted for it. */
export const isForEncryption = ({ usage }: Certificate): boolean => !usage || usage.has(keyUsage.encipherment) || usage.has(keyUsage.agreement)

/** Whom it speaks for: addresses of the subject count where there are no others (RFC 5280, Name Constraints). */
export const addressesOf = ({ names, x509 }: Certificate): readonly string[] =>
  names.mails.length > 0 ? names.mails : [...x509.subject.matchAll(/^emailAddress=(.+)$/gm)].map(([, address]) => address!)

export const isCurrent = ({ x509 }: Certificate, now: Date): boolean => x509.validFromDate <= now && now <= x509.validToDate

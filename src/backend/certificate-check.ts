import { getCACertificates } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import {
  addressesOf, isCurrent, isForMail, isForMessages, keyUsage, readCertificate, type Certificate,
} from '../formats/certificate.ts'
import { isAccepted, type Crl } from '../formats/crl.ts'
import { mailWithin, nameWithin } from '../formats/general-names.ts'
import type { Verdict } from '../model/certificate.ts'
import type { CertificateCheck } from '../model/ports.ts'
import { crlSource, type CrlConfig } from './crl-source.ts'

export type CertificatesConfig = {
  /** PEM of the authorities that are trusted for mail instead of the system's. */
  readonly authorities?: string
  readonly crl?: CrlConfig
}

/** Certificates from the first to the authority; ways that are tried. */
const deepest = 8, mostWays = 50

/** Places of revocation lists a certificate may name. */
const mostPoints = 4

type State = 'good' | 'revoked' | 'revocation-offline' | 'revocation-unknown'

/** From a certificate up to the authority that is trusted. */
type Path = readonly Certificate[]

/** RFC 5280, Certification Path Validation, for mail. Policies are not looked at. */
export function certificateCheck({ authorities, crl = {} }: CertificatesConfig, log: Log, now: () => Date = () => new Date()): CertificateCheck {
  const lists = crlSource(crl), { files = [] } = crl
  let trusted: ReadonlyMap<string, readonly Certificate[]> | undefined

  async function verdict(first: Certificate | undefined, others: readonly Certificate[], strict: boolean): Promise<Verdict> {
    if (!first) return 'malformed'
    trusted ??= anchorsOf(authorities)
    const way = ways(first, others, trusted)
    let wrong: Verdict | undefined
    for (const path of way.paths()) {
      const found = fault(path, now())
      if (!found) return revocation(path, strict)
      wrong ??= found
    }
    return wrong ?? (way.forged ? 'signature' : 'untrusted')
  }

  async function revocation(path: Path, strict: boolean): Promise<Verdict> {
    let worst: Verdict = 'valid'
    for (const [place, certificate] of path.slice(0, -1).entries()) {
      const state = await stateOf(certificate, path[place + 1]!, place > 0)
      if (state === 'revoked') return place === 0 ? 'revoked' : 'chain-revoked'
      if (strict && state !== 'good' && worst === 'valid') worst = state
    }
    return worst
  }

  /** The first list that tells. */
  async function stateOf(certificate: Certificate, issuer: Certificate, authority: boolean): Promise<State> {
    let offline = false
    const sources = [
      ...files.map(path => () => lists.open(path)), ...certificate.crls.slice(0, mostPoints).map(url => () => lists.fetch(url)),
    ]
    for (const source of sources) {
      try {
        const list = await source()
        if (tells(list, certificate, issuer, authority, now())) return list.isRevoked(certificate.serial) ? 'revoked' : 'good'
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        offline ||= error.kind === 'unavailable'
        if (error.kind !== 'denied') log.warn({ why: error.message }, 'revocation list skipped')
      }
    }
    return offline ? 'revocation-offline' : 'revocation-unknown'
  }

  return {
    async verify(certificates, chain, strict) {
      const others = chain.flatMap(one => read(one) ?? [])
      const verdicts: Verdict[] = []
      for (const one of certificates) verdicts.push(await verdict(read(one), others, strict))
      return verdicts
    },
  }
}

function read(der: Uint8Array): Certificate | undefined {
  try {
    return readCertificate(der)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** By subject. What the system trusts includes old certificates that cannot be read. */
function anchorsOf(pem: string | undefined): ReadonlyMap<string, readonly Certificate[]> {
  const system = getCACertificates('system')
  const texts = pem?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? (system.length > 0 ? system : getCACertificates('bundled'))
  const anchors = new Map<string, Certificate[]>()
  for (const text of new Set(texts)) {
    const anchor = readPem(text)
    if (anchor) anchors.set(anchor.x509.subject, [...anchors.get(anchor.x509.subject) ?? [], anchor])
  }
  return anchors
}

function readPem(text: string): Certificate | undefined {
  try {
    return read(new X509Certificate(text).raw)
  } catch {
    return undefined
  }
}

/** All ways up to authorities: the same name and key may be certified more than once. Afterwards `forged` tells of a wrong signature. */
function ways(first: Certificate, others: readonly Certificate[], anchors: ReadonlyMap<string, readonly Certificate[]>) {
  let tried = 0

  const isSame = (one: Certificate, other: Certificate): boolean => one.x509.raw.equals(other.x509.raw)

  function signs(issuer: Certificate, certificate: Certificate): boolean {
    if (issuer.x509.subject !== certificate.x509.issuer) return false
    const signed = isAccepted(certificate.algorithm) && certificate.x509.verify(issuer.x509.publicKey)
    if (!signed) found.forged = true
    return signed
  }

  function* climb(path: Path): Generator<Path> {
    const last = path.at(-1)!
    if (++tried > mostWays || path.length > deepest) return
    if (anchors.get(last.x509.subject)?.some(anchor => isSame(anchor, last))) yield path
    for (const anchor of anchors.get(last.x509.issuer) ?? []) if (!isSame(anchor, last) && signs(anchor, last)) yield [...path, anchor]
    for (const other of others) if (!path.some(one => isSame(one, other)) && signs(other, last)) yield* climb([...path, other])
  }

  const found = { paths: () => climb([first]), forged: false }
  return found
}

/** What is wrong with a path whose signatures are right; the certificate itself first. */
function fault(path: Path, now: Date): Verdict | undefined {
  const [first, ...above] = path as [Certificate, ...Certificate[]]
  if (first.unknown) return 'malformed'
  if (!isCurrent(first, now)) return 'expired'
  if (!isForMessages(first)) return first.x509.ca ? 'role' : 'usage'
  if (!isForMail(first)) return 'usage'
  for (const [below, authority] of above.entries()) {
    if (!authority.x509.ca || authority.usage?.has(keyUsage.certSign) === false) return 'role'
    if (authority.pathLength !== undefined && below > authority.pathLength) return 'role'
    if (authority.unknown) return 'chain-malformed'
    if (!isCurrent(authority, now)) return 'chain-expired'
    if (!isForMail(authority) || !speaksFor(authority, path.slice(0, below + 1))) return 'chain-usage'
  }
  return undefined
}

/** RFC 5280, Name Constraints: of addresses and distinguished names. */
function speaksFor({ permitted, excluded }: Certificate, below: Path): boolean {
  return below.every(certificate => {
    const mails = addressesOf(certificate), names = [certificate.subject, ...certificate.names.directoryNames]
    const within = <T>(all: readonly T[], constraints: readonly T[] | undefined, is: (one: T, constraint: T) => boolean): boolean[] =>
      all.map(one => (constraints ?? []).some(constraint => is(one, constraint)))
    const allowed = <T>(all: readonly T[], constraints: readonly T[] | undefined, is: (one: T, constraint: T) => boolean): boolean =>
      !constraints?.length || within(all, constraints, is).every(Boolean)
    return allowed(mails, permitted?.mails, mailWithin) && allowed(names, permitted?.directoryNames, nameWithin) &&
      !within(mails, excluded?.mails, mailWithin).some(Boolean) && !within(names, excluded?.directoryNames, nameWithin).some(Boolean)
  })
}

/** Whether a list is the issuer's, current, and about certificates of this kind. */
function tells(list: Crl, certificate: Certificate, issuer: Certificate, authority: boolean, now: Date): boolean {
  return !list.unusable && Buffer.from(list.issuer).equals(certificate.issuer) &&
    (list.scope === 'all' || list.scope === (authority ? 'authorities' : 'users')) &&
    (list.points.length === 0 || list.points.some(point => certificate.crls.includes(point))) &&
    (list.nextUpdate === undefined || list.nextUpdate > now) &&
    issuer.usage?.has(keyUsage.crlSign) !== false && list.isSignedBy(issuer.x509.publicKey)
}

import { DerReader, elementsOf, readDer, type Der } from './der.ts'

/** RFC 5280, GeneralNames: those of an address list. */
export type GeneralNames = {
  readonly mails: readonly string[]
  readonly urls: readonly string[]
  /** DER of the sequence of a distinguished name. */
  readonly directoryNames: readonly Uint8Array[]
}

const mail = 0x81, directoryName = 0xa4, url = 0x86

export function generalNames(value: Der | undefined): GeneralNames {
  const names = value ? [...elementsOf(value)] : []
  const texts = (tag: number): string[] => names.filter(name => name.tag === tag).map(({ content }) => Buffer.from(content).toString('utf8'))
  return {
    mails: texts(mail), urls: texts(url),
    directoryNames: names.filter(name => name.tag === directoryName).map(name => new DerReader(name).need().whole),
  }
}

/** RFC 5280, Name Constraints: whether an address is within `constraint`, which is an address, a host, or with a dot in front a domain. */
export function mailWithin(address: string, constraint: string): boolean {
  const one = address.toLowerCase(), other = constraint.toLowerCase()
  if (other.includes('@')) return one === other
  const host = one.slice(one.lastIndexOf('@') + 1)
  return other.startsWith('.') ? host.endsWith(other) : host === other
}

/** Whether a distinguished name begins with another one. Their octets are compared. */
export function nameWithin(name: Uint8Array, constraint: Uint8Array): boolean {
  const { content } = readDer(constraint)
  return Buffer.from(readDer(name).content).subarray(0, content.length).equals(content)
}

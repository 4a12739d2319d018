import { Failure } from '../base/failure.ts'

/** An element of DER. Both octets are views. */
export type Der = {
  /** Identifier octet: class, whether constructed, and number. */
  readonly tag: number
  readonly content: Uint8Array
  /** Identifier and length too. */
  readonly whole: Uint8Array
}

/** X.690, universal tags that X.509 uses. */
export const tags = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
} as const

const malformed = (what: string): Failure => new Failure('malformed', `DER: ${what}`)

/** X.690, Identifier octets, Length octets: the element that begins at `at`. Throws `malformed`. */
export function readDer(octets: Uint8Array, at = 0): Der {
  const tag = octets[at], first = octets[at + 1]
  if (tag === undefined || first === undefined) throw malformed('ends too early')
  if ((tag & 0x1f) === 0x1f) throw malformed('a tag of several octets')
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthOctets > 4) throw malformed('a length that is none')
  let length = first
  if (lengthOctets > 0) length = octets.subarray(at + 2, at + 2 + lengthOctets).reduce((sum, octet) => sum * 256 + octet, 0)
  const from = at + 2 + lengthOctets, to = from + length
  if (to > octets.length) throw malformed('an element beyond the end')
  return { tag, content: octets.subarray(from, to), whole: octets.subarray(at, to) }
}

/** What a constructed element holds, in order. */
export function* elementsOf({ content }: Der): Generator<Der> {
  for (let at = 0; at < content.length;) {
    const element = readDer(content, at)
    yield element
    at += element.whole.length
  }
}

/** Reads elements one after the other, of which some may be missing. */
export class DerReader {
  readonly #elements: Iterator<Der>
  #next: Der | undefined

  constructor(parent: Der) {
    this.#elements = elementsOf(parent)
    this.#step()
  }

  #step(): void {
    const { value, done } = this.#elements.next() as IteratorResult<Der, undefined>
    this.#next = done ? undefined : value
  }

  /** The next element if it has one of these tags. */
  maybe(...wanted: readonly number[]): Der | undefined {
    const next = this.#next
    if (!next || (wanted.length > 0 && !wanted.includes(next.tag))) return undefined
    this.#step()
    return next
  }

  need(...wanted: readonly number[]): Der {
    const next = this.maybe(...wanted)
    if (!next) throw malformed('another element than expected')
    return next
  }
}

/** X.690, Encoded identifier value: `1.2.840.113549`. */
export function oidOf({ content }: Der): string {
  if (content.length > 64) throw malformed('an object identifier without an end')
  const numbers: number[] = []
  let number = 0
  for (const octet of content) {
    number = number * 128 + (octet & 0x7f)
    if (octet < 0x80) {
      numbers.push(number)
      number = 0
    }
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}

/** RFC 5280, Time. Throws `malformed`. */
export function timeOf({ tag, content }: Der): Date {
  const text = Buffer.from(content).toString('latin1')
  const [, year = '', month, day, hour, minute, second] = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  const full = tag === tags.utcTime ? (Number(year) < 50 ? 2000 : 1900) + Number(year) : Number(year)
  const time = new Date(`${String(full).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(time.getTime()) || year.length !== (tag === tags.utcTime ? 2 : 4)) throw malformed('a time that is none')
  return time
}

/** Bits that are set, counted from the first one. */
export function bitsOf({ content }: Der): ReadonlySet<number> {
  const bits = new Set<number>()
  for (let bit = 0; bit < Math.min(content.length - 1, 4) * 8; bit++) {
    if (content[1 + (bit >> 3)]! & 0x80 >> (bit & 7)) bits.add(bit)
  }
  return bits
}

import { Failure } from '../base/failure.ts'
import { codes } from './wbxml-pages.ts'
import type { Tag } from './wbxml-pages.ts'

// WBXML 1.3, Global Tokens
export const SWITCH_PAGE = 0x00, END = 0x01, ENTITY = 0x02, STR_I = 0x03, STR_T = 0x83, OPAQUE = 0xc3
export const HAS_CONTENT = 0x40, HAS_ATTRIBUTES = 0x80, FIRST_TAG = 0x05

export const malformed = (message: string): Failure => new Failure('malformed', `WBXML: ${message}`)

/** Reads the pieces WBXML is made of; running out of octets is a `malformed` Failure. */
export class Reader {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  u8(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw malformed('ends too early')
    return value
  }

  /** mb_u_int32: seven bits an octet, most significant first. */
  uint(): number {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const octet = this.u8()
      value = value * 128 + (octet & 0x7f)
      if (octet < 0x80) return value
    }
    throw malformed('a number of more than five octets')
  }

  view(length: number): Buffer {
    if (length > this.left) throw malformed('ends too early')
    return this.bytes.subarray(this.at, this.at += length)
  }

  string(): string {
    const end = this.bytes.indexOf(0, this.at)
    if (end < 0) throw malformed('a string without end')
    const value = this.bytes.toString('utf8', this.at, end)
    this.at = end + 1
    return value
  }
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g
// Two classes, each small enough for V8 to look at many characters at once.
// oxlint-disable-next-line no-control-regex
const lower = /[\0-\x08\x0b\x0c\x0e\x0f\ufffe\uffff]/, upper = /[\x10-\x1f]/

/** Drops what no XML document can hold: above all NUL, which would end the string. */
export const clean = (value: string): string => lower.test(value) || upper.test(value) ? value.replace(forbidden, '') : value

/** Octets of the first chunk, and of the largest: an answer of few words needs little, a long one few writes. */
const smallest = 4 * 1024, largest = 64 * 1024
/** Octets worth a piece of their own: what a piece costs on its way to the socket is more than a copy of shorter ones. */
const long = 32 * 1024
/** Characters of a text that is written one by one. */
const short = 64
const utf8 = new TextEncoder()

/** What is written and not yet taken: chunks that double up to 64 KiB, and the last one still growing. */
export class Output {
  readonly ready: Uint8Array[] = []
  #size = smallest
  #buffer = Buffer.allocUnsafe(smallest)
  #start = 0
  #at = 0
  #page = 0

  /** Makes everything written so far ready. */
  flush(): void {
    if (this.#at === this.#start) return
    this.ready.push(this.#buffer.subarray(this.#start, this.#at))
    this.#start = this.#at
  }

  #room(length: number): void {
    if (length > this.#buffer.length - this.#at) this.#fresh()
  }

  #fresh(): void {
    this.flush()
    this.#size = Math.min(this.#size * 2, largest)
    this.#buffer = Buffer.allocUnsafe(this.#size)
    this.#start = this.#at = 0
  }

  u8(value: number): void {
    this.#room(1)
    this.#buffer[this.#at++] = value
  }

  /** Long ones that find no room are made ready as they are, without a copy; of all others chunks are filled to their end. */
  bytes(value: Uint8Array): void {
    const left = this.#buffer.length - this.#at
    if (value.length <= left) return this.#copy(value)
    if (value.length >= long) {
      this.flush()
      this.ready.push(value)
      return
    }
    this.#copy(value.subarray(0, left))
    this.#fresh()
    this.bytes(value.subarray(left))
  }

  #copy(value: Uint8Array): void {
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  /**
   * All of an element's content that is a text, and its end. The text may hold what no XML can: that is dropped. Most are short and of ASCII, and are
   * written without a look at them before.
   */
  text(value: string): void {
    if (value.length <= short && this.#ascii(value)) return
    this.u8(STR_I)
    this.string(clean(value))
    this.u8(0)
    this.u8(END)
  }

  /** Writes all of it, or nothing where there is more in it than printable characters of ASCII. */
  #ascii(value: string): boolean {
    const length = value.length
    this.#room(length + 3)
    const at = this.#at, buffer = this.#buffer
    buffer[at] = STR_I
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code < 0x20 || code > 0x7e) return false
      buffer[at + 1 + index] = code
    }
    buffer[at + 1 + length] = 0
    buffer[at + 2 + length] = END
    this.#at += length + 3
    return true
  }

  string(value: string): void {
    if (value.length * 3 <= this.#buffer.length - this.#at) {
      this.#at += this.#buffer.write(value, this.#at, 'utf8')
      return
    }
    let rest = value
    for (;;) {
      const { read, written } = utf8.encodeInto(rest, this.#buffer.subarray(this.#at))
      this.#at += written
      if (read === rest.length) return
      rest = rest.slice(read)
      this.#fresh()
    }
  }

  uint(value: number): void {
    for (let shift = 28; shift > 0; shift -= 7) if (value >= 2 ** shift) this.u8(0x80 | value / 2 ** shift & 0x7f)
    this.u8(value & 0x7f)
  }

  tag(tag: Tag, content: boolean): void {
    const code = codes.get(tag)
    if (code === undefined) throw new TypeError(`no token for ${tag}`)
    const page = code >> 8
    if (page !== this.#page) {
      this.u8(SWITCH_PAGE)
      this.u8(this.#page = page)
    }
    this.u8(code & 0x3f | (content ? HAS_CONTENT : 0))
  }
}

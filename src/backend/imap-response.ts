/** An IMAP datum: atom or quoted string (octets as latin1), literal, NIL, parenthesised list. */
export type Value = string | Uint8Array | null | readonly Value[]

/** One response: `* 12 FETCH (...)` has name `FETCH` and number 12; `* OK [UIDNEXT 5] text` has the code and its arguments. */
export type Response = {
  readonly name: string
  readonly number: number
  readonly values: readonly Value[]
  readonly code: string | undefined
  readonly args: readonly Value[]
  /** Of OK, NO, BAD, BYE, PREAUTH: what is left for people to read. */
  readonly text: string
}

// Deeper lists are flattened into the one at this depth: a hostile BODYSTRUCTURE costs a strange tree, not the stack.
const maxDepth = 64
const SPACE = 0x20, QUOTE = 0x22, OPEN = 0x28, CLOSE = 0x29, LEFT = 0x5b, BACKSLASH = 0x5c, RIGHT = 0x5d, CURLY = 0x7b, CR = 0x0d, LF = 0x0a
const statuses: ReadonlySet<string> = new Set(['OK', 'NO', 'BAD', 'BYE', 'PREAUTH'])

/**
 * RFC 9051, Server Responses. Reads a response after its tag; literals come separately and leave `{n}` CRLF in the line.
 * Never fails: whatever cannot be understood becomes atoms.
 */
export function parseResponse(line: string, literals: readonly Uint8Array[]): Response {
  const reader = new Reader(line, literals)
  let name = reader.word()
  let number = -1
  if (/^\d+$/.test(name)) {
    number = Number(name)
    name = reader.word()
  }
  name = name.toUpperCase()
  if (!statuses.has(name)) return { name, number, values: reader.list(0), code: undefined, args: [], text: '' }
  const [code, ...args] = reader.code()
  return {
    name, number, values: [], args,
    code: typeof code === 'string' ? code.toUpperCase() : undefined,
    text: reader.rest(),
  }
}

/** Octets as latin1; empty for NIL and lists. */
export const text = (value: Value | undefined): string =>
  typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1') : ''

export const octets = (value: Value | undefined): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(text(value), 'latin1')

export const list = (value: Value | undefined): readonly Value[] => (Array.isArray(value) ? value as readonly Value[] : [])

/** A number as IMAP writes it, 0 for anything else. */
export function number(value: Value | undefined): number {
  const digits = text(value)
  return /^\d{1,15}$/.test(digits) ? Number(digits) : 0
}

/** A 63-bit MODSEQ, 0n for anything else. */
export function bignumber(value: Value | undefined): bigint {
  const digits = text(value)
  return /^\d{1,19}$/.test(digits) ? BigInt(digits) : 0n
}

/** Name and value by turns, as FETCH and STATUS answer. Names in upper case. */
export function* pairs(values: readonly Value[]): Generator<[string, Value]> {
  for (let i = 0; i + 1 < values.length; i += 2) yield [text(values[i]).toUpperCase(), values[i + 1] as Value]
}

class Reader {
  readonly #line: string
  readonly #literals: readonly Uint8Array[]
  #at = 0
  #literal = 0

  constructor(line: string, literals: readonly Uint8Array[]) {
    this.#line = line
    this.#literals = literals
  }

  word(): string {
    const end = this.#line.indexOf(' ', this.#at)
    const found = this.#line.slice(this.#at, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#line.length : end + 1
    return found
  }

  rest(): string {
    return this.#line.slice(this.#at).trim()
  }

  /** `[CODE arg arg]`, nothing read where there is none. */
  code(): Value[] {
    if (this.#line.charCodeAt(this.#at) !== LEFT) return []
    this.#at++
    return this.list(0, RIGHT)
  }

  list(depth: number, end = CLOSE): Value[] {
    const values: Value[] = []
    let deeper = 0
    while (this.#at < this.#line.length) {
      const c = this.#line.charCodeAt(this.#at)
      if (c === SPACE || c === CR || c === LF) this.#at++
      else if (c === end) {
        this.#at++
        if (deeper > 0) deeper--
        else if (depth > 0 || end === RIGHT) break
      } else if (c === OPEN) {
        this.#at++
        if (depth >= maxDepth) deeper++
        else values.push(this.list(depth + 1))
      } else if (c === QUOTE) values.push(this.#quoted())
      else if (c === CURLY) values.push(this.#block())
      else values.push(this.#atom(end))
    }
    return values
  }

  #quoted(): string {
    const from = ++this.#at
    for (let i = from; i < this.#line.length; i++) {
      const c = this.#line.charCodeAt(i)
      if (c === QUOTE) {
        this.#at = i + 1
        return this.#line.slice(from, i)
      }
      if (c === BACKSLASH) return this.#escaped(from)
    }
    this.#at = this.#line.length
    return this.#line.slice(from)
  }

  #escaped(from: number): string {
    let found = ''
    let i = from
    for (; i < this.#line.length && this.#line.charCodeAt(i) !== QUOTE; i++) {
      if (this.#line.charCodeAt(i) === BACKSLASH) i++
      found += this.#line[i] ?? ''
    }
    this.#at = i + 1
    return found
  }

  #block(): Value {
    const end = this.#line.indexOf('\n', this.#at)
    this.#at = end < 0 ? this.#line.length : end + 1
    return this.#literals[this.#literal++] ?? null
  }

  /** `BODY[HEADER.FIELDS (A B)]<0>` is one atom: brackets hold what they hold. */
  #atom(end: number): string | null {
    const from = this.#at
    let i = from
    for (; i < this.#line.length; i++) {
      const c = this.#line.charCodeAt(i)
      if (c === SPACE || c === CR || c === OPEN || c === CLOSE || c === end) break
      if (c === LEFT && end !== RIGHT) {
        const close = this.#line.indexOf(']', i)
        i = close < 0 ? this.#line.length : close
      }
    }
    // A closing parenthesis where none belongs would otherwise be read for ever.
    this.#at = i === from ? i + 1 : i
    const found = this.#line.slice(from, i)
    return found.length === 3 && found.toUpperCase() === 'NIL' ? null : found
  }
}

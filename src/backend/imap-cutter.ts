/** Octets that a server may send as one line, one literal, one response. */
export const cutterLimits = { line: 32 << 20, literal: 256 << 20, response: 256 << 20 } as const

export type CutterLimits = { readonly [name in keyof typeof cutterLimits]: number }

const LF = 0x0a, CR = 0x0d, CLOSE = 0x7d
/** The most octets that a literal's mark takes at the end of a line. */
const longestMark = 40

/**
 * RFC 9051, Server Responses and literal: cuts the octets of a connection into responses. A line is octets as latin1, with `{n}` CRLF where a
 * literal was; the literals come beside it, as views of what was fed where they came in one piece.
 */
export class ResponseCutter {
  readonly #take: (line: string, literals: readonly Uint8Array[]) => void
  readonly #limits: CutterLimits
  /** The response so far, and what has come of a line that has no end yet. */
  #line = ''
  #literals: Uint8Array[] = []
  #size = 0
  #begun: Uint8Array[] = []
  #begunSize = 0
  /** Octets of a literal still to come, and those that came. */
  #due = 0
  #pieces: Uint8Array[] = []

  constructor(take: (line: string, literals: readonly Uint8Array[]) => void, limits: CutterLimits = cutterLimits) {
    this.#take = take
    this.#limits = limits
  }

  /** False: more than the limits allow, or no IMAP; the connection is of no use any more. */
  feed(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#due > 0) {
        at += this.#literal(chunk, at)
        continue
      }
      const end = chunk.indexOf(LF, at)
      const length = this.#begunSize + (end < 0 ? chunk.length : end) - at
      if (length > this.#limits.line || this.#size + length > this.#limits.response) return false
      if (end < 0) {
        this.#begun.push(chunk.subarray(at))
        this.#begunSize += chunk.length - at
        return true
      }
      if (!this.#lineEnd(chunk, at, end)) return false
      at = end + 1
    }
    return true
  }

  #literal(chunk: Buffer, at: number): number {
    const piece = chunk.subarray(at, at + this.#due)
    this.#due -= piece.length
    this.#pieces.push(piece)
    if (this.#due === 0) {
      this.#literals.push(this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces))
      this.#pieces = []
    }
    return piece.length
  }

  /** A line, or what of it stands before or behind a literal. */
  #lineEnd(chunk: Buffer, from: number, end: number): boolean {
    let [octets, at, to] = [chunk, from, end]
    if (this.#begunSize > 0) {
      octets = Buffer.concat([...this.#begun, chunk.subarray(from, end)])
      ;[at, to] = [0, octets.length]
      this.#begun = []
      this.#begunSize = 0
    }
    if (to > at && octets[to - 1] === CR) to--
    const text = octets.toString('latin1', at, to)
    const mark = to > at && octets[to - 1] === CLOSE ? /\{0*(\d+)\+?\}$/.exec(text.slice(-longestMark)) : null
    if (!mark) {
      const line = this.#line + text, literals = this.#literals
      this.#line = ''
      this.#literals = []
      this.#size = 0
      if (line !== '') this.#take(line, literals)
      return true
    }
    const length = Number(mark[1])
    this.#size += text.length + length
    if (length > this.#limits.literal || this.#size > this.#limits.response) return false
    this.#line += `${text}\r\n`
    this.#due = length
    if (length === 0) this.#literals.push(new Uint8Array())
    return true
  }
}

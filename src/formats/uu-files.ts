import { Failure } from '../base/failure.ts'
import { latin1 } from './octets.ts'
import { decodeLine } from './uuencode.ts'

/** What a text is made of: words, and files that a program of old wrote into it. `data` belongs to the file begun last. */
export type UuEvent =
  | { readonly kind: 'text' | 'data'; readonly octets: Uint8Array }
  | { readonly kind: 'begin'; readonly name: string }

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, GRAVE = 0x60

/** A line of more octets is none of a file. */
const longest = 1000
/** POSIX, uuencode: octets a line stands for. */
const mostInLine = 45

/**
 * POSIX, uuencode: reads a text line by line, in pieces of any size. A file begins with its line and one of data behind it, for words may begin like
 * that too; it ends with its `end`, or, where that is missing, with what is no line of data. Never throws.
 */
export class UuReader {
  #rest: Buffer = Buffer.alloc(0)
  #state: 'text' | 'file' | 'ending' = 'text'
  /** A line that may begin a file. */
  #held: Buffer | undefined
  /** The file writes spaces where others write grave accents, which are lost at the end of lines. */
  #spaces = true
  #events: UuEvent[] = []

  push(octets: Uint8Array): UuEvent[] {
    const all = this.#rest.length ? Buffer.concat([this.#rest, octets]) : Buffer.from(octets.buffer, octets.byteOffset, octets.length)
    let at = 0
    for (let end = all.indexOf(LF); end >= 0; end = all.indexOf(LF, at)) {
      this.#line(all.subarray(at, end + 1))
      at = end + 1
    }
    this.#rest = all.subarray(at)
    if (this.#rest.length > longest) this.#flush()
    return this.#take()
  }

  finish(): UuEvent[] {
    this.#flush()
    this.#release()
    return this.#take()
  }

  #flush(): void {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    if (rest.length) this.#line(rest)
  }

  #take(): UuEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #line(line: Buffer): void {
    const whole = line.at(-1) === LF
    const bare = line.subarray(0, line.length - (!whole ? 0 : line.at(-2) === CR ? 2 : 1))
    if (this.#held) {
      const name = beginning.exec(this.#held.toString('latin1'))![1]!
      if (isFirst(bare)) {
        this.#held = undefined
        this.#state = 'file'
        this.#spaces = true
        this.#events.push({ kind: 'begin', name })
        return this.#data(bare, whole)
      }
      this.#release()
    }
    if (this.#state !== 'text') {
      if (bare.length === 0) return // some programs put empty lines between all lines
      if (/^end\s*$/.test(bare.subarray(0, 20).toString('latin1'))) this.#state = 'text'
      else if (this.#state === 'file' && isZero(bare)) this.#state = 'ending'
      else if (this.#state === 'file' && isData(bare, this.#spaces)) this.#data(bare, whole)
      else {
        this.#state = 'text'
        this.#line(line)
      }
    } else if (bare.length < longest && beginning.test(bare.toString('latin1'))) this.#held = line
    else this.#text(line)
  }

  /** A line that is cut off stands for no more than there is of it. */
  #data(line: Buffer, whole: boolean): void {
    if (isZero(line)) return void (this.#state = 'ending')
    if (line.includes(GRAVE)) this.#spaces = false
    const octets: number[] = []
    const length = line[0]! - SPACE
    decodeLine(line, this.#spaces && whole ? length : Math.min(length, Math.floor((line.length - 1) * 3 / 4)), octets)
    this.#events.push({ kind: 'data', octets: Uint8Array.from(octets) })
  }

  #release(): void {
    const held = this.#held
    this.#held = undefined
    if (held) this.#text(held)
  }

  #text(octets: Buffer): void {
    this.#events.push({ kind: 'text', octets })
  }
}

const beginning = /^begin [0-7]{3,4} (\S.{0,254}?)\s*$/

const inAlphabet = (line: Uint8Array): boolean => line.every(octet => octet >= SPACE && octet <= GRAVE)
const isZero = (line: Uint8Array): boolean => line.length > 0 && line.length <= 2 && (line[0] === GRAVE || line[0] === SPACE)

/** As long as it says, or longer by a check sum. */
function isFirst(line: Uint8Array): boolean {
  if (isZero(line)) return line[0] === GRAVE
  const length = line[0]! - SPACE, there = line.length - 1
  return length >= 1 && length <= mostInLine && inAlphabet(line) && there >= Math.floor(length * 4 / 3) && there <= Math.ceil(length / 3) * 4 + 2
}

/** Within a file a line may have another length than it says: what there is of it counts. */
function isData(line: Uint8Array, spaces: boolean): boolean {
  const length = line[0]! - SPACE
  return length >= 1 && length <= mostInLine && line.length <= 1 + 64 + 2 && (spaces || line.length > 2) && inAlphabet(line)
}

/** Whether a text may have files in it. */
export const mayHaveFiles = (octets: Uint8Array): boolean =>
  /(?:^|\n)begin [0-7]{3,4} \S/.test(latin1(octets))

export type UuFile = { readonly name: string; readonly octets: Uint8Array }

/** The text without its files, and the files in their order. */
export function splitUu(octets: Uint8Array): { readonly text: Uint8Array; readonly files: readonly UuFile[] } {
  const reader = new UuReader()
  const words: Uint8Array[] = [], files: { name: string; pieces: Uint8Array[] }[] = []
  for (const event of [...reader.push(octets), ...reader.finish()]) {
    if (event.kind === 'text') words.push(event.octets)
    else if (event.kind === 'begin') files.push({ name: event.name, pieces: [] })
    else files.at(-1)!.pieces.push(event.octets)
  }
  return { text: Buffer.concat(words), files: files.map(({ name, pieces }) => ({ name, octets: Buffer.concat(pieces) })) }
}

/** The octets of one file of a text that comes in pieces, 0 the first. Throws `not-found` where there are fewer. */
export async function* uuFile(chunks: AsyncIterable<Uint8Array>, index: number): AsyncGenerator<Uint8Array> {
  const reader = new UuReader()
  let current = -1
  const wanted = (events: readonly UuEvent[]): Uint8Array => {
    const pieces: Uint8Array[] = []
    for (const event of events) {
      if (event.kind === 'begin') current++
      else if (event.kind === 'data' && current === index) pieces.push(event.octets)
    }
    return Buffer.concat(pieces)
  }
  for await (const chunk of chunks) {
    const octets = wanted(reader.push(chunk))
    if (octets.length) yield octets
    if (current > index) return
  }
  const octets = wanted(reader.finish())
  if (octets.length) yield octets
  if (current < index) throw new Failure('not-found', 'the text has no such file')
}

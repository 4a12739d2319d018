import { setImmediate } from 'node:timers/promises'
import { Failure } from '../base/failure.ts'
import {
  END, ENTITY, FIRST_TAG, HAS_ATTRIBUTES, HAS_CONTENT, OPAQUE, STR_I, STR_T, SWITCH_PAGE, clean, malformed, Output, Reader,
} from './wbxml-octets.ts'
import { tags, type Tag } from './wbxml-pages.ts'

export type { Tag }

/** A token no page lists: page in decimal, token in hexadecimal. */
export type UnknownTag = `Page${number}:0x${string}`

/** An element as received. `text` is its inline strings, or its opaque data read as UTF-8. */
export type Element = {
  readonly tag: Tag | UnknownTag
  readonly children: readonly Element[]
  readonly text: string
  /** A view of the request's octets, where the value came as opaque data. */
  readonly opaque?: Uint8Array
}

/** An element to be written. */
export type Node = { readonly tag: Tag; readonly children: Content }

/**
 * A string becomes inline text and octets become opaque data; nothing ('', no octets, no nodes) an empty tag. `utf8` is a text
 * that is UTF-8 already, without what no XML can hold. What is asynchronous is written as it comes, elements one by one or several
 * together; opaque data says its length beforehand and must keep to it.
 */
export type Content =
  | string
  | Uint8Array
  | readonly Node[]
  | AsyncIterable<Node | readonly Node[]>
  | { readonly utf8: Uint8Array | AsyncIterable<Uint8Array> }
  | { readonly text: AsyncIterable<string> }
  | { readonly opaque: AsyncIterable<Uint8Array>; readonly length: number }

export const el = (tag: Tag, children: Content = []): Node => ({ tag, children })

/** The first child of that tag. */
export const child = (element: Element, tag: Tag): Element | undefined => element.children.find(one => one.tag === tag)

/** All children of that tag, in order. */
export const children = (element: Element, tag: Tag): Element[] => element.children.filter(one => one.tag === tag)

/** The text of the first child of that tag; '' when it is empty, undefined when there is none. */
export const text = (element: Element, tag: Tag): string | undefined => child(element, tag)?.text

/** The value of an element as octets, whichever way the client wrote it. */
export const octets = (element: Element): Uint8Array => element.opaque ?? Buffer.from(element.text, 'utf8')

const tooLarge = (what: string): Failure => new Failure('too-large', `WBXML: ${what} beyond the limit`)

/** Octets of the document, levels of elements, and elements and pieces of text together. */
export type Limits = { readonly bytes: number; readonly depth: number; readonly nodes: number }

const usual: Limits = { bytes: 64 * 1024 * 1024, depth: 64, nodes: 200_000 }

/** WBXML 1.3, Document Header: leaves the reader at the body, answers the string table. */
function readHeader(reader: Reader): Buffer {
  const version = reader.u8()
  if (version < 0x01 || version > 0x03) throw malformed(`version octet ${version}`)
  if (reader.uint() === 0) reader.uint() // the public identifier; 0: its place in the string table
  const charset = reader.uint()
  // IANA MIBenum: unknown, US-ASCII, UTF-8
  if (charset !== 0 && charset !== 3 && charset !== 106) throw malformed(`charset ${charset}`)
  return reader.view(reader.uint())
}

/** Strings of the table by their offset. Together they may not become longer than `budget`: one may be referred to at will. */
function tableStrings(table: Buffer, budget: number): (offset: number) => string {
  return offset => {
    const end = offset < table.length ? table.indexOf(0, offset) : -1
    if (end < 0) throw malformed('a string outside of the string table')
    budget -= end - offset
    if (budget < 0) throw tooLarge('text of the string table')
    return table.toString('utf8', offset, end)
  }
}

function character(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed(`character ${code}`)
  return String.fromCodePoint(code)
}

const unknown = (page: number, token: number): UnknownTag => `Page${page}:0x${token.toString(16).toUpperCase().padStart(2, '0')}`

const withOpaque = (tag: Element['tag'], opaque: Buffer): Element =>
  ({ tag, children: [], opaque, get text() { return opaque.toString('utf8') } })

type Open = { readonly tag: Element['tag']; readonly children: Element[]; text: string; opaque: Buffer | undefined }

/** Grows the tree of a document; `root` is there once its end was seen. */
class Builder {
  root: Element | undefined
  readonly #open: Open[] = []
  readonly #limits: Limits
  #nodes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  #innermost(): Open {
    const innermost = this.#open.at(-1)
    if (innermost === undefined) throw malformed('content outside of the root element')
    return innermost
  }

  #count(): void {
    if (++this.#nodes > this.#limits.nodes) throw tooLarge('number of elements')
  }

  #add(element: Element): void {
    const parent = this.#open.at(-1)
    if (parent === undefined) this.root = element
    else parent.children.push(element)
  }

  empty(tag: Element['tag']): void {
    this.#count()
    this.#add({ tag, children: [], text: '' })
  }

  start(tag: Element['tag']): void {
    this.#count()
    if (this.#open.length === this.#limits.depth) throw tooLarge('depth')
    this.#open.push({ tag, children: [], text: '', opaque: undefined })
  }

  text(value: string): void {
    this.#count()
    this.#innermost().text += value
  }

  /** Whether opaque data that came now would be the content of a `tag` right below the root. */
  isIn(tag: Tag): boolean {
    return this.#open.length === 2 && this.#open[1]!.tag === tag
  }

  /** The root as far as it was read. */
  soFar(): Element {
    const [{ tag, children, text }, ...below] = this.#open as [Open, ...Open[]]
    return { tag, children: [...children, ...below.map(one => ({ tag: one.tag, children: [], text: '' }))], text }
  }

  opaque(value: Buffer): void {
    const innermost = this.#innermost()
    if (innermost.opaque) throw malformed('opaque data in two pieces')
    innermost.opaque = value
  }

  end(): void {
    const { tag, children, text, opaque } = this.#innermost()
    this.#open.pop()
    if (opaque === undefined) return this.#add({ tag, children, text })
    if (children.length > 0 || text !== '') throw malformed('opaque data beside other content')
    this.#add(withOpaque(tag, opaque))
  }
}

/** A document that is read in one go, or up to opaque data that come later and from there on. */
class Document {
  readonly builder: Builder
  readonly #tableString: (offset: number) => string
  #page = 0

  constructor(reader: Reader, limits: Limits) {
    this.#tableString = tableStrings(readHeader(reader), limits.bytes)
    this.builder = new Builder(limits)
  }

  /** To the end of the root; or to opaque data of `later` that are not all there: their length. */
  read(reader: Reader, later?: Tag): number | undefined {
    const { builder } = this
    while (builder.root === undefined) {
      const token = reader.u8()
      switch (token) {
        case SWITCH_PAGE: this.#page = reader.u8(); break
        case END: builder.end(); break
        case ENTITY: builder.text(character(reader.uint())); break
        case STR_I: builder.text(reader.string()); break
        case STR_T: builder.text(this.#tableString(reader.uint())); break
        case OPAQUE: {
          const length = reader.uint()
          if (later && length > reader.left && builder.isIn(later)) return length
          builder.opaque(reader.view(length))
          break
        }
        default: {
          const code = token & 0x3f
          if (token & HAS_ATTRIBUTES || code < FIRST_TAG) throw malformed(`token ${token}, which ActiveSync does not use`)
          const tag = tags.get(this.#page << 8 | code) ?? unknown(this.#page, code)
          if (token & HAS_CONTENT) builder.start(tag)
          else builder.empty(tag)
        }
      }
    }
    return undefined
  }
}

/**
 * [MS-ASWBXML] Processing Rules. The root element of a document; what follows its end is ignored, and tokens no page lists
 * become elements of an `UnknownTag`. Throws `malformed`, or `too-large` beyond the limits.
 */
export function decode(bytes: Uint8Array, limits: Limits = usual): Element {
  if (bytes.length > limits.bytes) throw tooLarge('number of octets')
  const reader = new Reader(bytes)
  const document = new Document(reader, limits)
  document.read(reader)
  return document.builder.root!
}

export type Head = {
  /** What the document said so far; last of all the element whose opaque data come, as if it were empty. */
  readonly root: Element
  /** Octets of the opaque data, and where they begin. */
  readonly length: number
  readonly at: number
  /** Reads what follows the opaque data to the end of the document: the elements below the root. Throws as `decode` does. */
  rest(bytes: Uint8Array): readonly Element[]
}

/**
 * The beginning of a document, up to opaque data of a `later` right below the root that are not all among these octets. Undefined for
 * octets that end elsewhere, or mean nothing: all of them will tell.
 */
export function decodeHead(bytes: Uint8Array, later: Tag, limits: Limits = usual): Head | undefined {
  const reader = new Reader(bytes)
  try {
    const document = new Document(reader, limits)
    const length = document.read(reader, later)
    if (length === undefined) return undefined
    const root = document.builder.soFar()
    document.builder.opaque(Buffer.alloc(0))
    return { root, length, at: reader.at, rest(tail) {
      document.read(new Reader(tail))
      return document.builder.root!.children.slice(root.children.length)
    } }
  } catch (error) {
    if (error instanceof Failure && error.kind === 'malformed') return undefined
    throw error
  }
}

/** An element begun whose content is not written yet: an array of nodes, or pieces that come in their own time. `some` are nodes among others. */
type Level =
  | { readonly nodes: readonly Node[]; at: number; readonly some?: true }
  | { readonly pieces: AsyncIterator<unknown>; write(piece: unknown): Level | void; finish(): void }

function later<T>(pieces: AsyncIterable<T>, write: (piece: T) => Level | void, finish = (): void => {}): Level {
  return { pieces: pieces[Symbol.asyncIterator](), write: piece => write(piece as T), finish }
}

/** Text in pieces; the halves of a character may come in two of them. */
function laterText(out: Output, pieces: AsyncIterable<string>): Level {
  let half = ''
  out.u8(STR_I)
  return later(pieces, piece => {
    const whole = half + piece
    const last = whole.charCodeAt(whole.length - 1)
    half = last >= 0xd800 && last < 0xdc00 ? whole.slice(-1) : ''
    out.string(clean(half ? whole.slice(0, -1) : whole))
  }, () => {
    out.string(half)
    out.u8(0)
  })
}

function utf8Text(out: Output, octets: Uint8Array | AsyncIterable<Uint8Array>): Level | void {
  out.u8(STR_I)
  if (!(octets instanceof Uint8Array)) return later(octets, piece => out.bytes(piece), () => out.u8(0))
  out.bytes(octets)
  for (const end of [0, END]) out.u8(end)
}

function laterOpaque(out: Output, pieces: AsyncIterable<Uint8Array>, length: number): Level {
  let left = length
  out.u8(OPAQUE)
  out.uint(length)
  const check = (right: boolean): void => {
    if (!right) throw new Failure('unavailable', `opaque data of ${length - left} octets where ${length} were announced`)
  }
  return later(pieces, piece => {
    left -= piece.length
    check(left >= 0)
    out.bytes(piece)
  }, () => check(left === 0))
}

const isNodes = (content: Content | Node): content is readonly Node[] => Array.isArray(content)

/** Writes an element as far as it can be written at once; answers what is left of it. */
function open(out: Output, { tag, children }: Node): Level | void {
  if (children === '') return out.tag(tag, false)
  if (typeof children === 'string') {
    out.tag(tag, true)
    return out.text(children)
  }
  if (children instanceof Uint8Array || isNodes(children)) {
    if (children.length === 0) return out.tag(tag, false)
    out.tag(tag, true)
    if (isNodes(children)) return { nodes: children, at: 0 }
    out.u8(OPAQUE)
    out.uint(children.length)
    out.bytes(children)
    return out.u8(END)
  }
  out.tag(tag, true)
  if ('utf8' in children) return utf8Text(out, children.utf8)
  if ('text' in children) return laterText(out, children.text)
  if ('opaque' in children) return laterOpaque(out, children.opaque, children.length)
  return later(children, piece => isNodes(piece) ? { nodes: piece, at: 0, some: true } : open(out, piece))
}

type Waiting = Extract<Level, { pieces: unknown }>

/** Writes on until a chunk is ready, until the innermost element waits for its next piece (which is answered), or to the end. */
function advance(out: Output, levels: Level[]): Waiting | undefined {
  while (out.ready.length === 0) {
    const level = levels.at(-1)
    if (level === undefined) return undefined
    if ('pieces' in level) return level
    const node = level.nodes[level.at++]
    if (node === undefined) finish(out, levels)
    else push(levels, open(out, node))
  }
  return undefined
}

const push = (levels: Level[], level: Level | void): void => void (level && levels.push(level))

function finish(out: Output, levels: Level[]): void {
  const level = levels.pop()!
  if ('pieces' in level) level.finish()
  else if (level.some) return
  if (levels.length > 0) out.u8(END)
}

function begin(out: Output): void {
  // version 1.3, an unknown public identifier, UTF-8, no string table
  for (const octet of [0x03, 0x01, 0x6a, 0x00]) out.u8(octet)
}

/**
 * [MS-ASWBXML] ActiveSync WBXML Algorithm Details. The document in chunks of up to 64 KiB; what is written goes out earlier
 * when the next piece is not there by the next turn of the event loop. An error of a piece is thrown on, and leaving early
 * ends all sources.
 */
export async function* encode(root: Node): AsyncGenerator<Uint8Array, void, undefined> {
  const out = new Output()
  const levels: Level[] = [{ nodes: [root], at: 0 }]
  begin(out)
  try {
    while (levels.length > 0) {
      const waiting = advance(out, levels)
      if (waiting) {
        const next = waiting.pieces.next()
        if (!await isReady(next)) {
          out.flush()
          yield* out.ready.splice(0)
        }
        const { done, value } = await next
        if (done) finish(out, levels)
        else push(levels, waiting.write(value))
      }
      yield* out.ready.splice(0)
    }
    out.flush()
    yield* out.ready
  } finally {
    for (const level of levels.reverse()) if ('pieces' in level) await level.pieces.return?.()
  }
}

const isReady = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true, () => true), setImmediate(false)])

/** The document in one piece. */
export async function encodeWhole(root: Node): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of encode(root)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The same for a tree in which nothing is asynchronous. */
export function encodeSync(root: Node): Uint8Array {
  const out = new Output()
  const levels: Level[] = [{ nodes: [root], at: 0 }]
  const chunks: Uint8Array[] = []
  begin(out)
  while (levels.length > 0) {
    if (advance(out, levels)) throw new TypeError('asynchronous content')
    chunks.push(...out.ready.splice(0))
  }
  out.flush()
  return Buffer.concat([...chunks, ...out.ready])
}

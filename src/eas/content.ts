import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { bodyOf, readBody } from '../base/body.ts'
import { Failure } from '../base/failure.ts'
import type { FrontRequest } from '../base/front.ts'
import type { Made } from '../formats/mime-splice.ts'
import { child, decode, decodeHead, octets, type Element, type Head } from '../wire/wbxml.ts'

/** What a request's body turned out to be. */
export type Content = {
  /** The WBXML; undefined when there was none. */
  readonly body: Element | undefined
  /** The message a client sends: in `body` or in its place. Begins with octets that are there. */
  readonly message: Made | undefined
  /** Reads off what was left of a message that flows, so that the client gets to hear the answer. Never throws. */
  drain?(): Promise<void>
}

export type ContentWish = {
  readonly type: 'wbxml' | 'rfc822'
  /** The command sends a message, which may be as long as a request. */
  readonly sends: boolean
}

/** Octets: of a request, and of one that is held in memory as a whole. */
export type ContentLimits = {
  readonly maxRequest: number
  readonly maxHeld: number
  /** Asked for all octets that are held in memory. Throws `busy`. */
  readonly hold?: (octets: number) => void
}

const unzip = promisify(gunzip)

/** A message of more octets flows through; this many are there when a command begins. */
export const largeMessage = 1024 * 1024

/**
 * Reads the body as far as it is needed to begin. Throws `too-large`, `malformed` for what breaks off or is no WBXML, `unsupported` for
 * another content type; what is left of a message throws the same when it is read.
 */
export async function readContent(request: FrontRequest, { type: expected, sends }: ContentWish, limits: ContentLimits): Promise<Content> {
  const type = request.headers.get('content-type')?.split(';')[0]!.trim().toLowerCase()
  const check = (): void => {
    if (type && !types[expected].includes(type)) throw new Failure('unsupported', `a body of type ${type.slice(0, 80)}`)
  }
  const whole = (bytes: Uint8Array): Content => {
    if (bytes.length === 0) return { body: undefined, message: undefined }
    check()
    if (expected === 'rfc822') return { body: undefined, message: [bytes] }
    const body = decode(bytes)
    const mime = sends ? child(body, 'ComposeMail:Mime') : undefined
    return { body, message: mime && [octets(mime)] }
  }
  const zipped = request.headers.get('content-encoding')?.toLowerCase() === 'gzip'
  if (!sends || zipped || !request.body) return whole(await readWhole(request, zipped, limits))

  const chunks = withCause(bodyOf(request, limits.maxRequest))
  const begin = await upTo(chunks, largeMessage, limits)
  if (begin.length < largeMessage) return whole(begin)
  check()
  const flowing = expected === 'rfc822'
    ? bareFlow(begin, chunks, Number(request.headers.get('content-length')))
    : wrappedFlow(begin, chunks, limits)
  if (flowing) return { ...flowing, drain: () => drain(chunks) }
  const most = Math.min(limits.maxHeld, limits.maxRequest)
  const rest = await upTo(chunks, most - begin.length + 1, limits)
  if (begin.length + rest.length > most) throw new Failure('too-large', `more than ${most} octets to be held in memory`)
  return whole(Buffer.concat([begin, rest]))
}

/** [MS-ASHTTP] Content-Type. */
const types = { wbxml: ['application/vnd.ms-sync.wbxml', 'application/vnd.ms-sync'], rfc822: ['message/rfc822'] }

type Chunks = AsyncGenerator<Uint8Array, void, undefined>
type Flowing = Pick<Content, 'body' | 'message'>

/** Up to 12.1. A mail server wants to know the length beforehand. */
function bareFlow(begin: Buffer, chunks: Chunks, length: number): Flowing | undefined {
  if (!(length >= begin.length)) return undefined
  return { body: undefined, message: [begin, { length: length - begin.length, once: true, read: () => left(chunks) }] }
}

/** Octets of the other elements, before a message that flows and behind it. */
const mostAround = 64 * 1024

/**
 * From 14.0. The elements may come in any order, but all clients known put Mime last. Where one that decides something may still follow,
 * the request is held as long as it may be; one that follows nevertheless is refused, with nothing sent.
 */
function wrappedFlow(begin: Buffer, chunks: Chunks, { maxHeld }: ContentLimits): Flowing | undefined {
  const head = decodeHead(begin, 'ComposeMail:Mime')
  if (!head || head.at > mostAround) return undefined
  const { root, length, at } = head
  const needed = ['ComposeMail:ClientId', 'ComposeMail:SaveInSentItems', ...(root.tag === 'ComposeMail:SendMail' ? [] : ['ComposeMail:Source'])]
  if (length + at <= maxHeld && !needed.every(tag => root.children.some(one => one.tag === tag))) return undefined
  const first = begin.subarray(at)
  const more = length - first.length
  return { body: root, message: [first, { length: more, once: true, read: () => mimeLeft(chunks, head, more) }] }
}

/** The last octets of the message come when the end of the document was seen: what breaks off is never sent. */
async function* mimeLeft(chunks: Chunks, head: Head, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let last: Uint8Array | undefined
  let behind = Buffer.alloc(0)
  for await (const chunk of left(chunks)) {
    const mine = chunk.subarray(0, length)
    length -= mine.length
    if (mine.length > 0) {
      if (last) yield last
      last = mine
    }
    if (mine.length < chunk.length && behind.length < mostAround) behind = Buffer.concat([behind, chunk.subarray(mine.length)])
  }
  if (length > 0) throw new Failure('malformed', 'WBXML: ends too early')
  const others = head.rest(behind).filter(({ tag }) => tag.startsWith('ComposeMail:'))
  if (others.length > 0) throw new Failure('malformed', `${others[0]!.tag} behind a large Mime`)
  if (last) yield last
}

/** Without ending them: they may still have to be drained. */
async function* left(chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
}

/** At least so many octets, or all there are. */
async function upTo(chunks: Chunks, octets: number, { hold }: ContentLimits): Promise<Buffer> {
  const found: Uint8Array[] = []
  let length = 0
  while (length < octets) {
    const next = await chunks.next()
    if (next.done) break
    hold?.(next.value.length)
    found.push(next.value)
    length += next.value.length
  }
  return Buffer.concat(found)
}

async function drain(chunks: Chunks): Promise<void> {
  try {
    for await (const _ of chunks) { /* nobody wants it */ }
  } catch { /* whoever broke off hears no answer */ }
}

async function* withCause(chunks: Chunks): Chunks {
  try {
    yield* chunks
  } catch (cause) {
    throw broken(cause)
  }
}

async function readWhole(request: FrontRequest, zipped: boolean, { maxHeld: max, hold }: ContentLimits): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  try {
    const bytes = await readBody(request, max, hold)
    if (!zipped) return bytes
    const unzipped = await unzip(bytes, { maxOutputLength: max })
    hold?.(unzipped.length)
    return unzipped
  } catch (cause) {
    throw broken(cause)
  }
}

function broken(cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const large = (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
  return new Failure(large ? 'too-large' : 'malformed', 'the body broke off or is not compressed as it says', { cause })
}

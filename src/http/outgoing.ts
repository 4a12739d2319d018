import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { constants, createGzip, gzipSync } from 'node:zlib'
import type { FrontAnswer } from '../base/front.ts'

export type Sending = {
  /** The client takes gzip. */
  readonly gzip: boolean
  /** Said to the client: this connection ends here. */
  readonly close: boolean
}

/** Smaller answers gain nothing from gzip. */
const worthwhile = 1024
/** What is ready in one go up to here is sent as one piece with its length. */
const shortAnswer = 16 * 1024
/** Fast, and within a few percent of the best for WBXML full of text. */
const level = 4

const compressible = /^(text\/|application\/(json|xml|[\w.-]+\+xml|vnd\.ms-sync\b))/

/** Whether an Accept-Encoding header takes gzip. */
export const takesGzip = (accepted: string | string[] | undefined): boolean =>
  /(^|,) *(x-)?gzip *(;(?! *q=0(\.0*)? *(,|$))|,|$)/i.test(String(accepted ?? ''))

/**
 * Writes an answer as fast as the client takes it: a short one whole, any other piece by piece, the first of them at once.
 * Rejects with what the body threw; the connection is cut then, so that nobody takes the half for the whole.
 */
export async function send(answer: FrontAnswer, res: ServerResponse, { gzip, close }: Sending): Promise<void> {
  const { status, body } = answer
  const headers = headersOf(answer)
  if (close) headers.connection = 'close'
  if (!body || res.req.method === 'HEAD') {
    // A HEAD keeps the length its GET would have.
    if (res.req.method !== 'HEAD' && ![204, 304].includes(status)) headers['content-length'] = '0'
    res.writeHead(status, headers).end()
    return giveUp(answer)
  }
  const packs = gzip && compressible.test(String(headers['content-type'] ?? '')) && !headers['content-encoding']
  if (packs) headers.vary = 'accept-encoding'
  if (body instanceof Uint8Array) return sendWhole(status, headers, body, packs, res)

  const chunks = body[Symbol.asyncIterator]()
  res.once('close', () => leave(chunks))
  const { pieces, pending } = await readAhead(chunks).catch((error: unknown) => {
    res.destroy()
    throw error
  })
  if (!pending) return sendWhole(status, headers, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), packs, res)

  if (packs) {
    headers['content-encoding'] = 'gzip'
    delete headers['content-length']
  }
  res.writeHead(status, headers)
  if (!pieces.length) res.flushHeaders()
  const rest = follow(pieces, pending, chunks)
  // Flushed with every piece: a phone shows what it has.
  if (packs) await pipeline(rest, createGzip({ level, flush: constants.Z_SYNC_FLUSH }), res)
  else await pour(rest, res)
}

/** What a pipeline does, with less around each piece. */
async function pour(chunks: AsyncIterable<Uint8Array>, res: ServerResponse): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (res.destroyed) throw Object.assign(new Error('the client broke off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
      if (!res.write(chunk)) await drained(res)
    }
    res.end()
  } catch (error) {
    res.destroy()
    throw error
  }
}

const drained = (res: ServerResponse): Promise<void> => new Promise(resolve => {
  const settle = (): void => {
    res.off('drain', settle).off('close', settle)
    resolve()
  }
  res.on('drain', settle).on('close', settle)
})

/** Lets go of an answer that nobody wants. */
export function giveUp({ body }: FrontAnswer): void {
  if (body && !(body instanceof Uint8Array)) leave(body[Symbol.asyncIterator]())
}

type Chunks = AsyncIterator<Uint8Array>

const leave = (chunks: Chunks): void => void chunks.return?.().catch(() => {})

function headersOf(answer: FrontAnswer): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  const cookies: string[] = []
  for (const [name, value] of answer.headers) {
    if (name === 'set-cookie') cookies.push(value)
    else headers[name] = value
  }
  if (cookies.length) headers['set-cookie'] = cookies
  return headers
}

function sendWhole(status: number, headers: OutgoingHttpHeaders, body: Uint8Array, packs: boolean, res: ServerResponse): void {
  const packed = packs && body.length >= worthwhile ? gzipSync(body, { level }) : body
  if (packed !== body) headers['content-encoding'] = 'gzip'
  headers['content-length'] = String(packed.length)
  res.writeHead(status, headers).end(packed)
}

type Next = ReturnType<Chunks['next']>

/** What a body has ready without waiting, and the next that is waited for; none when the body is at its end. */
async function readAhead(chunks: Chunks): Promise<{ pieces: Uint8Array[]; pending: Next | undefined }> {
  const pieces: Uint8Array[] = []
  const soon = setImmediate(undefined)
  for (let length = 0;;) {
    const pending = chunks.next()
    pending.catch(() => {}) // whoever follows hears of it; nobody may
    const next = await (length > shortAnswer ? undefined : Promise.race([pending, soon]))
    if (next === undefined) return { pieces, pending }
    if (next.done) return { pieces, pending: undefined }
    pieces.push(next.value)
    length += next.value.length
  }
}

async function* follow(pieces: Uint8Array[], pending: Next, chunks: Chunks): AsyncGenerator<Uint8Array> {
  yield* pieces
  for (let next = await pending; !next.done; next = await chunks.next()) yield next.value
}

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { constants, createGzip, gzipSync } from 'node:zlib'

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
export async function send(response: Response, res: ServerResponse, { gzip, close }: Sending): Promise<void> {
  const headers: OutgoingHttpHeaders = Object.fromEntries(response.headers)
  const cookies = response.headers.getSetCookie()
  if (cookies.length) headers['set-cookie'] = cookies
  if (close) headers.connection = 'close'
  const reader = response.body?.getReader()
  if (!reader || res.req.method === 'HEAD') {
    // A HEAD keeps the length its GET would have.
    if (res.req.method !== 'HEAD' && ![204, 304].includes(response.status)) headers['content-length'] = '0'
    res.writeHead(response.status, headers).end()
    return reader?.cancel()
  }
  const packs = gzip && compressible.test(response.headers.get('content-type') ?? '') && !headers['content-encoding']
  if (packs) headers.vary = 'accept-encoding'

  const cancel = () => void reader.cancel().catch(() => {})
  res.once('close', cancel)
  const { pieces, pending } = await readAhead(reader).catch((error: unknown) => {
    res.destroy()
    throw error
  })
  if (!pending) return sendWhole(response.status, headers, Buffer.concat(pieces), packs, res)

  if (packs) {
    headers['content-encoding'] = 'gzip'
    delete headers['content-length']
  }
  res.writeHead(response.status, headers)
  if (!pieces.length) res.flushHeaders()
  const rest = follow(pieces, pending, reader)
  // Flushed with every piece: a phone shows what it has.
  if (packs) await pipeline(rest, createGzip({ level, flush: constants.Z_SYNC_FLUSH }), res)
  else await pipeline(rest, res)
}

function sendWhole(status: number, headers: OutgoingHttpHeaders, body: Buffer, packs: boolean, res: ServerResponse): void {
  const packed = packs && body.length >= worthwhile ? gzipSync(body, { level }) : body
  if (packed !== body) headers['content-encoding'] = 'gzip'
  headers['content-length'] = String(packed.length)
  res.writeHead(status, headers).end(packed)
}

type Reader = ReadableStreamDefaultReader<Uint8Array>
type Read = ReturnType<Reader['read']>

/** What a body has ready without waiting, and the read that still waits; none when the body is at its end. */
async function readAhead(reader: Reader): Promise<{ pieces: Uint8Array[]; pending: Read | undefined }> {
  const pieces: Uint8Array[] = []
  const soon = setImmediate(undefined)
  for (let length = 0;;) {
    const pending = reader.read()
    pending.catch(() => {}) // whoever follows hears of it; nobody may
    const next = await (length > shortAnswer ? undefined : Promise.race([pending, soon]))
    if (next === undefined) return { pieces, pending }
    if (next.done) return { pieces, pending: undefined }
    pieces.push(next.value)
    length += next.value.length
  }
}

async function* follow(pieces: Uint8Array[], pending: Read, reader: Reader): AsyncGenerator<Uint8Array> {
  yield* pieces
  for (let next = await pending; !next.done; next = await reader.read()) yield next.value
}

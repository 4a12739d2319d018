import type { IncomingMessage } from 'node:http'
import { Failure } from '../base/failure.ts'
import type { FrontRequest } from '../base/front.ts'

export type Incoming = {
  readonly request: FrontRequest
  /** Reads off what nobody wanted, for many clients hear nothing before they have said all. False: there was too much of it. */
  readonly drain: () => Promise<boolean>
}

/** What is read off at most before an answer: octets, milliseconds. */
const drainLimit = { octets: 16 * 1024 * 1024, ms: 10_000 }

/** The path as fronts compare it: no query, lower case. */
export const pathOf = (message: IncomingMessage): string => {
  const target = targetOf(message)
  const end = target.search(/[?#]/)
  return (end < 0 ? target : target.slice(0, end)).toLowerCase()
}

/** Path and query; a client that takes us for a proxy sends the whole URL (RFC 9112, absolute-form). */
export const targetOf = (message: IncomingMessage): string => {
  const target = (message.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '')
  return target.startsWith('/') ? target : `/${target}`
}

/** What a front sees of a node message. Throws `malformed` for what cannot be a request. */
export function receive(message: IncomingMessage, scheme: 'http' | 'https'): Incoming {
  const { headers, method = 'GET' } = message
  const host = headers.host || 'localhost'
  if (!/^[\w.:[\]-]+$/.test(host)) throw new Failure('malformed', 'The Host header names no host')
  const url = URL.parse(`${scheme}://${host}${targetOf(message)}`)
  if (!url) throw new Failure('malformed', 'The request is no HTTP request')
  const chunks = chunksOf(message)
  const get = (name: string): string | null => headers[name]?.toString() ?? null
  return {
    request: { method, url, headers: { get }, body: hasBody(message) ? unread(chunks) : null },
    drain: () => drain(message, chunks),
  }
}

export const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== 'GET' && method !== 'HEAD' && (headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0)

/** Most bodies have come by the time they are read: those cost no iterator of a stream. */
function chunksOf(message: IncomingMessage): AsyncIterator<Buffer> {
  let coming: AsyncIterator<Buffer> | undefined
  return {
    async next() {
      const all = message.complete && !coming ? message.read() as Buffer | null : undefined
      if (all === undefined) {
        // `destroyOnReturn` would take the socket away, and with it the answer.
        coming ??= message.iterator({ destroyOnReturn: false })
        return coming.next()
      }
      return all ? { done: false, value: all } : { done: true, value: undefined }
    },
  }
}

/** Leaving it early ends nothing: what a front does not want is drained before the answer. */
function unread(chunks: AsyncIterator<Buffer>): AsyncIterable<Uint8Array> {
  const next = () => chunks.next().catch((cause: unknown) => {
    throw new Failure('unavailable', 'The client broke off its request', { cause })
  })
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

async function drain(message: IncomingMessage, chunks: AsyncIterator<Buffer>): Promise<boolean> {
  const timer = AbortSignal.timeout(drainLimit.ms)
  const late = new Promise<undefined>(resolve => timer.addEventListener('abort', () => resolve(undefined), { once: true }))
  for (let octets = 0; octets <= drainLimit.octets;) {
    // What broke off cannot be read off.
    const next = await Promise.race([chunks.next().catch(() => undefined), late])
    if (next === undefined) return false
    if (next.done) return message.complete
    octets += next.value.length
  }
  return false
}

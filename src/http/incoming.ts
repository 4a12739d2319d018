import type { IncomingMessage } from 'node:http'
import { Failure } from '../base/failure.ts'
import type { FrontRequest } from '../base/front.ts'
import type { Head } from './head.ts'

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

/** The segments of a path, decoded. Throws `malformed` with what is wrong in the words of whoever asks. */
export const segmentsOf = (path: string, fault: string): string[] => path.split('/').map(segment => {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new Failure('malformed', fault, { cause })
  }
})

/** What a front sees of a node message. Throws `malformed` for what cannot be a request. */
export function receive(message: IncomingMessage, { url, headers }: Head): Incoming {
  if (url === undefined) throw new Failure('malformed', 'The Host header names no host')
  if (url === null) throw new Failure('malformed', 'The request is no HTTP request')
  const chunks = chunksOf(message)
  return {
    request: { method: message.method ?? 'GET', url, headers, body: hasBody(message) ? unread(chunks) : null },
    drain: () => drain(message, chunks),
  }
}

export const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== 'GET' && method !== 'HEAD' && (headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0)

/** What is left of a body, and whether all of it has come. */
type Chunks = AsyncIterator<Buffer, undefined> & { whole(): boolean }

/** Most bodies have come by the time they are read: those cost no iterator of a stream. */
function chunksOf(message: IncomingMessage): Chunks {
  const length = Number(message.headers['content-length'])
  let coming: AsyncIterator<Buffer, undefined> | undefined
  let taken = false
  return {
    whole: () => message.complete || taken,
    async next() {
      if (taken) return end
      const all = coming || !(message.complete || message.readableLength === length) ? null : message.read() as Buffer | null
      if (!all) {
        // `destroyOnReturn` would take the socket away, and with it the answer.
        coming ??= message.iterator({ destroyOnReturn: false })
        return coming.next().catch(brokenOff)
      }
      taken = true
      // Its last octet has come before node sees its end, which has to be read as well.
      if (!message.complete) message.resume()
      return { done: false, value: all }
    },
  }
}

const end = { done: true, value: undefined } as const

/** Leaving it early ends nothing: what a front does not want is drained before the answer. */
const unread = (chunks: Chunks): AsyncIterable<Uint8Array> => ({ [Symbol.asyncIterator]: () => chunks })

function brokenOff(cause: unknown): never {
  throw new Failure('unavailable', 'The client broke off its request', { cause })
}

async function drain(message: IncomingMessage, chunks: Chunks): Promise<boolean> {
  const timer = AbortSignal.timeout(drainLimit.ms)
  const late = new Promise<undefined>(resolve => timer.addEventListener('abort', () => resolve(undefined), { once: true }))
  for (let octets = 0; octets <= drainLimit.octets;) {
    // What broke off cannot be read off.
    const next = await Promise.race([chunks.next().catch(() => undefined), late])
    if (next === undefined) return false
    if (next.done) return chunks.whole()
    octets += next.value.length
  }
  return false
}

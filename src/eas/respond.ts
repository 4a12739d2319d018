import type { Failure } from '../base/failure.ts'
import type { FrontAnswer } from '../base/front.ts'
import { spread } from '../base/retry.ts'
import { encode, type Node } from '../wire/wbxml.ts'
import type { Answer } from './command.ts'
import type { Version } from './versions.ts'

/** [MS-ASHTTP] Response Headers. */
export const wbxmlType = 'application/vnd.ms-sync.wbxml'

/** Every answer of a test run may be kept, to be read by another implementation. */
export type Exchange = { readonly command: string; readonly version: Version; readonly answer: Uint8Array }

export type Head = { readonly [name: string]: string }

/** Wants the octets of an answer when they are written, unless they are more than `most`. */
export type Keep = { readonly most: number; done(bytes: Uint8Array): void }

/** The answer as HTTP. A failure before the first octets is thrown here; one after them breaks the body off. */
export async function respond(answer: Answer, headers: Head, record: Keep | undefined): Promise<FrontAnswer> {
  const told = Object.entries(headers)
  if (answer.kind === 'empty') return { status: 200, headers: told, body: null }
  told.push(['content-type', answer.kind === 'octets' ? answer.type : wbxmlType])
  if (answer.kind === 'octets' && answer.length !== undefined) told.push(['content-length', String(answer.length)])
  return { status: 200, headers: told, body: await begun(octetsOf(answer, record)) }
}

function octetsOf(answer: Exclude<Answer, { kind: 'empty' }>, record: Keep | undefined): AsyncIterable<Uint8Array> {
  if (answer.kind === 'octets') return answer.body
  const bytes = answer.kind === 'stored' ? whole(answer.bytes) : encode(answer.root)
  const keeps = [answer.kind === 'wbxml' ? answer.keep : undefined, record]
  return keeps.reduce((source, keep) => keep ? kept(source, keep) : source, bytes)
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** A refusal that is no tree but an HTTP status. */
export const httpRefusal = (status: number, headers: Head): FrontAnswer => ({ status, headers: Object.entries(headers), body: null })

/** [MS-ASHTTP] X-MS-ASThrottle: requests beyond our own limits, with the time after which the client may try again. */
export const throttled = ({ retryAfter = spread(30) }: Failure): FrontAnswer =>
  httpRefusal(503, { 'retry-after': String(Math.ceil(retryAfter)), 'x-ms-asthrottle': 'OutOfBudgets' })

async function begun(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array> | null> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  return first.done ? null : joined(first.value, chunks)
}

function joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  let ready: IteratorResult<Uint8Array> | undefined = { done: false, value: first }
  return { [Symbol.asyncIterator]: () => ({
    async next() {
      const next = ready ?? rest.next()
      ready = undefined
      return next
    },
    return: async () => await rest.return?.() ?? { done: true, value: undefined },
  }) }
}

async function* kept(chunks: AsyncIterable<Uint8Array>, { most, done }: Keep): AsyncGenerator<Uint8Array> {
  const all: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length <= most) all.push(chunk)
    yield chunk
  }
  if (length <= most) done(Buffer.concat(all))
}

/**
 * [MS-ASCMD] Common Status Codes: what versions before 14.0 get as HTTP status in place of a Status of 100 and more. Undefined
 * for a Status they know.
 */
export function httpStatusOf(node: Node): number | undefined {
  const status = Number(statusOf(node))
  return status >= 100 ? httpStatus(status) : undefined
}

export const httpStatus = (status: string | number): number => httpStatuses[Number(status)] ?? 500

/** The Status an answer carries at its top, for the log and for the translation above. */
export function statusOf(node: Node): string | undefined {
  if (!Array.isArray(node.children)) return undefined
  const status = (node.children as readonly Node[]).find(child => child.tag.endsWith(':Status'))
  return typeof status?.children === 'string' ? status.children : undefined
}

const httpStatuses: Readonly<{ [status: number]: number }> = {
  101: 400, 102: 400, 103: 400, 104: 400, 105: 400, 106: 400, 108: 400, 109: 400, 110: 500, 111: 503, 112: 403, 113: 507,
  125: 403, 126: 403, 129: 403, 130: 403, 132: 403, 137: 501, 138: 400, 139: 403, 140: 449, 141: 449, 142: 449, 143: 449,
  144: 449, 145: 403,
}


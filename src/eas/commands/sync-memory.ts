import type { Answer, Call } from '../command.ts'
import { digest, readSync, type CollectionRequest, type SyncRequest } from './sync-request.ts'

/** A Sync request made whole, and where its answer is kept in case it gets lost. */
export type SyncAsked = {
  readonly request: SyncRequest
  /** Tells it from others. Made when somebody asks. */
  digest(): string
  /** Has the answer's octets kept, so that the same request gets the same answer once more. */
  readonly keep: (answer: Answer) => Answer
}

const mostCollections = 300
const mostKept = 1024 * 1024

const requestName = (call: Call): string => `sync:${call.scope}`
const answerName = (call: Call): string => `answer:${call.scope}`

/**
 * [MS-ASCMD] Empty Sync Request, Partial: what the client leaves out is what it said before. Undefined when that is not known (any more):
 * the client then sends it in full.
 */
export function recallRequest(call: Call): SyncAsked | undefined {
  const { heartbeat } = call.settings
  const said = call.body && readSync(call.body, { heartbeat, collections: mostCollections, version: call.request.version })
  const before = call.cache.get<SyncRequest>(requestName(call))
  const request = !said ? before : said.partial ? before && merge(before, said) : said
  if (!request) return undefined
  const mark = (): string => `${call.request.version} ${digest(request)}`
  const keep = (answer: Answer): Answer => answer.kind === 'wbxml' ? { ...answer, keep: { most: mostKept, done: store(call, mark()) } } : answer
  return request.collections.length ? { request, digest: mark, keep } : undefined
}

function merge(before: SyncRequest, said: SyncRequest): SyncRequest {
  const named = new Set(said.collections.map(({ id }) => id))
  const rest = before.collections.filter(({ id }) => !named.has(id))
  return { ...before, ...said, wait: said.wait ?? before.wait, collections: [...said.collections, ...rest] }
}

/**
 * A request is remembered until the next one in full. After an answer with news its keys are outdated: the client may have got that answer
 * or not, so only one that names its keys again can be served.
 */
export function rememberRequest(call: Call, { request }: SyncAsked, quiet: boolean): void {
  const plain = request.collections.every(({ commands }) => commands.length === 0)
  if (!quiet || !plain) return call.cache.delete(requestName(call))
  const collections: readonly CollectionRequest[] = request.collections
  call.cache.set(requestName(call), { ...request, collections, partial: false } satisfies SyncRequest, { size: 512 * collections.length })
}

type Stored = { readonly digest: string; readonly bytes: Uint8Array }

const store = (call: Call, mark: string) => (bytes: Uint8Array): void =>
  call.cache.set(answerName(call), { digest: mark, bytes: own(bytes) } satisfies Stored, { size: bytes.length, seconds: 86_400 })

/** A short Buffer is a view of 64 KiB that it shares: it would keep them all. */
const own = (bytes: Uint8Array): Uint8Array => bytes.buffer.byteLength === bytes.length ? bytes : new Uint8Array(bytes)

/** The very octets a client missed, when it asks the same again. */
export function repeated(call: Call, asked: SyncAsked): Answer | undefined {
  const stored = call.cache.get<Stored>(answerName(call))
  if (stored?.digest === undefined || stored.digest !== asked.digest()) return undefined
  call.facts['repeated'] = true
  return { kind: 'stored', bytes: stored.bytes }
}

export const forgetAnswer = (call: Call): void => call.cache.delete(answerName(call))

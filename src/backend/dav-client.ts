import { Agent, request, type Dispatcher } from 'undici'
import { always, type Breaker } from '../base/breaker.ts'
import { Failure, stale, type Kind } from '../base/failure.ts'
import { persist } from '../base/retry.ts'
import type { Login } from './imap-connection.ts'

export type DavServer = {
  /** Where discovery starts (RFC 6764), or, with `{login}`, `{local}` and `{domain}` filled in, what it would find. */
  readonly url: string
  /** Homes of calendars and address books, which make discovery needless: templates as above. */
  readonly calendars?: string
  readonly contacts?: string
  /**
   * Calendars of others, with `{login}`, `{local}` and `{domain}` of theirs, to see when they have time: a collection where it ends with a
   * slash, else a document with VFREEBUSY. Where absent, the server is asked as RFC 6638 has it, if it can.
   */
  readonly freeBusy?: string
  /** What the user is called there; as at the IMAP server where absent. */
  readonly login?: string
  /** False accepts any certificate. Default true. */
  readonly rejectUnauthorized?: boolean
  readonly ca?: string
  /** Seconds between two looks at collections somebody waits for. Default 20. */
  readonly pollSeconds?: number
  /** Make a calendar, an address book, a task list and a journal for users who have none. Default true. */
  readonly create?: boolean
}

export type DavRequest = {
  readonly method: 'PROPFIND' | 'REPORT' | 'GET' | 'PUT' | 'DELETE' | 'MKCALENDAR' | 'MKCOL' | 'PROPPATCH' | 'MOVE' | 'OPTIONS' | 'HEAD' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Statuses that are answers, not failures. */
  readonly expect?: readonly number[]
}

export type DavAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: AsyncIterable<Uint8Array> }

/** One user's way to the DAV server. Credentials go to its own host and port and nowhere else. */
export type DavClient = {
  readonly origin: string
  readonly user: string
  /** Throws `Failure` for a status that is none of 2xx or `expect`. The body must be read or dropped. */
  ask(request: DavRequest): Promise<DavAnswer>
  close(): Promise<void>
}

const mostRedirects = 3
/** Milliseconds to wait for a connection, and to leave a silent server alone. */
const longestConnect = 10_000, longestSilence = 30_000
/** How many times the patience for a next octet a whole answer may take. */
const longestAnswer = 5
const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'])
/** Seconds that a server may ask to be left alone for. */
const usualRetry = 30, longestRetry = 3600

/** RFC 4918, Status Codes, and those of HTTP: what they are to whoever asked. All else is for trying again later. */
const kinds: Readonly<Record<number, Kind>> = {
  400: 'malformed', 403: 'denied', 404: 'not-found', 405: 'denied', 409: 'not-found', 410: 'not-found', 412: 'conflict', 413: 'too-large',
  415: 'malformed', 422: 'malformed', 423: 'conflict', 429: 'busy', 507: 'quota',
}

/** Methods that change nothing, and so may be tried again. */
const safe: ReadonlySet<DavRequest['method']> = new Set(['GET', 'PROPFIND', 'REPORT', 'OPTIONS'])

export function davClient(server: DavServer, login: Login, timeoutSeconds: number, { run }: Breaker = always): DavClient {
  const { origin } = new URL(server.url)
  const authorization = login.kind === 'password'
    ? `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` : `Bearer ${login.token}`
  const tls = { ...(server.ca ? { ca: server.ca } : {}), rejectUnauthorized: server.rejectUnauthorized ?? true }
  const timeout = timeoutSeconds * 1000
  const agent = new Agent({ connections: 8, connect: tls, headersTimeout: timeout, bodyTimeout: timeout, connectTimeout: Math.min(timeout, longestConnect) })
  /** Until then nobody waits for a server that has just let somebody wait for nothing. */
  let silentUntil = -Infinity

  async function send(wish: DavRequest, url: URL): Promise<Dispatcher.ResponseData> {
    try {
      return await request(url, {
        dispatcher: agent, signal: AbortSignal.timeout(timeout * longestAnswer), method: wish.method as Dispatcher.HttpMethod, body: wish.body ?? null,
        headers: { authorization, ...(wish.body === undefined ? {} : { 'content-type': 'application/xml; charset=utf-8' }), ...wish.headers },
      })
    } catch (error) {
      if (timeouts.has((error as { code?: string }).code ?? '')) silentUntil = performance.now() + Math.min(timeout, longestSilence)
      throw new Failure('unavailable', `the DAV server cannot be reached: ${(error as Error).message}`, { cause: error })
    }
  }

  return {
    origin, user: login.user,
    async ask(wish) {
      let url = new URL(wish.path, origin)
      for (let hops = 0; ; hops++) {
        if (url.origin !== origin) throw new Failure('unavailable', 'the DAV server sends its user to another host')
        if (performance.now() < silentUntil) throw new Failure('unavailable', 'the DAV server has not answered in time, a moment ago')
        const once = () => send(wish, url)
        const { statusCode: status, headers, body } = await run(() => safe.has(wish.method) ? persist(once, isTroubled) : once())
        if ((status >= 200 && status < 300) || wish.expect?.includes(status)) return { status, headers, body: bounded(body) }
        const location = headers['location']
        if (status >= 301 && status <= 308 && typeof location === 'string' && hops < mostRedirects) {
          await body.dump()
          url = new URL(location, url)
          continue
        }
        throw await refusal(status, headers, body)
      }
    },
    close: () => agent.destroy(),
  }
}

/** The connection was refused or broke off. */
const isTroubled = (error: unknown): boolean => error instanceof Failure && error.cause !== undefined

async function refusal(status: number, headers: DavAnswer['headers'], body: Dispatcher.ResponseData['body']): Promise<Failure> {
  const said = Buffer.concat(await take(body, 4096)).toString('utf8')
  // RFC 4791 and 6352: preconditions tell more than the status.
  const precondition = /<(?:\w+:)?(no-uid-conflict|valid-sync-token|number-of-matches-within-limits|max-(?:resource|attachment)-size|max-attachments-per-resource|valid-\w+-data|supported-\w+-data)\b/.exec(said)?.[1]
  const options = { retryAfter: retryAfter(headers['retry-after']) }
  const why = `the DAV server answers ${status}${precondition ? ` (${precondition})` : ''}`
  if (precondition === 'valid-sync-token') return stale('sync-token', why)
  if (precondition === 'no-uid-conflict') return new Failure('exists', why)
  if (precondition === 'max-attachments-per-resource') return new Failure('quota', why)
  if (precondition?.startsWith('max-')) return new Failure('too-large', why)
  if (precondition?.endsWith('-data')) return new Failure('malformed', why)
  return new Failure(kinds[status] ?? 'unavailable', why, options)
}

/** The server knows no such user, or another password; or it lets the user in nowhere. */
export const isRefusal = ({ kind, message }: Failure): boolean => message.includes('answers 401') || (kind === 'unavailable' && message.includes('answers 403'))

/** RFC 9110, Retry-After: seconds, or a time. */
function retryAfter(value: unknown): number {
  const seconds = typeof value !== 'string' ? NaN : /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isNaN(seconds) ? usualRetry : Math.min(Math.max(1, Math.ceil(seconds)), longestRetry)
}

async function take(body: AsyncIterable<Uint8Array> & { dump(): Promise<void> }, most: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      if ((length += chunk.length) > most) break
    }
  } catch {
    // The status has said what there is to say.
  }
  return chunks
}

/** What one answer may hold. */
const mostOctets = 96 * 1024 * 1024

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0
  try {
    for await (const chunk of body) {
      if ((length += chunk.length) > mostOctets) throw new Failure('too-large', 'the answer of the DAV server is too large')
      yield chunk
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('unavailable', `the DAV server broke off: ${(error as Error).message}`, { cause: error })
  }
}

/** The whole of an answer. */
export async function octetsOf({ body }: DavAnswer, most = mostOctets): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    if ((length += chunk.length) > most) throw new Failure('too-large', 'an object of the DAV server is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

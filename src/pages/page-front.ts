import { readJson } from '../base/body.ts'
import { Failure, type Kind as Fault } from '../base/failure.ts'
import type { Front, FrontAnswer, FrontRequest, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { segmentsOf } from '../http/incoming.ts'
import { fileAnswer, guards, type Files } from './files.ts'
import { expectOwnPage, ownHeader } from './same-origin.ts'
import { isFresh, type Kind, type Session, type Sessions } from './session.ts'

/** What somebody who is signed in asks of a page, below `api/`: decoded segments of the path. */
export type Asked = { readonly session: Session; readonly path: readonly string[]; readonly query: URLSearchParams; readonly visit: Visit }
/** The same with a body: an object that came as JSON. */
export type Ordered = Asked & { readonly said: Readonly<Record<string, unknown>> }

export type Page = {
  readonly kind: Kind
  /** Where it is: `/` or ends with one. In lower case. */
  readonly path: string
  /** Another place where the page itself is, but nothing that it loads: its HTML then names its files by whole paths. */
  readonly home?: string
  /** `<kind>.html` is what `path` itself answers. */
  readonly files: Files
  readonly sessions: Sessions
  readonly log: Log
  /** Who that is, as the page calls them from then on. Throws `auth` for a wrong name or password, never saying which; `busy` for too many. */
  prove(name: string, password: string, visit: Visit): Promise<Pick<Session, 'name' | 'mark'>>
  /** `prove` itself tells the log of wrong passwords: whoever counts lines there shall not count them twice. */
  readonly told?: true
  /** Whether who was signed in still may be. */
  holds(session: Session): boolean
  /** Answers a GET with something for JSON, or with what is ready to be sent. Changes nothing. */
  ask(asked: Asked): Promise<unknown>
  /** Does something, for somebody whose password was proved a moment ago. */
  order(ordered: Ordered): Promise<unknown>
}

/** Octets of a request; characters of a name and of a password. */
const largest = 16 * 1024, longestName = 256, longestPassword = 1024

/**
 * A page and what it asks for: `GET path` and its files; `POST path/api/session` signs in (`name`, `password`), or by a new password only for who
 * is signed in; `GET` says who is (`name`, `fresh`); `POST path/api/session/end` signs out; all else below `api/` is the page's own. What goes wrong is
 * `{ error, word? }`, with the word `sign-in` where nobody is signed in, and `password` where it has to be given once more (both 401).
 */
export function pageFront(page: Page): Front {
  const { path: base, home = base, files } = page
  const fileOf = (path: string) => {
    const name = path === base || path === home ? `${page.kind}.html` : path.startsWith(base) ? path.slice(base.length) : ''
    return Object.hasOwn(files, name) ? files[name] : undefined
  }
  return {
    name: `${page.kind} page`, quiet: true,
    matches: path => path.startsWith(`${base}api/`) || fileOf(path) !== undefined,
    async answer(request, visit) {
      try {
        const file = fileOf(request.url.pathname.toLowerCase())
        if (!file) return await answerApi(page, request, visit)
        if (request.method !== 'GET' && request.method !== 'HEAD') throw new Failure('unsupported', 'Only GET here.')
        return fileAnswer(file, request.headers.get('if-none-match'))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return refusal(error)
      }
    },
  }
}

async function answerApi(page: Page, request: FrontRequest, visit: Visit): Promise<FrontAnswer> {
  const path = segmentsOf(request.url.pathname.slice(`${page.path}api/`.length), 'The path cannot be read.')
  const session = await sessionOf(page, request, visit)
  const isPost = request.method === 'POST'
  if (!isPost && request.method !== 'GET') throw new Failure('unsupported', 'Only GET and POST here.')
  if (isPost) expectOwnPage(request, visit)
  if (path[0] === 'session') {
    if (!isPost) return json(200, session ? { name: session.name, fresh: isFresh(session) } : {})
    if (path[1] !== 'end') return signIn(page, session, await objectOf(request), visit)
    if (session) page.log.info({ audit: 'signed out', page: page.kind, by: session.name, address: visit.address }, 'signed out')
    return json(200, {}, [['set-cookie', await page.sessions.end(session, visit)]])
  }
  if (!session) throw new Refusal('sign-in', 'Please sign in.')
  if (isPost && !isFresh(session)) throw new Refusal('password', 'Please give your password once more.')
  const asked: Asked = { session, path, query: request.url.searchParams, visit }
  const answer = isPost ? await page.order({ ...asked, said: await objectOf(request) }) : await page.ask(asked)
  const cookie = request.headers.get(ownHeader) === 'used' ? page.sessions.renew(session, visit) : undefined
  const more = cookie ? [['set-cookie', cookie] as const] : []
  return isAnswer(answer) ? { ...answer, headers: [...answer.headers, ...guards, ...more] } : json(200, answer, more)
}

async function sessionOf({ sessions, holds }: Page, request: FrontRequest, visit: Visit): Promise<Session | undefined> {
  const session = await sessions.read(request, visit)
  return session && holds(session) ? session : undefined
}

/** A new session even for who is signed in, so that nobody keeps one that somebody else has given them. */
async function signIn({ kind, prove, told, sessions, log }: Page, before: Session | undefined, said: Ordered['said'], visit: Visit): Promise<FrontAnswer> {
  const { name = before?.name, password } = said, { address } = visit
  if (typeof name !== 'string' || typeof password !== 'string') throw new Failure('malformed', 'A name and a password are wanted.')
  const user = name.trim()
  try {
    if (!user || user.length > longestName || !password || password.length > longestPassword || /\p{Cc}/u.test(user + password)) throw new Failure('auth', 'no name or no password')
    const { session, cookie } = sessions.begin(await prove(user, password, visit), visit)
    if (before) await sessions.end(before, visit)
    log.info({ audit: 'signed in', page: kind, by: session.name, address }, 'signed in')
    return json(200, { name: session.name, fresh: true }, [['set-cookie', cookie]])
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'auth') throw error
    if (!told) log.warn({ page: kind, user: user.slice(0, longestName), address }, 'authentication failed')
    throw new Refusal('wrong', 'The name or the password is wrong.')
  }
}

/** Why a page has to ask for a password. */
class Refusal extends Failure {
  readonly word: 'sign-in' | 'password' | 'wrong'

  constructor(word: Refusal['word'], message: string) {
    super('auth', message)
    this.word = word
  }
}

const statuses: Partial<Record<Fault, number>> = {
  auth: 401, denied: 403, 'not-found': 404, exists: 409, conflict: 409, malformed: 400, unsupported: 405, 'too-large': 413, quota: 507, busy: 429, unavailable: 503,
}

function refusal(failure: Failure): FrontAnswer {
  const { kind, message, retryAfter } = failure
  return json(statuses[kind] ?? 500, { error: message, ...(failure instanceof Refusal ? { word: failure.word } : {}) },
    retryAfter === undefined ? [] : [['retry-after', String(Math.ceil(retryAfter))]])
}

const json = (status: number, value: unknown, more: readonly (readonly [string, string])[] = []): FrontAnswer =>
  ({ status, headers: [['content-type', 'application/json'], ['cache-control', 'no-store'], ...guards, ...more], body: Buffer.from(`${JSON.stringify(value)}\n`) })

const isAnswer = (value: unknown): value is FrontAnswer => typeof value === 'object' && value !== null && 'body' in value && 'headers' in value && 'status' in value

async function objectOf(request: FrontRequest): Promise<Ordered['said']> {
  const said = await readJson(request, largest, 'The body is no JSON.', '{}')
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw new Failure('malformed', 'The body is no object.')
  return said as Ordered['said']
}

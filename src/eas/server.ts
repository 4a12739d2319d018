import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials, Front, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import type { Open, Person, Stores } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import type { Node } from '../wire/wbxml.ts'
import { bare, entryOf, offer, speaks, type Entry } from './commands.ts'
import type { Call } from './command.ts'
import { readContent } from './content.ts'
import { policyFault } from './policy.ts'
import { canonicalDeviceId, deviceFault, parseRequest, type EasRequest } from './request.ts'
import { httpRefusal, httpStatusOf, respond, statusOf, throttled, type Exchange, type Keep } from './respond.ts'
import { asksHierarchyAnew, hasChanged, outgoingHead, type OutgoingHead } from './response-head.ts'
import { clientOf } from './quirks.ts'
import { daysLeft, redirectOf } from './rules.ts'
import type { EasSettings } from './settings.ts'
import { since } from './versions.ts'
import type { Waits } from './waits.ts'

export type EasParts = {
  readonly settings: EasSettings
  readonly open: Open
  readonly cache: Cache
  readonly log: Log
  readonly now?: () => Date
  /** Tests keep every answer. */
  readonly record?: (exchange: Exchange) => void
}

export type EasFront = Front & {
  /** Ends every wait with the answer that nothing happened. */
  drain(): void
}

/** [MS-ASHTTP] Exchange ActiveSync for whatever `open` opens. */
export function easFront(parts: EasParts): EasFront {
  const draining = new AbortController()
  const waits: Waits = new Map()
  return {
    name: 'eas',
    matches: path => path === '/microsoft-server-activesync' || path === '/microsoft-server-activesync/',
    drain: () => draining.abort(),
    answer: (request, visit) => slowed(visit, answer({ ...parts, waits, draining: draining.signal }, request, visit)),
  }
}

type House = EasParts & { readonly waits: Waits; readonly draining: AbortSignal }

// The only catch of the front: what a command cannot answer becomes its own Status, what is no `Failure` is a bug and goes on.
async function answer(house: House, request: Request, visit: Visit): Promise<Response> {
  if (request.method !== 'OPTIONS' && request.method !== 'POST') return httpRefusal(501, { allow: 'OPTIONS,POST' })
  if (!visit.credentials) throw new Failure('auth', 'no credentials')
  if (request.method === 'OPTIONS') return options(house, visit, request.headers.get('user-agent') ?? undefined)

  const step: Step = {}
  try {
    const parsed = step.parsed = parseRequest(new URL(request.url), request.headers)
    note(visit, parsed)
    const entry = entryOf(parsed.command)
    if (!entry) return httpRefusal(501, {})
    const credentials = named(visit.credentials, parsed)
    const elsewhere = redirectOf(house.settings, credentials.user)
    if (elsewhere) return redirected(visit, elsewhere)
    const stores = await opened(house, credentials, visit)
    if (stores instanceof Response) return stores
    step.entry = entry
    const account = stores.person.login
    const head = step.head = headOf(house, parsed.userAgent, stores.person)
    const spoken = since(head.ceiling, parsed.version)
    if (!spoken) head.announce()
    const fault = deviceFault(parsed) ?? (spoken && speaks(entry, parsed.version) ? undefined : '138') ??
      policyFault(house.settings, parsed, account)
    if (fault) return await refusal(house, step, visit, bare(entry, fault))

    const rfc822 = entry.rfc822Until && since(entry.rfc822Until, parsed.version)
    const scope = `${account}/${canonicalDeviceId(parsed.deviceId)}`
    if (hasChanged(house.cache, scope, head.ceiling)) head.announce()
    const content = await readContent(request, rfc822 ? 'rfc822' : 'wbxml', house.settings.maxRequest)
    const call = step.call = {
      ...content, request: parsed, stores, scope,
      cache: house.cache, settings: house.settings, waits: house.waits, signal: AbortSignal.any([visit.signal, house.draining]),
      log: house.log, facts: visit.facts, now: house.now ?? (() => new Date()),
    }
    const root = content.body?.tag
    if (root && root !== entry.root) throw new Failure('malformed', `${root} in ${parsed.command}`)
    if (asksHierarchyAnew(call)) head.announce()
    const answered = await entry.command.run(call)
    const tree = answered.kind === 'wbxml' ? answered.root : undefined
    if (tree && commonStatus(parsed, tree)) return await refusal(house, step, visit, tree)
    visit.facts['status'] ??= tree && statusOf(tree)
    return await respond(answered, head.headers, keeper(house, parsed))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    Object.assign(visit.facts, { failure: error.kind, why: error.message.slice(0, 300) })
    return refuse(house, visit, step, error)
  }
}

// [MS-ASHTTP] Status Line, 451 Redirect. The mailbox may not be behind this host at all, so nobody is asked about the password.
function redirected({ facts }: Visit, url: string): Response {
  facts['redirected'] = true
  return httpRefusal(451, { 'x-ms-location': url })
}

/** The user's stores; or [MS-ASHTTP] 457 Expired Password, where the site has said that this is why the password is refused. */
async function opened(house: House, credentials: Credentials, { address }: Visit): Promise<Stores | Response> {
  try {
    return await house.open(credentials, address)
  } catch (error) {
    const { settings, now } = house
    const left = daysLeft(settings, [credentials.user], now?.() ?? new Date())
    if (!(error instanceof Failure) || error.kind !== 'auth' || left === undefined || left >= 0) throw error
    return httpRefusal(457, { 'x-ms-credential-service-url': settings.passwords!.url })
  }
}

/** A client that is to come less often is told why and when. */
async function slowed({ facts }: Visit, answered: Promise<Response>): Promise<Response> {
  try {
    return await answered
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'busy') throw error
    Object.assign(facts, { failure: error.kind, why: error.message.slice(0, 300) })
    return throttled(error)
  }
}

const headOf = ({ settings, now }: House, agent: string | undefined, person: Person): OutgoingHead =>
  outgoingHead(settings, agent, [person.login, ...person.addresses], now?.() ?? new Date())

/** A bearer token does not tell whose it is; the base64 query may. */
const named = (credentials: Credentials, { user }: EasRequest): Credentials =>
  credentials.user ? credentials : { ...credentials, user }

/** How far a request had come. */
type Step = { parsed?: EasRequest; entry?: Entry; call?: Call; head?: OutgoingHead }

async function refuse(house: House, visit: Visit, step: Step, failure: Failure): Promise<Response> {
  const { parsed, entry, call } = step
  const { kind } = failure
  if (!parsed) return httpRefusal(kind === 'unsupported' ? 505 : 400, {})
  if (!entry || kind === 'auth' || kind === 'busy') throw failure
  if (call) return refusal(house, step, visit, entry.command.refuse(kind, call))
  const status = contentStatus[kind]
  if (!status) throw failure
  return refusal(house, step, visit, bare(entry, status))
}

/** [MS-ASCMD] Common Status Codes: InvalidContent and InvalidWBXML. */
const contentStatus: Partial<Record<Kind, string>> = { unsupported: '101', malformed: '102' }

/** A refusing tree, or the HTTP status that versions before 14.0 get in its place. */
function refusal(house: House, { parsed, head }: Step, visit: Visit, refused: Node | number): Promise<Response> | Response {
  if (!parsed || !head) throw new Error('a refusal before the request was read')
  const status = typeof refused === 'number' ? refused : commonStatus(parsed, refused)
  visit.facts['status'] = status ? `HTTP ${status}` : statusOf(refused as Node)
  if (status) return httpRefusal(status, head.headers)
  return respond({ kind: 'wbxml', root: refused as Node }, head.headers, keeper(house, parsed))
}

const commonStatus = ({ version }: EasRequest, root: Node): number | undefined =>
  since(version, '14.0') ? undefined : httpStatusOf(root)

const keeper = ({ record }: House, { command, version }: EasRequest): Keep | undefined =>
  record && { most: Infinity, done: answer => record({ command, version, answer }) }

function note({ facts, credentials }: Visit, request: EasRequest): void {
  facts['user'] ??= credentials?.user
  facts['command'] = request.command.slice(0, 32)
  facts['device'] = request.deviceId.slice(0, 64)
  facts['type'] = request.deviceType.slice(0, 64)
  facts['agent'] = request.userAgent?.slice(0, 128)
  facts['client'] = clientOf(request.userAgent, request.deviceType)
  facts['version'] = request.version
}

// [MS-ASHTTP] HTTP OPTIONS Response. A phone tries its password with this request, so the backend is asked.
async function options(house: House, visit: Visit, agent: string | undefined): Promise<Response> {
  visit.facts['command'] = 'OPTIONS'
  const credentials = visit.credentials!
  const elsewhere = redirectOf(house.settings, credentials.user)
  if (elsewhere) return redirected(visit, elsewhere)
  const stores = await opened(house, credentials, visit)
  if (stores instanceof Response) return stores
  const head = headOf(house, agent, stores.person)
  const allow = 'OPTIONS,POST'
  return new Response(null, { headers: { ...head.headers, ...offer(head.ceiling), allow, public: allow } })
}

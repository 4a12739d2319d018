import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials, Front, FrontAnswer, FrontRequest, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { createZones } from '../formats/zones.ts'
import { utcZone } from '../formats/timezone.ts'
import type { Open, Person, Stores } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import type { Node } from '../wire/wbxml.ts'
import { admit } from './admission.ts'
import { bare, entryOf, offer, speaks, type Entry } from './commands.ts'
import type { Answer, Call, Clocks, Command } from './command.ts'
import { readContent, type Content } from './content.ts'
import { policyFault } from './policy.ts'
import { canonicalDeviceId, deviceFault, parseRequest, type EasRequest } from './request.ts'
import { httpRefusal, httpStatusOf, respond, statusOf, throttled, type Exchange, type Keep } from './respond.ts'
import { asksHierarchyAnew, hasChanged, outgoingHead, type OutgoingHead } from './response-head.ts'
import { clientOf } from './quirks.ts'
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
  const clocks = clocksOf(parts.settings)
  return {
    name: 'eas',
    matches: path => path === '/microsoft-server-activesync' || path === '/microsoft-server-activesync/',
    drain: () => draining.abort(),
    answer: (request, visit) => slowed(visit, answer({ ...parts, waits, clocks, draining: draining.signal }, request, visit)),
  }
}

function clocksOf({ timeZone }: EasSettings): Clocks {
  const zones = createZones()
  return { zones, zone: zones.named(timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone) ?? utcZone }
}

type House = EasParts & { readonly waits: Waits; readonly clocks: Clocks; readonly draining: AbortSignal }

// The catch of the front: what a command cannot answer becomes its own Status, what is no `Failure` is a bug and goes on.
async function answer(house: House, request: FrontRequest, visit: Visit): Promise<FrontAnswer> {
  if (request.method !== 'OPTIONS' && request.method !== 'POST') return httpRefusal(501, { allow: 'OPTIONS,POST' })
  if (!visit.credentials) throw new Failure('auth', 'no credentials')
  if (request.method === 'OPTIONS') return options(house, visit, request.headers.get('user-agent') ?? undefined)

  const step: Step = {}
  try {
    const parsed = step.parsed = parseRequest(request.url, request.headers)
    note(visit, parsed)
    const entry = entryOf(parsed.command)
    if (!entry) return httpRefusal(501, {})
    const stores = await admit(house, named(visit.credentials, parsed), visit)
    if ('status' in stores) return stores
    const head = headOf(house, parsed.userAgent, stores.person)
    Object.assign(step, { entry, head })
    return await perform(house, request, visit, { parsed, entry, head, stores, step })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    Object.assign(visit.facts, { failure: error.kind, why: error.message.slice(0, 300) })
    return refuse(house, visit, step, error)
  }
}

type Admitted = {
  readonly parsed: EasRequest
  readonly entry: Entry
  readonly head: OutgoingHead
  readonly stores: Stores
  readonly step: Step
}

/** Carries out the command of a user who may be here, unless version or policy are against it. */
async function perform(house: House, request: FrontRequest, visit: Visit, { parsed, entry, head, stores, step }: Admitted): Promise<FrontAnswer> {
  const account = stores.person.login
  const spoken = since(head.ceiling, parsed.version)
  if (!spoken) head.announce()
  const fault = deviceFault(parsed) ?? (spoken && speaks(entry, parsed.version) ? undefined : '138') ??
    policyFault(house.settings, parsed, account)
  if (fault) return refusal(house, { parsed, head }, visit, bare(entry, fault))

  const scope = `${account}/${canonicalDeviceId(parsed.deviceId)}`
  if (hasChanged(house.cache, scope, head.ceiling)) head.announce()
  const rfc822 = entry.rfc822Until && since(entry.rfc822Until, parsed.version)
  const { body, message, drain } = await readContent(
    request, { type: rfc822 ? 'rfc822' : 'wbxml', sends: entry.rfc822Until !== undefined }, house.settings)
  const call = step.call = {
    body, message, request: parsed, stores, scope,
    cache: house.cache, settings: house.settings, waits: house.waits, clocks: house.clocks, log: house.log, facts: visit.facts, now: house.now ?? (() => new Date()),
    // Few requests wait, and the garbage collector has its trouble with a signal of two.
    get signal() { return AbortSignal.any([visit.signal, house.draining]) },
  }
  const root = body?.tag
  if (root && root !== entry.root) throw new Failure('malformed', `${root} in ${parsed.command}`)
  if (asksHierarchyAnew(call)) head.announce()
  const answered = await heardOut(entry.command, call, drain)
  const tree = answered.kind === 'wbxml' ? answered.root : undefined
  if (tree && commonStatus(parsed, tree)) return refusal(house, { parsed, head }, visit, tree)
  visit.facts['status'] ??= tree && statusOf(tree)
  return respond(answered, head.headers, keeper(house, parsed))
}

/** Whatever comes of it, the client is heard out. */
async function heardOut(command: Command, call: Call, drain: Content['drain']): Promise<Answer> {
  try {
    return await command.run(call)
  } finally {
    await drain?.()
  }
}

/** A client that is to come less often is told why and when. */
async function slowed({ facts }: Visit, answered: Promise<FrontAnswer>): Promise<FrontAnswer> {
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

async function refuse(house: House, visit: Visit, step: Step, failure: Failure): Promise<FrontAnswer> {
  const { parsed, entry, call, head } = step
  const { kind } = failure
  if (!parsed) return httpRefusal(kind === 'unsupported' ? 505 : 400, {})
  if (!entry || !head || kind === 'auth' || kind === 'busy') throw failure
  if (call) return refusal(house, { parsed, head }, visit, entry.command.refuse(kind, call))
  const status = contentStatus[kind]
  if (!status) throw failure
  return refusal(house, { parsed, head }, visit, bare(entry, status))
}

/** [MS-ASCMD] Common Status Codes: InvalidContent and InvalidWBXML. */
const contentStatus: Partial<Record<Kind, string>> = { unsupported: '101', malformed: '102' }

/** A refusing tree, or the HTTP status that versions before 14.0 get in its place. */
function refusal(house: House, known: Pick<Admitted, 'parsed' | 'head'>, visit: Visit, refused: Node | number): Promise<FrontAnswer> | FrontAnswer {
  const { parsed, head } = known
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
async function options(house: House, visit: Visit, agent: string | undefined): Promise<FrontAnswer> {
  visit.facts['command'] = 'OPTIONS'
  const stores = await admit(house, visit.credentials!, visit)
  if ('status' in stores) return stores
  const head = headOf(house, agent, stores.person)
  const allow = 'OPTIONS,POST'
  return { status: 200, headers: Object.entries({ ...head.headers, ...offer(head.ceiling), allow, public: allow }), body: null }
}

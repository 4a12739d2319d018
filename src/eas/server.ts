import { deviceKey, type DeviceStore } from '../base/devices.ts'
import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials, Front, FrontAnswer, FrontRequest, Later, Visit } from '../base/front.ts'
import { unguarded, type Guard } from '../base/guard.ts'
import type { Log } from '../base/log.ts'
import { unmeasured, type Metrics } from '../base/metrics.ts'
import type { Shared } from '../base/shared.ts'
import { createZones } from '../formats/zones.ts'
import { utcZone } from '../formats/timezone.ts'
import type { Open, Stores } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import type { Node } from '../wire/wbxml.ts'
import { admit } from './admission.ts'
import { bare, entryOf, offer, speaks, type Entry } from './commands.ts'
import type { Answer, Call, Clocks, Command, Waiting } from './command.ts'
import { readContent, type Content } from './content.ts'
import { accessFault } from './device-access.ts'
import { sawEnd, sawWait, traceRequest, tracer } from './device-watch.ts'
import { countResync, countStatus } from './counting.ts'
import { policyFault } from './policy.ts'
import { requestReader, type parseRequest, type EasRequest } from './request.ts'
import { httpRefusal, httpStatusOf, respond, statusOf, throttled, type Exchange, type Keep } from './respond.ts'
import { asksHierarchyAnew, hasChanged, outgoingHead, type OutgoingHead } from './response-head.ts'
import { mergedObjects } from './merged.ts'
import { mergedOf, whoOf, type Who } from './rules.ts'
import type { EasSettings } from './settings.ts'
import { since } from './versions.ts'
import { drain, shed, type Waits } from './waits.ts'
import { workOf, workOfBody } from './work.ts'

export type EasParts = {
  readonly settings: EasSettings
  readonly open: Open
  readonly cache: Cache
  readonly shared: Shared
  readonly devices?: DeviceStore | undefined
  readonly log: Log
  /** No limits where it is absent. */
  readonly guard?: Guard
  readonly metrics?: Metrics
  readonly now?: () => Date
  /** Tests keep every answer. */
  readonly record?: (exchange: Exchange) => void
}

export type EasFront = Front & {
  /** Ends every wait with the answer that nothing happened. */
  drain(): void
  shed(part: number): void
}

/** [MS-ASHTTP] Exchange ActiveSync for whatever `open` opens. */
export function easFront(parts: EasParts): EasFront {
  const guard = parts.guard ?? unguarded
  const waits: Waits = { ends: new Map(), drained: false, admit: scope => admitWait(guard, scope) }
  const house: House = { metrics: unmeasured, ...parts, guard, waits, clocks: clocksOf(parts.settings), read: requestReader() }
  // A device that waits hears of its orders with its next request, which it sends when the wait ends.
  parts.devices?.onChange(key => {
    const device = deviceKey(key)
    for (const [scope, end] of waits.ends) if (scope.toLowerCase() === device) end()
  })
  return {
    name: 'eas',
    matches: path => path === '/microsoft-server-activesync' || path === '/microsoft-server-activesync/',
    drain: () => drain(waits),
    shed: part => shed(waits, part),
    answer: (request, visit) => attend(house, request, visit),
  }
}

function clocksOf({ timeZone }: EasSettings): Clocks {
  const zones = createZones()
  return { zones, zone: zones.named(timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone) ?? utcZone }
}

type House = EasParts & { readonly guard: Guard; readonly metrics: Metrics; readonly waits: Waits; readonly clocks: Clocks; readonly read: typeof parseRequest }

/** What a request took of what there is only so much of: each gives it back. */
type Taken = (() => void)[]

/**
 * Gives back what a request took when its answer was sent, or when it begins to wait. A client that is to come less often is told why and
 * when.
 */
async function attend(house: House, request: FrontRequest, visit: Visit): Promise<FrontAnswer | Later> {
  const taken: Taken = []
  const leave = (): void => taken.splice(0).forEach(giveBack => giveBack())
  try {
    const answered = await answer(house, request, visit, taken)
    if ('later' in answered) leave()
    else visit.onEnd(leave)
    return answered
  } catch (error) {
    leave()
    if (!(error instanceof Failure) || error.kind !== 'busy') throw error
    Object.assign(visit.facts, factsOf(error))
    return throttled(error)
  }
}

function admitWait({ load, waits }: Guard, scope: string): () => void {
  load.admit('wait')
  return waits.take(scope.slice(0, scope.lastIndexOf('/')))
}

// The catch of the front: what a command cannot answer becomes its own Status, what is no `Failure` is a bug and goes on.
async function answer(house: House, request: FrontRequest, visit: Visit, taken: Taken): Promise<FrontAnswer | Later> {
  visit.counted.command = visit.counted.version = 'other'
  // First of all: iOS asks with GET, and no token, how it may log in (17, after Autodiscover).
  if (!visit.credentials) throw new Failure('auth', 'no credentials')
  if (request.method !== 'OPTIONS' && request.method !== 'POST') return httpRefusal(501, { allow: 'OPTIONS,POST' })
  if (request.method === 'OPTIONS') return options(house, visit, request.headers.get('user-agent') ?? undefined)

  const step: Step = { taken }
  try {
    const parsed = step.parsed = house.read(request.url, request.headers)
    note(visit, parsed)
    const entry = entryOf(parsed.command)
    if (!entry) return httpRefusal(501, {})
    house.guard.load.admit(workOf(parsed.command))
    const stores = await admit(house, named(visit.credentials, parsed), visit)
    if ('status' in stores) return stores
    taken.push(house.guard.requests.take(stores.person.account))
    const who = whoOf(stores)
    const head = await headOf(house, parsed.userAgent, who)
    Object.assign(step, { entry, head })
    return await perform(house, request, visit, { parsed, entry, head, stores, who, step })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    Object.assign(visit.facts, factsOf(error))
    countResync(counting(house, visit), error)
    return refuse(house, visit, step, error)
  }
}

type Admitted = {
  readonly parsed: EasRequest
  readonly entry: Entry
  readonly head: OutgoingHead
  readonly stores: Stores
  readonly who: Who
  readonly step: Step
}

/** Carries out the command of a user who may be here, unless version or policy are against it. */
async function perform(house: House, request: FrontRequest, visit: Visit, { parsed, entry, head, stores, who, step }: Admitted): Promise<FrontAnswer | Later> {
  const account = stores.person.account
  const spoken = since(head.ceiling, parsed.version)
  if (!spoken) head.announce()
  const known: Known = { parsed, head, account }
  const fault = parsed.deviceFault ?? (spoken && speaks(entry, parsed.version) ? undefined : '138') ??
    await accessFault(house, parsed, stores, who) ?? await policyFault(house, parsed, account, who)
  // [MS-ASCMD] Common Status Codes, 140: what versions before 14.0 get that leave the header out. A base64 query has none.
  if (fault === '140' && parsed.policyKey === undefined && /[?&]cmd=/i.test(request.url.search) && !since(parsed.version, '14.0')) return refusal(house, known, visit, 403)
  if (fault) return refusal(house, known, visit, bare(entry, fault))

  const scope = `${account}/${parsed.device}`
  if (hasChanged(house.cache, scope, head.ceiling)) head.announce()
  const rfc822 = entry.rfc822Until && since(entry.rfc822Until, parsed.version)
  const { body, message, drain } = await readContent(
    request, { type: rfc822 ? 'rfc822' : 'wbxml', sends: entry.rfc822Until !== undefined }, { ...house.settings, hold: holding(house, step, account) })
  house.guard.load.admit(workOfBody(parsed.command, body))
  const call = step.call = {
    body, message, request: parsed, stores: await shownTo(house, parsed, stores, who), scope,
    cache: house.cache, shared: house.shared, devices: house.devices, settings: house.settings, waits: house.waits, clocks: house.clocks, log: house.log,
    metrics: house.metrics, facts: visit.facts, counted: visit.counted, now: house.now ?? present,
    client: visit,
  }
  traceRequest(house, known, body)
  const root = body?.tag
  if (root && root !== entry.root) throw new Failure('malformed', `${root} in ${parsed.command}`)
  if (asksHierarchyAnew(call)) head.announce()
  const answered = await (drain ? heardOut(entry.command, call, drain) : entry.command.run(call))
  if (answered.kind === 'waiting') {
    sawWait(house, known, visit)
    return { later: whenItComes(house, known, visit, answered.answer, refusing(entry, { ...call, body: undefined })) }
  }
  return deliver(house, known, visit, answered)
}

// Made outside of `perform`: there they would hold what the request came with as long as it waits.
const present = (): Date => new Date()
const holding = (house: House, { taken }: Step, account: string) => (octets: number): void => void taken.push(house.guard.octets.take(account, octets))
const refusing = ({ command }: Entry, call: Call) => (kind: Kind): Node | number => command.refuse(kind, call)

function deliver(house: House, known: Known, visit: Visit, answered: Answer): Promise<FrontAnswer> | FrontAnswer {
  const tree = answered.kind === 'wbxml' ? answered.root : undefined
  if (tree && commonStatus(known.parsed, tree)) return refusal(house, known, visit, tree)
  const status = tree && statusOf(tree)
  visit.facts['status'] ??= status
  visit.counted.status = status
  countStatus(counting(house, visit), status)
  sawEnd(house, known, visit)
  return respond(answered, known.head.headers, keeper(house, known))
}

/** What a wait ends in. It holds nothing else of its request. */
function whenItComes(house: House, known: Known, visit: Visit, answer: Promise<Answer>, refuse: (kind: Kind) => Node | number): Promise<FrontAnswer> {
  return answer.then(said => deliver(house, known, visit, said)).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error
    Object.assign(visit.facts, factsOf(error))
    countResync(counting(house, visit), error)
    if (error.kind === 'busy') return throttled(error)
    if (error.kind === 'auth') throw error
    return refusal(house, known, visit, refuse(error.kind))
  })
}

/** The stores as this client can show what is in them. */
async function shownTo({ settings, cache }: House, parsed: EasRequest, stores: Stores, who: Who): Promise<Stores> {
  const { objects, person: { account } } = stores
  const merged = objects ? await mergedOf(settings, parsed, who) : []
  return objects && merged.length > 0 ? { ...stores, objects: mergedObjects(objects, merged, { cache, account }) } : stores
}

/** Whatever comes of it, the client is heard out. */
async function heardOut(command: Command, call: Call, drain: NonNullable<Content['drain']>): Promise<Answer | Waiting> {
  try {
    return await command.run(call)
  } finally {
    await drain()
  }
}

const counting = ({ metrics }: House, { counted }: Visit) => ({ metrics, counted })

const factsOf = ({ kind, message }: Failure) => ({ failure: kind, why: message.slice(0, 300) })

const headOf = ({ settings, now }: House, agent: string | undefined, who: Who): Promise<OutgoingHead> =>
  outgoingHead(settings, agent, who, now?.() ?? new Date())

/** A bearer token does not tell whose it is; the base64 query may. */
const named = (credentials: Credentials, { user }: EasRequest): Credentials =>
  credentials.user ? credentials : { ...credentials, user }

/** How far a request had come, and what it took. */
type Step = { readonly taken: Taken; parsed?: EasRequest; entry?: Entry; call?: Call; head?: OutgoingHead }

async function refuse(house: House, visit: Visit, step: Step, failure: Failure): Promise<FrontAnswer> {
  const { parsed, entry, call, head } = step
  const { kind } = failure
  if (!parsed) return httpRefusal(kind === 'unsupported' ? 505 : 400, {})
  if (!entry || !head || kind === 'auth' || kind === 'busy') throw failure
  const known: Known = { parsed, head, account: call?.stores.person.account }
  if (call) return refusal(house, known, visit, entry.command.refuse(kind, call))
  const status = contentStatus[kind]
  if (!status) throw failure
  return refusal(house, known, visit, bare(entry, status))
}

/** [MS-ASCMD] Common Status Codes: InvalidContent and InvalidWBXML. */
const contentStatus: Partial<Record<Kind, string>> = { unsupported: '101', malformed: '102' }

/** What an answer needs of its request. */
type Known = Pick<Admitted, 'parsed' | 'head'> & { readonly account: string | undefined }

/** A refusing tree, or the HTTP status that versions before 14.0 get in its place. */
function refusal(house: House, known: Known, visit: Visit, refused: Node | number): Promise<FrontAnswer> | FrontAnswer {
  const { parsed, head } = known
  const status = typeof refused === 'number' ? refused : commonStatus(parsed, refused)
  visit.facts['status'] = status ? `HTTP ${status}` : statusOf(refused as Node)
  sawEnd(house, known, visit)
  visit.counted.status = typeof refused === 'number' ? undefined : statusOf(refused)
  countStatus(counting(house, visit), visit.counted.status)
  if (status) return httpRefusal(status, head.headers)
  return respond({ kind: 'wbxml', root: refused as Node }, head.headers, keeper(house, known))
}

const commonStatus = ({ version }: EasRequest, root: Node): number | undefined =>
  since(version, '14.0') ? undefined : httpStatusOf(root)

/** Wants the octets of an answer: tests want all of them, and a trace does. */
function keeper(house: House, known: Known): Keep | undefined {
  const { record } = house, { command, version } = known.parsed
  return record ? { most: Infinity, done: answer => record({ command, version, answer }) } : tracer(house, known)
}

function note({ facts, counted, credentials }: Visit, request: EasRequest): void {
  if (entryOf(request.command)) counted.command = request.command
  counted.version = request.version
  facts['user'] ??= credentials?.user
  facts['command'] = request.command.slice(0, 32)
  facts['device'] = request.deviceId.slice(0, 64)
  facts['type'] = request.deviceType.slice(0, 64)
  facts['agent'] = request.userAgent?.slice(0, 128)
  facts['client'] = request.client?.name
  facts['version'] = request.version
}

// [MS-ASHTTP] HTTP OPTIONS Response. A phone tries its password with this request, so the backend is asked.
async function options(house: House, visit: Visit, agent: string | undefined): Promise<FrontAnswer> {
  visit.facts['command'] = visit.counted.command = 'OPTIONS'
  const stores = await admit(house, visit.credentials!, visit)
  if ('status' in stores) return stores
  const head = await headOf(house, agent, whoOf(stores))
  const allow = 'OPTIONS,POST'
  return { status: 200, headers: Object.entries({ ...head.headers, ...offer(head.ceiling), allow, public: allow }), body: null }
}

import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials, Front, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import type { Open } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import type { Node } from '../wire/wbxml.ts'
import { bare, entryOf, offer, speaks, type Entry } from './commands.ts'
import type { Call } from './command.ts'
import { readContent } from './content.ts'
import { policyFault } from './policy.ts'
import { canonicalDeviceId, deviceFault, parseRequest, type EasRequest } from './request.ts'
import { httpRefusal, httpStatusOf, respond, statusOf, type Exchange, type Head, type Keep } from './respond.ts'
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
    answer: (request, visit) => answer({ ...parts, waits, draining: draining.signal }, request, visit),
  }
}

type House = EasParts & { readonly waits: Waits; readonly draining: AbortSignal }

// The only catch of the front: what a command cannot answer becomes its own Status, what is no `Failure` is a bug and goes on.
async function answer(house: House, request: Request, visit: Visit): Promise<Response> {
  if (request.method !== 'OPTIONS' && request.method !== 'POST') return httpRefusal(501, { allow: 'OPTIONS,POST' })
  if (!visit.credentials) throw new Failure('auth', 'no credentials')
  if (request.method === 'OPTIONS') return options(house, visit)

  const step: Step = {}
  try {
    const parsed = step.parsed = parseRequest(new URL(request.url), request.headers)
    note(visit, parsed)
    const entry = entryOf(parsed.command)
    if (!entry) return httpRefusal(501, {})
    const stores = await house.open(named(visit.credentials, parsed), visit.address)
    step.entry = entry
    const account = stores.person.login
    const fault = deviceFault(parsed) ?? (speaks(entry, parsed.version) ? undefined : '138') ??
      policyFault(house.settings, parsed, account)
    if (fault) return await refusal(house, parsed, visit, bare(entry, fault))

    const rfc822 = entry.rfc822Until && since(entry.rfc822Until, parsed.version)
    const content = await readContent(request, rfc822 ? 'rfc822' : 'wbxml', house.settings.maxRequest)
    const call = step.call = {
      ...content, request: parsed, stores, scope: `${account}/${canonicalDeviceId(parsed.deviceId)}`,
      cache: house.cache, settings: house.settings, waits: house.waits, signal: AbortSignal.any([visit.signal, house.draining]),
      log: house.log, facts: visit.facts, now: house.now ?? (() => new Date()),
    }
    const root = content.body?.tag
    if (root && root !== entry.root) throw new Failure('malformed', `${root} in ${parsed.command}`)
    const answered = await entry.command.run(call)
    const tree = answered.kind === 'wbxml' ? answered.root : undefined
    if (tree && commonStatus(parsed, tree)) return await refusal(house, parsed, visit, tree)
    visit.facts['status'] ??= tree && statusOf(tree)
    return await respond(answered, headersOf(house), keeper(house, parsed))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    Object.assign(visit.facts, { failure: error.kind, why: error.message.slice(0, 300) })
    return refuse(house, visit, step, error)
  }
}

/** A bearer token does not tell whose it is; the base64 query may. */
const named = (credentials: Credentials, { user }: EasRequest): Credentials =>
  credentials.user ? credentials : { ...credentials, user }

/** How far a request had come. */
type Step = { parsed?: EasRequest; entry?: Entry; call?: Call }

async function refuse(house: House, visit: Visit, { parsed, entry, call }: Step, failure: Failure): Promise<Response> {
  const { kind } = failure
  if (!parsed) return httpRefusal(kind === 'unsupported' ? 505 : 400, {})
  if (!entry || kind === 'auth' || kind === 'busy') throw failure
  if (call) return refusal(house, parsed, visit, entry.command.refuse(kind, call))
  const status = contentStatus[kind]
  if (!status) throw failure
  return refusal(house, parsed, visit, bare(entry, status))
}

/** [MS-ASCMD] Common Status Codes: InvalidContent and InvalidWBXML. */
const contentStatus: Partial<Record<Kind, string>> = { unsupported: '101', malformed: '102' }

/** A refusing tree, or the HTTP status that versions before 14.0 get in its place. */
function refusal(house: House, parsed: EasRequest, visit: Visit, refused: Node | number): Promise<Response> | Response {
  const status = typeof refused === 'number' ? refused : commonStatus(parsed, refused)
  visit.facts['status'] = status ? `HTTP ${status}` : statusOf(refused as Node)
  if (status) return httpRefusal(status, headersOf(house))
  return respond({ kind: 'wbxml', root: refused as Node }, headersOf(house), keeper(house, parsed))
}

const commonStatus = ({ version }: EasRequest, root: Node): number | undefined =>
  since(version, '14.0') ? undefined : httpStatusOf(root)

const headersOf = ({ settings }: House): Head => ({ 'ms-server-activesync': settings.ceiling, 'cache-control': 'private' })

const keeper = ({ record }: House, { command, version }: EasRequest): Keep | undefined =>
  record && { most: Infinity, done: answer => record({ command, version, answer }) }

function note({ facts, credentials }: Visit, request: EasRequest): void {
  facts['user'] ??= credentials?.user
  facts['command'] = request.command.slice(0, 32)
  facts['device'] = request.deviceId.slice(0, 64)
  facts['type'] = request.deviceType.slice(0, 64)
  facts['agent'] = request.userAgent?.slice(0, 128)
  facts['version'] = request.version
}

// [MS-ASHTTP] HTTP OPTIONS Response. A phone tries its password with this request, so the backend is asked.
async function options(house: House, visit: Visit): Promise<Response> {
  visit.facts['command'] = 'OPTIONS'
  await house.open(visit.credentials!, visit.address)
  const { versions, commands } = offer(house.settings.ceiling)
  const allow = 'OPTIONS,POST'
  return new Response(null, {
    headers: { ...headersOf(house), allow, public: allow, 'ms-asprotocolversions': versions, 'ms-asprotocolcommands': commands },
  })
}

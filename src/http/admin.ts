import { createHash, timingSafeEqual } from 'node:crypto'
import { chmod, lstat, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { readJson } from '../base/body.ts'
import type { DeviceStore } from '../base/devices.ts'
import { Failure, type Kind } from '../base/failure.ts'
import type { Front, FrontRequest, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { act, deviceKeyOf, wishOf } from './admin-actions.ts'
import { segmentsOf } from './incoming.ts'
import { type HttpServer, listen } from './server.ts'

export type AdminPlace = ({ readonly host: string; readonly port: number } | { readonly socket: string }) & {
  readonly token: string
  /** Who may sign in to the page: hashes of passwords, by names. Without it there is no page. */
  readonly people?: Readonly<Record<string, string>>
}

export type AdminOptions = {
  readonly store: DeviceStore
  readonly log: Log
  /** See `HttpOptions`; whoever opens a Unix socket is trusted. */
  readonly trustedProxies?: readonly string[]
  /** Asked before the interface. */
  readonly pages?: readonly Front[]
}

/** Octets of a request. */
const largest = 16 * 1024

/**
 * What administrators and their programs may do with devices, as JSON, for who has the token:
 * `GET /devices`, `GET /devices/{user}/{id}`, `GET /devices/{user}/{id}/trace`, and `POST /devices/{user}/{id}/{action}` with one of
 * `block`, `allow`, `wipe` (`accountOnly`), `cancel`, `resync` (`collection`), `trace` (`minutes`, 0 ends it). Each action names who wants it (`by`).
 * Answers `{ devices }`, a device, `{ trace }`, or `{ error }` with a status that fits. Rejects when it cannot listen.
 */
export async function listenForAdmins(place: AdminPlace, { store, log, trustedProxies = [], pages = [] }: AdminOptions): Promise<HttpServer> {
  const own = digest(place.token)
  if ('socket' in place) await removeLeftOver(place.socket)
  const where = 'socket' in place ? { socket: place.socket, port: 0, trustedProxies: ['127.0.0.1'] } : { host: place.host, port: place.port, trustedProxies }
  const server = await listen({ ...where, log }, {
    fronts: [...pages, { name: 'admin', quiet: true, matches: () => true, answer: (request, visit) => answer(request, visit, { store, log, own }) }],
    passThrough: undefined,
  })
  if ('socket' in place) await chmod(place.socket, 0o600)
  return server
}

type House = { readonly store: DeviceStore; readonly log: Log; readonly own: Buffer }

const statuses: Partial<Record<Kind, number>> = {
  auth: 401, denied: 403, 'not-found': 404, conflict: 409, malformed: 400, unsupported: 405, 'too-large': 413, quota: 507, busy: 503, unavailable: 503,
}

async function answer(request: FrontRequest, { credentials, address }: Visit, house: House): Promise<Response> {
  try {
    if (credentials?.kind !== 'bearer' || !timingSafeEqual(digest(credentials.token), house.own)) {
      house.log.warn({ audit: 'refused', address, path: request.url.pathname.slice(0, 200) }, 'an administrator without the token')
      throw new Failure('auth', 'the token is wrong or missing')
    }
    return json(200, await route(request, address, house))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return json(statuses[error.kind] ?? 500, { error: error.message })
  }
}

async function route(request: FrontRequest, address: string, { store, log }: House): Promise<unknown> {
  const { pathname, searchParams } = request.url
  const [top, user, id, what, ...rest] = segmentsOf(pathname.slice(1), 'the path cannot be read')
  if (top !== 'devices' || rest.length) throw new Failure('not-found', 'there is nothing here')
  if (user === undefined || user === '') {
    expectMethod(request, 'GET')
    const wanted = searchParams.get('user')?.toLowerCase()
    const devices = await store.devices()
    return { devices: devices.filter(({ seen, orders }) => wanted === undefined || (orders ?? seen)?.user.toLowerCase() === wanted) }
  }
  const key = deviceKeyOf(user, id)
  if (what === undefined) {
    expectMethod(request, 'GET')
    return await store.device(key) ?? missing()
  }
  if (what === 'trace' && request.method === 'GET') return { trace: await store.traced(key) }
  expectMethod(request, 'POST')
  return act({ store, log }, key, what, wishOf(await readJson(request, largest, 'the body is no JSON', '{}')), address)
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest()

function missing(): never {
  throw new Failure('not-found', 'no such device is known')
}

function expectMethod({ method }: FrontRequest, wanted: string): void {
  if (method !== wanted) throw new Failure('unsupported', `only ${wanted} here`)
}

const json = (status: number, value: unknown): Response => new Response(`${JSON.stringify(value)}\n`, {
  status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) },
})

/** A socket nobody answers at any more. What is no socket stays, and is in the way. */
async function removeLeftOver(socket: string): Promise<void> {
  if (!(await lstat(socket).catch(() => undefined))?.isSocket()) return
  const answers = await new Promise<boolean>(resolve => {
    const line = connect(socket).once('connect', () => resolve(true)).once('error', error => resolve((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'))
    line.once('connect', () => line.destroy())
  })
  if (!answers) await rm(socket, { force: true })
}

import type { DeviceKey, DeviceStore, Sighting } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Visit } from '../base/front.ts'
import { decode, type Element } from '../wire/wbxml.ts'
import { redacted } from './device-trace.ts'
import type { EasRequest } from './request.ts'
import type { Keep } from './respond.ts'

type House = { readonly devices?: DeviceStore | undefined; readonly now?: () => Date }
/** `account` is undefined for whom nobody has let in. */
type Known = { readonly parsed: EasRequest; readonly account: string | undefined }

/** Octets of an answer that is traced. */
const mostTraced = 256 * 1024

/** A request that was answered: what the log's line says of it, as far as it is about the device. */
export function sawEnd(house: House, known: Known, { facts }: Visit): void {
  const { status, collections, resync, synced } = facts
  saw(house, known, {
    waits: false, status: String(status ?? ''),
    ...(typeof collections === 'number' ? { folders: collections } : {}), ...(typeof resync === 'string' ? { resync } : {}),
    ...(typeof synced === 'string' ? { synced: synced.split(', ') } : {}),
  })
}

/** One that waits from now on. */
export const sawWait = (house: House, known: Known, { facts }: Visit): void =>
  saw(house, known, { waits: true, status: '', ...(typeof facts['collections'] === 'number' ? { folders: facts['collections'] } : {}) })

function saw({ devices, now }: House, { parsed, account }: Known, more: Pick<Sighting, 'waits' | 'status' | 'folders' | 'resync' | 'synced'>): void {
  if (!devices || account === undefined || !parsed.deviceId || parsed.deviceId.length > 64) return
  const { deviceId: id, deviceType: type, userAgent: agent = '', version, command } = parsed
  devices.saw({ user: account, id, type: type.slice(0, 64), agent: agent.slice(0, 128), version, command, at: now?.().getTime() ?? Date.now(), ...more })
}

export function traceRequest(house: House, known: Known, body: Element | undefined): void {
  const traced = tracing(house, known)
  traced?.(`> ${body ? redacted(body) : '(no WBXML)'}`)
}

/** Wants the octets of an answer whose device is traced. */
export function tracer(house: House, known: Known): Keep | undefined {
  const traced = tracing(house, known)
  return traced && { most: mostTraced, done: octets => traced(`< ${readable(octets)}`) }
}

function readable(octets: Uint8Array): string {
  try {
    return redacted(decode(octets))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return `(${octets.length} octets that are no WBXML)`
  }
}

function tracing({ devices, now }: House, { parsed, account }: Known): ((text: string) => void) | undefined {
  if (!devices || account === undefined) return undefined
  const key: DeviceKey = { user: account, id: parsed.deviceId }
  const trace = devices.orders(key)?.trace
  if (!trace) return undefined
  const at = now?.() ?? new Date()
  if (at.getTime() > trace.until) return undefined
  return text => devices.trace(key, `${at.toISOString()} ${parsed.command} ${parsed.version} ${text}`)
}

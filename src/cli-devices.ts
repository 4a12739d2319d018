import http from 'node:http'
import { hostname, userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isWaiting, type Device, type Orders } from './base/devices.ts'
import { Failure } from './base/failure.ts'
import type { Config } from './config.ts'
import type { AdminPlace } from './http/admin.ts'

/** What `postern devices` and its like are called with. */
export type DeviceOptions = {
  readonly user?: string | undefined
  readonly json?: boolean | undefined
  readonly 'account-only'?: boolean | undefined
  readonly minutes?: string | undefined
  readonly once?: boolean | undefined
}

type Say = (text: string) => void
type Done = Promise<number>

/** Octets of an answer, and milliseconds that it may take. */
const largest = 256 * 1024 ** 2, patience = 30_000

/** `postern devices`: a table, or with `json` what the interface answers. */
export async function listDevices(config: Config, { user, json }: DeviceOptions, say: Say): Done {
  const { devices } = await askAdmin<{ devices: Device[] }>(config, 'GET', `/devices${user ? `?user=${encodeURIComponent(user)}` : ''}`)
  say(json ? `${JSON.stringify(devices, undefined, 2)}\n` : tableOf(devices))
  return 0
}

/** `postern top`: those that were seen last, anew every two seconds until it is interrupted, or nobody reads it any more. */
export async function topOfDevices(config: Config, { user, json, once }: DeviceOptions, say: Say): Done {
  const over = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => over.abort())
  process.stdout.once('error', () => over.abort())
  const rows = Math.max(5, (process.stdout.rows ?? 24) - 3)
  while (!over.signal.aborted) {
    const { devices } = await askAdmin<{ devices: Device[] }>(config, 'GET', `/devices${user ? `?user=${encodeURIComponent(user)}` : ''}`)
    const waiting = devices.filter(({ seen }) => isWaiting(seen)).length
    const active = devices.filter(({ seen }) => seen && Date.now() - seen.lastSeen < 60_000).length
    const latest = devices.toSorted((a, b) => (b.seen?.lastSeen ?? 0) - (a.seen?.lastSeen ?? 0)).slice(0, rows)
    if (json) say(`${JSON.stringify({ devices: devices.length, waiting, active, latest })}\n`)
    else say(`${once ? '' : '\u001b[H\u001b[2J'}${devices.length} devices, ${waiting} wait for news, ${active} asked within a minute\n${tableOf(latest)}`)
    if (once) return 0
    await sleep(2000, undefined, over).catch(() => {})
  }
  return 0
}

/** `postern block | allow | wipe | cancel | resync | trace USER DEVICE`. */
export async function orderForDevice(config: Config, action: string, [user = '', id = '', collection]: readonly string[], options: DeviceOptions, say: Say): Done {
  const path = `/devices/${encodeURIComponent(user)}/${encodeURIComponent(id)}`
  const minutes = options.minutes === undefined ? undefined : Number(options.minutes)
  if (action === 'trace' && minutes === undefined) {
    const { trace } = await askAdmin<{ trace: string[] }>(config, 'GET', `${path}/trace`)
    say(options.json ? `${JSON.stringify(trace, undefined, 2)}\n` : trace.length ? `${trace.map(printable).join('\n')}\n` : 'Nothing is traced. Begin with --minutes N.\n')
    return 0
  }
  const device = await askAdmin<Device>(config, 'POST', `${path}/${action}`, {
    by: `${userInfo().username}@${hostname()}`.slice(0, 100), ...(options['account-only'] ? { accountOnly: true } : {}),
    ...(collection === undefined ? {} : { collection }), ...(minutes === undefined ? {} : { minutes }),
  })
  say(options.json ? `${JSON.stringify(device, undefined, 2)}\n` : `${printable(id)} of ${printable(user)}: ${stateOf(device.orders)}\n`)
  return 0
}

/** What an administrator wants to know first. */
export function stateOf(orders: Orders | undefined): string {
  const { wipe, decision, removed, pending, resync, trace } = orders ?? {}
  const words = [
    wipe && (wipe.state === 'done' ? 'wiped' : `${wipe.kind === 'account' ? 'account wipe' : 'wipe'} ${wipe.state}`),
    removed && 'removed by its user', decision && (decision.access === 'block' ? 'blocked' : 'allowed'), pending && !decision && 'waits for a decision',
    resync && `${Object.keys(resync).length} to begin anew`, trace && trace.until > Date.now() && 'traced',
  ].filter(Boolean)
  return words.join(', ') || 'nothing ordered'
}

export function tableOf(devices: readonly Device[]): string {
  if (devices.length === 0) return 'No devices.\n'
  const rows = devices.map(({ seen, orders }) => {
    const { user, id } = (orders ?? seen)!
    const last = seen?.statuses.at(-1)
    return [
      user, id, seen?.type ?? '', seen?.agent ?? '', seen?.version ?? '', seen ? agoOf(seen.lastSeen) : 'never', seen?.lastSync ? agoOf(seen.lastSync) : '',
      isWaiting(seen) ? 'waits' : last ? `${last[1]} ${last[2]}`.trim() : '', orders ? stateOf(orders) : '',
    ].map(cell => printable(cell).slice(0, 36))
  })
  const table = [['USER', 'DEVICE', 'TYPE', 'AGENT', 'VERSION', 'SEEN', 'SYNC', 'LAST', 'STATE'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  return table.map(row => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('')
}

function agoOf(at: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000))
  const [unit, size] = ([['d', 86_400], ['h', 3600], ['min', 60]] as const).find(([, one]) => seconds >= one) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}

/** What a device says of itself must not move the cursor of a terminal. */
const printable = (text: string): string => text.replace(/[^\P{C}\n]/gu, '?')

/** Asks the Postern that runs. Throws `unavailable` where none answers, `denied` for what it refuses. */
export function askAdmin<T>({ admin }: Config, method: string, path: string, body?: object): Promise<T> {
  if (!admin) throw new Failure('malformed', 'the configuration has no admin: see examples/postern.yaml')
  return new Promise((resolve, reject) => {
    const away = (cause: Error): void => reject(new Failure('unavailable', `Postern does not answer at ${nameOf(admin)}: ${cause.message}`, { cause }))
    const request = http.request({
      method, path, ...('socket' in admin ? { socketPath: admin.socket } : { host: admin.host, port: admin.port }), timeout: patience,
      headers: { authorization: `Bearer ${admin.token}` },
    }, response => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > largest) request.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('error', away)
      response.on('end', () => {
        const said = parse(Buffer.concat(chunks).toString())
        if (response.statusCode === 200) resolve(said as T)
        else reject(new Failure('denied', String((said as { error?: unknown })?.error ?? `HTTP ${response.statusCode}`)))
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', away)
    request.end(body && JSON.stringify(body))
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const nameOf = (admin: AdminPlace): string => 'socket' in admin ? admin.socket : `${admin.host}:${admin.port}`

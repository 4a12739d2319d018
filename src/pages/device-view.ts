import { isWaiting, type Device, type Seen } from '../base/devices.ts'
import { isTrouble, meaningOf } from './status-words.ts'

// What the administrators' page shows of devices, as JSON.

export const filters = ['all', 'quarantine', 'blocked', 'waiting', 'trouble'] as const
export const sorts = ['seen', 'sync', 'user', 'type'] as const
export type Wanted = { readonly search: string; readonly filter: (typeof filters)[number]; readonly sort: (typeof sorts)[number]; readonly most: number }

const fits: Readonly<Record<Wanted['filter'], (device: Device) => boolean>> = {
  all: () => true,
  quarantine: ({ orders }) => orders?.pending !== undefined && !orders.decision,
  blocked: ({ orders }) => orders?.decision?.access === 'block' || orders?.removed !== undefined || orders?.wipe !== undefined,
  waiting: ({ seen }) => isWaiting(seen),
  trouble: ({ seen }) => troublesOf(seen) > 0,
}

const keyOf = ({ orders, seen }: Device): { readonly user: string; readonly id: string } => (orders ?? seen)!
const troublesOf = (seen: Seen | undefined): number => seen?.statuses.filter(([, command, status]) => isTrouble(command, status)).length ?? 0

const compare: Readonly<Record<Wanted['sort'], (a: Device, b: Device) => number>> = {
  seen: (a, b) => (b.seen?.lastSeen ?? 0) - (a.seen?.lastSeen ?? 0),
  sync: (a, b) => (b.seen?.lastSync ?? 0) - (a.seen?.lastSync ?? 0),
  user: (a, b) => order(keyOf(a).user, keyOf(b).user) || order(keyOf(a).id, keyOf(b).id),
  type: (a, b) => order(a.seen?.type ?? '', b.seen?.type ?? '') || order(keyOf(a).user, keyOf(b).user),
}
const order = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** Those that fit, up to `most`, with how many there are of each kind. */
export function listOf(devices: readonly Device[], { search, filter, sort, most }: Wanted) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const found = devices.filter(device => {
    if (!fits[filter](device)) return false
    if (words.length === 0) return true
    const { user, id } = keyOf(device), text = `${user} ${id} ${device.seen?.type ?? ''} ${device.seen?.agent ?? ''} ${device.seen?.version ?? ''}`.toLowerCase()
    return words.every(word => text.includes(word))
  }).sort(compare[sort])
  return {
    now: Date.now(),
    counts: Object.fromEntries(filters.map(name => [name, devices.filter(fits[name]).length])),
    found: found.length,
    devices: found.slice(0, most).map(rowOf),
  }
}

function rowOf(device: Device) {
  const { seen, orders } = device
  const { type = '', agent = '', version = '', lastSeen = 0, lastSync = 0, folders = 0, statuses = [] } = seen ?? {}
  const { user, id } = keyOf(device), last = statuses.at(-1)
  return {
    user, id, type, agent, version, lastSeen, lastSync, folders, waits: isWaiting(seen), orders: orders ?? {},
    ...(last ? { last: spoken(last) } : {}), troubles: troublesOf(seen),
  }
}

/** One device, with what its statuses mean. */
export const deviceOf = (device: Device) => ({
  ...rowOf(device), now: Date.now(), firstSeen: device.seen?.firstSeen ?? 0, known: device.seen !== undefined,
  statuses: device.seen?.statuses.map(spoken).reverse() ?? [], resyncs: device.seen?.resyncs.toReversed() ?? [],
  synced: device.seen?.synced.toReversed() ?? [],
})

const spoken = ([at, command, status]: Seen['statuses'][number]) => ({ at, command, status, trouble: isTrouble(command, status), meaning: meaningOf(command, status) })

/** The latest requests of all devices, newest first, and those that wait now. */
export function requestsOf(devices: readonly Device[], most: number) {
  const seen = devices.flatMap(one => one.seen ?? []).sort((a, b) => b.lastSeen - a.lastSeen)
  const waits = seen.filter(one => isWaiting(one))
  // Who was seen before that many others has none of the latest.
  const requests = seen.slice(0, most * 2).flatMap(one => one.statuses.map(status => ({ one, status }))).sort((a, b) => b.status[0] - a.status[0])
  return {
    now: Date.now(),
    requests: requests.slice(0, most).map(({ one: { user, id, type }, status }) => ({ user, id, type, ...spoken(status) })),
    waiting: waits.length,
    waits: waits.slice(0, most).map(({ user, id, type, lastSeen, folders }) => ({ user, id, type, at: lastSeen, folders })),
  }
}

import { deviceKey, type DeviceKey, type Orders, type Seen, type Sighting, type Wipe } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'

// What is kept of devices, as JSON. Whatever a place hands back is read as hostile: a value, or `malformed`.

/** Of the form of what is kept. */
const version = 1
/** Entries of the lists of a device, characters of a text, collections that are to begin anew. */
const mostStatuses = 12, mostResyncs = 8, mostSynced = 20, longest = 256, mostCollections = 100

export type Records<T> = ReadonlyMap<string, T>
type Read<T> = (value: Fields) => T
type Fields = Readonly<Record<string, unknown>>

export const printRecords = (records: Records<DeviceKey>): string => JSON.stringify({ version, devices: [...records.values()] })

/** Throws `malformed` for anything else than what `printRecords` wrote. */
export function parseRecords<T extends DeviceKey>(text: string, read: Read<T>): Map<string, T> {
  const file = fieldsOf(parseJson(text), 'it')
  if (file['version'] !== version || !Array.isArray(file['devices'])) throw new Failure('malformed', `it is no list of devices of version ${version}`)
  return new Map(file['devices'].map((one, at) => {
    const record = read(fieldsOf(one, `device ${at + 1}`))
    return [deviceKey(record), record]
  }))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Failure('malformed', 'it is no JSON')
  }
}

export const readOrders: Read<Orders> = fields => ({
  ...keyOf(fields),
  ...part(fields, 'decision', one => ({ access: oneOf(one, 'access', ['allow', 'block'] as const), by: text(one, 'by'), at: count(one, 'at') })),
  ...part(fields, 'removed', one => ({ by: text(one, 'by'), at: count(one, 'at') })),
  ...part(fields, 'pending', one => ({ at: count(one, 'at'), mails: count(one, 'mails'), told: one['told'] === true })),
  ...part(fields, 'wipe', (one): Wipe => ({
    kind: oneOf(one, 'kind', ['full', 'account'] as const), state: oneOf(one, 'state', ['ordered', 'told', 'failed', 'done'] as const),
    by: text(one, 'by'), ...(one['own'] === true ? { own: true } : {}), at: count(one, 'at'), changed: count(one, 'changed'),
  })),
  ...part(fields, 'resync', one => {
    const names = Object.keys(one)
    if (names.length > mostCollections || names.some(name => name.length > longest)) throw fault('resync')
    return Object.fromEntries(names.map(name => [name, count(one, name)]))
  }),
  ...part(fields, 'trace', one => ({ until: count(one, 'until'), by: text(one, 'by') })),
})

export const readSeen: Read<Seen> = fields => ({
  ...keyOf(fields),
  type: text(fields, 'type'), agent: text(fields, 'agent'), version: text(fields, 'version'),
  firstSeen: count(fields, 'firstSeen'), lastSeen: count(fields, 'lastSeen'), lastSync: count(fields, 'lastSync'), folders: count(fields, 'folders'),
  waits: fields['waits'] === true,
  statuses: list(fields, 'statuses', mostStatuses).map(([at, command, status]) => [number(at, 'statuses'), string(command, 'statuses'), string(status, 'statuses')]),
  resyncs: list(fields, 'resyncs', mostResyncs).map(([at, why]) => [number(at, 'resyncs'), string(why, 'resyncs')]),
  // What was kept before these were noted has none.
  synced: fields['synced'] === undefined ? [] : list(fields, 'synced', mostSynced).map(([at, collection]) => [number(at, 'synced'), string(collection, 'synced')]),
})

/** What is known of a device with one more sighting; `more` may be older than what is known. */
export function sighted(known: Seen | undefined, more: Sighting): Seen {
  const cut = (said: string): string => said.slice(0, longest)
  const { at, command, status, resync } = more
  const newest = at >= (known?.lastSeen ?? 0)
  const now = newest || !known ? more : known
  const went = command === 'Sync' && !more.waits && (status === '1' || status === '')
  return {
    user: cut(more.user), id: more.id, type: cut(now.type), agent: cut(now.agent), version: now.version,
    firstSeen: Math.min(known?.firstSeen ?? at, at), lastSeen: Math.max(known?.lastSeen ?? at, at),
    lastSync: went ? Math.max(known?.lastSync ?? 0, at) : known?.lastSync ?? 0,
    folders: (newest ? more.folders : undefined) ?? known?.folders ?? more.folders ?? 0,
    waits: now.waits,
    statuses: more.waits ? known?.statuses ?? [] : [...known?.statuses ?? [], [at, cut(command), cut(status)] as const].slice(-mostStatuses),
    resyncs: resync === undefined ? known?.resyncs ?? [] : [...known?.resyncs ?? [], [at, cut(resync)] as const].slice(-mostResyncs),
    synced: more.synced ? latest(known?.synced ?? [], more.synced.map(one => [at, cut(one)])) : known?.synced ?? [],
  }
}

/** Each collection once, with its last time. */
function latest(some: Seen['synced'], more: Seen['synced']): Seen['synced'] {
  const all = new Map<string, number>()
  for (const [at, collection] of [...some, ...more]) all.set(collection, Math.max(at, all.get(collection) ?? 0))
  return [...all].map(([collection, at]) => [at, collection] as const).sort(([a, one], [b, other]) => a - b || (one < other ? -1 : 1)).slice(-mostSynced)
}

/** What was known of a device, and what was seen of it since. */
export function joined(known: Seen | undefined, more: Seen): Seen {
  if (!known) return more
  const last = more.lastSeen >= known.lastSeen ? more : known
  const merge = <T extends readonly [number, ...unknown[]]>(one: readonly T[], other: readonly T[], most: number): T[] =>
    [...one, ...other].sort(([a], [b]) => a - b).slice(-most)
  return {
    ...last,
    firstSeen: Math.min(known.firstSeen, more.firstSeen), lastSync: Math.max(known.lastSync, more.lastSync), folders: last.folders || known.folders || more.folders,
    statuses: merge(known.statuses, more.statuses, mostStatuses), resyncs: merge(known.resyncs, more.resyncs, mostResyncs), synced: latest(known.synced, more.synced),
  }
}

/** Those that were seen last, `most` of them. */
export function newest(all: Map<string, Seen>, most: number): Map<string, Seen> {
  if (all.size <= most) return all
  return new Map([...all].sort(([, a], [, b]) => b.lastSeen - a.lastSeen).slice(0, most))
}

/** Undefined where nothing is ordered any more. */
export const withoutNothing = (orders: Orders | undefined): Orders | undefined =>
  orders && (['decision', 'removed', 'pending', 'wipe', 'resync', 'trace'] as const).some(name => orders[name] !== undefined) ? orders : undefined

const fault = (name: string): Failure => new Failure('malformed', `${name} is not what it should be`)

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault(name)
  return value as Fields
}

function keyOf(fields: Fields): DeviceKey {
  const user = text(fields, 'user'), id = text(fields, 'id')
  if (!user || !id) throw fault('user or id')
  return { user, id }
}

function part<K extends keyof Orders, T>(fields: Fields, name: K, read: (part: Fields) => T): { [N in K]?: T } {
  return fields[name] === undefined ? {} : { [name]: read(fieldsOf(fields[name], name)) } as { [N in K]?: T }
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length > 2 * longest) throw fault(name)
  return value
}

function number(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw fault(name)
  return value
}

const text = (fields: Fields, name: string): string => string(fields[name], name)
const count = (fields: Fields, name: string): number => number(Object.hasOwn(fields, name) ? fields[name] : undefined, name)

function oneOf<T extends string>(fields: Fields, name: string, values: readonly T[]): T {
  const value = values.find(one => one === fields[name])
  if (value === undefined) throw fault(name)
  return value
}

function list(fields: Fields, name: string, most: number): readonly (readonly unknown[])[] {
  const value = fields[name]
  if (!Array.isArray(value) || value.length > most || !value.every(Array.isArray)) throw fault(name)
  return value as readonly (readonly unknown[])[]
}

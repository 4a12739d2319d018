import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { deviceKey, type DeviceKey, type Orders, type Seen } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { meter, type Meter } from '../base/meter.ts'
import type { Redis } from 'ioredis'
import { longestTraced, mostOrders, mostSeen, mostTraced, traceSeconds, type DevicePlace } from './device-place.ts'
import { joined, newest, readOrders, readSeen, withoutNothing } from './device-records.ts'
import { redisLine } from './redis-line.ts'
import { sealing } from './sealed-value.ts'
import type { SharedConfig } from './shared-redis.ts'

/** Milliseconds for one answer; tries of a change that others are faster with; entries of a trace; devices in one request. */
const patience = 2000, tries = 60, mostEntries = 500, together = 100

/**
 * Only where nobody has changed it meanwhile. The mark that says so has a second part, behind a dot, which stays until the server loses its
 * memory: where no mark is any more, one that begins with `?`, for this process knew of no order that it could put back.
 */
const exchange = `local is = redis.call('hget', KEYS[1], ARGV[1])
if (is or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('hdel', KEYS[1], ARGV[1]) else redis.call('hset', KEYS[1], ARGV[1], ARGV[3]) end
redis.call('set', KEYS[2], ARGV[4] .. '.' .. (string.match(redis.call('get', KEYS[2]) or '', '%.(.+)') or '?' .. ARGV[4]))
return 1`

/** The same for many, which are told one by one: 1 where it was done. */
const exchangeMany = `local done = {}
for at = 1, #ARGV, 3 do
  local same = (redis.call('hget', KEYS[1], ARGV[at]) or '') == ARGV[at + 1]
  if same then redis.call('hset', KEYS[1], ARGV[at], ARGV[at + 2]) end
  done[#done + 1] = same and 1 or 0
end
return done`

/**
 * A Valkey or Redis that the processes of a site share. Orders have no end of life and so are not evicted but by an `allkeys` policy; they are
 * as durable as the server is configured to be. Where it lost them, any process that lives puts back what it knows, and says so.
 */
export async function deviceRedis({ prefix = 'postern:', ...server }: SharedConfig, secret: Uint8Array, log: Log, most = mostSeen): Promise<DevicePlace> {
  const line = await redisLine(server, log, patience)
  const { name, seal, open } = sealing(secret)
  const ordersKey = `${prefix}devices:orders`, markKey = `${prefix}devices:mark`, seenKey = `${prefix}devices:seen`
  const fieldOf = (key: DeviceKey): string => name(`device:${deviceKey(key)}`)
  const traceKey = (key: DeviceKey): string => `${prefix}devices:${name(`trace:${deviceKey(key)}`)}`
  let mark: string | undefined, known: ReadonlyMap<string, Orders> | undefined

  async function asked<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const answer = await line.ask(async redis => ({ value: await work(redis) }))
    if (!answer) throw new Failure('unavailable', 'the shared cache does not answer')
    return answer.value
  }

  function opened<T extends DeviceKey>(field: string, octets: Uint8Array, read: (fields: Record<string, unknown>) => T): T {
    const value = open(field, octets)
    if (typeof value !== 'object' || value === null) throw new Failure('malformed', 'what is kept of devices was sealed with another secret, or is damaged')
    return read(value as Record<string, unknown>)
  }

  /** The mark is read first: what changes after it is read with the next one. */
  async function orders(): Promise<ReadonlyMap<string, Orders>> {
    const now = await asked(redis => redis.get(markKey))
    if (known && now === (mark ?? null)) return known
    if (known?.size && (now === null || isBegunAnew(now, mark))) await putBack(known)
    const [marked, fields] = await asked(async redis => [await redis.get(markKey), await redis.hgetallBuffer(ordersKey)] as const)
    known = new Map(Object.entries(fields).map(([field, octets]) => opened(field, octets, readOrders)).map(one => [deviceKey(one), one]))
    mark = marked ?? undefined
    return known
  }

  async function putBack(all: ReadonlyMap<string, Orders>): Promise<void> {
    log.error({ devices: all.size }, 'the shared cache lost the orders for devices: they are put back')
    for (const one of all.values()) {
      const field = fieldOf(one)
      await asked(redis => redis.hsetnx(ordersKey, field, seal(field, one)))
    }
    await asked(redis => redis.set(markKey, `${random()}.${random()}`))
  }

  async function allSeen(cost = meter()): Promise<Map<string, Seen>> {
    const fields = await asked(redis => redis.hgetallBuffer(seenKey))
    const { kept, over } = cost.of(() => keptOf(fields))
    if (over.length) await asked(redis => redis.hdel(seenKey, ...over.slice(0, 10_000)))
    return kept
  }

  /** What was seen last, and the fields of those that are too many. */
  function keptOf(fields: Record<string, Buffer>): { kept: Map<string, Seen>; over: readonly string[] } {
    const all = new Map<string, Seen>()
    for (const [field, octets] of Object.entries(fields)) {
      try {
        const one = opened(field, octets, readSeen)
        all.set(deviceKey(one), one)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        log.warn({ why: error.message }, 'what was seen of a device is left out')
      }
    }
    const kept = newest(all, most)
    return { kept, over: [...all].filter(([one]) => !kept.has(one)).map(([, one]) => fieldOf(one)) }
  }

  /** An eviction policy or a server that writes nothing down would lose orders with nobody noticing. */
  async function warn(): Promise<void> {
    const read = (setting: string): Promise<string | undefined> =>
      asked(redis => redis.config('GET', setting)).then(said => (said as string[])[1], () => undefined)
    const policy = await read('maxmemory-policy'), appends = await read('appendonly'), saves = await read('save')
    if (policy?.startsWith('allkeys')) log.warn({ policy }, 'the shared cache may evict orders for devices: set maxmemory-policy to volatile-lru')
    if (appends === 'no' && saves === '') log.warn({}, 'the shared cache writes nothing down: orders for devices end with it')
  }
  await warn()

  return {
    orders,

    async change(key, change) {
      const field = fieldOf(key)
      if ((await orders()).size >= mostOrders && !known?.has(deviceKey(key))) throw new Failure('quota', `there are orders for ${mostOrders} devices already`)
      return swapped(ordersKey, markKey, field, octets => octets && opened(field, octets, readOrders), now => withoutNothing(change(now)))
    },

    seen: () => allSeen(),
    async seenOf(key) {
      const field = fieldOf(key)
      return readOrForget(field, await asked(redis => redis.hgetBuffer(seenKey, field)) ?? undefined)
    },

    async add(seen) {
      const cost = meter()
      if (await asked(redis => redis.hlen(seenKey)) > most * 1.1) await allSeen(cost)
      for (let at = 0; at < seen.length; at += together) await addSome(seen.slice(at, at + together), cost)
      return cost.spent
    },

    async trace(key, lines) {
      const at = traceKey(key)
      const values = lines.map(text => seal(at, text.slice(0, longestTraced)))
      const length = await asked(redis => redis.llen(at))
      if (length >= mostEntries || length * longestTraced > 16 * mostTraced) return
      await asked(redis => redis.rpush(at, ...values))
      await asked(redis => redis.expire(at, traceSeconds))
    },

    async traced(key) {
      const at = traceKey(key)
      return (await asked(redis => redis.lrangeBuffer(at, 0, -1))).map(octets => open(at, octets)).filter(text => typeof text === 'string')
    },

    close: line.close,
  }

  /** One round trip to read and one to write; where another process was faster, one by one. */
  async function addSome(seen: readonly Seen[], cost: Meter): Promise<void> {
    const fields = cost.of(() => seen.map(fieldOf)), known = await asked(redis => redis.hmgetBuffer(seenKey, ...fields))
    const changes = cost.of(() => seen.flatMap((one, n) =>
      [fields[n]!, known[n] ?? nothing, seal(fields[n]!, joined(readOrForget(fields[n]!, known[n] ?? undefined), one))]))
    const done = await asked(redis => redis.eval(exchangeMany, 1, seenKey, ...changes)) as number[]
    for (const [n, one] of seen.entries()) {
      if (done[n] !== 1) await swapped(seenKey, `${seenKey}:mark`, fields[n]!, octets => readOrForget(fields[n]!, octets), before => joined(before, one))
    }
  }

  /** The value of a field, made of what it was; again where another process was faster. */
  async function swapped<T extends DeviceKey>(
    hash: string, markOf: string, field: string, read: (octets: Buffer | undefined) => T | undefined, step: (now: T | undefined) => T | undefined,
  ): Promise<T | undefined> {
    for (let tried = 0; tried < tries; tried++) {
      const octets = await asked(redis => redis.hgetBuffer(hash, field)) ?? undefined
      const before = read(octets), after = step(before)
      if (after === before) return before
      const next = after ? seal(field, after) : nothing
      if (await asked(redis => redis.eval(exchange, 2, hash, markOf, field, octets ?? nothing, next, random())) === 1) return after
      await sleep(Math.random() * 5 * (tried + 1))
    }
    throw new Failure('busy', 'others change the same device', { retryAfter: 5 })
  }

  /** What cannot be read of what was seen is begun anew. */
  function readOrForget(field: string, octets: Buffer | undefined): Seen | undefined {
    try {
      return octets && opened(field, octets, readSeen)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return undefined
    }
  }
}

const nothing = Buffer.alloc(0)
const random = (): string => randomBytes(9).toString('base64url')
const partOf = (mark: string | undefined): string | undefined => mark?.split('.')[1]
/** Since the mark that is known, by a process that knew no orders, before anybody who knows some was there again. */
const isBegunAnew = (now: string, mark: string | undefined): boolean => partOf(now)?.startsWith('?') === true && partOf(now) !== partOf(mark)

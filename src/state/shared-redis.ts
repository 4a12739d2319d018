import { randomBytes } from 'node:crypto'
import type { Log } from '../base/log.ts'
import type { Shared } from '../base/shared.ts'
import { redisLine, type RedisServer } from './redis-line.ts'
import { sealing } from './sealed-value.ts'

export type SharedConfig = RedisServer & {
  /** What all names begin with there. Default `postern:`. */
  readonly prefix?: string
}

export type SharedOptions = {
  readonly secret: Uint8Array
  /** What this process knows by itself: all that it kept, and all there is while the server is away. */
  readonly own: Shared
  readonly log: Log
  /** Milliseconds a request waits for the server. */
  readonly patience?: number
}

/** With the time it was kept, in milliseconds since 1970-01-01: of two the later counts, for either memory may have missed one. */
type Kept = { readonly at: number; readonly value: unknown }

/** Octets of a value; what is larger stays with this process. */
const largest = 128 * 1024
const holdSeconds = 10
/** Names asked for at once: as many as are answered well within the patience. */
const batch = 200
const mostCounted = 1_000_000

/** Scripts, for what is one step only so. A server that forgot a hold is told of it again; no count is there for ever. */
const renewal = `local is = redis.call('get', KEYS[1])
if not is or is == ARGV[1] then redis.call('set', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 1`
const release = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"
const counting = `local count = redis.call('incr', KEYS[1])
if redis.call('ttl', KEYS[1]) < 0 then redis.call('expire', KEYS[1], ARGV[1]) end
return count`

/** Valkey or Redis as the place of what a site remembers together. */
export async function redisShared(
  { prefix = 'postern:', ...server }: SharedConfig, { secret, own, log, patience }: SharedOptions,
): Promise<Shared & { close(): void }> {
  const line = await redisLine(server, log, patience)
  const { name: sealedName, seal, open } = sealing(secret)
  const keyOf = (name: string): string => prefix + sealedName(name)

  async function recallAll<T>(names: readonly string[]): Promise<readonly (T | undefined)[]> {
    const found: (T | undefined)[] = []
    for (let at = 0; at < names.length; at += batch) found.push(...await recallSome<T>(names.slice(at, at + batch)))
    return found
  }

  async function recallSome<T>(names: readonly string[]): Promise<readonly (T | undefined)[]> {
    const keys = names.map(keyOf)
    const found = await line.ask(redis => redis.mgetBuffer(keys))
    const known = await own.recallAll<Kept>(names)
    return names.map((_, i) => {
      const octets = found?.[i], there = octets ? open(keys[i]!, octets) as Kept | undefined : undefined, here = known[i]
      return (here && there ? there.at > here.at ? there : here : here ?? there)?.value as T | undefined
    })
  }

  return {
    recall: async <T>(name: string) => (await recallAll<T>([name]))[0],
    recallAll,
    async keep(name, value, options) {
      const kept: Kept = { at: Date.now(), value }, key = keyOf(name)
      await own.keep(name, kept, options)
      const octets = seal(key, kept)
      if (octets.length <= largest) await line.tell(redis => redis.set(key, octets, 'EX', options.seconds))
    },
    async hold(name) {
      const mine = await own.hold(name)
      if (!mine) return undefined
      const key = keyOf(`hold:${name}`), token = randomBytes(12).toString('base64url')
      const taken = await line.ask(redis => redis.set(key, token, 'EX', holdSeconds, 'NX'))
      if (taken === null) {
        mine.release()
        return undefined
      }
      const renewing = setInterval(() => void line.ask(redis => redis.eval(renewal, 1, key, token, holdSeconds)), holdSeconds * 333).unref()
      return {
        release() {
          clearInterval(renewing)
          mine.release()
          // Also where no answer came: it may have been taken all the same.
          void line.tell(redis => redis.eval(release, 1, key, token))
        },
      }
    },
    async count(name, seconds) {
      const key = keyOf(name)
      await own.count(name, seconds)
      await line.ask(redis => redis.eval(counting, 1, key, seconds))
    },
    async counted(names) {
      const [found, known] = [await line.ask(redis => redis.mget(names.map(keyOf))), await own.counted(names)]
      return known.map((here, i) => Math.max(here, countOf(found?.[i])))
    },
    close: line.close,
  }
}

/** A count cannot be sealed, as the server counts: whatever somebody else made of it is no reason to fail. */
function countOf(text: string | null | undefined): number {
  const count = /^\d{1,7}$/.test(text ?? '') ? Number(text) : 0
  return Math.min(count, mostCounted)
}

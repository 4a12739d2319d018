import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Log } from '../base/log.ts'
import { spread } from '../base/retry.ts'

export type RedisServer = {
  /** `redis://host:6379/0`, or `rediss://` with TLS. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** False accepts any certificate. Default true. */
  readonly rejectUnauthorized?: boolean
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string
}

/** A connection that nobody waits for long. */
export type RedisLine = {
  /** Undefined where the server does not answer in time, or answers by an error: then nobody is made to wait again until it is back. */
  ask<T>(work: (redis: Redis) => Promise<T>): Promise<T | undefined>
  /** Done now, or when the server is back; the oldest are given up where they are too many. */
  tell(work: (redis: Redis) => Promise<unknown>): Promise<void>
  close(): void
}

/**
 * Milliseconds a request waits for an answer, between two looks whether the server is back, and for the first connection. A busy machine
 * takes some hundred for what else takes one, and who gave up then would send again what is being sent; only the first ever waits so long.
 */
const usualPatience = 1000, pause = 500, beginning = 1000
/** Looks in a row without an answer, after which another connection is tried: to what is asked, and to the password of one just made. */
const mostSilent = 3, mostMute = 6
const mostDebts = 1000
/** Milliseconds in which the same trouble is not logged again. */
const again = 60_000

/** Resolves when the server is there, or after a second without it. */
export async function redisLine(server: RedisServer, log: Log, patience = usualPatience): Promise<RedisLine> {
  const redis = new Redis(optionsOf(server))
  let usable = false, silent = 0, told = -Infinity, closed = false
  let debts: ((redis: Redis) => Promise<unknown>)[] = []

  function lost(error: unknown): void {
    if (closed) return
    usable = false
    if (performance.now() - told < again) return
    told = performance.now()
    log.warn({ why: error instanceof Error ? error.message : String(error) }, 'the shared cache does not answer: each process goes by its own memory')
  }

  function back(): void {
    if (usable || closed) return
    usable = true
    silent = 0
    if (told > -Infinity) log.info({}, 'the shared cache answers again')
    told = -Infinity
    const owed = debts
    debts = []
    for (const work of owed) void line.tell(work)
  }

  redis.on('ready', back).on('error', lost).on('close', () => {
    silent = 0
    lost('the connection is closed')
  })
  function missed(most: number): void {
    if (++silent < most) return
    silent = 0
    redis.disconnect(true)
  }

  const looking = setInterval(() => {
    if (usable) return
    // No limit of the library's covers the time between a connection and the answer to the password.
    if (redis.status === 'connect') missed(mostMute)
    if (redis.status === 'ready') within(redis.ping(), pause).then(back, error => {
      lost(error)
      missed(mostSilent)
    })
  }, pause).unref()

  const line: RedisLine = {
    async ask(work) {
      if (!usable) return undefined
      try {
        return await within(work(redis), patience)
      } catch (error) {
        lost(error)
        return undefined
      }
    },
    async tell(work) {
      if (await line.ask(work) !== undefined || closed) return
      debts.push(work)
      if (debts.length > mostDebts) debts.shift()
    },
    close() {
      closed = true
      usable = false
      clearInterval(looking)
      redis.disconnect()
    },
  }
  for (const until = performance.now() + beginning; !usable && performance.now() < until;) await sleep(5)
  return line
}

/** The server's own words, or a library's, where it cannot be used; undefined where all is well. */
export async function redisTrouble(server: RedisServer): Promise<string | undefined> {
  const redis = new Redis({ ...optionsOf(server), lazyConnect: true, retryStrategy: () => null })
  let trouble: string | undefined
  redis.on('error', (error: Error) => trouble ??= error.message)
  try {
    await redis.connect()
    const key = 'postern:check'
    await redis.set(key, '1', 'EX', 10)
    const there = await redis.eval("return redis.call('get', KEYS[1])", 1, key)
    await redis.del(key)
    return there === '1' ? undefined : 'it does not keep what it is given'
  } catch (error) {
    return trouble ?? (error as Error).message
  } finally {
    redis.disconnect()
  }
}

function optionsOf({ url, username, password, ca, rejectUnauthorized }: RedisServer) {
  const { protocol, hostname, port, pathname } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host, port: Number(port || 6379), db: Number(pathname.slice(1) || 0),
    ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }),
    ...(protocol === 'rediss:' ? { tls: { servername: host, ...(ca ? { ca } : {}), ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) } } : {}),
    // What was asked and not answered is nobody's concern any more.
    enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0,
    // Nothing but what is used, so that old servers and narrow rights will do.
    protocol: 2 as const, enableReadyCheck: false, disableClientInfo: true,
    connectTimeout: 5000, retryStrategy: (times: number) => spread(Math.min(50 * 2 ** times, 2000)),
  }
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const ending = new AbortController()
  try {
    return await Promise.race([work, overdue(milliseconds, ending.signal)])
  } finally {
    ending.abort()
    work.catch(() => {})
  }
}

/** Where it was this process that was busy, what has arrived meanwhile is read first. */
async function overdue(milliseconds: number, signal: AbortSignal): Promise<never> {
  await sleep(milliseconds, undefined, { signal, ref: false })
  await setImmediate()
  await setImmediate()
  throw new Error(`no answer within ${milliseconds} ms`)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { autodiscoverFront } from './autodiscover/server.ts'
import { connect } from './backend/connect.ts'
import { isReachable, publicServers } from './backend/public-servers.ts'
import { guardOf, type Limits } from './base/guard.ts'
import type { Log } from './base/log.ts'
import { unmeasured } from './base/metrics.ts'
import type { Config } from './config.ts'
import { expiryOf } from './eas/response-head.ts'
import { redirectFor } from './eas/rules.ts'
import { easFront, type EasParts } from './eas/server.ts'
import { health } from './http/health.ts'
import type { News } from './http/internal.ts'
import { passThrough } from './http/pass-through.ts'
import { watchPressure } from './http/pressure.ts'
import { listen, type Routes } from './http/server.ts'
import { openDevices } from './devices.ts'
import { createLog } from './logging.ts'
import { openTelemetry } from './open-telemetry.ts'
import { userFront } from './user-page.ts'
import { countedCache, memoryCache } from './state/cache.ts'
import { countedShared, ownMemory } from './state/shared-memory.ts'
import { redisShared } from './state/shared-redis.ts'

export type App = {
  /** Where it answers, for a client on this host. */
  readonly url: string
  readonly port: number
  /** Works by another configuration from now on. Connections stay, and so do requests that wait. */
  reload(next: Config): void
  /** See `Backends.news`. */
  news(news: News): void
  /** Errors no one expected, so far. */
  readonly bugs: () => number
  /**
   * Goes on for the pause of the configuration, then accepts nothing more, answers what waits, lets the rest end, and closes all
   * connections. `replaced`: others answer on this port, so there is no pause, and a connection may bring one more request.
   */
  close(options?: { replaced?: boolean }): Promise<void>
}

/** Seconds for which a connection of a process that was replaced may bring one more request. */
const linger = 2

/** Puts the parts together and listens. `extra` is for tests. Rejects when it cannot listen. */
export async function startApp(
  first: Config, log: Log = createLog(first.log.level), extra: Pick<EasParts, 'now' | 'record' | 'metrics'> = {},
): Promise<App> {
  let config = first
  const { metrics = unmeasured } = extra, tracing = openTelemetry()
  const memory = memoryCache(config.cache), cache = countedCache(memory, metrics)
  const guard = guardOf(limitsOf(config), log)
  const own = ownMemory(memory)
  const site = config.cache.shared && await redisShared(config.cache.shared, { secret: config.eas.secret, own, log })
  const shared = countedShared(site ?? own, metrics)
  const devices = await openDevices(config, log)
  let backends = connect(config.backends, log, shared, metrics, tracing)
  const routes = ({ backends: { backends: mailHosts }, eas, autodiscover, page, upstream }: Config): Routes => ({
    fronts: [
      health, easFront({ settings: eas, open: backends.open, cache, shared, devices, log, guard, ...extra }),
      ...(autodiscover ? [autodiscoverFront({
        settings: { ...autodiscover, autoconfig: autodiscover.autoconfig && mailHosts.some(isReachable) },
        open: backends.open, serversOf: publicServers(mailHosts),
        elsewhere: names => redirectFor(eas, names),
        expiry: (names, now) => expiryOf(eas, names, now), ...(extra.now ? { now: extra.now } : {}),
      })] : []),
      ...(page ? [userFront({ page, eas, autodiscover, mailHosts }, { open: backends.open, devices, shared, log, ...(extra.now ? { now: extra.now } : {}) })] : []),
    ],
    passThrough: upstream === undefined ? undefined : passThrough(upstream, log),
  })
  const server = await listen({ ...config.listen, log, metrics, tracing }, routes(config))
  const { overload: { delayMilliseconds: delay, ...overload }, process: { requests } } = config.limits
  const unwatch = watchPressure({ delay, requests, ...overload }, () => guard.requests.used, pressure => {
    const part = guard.load.measured(pressure)
    if (part > 0) server.shed(part)
  })

  return {
    url: `${config.listen.tls ? 'https' : 'http'}://${addressed(config.listen.host)}:${server.port}`,
    port: server.port,
    bugs: server.bugs,
    news: ({ user, mailbox }) => backends.news(user, mailbox),
    reload(next) {
      if (!isDeepStrictEqual(lasting(next), lasting(config))) log.warn({}, 'listen, internal, admin, devices, cache and limits change with a restart only')
      if (next.listen.tls && config.listen.tls) server.secure(next.listen.tls)
      const former = backends
      const same = isDeepStrictEqual(next.backends, config.backends)
      if (!same) backends = connect(next.backends, log, shared, metrics, tracing)
      const settled = server.replace(routes(next))
      if (!same) void settled.then(() => former.close())
      config = next
    },
    async close({ replaced = false } = {}) {
      const { pauseSeconds, seconds } = config.drain
      server.part()
      if (!replaced && pauseSeconds) await sleep(pauseSeconds * 1000)
      await server.close(seconds, replaced ? linger : 0)
      unwatch()
      await backends.close()
      await devices?.close()
      site?.close()
    },
  }
}

/** What holds until the program ends. */
const lasting = ({ listen, internal, admin, devices, cache, limits }: Config) =>
  ({ ...listen, tls: listen.tls !== undefined, internal, admin, devices, cache, limits })

const mebibyte = 1024 * 1024

const limitsOf = ({ limits: { user, process } }: Config): Limits => ({
  requests: { each: user.requests, all: process.requests }, waits: { each: user.waits, all: process.waits },
  octets: { each: user.megabytes * mebibyte, all: process.megabytes * mebibyte },
})

const addressed = (host: string | undefined): string =>
  host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host

import { isDeepStrictEqual } from 'node:util'
import { destination, type DestinationStream, pino } from 'pino'
import { connect } from './backend/connect.ts'
import type { Log } from './base/log.ts'
import type { Config } from './config.ts'
import { easFront, type EasParts } from './eas/server.ts'
import { health } from './http/health.ts'
import { passThrough } from './http/pass-through.ts'
import { listen, type Routes } from './http/server.ts'
import { memoryCache } from './state/cache.ts'

export type App = {
  /** Where it answers, for a client on this host. */
  readonly url: string
  readonly port: number
  /** Works by another configuration from now on. Connections stay, and so do requests that wait. */
  reload(next: Config): void
  /** Errors no one expected, so far. */
  readonly bugs: () => number
  /** Answers what waits, lets the rest end, and closes all connections. */
  close(): Promise<void>
}

/** Seconds that requests have to end in when the program stops; less than what Docker and Kubernetes allow for all of it. */
const drainSeconds = 8

/** Standard output. The lines of one turn of the event loop go out in one write: requests that come together end together. */
function standardOutput(): DestinationStream {
  const out = destination({ minLength: 8 * 1024 })
  let waits = false
  const flush = (): void => {
    waits = false
    out.flushSync()
  }
  process.once('exit', flush)
  return {
    write(line) {
      out.write(line)
      if (!waits) setImmediate(flush)
      waits = true
    },
  }
}

/** A log of one JSON line an event. What a field of such a name says is not printed, whoever logs it. */
export const createLog = (level: Config['log']['level'], to: DestinationStream = standardOutput()) => pino({
  level, base: null, timestamp: pino.stdTimeFunctions.isoTime,
  redact: ['password', 'token', 'secret', 'authorization', '*.password', '*.token', '*.secret', '*.authorization'],
}, to)

/** Puts the parts together and listens. `extra` is for tests. Rejects when it cannot listen. */
export async function startApp(
  first: Config, log: Log = createLog(first.log.level), extra: Pick<EasParts, 'now' | 'record'> = {},
): Promise<App> {
  let config = first
  let backends = connect(config.backends, log)
  const cache = memoryCache(config.cache)
  const routes = ({ eas, upstream }: Config): Routes => ({
    fronts: [health, easFront({ settings: eas, open: backends.open, cache, log, ...extra })],
    passThrough: upstream === undefined ? undefined : passThrough(upstream, log),
  })
  const server = await listen({ ...config.listen, log }, routes(config))

  return {
    url: `${config.listen.tls ? 'https' : 'http'}://${addressed(config.listen.host)}:${server.port}`,
    port: server.port,
    bugs: server.bugs,
    reload(next) {
      if (!isDeepStrictEqual(lasting(next), lasting(config))) log.warn({}, 'listen and cache change with a restart only')
      if (next.listen.tls && config.listen.tls) server.secure(next.listen.tls)
      const former = backends
      const same = isDeepStrictEqual(next.backends, config.backends)
      if (!same) backends = connect(next.backends, log)
      const settled = server.replace(routes(next))
      if (!same) void settled.then(() => former.close())
      config = next
    },
    async close() {
      await server.close(drainSeconds)
      await backends.close()
    },
  }
}

/** What holds until the program ends. */
const lasting = ({ listen, cache }: Config) => ({ ...listen, tls: listen.tls !== undefined, cache })

const addressed = (host: string | undefined): string =>
  host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host

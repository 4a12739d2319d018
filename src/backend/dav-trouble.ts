import { LRUCache } from 'lru-cache'
import type { Breaker } from '../base/breaker.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { isRefusal } from './dav-client.ts'

/** Milliseconds after which the same trouble is worth another line. */
const again = 600_000

/** Milliseconds without a failure after which an outage is over: one that answers now and then is no news each time. */
const steady = 5000

/** Warns of what goes wrong at a DAV server: of an outage once, and of its end; else once for all users, or once a user where it is that. */
export type DavTrouble = {
  /** Hears of all that went wrong for a user. */
  of(user: string): (error: unknown) => void
  /** Hears of whether the server answers, for a breaker that logs nothing. */
  heard(breaker: Breaker): Breaker
}

export function davTrouble(log: Log, server: string): DavTrouble {
  const told = new LRUCache<string, true>({ max: 1000, ttl: again })
  /** Since when it does not answer, in milliseconds. */
  let away: number | undefined, missedLast = 0

  function missed({ message }: Failure): void {
    if (away === undefined) log.warn({ server, reason: message }, 'the DAV server cannot be used; calendars and contacts wait')
    away ??= performance.now()
    missedLast = performance.now()
  }

  function answered(): void {
    if (away === undefined || performance.now() - missedLast < steady) return
    log.info({ server, seconds: Math.round((missedLast - away) / 1000) }, 'the DAV server answers again')
    away = undefined
  }

  return {
    of: user => error => {
      if (!(error instanceof Failure)) return
      const own = isRefusal(error) || ownTrouble.test(error.message)
      if (!own && (away !== undefined || (error.kind !== 'unavailable' && error.kind !== 'busy'))) return
      const slot = own ? `${user}\0${error.message}` : error.message
      if (told.has(slot)) return
      told.set(slot, true)
      log.warn({ server, ...(own ? { user } : {}), reason: error.message }, 'the DAV server cannot be used; calendars and contacts wait')
    },
    heard: ({ run }) => ({
      async run(work) {
        try {
          const result = await run(work)
          answered()
          return result
        } catch (error) {
          if (error instanceof Failure && error.kind === 'unavailable') missed(error)
          throw error
        }
      },
    }),
  }
}

/** What has to do with one user's account there. */
const ownTrouble = /no principal|no home/

import { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { isRefusal } from './dav-client.ts'

/** Milliseconds after which the same trouble is worth another line. */
const again = 600_000

/** Warns of what goes wrong at a DAV server: once for all users where it is the server, once a user where it is that. */
export function davTrouble(log: Log, server: string): (user: string) => (error: unknown) => void {
  const told = new LRUCache<string, true>({ max: 1000, ttl: again })
  return user => error => {
    if (!(error instanceof Failure)) return
    const own = isRefusal(error) || ownTrouble.test(error.message)
    if (!own && error.kind !== 'unavailable' && error.kind !== 'busy') return
    const slot = own ? `${user}\0${error.message}` : error.message
    if (told.has(slot)) return
    told.set(slot, true)
    log.warn({ server, ...(own ? { user } : {}), reason: error.message }, 'the DAV server cannot be used; calendars and contacts wait')
  }
}

/** What has to do with one user's account there. */
const ownTrouble = /no principal|no home/

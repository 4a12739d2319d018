import { breaker, type Breaker, type BreakerOptions } from '../base/breaker.ts'
import { budget, type Budget } from '../base/budget.ts'
import { gate, type Gate } from '../base/gate.ts'
import { silent, type Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { BackendsConfig, Endpoint } from './connect.ts'
import { mostAhead } from './imap-ahead.ts'
import { imapDial, type Dial } from './imap-dial.ts'

/** What all users of a process share on their way to the servers. */
export type SharedWays = {
  /** `server`: what it is called in the log, unless somebody else logs of it. */
  breaker(server: string, quiet?: 'quiet'): Breaker
  dial(endpoint: Endpoint, user: string): Dial
  /** Octets that are read before they are asked for. */
  readonly ahead: Budget
}

/** Who is told of what happens on them. */
type Told = { readonly log: Log; readonly metrics: Metrics }

/** IMAP connections of one user and of all; logins at the same time at one server, and those of connections that listen, a second. */
const usual = { perUser: 20, connections: 20_000, logins: 20, watchLogins: 50 }

export function sharedWays(sessions: BackendsConfig['sessions'], options: BreakerOptions | undefined, { log, metrics }: Told): SharedWays {
  const { perUser, connections, logins, watchLogins } = { ...usual, ...sessions }
  const all: Budget = budget('IMAP connections', { each: perUser, all: connections })
  const once = <T>(make: (server: string, quiet?: 'quiet') => T): (server: string, quiet?: 'quiet') => T => {
    const made = new Map<string, T>()
    return (server, quiet) => {
      const found = made.get(server) ?? make(server, quiet)
      made.set(server, found)
      return found
    }
  }
  const breakerOf = once<Breaker>((server, quiet) => breaker(server, options ?? {}, { log: quiet ? silent : log }))
  const gateOf = once<Gate>(server => gate(`logins at ${server}`, { places: logins, perSecond: watchLogins }))
  return {
    breaker: breakerOf,
    ahead: budget('octets read ahead', { each: 2 * mostAhead, all: 24 * mostAhead }),
    dial(endpoint, user) {
      const server = `imap ${addressOf(endpoint)}`
      return imapDial(endpoint, user, { gate: gateOf(server), breaker: breakerOf(server), connections: all, metrics })
    },
  }
}

export const addressOf = ({ host, port }: Pick<Endpoint, 'host' | 'port'>): string => `${host}:${port}`

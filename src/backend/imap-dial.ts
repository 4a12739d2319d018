import type { Breaker } from '../base/breaker.ts'
import type { Budget } from '../base/budget.ts'
import { Failure } from '../base/failure.ts'
import type { Gate } from '../base/gate.ts'
import type { Metrics } from '../base/metrics.ts'
import { persist } from '../base/retry.ts'
import type { Endpoint } from './connect.ts'
import { ImapConnection, type Login, type Use } from './imap-connection.ts'

/**
 * Connects and logs in. `patience`: milliseconds without an octet after which the server counts as gone. Who only wants to listen (`watch`)
 * lets all others go first. Throws `auth`, `unavailable`, `busy`.
 */
export type Dial = (login: Login, patience: number, use: Use) => Promise<ImapConnection>

export type Ways = {
  /** How many log in at the same time. */
  readonly gate: Gate
  readonly breaker: Breaker
  /** Connections by user. */
  readonly connections: Budget
  readonly metrics: Metrics
}

/** The way of one user to an IMAP server, tried again where it fails quickly. */
export const imapDial = (endpoint: Endpoint, user: string, { gate, breaker, connections, metrics }: Ways): Dial => async (login, patience, use) => {
  let giveBack = (): void => {}
  const counting = { metrics, use }
  const open = (alive: () => void) => ImapConnection.open(endpoint, login, patience, { greeted: alive, closed: () => giveBack(), counting })
  const leave = await gate.enter(use === 'watch')
  let connection
  try {
    connection = await breaker.run(alive => persist(() => open(alive), isUnavailable))
  } finally {
    leave()
  }
  try {
    // Only now is it known to be the user: wrong passwords take nothing from who has the right one.
    giveBack = connections.take(user)
  } catch (error) {
    connection.close()
    throw error
  }
  if (connection.closed) giveBack()
  return connection
}

/** Without anybody else in mind. */
export const plainDial = (endpoint: Endpoint): Dial => (login, patience) => ImapConnection.open(endpoint, login, patience)

const isUnavailable = (error: unknown): boolean => error instanceof Failure && error.kind === 'unavailable'

import type { Breaker } from '../base/breaker.ts'
import type { Budget } from '../base/budget.ts'
import { Failure } from '../base/failure.ts'
import type { Gate } from '../base/gate.ts'
import { persist } from '../base/retry.ts'
import type { Endpoint } from './connect.ts'
import { ImapConnection, type Login } from './imap-connection.ts'

/**
 * Connects and logs in. `patience`: milliseconds without an octet after which the server counts as gone. Who only wants to listen is
 * `patient`: all others go first. Throws `auth`, `unavailable`, `busy`.
 */
export type Dial = (login: Login, patience: number, patient?: boolean) => Promise<ImapConnection>

export type Ways = {
  /** How many log in at the same time. */
  readonly gate: Gate
  readonly breaker: Breaker
  /** Connections by user. */
  readonly connections: Budget
}

/** The way of one user to an IMAP server, tried again where it fails quickly. */
export const imapDial = (endpoint: Endpoint, user: string, { gate, breaker, connections }: Ways): Dial => async (login, patience, patient) => {
  let giveBack = (): void => {}
  const open = (alive: () => void) => ImapConnection.open(endpoint, login, patience, { greeted: alive, closed: () => giveBack() })
  const leave = await gate.enter(patient)
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

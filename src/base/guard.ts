import { budget, unlimited, type Bounds, type Budget } from './budget.ts'
import { idle, loadOf, type Load } from './load.ts'
import type { Log } from './log.ts'

/** What one user, and all of them, may take of a process. */
export type Limits = {
  /** Requests under way that do not wait. */
  readonly requests: Bounds
  /** Requests that wait for news, one a device. */
  readonly waits: Bounds
  /** Octets of requests held in memory. */
  readonly octets: Bounds
}

/** What stands between the requests of a process and its end. */
export type Guard = { readonly [K in keyof Limits]: Budget } & { readonly load: Load }

export const guardOf = (limits: Limits, log: Log): Guard => ({
  requests: budget('requests at the same time', limits.requests), waits: budget('waiting devices', limits.waits),
  octets: budget('octets of requests at the same time', limits.octets), load: loadOf(log),
})

export const unguarded: Guard = { requests: unlimited, waits: unlimited, octets: unlimited, load: idle }

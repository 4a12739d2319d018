import { Failure } from './failure.ts'
import type { Log } from './log.ts'

export type BreakerOptions = {
  /** Failures in a row within so many seconds after which a server is left alone. Default 5 within 30. */
  readonly failures?: number
  readonly windowSeconds?: number
  /** Seconds it is left alone for at first, twice as long after each try that failed, and at most. Default 1 and 10. */
  readonly pauseSeconds?: number
  readonly mostSeconds?: number
}

export type Breaker = {
  /**
   * Does something with a server, or throws `unavailable` at once while the server is left alone. `work` calls `alive` as soon as the server
   * has said anything; what it throws as `unavailable` before counts as silence of the server.
   */
  run<T>(work: (alive: () => void) => Promise<T>): Promise<T>
}

type Parts = { readonly log: Log; readonly now?: () => number; readonly random?: () => number }

/** Leaves a server alone that does not answer, but for a single try now and then. One for all users of the server. */
export function breaker(server: string, options: BreakerOptions, { log, now = () => performance.now(), random = Math.random }: Parts): Breaker {
  const { failures: most = 5, windowSeconds = 30, pauseSeconds = 1, mostSeconds = 10 } = options
  let failures: number[] = []
  /** While it is left alone: since when, until when, for how many seconds, and whether somebody tries it now. */
  let open: { readonly since: number; until: number; pause: number; trying: boolean } | undefined

  const untilAfter = (pause: number): number => now() + pause * 1000 * (0.75 + random() / 2)

  function answered(): void {
    failures = []
    if (!open) return
    log.info({ server, seconds: Math.round((now() - open.since) / 1000) }, 'server answers again')
    open = undefined
  }

  function missed(tried: typeof open, { message }: Failure): void {
    if (open) {
      // Others that began before it was left alone say nothing new.
      if (open !== tried) return
      open.pause = Math.min(open.pause * 2, mostSeconds)
      open.until = untilAfter(open.pause)
      return
    }
    failures = [...failures.filter(at => at > now() - windowSeconds * 1000), now()]
    if (failures.length < most) return
    log.warn({ server, failures: failures.length, why: message.slice(0, 300) }, 'server does not answer and is left alone')
    open = { since: now(), until: untilAfter(pauseSeconds), pause: pauseSeconds, trying: false }
  }

  /** The try that is allowed, where it is one. */
  function enter(): typeof open {
    if (!open) return undefined
    const seconds = (open.until - now()) / 1000
    if (open.trying || seconds > 0) {
      throw new Failure('unavailable', `${server} does not answer and is left alone`, { retryAfter: Math.max(1, seconds) + open.pause * random() })
    }
    open.trying = true
    return open
  }

  return {
    async run(work) {
      const tried = enter()
      let heard = false
      const alive = (): void => {
        if (!heard) answered()
        heard = true
      }
      try {
        const result = await work(alive)
        alive()
        return result
      } catch (error) {
        if (!heard && error instanceof Failure && error.kind === 'unavailable') missed(tried, error)
        throw error
      } finally {
        if (tried) tried.trying = false
      }
    },
  }
}

/** Never leaves anybody alone. */
export const always: Breaker = { run: work => work(() => {}) }

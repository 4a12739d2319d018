import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from './failure.ts'

/**
 * What the processes of a site remember together, where they have a place for it; else what this one remembers. Small things that are no
 * content, each for some time: what was sent, moved and made, so that it is not done again when the request comes again to another process.
 * Whoever asks is answered within a bounded time, by this process's own memory where the place cannot be reached. A loss costs what a
 * restart costs. Names begin with what they are: `move:<scope>:<id>`. Values are what JSON can say, and are not changed afterwards.
 */
export interface Shared {
  recall<T>(name: string): Promise<T | undefined>
  /** In the order of the names. */
  recallAll<T>(names: readonly string[]): Promise<readonly (T | undefined)[]>
  /** `size` in octets, where the value is large. */
  keep(name: string, value: unknown, options: { readonly seconds: number; readonly size?: number }): Promise<void>
  /** Undefined while somebody holds that name. A hold ends within ten seconds after the process that has it. */
  hold(name: string): Promise<Hold | undefined>
  /** Once more; what was counted is forgotten `seconds` after the first time. */
  count(name: string, seconds: number): Promise<void>
  counted(names: readonly string[]): Promise<readonly number[]>
}

export type Hold = { release(): void }

/** Milliseconds that somebody waits for a turn, which is longer than a hold outlives its process; and between two looks. */
const patience = 15_000, firstPause = 20, longestPause = 500

/**
 * One at a time of all that carry this name, whichever process they came to: what comes second finds the first one's result. Throws `busy`
 * where that takes too long, or nobody waits for the result any more.
 */
export async function inTurn<T>(asking: { readonly shared: Shared; readonly client: { readonly signal: AbortSignal } }, name: string, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + patience
  let ended: AbortSignal | undefined
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    const hold = await asking.shared.hold(name)
    if (hold) {
      try {
        return await work()
      } finally {
        hold.release()
      }
    }
    ended ??= asking.client.signal
    if (performance.now() > until || ended.aborted) throw new Failure('busy', 'the same is being done for an earlier request', { retryAfter: 10 })
    await sleep(pause)
  }
}

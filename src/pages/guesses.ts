import { Failure } from '../base/failure.ts'
import type { Shared } from '../base/shared.ts'
import type { Kind } from './session.ts'

/** Wrong passwords of one name, and of one address, in so many seconds before they have to wait. */
const windows = [{ seconds: 60, most: 10 }, { seconds: 3600, most: 50 }] as const
const day = 24 * 3600

export type Guesses = {
  /**
   * Has a password proved, unless there were too many wrong ones: throws `busy` then, and what `prove` throws. Its `auth` counts. Whoever was
   * right from an address within a day is not kept out there by others who guess at the name.
   */
  prove<T>(name: string, address: string, prove: () => Promise<T>): Promise<T>
}

/** Counts wrong passwords over all processes of a site; those of an address together with what it guessed elsewhere (backend/credentials.ts). */
export function guesses(kind: Kind, shared: Shared): Guesses {
  /** Being proved now: many that come at once are no way around. */
  const underWay = new Map<string, number>()
  const add = (name: string, more: 1 | -1): void => {
    const count = (underWay.get(name) ?? 0) + more
    if (count) underWay.set(name, count)
    else underWay.delete(name)
  }
  return {
    async prove(name, address, prove) {
      const who = name.toLowerCase(), right = `right-${kind}:${JSON.stringify([who, address])}`
      const ofName = `${kind}:${who}`, ofAddress = `address:${address}`
      add(ofName, 1)
      add(ofAddress, 1)
      try {
        for (const { seconds, most } of windows) {
          const [name = 0, place = 0] = await shared.counted([counterOf(seconds, ofName), counterOf(seconds, ofAddress)])
          const tooMany = place + underWay.get(ofAddress)! > most || (name + underWay.get(ofName)! > most && !await shared.recall<boolean>(right))
          if (tooMany) throw new Failure('busy', `Too many wrong passwords. Try again in ${seconds === 60 ? 'a minute' : 'an hour'}.`, { retryAfter: seconds })
        }
        const proved = await prove()
        await shared.keep(right, true, { seconds: day })
        return proved
      } catch (error) {
        if (error instanceof Failure && error.kind === 'auth') {
          await Promise.all(windows.flatMap(({ seconds }) => [ofName, ofAddress].map(one => shared.count(counterOf(seconds, one), seconds))))
        }
        throw error
      } finally {
        add(ofName, -1)
        add(ofAddress, -1)
      }
    },
  }
}

const counterOf = (seconds: number, whose: string): string => `${seconds === 60 ? 'guesses' : 'guesses-hour'}:${whose}`

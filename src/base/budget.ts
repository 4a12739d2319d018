import { Failure } from './failure.ts'
import { spread } from './retry.ts'

export type Bounds = { readonly each: number; readonly all: number }

/** Something there is only so much of: for each user, and in all. */
export type Budget = {
  /** Takes some of it. Throws `busy` where there is not so much left. What is answered gives it back, once. */
  take(user: string, amount?: number): () => void
  /** How much is taken now. */
  readonly used: number
}

/** Seconds after which there may be some of it again, about. */
const again = 30

export function budget(what: string, { each, all }: Bounds): Budget {
  const taken = new Map<string, number>()
  let used = 0
  return {
    get used() { return used },
    take(user, amount = 1) {
      const own = (taken.get(user) ?? 0) + amount
      if (own > each) throw new Failure('busy', `more than ${each} ${what} of one user`, { retryAfter: spread(again) })
      if (used + amount > all) throw new Failure('busy', `more than ${all} ${what} in all`, { retryAfter: spread(again) })
      taken.set(user, own)
      used += amount
      let held = amount
      return () => {
        const left = (taken.get(user) ?? 0) - held
        if (left > 0) taken.set(user, left)
        else taken.delete(user)
        used -= held
        held = 0
      }
    },
  }
}

/** There is always enough of it. */
export const unlimited: Budget = { used: 0, take: () => () => {} }

import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'
import type { Shared } from '../base/shared.ts'

export type CredentialOptions = {
  /** Proven credentials are believed so long without asking again. */
  readonly rememberSeconds: number
  /** Wrong ones are refused so long without asking again. */
  readonly refuseSeconds: number
  /** Wrong tries of one address, and of one user, within a minute before it has to wait. */
  readonly tries: number
}

/** A keyed hash of user and secret; says nothing without this process's key. */
export type Fingerprint = string & { readonly brand: 'Fingerprint' }

export type CredentialMemory = {
  fingerprint(account: string, credentials: Credentials): Fingerprint
  /** Whether they were proven lately. Throws `auth` when refused lately, `busy` when too many wrong ones came from there. */
  known(fingerprint: Fingerprint, account: string, address: string): Promise<boolean>
  proved(fingerprint: Fingerprint, account: string, address: string): Promise<void>
  refused(fingerprint: Fingerprint, account: string, address: string): Promise<void>
}

const minute = 60, day = 24 * 60 * minute
const most = 100_000

/**
 * What became of credentials lately. Whoever was right within a day is not held up by others' wrong guesses for the same user. Bounded:
 * what is forgotten is asked again. Wrong guesses are counted by the site as a whole, and it knows from which address a user was right;
 * nothing that is made of a secret leaves this process.
 */
export function credentialMemory({ rememberSeconds, refuseSeconds, tries }: CredentialOptions, shared: Shared): CredentialMemory {
  const key = randomBytes(32).toString('base64url')
  // By size, as a `max` would take the memory for so many at once.
  const bound = { maxSize: most, sizeCalculation: () => 1 }
  const proven = new LRUCache<string, true>({ ...bound, ttl: rememberSeconds * 1000 })
  const honest = new LRUCache<string, true>({ ...bound, ttl: day * 1000 })
  const wrong = new LRUCache<string, true>({ ...bound, ttl: refuseSeconds * 1000 })
  /** Secrets of a user that are being tried now, or were within a minute and nobody could say: many that come at once are no way around. */
  const trying = new LRUCache<string, Set<Fingerprint>>({ ...bound, ttl: minute * 1000, noUpdateTTL: true })
  const guesses = (account: string, address: string): string[] => [`guesses:user:${account}`, `guesses:address:${address}`]
  const rightName = (account: string, address: string): string => `right:${JSON.stringify([account, address])}`
  return {
    fingerprint(account, credentials) {
      const secret = credentials.kind === 'password' ? credentials.password : credentials.token
      // Once a request, and an Hmac takes ten times as long. It would guard against longer inputs only, whose hashes nobody learns here.
      return hash('sha256', `${key}\0${credentials.kind}\0${account}\0${secret}`, 'base64url') as Fingerprint
    },
    async known(fingerprint, account, address) {
      if (proven.has(fingerprint)) return true
      if (wrong.has(fingerprint)) throw new Failure('auth', 'the same credentials were refused a moment ago')
      if (honest.has(fingerprint)) return false
      const tried = trying.get(account) ?? new Set<Fingerprint>()
      trying.set(account, tried.add(fingerprint))
      const atOnce = [...tried].indexOf(fingerprint)
      const [ofUser = 0, ofAddress = 0] = await shared.counted(guesses(account, address))
      // Others' guesses for a user do not hold up an address from where that user came lately, its own do.
      const tooMany = ofAddress >= tries || (ofUser + atOnce >= tries && !await shared.recall<boolean>(rightName(account, address)))
      if (tooMany) {
        tried.delete(fingerprint)
        throw new Failure('busy', 'too many wrong credentials', { retryAfter: minute })
      }
      return false
    },
    async proved(fingerprint, account, address) {
      proven.set(fingerprint, true)
      honest.set(fingerprint, true)
      trying.get(account)?.delete(fingerprint)
      await shared.keep(rightName(account, address), true, { seconds: day })
    },
    async refused(fingerprint, account, address) {
      wrong.set(fingerprint, true)
      honest.delete(fingerprint)
      await Promise.all(guesses(account, address).map(name => shared.count(name, minute)))
      trying.get(account)?.delete(fingerprint)
    },
  }
}

import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'

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
  fingerprint(login: string, credentials: Credentials): Fingerprint
  /** Whether they were proven lately. Throws `auth` when refused lately, `busy` when too many wrong ones came from there. */
  known(fingerprint: Fingerprint, login: string, address: string): boolean
  proved(fingerprint: Fingerprint): void
  refused(fingerprint: Fingerprint, login: string, address: string): void
}

const minute = 60_000, day = 24 * 60 * minute
const most = 100_000

/**
 * What became of credentials lately. Whoever was right within a day is not held up by others' wrong guesses for the same user. Bounded:
 * what is forgotten is asked again.
 */
export function credentialMemory({ rememberSeconds, refuseSeconds, tries }: CredentialOptions): CredentialMemory {
  const key = randomBytes(32).toString('base64url')
  const proven = new LRUCache<string, true>({ max: most, ttl: rememberSeconds * 1000 })
  const honest = new LRUCache<string, true>({ max: most, ttl: day })
  const wrong = new LRUCache<string, true>({ max: most, ttl: refuseSeconds * 1000 })
  const guesses = new LRUCache<string, { count: number }>({ max: most, ttl: minute })
  const sources = (login: string, address: string): string[] => [`user:${login}`, `address:${address}`]
  return {
    fingerprint(login, credentials) {
      const secret = credentials.kind === 'password' ? credentials.password : credentials.token
      // Once a request, and an Hmac takes ten times as long. It would guard against longer inputs only, whose hashes nobody learns here.
      return hash('sha256', `${key}\0${credentials.kind}\0${login}\0${secret}`, 'base64url') as Fingerprint
    },
    known(fingerprint, login, address) {
      if (proven.has(fingerprint)) return true
      if (wrong.has(fingerprint)) throw new Failure('auth', 'the same credentials were refused a moment ago')
      const tried = Math.max(...sources(login, address).map(source => guesses.get(source)?.count ?? 0))
      if (tried >= tries && !honest.has(fingerprint)) throw new Failure('busy', 'too many wrong credentials', { retryAfter: 60 })
      return false
    },
    proved(fingerprint) {
      proven.set(fingerprint, true)
      honest.set(fingerprint, true)
    },
    refused(fingerprint, login, address) {
      wrong.set(fingerprint, true)
      honest.delete(fingerprint)
      for (const source of sources(login, address)) {
        const before = guesses.get(source)
        if (before) before.count++
        else guesses.set(source, { count: 1 })
      }
    },
  }
}

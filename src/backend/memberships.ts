import { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import type { Groups } from '../model/ports.ts'
import { canonicalDn, nameInDn, plainName } from './ldap-name.ts'

/** Milliseconds for which a membership is known, and after which a directory that did not answer is asked again. Characters of all of them. */
const usual = { fresh: 300_000, again: 15_000, size: 32 * 1024 ** 2 }

/** The groups of the users of a process, as the directory said last. */
export type Memberships = {
  /** `ask` answers DNs. */
  of(user: string, ask: () => Promise<readonly string[]>): Groups
}

/** What is known of one user: DNs and names, in one spelling. */
type Known = { readonly names: ReadonlySet<string>; readonly until: number }

export function memberships(log: Log, { fresh, again, size } = usual): Memberships {
  const known = new LRUCache<string, Known>({ maxSize: size, sizeCalculation: sizeOf })
  const asking = new Map<string, Promise<Known>>()
  const spelled = new Map<string, string>()

  /** One spelling of what the configuration calls a group. */
  function spell(group: string): string {
    const name = spelled.get(group) ?? wantedName(group)
    spelled.set(group, name)
    return name
  }

  async function renew(user: string, ask: () => Promise<readonly string[]>): Promise<Known> {
    const before = known.get(user)
    try {
      const now = { names: namesOf(await ask()), until: performance.now() + fresh }
      known.set(user, now)
      return now
    } catch (error) {
      if (!(error instanceof Failure) || !before) throw error
      log.warn({ user, why: error.message }, 'the groups of a user are those known before: the directory does not tell')
      const still = { ...before, until: performance.now() + again }
      known.set(user, still)
      return still
    }
  }

  return {
    of: (user, ask) => ({
      async has(group) {
        let now = known.get(user)
        if (!now || now.until < performance.now()) {
          // Requests that come together ask once.
          const asked = asking.get(user) ?? renew(user, ask).finally(() => asking.delete(user))
          asking.set(user, asked)
          now = await asked
        }
        return now.names.has(spell(group))
      },
    }),
  }
}

function sizeOf({ names }: Known): number {
  let size = 100
  for (const name of names) size += name.length + 50
  return size
}

/** A name with an `=` is a DN. */
const wantedName = (group: string): string => group.includes('=') ? canonicalDn(group) ?? group : plainName(group)

const namesOf = (dns: readonly string[]): ReadonlySet<string> => new Set(dns.flatMap(dn => {
  const whole = canonicalDn(dn), name = nameInDn(dn)
  return [...whole === undefined ? [] : [whole], ...name === undefined || name.includes('=') ? [] : [name]]
}))

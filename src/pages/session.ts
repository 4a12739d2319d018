import { randomBytes } from 'node:crypto'
import type { FrontRequest, Visit } from '../base/front.ts'
import type { Shared } from '../base/shared.ts'
import { sealing } from '../state/sealed-value.ts'

/** Whose page somebody is signed in to: neither is worth anything at the other. */
export type Kind = 'admin' | 'user'

/** Who is signed in. Times in milliseconds since 1970-01-01. */
export type Session = {
  readonly kind: Kind
  readonly name: string
  /** Of the password; of the last use by a person. */
  readonly at: number
  readonly used: number
  readonly id: string
  /** What the password was proved against: a session ends where that is another one by now. */
  readonly mark: string
}

export type Sessions = {
  /** Undefined for who is not signed in, or was too long ago. */
  read(request: FrontRequest, visit: Visit): Promise<Session | undefined>
  /** A new one for each password that is proved: its cookie takes the place of whatever the browser had before. */
  begin(who: Pick<Session, 'name' | 'mark'>, visit: Visit): { readonly session: Session; readonly cookie: string }
  /** The cookie that says that it is used, where the one before is older than a minute. */
  renew(session: Session, visit: Visit): string | undefined
  /** The cookie that takes it away; whoever kept a copy has nothing from it. */
  end(session: Session | undefined, visit: Visit): Promise<string>
}

const minute = 60_000
/** How long somebody stays signed in, how long without doing anything, and how long the password lets do more than look. */
const longest = 8 * 60 * minute, idle = 30 * minute, freshness = 10 * minute
/** Octets of a Cookie header, cookies of one name: a neighbour may set some. */
const largest = 16 * 1024, mostOfAName = 4

export const isFresh = ({ at }: Session, now = Date.now()): boolean => now - at < freshness

/**
 * Sessions without a table: all of one is in its cookie, sealed with what the processes of a site share, so that any of them answers.
 * Only that one ended is kept, with the other things a site remembers together. RFC 6265, and of its successor the prefix `__Host-`.
 */
export function sessions(kind: Kind, { secret, shared, now = Date.now }: { readonly secret: Uint8Array; readonly shared: Shared; readonly now?: () => number }): Sessions {
  const { seal, open } = sealing(secret, 'session')
  const sealedAs = `session:${kind}`
  const nameOf = ({ origin }: Visit): string => `${origin.secure ? '__Host-' : ''}postern-${kind}`
  const cookieOf = (value: string, visit: Visit, more = ''): string =>
    `${nameOf(visit)}=${value}; Path=/; HttpOnly; SameSite=Strict${visit.origin.secure ? '; Secure' : ''}${more}`
  const printed = (session: Session, visit: Visit): string => cookieOf(seal(sealedAs, session).toString('base64url'), visit)
  const isOver = ({ at, used }: Session): boolean => now() - at >= longest || now() - used >= idle || at > now() + minute
  return {
    async read({ headers }, visit) {
      const held = cookiesOf(headers.get('cookie'), nameOf(visit)).map(value => open(sealedAs, Buffer.from(value, 'base64url')) as Session | undefined)
      const session = held.find(one => one?.kind === kind && !isOver(one))
      return session && await shared.recall<boolean>(endedName(session)) ? undefined : session
    },
    begin({ name, mark }, visit) {
      const session: Session = { kind, name, mark, at: now(), used: now(), id: randomBytes(16).toString('base64url') }
      return { session, cookie: printed(session, visit) }
    },
    renew: (session, visit) => now() - session.used > minute ? printed({ ...session, used: now() }, visit) : undefined,
    async end(session, visit) {
      if (session) await shared.keep(endedName(session), true, { seconds: longest / 1000 })
      return cookieOf('', visit, '; Max-Age=0')
    },
  }
}

const endedName = ({ id }: Session): string => `session-ended:${id}`

function cookiesOf(header: string | null, name: string): string[] {
  if (!header || header.length > largest) return []
  return header.split(';').map(pair => pair.trim()).filter(pair => pair.startsWith(`${name}=`)).slice(0, mostOfAName).map(pair => pair.slice(name.length + 1))
}

import type { AccessRule, Ceiling, Merging, Passwords, Policy, PolicyRule, Redirect } from './rules.ts'
import type { Version } from './versions.ts'

/** What the configuration says about this front; `app.ts` fills it in. */
export type EasSettings = {
  /** Keys the HMAC of sync keys, policy keys and remembered requests; the same on every process of a site. */
  readonly secret: Uint8Array
  /** Highest version offered and accepted; the first of `ceilings` that concerns a request comes before it. */
  readonly ceiling: Version
  readonly ceilings: readonly Ceiling[]
  /** What comes before what is known of clients that show one folder of a class alone. */
  readonly merge: readonly Merging[]
  /** Users whose mail is served elsewhere. */
  readonly redirects: readonly Redirect[]
  readonly passwords: Passwords | undefined
  /** Seconds, the bounds of Ping and Sync waits: MS-ASCMD, HeartbeatInterval. */
  readonly heartbeat: { readonly min: number; readonly max: number }
  /** Most folders one Ping may name. */
  readonly pingFolders: number
  /** Phones are shown whom the user writes to most. */
  readonly recipientCache: boolean
  /** Octets: the largest request body, the largest message sent. */
  readonly maxRequest: number
  /** Octets of the largest request that is held in memory: all but those that send a message; the largest draft. */
  readonly maxHeld: number
  /** IANA name of the zone that users live in: of days, and of times that say no other. The system's own where absent. */
  readonly timeZone?: string
  /** Undefined: no policy, no phone is asked. */
  readonly policy: Policy | undefined
  /** What comes before it for some. */
  readonly policies?: readonly PolicyRule[]
  /** Which devices may be here, as far as nobody decided about one of them. */
  readonly access?: readonly AccessRule[]
  /** What the mail about a device in quarantine says besides: whom to ask. */
  readonly quarantineNotice?: string
}

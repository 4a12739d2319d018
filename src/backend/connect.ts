import type { Role } from '../model/folder.ts'
import type { Open } from '../model/ports.ts'
import type { Log } from '../base/log.ts'
import { Failure } from '../base/failure.ts'

export type Security = 'tls' | 'starttls' | 'none'

export type Endpoint = {
  readonly host: string
  readonly port: number
  readonly security: Security
  /** False accepts any certificate. Default true. */
  readonly rejectUnauthorized?: boolean
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string
}

export type Backend = {
  /** Mail domains (lower case) this backend serves; `*` all that no other one does. */
  readonly domains: readonly string[] | '*'
  /** What the user is called at the servers: the whole address, its local part, or a template of `{local}` and `{domain}`. */
  readonly login: string
  /** Domain added to a login name without one, to make an address. */
  readonly defaultDomain?: string
  readonly imap: Endpoint & {
    /** Paths (as the server spells them, Unicode) that override SPECIAL-USE and the table of names. */
    readonly folders?: Partial<Record<Role, string>>
  }
  readonly smtp: Endpoint & {
    /** False for a relay that trusts this host. */
    readonly auth: boolean
    /** The submission server files sent mail itself. */
    readonly keepsSent?: boolean
  }
  /** Dovecot master user: opens the user's mailbox with its own password once the user's password was accepted by nobody else but this program's caller. */
  readonly master?: {
    readonly user: string
    readonly password: string
    /** `user*master` in place of an authzid. */
    readonly separator?: string
  }
  /** More addresses a user may send as: templates of `{local}` and `{domain}`, or by login name. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
}

/** Everything the backends need to know; checked and given defaults by src/config.ts. */
export type BackendsConfig = {
  readonly backends: readonly Backend[]
  readonly sessions?: {
    /** Seconds an unused session stays open. Default 300. */
    readonly idleSeconds?: number
    /** Open IMAP sessions in this process; the longest unused goes first. Default 1000. */
    readonly max?: number
    /** Seconds a command may stay without an octet of answer. Default 60. */
    readonly timeoutSeconds?: number
  }
  readonly auth?: {
    /** Seconds proven credentials are believed without asking again. Default 300. */
    readonly rememberSeconds?: number
    /** Seconds wrong credentials are refused without asking again. Default 30. */
    readonly refuseSeconds?: number
    /** Wrong tries of one address or user within a minute before it has to wait. Default 10. */
    readonly tries?: number
  }
}

export type Backends = { readonly open: Open; close(): Promise<void> }

export function connect(_config: BackendsConfig, _log: Log): Backends {
  throw new Failure('unsupported', 'not here yet')
}

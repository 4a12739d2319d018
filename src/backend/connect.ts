import { LRUCache } from 'lru-cache'
import type { Breaker, BreakerOptions } from '../base/breaker.ts'
import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { unmeasured, type Metrics } from '../base/metrics.ts'
import type { Shared } from '../base/shared.ts'
import { untraced, type Tracing } from '../base/tracing.ts'
import type { Role } from '../model/folder.ts'
import type { PublicServer } from '../model/mail-servers.ts'
import type { CertificateCheck, ObjectStore, Open, Person, Stores } from '../model/ports.ts'
import {
  addressList, closeList, contactsDirectory, davUser, groupsAsked, loginAt, ownList, sharedList, type AddressList, type DavMemory,
} from './address-list.ts'
import { certificateCheck, type CertificatesConfig } from './certificate-check.ts'
import { credentialMemory, type Fingerprint } from './credentials.ts'
import type { DavCopy } from './dav-book.ts'
import { davLists } from './dav-lists.ts'
import { davClient, type DavServer } from './dav-client.ts'
import type { BookConfig } from './dav-directory.ts'
import type { DavUser } from './dav-homes.ts'
import { davStore } from './dav-store.ts'
import { davTrouble, type DavTrouble } from './dav-trouble.ts'
import { identities, identityOf, recipientOf, type Identify, type Identity } from './identity.ts'
import type { Login } from './imap-connection.ts'
import { imapFolders } from './imap-folders.ts'
import type { ListenBy } from './imap-listener.ts'
import { imapMail } from './imap-mail.ts'
import { imapMailbox } from './imap-mailbox.ts'
import { imapNotes } from './imap-notes.ts'
import { recall } from './imap-recall.ts'
import { ImapSession } from './imap-session.ts'
import { imapWatch } from './imap-watch.ts'
import type { LdapConfig } from './ldap.ts'
import { measure, type Measure } from './measured.ts'
import { memberships, type Memberships } from './memberships.ts'
import { sieveFilters } from './sieve-filters.ts'
import { news, type News } from './news.ts'
import { objectStores } from './object-stores.ts'
import { smtpSubmission } from './smtp.ts'
import { addressOf, sharedWays, type SharedWays } from './ways.ts'

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
    /** How news are listened for. Default `auto`. */
    readonly watch?: ListenBy
    /** Seconds between two looks at folders that are waited for and not listened to. Default 30. */
    readonly pollSeconds?: number
  }
  readonly smtp: Endpoint & {
    /** False for a relay that trusts this host. */
    readonly auth: boolean
    /** The submission server files sent mail itself. */
    readonly keepsSent?: boolean
  }
  /** CalDAV and CardDAV (RFC 4791, RFC 6352), with the user's own credentials. */
  readonly dav?: DavServer
  /**
   * Where notes are: at the DAV server, in the mailbox `Notes`, or (`auto`) in that mailbox where the DAV server has none or there is no
   * DAV server. At the DAV server where absent.
   */
  readonly notes?: 'dav' | 'imap' | 'auto'
  /** ManageSieve, for automatic replies and for filing mail as it comes; neither where it is absent. */
  readonly sieve?: Endpoint & {
    /** Name of the one script that is Postern's. */
    readonly script: string
  }
  /** Where users' own programs reach these servers, where that is not where Postern does. */
  readonly public?: { readonly imap?: PublicServer; readonly smtp?: PublicServer; readonly dav?: string }
  /** Dovecot master user: opens the user's mailbox, after the user's own credentials were proven by logging in with them. */
  readonly master?: {
    readonly user: string
    readonly password: string
    /** `user*master` in place of an authzid. */
    readonly separator?: string
  }
  /** More addresses a user may send as: templates of `{local}` and `{domain}`, or by login name. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** The address list, in LDAP. */
  readonly directory?: LdapConfig
  /** The address list as a CardDAV address book, in place of LDAP or beside it. */
  readonly addressBook?: BookConfig
}

/** Everything the backends need to know; checked and given defaults by src/config.ts. */
export type BackendsConfig = {
  readonly backends: readonly Backend[]
  readonly sessions?: {
    /** Seconds an unused session stays open. Default 60. */
    readonly idleSeconds?: number
    /** Open IMAP sessions in this process; the longest unused goes first. Default 1000. */
    readonly max?: number
    /** Seconds a command may stay without an octet of answer. Default 60. */
    readonly timeoutSeconds?: number
    /** IMAP connections of one user, and of all in this process. Default 20 and 20,000. */
    readonly perUser?: number
    readonly connections?: number
    /** Logins under way at the same time at one server. Default 20. */
    readonly logins?: number
    /** Logins a second there of connections that only listen for news. Default 50. */
    readonly watchLogins?: number
  }
  /** When a server that does not answer is left alone. */
  readonly breaker?: BreakerOptions
  readonly auth?: {
    /** Seconds proven credentials are believed without asking again. Default 300. */
    readonly rememberSeconds?: number
    /** Seconds wrong credentials are refused without asking again. Default 30. */
    readonly refuseSeconds?: number
    /** Wrong tries of one address or user within a minute before it has to wait. Default 10. */
    readonly tries?: number
  }
  /** What certificates of mail are checked by. */
  readonly certificates?: CertificatesConfig
}

export type Backends = {
  readonly open: Open
  /** Somebody says that something happened in a user's mailbox, which is then looked at before its server tells. */
  news(user: string, mailbox: string): void
  close(): Promise<void>
}

/** What is open for one user with one secret. Never shared with another secret of the same user. */
type Account = Stores & {
  /** Makes room: connections close when nothing needs them, and open again for whoever still holds the stores. */
  retire(): void
  /** Ends everything, waiting included. */
  end(): void
}

/** What credentials say by themselves. */
type Read = { readonly identity: Identity; readonly fingerprint: Fingerprint }

/** Opens users' stores: proves credentials by logging in with them, and keeps what is open for the next request. */
export function connect(config: BackendsConfig, log: Log, shared: Shared, metrics: Metrics = unmeasured, tracing: Tracing = untraced): Backends {
  const { idleSeconds = 60, max = 1000, timeoutSeconds = 60 } = config.sessions ?? {}
  const { rememberSeconds = 300, refuseSeconds = 30, tries = 10 } = config.auth ?? {}
  const identify = identities(config.backends), secrets = credentialMemory({ rememberSeconds, refuseSeconds, tries }, shared)
  const accounts = new LRUCache<Fingerprint, Account>({ max, dispose: account => account.retire() })
  const proofs = new Map<Fingerprint, Promise<Account>>()
  /** Who somebody is does not change; what becomes of the secret is asked each time. */
  const read = new WeakMap<Credentials, Read>()
  const memory = davMemory(shared), heard = news()
  const measured = measure(metrics, tracing)
  const certificates = measured('crl', certificateCheck(config.certificates ?? {}, log))
  const ways = sharedWays(config.sessions, config.breaker, { log, metrics })
  const addressLists = new Map<Backend, AddressList>(config.backends.map(backend => [backend, sharedList(backend, memory, ways.breaker)]))
  const members = memberships(log)
  const troubles = new Map(config.backends.map(backend => [backend, davTrouble(log, backend.dav?.url ?? '')]))

  /** Logs in, also where a session is open: the password may have been changed since. */
  async function prove(fingerprint: Fingerprint, identity: Identity, credentials: Credentials, address: string): Promise<Account> {
    const { backend, person } = identity
    const own = loginOf(person.login, credentials)
    const before = accounts.get(fingerprint)
    try {
      if (before || backend.master) (await ways.dial(backend.imap, person.login)(own, timeoutSeconds * 1000, 'proof')).close()
      const account = before ?? await openAccount(identity, own, {
        idleSeconds, timeoutSeconds, log, ways, measured, certificates, memory, heard, members, identify,
        shared: addressLists.get(backend), trouble: troubles.get(backend)!,
      })
      accounts.set(fingerprint, account)
      await secrets.proved(fingerprint, person.account, address)
      return account
    } catch (error) {
      if (error instanceof Failure && error.kind === 'auth') {
        accounts.delete(fingerprint)
        before?.end()
        log.warn({ user: person.account, address }, 'authentication failed')
        await secrets.refused(fingerprint, person.account, address)
      }
      throw error
    }
  }

  function readCredentials(credentials: Credentials): Read {
    const identity = identify(credentials.user)
    const found = { identity, fingerprint: secrets.fingerprint(identity.person.account, credentials) }
    read.set(credentials, found)
    return found
  }

  async function find(credentials: Credentials, address: string): Promise<Account> {
    // Many a directory takes an empty password for an anonymous bind, which succeeds.
    if ((credentials.kind === 'password' ? credentials.password : credentials.token) === '') throw new Failure('auth', 'an empty secret')
    const { identity, fingerprint } = read.get(credentials) ?? readCredentials(credentials)
    const known = await secrets.known(fingerprint, identity.person.account, address)
    const open = known ? accounts.get(fingerprint) : undefined
    if (open) {
      metrics.add('credentials', { result: 'known' })
      return open
    }
    // Devices of a user wake up together: they share one login.
    const proof = proofs.get(fingerprint) ?? prove(fingerprint, identity, credentials, address)
    proofs.set(fingerprint, proof)
    try {
      const account = await proof
      metrics.add('credentials', { result: 'proved' })
      return account
    } finally {
      proofs.delete(fingerprint)
    }
  }

  return {
    open: (credentials, address) => find(credentials, address).catch((error: unknown) => {
      metrics.add('credentials', { result: error instanceof Failure ? resultOf[error.kind] ?? 'unavailable' : 'unavailable' })
      throw error
    }),
    news: heard.tell,
    async close() {
      for (const account of accounts.values()) account.end()
      accounts.clear()
      for (const list of addressLists.values()) closeList(list)
    },
  }
}

const resultOf: Partial<Record<Kind, string>> = { auth: 'refused', busy: 'slowed' }

type Around = {
  readonly idleSeconds: number
  readonly timeoutSeconds: number
  readonly log: Log
  readonly ways: SharedWays
  readonly measured: Measure
  readonly certificates: CertificateCheck
  readonly identify: Identify
  readonly shared: AddressList | undefined
  readonly memory: DavMemory
  readonly heard: News
  readonly members: Memberships
  readonly trouble: DavTrouble
}

async function openAccount({ backend, person }: Identity, own: Login, around: Around): Promise<Account> {
  const { idleSeconds, timeoutSeconds, log, ways, measured, certificates, memory, heard, members, identify, shared, trouble } = around
  const endpoint = backend.imap
  const login = backend.master ? masterOf(person.login, backend.master) : own
  const dial = ways.dial(endpoint, person.login)
  const session = new ImapSession({ endpoint, login, idleSeconds, timeoutSeconds, dial })
  await session.open()
  const folders = imapFolders(session, endpoint.folders ? { roles: endpoint.folders } : {})
  const mailbox = imapMailbox(session, folders)
  const watch = imapWatch({
    endpoint, login, folders, mailbox, timeoutSeconds, dial, by: endpoint.watch ?? 'auto', pollSeconds: endpoint.pollSeconds ?? 30,
    hear: look => heard.hear(person.login, look), woken: () => void session.open().catch(() => {}),
  })
  const mail = imapMail({ session, folders, mailbox, recall: recall({ mailboxes: mailboxesRecalled }), watch, log, ahead: { budget: ways.ahead, user: person.account } })
  const { notes = 'dav' } = backend
  const aroundDav = { timeoutSeconds, ways, memory, called: calledAt(identify, backend), trouble, journals: notes !== 'imap' }
  const dav = backend.dav && openDav(backend.dav, person, own, aroundDav), collections = dav && measured<ObjectStore>('dav', dav.objects)
  const objects = notes === 'dav' ? collections : objectStores(collections, measured('imap', imapNotes({ mail, folders, mailbox })), notes)
  const list = ownList(backend, person, own, memory, ways.breaker)
  const directory = addressList(shared, list, measured), ldap = shared?.ldap ?? list.ldap
  return {
    ...(dav && { contacts: measured('dav', dav.contacts) }),
    ...(objects ? { objects } : {}),
    mail: measured('imap', mail),
    submission: measured('smtp', smtpSubmission(backend.smtp, own, ways.breaker(`smtp ${addressOf(backend.smtp)}`))),
    ...(backend.sieve && {
      filters: measured('sieve', sieveFilters({
        endpoint: backend.sieve, login, user: person.login, recipient: recipientOf({ backend, person }), folders, timeoutSeconds, log,
        breaker: ways.breaker(`sieve ${addressOf(backend.sieve)}`),
      })),
    }),
    person,
    ...(directory ? { directory } : {}),
    ...(backend.directory && { groups: members.of(`${person.account} ${person.addresses[0]!}`, groupsAsked(ldap && measured('ldap', ldap), person)) }),
    certificates,
    retire() {
      session.close()
      list.ldap?.close()
    },
    end() {
      watch.close()
      session.close()
      void dav?.objects.close()
      closeList(list)
    },
  }
}

type DavAround = {
  readonly timeoutSeconds: number
  readonly ways: SharedWays
  readonly memory: DavMemory
  readonly called: (address: string) => DavUser | undefined
  readonly trouble: DavTrouble
  readonly journals: boolean
}

function openDav(server: DavServer, person: Person, own: Login, { timeoutSeconds, ways, memory, called, trouble, journals }: DavAround) {
  const { user, client } = davOf(server, person, own, timeoutSeconds, trouble.heard(ways.breaker(new URL(server.url).origin, 'quiet')))
  const met = trouble.of(person.login)
  const objects = davStore({ server, user, client, called, lists: memory.lists, journals, trouble: met })
  return { objects, contacts: contactsDirectory(objects, client, memory, met) }
}

/** What somebody of a backend is called at its DAV server. */
const calledAt = (identify: Identify, backend: Backend) => (address: string): DavUser | undefined => {
  const found = identityOf(identify, address)
  return found?.backend === backend ? davUser(found.person) : undefined
}

/** A user's way to the DAV server, and what the user is called in its addresses. */
export function davOf(server: DavServer, person: Person, own: Login, timeoutSeconds: number, breaker?: Breaker) {
  const user = davUser(person)
  return { user, client: davClient(server, loginAt(server.login, user, own), timeoutSeconds, breaker) }
}

const mailboxesRecalled = 64
/** Octets of address books that Postern looks through itself. */
const copiesSize = 64 * 1024 * 1024

/** `shared` is the site's. */
export const davMemory = (shared?: Shared): DavMemory => ({
  lists: davLists(shared), copies: new LRUCache<string, DavCopy>({ maxSize: copiesSize }),
})

export function loginOf(login: string, credentials: Credentials): Login {
  return credentials.kind === 'password'
    ? { kind: 'password', user: login, password: credentials.password }
    : { kind: 'bearer', user: login, token: credentials.token }
}

/** A master user opens the mailbox; the user's own credentials have been proven before. */
export function masterOf(login: string, { user, password, separator }: NonNullable<Backend['master']>): Login {
  return separator === undefined
    ? { kind: 'password', user, password, authzid: login }
    : { kind: 'password', user: `${login}${separator}${user}`, password }
}

import { readFileSync } from 'node:fs'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { makeCertificate } from './certificate.ts'
import type { Dovecot, DovecotOptions } from './dovecot.ts'
import { startDovecot } from './dovecot.ts'
import type { EximOptions } from './exim.ts'
import { startExim } from './exim.ts'
import type { Service } from './house.ts'
import { freePorts, openGround } from './house.ts'
import type { DavServer, Radicale } from './radicale.ts'
import { startRadicale } from './radicale.ts'
import { startRedis, type RedisServer } from './redis.ts'
import type { Stored } from './seed.ts'
import { seed } from './seed.ts'
import type { User } from './users.ts'
import { makeUsers } from './users.ts'
import { startXandikos } from './xandikos.ts'

export interface HouseOptions {
  /** Users besides `full`; twelve have names. */
  readonly users?: number
  readonly dovecot?: DovecotOptions
  /** `false` leaves SMTP out. */
  readonly exim?: EximOptions | false
  /** ManageSieve, and filters that run as mail is delivered. Needs `exim`. */
  readonly sieve?: boolean
  /** CalDAV and CardDAV; neither unless asked for. */
  readonly radicale?: boolean
  readonly xandikos?: boolean
  /** What processes may remember things together in. */
  readonly redis?: boolean
}

/** A user, by number, by name or by address. */
export type Who = User | number | string

/** Real servers on free ports of 127.0.0.1, below one temporary folder. */
export interface House {
  readonly dir: string
  readonly users: readonly User[]
  /** PEM text of the certificate all servers show. */
  readonly ca: string
  readonly imap: { readonly host: string, readonly port: number, readonly tlsPort: number }
  readonly lmtp: { readonly host: string, readonly port: number }
  /** ManageSieve; answers only where the house has `sieve`. */
  readonly sieve: { readonly host: string, readonly port: number }
  /** Exim's address; throws, like `dav`, if that server was not asked for. */
  readonly submission: { readonly host: string, readonly port: number }
  /** Where Radicale's discovery starts. */
  readonly dav: { readonly url: string }
  /** The servers themselves, to be stopped, started and paused. */
  readonly dovecot: Dovecot
  readonly exim: Service
  readonly radicale: Radicale
  readonly xandikos: DavServer
  readonly redis: RedisServer
  user(who: Who): User
  /** Straight to LMTP: the message is in the INBOX when this returns. Throws what the server refused. */
  deliver(to: Who, message: string | Uint8Array): Promise<void>
  /** Stores messages as they are, thousands a second; makes the folder if missing. Returns how many. */
  seed(who: Who, folder: string, messages: Iterable<Stored | string | Uint8Array>): Promise<number>
  /** A connected second user agent; closed with the house. */
  imapClient(who: Who): Promise<ImapFlow>
  /** Ends all servers and removes their data. */
  stop(): Promise<void>
}

/** Starts the servers asked for; ready in 0.2 s, with DAV in 0.6 s. */
export async function startHouse(options: HouseOptions = {}): Promise<House> {
  const ground = openGround()
  try {
    const users = makeUsers(options.users ?? 12)
    const certificate = makeCertificate(ground)
    const [mail, radicale, xandikos, redis] = await Promise.all([
      startMail(),
      options.radicale ? startRadicale(ground, users) : undefined,
      options.xandikos ? startXandikos(ground, userOf(users, 0)) : undefined,
      options.redis ? startRedis(ground) : undefined,
    ])
    const ca = readFileSync(certificate.cert, 'utf8')
    return assemble({ users, dir: ground.dir, ca, ...mail, radicale, xandikos, redis }, () => ground.close())

    async function startMail() {
      const { exim, sieve } = options
      const [smtpPort = 0] = await freePorts(1)
      const dovecot = await startDovecot(ground, users, certificate, { ...options.dovecot, ...(sieve ? { sieve: { smtpPort } } : {}) })
      return { dovecot, exim: exim === false ? undefined : await startExim(ground, users, certificate, dovecot.lmtpPort, { ...exim, port: smtpPort }) }
    }
  } catch (error) {
    await ground.close()
    throw error
  }
}

interface Servers {
  readonly dir: string
  readonly ca: string
  readonly users: readonly User[]
  readonly dovecot: Dovecot
  readonly exim: Service | undefined
  readonly radicale: Radicale | undefined
  readonly xandikos: DavServer | undefined
  readonly redis: RedisServer | undefined
}

function assemble({ dir, ca, users, dovecot, ...maybe }: Servers, close: () => Promise<void>): House {
  const { host, port, tlsPort, lmtpPort, sievePort } = dovecot
  const clients: ImapFlow[] = []
  return {
    dir,
    ca,
    users,
    dovecot,
    imap: { host, port, tlsPort },
    lmtp: { host, port: lmtpPort },
    sieve: { host, port: sievePort },
    get exim() { return wanted(maybe.exim, 'exim') },
    get radicale() { return wanted(maybe.radicale, 'radicale') },
    get xandikos() { return wanted(maybe.xandikos, 'xandikos') },
    get redis() { return wanted(maybe.redis, 'redis') },
    get submission() { return { host, port: this.exim.port } },
    get dav() { return { url: this.radicale.url } },
    user: who => userOf(users, who),
    async deliver(to, message) {
      const transport = createTransport({ host, port: lmtpPort, lmtp: true, ignoreTLS: true })
      const envelope = { from: 'sender@corpus.test', to: [userOf(users, to).address] }
      // After DATA an LMTP server answers for each recipient; nodemailer reports that, but does not throw it.
      const { rejectedErrors: [refusal] = [] } = await transport.sendMail({ envelope, raw: Buffer.from(message) })
      if (refusal) throw refusal
    },
    seed: (who, folder, messages) => seed({ host, port, ...userOf(users, who) }, folder, messages),
    async imapClient(who) {
      const { login, password } = userOf(users, who)
      const auth = { user: login, pass: password }
      const client = new ImapFlow({ host, port, auth, secure: false, doSTARTTLS: false, logger: false, disableCompression: true })
      // A connection that an outage test breaks must not end the test run.
      client.on('error', () => {})
      await client.connect()
      clients.push(client)
      return client
    },
    async stop() {
      for (const client of clients) client.close()
      await close()
    },
  }
}

function userOf(users: readonly User[], who: Who): User {
  if (typeof who === 'object') return who
  const name = typeof who === 'string' ? who.split('@')[0] : undefined
  return wanted(typeof who === 'number' ? users[who] : users.find(user => user.name === name), String(who))
}

function wanted<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`this house has no ${name}`)
  return thing
}

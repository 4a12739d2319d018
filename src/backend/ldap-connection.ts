import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure, type ConnectionOptions } from 'node:tls'
import { Client, ResultCodeError, type Entry, type SearchOptions } from 'ldapts'
import { always, type Breaker } from '../base/breaker.ts'
import { Failure } from '../base/failure.ts'

export type LdapServer = {
  /** `ldap://host:port` or `ldaps://host:port`. */
  readonly url: string
  readonly starttls?: boolean
  /** False accepts any certificate. Default true. */
  readonly rejectUnauthorized?: boolean
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string
  /** Seconds for the connection and for each answer. Default 10. */
  readonly timeoutSeconds?: number
}

export type LdapLogin = { readonly dn: string; readonly password: string }

/** What the server may send before an answer is complete, in octets: ldapts itself takes all there is. */
const mostOctets = 8 * 1024 * 1024

/** RFC 4511, Result Code. */
const noSuchObject = 32, insufficientAccessRights = 50

/** Asked for an entry that is not there. */
const isMissing = (error: unknown): boolean => error instanceof ResultCodeError && error.code === noSuchObject

/** The connection ended; not that there was no answer in time. */
const isBroken = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof ResultCodeError) && !(error instanceof Failure) && !error.message.includes('timed out')

type Opened = {
  readonly client: Client
  /** Octets since the last answer was complete. */
  received: number
}

/** RFC 4511: one connection, made when it is needed and anew when it broke, shared by all requests at the same time. */
export class LdapConnection {
  readonly #server: LdapServer
  readonly #login: LdapLogin | undefined
  readonly #breaker: Breaker
  #opening: Promise<Opened> | undefined

  /** Anonymous without a login. */
  constructor(server: LdapServer, login: LdapLogin | undefined, breaker = always) {
    this.#server = server
    this.#login = login
    this.#breaker = breaker
  }

  get name(): string {
    const { host } = new URL(this.#server.url)
    return host
  }

  /** Entries below `base`. Throws `unavailable`, also where the base does not exist, and `denied`. */
  async search(base: string, options: SearchOptions): Promise<Entry[]> {
    try {
      return await this.#ask(base, options)
    } catch (error) {
      throw this.#failure(error, isMissing(error) ? `has no entry ${base}` : 'does not search')
    }
  }

  /** One entry by its DN, with texts and octets of it; undefined where it is not there. */
  async read(dn: string, octets: readonly string[], texts: readonly string[] = []): Promise<Entry | undefined> {
    try {
      const attributes = [...octets, ...texts]
      return (await this.#ask(dn, { scope: 'base', attributes, explicitBufferAttributes: [...octets], sizeLimit: 1 }))[0]
    } catch (error) {
      if (isMissing(error)) return undefined
      throw this.#failure(error, 'does not show an entry')
    }
  }

  close(): void {
    const opening = this.#opening
    this.#opening = undefined
    void opening?.then(({ client }) => client.unbind()).catch(() => {})
  }

  async #ask(base: string, options: SearchOptions): Promise<Entry[]> {
    const timeLimit = this.#server.timeoutSeconds ?? 10
    const ask = async (opened: Opened): Promise<Entry[]> => {
      const { searchEntries } = await opened.client.search(base, { timeLimit, ...options })
      opened.received = 0
      return searchEntries
    }
    const former = this.#opening
    const opened = await this.#open()
    try {
      return await ask(opened)
    } catch (error) {
      // A server closes connections that nobody uses for long, and we learn of it when we use them.
      if (former === undefined || opened.client.isConnected || !isBroken(error)) throw error
      return ask(await this.#open())
    }
  }

  async #open(): Promise<Opened> {
    const known = this.#opening
    if (known) {
      const opened = await known.catch(() => undefined)
      if (opened?.client.isConnected) return opened
    }
    // Whoever comes first makes the new one, the others wait for it.
    if (this.#opening === known) {
      const opening = this.#breaker.run(alive => this.#connect(alive))
      this.#opening = opening
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined
      })
    }
    return await this.#opening ?? this.#open()
  }

  async #connect(alive: () => void): Promise<Opened> {
    const { url, starttls, timeoutSeconds = 10, ca, rejectUnauthorized = true } = this.#server
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
    const tls: ConnectionOptions = { rejectUnauthorized, servername: host, host, ...(ca ? { ca } : {}) }
    const sockets: Socket[] = []
    const counted = (socket: Socket): Socket => {
      sockets.push(socket)
      return socket.on('data', chunk => {
        opened.received += chunk.length
        if (opened.received > mostOctets) socket.destroy(new Error('more octets than an answer may have'))
      })
    }
    const client = new Client({
      url, timeout: timeoutSeconds * 1000, connectTimeout: timeoutSeconds * 1000,
      ...(url.startsWith('ldaps:') ? { tlsOptions: tls } : {}),
      createConnection: (...args: unknown[]) => counted((connectPlain as (...args: unknown[]) => Socket)(...args)),
      createSecureConnection: ((...args: unknown[]) => counted((connectSecure as (...args: unknown[]) => Socket)(...args))) as typeof connectSecure,
    })
    const opened: Opened = { client, received: 0 }
    // ldapts waits for the handshake of STARTTLS without an end.
    const timer = setTimeout(() => sockets.forEach(socket => socket.destroy(new Error('timed out'))), timeoutSeconds * 1000)
    try {
      if (starttls) await client.startTLS(tls)
      if (this.#login) await client.bind(this.#login.dn, this.#login.password)
      return opened
    } catch (error) {
      if (error instanceof ResultCodeError) alive()
      await client.unbind().catch(() => {})
      throw this.#failure(error, error instanceof ResultCodeError ? 'refuses the login' : 'cannot be reached')
    } finally {
      clearTimeout(timer)
    }
  }

  #failure(error: unknown, what: string): Failure {
    if (error instanceof Failure) return error
    if (!(error instanceof ResultCodeError)) return new Failure('unavailable', `LDAP at ${this.name} ${what}`, { cause: error })
    // RFC 4511, Result Code, by its name: what the server says besides may be anything.
    return new Failure(error.code === insufficientAccessRights ? 'denied' : 'unavailable', `LDAP at ${this.name} ${what} (${error.name.replace(/Error$/, '')})`)
  }
}

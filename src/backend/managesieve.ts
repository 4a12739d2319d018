import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Failure, type Kind } from '../base/failure.ts'
import type { Endpoint } from './connect.ts'
import type { Login } from './imap-connection.ts'
import { mostLiteral, readLine, type Word } from './managesieve-response.ts'

export type Script = { readonly name: string; readonly active: boolean }

type Line = readonly Word[]

/** Octets and lines of one response; milliseconds a connection may last in all. */
const mostResponse = mostLiteral + 256 * 1024, mostLines = 10_000, longest = 60_000

/** RFC 5804: one connection, logged in, one command at a time. All methods throw `Failure`. */
export class ManageSieve {
  readonly #name: string
  readonly #patience: number
  readonly #deadline: NodeJS.Timeout
  #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #lines: Line[] = []
  #octets = 0
  #waiting: { resolve(lines: Line[]): void; reject(error: unknown): void } | undefined
  #broken: Failure | undefined
  #authenticating = false
  #capabilities: ReadonlyMap<string, string> = new Map()

  private constructor(endpoint: Endpoint, patience: number) {
    this.#name = `${endpoint.host}:${endpoint.port}`
    this.#patience = patience
    const { host, port } = endpoint
    this.#socket = endpoint.security === 'tls' ? connectTls({ host, port, ...tlsOf(endpoint) }) : connectSocket({ host, port })
    this.#listen()
    this.#deadline = setTimeout(() => this.#end('took too long'), longest).unref()
  }

  /**
   * Connects, secures the connection and logs in. `patience`: milliseconds of silence after which the server counts as gone.
   * Throws `auth` for credentials that are refused. `greeted` is called when the server has said its first word.
   */
  static async open(endpoint: Endpoint, login: Login, patience = 20_000, greeted = (): void => {}): Promise<ManageSieve> {
    const sieve = new ManageSieve(endpoint, patience)
    try {
      sieve.#hear(await sieve.#response())
      greeted()
      if (endpoint.security === 'starttls') await sieve.#secure(endpoint)
      await sieve.#authenticate(login)
      // What a user may do can differ from what the greeting says.
      sieve.#hear(await sieve.#ask('CAPABILITY'))
      return sieve
    } catch (error) {
      sieve.close()
      throw error
    }
  }

  get implementation(): string {
    return this.#capabilities.get('IMPLEMENTATION') ?? ''
  }

  /** What a script may require. */
  get extensions(): ReadonlySet<string> {
    return new Set((this.#capabilities.get('SIEVE') ?? '').toLowerCase().split(' ').filter(Boolean))
  }

  async list(): Promise<readonly Script[]> {
    const lines = await this.#ask('LISTSCRIPTS')
    return lines.slice(0, -1).flatMap(([name, mark]) => name?.kind === 'string' ? { name: name.text, active: mark?.text === 'ACTIVE' } : [])
  }

  /** Throws `not-found`. */
  async get(name: string): Promise<string> {
    const [[script] = []] = await this.#ask(`GETSCRIPT ${quote(name)}`)
    if (script?.kind !== 'string') throw new Failure('unavailable', `${this.#name} sent no script`)
    return script.text
  }

  /** Stores a script, over one of the same name. Throws `unsupported` for one the server does not understand, `quota`. */
  async put(name: string, script: string): Promise<void> {
    await this.#ask(`PUTSCRIPT ${quote(name)} ${quote(script)}`)
  }

  /** Throws as `put` does, and stores nothing. */
  async check(script: string): Promise<void> {
    await this.#ask(`CHECKSCRIPT ${quote(script)}`)
  }

  /** Undefined: no script runs any more. */
  async activate(name: string | undefined): Promise<void> {
    await this.#ask(`SETACTIVE ${quote(name ?? '')}`)
  }

  close(): void {
    clearTimeout(this.#deadline)
    if (this.#broken) return
    this.#broken = new Failure('unavailable', `${this.#name} was left`)
    this.#socket.setTimeout(1000).end('LOGOUT\r\n')
  }

  #hear(lines: readonly Line[]): void {
    this.#capabilities = new Map(lines.slice(0, -1).map(([name, value]) => [name?.text.toUpperCase() ?? '', value?.text ?? '']))
  }

  /** RFC 5804, STARTTLS Command: what was said before counts no longer, the server says it anew. */
  async #secure(endpoint: Endpoint): Promise<void> {
    if (!this.#capabilities.has('STARTTLS')) throw new Failure('unavailable', `${this.#name} does not offer STARTTLS`)
    await this.#ask('STARTTLS')
    const plain = this.#socket
    if (this.#received.length > 0) throw new Failure('unavailable', `${this.#name} spoke on before TLS`)
    for (const event of ['data', 'error', 'close', 'timeout']) plain.removeAllListeners(event)
    plain.on('error', () => {})
    this.#socket = connectTls({ socket: plain, ...tlsOf(endpoint) })
    this.#listen()
    this.#hear(await this.#response())
  }

  async #authenticate(login: Login): Promise<void> {
    const offered = (this.#capabilities.get('SASL') ?? '').toUpperCase().split(' ')
    const [mechanism, response] = login.kind === 'password' ? plain(login) : bearer(login, offered)
    if (!offered.includes(mechanism)) throw new Failure('unsupported', `${this.#name} does not offer ${mechanism}`)
    this.#authenticating = true
    await this.#ask(`AUTHENTICATE "${mechanism}" ${quote(Buffer.from(response).toString('base64'))}`)
    this.#authenticating = false
  }

  #ask(command: string): Promise<Line[]> {
    const response = this.#response(command.split(' ', 1)[0]!)
    if (!this.#broken) this.#socket.write(`${command}\r\n`)
    return response
  }

  /** The lines up to and with the OK. */
  #response(verb = 'the connection'): Promise<Line[]> {
    if (this.#broken) return Promise.reject(this.#broken)
    return new Promise<Line[]>((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#octets = 0
    }).then(lines => {
      const [state, ...rest] = lines.at(-1)!
      if (state!.text === 'OK') return lines
      throw refusal(this.#name, verb, rest)
    })
  }

  #listen(): void {
    this.#socket.setTimeout(this.#patience, () => this.#end('says nothing'))
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket.on('error', error => this.#end('cannot be reached', error))
    this.#socket.on('close', () => this.#end('broke off'))
  }

  #take(chunk: Buffer): void {
    this.#octets += chunk.length
    this.#received = Buffer.concat([this.#received, chunk])
    try {
      if (this.#octets > mostResponse || this.#lines.length > mostLines) throw new Failure('unavailable', `${this.#name} says too much`)
      for (let line = readLine(this.#received); line && !this.#broken; line = readLine(this.#received)) {
        this.#received = this.#received.subarray(line.length)
        this.#add(line.words)
      }
    } catch (error) {
      this.#end('is not understood', error)
    }
  }

  #add(line: Line): void {
    const [first, second] = line
    if (!first) return
    // Before TLS somebody else could have said it.
    if (!this.#waiting) return this.#end('speaks out of turn')
    this.#lines.push(line)
    // A question of the SASL mechanism, which after all was said can only be about why it fails: RFC 7628, Server Response to Failed Authentication.
    if (this.#authenticating && first.kind === 'string' && !second) this.#socket.write('"*"\r\n')
    if (first.kind !== 'atom' || !['OK', 'NO', 'BYE'].includes(first.text)) return
    const lines = this.#lines, { resolve } = this.#waiting
    this.#lines = []
    this.#waiting = undefined
    resolve(lines)
  }

  #end(why: string, cause?: unknown): void {
    this.#broken ??= new Failure('unavailable', `${this.#name} ${why}`, { cause })
    clearTimeout(this.#deadline)
    this.#waiting?.reject(this.#broken)
    this.#waiting = undefined
    this.#socket.destroy()
  }
}

const tlsOf = ({ host, rejectUnauthorized = true, ca }: Endpoint) =>
  ({ rejectUnauthorized, ...(ca ? { ca } : {}), ...(isIP(host) ? { host } : { servername: host }) })

// RFC 4616, PLAIN SASL Mechanism
const plain = ({ user, password, authzid = '' }: Extract<Login, { kind: 'password' }>): [string, string] =>
  ['PLAIN', `${authzid}\0${user}\0${password}`]

/** RFC 7628, Client's Initial Response; or what Google made of it before. */
function bearer({ user, token }: Extract<Login, { kind: 'bearer' }>, offered: readonly string[]): [string, string] {
  if (offered.includes('XOAUTH2') && !offered.includes('OAUTHBEARER')) return ['XOAUTH2', `user=${user}\x01auth=Bearer ${token}\x01\x01`]
  return ['OAUTHBEARER', `n,a=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},\x01auth=Bearer ${token}\x01\x01`]
}

/** RFC 5804, Formal Syntax: a quoted string holds 1024 octets, anything longer is a literal. */
function quote(value: string): string {
  const octets = Buffer.byteLength(value)
  if (octets > 1000 || /[\r\n\0]/.test(value)) return `{${octets}+}\r\n${value}`
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

// RFC 5804, Response Codes
const kinds: Readonly<Record<string, Kind>> = {
  QUOTA: 'quota', NONEXISTENT: 'not-found', ALREADYEXISTS: 'exists', ACTIVE: 'conflict', TRYLATER: 'busy',
  'ENCRYPT-NEEDED': 'denied', 'AUTH-TOO-WEAK': 'denied', 'TRANSITION-NEEDED': 'denied',
}
/** What a NO without a code means. */
const verbs: Readonly<Record<string, Kind>> = { AUTHENTICATE: 'auth', PUTSCRIPT: 'unsupported', CHECKSCRIPT: 'unsupported', SETACTIVE: 'unsupported' }

/** What the server says may quote the script, so it is only the cause. */
function refusal(name: string, verb: string, words: Line): Failure {
  const [code] = words.find(({ kind }) => kind === 'code')?.text.toUpperCase().split('/') ?? []
  const told = words.find(({ kind }) => kind === 'string')?.text ?? ''
  return new Failure(kinds[code ?? ''] ?? verbs[verb] ?? 'unavailable', `${name} refused ${verb}${code ? `: ${code}` : ''}`, { cause: new Error(told) })
}

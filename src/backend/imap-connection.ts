import type { Socket } from 'node:net'
import type { Transform } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import { Failure, type Kind } from '../base/failure.ts'
import { unmeasured, type Metrics } from '../base/metrics.ts'
import type { Endpoint } from './connect.ts'
import { cutterLimits, ResponseCutter } from './imap-cutter.ts'
import { parseResponse, type Response } from './imap-response.ts'
import { CommandWriter, type Piece } from './imap-writer.ts'

export type Login =
  | { readonly kind: 'password'; readonly user: string; readonly password: string; readonly authzid?: string }
  | { readonly kind: 'bearer'; readonly user: string; readonly token: string }

/** A command without its tag, in ASCII. */
export type Command = {
  readonly line: string
  /** Stands behind the line. */
  readonly literal?: Uint8Array
  /** What stands behind the literal, where it is not the last argument. */
  readonly rest?: readonly Piece[]
  /**
   * Gets each untagged response that may be meant for this command: also those of commands under way at the same time, so it takes what
   * it asked for and nothing else. True: it was for this one alone.
   */
  readonly on?: (response: Response, tag: string) => boolean | void
  /** What comes before its tagged answer is for this command, and what it will ask for comes after: SELECT, where UIDs change meaning. */
  readonly barrier?: boolean
  /** Called when the server asks to go on. */
  readonly go?: () => void
  /** The server may be silent for as long as it likes: IDLE. */
  readonly patient?: boolean
}

/** What a connection is for. */
export type Use = 'session' | 'watch' | 'append' | 'proof' | 'check'
export type Counting = { readonly metrics: Metrics; readonly use: Use }

/** Told when the server greets, and once when an open connection is gone; who counts it. */
export type Hooks = { greeted?(): void; closed?(): void; readonly counting?: Counting }

const uncounted: Counting = { metrics: unmeasured, use: 'check' }

type Pending = Command & { readonly tag: string; readonly settle: (answer: Response) => void; readonly fail: (cause: unknown) => void }

/** What this file uses of imapflow beyond its types; test/backend/imap-connection.test.ts holds it to that. */
interface Internals {
  socket: Socket | false
  streamer: Transform & { lineBuffer: unknown[]; inputBuffer: unknown[]; literals: unknown[]; inputQueue: unknown[]; activeInput: unknown }
  usable: boolean
  rawCapabilities: unknown
  exec(command: string, attributes?: unknown, options?: object): Promise<{ next(): void }>
  run(command: string, ...rest: unknown[]): Promise<unknown>
  handleResponse(data: { payload: Buffer; literals: readonly Uint8Array[] }): Promise<boolean>
  configureSocket(socket: Socket): void
  startSession(): Promise<void>
  authenticate(): Promise<boolean>
  upgradeToSTARTTLS(): Promise<unknown>
  setAuthenticationState(): Promise<void>
  closeConnection(): void
}

const Base = ImapFlow as unknown as new (options: ImapFlowOptions) => ImapFlow & Internals

/** Takes a response; false leaves it to imapflow. */
type Take = (line: string, literals: readonly Uint8Array[]) => boolean

/** Of an answer that comes in chunks this large, so many octets are read until others have their turn: libuv reads 2 MiB in one go, a hundred milliseconds of flags. */
const large = 8192, breath = 128 * 1024

/** imapflow as far as the login: TLS, STARTTLS, SASL. */
class Flow extends Base {
  #take: Take | undefined
  /** Called when the server has said its first word. */
  greeted: (() => void) | undefined
  /** Octets that came, past imapflow. */
  received = 0

  override async handleResponse(data: { payload: Buffer; literals: readonly Uint8Array[] }): Promise<boolean> {
    return this.#take?.(data.payload.toString('latin1'), data.literals) ? true : super.handleResponse(data)
  }

  /** From now on `take` gets the responses. imapflow cuts them with some promises each, so it does only where it has begun one. */
  async takeOver(take: Take): Promise<void> {
    this.#take = take
    // It reads them once, and would keep them: 3 KiB a connection.
    this.rawCapabilities = null
    await nextTurn() // it is about to end with the answer to the login
    const { socket, streamer } = this
    const { lineBuffer, inputBuffer, literals, inputQueue, activeInput } = streamer
    if (!socket || activeInput || [lineBuffer, inputBuffer, literals, inputQueue].some(({ length }) => length > 0)) return
    const cutter = new ResponseCutter((line, found) => {
      if (!take(line, found)) void this.handleResponse({ payload: Buffer.from(line, 'latin1'), literals: found }).catch(() => this.closeConnection())
    })
    let unbroken = 0
    socket.unpipe(streamer).on('data', (chunk: Buffer) => {
      this.received += chunk.length
      if (!fed(cutter, chunk)) this.closeConnection()
      if (chunk.length < large || (unbroken += chunk.length) < breath) return
      unbroken = 0
      socket.pause()
      setImmediate(() => socket.resume())
    }).resume()
  }

  override configureSocket(socket: Socket): void {
    super.configureSocket(socket)
    socket.setNoDelay(true)
  }

  // ID, NAMESPACE and ENABLE cost a round trip each: the session asks for what it needs in one go.
  override async startSession(): Promise<void> {
    this.greeted?.()
    await this.run('CAPABILITY')
    await this.upgradeToSTARTTLS()
    await this.authenticate()
    this.usable = true
  }

  // RFC 4959: an initial response saves the round trip that imapflow spends on PLAIN.
  override async authenticate(): Promise<boolean> {
    const { user = '', pass, authzid = '' } = this.options.auth ?? {}
    if (!pass || !this.capabilities.has('SASL-IR') || !this.capabilities.has('AUTH=PLAIN')) return super.authenticate()
    const response = Buffer.from([authzid, user, pass].join('\0')).toString('base64')
    // Most servers send their other capabilities with the tagged OK; those that do not are asked.
    Object.assign(this, { expectCapabilityUpdate: true })
    const done = await this.exec('AUTHENTICATE', [{ type: 'ATOM', value: 'PLAIN' }, { type: 'ATOM', value: response, sensitive: true }])
    done.next()
    await this.setAuthenticationState()
    return true
  }
}

/** False: the server has said what it cannot mean. */
function fed(cutter: ResponseCutter, chunk: Buffer): boolean {
  try {
    return cutter.feed(chunk)
  } catch {
    return false
  }
}

/**
 * One IMAP connection, logged in. Commands go out at once, however many are under way. A server answers them in order or, where that
 * changes nothing, not quite: Dovecot holds back the tagged answers of commands whose data it has sent, so data are told apart by what
 * they are (RFC 9051, Multiple Commands in Progress).
 */
export class ImapConnection {
  readonly #flow: Flow
  readonly #name: string
  readonly #patience: number
  readonly #hooks: Hooks
  /** In the order they were sent. No Map: one that grows old holds on to what commands of long ago were answered. */
  readonly #pending: Pending[] = []
  readonly #writer = new CommandWriter({
    write: octets => { if (this.#flow.socket) this.#flow.socket.write(octets, 'latin1') },
    unasked: length => this.has('LITERAL+') || (this.has('LITERAL-') && length <= 4096),
  })
  #counting: Counting | undefined
  #tags = 0
  #watchdog: NodeJS.Timeout | undefined
  /** Octets received when the watchdog looked last. */
  #heard = 0
  /** Times this connection began to wait for its server: the round trips, as pipelining leaves them. */
  roundTrips = 0
  /** When the last answer came, in milliseconds of `performance.now()`. */
  lastUsed = performance.now()
  /** Called once when the connection is gone. */
  onClose: (() => void) | undefined
  /** Gets every untagged response, whether or not a command is under way. */
  onNews: ((response: Response) => void) | undefined

  private constructor(endpoint: Endpoint, login: Login, patience: number, hooks: Hooks) {
    this.#name = `${endpoint.host}:${endpoint.port}`
    this.#patience = patience
    this.#hooks = hooks
    this.#flow = new Flow(flowOptions(endpoint, login, patience))
    this.#flow.greeted = () => hooks.greeted?.()
    this.#flow.on('error', () => {})
    this.#flow.on('close', () => this.#lost())
  }

  /** Connects and logs in. `patience`: milliseconds without an octet after which the server counts as gone. */
  static async open(endpoint: Endpoint, login: Login, patience = 60_000, hooks: Hooks = {}): Promise<ImapConnection> {
    const { counting = uncounted } = hooks
    const connection = new ImapConnection(endpoint, login, patience, hooks)
    try {
      await connection.#flow.connect()
    } catch (error) {
      connection.close()
      const failure = loginFailure(connection.#name, error)
      counting.metrics.add('logins', { use: counting.use, result: failure.kind === 'auth' ? 'refused' : 'unavailable' })
      throw failure
    }
    await connection.#flow.takeOver((line, literals) => connection.#take(line, literals))
    connection.#count(counting)
    connection.lastUsed = performance.now()
    return connection
  }

  #count(counting: Counting): void {
    const { metrics, use } = counting
    metrics.add('logins', { use, result: 'ok' })
    // It may have been lost by now, and told so before it was counted.
    if (this.#flow.isClosed) return
    metrics.add('imapConnections', { use })
    this.#counting = counting
  }

  has(capability: string): boolean {
    return this.#flow.capabilities.has(capability)
  }

  get capabilities(): readonly string[] {
    return [...this.#flow.capabilities.keys()]
  }

  get closed(): boolean {
    return this.#flow.isClosed || !this.#flow.usable
  }

  get busy(): boolean {
    return this.#pending.length > 0
  }

  get octets(): { readonly sent: number; readonly received: number } {
    const { sent, received } = this.#flow.stats()
    return { sent, received: received + this.#flow.received }
  }

  close(): void {
    this.#flow.close()
  }

  /** Writes the commands in one go. Each answer is the tagged OK, or a `Failure` whose cause is the tagged NO or BAD. */
  send(commands: readonly Command[]): Promise<Response>[] {
    const { socket } = this.#flow
    const lines = commands.flatMap(piecesOf)
    if (lines.some(({ line }) => /[\r\n\0]|[^\x00-\x7f]/.test(line))) throw new Failure('malformed', 'a line that IMAP cannot carry')
    if (!this.busy && commands.length) this.#watch()
    if (socket) socket.cork()
    const answers = commands.map(command => new Promise<Response>((resolve, reject) => this.#write(command, resolve, reject)))
    // One packet for the commands of all requests that came in this turn of the event loop.
    if (socket) setImmediate(() => socket.uncork())
    // Whoever reads the answers may be reading the one before, which failed for the same reason.
    for (const answer of answers) answer.catch(() => {})
    return answers
  }

  /** Says something within a command, such as DONE. What is sent in the same turn of the event loop goes with it. */
  say(line: string): void {
    const { socket } = this.#flow
    if (!socket || this.closed) return
    socket.cork()
    socket.write(`${line}\r\n`)
    setImmediate(() => socket.uncork())
  }

  /** Writes octets of a literal the server has asked for; settles when more may be written. Throws `unavailable`. */
  pour(octets: Uint8Array): Promise<void> {
    const { socket } = this.#flow
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Failure('unavailable', `${this.#name} broke off`))
      if (this.closed || !socket) return gone()
      if (socket.write(octets)) return resolve()
      const settle = (): void => {
        socket.off('drain', settle).off('close', settle)
        if (socket.destroyed) gone()
        else resolve()
      }
      socket.on('drain', settle).on('close', settle)
    })
  }

  #write(command: Command, resolve: (answer: Response) => void, reject: (cause: Failure) => void): void {
    const { socket } = this.#flow
    const tag = `p${++this.#tags}`
    const fail = (cause: unknown): void => reject(new Failure('unavailable', `${this.#name} broke off`, { cause }))
    const settle = (answer: Response): void => answer.name === 'OK' ? resolve(answer) : reject(refusal(this.#name, command.line, answer))
    if (this.closed || !socket) return fail(undefined)
    this.#pending.push({ ...command, tag, settle, fail })
    this.#writer.write(tag, piecesOf(command))
  }

  #take(line: string, literals: readonly Uint8Array[]): boolean {
    if (line.startsWith('* ')) {
      const response = parseResponse(line.slice(2), literals)
      // RFC 9051, BYE: what it still says of the commands under way is no answer.
      if (response.name === 'BYE') this.#flow.closeConnection()
      this.#offer(response)
      this.onNews?.(response)
      return response.name !== 'CAPABILITY'
    }
    if (line.startsWith('+')) {
      if (!this.#writer.go()) this.#pending.find(({ go }) => go)?.go!()
      return true
    }
    const answered = line.slice(0, line.indexOf(' ')), at = this.#pending.findIndex(({ tag }) => tag === answered)
    const [pending] = at < 0 ? [] : this.#pending.splice(at, 1)
    if (!pending) return true
    this.lastUsed = performance.now()
    this.#writer.ended(pending.tag)
    pending.settle(parseResponse(line.slice(pending.tag.length + 1), literals))
    return true
  }

  /** To all that may have asked for it: those under way in the mailbox that is selected now. */
  #offer(response: Response): void {
    let first = true
    let told: Command['on']
    for (const { barrier, on, tag } of this.#pending) {
      if (barrier && !first) return
      // The commands of one batch often share theirs.
      if (on !== told && on?.(response, tag)) return
      if (barrier) return
      told = on
      first = false
    }
  }

  /** A server that says nothing while it owes an answer is gone. */
  #watch(): void {
    this.roundTrips++
    this.#heard = this.octets.received
    this.#watchdog ??= setTimeout(() => this.#look(), this.#patience).unref()
    this.#watchdog.refresh()
  }

  #look(): void {
    if (!this.busy) return
    const owes = this.#pending.some(({ patient }) => !patient)
    if (owes && this.octets.received === this.#heard) return this.#flow.closeConnection()
    this.#heard = this.octets.received
    this.#watchdog?.refresh()
  }

  #lost(): void {
    this.#counting?.metrics.add('imapConnections', { use: this.#counting.use }, -1)
    this.#counting = undefined
    clearTimeout(this.#watchdog)
    for (const { fail } of this.#pending.splice(0)) fail(new Error('the connection was closed'))
    this.onClose?.()
    this.#hooks.closed?.()
  }
}

const piecesOf = ({ line, literal, rest = [] }: Command): readonly Piece[] => [{ line, literal }, ...rest]

function flowOptions(endpoint: Endpoint, login: Login, patience: number): ImapFlowOptions {
  return {
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.security === 'tls',
    doSTARTTLS: endpoint.security === 'starttls',
    auth: login.kind === 'password'
      ? { user: login.user, pass: login.password, ...(login.authzid ? { authzid: login.authzid } : {}) }
      : { user: login.user, accessToken: login.token },
    tls: { rejectUnauthorized: endpoint.rejectUnauthorized ?? true, ...(endpoint.ca ? { ca: endpoint.ca } : {}) },
    logger: false, emitLogs: false,
    disableAutoIdle: true, disableCompression: true, disableAutoEnable: true,
    connectionTimeout: Math.min(patience, 15_000), greetingTimeout: Math.min(patience, 15_000),
    // Idle connections are closed by whoever keeps them; a busy one has its own watchdog.
    socketTimeout: 60 * 60_000,
    maxLineLength: cutterLimits.line, maxLiteralSize: cutterLimits.literal, maxResponseSize: cutterLimits.response,
  }
}

// Response codes of RFC 9051 (Generic Status Responses), RFC 5530 and RFC 9208.
const kinds: Readonly<Record<string, Kind>> = {
  ALREADYEXISTS: 'exists', AUTHENTICATIONFAILED: 'auth', AUTHORIZATIONFAILED: 'auth', EXPIRED: 'auth', CANNOT: 'denied', NOPERM: 'denied',
  PRIVACYREQUIRED: 'denied', NONEXISTENT: 'not-found', TRYCREATE: 'not-found', OVERQUOTA: 'quota', LIMIT: 'busy', INUSE: 'busy',
  TOOBIG: 'too-large', HASCHILDREN: 'exists',
}

function refusal(name: string, line: string, answer: Response): Failure {
  const { code = '', text } = answer
  const guess = /quota/i.test(text) ? 'quota' : /already exists/i.test(text) ? 'exists' : /exist/i.test(text) ? 'not-found' : 'unavailable'
  const verb = line.split(' ', line.startsWith('UID') ? 2 : 1).join(' ')
  return new Failure(kinds[code] ?? guess, `${name} refused ${verb}: ${answer.name} ${code}`.trim(), { cause: answer })
}

function loginFailure(name: string, error: unknown): Failure {
  const { responseStatus, serverResponseCode, code, response } = error as Record<string, unknown>
  const told = `${String(serverResponseCode ?? '')} ${typeof response === 'object' ? JSON.stringify(response) : String(response ?? '')}`
  const temporary = /UNAVAILABLE|INUSE|LIMIT|SERVERBUG|temporar/i.test(told)
  if (responseStatus === 'NO' && !temporary) return new Failure('auth', `${name} refused the login`, { cause: error })
  return new Failure('unavailable', `${name} cannot be reached (${String(code ?? (error as Error).message)})`, { cause: error })
}

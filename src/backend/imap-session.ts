import { Failure, stale } from '../base/failure.ts'
import type { Endpoint } from './connect.ts'
import { readCapabilities, type ImapCapabilities } from './imap-capabilities.ts'
import type { ImapConnection, Command as Line, Login } from './imap-connection.ts'
import { plainDial, type Dial } from './imap-dial.ts'
import { quote, readNamespaces, type Namespaces } from './imap-names.ts'
import { bignumber, list, number, text, type Response, type Value } from './imap-response.ts'
import { samePath, statusCommand, type MailboxState } from './imap-state.ts'

export type SessionOptions = {
  readonly endpoint: Endpoint
  readonly login: Login
  readonly idleSeconds: number
  readonly timeoutSeconds: number
  readonly dial?: Dial
}

export type Command = Line & {
  /** A NO or BAD is an answer like any other, for `result` to read. */
  readonly optional?: boolean
  readonly failed?: () => void
}

/** Commands of one go, made anew for each attempt so that what they collect starts empty. */
export type Batch<T> = { readonly commands: readonly Command[]; readonly result: (answers: readonly Response[]) => T }

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * As of the last command written; `validity` comes with the answer, and the flags that may be changed for good where the server says so.
 * `looked`: since then nothing was done there, for it was selected to learn its state.
 */
type Selected = { readonly path: string; validity: number | undefined; permanent?: ReadonlySet<string>; looked?: boolean }

// A connection unused for longer is asked something harmless before anything is changed through it.
const trusted = 30_000

/**
 * One user's IMAP session, shared by all devices and requests, open while it is used. Everything about one mailbox goes out in one
 * batch behind its SELECT, so requests need to queue only for the moment of writing; a server answers them in that order.
 */
export class ImapSession {
  readonly #options: Required<SessionOptions>
  #connection: ImapConnection | undefined
  #selected: Selected | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined
  #retired = false
  /** Questions for the state of a mailbox that are not on their way yet. */
  readonly #asked = new Map<string, Promise<MailboxState | undefined>>()
  #capabilities: ImapCapabilities | undefined
  #namespaces: Namespaces | undefined
  /** Settles when what is said once a connection was answered, before anything that was asked behind it. */
  #prepared: Promise<void> | undefined
  #preparing = false
  /** Connections opened so far, and round trips of those gone. */
  connects = 0
  #pastTrips = 0

  constructor(options: SessionOptions) {
    this.#options = { dial: plainDial(options.endpoint), ...options }
  }

  get capabilities(): ImapCapabilities {
    if (!this.#capabilities) throw new Failure('unavailable', 'the session was never open')
    return this.#capabilities
  }

  get namespaces(): Namespaces {
    return this.#namespaces ?? { personal: { prefix: '', delimiter: '/' }, foreign: [] }
  }

  get announced(): readonly string[] {
    return this.#connection?.capabilities ?? []
  }

  get roundTrips(): number {
    return this.#pastTrips + (this.#connection?.roundTrips ?? 0)
  }

  /** Opens the session where it is not: it is logged in. Throws `auth`, `unavailable`. */
  async open(): Promise<void> {
    await this.#queue(() => this.#open())
  }

  /** The same, and what the server has and calls things is known for certain. */
  async ready(): Promise<void> {
    await this.open()
    await this.#prepared
  }

  /** A connection of its own for whoever needs one that nobody waits behind; to be closed by them. Throws `auth`, `unavailable`. */
  async another(): Promise<{ connection: ImapConnection; patience: number }> {
    const { dial, login, timeoutSeconds } = this.#options
    return { connection: await dial(login, timeoutSeconds * 1000, 'append'), patience: timeoutSeconds * 1000 }
  }

  /** Closes when the commands under way have ended. */
  close(): void {
    this.#retired = true
    if (!this.#connection?.busy) this.#drop()
  }

  /** A batch that needs no mailbox; repeated once where a connection that was waiting turns out to be gone. */
  async plain<T>(make: () => Batch<T>): Promise<T> {
    return this.#persist(connection => this.#put(connection, [], make()))
  }

  /** A batch that changes something outside mailboxes: never repeated. `leaves`: it selects another mailbox. */
  async once<T>(make: () => Batch<T>, leaves = false): Promise<T> {
    const sent = await this.#queue(async () => {
      let connection = await this.#open()
      if (this.#untrusted(connection)) {
        await Promise.allSettled(this.#send(connection, [{ line: 'NOOP' }]))
        connection = await this.#open()
      }
      if (leaves) this.#selected = undefined
      return { done: this.#put(connection, [], make()) }
    })
    return sent.done
  }

  /**
   * A batch that reads one mailbox, in one round trip with the mailbox's state, which was taken before anything in the batch was read.
   * Repeated once where a connection that was waiting turns out to be gone.
   */
  async read<T>(path: string, make: () => Batch<T>): Promise<{ state: MailboxState; fresh: boolean; result: T }> {
    return this.#persist(async connection => {
      const fresh = this.#selected?.path !== path
      const { commands, state } = this.#select(path)
      const result = await this.#put(connection, commands, make())
      return { state: known(state), fresh, result }
    })
  }

  /** The states of mailboxes as they are now, in one round trip; undefined for one that is not there or does not tell. */
  async status(paths: readonly string[]): Promise<(MailboxState | undefined)[]> {
    return this.#persist(connection => this.#askStates(connection, paths))
  }

  /** That of one mailbox. Whoever asks for it before the question is on its way gets the same answer: one is enough for all of them. */
  state(path: string): Promise<MailboxState | undefined> {
    const asked = this.#asked.get(path)
    if (asked) return asked
    const leave = (): void => void (this.#asked.get(path) === answer && this.#asked.delete(path))
    const answer = this.#persist(async connection => {
      // Before the octets leave, which they do at the end of this turn of the event loop.
      setImmediate(leave)
      const [state] = await this.#askStates(connection, [path])
      return state
    }).finally(leave)
    this.#asked.set(path, answer)
    return answer
  }

  async #askStates(connection: ImapConnection, paths: readonly string[]): Promise<(MailboxState | undefined)[]> {
    const states: (MailboxState | undefined)[] = paths.map(() => undefined)
    const commands = paths.flatMap((path, index): Command[] => {
      const ask = statusCommand(path, this.capabilities, state => { states[index] = state })
      if (!this.#selected || !samePath(this.#selected.path, path)) return [ask]
      // Of the mailbox that is selected, Dovecot's STATUS tells the session's last view. SELECT tells the truth, but nine lines of it.
      if (this.#selected.looked && this.capabilities.unselect) {
        this.#selected = undefined
        return [{ line: 'UNSELECT' }, ask]
      }
      const { commands: select, state, selected } = this.#select(path)
      selected.looked = true
      states[index] = state
      return select.map(command => ({ ...command, optional: true }))
    })
    await this.#put(connection, [], { commands, result: () => {} })
    return states.map(state => state?.validity ? state : undefined)
  }

  /**
   * A batch that reads messages known by UID. Without `fresh` it is content with what the session last saw of a mailbox that is selected
   * already, where the newest messages may be missing. Throws `stale` for another UIDVALIDITY.
   */
  async peek<T>(path: string, validity: number, make: () => Batch<T>, fresh = false): Promise<{ fresh: boolean; result: T }> {
    return this.#persist(async connection => {
      if (!fresh && this.#holds(path, validity)) return { fresh: false, result: await this.#put(connection, [], make()) }
      const { commands, state } = this.#select(path)
      const result = await this.#put(connection, commands, make())
      if (known(state).validity !== validity) throw stale('uidvalidity', 'UIDVALIDITY changed')
      return { fresh: true, result }
    })
  }

  /** For what is about to be done there. */
  #holds(path: string, validity: number): boolean {
    const selected = this.#selected
    if (selected?.path !== path || selected.validity !== validity) return false
    selected.looked = false
    return true
  }

  /**
   * A batch that changes one mailbox: its UIDVALIDITY is certain before any of it is sent, and it is never repeated. `fresh` as in `peek`.
   * Throws `stale` for another UIDVALIDITY.
   */
  async write<T>(path: string, validity: number, make: () => Batch<T>, fresh = false): Promise<{ fresh: boolean; result: T }> {
    const sent = await this.#queue(async () => {
      const held = !fresh && this.#holds(path, validity)
      const connection = await this.#certain(path, validity, fresh)
      return { held, done: this.#put(connection, [], make()) }
    })
    return { fresh: !sent.held, result: await sent.done }
  }

  /** Several batches on one mailbox, fresh, with nobody in between. `leaves`: the work selects another one. */
  async alone<T>(path: string, validity: number, work: (send: <R>(batch: Batch<R>) => Promise<R>) => Promise<T>, leaves = false): Promise<T> {
    return this.#queue(async () => {
      const connection = await this.#certain(path, validity, true)
      if (leaves) this.#selected = undefined
      return work(batch => this.#put(connection, [], batch))
    })
  }

  /**
   * RFC 9051, PERMANENTFLAGS: throws `denied` where one of the flags cannot be changed in the mailbox selected. Dovecot answers OK to a
   * STORE and an EXPUNGE in a mailbox that may only be read, and does nothing.
   */
  assertPermanent(flags: readonly string[]): void {
    if (!flags.every(flag => this.isPermanent(flag))) throw new Failure('denied', 'the mailbox may only be read')
  }

  isPermanent(flag: string): boolean {
    const permanent = this.#selected?.permanent
    return !permanent || permanent.has(flag.toLowerCase()) || (!flag.startsWith('\\') && permanent.has('\\*'))
  }

  async #certain(path: string, validity: number, fresh: boolean): Promise<ImapConnection> {
    let connection = await this.#open()
    const untrusted = this.#untrusted(connection)
    if (fresh || untrusted || !this.#holds(path, validity)) {
      try {
        await this.#put(connection, this.#select(path).commands, nothing)
      } catch (error) {
        if (!untrusted || !connection.closed) throw error
        connection = await this.#open()
        await this.#put(connection, this.#select(path).commands, nothing)
      }
    }
    if (this.#selected?.validity !== validity) throw stale('uidvalidity', 'UIDVALIDITY changed')
    return connection
  }

  #untrusted(connection: ImapConnection): boolean {
    return !connection.busy && performance.now() - connection.lastUsed > trusted
  }

  /** Waits for the turn, not for the answer; once more where the connection had been waiting and proves to be gone. */
  async #persist<T>(work: (connection: ImapConnection) => Promise<T>): Promise<T> {
    for (let again = true; ; again = false) {
      let waited = false
      const sent = await this.#queue(async () => {
        waited = this.#connection !== undefined && (this.#preparing || !this.#connection.busy)
        const connection = await this.#open()
        return { connection, done: work(connection) }
      })
      try {
        return await sent.done
      } catch (error) {
        if (!again || !waited || !sent.connection.closed) throw error
      }
    }
  }

  async #put<T>(connection: ImapConnection, before: readonly Command[], { commands, result }: Batch<T>): Promise<T> {
    const answers = await Promise.all(this.#send(connection, [...before, ...commands]))
    await this.#prepared
    return result(answers.slice(before.length))
  }

  #send(connection: ImapConnection, commands: readonly Command[]): Promise<Response>[] {
    const answers = connection.send(commands).map((answer, index) => {
      const { failed, optional } = commands[index]!
      if (failed) answer.catch(failed)
      return optional ? answer.catch(refused) : answer
    })
    void Promise.allSettled(answers).then(() => this.#rest(connection))
    return answers
  }

  /**
   * RFC 9051, SELECT: also of the mailbox that is selected, for it is the one command that gives the state of a mailbox and brings the
   * session to it in one step. A pipelined NOOP does not: Dovecot puts off its news until after the FETCH behind it. Selecting again takes
   * Dovecot 0.04 ms.
   */
  #select(path: string): { commands: Command[]; state: MailboxState; selected: Selected } {
    const state: Writable<MailboxState> = { validity: 0, uidNext: 0, highestModseq: 0n, messages: 0 }
    const selected: Selected = { path, validity: undefined }
    this.#selected = selected
    const { condstore, qresync } = this.capabilities
    const select: Command = {
      line: `SELECT ${quote(path)}${condstore && !qresync ? ' (CONDSTORE)' : ''}`,
      barrier: true,
      on: ({ name, number: count, code, args }) => {
        if (name === 'EXISTS') state.messages = count
        else if (code === 'UIDVALIDITY') selected.validity = state.validity = number(args[0])
        else if (code === 'UIDNEXT') state.uidNext = number(args[0])
        else if (code === 'PERMANENTFLAGS') selected.permanent = new Set(list(args[0]).map(flag => text(flag).toLowerCase()))
        else if (code === 'HIGHESTMODSEQ' && condstore) state.highestModseq = bignumber(args[0])
      },
      failed: () => { if (this.#selected === selected) this.#selected = undefined },
    }
    return { commands: [select], state, selected }
  }

  async #open(): Promise<ImapConnection> {
    if (this.#connection && !this.#connection.closed) return this.#connection
    this.#drop()
    const { dial, login, timeoutSeconds } = this.#options
    const connection = this.#connection = await dial(login, timeoutSeconds * 1000, 'session')
    this.connects++
    connection.onClose = () => {
      if (this.#connection === connection) this.#drop()
    }
    this.#preparing = true
    this.#prepared = this.#prepare(connection).finally(() => { this.#preparing = false })
    return connection
  }

  /**
   * What is said once a connection. Dovecot counts MODSEQ for a mailbox only after CONDSTORE or QRESYNC was enabled. What is asked first goes
   * out with it, in the belief that what the server announces can be enabled: a round trip less for each connection.
   */
  async #prepare(connection: ImapConnection): Promise<void> {
    const has = (name: string): boolean => connection.has(name)
    const enable = !has('ENABLE') ? undefined : has('QRESYNC') ? 'QRESYNC' : has('CONDSTORE') ? 'CONDSTORE' : undefined
    const enabled = new Set<string>(), commands: Command[] = []
    let namespaces: readonly Value[] = []
    if (enable) commands.push({ line: `ENABLE ${enable}`, on: ({ name, values }) => name === 'ENABLED' && values.forEach(v => enabled.add(text(v).toUpperCase())) })
    if (has('NAMESPACE')) commands.push({ line: 'NAMESPACE', on: ({ name, values }) => { if (name === 'NAMESPACE') namespaces = values } })
    this.#capabilities = readCapabilities(has, enable === 'QRESYNC')
    await Promise.allSettled(connection.send(commands))
    this.#rest(connection)
    if (connection.closed) return
    this.#namespaces = readNamespaces(namespaces)
    this.#capabilities = readCapabilities(has, enabled.has('QRESYNC'))
  }

  /** Starts the clock of an unused connection. */
  #rest(connection: ImapConnection): void {
    if (connection !== this.#connection || connection.busy) return
    if (this.#retired) return this.#drop()
    this.#idle ??= setTimeout(() => { if (!this.#connection?.busy) this.#drop() }, this.#options.idleSeconds * 1000).unref()
    this.#idle.refresh()
  }

  #drop(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#selected = undefined
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.#pastTrips += connection?.roundTrips ?? 0
    connection?.close()
  }

  /** First come, first served. */
  async #queue<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => {})
    return mine
  }
}

function known(state: MailboxState): MailboxState {
  if (!state.validity || !state.uidNext) throw new Failure('unavailable', 'a mailbox without UIDVALIDITY or UIDNEXT')
  return state
}

function refused(error: unknown): Response {
  if (error instanceof Failure && isResponse(error.cause)) return error.cause
  throw error
}

/** Throws for a refusal, but for that of a FETCH or STORE which found some of its messages expunged (RFC 5530, EXPUNGEISSUED). */
export function gone(answers: readonly Response[]): void {
  const bad = answers.find(({ name, code, text: why }) => name !== 'OK' && code !== 'EXPUNGEISSUED' && !/no longer exist/i.test(why))
  if (bad) throw new Failure('unavailable', `the server refused: ${bad.name} ${bad.code ?? ''}`.trim(), { cause: bad })
}

export const isResponse = (cause: unknown): cause is Response => typeof cause === 'object' && cause !== null && 'code' in cause && 'args' in cause

const nothing: Batch<void> = { commands: [], result: () => {} }

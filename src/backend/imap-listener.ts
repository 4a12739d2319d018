import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../base/failure.ts'
import type { FolderId } from '../model/folder.ts'
import type { ImapConnection } from './imap-connection.ts'
import { quote } from './imap-names.ts'
import { bignumber, list, number, pairs, text, type Response } from './imap-response.ts'
import { readStatus, samePath, type MailboxState } from './imap-state.ts'

/**
 * How a connection listens: NOTIFY (RFC 5465) hears of all folders, IDLE (RFC 2177) of one. `auto` is IDLE as long as there is only one to
 * hear of, and NOTIFY from then on: Dovecot puts a connection in IDLE to sleep (imap_hibernate_timeout), never one with NOTIFY. Asleep it
 * takes the server 28 KiB, not 742, and hears of mail at once, not half a second later. What a server has not is made up for by the other.
 */
export type ListenBy = 'auto' | 'notify' | 'idle'

/** Something happened in a folder, which brought it to `state`, or beyond, where that was said. */
export type Tell = (id: FolderId, state?: MailboxState) => void

export type Listening = {
  readonly by: ListenBy
  readonly tell: Tell
  /** Told why what it listens to is no good any more. */
  readonly dropped: (why: unknown) => void
  /** Milliseconds after which it says something. */
  readonly renewal: number
}

/** By path, as the server spells it. */
export type Wanted = ReadonlyMap<string, FolderId>

export type Listener = {
  readonly connection: ImapConnection
  /** Resolves when nothing that happens in these mailboxes, as far as it can cover them, goes untold. */
  cover(wanted: Wanted): Promise<void>
  uncovered(wanted: Wanted): FolderId[]
  /** Tells of a mailbox that is said to have news, before the server does. */
  look(path: string, id: FolderId): void
}

export function idOf(wanted: Wanted, path: string): FolderId | undefined {
  return wanted.get(path) ?? wanted.get([...wanted.keys()].find(each => samePath(each, path)) ?? '')
}

export function listener(connection: ImapConnection, listening: Listening): Listener {
  const { by } = listening
  if (!connection.has('NOTIFY') || (by === 'idle' && connection.has('IDLE'))) return byIdle(connection, listening)
  return by === 'notify' || !connection.has('IDLE') ? byNotify(connection, listening) : byEither(connection, listening)
}

/** IDLE, until there is more than one folder to hear of. It does not go back: who watches two now is likely to do so again. */
function byEither(connection: ImapConnection, listening: Listening): Listener {
  const idle = byIdle(connection, listening)
  let now: Listener = idle
  return {
    connection,
    async cover(wanted) {
      if (now !== idle || wanted.size < 2) return now.cover(wanted)
      const before = await idle.end()
      now = byNotify(connection, listening)
      await now.cover(wanted)
      if (before) listening.tell(before)
    },
    uncovered: wanted => now.uncovered(wanted),
    look: (path, id) => now.look(path, id),
  }
}

/**
 * RFC 5465, NOTIFY: news of mailboxes that are not selected come as STATUS. It is set once and for all folders: Dovecot 2.3 hears nothing
 * more when a NOTIFY SET replaces another, and with its list index all folders cost it no more than one.
 */
function byNotify(connection: ImapConnection, { tell, dropped, renewal }: Listening): Listener {
  let watched: Wanted = new Map()
  let set: Promise<boolean> | undefined
  let notified = false
  connection.onNews = ({ name, values, code }) => {
    if (code === 'NOTIFICATIONOVERFLOW') return dropped(new Failure('busy', 'more news than the server can tell'))
    if (name !== 'STATUS') return
    const id = idOf(watched, text(values[0]))
    if (id !== undefined) tell(id, readStatus(list(values[1])))
  }
  const timer = setInterval(() => {
    if (connection.closed) clearInterval(timer)
    else void Promise.allSettled(connection.send([{ line: 'NOOP' }]))
  }, renewal).unref()

  // Where it is refused, the folders are looked at instead.
  async function notify(): Promise<boolean> {
    const [answer] = connection.send([{ line: 'NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))' }])
    return answer!.then(() => true, (error: unknown) => {
      if (connection.closed) throw error
      return false
    })
  }
  return {
    connection,
    async cover(wanted) {
      watched = wanted
      notified = await (set ??= notify())
    },
    uncovered: wanted => notified ? [] : [...wanted.values()],
    // What it answers is heard as what comes unasked.
    look: (path, id) => void Promise.all(connection.send([{ line: `STATUS ${quote(path)} (UIDNEXT UIDVALIDITY)` }])).catch(() => tell(id)),
  }
}

/** Milliseconds in which a connection that sleeps hears of mail. */
const patience = 100

type Idling = { readonly path: string; readonly id: FolderId; state: MailboxState }

// RFC 2177, IDLE: one folder, INBOX if it is among them
function byIdle(connection: ImapConnection, { tell, dropped, renewal }: Listening): Listener & { end(): Promise<FolderId | undefined> } {
  let idling: Idling | undefined
  let ended: Promise<unknown> | undefined
  let renewing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const able = connection.has('IDLE')

  /** Answers the folder it was for. */
  async function stop(): Promise<FolderId | undefined> {
    clearTimeout(timer)
    const before = idling
    idling = undefined
    await renewing
    if (before) connection.say('DONE')
    await ended
    return before?.id
  }

  async function start(path: string, id: FolderId): Promise<void> {
    const state = { validity: 0, uidNext: 0, highestModseq: 0n, messages: 0 }
    const on = ({ name, number: count, code, args }: Response): void => {
      if (name === 'EXISTS') state.messages = count
      else if (code === 'UIDVALIDITY') state.validity = number(args[0])
      else if (code === 'UIDNEXT') state.uidNext = number(args[0])
      else if (code === 'HIGHESTMODSEQ') state.highestModseq = bignumber(args[0])
    }
    await Promise.all(connection.send([{ line: `EXAMINE ${quote(path)}`, barrier: true, on }]))
    idling = { path, id, state }
    await idle()
  }

  function idle(): Promise<void> {
    timer = setTimeout(() => void renew(), renewal).unref()
    return new Promise<void>((resolve, reject) => {
      [ended] = connection.send([{ line: 'IDLE', patient: true, go: resolve }])
      ended!.then(() => resolve(), reject)
    })
  }

  /** Ends it and begins it anew, in one go: so Dovecot says what it has, and where it has put the connection to sleep it does not wake up. */
  function renew(): Promise<void> {
    if (renewing) return renewing
    clearTimeout(timer)
    connection.say('DONE')
    renewing = idle().catch(dropped).finally(() => { renewing = undefined })
    return renewing
  }

  /** Who asks for the state of the folder logs in for it: what the server says by itself, now or as it wakes up, costs nothing. */
  async function look({ id, state }: Idling): Promise<void> {
    await renew()
    if (idling?.state === state) await sleep(patience, undefined, { ref: false })
    if (idling?.state === state) tell(id)
  }

  connection.onNews = response => {
    if (!idling || !['EXISTS', 'EXPUNGE', 'VANISHED', 'FETCH'].includes(response.name)) return
    idling.state = after(idling.state, response)
    tell(idling.id, idling.state)
  }
  return {
    connection,
    async cover(wanted) {
      const [path, id] = [...wanted].find(([each]) => samePath(each, 'INBOX')) ?? [...wanted][0] ?? []
      if (!able || path === undefined || id === undefined || idling?.path === path) return
      const before = await stop()
      // Where it is refused, the folder is looked at instead; but who waits for one that is gone should know.
      await start(path, id).catch((error: unknown) => { if (connection.closed || isGone(error)) throw error })
      // It is looked at from now on, and there was a moment in between.
      if (before) tell(before)
    },
    uncovered: wanted => [...wanted.values()].filter(id => id !== idling?.id),
    look(_, id) {
      if (id === idling?.id) void look(idling)
      else tell(id)
    },
    // RFC 9051, CLOSE: after EXAMINE it expunges nothing.
    async end() {
      const before = await stop()
      if (before) await Promise.all(connection.send([{ line: 'CLOSE', barrier: true }]))
      return before
    },
  }
}

const isGone = (error: unknown): boolean => error instanceof Failure && error.kind === 'not-found'

/** How far a mailbox has come at least, by what the server says of it. RFC 9051, EXISTS: each message more has a UID of its own. */
function after(state: MailboxState, { name, number: count, values }: Response): MailboxState {
  if (name === 'EXPUNGE') return { ...state, messages: state.messages - 1 }
  if (name === 'EXISTS') return { ...state, messages: count, uidNext: state.uidNext && state.uidNext + Math.max(0, count - state.messages) }
  // How many is not counted here: it may be less than it was.
  if (name === 'VANISHED') return { ...state, messages: Infinity }
  const modseq = bignumber(list(new Map(pairs(list(values[0]))).get('MODSEQ'))[0])
  return modseq > state.highestModseq ? { ...state, highestModseq: modseq } : state
}

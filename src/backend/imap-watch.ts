import { Failure } from '../base/failure.ts'
import { spread } from '../base/retry.ts'
import type { FolderId } from '../model/folder.ts'
import type { MailStore, Watcher } from '../model/ports.ts'
import type { Endpoint } from './connect.ts'
import type { ImapConnection, Login } from './imap-connection.ts'
import { plainDial, type Dial } from './imap-dial.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import type { ImapMailbox, MailboxState } from './imap-mailbox.ts'
import { quote } from './imap-names.ts'
import { list, text, type Response } from './imap-response.ts'
import { readStatus, samePath } from './imap-state.ts'

export type ImapWatch = {
  readonly watch: MailStore['watch']
  /** The state of a folder that the server told last while it was watched. */
  heard(id: FolderId): MailboxState | undefined
  /** Somebody says that something happened in the mailbox of this path. */
  look(path: string): void
  close(): void
}

export type WatchOptions = {
  readonly endpoint: Endpoint
  readonly login: Login
  readonly folders: ImapFolders
  /** Asks, over the user's session, what no notification covers. */
  readonly mailbox: Pick<ImapMailbox, 'status'>
  readonly timeoutSeconds?: number
  readonly dial?: Dial
  /** Seconds between two looks at folders that nothing else covers. Default 30. */
  readonly pollSeconds?: number
  /** Seconds the connection outlives its last watcher. Default 60. */
  readonly lingerSeconds?: number
}

type Entry = { readonly ids: readonly FolderId[]; readonly on: Watcher; readonly fail: (why: unknown) => void; live: boolean }

// RFC 2177 has clients end IDLE within 29 minutes; servers give the same time to a connection that only listens to NOTIFY.
const renewal = 25 * 60_000
const firstPause = 1000, lastPause = 60_000

/**
 * One connection a user that listens for all devices and folders: NOTIFY (RFC 5465) where there is, else IDLE (RFC 2177) on one folder and
 * a look at the others every now and then. It is there while somebody watches, and a little longer.
 */
export function imapWatch(options: WatchOptions): ImapWatch {
  const { folders, mailbox, pollSeconds = 30, lingerSeconds = 60 } = options
  const entries = new Set<Entry>()
  let listener: Listener | undefined
  let arranging: Promise<void> | undefined
  let again = false
  let pause = firstPause
  let broken = false
  let closed = false
  const timers = { linger: undefined as NodeJS.Timeout | undefined, retry: undefined as NodeJS.Timeout | undefined, poll: undefined as NodeJS.Timeout | undefined }
  let states = new Map<FolderId, MailboxState | undefined>()
  const heard = new Map<FolderId, MailboxState>()
  let watched: ReadonlyMap<string, FolderId> = new Map()

  const tell: Tell = (id, state) => {
    if (state) heard.set(id, state)
    for (const entry of entries) if (entry.live && entry.ids.includes(id)) entry.on.changed(id)
  }

  /** Brings the connection to cover what is watched now, one attempt after the other. */
  function arrange(): void {
    again = true
    arranging ??= (async () => {
      while (again && entries.size > 0 && !closed) {
        again = false
        broken = false
        await attempt()
      }
    })().finally(() => { arranging = undefined })
  }

  async function attempt(): Promise<void> {
    const joining = [...entries].filter(entry => !entry.live)
    if (joining.length === 0) return
    try {
      listener ??= await listen(options, tell, dropped)
      // Which found nothing to hang up while this one was being dialled.
      if (closed || entries.size === 0) return hangUp()
      const wanted = new Map<string, FolderId>()
      for (const id of new Set([...entries].flatMap(entry => entry.ids))) {
        const path = id === outbox.id ? undefined : await folders.path(id).catch(passOver)
        if (path !== undefined) wanted.set(path, id)
      }
      watched = wanted
      await listener.cover(wanted)
      await poll(listener.uncovered(wanted))
      pause = firstPause
      for (const entry of joining) {
        if (!entries.has(entry)) continue
        entry.live = true
        entry.on.ready()
      }
    } catch (error) {
      if (error instanceof Failure && error.kind !== 'unavailable' && error.kind !== 'busy') {
        for (const entry of entries) entry.fail(error)
      } else dropped(error)
    }
  }

  function hangUp(): void {
    const connection = listener?.connection
    listener = undefined
    clearTimeout(timers.poll)
    heard.clear()
    if (connection) connection.onClose = undefined
    connection?.close()
  }

  function dropped(why: unknown): void {
    hangUp()
    if (broken || closed || entries.size === 0) return
    broken = true
    for (const entry of entries) {
      entry.live = false
      entry.on.lost(why)
    }
    // Not all users at once when a server comes back.
    clearTimeout(timers.retry)
    timers.retry = setTimeout(arrange, spread(pause)).unref()
    pause = Math.min(pause * 2, lastPause)
  }

  /** Looks at folders that no notification covers, and compares with the look before. */
  async function poll(ids: readonly FolderId[]): Promise<void> {
    clearTimeout(timers.poll)
    if (ids.length === 0) return
    const found = await mailbox.status(ids)
    for (const [id, state] of found) if (states.has(id) && differs(state, states.get(id))) tell(id)
    states = found
    timers.poll = setTimeout(() => void poll(ids).catch(dropped), pollSeconds * 1000).unref()
  }

  function leave(entry: Entry): void {
    if (!entries.delete(entry) || entries.size > 0) return
    clearTimeout(timers.retry)
    clearTimeout(timers.poll)
    clearTimeout(timers.linger)
    timers.linger = setTimeout(() => {
      if (entries.size === 0) hangUp()
    }, lingerSeconds * 1000).unref()
  }

  return {
    watch(ids, signal, on) {
      if (closed) return Promise.reject(new Failure('unavailable', 'this session has ended'))
      if (signal.aborted) return Promise.resolve()
      return new Promise<void>((resolve, reject) => {
        const entry: Entry = { ids, on, live: false, fail: why => { leave(entry); reject(why as Error) } }
        signal.addEventListener('abort', () => { leave(entry); resolve() }, { once: true })
        entries.add(entry)
        arrange()
      })
    },
    heard: id => heard.get(id),
    look(path) {
      const id = idOf(watched, path)
      if (id === undefined || entries.size === 0) return
      if (listener) listener.look(path, id)
      else tell(id)
    },
    close() {
      closed = true
      Object.values(timers).forEach(timer => clearTimeout(timer))
      for (const entry of entries) entry.fail(new Failure('unavailable', 'this session has ended'))
      hangUp()
    },
  }
}

function passOver(error: unknown): undefined {
  if (!(error instanceof Failure) || error.kind === 'unavailable' || error.kind === 'auth') throw error
}

const differs = (a: MailboxState | undefined, b: MailboxState | undefined): boolean =>
  a?.validity !== b?.validity || a?.uidNext !== b?.uidNext || a?.highestModseq !== b?.highestModseq || a?.messages !== b?.messages

/** Something happened in a folder, which brought it to `state` where that was said. */
type Tell = (id: FolderId, state?: MailboxState) => void

type Listener = {
  readonly connection: ImapConnection
  /** Resolves when nothing that happens in these mailboxes, as far as it can cover them, goes untold. */
  cover(wanted: ReadonlyMap<string, FolderId>): Promise<void>
  uncovered(wanted: ReadonlyMap<string, FolderId>): FolderId[]
  /** Tells of a mailbox that is said to have news, before the server does. */
  look(path: string, id: FolderId): void
}

function idOf(wanted: ReadonlyMap<string, FolderId>, path: string): FolderId | undefined {
  return wanted.get(path) ?? wanted.get([...wanted.keys()].find(each => samePath(each, path)) ?? '')
}

async function listen({ endpoint, login, timeoutSeconds = 60, dial = plainDial(endpoint) }: WatchOptions, tell: Tell, dropped: (why: unknown) => void): Promise<Listener> {
  const connection = await dial(login, timeoutSeconds * 1000, 'watch')
  if (connection.has('ENABLE') && connection.has('CONDSTORE')) void Promise.allSettled(connection.send([{ line: 'ENABLE CONDSTORE' }]))
  const listener = connection.has('NOTIFY') ? byNotify(connection, tell, dropped) : byIdle(connection, tell, dropped)
  connection.onClose = () => dropped(new Failure('unavailable', 'the watching connection broke off'))
  return listener
}

/**
 * RFC 5465, NOTIFY: news of mailboxes that are not selected come as STATUS. It is set once and for all folders: Dovecot 2.3 hears nothing
 * more when a NOTIFY SET replaces another, and with its list index all folders cost it no more than one.
 */
function byNotify(connection: ImapConnection, tell: Tell, dropped: (why: unknown) => void): Listener {
  let watched: ReadonlyMap<string, FolderId> = new Map()
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

// RFC 2177, IDLE: one folder, INBOX if it is among them
function byIdle(connection: ImapConnection, tell: Tell, dropped: (why: unknown) => void): Listener {
  let idling: { path: string; id: FolderId; ended: Promise<Response> } | undefined
  let timer: NodeJS.Timeout | undefined
  const able = connection.has('IDLE')

  async function stop(): Promise<void> {
    clearTimeout(timer)
    if (!idling) return
    connection.say('DONE')
    await idling.ended
    idling = undefined
  }

  async function start(path: string, id: FolderId, select: boolean): Promise<void> {
    if (select) await Promise.all(connection.send([{ line: `EXAMINE ${quote(path)}`, barrier: true }]))
    await new Promise<void>((resolve, reject) => {
      const [ended] = connection.send([{ line: 'IDLE', patient: true, go: resolve }])
      idling = { path, id, ended: ended! }
      ended!.then(() => resolve(), reject)
    })
    timer = setTimeout(() => void stop().then(() => start(path, id, false)).catch(dropped), renewal).unref()
  }

  connection.onNews = ({ name }) => {
    if (idling && ['EXISTS', 'EXPUNGE', 'VANISHED', 'FETCH'].includes(name)) tell(idling.id)
  }
  return {
    connection,
    async cover(wanted) {
      const [path, id] = [...wanted].find(([each]) => samePath(each, 'INBOX')) ?? [...wanted][0] ?? []
      if (!able || path === undefined || id === undefined || idling?.path === path) return
      const before = idling?.id
      await stop()
      await start(path, id, true)
      // It is looked at from now on, and there was a moment in between.
      if (before) tell(before)
    },
    uncovered: wanted => [...wanted.values()].filter(id => id !== idling?.id),
    look: (_, id) => tell(id),
  }
}

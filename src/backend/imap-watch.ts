import { Failure } from '../base/failure.ts'
import { spread } from '../base/retry.ts'
import type { FolderId } from '../model/folder.ts'
import type { MailStore, Watcher } from '../model/ports.ts'
import type { Endpoint } from './connect.ts'
import type { Login } from './imap-connection.ts'
import { plainDial, type Dial } from './imap-dial.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import { idOf, listener, type ListenBy, type Listener, type Tell, type Wanted } from './imap-listener.ts'
import type { ImapMailbox, MailboxState } from './imap-mailbox.ts'
import type { Look } from './news.ts'

export type ImapWatch = {
  readonly watch: MailStore['watch']
  /** The state of a folder that the server told last while it was watched. */
  heard(id: FolderId): MailboxState | undefined
  /** Somebody says that something happened in the mailbox of this path. */
  readonly look: Look
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
  /** Called when somebody begins to watch: has `look` told of what happens, until nobody does. */
  readonly hear?: (look: Look) => () => void
  /** Called when somebody who watches is told of news, and is likely to ask for them next. */
  readonly woken?: () => void
  /** Default `auto`. */
  readonly by?: ListenBy
  /** Seconds between two looks at folders that nothing else covers. Default 30. */
  readonly pollSeconds?: number
  /** Seconds the connection outlives its last watcher. Default 60. */
  readonly lingerSeconds?: number
  /** Seconds it says nothing. Default 25 minutes: RFC 2177 has clients end IDLE within 29, and servers give NOTIFY the same time. */
  readonly renewSeconds?: number
}

type Entry = { readonly ids: readonly FolderId[]; readonly on: Watcher; readonly fail: (why: unknown) => void; live: boolean }

const firstPause = 1000, lastPause = 60_000

/**
 * One connection a user that listens for all devices and folders, and a look every now and then at those it does not hear of. It is there
 * while somebody watches, and a little longer.
 */
export function imapWatch(options: WatchOptions): ImapWatch {
  const { folders, mailbox, pollSeconds = 30, lingerSeconds = 60, hear, woken } = options
  const entries = new Set<Entry>()
  let ear: Listener | undefined
  let arranging: Promise<void> | undefined
  let again = false
  let pause = firstPause
  let broken = false
  let deaf: (() => void) | undefined
  let closed = false
  const timers = { linger: undefined as NodeJS.Timeout | undefined, retry: undefined as NodeJS.Timeout | undefined, poll: undefined as NodeJS.Timeout | undefined }
  let states = new Map<FolderId, MailboxState | undefined>()
  const heard = new Map<FolderId, MailboxState>()
  let watched: Wanted = new Map()

  const tell: Tell = (id, state) => {
    // RFC 5465, MessageNew: a STATUS that tells of news need not say of which UIDVALIDITY.
    if (state) heard.set(id, { ...state, validity: state.validity || (folders.told(id)?.validity ?? 0) })
    const concerned = [...entries].filter(entry => entry.live && entry.ids.includes(id))
    if (concerned.length > 0) woken?.()
    for (const { on } of concerned) on.changed(id)
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
      ear ??= await listen(options, tell, dropped)
      // Which found nothing to hang up while this one was being dialled.
      if (closed || entries.size === 0) return hangUp()
      const wanted = new Map<string, FolderId>()
      for (const id of new Set([...entries].flatMap(entry => entry.ids))) {
        const path = id === outbox.id ? undefined : await folders.path(id).catch(passOver)
        if (path === undefined) continue
        wanted.set(path, id)
        // It had another name before: what was said by that may have been said of another mailbox.
        if (watched.get(path) !== id) heard.delete(id)
      }
      watched = wanted
      await ear.cover(wanted)
      await poll(ear.uncovered(wanted))
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
    const connection = ear?.connection
    ear = undefined
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
    deaf?.()
    clearTimeout(timers.retry)
    clearTimeout(timers.poll)
    clearTimeout(timers.linger)
    timers.linger = setTimeout(() => {
      if (entries.size === 0) hangUp()
    }, lingerSeconds * 1000).unref()
  }

  function look(path: string): void {
    const id = idOf(watched, path)
    if (id === undefined || entries.size === 0) return
    if (ear) ear.look(path, id)
    else tell(id)
  }

  return {
    watch(ids, signal, on) {
      if (closed) return Promise.reject(new Failure('unavailable', 'this session has ended'))
      if (signal.aborted) return Promise.resolve()
      return new Promise<void>((resolve, reject) => {
        const entry: Entry = { ids, on, live: false, fail: why => { leave(entry); reject(why as Error) } }
        signal.addEventListener('abort', () => { leave(entry); resolve() }, { once: true })
        if (entries.size === 0) deaf = hear?.(look)
        entries.add(entry)
        arrange()
      })
    },
    heard: id => heard.get(id),
    look,
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

async function listen(options: WatchOptions, tell: Tell, dropped: (why: unknown) => void): Promise<Listener> {
  const { endpoint, login, timeoutSeconds = 60, dial = plainDial(endpoint), by = 'auto', renewSeconds = 25 * 60 } = options
  const connection = await dial(login, timeoutSeconds * 1000, 'watch')
  if (connection.has('ENABLE') && connection.has('CONDSTORE')) void Promise.allSettled(connection.send([{ line: 'ENABLE CONDSTORE' }]))
  connection.onClose = () => dropped(new Failure('unavailable', 'the watching connection broke off'))
  return listener(connection, { by, tell, dropped, renewal: renewSeconds * 1000 })
}

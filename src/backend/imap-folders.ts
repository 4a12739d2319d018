import { createHash } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { persist } from '../base/retry.ts'
import type { Folder, FolderId, Role } from '../model/folder.ts'
import { decodeName, encodeName, quote } from './imap-names.ts'
import { list, number, pairs, text, type Response, type Value } from './imap-response.ts'
import { isResponse, type Batch, type Command, type ImapSession } from './imap-session.ts'
import { samePath, type MailboxState } from './imap-state.ts'
import { specialNames } from './special-names.ts'

/** The hierarchy as a client sees it: personal namespace only; what other users share is left out. */
export type ImapFolders = {
  /** `recent`: from memory where fresh. */
  folders(recent?: boolean): Promise<readonly Folder[]>
  /** From memory however old, which is renewed along with what is asked next. */
  folder(id: FolderId): Promise<Folder>
  folderByRole(role: Role): Promise<Folder>
  createFolder(parent: FolderId | undefined, name: string): Promise<Folder>
  updateFolder(id: FolderId, parent: FolderId | undefined, name: string): Promise<Folder>
  deleteFolder(id: FolderId): Promise<void>
  /** The mailbox's name as IMAP spells it. Throws `not-found`. `checked`: who asks finds out where it means another mailbox. */
  path(id: FolderId, checked?: boolean): Promise<string>
  /** What was told of it last, however long ago. */
  told(id: FolderId): Pick<MailboxState, 'validity' | 'uidNext'> | undefined
  /**
   * Does something with the mailbox's name; once more where it turns out to have another one by now. `checked`: the work throws `stale` where
   * the name means another mailbox, so that what is remembered of it will do, however old.
   */
  at<T>(id: FolderId, work: (path: string) => Promise<T>, checked?: boolean): Promise<T>
}

/** A mailbox, or a name that only holds others. */
type Entry = Folder & { readonly path: string; readonly validity: number; readonly uidNext: number; readonly subscribed: boolean }

type Listed = { path: string; delimiter: string; attributes: Set<string>; identity: string | undefined; validity: number; uidNext: number }

/** Some clients wait for an Outbox (Android) that IMAP does not have: this one has no mailbox and stays empty. */
export const outbox: Folder & { readonly path: '' } =
  { id: 'OutboxAAAAA' as FolderId, parent: undefined, name: 'Outbox', role: 'outbox', content: 'mail', selectable: true, path: '' }

const maxFolders = 10_000
/** Where two processes make special folders at once, Dovecot may end one of the sessions: each waits for a lock of the other's. */
const mostTries = 3
// Own changes show at once; those of others, after this long.
const memory = 10_000

const uses: Readonly<Record<string, Role>> =
  { '\\DRAFTS': 'drafts', '\\SENT': 'sent', '\\TRASH': 'trash', '\\JUNK': 'junk', '\\ARCHIVE': 'archive' }
const needed = { drafts: 'Drafts', sent: 'Sent', trash: 'Trash', junk: 'Junk' } as const

export type FoldersOptions = { readonly roles?: Readonly<Partial<Record<Role, string>>> }

export function imapFolders(session: ImapSession, options: FoldersOptions = {}): ImapFolders {
  let cached: { entries: Promise<readonly Entry[]>; until: number } | undefined
  /** As they were told last, however long ago; none after a change of our own. */
  let told: readonly Entry[] = []
  let complete = false
  /** Dovecot tells X-GUID without announcing it; a server that does not is asked only once. */
  let guid: 'MAILBOXID' | 'X-GUID' | '' | undefined

  const forget = (): void => {
    cached = undefined
    told = []
  }

  function entries(maxAge = memory): Promise<readonly Entry[]> {
    if (cached && cached.until - memory + maxAge > performance.now()) return cached.entries
    const found = load()
    const mine = cached = { entries: found, until: performance.now() + memory }
    found.then(list => { if (cached === mine) told = list }, () => { if (cached === mine) forget() })
    return found
  }

  const remembered = (id: FolderId): Entry | undefined => told.find(each => each.id === id)

  async function load(): Promise<readonly Entry[]> {
    let found = arrange(await listAll()), brokeOff = !complete
    complete = true
    for (let tries = 0; brokeOff && tries < mostTries; tries++) {
      const missing = Object.entries(needed).filter(([role]) => !found.some(entry => entry.role === role))
      if (missing.length === 0) break
      const made = await Promise.all(missing.map(([, name]) => create(inside(undefined, name), `\\${name}`).catch(passOver)))
      found = arrange(await persist(listAll, isUnavailable))
      brokeOff = made.some(failure => failure && isUnavailable(failure) && !isResponse(failure.cause))
    }
    return found
  }

  async function listAll(): Promise<Listed[]> {
    guid ??= session.capabilities.objectId ? 'MAILBOXID' : 'X-GUID'
    if (session.capabilities.listStatus) {
      const listed = await session.plain(() => listing(session, guid ?? ''))
      if (listed) return listed
      guid = ''
      return await session.plain(() => listing(session, '')) ?? []
    }
    const listed = await session.plain(() => listing(session, undefined)) ?? []
    const told = await session.plain(() => identify(listed, guid ?? ''))
    if (told || guid === '') return listed
    guid = ''
    await session.plain(() => identify(listed, ''))
    return listed
  }

  const arrange = (listed: Listed[]): readonly Entry[] => assignRoles(tree(listed, session), options.roles ?? {}, delimiter())

  const delimiter = (): string => session.namespaces.personal.delimiter

  function inside(parent: Entry | undefined, name: string): string {
    const { prefix, delimiter: separator } = session.namespaces.personal
    // eslint-disable-next-line no-control-regex
    if (name.trim() === '' || name.length > 250 || /[\x00-\x1f\x7f]/.test(name)) throw new Failure('malformed', 'not a name for a folder')
    if (separator !== '' && name.includes(separator)) throw new Failure('malformed', `a folder's name may not contain ${separator} here`)
    if (!parent) return `${prefix}${encodeName(name)}`
    if (separator === '') throw new Failure('unsupported', 'this server has no folders within folders')
    return `${parent.path}${separator}${encodeName(name)}`
  }

  async function create(path: string, use?: string): Promise<void> {
    const special = use && session.capabilities.createSpecialUse ? ` (USE (${use}))` : ''
    await session.once(() => lines(`CREATE ${quote(path)}${special}`))
    await session.once(() => lines(`SUBSCRIBE ${quote(path)}`))
  }

  async function entry(id: FolderId, maxAge = memory): Promise<Entry> {
    const known = (await entries(maxAge)).find(each => each.id === id) ?? (await entries(500)).find(each => each.id === id)
    if (!known) throw new Failure('not-found', 'no such folder')
    return known
  }

  async function created(path: string): Promise<Folder> {
    forget()
    const found = (await entries()).find(each => each.path === path)
    if (!found) throw new Failure('unavailable', 'the folder is not listed after it was made')
    return found
  }

  async function path(id: FolderId, checked = false): Promise<string> {
    const { path, selectable } = (checked && remembered(id)) || await entry(id)
    if (!selectable) throw new Failure('denied', 'this folder only holds folders')
    return path
  }

  return {
    folders: async (recent = false) => [...await entries(recent ? memory : 0), outbox],
    async folder(id) {
      if (id === outbox.id) return outbox
      // Where it is no longer true, whoever uses it finds out.
      entries().catch(() => {})
      return remembered(id) ?? entry(id)
    },

    path,
    told: remembered,

    async at(id, work, checked = false) {
      const before = await path(id, checked)
      try {
        return await work(before)
      } catch (error) {
        if (!(error instanceof Failure) || !(error.kind === 'not-found' || (checked && error.kind === 'stale'))) throw error
        await entries(0)
        const now = await path(id)
        if (now === before) throw error
        return work(now)
      }
    },

    async folderByRole(role) {
      const found = role === 'outbox' ? outbox : (await entries()).find(each => each.role === role)
      if (!found) throw new Failure('not-found', `no folder for ${role}`)
      return found
    },

    async createFolder(parent, name) {
      const all = await entries()
      const path = inside(parent === undefined ? undefined : await entry(parent), name)
      if (all.some(each => each.path === path && each.selectable)) throw new Failure('exists', 'a folder of this name exists')
      await create(path).finally(forget)
      return created(path)
    },

    async updateFolder(id, parent, name) {
      const old = await entry(id)
      const path = inside(parent === undefined ? undefined : await entry(parent), name)
      if (path === old.path) return old
      if (old.role) throw new Failure('denied', 'special folders keep their names')
      if (within(old.path, path, delimiter())) throw new Failure('malformed', 'a folder cannot be moved into itself')
      const all = await entries()
      if (all.some(each => each.path === path)) throw new Failure('exists', 'a folder of this name exists')
      // Subscriptions are names: they move along, and those of the children too.
      const names = all.filter(each => each.subscribed && (each.path === old.path || within(old.path, each.path, delimiter())))
      await session.once(() => lines(`RENAME ${quote(old.path)} ${quote(path)}`)).finally(forget)
      await session.once(() => optional(...names.flatMap(each =>
        [`UNSUBSCRIBE ${quote(each.path)}`, `SUBSCRIBE ${quote(path + each.path.slice(old.path.length))}`])))
      return created(path)
    },

    async deleteFolder(id) {
      const doomed = await entry(id)
      if (doomed.role) throw new Failure('denied', 'special folders stay')
      const inner = (await entries(0)).filter(each => within(doomed.path, each.path, delimiter()))
      if (inner.some(each => each.role)) throw new Failure('denied', 'a special folder lies within')
      const order = [...inner, doomed].sort((a, b) => b.path.length - a.path.length)
      // Names without a mailbox vanish with their last child on many servers, so they may not be there to delete.
      const commands = order.flatMap((each): Command[] => [
        { line: `DELETE ${quote(each.path)}`, optional: !each.selectable },
        { line: `UNSUBSCRIBE ${quote(each.path)}`, optional: true },
      ])
      // Dovecot breaks off a session whose selected mailbox is deleted.
      const leave: Command = { line: 'EXAMINE INBOX', barrier: true, optional: true }
      await session.once(() => ({ commands: [leave, ...commands], result: () => {} }), true).finally(forget)
    },
  }
}

const lines = (...texts: string[]): Batch<void> => ({ commands: texts.map(line => ({ line })), result: () => {} })
const optional = (...texts: string[]): Batch<void> => ({ commands: texts.map(line => ({ line, optional: true })), result: () => {} })
const within = (outer: string, path: string, delimiter: string): boolean => delimiter !== '' && path.startsWith(outer + delimiter)

/** A special folder that cannot be made (read-only, over quota, forbidden) must not take the others with it. */
function passOver(error: unknown): Failure {
  if (!(error instanceof Failure) || error.kind === 'auth') throw error
  return error
}

const isUnavailable = (error: unknown): boolean => error instanceof Failure && error.kind === 'unavailable'

const maxPath = 1000

/**
 * RFC 5258 (LIST-EXTENDED), RFC 5819 (LIST-STATUS), RFC 6154 (SPECIAL-USE): all of it in one round trip. `guid` undefined: plain LIST.
 * Undefined when the server refused the item.
 */
function listing(session: ImapSession, guid: string | undefined): Batch<Listed[] | undefined> {
  const found = new Map<string, Listed>()
  const subscribed = new Set<string>()
  const on = ({ name, values }: Response): void => {
    const [attributes, separator, path] = values
    if (name === 'STATUS') tell(found.get(text(values[0])), values)
    else if (name === 'LSUB') subscribed.add(text(path))
    else if (name === 'LIST' && found.size < maxFolders && text(path).length <= maxPath) {
      const flags = new Set(list(attributes).map(value => text(value).toUpperCase()))
      found.set(text(path), { path: text(path), delimiter: text(separator), attributes: flags, identity: undefined, validity: 0, uidNext: 0 })
    }
  }
  const { specialUse } = session.capabilities
  const status = `STATUS (${guid ? `${guid} ` : ''}UIDVALIDITY UIDNEXT)`
  const commands = guid === undefined ? [{ line: 'LIST "" "*"', on }, { line: 'LSUB "" "*"', on, optional: true }]
    : [{ line: `LIST "" "*" RETURN (SUBSCRIBED${specialUse ? ' SPECIAL-USE' : ''} ${status})`, on, optional: guid !== '' }]
  return {
    commands,
    result: ([answer]) => {
      if (answer?.name !== 'OK') return undefined
      for (const path of subscribed) found.get(path)?.attributes.add('\\SUBSCRIBED')
      return [...found.values()]
    },
  }
}

/** Asks each mailbox by itself, in one round trip; false when the server refused the item. */
function identify(listed: readonly Listed[], guid: string): Batch<boolean> {
  const boxes = listed.filter(selectable)
  const commands = boxes.map((box): Command => ({
    line: `STATUS ${quote(box.path)} (${guid ? `${guid} ` : ''}UIDVALIDITY UIDNEXT)`, optional: true,
    on: ({ name, values }) => { if (name === 'STATUS' && samePath(text(values[0]), box.path)) tell(box, values) },
  }))
  return { commands, result: answers => !answers.some(answer => answer.name === 'BAD') }
}

function tell(box: Listed | undefined, values: readonly Value[]): void {
  if (!box) return
  const items = new Map(pairs(list(values[1])))
  box.identity = identityOf(items)
  box.validity = number(items.get('UIDVALIDITY'))
  box.uidNext = number(items.get('UIDNEXT'))
}

/** The mailbox's own identity, or with UIDVALIDITY alone something to go with its path. */
function identityOf(items: ReadonlyMap<string, Value>): string {
  const id = items.get('MAILBOXID') ?? items.get('X-GUID')
  return id === undefined || id === null ? `v${text(items.get('UIDVALIDITY'))}` : `g${text(list(id)[0] ?? id)}`
}

function idOf({ path, identity }: Pick<Listed, 'path' | 'identity'>): FolderId {
  const name = identity?.startsWith('g') ? identity : `${identity ?? ''}:${path}`
  return createHash('sha256').update(name, 'latin1').digest().subarray(0, 8).toString('base64url') as FolderId
}

/** Parents before children; names without a mailbox of their own where the server leaves them out. */
function tree(listed: Listed[], session: ImapSession): Entry[] {
  const { personal: { prefix, delimiter }, foreign } = session.namespaces
  const own = listed.filter(({ path }) => !foreign.some(other => other.prefix !== '' && `${path}${other.delimiter}`.startsWith(other.prefix)))
  const boxes = new Map(own.map(box => [box.path.toUpperCase() === 'INBOX' ? 'INBOX' : box.path, box]))
  const done = new Map<string, Entry>()

  function add(path: string): Entry {
    const known = done.get(path)
    if (known) return known
    const box = boxes.get(path) ?? { path, delimiter, attributes: new Set(['\\NOSELECT']), identity: undefined, validity: 0, uidNext: 0 }
    const above = parentPath(path, prefix, delimiter)
    const parent = above === undefined ? undefined : add(above)
    const start = above === undefined ? (path.startsWith(prefix) && path !== prefix ? prefix.length : 0) : above.length + delimiter.length
    const entry: Entry = {
      id: idOf({ path, identity: box.identity }), parent: parent?.id, path, validity: box.validity, uidNext: box.uidNext, name: path === 'INBOX' ? 'Inbox' : decodeName(path.slice(start)),
      role: path === 'INBOX' ? 'inbox' : useOf(box.attributes),
      content: 'mail',
      selectable: !box.attributes.has('\\NOSELECT') && !box.attributes.has('\\NONEXISTENT'),
      subscribed: box.attributes.has('\\SUBSCRIBED'),
    }
    done.set(path, entry)
    return entry
  }
  for (const [path] of [...boxes].filter(([, box]) => selectable(box))) add(path)
  return [...done.values()].slice(0, maxFolders)
}

const selectable = ({ attributes }: Listed): boolean => !attributes.has('\\NOSELECT') && !attributes.has('\\NONEXISTENT')
const useOf = (attributes: ReadonlySet<string>): Role | undefined => Object.entries(uses).find(([use]) => attributes.has(use))?.[1]

/** Undefined at the top, which with the prefix `INBOX.` is where INBOX's children are. */
function parentPath(path: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined
  const start = path.startsWith(prefix) ? prefix.length : 0
  const last = path.lastIndexOf(delimiter)
  return last <= start - delimiter.length || last < 0 ? undefined : path.slice(0, last)
}

/** One folder a role: the configuration's, else the server's, else the one with the best name at the top or right below INBOX. */
function assignRoles(entries: readonly Entry[], configured: FoldersOptions['roles'] & object, delimiter: string): readonly Entry[] {
  const holders = new Map<Role, Entry>()
  const inbox = entries.find(entry => entry.role === 'inbox')
  for (const [role, path] of Object.entries(configured)) {
    const entry = entries.find(each => decodeName(each.path) === path || each.path === path)
    if (entry) holders.set(role as Role, entry)
  }
  const taken = (entry: Entry): boolean => [...holders.values()].includes(entry)
  for (const entry of entries) if (entry.role && !holders.has(entry.role) && !taken(entry)) holders.set(entry.role, entry)
  for (const [role, names] of Object.entries(specialNames) as [Role, readonly string[]][]) {
    if (holders.has(role)) continue
    const near = entries.filter(entry => entry.selectable && !taken(entry) && (entry.parent === undefined || (delimiter && entry.parent === inbox?.id)))
    const ranked = near.map(entry => ({ entry, rank: names.indexOf(entry.name.normalize('NFC').toLowerCase()) })).filter(({ rank }) => rank >= 0)
    const best = ranked.sort((a, b) => a.rank - b.rank)[0]
    if (best) holders.set(role, best.entry)
  }
  const roles = new Map([...holders].map(([role, entry]) => [entry, role]))
  return entries.map(entry => ({ ...entry, role: roles.get(entry) }))
}

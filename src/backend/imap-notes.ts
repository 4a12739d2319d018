import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Failure, stale } from '../base/failure.ts'
import { parseHeader, rawField } from '../formats/header.ts'
import { upToText } from '../formats/mail-note.ts'
import { editHeader } from '../formats/mime-write.ts'
import type { Range } from '../model/cursor.ts'
import type { Folder, FolderId } from '../model/folder.ts'
import type { Listed, MailStore, ObjectStore, StoredObject } from '../model/ports.ts'
import type { ImapFolders } from './imap-folders.ts'
import type { FlagRow, ImapMailbox, MailboxState, Query } from './imap-mailbox.ts'
import { keptOf, namesOf, parseName, parseToken, printName, printToken, type Born, type Names, type NotesState } from './imap-note-names.ts'
import { count, intersect, normalise, ofUids, subtract } from './uid-ranges.ts'

export type NotesDeps = {
  readonly mail: MailStore
  readonly folders: ImapFolders
  readonly mailbox: ImapMailbox
}

/** What a message says of itself, which never changes. */
type Facts = {
  readonly uuid: string | undefined
  /** The name it was written under by this program. */
  readonly born: number | undefined
  /** Something else than a note. */
  readonly isForeign: boolean
}

/** A mailbox of notes as it is now. */
type Seen = {
  readonly state: MailboxState
  /** Notes that are not marked for removal, by UID. */
  readonly rows: ReadonlyMap<number, FlagRow>
  readonly facts: ReadonlyMap<number, Facts>
  readonly kept: readonly Born[]
  readonly names: Names
  /** Flags that changed, and UIDs that went, since the state that was asked about. */
  readonly changed: readonly FlagRow[]
  /** Also what was marked for removal. */
  readonly gone: readonly Range[]
}

/** What Apple's programs call the mailbox, in any language. */
const title = 'Notes'
const uuidField = 'X-Universally-Unique-Identifier', bornField = 'X-Postern-Note'

/** Messages of one mailbox that are looked at, octets of one, and octets that are asked for where only the text is wanted. */
const most = 20_000, mostOctets = 64 * 1024 * 1024, glance = 256 * 1024
const headerSize = 16_384
/** Removals told for holes of unknown history, where the server has no QRESYNC. */
const mostHoles = 5000
const maxUid = 0xffffffff

/** A mailbox of notes is a folder of objects too, with a name of its own as that. */
export const holdsMailNotes = (id: FolderId): boolean => id.startsWith('m.')
const notesId = (mailbox: FolderId): FolderId => `m.${mailbox}` as FolderId
const mailboxId = (notes: FolderId): FolderId => notes.slice(2) as FolderId

/** Notes in the mailbox `Notes` and those below it, as Apple's programs keep them there: one message a note, an edit is a new message. */
export function imapNotes({ mail, folders, mailbox }: NotesDeps): ObjectStore {
  const known = new LRUCache<string, Facts>({ max: most })
  /** Which note a name meant, for names that are gone: a message of another program may go on with it. */
  const meant = new LRUCache<string, string>({ max: most })
  /** Without QRESYNC: what there was when a token was given. */
  const held = new LRUCache<string, readonly Range[]>({ max: 64 })

  async function list(): Promise<readonly Folder[]> {
    const found = notesIn(await folders.folders(true))
    if (found.length > 0) return found
    await mail.createFolder(undefined, title).catch(passOver)
    return notesIn(await folders.folders(true))
  }

  async function folder(id: FolderId): Promise<Folder> {
    const find = (all: readonly Folder[]): Folder | undefined => all.find(one => one.id === id)
    const found = find(await list()) ?? find(notesIn(await folders.folders()))
    if (!found) throw new Failure('not-found', 'no such folder of notes')
    return found
  }

  /** One round trip, and one more where there are messages that were never seen. */
  async function look(id: FolderId, before?: NotesState): Promise<Seen> {
    const everything: Query = { kind: 'vanished+flags', uids: `1:${maxUid}`, modseq: 0n }
    const { condstore, qresync } = mailbox.capabilities
    const asked = before && condstore && before.modseq > 0n
    const { state, answers } = await mailbox.ask(mailboxId(id), before?.validity, asked ? [everything, { ...everything, modseq: before.modseq }] : [everything])
    const [all, since] = answers.map(answer => answer.kind === 'vanished+flags' ? answer : { vanished: [], flags: [] })
    const there = all!.flags.filter(({ uid }) => uid < state.uidNext)
    if (there.length > most) throw new Failure('too-large', `more than ${most} notes`)
    const live = there.filter(({ flags }) => !flags.has('\\Deleted'))
    const facts = await factsOf(id, state.validity, live.map(({ uid }) => uid))
    const rows = new Map(live.filter(({ uid }) => facts.get(uid)?.isForeign === false).map(row => [row.uid, row]))
    const notes = [...rows.keys()].map(uid => bornOf(facts, uid)), kept = keptOf(notes)
    const uids = ofUids(there.map(({ uid }) => uid))
    const changed = since?.flags ?? []
    const marked = (asked ? changed : there).filter(({ flags }) => flags.has('\\Deleted')).map(({ uid }) => uid)
    const gone = !before ? [] : [...qresync && asked ? since!.vanished : holes(before, uids), ...ofUids(marked)]
    if (!qresync) held.set(printToken({ ...marks(state), kept }), uids)
    return { state, rows, facts, kept, names: namesOf(notes, kept), changed, gone }
  }

  function holes(before: NotesState, there: readonly Range[]): Range[] {
    const then = held.get(printToken(before))
    const found = subtract(then ?? [{ from: 1, to: before.uidNext - 1 }], there)
    if (!then && count(found) > mostHoles) throw stale('holes', 'too many holes to tell what went')
    return found
  }

  async function factsOf(id: FolderId, validity: number, uids: readonly number[]): Promise<ReadonlyMap<number, Facts>> {
    const slot = (uid: number): string => `${id}:${validity}:${uid}`
    const facts = new Map<number, Facts>()
    const unseen: number[] = []
    for (const uid of uids) {
      const one = known.get(slot(uid))
      if (one) facts.set(uid, one)
      else unseen.push(uid)
    }
    const heads = await mail.parts(mailboxId(id), validity, unseen.map(uid => ({ uid, section: 'HEADER', length: headerSize })))
    for (const [index, uid] of unseen.entries()) {
      const head = heads[index]
      if (!head) continue
      const one = readFacts(head, id, validity)
      known.set(slot(uid), one)
      for (const each of [uid, one.born]) if (each && one.uuid) meant.set(slot(each), one.uuid)
      facts.set(uid, one)
    }
    return facts
  }

  async function octetsOf(id: FolderId, validity: number, uid: number): Promise<Uint8Array | undefined> {
    const [octets] = await mail.parts(mailboxId(id), validity, [{ uid, section: '', length: mostOctets + 1 }])
    if (octets && octets.length > mostOctets) throw new Failure('too-large', 'a note that is too large to be read')
    return octets
  }

  /** What a name means now; also one that a note does not have any more, as far as that is known. */
  function resolve(id: FolderId, { state: { validity }, names, rows, facts }: Seen, name: string): Named | undefined {
    const newest = (holds: (facts: Facts) => boolean): number | undefined =>
      [...rows.keys()].filter(uid => holds(facts.get(uid)!)).reduce<number | undefined>((best, uid) => Math.max(best ?? 0, uid), undefined)
    const born = parseName(name, validity)
    const uuid = born === undefined ? name.toLowerCase() : meant.get(`${id}:${validity}:${born}`)
    const uid = (born !== undefined ? names.get(born) ?? (rows.has(born) ? born : newest(one => one.born === born)) : undefined)
      ?? (uuid === undefined ? undefined : newest(one => one.uuid === uuid))
    if (uid === undefined) return undefined
    const now = [...names].find(([, each]) => each === uid)?.[0] ?? uid
    return { uid, born: now, name: born === undefined ? printName(validity, now) : name }
  }

  /** Appends a message; its UID. */
  async function append(id: FolderId, octets: Uint8Array, flags: readonly string[]): Promise<number> {
    const stored = await mail.append(mailboxId(id), octets, ['\\Seen', ...flags.filter(flag => flag !== '\\Seen' && isKept(flag))])
    if (stored) return stored.uid
    // RFC 4315 tells the UID; without it the field that no other message has does.
    const mark = rawField(parseHeader(octets), 'message-id') ?? ''
    const uid = (await mail.findByHeader(mailboxId(id), 'Message-ID', mark)).at(-1)
    if (uid === undefined) throw new Failure('unavailable', 'a note is not there after it was written')
    return uid
  }

  const removeAll = (id: FolderId, validity: number, uids: readonly number[]): Promise<void> => mail.remove(mailboxId(id), validity, uids)

  async function create(id: FolderId, name: string, octets: Uint8Array) {
    const twins = (seen: Seen): number[] => [...seen.rows.keys()].filter(uid => seen.facts.get(uid)!.uuid === name.toLowerCase())
    if (twins(await look(id)).length > 0) throw new Failure('exists', 'there is such a note')
    const uid = await append(id, editHeader(octets, { set: [[uuidField, name.toUpperCase()]] }), [])
    const seen = await look(id), { validity } = seen.state
    // Another process was told to make the same.
    if (twins(seen).some(each => each < uid)) {
      await removeAll(id, validity, [uid])
      throw new Failure('exists', 'there is such a note')
    }
    return { etag: String(uid), name: printName(validity, uid) }
  }

  /** The new message first, then the old one goes. Who finds another writer's message between the two takes back its own. */
  async function replace(id: FolderId, name: string, octets: Uint8Array, etag: string | undefined) {
    const before = await look(id), { validity } = before.state
    const old = resolve(id, before, name)
    if (!old || (etag !== undefined && etag !== String(old.uid))) throw new Failure('conflict', 'another version, or none')
    const uuid = before.facts.get(old.uid)!.uuid ?? randomUUID()
    const fields = [[uuidField, uuid.toUpperCase()], [bornField, `${id} ${printName(validity, old.born)}`]] as const
    const uid = await append(id, editHeader(octets, { set: fields }), [...before.rows.get(old.uid)!.flags])
    const after = await look(id, undefined)
    const same = [...after.rows.keys()].filter(each => bornOf(after.facts, each).born === old.born)
    if (after.state.validity !== validity || !after.rows.has(old.uid) || same.some(each => each > old.uid && each < uid)) {
      await removeAll(id, validity, [uid])
      throw new Failure('conflict', 'somebody else was faster')
    }
    await removeAll(id, validity, [...new Set([old.uid, ...same.filter(each => each < uid)])])
    return { etag: String(uid) }
  }

  return {
    folders: list,
    folder,
    async createFolder(content, name) {
      if (content !== 'notes') throw new Failure('unsupported', 'a mailbox holds mail or notes')
      const [top] = await list()
      if (!top) throw new Failure('denied', 'the mailbox of notes cannot be made')
      const made = await mail.createFolder(mailboxId(top.id), name)
      return folder(notesId(made.id))
    },
    async renameFolder(id, name) {
      const { parent } = await folder(id)
      const renamed = await mail.updateFolder(mailboxId(id), parent && mailboxId(parent), name)
      return folder(notesId(renamed.id))
    },
    async deleteFolder(id) {
      await mail.deleteFolder(mailboxId((await folder(id)).id))
    },

    async changes(id, token) {
      const before = token === undefined ? undefined : parseToken(token)
      if (before) {
        const state = (await mailbox.status([mailboxId(id)])).get(mailboxId(id))
        if (!state) throw new Failure('not-found', 'the folder is gone')
        if (state.validity !== before.validity) throw stale('uidvalidity', 'UIDVALIDITY changed')
        if (isSame(state, before)) return { present: [], gone: [], token: token! }
      }
      const seen = await look(id, before), { state, names, kept } = seen
      const then = before ? namesThen(before, seen) : new Map<number, number>()
      // Whether it was marked for removal then, and is no more, nobody can say: it is told again.
      const flagged = new Set(seen.changed.map(({ uid }) => uid))
      const present = [...names].filter(([born, uid]) => then.get(born) !== uid || flagged.has(uid)).map(([born, uid]): Listed =>
        ({ name: printName(state.validity, born), etag: String(uid) }))
      const gone = [...then.keys()].filter(born => !names.has(born)).map(born => printName(state.validity, born))
      return { present, gone, token: printToken({ ...marks(state), kept }) }
    },

    within: async () => new Set(),
    containing: async () => [],
    schedules: async () => false,

    async objects(id, wanted) {
      const seen = await look(id), { validity } = seen.state
      const found = wanted.map(name => resolve(id, seen, name)).filter(one => one !== undefined)
      const octets = await mail.parts(mailboxId(id), validity, found.map(({ uid }) => ({ uid, section: '', length: glance })))
      const objects: StoredObject[] = []
      for (const [index, { uid, name }] of found.entries()) {
        const some = octets[index]
        const all = some && some.length >= glance ? await octetsOf(id, validity, uid) : some
        if (all) objects.push({ name, etag: String(uid), octets: upToText(all) })
      }
      return objects
    },
    async read(id, name) {
      const seen = await look(id)
      const one = resolve(id, seen, name)
      const octets = one && await octetsOf(id, seen.state.validity, one.uid)
      return octets && { name: one.name, etag: String(one.uid), octets }
    },
    write: (id, name, octets, condition) => condition === 'new' ? create(id, name, octets) : replace(id, name, octets, condition?.etag),
    async remove(id, name, etag) {
      const seen = await look(id)
      const one = resolve(id, seen, name)
      if (!one) return
      if (etag !== undefined && etag !== String(one.uid)) throw new Failure('conflict', 'another version')
      const { rows, facts, state } = seen
      // With what an edit that broke off left of it.
      const former = [...rows.keys()].filter(uid => uid < one.uid && bornOf(facts, uid).born === one.born)
      await removeAll(id, state.validity, [one.uid, ...former])
    },
    async move({ folder: id, name }, to) {
      const seen = await look(id), one = resolve(id, seen, name)
      if (!one) throw new Failure('not-found', 'no such note')
      const { uids, validity } = await mail.move(mailboxId(id), seen.state.validity, [one.uid], mailboxId(to))
      const uid = uids.get(one.uid)
      if (uid === undefined) throw new Failure('not-found', 'no such note')
      return canonical(await look(to), printName(validity, uid), uid)
    },

    async changed(tokens) {
      const states = await mailbox.status([...tokens.keys()].map(mailboxId))
      return new Set([...tokens].filter(([id, token]) => {
        const state = states.get(mailboxId(id))
        return !state || !isSame(state, parseToken(token))
      }).map(([id]) => id))
    },
    watch: (ids, signal, on) => mail.watch(ids.map(mailboxId), signal, { ...on, changed: id => on.changed(notesId(id)) }),
  }
}

/** A mailbox that another process makes, or that cannot be made, takes no other folder with it. */
function passOver(error: unknown): void {
  if (!(error instanceof Failure) || error.kind === 'auth' || error.kind === 'unavailable' || error.kind === 'busy') throw error
}

type Named = { readonly uid: number; readonly born: number; readonly name: string }

/** What the message is called in its mailbox. */
function canonical({ state, names }: Seen, otherwise: string, uid: number): string {
  const born = [...names].find(([, each]) => each === uid)?.[0]
  return born === undefined ? otherwise : printName(state.validity, born)
}

const marks = ({ validity, uidNext, highestModseq, messages }: MailboxState) =>
  ({ validity, uidNext, modseq: highestModseq || BigInt(messages) })

/** Where no MODSEQ is kept, the number of messages stands in its place. */
function isSame(state: MailboxState, before: NotesState): boolean {
  const { validity, uidNext, modseq } = marks(state)
  return validity === before.validity && uidNext === before.uidNext && modseq === before.modseq
}

/** What there was, by the names it had: what is there now or went since, and was there then. */
function namesThen(before: NotesState, { rows, facts, gone }: Seen): Names {
  const past = before.uidNext > 1 ? [{ from: 1, to: before.uidNext - 1 }] : []
  const went = intersect(normalise(gone), past)
  if (count(went) > most * 10) throw stale('holes', 'more went than can be told')
  const notes = [...rows.keys()].filter(uid => uid < before.uidNext).map(uid => bornOf(facts, uid))
  const born = new Map(before.kept.map(one => [one.uid, one.born]))
  for (const { from, to } of went) for (let uid = from; uid <= to; uid++) notes.push({ uid, born: born.get(uid) ?? uid })
  return namesOf(notes, before.kept)
}

const bornOf = (facts: ReadonlyMap<number, Facts>, uid: number): Born => ({ uid, born: facts.get(uid)?.born ?? uid })

function readFacts(head: Uint8Array, id: FolderId, validity: number): Facts {
  const header = parseHeader(head)
  const [place, name = ''] = (rawField(header, bornField.toLowerCase()) ?? '').split(' ')
  return {
    uuid: rawField(header, uuidField.toLowerCase())?.toLowerCase(),
    born: place === id ? parseName(name, validity) : undefined,
    // Kolab keeps its own notes in messages of another form.
    isForeign: rawField(header, 'x-kolab-type') !== undefined,
  }
}

/** Flags and keywords that go along with an edit. */
const isKept = (flag: string): boolean => flag !== '\\Deleted' && flag !== '\\Recent' && /^\\?[\w$.-]{1,100}$/.test(flag)

/** The mailbox of notes, at the top or right below INBOX, and those below it, parents first. */
function notesIn(all: readonly Folder[]): readonly Folder[] {
  const inbox = all.find(({ role }) => role === 'inbox')
  const named = all.filter(one => one.selectable && !one.role && one.name.toLowerCase() === title.toLowerCase())
  const top = named.find(({ parent }) => parent === undefined) ?? named.find(({ parent }) => parent === inbox?.id)
  if (!top) return []
  const below = new Set([top.id])
  for (const { id, parent } of all) if (parent && below.has(parent)) below.add(id)
  return all.filter(({ id, selectable }) => selectable && below.has(id)).map(({ id, parent, name }): Folder => ({
    id: notesId(id), parent: parent && below.has(parent) ? notesId(parent) : undefined, name, role: undefined, content: 'notes',
    selectable: true, mailbox: id, ...(id === top.id ? { isDefault: true } : {}),
  }))
}

import type { Failure } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'
import type { Verdict } from './certificate.ts'
import type { MailCursor } from './cursor.ts'
import type { Certificates, Entries, Members } from './directory.ts'
import type { NewFile } from './event.ts'
import type { Folder, FolderId, ObjectContent, Role } from './folder.ts'
import type { Flow, Head, Message } from './message.ts'
import type { OutOfOffice } from './out-of-office.ts'
import type { MailQuery } from './query.ts'

/** A message named for good: a UID means nothing without its UIDVALIDITY. */
export type MessageRef = { readonly folder: FolderId; readonly validity: number; readonly uid: number }

export type MailChanges = {
  /** Gone: expunged, or moved away. May name UIDs the client never had. */
  readonly deletes: readonly number[]
  /** Still there, but outside the time filter now. */
  readonly aged: readonly number[]
  readonly updates: readonly FlagChange[]
  /** Newest first. */
  readonly adds: readonly Message[]
  readonly next: MailCursor
  /** Ask again with `next`: there was more than the window holds. */
  readonly more: boolean
}

export type FlagChange = { readonly uid: number; readonly flags: ReadonlySet<string>; readonly modseq: bigint }

export type ChangesWish = {
  /** At most so many deletes, aged, updates and adds together; at least 1. */
  readonly window: number
  /** Day (since 1970-01-01) to cut at; 0 shows all. */
  readonly since: number
}

/** Octets of one part. `length` octets from `offset`, all of it where absent; still transfer-encoded. */
export type PartWish = {
  readonly uid: number
  /** `1.2`, or empty for the whole message. */
  readonly section: string
  readonly offset?: number
  readonly length?: number
}

export type FlagWish = {
  readonly uids: readonly number[]
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  /** Leave a message alone that changed after this MODSEQ and report it in `modified`. */
  readonly unchangedSince?: bigint
}

export type FlagResult = {
  /** MODSEQ after the change, by UID; absent where the server keeps none. */
  readonly modseq: ReadonlyMap<number, bigint>
  /** Refused because of `unchangedSince`. */
  readonly modified: readonly number[]
  /** Not there any more. */
  readonly missing: readonly number[]
  /** Keywords the mailbox does not take: all else of the wish was done. */
  readonly unkept?: readonly string[]
}

/**
 * One user's mail. All methods throw `Failure`: `auth` when the credentials no longer hold, `unavailable` when the server
 * cannot be reached or broke off (never an empty answer), `not-found` for an unknown folder, `stale` for another UIDVALIDITY,
 * `denied`, `quota`, `exists` as the server says.
 */
export interface MailStore {
  /** Every folder, parents before children. The special folders exist after this call: missing ones were created. */
  folders(): Promise<readonly Folder[]>
  /** One folder by its id, from memory where fresh. */
  folder(id: FolderId): Promise<Folder>
  folderByRole(role: Role): Promise<Folder>
  createFolder(parent: FolderId | undefined, name: string): Promise<Folder>
  /** Rename, move, or both. */
  updateFolder(id: FolderId, parent: FolderId | undefined, name: string): Promise<Folder>
  /** With everything in it. */
  deleteFolder(id: FolderId): Promise<void>

  /**
   * What differs from `cursor` (undefined: everything), at most `wish.window` items. One round trip when nothing changed.
   * Throws `stale` for another UIDVALIDITY.
   */
  changes(folder: FolderId, cursor: MailCursor | undefined, wish: ChangesWish): Promise<MailChanges>
  /**
   * These changes are asked for next, most likely, and pieces of the messages in them: both may be read before. Changes nothing of what is
   * answered then. `pieces` are 2 MiB at most.
   */
  foresee(folder: FolderId, cursor: MailCursor, wish: ChangesWish, pieces: (adds: readonly Message[]) => readonly PartWish[]): void
  /** Which of these folders may have changes: one round trip for all where the server keeps MODSEQ. A folder that is gone is included. */
  changed(cursors: ReadonlyMap<FolderId, { cursor: MailCursor; since: number }>): Promise<ReadonlySet<FolderId>>
  /** How many items `changes` would still have to tell about. */
  estimate(folder: FolderId, cursor: MailCursor | undefined, since: number): Promise<number>

  /**
   * Heads of the newest messages, newest first and at most `most`, by what is in the folder: none are read where that is still `known`. Two
   * round trips at most.
   */
  heads(folder: FolderId, most: number, known?: MailContent): Promise<{ readonly content: MailContent; readonly heads?: readonly Head[] }>
  /** Those of `uids` that still exist, in any order. */
  messages(folder: FolderId, validity: number, uids: readonly number[]): Promise<readonly Message[]>
  /** In the order of `wishes`; undefined where the message or part is not there. Pipelined: one round trip. */
  parts(folder: FolderId, validity: number, wishes: readonly PartWish[]): Promise<readonly (Uint8Array | undefined)[]>
  /** A part (or, section empty, the message) of any size, in chunks; other requests of the user go on in between. */
  stream(ref: MessageRef, section: string, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>

  setFlags(folder: FolderId, validity: number, wish: FlagWish): Promise<FlagResult>
  /** New UIDs by old ones; a UID absent from `uids` did not exist any more. */
  move(folder: FolderId, validity: number, uids: readonly number[], to: FolderId): Promise<{ validity: number; uids: ReadonlyMap<number, number> }>
  /** For good, and nothing but these: UID EXPUNGE or a MOVE, never a plain EXPUNGE. */
  remove(folder: FolderId, validity: number, uids: readonly number[]): Promise<void>
  /** Removes for good every message that is there when this is called, and none that comes later; folders below it stay. */
  empty(folder: FolderId): Promise<void>
  append(folder: FolderId, message: Uint8Array, flags: readonly string[]): Promise<{ validity: number; uid: number } | undefined>
  /**
   * The same for a message that flows in, of `length` octets: over a connection of its own, which costs a login. What has begun must be
   * finished or abandoned. Throws what the server says of the mailbox before the first octet.
   */
  appending(folder: FolderId, length: number, flags: readonly string[]): Promise<Appending>
  /** UIDs whose header field has exactly this value (a Message-ID, say), newest last. */
  findByHeader(folder: FolderId, field: string, value: string): Promise<readonly number[]>
  /**
   * Messages in these folders that match, newest first across folders, at most `most`; how many match in all, which may be an estimate
   * above `most`. A folder that is gone is left out. Throws `unsupported` for a query the server cannot answer, `too-large` for one
   * with too many conditions.
   */
  search(folders: readonly FolderId[], query: MailQuery, most: number): Promise<Found>

  /**
   * Tells of events in `folders` until `signal` ends; the promise settles then. One connection a user whoever asks. What happened
   * before `ready` is for the caller to look for, what happens after it is told.
   */
  watch(folders: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void>
}

/** Which messages a folder has: two that are equal have the same, whatever became of their flags. */
export type MailContent = { readonly validity: number; readonly uidNext: number; readonly messages: number }

export type Appending = {
  /** Settles when more may come. */
  write(octets: Uint8Array): Promise<void>
  /** Throws where the octets were not as many as announced. Before this is called nothing is stored. */
  finish(): Promise<void>
  /** Leaves nothing behind; does nothing after `finish`. */
  abandon(): void
}

export type Found = { readonly refs: readonly MessageRef[]; readonly total: number }

export type Watcher = {
  /** From now on nothing goes untold. Called again when a broken connection was made anew. */
  ready(): void
  /** Something happened there; may be called often and for nothing. Must not block. */
  changed(id: FolderId): void
  /** The connection broke and cannot be had for now; `ready` follows when it can. */
  lost(why: unknown): void
}

/** One object of a collection by its name there: the last segment of its address (RFC 4918), decoded, or what stands for it. */
export type ObjectRef = { readonly folder: FolderId; readonly name: string }

/** An object and which version of it there is. */
export type Listed = { readonly name: string; readonly etag: string }

/** Octets as they are stored: iCalendar (RFC 5545), vCard (RFC 2426, RFC 6350), or of notes in a mailbox a message. */
export type StoredObject = Listed & { readonly octets: Uint8Array }

export type ObjectChanges = {
  /** There now, and new or another version since. */
  readonly present: readonly Listed[]
  /** Not there any more. May name objects the client never had. */
  readonly gone: readonly string[]
  /** Stands for the collection as it is now. */
  readonly token: string
}

/** What must hold for a write: no object of that name yet, this version of it, or (undefined) nothing. */
export type Condition = 'new' | { readonly etag: string } | undefined

/**
 * One user's calendars, task lists, journals and address books: collections of objects, as WebDAV has them. A collection that takes
 * several kinds is a folder of each. All methods throw `Failure`: `auth`, `denied` (403), `not-found` for an unknown folder, `conflict`
 * (412, 423), `quota` (507), `malformed` for octets the server does not take, `busy`, and `unavailable` when the server cannot be reached
 * or does not speak WebDAV: never an empty answer.
 */
export interface ObjectStore {
  /** Every collection of every kind, the default ones first. From memory where fresh, unless asked for `anew`. */
  folders(anew?: boolean): Promise<readonly Folder[]>
  folder(id: FolderId): Promise<Folder>
  createFolder(content: ObjectContent, name: string): Promise<Folder>
  renameFolder(id: FolderId, name: string): Promise<Folder>
  /** With everything in it. */
  deleteFolder(id: FolderId): Promise<void>

  /** What differs from when the server gave `token`; all there is without one. Throws `stale` for a token the server does not know (any more). */
  changes(folder: FolderId, token: string | undefined): Promise<ObjectChanges>
  /** Names of calendar objects that take place, once at least, at or after `from` and before `to` (RFC 4791, CALDAV:time-range). */
  within(folder: FolderId, from: Date, to?: Date): Promise<ReadonlySet<string>>
  /** Those of `names` that exist, in any order, for reading: line ends may be others than those stored. */
  objects(folder: FolderId, names: readonly string[]): Promise<readonly StoredObject[]>
  /** One object, octet for octet; undefined where there is none. */
  read(folder: FolderId, name: string): Promise<StoredObject | undefined>
  /**
   * The version written, or undefined where the server made something else of it; `name` where a new object is called otherwise from now on.
   * Throws `exists` or `conflict` where `condition` does not hold.
   */
  write(folder: FolderId, name: string, octets: Uint8Array, condition: Condition): Promise<{ readonly etag: string | undefined; readonly name?: string }>
  /**
   * Removing what is gone succeeds. Throws `conflict` where it is another version than `etag`. `quietly`: a server that schedules is not to
   * tell the organizer (RFC 6638, Schedule-Reply).
   */
  remove(folder: FolderId, name: string, etag: string | undefined, quietly?: boolean): Promise<void>
  /**
   * Events in which a property has this text, or has it within a longer one, for reading (RFC 4791, CALDAV:prop-filter). Throws `denied` for a
   * property the server does not look for.
   */
  containing(folder: FolderId, property: string, text: string): Promise<readonly StoredObject[]>
  /** Whether the server itself tells those who meet of what is written: RFC 6638, `calendar-auto-schedule`. From memory where known. */
  schedules(): Promise<boolean>
  /** Undefined where only the events themselves hold files. */
  readonly files?: ObjectFiles
  /**
   * What tells when others have time, by their addresses: iCalendar of VFREEBUSY, or of the events that take place between `from` and `to`; or
   * why it cannot be told of one, `denied` where it may not be. Of whom the server knows nothing, there is nothing. Throws `unsupported` where
   * it has no way to tell.
   */
  freeBusy?(addresses: readonly string[], from: Date, to: Date): Promise<ReadonlyMap<string, readonly Uint8Array[] | Failure>>
  /** What it is called in `to`, where that is another name. Throws `exists` where there is such an object. */
  move(ref: ObjectRef, to: FolderId): Promise<string | void>

  /** Which of these folders differ from where their token stands: one request for all that share a home. A folder that is gone is included. */
  changed(tokens: ReadonlyMap<FolderId, string>): Promise<ReadonlySet<FolderId>>
  /** As `MailStore.watch`: one poll a user whoever asks. */
  watch(folders: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void>
}

/**
 * RFC 8607, Managed Attachments: files of events that the server keeps beside them. Methods throw as those of `ObjectStore` do, `too-large`
 * and `quota` too.
 */
export interface ObjectFiles {
  /** Whether the server takes such files. From memory where known. */
  keeps(): Promise<boolean>
  /** Whether an address is of this server: what is anywhere else is asked for by nobody, as it would be with the user's credentials. */
  isHere(uri: string): boolean
  /** A file of any size, in pieces, each time anew; a managed one is on this server whatever that calls itself. Throws `not-found`. */
  open(uri: string, managed: boolean): Promise<{ readonly length: number | undefined; octets(): AsyncIterable<Uint8Array> }>
  /** The server writes it into the event: into all of it, or an occurrence that is named by its RECURRENCE-ID (`M`: the series). */
  add(ref: ObjectRef, file: NewFile, occurrence?: string): Promise<{ readonly id: string; readonly etag: string | undefined }>
  remove(ref: ObjectRef, id: string, occurrence?: string): Promise<{ readonly etag: string | undefined }>
}

/** Sends mail on behalf of the user. */
export interface Submission {
  /** The server files a copy of what is sent through it, so nobody else must. */
  readonly filesSent: boolean
  /**
   * Throws `Failure`: `denied` when the sender is refused, `malformed` when no recipient was accepted,
   * `too-large`, `quota`, `unavailable`. Resolves with the refused recipients when at least one was accepted. A flow is read once,
   * at the pace of the server; when it throws, nothing is sent.
   */
  send(from: string, to: readonly string[], message: Uint8Array | Flow): Promise<{ readonly refused: readonly string[] }>
}

/**
 * People and groups by name. All methods throw `Failure`: `unavailable` when the book cannot be reached or does not let us in (never an
 * empty answer), `denied`. An id that is not there any more has no photo and no certificates.
 */
export interface Directory {
  /**
   * Entries of which a name, an address or the alias begins with each of the words, at most `most`. Throws `malformed` without a word,
   * `too-large` for too many.
   */
  search(words: string, most: number): Promise<Entries>
  /** Whom a recipient means: one entry for an address or a name that is unique, those it may mean for another name. */
  resolve(recipient: string, most: number): Promise<Entries>
  /** An image file. */
  photo(id: string): Promise<Uint8Array | undefined>
  certificates(id: string): Promise<Certificates>
  /** Undefined where it is no group, or none that the book knows as one. `most`: members that are looked up. */
  members(id: string, most: number): Promise<Members | undefined>
}

/** The groups of the site's directory that one user is in. */
export interface Groups {
  /**
   * Whether the user is in a group, directly or by other groups. It is named by its DN, or by the value its DN begins with. From memory for some
   * minutes, and longer while the directory is away. Throws `unavailable` where nobody knows.
   */
  has(group: string): Promise<boolean>
}

/** Tells whether certificates can be trusted for mail. */
export interface CertificateCheck {
  /**
   * A verdict for each of `certificates`. All are DER; `chain` may stand between them and an authority. `strict`: what cannot be said to be
   * unrevoked is not valid.
   */
  verify(certificates: readonly Uint8Array[], chain: readonly Uint8Array[], strict: boolean): Promise<readonly Verdict[]>
}

/** Later mail of a conversation, told by answering one of `messages` (Message-IDs without brackets), goes to `folder`. */
export type Filing = { readonly conversation: string; readonly messages: readonly string[]; readonly folder: FolderId }

/**
 * What the mail server does by itself as mail comes. Throws `Failure`: `unsupported` when the server cannot do it, or not beside the
 * user's own rules, `conflict` when those do the same already, `quota`, `too-large`, `denied`, `unavailable`.
 */
export interface Filters {
  outOfOffice(): Promise<OutOfOffice>
  setOutOfOffice(edit: (now: OutOfOffice) => OutOfOffice): Promise<void>
  /** Newest last; only so many of the newest are kept. A folder that is gone takes its filing along. */
  setFilings(edit: (now: readonly Filing[]) => readonly Filing[]): Promise<void>
}

/** What the user may be called and send as. */
export type Person = {
  /** Login name at the backend. */
  readonly login: string
  /** Whose everything is that is kept: the login name, with the mail server where users of two may have the same. */
  readonly account: string
  readonly displayName: string | undefined
  /** Primary address first. */
  readonly addresses: readonly string[]
}

/** Everything behind one user, opened with proven credentials. Sessions are pooled below; closing is not the caller's business. */
export type Stores = {
  readonly mail: MailStore
  /** Undefined where no CalDAV or CardDAV server is configured. */
  readonly objects?: ObjectStore
  readonly submission: Submission
  /** Absent where the site has none. */
  readonly filters?: Filters
  readonly person: Person
  /** Everybody's address list. Undefined where none is configured. */
  readonly directory?: Directory
  /** Absent where the site has no directory with groups: the user is in none. */
  readonly groups?: Groups
  /** The user's own contacts, as people to find. Throws `denied` for a user whom the server refuses. Undefined where `objects` is. */
  readonly contacts?: Directory
  readonly certificates: CertificateCheck
}

/**
 * Opens a user's stores. Throws `auth` for refused credentials, `busy` with `retryAfter` while they are being slowed down,
 * `unavailable` when the backend cannot say.
 */
export type Open = (credentials: Credentials, address: string) => Promise<Stores>

import type { Budget } from '../base/budget.ts'
import { Failure } from '../base/failure.ts'
import { silent, type Log } from '../base/log.ts'
import type { Range } from '../model/cursor.ts'
import type { FolderId } from '../model/folder.ts'
import type { MailStore, PartWish } from '../model/ports.ts'
import { readAhead } from './imap-ahead.ts'
import { appending, appendLine } from './imap-append.ts'
import { mailChanges } from './imap-changes.ts'
import { empty, move, remove, setFlags } from './imap-edit.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import { imapHeads } from './imap-heads.ts'
import { searchCommand, type ImapMailbox } from './imap-mailbox.ts'
import { quote } from './imap-names.ts'
import { partsBatch } from './imap-parts.ts'
import type { Recall } from './imap-recall.ts'
import { number, text } from './imap-response.ts'
import { search } from './imap-search.ts'
import type { ImapSession } from './imap-session.ts'
import type { ImapWatch } from './imap-watch.ts'
import { highest, normalise } from './uid-ranges.ts'

export type MailDeps = {
  readonly session: ImapSession
  readonly folders: ImapFolders
  readonly mailbox: ImapMailbox
  readonly recall: Recall
  readonly watch: ImapWatch
  /** What may be read before it is asked for, of this user. */
  readonly ahead: { readonly budget: Budget; readonly user: string; readonly seconds?: number }
  readonly log?: Log
}

// The lock on the session is given back between chunks: others wait for one at most.
const chunk = 78 * 6400 // base64 in lines of the usual length is cut between two of them

/** One user's mail over IMAP. */
export function imapMail({ session, folders, mailbox, recall, watch, ahead, log = silent }: MailDeps): MailStore {
  async function at<T>(id: FolderId, work: (path: string) => Promise<T>, checked = false): Promise<T> {
    if (id === outbox.id) throw new Failure('denied', 'nothing can be put into Outbox')
    return folders.at(id, work, checked)
  }

  const { changes, changed, estimate } = mailChanges(mailbox, recall, watch.heard)

  async function parts(folder: FolderId, validity: number, wishes: readonly PartWish[]): Promise<(Uint8Array | undefined)[]> {
    if (wishes.length === 0) return []
    const first = await at(folder, path => session.peek(path, validity, () => partsBatch(wishes)), true)
    const missing = wishes.filter((_, index) => first.result[index] === undefined)
    if (first.fresh || missing.length === 0) return first.result
    // The session may not have heard of these messages yet.
    const again = await at(folder, path => session.peek(path, validity, () => partsBatch(missing), true), true)
    return first.result.map(found => found ?? again.result.shift())
  }

  return {
    folders: () => folders.folders(),
    folder: folders.folder,
    folderByRole: folders.folderByRole,
    createFolder: folders.createFolder,
    updateFolder: folders.updateFolder,
    deleteFolder: folders.deleteFolder,
    changed,
    estimate,
    ...readAhead({ changes, parts }, { mailbox, ...ahead }),
    heads: imapHeads(session, folders, mailbox),
    messages: (folder, validity, uids) => mailbox.messages(folder, validity, uids),

    async *stream({ folder, validity, uid }, section, range) {
      const end = range ? range.offset + range.length : Infinity
      const read = async (offset: number): Promise<Uint8Array | undefined> => {
        const [found] = await parts(folder, validity, [{ uid, section, offset, length: Math.min(chunk, end - offset) }])
        return found
      }
      let offset = range?.offset ?? 0
      let next: Promise<Uint8Array | undefined> | undefined = offset < end ? read(offset) : undefined
      while (next) {
        const octets: Uint8Array | undefined = await next
        if (!octets) throw new Failure('not-found', 'the message or its part is gone')
        offset += octets.length
        next = octets.length < chunk || offset >= end ? undefined : read(offset)
        // Whoever stops reading leaves the chunk that is on its way.
        next?.catch(() => {})
        if (octets.length > 0) yield octets
      }
    },

    setFlags: (folder, validity, wish) => at(folder, path => setFlags(session, path, validity, wish)),
    move: (folder, validity, uids, to) => at(folder, path => at(to, into => move(session, path, validity, uids, into))),
    remove: (folder, validity, uids) => at(folder, path => remove(session, path, validity, uids)),
    empty: async folder => folder === outbox.id ? undefined : at(folder, path => empty(session, path)),

    // RFC 9051, APPEND; RFC 4315, APPENDUID
    async append(folder, message, flags) {
      const answer = await at(folder, path => session.once(
        () => ({ commands: [{ line: appendLine(path, flags), literal: message }], result: ([only]) => only })))
      if (answer?.code !== 'APPENDUID') return undefined
      return { validity: number(answer.args[0]), uid: number(answer.args[1]) }
    },

    appending: (folder, length, flags) => at(folder, async path => {
      const line = appendLine(path, flags)
      const { connection, patience } = await session.another()
      return appending(connection, line, length, patience)
    }),

    // RFC 9051, SEARCH HEADER finds substrings; the fields themselves decide.
    async findByHeader(folder, field, value) {
      if (!/^[!-9;-~]{1,100}$/.test(field)) throw new Failure('malformed', 'not a header field')
      const run = value.match(/[\x20-\x7e]+/g)?.sort((a, b) => b.length - a.length)[0] ?? ''
      const found: Range[] = []
      const { state } = await at(folder, path => session.read(path, () => ({
        commands: [searchCommand(`HEADER ${quote(field)} ${quote(run)}`, session.capabilities.esearch, found)], result: () => {},
      })))
      const uids = highest(normalise(found), maxFound).reverse()
      if (uids.length === 0) return []
      const heads = await parts(folder, state.validity, uids.map(uid => ({ uid, section: 'HEADER', length: maxHeader })))
      return uids.filter((_, index) => hasField(heads[index], field, value))
    },

    search: (ids, query, most) => search({ session, folders, log }, ids, query, most),

    watch: (ids, signal, on) => watch.watch(ids, signal, on),
  }
}

const maxFound = 200
const maxHeader = 65_536

function hasField(head: Uint8Array | undefined, field: string, value: string): boolean {
  const unfolded = text(head ?? '').replace(/\r?\n(?=[ \t])/g, '')
  const wanted = Buffer.from(value, 'utf8').toString('latin1').trim()
  return unfolded.split(/\r?\n/).some(line => {
    const colon = line.indexOf(':')
    return line.slice(0, colon).toLowerCase() === field.toLowerCase() && line.slice(colon + 1).trim() === wanted
  })
}

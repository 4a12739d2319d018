import { isDeepStrictEqual } from 'node:util'
import { certificateCheck } from '../../src/backend/certificate-check.ts'
import { mailChanges } from '../../src/backend/imap-changes.ts'
import type { Answer, ImapMailbox, MailboxState } from '../../src/backend/imap-mailbox.ts'
import { recall } from '../../src/backend/imap-recall.ts'
import { Failure } from '../../src/base/failure.ts'
import { silent } from '../../src/base/log.ts'
import type { Folder, FolderId, Role } from '../../src/model/folder.ts'
import type { Message, Part } from '../../src/model/message.ts'
import type { CertificateCheck, Directory, Filters, MailStore, ObjectStore, Person, Stores, Watcher } from '../../src/model/ports.ts'
import { matches } from './memory-search.ts'
import { tell, type Told } from './mime-tree.ts'
import { SimulatedMailbox } from './simulated-mailbox.ts'

const dayOf = (date: Date): number => Math.floor(date.getTime() / 86_400_000)

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

type Box = { folder: Folder; readonly box: SimulatedMailbox; readonly told: Map<number, Told> }
type Watch = { readonly folders: readonly FolderId[]; readonly on: Watcher }

export type Submitted = { readonly from: string; readonly to: readonly string[]; readonly message: string }

/**
 * A user's stores in memory, for tables of sentences about what the commands decide: the decisions about cursors are the
 * program's own, over a mailbox that is simulated. Real servers are tested elsewhere.
 */
export class MemoryAccount {
  readonly person: Person
  readonly submitted: Submitted[] = []
  /** The messages of `submitted`, octet for octet. */
  readonly octets: Uint8Array[] = []
  filesSent = false
  /** Recipients the submission server does not take. */
  refused: string[] = []
  directory: Directory | undefined
  /** The user's own contacts, as people to find. */
  contacts: Directory | undefined
  certificates: CertificateCheck = certificateCheck({}, silent)
  /** Thrown by the submission server. */
  rejection: Failure | undefined
  /** Thrown by every mail operation from now on. */
  outage: Failure | undefined
  /** Calendars, address books and so on, where there are any: `new MemoryObjects()`. */
  objects: ObjectStore | undefined
  /** What the mail server does by itself, where it does anything. */
  filters: Filters | undefined
  /** Thrown by single operations, by their names. */
  readonly failing = new Map<keyof MailStore, Failure>()
  /** Nothing can be appended any more. */
  full = false
  /** Octets by which the server counts too many in each part and message. */
  miscount = 0
  /** The mailboxes take no keywords. */
  plain = false
  /** Milliseconds until a watch hears of an event, as real servers take some. */
  eventDelay = 0
  /** Calls by name. */
  readonly calls: string[] = []
  readonly #boxes = new Map<FolderId, Box>()
  readonly #watches = new Set<Watch>()
  #ids = 0
  readonly #validity: number

  constructor(login = 'anna@postern.test', options: { validity?: number } = {}) {
    this.person = { login, account: login, displayName: 'Anna Test', addresses: [login, login.replace('@', '.alias@')] }
    this.#validity = options.validity ?? 1
    const special: [string, Role][] = [
      ['Inbox', 'inbox'], ['Drafts', 'drafts'], ['Sent', 'sent'], ['Trash', 'trash'], ['Outbox', 'outbox'],
    ]
    for (const [name, role] of special) this.addFolder(name, { role })
  }

  addFolder(
    name: string, { parent, role, selectable = true }: { parent?: FolderId; role?: Role; selectable?: boolean } = {}
  ): FolderId {
    const id = `f${++this.#ids}` as FolderId
    const box = new SimulatedMailbox()
    box.validity = this.#validity
    this.#boxes.set(id, { folder: { id, parent, name, role, content: 'mail', selectable }, box, told: new Map() })
    return id
  }

  renameFolder(id: FolderId, name: string): void {
    const box = this.#box(id)
    box.folder = { ...box.folder, name }
  }

  removeFolder(id: FolderId): void {
    this.#boxes.delete(id)
  }

  id(name: string): FolderId {
    const found = [...this.#boxes.values()].find(({ folder }) => folder.name === name || folder.role === name)
    if (!found) throw new Error(`no folder ${name}`)
    return found.folder.id
  }

  /** A message arrives; its UID. */
  deliver(
    folder: string, eml: string | Uint8Array = 'Subject: hello\n\nhello\n', given: { flags?: string[]; received?: Date } = {}
  ): number {
    const { box, told, folder: { id } } = this.#box(this.id(folder))
    const one = tell(eml, given)
    const uid = box.deliver(dayOf(one.message.received), given.flags)
    told.set(uid, one)
    this.#happened(id)
    return uid
  }

  flag(folder: string, uid: number, flag: string, on: boolean): void {
    this.#box(this.id(folder)).box.flag([uid], flag, on)
    this.#happened(this.id(folder))
  }

  expunge(folder: string, ...uids: number[]): void {
    this.#box(this.id(folder)).box.expunge(uids)
    this.#happened(this.id(folder))
  }

  /** Subjects and flags of what is in a folder, oldest first. */
  list(folder: string): { uid: number; text: string; flags: string[] }[] {
    const { box, told } = this.#box(this.id(folder))
    return [...box.items.values()].map(
      ({ uid, flags }) => ({ uid, text: Buffer.from(told.get(uid)!.part('')!).toString('utf8'), flags: [...flags] })
    )
  }

  /** How many waits are on. */
  get watching(): number {
    return this.#watches.size
  }

  #happened(id: FolderId): void {
    const tell = (): void => {
      for (const { folders, on } of this.#watches) if (folders.includes(id)) on.changed(id)
    }
    if (this.eventDelay) setTimeout(tell, this.eventDelay)
    else tell()
  }

  #box(id: FolderId): Box {
    const found = this.#boxes.get(id)
    if (!found) throw new Failure('not-found', 'no such folder')
    return found
  }

  #selected(id: FolderId, validity: number): Box {
    const found = this.#box(id)
    if (found.box.validity !== validity) throw new Failure('stale', 'UIDVALIDITY changed')
    return found
  }

  stores(): Stores {
    const mail = this.#counted(this.#mail())
    return {
      mail, person: this.person, certificates: this.certificates,
      ...(this.objects ? { objects: this.objects } : {}),
      ...(this.filters && { filters: this.filters }),
      ...(this.directory ? { directory: this.directory } : {}), ...(this.contacts ? { contacts: this.contacts } : {}),
      submission: {
        filesSent: this.filesSent,
        send: async (from, to, given) => {
          if (this.rejection) throw this.rejection
          const message = given instanceof Uint8Array ? given : await whole(given.read())
          const refused = to.filter(address => this.refused.includes(address))
          if (refused.length === to.length) throw new Failure('malformed', 'no recipient was accepted')
          this.octets.push(Buffer.from(message))
          this.submitted.push(
            { from, to: to.filter(address => !refused.includes(address)), message: Buffer.from(message).toString('utf8') }
          )
          return { refused }
        },
      },
    }
  }

  /** Every call is noted, and fails during an outage. */
  #counted(mail: MailStore): MailStore {
    return new Proxy(mail, {
      get: (target, name: keyof MailStore) => (...args: never[]) => {
        if (name === 'foresee') return
        this.calls.push(name)
        const failure = this.failing.get(name) ?? (name === 'stream' ? undefined : this.outage)
        if (failure) return Promise.reject(failure)
        return (target[name] as (...args: never[]) => unknown)(...args)
      },
    })
  }

  #imap(): ImapMailbox {
    const state = (id: FolderId): MailboxState | undefined => this.#boxes.get(id)?.box.state()
    return {
      capabilities: new SimulatedMailbox().capabilities,
      stateOf: (id: FolderId, validity?: number) => this.#box(id).box.stateOf(id, validity),
      uidNextOf: (id: FolderId) => this.#boxes.get(id)?.box.uidNextOf() ?? 0,
      status: async (folders: readonly FolderId[]) => new Map(folders.map(id => [id, state(id)])),
      ask: async (id: FolderId, validity: number | undefined, queries: Parameters<ImapMailbox['ask']>[2]) => {
        const { state: now, answers } = await this.#box(id).box.ask(id, validity, queries)
        return { state: now, answers: answers.map((answer): Answer => answer.kind === 'messages'
          ? { kind: 'messages', messages: answer.messages.map(message => this.#message(id, message.uid)) } : answer) }
      },
      more: (id: FolderId, validity: number, queries: Parameters<ImapMailbox['more']>[2]) => this.#box(id).box.more(id, validity, queries),
      messages: async (id: FolderId, validity: number, uids: readonly number[]) => {
        const { box } = this.#selected(id, validity)
        return uids.flatMap(uid => box.items.has(uid) ? this.#message(id, uid) : [])
      },
    } as unknown as ImapMailbox
  }

  #message(id: FolderId, uid: number): Message {
    const { box, told } = this.#box(id)
    const { flags, modseq } = box.items.get(uid)!
    const { message } = told.get(uid)!
    const counted = (one: Part): Part => ({ ...one, size: one.size + this.miscount, children: one.children.map(counted) })
    const sizes = this.miscount === 0 ? {} : { size: message.size + this.miscount, structure: counted(message.structure) }
    return { ...message, ...sizes, uid, flags: new Set(flags), modseq }
  }

  #mail(): MailStore {
    const imap = this.#imap()
    const part = (id: FolderId, uid: number, section: string): Uint8Array | undefined =>
      this.#box(id).told.get(uid)?.part(section)
    const own = (id: FolderId, validity: number, uids: readonly number[]): [Box, number[]] => {
      const found = this.#selected(id, validity)
      return [found, uids.filter(uid => found.box.items.has(uid))]
    }
    const folders = (): Folder[] => [...this.#boxes.values()].map(({ folder }) => folder)
    const exists = (parent: FolderId | undefined, name: string): void => {
      if (parent) this.#box(parent)
      if (folders().some(
        folder => folder.parent === parent && folder.name === name
      )) throw new Failure('exists', 'there is such a folder')
    }
    const happened = (id: FolderId): void => this.#happened(id)
    return {
      ...mailChanges(imap, recall({ mailboxes: 100 })),
      foresee() {},
      messages: imap.messages.bind(imap),
      heads: async (id, most, known) => {
        const { box, told } = this.#box(id)
        const content = { validity: box.validity, uidNext: box.state().uidNext, messages: box.items.size }
        if (known && isDeepStrictEqual(known, content)) return { content: known }
        const uids = [...box.items.keys()].sort((a, b) => b - a).slice(0, most)
        return { content, heads: uids.map(uid => ({ uid, received: told.get(uid)!.message.received, header: told.get(uid)!.part('HEADER')! })) }
      },
      folders: async () => folders(),
      folder: async id => this.#box(id).folder,
      folderByRole: async role => {
        const found = folders().find(folder => folder.role === role)
        if (!found) throw new Failure('not-found', `no folder for ${role}`)
        return found
      },
      createFolder: async (parent, name) => {
        exists(parent, name)
        return this.#box(this.addFolder(name, parent ? { parent } : {})).folder
      },
      updateFolder: async (id, parent, name) => {
        const found = this.#box(id)
        exists(parent, name)
        return found.folder = { ...found.folder, parent, name }
      },
      deleteFolder: async id => {
        this.#box(id)
        for (const folder of folders()) if (folder.parent === id) this.#boxes.delete(folder.id)
        this.#boxes.delete(id)
      },
      parts: async (id, validity, wishes) => wishes.map(({ uid, section, offset = 0, length = Infinity }) => {
        const [{ box }] = own(id, validity, [])
        return box.items.has(uid) ? part(id, uid, section)?.subarray(offset, offset + length) : undefined
      }),
      stream: async function* (ref, section, range) {
        const octets = part(ref.folder, ref.uid, section)
        if (!octets) throw new Failure('not-found', 'no such part')
        const wanted = range ? octets.subarray(range.offset, range.offset + range.length) : octets
        for (let at = 0; at < wanted.length; at += 1000) yield wanted.subarray(at, at + 1000)
      },
      setFlags: async (id, validity, { uids, unchangedSince = Infinity, ...edit }) => {
        const keeps = (flag: string): boolean => !this.plain || flag.startsWith('\\')
        const [add, remove] = [(edit.add ?? []).filter(keeps), (edit.remove ?? []).filter(keeps)]
        const unkept = [...edit.add ?? [], ...edit.remove ?? []].filter(flag => !keeps(flag))
        const [{ box }, there] = own(id, validity, uids)
        const modified = there.filter(uid => box.items.get(uid)!.modseq > unchangedSince)
        const free = there.filter(uid => !modified.includes(uid))
        for (const flag of add) box.flag(free, flag, true)
        for (const flag of remove) box.flag(free, flag, false)
        happened(id)
        return { modified, unkept, missing: uids.filter(uid => !there.includes(uid)), modseq: new Map(
          free.map(uid => [uid, box.items.get(uid)!.modseq])
        ) }
      },
      move: async (id, validity, uids, to) => {
        const [source, there] = own(id, validity, uids)
        const target = this.#box(to)
        const moved = new Map(there.map(uid => {
          const told = source.told.get(uid)!
          const next = target.box.deliver(dayOf(told.message.received), [...source.box.items.get(uid)!.flags])
          target.told.set(next, told)
          return [uid, next]
        }))
        source.box.expunge(there)
        for (const one of [id, to]) happened(one)
        return { validity: target.box.validity, uids: moved }
      },
      remove: async (id, validity, uids) => {
        const [{ box }, there] = own(id, validity, uids)
        box.expunge(there)
        happened(id)
      },
      empty: async id => {
        this.#box(id).box.expunge([...this.#box(id).box.items.keys()])
        happened(id)
      },
      search: async (ids, query, most) => {
        const found = ids.flatMap(id => this.#boxes.has(id) ? [...this.#box(id).box.items.keys()].map(uid => ({ id, uid })) : [])
          .map(({ id, uid }) => ({ id, uid, message: this.#message(id, uid), ...this.#box(id) }))
          .filter(({ message, told, uid }) => matches(query, message, told.get(uid)!))
          .sort((a, b) => b.message.received.getTime() - a.message.received.getTime() || b.uid - a.uid)
        const refs = found.slice(0, most).map(({ id, uid, box }) => ({ folder: id, validity: box.validity, uid }))
        return { refs, total: found.length }
      },
      append: async (id, message, flags) => {
        if (this.full) throw new Failure('quota', 'over quota')
        const { folder, box } = this.#box(id)
        return { validity: box.validity, uid: this.deliver(folder.name, message, { flags: [...flags] }) }
      },
      appending: async (id, length, flags) => {
        if (this.full) throw new Failure('quota', 'over quota')
        const chunks: Uint8Array[] = []
        return {
          write: async octets => void chunks.push(octets),
          finish: async () => {
            const message = Buffer.concat(chunks)
            if (message.length !== length) throw new Failure('unavailable', `${message.length} octets of ${length}`)
            this.deliver(this.#box(id).folder.name, message, { flags: [...flags] })
          },
          abandon: () => {},
        }
      },
      findByHeader: async (id, field, value) => {
        const line = `\r\n${field}: ${value}\r\n`.toLowerCase()
        const { box, told } = this.#box(id)
        return [...box.items.keys()].filter(
          uid => `\r\n${Buffer.from(told.get(uid)!.part('')!).toString('latin1')}`.toLowerCase().includes(line)
        )
      },
      watch: (watched, signal, on) => new Promise(resolve => {
        const watch = { folders: watched, on }
        this.#watches.add(watch)
        signal.addEventListener('abort', () => {
          this.#watches.delete(watch)
          resolve()
        }, { once: true })
        queueMicrotask(() => on.ready())
      }),
    }
  }
}

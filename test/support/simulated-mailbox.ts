import type { Range } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import type { Message } from '../../src/model/message.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Answer, ImapMailbox, MailboxState, Query } from '../../src/backend/imap-mailbox.ts'

type Item = { uid: number; flags: Set<string>; modseq: bigint; day: number }

/**
 * A mailbox as RFC 9051 and RFC 7162 describe it, in memory, for the decisions made about it (not for the protocol: that is tested
 * against real servers). It keeps expunges for ever, as QRESYNC may.
 */
export class SimulatedMailbox implements ImapMailbox {
  readonly capabilities: ImapMailbox['capabilities']
  readonly items = new Map<number, Item>()
  readonly expunged: { uid: number; modseq: bigint }[] = []
  validity = 1
  uidNext = 1
  modseq = 1n
  asked = 0
  /** UIDNEXT as somebody has heard of it. */
  told = 0

  constructor(capabilities: Partial<ImapMailbox['capabilities']> = {}) {
    this.capabilities = { condstore: true, qresync: true, esearch: true, move: true, uidplus: true, ...capabilities } as ImapMailbox['capabilities']
  }

  deliver(day: number, flags: string[] = []): number {
    const uid = this.uidNext++
    this.items.set(uid, { uid, flags: new Set(flags), modseq: ++this.modseq, day })
    return uid
  }

  flag(uids: readonly number[], flag: string, on: boolean): void {
    this.modseq++
    for (const uid of uids) {
      const item = this.items.get(uid)
      if (!item || item.flags.has(flag) === on) continue
      if (on) item.flags.add(flag)
      else item.flags.delete(flag)
      item.modseq = this.modseq
    }
  }

  expunge(uids: readonly number[]): void {
    this.modseq++
    for (const uid of uids) if (this.items.delete(uid)) this.expunged.push({ uid, modseq: this.modseq })
  }

  state(): MailboxState {
    const highestModseq = this.capabilities.condstore ? this.modseq : 0n
    return { validity: this.validity, uidNext: this.uidNext, highestModseq, messages: this.items.size }
  }

  async stateOf(_folder?: FolderId, validity?: number): Promise<MailboxState> {
    this.asked++
    if (validity !== undefined && validity !== this.validity) throw new Failure('stale', 'UIDVALIDITY changed')
    return this.state()
  }

  uidNextOf(): number {
    return this.told
  }

  async status(folders: readonly FolderId[]): Promise<Map<FolderId, MailboxState | undefined>> {
    this.asked++
    return new Map(folders.map(folder => [folder, this.state()]))
  }

  async ask(_folder: FolderId, validity: number | undefined, queries: readonly Query[]): Promise<{ state: MailboxState; selectedFresh: boolean; answers: Answer[] }> {
    this.asked++
    if (validity !== undefined && validity !== this.validity) throw new Failure('stale', 'UIDVALIDITY changed')
    return { state: this.state(), selectedFresh: true, answers: queries.map(query => this.answer(query)) }
  }

  async more(folder: FolderId, validity: number, queries: readonly Query[]): Promise<Answer[]> {
    return (await this.ask(folder, validity, queries)).answers
  }

  async messages(_folder: FolderId, _validity: number, uids: readonly number[]): Promise<readonly Message[]> {
    this.asked++
    return uids.flatMap(uid => this.items.has(uid) ? toMessage(this.items.get(uid)!) : [])
  }

  answer(query: Query): Answer {
    const within = inSet(query.uids)
    const there = [...this.items.values()].filter(item => within(item.uid))
    if (query.kind === 'messages') return { kind: 'messages', messages: there.map(toMessage) }
    if (query.kind === 'search') {
      const { since = -Infinity, before = Infinity, changed = -1n } = query
      const uids = there.filter(({ day, modseq }) => day >= since && day < before && modseq > changed).map(({ uid }) => uid)
      return { kind: 'search', uids: singles(uids) }
    }
    const vanished = this.capabilities.qresync ? this.expunged.filter(({ uid, modseq }) => within(uid) && modseq > query.modseq) : []
    const { uids, since, most } = query.keep ?? { uids: query.uids, since: -Infinity, most: Infinity }, kept = inSet(uids)
    const rows = there.filter(({ uid, day, modseq }) => modseq > query.modseq && kept(uid) && day >= since)
    return {
      kind: 'vanished+flags',
      vanished: singles(vanished.map(({ uid }) => uid)),
      changed: singles(rows.map(({ uid }) => uid)),
      flags: rows.sort((a, b) => a.uid - b.uid).slice(0, most)
        .map(({ uid, flags, modseq, day }) => ({ uid, flags: new Set(flags), modseq: this.capabilities.condstore ? modseq : 0n, day })),
    }
  }
}

const toMessage = ({ uid, flags, modseq, day }: Item): Message => ({
  uid, flags: new Set(flags), modseq, received: new Date(day * 86_400_000), size: 1, header: new Uint8Array(),
  structure: { section: '1', type: 'text/plain', parameters: {}, encoding: '7bit', size: 1, contentId: undefined, location: undefined, disposition: undefined, filename: undefined, children: [] },
})

const singles = (uids: readonly number[]): Range[] => uids.map(uid => ({ from: uid, to: uid }))

function inSet(set: string): (uid: number) => boolean {
  const ranges = set.split(',').map(part => part.split(':').map(Number))
  return uid => ranges.some(([from, to = from]) => uid >= from! && uid <= to!)
}

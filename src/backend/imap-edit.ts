import { Failure } from '../base/failure.ts'
import type { Range } from '../model/cursor.ts'
import type { FlagResult, FlagWish } from '../model/ports.ts'
import type { ImapCapabilities } from './imap-capabilities.ts'
import { readSet, searchCommand, setsOf, within } from './imap-mailbox.ts'
import { quote } from './imap-names.ts'
import { bignumber, list, number, octets, pairs, text, type Response } from './imap-response.ts'
import { gone, isResponse, type Batch, type Command, type ImapSession } from './imap-session.ts'
import { highest, intersect, lowest, normalise, ofUids, print, subtract } from './uid-ranges.ts'

type Moved = { validity: number; uids: Map<number, number> }
type Send = <R>(batch: Batch<R>) => Promise<R>

const flagAtom = /^\\?[A-Za-z0-9$_.+!#&'/:;<=>?@^`|~-]{1,100}$/

// RFC 7162, STORE with UNCHANGEDSINCE
export async function setFlags(session: ImapSession, path: string, validity: number, wish: FlagWish): Promise<FlagResult> {
  if ([...wish.add ?? [], ...wish.remove ?? []].some(flag => !flagAtom.test(flag))) throw new Failure('malformed', 'not a flag')
  if (wish.uids.length === 0) return { modseq: new Map(), modified: [], missing: [] }
  if (wish.unchangedSince !== undefined && wish.add?.length && wish.remove?.length) {
    // One STORE cannot do both, and the condition of the second would fail because of the first: it takes what the first let through.
    const { remove, unchangedSince, ...adding } = wish
    const added = await setFlags(session, path, validity, { ...adding, unchangedSince })
    const uids = wish.uids.filter(uid => !added.modified.includes(uid) && !added.missing.includes(uid))
    const removed = await setFlags(session, path, validity, { uids, remove })
    return {
      modseq: new Map([...added.modseq, ...removed.modseq]), modified: added.modified, missing: [...added.missing, ...removed.missing],
      unkept: [...added.unkept ?? [], ...removed.unkept ?? []],
    }
  }
  let kept = wish
  const first = await session.write(path, validity, () => {
    kept = keepable(session, wish)
    return storeBatch(kept, session.capabilities)
  })
  const unkept = unkeptOf(wish, kept)
  if (first.fresh || first.result.missing.length === 0) return { ...first.result, unkept }
  // The session had not heard of them yet, or they are gone: it looks again.
  const again = await session.write(path, validity, () => storeBatch({ ...kept, uids: first.result.missing }, session.capabilities), true)
  return {
    modseq: new Map([...first.result.modseq, ...again.result.modseq]),
    modified: [...first.result.modified, ...again.result.modified],
    missing: again.result.missing, unkept,
  }
}

/**
 * RFC 9051, PERMANENTFLAGS: without `\*` a mailbox takes no keywords but those it names. Those are left out, for a flag that is known to
 * all is worth keeping without them; a mailbox that may only be read takes nothing, and that is a failure.
 */
function keepable(session: ImapSession, wish: FlagWish): FlagWish {
  const keeps = (flag: string): boolean => flag.startsWith('\\') || session.isPermanent(flag)
  const kept = { ...wish, add: (wish.add ?? []).filter(keeps), remove: (wish.remove ?? []).filter(keeps) }
  session.assertPermanent([...kept.add, ...kept.remove])
  if (kept.add.length + kept.remove.length === 0) session.assertPermanent(['\\Seen'])
  return kept
}

const unkeptOf = (wish: FlagWish, kept: FlagWish): string[] =>
  [...wish.add ?? [], ...wish.remove ?? []].filter(flag => !kept.add?.includes(flag) && !kept.remove?.includes(flag))

function storeBatch({ uids, add = [], remove = [], unchangedSince }: FlagWish, { condstore }: ImapCapabilities): Batch<FlagResult> {
  const set = print(ofUids(uids))
  const asked = within(set)
  const modseq = new Map<number, bigint>()
  const there = new Set<number>()
  const on = ({ name, values }: Response): void => {
    const items = new Map(name === 'FETCH' ? pairs(list(values[0])) : [])
    const uid = number(items.get('UID'))
    const mark = bignumber(list(items.get('MODSEQ'))[0])
    if (!asked(uid)) return
    if (items.size === 1) there.add(uid)
    if (mark === 0n) return
    // .SILENT leaves the flags out of the answer. Where they are in it, somebody else's change may be too, and is no echo of ours.
    if (items.has('FLAGS')) modseq.delete(uid)
    else modseq.set(uid, mark)
  }
  const condition = condstore && unchangedSince !== undefined ? ` (UNCHANGEDSINCE ${unchangedSince})` : ''
  const edits = [['+', add], ['-', remove]].filter(([, flags]) => flags!.length > 0) as ['+' | '-', readonly string[]][]
  const stores = edits.flatMap(([sign, flags]) => setsOf(set).map((part): Command =>
    ({ line: `UID STORE ${part}${condition} ${sign}FLAGS.SILENT (${flags.join(' ')})`, on, optional: true })))
  // Not a SEARCH, behind which Dovecot leaves the UID out of the answers to STORE when QRESYNC is off.
  const looks = setsOf(set).map((part): Command => ({ line: `UID FETCH ${part} (UID)`, on, optional: true }))
  return {
    commands: [...stores, ...looks],
    result: answers => {
      gone(answers.filter(({ code }) => code !== 'MODIFIED'))
      const changed = answers.flatMap(({ code, args }) => code === 'MODIFIED' ? readSet(text(args[0])) : [])
      const modified = lowest(intersect(normalise(changed), ofUids(uids)), uids.length)
      const missing = uids.filter(uid => !there.has(uid))
      return { modseq, modified: modified.filter(uid => !missing.includes(uid)), missing }
    },
  }
}

/** RFC 6851 (MOVE), RFC 4315 (UIDPLUS), and what has to do without. */
export async function move(session: ImapSession, path: string, validity: number, uids: readonly number[], to: string): Promise<Moved> {
  if (uids.length === 0) return { validity: 0, uids: new Map() }
  const { capabilities } = session
  if (capabilities.move && capabilities.uidplus) {
    const moved: Moved = { validity: 0, uids: new Map() }
    for (let tries = 0; tries < 4; tries++) {
      const left = uids.filter(uid => !moved.uids.has(uid))
      if (left.length === 0) return moved
      const { fresh } = await session.write(path, validity, () => copyBatch('MOVE', left, to, moved), tries > 0).catch(staleView)
      if (fresh) return moved
    }
    throw new Failure('busy', 'others expunge what is to be moved')
  }
  return session.alone(path, validity, async send => {
    if (!capabilities.move) session.assertPermanent(['\\Deleted'])
    const before = capabilities.uidplus ? undefined : await send(fingerprints(print(ofUids(uids))))
    const next = capabilities.uidplus ? 0 : await send(uidNextOf(to))
    const copied = await send(copyBatch(capabilities.move ? 'MOVE' : 'COPY', uids, to))
    const done = before ? [...before.keys()] : [...copied.uids.keys()]
    if (!capabilities.move && done.length > 0) await expunge(send, done, capabilities)
    if (!before || before.size === 0) return copied
    const state = await send(selectOther(to))
    return { validity: state.validity, uids: pair(before, await send(fingerprints(`${next}:*`)), next) }
  }, !capabilities.uidplus)
}

// RFC 4315, UID EXPUNGE; without it the messages stay, marked \Deleted, for a plain EXPUNGE would take others' along.
export async function remove(session: ImapSession, path: string, validity: number, uids: readonly number[]): Promise<void> {
  if (uids.length === 0) return
  await session.alone(path, validity, send => {
    session.assertPermanent(['\\Deleted'])
    return expunge(send, uids, session.capabilities)
  })
}

/** Messages that go in one batch: other requests of the user get their turn in between. */
const emptied = 5000

/** What is there now is gone afterwards; what arrives meanwhile has a UID of its own. */
export async function empty(session: ImapSession, path: string): Promise<void> {
  const found: Range[] = []
  const { state } = await session.read(path, () => ({ commands: [searchCommand('ALL', session.capabilities.esearch, found)], result: () => {} }))
  for (let left = normalise(found); left.length > 0;) {
    const uids = lowest(left, emptied)
    await remove(session, path, state.validity, uids)
    left = subtract(left, [{ from: 1, to: uids.at(-1)! }])
  }
}

async function expunge(send: Send, uids: readonly number[], { uidplus }: ImapCapabilities): Promise<void> {
  const sets = setsOf(print(ofUids(uids)))
  const plain = (make: (set: string) => string): Batch<void> => ({ commands: sets.map(set => ({ line: make(set) })), result: () => {} })
  await send(plain(set => `UID STORE ${set} +FLAGS.SILENT (\\Deleted)`))
  if (uidplus) await send(plain(set => `UID EXPUNGE ${set}`))
}

/** Others expunged some of them and the session has not heard of it: it looks again. */
function staleView(error: unknown): { fresh: false } {
  const answer = error instanceof Failure && isResponse(error.cause) ? error.cause : undefined
  if (answer?.code !== 'EXPUNGEISSUED' && !/no longer exist|already expunged/i.test(answer?.text ?? '')) throw error
  return { fresh: false }
}

function copyBatch(
  verb: 'COPY' | 'MOVE', uids: readonly number[], to: string, moved: Moved = { validity: 0, uids: new Map() },
): Batch<Moved> {
  const asked = new Set(uids)
  // MOVE tells COPYUID before it expunges, COPY with its tagged answer.
  const read = ({ code, args }: Response): void => {
    if (code !== 'COPYUID') return
    const [from, into] = [expand(text(args[1]), uids.length), expand(text(args[2]), uids.length)]
    if (!from.every(uid => asked.has(uid)) || from.length !== into.length) return
    moved.validity = number(args[0])
    from.forEach((uid, index) => moved.uids.set(uid, into[index]!))
  }
  return {
    commands: setsOf(print(ofUids(uids))).map(set => ({ line: `UID ${verb} ${set} ${quote(to)}`, on: read })),
    result: answers => {
      answers.forEach(read)
      return moved
    },
  }
}

/** In the order told; no more than were asked for. */
function expand(set: string, most: number): number[] {
  const uids: number[] = []
  for (const { from, to } of readSet(set)) {
    for (let uid = from; uid <= to; uid++) {
      if (uids.length === most) return uids
      uids.push(uid)
    }
  }
  return uids
}

function uidNextOf(path: string): Batch<number> {
  let next = 1
  const on = ({ name, values }: Response): void => {
    if (name === 'STATUS') next = number(list(values[1])[1]) || next
  }
  return { commands: [{ line: `STATUS ${quote(path)} (UIDNEXT)`, on }], result: () => next }
}

function selectOther(path: string): Batch<{ validity: number }> {
  const state = { validity: 0 }
  const on = ({ code, args }: Response): void => {
    if (code === 'UIDVALIDITY') state.validity = number(args[0])
  }
  return { commands: [{ line: `SELECT ${quote(path)}`, on, barrier: true }], result: () => state }
}

/** What tells a message from another without its UID: Message-ID and size. */
function fingerprints(set: string): Batch<Map<number, string>> {
  const found = new Map<number, string>()
  const asked = within(set)
  const on = ({ name, values }: Response): void => {
    if (name !== 'FETCH') return
    const items = new Map(pairs(list(values[0])))
    const uid = number(items.get('UID'))
    const id = items.get('BODY[HEADER.FIELDS (MESSAGE-ID)]')
    if (asked(uid) && id !== undefined) found.set(uid, `${text(items.get('RFC822.SIZE'))} ${Buffer.from(octets(id)).toString('latin1').trim()}`)
  }
  const commands = setsOf(set).map((part): Command => ({ line: `UID FETCH ${part} (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])`, on }))
  return { commands, result: () => found }
}

/** Equal messages are copied in order, so the n-th of them there is the n-th of them here. */
function pair(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>, next: number): Map<number, number> {
  const free = highest(ofUids([...after.keys()].filter(uid => uid >= next)), after.size).reverse()
  const uids = new Map<number, number>()
  for (const uid of [...before.keys()].sort((a, b) => a - b)) {
    const at = free.findIndex(each => after.get(each) === before.get(uid))
    if (at >= 0) uids.set(uid, free.splice(at, 1)[0]!)
  }
  return uids
}

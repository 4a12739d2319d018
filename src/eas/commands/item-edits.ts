import { Failure } from '../../base/failure.ts'
import type { Folder, FolderId } from '../../model/folder.ts'
import type { MailStore } from '../../model/ports.ts'
import { child, el, text, type Content, type Element, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { findConversation, readConversationId } from '../conversations.ts'
import type { Hit } from '../found.ts'
import { moveAlways } from '../move-always.ts'
import { outcome } from '../outcome.ts'
import { isRecipients } from '../recipients.ts'
import { since } from '../versions.ts'
import { badDestination, badIds, denied, moveFailed, notAlways, notFound, partly, protocolError, refusedAs, success } from './item-status.ts'

export type Emptying = { readonly kind: 'empty'; readonly folder: string; readonly deep: boolean; readonly bad: boolean }
export type Moving = {
  readonly kind: 'move'
  readonly id: Uint8Array
  /** The id as the client wrote it, which the answer repeats. */
  readonly named: Content
  readonly to: string
  readonly always: boolean
  readonly bad: boolean
}

// [MS-ASCMD] EmptyFolderContents. Throws `malformed`.
export function readEmpty(element: Element): Emptying {
  const folder = text(element, 'AirSync:CollectionId'), options = child(element, 'ItemOperations:Options')
  if (!folder) throw new Failure('malformed', 'EmptyFolderContents of nothing')
  const bad = options?.children.some(({ tag }) => tag !== 'ItemOperations:DeleteSubFolders') ?? false
  return { kind: 'empty', folder, deep: Boolean(options?.children.length) && !bad, bad }
}

export async function emptyAnswer(call: Call, wish: Emptying): Promise<Node> {
  const done = wish.bad ? protocolError : await outcome(empty(call.stores.mail, wish))
  const status = done instanceof Failure ? refusedAs(done) : done
  return el('ItemOperations:EmptyFolderContents', [el('ItemOperations:Status', status), el('AirSync:CollectionId', wish.folder)])
}

/** Special folders below stay, whatever is asked for; that they do is said. */
async function empty(mail: MailStore, { folder: id, deep }: Emptying): Promise<string> {
  const folder = await mail.folder(id as FolderId)
  if (folder.selectable) await mail.empty(folder.id)
  if (!deep) return success
  const all = await mail.folders()
  const kept = all.filter(({ role }) => role !== undefined)
  let status = success
  for (const below of all.filter(({ parent }) => parent === folder.id)) {
    if (kept.some(one => lineage(all, one).includes(below.id))) status = partly
    else await mail.deleteFolder(below.id)
  }
  return status
}

/** The folder's id and those of all above it. */
function lineage(all: readonly Folder[], folder: Folder): FolderId[] {
  const above = all.find(({ id }) => id === folder.parent)
  return above ? [folder.id, ...lineage(all, above)] : [folder.id]
}

// [MS-ASCMD] Move (ItemOperations). Throws `malformed`.
export function readMove(element: Element, { request: { version } }: Call): Moving {
  const id = child(element, 'ItemOperations:ConversationId'), to = text(element, 'ItemOperations:DstFldId')
  const options = child(element, 'ItemOperations:Options')
  if (!since(version, '14.0') || !id || !to) throw new Failure('malformed', 'a Move without its ids')
  const bad = options?.children.some(({ tag }) => tag !== 'ItemOperations:MoveAlways') ?? false
  return { kind: 'move', id: readConversationId(id), named: id.opaque ?? id.text, to, always: Boolean(options?.children.length), bad }
}

export async function moveAnswer(call: Call, wish: Moving): Promise<Node> {
  const done = wish.bad ? protocolError : wish.always ? await outcome(moveConversation(call, wish)) : notAlways
  const status = done instanceof Failure ? refusedAs(done) : done
  return el('ItemOperations:Move', [el('ItemOperations:Status', status), el('ItemOperations:ConversationId', wish.named)])
}

/** [MS-ASCON] Always Moving a Conversation: out of all folders but Sent, and but those a client may not move it to. */
async function moveConversation(call: Call, { id, to }: Moving): Promise<string> {
  if (isRecipients(call, to)) return badIds
  const { mail } = call.stores
  const all = await mail.folders()
  const target = all.find(folder => folder.id === to)
  if (!target) return notFound
  if (!target.selectable || isOwn(target)) return badDestination
  const sources = all.filter(folder => folder.selectable && folder !== target && folder.role !== 'sent' && !isOwn(folder))
  const hits = await outcome(findConversation(call, id, [...sources, target].map(folder => folder.id)))
  if (hits instanceof Failure) return hits.kind === 'not-found' ? notFound : refusedAs(hits)
  const moves = await moveHits(mail, hits, target.id)
  call.facts['moved'] = hits.length
  const stands = moves.find(one => typeof one !== 'string')
  const marked = stands ? await outcome(moveAlways(call, target, stands, hits)) : undefined
  const statuses = [...moves, marked].flatMap(one => typeof one === 'string' ? one : one instanceof Failure ? failedAs(one) : [])
  if (statuses.length === 0) return success
  return stands ? partly : statuses[0]!
}

/** Of each mailbox a message of the conversation that is in its place now, or the status that says why none is. */
async function moveHits(mail: MailStore, hits: readonly Hit[], target: FolderId): Promise<({ validity: number; uid: number } | string)[]> {
  const outcomes: ({ validity: number; uid: number } | string)[] = []
  for (const group of mailboxes(hits)) {
    const { folder, validity, uid } = group[0]!.ref
    if (folder === target) {
      outcomes.push({ validity, uid })
      continue
    }
    const moved = await outcome(mail.move(folder, validity, group.map(({ ref }) => ref.uid), target))
    const [first] = moved instanceof Failure ? [] : moved.uids.values()
    if (moved instanceof Failure) outcomes.push(failedAs(moved))
    else if (first !== undefined) outcomes.push({ validity: moved.validity, uid: first })
  }
  return outcomes
}

/** What is being written stays where it is. */
const isOwn = ({ role }: Folder): boolean => role === 'drafts' || role === 'outbox'

function failedAs(failure: Failure): string {
  const status = refusedAs(failure)
  return status === denied ? denied : moveFailed
}

function mailboxes(hits: readonly Hit[]): Hit[][] {
  const groups = new Map<string, Hit[]>()
  for (const hit of hits) groups.set(hit.ref.folder, [...groups.get(hit.ref.folder) ?? [], hit])
  return [...groups.values()]
}

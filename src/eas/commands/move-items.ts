import { Failure, type Kind } from '../../base/failure.ts'
import { inTurn } from '../../base/shared.ts'
import { holdsObjects, type Folder, type FolderId } from '../../model/folder.ts'
import type { MessageRef, ObjectStore } from '../../model/ports.ts'
import { parseItemId, parseObjectId, printItemId, printObjectId } from '../../state/item-id.ts'
import { children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { folderOf, objectsOf } from '../folders.ts'
import { nameWithDigest } from '../object-names.ts'
import { keepMoves, recallMoves } from '../moved.ts'
import { outcome } from '../outcome.ts'

/** [MS-ASCMD] Status (MoveItems). */
const badSource = '1', badDestination = '2', success = '3', sameFolder = '4', failed = '5', locked = '7'
const groupStatus: Partial<Record<Kind, string>> = { 'not-found': badSource, stale: badSource, unavailable: locked, busy: locked }

const mostMoves = 10_000, mostFolders = 1000

type Move = { readonly id: string; readonly from: FolderId; readonly to: FolderId; status?: string; movedTo?: string }
type Sources = { readonly validity: number; readonly moves: Move[]; readonly refs: MessageRef[] }

// [MS-ASCMD] MoveItems. What is remembered of a move gives the repeated request the same answer, once it is there.
export const moveItems: Command = {
  async run(call) {
    const asked = call.body ? children(call.body, 'Move:Move') : []
    if (asked.length === 0) throw new Failure('malformed', 'no moves')
    if (asked.length > mostMoves) throw new Failure('too-large', 'number of moves')
    const moves = asked.map(readMove)
    await inTurn(call, `moving:${call.scope}`, () => moveAll(call, moves))
    call.facts['items'] = moves.length
    call.facts['moved'] = moves.filter(move => move.status === success).length
    return wbxml(el('Move:MoveItems', moves.map(answer)))
  },

  // [MS-ASCMD] Limiting Size of Command Requests
  refuse: kind => el('Move:MoveItems', [el('Move:Status', kind === 'too-large' ? '103' : groupStatus[kind] ?? failed)]),
}

async function moveAll(call: Call, moves: readonly Move[]): Promise<void> {
  const [known, before] = await Promise.all([foldersOf(call, moves), recallMoves(call, moves.map(({ id }) => id))])
  moves.forEach((move, i) => {
    if (before[i]?.to === move.to) Object.assign(move, { status: success, movedTo: before[i].id })
    else if (!known.has(move.from)) move.status = badSource
    else if (!takes(known.get(move.to), known.get(move.from)!)) move.status = badDestination
    else if (move.from === move.to) move.status = sameFolder
  })
  for (const group of grouped(moves.filter(({ from }) => !holdsObjects(from)))) await moveGroup(call, group)
  for (const move of moves) if (!move.status && holdsObjects(move.from)) await moveObject(call, move)
}

async function foldersOf({ stores }: Call, moves: readonly Move[]): Promise<ReadonlyMap<FolderId, Folder>> {
  const ids = [...new Set(moves.flatMap(({ from, to }) => [from, to]))].slice(0, mostFolders)
  const found = await Promise.all(ids.map(id => outcome(folderOf(stores, id))))
  for (const folder of found) if (folder instanceof Failure && folder.kind !== 'not-found') throw folder
  return new Map(found.flatMap(folder => folder instanceof Failure ? [] : [[folder.id, folder]]))
}

/** Nothing but what it already holds, and nothing at all where the user may not write. */
const takes = (folder: Folder | undefined, from: Folder): boolean =>
  folder?.selectable === true && folder.role !== 'outbox' && !folder.readOnly && folder.content === from.content

function readMove(element: Element): Move {
  const id = text(element, 'Move:SrcMsgId'), from = text(element, 'Move:SrcFldId'), to = text(element, 'Move:DstFldId')
  if (!id || !from || !to || children(element, 'Move:DstFldId').length > 1) throw new Failure('malformed', 'a move without its ids')
  return { id, from: from as FolderId, to: to as FolderId }
}

/** Moves that are one command at the backend. An id that names nothing in its folder gets its status here. */
function grouped(moves: readonly Move[]): Sources[] {
  const groups = new Map<string, Sources>()
  for (const move of moves) {
    if (move.status) continue
    const ref = refOf(move)
    if (!ref) {
      move.status = badSource
      continue
    }
    const key = `${ref.folder} ${ref.validity} ${move.to}`
    const group = groups.get(key) ?? { validity: ref.validity, moves: [], refs: [] }
    groups.set(key, group)
    group.moves.push(move)
    group.refs.push(ref)
  }
  return [...groups.values()]
}

function refOf(move: Move): MessageRef | undefined {
  try {
    const ref = parseItemId(move.id)
    return ref.folder === move.from ? ref : undefined
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

async function moveGroup(call: Call, { validity, moves, refs }: Sources): Promise<void> {
  const { from, to } = moves[0]!
  const uids = [...new Set(refs.map(ref => ref.uid))]
  const moved = await outcome(call.stores.mail.move(from, validity, uids, to))
  moves.forEach((move, i) => {
    const uid = moved instanceof Failure ? undefined : moved.uids.get(refs[i]!.uid)
    if (moved instanceof Failure) move.status = groupStatus[moved.kind] ?? failed
    else if (uid === undefined) move.status = badSource
    else Object.assign(move, { status: success, movedTo: printItemId({ folder: to, validity: moved.validity, uid }) })
  })
  await remember(call, moves)
}

/** Where there is one of its name it stays where it is. */
async function moveObject(call: Call, move: Move): Promise<void> {
  const { objects } = call.stores
  const name = await outcome(nameOf(objectsOf(objects), move))
  const moved = name instanceof Failure ? name : await outcome(objectsOf(objects).move({ folder: move.from, name }, move.to))
  if (moved instanceof Failure) move.status = groupStatus[moved.kind] ?? failed
  else Object.assign(move, { status: success, movedTo: printObjectId({ folder: move.to, name: moved ?? name as string }) })
  await remember(call, [move])
}

async function nameOf(objects: ObjectStore, { id, from }: Move): Promise<string> {
  const ref = parseObjectId(id)
  if (ref.folder !== from) throw new Failure('not-found', 'no such item in this folder')
  return 'name' in ref ? ref.name : nameWithDigest(objects, ref)
}

const remember = (call: Call, moves: readonly Move[]): Promise<void> =>
  keepMoves(call, moves.flatMap(({ id, to, movedTo }) => movedTo === undefined ? [] : [[id, { to, id: movedTo }] as const]))

const answer = ({ id, status, movedTo }: Move): Node => el('Move:Response', [
  el('Move:SrcMsgId', id),
  el('Move:Status', status ?? failed),
  ...(movedTo ? [el('Move:DstMsgId', movedTo)] : []),
])

import type { FolderId } from '../model/folder.ts'
import type { MessageRef } from '../model/ports.ts'
import { parseItemId } from '../state/item-id.ts'
import type { Call } from './command.ts'

/** Where an item went that this client had moved: it may ask the same again, or go on using the id from before. */
export type Moved = { readonly to: FolderId; readonly id: string }

const seconds = 24 * 60 * 60, batch = 100
const movedName = ({ scope }: Call, id: string): string => `move:${scope}:${id}`
const givenName = ({ scope }: Call, id: string): string => `moved:${scope}:${id}`

/** By the ids before. */
export const recallMoves = (call: Call, ids: readonly string[]): Promise<readonly (Moved | undefined)[]> =>
  call.shared.recallAll<Moved>(ids.map(id => movedName(call, id)))

/** By the ids before. Not all at once, so that nobody is given up for being slow. */
export async function keepMoves(call: Call, moves: readonly (readonly [id: string, moved: Moved])[]): Promise<void> {
  for (let at = 0; at < moves.length; at += batch) {
    await Promise.all(moves.slice(at, at + batch).map(([id, moved]) =>
      Promise.all([call.shared.keep(movedName(call, id), moved, { seconds }), keepGiven(call, moved.id)])))
  }
}

/** The client was given this id by an answer that was none of Sync: some would show the item twice if Sync added it. */
export const keepGiven = (call: Call, id: string): Promise<void> => call.shared.keep(givenName(call, id), true, { seconds })

/** Those of the ids that the client was given so. */
export async function givenOf(call: Call, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const given = await call.shared.recallAll<boolean>(ids.map(id => givenName(call, id)))
  return new Set(ids.filter((_, i) => given[i]))
}

/** The message an id names, also where MoveItems has given it another one. Throws `not-found`. */
export async function messageOf(call: Call, id: string): Promise<{ readonly ref: MessageRef; readonly moved: boolean }> {
  const [moved] = await recallMoves(call, [id])
  return { ref: parseItemId(moved?.id ?? id), moved: moved !== undefined }
}

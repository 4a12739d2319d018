import { holdsObjects, type Folder } from '../../model/folder.ts'
import type { Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { folderOf, type Standing } from '../folders.ts'
import { describe } from './sync-answer.ts'
import { gather, hasNews, openMailbox, wantsChanges, type Mailbox } from './sync-mailbox.ts'
import { gatherObjects, hasObjectNews, openObjects, wantsObjectChanges, type Objects } from './sync-objects.ts'
import { describeObjects } from './sync-objects-answer.ts'
import type { CollectionRequest } from './sync-request.ts'

/** One collection on its way through a Sync, whatever is in it. */
export interface Collection {
  readonly request: CollectionRequest
  readonly folder: Folder
  /** The client wants changes, and there can be any. */
  readonly wantsChanges: boolean
  /** The client made something that its next key must know of: changes are asked for however full the window is. */
  readonly made: boolean
  /** What the answer must say at all: nothing is said of a collection without news. */
  readonly hasNews: boolean
  /** Where the client stands with what has been gathered. */
  readonly standing: NonNullable<Standing>
  /** What the log says of it. */
  readonly told: Told
  /** Asks for changes, at most `window` of them; the client's own are left out. */
  gather(window: number): Promise<Collection>
  /** What was looked at is where the client stands now; its commands are done. */
  movedOn(): Collection
  describe(): Promise<Node>
}

export type Told = { readonly adds: number; readonly updates: number; readonly deletes: number; readonly unkept: number }

/** Understands key and options, and carries out the client's commands. Throws `stale` for a key that is not ours, `not-found`. */
export async function openCollection(call: Call, request: CollectionRequest): Promise<Collection> {
  const folder = await folderOf(call.stores, request.id)
  return holdsObjects(folder.id)
    ? objects(call, await openObjects(call, request, folder))
    : mailbox(call, await openMailbox(call, request, folder))
}

function mailbox(call: Call, state: Mailbox): Collection {
  const { request, folder, changes, applied } = state
  const cursor = changes?.next ?? state.cursor
  return {
    request, folder, standing: { cursor, since: state.since },
    wantsChanges: wantsChanges(state), made: false, hasNews: hasNews(state),
    told: {
      adds: changes?.adds.length ?? 0, updates: changes?.updates.length ?? 0,
      deletes: (changes?.deletes.length ?? 0) + (changes?.aged.length ?? 0), unkept: applied.unkept,
    },
    gather: async window => mailbox(call, await gather(call, state, window)),
    movedOn: () => mailbox(call, { ...state, cursor, changes: undefined }),
    describe: async () => describe(call, state),
  }
}

function objects(call: Call, state: Objects): Collection {
  const { request, folder, changes } = state
  const cursor = changes?.next ?? state.cursor
  return {
    request, folder, standing: { cursor, since: state.since },
    wantsChanges: wantsObjectChanges(state), made: state.applied.made.size > 0 && changes === undefined, hasNews: hasObjectNews(state),
    told: { adds: changes?.present.length ?? 0, updates: 0, deletes: (changes?.gone.length ?? 0) + (changes?.aged.length ?? 0), unkept: 0 },
    gather: async window => objects(call, await gatherObjects(call, state, window)),
    movedOn: () => objects(call, { ...state, cursor, changes: undefined }),
    describe: () => describeObjects(call, state),
  }
}

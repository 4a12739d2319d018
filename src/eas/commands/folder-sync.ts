import { Failure, stale, type Kind } from '../../base/failure.ts'
import { holdsObjects } from '../../model/folder.ts'
import { compareHierarchies, keepHierarchy, recallHierarchy, type Shown } from '../../state/snapshot.ts'
import { el, text, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Command } from '../command.ts'
import { foldersAllowed } from '../folders.ts'
import { hierarchyOf } from '../hierarchy.ts'

/** [MS-ASCMD] Status (FolderSync). */
const status: Partial<Record<Kind, string>> = { stale: '9', malformed: '10' }

// [MS-ASCMD] FolderSync. Key 0 tells the whole hierarchy and touches nothing else: item keys stay valid.
export const folderSync: Command = {
  async run(call) {
    const { body, stores, cache, shared, settings, scope, facts } = call
    const key = body && text(body, 'FolderHierarchy:SyncKey')
    if (!key) throw new Failure('malformed', 'FolderSync without SyncKey')
    const snapshots = { shared, secret: settings.secret, account: stores.person.account }
    const { folders, refused } = await foldersAllowed(stores, call.request.version)
    const now = hierarchyOf(call, folders)
    const then = await recallHierarchy(snapshots, key, now)
    // Whoever holds collections of objects keeps them; to all others mail is told alone.
    if (refused && then?.some(({ id }) => holdsObjects(id)) !== false) throw refused
    if (!then) throw stale('forgotten', 'the hierarchy this key stands for is not remembered')

    const { adds, updates, deletes } = compareHierarchies(then, now)
    const changes = [
      ...adds.map(folder => el('FolderHierarchy:Add', describe(folder))),
      ...updates.map(folder => el('FolderHierarchy:Update', describe(folder))),
      ...deletes.map(id => el('FolderHierarchy:Delete', [el('FolderHierarchy:ServerId', id)])),
    ]
    Object.assign(facts, { folders: now.length, adds: adds.length, updates: updates.length, deletes: deletes.length })
    const next = await keepHierarchy(snapshots, now)
    cache.set(`told:${scope}`, next) // for Ping, which asks for a FolderSync when the hierarchy is another one
    return wbxml(el('FolderHierarchy:FolderSync', [
      el('FolderHierarchy:Status', '1'),
      el('FolderHierarchy:SyncKey', next),
      el('FolderHierarchy:Changes', [el('FolderHierarchy:Count', String(changes.length)), ...changes]),
    ]))
  },

  refuse: kind => el('FolderHierarchy:FolderSync', [el('FolderHierarchy:Status', status[kind] ?? '6')]),
}

const describe = (folder: Shown): Node[] => [
  el('FolderHierarchy:ServerId', folder.id),
  el('FolderHierarchy:ParentId', folder.parent),
  el('FolderHierarchy:DisplayName', folder.name),
  el('FolderHierarchy:Type', folder.type),
]

import { Failure, type Kind } from '../../base/failure.ts'
import type { Folder, FolderId } from '../../model/folder.ts'
import { show } from '../../state/snapshot.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { folderType } from '../folder-type.ts'
import { folderNode } from './get-hierarchy.ts'

/** The numbers of [MS-ASCMD] Status (FolderCreate). */
const status: Partial<Record<Kind, string>> = { exists: '2', denied: '3', 'not-found': '4', malformed: '10' }

/*
 * [MS-ASHTTP] Command Codes 6 to 8, what FolderCreate, FolderDelete and FolderUpdate came after: the folder is named in the query, there
 * is neither a body nor a key. The next FolderSync tells of them as of what anybody did. The document of 2.5 is not public: the
 * answer is made of the tags that code page 7 still has for it.
 */
export const createCollection = edit((call, folders) =>
  call.stores.mail.createFolder(parentOf(call, folders)?.id, nameOf(call)))

export const moveCollection = edit((call, folders) => {
  const folder = editable(call, folders)
  const { parentId, collectionName } = call.request
  const parent = parentId === undefined ? folder.parent : parentOf(call, folders)?.id
  if (parent !== undefined && isBelow(parent, folder.id, folders)) throw new Failure('malformed', 'a folder cannot be moved into itself')
  return call.stores.mail.updateFolder(folder.id, parent, collectionName === undefined ? folder.name : nameOf(call))
})

export const deleteCollection = edit(async (call, folders) => {
  await call.stores.mail.deleteFolder(editable(call, folders).id)
  return undefined
})

function edit(work: (call: Call, folders: readonly Folder[]) => Promise<Folder | undefined>): Command {
  return {
    async run(call) {
      const folder = await work(call, await call.stores.mail.folders())
      return wbxml(response('1', folder ? show([folder], folderType).map(folderNode) : []))
    },
    refuse: kind => response(status[kind] ?? '6'),
  }
}

const response = (value: string, rest: readonly Node[] = []): Node =>
  el('FolderHierarchy:Response', [el('FolderHierarchy:Status', value), ...rest])

function nameOf({ request }: Call): string {
  const name = request.collectionName?.trim()
  if (!name || name.length > 256 || /\p{Cc}/u.test(name)) throw new Failure('malformed', 'CollectionName')
  return name
}

/** Undefined at the top of the hierarchy. */
function parentOf({ request: { parentId } }: Call, folders: readonly Folder[]): Folder | undefined {
  if (!parentId || parentId === '0') return undefined
  const parent = folders.find(({ id }) => id === parentId)
  if (!parent) throw new Failure('not-found', 'no such parent')
  return parent
}

function editable({ request: { collectionId } }: Call, folders: readonly Folder[]): Folder {
  if (!collectionId) throw new Failure('malformed', 'no CollectionId')
  const folder = folders.find(({ id }) => id === collectionId)
  if (!folder) throw new Failure('not-found', 'no such folder')
  if (folder.role) throw new Failure('denied', `the ${folder.role} folder stays as it is`)
  return folder
}

function isBelow(start: FolderId, above: FolderId, folders: readonly Folder[]): boolean {
  for (let at: FolderId | undefined = start; at; at = folders.find(({ id }) => id === at)?.parent) if (at === above) return true
  return false
}

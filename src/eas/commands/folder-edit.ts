import { createHash } from 'node:crypto'
import { Failure, stale, type Kind } from '../../base/failure.ts'
import { inTurn } from '../../base/shared.ts'
import { holdsObjects, type Content, type Folder, type FolderId } from '../../model/folder.ts'
import type { Stores } from '../../model/ports.ts'
import { keepHierarchy, recallHierarchy, show, type Hierarchy } from '../../state/snapshot.ts'
import { child, el, text, type Element, type Tag } from '../../wire/wbxml.ts'
import { wbxml, type Answer, type Call, type Command } from '../command.ts'
import { contentOfType, folderType, userMail } from '../folder-type.ts'
import { foldersAllowed, objectsOf } from '../folders.ts'
import { hierarchyOf } from '../hierarchy.ts'
import { isRecipients } from '../recipients.ts'

type Name = 'FolderCreate' | 'FolderDelete' | 'FolderUpdate'

/** [MS-ASCMD] Status (FolderCreate), Status (FolderDelete), Status (FolderUpdate). */
const status: Readonly<Record<Name, Partial<Record<Kind, string>>>> = {
  FolderCreate: { exists: '2', denied: '3', 'not-found': '5', stale: '9', malformed: '10', unsupported: '10' },
  FolderDelete: { denied: '3', 'not-found': '4', stale: '9', malformed: '10' },
  FolderUpdate: { exists: '2', denied: '2', 'not-found': '4', stale: '9', malformed: '10' },
}
const parentMissing = '5', ofRecipients = '3'

/** What an edit made of the hierarchy the client had: its ServerId where there is a new one. */
type Edited = { readonly client: Hierarchy; readonly id?: FolderId } | { readonly status: string }

// [MS-ASCMD] FolderCreate
export const folderCreate = edit('FolderCreate', async (call, body, then, folders) => {
  const name = displayName(body)
  const content = contentOfType(text(body, 'FolderHierarchy:Type') ?? userMail)
  if (!content) throw new Failure('unsupported', 'no folder of this type can be created')
  const parent = parentOf(body, folders)
  if (parent === 'missing') return { status: parentMissing }
  const folder = await create(call.stores, content, parent, name)
  return { client: [...then, ...show([folder], folderType)], id: folder.id }
})

/** Collections of objects stand side by side: WebDAV servers take none below another (RFC 4791, Calendar Collections). */
function create({ mail, objects }: Stores, content: Content, parent: Folder | undefined, name: string): Promise<Folder> {
  if (content === 'mail') {
    if (parent && parent.content !== 'mail') throw new Failure('denied', 'no mail folder below a collection of objects')
    return mail.createFolder(parent?.id, name)
  }
  if (!objects) throw new Failure('unsupported', 'only mail folders can be created')
  return objects.createFolder(content, name)
}

// [MS-ASCMD] FolderDelete
export const folderDelete = edit('FolderDelete', async (call, body, then, folders) => {
  const { id, content } = editable(body, folders)
  const gone = new Set<string>([id])
  for (const folder of then) if (gone.has(folder.parent)) gone.add(folder.id)
  await (content === 'mail' ? call.stores.mail : objectsOf(call.stores.objects)).deleteFolder(id)
  return { client: then.filter(folder => !gone.has(folder.id)) }
})

// [MS-ASCMD] FolderUpdate
export const folderUpdate = edit('FolderUpdate', async (call, body, then, folders) => {
  const { id, content } = editable(body, folders)
  const name = displayName(body)
  const parent = parentOf(body, folders)
  if (parent === 'missing') return { status: parentMissing }
  if (parent && (content !== 'mail' || parent.content !== 'mail')) throw new Failure('denied', 'a collection of objects stands by itself')
  for (let above = parent; above; above = folders.find(folder => folder.id === above!.parent)) {
    if (above.id === id) throw new Failure('malformed', 'a folder cannot be moved into itself')
  }
  const folder = content === 'mail'
    ? await call.stores.mail.updateFolder(id, parent?.id, name)
    : await objectsOf(call.stores.objects).renameFolder(id, name)
  // Without a lasting id the folder is another one now; FolderSync will say so.
  if (folder.id !== id) return { client: then }
  return { client: then.map(one => one.id === id ? show([folder], folderType)[0]! : one) }
})

/**
 * The frame of the three: the key must be one we can continue from, the new one stands for what the client then has, so that its
 * own change is not told to it again, while somebody else's still is. A repeated request gets the answer that was lost.
 */
function edit(
  name: Name, work: (call: Call, body: Element, then: Hierarchy, folders: readonly Folder[]) => Promise<Edited>,
): Command {
  const root: Tag = `FolderHierarchy:${name}`
  return {
    async run(call) {
      const { body } = call
      const key = body && text(body, 'FolderHierarchy:SyncKey')
      if (!body || !key || key === '0') throw new Failure('malformed', `${name} without SyncKey`)
      if (child(body, 'FolderHierarchy:Status')) throw new Failure('malformed', 'a Status in a request')
      return inTurn(call, `editing:${call.scope}`, () => once(call, body, key))
    },
    refuse: kind => el(root, [el('FolderHierarchy:Status', status[name][kind] ?? '6')]),
  }

  async function once(call: Call, body: Element, key: string): Promise<Answer> {
    const { cache, shared, settings, stores, scope } = call
    const slot = `folder-edit:${scope}:${createHash('sha256').update(JSON.stringify(body)).digest('base64url')}`
    const repeated = await shared.recall<string[]>(slot)
    if (repeated) return answer(root, repeated)

    const snapshots = { shared, secret: settings.secret, account: stores.person.account }
    const { folders, refused } = await foldersAllowed(stores, call.request.version)
    const then = await recallHierarchy(snapshots, key, hierarchyOf(call, folders))
    // Whom the server of objects refuses has mail folders all the same; of what such a client held before nobody can tell.
    if (refused && (!then || isOfObjects(body))) throw new Failure('unavailable', refused.message, { cause: refused })
    if (!then) throw stale('forgotten', 'the hierarchy this key stands for is not remembered')
    const names = (['FolderHierarchy:ServerId', 'FolderHierarchy:ParentId'] as const).map(tag => text(body, tag) ?? '')
    if (names.some(id => isRecipients(call, id))) return wbxml(el(root, [el('FolderHierarchy:Status', ofRecipients)]))
    const edited = await work(call, body, then, folders)
    if ('status' in edited) return wbxml(el(root, [el('FolderHierarchy:Status', edited.status)]))
    const result = [await keepHierarchy(snapshots, edited.client), ...(edited.id ? [edited.id] : [])]
    await shared.keep(slot, result, { seconds: 3600 })
    cache.set(`told:${scope}`, result[0])
    return answer(root, result)
  }
}

/** Whether a folder is named, or one is to be made, that holds no mail. */
function isOfObjects(body: Element): boolean {
  const names = (['FolderHierarchy:ServerId', 'FolderHierarchy:ParentId'] as const).map(tag => text(body, tag) ?? '')
  return names.some(id => holdsObjects(id as FolderId)) || (contentOfType(text(body, 'FolderHierarchy:Type') ?? userMail) ?? 'mail') !== 'mail'
}

const answer = (root: Tag, [key = '', id]: readonly string[]): Answer => wbxml(el(root, [
  el('FolderHierarchy:Status', '1'),
  el('FolderHierarchy:SyncKey', key),
  ...(id ? [el('FolderHierarchy:ServerId', id)] : []),
]))

function displayName(body: Element): string {
  const name = text(body, 'FolderHierarchy:DisplayName')?.trim()
  if (!name || name.length > 256 || /\p{Cc}/u.test(name)) throw new Failure('malformed', 'DisplayName')
  return name
}

/** Undefined for the top of the hierarchy. */
function parentOf(body: Element, folders: readonly Folder[]): Folder | undefined | 'missing' {
  const id = text(body, 'FolderHierarchy:ParentId')
  if (!id || id === '0') return undefined
  return folders.find(folder => folder.id === id) ?? 'missing'
}

/** The folder an edit names, which must be no special one. */
function editable(body: Element, folders: readonly Folder[]): Folder {
  const id = text(body, 'FolderHierarchy:ServerId')
  if (!id) throw new Failure('malformed', 'no ServerId')
  const folder = folders.find(one => one.id === id)
  if (!folder) throw new Failure('not-found', 'no such folder')
  if (folder.role || folder.isDefault) throw new Failure('denied', `the ${folder.role ?? 'default'} folder stays as it is`)
  return folder
}

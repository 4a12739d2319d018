import { Failure } from '../base/failure.ts'
import { holdsObjects, type Content, type Folder, type FolderId } from '../model/folder.ts'
import type { Stores } from '../model/ports.ts'
import { foldersAllowed, mailFolders } from './folders.ts'
import type { Version } from './versions.ts'

/** Folders a request may name. */
const mostFolders = 1000

/** Every content there is: where a search names no class. */
export const allContents: readonly Content[] = ['mail', 'calendar', 'contacts', 'tasks', 'notes']

export type Scope = { readonly named: readonly string[]; readonly deep: boolean; readonly contents: readonly Content[] }

/**
 * The folders of these contents that a search looks into: those named, with `deep` also the ones below; all where none is named or the
 * root (`0`) is. Throws `not-found` for a folder that is not there.
 */
export async function searchScope(stores: Stores, version: Version, { named, deep, contents }: Scope): Promise<Folder[]> {
  if (named.length > mostFolders) throw new Failure('too-large', 'a search in too many folders')
  const everywhere = named.length === 0 || named.includes('0')
  // Mail is searched whatever becomes of the server of objects.
  const asked = named.some(id => holdsObjects(id as FolderId)) || (everywhere && contents.some(content => content !== 'mail'))
  const all = asked ? (await foldersAllowed(stores, version)).folders : await mailFolders(stores, version)
  const wanted = new Set(everywhere ? all.map(({ id }) => id as string) : named)
  if (!everywhere) for (const id of wanted) if (!all.some(folder => folder.id === id)) throw new Failure('not-found', 'no such folder')
  // Parents come before their children.
  if (deep) for (const { id, parent } of all) if (parent && wanted.has(parent)) wanted.add(id)
  return all.filter(({ id, selectable, content }) => wanted.has(id) && selectable && contents.includes(content))
}

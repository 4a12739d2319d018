import { Failure } from '../base/failure.ts'
import type { Folder, FolderId } from '../model/folder.ts'
import type { Call } from './command.ts'
import { mailFolders } from './folders.ts'

/** Folders a request may name. */
const mostFolders = 1000

/**
 * The folders a search looks into: those named, with `deep` also the ones below; all where none is named or the root (`0`) is. Throws
 * `not-found` for a folder that is not there.
 */
export async function searchScope({ stores, request }: Call, named: readonly string[], deep: boolean): Promise<FolderId[]> {
  if (named.length > mostFolders) throw new Failure('too-large', 'a search in too many folders')
  const all = await mailFolders(stores, request.version)
  if (named.length === 0 || named.includes('0')) return selectable(all)
  const wanted = new Set(named)
  for (const id of wanted) if (!all.some(folder => folder.id === id)) throw new Failure('not-found', 'no such folder')
  if (!deep) return selectable(all.filter(({ id }) => wanted.has(id)))
  // Parents come before their children.
  for (const { id, parent } of all) if (parent && wanted.has(parent)) wanted.add(id)
  return selectable(all.filter(({ id }) => wanted.has(id)))
}

const selectable = (folders: readonly Folder[]): FolderId[] => folders.filter(folder => folder.selectable).map(({ id }) => id)

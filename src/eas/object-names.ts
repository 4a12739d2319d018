import { Failure } from '../base/failure.ts'
import type { FolderId } from '../model/folder.ts'
import type { ObjectStore } from '../model/ports.ts'
import { nameDigest, parseObjectId } from '../state/item-id.ts'

/** The object whose name an id has no room for: looked for among all of its collection. Throws `not-found`. */
export async function nameWithDigest(objects: ObjectStore, { folder, digest }: { folder: FolderId; digest: string }): Promise<string> {
  const { present } = await objects.changes(folder, undefined)
  const found = present.find(({ name }) => nameDigest(name) === digest)
  if (!found) throw new Failure('not-found', 'no such item')
  return found.name
}

/** Which objects of a folder these ids mean, in their order; undefined for those that mean none. One request at most. */
export async function namesOf(objects: ObjectStore, folder: FolderId, ids: readonly string[]): Promise<readonly (string | undefined)[]> {
  const refs = ids.map(id => refOf(id))
  const digests = refs.some(ref => ref && 'digest' in ref && ref.folder === folder)
  const all = digests ? new Map((await objects.changes(folder, undefined)).present.map(({ name }) => [nameDigest(name), name])) : undefined
  return refs.map(ref => ref?.folder !== folder ? undefined : 'name' in ref ? ref.name : all?.get(ref.digest))
}

function refOf(id: string) {
  try {
    return parseObjectId(id)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not-found') return undefined
    throw error
  }
}

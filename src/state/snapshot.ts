import { createHmac } from 'node:crypto'
import type { Shared } from '../base/shared.ts'
import type { Folder, FolderId } from '../model/folder.ts'

/** A folder as a client was told of it. */
export type Shown = { readonly id: FolderId; readonly parent: string; readonly name: string; readonly type: string }

/** A hierarchy as a client was told of it: parents before children. */
export type Hierarchy = readonly Shown[]

/** Where hierarchies are remembered, and whose they are. */
export type Snapshots = { readonly shared: Shared; readonly secret: Uint8Array; readonly account: string }

/** What leads from one hierarchy to the other. Parents are added before their children and deleted after them. */
export type HierarchyChanges = { readonly adds: Hierarchy; readonly updates: Hierarchy; readonly deletes: readonly FolderId[] }

export const show = (folders: readonly Folder[], typeOf: (folder: Folder) => string): Hierarchy =>
  folders.map(folder => ({ id: folder.id, parent: folder.parent ?? '0', name: folder.name, type: typeOf(folder) }))

/**
 * The FolderSync key is a digest of the hierarchy it stands for, so whoever sees the same hierarchy knows that nothing changed,
 * and needs no memory for it. 24 characters.
 */
export function hierarchyKey({ secret, account }: Pick<Snapshots, 'secret' | 'account'>, hierarchy: Hierarchy): string {
  const rows = hierarchy.map(({ id, parent, name, type }) => JSON.stringify([id, parent, name, type])).sort()
  const mac = createHmac('sha256', secret).update(`folders\0${account}\0${rows.join('\n')}`).digest()
  return mac.subarray(0, 18).toString('base64url')
}

/** Remembers `hierarchy` under its key, which is returned. Any device of the account may come back with it. */
export async function keepHierarchy(snapshots: Snapshots, hierarchy: Hierarchy): Promise<string> {
  const key = hierarchyKey(snapshots, hierarchy)
  await snapshots.shared.keep(slot(snapshots, key), hierarchy, { seconds: season, size: hierarchy.length * 120 })
  return key
}

/** The hierarchy `key` stands for: nothing for `0`, `now` where the digest is the same; undefined when it is not remembered. */
export async function recallHierarchy(snapshots: Snapshots, key: string, now: Hierarchy): Promise<Hierarchy | undefined> {
  if (key === '0') return []
  if (key === hierarchyKey(snapshots, now)) return now
  return snapshots.shared.recall<Hierarchy>(slot(snapshots, key))
}

export function compareHierarchies(then: Hierarchy, now: Hierarchy): HierarchyChanges {
  const old = new Map(then.map(folder => [folder.id, folder]))
  const present = new Set(now.map(folder => folder.id))
  return {
    adds: now.filter(folder => !old.has(folder.id)),
    updates: now.filter(folder => differs(folder, old.get(folder.id))),
    deletes: then.filter(folder => !present.has(folder.id)).map(folder => folder.id).reverse(),
  }
}

const season = 90 * 86_400
const slot = ({ account }: Snapshots, key: string): string => `folders:${account}:${key}`

const differs = (now: Shown, then: Shown | undefined): boolean =>
  then !== undefined && (then.parent !== now.parent || then.name !== now.name || then.type !== now.type)

import { Failure } from '../base/failure.ts'
import type { DavRow } from './dav-xml.ts'

/** An object of a collection as one row of an answer tells of it. */
export type ObjectRow = DavRow & { readonly name: string }

export type ObjectRows = {
  readonly objects: readonly ObjectRow[]
  /** RFC 6578, Truncation of Results: there are more than these. */
  readonly partial: boolean
}

/**
 * What the rows of an answer tell of the objects of the collection at `path`; what is said of other places is left aside. Throws
 * `unavailable` where nothing is said but of other places: that is no empty collection.
 */
export function objectRows(rows: readonly DavRow[], path: string): ObjectRows {
  const folder = decoded(path)
  const objects = rows.flatMap(row => {
    const { place, name } = splitPath(row.path)
    return name !== '' && decoded(place) === folder ? [{ ...row, name }] : []
  })
  const itself = rows.filter(row => isAt(row, path))
  if (rows.length > 0 && objects.length + itself.length === 0) {
    throw new Failure('unavailable', 'the DAV server tells of other places than of the collection it was asked for')
  }
  const partial = itself.some(({ status }) => status === 507)
  const trouble = partial ? undefined : itself.find(row => row.trouble !== undefined)?.trouble
  if (trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${trouble} for a collection`)
  return { objects, partial }
}

/** The same of an answer that must be complete, or what it leaves out would be taken for gone. Throws `unavailable` for another. */
export function completeRows(rows: readonly DavRow[], path: string): readonly ObjectRow[] {
  const { objects, partial } = objectRows(rows, path)
  if (partial) throw new Failure('unavailable', 'the DAV server does not tell of all objects of a collection')
  return objects
}

/**
 * Asks for objects by name until all have been told of: a server may hand out some of them only. Throws `unavailable` where it hands out
 * nothing of what it was asked for.
 */
export async function askForAll(
  names: readonly string[], ask: (wanted: readonly string[]) => Promise<{ readonly told: ReadonlySet<string>; readonly partial: boolean }>,
): Promise<void> {
  for (let wanted = names; wanted.length > 0;) {
    const { told, partial } = await ask(wanted)
    if (!partial) return
    const rest = wanted.filter(name => !told.has(name))
    if (rest.length === wanted.length) throw new Failure('unavailable', 'the DAV server hands out nothing of what it was asked for')
    wanted = rest
  }
}

/** Whether a row tells of this very address, with or without a slash at its end. */
export const isAt = (row: DavRow, path: string): boolean => decoded(withSlash(row.path)) === decoded(withSlash(path))

export const isBelow = (row: DavRow, home: string): boolean => decoded(row.path).startsWith(decoded(home))

export const withSlash = (path: string): string => path.endsWith('/') ? path : `${path}/`

/** The last segment of a path, decoded; servers differ in what they encode. */
export const lastSegment = (path: string): string => splitPath(path.replace(/\/$/, '')).name

function splitPath(path: string): { readonly place: string; readonly name: string } {
  const at = path.lastIndexOf('/') + 1
  return { place: path.slice(0, at), name: decoded(path.slice(at)) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

import { createHash } from 'node:crypto'
import { Failure, stale } from '../base/failure.ts'
import type { Listed, ObjectChanges } from '../model/ports.ts'
import type { DavClient } from './dav-client.ts'
import type { CollectionState, DavCollection } from './dav-collections.ts'
import type { DavLists } from './dav-lists.ts'
import { completeRows, objectRows, type ObjectRow } from './dav-rows.ts'
import { document, escapeXml, names, readMultistatus, type DavRow } from './dav-xml.ts'

/** What of a collection has to be known to ask it for changes. */
export type DavPlace = Pick<DavCollection, 'path' | 'state' | 'syncs'>

export type DavChanges = {
  changes(where: DavPlace, token: string | undefined): Promise<ObjectChanges>
  /** Whether a collection in this state is as it was when `token` was given; asks where the state alone does not tell. */
  isSame(where: DavPlace | undefined, token: string, state: CollectionState | undefined): Promise<boolean>
}

const { dav } = names
/** Pieces of one list, where a server hands it out in some. */
const mostPieces = 1000
const mostObjects = 200_000
/** So many new tokens in a row without a change behind them are a server's that makes one for each request. */
const restless = 3
const listed = 'list:'

export function davChanges(client: DavClient, lists: DavLists): DavChanges {
  /** How often in a row a collection had another token and no changes, by its path. */
  const idle = new Map<string, number>()

  /** RFC 6578, DAV:sync-collection Report. A server may tell a part and say so by a 507 for the collection itself. */
  async function report({ path }: DavPlace, token: string | undefined): Promise<ObjectChanges> {
    const present = new Map<string, Listed>(), gone = new Set<string>()
    let from = token ?? ''
    for (let pieces = 0; pieces < mostPieces; pieces++) {
      const body = document('D:sync-collection', `<D:sync-token>${escapeXml(from)}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>`)
      const { rows, syncToken } = await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '0' }, body })).body)
      if (syncToken === undefined) throw new Failure('unavailable', 'the DAV server tells changes without a sync-token')
      const { objects, partial } = objectRows(rows, path)
      for (const row of objects) {
        const { name } = row, etag = versionOf(row)
        // Radicale names what is gone even to who holds nothing.
        if (row.status === 404 || row.status === 410) {
          present.delete(name)
          if (token !== undefined) gone.add(name)
        } else if (etag !== undefined) {
          gone.delete(name)
          present.set(name, { name, etag })
        } else if (row.trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${row.trouble} for an object`)
      }
      if (objects.length > 0 && present.size + gone.size === 0 && from === (token ?? '')) unversioned(objects)
      if (present.size + gone.size > mostObjects) break
      if (!partial) return { present: [...present.values()], gone: [...gone], token: syncToken }
      if (syncToken === from) break
      from = syncToken
    }
    throw new Failure('unavailable', 'the DAV server does not come to an end')
  }

  /** A token that the server does not take may have been made to be forgotten, or the server is broken: asking without one tells. */
  async function synced(where: DavPlace, token: string | undefined): Promise<ObjectChanges> {
    try {
      return settled(where, token, await report(where, token))
    } catch (error) {
      if (token === undefined || !(error instanceof Failure) || !doubtful.has(error.kind)) throw error
      if (error.kind === 'unavailable' && !/answers 500/.test(error.message)) throw error
      await report(where, undefined)
      // Where it was trouble of the moment, the client need not begin anew.
      const again = await report(where, token).catch(() => undefined)
      if (again) return again
      throw stale('sync-token', 'the DAV server does not know this sync-token any more', { cause: error })
    }
  }

  /** A new token without changes is taken, but not one after each request: a phone would be woken by it for ever. */
  function settled({ path }: DavPlace, token: string | undefined, found: ObjectChanges): ObjectChanges {
    if (token === undefined || found.token === token) return found
    const times = found.present.length + found.gone.length > 0 ? 0 : (idle.get(path) ?? 0) + 1
    idle.set(path, times)
    return times >= restless ? { ...found, token } : found
  }

  /** Without RFC 6578: all versions, compared with those of the token, which stands for a list that is remembered. */
  async function compared({ path, state: { ctag } }: DavPlace, token: string | undefined): Promise<ObjectChanges> {
    const before = token === undefined ? undefined : await lists.recall(token)
    if (token !== undefined && !before) throw stale('forgotten', 'what the collection held then is not remembered')
    const body = document('D:propfind', '<D:prop><D:getetag/></D:prop>')
    const { rows } = await readMultistatus((await client.ask({ method: 'PROPFIND', path, headers: { depth: '1' }, body })).body)
    const objects = completeRows(rows, path).filter(row => row.status !== 404 && row.status !== 410)
    const all = objects.flatMap(row => {
      const etag = versionOf(row) ?? before?.versions.get(row.name)
      return etag === undefined ? [] : [{ name: row.name, etag }]
    })
    if (objects.length > 0 && all.length === 0) unversioned(objects)
    const versions = new Map(all.map(({ name, etag }) => [name, etag]))
    const text = JSON.stringify([path, [...versions].sort(([a], [b]) => a < b ? -1 : 1)])
    const now = listed + createHash('sha256').update(text).digest('base64url').slice(0, 22)
    await lists.keep(now, { versions, ctag })
    return {
      token: now,
      present: all.filter(({ name, etag }) => before?.versions.get(name) !== etag),
      gone: before ? [...before.versions.keys()].filter(name => !versions.has(name)) : [],
    }
  }

  return {
    changes: (where, token) => where.syncs && !token?.startsWith(listed) ? synced(where, token) : compared(where, token),
    async isSame(where, token, state) {
      if (!where || !state) return false
      const isListed = token.startsWith(listed)
      if (isListed ? state.ctag !== undefined && (await lists.recall(token))?.ctag === state.ctag : state.token === token) return true
      if (!isListed && (idle.get(where.path) ?? 0) < restless) return false
      try {
        const { present, gone } = isListed ? await compared(where, token) : await report(where, token)
        return present.length + gone.length === 0
      } catch (error) {
        if (error instanceof Failure && error.kind === 'stale') return false
        throw error
      }
    },
  }
}

function unversioned(objects: readonly ObjectRow[]): void {
  if (objects.every(row => row.trouble === undefined && row.status === undefined && versionOf(row) === undefined)) {
    throw new Failure('unavailable', 'the DAV server names no versions (DAV:getetag) of objects')
  }
}

/** How servers refuse a token they do not know: 403, 409, 412, and Xandikos by 500. */
const doubtful = new Set<Failure['kind']>(['stale', 'denied', 'not-found', 'conflict', 'malformed', 'unavailable'])

const versionOf = ({ properties }: DavRow): string | undefined => properties.get(`${dav}getetag`)?.text.trim() || undefined

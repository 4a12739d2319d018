import { createHash } from 'node:crypto'
import type { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import type { Listed, ObjectChanges } from '../model/ports.ts'
import type { DavClient } from './dav-client.ts'
import { lastSegment, type CollectionState, type DavCollection } from './dav-collections.ts'
import { document, escapeXml, names, readMultistatus, type DavRow } from './dav-xml.ts'

/** Versions by names, and the CTag they go with, of collections whose server cannot say what changed; by token. */
export type DavLists = LRUCache<string, DavList>
export type DavList = { readonly versions: ReadonlyMap<string, string>; readonly ctag: string | undefined }

export type DavChanges = {
  changes(where: DavCollection, token: string | undefined): Promise<ObjectChanges>
  /** Whether a collection in this state is as it was when `token` was given. */
  isSame(token: string, state: CollectionState | undefined): boolean
}

const { dav } = names
/** Pieces of one list, where a server hands it out in some. */
const mostPieces = 1000
const listed = 'list:'

export function davChanges(client: DavClient, lists: DavLists): DavChanges {
  /** RFC 6578, DAV:sync-collection Report. A server may tell a part and say so by a 507 for the collection itself. */
  async function report({ path }: DavCollection, token: string | undefined): Promise<ObjectChanges> {
    const present = new Map<string, Listed>(), gone = new Set<string>()
    let from = token ?? ''
    for (let pieces = 0; pieces < mostPieces; pieces++) {
      const body = document('D:sync-collection', `<D:sync-token>${escapeXml(from)}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>`)
      const { rows, syncToken } = await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '0' }, body })).body)
      if (syncToken === undefined) throw new Failure('unavailable', 'the DAV server tells changes without a sync-token')
      for (const row of rows) {
        const name = lastSegment(row.path), etag = versionOf(row)
        if (isItself(row, path)) continue
        // Radicale names what is gone even to who holds nothing.
        if (row.status === 404) {
          present.delete(name)
          if (token !== undefined) gone.add(name)
        } else if (etag !== undefined) {
          gone.delete(name)
          present.set(name, { name, etag })
        }
      }
      const partial = rows.some(row => isItself(row, path) && row.status === 507) && syncToken !== from
      from = syncToken
      if (!partial) return { present: [...present.values()], gone: [...gone], token: from }
    }
    throw new Failure('unavailable', 'the DAV server does not come to an end')
  }

  /** A token that the server does not take may have been made to be forgotten, or the server is broken: asking without one tells. */
  async function synced(where: DavCollection, token: string | undefined): Promise<ObjectChanges> {
    try {
      return await report(where, token)
    } catch (error) {
      if (token === undefined || !(error instanceof Failure) || !doubtful.has(error.kind)) throw error
      if (error.kind === 'unavailable' && !/answers 500/.test(error.message)) throw error
      await report(where, undefined)
      throw new Failure('stale', 'the DAV server does not know this sync-token any more', { cause: error })
    }
  }

  /** Without RFC 6578: all versions, compared with those of the token, which stands for a list that is remembered. */
  async function compared({ path, state: { ctag } }: DavCollection, token: string | undefined): Promise<ObjectChanges> {
    const before = token === undefined ? undefined : lists.get(token)
    if (token !== undefined && !before) throw new Failure('stale', 'what the collection held then is not remembered')
    const body = document('D:propfind', '<D:prop><D:getetag/></D:prop>')
    const { rows } = await readMultistatus((await client.ask({ method: 'PROPFIND', path, headers: { depth: '1' }, body })).body)
    const all = rows.flatMap(row => {
      const etag = isItself(row, path) || row.path.endsWith('/') ? undefined : versionOf(row)
      return etag === undefined ? [] : [{ name: lastSegment(row.path), etag }]
    })
    const versions = new Map(all.map(({ name, etag }) => [name, etag]))
    const text = JSON.stringify([path, [...versions].sort(([a], [b]) => a < b ? -1 : 1)])
    const now = listed + createHash('sha256').update(text).digest('base64url').slice(0, 22)
    lists.set(now, { versions, ctag }, { size: 64 + versions.size * 120 })
    return {
      token: now,
      present: all.filter(({ name, etag }) => before?.versions.get(name) !== etag),
      gone: before ? [...before.versions.keys()].filter(name => !versions.has(name)) : [],
    }
  }

  return {
    changes: (where, token) => where.syncs && !token?.startsWith(listed) ? synced(where, token) : compared(where, token),
    isSame(token, state) {
      if (!state) return false
      if (!token.startsWith(listed)) return state.token === token
      return state.ctag !== undefined && lists.get(token)?.ctag === state.ctag
    },
  }
}

/** How servers refuse a token they do not know: 403, 409, 412, and Xandikos by 500. */
const doubtful = new Set<Failure['kind']>(['stale', 'denied', 'not-found', 'conflict', 'malformed', 'unavailable'])

const versionOf = ({ properties }: DavRow): string | undefined => properties.get(`${dav}getetag`)?.text.trim() || undefined

const isItself = (row: DavRow, path: string): boolean => row.path === path || `${row.path}/` === path

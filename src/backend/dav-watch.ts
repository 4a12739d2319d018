import type { FolderId } from '../model/folder.ts'
import type { Watcher } from '../model/ports.ts'
import type { CollectionState } from './dav-collections.ts'

export type DavWatch = {
  watch(ids: readonly FolderId[], signal: AbortSignal, on: Watcher): Promise<void>
  /** This very process changed something there: nobody need wait for the next look. */
  tell(id: FolderId): void
  close(): void
}

export type DavWatchOptions = {
  /** Seconds from one look to the next, where nothing happens; after a change, for some time, a third of it. */
  readonly pollSeconds: number
  /** The states of these collections now, in one request for all that share a home. */
  readonly states: (ids: readonly FolderId[]) => Promise<ReadonlyMap<FolderId, CollectionState | undefined>>
  readonly trouble: (error: unknown) => void
}

type Entry = { readonly ids: ReadonlySet<FolderId>; readonly on: Watcher; ready: boolean }

/** Changes come in company: somebody is at work in a calendar. */
const livelySeconds = 120
const longestPause = 300

/** Looks at a user's collections every now and then, once for all who wait. WebDAV has no way to be told. */
export function davWatch({ pollSeconds, states, trouble }: DavWatchOptions): DavWatch {
  const entries = new Set<Entry>()
  let last: ReadonlyMap<FolderId, CollectionState | undefined> = new Map()
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let closed = false
  let failures = 0
  let lively = -Infinity

  const tell = (id: FolderId): void => {
    for (const entry of entries) if (entry.ready && entry.ids.has(id)) entry.on.changed(id)
  }

  async function look(): Promise<void> {
    if (looking || closed || entries.size === 0) return
    looking = true
    clearTimeout(timer)
    const joining = [...entries].filter(entry => !entry.ready)
    try {
      const now = await states([...new Set([...entries].flatMap(({ ids }) => [...ids]))])
      failures = 0
      const news = [...now].filter(([id, state]) => last.has(id) && differs(state, last.get(id))).map(([id]) => id)
      last = now
      if (news.length) lively = performance.now()
      news.forEach(tell)
      // Nothing tells of these: who waits has to look for itself, every time.
      for (const [id, state] of now) if (state && state.token === undefined && state.ctag === undefined) tell(id)
      for (const entry of joining) {
        entry.ready = true
        entry.on.ready()
      }
    } catch (error) {
      failures++
      trouble(error)
      for (const entry of entries) entry.on.lost(error)
    } finally {
      looking = false
      next()
    }
  }

  /** Not all users at once; the longer the server does not answer, the seldomer. */
  function next(): void {
    if (closed || entries.size === 0) return
    const calm = performance.now() - lively > livelySeconds * 1000 ? pollSeconds : pollSeconds / 3
    const seconds = [...entries].some(entry => !entry.ready) && failures === 0 ? 0 : Math.min(calm * 2 ** failures, Math.max(longestPause, calm))
    timer = setTimeout(() => void look(), seconds * 1000 * (0.8 + Math.random() * 0.4)).unref()
  }

  return {
    tell,
    watch: (ids, signal, on) => new Promise(resolve => {
      if (signal.aborted || closed) return resolve()
      const entry: Entry = { ids: new Set(ids), on, ready: false }
      entries.add(entry)
      signal.addEventListener('abort', () => {
        entries.delete(entry)
        if (entries.size === 0) clearTimeout(timer)
        resolve()
      }, { once: true })
      void look()
    }),
    close() {
      closed = true
      clearTimeout(timer)
      entries.clear()
    },
  }
}

const differs = (a: CollectionState | undefined, b: CollectionState | undefined): boolean => a?.token !== b?.token || a?.ctag !== b?.ctag

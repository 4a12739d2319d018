import type { FolderId } from '../model/folder.ts'
import type { Call } from './command.ts'
import { changedFolders, watchFolders, type Standing } from './folders.ts'
import { enterWait } from './waits.ts'

/** `ended`: the client went away, asked anew, or the server drains. */
export type Woken = { readonly kind: 'changed'; readonly folders: readonly FolderId[] } | { readonly kind: 'expired' | 'ended' }

/** Events that belong together, as when one message arrives, come within a few milliseconds. */
const coalesce = 5
/** Milliseconds until objects are looked at again whose server did not say whether they changed. */
const again = 30_000

/**
 * Waits until one of these folders has something a client standing there does not know, for at most `seconds`. Costs a timer and the
 * closures below; the connection to the mail server is the user's. Throws `unavailable` when the server cannot be asked.
 */
export async function waitForChange(call: Call, standings: ReadonlyMap<FolderId, Standing>, seconds: number): Promise<Woken> {
  const wait = enterWait(call.waits, call.scope, call.signal)
  try {
    const folders = await nextNews(call, standings, wait.signal, seconds)
    if (folders.length) return { kind: 'changed', folders }
    return { kind: wait.signal.aborted ? 'ended' : 'expired' }
  } finally {
    wait.leave()
  }
}

/** The folders with news; none when the time is up or `gone` comes first. */
function nextNews(call: Call, standings: ReadonlyMap<FolderId, Standing>, gone: AbortSignal, seconds: number): Promise<readonly FolderId[]> {
  return new Promise((resolve, reject) => {
    const over = new AbortController()
    const suspects = new Set<FolderId>()
    let looking = false
    let soon: NodeJS.Timeout | undefined, later: NodeJS.Timeout | undefined
    const finish = (settle: () => void): void => {
      clearTimeout(soon)
      clearTimeout(later)
      clearTimeout(deadline)
      gone.removeEventListener('abort', nothing)
      over.abort()
      settle()
    }
    const nothing = (): void => finish(() => resolve([]))
    const deadline = setTimeout(nothing, seconds * 1000)
    if (gone.aborted) return nothing()
    gone.addEventListener('abort', nothing, { once: true })

    const suspect = (id: FolderId): void => {
      suspects.add(id)
      if (!over.signal.aborted) soon ??= setTimeout(look, coalesce)
    }
    const look = (): void => {
      soon = undefined
      if (looking) return
      looking = true
      const asked = [...suspects]
      suspects.clear()
      confirm(call, standings, asked).then(({ news, unknown }) => {
        looking = false
        if (unknown.size) {
          clearTimeout(later)
          later = setTimeout(() => unknown.forEach(suspect), again)
        }
        if (news.length) finish(() => resolve(news))
        else if (suspects.size) suspect([...suspects][0]!)
      }).catch((error: unknown) => finish(() => reject(error)))
    }
    watchFolders(call.stores, [...standings.keys()], over.signal, {
      // What happened between the client's last look and now is not told as an event.
      ready: ids => ids.forEach(id => standings.get(id) && suspect(id)),
      changed: suspect,
      lost: why => call.log.debug({ scope: call.scope, why: String(why) }, 'watch lost'),
    }).catch((error: unknown) => finish(() => reject(error)))
  })
}

async function confirm(call: Call, standings: ReadonlyMap<FolderId, Standing>, ids: readonly FolderId[]) {
  const known = new Map(ids.flatMap(id => {
    const standing = standings.get(id)
    return standing ? [[id, standing] as const] : []
  }))
  const { changed, unknown } = known.size ? await changedFolders(call.stores, known, call.now()) : { changed: new Set<FolderId>(), unknown: new Set<FolderId>() }
  return { news: ids.filter(id => !known.has(id) || changed.has(id)), unknown }
}

import { Failure } from '../base/failure.ts'
import { spread } from '../base/retry.ts'
import type { FolderId } from '../model/folder.ts'
import type { Call } from './command.ts'
import { changedFolders, watchFolders, type FoldersWatcher, type Standing } from './folders.ts'
import { enterWait } from './waits.ts'

/** `ended`: the client went away, asked anew, or the server drains. */
export type Woken = { readonly kind: 'changed'; readonly folders: readonly FolderId[] } | { readonly kind: 'expired' | 'ended' }

/** Events that belong together, as when one message arrives, come in one go or nearly so. */
const coalesce = 1
/** Milliseconds until objects are looked at again whose server did not say whether they changed. */
const again = 30_000

/** Where the client stands in a folder now. */
type StandingOf = (id: FolderId) => Standing

/** What a wait needs of its request. */
export type Waiter = Pick<Call, 'waits' | 'scope' | 'client' | 'stores' | 'log' | 'now' | 'counted' | 'metrics'>

/**
 * Waits until one of these folders has something a client standing there does not know, for at most `seconds`. Costs a timer and an
 * object; the connection to the mail server is the user's. A server that is away is waited for as well. Throws `busy` where too many wait.
 */
export function waitForChange(call: Waiter, ids: readonly FolderId[], standing: StandingOf, seconds: number): Promise<Woken> {
  return new Promise((resolve, reject) => new Wait(call, standing, { resolve, reject }).begin(ids, seconds))
}

type Settle = { resolve(woken: Woken): void; reject(error: unknown): void }

class Wait implements FoldersWatcher {
  readonly #call: Waiter
  readonly #standing: StandingOf
  readonly #settle: Settle
  readonly #over = new AbortController()
  readonly #begun = performance.now()
  #suspects: FolderId[] = []
  #looking = false
  #leave: (() => void) | undefined
  #deadline: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #later: NodeJS.Timeout | undefined

  constructor(call: Waiter, standing: StandingOf, settle: Settle) {
    this.#call = call
    this.#standing = standing
    this.#settle = settle
  }

  begin(ids: readonly FolderId[], seconds: number): void {
    const { waits, scope, client: { signal }, stores, metrics } = this.#call
    this.#leave = enterWait(waits, scope, this.#end)
    metrics.add('waits', {})
    if (signal.aborted || waits.drained) return this.#end()
    this.#deadline = setTimeout(wait => wait.#finish({ kind: 'expired' }), seconds * 1000, this)
    signal.addEventListener('abort', this.#end, { once: true })
    watchFolders(stores, ids, this.#over.signal, this).catch((error: unknown) => this.#fail(error))
  }

  /** What happened between the client's last look and now is not told as an event. */
  ready(ids: readonly FolderId[]): void {
    for (const id of ids) if (this.#standing(id)) this.changed(id)
  }

  changed(id: FolderId): void {
    if (!this.#suspects.includes(id)) this.#suspects.push(id)
    if (!this.#over.signal.aborted) this.#soon ??= setTimeout(wait => void wait.#look(), coalesce, this)
  }

  lost(why: unknown): void {
    this.#call.log.debug({ scope: this.#call.scope, why: String(why) }, 'watch lost')
  }

  async #look(): Promise<void> {
    this.#soon = undefined
    if (this.#looking) return
    this.#looking = true
    const asked = this.#suspects
    this.#suspects = []
    try {
      const { news, unknown } = await confirm(this.#call, asked, this.#standing)
      this.#looking = false
      if (news.length) return this.#finish({ kind: 'changed', folders: news })
      if (unknown.size) this.#lookAgain([...unknown])
      if (this.#suspects.length) this.changed(this.#suspects[0]!)
    } catch (error) {
      this.#looking = false
      if (!isAway(error)) return this.#fail(error)
      // Whoever waits, waits for the server as well: it is told when the watch is there again.
      this.lost(error)
      this.#lookAgain(asked)
    }
  }

  #lookAgain(ids: readonly FolderId[]): void {
    clearTimeout(this.#later)
    if (!this.#over.signal.aborted) this.#later = setTimeout(() => ids.forEach(id => this.changed(id)), spread(again))
  }

  readonly #end = (): void => this.#finish({ kind: 'ended' })

  #finish(woken: Woken): void {
    this.#release(woken.kind === 'ended' && this.#call.waits.drained ? 'drained' : woken.kind)
    this.#settle.resolve(woken)
  }

  #fail(error: unknown): void {
    this.#release('failed')
    this.#settle.reject(error)
  }

  #release(end: string): void {
    this.#count(end)
    for (const timer of [this.#soon, this.#later, this.#deadline]) clearTimeout(timer)
    this.#call.client.signal.removeEventListener('abort', this.#end)
    this.#leave?.()
    this.#over.abort()
  }

  #count(end: string): void {
    if (this.#over.signal.aborted) return
    const { counted, metrics } = this.#call, waited = performance.now() - this.#begun
    counted.waited = waited
    metrics.add('waits', {}, -1)
    metrics.observe('waitSeconds', { end }, waited / 1000)
  }
}

/** The server is away, or has too much to do. */
const isAway = (error: unknown): boolean => error instanceof Failure && (error.kind === 'unavailable' || error.kind === 'busy')

async function confirm({ stores, now }: Waiter, ids: readonly FolderId[], standingOf: StandingOf) {
  const known = new Map(ids.flatMap(id => {
    const standing = standingOf(id)
    return standing ? [[id, standing] as const] : []
  }))
  const { changed, unknown } = known.size ? await changedFolders(stores, known, now()) : { changed: new Set<FolderId>(), unknown: new Set<FolderId>() }
  return { news: ids.filter(id => !known.has(id) || changed.has(id)), unknown }
}

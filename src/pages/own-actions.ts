import { accountWipeVersion, type DeviceKey, type DeviceStore, type Orders } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'

/** What users may do with their own devices. Throws `conflict` for what cannot be done as things are. `by` is the user's login. */
export type OwnAction = (store: DeviceStore, key: DeviceKey, by: string) => Promise<unknown>

/**
 * Nothing here takes back what an administrator ordered, and nothing lets a device in that the rules keep out: `allow` ends what the same user
 * began (`removed`, and a wipe that is `own`), and leaves the rest as it is.
 */
export const ownActions: Readonly<Record<string, OwnAction>> = {
  /** It may not be here until its user allows it again; one that knows how also deletes what it has of the account, if it has anything. */
  async remove(store, key, by) {
    const seen = (await store.device(key))?.seen
    const deletes = seen?.version === accountWipeVersion && seen.lastSync > 0
    return store.change(key, (now = key) => {
      if (now.removed) throw new Failure('conflict', 'It is removed already.')
      return { ...now, removed: { by, at: Date.now() }, ...(deletes && !now.wipe ? { wipe: ordered('account', by) } : {}) }
    })
  },

  allow: (store, key) => store.change(key, now => {
    if (!now?.removed && !now?.wipe?.own) throw new Failure('conflict', 'There is nothing of yours to take back. Ask your administrator.')
    if (now.wipe?.own && now.wipe.kind === 'full' && now.wipe.state === 'ordered') throw new Failure('conflict', 'It is to be erased: cancel that first.')
    const { removed: _, wipe, ...rest } = now
    return wipe && !wipe.own ? { ...rest, wipe } : rest
  }),

  /** The whole device. Also in place of the account's data alone that `remove` asked for. */
  wipe: (store, key, by) => store.change(key, (now = key) => {
    if (now.wipe && !now.wipe.own) throw new Failure('conflict', 'An administrator has had it erased already.')
    if (now.wipe?.kind === 'full') throw new Failure('conflict', now.wipe.state === 'done' ? 'It is erased already.' : 'It is to be erased already.')
    return { ...now, wipe: ordered('full', by) }
  }),

  cancel: (store, key) => store.change(key, now => {
    if (!now?.wipe) throw new Failure('conflict', 'It is not to be erased.')
    const { wipe, ...rest } = now
    if (!wipe.own) throw new Failure('conflict', 'An administrator has ordered that. Ask your administrator.')
    if (wipe.state !== 'ordered') throw new Failure('conflict', 'It was told already and may be erased by now.')
    return rest
  }),
}

const ordered = (kind: 'full' | 'account', by: string): NonNullable<Orders['wipe']> =>
  ({ kind, state: 'ordered', by, own: true, at: Date.now(), changed: Date.now() })

import type { DeviceKey, DeviceStore, Orders } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'

/** What an action is asked with. `by` says who wants it. */
export type Wish = { readonly by: string; readonly accountOnly: boolean; readonly collection?: string; readonly minutes?: number }

export type Action = (store: DeviceStore, key: DeviceKey, wish: Wish) => Promise<unknown>

/** [MS-ASPROV] AccountOnlyRemoteWipe. */
const knowsAccountWipe = '16.1'

/** Throws `conflict` for what cannot be done as things are, `malformed` for a wish that lacks something. */
export const actions: Readonly<Record<string, Action>> = {
  block: (store, key, { by }) => order(store, key, now => ({ ...without(now, 'pending'), decision: { access: 'block', by, at: Date.now() } })),

  /** Also after a wipe, after one that was told and never acknowledged, and where its user removed it: the device may come again, as a new one. */
  allow: (store, key, { by }) => order(store, key, ({ wipe, ...now }) => {
    if (wipe?.state === 'ordered') throw new Failure('conflict', 'a wipe of it is ordered: cancel that first')
    return { ...without(without(now, 'pending'), 'removed'), decision: { access: 'allow', by, at: Date.now() } }
  }),

  async wipe(store, key, { by, accountOnly }) {
    const version = (await store.device(key))?.seen?.version
    if (accountOnly && version !== undefined && version !== knowsAccountWipe) {
      throw new Failure('conflict', `it speaks version ${version}, and only ${knowsAccountWipe} can wipe an account alone: block it, or wipe it whole`)
    }
    return order(store, key, ({ wipe, ...now }) => {
      // In place of the user's own: that one the user could take back.
      if (wipe && wipe.state !== 'done' && !wipe.own) throw new Failure('conflict', 'a wipe of it is under way already')
      return { ...now, wipe: { kind: accountOnly ? 'account' : 'full', state: 'ordered', by, at: Date.now(), changed: Date.now() } }
    })
  },

  cancel: (store, key) => order(store, key, ({ wipe, ...now }) => {
    if (!wipe) throw new Failure('conflict', 'no wipe of it is ordered')
    if (wipe.state !== 'ordered') throw new Failure('conflict', 'it was told already and may be wiped by now')
    return now
  }),

  async resync(store, key, { collection }) {
    if (collection === undefined) throw new Failure('malformed', 'collection must say which one')
    return order(store, key, now => {
      if (Object.keys(now.resync ?? {}).length >= 100) throw new Failure('conflict', 'a hundred collections are to begin anew already')
      return { ...now, resync: { ...now.resync, [collection]: Date.now() } }
    })
  },

  trace: (store, key, { by, minutes = 10 }) => order(store, key, now =>
    minutes === 0 ? without(now, 'trace') : { ...now, trace: { until: Date.now() + minutes * 60_000, by } }),
}

const without = (orders: Orders, name: 'pending' | 'removed' | 'trace'): Orders =>
  Object.fromEntries(Object.entries(orders).filter(([one]) => one !== name)) as Orders

const order = (store: DeviceStore, key: DeviceKey, change: (now: Orders) => Orders): Promise<unknown> =>
  store.change(key, now => change(now ?? key))

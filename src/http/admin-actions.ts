import { accountWipeVersion, type Device, type DeviceKey, type DeviceStore, type Orders } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'

/** What an action is asked with. `by` says who wants it. */
export type Wish = { readonly by: string; readonly accountOnly: boolean; readonly collection?: string; readonly minutes?: number }

type Action = (store: DeviceStore, key: DeviceKey, wish: Wish) => Promise<unknown>

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
    if (accountOnly && version !== undefined && version !== accountWipeVersion) {
      throw new Failure('conflict', `it speaks version ${version}, and only ${accountWipeVersion} can wipe an account alone: block it, or wipe it whole`)
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

/** Does it and tells the log who wanted it; what is known of the device then. Throws `not-found` for no action, and what the action throws. */
export async function act({ store, log }: { readonly store: DeviceStore; readonly log: Log }, key: DeviceKey, what: string, wish: Wish, address: string): Promise<Device> {
  const action = Object.hasOwn(actions, what) ? actions[what] : undefined
  if (!action) throw new Failure('not-found', `there is no action ${what.slice(0, 40)}`)
  await action(store, key, wish)
  const { by, accountOnly, collection, minutes } = wish
  log.info({ audit: what, user: key.user, device: key.id, by, address, accountOnly, collection, minutes }, `administrator: ${what}`)
  return await store.device(key) ?? {}
}

/** Throws `malformed` for what cannot be a device of a user. */
export function deviceKeyOf(user: string, id: string | undefined): DeviceKey {
  if (user.length > 256 || /[\p{Cc}/]/u.test(user)) throw new Failure('malformed', 'this is no user')
  if (id === undefined || !/^[\w.{}:-]{1,64}$/.test(id)) throw new Failure('malformed', 'this is no id of a device')
  return { user, id }
}

/** Throws `malformed` for anything else than an object with these members of these kinds. */
export function wishOf(said: unknown): Wish {
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw new Failure('malformed', 'the body is no object')
  const { by, accountOnly, collection, minutes, ...others } = said as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new Failure('malformed', `there is no ${unknown.slice(0, 40)}`)
  if (typeof by !== 'string' || !/^[^\p{C}]{1,100}$/u.test(by)) throw new Failure('malformed', 'by must say who wants this, in up to 100 characters')
  if (accountOnly !== undefined && typeof accountOnly !== 'boolean') throw new Failure('malformed', 'accountOnly must be true or false')
  if (collection !== undefined && (typeof collection !== 'string' || !/^[^\p{C}]{1,200}$/u.test(collection))) throw new Failure('malformed', 'collection must be an id')
  if (minutes !== undefined && !(Number.isInteger(minutes) && Number(minutes) >= 0 && Number(minutes) <= 60)) throw new Failure('malformed', 'minutes must be 0 to 60')
  return { by, accountOnly: accountOnly ?? false, ...(collection === undefined ? {} : { collection }), ...(minutes === undefined ? {} : { minutes: Number(minutes) }) }
}

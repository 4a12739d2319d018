import { Failure } from '../base/failure.ts'
import type { Call } from './command.ts'

/**
 * Refuses the key of a collection that an administrator wants the device to begin anew, until it does. Throws `stale`. Asked of the store
 * itself where this process knows of such an order: another one may have seen the new beginning.
 */
export async function heedResync({ devices, stores, request }: Call, { id, key }: { readonly id: string; readonly key: string }): Promise<void> {
  const device = { user: stores.person.account, id: request.deviceId }
  if (!devices || devices.orders(device)?.resync?.[id] === undefined) return
  const orders = await devices.change(device, now => {
    if (key !== '0' || now?.resync?.[id] === undefined) return now
    const { resync: { [id]: _, ...rest }, ...others } = now
    return Object.keys(rest).length ? { ...others, resync: rest } : others
  })
  if (key !== '0' && orders?.resync?.[id] !== undefined) throw new Failure('stale', 'an administrator wants it anew')
}

import { accountWipeVersion, type DeviceKey, type DeviceStore, type Orders } from '../base/devices.ts'
import type { Log } from '../base/log.ts'
import type { Stores } from '../model/ports.ts'
import { tellOfQuarantine } from './device-notice.ts'
import type { EasRequest } from './request.ts'
import { accessOf, type Who } from './rules.ts'
import type { EasSettings } from './settings.ts'
import { since } from './versions.ts'

export type Doorkeeper = { readonly settings: EasSettings; readonly devices?: DeviceStore | undefined; readonly log: Log }

/** Tries to tell a user of a device that waits; devices of one user that may wait. */
const mostMails = 5, mostPending = 20

/**
 * [MS-ASCMD] Common Status Codes, 129 and 140: why this device may do nothing now, else undefined. What its user took away is away, whoever
 * allows it; what an administrator decided comes before the rules of the configuration. Throws `unavailable` where nobody knows what is
 * decided, or a group that decides.
 */
export async function accessFault(house: Doorkeeper, request: EasRequest, stores: Stores, who: Who): Promise<'129' | '140' | undefined> {
  const { settings, devices } = house
  const key = { user: stores.person.account, id: request.deviceId }
  const orders = devices?.orders(key)
  if (!orders && !settings.access?.length) return undefined
  // A device that was wiped, and an account-only order for a phone that does not know it: nothing but the door is left.
  if (orders?.wipe && (orders.wipe.state === 'done' || !knowsWipe(orders.wipe.kind, request))) return '129'
  if (orders?.wipe) return request.command === 'Provision' ? undefined : '140'
  if (orders?.removed) return '129'
  const access = orders?.decision?.access ?? await accessOf(settings, request, who)
  if (access === 'allow') return undefined
  if (access === 'quarantine' && devices) await hold({ ...house, devices }, key, orders, request, stores)
  return '129'
}

const knowsWipe = (kind: 'full' | 'account', { version }: EasRequest): boolean => kind === 'full' || since(version, accountWipeVersion)

/** Puts the device on the list of those that wait, once; one mail tells its user of it. Whatever fails there, the door stays shut. */
async function hold(
  { devices, settings, log }: Doorkeeper & { devices: DeviceStore }, key: DeviceKey, orders: Orders | undefined, request: EasRequest, stores: Stores,
): Promise<void> {
  if (orders?.pending && (orders.pending.told || orders.pending.mails >= mostMails)) return
  try {
    if (!orders?.pending && await devices.waiting(key.user) >= mostPending) return
    let mine = false
    await devices.change(key, now => {
      const before = now?.pending
      mine = !before || (!before.told && before.mails < mostMails)
      // Said to be told before it is: of two processes one sends the mail.
      return mine ? { ...(now ?? key), pending: { at: before?.at ?? Date.now(), mails: (before?.mails ?? 0) + 1, told: true } } : now
    })
    if (!mine) return
    log.info({ audit: 'quarantine', user: key.user, device: key.id, type: request.deviceType.slice(0, 64) }, 'device waits for a decision')
    await tellOfQuarantine(stores, request, settings.quarantineNotice)
  } catch (error) {
    log.warn({ user: key.user, device: key.id, why: error instanceof Error ? error.message : String(error) }, 'the user was not told of a device in quarantine')
    await devices.change(key, now => now?.pending ? { ...now, pending: { ...now.pending, told: false } } : now).catch(() => {})
  }
}

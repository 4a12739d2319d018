import { canonicalDeviceId, isWaiting, type Device, type DeviceStore, type Orders } from '../base/devices.ts'
import { deviceLook } from './device-look.ts'

/** What the site's own rules say of a device of which nobody has decided anything. Those about groups are left out: the page cannot ask for them. */
export type Rule = (device: { readonly type: string; readonly agent: string; readonly id: string }) => Promise<Access>
type Access = 'allow' | 'block' | 'quarantine'

export type State = 'good' | 'quarantine' | 'blocked' | 'removed' | 'deleting' | 'deleted' | 'erasing' | 'told' | 'failed' | 'erased'
export type May = 'remove' | 'allow' | 'wipe' | 'cancel'

/** A device as its user is shown it. What it says of itself is as it said it. Times in milliseconds since 1970-01-01, 0 for never. */
export type OwnDevice = {
  readonly id: string
  readonly type: string
  readonly agent: string
  readonly firstSeen: number
  readonly lastSeen: number
  readonly lastSync: number
  readonly waits: boolean
  readonly state: State
  /** An administrator has ordered what the state says. */
  readonly ordered: boolean
  readonly may: readonly May[]
}

export type OwnDevices = {
  /** All devices of a user, and nobody else's; those seen last come first. */
  of(user: string): Promise<readonly Device[]>
  /** The device of a user that is called so. */
  one(user: string, id: string): Promise<Device | undefined>
  /** Something was ordered: what was read before holds no more. */
  changed(): void
}

/** Milliseconds for which one look at all devices of the site serves whoever asks. */
const holds = 2000

export function ownDevices(store: DeviceStore, now = Date.now): OwnDevices {
  const look = deviceLook(store, { shortest: holds, longest: holds, now })
  const own = async (user: string): Promise<readonly Device[]> =>
    (await look.devices()).filter(({ seen, orders }) => (orders ?? seen)!.user.toLowerCase() === user.toLowerCase())
  return {
    of: async user => (await own(user)).toSorted((one, other) => (other.seen?.lastSeen ?? 0) - (one.seen?.lastSeen ?? 0)),
    one: async (user, id) => (await own(user)).find(({ seen, orders }) => canonicalDeviceId((orders ?? seen)!.id) === canonicalDeviceId(id)),
    changed: look.anew,
  }
}

export async function shown({ seen, orders }: Device, rule: Rule): Promise<OwnDevice> {
  const { id } = (orders ?? seen)!
  const { type = '', agent = '', firstSeen = 0, lastSeen = 0, lastSync = 0 } = seen ?? {}
  const access = await rule({ type, agent, id }), held = orders?.pending !== undefined && refused.includes(seen?.statuses.at(-1)?.[2] ?? '')
  const state = stateOf(orders, access === 'allow' && held ? 'quarantine' : access)
  return {
    id, type, agent, firstSeen, lastSeen, lastSync, waits: state === 'good' && isWaiting(seen),
    state, ordered: orders?.wipe ? !orders.wipe.own : state === 'blocked' || state === 'quarantine', may: allowed(orders),
  }
}

const wipes = {
  account: { ordered: 'deleting', told: 'deleting', failed: 'removed', done: 'deleted' }, full: { ordered: 'erasing', told: 'told', failed: 'failed', done: 'erased' },
} as const

/** [MS-ASCMD] Common Status Codes, DeviceIsBlockedForThisUser, and what versions before 14.0 get for it. */
const refused: readonly string[] = ['129', 'HTTP 403']

/** As `accessFault` of the ActiveSync front has it: a wipe comes before all else, then what the user took away, then what was decided. */
function stateOf(orders: Orders | undefined, rule: Access): State {
  const { wipe, removed, decision } = orders ?? {}
  if (wipe) return wipes[wipe.kind][wipe.state]
  if (removed) return 'removed'
  const access = decision?.access ?? rule
  return access === 'allow' ? 'good' : access === 'block' ? 'blocked' : 'quarantine'
}

function allowed({ wipe, removed }: Pick<Orders, 'wipe' | 'removed'> = {}): readonly May[] {
  const toErase = wipe?.own && wipe.kind === 'full' && wipe.state === 'ordered'
  return [
    ...(!wipe && !removed ? ['remove'] as const : []), ...(toErase ? ['cancel'] as const : []),
    ...(!toErase && (removed || wipe?.own) ? ['allow'] as const : []), ...(!wipe || (wipe.own && wipe.kind === 'account') ? ['wipe'] as const : []),
  ]
}

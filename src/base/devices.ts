/** A device of a user. `id` as the device says it; two spellings of one id are one device: see `deviceKey`. */
export type DeviceKey = { readonly user: string; readonly id: string }

/** What became of a wish to wipe a device: told once the device has heard it, `failed` where it said that it could not. */
export type Wipe = {
  readonly kind: 'full' | 'account'
  readonly state: 'ordered' | 'told' | 'failed' | 'done'
  readonly by: string
  /** The user's own order, which the user may take back; absent for an administrator's. */
  readonly own?: true
  /** Milliseconds since 1970-01-01, of the order and of the last change. */
  readonly at: number
  readonly changed: number
}

/** [MS-ASPROV] AccountOnlyRemoteWipe: the version that has it first, which is the last there is. */
export const accountWipeVersion = '16.1'

/** What is decided about a device, and what it is still to be told. Kept until somebody takes it back. */
export type Orders = DeviceKey & {
  /** An administrator's. */
  readonly decision?: { readonly access: 'allow' | 'block'; readonly by: string; readonly at: number }
  /** Its user wants it here no more. Beside the decision: what the user takes back leaves that as it was. */
  readonly removed?: { readonly by: string; readonly at: number }
  /** Waits for a decision since `at`; `mails` that told the user of it were tried, `told` where one went out. */
  readonly pending?: { readonly at: number; readonly mails: number; readonly told: boolean }
  readonly wipe?: Wipe
  /** Collections that the device has to begin anew, with the time of the order. */
  readonly resync?: Readonly<Record<string, number>>
  /** What it says and hears is kept until then. */
  readonly trace?: { readonly until: number; readonly by: string }
}

/** What was seen of a device: facts of its requests, no content. */
export type Seen = DeviceKey & {
  readonly type: string
  readonly agent: string
  readonly version: string
  readonly firstSeen: number
  readonly lastSeen: number
  /** Of the last Sync that went well; 0 for none. */
  readonly lastSync: number
  /** Collections of the last Sync or Ping that named some. */
  readonly folders: number
  /** A request of it waits for news. */
  readonly waits: boolean
  /** The last ones, newest last: `[when, command, status]`. */
  readonly statuses: readonly (readonly [at: number, command: string, status: string])[]
  /** Collections it had to begin anew, and why. */
  readonly resyncs: readonly (readonly [at: number, why: string])[]
  /** Collections it synced, the last ones last: an id, and for what it is (a role, or what it holds). */
  readonly synced: readonly (readonly [at: number, collection: string])[]
}

export type Device = { readonly seen?: Seen; readonly orders?: Orders }

/** One request as it ended, or as it began to wait. */
export type Sighting = DeviceKey & Pick<Seen, 'type' | 'agent' | 'version' | 'waits'> & {
  readonly at: number
  readonly command: string
  readonly status: string
  readonly folders?: number
  readonly resync?: string
  readonly synced?: readonly string[]
}

/**
 * Where a site keeps what it knows of devices. All processes of the site see the same, an order within `lag`. All methods throw
 * `unavailable` where the place cannot be reached: nothing is then changed.
 */
export interface DeviceStore {
  /** What is ordered for a device, as this process knows it by now; costs nothing. Throws `unavailable` until it was read once. */
  orders(key: DeviceKey): Orders | undefined
  /**
   * Changes the orders of one device by what they are at that moment, one change at a time over all processes. Kept for good when it resolves,
   * with what they are now. `change` answers undefined for none, and the same object for no change. Throws `quota` when there are too many.
   */
  change(key: DeviceKey, change: (now: Orders | undefined) => Orders | undefined): Promise<Orders | undefined>
  /** Is told of each device whose orders have changed, by whomever. */
  onChange(heard: (key: DeviceKey) => void): void
  /** How many devices of a user wait for a decision now. */
  waiting(user: string): Promise<number>
  /** Noted in memory, and kept some seconds later together with others, up to half a minute where there is much. What cannot be kept waits, as far as there is room. */
  saw(sighting: Sighting): void
  device(key: DeviceKey): Promise<Device | undefined>
  devices(): Promise<readonly Device[]>
  /** One more thing a device said or heard, in a bounded place; silently dropped where that is full. */
  trace(key: DeviceKey, text: string): void
  traced(key: DeviceKey): Promise<readonly string[]>
  /** Keeps what is not kept yet, and ends. */
  close(): Promise<void>
}

/** Milliseconds within which all processes know of an order. */
export const lag = 1000

/**
 * One name for a device whichever query form it uses: the plain form carries an id as text, the base64 form often the
 * octets that this text spells in hexadecimal (Nine, and ids that are GUIDs).
 */
export function canonicalDeviceId(id: string): string {
  return isHex(id) ? id.toLowerCase() : Buffer.from(id, 'utf8').toString('hex')
}

const isHex = (id: string): boolean => id.length >= 16 && id.length % 2 === 0 && /^[0-9a-f]+$/i.test(id)

export const deviceKey = ({ user, id }: DeviceKey): string => `${user.toLowerCase()}/${canonicalDeviceId(id)}`

/** The process that held its request may have ended without a word; no wait is longer than an hour. */
export const isWaiting = (seen: Seen | undefined, now = Date.now()): boolean => seen?.waits === true && now - seen.lastSeen < 3_600_000

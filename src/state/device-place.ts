import type { DeviceKey, Orders, Seen } from '../base/devices.ts'

/** Changes orders by what they are now: see `DeviceStore.change`. */
export type Change = (now: Orders | undefined) => Orders | undefined

/** Where records of devices lie, for `deviceStore`. All throw `unavailable` where it cannot be reached. */
export interface DevicePlace {
  /** The same object where nothing has changed since this process read them last. */
  orders(): Promise<ReadonlyMap<string, Orders>>
  /** Durable when it resolves. */
  change(key: DeviceKey, change: Change): Promise<Orders | undefined>
  seen(): Promise<ReadonlyMap<string, Seen>>
  seenOf(key: DeviceKey): Promise<Seen | undefined>
  /** What was seen of devices since the last time, each once. Answers the milliseconds it computed. */
  add(seen: readonly Seen[]): Promise<number>
  trace(key: DeviceKey, lines: readonly string[]): Promise<void>
  traced(key: DeviceKey): Promise<readonly string[]>
  close(): void
}

/** Devices with orders, and devices that are known at all, where the configuration does not say. */
export const mostOrders = 50_000, mostSeen = 20_000
/** Octets of all that is traced of one device, seconds for which it is kept, and characters of one piece. */
export const mostTraced = 1024 * 1024, traceSeconds = 3600, longestTraced = 32 * 1024

import type { Device, DeviceStore } from '../base/devices.ts'

export type DeviceLook = {
  /** All devices of the site. */
  devices(): Promise<readonly Device[]>
  /** Something was ordered: what was read before holds no more. */
  anew(): void
}

/** How many times as long as it takes to look a look holds. */
const factor = 20

/**
 * However many pages are open, and however often they ask: one look at all devices serves whoever asks for a while, which is longer where there
 * are many. `shortest` and `longest` are milliseconds.
 */
export function deviceLook(store: Pick<DeviceStore, 'devices'>, { shortest, longest, now = Date.now }: {
  readonly shortest: number; readonly longest: number; readonly now?: () => number
}): DeviceLook {
  let last: { readonly at: number; age: number; readonly devices: Promise<readonly Device[]> } | undefined
  function look(at: number): NonNullable<typeof last> {
    const mine = { at, age: longest, devices: store.devices() }
    mine.devices.then(() => {
      mine.age = Math.min(Math.max(shortest, (now() - at) * factor), longest)
    }, () => {
      if (last === mine) last = undefined
    })
    return mine
  }
  return {
    devices() {
      const at = now()
      if (!last || at - last.at >= last.age) last = look(at)
      return last.devices
    },
    anew: () => void (last = undefined),
  }
}

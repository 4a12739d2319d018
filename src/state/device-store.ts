import { isDeepStrictEqual } from 'node:util'
import { deviceKey, lag, type DeviceKey, type DeviceStore, type Orders, type Seen } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import type { DevicePlace } from './device-place.ts'
import { joined, sighted } from './device-records.ts'

/**
 * Milliseconds between two writes of what was seen, at least and at most; of computing, a write that is little, and how many times as long as
 * another one the pause is. Devices and traces that wait for one.
 */
const usualPause = 2000, mostPause = 30_000, little = 20, share = 200, mostUnkept = 20_000, mostTraces = 1000

/** Records of devices in a place: orders are copied into memory, so that asking for them costs a request nothing. */
export async function deviceStore(place: DevicePlace, log: Log, pause = usualPause): Promise<DeviceStore> {
  let orders: ReadonlyMap<string, Orders> | undefined, away = false
  let unkept = new Map<string, Seen>(), traces: { key: DeviceKey; text: string }[] = []
  const hearers: ((key: DeviceKey) => void)[] = []
  let rested = 0, writing = Promise.resolve(), looking = Promise.resolve()

  function take(next: ReadonlyMap<string, Orders>): void {
    const before = orders
    orders = next
    if (!before || before === next) return
    for (const [name, one] of new Map([...before, ...next])) {
      if (!isDeepStrictEqual(before.get(name), next.get(name))) hearers.forEach(heard => heard(one))
    }
  }

  async function look(): Promise<void> {
    try {
      take(await place.orders())
      if (away) log.info({}, 'the store of devices answers again')
      away = false
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (!away) log.error({ why: error.message }, 'the store of devices cannot be read: what was ordered before still holds')
      away = true
    }
  }

  async function write(): Promise<void> {
    const some = unkept, said = traces
    let computed = 0
    unkept = new Map()
    traces = []
    try {
      if (some.size) computed = await place.add([...some.values()])
      for (const [name, pieces] of Map.groupBy(said, ({ key }) => deviceKey(key))) {
        await place.trace(pieces[0]!.key, pieces.map(({ text }) => text)).catch((error: unknown) => log.warn({ device: name, why: String(error) }, 'a trace was not kept'))
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      log.warn({ why: error.message, devices: some.size }, 'what was seen of devices is kept later')
      for (const [name, one] of some) {
        const later = unkept.get(name)
        if (later || unkept.size < mostUnkept) unkept.set(name, later ? joined(one, later) : one)
      }
    }
    rested = computed < little ? 0 : performance.now() + Math.min(computed * share, mostPause)
  }

  const first = await place.orders().catch((error: unknown) => {
    // Broken orders end the start. A place that is away may come back: until then nobody is let in.
    if (!(error instanceof Failure) || error.kind !== 'unavailable') throw error
    log.error({ why: error.message }, 'the store of devices cannot be read: phones are asked to come later')
    away = true
    return undefined
  })
  if (first) take(first)
  const poll = setInterval(() => void (looking = looking.then(look)), lag * 0.8).unref()
  const flush = setInterval(() => void (writing = writing.then(() => performance.now() >= rested ? write() : undefined)), pause).unref()

  return {
    orders(key) {
      if (!orders) throw new Failure('unavailable', 'what is ordered for devices was never read')
      return orders.size ? orders.get(deviceKey(key)) : undefined
    },
    async change(key, change) {
      const after = await place.change(key, change)
      take(await place.orders())
      return after
    },
    async waiting(user) {
      await look()
      const login = user.toLowerCase()
      return [...orders?.values() ?? []].filter(one => one.pending && one.user.toLowerCase() === login).length
    },
    onChange: heard => void hearers.push(heard),
    saw(sighting) {
      const name = deviceKey(sighting), known = unkept.get(name)
      if (known || unkept.size < mostUnkept) unkept.set(name, sighted(known, sighting))
    },
    async device(key) {
      await (writing = writing.then(write))
      const seen = await place.seenOf(key)
      await look()
      const ordered = orders?.get(deviceKey(key))
      return seen || ordered ? { ...(seen && { seen }), ...(ordered && { orders: ordered }) } : undefined
    },
    async devices() {
      await (writing = writing.then(write))
      const seen = await place.seen()
      await look()
      const names = new Set([...seen.keys(), ...orders?.keys() ?? []])
      return [...names].map(name => {
        const one = seen.get(name), ordered = orders?.get(name)
        return { ...(one && { seen: one }), ...(ordered && { orders: ordered }) }
      })
    },
    trace(key, text) {
      if (traces.length < mostTraces) traces.push({ key, text })
    },
    async traced(key) {
      await (writing = writing.then(write))
      return place.traced(key)
    },
    async close() {
      clearInterval(poll)
      clearInterval(flush)
      await looking
      await (writing = writing.then(write))
      place.close()
    },
  }
}

import { join } from 'node:path'
import { encodeSync } from '../../src/wire/wbxml.ts'
import { startRedis } from '../support/redis.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncRequest } from './light-phone.ts'
import { byTurns, each, load, nothing, rate, type Rival } from './load.ts'
import { floor, printTable, whole } from './print.ts'

/** What it costs that devices are remembered: Syncs that have nothing to tell, of many devices, with no place, a folder and a Redis, by turns. */
export async function devices(bench: Bench): Promise<void> {
  const user = await bench.mailbox(1000), redis = await startRedis({ dir: bench.house.dir, close: async () => {} })
  const shared = { shared: { url: redis.url, password: redis.password } }
  const places = { none: {}, folder: { devices: { folder: join(bench.house.dir, 'devices') } }, Redis: { cache: shared, devices: { shared: true } }, 'cache only': { cache: shared } }
  const rows: string[][] = [], floors: string[] = []
  for (const many of [32, 1024]) {
    const started = await Promise.all(Object.entries(places).map(async ([name, settings]) => [name, await bench.postern(settings)] as const))
    const rivals: Record<string, Rival> = {}
    const open: (() => void)[] = []
    for (const [name, postern] of started) {
      // As many connections as in other tables, each of which brings requests of many devices.
      const phones = await Promise.all(Array.from({ length: 8 }, (_, n) => lightPhone(postern, user, `device${n}`)))
      const id = await inboxOf(phones[0]!), key = await syncAll(phones[0]!, id, { window: 512, html: 0 })
      const ask = encodeSync(syncRequest({ id, key }))
      let next = 0
      rivals[name] = { pid: postern.pid, works: phones.map(phone => () => nothing(phone, ask, `device${next = (next + 1) % many}`).then(() => {})) }
      open.push(...phones.map(phone => () => phone.close()))
      await load(undefined, rivals[name].works, bench.quick ? 3 : 6) // until its code is compiled
    }
    const found = await byTurns(rivals, bench.quick ? 8 : 24, { turns: bench.quick ? 4 : 8 })
    const [none = 0, folder = 0, Redis = 0, cache = 0] = Object.keys(places).map(name => each(found[name]!))
    rows.push(...Object.keys(places).map(name => [`${many} / ${name}`, whole(rate(found[name]!)), whole(each(found[name]!)), whole(each(found[name]!) - none)]))
    floors.push(floor(folder - none < none / 20 && Redis - cache < none / 20, `less than a twentieth more for a request: ${many} in a folder ${whole(folder - none)}, in Redis ${whole(Redis - cache)}`))
    open.forEach(close => close())
    await Promise.all(started.map(([, postern]) => postern.stop()))
  }
  await redis.stop()
  printTable('What it costs to remember devices', ['devices / place', 'Syncs/s', 'us each', 'more'], rows, ['us each: processor time of Postern for a request. Of Redis, what the shared cache costs by itself is another row.', ...floors])
}

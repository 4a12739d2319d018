import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../model/dice.ts'
import type { Service } from '../support/house.ts'
import { lines, reload, type Place, type Site } from './site.ts'

/** Does it and what brings things back; answers what it did. */
type Fault = (site: Site, dice: Dice) => Promise<string>

const away = async (site: Site, what: string, server: Service, how: 'stop' | 'kill', dice: Dice, longest: number): Promise<string> => {
  const over = site.ledger.begin(`${what} ${how === 'kill' ? 'killed' : 'stopped'}`)
  await server[how]()
  await sleep(dice.between(50, longest))
  await server.start()
  over()
  return `${what} ${how === 'kill' ? 'killed' : 'stopped'} and started again`
}

async function frozen(site: Site, what: string, server: Service, dice: Dice): Promise<string> {
  const over = site.ledger.begin(`${what} frozen`)
  server.pause()
  await sleep(dice.between(200, 3000))
  server.resume()
  over()
  return `${what} frozen for a while`
}

async function restarted({ ledger }: Site, { postern, number }: Place, how: 'kill' | 'stop', dice: Dice): Promise<void> {
  const over = ledger.begin(`process ${how === 'kill' ? 'killed' : 'ended'}`, number)
  await postern[how]()
  await sleep(dice.between(0, 800))
  await postern.start()
  over()
}

/** What happens to processes, one at a time. */
const ofProcesses: readonly (readonly [number, Fault])[] = [
  [5, async ({ ledger, places: [{ postern }] }, dice) => {
    const workers = postern.workers()
    if (workers.length === 0) return 'no worker to kill'
    ledger.fault('worker killed', 0)
    process.kill(dice.pick(workers), 'SIGKILL')
    return 'a worker killed'
  }],
  [2, async (site, dice) => {
    await restarted(site, site.places[0], 'kill', dice)
    return 'a process and its workers killed'
  }],
  [3, async (site, dice) => {
    await restarted(site, site.places[1], 'kill', dice)
    return 'a process without workers killed'
  }],
  [1, async (site, dice) => {
    await restarted(site, dice.pick(site.places), 'stop', dice)
    return 'a process ended and started again'
  }],
  [2, async ({ ledger, places }, dice) => {
    const place = dice.weighted([[4, places[0]], [1, places[1]]] as const)
    const over = ledger.begin('reload', place.number)
    const done = await reload(place)
    over()
    if (!done) return 'reload that did not end'
    return place.number === 0 ? 'workers replaced one by one' : 'configuration read anew'
  }],
  [2, (site, dice) => away(site, 'Dovecot', site.house.dovecot, 'stop', dice, 2500)],
  [2, (site, dice) => away(site, 'Dovecot', site.house.dovecot, 'kill', dice, 2500)],
  [2, (site, dice) => away(site, 'Radicale', site.house.radicale, 'stop', dice, 2500)],
  [2, (site, dice) => away(site, 'Radicale', site.house.radicale, 'kill', dice, 2500)],
  [1, (site, dice) => away(site, 'Exim', site.house.exim, 'stop', dice, 1500)],
  [2, (site, dice) => away(site, 'Redis', site.house.redis, 'stop', dice, 2500)],
  [2, (site, dice) => away(site, 'Redis', site.house.redis, 'kill', dice, 2500)],
  [2, (site, dice) => frozen(site, 'Redis', site.house.redis, dice)],
]

/** What happens to the lines between them, one at a time. */
const ofLines: readonly (readonly [number, Fault])[] = [
  [5, ({ ledger, places }, dice) => {
    const { number, line } = dice.pick(places), name = dice.pick(lines)
    ledger.fault(`${name} line cut`, number)
    line[name].cut()
    return Promise.resolve(`${name} line cut`)
  }],
  [3, async ({ ledger, places }, dice) => {
    const { number, line } = dice.pick(places), name = dice.pick(lines), { link } = line[name]
    const over = ledger.begin(`${name} line breaks after some octets`, number)
    link.cutAfter = dice.between(20, 4000)
    await sleep(dice.between(300, 2000))
    link.cutAfter = Infinity
    over()
    return `${name} line broken after some octets`
  }],
  [3, async ({ ledger, places }, dice) => {
    const { number, line } = dice.pick(places), name = dice.pick(lines), { link } = line[name]
    const over = ledger.begin(`${name} line slow`, number)
    Object.assign(link, { delayUp: dice.between(5, 150), delayDown: dice.between(5, 150) })
    await sleep(dice.between(1000, 4000))
    Object.assign(link, { delayUp: 0, delayDown: 0 })
    over()
    return `${name} line slow for a while`
  }],
  [2, async ({ ledger, places }, dice) => {
    const { number, line } = dice.pick(places), name = dice.pick(lines), { link } = line[name], cut = dice.chance(0.5)
    const over = ledger.begin(`${name} line silent`, number)
    link.stalled = true
    await sleep(dice.between(300, 3000))
    if (cut) line[name].cut()
    link.stalled = false
    over()
    return `${name} line silent for a while${cut ? ', then cut' : ''}`
  }],
]

/** Lets things go wrong until `over`; in the end everything runs again. Counts are by kind. */
export async function goWrong(site: Site, dice: readonly [Dice, Dice], over: () => boolean): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const run = async (table: typeof ofProcesses, its: Dice, [shortest, longest]: readonly [number, number]): Promise<void> => {
    while (!over()) {
      const done = await its.weighted(table)(site, its)
      counts.set(done, (counts.get(done) ?? 0) + 1)
      await sleep(its.between(shortest, longest))
    }
  }
  await Promise.all([run(ofProcesses, dice[0], [500, 4000]), run(ofLines, dice[1], [200, 2000])])
  return counts
}

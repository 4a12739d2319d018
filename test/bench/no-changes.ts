import { availableParallelism } from 'node:os'
import { encodeSync } from '../../src/wire/wbxml.ts'
import type { Postern } from '../support/postern.ts'
import type { User } from '../support/users.ts'
import { startBare, type Bare } from './bare.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncRequest, type Login } from './light-phone.ts'
import { byTurns, each, eachOfAll, load, nothing, rate, type Load, type Rival } from './load.ts'
import { floor, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { treeUsage } from './processes.ts'
import { RawImap } from './raw-imap.ts'

const status = 'STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)'

/**
 * Syncs that have nothing to tell, beside a bare HTTP program that does the one STATUS which finds it out, and beside the STATUS alone. All
 * of them share this machine's processors, so the second table tells what a request costs each process.
 */
export async function noChanges(bench: Bench): Promise<void> {
  const user = await bench.mailbox(1000)
  const rows: string[][] = [], costs: string[][] = [], floors: string[] = []
  for (const workers of [1, 2]) {
    const postern = await bench.postern({}, workers)
    for (const { atOnce, own, bare, alone, raw } of await measured(bench, postern, user, workers)) {
      const name = `${workers} / ${atOnce}`, share = rate(own) / rate(bare)
      rows.push([
        name, whole(rate(own)), ...latency(own), mib(treeUsage(postern.pid).memory), whole(rate(bare)), ...latency(bare), percent(share),
        percent(rate(own) / rate(alone)), whole(rate(raw)), percent(rate(own) / rate(raw)),
      ])
      costs.push([name, ...costOf(own), ...costOf(bare), percent(eachOfAll(bare) / eachOfAll(own))])
      floors.push(
        floor(share >= 0.5, `half of the bare program with as many processes: ${name}`),
        floor(rate(own) > 2000 * Math.min(workers, atOnce), `over 2,000/s a worker that has something to do: ${name}`))
    }
    if (workers === 1) floors.push(await roundTrips(bench, postern, bench.counted(user)))
    await postern.stop()
  }
  printTable('Sync with no changes, devices of one user', [
    'workers / at once', 'Postern/s', 'ms p50', 'p99', 'MiB', 'bare/s', 'ms p50', 'p99', 'of bare', 'of one process', 'STATUS/s', 'of raw',
  ], rows, [
    'bare: node:http, one STATUS on an open connection, the same octets of answer, as many processes as workers. By turns with Postern.',
    'one process: the share of that program as one process. STATUS: as many under way on one connection.', ...floors,
  ])
  printTable('What such a Sync costs, in microseconds of a processor', [
    'workers / at once', 'Postern', 'Dovecot', 'client', 'all', 'busy', 'bare', 'Dovecot', 'client', 'all', 'busy', 'bare of Postern',
  ], costs, [
    `busy: what part of ${availableParallelism()} processors these processes had. Where that is nearly all, it is what bounds the number a second.`,
  ])
}

const latency = ({ times }: Load): string[] => [ms(quantile(times, 0.5)), ms(quantile(times, 0.99))]

const costOf = (load: Load): string[] => [
  whole(each(load)), whole(each(load, 'behind')), whole(each(load, 'client')), whole(eachOfAll(load)),
  percent(eachOfAll(load) * rate(load) / 1e6 / availableParallelism()),
]

type Measured = { readonly atOnce: number; readonly own: Load; readonly bare: Load; readonly alone: Load; readonly raw: Load }

async function measured(bench: Bench, postern: Postern, user: User, workers: number): Promise<Measured[]> {
  const phones = await Promise.all(Array.from({ length: 32 }, (_, n) => lightPhone(postern, user, `device${n}`)))
  const id = await inboxOf(phones[0]!)
  // The key is the state, of whichever device: they all go on from this one.
  const key = await syncAll(phones[0]!, id, { window: 512, html: 0 })
  const ask = encodeSync(syncRequest({ id, key }))
  const seconds = bench.quick ? 2 : 6

  const { head } = await nothing(phones[0]!, ask)
  const bare = await bareRival(bench, user, head, ask, workers)
  const alone = workers > 1 ? await bareRival(bench, user, head, ask, 1) : undefined
  const own = phones.map(phone => () => nothing(phone, ask).then(() => {}))
  const imap = await RawImap.open(bench.account(user))
  const raw = () => imap.run([status])
  // Until their code is compiled.
  await load(undefined, own, 3 * workers)
  for (const { works } of [bare, ...alone ? [alone] : []]) await load(undefined, works, 1)
  const found: Measured[] = []
  for (const atOnce of [1, 8, 32]) {
    const some = ({ works, pid }: Rival): Rival => ({ works: works.slice(0, atOnce), ...(pid ? { pid } : {}) })
    const loads = await byTurns({
      own: some({ works: own, pid: postern.pid }), bare: some(bare), alone: some(alone ?? { works: [] }),
      raw: some({ works: Array.from({ length: atOnce }, () => raw) }),
    }, seconds, { behind: bench.dovecotPid() })
    found.push({ atOnce, ...loads, alone: alone ? loads.alone : loads.bare })
  }
  imap.close()
  for (const phone of phones) phone.close()
  await Promise.all([bare.stop(), alone?.stop()])
  return found
}

/** The bare program, and phones that ask it; its answers are as long as Postern's. */
async function bareRival(bench: Bench, user: User, head: string, ask: Uint8Array, workers: number): Promise<Rival & Pick<Bare, 'stop'>> {
  const fields = head.split('\r\n').slice(1).map(line => line.split(': ', 2) as [string, string])
  const own = new Set(['date', 'connection', 'keep-alive'])
  const headers = Object.fromEntries(fields.filter(([name]) => !own.has(name.toLowerCase())))
  const bare = await startBare({ account: bench.account(user), headers, ...(workers > 1 ? { workers } : {}) })
  const phones = await Promise.all(Array.from({ length: 32 }, (_, n) => lightPhone(bare, user, `device${n}`)))
  const octets = (await nothing(phones[0]!, ask)).head.length
  if (Math.abs(octets - head.length) > 4) throw new Error(`the bare program answers ${octets} octets, Postern ${head.length}`)
  return { works: phones.map(phone => () => nothing(phone, ask).then(() => {})), pid: bare.pid, stop: () => bare.stop() }
}

async function roundTrips(bench: Bench, postern: Postern, user: Login): Promise<string> {
  const phone = await lightPhone(postern, user, 'turns')
  const id = await inboxOf(phone)
  const key = await syncAll(phone, id, { window: 512, html: 0 })
  const ask = encodeSync(syncRequest({ id, key }))
  await nothing(phone, ask)
  bench.counter.take()
  const times = 20
  for (let n = 0; n < times; n += 1) await nothing(phone, ask)
  phone.close()
  const turns = bench.counter.take().turns / times
  return floor(turns === 1, `one IMAP round trip on an open session: ${turns}`)
}

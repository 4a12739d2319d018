import { encodeSync } from '../../src/wire/wbxml.ts'
import type { Postern } from '../support/postern.ts'
import type { User } from '../support/users.ts'
import { startBare, type Bare } from './bare.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncRequest, type Login } from './light-phone.ts'
import { byTurns, each, load, nothing, rate, type Load, type Rival } from './load.ts'
import { floor, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { treeUsage } from './processes.ts'
import { RawImap } from './raw-imap.ts'

const status = 'STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)'

/** Syncs that have nothing to tell, beside a bare HTTP program that does the one STATUS which finds it out, and beside the STATUS alone. */
export async function noChanges(bench: Bench): Promise<void> {
  const user = await bench.mailbox(1000)
  const rows: string[][] = []
  const floors: string[] = []
  for (const workers of [1, 2]) {
    const postern = await bench.postern({}, workers)
    for (const { atOnce, own, bare, raw } of await measured(bench, postern, user)) {
      const share = rate(own) / rate(bare)
      rows.push([
        `${workers} / ${atOnce}`, whole(rate(own)), ...latency(own), whole(each(own)), mib(treeUsage(postern.pid).memory),
        whole(rate(bare)), ...latency(bare), whole(each(bare)), percent(share), whole(rate(raw)), percent(rate(own) / rate(raw)),
      ])
      floors.push(floor(share >= 0.5 && rate(own) > 2000 * workers, `half of the bare program, and over 2,000/s a worker: ${workers} / ${atOnce}`))
    }
    if (workers === 1) floors.push(await roundTrips(bench, postern, bench.counted(user)))
    await postern.stop()
  }
  printTable('Sync with no changes, devices of one user', [
    'workers / at once', 'Postern/s', 'ms p50', 'p99', 'us each', 'MiB', 'bare/s', 'ms p50', 'p99', 'us each', 'of bare', 'STATUS/s', 'of raw',
  ], rows, [
    'bare: node:http, one STATUS on an open connection, the same octets of answer. By turns with Postern.',
    'us each: processor time of the answering process. STATUS: as many under way on one connection.', ...floors,
  ])
}

const latency = ({ times }: Load): string[] => [ms(quantile(times, 0.5)), ms(quantile(times, 0.99))]

type Measured = { readonly atOnce: number; readonly own: Load; readonly bare: Load; readonly raw: Load }

async function measured(bench: Bench, postern: Postern, user: User): Promise<Measured[]> {
  const phones = await Promise.all(Array.from({ length: 32 }, (_, n) => lightPhone(postern, user, `device${n}`)))
  const id = await inboxOf(phones[0]!)
  // The key is the state, of whichever device: they all go on from this one.
  const key = await syncAll(phones[0]!, id, { window: 512, html: 0 })
  const ask = encodeSync(syncRequest({ id, key }))
  const seconds = bench.quick ? 2 : 6

  const { bare, lines } = await bareRival(bench, user, (await nothing(phones[0]!, ask)).head, ask)
  const own = phones.map(phone => () => nothing(phone, ask).then(() => {}))
  const imap = await RawImap.open(bench.account(user))
  const raw = () => imap.run([status])
  await load(undefined, own, 3) // until its code is compiled
  await load(undefined, lines, 1)
  const found: Measured[] = []
  for (const atOnce of [1, 8, 32]) {
    const some = (works: Rival['works'], pid?: number): Rival => ({ works: works.slice(0, atOnce), ...(pid ? { pid } : {}) })
    found.push({ atOnce, ...await byTurns({
      own: some(own, postern.pid), bare: some(lines, bare.pid), raw: some(Array.from({ length: atOnce }, () => raw)),
    }, seconds) })
  }
  imap.close()
  for (const phone of phones) phone.close()
  await bare.stop()
  return found
}

/** The bare program, and phones that ask it; its answers are as long as Postern's. */
async function bareRival(bench: Bench, user: User, head: string, ask: Uint8Array): Promise<{ bare: Bare; lines: (() => Promise<void>)[] }> {
  const fields = head.split('\r\n').slice(1).map(line => line.split(': ', 2) as [string, string])
  const own = new Set(['date', 'connection', 'keep-alive'])
  const headers = Object.fromEntries(fields.filter(([name]) => !own.has(name.toLowerCase())))
  const bare = await startBare({ account: bench.account(user), headers })
  const phones = await Promise.all(Array.from({ length: 32 }, (_, n) => lightPhone(bare, user, `device${n}`)))
  const octets = (await nothing(phones[0]!, ask)).head.length
  if (Math.abs(octets - head.length) > 4) throw new Error(`the bare program answers ${octets} octets, Postern ${head.length}`)
  return { bare, lines: phones.map(phone => () => nothing(phone, ask).then(() => {})) }
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

import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncRequest, type LightPhone, type Login } from './light-phone.ts'
import { encodeSync } from '../../src/wire/wbxml.ts'
import { floor, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'

type Run = { readonly rate: number; readonly times: readonly number[] }

/** Syncs that have nothing to tell, beside the STATUS that finds it out, asked on a connection that is open. */
export async function noChanges(bench: Bench): Promise<void> {
  const user = await bench.mailbox(1000)
  const postern = await bench.postern()
  const first = await lightPhone(postern, user, 'device0')
  const id = await inboxOf(first)
  // The key is the state, of whichever device: they all go on from this one.
  const key = await syncAll(first, id, { window: 512, html: 0 })
  const ask = encodeSync(syncRequest({ id, key }))
  const seconds = bench.quick ? 1 : 3

  const rows: string[][] = []
  const phones = await Promise.all(Array.from({ length: 32 }, (_, n) => lightPhone(postern, user, `device${n}`)))
  const works = phones.map(phone => () => nothing(phone, ask))
  await load(works, 2) // until its code is compiled
  for (const atOnce of [1, 8, 32]) {
    const before = usage(postern.pid)
    const run = await load(works.slice(0, atOnce), seconds)
    const after = usage(postern.pid)

    const imap = await RawImap.open(bench.account(user))
    const raw = await load(Array.from({ length: atOnce }, () => () => imap.run(['STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)'])), seconds)
    imap.close()
    rows.push([
      String(atOnce), whole(run.rate), ms(quantile(run.times, 0.5)), ms(quantile(run.times, 0.99)),
      whole((after.cpu - before.cpu) * 1000 / run.times.length), mib(after.memory),
      whole(raw.rate), ms(quantile(raw.times, 0.5)), ms(quantile(raw.times, 0.99)), percent(run.rate / raw.rate),
    ])
  }
  const turns = await roundTrips(bench, postern, bench.counted(user), id)
  for (const phone of [first, ...phones]) phone.close()
  await postern.stop()
  printTable('Sync with no changes, devices of one user',
    ['at once', 'Postern/s', 'ms p50', 'p99', 'us each', 'MiB', 'raw STATUS/s', 'ms p50', 'p99', 'of raw'], rows, [
      'us each: processor time of Postern. Raw STATUS: as many commands under way on one connection.',
      floor(turns === 1, `one IMAP round trip on an open session: ${turns}`),
    ])
}

async function nothing(phone: LightPhone, ask: Uint8Array): Promise<void> {
  const { body } = await phone.ask('Sync', ask)
  if (body.length > 0) throw new Error('a Sync without changes was answered with something')
}

/** Each of them again and again for so long. */
async function load(works: readonly (() => Promise<void>)[], seconds: number): Promise<Run> {
  const times: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(works.map(async work => {
    for (let now = performance.now(); now < end;) {
      await work()
      const then = now
      now = performance.now()
      times.push(now - then)
    }
  }))
  return { rate: times.length * 1000 / (performance.now() - start), times }
}

async function roundTrips(bench: Bench, postern: { host: string; port: number }, user: Login, id: string): Promise<number> {
  const phone = await lightPhone(postern, user, 'turns')
  await inboxOf(phone)
  const key = await syncAll(phone, id, { window: 512, html: 0 })
  const ask = encodeSync(syncRequest({ id, key }))
  await nothing(phone, ask)
  bench.counter.take()
  const times = 20
  for (let n = 0; n < times; n += 1) await nothing(phone, ask)
  phone.close()
  return bench.counter.take().turns / times
}

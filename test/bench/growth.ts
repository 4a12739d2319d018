import { encodeSync } from '../../src/wire/wbxml.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncRequest } from './light-phone.ts'
import { each, load, nothing, rate } from './load.ts'
import { floor, mib, ms, printTable, quantile, whole } from './print.ts'
import { usage } from './processes.ts'

/** What a Sync costs by the size of the mailbox: the first window of it, and one without changes. */
export async function growth(bench: Bench): Promise<void> {
  const sizes = bench.quick ? [1000, 10_000] : [1000, 10_000, 100_000]
  const rows: string[][] = []
  const costs: number[] = []
  const grown: number[] = []
  for (const [n, size] of sizes.entries()) {
    const user = bench.house.user(20 + n)
    await bench.house.seed(user, 'INBOX', shortMails(size, user.address))
    const postern = await bench.postern()
    const phone = await lightPhone(postern, user, 'growth')
    const id = await inboxOf(phone)
    const windows: number[] = []
    const key = await syncAll(phone, id, { window: 100, html: 0 }, ({ answer }) => void windows.push(answer.last))
    const ask = encodeSync(syncRequest({ id, key }))
    const work = () => nothing(phone, ask).then(() => {})
    await load(undefined, [work], 2)
    const before = usage(postern.pid).memory
    const run = await load(postern.pid, [work], bench.quick ? 2 : 6)
    costs.push(each(run))
    const after = usage(postern.pid).memory
    grown.push(after - before)
    rows.push([
      whole(size), ms(windows[0]!), ms(quantile(windows, 0.5)), ms(quantile(windows, 0.99)),
      whole(rate(run)), ms(quantile(run.times, 0.5)), ms(quantile(run.times, 0.99)), whole(each(run)), mib(before), mib(after),
    ])
    phone.close()
    await postern.stop()
  }
  printTable('By the size of the mailbox: short mails, one device, windows of 100 without bodies',
    ['messages', 'first window ms', 'window p50', 'p99', 'nothing new/s', 'ms p50', 'p99', 'us each', 'MiB before', 'after'], rows, [
      floor(costs.at(-1)! < 1.5 * costs[0]!, `a Sync without changes costs the same in all of them: ${costs.map(whole).join(', ')} us`),
      floor(grown.every(kib => kib < 32 * 1024), `nor does Postern grow by them: ${grown.map(mib).join(', ')} MiB`),
    ])
}

function* shortMails(count: number, to: string): Generator<string> {
  for (let n = 0; n < count; n += 1) {
    yield `From: s${n % 97}@corpus.test\r\nTo: ${to}\r\nSubject: number ${n}\r\nMessage-ID: <${n}@corpus.test>\r\n\r\nShort.\r\n`
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { printDay } from '../../src/backend/imap-mailbox.ts'
import { bigMailbox } from '../support/big-mailbox.ts'
import { Phone } from '../support/eas-client.ts'
import { compare, search } from '../support/eas-search.ts'
import { holdAll } from '../support/full-phone.ts'
import { freePorts } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { configuration, startPostern } from '../support/postern.ts'
import type { Bench } from './bench-house.ts'
import { inspect, type Inspected } from './inspector.ts'
import { floor, mib, ms, printTable, quantile, whole } from './print.ts'
import { resetPeak, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'

/** Milliseconds that a process may keep everybody waiting, at once, and MiB by which it may grow. */
const mostHeld = 200, mostGrown = 192

type Site = {
  readonly pid: number
  readonly secret: string
  readonly inspected: Inspected
  readonly imap: RawImap
  readonly big: Phone
  /** A device of the same user that has taken all there is. */
  readonly full: Phone
  readonly small: Phone
  readonly waits: Phone
}

type Act = { readonly name: string; run(site: Site, inbox: string): Promise<unknown> }

const windowsOf = (filter: number) => async ({ big }: Site, inbox: string): Promise<void> => {
  for (let n = 0; n < 4; n++) await big.sync({ collections: [{ id: inbox, window: 100, options: { filter } }] })
}

/** Something another client does to very many messages at once, while a device waits that holds them all; it is woken and begins to read. */
const elsewhere = (commands: readonly string[]) => async ({ imap, full, secret }: Site, inbox: string): Promise<string> => {
  await holdAll(full, inbox, secret)
  const woken = full.ping([inbox], 600)
  await sleep(500)
  await imap.run(commands)
  const done = performance.now()
  await woken
  const told = performance.now() - done, times: number[] = []
  for (let n = 0; n < 10; n++) {
    const asked = performance.now()
    await full.sync({ collections: [{ id: inbox, window: 100 }] })
    times.push(performance.now() - asked)
  }
  return `its own Ping was woken after ${ms(told)} ms; windows of 100: ${times.map(ms).join(' ')} ms`
}

const since = printDay(Math.floor(Date.now() / 86_400_000) - 30)

/** What a user with a mailbox of half a million messages does: every other one is old, so that nothing of it is one range. */
const acts: readonly Act[] = [
  { name: 'nobody', run: () => sleep(6000) },
  { name: 'first Sync, 4 windows', run: async (site, inbox) => {
    await site.big.sync({ collections: [{ id: inbox, key: '0' }] })
    await windowsOf(0)(site, inbox)
  } },
  { name: 'GetItemEstimate', run: ({ big }, inbox) => big.getItemEstimate([{ id: inbox }]) },
  { name: 'first Sync of 1 month, 4 windows', run: async (site, inbox) => {
    await site.big.sync({ collections: [{ id: inbox, key: '0' }] })
    await windowsOf(5)(site, inbox)
  } },
  { name: 'filter taken away, 4 windows', run: windowsOf(0) },
  { name: 'Search that finds half of it', run: ({ big }, inbox) => search(big, {
    query: [compare('GreaterThan', new Date(Date.now() - 30 * 86_400_000).toISOString())], range: '0-99', folders: [inbox], classes: ['Email'],
  }) },
  { name: 'half marked as unread elsewhere', run: elsewhere([`UID SEARCH RETURN (SAVE) SINCE ${since}`, 'UID STORE $ -FLAGS.SILENT (\\Seen)']) },
  { name: 'all flagged elsewhere', run: elsewhere(['UID STORE 1:* +FLAGS.SILENT (\\Flagged)']) },
  { name: '100,000 expunged elsewhere', run: elsewhere([
    `UID SEARCH RETURN (SAVE) 1:200000 SINCE ${since}`, 'UID STORE $ +FLAGS.SILENT (\\Deleted)', 'EXPUNGE',
  ]) },
]

type Row = {
  readonly name: string
  readonly noted: unknown
  readonly took: number
  readonly longest: number
  readonly held: number
  readonly syncs: number[]
  readonly told: number
  readonly cpu: number
  readonly peak: number
}

/** What others notice of a user with a huge mailbox: how long the process does nothing else, and how long their requests and news take. */
export async function fairness({ quick }: Bench): Promise<void> {
  const count = quick ? 50_000 : 500_000, [port = 0] = await freePorts(1)
  const house = await startHouse({ users: 3, dovecot: { storage: 'maildir', specialUse: 'created', extra: 'maildir_very_dirty_syncs = yes' } })
  try {
    const begun = performance.now()
    await bigMailbox(house, 'anna', count)
    console.log(`${whole(count)} messages were made in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
    const postern = await startPostern(house, { node: [`--inspect=127.0.0.1:${port}`], settings: { sessions: { timeoutSeconds: 300 } } })
    const inspected = await inspect(port)
    const open = (name: string, deviceId: string): Phone => {
      const { login, password } = house.user(name)
      return new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password, deviceId })
    }
    const big = open('anna', 'BIG'), full = open('anna', 'FULL'), small = open('bob', 'SMALL'), waits = open('bob', 'WAITS')
    for (const phone of [big, full, small, waits]) await phone.folderSync('0')
    for (const phone of [small, waits]) await phone.syncAll(phone.folder('Inbox'))
    const imap = await RawImap.open({ ...house.imap, ...house.user('anna') })
    await imap.run(['SELECT INBOX'])
    const { secret } = configuration(house, postern.host, port), rows: Row[] = []
    for (const act of acts) rows.push(await measured(house, { pid: postern.pid, secret, inspected, imap, big, full, small, waits }, act))
    imap.close()
    const [calm] = rows as [Row]
    printTable(`A mailbox of ${whole(count)} messages beside another user`,
      ['the big one', 'took s', 'CPU s', 'RSS MiB at most', 'loop held ms', 'p99', 'Sync of the other ms p50', 'p99', 'told of mail ms'],
      rows.map(({ name, took, cpu, peak, longest, held, syncs, told }) => [
        name, (took / 1000).toFixed(1), (cpu / 1000).toFixed(2), mib(peak), ms(longest), ms(held), ms(quantile(syncs, 0.5)), ms(quantile(syncs, 0.99)), ms(told),
      ]), [
        'Loop held: how long at most the process did nothing else, in processor time of its thread.',
        ...rows.flatMap(({ name, noted }) => typeof noted === 'string' ? [`${name}: ${noted}`] : []),
        floor(rows.every(({ longest }) => longest <= mostHeld), `nobody holds the loop for more than ${mostHeld} ms`),
        floor(rows.every(({ peak }) => peak <= calm.peak + mostGrown * 1024), `nor has the process grow by more than ${mostGrown} MiB`),
      ])
    inspected.close()
    for (const phone of [big, full, small, waits]) phone.close()
    await postern.stop()
  } finally {
    await house.stop()
  }
}

async function measured(house: House, site: Site, { name, run }: Act): Promise<Row> {
  const { pid, inspected, small, waits } = site
  const inbox = small.folder('Inbox'), syncs: number[] = []
  const told = waits.ping([waits.folder('Inbox')], 600)
  await sleep(1000)
  resetPeak(pid)
  const before = usage(pid).cpu, begun = performance.now()
  await inspected.watchLoop()
  let over = false
  const done = run(site, site.big.folder('Inbox')).finally(() => { over = true })
  const others = (async () => {
    while (!over) {
      const asked = performance.now()
      await small.sync({ collections: [{ id: inbox }] })
      syncs.push(performance.now() - asked)
      await sleep(20)
    }
  })()
  // In the midst of it.
  await sleep(300)
  await house.deliver('bob', 'Subject: news\r\n\r\ntext\r\n')
  const delivered = performance.now()
  const heard = told.then(() => performance.now() - delivered)
  const noted = await done
  await others
  const took = performance.now() - begun, { longest, held } = await inspected.loop(), { cpu, peak } = usage(pid)
  const row = { name, noted, took, longest, held, syncs, told: await heard, cpu: cpu - before, peak }
  for (const phone of [small, waits]) await phone.syncAll(phone.folder('Inbox'))
  return row
}

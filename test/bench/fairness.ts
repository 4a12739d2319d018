import { setTimeout as sleep } from 'node:timers/promises'
import { el } from '../../src/wire/wbxml.ts'
import { bigMailbox } from '../support/big-mailbox.ts'
import { Phone } from '../support/eas-client.ts'
import { compare, search } from '../support/eas-search.ts'
import { freePorts } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern } from '../support/postern.ts'
import type { Bench } from './bench-house.ts'
import { inspect, type Inspected } from './inspector.ts'
import { floor, mib, ms, printTable, quantile, whole } from './print.ts'
import { resetPeak, usage } from './processes.ts'

/** Milliseconds that a process may keep everybody waiting, at once. */
const mostHeld = 200

type Act = { readonly name: string; run(phone: Phone, inbox: string): Promise<unknown> }

/** What a user with a mailbox of half a million messages does: every other one is old, so that nothing of it is one range. */
const acts: readonly Act[] = [
  { name: 'nobody', run: () => sleep(6000) },
  { name: 'first Sync, 4 windows', run: async (phone, inbox) => {
    await phone.sync({ collections: [{ id: inbox, key: '0' }] })
    for (let n = 0; n < 4; n++) await phone.sync({ collections: [{ id: inbox, window: 100, options: { filter: 0 } }] })
  } },
  { name: 'GetItemEstimate', run: (phone, inbox) => phone.raw('GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [
    el('GetItemEstimate:Collections', [el('GetItemEstimate:Collection', [
      el('AirSync:SyncKey', phone.held(inbox).key), el('GetItemEstimate:CollectionId', inbox),
    ])]),
  ])) },
  { name: 'filter of 1 month, 4 windows', run: async (phone, inbox) => {
    for (let n = 0; n < 4; n++) await phone.sync({ collections: [{ id: inbox, window: 100, options: { filter: 5 } }] })
  } },
  { name: 'filter taken away, 4 windows', run: async (phone, inbox) => {
    for (let n = 0; n < 4; n++) await phone.sync({ collections: [{ id: inbox, window: 100, options: { filter: 0 } }] })
  } },
  { name: 'Search that finds half of it', run: (phone, inbox) => search(phone, {
    query: [compare('GreaterThan', new Date(Date.now() - 30 * 86_400_000).toISOString())], range: '0-99', folders: [inbox], classes: ['Email'],
  }) },
]

type Row = { readonly name: string; readonly took: number; readonly longest: number; readonly held: number; readonly syncs: number[]; readonly told: number; readonly cpu: number; readonly peak: number }

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
    const big = open('anna', 'BIG'), small = open('bob', 'SMALL'), waits = open('bob', 'WAITS')
    for (const phone of [big, small, waits]) await phone.folderSync('0')
    for (const phone of [small, waits]) await phone.syncAll(phone.folder('Inbox'))
    const rows: Row[] = []
    for (const act of acts) rows.push(await measured(house, { pid: postern.pid, inspected, big, small, waits }, act))
    const [calm] = rows as [Row]
    printTable(`A mailbox of ${whole(count)} messages beside another user`,
      ['the big one', 'took s', 'CPU s', 'RSS MiB at most', 'loop held ms', 'p99', 'Sync of the other ms p50', 'p99', 'told of mail ms'],
      rows.map(({ name, took, cpu, peak, longest, held, syncs, told }) => [
        name, (took / 1000).toFixed(1), (cpu / 1000).toFixed(2), mib(peak), ms(longest), ms(held), ms(quantile(syncs, 0.5)), ms(quantile(syncs, 0.99)), ms(told),
      ]), [
        'Loop held: how long at most the process did nothing else (perf_hooks, by 5 ms).',
        floor(rows.every(({ longest }) => longest <= calm.longest + mostHeld), `nobody holds the loop for more than ${mostHeld} ms`),
      ])
    inspected.close()
    for (const phone of [big, small, waits]) phone.close()
    await postern.stop()
  } finally {
    await house.stop()
  }
}

type Site = { readonly pid: number; readonly inspected: Inspected; readonly big: Phone; readonly small: Phone; readonly waits: Phone }

async function measured(house: House, { pid, inspected, big, small, waits }: Site, { name, run }: Act): Promise<Row> {
  const inbox = small.folder('Inbox'), syncs: number[] = []
  const told = waits.ping([waits.folder('Inbox')], 600)
  await sleep(1000)
  resetPeak(pid)
  const before = usage(pid).cpu, begun = performance.now()
  await inspected.watchLoop()
  let over = false
  const done = run(big, big.folder('Inbox')).finally(() => { over = true })
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
  await done
  await others
  const took = performance.now() - begun, { longest, held } = await inspected.loop(), { cpu, peak } = usage(pid)
  const row = { name, took, longest, held, syncs, told: await heard, cpu: cpu - before, peak }
  for (const phone of [small, waits]) await phone.syncAll(phone.folder('Inbox'))
  return row
}

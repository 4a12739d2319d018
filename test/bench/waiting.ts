import { setTimeout as sleep } from 'node:timers/promises'
import { pingRequest } from './arrival.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncOnce, type LightPhone } from './light-phone.ts'
import { Lmtp } from './lmtp.ts'
import { floor, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { treeUsage, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'
import { texts } from './wbxml-scan.ts'

type Crowd = {
  readonly own: number
  readonly each: number
  readonly sessions: number
  readonly dovecot: number
  /** Share of a core while nothing happens. */
  readonly idle: number
  /** Milliseconds from the end of a delivery until a phone of its user was told. */
  readonly wakes: readonly number[]
  /** Phones that were not told of it within ten seconds. */
  readonly missed: number
}

/** Phones that wait for mail, what each costs, and how long it takes to tell them of a thousand mails in ten seconds. */
export async function waiting(bench: Bench): Promise<void> {
  const users = bench.quick ? 100 : 2000, count = users * 5
  const crowd = await posternCrowd(bench, users, count), hooked = await posternCrowd(bench, users, count, { internal: bench.internal })
  const raw = await rawCrowd(bench, users)
  const line = (name: string, { own, each, sessions, dovecot, idle, wakes, missed }: Crowd): string[] => [
    name, own ? mib(own) : '', own ? each.toFixed(1) : '', own ? percent(idle) : '', whole(sessions), mib(dovecot), whole(dovecot / users),
    ms(quantile(wakes, 0.5)), ms(quantile(wakes, 0.99)), whole(missed),
  ]
  printTable(`${whole(count)} phones of ${whole(users)} users that wait`,
    ['', 'Postern MiB', 'KiB a phone', 'CPU idle', 'IMAP sessions', 'Dovecot MiB', 'KiB a user', 'told ms p50', 'p99', 'missed'], [
      line('Ping', crowd),
      line('Ping, Dovecot with examples/dovecot', hooked),
      line('raw IMAP IDLE, one a user', raw),
    ], [
      `Told: from the end of a mail's delivery until a phone of its user hears of it; ${whole(mailsOf(users))} mails within ${burst / 1000} seconds.`,
      'KiB a phone of Postern: above what it takes with all those phones connected and signed in, and nobody waiting.',
      floor(crowd.sessions <= users * 1.01, `one connection a user: ${whole(crowd.sessions)} sessions for ${whole(count)} phones of ${whole(users)} users`),
      floor(crowd.missed + hooked.missed === 0, `nobody is missed: ${whole(crowd.wakes.length + hooked.wakes.length)} phones were told, ${whole(crowd.missed + hooked.missed)} were not`),
      floor(quantile(hooked.wakes, 0.5) < 50 && quantile(hooked.wakes, 0.99) < 250, 'told within 50 ms (p50) and 250 ms (p99) where Dovecot tells of deliveries'),
      floor(crowd.each <= 15, 'at most 15 KiB a phone'),
      floor(crowd.idle < 0.02, 'less than 2 % of a core while nothing happens'),
    ])
}

/** Milliseconds in which the mails are delivered. */
const burst = 10_000
const mailsOf = (users: number): number => Math.min(users / 2, 1000)
const firstUser = 50

async function posternCrowd(bench: Bench, users: number, count: number, settings: object = {}): Promise<Crowd> {
  const { house } = bench
  const postern = await bench.postern({ sessions: { max: users + 10, idleSeconds: 10 }, ...settings })
  const dovecotBefore = treeUsage(bench.dovecotPid())
  const ids: string[] = [], keys: string[] = []
  const phones: LightPhone[] = []
  await atOnce(16, count, async n => {
    const phone = phones[n] = await lightPhone(postern, house.user(firstUser + n % users), `waiting${n}`)
    const id = ids[n % users] ??= await inboxOf(phone)
    const { key } = await syncOnce(phone, { id, key: '0' })
    keys[n] = (await syncOnce(phone, { id, key, html: 0, window: 512 })).key
  })
  // What requests take for a while is not what waiting takes.
  for (let round = 0; round < 3; round += 1) await atOnce(64, count, async n => void await syncOnce(phones[n]!, { id: ids[n % users]!, key: keys[n]! }))
  const before = usage(postern.pid)
  const told: (number | undefined)[] = []
  const waits: Promise<void>[] = []
  const wait = async (phone: LightPhone, n: number): Promise<void> => {
    const { body } = await phone.ask('Ping', pingRequest(ids[n % users]!, 3540))
    if (texts(body, 'Ping:Status')[0] === '2') told[n] = performance.now()
  }
  for (const [n, phone] of phones.entries()) {
    waits.push(wait(phone, n))
    // All in the same instant is more than a process takes on: `limits`.
    if (n % 100 === 99) await sleep(50)
  }
  for (const wait of waits) wait.catch(() => {})
  await settled(bench)
  const after = usage(postern.pid), dovecot = treeUsage(bench.dovecotPid())
  const idle = await idleShare(postern.pid)
  const delivered = await deliverAll(bench, users)
  await sleep(bench.quick ? 2000 : 10_000)
  const wakes: number[] = []
  let missed = 0
  for (let n = 0; n < count; n += 1) {
    const at = delivered.get(n % users), heard = told[n]
    if (at !== undefined && heard !== undefined) wakes.push(heard - at)
    else if (at !== undefined) missed += 1
  }
  for (const phone of phones) phone.close()
  await postern.stop()
  return {
    own: after.memory, each: (after.memory - before.memory) / count, idle, wakes, missed,
    sessions: dovecot.processes - dovecotBefore.processes, dovecot: dovecot.memory - dovecotBefore.memory,
  }
}

/** So many at once, one after the other each. */
async function atOnce(lines: number, count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: lines }, async () => {
    while (next < count) await work(next++)
  }))
}

async function idleShare(pid: number): Promise<number> {
  const begun = performance.now(), before = usage(pid).cpu
  await sleep(20_000)
  return (usage(pid).cpu - before) / (performance.now() - begun)
}

/** One mail to each of so many users, evenly over the time; when each was delivered, by the user's number. */
async function deliverAll({ house }: Bench, users: number): Promise<ReadonlyMap<number, number>> {
  const mails = mailsOf(users), lines = await Promise.all(Array.from({ length: 8 }, () => Lmtp.open(house.lmtp)))
  const delivered = new Map<number, number>()
  const begun = performance.now()
  await Promise.all(lines.map(async (lmtp, first) => {
    for (let n = first; n < mails; n += lines.length) {
      await sleep(Math.max(0, begun + n * burst / mails - performance.now()))
      const { address } = house.user(firstUser + n)
      delivered.set(n, await lmtp.deliver(address, Buffer.from(`From: a@corpus.test\r\nTo: ${address}\r\nSubject: wake up\r\n\r\nNow.\r\n`)))
    }
    lmtp.close()
  }))
  return delivered
}

/** Until Dovecot neither starts nor ends processes: all that want a connection have it. */
async function settled(bench: Bench): Promise<void> {
  for (let before = -1, now = 0, same = 0; same < 6;) {
    await sleep(2500)
    ;[before, now] = [now, treeUsage(bench.dovecotPid()).processes]
    same = now === before ? same + 1 : 0
  }
}

async function rawCrowd(bench: Bench, users: number): Promise<Crowd> {
  const dovecotBefore = treeUsage(bench.dovecotPid())
  const connections: RawImap[] = []
  const told: number[] = []
  for (let n = 0; n < users; n += 1) {
    const imap = await RawImap.open(bench.account(bench.house.user(firstUser + n)))
    connections.push(imap)
    await imap.run(['SELECT INBOX'])
    imap.on = line => void (/ EXISTS/.test(line) && (told[n] ??= performance.now()))
    await imap.idle()
  }
  await settled(bench)
  const dovecot = treeUsage(bench.dovecotPid())
  const delivered = await deliverAll(bench, users)
  await sleep(bench.quick ? 2000 : 10_000)
  for (const imap of connections) imap.close()
  const wakes = [...delivered].flatMap(([n, at]) => told[n] === undefined ? [] : [told[n] - at])
  return {
    own: 0, each: 0, idle: 0, sessions: users, dovecot: dovecot.memory - dovecotBefore.memory, wakes, missed: delivered.size - wakes.length,
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, HOST } from '../support/house.ts'
import { readPage } from '../support/numbers.ts'
import { pingRequest } from './arrival.ts'
import { startBare } from './bare.ts'
import { openBench, type Bench } from './bench-house.ts'
import { inspect } from './inspector.ts'
import { inboxOf, lightPhone, syncOnce, type LightPhone } from './light-phone.ts'
import { Lmtp } from './lmtp.ts'
import { floor, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { treeUsage, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'
import { texts } from './wbxml-scan.ts'

/** KiB resident and KiB alive, after a collection. */
type Memory = { readonly resident: number; readonly alive: number }

type Own = {
  /** When it began, with all phones connected and nobody waiting, and when all wait. */
  readonly fresh: Memory
  readonly connected: Memory
  readonly waiting: Memory
  /** Share of a core while nothing happens. */
  readonly idle: number
}

type Listened = {
  readonly processes: number
  /** KiB. */
  readonly dovecot: number
  /** Milliseconds from the end of a delivery until a phone of its user was told. */
  readonly wakes: readonly number[]
  /** Phones that were not told of it within ten seconds. */
  readonly missed: number
}

type Row = Partial<Own & Listened> & { readonly name: string; readonly users?: number }

const devices = 5, firstUser = 50
/** Milliseconds in which the mails are delivered. */
const burst = 10_000
const mailsOf = (users: number): number => Math.min(users / 2, 1000)
/** Users of raw IMAP: what one costs is the same for more. */
const mostRaw = 400

/** Phones that wait for mail, what each costs, and how long it takes to tell them of a thousand mails in ten seconds. */
export async function waiting(bench: Bench): Promise<void> {
  const users = bench.quick ? 100 : 2000, count = users * devices
  const asleep = await openBench({ ...bench, hibernateSeconds: 5 })
  try {
    const plain = await crowd(bench, users), hooked = await crowd(bench, users, bench.internal)
    const sleeping = await crowd(asleep, users), bare = await bareCrowd(count)
    const raws: Row[] = []
    for (const [name, own] of [['', bench], [', asleep', asleep]] as const) {
      for (const way of ['NOTIFY', 'IDLE'] as const) raws.push({ name: `raw IMAP ${way}${name}`, users: Math.min(users, mostRaw), ...await rawCrowd(own, Math.min(users, mostRaw), way) })
    }
    const rows: Row[] = [
      { name: 'Ping', users, ...plain }, { name: 'Ping, examples/dovecot', users, ...hooked }, { name: 'Ping, Dovecot that hibernates', users, ...sleeping },
      ...raws, { name: 'node:http alone', ...bare },
    ]
    printTable(`${whole(count)} phones of ${whole(users)} users that wait`,
      ['', 'MiB', 'KiB a phone', 'of it alive', 'in all', 'CPU idle', 'Dovecot: processes', 'MiB', 'KiB a user', 'told ms p50', 'p99', 'missed'],
      rows.map(row => [row.name, ...ofOwn(row, count), ...ofDovecot(row)]), [
        `Told: from the end of a mail's delivery until a phone of its user hears of it; ${whole(mailsOf(users))} mails within ${burst / 1000} seconds.`,
        'KiB a phone: resident, above what it takes with all those phones connected and signed in, and nobody waiting; in all: above what it took in the beginning.',
        `raw IMAP: ${whole(Math.min(users, mostRaw))} connections, one a user. node:http alone: the same requests, never answered.`,
        floor(plain.processes <= users * 1.01, `one connection a user: ${whole(plain.processes)} processes of Dovecot for ${whole(count)} phones of ${whole(users)} users`),
        floor([plain, hooked, sleeping].every(({ missed }) => missed === 0), 'nobody is missed'),
        floor(quantile(hooked.wakes, 0.5) < 50 && quantile(hooked.wakes, 0.99) < 250, 'told within 50 ms (p50) and 250 ms (p99) where Dovecot tells of deliveries'),
        floor(grown(plain, 'resident', count) <= 15, 'at most 15 KiB a phone'),
        floor(plain.idle < 0.02, 'less than 2 % of a core while nothing happens'),
      ])
  } finally {
    await asleep.close()
  }
}

const grown = ({ connected, waiting }: Own, kind: keyof Memory, count: number): number => (waiting[kind] - connected[kind]) / count

const ofOwn = (own: Row, count: number): string[] => isWhole(own) ? [
  mib(own.waiting.resident), ...(['resident', 'alive'] as const).map(kind => grown(own, kind, count).toFixed(1)),
  ((own.waiting.resident - own.fresh.resident) / count).toFixed(1), percent(own.idle),
] : ['', '', '', '', '']

const isWhole = (own: Row): own is Row & Own => own.waiting !== undefined

const ofDovecot = ({ users = 0, processes, dovecot = 0, wakes = [], missed }: Row): string[] =>
  processes === undefined ? [] : [whole(processes), mib(dovecot), whole(dovecot / users), ms(quantile(wakes, 0.5)), ms(quantile(wakes, 0.99)), whole(missed ?? 0)]

/** `internal`: where Dovecot tells of deliveries, if it shall be heard. */
async function crowd(bench: Bench, users: number, internal?: Bench['internal']): Promise<Own & Listened> {
  const { house } = bench, count = users * devices, [port = 0, own = 0] = await freePorts(2)
  await settled(bench)
  const numbers = internal ?? { host: HOST, port: own }
  // What else the machine does shall not make it refuse or end waits.
  const settings = { sessions: { max: users + 10, idleSeconds: 10 }, internal: numbers, limits: { overload: { delayMilliseconds: 10_000 } } }
  const postern = await bench.postern(settings, 1, [`--inspect=${HOST}:${port}`])
  const fresh = await memoryOf(postern.pid, port), before = treeUsage(bench.dovecotPid())
  const phones: LightPhone[] = [], ids: string[] = [], keys: string[] = []
  // A user's devices one after the other: they share a session.
  await atOnce(16, users, async user => {
    for (let n = user * devices; n < (user + 1) * devices; n += 1) {
      const phone = phones[n] = await lightPhone(postern, house.user(firstUser + user), `waiting${n}`)
      const id = ids[user] ??= await inboxOf(phone)
      const { key } = await syncOnce(phone, { id, key: '0' })
      keys[n] = (await syncOnce(phone, { id, key, html: 0, window: 512 })).key
    }
  })
  // Connections that had nothing to do for three minutes were closed meanwhile.
  await atOnce(16, count, async n => void await syncOnce(phones[n]!, { id: ids[userOf(n)]!, key: keys[n]! }))
  await sleep(15_000)
  const connected = await memoryOf(postern.pid, port)
  const told: (number | undefined)[] = []
  await beginAll(phones, async (phone, n) => {
    for (let status: string | undefined = '1'; status === '1';) {
      const { body } = await phone.ask('Ping', pingRequest(ids[userOf(n)]!, 3540)), now = performance.now()
      status = texts(body, 'Ping:Status')[0]
      if (status === '2') told[n] = now
    }
  }, () => waitsOf(numbers))
  while (await waitsOf(numbers) < count) await sleep(1000)
  await settled(bench)
  const waiting = await memoryOf(postern.pid, port), dovecot = treeUsage(bench.dovecotPid())
  const idle = await idleShare(postern.pid)
  const delivered = await deliverAll(bench, users)
  await sleep(bench.quick ? 2000 : 10_000)
  const wakes: number[] = []
  let missed = 0
  for (let n = 0; n < count; n += 1) {
    const at = delivered.get(userOf(n)), heard = told[n]
    if (at !== undefined && heard !== undefined) wakes.push(heard - at)
    else if (at !== undefined) missed += 1
  }
  for (const phone of phones) phone.close()
  await postern.stop()
  return { fresh, connected, waiting, idle, wakes, missed, processes: dovecot.processes - before.processes, dovecot: dovecot.memory - before.memory }
}

const userOf = (n: number): number => Math.floor(n / devices)

/** What cannot be left out: as many connections to a process that does nothing else. */
async function bareCrowd(count: number): Promise<Own> {
  const [port = 0] = await freePorts(1), bare = await startBare({ headers: {}, node: [`--inspect=${HOST}:${port}`] })
  const fresh = await memoryOf(bare.pid, port)
  const phones: LightPhone[] = []
  await atOnce(16, count, async n => {
    const phone = phones[n] = await lightPhone(bare, { login: `waiting${n}@postern.test`, password: 'as long as others' }, `waiting${n}`)
    await phone.ask('Sync', new Uint8Array(20))
  })
  await sleep(5000)
  const connected = await memoryOf(bare.pid, port)
  await beginAll(phones, async phone => void await phone.ask('Ping', pingRequest('AAAAAAAAAAA', 3540)))
  await sleep(5000)
  const waiting = await memoryOf(bare.pid, port), idle = await idleShare(bare.pid)
  for (const phone of phones) phone.close()
  await bare.stop()
  return { fresh, connected, waiting, idle }
}

/**
 * Has each of them wait, some after the other: each user logs in for it. `waits`: how many do by now; no more are on their way to it than a
 * server takes on. Who is refused all the same comes again later, as phones do.
 */
async function beginAll(phones: readonly LightPhone[], wait: (phone: LightPhone, n: number) => Promise<void>, waits?: () => Promise<number>): Promise<void> {
  const until = (phone: LightPhone, n: number): Promise<void> => wait(phone, n).catch(async (error: unknown) => {
    if (!/HTTP 503/.test(String(error))) return
    await sleep(5000 + 10_000 * Math.random())
    return until(phone, n)
  })
  for (const [n, phone] of phones.entries()) {
    void until(phone, n)
    if (n % 50 < 49) continue
    await sleep(50)
    while (waits && n - await waits() > 200) await sleep(100)
  }
}

/** How many phones wait at a Postern, as it says itself. */
async function waitsOf({ host, port }: Bench['internal']): Promise<number> {
  const page = await fetch(`http://${host}:${port}/metrics`)
  return readPage(await page.text()).sum('postern_waits')
}

/** So many at once, one after the other each. */
async function atOnce(lines: number, count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: lines }, async () => {
    while (next < count) await work(next++)
  }))
}

async function memoryOf(pid: number, port: number): Promise<Memory> {
  const inspected = await inspect(port), { used, external } = await inspected.heap()
  inspected.close()
  return { resident: usage(pid).memory, alive: (used + external) / 1024 }
}

async function idleShare(pid: number): Promise<number> {
  const begun = performance.now(), before = usage(pid).cpu
  await sleep(30_000)
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

/** Until Dovecot neither starts nor ends processes: all that want a connection have it, and those that may sleep do. */
async function settled(bench: Bench): Promise<void> {
  for (let before = -1, now = 0, same = 0; same < 4;) {
    await sleep(2500)
    ;[before, now] = [now, treeUsage(bench.dovecotPid()).processes]
    same = now === before ? same + 1 : 0
  }
}

async function rawCrowd(bench: Bench, users: number, way: 'NOTIFY' | 'IDLE'): Promise<Listened> {
  await settled(bench)
  const before = treeUsage(bench.dovecotPid())
  const connections: RawImap[] = []
  const told: number[] = []
  for (let n = 0; n < users; n += 1) {
    const imap = await RawImap.open(bench.account(bench.house.user(firstUser + n)))
    connections.push(imap)
    if (way === 'IDLE') await imap.run(['EXAMINE INBOX'])
    imap.on = line => void (/ EXISTS|^\* STATUS/.test(line) && (told[n] ??= performance.now()))
    await (way === 'IDLE' ? imap.idle() : imap.run(['NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))']))
  }
  await settled(bench)
  const dovecot = treeUsage(bench.dovecotPid())
  const delivered = await deliverAll(bench, users)
  await sleep(bench.quick ? 2000 : 10_000)
  for (const imap of connections) imap.close()
  const wakes = [...delivered].flatMap(([n, at]) => told[n] === undefined ? [] : [told[n] - at])
  return { processes: dovecot.processes - before.processes, dovecot: dovecot.memory - before.memory, wakes, missed: delivered.size - wakes.length }
}

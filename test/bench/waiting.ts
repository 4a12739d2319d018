import { setTimeout as sleep } from 'node:timers/promises'
import { pingRequest } from './arrival.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncOnce } from './light-phone.ts'
import { Lmtp } from './lmtp.ts'
import { floor, mib, ms, printTable, quantile, whole } from './print.ts'
import { treeUsage, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'
import { texts } from './wbxml-scan.ts'

type Crowd = { readonly own: number; readonly each: number; readonly sessions: number; readonly dovecot: number; readonly wakes: readonly number[] }

/** Phones that wait for mail, what each costs, and how long it takes to wake all those of one user. */
export async function waiting(bench: Bench): Promise<void> {
  const count = bench.quick ? 200 : 1000
  const shared = await posternCrowd(bench, count, 10)
  const alone = await posternCrowd(bench, count, count)
  const idle = await rawCrowd(bench, count, 10)
  const line = (name: string, { own, each, sessions, dovecot, wakes }: Crowd): string[] =>
    [name, own ? mib(own) : '', each ? whole(each) : '', whole(sessions), mib(dovecot), whole(dovecot / count), ms(Math.max(...wakes)), ms(quantile(wakes, 0.5))]
  printTable(`${whole(count)} phones that wait`,
    ['', 'Postern MiB', 'KiB a phone', 'IMAP sessions', 'Dovecot MiB', 'KiB a phone', 'last woken ms', 'p50'], [
      line('Ping: 10 users', shared),
      line(`Ping: ${whole(count)} users`, alone),
      line('raw IMAP IDLE: 10 users', idle),
    ], [
      'Woken: from the end of one mail\'s delivery until every phone of its user has been told.',
      'KiB a phone of Postern: above what it takes with all those users signed in and nobody waiting.',
      floor(shared.sessions <= 20, `no connection per waiting device: ${shared.sessions} sessions for ${whole(count)} devices of 10 users`),
    ])
}

async function posternCrowd(bench: Bench, count: number, users: number): Promise<Crowd> {
  const { house } = bench
  const postern = await bench.postern()
  const dovecotBefore = treeUsage(bench.dovecotPid())
  const ids: string[] = []
  const phones = []
  for (let n = 0; n < count; n += 1) {
    const user = house.user(50 + n % users)
    const phone = await lightPhone(postern, user, `waiting${n}`)
    phones.push(phone)
    const id = ids[n % users] ??= await inboxOf(phone)
    const { key } = await syncOnce(phone, { id, key: '0' })
    await syncOnce(phone, { id, key, html: 0, window: 512 })
  }
  const before = usage(postern.pid)
  const waiting = phones.map(async (phone, n) => {
    const { body } = await phone.ask('Ping', pingRequest(ids[n % users]!, 3540))
    return { n, status: texts(body, 'Ping:Status')[0], at: performance.now() }
  })
  await settled(bench)
  const after = usage(postern.pid), dovecot = treeUsage(bench.dovecotPid())
  const ended = await wake(bench, house.user(50).address)
  const woken = await Promise.all(waiting.filter((_, n) => n % users === 0))
  if (woken.some(({ status }) => status !== '2')) throw new Error('a Ping was not told of the mail')
  for (const pending of waiting) pending.catch(() => {})
  for (const phone of phones) phone.close()
  await postern.stop()
  return {
    own: after.memory, each: (after.memory - before.memory) / count,
    sessions: dovecot.processes - dovecotBefore.processes, dovecot: dovecot.memory - dovecotBefore.memory,
    wakes: woken.map(({ at }) => at - ended),
  }
}

/** Until Dovecot starts no more processes: all that want a connection have it. */
async function settled(bench: Bench): Promise<void> {
  for (let before = -1, now = 0; now !== before;) {
    before = now
    await sleep(2000)
    now = treeUsage(bench.dovecotPid()).processes
  }
}

async function wake(bench: Bench, address: string): Promise<number> {
  const lmtp = await Lmtp.open(bench.house.lmtp)
  const end = await lmtp.deliver(address, Buffer.from(`From: a@corpus.test\r\nTo: ${address}\r\nSubject: wake up\r\n\r\nNow.\r\n`))
  lmtp.close()
  return end
}

async function rawCrowd(bench: Bench, count: number, users: number): Promise<Crowd> {
  const dovecotBefore = treeUsage(bench.dovecotPid())
  const connections: RawImap[] = []
  const woken: Promise<number>[] = []
  for (let n = 0; n < count; n += 1) {
    const imap = await RawImap.open(bench.account(bench.house.user(50 + n % users)))
    connections.push(imap)
    await imap.run(['SELECT INBOX'])
    if (n % users === 0) woken.push(new Promise(resolve => {
      imap.on = line => void (/ EXISTS/.test(line) && resolve(performance.now()))
    }))
    await imap.idle()
  }
  await settled(bench)
  const dovecot = treeUsage(bench.dovecotPid())
  const ended = await wake(bench, bench.house.user(50).address)
  const wakes = (await Promise.all(woken)).map(at => at - ended)
  for (const imap of connections) imap.close()
  return { own: 0, each: 0, sessions: count, dovecot: dovecot.memory - dovecotBefore.memory, wakes }
}

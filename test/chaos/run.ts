import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../model/dice.ts'
import { noTraffic, type Weather } from './carrier.ts'
import { heardOf } from './excuses.ts'
import { goWrong } from './faults.ts'
import { Ledger, namesIn } from './ledger.ts'
import { ChaosPhone } from './phone.ts'
import { startSite, type Site } from './site.ts'
import { judge, type Verdict } from './verdict.ts'
import { Writer } from './writer.ts'

export type ChaosOptions = {
  readonly minutes: number
  readonly seed: number
  readonly devices: number
  readonly users: number
  /** Logs are copied there in the end. */
  readonly keep?: string | undefined
}

const versions = ['16.1', '14.1', '12.1']

/** Everything that goes wrong at once, for so many minutes; then quiet, and both sides are compared. Answers what is wrong, in sentences. */
export async function runChaos({ minutes, seed, devices, users, keep }: ChaosOptions): Promise<readonly string[]> {
  console.log(`seed ${seed}: ${devices} devices of ${users} users for ${minutes} minutes`)
  const ledger = new Ledger(), site = await startSite({ users }, ledger)
  const weather: Weather = { places: site.places, ledger, traffic: noTraffic(), calm: true }
  const people = Array.from({ length: users }, (_, n) => site.house.user(n))
  const phones = Array.from({ length: devices }, (_, n) => new ChaosPhone({
    name: String(n + 1), version: versions[Math.floor(n / users) % versions.length]!, user: people[n % users]!, number: n % users, weather, taps: site.taps,
    dice: new Dice(seed * 1000 + n), others: people,
  }))
  const writers = people.map((_, n) => new Writer(site.house, n, ledger, new Dice(seed * 1000 + 500 + n)))
  try {
    await prepare(site, phones, writers)
    const broken: string[] = [], over = until(minutes, () => broken.length > 0)
    console.log(`${Math.round(ledger.now() / 1000)} s: begins`)
    weather.calm = false
    const [counts] = await Promise.all([
      goWrong(site, [new Dice(seed * 1000 + 900), new Dice(seed * 1000 + 901)], over),
      ...phones.map((phone, n) => go(`phone ${phone.setting.name}`, () => phone.step(), new Dice(seed * 1000 + 600 + n), over, broken)),
      ...writers.map((writer, n) => go(`user ${writer.user.name}`, () => writer.step(), new Dice(seed * 1000 + 700 + n), over, broken)),
    ])
    weather.calm = true
    console.log(`${Math.round(ledger.now() / 1000)} s: comes to rest`)
    const verdict = await comeToRest(site, phones, writers, broken)
    broken.push(...bugs(site))
    report(counts, weather, phones, writers, verdict, ledger)
    for (const fault of [...broken, ...verdict?.faults ?? []].slice(0, 12)) tell(fault, site, phones)
    return [...broken, ...verdict?.faults ?? []]
  } finally {
    for (const phone of phones) phone.close()
    for (const writer of writers) writer.close()
    if (keep) keepLogs(site, keep)
    await site.close()
  }
}

/** Folders and collections are made, and known to all, before anything goes wrong. */
async function prepare({ house }: Site, phones: readonly ChaosPhone[], writers: readonly Writer[]): Promise<void> {
  for (const { user } of writers) {
    const imap = await house.imapClient(user)
    await imap.mailboxCreate('Work')
    await imap.logout()
  }
  await Promise.all(writers.map(async writer => {
    for (const phone of phones.filter(({ setting }) => setting.number === writer.number)) await phone.begin()
    await writer.begin()
  }))
}

function until(minutes: number, early: () => boolean): () => boolean {
  const end = performance.now() + minutes * 60_000
  return () => early() || performance.now() > end
}

async function go(who: string, step: () => Promise<void>, dice: Dice, over: () => boolean, broken: string[]): Promise<void> {
  while (!over()) {
    await sleep(dice.between(100, 2500))
    try {
      await step()
    } catch (error) {
      broken.push(`${who}: ${(error as Error).stack?.split('\n').slice(0, 6).join('\n    ')}`)
      return
    }
  }
}

async function comeToRest(site: Site, phones: readonly ChaosPhone[], writers: readonly Writer[], broken: string[]): Promise<Verdict | undefined> {
  await deliverAll(site)
  const lost = new Set<ChaosPhone>()
  // What one phone still wishes is news to the others.
  for (let round = 0; round < 2; round++) {
    await Promise.all(writers.map(async ({ number }) => {
      for (const phone of phones.filter(({ setting }) => setting.number === number)) {
        await phone.settle().catch((error: unknown) => {
          broken.push(`phone ${phone.setting.name}: ${(error as Error).message}`)
          lost.add(phone)
        })
      }
    }))
  }
  notHeard(site)
  return judge(site, writers, phones, phones.filter(phone => !lost.has(phone)))
}

/** A process waits a second for the cache. On a machine with too much to do that may be too short without any fault of ours: its log says when. */
function notHeard({ ledger, places }: Site): void {
  for (const { postern, number } of places) {
    const lines = postern.log().split('\n').filter(line => line.includes('the shared cache ')).map(line => JSON.parse(line) as { time: string; pid?: number; worker?: number; msg: string })
    for (const [n, { time, worker, msg }] of lines.entries()) {
      if (!msg.includes('does not answer')) continue
      const back = lines.slice(n + 1).find(one => one.worker === worker && one.msg.includes('answers again'))
      const at = Date.parse(time) - ledger.began, until = back ? Date.parse(back.time) - ledger.began : at
      // It had waited for a second before it said so.
      ledger.faults.push({ at: at - 1000, until, what: 'Redis not heard in time', place: number })
    }
  }
}

/** Until Exim has delivered what it could not for a while. */
async function deliverAll({ house }: Site): Promise<void> {
  const exim = (...args: string[]): string => execFileSync('/usr/sbin/exim4', ['-C', join(house.dir, 'exim/exim.conf'), ...args], { encoding: 'utf8', uid: 65_534, gid: 65_534 })
  for (let tries = 0; tries < 60 && Number(exim('-bpc')) > 0; tries++) {
    exim('-qff')
    await sleep(500)
  }
}

const bugs = ({ places }: Site): string[] => places.flatMap(({ postern, number }) =>
  postern.log().split('\n').filter(line => line.includes('"bug"')).slice(0, 5).map(line => `Postern ${number + 1}: ${line}`))

function report(
  counts: ReadonlyMap<string, number>, { traffic }: Weather, phones: readonly ChaosPhone[], writers: readonly Writer[], verdict: Verdict | undefined, ledger: Ledger,
): void {
  const sum = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((all, one) => all + of(one), 0)
  const line = (what: string, count: number): void => console.log(`${String(count).padStart(8)}  ${what}`)
  console.log('\nFaults')
  for (const [what, count] of [...counts].sort(([a], [b]) => a < b ? -1 : 1)) line(what, count)
  line('answers not read by the phone', traffic.unread)
  line('requests that ended half-way', traffic.halves)
  line('connections that broke under a request', traffic.broken)
  line('requests without an answer for a minute', traffic.late)
  line('times a process did not hear the cache within a second, by its log', ledger.faults.filter(({ what }) => what === 'Redis not heard in time').length)
  console.log('\nRequests')
  line('requests of phones', traffic.requests)
  line('of these, repeated', traffic.retries)
  line('given up for another request', traffic.givenUp)
  line('told to come again later (HTTP 503)', traffic.busy)
  line('told to come again later (in the answer)', sum(phones, ({ counts, mail }) => counts.again + mail.retries))
  line('waits', sum(phones, ({ counts }) => counts.waits))
  line('waits ended by news', sum(phones, ({ counts }) => counts.woken))
  line('items moved by phones', sum(phones, ({ counts }) => counts.moves))
  line('mails sent by phones', sum(phones, ({ counts }) => counts.mailsSent))
  line('writes of users by IMAP, LMTP, CalDAV and CardDAV', sum(writers, ({ counts }) => counts.writes))
  line('of these, failed', sum(writers, ({ counts }) => counts.failed))
  console.log('\nIn the end')
  line('items made', ledger.size)
  line('items compared, one by one', verdict?.items ?? 0)
  line('mails counted where they arrived', verdict?.mails ?? 0)
  for (const [what, count] of verdict?.limits ?? []) line(`limit: ${what}`, count)
  const moves = sum(phones, ({ counts }) => counts.movesLost)
  if (moves) line('limit: moves whose answer was lost while the shared cache was away; the phone begins the folder anew', moves)
  line('adds of what a phone held from a move', sum(phones, ({ mail }) => mail.counts.addsOfHeld))
  line('faults of Postern', verdict?.faults.length ?? 0)
}

function tell(fault: string, { ledger, taps }: Site, phones: readonly ChaosPhone[]): void {
  console.log(`\nWRONG: ${fault}`)
  for (const name of namesIn(fault).slice(0, 2)) {
    console.log(`The history of ${name}:\n${ledger.history(name)}`)
    const phone = phones.find(one => one.sent.has(name))
    if (phone) console.log(`On the lines:\n${heardOf(taps, phone, name)}`)
  }
}

function keepLogs({ house, places }: Site, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const { postern, number } of places) copyFileSync(postern.config.replace('.yaml', '.log'), join(folder, `postern-${number + 1}.log`))
  copyFileSync(join(house.dir, 'dovecot.log'), join(folder, 'dovecot.log'))
  copyFileSync(join(house.dir, 'exim/mainlog'), join(folder, 'exim.log'))
  copyFileSync(join(house.dir, 'radicale.log'), join(folder, 'radicale.log'))
}

import { setTimeout as sleep } from 'node:timers/promises'
import { el, type Node } from '../../src/wire/wbxml.ts'
import { corpus } from '../support/corpus.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, syncOnce, type LightPhone } from './light-phone.ts'
import { Lmtp } from './lmtp.ts'
import { floor, ms, printTable, quantile } from './print.ts'
import { RawImap } from './raw-imap.ts'
import { texts } from './wbxml-scan.ts'

/** A new mail, from the end of its LMTP delivery: until Ping answers, until the phone has it, until a waiting Sync brings it. */
export async function arrival(bench: Bench): Promise<void> {
  const user = await bench.mailbox(1000)
  const postern = await bench.postern()
  const lmtp = await Lmtp.open(bench.house.lmtp)
  const imap = await RawImap.open(bench.account(user))
  await imap.run(['SELECT INBOX'])
  const phone = await lightPhone(postern, user, 'arrival')
  const id = await inboxOf(phone)
  let key = await syncAll(phone, id, { window: 512, html: 0 })

  const times = { accepted: [], idle: [], fetched: [], ping: [], inHand: [], sync: [], beyondPing: [], beyondSync: [] } as Record<string, number[]>
  const mails = corpus({ count: bench.quick ? 10 : 40, seed: 7, to: user.address })
  let turn = 0
  for (const { raw } of mails) {
    const waiting = turn++ % 2 === 0 ? byPing(phone, id, () => key) : bySync(phone, id, () => key)
    const heard = rawArrival(imap)
    await sleep(200) // until everybody listens
    const end = await lmtp.deliver(user.address, raw)
    times['accepted']!.push(performance.now() - end)
    const { marks, next } = await waiting
    for (const [name, at] of Object.entries(marks)) times[name]!.push(at - end)
    const idle = await heard
    for (const [name, at] of Object.entries(idle)) times[name]!.push(at - end)
    if (marks['sync']) times['beyondSync']!.push(marks['sync'] - idle['fetched']!)
    else times['beyondPing']!.push(marks['inHand']! - idle['fetched']!)
    key = next
  }
  for (const closable of [lmtp, imap, phone]) closable.close()
  await postern.stop()
  printTable('A new mail, milliseconds from the end of its delivery by LMTP', ['', 'p50', 'p99', 'least'], [
    row('Dovecot has accepted it', times['accepted']!),
    row('raw IMAP: IDLE tells', times['idle']!),
    row('Postern: Ping answers', times['ping']!),
    row('raw IMAP: IDLE, then fetched', times['fetched']!),
    row('Postern: Ping, then Sync has it', times['inHand']!),
    row('Postern: a waiting Sync has it', times['sync']!),
    row('later than raw IMAP: Ping, Sync', times['beyondPing']!),
    row('later than raw IMAP: waiting Sync', times['beyondSync']!),
  ], [
    'All listen at the same time, so each line is about the same mails; the last two are by mail.',
    floor(quantile(times['beyondSync']!, 0.5) < 10, 'a waiting Sync has a mail less than 10 ms after raw IMAP has'),
  ])
}

const row = (name: string, times: readonly number[]): string[] =>
  [name, ms(quantile(times, 0.5)), ms(quantile(times, 0.99)), ms(Math.min(...times))]

type Arrived = { readonly marks: Record<string, number>; readonly next: string }

async function byPing(phone: LightPhone, id: string, key: () => string): Promise<Arrived> {
  const { body } = await phone.ask('Ping', pingRequest(id))
  const ping = performance.now()
  if (texts(body, 'Ping:Status')[0] !== '2') throw new Error('Ping did not tell of the mail')
  const { items, key: next } = await syncOnce(phone, { id, key: key(), html: 32 * 1024 })
  if (items !== 1) throw new Error(`${items} items after one mail`)
  return { marks: { ping, inHand: performance.now() }, next }
}

async function bySync(phone: LightPhone, id: string, key: () => string): Promise<Arrived> {
  const { items, key: next } = await syncOnce(phone, { id, key: key(), html: 32 * 1024, wait: 60 })
  if (items !== 1) throw new Error(`${items} items after one mail`)
  return { marks: { sync: performance.now() }, next }
}

export const pingRequest = (id: string, heartbeat = 600): Node => el('Ping:Ping', [
  el('Ping:HeartbeatInterval', String(heartbeat)),
  el('Ping:Folders', [el('Ping:Folder', [el('Ping:Id', id), el('Ping:Class', 'Email')])]),
])

/** The same by a client that idles and then fetches what came. */
async function rawArrival(imap: RawImap): Promise<Record<string, number>> {
  const told = new Promise<string>(resolve => {
    imap.on = line => {
      const exists = /^\* (\d+) EXISTS/.exec(line)
      if (exists) resolve(exists[1]!)
    }
  })
  await imap.idle()
  const number = await told
  const idle = performance.now()
  imap.on = undefined
  await imap.done()
  await imap.run([`FETCH ${number} (UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1]<0.32768>)`])
  return { idle, fetched: performance.now() }
}

import { createWriteStream, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeSync } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { freePorts } from '../support/house.ts'
import type { Postern } from '../support/postern.ts'
import { pingRequest } from './arrival.ts'
import type { Bench } from './bench-house.ts'
import { inspect, type Heap, type Inspected } from './inspector.ts'
import { floor, mib, printTable, whole } from './print.ts'
import { usage } from './processes.ts'

const users = 40, lines = 10, idleSeconds = 2
/** How much more may be there than after the first minute. */
const slack = 0.15

type Row = Heap & { readonly minute: number; readonly resident: number; readonly descriptors: number; readonly sessions: number; readonly requests: number }

/**
 * An hour of mixed load as fast as it goes: in each minute's worth, devices of each user come, some of them new, sync, send, search, fetch
 * files, wait, are woken or leave, and go. What is alive in Postern afterwards, when all sessions have had the time to end.
 */
export async function memory(bench: Bench): Promise<void> {
  const minutes = bench.quick ? 12 : 60, [port = 0] = await freePorts(1)
  for (let n = 0; n < users; n++) await bench.house.seed(bench.house.user(n), 'INBOX', [withFile(n)])
  const postern = await bench.postern(
    { sessions: { max: 2000, idleSeconds }, cache: { megabytes: 4 }, eas: { heartbeat: { min: 1, max: 3540 } } }, 1, [`--inspect=127.0.0.1:${port}`],
  )
  const inspected = await inspect(port), phones = new Map<string, Phone>()
  const settled = (idleSeconds + 6) * 1000
  const rows = [await measure(bench, postern, inspected, 0, 0, 0)]
  let requests = 0
  for (let minute = 1; minute <= minutes; minute++) {
    let next = 0
    await Promise.all(Array.from({ length: lines }, async () => {
      while (next < users * 3) {
        const made = await device(bench, postern, phones, next++, minute)
        requests += made
      }
    }))
    if (minute > 1 && minute % (bench.quick ? 3 : 10) > 0) continue
    rows.push(await measure(bench, postern, inspected, settled, minute, requests))
    console.log(`minute ${minute}: ${mib(rows.at(-1)!.used / 1024)} MiB of heap`)
  }
  // Where phones wait for mail, a connection a user outlives the last wait by a minute.
  rows.push(await measure(bench, postern, inspected, 65_000, minutes, requests))
  if (bench.profile) await keepSnapshot(inspected, join(bench.profile, 'memory.heapsnapshot'))
  inspected.close()
  await postern.stop()
  const [, first, ...rest] = rows as [Row, Row, ...Row[]], [last, end] = rest.slice(-2) as [Row, Row]
  const kept = ({ used, buffers }: Row): number => used + buffers
  printTable(`Memory over ${minutes} minutes' worth of mixed load`,
    ['minute', 'requests', 'heap MiB', 'buffers MiB', 'external MiB', 'resident MiB', 'descriptors', 'IMAP sessions'],
    rows.map(row => [
      String(row.minute), whole(row.requests), mib(row.used / 1024), mib(row.buffers / 1024), mib(row.external / 1024), mib(row.resident),
      whole(row.descriptors), whole(row.sessions),
    ]),
    [
      `Alive after a collection, when unused sessions have ended (${idleSeconds} s; the last line: those that waited, too). ${users * 3} devices a minute, a third of them new; a cache of 4 MB.`,
      floor(kept(last) <= kept(first) * (1 + slack), `the heap is at most ${slack * 100} % above that after the first minute`),
      floor(last.descriptors <= first.descriptors, 'no more descriptors than after the first minute'),
      floor(last.sessions <= first.sessions, 'no more IMAP sessions than after the first minute'),
      floor(end.sessions === 0 && end.descriptors <= last.descriptors, 'no IMAP session is left in the end'),
    ])
}

/** One device for as long as its owner looks at it. Every third comes for the first time, and never again. */
async function device({ house }: Bench, postern: Postern, phones: Map<string, Phone>, n: number, minute: number): Promise<number> {
  const user = house.user(n % users), kind = Math.floor(n / users), name = kind === 2 ? `NEW${minute}X${n}` : `KEPT${n}`
  const phone = phones.get(name) ?? new Phone({
    url: `http://${postern.host}:${postern.port}`, user: user.login, password: user.password, deviceId: name, version: kind === 0 ? '16.1' : '14.1',
  })
  if (kind < 2) phones.set(name, phone)
  let requests = 3
  await phone.folderSync(phone.folderKey)
  const inbox = phone.folder('2')
  await phone.syncAll(inbox, { options: { bodies: [{ type: 2, size: 2048 }], filter: 0 } })
  const [sent, other] = [`memory ${minute} ${n}`, house.user((n + 1) % users)]
  if (n % 3 === minute % 3) {
    requests += 2
    await phone.sendMail(`From: ${user.address}\r\nTo: ${other.address}\r\nSubject: ${sent}\r\n\r\n${'Some words. '.repeat(500)}\r\n`, { clientId: `${sent}-${'x'.repeat(10)}` })
    await phone.syncAll(inbox)
  }
  if (n % 5 === minute % 5) {
    requests++
    await search(phone, { query: 'words', range: '0-9', folders: [inbox], classes: ['Email'] })
  }
  if (n % 4 === minute % 4) {
    const file = fileOf(phone, inbox)
    if (file) requests += (await phone.fetch([{ file }])).length
  }
  // A wait that news ends, one that time ends, one that the phone leaves.
  if (n % 3 === 0) {
    requests += 2
    const waited = phone.raw('Ping', pingRequest(inbox, 30))
    await sleep(30)
    await house.deliver(user, `From: a@corpus.test\r\nTo: ${user.address}\r\nSubject: wake ${minute} ${n}\r\n\r\nNow.\r\n`)
    await waited
    await phone.syncAll(inbox)
  } else if (n % 3 === 1) {
    requests++
    await phone.raw('Sync', encodeSync(phone.syncBody({ collections: [{ id: inbox }], heartbeat: 1 })))
  } else {
    requests++
    await phone.raw('Ping', pingRequest(inbox, 300), { signal: AbortSignal.timeout(200) }).catch(() => undefined)
  }
  // What is old goes, so that mailboxes stay as they are.
  const old = [...phone.held(inbox).items].filter(([, { subject }]) => /^(wake|memory)/.test(subject)).slice(0, -6)
  if (kind === 0 && old.length) await phone.sync({ collections: [{ id: inbox, deletesAsMoves: false, commands: old.map(([id]) => ({ kind: 'Delete', id })) }] })
  phone.close()
  return requests
}

/** AirSyncBase FileReference of the first file among what the phone holds. */
function fileOf(phone: Phone, inbox: string): string | undefined {
  for (const { data } of phone.held(inbox).items.values()) {
    const list = data?.children.find(({ tag }) => tag === 'AirSyncBase:Attachments')
    const found = list?.children[0]?.children.find(({ tag }) => tag === 'AirSyncBase:FileReference')
    if (found) return found.text
  }
  return undefined
}

function withFile(n: number): string {
  const file = Buffer.alloc(300_000, n).toString('base64').replace(/.{76}/g, '$&\r\n')
  return `From: a@corpus.test\r\nSubject: a file\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n--b\r\n`
    + `Content-Type: application/octet-stream; name=file.bin\r\nContent-Disposition: attachment; filename=file.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n${file}\r\n--b--\r\n`
}

async function measure({ house }: Bench, { pid }: Postern, inspected: Inspected, wait: number, minute: number, requests: number): Promise<Row> {
  await sleep(wait)
  const heap = await inspected.heap(), { memory: resident } = usage(pid)
  return { minute, requests, ...heap, resident, descriptors: readdirSync(`/proc/${pid}/fd`).length, sessions: connectionsTo(pid, house.imap.port) }
}

/** TCP connections of a process to that port; proc(5), /proc/net/tcp. */
function connectionsTo(pid: number, port: number): number {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  }))
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').map(row => row.trim().split(/\s+/))
    .filter(row => row[2]?.endsWith(end) && own.has(row[9] ?? '')).length
}

async function keepSnapshot(inspected: Inspected, path: string): Promise<void> {
  const file = createWriteStream(path)
  await inspected.snapshot(chunk => file.write(chunk))
  await new Promise<void>(resolve => file.end(resolve))
}


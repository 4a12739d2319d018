import { listedFields } from '../../src/model/message.ts'
import { list, number, parseResponse, text, type Value } from '../../src/backend/imap-response.ts'
import type { Postern } from '../support/postern.ts'
import type { User } from '../support/users.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncAll, type Login } from './light-phone.ts'
import { floor, mb, mib, ms, percent, printTable, quantile, whole } from './print.ts'
import { treeUsage, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'

const window = 100
const html = 32 * 1024

type Run = {
  readonly items: number
  readonly octets: number
  readonly seconds: number
  readonly windows: readonly number[]
  /** Milliseconds of computing, and KiB: of Postern, and of Dovecot's processes. */
  readonly own: { readonly cpu: number; readonly before: number; readonly after: number } | undefined
  readonly dovecot: { readonly cpu: number; readonly after: number }
}

/** A phone's first Sync of an inbox, beside the same headers, structures and texts fetched by a bare IMAP client. */
export async function firstSync(bench: Bench): Promise<void> {
  const rows: string[][] = []
  let slowest = Infinity
  for (const size of bench.quick ? [1000] : [1000, 20_000]) {
    const user = await bench.mailbox(size)
    const raw = await rawRuns(bench, user)
    rows.push(row(`${whole(size)}: raw IMAP`, raw, raw))
    const postern = await bench.postern()
    for (const [name, gzip] of [['Postern, just started', false], ['Postern', false], ['Postern, gzip', true]] as const) {
      const run = await posternRun(bench, postern, user, gzip)
      if (run.items !== size) throw new Error(`${run.items} of ${size} items came`)
      if (name === 'Postern') slowest = Math.min(slowest, run.items / run.seconds)
      rows.push(row(`${whole(size)}: ${name}`, run, raw))
    }
    await postern.stop()
  }
  const trips = await roundTrips(bench)
  printTable(`First sync: windows of ${window}, HTML bodies up to 32 KiB`,
    ['mailbox', 'items/s', 'of raw', 'ms/window p50', 'p99', 'MB', 'Postern us/item', 'MiB before', 'after', 'Dovecot us/item', 'MiB'], rows, [
      'us/item: processor time. Memory: resident set of Postern, proportional set of all Dovecot processes.',
      'Dovecot has read every message once before, so its own cache is warm for both.',
      floor(slowest > 1000, `first sync above 1,000 items/s: ${whole(slowest)}`),
      floor(trips <= 3, `at most three IMAP round trips a window, with those that read the next one meanwhile: ${trips.toFixed(1)}`),
    ])
}

function row(name: string, run: Run, raw: Run): string[] {
  const rate = run.items / run.seconds
  const { own, dovecot } = run
  return [
    name, whole(rate), percent(rate / (raw.items / raw.seconds)), ms(quantile(run.windows, 0.5)), ms(quantile(run.windows, 0.99)), mb(run.octets),
    own ? whole(own.cpu * 1000 / run.items) : '', own ? mib(own.before) : '', own ? mib(own.after) : '',
    whole(dovecot.cpu * 1000 / run.items), mib(dovecot.after),
  ]
}

async function posternRun(bench: Bench, postern: Postern, user: Login, gzip: boolean): Promise<Run> {
  const phone = await lightPhone(postern, user, 'first', gzip)
  const id = await inboxOf(phone)
  const before = usage(postern.pid), dovecotBefore = treeUsage(bench.dovecotPid())
  const windows: number[] = []
  let items = 0, octets = 0
  const start = performance.now()
  await syncAll(phone, id, { window, html }, one => {
    windows.push(one.answer.last)
    items += one.items
    octets += one.answer.octets
  })
  const seconds = (performance.now() - start) / 1000
  const after = usage(postern.pid), dovecotAfter = treeUsage(bench.dovecotPid())
  phone.close()
  return {
    items, octets, seconds, windows,
    own: { cpu: after.cpu - before.cpu, before: before.memory, after: after.memory },
    dovecot: { cpu: dovecotAfter.cpu - dovecotBefore.cpu, after: dovecotAfter.memory },
  }
}

/** Turns of the conversation with Dovecot per window, seen from the line between. */
async function roundTrips(bench: Bench): Promise<number> {
  const postern = await bench.postern()
  const phone = await lightPhone(postern, bench.counted(await bench.mailbox(1000)), 'turns')
  const id = await inboxOf(phone)
  const turns: number[] = []
  bench.counter.take()
  await syncAll(phone, id, { window, html }, () => void turns.push(bench.counter.take().turns))
  phone.close()
  await postern.stop()
  return turns.reduce((sum, one) => sum + one, 0) / turns.length
}

// --- the same by raw IMAP ----------------------------------------------------------------------------------------------

/** The middle one of three. */
async function rawRuns(bench: Bench, user: User): Promise<Run> {
  const imap = await RawImap.open(bench.account(user))
  await imap.run(['SELECT INBOX'])
  const plan = await textParts(imap)
  const runs: Run[] = []
  for (let n = 0; n < 3; n += 1) runs.push(await rawRun(bench, imap, plan))
  imap.close()
  return runs.toSorted((a, b) => a.seconds - b.seconds)[1]!
}

type TextPart = { readonly uid: number; readonly section: string; readonly octets: number }

/** What a phone shows of each message: where it is, and how much of it 32 KiB of text can be. Newest first. */
async function textParts(imap: RawImap): Promise<TextPart[]> {
  const found: TextPart[] = []
  imap.on = line => {
    const { name, values } = parseResponse(line.slice(2), [])
    if (name !== 'FETCH') return
    const [, uid, , structure] = list(values[0])
    const part = textPart(list(structure), 'HTML', '') ?? textPart(list(structure), 'PLAIN', '')
    if (part) found.push({ uid: number(uid), ...part })
  }
  await imap.run([`UID FETCH 1:* (BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (${listedFields.join(' ')})])`])
  imap.on = undefined
  return found.reverse()
}

/** RFC 9051, BODYSTRUCTURE: the first text part of that kind. */
function textPart(body: readonly Value[], subtype: string, section: string): Omit<TextPart, 'uid'> | undefined {
  if (Array.isArray(body[0])) {
    const parts = body.filter(Array.isArray) as unknown as Value[][]
    for (const [index, part] of parts.entries()) {
      const inner = textPart(part, subtype, `${section}${section && '.'}${index + 1}`)
      if (inner) return inner
    }
    return undefined
  }
  if (text(body[0]).toUpperCase() !== 'TEXT' || text(body[1]).toUpperCase() !== subtype) return undefined
  const growth = { BASE64: 1.4, 'QUOTED-PRINTABLE': 1.5 }[text(body[5]).toUpperCase()] ?? 1
  return { section: section || '1', octets: Math.ceil((html + 256) * growth) }
}

async function rawRun(bench: Bench, imap: RawImap, parts: readonly TextPart[]): Promise<Run> {
  const dovecotBefore = treeUsage(bench.dovecotPid())
  const windows: number[] = []
  const received = imap.received
  const start = performance.now()
  for (let at = 0; at < parts.length; at += window) {
    const begun = performance.now()
    const some = parts.slice(at, at + window)
    const range = `${some.at(-1)!.uid}:${some[0]!.uid}`
    const fields = `BODY.PEEK[HEADER.FIELDS (${listedFields.join(' ')})]`
    await imap.run([`UID FETCH ${range} (FLAGS MODSEQ INTERNALDATE RFC822.SIZE BODYSTRUCTURE ${fields})`])
    const alike = Map.groupBy(some, ({ section, octets }) => `(BODY.PEEK[${section}]<0.${octets}>)`)
    await imap.run([...alike].map(([item, those]) => `UID FETCH ${those.map(({ uid }) => uid).join(',')} ${item}`))
    windows.push(performance.now() - begun)
  }
  const seconds = (performance.now() - start) / 1000
  const after = treeUsage(bench.dovecotPid())
  return {
    items: parts.length, octets: imap.received - received, seconds, windows, own: undefined,
    dovecot: { cpu: after.cpu - dovecotBefore.cpu, after: after.memory },
  }
}

import { randomBytes } from 'node:crypto'
import { el } from '../../src/wire/wbxml.ts'
import type { Bench } from './bench-house.ts'
import { inboxOf, lightPhone, syncOnce, type LightPhone } from './light-phone.ts'
import { mib, ms, percent, printTable, quantile } from './print.ts'
import { resetPeak, usage } from './processes.ts'
import { RawImap } from './raw-imap.ts'
import { texts } from './wbxml-scan.ts'

const size = 5_000_000

type Times = { readonly first: number; readonly last: number }

/** A file of 5 MB by ItemOperations, beside BODY.PEEK of the part it is. */
export async function attachment(bench: Bench): Promise<void> {
  const user = bench.house.user('dave')
  await bench.house.seed(user, 'INBOX', [mailWithFile()])
  const postern = await bench.postern()
  const phones = await Promise.all(Array.from({ length: 8 }, (_, n) => lightPhone(postern, user, `file${n}`)))
  const file = await referenceOf(phones[0]!)
  const imap = await RawImap.open(bench.account(user))
  await imap.run(['SELECT INBOX'])
  const rounds = bench.quick ? 4 : 15

  const raw: Times[] = [], one: Times[] = [], eight: Times[] = []
  await fetchFile(phones[0]!, file)
  await rawFetch(imap)
  for (let n = 0; n < rounds; n += 1) raw.push(await rawFetch(imap))
  const [before, after] = await peaks(postern.pid, async () => {
    for (let n = 0; n < rounds; n += 1) one.push(await fetchFile(phones[0]!, file))
  })
  const [, afterEight] = await peaks(postern.pid, async () => {
    for (let n = 0; n < rounds / 4; n += 1) eight.push(...await Promise.all(phones.map(phone => fetchFile(phone, file))))
  })
  imap.close()
  for (const phone of phones) phone.close()
  await postern.stop()
  const limit = rate(raw, 1)
  const line = (name: string, times: readonly Times[], atOnce: number, memory: string): string[] =>
    [name, at(times, 'first', 0.5), at(times, 'last', 0.5), at(times, 'last', 0.99), rate(times, atOnce).toFixed(0), percent(rate(times, atOnce) / limit), memory]
  printTable('A file of 5 MB', ['', 'first octet ms', 'last ms p50', 'p99', 'MB/s', 'of raw', 'Postern peak MiB'], [
    line('raw IMAP, still base64', raw, 1, ''),
    line('Postern, one at a time', one, 1, `${mib(before!)} -> ${mib(after!)}`),
    line('Postern, eight at once', eight, 8, mib(afterEight!)),
  ], ['MB/s: of the file; on the wire base64 makes 5 MB to 6.8 by IMAP, and 6.7 by EAS.'])
}

function at(times: readonly Times[], which: keyof Times, share: number): string {
  const value = quantile(times.map(each => each[which]), share)
  return Number.isNaN(value) ? '' : ms(value)
}

/** Decoded octets a second, by the time the middle one took. */
const rate = (times: readonly Times[], atOnce: number): number =>
  size * atOnce / 1000 / quantile(times.map(({ last }) => last), 0.5)

async function peaks(pid: number, work: () => Promise<void>): Promise<number[]> {
  resetPeak(pid)
  const before = usage(pid).memory
  await work()
  return [before, usage(pid).peak]
}

function mailWithFile(): Buffer {
  const content = randomBytes(size).toString('base64').replace(/.{76}/g, '$&\r\n')
  return Buffer.from(`From: sender@corpus.test\r\nTo: dave@postern.test\r\nSubject: a large file\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n` +
    `--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="large.pdf"\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${content}\r\n--b--\r\n`)
}

async function referenceOf(phone: LightPhone): Promise<string> {
  const id = await inboxOf(phone)
  const { key } = await syncOnce(phone, { id, key: '0' })
  const { answer } = await syncOnce(phone, { id, key, html: 1024 })
  const [reference] = texts(answer.body, 'AirSyncBase:FileReference')
  if (!reference) throw new Error('the message came without its file')
  return reference
}

async function fetchFile(phone: LightPhone, file: string): Promise<Times> {
  const answer = await phone.ask('ItemOperations', el('ItemOperations:ItemOperations', [
    el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('AirSyncBase:FileReference', file)]),
  ]))
  if (answer.octets < size) throw new Error(`a file of ${answer.octets} octets`)
  return answer
}

async function rawFetch(imap: RawImap): Promise<Times> {
  const begun = performance.now(), received = imap.received
  await imap.run(['UID FETCH 1 (BODY.PEEK[2])'])
  if (imap.received - received < size) throw new Error('IMAP gave less than the file')
  const last = performance.now() - begun
  return { first: NaN, last }
}

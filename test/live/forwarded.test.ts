// 200 originals forwarded by phones: what Dovecot reads of the copies is what it reads of the originals, octet for octet.
import { createHash } from 'node:crypto'
import type { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { awkward } from '../support/awkward.ts'
import { corpus } from '../support/corpus.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { startSmtpSink, type SmtpSink } from '../support/smtp-sink.ts'

let house: House
let postern: Instance
let sink: SmtpSink
let phone: Phone

const head = (subject: string): string =>
  `From: Bob <bob@postern.test>\r\nTo: anna@postern.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replace(' ', '.')}@x>\r\nMIME-Version: 1.0\r\n`
const signed = (n: number): Buffer => Buffer.from(`${head(`signed ${n}`)}Content-Type: multipart/signed; ` +
  'protocol="application/pkcs7-signature"; micalg=sha-256; boundary=s\r\n\r\n' +
  `--s\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nsigned  ${n} \xe9\r\n\r\n--s\r\n` +
  'Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
  `AAAA${n}\r\n--s--${n % 2 ? '' : '\r\n'}`, 'latin1')
const encrypted = (n: number): Buffer => Buffer.from(`${head(`encrypted ${n}`)}Content-Type: application/pkcs7-mime; ` +
  `smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHA6CA${n}\r\n`)

const withFiles = [...corpus({ count: 400 })].filter(({ kind }) => kind === 'attachment' || kind === 'inline').slice(0, 40).map(({ raw }) => Buffer.from(raw))
const originals: readonly Buffer[] = [
  ...awkward(140).map(({ raw }) => raw), ...withFiles,
  ...Array.from({ length: 10 }, (_, n) => signed(n)), ...Array.from({ length: 10 }, (_, n) => encrypted(n)),
]

beforeAll(async () => {
  house = await startHouse({ exim: false })
  sink = await startSmtpSink()
  postern = await startInstance(house, { smtp: sink })
  const { login, password } = house.user('anna')
  phone = new Phone({ url: postern.url, user: login, password })
  await house.seed('anna', 'Originals', originals)
  await phone.folderSync('0')
}, 60_000)
afterAll(async () => {
  phone.close()
  await postern.close()
  await house.stop()
  await sink.stop()
  expect(postern.bugs()).toBe(0)
})

type Node = {
  readonly part?: string; readonly type: string; readonly childNodes?: readonly Node[]
  readonly disposition?: string; readonly parameters?: { readonly name?: string }; readonly dispositionParameters?: { readonly filename?: string }
}
type Leaf = { readonly type: string; readonly mark: string; readonly shown: boolean }
const leaves = (node: Node): Node[] => node.childNodes && node.type.startsWith('multipart/') ? node.childNodes.flatMap(leaves) : [node]
const hash = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** A text that is no file is shown, so it is quoted and no copy. */
const isShown = ({ type, disposition, parameters, dispositionParameters }: Node): boolean =>
  /^text\/(plain|html)$/.test(type) && disposition !== 'attachment' && !parameters?.name && !dispositionParameters?.filename

/** Each leaf of the MIME tree as the server reads it, with a hash of its header and body. */
async function parts(imap: ImapFlow, uid: number): Promise<Leaf[]> {
  const message = await imap.fetchOne(String(uid), { uid: true, bodyStructure: true }, { uid: true })
  if (!message || !message.bodyStructure) throw new Error(`no message ${uid}`)
  const found = leaves(message.bodyStructure as Node).filter(({ part }) => part)
  if (found.length === 0) return []
  const fetched = await imap.fetchOne(String(uid), { uid: true, bodyParts: found.flatMap(({ part }) => [`${part}.mime`, part!]) }, { uid: true })
  const octets = (name: string): Buffer => fetched && fetched.bodyParts?.get(name) || Buffer.alloc(0)
  return found.map(node => {
    // How many empty lines follow a header is not its own.
    const header = octets(`${node.part}.mime`).toString('latin1').replace(/(\r\n)+$/, '')
    const mark = hash(Buffer.concat([Buffer.from(`${header}\r\n\r\n`, 'latin1'), octets(node.part!)]))
    return { type: node.type, mark, shown: isShown(node) }
  })
}

async function sources(imap: ImapFlow): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for await (const { uid, source } of imap.fetch('1:*', { uid: true, source: true })) found.set(uid, source!)
  return found
}

it('200 forwarded originals come out identical, octet for octet (trap 22)', async () => {
  expect(originals.length).toBe(200)
  const folder = phone.folder('Originals')
  await phone.syncAll(folder, { window: 512, options: { bodies: [{ type: 1, size: 0 }] } })
  const ids = [...phone.held(folder).items.keys()]
  expect(ids.length).toBe(200)
  const uidOf = (id: string): number => parseInt(id.split(':')[2]!, 36)
  for (const id of ids) {
    const rich = uidOf(id) % 2
    const status = await phone.smart('SmartForward', id, Buffer.from(
      `To: bob@postern.test\r\nSubject: FW ${uidOf(id)}.\r\nMIME-Version: 1.0\r\nContent-Type: text/${rich ? 'html' : 'plain'}; charset=utf-8\r\n\r\n` +
      `${rich ? '<p>Look</p>' : 'Look'}\r\n`), { clientId: `forward ${id}` })
    expect([id, status]).toEqual([id, ''])
  }

  const imap = await house.imapClient('anna')
  await imap.mailboxOpen('Originals')
  const before = await sources(imap)
  const wanted = new Map<number, Leaf[]>()
  for (const uid of before.keys()) wanted.set(uid, await parts(imap, uid))
  await imap.mailboxOpen('Sent')
  const copies = await sources(imap)
  expect(copies.size).toBe(200)
  // What went over the wire is what was filed; SMTP ends each message with a line end.
  const ended = (message: string): string => message.endsWith('\r\n') ? message : `${message}\r\n`
  expect(sink.messages.toSorted()).toEqual([...copies.values()].map(copy => ended(copy.toString('latin1'))).toSorted())

  let files = 0, wholes = 0
  for (const [sentUid, copy] of copies) {
    const uid = Number(/^Subject: FW (\d+)\./m.exec(copy.toString('latin1'))![1])
    const original = before.get(uid)!.toString('latin1')
    if (/^Content-Type: (multipart\/signed|application\/pkcs7-mime)/m.test(original.slice(0, original.indexOf('\r\n\r\n')))) {
      // Signed and encrypted ones are an attachment as a whole.
      expect(copy.toString('latin1').includes(`\r\n\r\n${original}\r\n--=_`)).toBe(true)
      wholes++
      continue
    }
    const there = new Set((await parts(imap, sentUid)).map(({ mark }) => mark))
    const expected = wanted.get(uid)!
    const lost = expected.filter(({ mark, shown }) => !there.has(mark) && !shown)
    expect([uid, lost.map(({ type }) => type)]).toEqual([uid, []])
    files += expected.filter(({ mark }) => there.has(mark)).length
  }
  expect(wholes).toBe(20)
  expect(files).toBeGreaterThan(300)
}, 120_000)

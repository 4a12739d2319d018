// Large messages through a process of Postern, a real Dovecot and a real Exim: they arrive as they were sent, and memory does not grow with them.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { el, encodeSync } from '../../src/wire/wbxml.ts'
import { resetPeak, usage } from '../bench/processes.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern, type Postern } from '../support/postern.ts'

const mib = 1024 * 1024
let house: House
let postern: Postern
const phones: Phone[] = []
beforeAll(async () => {
  house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 120 * mib } })
  postern = await startPostern(house)
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  expect(postern.log()).not.toContain('"bug"')
  await postern.stop()
  await house.stop()
})

async function phoneOf(user: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const { login, password } = house.user(user)
  const phone = new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password, ...options })
  phones.push(phone)
  await phone.folderSync('0')
  return phone
}

/** Lines of base64, none like another, so that a shifted or repeated one is found. */
function file(octets: number): Buffer {
  const line = 78, lines = Math.ceil(octets / line)
  const all = Buffer.alloc(lines * line, 'A')
  for (let n = 0; n < lines; n++) all.write(`${n.toString(36).padStart(8, '0')}\r\n`, (n + 1) * line - 10, 'latin1')
  return all
}
const head = (subject: string, more = ''): string => 'From: Anna <anna@postern.test>\r\nTo: bob@postern.test\r\n' +
  `Subject: ${subject}\r\nMessage-ID: <${subject}@phone>\r\nDate: Mon, 23 Nov 2026 03:46:00 +0000\r\n${more}MIME-Version: 1.0\r\n`
const withFile = (subject: string, content: Buffer, text = 'text/plain\r\n\r\nSee the file.', more = ''): Buffer => Buffer.concat([
  Buffer.from(`${head(subject, more)}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: ${text}\r\n--b\r\n` +
    'Content-Type: video/mp4; name=film.mp4\r\nContent-Disposition: attachment; filename=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n'),
  content, Buffer.from('--b--\r\n'),
])
const hash = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

async function inFolder<T>(user: string, folder: string, work: (imap: ImapFlow) => Promise<T>): Promise<T> {
  const imap = await house.imapClient(user)
  await imap.mailboxOpen(folder)
  const found = await work(imap)
  imap.close()
  return found
}
const subjects = (user: string, folder: string): Promise<string[]> => inFolder(user, folder, async imap =>
  (await imap.fetchAll('1:*', { envelope: true })).map(({ envelope }) => envelope?.subject ?? ''))

/** The message of that subject, once it is there. */
async function messageOf(user: string, folder: string, subject: string): Promise<Buffer> {
  await expect.poll(() => subjects(user, folder), { timeout: 60_000, interval: 200 }).toContain(subject)
  return inFolder(user, folder, async imap => {
    const all = await imap.fetchAll('1:*', { uid: true, envelope: true })
    const { uid } = all.find(({ envelope }) => envelope?.subject === subject)!
    const found = await imap.fetchOne(String(uid), { source: true }, { uid: true })
    return found ? found.source! : Buffer.alloc(0)
  })
}

/** What arrived, without what the servers on the way put on top. */
async function arrived(user: string, subject: string, begin: string): Promise<Buffer> {
  const message = await messageOf(user, 'INBOX', subject)
  return message.subarray(message.indexOf(`\r\n${begin}`) + 2)
}

/** MiB by which Postern grew above what it had before. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = usage(postern.pid).memory
  resetPeak(postern.pid)
  await work()
  return Math.round((usage(postern.pid).peak - before) / 1024)
}

describe('100 MB', () => {
  const content = file(100_000_000)
  // What a first message costs once: code, connections, and what the garbage collector leaves lying for a while.
  beforeAll(async () => {
    const phone = await phoneOf('anna')
    for (const n of [1, 2]) expect(await phone.sendMail(withFile(`first${n}`, content.subarray(0, 78 * 400_000)))).toBe('')
  }, 60_000)

  it.each([['12.1'], ['16.1']])('are sent and filed in version %s, and memory grows by less than 64 MiB', async version => {
    const phone = await phoneOf('anna', { version })
    const subject = `large${version}`
    const message = withFile(subject, content, undefined, 'Bcc: carol@postern.test\r\n')
    const grown = await growth(async () => expect(await phone.sendMail(message)).toBe(''))
    console.log(`100 MB in version ${version}: ${grown} MiB`)
    expect(grown).toBeLessThan(64)
    const wire = Buffer.from(message.toString('latin1').replace('Bcc: carol@postern.test\r\n', ''), 'latin1')
    expect(hash(await messageOf('anna', 'Sent', subject))).toBe(hash(message))
    expect(hash(await arrived('bob', subject, 'From: Anna'))).toBe(hash(wire))
    expect(await phone.sendMail(message)).toBe(version === '12.1' ? '' : '118')
    expect((await subjects('anna', 'Sent')).filter(one => one === subject)).toHaveLength(1)
  }, 120_000)

  it('of an original are forwarded octet for octet, and memory grows by less than 64 MiB', async () => {
    const original = withFile('original', content)
    await house.seed('dave', 'INBOX', [original])
    const phone = await phoneOf('dave')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    const own = 'To: erin@postern.test\r\nSubject: forwarded\r\nMessage-ID: <f@phone>\r\n\r\nLook.\r\n'
    const grown = await growth(async () => expect(await phone.smart('SmartForward', id!, own)).toBe(''))
    console.log(`100 MB forwarded: ${grown} MiB`)
    expect(grown).toBeLessThan(64)
    const copy = await messageOf('dave', 'Sent', 'forwarded')
    expect(hash(await arrived('erin', 'forwarded', 'To: erin'))).toBe(hash(copy))
    const start = copy.indexOf(content.subarray(0, 78))
    // The line end before a boundary is the boundary's.
    expect(hash(copy.subarray(start, start + content.length - 2))).toBe(hash(content.subarray(0, -2)))
    expect(copy.subarray(0, start).toString()).toContain('See the file.')
    expect(await inFolder('dave', 'INBOX', async imap => (await imap.fetchAll('1:*', { flags: true })).map(({ flags }) => flags?.has('$Forwarded')))).toEqual([true])
  }, 120_000)
})

describe('a large message', () => {
  const content = file(3 * mib)

  it('that is answered with keeps its file, and has the quotation in its text', async () => {
    await house.deliver('frank', 'From: Bob <bob@postern.test>\r\nTo: frank@postern.test\r\nSubject: question\r\nMIME-Version: 1.0\r\n' +
      'Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n' +
      '<p>Which one?</p><img src="cid:pic@bob">\r\n--r\r\nContent-Type: image/png\r\nContent-ID: <pic@bob>\r\nContent-Disposition: inline\r\n' +
      'Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n--q\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nPDF\r\n--q--\r\n')
    const phone = await phoneOf('frank')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    const both = 'multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nThis one.\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>This one.</p>\r\n--a--'
    for (const [command, subject] of [['SmartReply', 'answer'], ['SmartForward', 'forward']] as const) {
      expect(await phone.smart(command, id!, withFile(subject, content, both).toString().replace('From: Anna <anna', 'From: <frank'))).toBe('')
      await messageOf('frank', 'Sent', subject)
      const read = await inFolder('frank', 'Sent', async imap => {
        const all = await imap.fetchAll('1:*', { uid: true, envelope: true, bodyStructure: true })
        const { uid, bodyStructure } = all.find(({ envelope }) => envelope?.subject === subject)!
        type Node = { readonly part?: string; readonly type: string; readonly childNodes?: readonly Node[] }
        const leaves = (node: Node): Node[] => node.childNodes ? node.childNodes.flatMap(leaves) : [node]
        const found: [string, Buffer][] = []
        for (const { part, type } of leaves(bodyStructure as Node)) {
          const one = await imap.download(String(uid), part!, { uid: true })
          const chunks: Buffer[] = []
          for await (const chunk of one.content ?? []) chunks.push(chunk as Buffer)
          found.push([type, Buffer.concat(chunks)])
        }
        return found
      })
      const files = command === 'SmartForward' ? ['application/pdf'] : []
      expect(read.map(([type]) => type)).toEqual(['text/plain', 'text/html', 'video/mp4', 'image/png', ...files])
      const [plain, rich, film] = read.map(([, octets]) => octets)
      expect(plain!.toString()).toMatch(/^This one\.[^]*Which one\?/)
      expect(rich!.toString()).toMatch(/<p>This one\.<\/p>[^]*<p>Which one\?<\/p><img src="cid:pic@bob"/)
      expect(hash(film!)).toBe(hash(Buffer.from(content.toString('latin1'), 'base64')))
    }
  })

  it('that is cut, or that the mail server refuses, is neither sent nor filed, and its repetition is sent once', async () => {
    const phone = await phoneOf('grace')
    const message = (subject: string, to = 'bob@postern.test'): Buffer =>
      Buffer.from(withFile(subject, content).toString('latin1').replace('Anna <anna', '<grace').replace('To: bob@postern.test', `To: ${to}`), 'latin1')
    const body = encodeSync(el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', 'cut'), el('ComposeMail:SaveInSentItems'), el('ComposeMail:Mime', message('cut')),
    ]))
    for (const cutAfter of [2 * mib, body.length - 1]) await expect(phone.raw('SendMail', body, { cutAfter })).rejects.toThrow()
    expect(await phone.sendMail(message('refused', 'nobody-here@postern.test'))).toBe('120')
    expect(await phone.sendMail(Buffer.concat([message('too large'), file(130 * mib)]))).toBe('122')
    await sleep(300)
    expect([await subjects('grace', 'Sent'), (await subjects('bob', 'INBOX')).filter(one => ['cut', 'refused'].includes(one))]).toEqual([[], []])
    await expect.poll(async () => (await phone.raw('SendMail', body)).status).toBe(200)
    await messageOf('bob', 'INBOX', 'cut')
    // Another process does not remember it, and finds it.
    await postern.stop()
    await postern.start()
    expect(await phone.sendMail(message('cut'), { clientId: 'cut' })).toBe('118')
    expect([await subjects('grace', 'Sent'), (await subjects('bob', 'INBOX')).filter(one => one === 'cut')]).toEqual([['cut'], ['cut']])
  }, 60_000)

  it('is sent although Sent is full', async () => {
    const phone = await phoneOf('full')
    expect(await phone.sendMail(Buffer.from(withFile('full', content).toString().replace('Anna <anna', '<full')))).toBe('')
    await messageOf('bob', 'INBOX', 'full')
    expect(await subjects('full', 'Sent')).toEqual([])
    expect(postern.log()).toContain('not filed while sending')
  })
})

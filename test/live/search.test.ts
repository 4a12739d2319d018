// Search and Find as a phone uses them, against a real Dovecot.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { el, text } from '../../src/wire/wbxml.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import { compare, find, search } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
const phones: Phone[] = []

const mail = (subject: string, body: string, more = ''): string =>
  `From: =?utf-8?Q?J=C3=BCrgen?= <juergen@postern.test>\r\nTo: anna@postern.test\r\nSubject: ${subject}\r\n${more}` +
  `MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${body}\r\n`

beforeAll(async () => {
  house = await startHouse({ exim: false })
  postern = await startInstance(house)
  const imap = await house.imapClient('anna')
  for (const folder of ['Arbeit', 'Arbeit/Köln', 'Archive']) await imap.mailboxCreate(folder)
  const put = (folder: string, day: string, message: string): Promise<unknown> => imap.append(folder, message, [], new Date(`${day}T12:00:00Z`))
  await put('INBOX', '2026-10-01', mail('first', 'he said "a AND b" \\ twice'))
  await put('INBOX', '2026-10-02', mail('second', 'a and then, much later, b; Grüße aus Köln'))
  await put('Arbeit', '2026-10-03', mail('=?utf-8?B?5pel5pys6Kqe?=', 'numbers {10} * ( ) %'))
  await put('Arbeit/Köln', '2026-10-04', mail('fourth', '日本語のメールです'))
  for (let n = 0; n < 130; n++) await put('Archive', '2026-09-01', mail(`old ${n}`, 'pagination'))
})
afterEach(() => {
  for (const phone of phones.splice(0)) phone.close()
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

async function phoneOf(name: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const { login, password } = house.user(name)
  const phone = new Phone({ url: postern.url, user: login, password, ...options })
  phones.push(phone)
  await phone.folderSync('0')
  return phone
}

describe('Search', () => {
  const japanese = '日本語'
  // Trap 34: search text with quotes, 8-bit characters and what looks like an operator
  it.each<[string, string, string[]]>([
    ['quotes around what looks like an operator', '"a AND b"', ['first']],
    ['an operator', 'a AND "much later"', ['second']],
    ['umlauts', 'grüße köln', ['second']],
    ['Japanese', '日本語', ['fourth', japanese]],
    ['syntax of IMAP', '{10} %', [japanese]],
    ['a backslash and a stray quote', '\\ "twice', ['first']],
    ['a sender', 'from:jürgen subject:fourth', ['fourth']],
    ['nothing there', 'nirgends', []],
  ])('understands %s', async (_, query, subjects) => {
    for (const version of ['12.1', '16.1']) {
      const phone = await phoneOf('anna', { version })
      const found = await search(phone, { query, rebuild: true })
      expect([found.status, found.store, found.subjects]).toEqual(['1', '1', subjects])
    }
  })

  it('looks into folders, below them, and between dates', async () => {
    const phone = await phoneOf('anna')
    const arbeit = phone.folder('Arbeit')
    const any = 'from:juergen'
    expect((await search(phone, { query: any, folders: [arbeit] })).subjects).toEqual([japanese])
    expect((await search(phone, { query: any, folders: [arbeit], deep: true })).subjects).toEqual(['fourth', japanese])
    expect((await search(phone, { query: any, folders: [phone.folder('Inbox'), arbeit] })).subjects).toEqual([japanese, 'second', 'first'])
    const between = [compare('GreaterThan', '2026-10-01T12:00:00.000Z'), compare('LessThan', '2026-10-03T12:00:00.000Z')]
    expect((await search(phone, { query: between, folders: ['0'] })).subjects).toEqual(['second'])
  })

  it('pages through many matches, each once, and what it names can be fetched', async () => {
    const phone = await phoneOf('anna')
    const first = await search(phone, { query: 'pagination', range: '0-99' })
    const second = await search(phone, { query: 'pagination', range: '100-199' })
    expect([first.store, first.total, first.range, second.store, second.range]).toEqual(['1', '130', '0-99', '1', '100-129'])
    expect(new Set([...first.hits, ...second.hits].map(({ id }) => id)).size).toBe(130)
    const [answer] = await phone.fetch([{ id: first.hits[0]!.id, options: { bodies: [{ type: 1 }] } }])
    expect(text(descend(answer!.properties, 'AirSyncBase:Body'), 'AirSyncBase:Data')).toContain('pagination')
  })

  it('finds a conversation in all folders', async () => {
    const imap = await house.imapClient('bob')
    await imap.mailboxCreate('Work')
    await imap.append('INBOX', mail('start', 'x', 'Message-ID: <1@x>\r\n'))
    await imap.append('Work', mail('Re: start', 'x', 'Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nReferences: <1@x>\r\n'))
    await imap.append('INBOX', mail('start', 'quotes it only', 'Message-ID: <3@x>\r\nReferences: <0@x> <1@x>\r\n'))
    const phone = await phoneOf('bob')
    const { hits: [hit] } = await search(phone, { query: 'subject:"Re: start"' })
    const id = hit!.properties.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
    expect((await search(phone, { query: [el('Search:ConversationId', id)] })).subjects.toSorted()).toEqual(['Re: start', 'start'])
  })
})

it('Find previews what it finds by the query language', async () => {
  const phone = await phoneOf('anna')
  const found = await find(phone, { query: '(from:juergen AND (Köln OR 日本語)) received:2026-10-01..2026-10-31' })
  expect([found.status, found.response, found.subjects]).toEqual(['1', '1', ['fourth', '日本語', 'second']])
  expect(found.hits.map(({ properties }) => text(properties, 'Find:Preview'))).toEqual(
    ['日本語のメールです', 'numbers {10} * ( ) %', 'a and then, much later, b; Grüße aus Köln'])
})

it('Sync in conversation mode shows the whole of a conversation, whatever the time filter', async () => {
  const imap = await house.imapClient('carol')
  const long = new Date(Date.now() - 90 * 24 * 60 * 60 * 1000)
  await imap.append('INBOX', mail('start', 'x', 'Message-ID: <1@c>\r\n'), [], long)
  await imap.append('INBOX', mail('alone', 'x', 'Message-ID: <9@c>\r\n'), [], long)
  await imap.append('INBOX', mail('Re: start', 'x', 'Message-ID: <2@c>\r\nReferences: <1@c>\r\n'), [])
  for (const [conversations, subjects] of [['1', ['Re: start', 'start']], ['0', ['Re: start']]] as const) {
    const phone = await phoneOf('carol', { deviceId: `MODE${conversations}` })
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox, { conversations, options: { filter: 2 } })
    expect([...phone.held(inbox).items.values()].map(({ subject }) => subject).toSorted()).toEqual(subjects)
    expect(phone.held(inbox).duplicates).toEqual([])
  }
})

// Searching on real servers: what a person types arrives as it was meant, whatever is in it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { everything, type MailQuery } from '../../src/model/query.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { openStore, type Store } from './imap-store.ts'

const at = (time: string): Date => new Date(time)
const mail = (subject: string, body: string, head = ''): string =>
  `From: "Bo\u0308rn" <bob@postern.test>\r\nTo: anna@postern.test\r\nSubject: ${subject}\r\nMessage-ID: <${encodeURIComponent(subject)}@postern.test>\r\n` +
  `${head}MIME-Version: 1.0\r\n${/Content-Type/.test(head) ? '' : 'Content-Type: text/plain; charset=utf-8\r\n'}\r\n${body}\r\n`

const withFile = (subject: string): string => mail(subject, '--b\r\n\r\nsee file\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n' +
  'Content-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--', 'Content-Type: multipart/mixed; boundary=b\r\n')

const inbox = [
  { message: mail('offer', 'cheap "quoted text" and a \\ backslash'), internaldate: '2026-10-01T10:00:00Z' },
  { message: mail('=?utf-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien', 'a AND b'), internaldate: '2026-10-02T10:00:00Z' },
  { message: mail('Tokyo', '日本語のメール (NOT) {12}'), internaldate: '2026-10-03T10:00:00Z' },
  { message: withFile('report'), internaldate: '2026-10-04T10:00:00Z' },
]
const work = [
  { message: mail('offer again', 'only a here', 'References: <offer@postern.test>\r\n'), internaldate: '2026-10-02T12:00:00Z' },
  { message: mail('alternative', '--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--',
    'Content-Type: multipart/alternative; boundary=b\r\n'), internaldate: '2026-10-05T23:30:00Z' },
]

const text = (value: string): MailQuery => ({ kind: 'text', text: value })
const field = (name: 'subject' | 'from' | 'references', value: string): MailQuery => ({ kind: 'field', field: name, text: value })
const since = (time: string): MailQuery => ({ kind: 'since', at: at(time) })
const before = (time: string): MailQuery => ({ kind: 'before', at: at(time) })
const and = (...of: MailQuery[]): MailQuery => ({ kind: 'and', of })
const or = (...of: MailQuery[]): MailQuery => ({ kind: 'or', of })
const not = (of: MailQuery): MailQuery => ({ kind: 'not', of })

// What an older or other server would not have.
const servers: [string, string[]][] = [
  ['Dovecot with all it has', []],
  ['a server without ESEARCH and LITERAL+', ['ESEARCH', 'LITERAL+', 'QRESYNC', 'CONDSTORE', 'ENABLE']],
  ['a server that promises fuzzy search', ['no such']],
]

describe.each(servers)('a search on %s', (name, without) => {
  let house: House
  let store: Store
  const lines: string[] = []
  let folders: FolderId[]
  beforeAll(async () => {
    const extra = name.includes('fuzzy') ? 'protocol imap {\n  imap_capability = +SEARCH=FUZZY\n}\n' : ''
    house = await startHouse({ users: 1, exim: false, dovecot: { without: extra ? [] : without, extra } })
    const imap = await house.imapClient('anna')
    await imap.mailboxCreate('Work')
    await imap.mailboxCreate('Empty')
    for (const { message, internaldate } of inbox) await imap.append('INBOX', message, [], at(internaldate))
    for (const { message, internaldate } of work) await imap.append('Work', message, ['\\Flagged'], at(internaldate))
    store = await openStore(house.imap, house.user('anna'), { log: { debug() {}, info() {}, error() {}, warn: (_, line) => void lines.push(line) } })
    folders = (await store.mail.folders()).map(({ id }) => id)
  })
  afterAll(async () => {
    store?.close()
    await house?.stop()
  })

  const subjects = async (query: MailQuery, where = folders, most = 100): Promise<string[]> => {
    const { refs } = await store.mail.search(where, query, most)
    return Promise.all(refs.map(async ({ folder, validity, uid }) => {
      const [message] = await store.mail.messages(folder, validity, [uid])
      return /Subject: (.*)\r/.exec(Buffer.from(message!.header).toString())![1]!
    }))
  }

  const vienna = '=?utf-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien'
  it.each<[what: string, query: MailQuery, found: string[]]>([
    ['everything, newest first over all folders', everything, ['alternative', 'report', 'Tokyo', 'offer again', vienna, 'offer']],
    // Trap 34
    ['quotes', text('"quoted text"'), ['offer']],
    ['a backslash', text('a \\ back'), ['offer']],
    ['what looks like an operator', text('a AND b'), [vienna]],
    ['what looks like syntax', text('(NOT) {12}'), ['Tokyo']],
    ['umlauts in an encoded subject', field('subject', 'grüße'), [vienna]],
    ['Japanese in a body', text('日本語'), ['Tokyo']],
    ['8-bit words before and behind others', and(text('日本語'), field('subject', 'tok'), text('メール')), ['Tokyo']],
    ['one or the other or a third', or(text('日本語'), field('subject', 'grüße'), field('subject', 'report')), ['report', 'Tokyo', vienna]],
    ['but not', and(field('subject', 'offer'), not(text('only a here'))), ['offer']],
    ['from an instant on', since('2026-10-02T12:00:00Z'), ['alternative', 'report', 'Tokyo', 'offer again']],
    ['a second later', since('2026-10-02T12:00:01Z'), ['alternative', 'report', 'Tokyo']],
    ['before an instant', before('2026-10-02T12:00:00Z'), [vienna, 'offer']],
    ['between two of the same day', and(since('2026-10-02T11:00:00Z'), before('2026-10-02T13:00:00Z')), ['offer again']],
    ['days within an or', or(since('2026-10-05T00:00:00Z'), before('2026-10-02T00:00:00Z')), ['alternative', 'offer']],
    ['a field of the header', field('references', '<offer@postern.test>'), ['offer again']],
    ['flags', { kind: 'flag', flag: '\\Flagged' }, ['alternative', 'offer again']],
    ['not a keyword', and(not({ kind: 'flag', flag: '$none' }), field('subject', 'tokyo')), ['Tokyo']],
    ['with files', { kind: 'attachment' }, ['report']],
    ['without files, in one folder', and(not({ kind: 'attachment' }), since('2026-10-03T00:00:00Z')), ['alternative', 'Tokyo']],
    ['files or a word', or({ kind: 'attachment' }, text('日本語')), ['report', 'Tokyo']],
    ['nothing', text('nowhere at all'), []],
    ['none of nothing', or(), []],
  ])('finds %s', async (_, query, found) => {
    expect(await subjects(query)).toEqual(found)
  })

  it('looks into the folders it is told and bounds what it tells', async () => {
    const folderOf = async (folder: string): Promise<FolderId> => (await store.mail.folders()).find(one => one.name === folder)!.id
    expect(await subjects(everything, [await folderOf('Work')])).toEqual(['alternative', 'offer again'])
    expect(await store.mail.search([await folderOf('Empty')], everything, 10)).toEqual({ refs: [], total: 0 })
    expect(await store.mail.search([], everything, 10)).toEqual({ refs: [], total: 0 })
    const { refs, total } = await store.mail.search(folders, everything, 2)
    expect([refs.length, total]).toEqual([2, 6])
  })

  it('says what cannot be sought', async () => {
    await expect(store.mail.search(folders, text('\u0000 '), 10)).rejects.toMatchObject({ kind: 'unsupported' })
    await expect(store.mail.search(folders, text('x'.repeat(1001)), 10)).rejects.toMatchObject({ kind: 'unsupported' })
    await expect(store.mail.search(folders, or(...Array.from({ length: 200 }, () => text('x'))), 10)).rejects.toMatchObject({ kind: 'too-large' })
    await expect(store.mail.search(folders, { kind: 'flag', flag: 'a b' }, 10)).rejects.toMatchObject({ kind: 'unsupported' })
    expect(lines).toEqual([])
  })

  it('asks many folders in two round trips of waiting', async () => {
    await store.mail.search(folders, everything, 10)
    const before = store.session.roundTrips
    await store.mail.search(folders, text('offer'), 10)
    expect(store.session.roundTrips - before).toBeLessThanOrEqual(name.includes('LITERAL+') ? 4 : 2)
  })

  it('and literals of several requests at once stay apart', async () => {
    const { id } = (await store.mail.folders()).find(one => one.name === 'Empty')!
    const work = await Promise.all([
      store.mail.search(folders, text('日本語'), 10), store.mail.append(id, Buffer.from(letterOf('one')), []), store.mail.folder(id),
      store.mail.search(folders, and(text('日本語'), text('メール')), 10), store.mail.append(id, Buffer.from(letterOf('two')), []),
      store.mail.search(folders, text('Tokyo'), 10),
    ])
    expect([work[0].total, work[3].total, work[5].total]).toEqual([1, 1, 1])
    expect(await subjects(everything, [id])).toEqual(['two', 'one'])
    await store.mail.empty(id)
  })

  it('empties a folder of what is in it and of nothing else', async () => {
    const imap = await house.imapClient('anna')
    await imap.mailboxCreate('Bin')
    await imap.mailboxCreate('Bin/Below')
    for (const folder of ['Bin', 'Bin', 'Bin/Below']) await imap.append(folder, letterOf('x'))
    const bin = (await store.mail.folders()).find(one => one.name === 'Bin')!
    await store.mail.empty(bin.id)
    await store.mail.empty(bin.id)
    expect(await subjects(everything, [bin.id])).toEqual([])
    expect((await imap.status('Bin/Below', { messages: true }))).toMatchObject({ messages: 1 })
    const outbox = await store.mail.folderByRole('outbox')
    await store.mail.empty(outbox.id)
  })
})

describe('a search on a server that knows no UTF-8', () => {
  it('looks for what is ASCII of the words and says so', async () => {
    const house = await startHouse({ users: 1, exim: false })
    const imap = await house.imapClient('anna')
    for (const { message } of inbox) await imap.append('INBOX', message)
    const rewriteUp = (chunk: Buffer): Buffer => Buffer.from(chunk.toString('latin1').replaceAll('CHARSET UTF-8', 'CHARSET KOI-9'), 'latin1')
    const proxy = await TcpProxy.start(house.imap, { rewriteUp })
    const lines: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, line: string) => void lines.push(line) }
    const store = await openStore(proxy, house.user('anna'), { log })
    const { id } = await store.mail.folderByRole('inbox')
    const found = async (query: MailQuery): Promise<number[]> => (await store.mail.search([id], query, 10)).refs.map(({ uid }) => uid)
    expect(await found(text('off'))).toEqual([1])
    expect(lines).toEqual([])
    expect(await found(text('mit Grüßen aus Wien'))).toEqual([])
    expect(await found(field('subject', 'ße aus Wien'))).toEqual([2])
    expect(lines).toEqual([expect.stringContaining('ASCII'), expect.stringContaining('ASCII')])
    await expect(store.mail.search([id], text('日本語'), 10)).rejects.toMatchObject({ kind: 'unsupported' })
    store.close()
    await proxy.close()
    await house.stop()
  })
})

const letterOf = (subject: string): string => mail(subject, 'x')

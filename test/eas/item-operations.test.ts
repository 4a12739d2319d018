import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes } from 'node:crypto'
import { Failure } from '../../src/base/failure.ts'
import { child, children, decode, el, text, type Element } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { descend, type Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
let inbox: string
beforeEach(async () => {
  server = await easServer({ maxRequest: 8 * 1024 * 1024, maxHeld: 8 * 1024 * 1024 })
  phone = server.phone()
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
})
afterEach(() => server.stop())

const file = Buffer.from(randomBytes(10_000))
const lines = (octets: Buffer): string => octets.toString('base64').replace(/.{76}/g, '$&\r\n')
const withFiles = 'From: bob@postern.test\r\nTo: anna@postern.test\r\nSubject: files\r\nMIME-Version: 1.0\r\n' +
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
  `--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee the files.\r\n` +
  '--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n' +
  `Content-Disposition: attachment; filename=a.pdf\r\n\r\n${lines(file)}\r\n` +
  '--b\r\nContent-Type: text/csv; name=b.csv\r\nContent-Transfer-Encoding: quoted-printable\r\n' +
  'Content-Disposition: attachment\r\n\r\na=3Db;=\r\nc  \r\nd\r\n' +
  `--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n`

const id = (uid: number): string => `${inbox}:1:${uid.toString(36)}`
const body = (properties: Element | undefined): string | undefined => text(
  descend(properties, 'AirSyncBase:Body'), 'AirSyncBase:Data'
)
const data = (properties: Element | undefined): Buffer => Buffer.from(text(properties!, 'ItemOperations:Data') ?? '', 'base64')

describe('ItemOperations fetches an item', () => {
  it('with its properties, in the body type it asks for', async () => {
    server.account.deliver('inbox', 'Subject: hi\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>')
    const [html, plain, none, mime] = await phone.fetch([
      { id: id(1), folder: inbox, options: { bodies: [{ type: 2 }] } },
      { id: id(1), options: { bodies: [{ type: 1 }] } },
      { id: id(1) },
      { id: id(1), options: { mimeSupport: 2, bodies: [{ type: 4 }] } },
    ])
    expect(
      [html!.status, text(html!.properties!, 'Email:Subject'), body(html!.properties)]
    ).toEqual(['1', 'hi', '<p>Hello <b>you</b></p>'])
    expect(body(plain!.properties)!.trim()).toBe('Hello you')
    expect(body(none!.properties)!.trim()).toBe('Hello you')
    expect(body(mime!.properties)).toBe('Subject: hi\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>')
  })

  it('cut to the size it asks for', async () => {
    server.account.deliver('inbox', `Subject: long\r\n\r\n${'0123456789'.repeat(100)}`)
    const [one] = await phone.fetch([{ id: id(1), options: { bodies: [{ type: 1, size: 25 }] } }])
    const element = descend(one!.properties, 'AirSyncBase:Body')
    expect(
      [body(one!.properties), text(element, 'AirSyncBase:Truncated'), text(element, 'AirSyncBase:EstimatedDataSize')]
    ).toEqual([
      '0123456789012345678901234', '1', '1000',
    ])
  })

  it('of a whole large message, which flows through', async () => {
    const large = 'Subject: large\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
      'Grüße und so weiter, 4 €\r\n'.repeat(20_000)
    server.account.deliver('inbox', large)
    server.account.calls.length = 0
    const [one] = await phone.fetch([{ id: id(1), options: { mimeSupport: 2, bodies: [{ type: 4 }] } }])
    expect(body(one!.properties)).toBe(large)
    expect(server.account.calls).toContain('stream')
    expect(server.account.calls).not.toContain('parts')
  })

  it('several of a folder in two round trips, answers in the order asked', async () => {
    for (let n = 0; n < 20; n++) server.account.deliver('inbox', `Subject: number ${n}\r\n\r\nx`)
    server.account.calls.length = 0
    const wishes = [7, 3, 99, 12, 3, 20].map(uid => ({ id: id(uid), folder: inbox, options: { bodies: [{ type: 1 }] } }))
    const answers = await phone.fetch(wishes)
    expect(answers.map(({ status, properties }) => [status, properties && text(properties, 'Email:Subject')])).toEqual([
      ['1', 'number 6'], ['1', 'number 2'], ['6', undefined], ['1', 'number 11'], ['1', 'number 2'], ['1', 'number 19'],
    ])
    expect(server.account.calls).toEqual(['folder', 'messages', 'parts'])
  })

  it.each([
    ['nonsense', undefined], ['f99:1:1', undefined], [`f1:9:1`, undefined], ['f1:1:zzz', undefined], ['f1:1:1', 'f2'],
  ])('%s in %s is not there', async (one, folder) => {
    server.account.deliver('inbox')
    expect(
      await phone.fetch([folder ? { id: one, folder } : { id: one }])
    ).toMatchObject([{ status: '6', properties: undefined }])
  })
})

describe('ItemOperations fetches a file', () => {
  beforeEach(async () => {
    server.account.deliver('inbox', withFiles)
    await phone.syncAll(inbox)
  })

  it('for every reference a Sync gave', async () => {
    const attachments = descend(phone.held(inbox).items.get(id(1))!.data, 'AirSyncBase:Attachments').children
    const references = attachments.map(one => text(one, 'AirSyncBase:FileReference')!)
    expect(attachments.map(one => text(one, 'AirSyncBase:DisplayName'))).toEqual(['a.pdf', 'b.csv', 'message-3.eml'])
    const answers = await phone.fetch(references.map(reference => ({ file: reference })))
    expect(answers.map(({ status, properties }) => [status, text(properties!, 'AirSyncBase:ContentType')])).toEqual([
      ['1', 'application/pdf'], ['1', 'text/csv'], ['1', 'message/rfc822'],
    ])
    expect(data(answers[0]!.properties).equals(file)).toBe(true)
    expect(data(answers[1]!.properties).toString()).toBe('a=b;c\r\nd')
    expect(data(answers[2]!.properties).toString()).toBe('Subject: inner\r\n\r\ninner text')
    expect(child(answers[0]!.properties!, 'ItemOperations:Range')).toBeUndefined()
  })

  it.each([['0-99', '0-99', [0, 100]], ['9900-99999', '9900-9999', [9900, 10_000]], ['5000-5000', '5000-5000', [5000, 5001]]])(
    'in the range %s', async (range, told, [from, to]) => {
      const [one] = await phone.fetch([{ file: `${id(1)}:2`, range }])
      expect(
        [text(one!.properties!, 'ItemOperations:Range'), text(one!.properties!, 'ItemOperations:Total')]
      ).toEqual([told, '10000'])
      expect(data(one!.properties).equals(file.subarray(from, to))).toBe(true)
    })

  it.each([['10000-10001'], ['9-5'], ['x'], ['-5'], ['0-']])('but not in the range %s', async range => {
    expect(await phone.fetch([{ file: `${id(1)}:2`, range }])).toMatchObject([{ status: '8', properties: undefined }])
  })

  it.each([['nonsense'], ['f1:1:1:9'], ['f1:1:zz:2'], ['f99:1:1:2'], ['f1:2:1:2']])('but not %s', async reference => {
    expect(await phone.fetch([{ file: reference }])).toMatchObject([{ status: '15', properties: undefined }])
  })

  it('by GetAttachment in version 12.1', async () => {
    const old = server.phone({ version: '12.1' })
    const get = (AttachmentName: string) => old.raw('GetAttachment', undefined, { parameters: { AttachmentName } })
    const answer = await get(`${id(1)}:2`)
    expect(
      [answer.status, answer.headers['content-type'], Buffer.from(answer.bytes).equals(file)]
    ).toEqual([200, 'application/pdf', true])
    expect((await get('nonsense')).status).toBe(500)
    expect((await old.raw('GetAttachment', undefined)).status).toBe(400)
    expect((await phone.raw('GetAttachment', undefined, { parameters: { AttachmentName: `${id(1)}:2` } })).status).toBe(501)
  })
})

describe('ItemOperations answers', () => {
  const operate = async (...operations: Parameters<typeof el>[1] & object[]) => decode((await phone.raw(
    'ItemOperations', el('ItemOperations:ItemOperations', operations as never))).bytes)

  it('each operation with its own status, in the order asked', async () => {
    server.account.deliver('inbox')
    const fetch = (...nodes: Parameters<typeof el>[1] & object[]) =>
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), ...nodes as never])
    const options = (...nodes: Parameters<typeof el>[1] & object[]) => el('ItemOperations:Options', nodes as never)
    const answer = await operate(
      el('ItemOperations:EmptyFolderContents', [el('AirSync:CollectionId', 'f99')]),
      el('ItemOperations:Move', [el('ItemOperations:ConversationId', Buffer.from([1, 2])), el('ItemOperations:DstFldId', 'f2')]),
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Document Library'), el('AirSync:ServerId', 'x')]),
      fetch(el('AirSync:ServerId', id(1)), options(el('ItemOperations:MoveAlways'))),
      fetch(el('AirSyncBase:FileReference', `${id(1)}:1`), options(el('ItemOperations:Schema'))),
      fetch(el('AirSync:ServerId', id(1))),
    )
    expect(text(answer, 'ItemOperations:Status')).toBe('1')
    const response = descend(answer, 'ItemOperations:Response')
    expect(response.children.map(one => [one.tag, text(one, 'ItemOperations:Status')])).toEqual([
      ['ItemOperations:EmptyFolderContents', '6'], ['ItemOperations:Move', '155'], ['ItemOperations:Fetch', '9'],
      ['ItemOperations:Fetch', '2'], ['ItemOperations:Fetch', '2'], ['ItemOperations:Fetch', '1'],
    ])
    expect(server.account.list('inbox')).toHaveLength(1)
  })

  it.each([
    ['no operation', []],
    ['something that is none', [el('Ping:Ping')]],
    ['a Fetch of nothing', [el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox')])]],
    ['an impossible MIMESupport', [el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'), el('AirSync:ServerId', 'x'),
      el('ItemOperations:Options', [el('AirSync:MIMESupport', '7')]),
    ])]],
  ])('%s with a protocol error', async (_, operations) => {
    const answer = await operate(...operations as never)
    expect([text(answer, 'ItemOperations:Status'), children(answer, 'ItemOperations:Response')]).toEqual(['2', []])
  })

  it('with a server error when the mail server is away, so that nothing looks gone', async () => {
    server.account.deliver('inbox')
    server.account.outage = new Failure('unavailable', 'gone')
    const answer = await operate(
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('AirSync:ServerId', id(1))])
    )
    expect(answer.children.map(one => [one.tag, one.text])).toEqual([['ItemOperations:Status', '3']])
  })
})

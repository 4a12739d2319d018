// Files that programs of old wrote into the text: uuencode.
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { children, decode, text, type Element } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { golden } from '../support/golden.ts'
import { uuencoded } from '../support/uuencode.ts'

let server: EasServer
let phone: Phone
let inbox: string
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
})
afterEach(() => server.stop())

const message = (body: string, fields = 'Content-Type: text/plain; charset=iso-8859-1\r\n'): string =>
  `From: bob@x.test\r\nTo: anna@postern.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n${fields}\r\n${body}`
const one = randomBytes(3000), two = Buffer.from('second')
const words = 'See the two:\r\n'
const both = `${words}${uuencoded('one.bin', one)}and\r\n${uuencoded('zwei für.txt', two)}Bye\r\n`
const plain = { bodies: [{ type: 1 }] }

type Shown = { readonly body: string | undefined; readonly truncated: string | undefined; readonly files: readonly (readonly (string | undefined)[])[] }
const shown = (data: Element): Shown => {
  const body = descend(data, 'AirSyncBase:Body')
  const list = data.children.find(({ tag }) => tag === 'AirSyncBase:Attachments')
  return {
    body: text(body, 'AirSyncBase:Data'), truncated: text(body, 'AirSyncBase:Truncated'),
    files: list ? children(list, 'AirSyncBase:Attachment').map(file =>
      (['AirSyncBase:DisplayName', 'AirSyncBase:FileReference', 'AirSyncBase:EstimatedDataSize'] as const).map(tag => text(file, tag))) : [],
  }
}
async function synced(options: Parameters<Phone['syncAll']>[1] = { options: plain }): Promise<Shown> {
  await phone.syncAll(inbox, options)
  return shown([...phone.held(inbox).items.values()].at(-1)!.data!)
}
const file = async (reference: string, range?: string) => (await phone.fetch([{ file: reference, ...(range ? { range } : {}) }]))[0]!
const octets = ({ properties }: Awaited<ReturnType<typeof file>>): Buffer => Buffer.from(text(properties!, 'ItemOperations:Data')!, 'base64')

describe('a text with files in it', () => {
  it.each([
    ['as it is', both, ''], ['in quoted-printable', both.replaceAll('=', '=3D').replace('für', 'f=FCr'), 'Content-Transfer-Encoding: quoted-printable\r\n'],
    ['in base64', `${Buffer.from(both, 'latin1').toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`, 'Content-Transfer-Encoding: base64\r\n'],
  ])('is shown without them, and they as attachments: %s', async (_, body, encoding) => {
    server.account.deliver('Inbox', Buffer.from(message(body, `Content-Type: text/plain; charset=iso-8859-1\r\n${encoding}`), 'latin1'))
    const item = await synced()
    expect(item).toEqual({
      body: 'See the two:\r\nand\r\nBye\r\n', truncated: undefined,
      files: [['one.bin', `${inbox}:1:1:1-2`, '3000'], ['zwei für.txt', `${inbox}:1:1:1-3`, '6']],
    })
    expect(octets(await file(item.files[0]![1]!))).toEqual(one)
    expect(octets(await file(item.files[1]![1]!))).toEqual(two)
  })

  it('in version 2.5 has them by GetAttachment', async () => {
    server.account.deliver('Inbox', Buffer.from(message(both), 'latin1'))
    const old = server.phone({ version: '2.5' })
    await old.syncAll(inbox, { options: { truncation: 9 } })
    const [item] = [...old.held(inbox).items.values()]
    expect(item!.body).toBe('See the two:\r\nand\r\nBye\r\n')
    const names = children(descend(item!.data, 'Email:Attachments'), 'Email:Attachment').map(one => text(one, 'Email:AttName')!)
    const answer = await old.raw('GetAttachment', undefined, { parameters: { AttachmentName: names[0]! } })
    expect([answer.status, Buffer.from(answer.bytes)]).toEqual([200, one])
  })

  it('hands out ranges of them, and nothing for one that is not there', async () => {
    server.account.deliver('Inbox', Buffer.from(message(both), 'latin1'))
    const answer = await file(`${inbox}:1:1:1-2`, '10-19')
    expect(octets(answer)).toEqual(one.subarray(10, 20))
    expect(text(answer.properties!, 'ItemOperations:Total')).toBe('3000')
    for (const reference of ['1-4', '1-1', '1-0', '2-2']) expect(await file(`${inbox}:1:1:${reference}`)).toMatchObject({ status: '15' })
  })

  it('beside a form in HTML, signed, or a draft stays as it is', async () => {
    const alternative = `--b\r\nContent-Type: text/plain\r\n\r\n${both}--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n`
    server.account.deliver('Inbox', Buffer.from(message(alternative, 'Content-Type: multipart/alternative; boundary=b\r\n'), 'latin1'))
    expect((await synced()).files).toEqual([])
    server.account.deliver('Drafts', Buffer.from(message(both), 'latin1'))
    const drafts = phone.folder('Drafts')
    await phone.syncAll(drafts, { options: plain })
    expect(shown([...phone.held(drafts).items.values()][0]!.data!).files).toEqual([])
  })

  it('among files of today shows both', async () => {
    const mixed = `--b\r\nContent-Type: text/plain\r\n\r\n${both}--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\nPDF\r\n--b--\r\n`
    server.account.deliver('Inbox', Buffer.from(message(mixed, 'Content-Type: multipart/mixed; boundary=b\r\n'), 'latin1'))
    expect((await synced()).files.map(([name]) => name)).toEqual(['one.bin', expect.stringMatching(/^zwei/), 'a.pdf'])
  })

  it('that only speaks of beginning is a text', async () => {
    server.account.deliver('Inbox', message('Now\r\nbegin 644 times\r\nand again\r\n'))
    expect(await synced()).toEqual({ body: 'Now\r\nbegin 644 times\r\nand again\r\n', truncated: undefined, files: [] })
  })
})

describe('what is read', () => {
  const parts = (): number => server.account.calls.filter(name => name === 'parts').length

  it('for a list of short texts is read at once', async () => {
    server.account.deliver('Inbox', Buffer.from(message(both.replace(/M.*\r\n/g, '')), 'latin1'))
    await synced({ options: { bodies: [{ type: 1, size: 500 }] } })
    expect(parts()).toBe(1)
  })

  it('of a text of less than 1 MiB is all of it, where its beginning tells of files', async () => {
    const large = randomBytes(300_000)
    server.account.deliver('Inbox', Buffer.from(message(`${words}${uuencoded('large.bin', large)}Bye\r\n`), 'latin1'))
    const item = await synced({ options: { bodies: [{ type: 1, size: 500 }] } })
    expect(parts()).toBe(2)
    expect(item).toEqual({ body: 'See the two:\r\nBye\r\n', truncated: undefined, files: [['large.bin', `${inbox}:1:1:1-2`, '300000']] })
  })

  it('of a longer text is its beginning: what begins there is shown, and the text is told as cut', async () => {
    const large = randomBytes(1_500_000)
    server.account.deliver('Inbox', Buffer.from(message(`${words}${uuencoded('large.bin', large)}Bye\r\n`), 'latin1'))
    const item = await synced({ options: { bodies: [{ type: 1, size: 500 }] } })
    expect(parts()).toBe(1)
    expect(item).toMatchObject({ body: words, truncated: '1', files: [['large.bin', `${inbox}:1:1:1-2`, expect.stringMatching(/^1[45]\d{5}$/)]] })
    expect(octets(await file(item.files[0]![1]!)).equals(large)).toBe(true)
    const [whole] = await phone.fetch([{ id: `${inbox}:1:1`, folder: inbox, options: plain }])
    expect(shown(whole!.properties!)).toMatchObject({ body: 'See the two:\r\nBye\r\n', truncated: undefined, files: [['large.bin', expect.anything(), '1500000']] })
  })

  it('is nothing where no text is wanted', async () => {
    server.account.deliver('Inbox', Buffer.from(message(both), 'latin1'))
    expect((await synced({ options: { bodies: [{ type: 1, size: 0 }] } })).files).toEqual([])
    expect(parts()).toBe(0)
  })
})

it('is told as recorded', async () => {
  server.account.deliver('Inbox', message(`See:\r\n${uuencoded('Grüße.txt', Buffer.from('Hello, world'))}Bye\r\n`, 'Content-Type: text/plain; charset=utf-8\r\n'))
  await phone.sync({ collections: [{ id: inbox }] })
  golden('eas/sync/uuencoded.response.xml', printXml(decode((await phone.sync({ collections: [{ id: inbox, options: plain }] })).bytes)))
})

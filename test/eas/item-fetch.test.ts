import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes } from 'node:crypto'
import { el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { descend, type Phone, type PhoneOptions } from '../support/eas-client.ts'
import { readMultipart } from '../support/eas-multipart.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer({ maxRequest: 8 * 1024 * 1024, maxHeld: 8 * 1024 * 1024 })
  phone = server.phone()
  await phone.folderSync('0')
})
afterEach(() => server.stop())

const file = Buffer.from(randomBytes(10_000))
const withFile = 'From: bob@postern.test\r\nSubject: file\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
  '--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße, €\r\n' +
  '--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n' +
  `Content-Disposition: attachment\r\n\r\n${file.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n--b--\r\n`
const large = 'Subject: large\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
  'Grüße und so weiter, 4 €\r\n'.repeat(20_000)

const item = (id: string, ...options: Node[]): Node => el('ItemOperations:Fetch', [
  el('ItemOperations:Store', 'Mailbox'), el('AirSync:ServerId', id), ...(options.length ? [el('ItemOperations:Options', options)] : []),
])
const fileNode = (reference: string, range?: string): Node => el('ItemOperations:Fetch', [
  el('ItemOperations:Store', 'Mailbox'), el('AirSyncBase:FileReference', reference),
  ...(range ? [el('ItemOperations:Options', [el('ItemOperations:Range', range)])] : []),
])
const preference = (type: number, size?: number): Node => el('AirSyncBase:BodyPreference', [
  el('AirSyncBase:Type', String(type)), ...(size === undefined ? [] : [el('AirSyncBase:TruncationSize', String(size))]),
])
const range = (value: string): Node => el('ItemOperations:Range', value)
const operations = (...nodes: Node[]): Node => el('ItemOperations:ItemOperations', nodes)
const fetched = (root: Element): readonly Element[] => descend(root, 'ItemOperations:Response').children

describe('Schema', () => {
  const tags = async (...schema: Tag[]): Promise<string[]> => {
    const answer = await phone.command('ItemOperations', operations(item('f1:1:1', el('ItemOperations:Schema', schema.map(tag => el(tag))))))
    return descend(fetched(answer!)[0], 'ItemOperations:Properties').children.map(({ tag }) => tag)
  }

  it('restricts the answer to the properties it names, and what is fetched for them', async () => {
    server.account.deliver('inbox', withFile)
    expect(await tags('Email:Subject', 'Email:From', 'Email:To')).toEqual(['Email:From', 'Email:Subject'])
    expect(server.account.calls).not.toContain('parts')
    expect(await tags('AirSyncBase:Body')).toEqual(['AirSyncBase:Body'])
    expect(server.account.calls).toContain('parts')
    expect(await tags()).toEqual([])
  })
})

describe('a Range of an item', () => {
  const ranged = async (value: string, ...more: Node[]): Promise<(string | undefined)[]> => {
    const answer = await phone.command('ItemOperations', operations(item('f1:1:1', range(value), ...more)))
    const [one] = fetched(answer!)
    const status = text(one!, 'ItemOperations:Status')
    if (status !== '1') return [status]
    const properties = descend(one, 'ItemOperations:Properties')
    const body = descend(properties, 'AirSyncBase:Body')
    return [
      text(properties, 'ItemOperations:Range'), text(properties, 'ItemOperations:Total'), text(body, 'AirSyncBase:Truncated'),
      text(body, 'AirSyncBase:Data'),
    ]
  }

  // G r ü ü ß ß e , space € € €
  it.each<[string, (string | undefined)[]]>([
    ['0-1', ['0-1', '12', '1', 'Gr']], ['0-2', ['0-3', '12', '1', 'Grü']], ['3-5', ['2-5', '12', '1', 'üß']], ['7-99', ['7-11', '12', '1', ', €']],
    ['0-99', ['0-11', '12', undefined, 'Grüße, €']], ['11-11', ['9-11', '12', '1', '€']], ['12-12', ['8']], ['5-3', ['8']], ['x', ['8']],
  ])('%s is told in whole characters', async (value, told) => {
    server.account.deliver('inbox', 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße, €')
    expect(await ranged(value, preference(1))).toEqual(told)
  })

  it('of a large message flows through', async () => {
    server.account.deliver('inbox', large)
    const octets = Buffer.from(large)
    const [told, total, , data] = await ranged('1000-1999', el('AirSync:MIMESupport', '2'), preference(4))
    expect([told, total, data]).toEqual(['1000-1999', String(octets.length), octets.toString('utf8', 1000, 2000)])
  })
})

describe('a multipart answer', () => {
  const ask = async (body: Node, options: Partial<PhoneOptions> = {}) => {
    const client = server.phone(options)
    const extra = options.query === 'base64' ? { parameters: { AcceptMultiPart: 'T' } } : { headers: { 'ms-asacceptmultipart': 'T' } }
    return client.raw('ItemOperations', body, extra)
  }

  it('has the tree first and the data behind it', async () => {
    server.account.deliver('inbox', withFile)
    const { status, headers, bytes } = await ask(operations(
      fileNode('f1:1:1:2'), item('f1:1:1', preference(1)), fileNode('f1:1:1:2', '9990-99999'), item('f1:1:9'), fileNode('f1:1:1:7'),
    ))
    expect([status, headers['content-type'], headers['content-length']])
      .toEqual([200, 'application/vnd.ms-sync.multipart', String(bytes.length)])
    const { root, parts } = readMultipart(bytes)
    const [whole, mail, piece, gone, none] = fetched(root)
    const properties = (one: Element | undefined): Element => descend(one, 'ItemOperations:Properties')
    expect(text(properties(whole), 'ItemOperations:Part')).toBe('1')
    expect(parts[1]!.equals(file)).toBe(true)
    const body = descend(properties(mail), 'AirSyncBase:Body')
    expect([text(body, 'ItemOperations:Part'), text(body, 'AirSyncBase:Data'), text(body, 'AirSyncBase:EstimatedDataSize')])
      .toEqual(['2', undefined, String(parts[2]!.length)])
    expect(parts[2]!.toString()).toBe('Grüße, €')
    expect([text(properties(piece), 'ItemOperations:Range'), text(properties(piece), 'ItemOperations:Part')]).toEqual(['9990-9999', '3'])
    expect(parts[3]!.equals(file.subarray(9990))).toBe(true)
    expect([text(gone!, 'ItemOperations:Status'), text(none!, 'ItemOperations:Status'), parts.length]).toEqual(['6', '15', 4])
  })

  it('has a large message as the octets it is', async () => {
    server.account.deliver('inbox', large)
    const { bytes } = await ask(operations(item('f1:1:1', el('AirSync:MIMESupport', '2'), preference(4))))
    const { parts } = readMultipart(bytes)
    expect(parts[1]!.toString()).toBe(large)
    const cut = readMultipart((await ask(operations(item('f1:1:1', el('AirSync:MIMESupport', '2'), preference(4), range('5-14'))))).bytes)
    expect(cut.parts[1]!.toString()).toBe(large.slice(5, 15))
  })

  it('has a message of any size with 8-bit characters nobody named as the octets it is', async () => {
    const latin1 = Buffer.from('Subject: Gr\xfc\xdfe\r\n\r\nsch\xf6n \x80\r\n', 'latin1')
    server.account.deliver('inbox', latin1)
    const { bytes } = await ask(operations(item('f1:1:1', el('AirSync:MIMESupport', '2'), preference(4))))
    expect(readMultipart(bytes).parts[1]!.equals(latin1)).toBe(true)
  })

  it('is what a header or a bit of the base64 query asks for, and nothing else', async () => {
    server.account.deliver('inbox', withFile)
    const type = async (answer: ReturnType<typeof ask>): Promise<string | undefined> => (await answer).headers['content-type']
    const body = operations(item('f1:1:1'))
    expect(await type(ask(body, { query: 'base64' }))).toBe('application/vnd.ms-sync.multipart')
    expect(await type(phone.raw('ItemOperations', body, { headers: { 'ms-asacceptmultipart': 'F' } }))).toBe('application/vnd.ms-sync.wbxml')
    expect(await type(phone.raw('ItemOperations', body))).toBe('application/vnd.ms-sync.wbxml')
    expect(await type(ask(operations()))).toBe('application/vnd.ms-sync.wbxml')
  })

  it('has one part where there is no data', async () => {
    expect(readMultipart((await ask(operations(item('f1:1:9')))).bytes).parts).toHaveLength(1)
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { since, versions } from '../../src/eas/versions.ts'
import { decode, el, type Element, type Node } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { readMultipart } from '../support/eas-multipart.ts'
import { keepAll } from './kept.ts'
import { readSchema } from './schema.ts'
import { validate, type Seen } from './validate.ts'

const schema = readSchema()
const later = versions.filter(version => since(version, '12.1'))
const properties = 'ItemOperations:ItemOperations/ItemOperations:Response/ItemOperations:Fetch/ItemOperations:Properties'
const body = `${properties}/AirSyncBase:Body`

let server: EasServer
beforeAll(async () => {
  server = await easServer()
  server.account.deliver('inbox', [
    'Subject: x', 'Content-Type: multipart/mixed; boundary=m', '', '--m', '', 'Hello', '--m',
    'Content-Type: text/csv; name=a.csv', 'Content-Disposition: attachment', '', '1;2', '--m--', '',
  ].join('\r\n'))
})
afterAll(() => {
  keepAll(server)
  return server.stop()
})

const fetch = (...rest: Node[]): Node => el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), ...rest])
const both = el('ItemOperations:ItemOperations', [
  fetch(el('AirSync:ServerId', 'f1:1:1'), el('ItemOperations:Options', [el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1')])])),
  fetch(el('AirSyncBase:FileReference', 'f1:1:1:2')),
])

it.each(later)('in version %s the parts of an answer are named in its tree, which is as the schema has it', async version => {
  const phone = server.phone({ version })
  const paths = async (headers: Record<string, string>): Promise<Seen> => {
    const { bytes } = await phone.raw('ItemOperations', both, { headers })
    const apart = headers['ms-asacceptmultipart'] ? readMultipart(bytes) : undefined
    if (apart) expect(apart.parts.slice(1).map(String)).toEqual(['Hello', '1;2'])
    const seen: Seen = new Map()
    expect(validate(schema, 'ItemOperations', version, apart?.root ?? decode(bytes), seen)).toEqual([])
    return seen
  }
  const parts = [`${body}/ItemOperations:Part`, `${properties}/ItemOperations:Part`], data = [`${body}/AirSyncBase:Data`, `${properties}/ItemOperations:Data`]
  const apart = await paths({ 'ms-asacceptmultipart': 'T' }), inline = await paths({})
  expect([...parts, ...data].map(path => [apart.has(path), inline.has(path)])).toEqual([[true, false], [true, false], [false, true], [false, true]])
})

it.each(later)('in version %s a Schema restricts an item to what it names', async version => {
  const told = async (...wanted: Node[]): Promise<string[]> => {
    const answer = await server.phone({ version }).command('ItemOperations', el('ItemOperations:ItemOperations', [
      fetch(el('AirSync:ServerId', 'f1:1:1'), el('ItemOperations:Options', [el('ItemOperations:Schema', wanted)])),
    ]))
    const find = (element: Element): Element | undefined =>
      element.tag === 'ItemOperations:Properties' ? element : element.children.map(find).find(Boolean)
    return find(answer!)!.children.map(({ tag }) => tag).sort()
  }
  expect(await told(el('AirSyncBase:Body'), el('AirSyncBase:Attachments'))).toEqual(['AirSyncBase:Attachments', 'AirSyncBase:Body'])
  expect(await told(el('Email:Subject'), el('Email:Read'))).toEqual(['Email:Read', 'Email:Subject'])
})

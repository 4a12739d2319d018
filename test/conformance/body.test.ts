// [MS-ASAIRS], [MS-ASCON]: what Sync, Search and ItemOperations are told of bodies, and tell.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import { child, decode, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { descend } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { optionNodes, type OptionsWish } from '../support/eas-sync.ts'
import { keepAll } from './kept.ts'

const html = '<p>Hello you!</p>'

let server: EasServer
beforeAll(async () => {
  server = await easServer()
  server.account.deliver('inbox', `Subject: hello\r\nContent-Type: text/html\r\n\r\n${html}`)
})
afterAll(() => {
  keepAll(server)
  return server.stop()
})

type Command = 'Sync' | 'Search' | 'ItemOperations'
const commands: readonly Command[] = ['Sync', 'Search', 'ItemOperations']
const later = versions.filter(version => since(version, '12.1'))
const each = commands.flatMap(command => later.map(version => [command, version] as const))
const withParts = each.filter(([, version]) => since(version, '14.1'))

const phoneOf = (version: Version) => server.phone({ version, deviceId: `D${version.replace('.', '')}` })

/** The properties of the one message, asked for by these options. */
async function properties(command: Command, version: Version, wish: OptionsWish): Promise<Element> {
  const phone = phoneOf(version)
  if (command === 'ItemOperations') return (await phone.fetch([{ id: 'f1:1:1', options: wish }]))[0]!.properties!
  if (command === 'Search') return (await search(phone, { query: 'hello', options: optionNodes(wish), rebuild: true })).hits[0]!.properties
  await phone.sync({ collections: [{ id: 'f1', key: '0' }] })
  const { bytes } = await phone.sync({ collections: [{ id: 'f1', options: wish }] })
  return descend(decode(bytes), 'AirSync:Collections', 'AirSync:Collection', 'AirSync:Commands', 'AirSync:Add', 'AirSync:ApplicationData')
}

type Outline = { readonly [name: string]: string } | undefined
const outline = (element: Element | undefined): Outline =>
  element && Object.fromEntries(element.children.map(({ tag, text: value }) => [tag.slice(tag.indexOf(':') + 1), value]))
const told = async (command: Command, version: Version, wish: OptionsWish): Promise<readonly [body: Outline, part: Outline]> => {
  const all = await properties(command, version, wish)
  return [outline(child(all, 'AirSyncBase:Body')), outline(child(all, 'AirSyncBase:BodyPart'))]
}

const whole = { Type: '2', EstimatedDataSize: '17', Data: html }
const cut = { Type: '2', EstimatedDataSize: '17', Truncated: '1', Data: '<p>Hello' }
const withheld = { Type: '2', EstimatedDataSize: '17', Truncated: '1' }

it.each(each)('by %s in version %s: what fits is told whole, with AllOrNone or without', async (command, version) => {
  for (const rest of [{ allOrNone: true }, { allOrNone: false }, {}]) {
    expect(await told(command, version, { bodies: [{ type: 2, size: 17, ...rest }] })).toEqual([whole, undefined])
  }
})

it.each(each)('by %s in version %s: what does not fit is cut, and withheld where AllOrNone says so', async (command, version) => {
  const [yes, no, silent] = [{ allOrNone: true }, { allOrNone: false }, {}].map(rest => ({ bodies: [{ type: 2, size: 8, ...rest }] }))
  expect(await told(command, version, yes!)).toEqual([withheld, undefined])
  expect(await told(command, version, no!)).toEqual([cut, undefined])
  expect(await told(command, version, silent!)).toEqual([cut, undefined])
})

it.each(each)('by %s in version %s: AllOrNone without a TruncationSize changes nothing', async (command, version) => {
  for (const allOrNone of [true, false]) expect(await told(command, version, { bodies: [{ type: 2, allOrNone }] })).toEqual([whole, undefined])
})

it.each(each)('by %s in version %s: of several types the stored one comes, and another where AllOrNone withholds it', async (command, version) => {
  const plain = { type: 1, size: 50 }
  expect(await told(command, version, { bodies: [plain, { type: 2, size: 8 }] })).toEqual([cut, undefined])
  expect((await told(command, version, { bodies: [plain, { type: 2, size: 8, allOrNone: true }] }))[0]).toMatchObject({ Type: '1', Data: 'Hello you!' })
})

it.each(each)('by %s in version %s: a type that is wished for is told, and what is stored beside it', async (command, version) => {
  const types = [[1, 'Hello you!'], [2, html], [3, undefined], [4, undefined]] as const
  for (const [type, data] of types) {
    const all = await properties(command, version, { bodies: [{ type }], ...(type === 4 ? { mimeSupport: 2 } : {}) })
    const body = descend(all, 'AirSyncBase:Body')
    expect([text(body, 'AirSyncBase:Type'), text(all, 'AirSyncBase:NativeBodyType')]).toEqual([String(type), '2'])
    if (data) expect(text(body, 'AirSyncBase:Data')).toBe(data)
    if (type === 3) expect(Buffer.from(text(body, 'AirSyncBase:Data')!, 'base64').subarray(8, 12).toString()).toMatch(/^(LZFu|MELA)$/)
    if (type === 4) expect(text(body, 'AirSyncBase:Data')).toContain('Subject: hello\r\n')
  }
})

it.each(each)('by %s in version %s: a Preview has no more characters than asked for, and is unknown before 14.0', async (command, version) => {
  const [body] = await told(command, version, { bodies: [{ type: 2, size: 0, preview: 4 }] })
  expect(body).toEqual({ Type: '2', EstimatedDataSize: '17', Truncated: '1', ...(since(version, '14.0') ? { Preview: 'Hell' } : {}) })
})

it.each(withParts)('by %s in version %s: a part is cut, withheld and previewed as a body is', async (command, version) => {
  const of = async (part: OptionsWish['part']): Promise<Outline> => (await told(command, version, { part: part! }))[1]
  for (const rest of [{ allOrNone: true }, { allOrNone: false }, {}]) expect(await of({ size: 17, ...rest })).toEqual({ Status: '1', ...whole })
  for (const rest of [{ allOrNone: true }, { allOrNone: false }, {}]) expect(await of(rest)).toEqual({ Status: '1', ...whole })
  expect(await of({ size: 8, preview: 4 })).toEqual({ Status: '1', ...cut, Preview: 'Hell' })
  expect(await of({ size: 8, allOrNone: false })).toEqual({ Status: '1', ...cut })
  expect(await of({ size: 8, allOrNone: true })).toEqual({ Status: '176', ...withheld })
})

it.each(withParts)('by %s in version %s: bodies and parts come as they are asked for', async (command, version) => {
  const body: OptionsWish = { bodies: [{ type: 2 }] }, part: OptionsWish = { part: {} }
  const answers = [await told(command, version, body), await told(command, version, part), await told(command, version, { ...body, ...part })]
  expect(answers.map(one => one.map(Boolean))).toEqual([[true, false], [false, true], [true, true]])
})

// Search tells no body where none is asked for.
it.each(withParts)('by %s in version %s: a part of another type than HTML is status 164', async (command, version) => {
  const phone = phoneOf(version)
  const ask = async (part: OptionsWish['part']): Promise<string | undefined> => {
    if (command === 'ItemOperations') return (await phone.fetch([{ id: 'f1:1:1', options: { part: part! } }]))[0]!.status
    if (command === 'Search') return (await search(phone, { query: 'hello', options: optionNodes({ part: part! }) })).store
    await phone.sync({ collections: [{ id: 'f1', key: '0' }] })
    return (await phone.sync({ collections: [{ id: 'f1', options: { part: part! } }] })).status || '1'
  }
  expect([await ask({ type: 1 }), await ask({ type: 3 }), await ask({ type: 2 })]).toEqual(['164', '164', '1'])
})

it.each(withParts.filter(([command]) => command !== 'Search'))('by %s in version %s: without a preference there is a body and no part', async (command, version) => {
  expect((await told(command, version, {})).map(Boolean)).toEqual([true, false])
})

const preference = (...nodes: Node[]): Node => el('AirSyncBase:BodyPreference', nodes)
const type = (value = '2'): Node => el('AirSyncBase:Type', value), all = (value?: string): Node => el('AirSyncBase:AllOrNone', value)

it.each<[fault: string, nodes: Node[]]>([
  ['without a Type', [preference(all('1'))]],
  ['of a Type that is none', [preference(type('5'))]],
  ['with a size that is no number', [preference(type(), el('AirSyncBase:TruncationSize', 'x'))]],
  ['with an AllOrNone that is no boolean', [preference(type(), el('AirSyncBase:TruncationSize', '8'), all('2'))]],
  ['with AllOrNone twice', [preference(type(), all('1'), all('1'))]],
  ['with Type twice', [preference(type(), type())]],
  ['of one Type twice', [preference(type()), preference(type())]],
])('a BodyPreference %s is refused: Sync by 4, Search and ItemOperations by 2', async (_, nodes) => {
  const phone = phoneOf('16.1')
  await phone.sync({ collections: [{ id: 'f1', key: '0' }] })
  const sync = await phone.command('Sync', el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', phone.held('f1').key), el('AirSync:CollectionId', 'f1'), el('AirSync:Options', nodes),
  ])])]))
  const items = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
    el('ItemOperations:Store', 'Mailbox'), el('AirSync:ServerId', 'f1:1:1'), el('ItemOperations:Options', nodes),
  ])]))
  const found = await search(phone, { query: 'hello', options: nodes })
  expect([text(sync!, 'AirSync:Status'), text(items!, 'ItemOperations:Status'), found.store]).toEqual(['4', '2', '2'])
})

it('an empty AllOrNone means yes', async () => {
  const phone = phoneOf('16.1')
  await phone.sync({ collections: [{ id: 'f1', key: '0' }] })
  const answer = await phone.command('Sync', el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', phone.held('f1').key), el('AirSync:CollectionId', 'f1'),
    el('AirSync:Options', [preference(type(), el('AirSyncBase:TruncationSize', '8'), all())]),
  ])])]))
  const data = descend(answer, 'AirSync:Collections', 'AirSync:Collection', 'AirSync:Commands', 'AirSync:Add', 'AirSync:ApplicationData', 'AirSyncBase:Body')
  expect(child(data, 'AirSyncBase:Data')).toBeUndefined()
})

it('a FileReference of no characters gets status 15', async () => {
  expect((await phoneOf('16.1').fetch([{ file: '' }])).map(({ status }) => status)).toEqual(['15'])
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { compare, search, searchNode } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
let inbox: string, work: string
beforeEach(async () => {
  server = await easServer()
  const { account } = server
  const id = account.addFolder('Work')
  account.addFolder('Below', { parent: id })
  const deliver = (folder: string, subject: string, day: number, more = '', body = 'x'): number =>
    account.deliver(folder, `Subject: ${subject}\n${more}\n${body}\n`, { received: new Date(`2026-11-${day}T10:00:00Z`) })
  deliver('inbox', 'offer one', 10, 'Message-ID: <1@x>\n')
  deliver('inbox', 'offer two', 12, 'References: <1@x>\nMessage-ID: <2@x>\n', 'a AND b')
  deliver('Work', 'offer three', 11, 'References: <1@x> <2@x>\nMessage-ID: <3@x>\n')
  deliver('Below', 'offer four', 13, 'References: <2@x>\nMessage-ID: <4@x>\n')
  deliver('inbox', 'lunch', 14)
  phone = server.phone()
  await phone.folderSync('0')
  ;[inbox, work] = [phone.folder('Inbox'), phone.folder('Work')]
})
afterEach(() => server.stop())

const freeText = (value: string): Node => el('Search:FreeText', value)

describe('Search finds mail', () => {
  it('in all folders, newest first, each with what names it', async () => {
    const found = await search(phone, { query: 'offer', classes: ['Email'] })
    expect(found).toMatchObject({ status: '1', store: '1', range: '0-3', total: '4' })
    expect(found.subjects).toEqual(['offer four', 'offer two', 'offer three', 'offer one'])
    expect(found.hits[2]).toMatchObject({ id: `${work}:1:1`, folder: work, class: 'Email' })
    // The LongId is good for ItemOperations.
    const answer = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', found.hits[2]!.id),
    ])]))
    const fetched = descend(answer, 'ItemOperations:Response', 'ItemOperations:Fetch')
    expect([text(fetched, 'ItemOperations:Status'), text(fetched, 'Search:LongId')]).toEqual(['1', `${work}:1:1`])
    expect(text(descend(fetched, 'ItemOperations:Properties'), 'Email:Subject')).toBe('offer three')
  })

  it.each<[string, () => Parameters<typeof search>[1], string[]]>([
    ['in one folder', () => ({ query: 'offer', folders: [inbox] }), ['offer two', 'offer one']],
    ['in several', () => ({ query: 'offer', folders: [work, inbox] }), ['offer two', 'offer three', 'offer one']],
    ['in a folder and those below', () => ({ query: 'offer', folders: [work], deep: true }), ['offer four', 'offer three']],
    ['below the root', () => ({ query: 'offer', folders: ['0'], deep: true }), ['offer four', 'offer two', 'offer three', 'offer one']],
    ['in Outbox, where nothing is', () => ({ query: 'offer', folders: [phone.folder('Outbox')] }), []],
    ['by two words', () => ({ query: 'offer two' }), ['offer two']],
    ['by an operator of the query language', () => ({ query: 'subject:lunch OR three' }), ['lunch', 'offer three']],
    ['later than', () => ({ query: [compare('GreaterThan', '2026-11-12T10:00:00.000Z')] }), ['lunch', 'offer four']],
    ['earlier than', () => ({ query: [compare('LessThan', '2026-11-11T10:00:00.000Z')] }), ['offer one']],
    ['at', () => ({ query: [compare('EqualTo', '2026-11-12T10:00:00.000Z')] }), ['offer two']],
    ['on a day', () => ({ query: [compare('EqualTo', '2026-11-12')] }), ['offer two']],
    ['between, and by a word', () => ({ query: [
      compare('GreaterThan', '2026-11-10T10:00:00.000Z'), compare('LessThan', '2026-11-14T00:00:00.000Z'), freeText('two'),
    ] }), ['offer two']],
    ['one or the other', () => ({ query: [el('Search:Or', [freeText('lunch'), el('Search:And', [freeText('offer'), freeText('one')])])] }),
      ['lunch', 'offer one']],
    ['with Or on top', () => el('Search:Search', [el('Search:Store', [el('Search:Name', 'Mailbox'), el('Search:Query', [
      el('Search:Or', [freeText('lunch'), compare('LessThan', '2026-11-11T00:00:00.000Z')]),
    ])])]), ['lunch', 'offer one']],
    ['of other classes, where there is none', () => ({ query: 'offer', classes: ['Calendar', 'Notes'] }), []],
    ['by what nobody wrote', () => ({ query: 'dinner' }), []],
  ])('%s', async (_, wish, subjects) => {
    const found = await search(phone, wish())
    expect([found.store, found.subjects, found.total]).toEqual(['1', subjects, String(subjects.length)])
    expect(found.range).toBe(subjects.length ? `0-${subjects.length - 1}` : undefined)
  })

  it('of a conversation, by its id', async () => {
    const { hits } = await search(phone, { query: 'three' })
    const id = hits[0]!.properties.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
    const of = (query: Node[] = []): Promise<string[]> =>
      search(phone, { query: [el('Search:ConversationId', id), ...query] }).then(({ subjects }) => [...subjects])
    expect(await of()).toEqual(['offer two', 'offer three', 'offer one'])
    expect(await of([freeText('three')])).toEqual(['offer three'])
    server.forget()
    expect(await of()).toEqual(['offer two', 'offer three', 'offer one'])
    expect((await search(phone, { query: [el('Search:ConversationId', Buffer.alloc(16, 7))] })).total).toBe('0')
  })

  it('with the body that is asked for, and its size alone otherwise', async () => {
    const preference = el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1'), el('AirSyncBase:TruncationSize', '3')])
    const body = async (options: Node[]) => {
      const { hits: [hit] } = await search(phone, { query: 'two', options, rebuild: true })
      return descend(hit!.properties, 'AirSyncBase:Body').children.map(({ tag, text: value }) => [tag, value])
    }
    expect(await body([preference])).toEqual([
      ['AirSyncBase:Type', '1'], ['AirSyncBase:EstimatedDataSize', '9'], ['AirSyncBase:Truncated', '1'], ['AirSyncBase:Data', 'a A'],
    ])
    expect(await body([])).toEqual([['AirSyncBase:Type', '1'], ['AirSyncBase:EstimatedDataSize', '9'], ['AirSyncBase:Truncated', '1']])
    const [type] = await body([el('AirSync:MIMESupport', '2'), el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '4')])])
    expect(type).toEqual(['AirSyncBase:Type', '4'])
  })
})

describe('Search tells a range', () => {
  it.each([
    ['0-1', '1', '0-1', ['offer four', 'offer two']], ['1-2', '1', '1-2', ['offer two', 'offer three']], ['3-9', '1', '3-3', ['offer one']],
    ['4-9', '12', undefined, []], ['0-200', '12', '0-3', ['offer four', 'offer two', 'offer three', 'offer one']],
    ['990-1000', '12', undefined, []],
  ])('%s', async (range, store, told, subjects) => {
    const found = await search(phone, { query: 'offer', range })
    expect([found.store, found.range, found.subjects, found.total]).toEqual([store, told, subjects, '4'])
  })

  it.each(['5-2', 'x', '-1', '1-', '0-9999999'])('but not %s', async range => {
    expect(await search(phone, { query: 'offer', range })).toMatchObject({ status: '1', store: '2', total: undefined })
  })

  it('of what was found, until results are rebuilt or lost', async () => {
    const page = (range: string, rebuild = false): Promise<readonly string[]> =>
      search(phone, { query: 'offer', range, rebuild }).then(({ subjects }) => subjects)
    expect(await page('0-1')).toEqual(['offer four', 'offer two'])
    server.account.deliver('inbox', 'Subject: offer five\n\nx\n', { received: new Date('2026-11-20T10:00:00Z') })
    server.account.calls.length = 0
    expect(await page('2-3')).toEqual(['offer three', 'offer one'])
    expect(server.account.calls).not.toContain('search')
    expect(await page('0-1', true)).toEqual(['offer five', 'offer four'])
    server.account.deliver('inbox', 'Subject: offer six\n\nx\n', { received: new Date('2026-11-21T10:00:00Z') })
    server.forget()
    expect(await page('0-1')).toEqual(['offer six', 'offer five'])
  })

  it('without what was deleted meanwhile, and nothing twice', async () => {
    expect((await search(phone, { query: 'offer', range: '0-0' })).subjects).toEqual(['offer four'])
    server.account.expunge('inbox', 2)
    const found = await search(phone, { query: 'offer', range: '1-2' })
    expect([found.subjects, found.range, found.total]).toEqual([['offer three', 'offer one'], '1-2', '3'])
    server.account.removeFolder(server.account.id('Work'))
    expect((await search(phone, { query: 'offer', range: '0-9' })).subjects).toEqual(['offer four', 'offer one'])
  })
})

describe('Search refuses', () => {
  const query = (...nodes: Node[]): Node =>
    el('Search:Search', [el('Search:Store', [el('Search:Name', 'Mailbox'), el('Search:Query', nodes)])])
  const and = (...nodes: Node[]): Node => el('Search:And', nodes)
  let deep = freeText('x')
  for (let n = 0; n < 6; n++) deep = el(n % 2 ? 'Search:Or' : 'Search:And', [deep, freeText('y')])

  it.each<[string, string, Node]>([
    ['FreeText outside of And', '8', query(freeText('offer'))],
    ['two And', '8', query(and(freeText('a')), and(freeText('b')))],
    ['CollectionId within Or', '8', query(el('Search:Or', [freeText('a'), el('AirSync:CollectionId', 'f1')]))],
    ['Class in an inner And', '8', query(and(freeText('a'), and(el('AirSync:Class', 'Email'), freeText('b'))))],
    ['a comparison outside of And', '8', query(compare('GreaterThan', '2026-11-12'))],
    ['operators too deep', '8', query(and(deep))],
    ['too many words', '8', query(and(freeText('x '.repeat(100))))],
    ['a folder that is not there', '11', query(and(freeText('a'), el('AirSync:CollectionId', 'f99')))],
    ['an empty And', '2', query(and())],
    ['no words', '2', query(and(freeText('  ')))],
    ['an element of mail', '2', query(and(freeText('a'), el('Email:Subject', 'x')))],
    ['a date that is none', '2', query(and(compare('LessThan', 'yesterday')))],
    ['a comparison of something else', '2', query(and(el('Search:LessThan', [el('Email:Subject'), el('Search:Value', 'x')])))],
    ['two conversations', '2', query(and(el('Search:ConversationId', Buffer.alloc(16)), el('Search:ConversationId', Buffer.alloc(16))))],
    ['no query', '2', el('Search:Search', [el('Search:Store', [el('Search:Name', 'Mailbox')])])],
    ['a class that is none', '2', searchNode({ query: 'a', classes: ['Mail'] })],
    ['an impossible MIMESupport', '2', searchNode({ query: 'a', options: [el('AirSync:MIMESupport', '7')] })],
    ['the directory, which is not there', '6', el('Search:Search', [
      el('Search:Store', [el('Search:Name', 'GAL'), el('Search:Query', 'anna')]),
    ])],
    ['libraries', '6', searchNode({ store: 'Document Library', query: 'a' })],
    ['stores nobody knows', '2', searchNode({ store: 'Attic', query: 'a' })],
  ])('%s with status %s', async (_, status, node) => {
    expect(await search(phone, node)).toMatchObject({ status: '1', store: status, hits: [] })
  })

  it('SMS and Notes in 12.1, which did not know them', async () => {
    const old = server.phone({ version: '12.1' })
    expect((await search(old, { query: 'offer', classes: ['SMS'] })).store).toBe('2')
    expect((await search(phone, { query: 'offer', classes: ['SMS'] })).store).toBe('1')
    expect((await search(old, { query: 'offer' })).subjects).toHaveLength(4)
  })

  it('what is no Search', async () => {
    const empty = el('Search:Search')
    expect(text(decode((await phone.raw('Search', empty)).bytes), 'Search:Status')).toBe('103')
    expect((await server.phone({ version: '12.1' }).raw('Search', empty)).status).toBe(400)
  })

  it('with a server error when the mail server is away, so that nothing looks as if it were not there', async () => {
    server.account.outage = new Failure('unavailable', 'gone')
    expect(text((await phone.command('Search', searchNode({ query: 'offer' })))!, 'Search:Status')).toBe('3')
  })
})

it('OPTIONS offers Search, and Find where 16.1 is', async () => {
  expect((await phone.optionsRequest()).commands).toEqual(expect.arrayContaining(['Search', 'Find']))
})

// [MS-ASCMD] LongId: Search came with 12.0, and so did what its ids are good for.
describe.each(['12.0', '12.1', '14.0', '16.1'])('the LongId that version %s is told', version => {
  const queries = version === '12.1' ? ['plain', 'base64'] as const : ['plain'] as const

  it.each(queries)('names the message to ItemOperations, SmartReply and SmartForward, in a %s query', async query => {
    const one = server.phone({ version, query })
    const found = await search(one, { query: 'subject:three' })
    const [hit] = found.hits
    expect([found.subjects, hit!.folder]).toEqual([['offer three'], work])
    const answer = await one.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', hit!.id),
    ])]))
    expect(text(descend(answer, 'ItemOperations:Response', 'ItemOperations:Fetch', 'ItemOperations:Properties'), 'Email:Subject')).toBe('offer three')
    for (const command of ['SmartReply', 'SmartForward'] as const) {
      expect(await one.smart(command, hit!.id, `To: bob@postern.test\r\nSubject: ${command}\r\n\r\nx\r\n`, { longId: true })).toBe('')
      expect(server.account.submitted.at(-1)!.message).toMatch(/<3@x>/)
    }
    expect(server.account.list('Work')[0]!.flags.toSorted()).toEqual(['$Forwarded', '\\Answered'])
  })
})

it('version 2.5, which has no Search of mail, answers and forwards by ItemId and by LongId', async () => {
  const one = server.phone({ version: '2.5' })
  expect((await one.smart('SmartReply', `${work}:1:1`, 'To: bob@postern.test\r\n\r\nx\r\n'))).toBe('')
  expect((await one.smart('SmartForward', `${work}:1:1`, 'To: bob@postern.test\r\n\r\nx\r\n', { longId: true }))).toBe('')
  expect(server.account.submitted).toHaveLength(2)
})

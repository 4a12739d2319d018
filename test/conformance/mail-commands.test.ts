// What the documents ask of the commands for mail and no other test shows.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { versions } from '../../src/eas/versions.ts'
import { decode, el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { search, searchNode } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { recorder } from '../support/record.ts'

let server: EasServer
let phone: Phone
const inbox = 'f1', trash = 'f4'
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  for (const n of [1, 2, 3]) server.account.deliver('inbox', `From: a@x\nSubject: number ${n}\n\nx\n`, { received: new Date() })
  await phone.folderSync('0')
})
afterEach(async () => {
  // What is asked here is to be seen by whom looks at the answers of a whole run, however many others there are.
  const keep = recorder(undefined, Infinity)
  for (const exchange of server.exchanges) keep?.(exchange)
  await server.stop()
})

const statusOf = (root: Element | undefined): string | undefined => root?.children.find(({ tag }) => tag.endsWith(':Status'))?.text
const ask = async (command: string, body: Node, one = phone): Promise<Element> => decode((await one.raw(command, body)).bytes)
const collection = (...nodes: Node[]): Node => el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', nodes)])])
const twice = (node: Node): Node[] => [node, node]

/** A Sync of the inbox: its Status, that of the whole request or that of the collection; undefined for an answer without a body. */
async function sync(...nodes: Node[]): Promise<string | undefined> {
  const { bytes } = await phone.raw('Sync', collection(
    el('AirSync:SyncKey', phone.held(inbox).key), el('AirSync:CollectionId', inbox), ...nodes,
  ))
  if (!bytes.length) return undefined
  const answer = decode(bytes)
  return statusOf(answer) ?? statusOf(descend(answer, 'AirSync:Collections', 'AirSync:Collection'))
}

describe('FolderSync', () => {
  it('tells the same ids and names from key 0 on as before', async () => {
    await phone.editFolder('Create', { name: 'Mine' })
    const before = [...(await told()).folders]
    expect([...(await told()).folders]).toEqual(before)
    expect(before).toHaveLength(6)
  })

  async function told(): Promise<Phone> {
    const fresh = server.phone({ deviceId: 'FRESH' })
    await fresh.folderSync('0')
    return fresh
  }

  it('without a key is a semantic error', async () => {
    expect(statusOf(await ask('FolderSync', el('FolderHierarchy:FolderSync', [])))).toBe('10')
  })
})

describe('FolderCreate, FolderUpdate and FolderDelete', () => {
  const edit = (name: string, ...nodes: Node[]): Promise<Element> => ask(name, el(`FolderHierarchy:${name}` as Tag, nodes))
  const key = (): Node => el('FolderHierarchy:SyncKey', phone.folderKey)
  const name = el('FolderHierarchy:DisplayName', 'Mine'), type = el('FolderHierarchy:Type', '12'), parent = el('FolderHierarchy:ParentId', '0')
  const id = (value: string): Node => el('FolderHierarchy:ServerId', value)

  it.each<[string, string, () => Node[], string]>([
    ['FolderCreate', 'without a key', () => [parent, name, type], '10'],
    ['FolderUpdate', 'without a key', () => [id('f2'), parent, name], '10'],
    ['FolderDelete', 'without a key', () => [id('f2')], '10'],
    ['FolderCreate', 'with a name that is there', () => [key(), parent, el('FolderHierarchy:DisplayName', 'Inbox'), type], '2'],
    ['FolderUpdate', 'of the Inbox', () => [key(), id('f1'), parent, name], '2'],
    ['FolderDelete', 'of the Inbox', () => [key(), id('f1')], '3'],
    ['FolderUpdate', 'with a Status', () => [key(), id('f2'), parent, name, el('FolderHierarchy:Status', '1')], '10'],
    ['FolderCreate', 'with a key of nobody', () => [el('FolderHierarchy:SyncKey', 'nonsense'), parent, name, type], '9'],
    ['FolderUpdate', 'with a key of nobody', () => [el('FolderHierarchy:SyncKey', 'nonsense'), id('f2'), parent, name], '9'],
    ['FolderDelete', 'with a key of nobody', () => [el('FolderHierarchy:SyncKey', 'nonsense'), id('f2')], '9'],
    ['FolderCreate', 'of a default folder', () => [key(), parent, name, el('FolderHierarchy:Type', '2')], '10'],
  ])('%s %s says so, and nothing else', async (command, _, nodes, status) => {
    const answer = await edit(command, ...nodes())
    expect(answer.children.map(({ tag, text: value }) => [tag, value])).toEqual([['FolderHierarchy:Status', status]])
  })

  it.each(['FolderCreate', 'FolderUpdate', 'FolderDelete', 'FolderSync'])('%s is an error of the server when the mail server is away', async command => {
    const made = await phone.editFolder('Create', { name: 'Made' })
    server.account.outage = new Failure('unavailable', 'gone')
    const nodes = { FolderCreate: [key(), parent, name, type], FolderUpdate: [key(), id(made.id), parent, name], FolderDelete: [key(), id(made.id)] }
    expect(statusOf(await edit(command, ...nodes[command as 'FolderCreate'] ?? [key()]))).toBe('6')
  })
})

describe('Sync', () => {
  it('needs a CollectionId', async () => {
    expect(statusOf(await ask('Sync', collection(el('AirSync:SyncKey', '0'))))).toBe('4')
  })

  it.each<[string | undefined, string]>([[undefined, '1'], ['0', '1'], ['1', '4'], ['', '4']])('with key 0 and GetChanges %j gets status %s', async (value, status) => {
    expect(await sync(...(value === undefined ? [] : [el('AirSync:GetChanges', value)]))).toBe(status)
  })

  it.each<[string | undefined, number]>([[undefined, 3], ['', 3], ['1', 3], ['0', 0]])('with another key and GetChanges %j brings %i items', async (value, count) => {
    await phone.sync({ collections: [{ id: inbox }] })
    const { bytes } = await phone.raw('Sync', collection(
      el('AirSync:SyncKey', phone.held(inbox).key), el('AirSync:CollectionId', inbox), ...(value === undefined ? [] : [el('AirSync:GetChanges', value)]),
    ))
    const commands = bytes.length ? descend(decode(bytes), 'AirSync:Collections', 'AirSync:Collection').children.find(({ tag }) => tag === 'AirSync:Commands') : undefined
    expect(commands?.children.length ?? 0).toBe(count)
  })

  it.each<[string | undefined, number]>([[undefined, 1], ['', 1], ['1', 1], ['0', 0]])('with DeletesAsMoves %j leaves %i in Trash', async (value, kept) => {
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    expect(await sync(...(value === undefined ? [] : [el('AirSync:DeletesAsMoves', value)]), el('AirSync:Commands', [
      el('AirSync:Delete', [el('AirSync:ServerId', id!)]),
    ]))).toBe(undefined)
    expect([server.account.list('inbox').length, server.account.list('trash').length]).toEqual([2, kept])
  })

  it('takes a Supported with another key than 0 for nothing', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await sync(el('AirSync:Supported', [el('Contacts:JobTitle')]))).toBe('1')
  })

  const options = (...classes: (string | undefined)[]): Node[] => classes.map(one =>
    el('AirSync:Options', one === undefined ? [] : [el('AirSync:Class', one)]))
  it.each<[(string | undefined)[], string]>([
    [['Email', 'SMS'], '1'], [['SMS', undefined], '1'], [['Email', 'Email'], '4'], [['SMS', 'SMS'], '4'], [[undefined, 'Email'], '4'],
    [['Email', 'Calendar'], '4'], [['Contacts', 'SMS'], '4'],
  ])('with options for the classes %j gets status %s', async (classes, status) => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await sync(...options(...classes))).toBe(status)
  })

  it('carries out 512 commands and refuses more', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    const commands = (count: number): Node => el('AirSync:Commands', Array.from({ length: count }, (_, n) =>
      el('AirSync:Delete', [el('AirSync:ServerId', `${inbox}:1:${(n + 10).toString(36)}`)])))
    expect(await sync(el('AirSync:GetChanges', '0'), commands(513))).toBe('4')
    expect(await sync(el('AirSync:GetChanges', '0'), commands(512))).toBe(undefined)
  })

  it.each<[string, Node[]]>([
    ['Conflict', twice(el('AirSync:Conflict', '1'))], ['FilterType', twice(el('AirSync:FilterType', '3'))], ['Class', twice(el('AirSync:Class', 'Email'))],
    ['MIMESupport', twice(el('AirSync:MIMESupport', '0'))], ['MIMETruncation', twice(el('AirSync:MIMETruncation', '1'))],
    ['MaxItems', twice(el('AirSync:MaxItems', '1'))],
  ])('takes the first of two %s, which is no error', async (_, nodes) => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await sync(el('AirSync:Options', nodes))).toBe('1')
  })

  it('takes Commands without any for none, which is no error', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await sync(el('AirSync:Commands', []))).toBe('1')
  })
})

describe('a Delete', () => {
  it('takes precedence over a Change of the same item', async () => {
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    expect((await phone.sync({ collections: [{ id: inbox, commands: [
      { kind: 'Change', id: id!, flagged: true }, { kind: 'Delete', id: id! }, { kind: 'Change', id: id!, read: true },
    ] }] })).empty).toBe(true)
    expect(server.account.list('inbox')).toHaveLength(2)
    expect(server.account.list('trash').map(({ flags }) => flags)).toEqual([[]])
  })
})

describe('a Delete that the mail server does not allow', () => {
  it('is refused, and the item stays', async () => {
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    server.account.failing.set('move', new Failure('denied', 'not from here'))
    const { collections: [answer] } = await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Delete', id: id! }] }] })
    expect(answer!.responses).toMatchObject([{ kind: 'Delete', id, status: '5' }])
    expect(server.account.list('inbox')).toHaveLength(3)
  })
})

describe('GetHierarchy', () => {
  it('that fails is HTTP 500, or 503 where it may be tried again', async () => {
    const old = server.phone({ version: '12.1' })
    server.account.outage = new Failure('denied', 'not here')
    expect((await old.raw('GetHierarchy', undefined)).status).toBe(500)
    server.account.outage = new Failure('unavailable', 'gone')
    expect((await old.raw('GetHierarchy', undefined)).status).toBe(503)
  })
})

describe('Settings', () => {
  it('of UserInformation or DeviceInformation without its Get or Set is a protocol error of that part', async () => {
    const answer = await phone.settings(el('Settings:UserInformation'), el('Settings:DeviceInformation'))
    expect([statusOf(answer), ...answer.children.slice(1).map(statusOf)]).toEqual(['1', '2', '2'])
  })
})

describe('Ping', () => {
  it('of the same folder twice is refused', async () => {
    expect((await phone.ping([inbox, trash, inbox], 60)).status).toBe('4')
  })
})

describe('GetItemEstimate', () => {
  const estimate = (...collections: Node[]): Promise<Element> =>
    ask('GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', collections)]))
  const of = (...nodes: Node[]): Node => el('GetItemEstimate:Collection', [
    el('AirSync:SyncKey', phone.held(inbox).key), el('GetItemEstimate:CollectionId', inbox), ...nodes,
  ])
  const status = (answer: Element): string | undefined => text(descend(answer, 'GetItemEstimate:Response'), 'GetItemEstimate:Status')

  it.each([
    [['Email', 'SMS'], '1'], [['Email'], '1'], [['Email', 'Calendar'], '4'], [['Email', 'Email'], '4'],
  ])('with options for the classes %j gets status %s', async (classes, expected) => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(status(await estimate(of(...classes.map(one => el('AirSync:Options', [el('AirSync:Class', one)])))))).toBe(expected)
  })

  it.each([['0', '1'], ['1', '1'], ['2', '1'], ['3', '1'], ['4', '1'], ['5', '1'], ['6', '110'], ['7', '110'], ['8', '110'], ['9', '103']])(
    'of mail by FilterType %s gets status %s', async (filter, expected) => {
      await phone.sync({ collections: [{ id: inbox }] })
      expect(status(await estimate(of(el('AirSync:Options', [el('AirSync:FilterType', filter)]))))).toBe(expected)
    })

  it('does not move the key on', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    for (let n = 0; n < 2; n++) expect(await phone.getItemEstimate([{ id: inbox }])).toMatchObject([{ status: '1', estimate: 3 }])
    expect((await phone.sync({ collections: [{ id: inbox }] })).collections[0]!.adds).toHaveLength(3)
  })

  it('answers 300 collections and refuses more', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect((await estimate(...Array.from({ length: 300 }, () => of()))).children).toHaveLength(300)
    expect(statusOf(await estimate(...Array.from({ length: 301 }, () => of())))).toBe('103')
  })
})

describe('a FilterType of Sync', () => {
  it.each([['0', '1'], ['1', '1'], ['2', '1'], ['3', '1'], ['4', '1'], ['5', '1'], ['6', '4'], ['7', '4'], ['8', '4']])('of mail, %s, gets status %s', async (filter, status) => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await sync(el('AirSync:Options', [el('AirSync:FilterType', filter)]))).toBe(status)
  })
})

describe('MoveItems', () => {
  const move = (...targets: string[]): Node => el('Move:Move', [
    el('Move:SrcMsgId', 'f1:1:1'), el('Move:SrcFldId', inbox), ...targets.map(one => el('Move:DstFldId', one)),
  ])

  it('to two folders is refused, and nothing is moved', async () => {
    expect(statusOf(await ask('MoveItems', el('Move:MoveItems', [move(trash, 'f3')])))).toBe('5')
    expect(server.account.list('inbox')).toHaveLength(3)
  })

  it('of more than 10,000 items is refused', async () => {
    expect(statusOf(await ask('MoveItems', el('Move:MoveItems', Array.from({ length: 10_001 }, () => move(trash)))))).toBe('103')
    expect(server.account.list('inbox')).toHaveLength(3)
  })

  it('says that the mail server is away by a status to try again', async () => {
    server.account.outage = new Failure('unavailable', 'gone')
    expect(statusOf(await ask('MoveItems', el('Move:MoveItems', [move(trash)])))).toBe('7')
  })

  it('is told to another device as gone from the one folder and new in the other', async () => {
    const other = server.phone({ deviceId: 'OTHER' })
    await other.syncAll(inbox)
    await other.syncAll(trash)
    await phone.moveItems([{ id: 'f1:1:1', from: inbox, to: trash }])
    const { collections } = await other.sync({ collections: [{ id: inbox }, { id: trash }] })
    expect(collections.map(({ deletes, adds }) => [deletes.length, adds.length])).toEqual([[1, 0], [0, 1]])
  })
})

describe('ItemOperations', () => {
  const store = el('ItemOperations:Store', 'Mailbox')
  const operate = async (...operations: Node[]): Promise<(string | undefined)[]> =>
    descend(await ask('ItemOperations', el('ItemOperations:ItemOperations', operations)), 'ItemOperations:Response').children.map(statusOf)
  const fetch = (...nodes: Node[]): Node => el('ItemOperations:Fetch', [store, ...nodes])

  it('are carried out in their order', async () => {
    const item = fetch(el('AirSync:CollectionId', inbox), el('AirSync:ServerId', 'f1:1:1'))
    expect(await operate(item, el('ItemOperations:EmptyFolderContents', [el('AirSync:CollectionId', inbox)]), item)).toEqual(['1', '1', '6'])
  })

  it('says what the mail server does not allow', async () => {
    server.account.outage = new Failure('denied', 'read only')
    expect(await operate(el('ItemOperations:EmptyFolderContents', [el('AirSync:CollectionId', inbox)]))).toEqual(['16'])
  })

  it('fetches one file at a time', async () => {
    expect(await operate(fetch(...twice(el('AirSyncBase:FileReference', 'f1:1:1:1'))))).toEqual(['2'])
  })
})

describe('Search', () => {
  it.each(versions.filter(one => one !== '2.5').flatMap(version => ['Email', 'Calendar', 'Contacts', 'Tasks', 'SMS', 'Notes'].map(name => [version, name] as const)))(
    'of version %s knows the class %s, or not', async (version, name) => {
      const newer = ['SMS', 'Notes'].includes(name) && ['12.0', '12.1'].includes(version)
      const { store, subjects } = await search(server.phone({ version }), { query: 'number', classes: [name] })
      expect([store, subjects.length]).toEqual([newer ? '2' : '1', name === 'Email' ? 3 : 0])
    })

  const date = (tag: Tag, value: string): Node => el(tag, [el('Email:DateReceived'), el('Search:Value', value)])
  it.each<[string, Node[], Node[]]>([
    ['GreaterThan', twice(date('Search:GreaterThan', '2020-01-01')), []], ['LessThan', twice(date('Search:LessThan', '2040-01-01')), []],
    ['EqualTo', twice(date('Search:EqualTo', '2026-11-12')), []], ['DeepTraversal', [], twice(el('Search:DeepTraversal'))],
    ['MIMESupport', [], twice(el('AirSync:MIMESupport', '0'))], ['Range', [], twice(el('Search:Range', '0-9'))],
    ['RebuildResults', [], twice(el('Search:RebuildResults'))],
  ])('takes two %s, which is no error', async (_, query, options) => {
    expect((await search(phone, { query: [el('Search:FreeText', 'number'), ...query], options })).store).toBe('1')
  })

  it('takes the first of two Store, which is no error', async () => {
    const [one] = searchNode({ query: 'number' }).children as Node[]
    expect(await search(phone, el('Search:Search', twice(one!)))).toMatchObject({ store: '1', total: '3' })
  })

  it('of words finds them in any letter case', async () => {
    expect((await search(phone, { query: 'NUMBER' })).total).toBe('3')
  })
})

describe('Provision', () => {
  it('of a policy of no type breaks the protocol', async () => {
    const answer = await ask('Provision', el('Provision:Provision', [el('Provision:Policies', [el('Provision:Policy', [])])]))
    expect(answer.children.map(({ tag, text: value }) => [tag, value])).toEqual([['Provision:Status', '2']])
  })
})

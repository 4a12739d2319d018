// [MS-ASCNTC] Refreshing the Recipient Information Cache
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { child, decode, el, encodeSync, text } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { golden } from '../support/golden.ts'
import { readSync, type CollectionWish } from '../support/eas-sync.ts'

const day = 86_400_000, now = Date.UTC(2026, 10, 24)
let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer({ recipientCache: true })
  phone = server.phone()
})
afterEach(() => server.stop())

/** Something is sent, so many days before now. */
const send = (to: string, days = 0, cc = ''): number =>
  server.account.deliver('Sent', `To: ${to}\r\n${cc && `Cc: ${cc}\r\n`}Subject: x\r\n\r\nx\r\n`, { received: new Date(now - days * day) })
const shown = (one = phone): string[] => [...one.held('RI').items.values()]
  .map(({ data }) => ({ address: text(data!, 'Contacts:Email1Address')!, name: text(data!, 'Contacts:FileAs')!, rank: Number(text(data!, 'Contacts:WeightedRank')) }))
  .sort((a, b) => b.rank - a.rank || (a.address < b.address ? -1 : 1)).map(({ address, name }) => name === address ? address : `${name} <${address}>`)
const sync = async (wish: Partial<CollectionWish> = {}, one = phone) =>
  (await one.sync({ collections: [{ id: 'RI', ...wish }] })).collections[0]

describe('the recipient cache', () => {
  it('is a folder of type 19 for those who know it', async () => {
    expect((await phone.folderSync('0')).changes).toContain('Add RecipientInfo')
    expect(phone.folders.get('RI')).toEqual({ id: 'RI', parent: '0', name: 'RecipientInfo', type: '19' })
    expect((await phone.folderSync()).changes).toEqual([])
    for (const version of ['2.5', '12.0', '12.1']) {
      const old = server.phone({ version })
      expect((await old.folderSync('0')).changes).not.toContain('Add RecipientInfo')
      expect((await old.sync({ collections: [{ id: 'RI', key: '0' }] })).collections[0]?.status).toBe('12')
    }
  })

  it('is not there where the configuration says so', async () => {
    const other = await easServer({ recipientCache: false }, server.account)
    const one = other.phone()
    expect((await one.folderSync('0')).changes).not.toContain('Add RecipientInfo')
    expect((await one.sync({ collections: [{ id: 'RI', key: '0' }] })).collections[0]?.status).toBe('12')
    await other.stop()
  })

  it('names whom the user writes to, by how often and how lately', async () => {
    send('seldom@x.test', 200)
    for (const days of [90, 92, 94]) send('Often <often@x.test>', days)
    send('Today <TODAY@x.test>, anna@postern.test', 0, 'Beside <beside@x.test>')
    send('often@x.test', 95)
    send('undisclosed-recipients:;')
    expect(await phone.syncAll('RI')).toBe(1)
    expect(shown()).toEqual(['Today <TODAY@x.test>', 'Beside <beside@x.test>', 'Often <often@x.test>', 'seldom@x.test'])
    for (let n = 0; n < 20; n++) send('often@x.test', 91)
    await sync()
    expect(shown()[0]).toBe('Often <often@x.test>')
  })

  it('leaves mailings out, and what is no address', async () => {
    send(Array.from({ length: 31 }, (_, n) => `member${n}@x.test`).join(', '))
    send('nobody, "quoted name"')
    send('=?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <j@x.test>')
    await phone.syncAll('RI')
    expect(shown()).toEqual(['Jürgen Müller <j@x.test>'])
  })

  it('tells of nothing where nothing was sent', async () => {
    send('a@x.test')
    await phone.syncAll('RI')
    expect(await phone.sync({ collections: [{ id: 'RI' }] })).toMatchObject({ http: 200, empty: true })
    server.account.flag('Sent', 1, '\\Flagged', true)
    expect(await phone.sync({ collections: [{ id: 'RI' }] })).toMatchObject({ empty: true })
  })

  it.each([['with its memory', () => {}], ['by a process that remembers nothing', () => server.forget()]])(
    'tells just of what changed, %s', async (_, between) => {
      send('a@x.test', 3)
      send('B <b@x.test>', 2)
      await phone.syncAll('RI')
      send('c@x.test', 0, 'b@x.test')
      between()
      expect(await sync()).toMatchObject({ status: '1', adds: { length: 1 }, changes: { length: 1 }, deletes: [] })
      expect(shown()).toEqual(['B <b@x.test>', 'c@x.test', 'a@x.test'])
      expect(phone.held('RI').duplicates).toEqual([])
    })

  it('whose list cannot be made again starts anew, without memory only', async () => {
    const first = send('a@x.test', 3)
    send('b@x.test', 2)
    await phone.syncAll('RI')
    server.account.expunge('Sent', first)
    const { key } = phone.held('RI')
    expect(await sync()).toMatchObject({ deletes: { length: 1 }, adds: [], changes: [] })
    expect(shown()).toEqual(['b@x.test'])
    server.forget()
    expect(await sync({ key })).toMatchObject({ status: '3', key: '0' })
    await phone.syncAll('RI')
    expect(shown()).toEqual(['b@x.test'])
  })

  it('holds no more than the client wants, the first ones first, and goes on without being told again how many', async () => {
    for (let n = 0; n < 9; n++) send(`p${n}@x.test`, n)
    await phone.syncAll('RI', { options: { maxItems: 3 } })
    expect(shown()).toEqual(['p0@x.test', 'p1@x.test', 'p2@x.test'])
    send('new@x.test')
    server.forget()
    expect(await sync()).toMatchObject({ adds: { length: 1 }, deletes: { length: 1 } })
    expect(shown()).toHaveLength(3)
    await phone.syncAll('RI', { options: { maxItems: 5 } })
    expect(shown()).toHaveLength(5)
    for (let n = 0; n < 300; n++) send(`q${n}@x.test`, 10)
    await phone.syncAll('RI', { options: { maxItems: 5000 }, window: 512 })
    expect(shown()).toHaveLength(250)
  })

  it('holds as many as the first MaxItems says where there are several', async () => {
    for (let n = 0; n < 4; n++) send(`p${n}@x.test`, n)
    await sync({ key: '0' })
    const asked = el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
      el('AirSync:SyncKey', phone.held('RI').key), el('AirSync:CollectionId', 'RI'),
      el('AirSync:Options', [el('AirSync:MaxItems', '2'), el('AirSync:MaxItems', '3')]),
    ])])])
    expect(readSync(await phone.raw('Sync', asked)).found[0]).toMatchObject({ status: '1', adds: { length: 2 } })
  })

  it.each([['with its memory', () => {}], ['and a restart between any two of them', () => server.forget()]])('comes in windows, %s', async (_, between) => {
    for (let n = 0; n < 7; n++) send(`p${n}@x.test`, n)
    await sync({ key: '0' })
    for (const more of [true, true, false]) {
      between()
      expect(await sync({ window: 3 })).toMatchObject({ status: '1', more })
    }
    expect(shown()).toEqual(Array.from({ length: 7 }, (_each, n) => `p${n}@x.test`))
    expect(phone.held('RI').duplicates).toEqual([])
  })

  it('shares the window of the request with mail', async () => {
    for (let n = 0; n < 4; n++) send(`p${n}@x.test`, n)
    for (let n = 0; n < 4; n++) server.account.deliver('Inbox')
    const inbox = server.account.id('Inbox')
    await phone.sync({ collections: [{ id: 'RI' }, { id: inbox }] })
    const { collections } = await phone.sync({ window: 5, collections: [{ id: 'RI' }, { id: inbox }] })
    expect(collections.map(({ id, adds, more }) => [id, adds.length, more])).toEqual([['RI', 4, false], [inbox, 1, true]])
  })

  it('is not told to a client that wants no changes', async () => {
    send('a@x.test')
    await sync({ key: '0' })
    expect(await phone.sync({ collections: [{ id: 'RI', getChanges: false }] })).toMatchObject({ empty: true })
    expect(await sync()).toMatchObject({ adds: { length: 1 } })
  })

  it.each<[string, CollectionWish['commands']]>([
    ['an Add', [{ kind: 'Add', clientId: '1', data: [el('Contacts:Email1Address', 'x@x.test')] }]],
    ['a Change', [{ kind: 'Change', id: 'RI:x', data: [el('Contacts:FileAs', 'x')] }]],
    ['a Delete', [{ kind: 'Delete', id: 'RI:x' }]],
  ])('takes no commands: %s is Status 4 of the Sync', async (_, commands) => {
    send('a@x.test')
    await phone.syncAll('RI')
    const { key } = phone.held('RI')
    expect(await phone.sync({ collections: [{ id: 'RI', key, commands: commands! }] })).toMatchObject({ status: '4', collections: [] })
  })

  it('with a key that is none, or that of a mailbox, starts anew', async () => {
    const inbox = server.account.id('Inbox')
    await phone.sync({ collections: [{ id: inbox }] })
    for (const key of ['nonsense', phone.held(inbox).key]) expect(await sync({ key })).toMatchObject({ status: '3', key: '0' })
  })

  it('wakes no Ping, and a Sync that waits only with what is in it already', async () => {
    send('a@x.test')
    await phone.folderSync('0')
    await phone.syncAll('RI')
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    const waiting = phone.ping(['RI', inbox], 60)
    await new Promise(resolve => setTimeout(resolve, 50))
    send('b@x.test')
    await new Promise(resolve => setTimeout(resolve, 50))
    server.account.deliver('Inbox')
    expect(await waiting).toMatchObject({ status: '2', folders: [inbox] })
    expect(await phone.ping(['RI'], 1)).toMatchObject({ status: '1', folders: [] })
    await phone.syncAll(inbox)
    expect(await phone.sync({ heartbeat: 60, collections: [{ id: 'RI' }, { id: inbox }] })).toMatchObject({ collections: [{ id: 'RI', adds: { length: 1 } }] })
    const sync = phone.sync({ heartbeat: 60, collections: [{ id: 'RI' }, { id: inbox }] })
    await new Promise(resolve => setTimeout(resolve, 50))
    server.account.deliver('Inbox')
    expect(await sync).toMatchObject({ collections: [{ id: inbox, adds: { length: 1 } }] })
  })

  it('is estimated', async () => {
    for (let n = 0; n < 4; n++) send(`p${n}@x.test`, n)
    const estimate = async (maxItems?: number) => (await phone.getItemEstimate([{ id: 'RI', ...(maxItems ? { maxItems } : {}) }]))[0]
    expect(await estimate()).toMatchObject({ status: '3' })
    await sync({ key: '0' })
    expect(await estimate()).toMatchObject({ status: '1', estimate: 4 })
    expect(await estimate(2)).toMatchObject({ status: '1', estimate: 2 })
    const inbox = server.account.id('Inbox')
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await phone.getItemEstimate([{ id: inbox, maxItems: 2 }])).toMatchObject([{ status: '2' }])
  })

  it('is no folder that could be changed, moved from or looked into', async () => {
    send('a@x.test')
    await phone.folderSync('0')
    await phone.syncAll('RI')
    const [item] = phone.held('RI').items.keys()
    expect(await phone.editFolder('Delete', { id: 'RI' })).toMatchObject({ status: '3' })
    expect(await phone.editFolder('Update', { id: 'RI', name: 'x' })).toMatchObject({ status: '3' })
    expect(await phone.editFolder('Create', { parent: 'RI', name: 'x' })).toMatchObject({ status: '3' })
    const made = await phone.editFolder('Create', { name: 'made' })
    expect(await phone.editFolder('Update', { id: made.id, parent: 'RI', name: 'made' })).toMatchObject({ status: '3' })
    expect(await phone.moveItems([{ id: item!, from: 'RI', to: phone.folder('Inbox') }])).toMatchObject([{ status: '1' }])
    expect((await phone.fetch([{ id: item!, folder: 'RI' }]))[0]).toMatchObject({ status: '6' })
    const operations = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [
      el('ItemOperations:EmptyFolderContents', [el('AirSync:CollectionId', 'RI')]),
      el('ItemOperations:Move', [
        el('ItemOperations:ConversationId', Buffer.alloc(16, 1)), el('ItemOperations:DstFldId', 'RI'), el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
      ]),
    ]))
    expect(child(operations!, 'ItemOperations:Response')!.children.map(one => text(one, 'ItemOperations:Status'))).toEqual(['6', '105'])
    expect(shown()).toEqual(['a@x.test'])
  })
})

it('is told as recorded', async () => {
  send('=?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <j@x.test>, plain@x.test', 1)
  await phone.folderSync('0')
  const wish = { collections: [{ id: 'RI', options: { maxItems: 100 } }] }
  await phone.sync({ collections: [{ id: 'RI' }] })
  golden('eas/sync/recipients.request.xml', printXml(decode(encodeSync(phone.syncBody(wish)))))
  golden('eas/sync/recipients.response.xml', printXml(decode((await phone.sync(wish)).bytes)))
})

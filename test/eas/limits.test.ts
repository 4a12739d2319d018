// The limits the documents give, each with what is just within it and what is just beyond, as far as they concern mail.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { el, decode, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
const inbox = 'f1', trash = 'f4'
beforeEach(async () => {
  server = await easServer({ heartbeat: { min: 60, max: 3540 } })
  server.account.deliver('inbox', 'From: a@x\r\nSubject: s\r\n\r\n' + 'x'.repeat(200_000))
  phone = server.phone()
  await phone.folderSync('0')
})
afterEach(() => server.stop())

const long = (length: number): string => 'x'.repeat(length)
const statusOf = (root: Element | undefined): string | undefined => root?.children.find(({ tag }) => tag.endsWith(':Status'))?.text
const ask = async (command: string, body: Node): Promise<Element> => decode((await phone.raw(command, body)).bytes)
const sync = async (...nodes: Node[]): Promise<string | undefined> => {
  const answer = await ask('Sync', el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', nodes)])]))
  return statusOf(answer) ?? statusOf(answer.children[0]!.children[0])
}
const collection = (key: string, id: string, ...rest: Node[]): Node[] => [el('AirSync:SyncKey', key), el('AirSync:CollectionId', id), ...rest]

describe('an id of at most 64 characters', () => {
  it('is what every key and id of ours is', async () => {
    await phone.syncAll(inbox, { options: { bodies: [1, 2, 3, 4].map(type => ({ type, size: 4_000_000_000, preview: 255 })), part: { size: 4_000_000_000, preview: 255 } } })
    const ids = [...phone.folders.keys(), ...phone.held(inbox).items.keys(), phone.held(inbox).key, phone.folderKey]
    expect(ids.filter(id => id.length > 64)).toEqual([])
  })

  it.each([
    ['SyncKey', () => sync(...collection(long(64), inbox)), '3', () => sync(...collection(long(65), inbox)), '4'],
    ['CollectionId', () => sync(...collection('0', long(64))), '12', () => sync(...collection('0', long(65))), '4'],
    ['ServerId', () => sync(...collection(phone.held(inbox).key, inbox, command('Delete', 64))), '3',
      () => sync(...collection('1', inbox, command('Delete', 65))), '4'],
    ['ClientId of Sync', () => sync(...collection('1', inbox, add(64))), '3', () => sync(...collection('1', inbox, add(65))), '4'],
    ['SyncKey of FolderSync', () => folders(long(64)), '9', () => folders(long(65)), '9'],
    ['ClientId of SendMail, 40', () => send(40), undefined, () => send(41), '103'],
  ])('%s', async (_, within, expected, beyond, refused) => {
    phone.held(inbox).key = '1'
    expect([await within(), await beyond()]).toEqual([expected, refused])
  })

  const command = (kind: 'Delete', length: number): Node => el('AirSync:Commands', [el(`AirSync:${kind}`, [el('AirSync:ServerId', long(length))])])
  const add = (length: number): Node => el('AirSync:Commands', [el('AirSync:Add', [el('AirSync:ClientId', long(length)), el('AirSync:ApplicationData')])])
  const folders = async (key: string): Promise<string | undefined> =>
    statusOf(await ask('FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', key)])))
  const send = async (length: number): Promise<string | undefined> => {
    const { bytes } = await phone.raw('SendMail', el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', long(length)), el('ComposeMail:Mime', Buffer.from('To: b@x\r\n\r\nx')),
    ]))
    return bytes.length ? statusOf(decode(bytes)) : undefined
  }

  it('SrcMsgId and folder ids of MoveItems that are longer name nothing', async () => {
    expect((await phone.moveItems([{ id: long(65), from: inbox, to: trash }, { id: 'f1:1:1', from: long(65), to: trash }, { id: 'f1:1:1', from: inbox, to: long(65) }]))
      .map(({ status }) => status)).toEqual(['1', '1', '2'])
  })

  it('ParentId of more than 64 characters is no folder', async () => {
    expect((await phone.editFolder('Create', { name: 'x', parent: long(65) })).status).toBe('5')
    expect((await phone.editFolder('Create', { name: 'x', parent: inbox })).status).toBe('1')
  })

  it('Ping of a folder whose id is longer asks for a FolderSync', async () => {
    expect((await phone.ping([long(65)], 60)).status).toBe('7')
  })

  it('LongId of more than 256 characters names nothing', async () => {
    const [answer] = (await ask('ItemOperations', el('ItemOperations:ItemOperations', [
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', long(257))]),
    ]))).children[1]!.children
    expect(statusOf(answer)).toBe('6')
  })
})

it.each([['', '10'], [long(1), '1'], [long(256), '1'], [long(257), '10'], [' '.repeat(3), '10']])('DisplayName %j of a folder gets status %s', async (name, status) => {
  expect((await phone.editFolder('Create', { name })).status).toBe(status)
})

it.each([[0, 512], [1, 1], [512, 512], [513, 512], [undefined, 100]])('WindowSize %s is %i items', async (window, items) => {
  for (let n = 0; n < 600; n++) server.account.deliver('inbox')
  await phone.sync({ collections: [{ id: inbox }] })
  const { collections } = await phone.sync({ collections: [{ id: inbox, ...(window === undefined ? {} : { window }) }], window: window === 0 ? 0 : 600 })
  expect([collections[0]!.adds.length, collections[0]!.more]).toEqual([items, true])
})

describe('a wait', () => {
  it.each([
    [{ wait: 0 }, '14', '1'], [{ wait: 60 }, '14', '59'], [{ heartbeat: 59 }, '14', '60'], [{ heartbeat: 3541 }, '14', '3540'], [{ wait: 1, heartbeat: 60 }, '4', undefined],
  ])('of %o is refused with the limit', async (wish, status, limit) => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await phone.sync({ collections: [{ id: inbox }], ...wish })).toMatchObject({ status, limit })
  })

  it.each([[59, '5', '60'], [3541, '5', '3540']])('of a Ping of %i seconds too', async (heartbeat, status, limit) => {
    expect(await phone.ping([inbox], heartbeat)).toMatchObject({ status, limit })
  })
})

describe('a body', () => {
  it.each([[0, 0], [1, 4096], [2, 5120], [3, 7168], [4, 10_240], [5, 20_480], [6, 51_200], [7, 102_400], [8, 200_025]])(
    'with MIMETruncation %i has %i octets', async (mimeTruncation, octets) => {
      await phone.syncAll(inbox, { options: { mimeSupport: 2, mimeTruncation, bodies: [{ type: 4 }] } })
      expect([...phone.held(inbox).items.values()][0]!.body?.length ?? 0).toBe(octets)
    })

  it('with a MIMETruncation of 9 is refused', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    expect((await phone.sync({ collections: [{ id: inbox, options: { mimeTruncation: 9 } }] })).status).toBe('4')
  })

  it.each([0, 1, 199_999, 4_294_967_295])('with a TruncationSize of %i has no more octets', async size => {
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1, size }] } })
    expect([...phone.held(inbox).items.values()][0]!.body?.length ?? 0).toBe(Math.min(size, 200_000))
  })

  it.each([[254, 254], [255, 255], [256, 255]])('with a Preview of %i has %i characters of it', async (preview, characters) => {
    await phone.syncAll(inbox, { options: { bodies: [{ type: 2, size: 0, preview }] } })
    const item = [...phone.held(inbox).items.values()][0]!.data!
    expect(text(item.children.find(({ tag }) => tag === 'AirSyncBase:Body')!, 'AirSyncBase:Preview')).toHaveLength(characters)
  })
})

it.each(['Email:To', 'Email:From', 'Email:Cc'] as const)('%s ends before the address that would exceed 32,768 characters', async tag => {
  const list = Array.from({ length: 5000 }, (_, n) => `person${n}@postern.example`).join(',\r\n ')
  server.account.deliver('inbox', `${tag.slice(6)}: ${list}\r\nSubject: many\r\n\r\nx`)
  await phone.syncAll(inbox)
  const told = text([...phone.held(inbox).items.values()].find(({ subject }) => subject === 'many')!.data!, tag)!
  expect(told.length).toBeLessThanOrEqual(32_768)
  expect(told.length).toBeGreaterThan(32_700)
  expect(told).toMatch(/postern\.example$/)
})

it('strings a device tells of itself are taken at 1024 characters, and a store of another name is none', async () => {
  const answer = await phone.settings(el('Settings:DeviceInformation', [el('Settings:Set', [el('Settings:Model', long(1024)), el('Settings:UserAgent', long(1024))])]))
  expect(statusOf(answer)).toBe('1')
  const fetch = el('ItemOperations:Fetch', [el('ItemOperations:Store', long(257)), el('AirSync:ServerId', 'f1:1:1')])
  expect(statusOf((await ask('ItemOperations', el('ItemOperations:ItemOperations', [fetch]))).children[1]!.children[0])).toBe('9')
})

it('a parameter of the base64 query is 255 octets at most, which is what its length has room for', async () => {
  const small = server.phone({ query: 'base64', deviceId: 'D', version: '12.1' })
  const name = `f1:1:1:${'1.'.repeat(124)}`
  expect(name).toHaveLength(255)
  expect((await small.raw('GetAttachment', undefined, { parameters: { AttachmentName: name } })).status).toBe(500)
})

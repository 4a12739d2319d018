// Versions 2.5 and 12.0: Windows Mobile 5 and 6, Nokia's Mail for Exchange, TouchDown and their kind.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lower, since, versions } from '../../src/eas/versions.ts'
import { child, children, decode, el, text, type Element } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
beforeAll(async () => void (server = await easServer()))
afterAll(() => server.stop())

let phone: Phone
let inbox: string
beforeEach(async () => {
  phone = server.phone({ version: '2.5', deviceId: `PPC${Math.random().toString(36).slice(2)}`, userAgent: 'Microsoft-PocketPC/3.0' })
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
})

const deliver = (body: string, head = ''): string => {
  const uid = server.account.deliver('inbox', `From: bob@postern.test\r\nSubject: old\r\n${head}\r\n${body}`)
  return `${inbox}:1:${uid.toString(36)}`
}
const item = (id: string): Element => phone.held(inbox).items.get(id)!.data!
const tagsOf = (element: Element): string[] => element.children.flatMap(one => [one.tag, ...tagsOf(one)])

it('are the oldest ones', () => {
  expect([since('12.0', '2.5'), since('2.5', '12.0'), lower('2.5', '16.1'), lower('12.1', '12.0')]).toEqual([true, false, '2.5', '12.0'])
  expect(versions[0]).toBe('2.5')
})

describe('an item in version 2.5', () => {
  it('has nothing of later versions in it', async () => {
    const id = deliver('hello\r\n')
    await phone.syncAll(inbox)
    server.account.flag('inbox', parseInt(id.split(':')[2]!, 36), '\\Flagged', true)
    await phone.syncAll(inbox)
    expect(tagsOf(item(id)).filter(tag => !tag.startsWith('Email:'))).toEqual([])
    expect(tagsOf(item(id)).filter(tag => ['Email:Flag', 'Email:ContentClass', 'Email:Categories'].includes(tag))).toEqual([])
  })

  it.each([
    [0, '', '1'], [1, 512, '1'], [2, 1024, '1'], [3, 2048, '1'], [4, 5120, '1'], [5, 10_240, '1'], [6, 20_480, '1'], [7, 51_200, '1'],
    [8, 102_400, '1'], [9, 150_000, '0'], [undefined, 150_000, '0'],
  ])('with Truncation %s has a body of %s characters', async (truncation, length, cut) => {
    const id = deliver('x'.repeat(150_000))
    await phone.syncAll(inbox, { options: { ...(truncation === undefined ? {} : { truncation }), mimeSupport: 0 } })
    expect([text(item(id), 'Email:Body')?.length ?? '', text(item(id), 'Email:BodyTruncated'), text(item(id), 'Email:BodySize')])
      .toEqual([length, cut, '150000'])
  })

  it('is fetched whole once it was cut', async () => {
    const id = deliver('ä'.repeat(1000))
    await phone.syncAll(inbox, { options: { truncation: 1, mimeSupport: 0 } })
    expect(text(item(id), 'Email:Body')).toBe('ä'.repeat(256))
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Fetch', id }], options: { truncation: 1 } }] })
    expect([text(item(id), 'Email:Body'), text(item(id), 'Email:BodyTruncated')]).toEqual(['ä'.repeat(1000), '0'])
  })

  it('is plain text even where the message has only HTML', async () => {
    const id = deliver('<p>one</p><p>two</p>', 'Content-Type: text/html\r\n')
    await phone.syncAll(inbox)
    expect(text(item(id), 'Email:Body')).toMatch(/^one\s+two/)
  })

  it('is the message itself where MIMESupport asks for it, cut by MIMETruncation, and streamed when it is large', async () => {
    const small = deliver('hello', 'Content-Type: text/plain\r\n'), large = deliver('y'.repeat(400_000), 'Content-Type: text/plain\r\n')
    await phone.syncAll(inbox, { options: { mimeSupport: 2 } })
    expect(text(item(small), 'Email:MIMEData')).toContain('Subject: old\r\n')
    expect([text(item(small), 'Email:MIMETruncated'), text(item(small), 'Email:Body')]).toEqual(['0', undefined])
    expect(text(item(large), 'Email:MIMEData')!.length).toBe(Number(text(item(large), 'Email:MIMESize')))
    const other = server.phone({ version: '2.5', deviceId: 'CUT' })
    await other.syncAll(inbox, { options: { mimeSupport: 2, mimeTruncation: 1 } })
    const cut = other.held(inbox).items.get(large)!.data!
    expect([text(cut, 'Email:MIMEData')!.length, text(cut, 'Email:MIMETruncated')]).toEqual([4096, '1'])
  })

  it('tells its files, which GetAttachment hands out by AttName', async () => {
    const id = deliver('--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment\r\n\r\n1;2\r\n--b--\r\n',
      'Content-Type: multipart/mixed; boundary=b\r\n')
    await phone.syncAll(inbox)
    const file = descend(item(id), 'Email:Attachments', 'Email:Attachment')
    const names = file.children.map(({ tag, text: value }) => [tag.slice(6), value])
    expect(names).toEqual([['AttName', `${id}:2`], ['AttSize', '3'], ['AttMethod', '1'], ['DisplayName', 'a.csv']])
    const { status, headers, bytes } = await phone.raw('GetAttachment', undefined, { parameters: { AttachmentName: `${id}:2` } })
    expect([status, headers['content-type'], Buffer.from(bytes).toString()]).toEqual([200, 'text/csv', '1;2'])
  })

  it('is read and deleted as ever', async () => {
    const id = deliver('hello')
    await phone.syncAll(inbox)
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, read: true }] }] })
    expect(server.account.list('inbox').at(-1)!.flags).toEqual(['\\Seen'])
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Delete', id }] }] })
    expect(phone.held(inbox).items.has(id)).toBe(false)
  })
})

describe('Sync before 12.1', () => {
  it.each(['2.5', '12.0'])('names the class first and is never answered by nothing, in version %s', async version => {
    const old = server.phone({ version, deviceId: `OLD${version}` })
    await old.syncAll(inbox)
    const { status, bytes } = await old.raw('Sync', old.syncBody({ collections: [{ id: inbox }] }))
    const collection = descend(decode(bytes), 'AirSync:Collections', 'AirSync:Collection')
    expect([status, collection.children.map(({ tag }) => tag)])
      .toEqual([200, ['AirSync:Class', 'AirSync:SyncKey', 'AirSync:CollectionId', 'AirSync:Status']])
    expect(text(collection, 'AirSync:SyncKey')).toBe(old.held(inbox).key)
  })

  it.each([
    ['2.5', {}, ''], ['12.0', {}, ''], ['12.1', {}, '13'],
    ['2.5', { wait: 5 }, '4'], ['12.0', { wait: 5 }, '4'], ['12.1', { heartbeat: 300 }, '4'],
  ])('%s with %o is refused', async (version, wait, status) => {
    const old = server.phone({ version, deviceId: 'WAITS' })
    const empty = Object.keys(wait).length === 0
    const { bytes } = await old.raw('Sync', empty ? undefined : old.syncBody({ collections: [{ id: inbox }], ...wait }))
    expect(text(decode(bytes), 'AirSync:Status')).toBe(status || '4')
  })

  it('has bodies by BodyPreference in 12.0, where 2.5 has none', async () => {
    const id = deliver('<p>one</p>', 'Content-Type: text/html\r\n')
    const newer = server.phone({ version: '12.0' })
    await newer.syncAll(inbox, { options: { bodies: [{ type: 2 }] } })
    expect(newer.held(inbox).items.get(id)!.body).toBe('<p>one</p>')
    expect(tagsOf(newer.held(inbox).items.get(id)!.data!).filter(tag => tag.startsWith('Email2:'))).toEqual([])
  })
})

describe('commands of old', () => {
  it('GetHierarchy lists the mail folders, users\' own as type 1', async () => {
    const folders = children((await phone.command('GetHierarchy', undefined))!, 'FolderHierarchy:Folder')
    expect(folders.map(one => text(one, 'FolderHierarchy:Type')).slice(0, 5)).toEqual(['2', '3', '5', '4', '6'])
    expect(folders.map(one => text(one, 'FolderHierarchy:ServerId'))).toEqual([...phone.folders.keys()])
  })

  const edit = async (command: string, parameters: Record<string, string>): Promise<{ status: string; id: string | undefined }> => {
    const answer = await phone.command(command, undefined, { parameters })
    const folder = child(answer!, 'FolderHierarchy:Folder')
    return { status: text(answer!, 'FolderHierarchy:Status') ?? '', id: folder && text(folder, 'FolderHierarchy:ServerId') }
  }

  it('CreateCollection, MoveCollection and DeleteCollection edit folders, which the next FolderSync tells', async () => {
    const { status, id } = await edit('CreateCollection', { ParentId: '0', CollectionName: 'Grün & Co' })
    expect([status, (await phone.folderSync()).changes]).toEqual(['1', ['Add Grün & Co']])
    expect(await edit('CreateCollection', { ParentId: '0', CollectionName: 'Grün & Co' })).toEqual({ status: '2', id: undefined })
    const below = await edit('CreateCollection', { ParentId: id!, CollectionName: 'below' })
    expect(await edit('MoveCollection', { CollectionId: id!, ParentId: below.id! })).toMatchObject({ status: '10' })
    expect(await edit('MoveCollection', { CollectionId: below.id!, ParentId: '0', CollectionName: 'above' })).toEqual({ status: '1', id: below.id })
    await phone.folderSync()
    expect(phone.folders.get(below.id!)).toMatchObject({ parent: '0', name: 'above' })
    for (const CollectionId of [below.id!, id!]) expect(await edit('DeleteCollection', { CollectionId })).toMatchObject({ status: '1' })
    expect(await edit('DeleteCollection', { CollectionId: id! })).toMatchObject({ status: '4' })
  })

  it.each([
    ['DeleteCollection', {}, '10'], ['DeleteCollection', { CollectionId: 'f1' }, '3'], ['MoveCollection', { CollectionId: 'nothing' }, '4'],
    ['CreateCollection', { CollectionName: '' }, '10'], ['CreateCollection', { CollectionName: 'x'.repeat(257) }, '10'],
    ['CreateCollection', { ParentId: 'nothing', CollectionName: 'x' }, '4'],
  ])('%s with %o gets status %s', async (command, parameters, status) => {
    expect((await edit(command, parameters)).status).toBe(status)
  })

  it('end with 12.1, as others begin with 12.0', async () => {
    for (const command of ['GetHierarchy', 'CreateCollection', 'GetAttachment']) {
      expect((await server.phone({ version: '14.0' }).raw(command, undefined)).status).toBe(501)
    }
    for (const [command, root] of [['Settings', 'Settings:Settings'], ['ItemOperations', 'ItemOperations:ItemOperations']] as const) {
      expect((await phone.raw(command, el(root))).status).toBe(400)
    }
  })
})

describe('a policy', () => {
  it.each(['2.5', '12.0'])('is asked for by HTTP 449 and taken in two phases, in version %s', async version => {
    const strict = await easServer({ policy: { DevicePasswordEnabled: true } })
    const old = strict.phone({ version })
    const asked = [
      await old.raw('FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')])),
      await old.raw('GetHierarchy', undefined), await old.raw('GetAttachment', undefined, { parameters: { AttachmentName: 'f1:1:1:1' } }),
    ]
    expect(asked.map(({ status }) => status)).toEqual([449, 449, 449])
    expect(await old.provision()).toBe(true)
    expect((await old.folderSync('0')).status).toBe('1')
    await strict.stop()
  })

  it('that no one needs is a password nobody is asked for', async () => {
    const { policyXml } = await import('../../src/eas/policy-xml.ts')
    expect(policyXml({ AllowCamera: false })).toBe(
      '<wap-provisioningdoc><characteristic type="SecurityPolicy"><parm name="4131" value="1"/></characteristic></wap-provisioningdoc>')
    expect(policyXml({ DevicePasswordEnabled: 1, MinDevicePasswordLength: '"/>', MaxInactivityTimeDeviceLock: 90 })).toMatch(/AEFrequencyValue" value="2"/)
  })
})

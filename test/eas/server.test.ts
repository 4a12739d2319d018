import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, encodeSync, type Element } from '../../src/wire/wbxml.ts'
import { statusOf } from '../../src/eas/respond.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { mutations } from '../support/fuzz.ts'

let server: EasServer
beforeAll(async () => void (server = await easServer()))
afterAll(() => server.stop())

const folderSync = el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')])
const top = (bytes: Uint8Array): string | undefined => bytes.length ? statusAt(decode(bytes)) : undefined
const statusAt = (root: Element): string | undefined => root.children.find(one => one.tag.endsWith(':Status'))?.text

describe('OPTIONS', () => {
  it('tells versions and the commands that are served', async () => {
    const { versions, commands } = await server.phone().optionsRequest()
    expect(versions).toEqual(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'])
    expect(commands).toEqual([
      'Sync', 'SendMail', 'SmartForward', 'SmartReply', 'GetAttachment', 'GetHierarchy', 'CreateCollection', 'DeleteCollection',
      'MoveCollection', 'FolderSync', 'FolderCreate', 'FolderDelete', 'FolderUpdate', 'MoveItems', 'GetItemEstimate', 'MeetingResponse', 'Search',
      'Settings', 'Ping', 'ItemOperations', 'Provision', 'ResolveRecipients', 'ValidateCert', 'Find',
    ])
  })

  it('stops at the configured ceiling', async () => {
    const low = await easServer({ ceiling: '14.0' })
    expect((await low.phone().optionsRequest()).versions).toEqual(['2.5', '12.0', '12.1', '14.0'])
    await low.stop()
  })

  it('is 401 without credentials or with wrong ones', async () => {
    const wrong = server.phone({ password: 'guess' })
    const path = '/Microsoft-Server-ActiveSync'
    expect((await wrong.raw('', undefined, { method: 'OPTIONS', path })).status).toBe(401)
    expect((await wrong.raw('', undefined, { method: 'OPTIONS', path, headers: { authorization: undefined } })).status).toBe(401)
  })
})

describe('a request', () => {
  it.each([
    ['without credentials', { headers: { authorization: undefined } }, 401],
    ['with a wrong password', { headers: { authorization: `Basic ${btoa('anna@postern.test:guess')}` } }, 401],
    ['of another method', { method: 'GET' }, 501],
    ['without a query', { path: '/Microsoft-Server-ActiveSync' }, 400],
    ['of version 2.1', { headers: { 'ms-asprotocolversion': '2.1' } }, 400],
    ['without a version', { headers: { 'ms-asprotocolversion': undefined } }, 505],
    ['for a command nobody knows', { path: '/Microsoft-Server-ActiveSync?Cmd=Teleport&DeviceId=d&DeviceType=t' }, 501],
    ['for GetHierarchy', { path: '/Microsoft-Server-ActiveSync?Cmd=GetHierarchy&DeviceId=d&DeviceType=t' }, 501],
    ['larger than allowed', { headers: { 'content-length': String(2 * 1024 * 1024) } }, 413],
  ])('%s is answered by HTTP alone', async (_, overrides, status) => {
    const large = status === 413 ? new Uint8Array(2 * 1024 * 1024) : encodeSync(folderSync)
    expect((await server.phone().raw('FolderSync', large, overrides)).status).toBe(status)
  })

  it('may spell the path in any letter case, and end it with a slash', async () => {
    for (const path of ['/microsoft-server-activesync', '/MICROSOFT-SERVER-ACTIVESYNC/']) {
      const answer = await server.phone().raw('', folderSync, { path: `${path}?Cmd=FolderSync&User=a&DeviceId=d&DeviceType=t` })
      expect([answer.status, top(answer.bytes)]).toEqual([200, '1'])
    }
  })

  it('may be compressed, within the same bound', async () => {
    const headers = { 'content-encoding': 'gzip' }
    const good = await server.phone().raw('FolderSync', gzipSync(encodeSync(folderSync)), { headers })
    expect(top(good.bytes)).toBe('1')
    const bomb = await server.phone().raw('FolderSync', gzipSync(new Uint8Array(8 * 1024 * 1024)), { headers })
    expect(bomb.status).toBe(413)
  })

  it('is answered with its type, its length and the version of the server', async () => {
    const { headers, bytes } = await server.phone().raw('FolderSync', folderSync)
    expect(headers).toMatchObject({
      'content-type': 'application/vnd.ms-sync.wbxml', 'content-length': String(bytes.length), 'ms-server-activesync': '16.1',
      'cache-control': 'private',
    })
  })

  it.each([
    ['no device id', { DeviceId: '' }, '108', 400],
    ['a device id with a comma', { DeviceId: 'a,b' }, '108', 400],
    ['no device type', { DeviceType: '' }, '109', 400],
  ])('with %s gets a status, or HTTP 400 in 12.1', async (_, parameters, status, http) => {
    const query = new URLSearchParams({ Cmd: 'FolderSync', User: 'a', DeviceId: 'd', DeviceType: 't', ...parameters })
    const path = `/Microsoft-Server-ActiveSync?${query}`
    expect(top((await server.phone().raw('', folderSync, { path })).bytes)).toBe(status)
    expect((await server.phone({ version: '12.1' }).raw('', folderSync, { path })).status).toBe(http)
  })

  it.each([
    ['no WBXML', Buffer.from('hello'), {}, '102'],
    ['WBXML cut off', encodeSync(folderSync).subarray(0, 9), {}, '102'],
    ['another content type', Buffer.from('hello'), { 'content-type': 'text/plain' }, '101'],
    ['the tree of another command', encodeSync(el('Ping:Ping')), {}, '10'],
    ['no body at all', undefined, {}, '10'],
  ])('with %s gets a status, or HTTP 400 in 12.1 for common ones', async (_, body, headers, status) => {
    expect(top((await server.phone().raw('FolderSync', body, { headers })).bytes)).toBe(status)
    const old = await server.phone({ version: '12.1' }).raw('FolderSync', body, { headers })
    expect(old.status).toBe(Number(status) > 100 ? 400 : 200)
  })

  it('for a command of a later version of the protocol has a status of its own', async () => {
    expect(top((await server.phone({ version: '14.1' }).raw('Find', el('Find:Find'))).bytes)).toBe('138')
  })

  it('leaves its facts for the log, and nothing of what it said', async () => {
    await server.phone({ deviceId: 'LOGGED' }).folderSync('0')
    const line = server.served.log.lines.findLast(({ device }) => device === 'LOGGED')
    expect(line).toMatchObject({
      user: 'anna@postern.test', type: 'TestPhone', agent: 'TestPhone/1.0', command: 'FolderSync', version: '16.1', folders: 5,
      adds: 5,
    })
    expect(JSON.stringify(line)).not.toContain('secret')
  })
})

describe('when the mail server is away', () => {
  it('a command says so in its own words, and the next one goes on', async () => {
    const phone = server.phone()
    server.account.outage = new Failure('unavailable', 'connection lost')
    expect(await phone.folderSync('0')).toMatchObject({ status: '6' })
    expect((await phone.ping(['f1'], 60)).status).toBe('8')
    server.account.outage = new Failure('auth', 'the password was changed')
    expect((await phone.raw('FolderSync', folderSync)).status).toBe(401)
    server.account.outage = new Failure('busy', 'too much', { retryAfter: 7 })
    const busy = await phone.raw('FolderSync', folderSync)
    expect([busy.status, busy.headers['retry-after']]).toEqual([503, '7'])
    server.account.outage = undefined
    expect(await phone.folderSync('0')).toMatchObject({ status: '1' })
  })
})

describe('whatever octets come', () => {
  it('every answer is a status or an HTTP status, and nothing is a bug', async () => {
    const phone = server.phone()
    const samples: [string, Uint8Array][] = [
      ['FolderSync', encodeSync(folderSync)],
      ['Ping', encodeSync(el('Ping:Ping', [
        el('Ping:HeartbeatInterval', '0'), el('Ping:Folders', [el('Ping:Folder', [el('Ping:Id', 'f1'), el('Ping:Class', 'Email')])]),
      ]))],
      ['MoveItems', encodeSync(el(
        'Move:MoveItems', [el('Move:Move', [el('Move:SrcMsgId', 'f1:1:1'), el('Move:SrcFldId', 'f1'), el('Move:DstFldId', 'f2')])]
      ))],
      ['Settings', encodeSync(el('Settings:Settings', [el('Settings:UserInformation', [el('Settings:Get')])]))],
      ['ItemOperations', encodeSync(el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
        el('ItemOperations:Store', 'Mailbox'), el('AirSyncBase:FileReference', 'f1:1:1:2'),
        el('ItemOperations:Options', [el('ItemOperations:Range', '0-9')]),
      ])]))],
      ['SendMail', encodeSync(
        el('ComposeMail:SendMail', [el('ComposeMail:ClientId', '1'), el('ComposeMail:Mime', Buffer.from('Subject: x\r\n\r\nx'))])
      )],
    ]
    const seen = new Set<number>()
    for (const [command, sample] of samples) {
      for (const bytes of mutations([sample], 300, 3)) seen.add((await phone.raw(command, bytes)).status)
    }
    expect([...seen].filter(status => ![200, 413].includes(status))).toEqual([])
    expect(server.served.bugs()).toBe(0)
  })
})

it('a status at the top is found for the log', () => {
  expect(statusOf(el('Ping:Ping', [el('Ping:Status', '5'), el('Ping:HeartbeatInterval', '60')]))).toBe('5')
  expect(statusOf(el('Ping:Ping'))).toBeUndefined()
})

// Messages of more than a mebibyte, which flow: nothing of what holds for small ones may be different.
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, encodeSync, text, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer({ maxRequest: 6_000_000, maxHeld: 2_500_000 })
  phone = server.phone()
})
afterEach(() => server.stop())

const lines = (octets: number): string => 'Grüße: 8 bit.\r\n.A dot\r\n'.repeat(Math.ceil(octets / 25))
const mail = (fields: Record<string, string> = {}, octets = 3_000_000): string => {
  const all = {
    From: 'Anna <anna@postern.test>', To: 'bob@postern.test', Subject: 'hi', 'Message-ID': '<1@phone>',
    Date: 'Mon, 23 Nov 2026 03:46:00 +0000', 'MIME-Version': '1.0', ...fields,
  }
  return `${Object.entries(all).filter(([, value]) => value).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${lines(octets)}`
}
const sent = (): string[] => server.account.list('sent').map(one => one.text)
const submitted = (): string[] => server.account.submitted.map(({ message }) => message)
const same = (found: readonly string[], expected: readonly string[]): void => {
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
  expect(found.every((one, index) => one === expected[index])).toBe(true)
}
const flowed = (): boolean => server.account.calls.includes('appending')

/** The Status of a request, '' for none. */
async function ask(command: 'SendMail' | 'SmartForward', nodes: Node[]): Promise<string> {
  const { status, bytes } = await phone.raw(command, el(`ComposeMail:${command}`, nodes))
  return status !== 200 ? `HTTP ${status}` : bytes.length ? text(decode(bytes), 'ComposeMail:Status')! : ''
}
const clientId = el('ComposeMail:ClientId', '7'), save = el('ComposeMail:SaveInSentItems')
const mime = (message: string): Node => el('ComposeMail:Mime', Buffer.from(message))

describe('a large message', () => {
  it.each([['12.1'], ['14.0'], ['16.1']])('is sent and filed octet by octet in version %s', async version => {
    const one = server.phone({ version, query: version === '14.0' ? 'base64' : 'plain' })
    expect(await one.sendMail(mail())).toBe('')
    same(submitted(), [mail()])
    same(sent(), [mail()])
    expect([server.account.list('sent')[0]!.flags, flowed()]).toEqual([['\\Seen'], true])
  })

  it('goes out as the own address, without Bcc, which stays in Sent, and with what the phone left out', async () => {
    expect(await phone.sendMail(mail({ From: 'Boss <boss@postern.test>', Bcc: 'carol@postern.test', Date: '' }))).toBe('')
    const [{ from, to, message }] = server.account.submitted as [{ from: string; to: string[]; message: string }]
    expect([from, to]).toEqual(['anna@postern.test', ['bob@postern.test', 'carol@postern.test']])
    const [head = ''] = message.split('\r\n\r\n', 1)
    expect(head).toMatch(/^From: Boss <anna@postern\.test>\r\nTo: bob@postern\.test\r\nSubject: hi\r\nMessage-ID: <1@phone>\r\nMIME-Version: 1\.0\r\nDate: .*$/)
    expect(message.slice(head.length + 4) === lines(3_000_000)).toBe(true)
    same(sent(), [message.replace('Message-ID: <1@phone>\r\nMIME-Version: 1.0\r\n', 'Message-ID: <1@phone>\r\nMIME-Version: 1.0\r\nBcc: carol@postern.test\r\n')])
  })

  it.each([['12.1'], ['16.1']])('files nothing unless asked to in version %s, nor where the server does', async version => {
    expect(await server.phone({ version }).sendMail(mail(), { save: false })).toBe('')
    server.account.filesSent = true
    expect(await server.phone({ version }).sendMail(mail({ 'Message-ID': '<2@phone>' }))).toBe('')
    expect([submitted().length, sent()]).toEqual([2, []])
  })

  it('is taken as it comes: compressed, or of a length nobody told, as long as it may be held', async () => {
    const headers = { 'content-type': 'message/rfc822' }, parameters = { SaveInSent: 'T' }
    const old = server.phone({ version: '12.1' })
    const small = mail({}, 2_000_000)
    await old.raw('SendMail', gzipSync(small), { headers: { ...headers, 'content-encoding': 'gzip' }, parameters })
    await old.raw('SendMail', Buffer.from(small.replace('<1@', '<2@')), { headers: { ...headers, 'content-length': undefined, 'transfer-encoding': 'chunked' }, parameters })
    same(sent(), [small, small.replace('<1@', '<2@')])
    const { status } = await old.raw('SendMail', Buffer.from(mail()), { headers: { ...headers, 'content-length': undefined, 'transfer-encoding': 'chunked' }, parameters })
    expect([status, flowed()]).toEqual([413, false])
  })
})

describe('elements in another order', () => {
  it.each<[string, Node[]]>([
    ['SaveInSentItems behind Mime', [clientId, mime(mail({}, 2_000_000)), save]],
    ['all behind Mime', [mime(mail({}, 2_000_000)), save, clientId]],
  ])('%s: held as long as it may be', async (_, nodes) => {
    expect(await ask('SendMail', nodes)).toBe('')
    same(sent(), [mail({}, 2_000_000)])
    expect(flowed()).toBe(false)
  })

  it.each<[string, Node[], string]>([
    ['SaveInSentItems behind more than may be held', [clientId, mime(mail()), save], '103'],
    ['AccountId behind a large Mime', [clientId, save, mime(mail()), el('ComposeMail:AccountId', '5')], '103'],
    ['a second Mime', [clientId, save, mime(mail()), mime('x: y')], '103'],
    ['no ClientId', [save, mime(mail())], '103'],
    ['a ClientId that is too large itself', [el('ComposeMail:ClientId', Buffer.from(mail())), save], 'HTTP 413'],
  ])('%s: refused, and nothing is sent', async (_, nodes, status) => {
    expect(await ask('SendMail', nodes)).toBe(status)
    expect([submitted(), sent()]).toEqual([[], []])
  })

  it('what means nothing here may follow', async () => {
    expect(await ask('SendMail', [clientId, save, mime(mail()), el('RightsManagement:TemplateID', '1')])).toBe('')
    expect([flowed(), sent().length]).toEqual([true, 1])
  })
})

describe('sent once', () => {
  it('for one ClientId, and without memory by its Message-ID, its own or ours', async () => {
    for (const message of [mail(), mail({ 'Message-ID': '', Subject: 'other' })]) {
      const clientId = message.slice(60, 90)
      expect(await phone.sendMail(message, { clientId })).toBe('')
      expect(await phone.sendMail(message, { clientId })).toBe('118')
      server.forget()
      expect(await phone.sendMail(message, { clientId })).toBe('118')
    }
    expect([submitted().length, sent().length]).toEqual([2, 2])
  })

  it('however much of it is there when it begins: compressed, it is held as a whole', async () => {
    const body = encodeSync(el('ComposeMail:SendMail', [clientId, save, mime(mail({ 'Message-ID': '' }, 2_000_000))]))
    expect((await phone.raw('SendMail', body)).bytes).toHaveLength(0)
    expect(flowed()).toBe(true)
    server.forget()
    const { bytes } = await phone.raw('SendMail', gzipSync(body), { headers: { 'content-encoding': 'gzip' } })
    expect([text(decode(bytes), 'ComposeMail:Status'), submitted().length]).toEqual(['118', 1])
  })

  it('but another message under a counter that began anew is another one', async () => {
    await phone.sendMail(mail({ 'Message-ID': '' }), { clientId: '1' })
    server.forget()
    expect(await phone.sendMail(mail({ 'Message-ID': '' }, 3_000_100), { clientId: '1' })).toBe('')
    expect(submitted()).toHaveLength(2)
  })

  it('after it was cut, wherever', async () => {
    const body = encodeSync(el('ComposeMail:SendMail', [clientId, save, mime(mail())]))
    for (const cutAfter of [500_000, 1_100_000, 2_500_000, body.length - 3, body.length - 2, body.length - 1]) {
      await expect(phone.raw('SendMail', body, { cutAfter })).rejects.toThrow()
    }
    const old = server.phone({ version: '12.1' }), raw = Buffer.from(mail())
    for (const cutAfter of [1_100_000, raw.length - 1]) {
      await expect(old.raw('SendMail', raw, { cutAfter, headers: { 'content-type': 'message/rfc822' } })).rejects.toThrow()
    }
    await expect.poll(() => server.served.log.lines.filter(line => line.message === 'request').length).toBe(8)
    expect([submitted(), sent()]).toEqual([[], []])
    // Until a broken one is noticed, the message counts as being sent.
    await expect.poll(async () => (await phone.raw('SendMail', body)).status).toBe(200)
    expect([submitted().length, sent().length]).toEqual([1, 1])
  })

  it('because Sent is full, too', async () => {
    server.account.full = true
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('')
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('118')
    expect([submitted().length, sent(), server.log.filter(({ message }) => message === 'not filed while sending').length]).toEqual([1, [], 1])
  })
})

describe('a client hears', () => {
  it.each([
    ['denied', '120', 'HTTP 500'], ['malformed', '120', 'HTTP 500'], ['quota', '115', 'HTTP 500'], ['too-large', '122', 'HTTP 500'],
    ['unavailable', '111', 'HTTP 503'],
  ] as const)('of a submission that is %s, and nothing is filed', async (kind, status, http) => {
    server.account.rejection = new Failure(kind, 'refused')
    expect(await phone.sendMail(mail())).toBe(status)
    expect(await server.phone({ version: '12.1' }).sendMail(mail())).toBe(http)
    expect(sent()).toEqual([])
  })

  it('of a header that does not end, of no recipient, and of what is too large', async () => {
    expect(await phone.sendMail(mail().replace('\r\n\r\n', '\r\nX: y'.repeat(200_000)))).toBe('107')
    expect(await phone.sendMail(mail({ To: '' }))).toBe('119')
    expect(await phone.sendMail(mail({}, 7_000_000))).toBe('HTTP 413')
    expect(submitted()).toEqual([])
  })

  it('that another request is no place for so much', async () => {
    const { status } = await phone.raw('Sync', el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', Buffer.from(mail()))])]))
    expect(status).toBe(413)
  })
})

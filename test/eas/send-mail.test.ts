import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, text } from '../../src/wire/wbxml.ts'
import { easServer, site, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
})
afterEach(() => server.stop())

const mail = (fields: Record<string, string> = {}, body = 'Hello Bob\r\n'): string => {
  const all = {
    From: 'Anna <anna@postern.test>', To: 'bob@postern.test', Subject: 'hi', 'Message-ID': '<1@phone>',
    Date: 'Mon, 23 Nov 2026 03:46:00 +0000', 'MIME-Version': '1.0', ...fields,
  }
  return `${Object.entries(all).filter(([, value]) => value).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}
const sent = (): string[] => server.account.list('sent').map(one => one.text)

describe('SendMail', () => {
  it.each([['12.1'], ['14.0'], ['16.1']])('sends and files a message octet by octet in version %s', async version => {
    const one = server.phone({ version, query: version === '14.0' ? 'base64' : 'plain' })
    expect(await one.sendMail(mail())).toBe('')
    expect(server.account.submitted).toEqual([{ from: 'anna@postern.test', to: ['bob@postern.test'], message: mail() }])
    expect(sent()).toEqual([mail()])
    expect(server.account.list('sent')[0]!.flags).toEqual(['\\Seen'])
  })

  it.each([['12.1'], ['16.1']])('files nothing unless asked to in version %s', async version => {
    expect(await server.phone({ version }).sendMail(mail(), { save: false })).toBe('')
    expect([server.account.submitted.length, sent()]).toEqual([1, []])
  })

  it('files nothing where the submission server does', async () => {
    const other = await easServer()
    other.account.filesSent = true
    await other.phone().sendMail(mail())
    expect([other.account.submitted.length, other.account.list('sent')]).toEqual([1, []])
    await other.stop()
  })

  it('sends to To, Cc and Bcc, and keeps Bcc in Sent alone', async () => {
    const message = mail(
      { To: '"Bob, B." <bob@postern.test>, carol@postern.test', Cc: 'bob@postern.test', Bcc: 'dave@postern.test' }
    )
    await phone.sendMail(message)
    const [submitted] = server.account.submitted
    expect(submitted!.to).toEqual(['bob@postern.test', 'carol@postern.test', 'dave@postern.test'])
    expect(submitted!.message).toBe(message.replace('Bcc: dave@postern.test\r\n', ''))
    expect(sent()).toEqual([message])
  })

  it.each([
    ['the own address as it is', 'Anna Boss <anna@postern.test>', 'anna@postern.test', 'From: Anna Boss <anna@postern.test>'],
    ['an alias of the own', 'Anna <Anna.Alias@postern.test>', 'Anna.Alias@postern.test', 'From: Anna <Anna.Alias@postern.test>'],
    ['the address of another', '"The Boss" <boss@postern.test>', 'anna@postern.test', 'From: The Boss <anna@postern.test>'],
    ['a login name', 'anna', 'anna@postern.test', 'From: Anna Test <anna@postern.test>'],
    ['nothing', '', 'anna@postern.test', 'From: Anna Test <anna@postern.test>'],
  ])('with From %s', async (_, from, envelope, line) => {
    await phone.sendMail(mail({ From: from }))
    const [submitted] = server.account.submitted
    expect(submitted!.from).toBe(envelope)
    expect(submitted!.message.split('\r\n')).toContain(line)
  })

  it('removes a Sender that is somebody else', async () => {
    await phone.sendMail(mail({ Sender: 'boss@postern.test' }))
    expect(server.account.submitted[0]!.message).toBe(mail())
  })

  it('adds what a phone left out', async () => {
    await phone.sendMail('To: bob@postern.test\r\n\r\nx')
    expect(server.account.submitted[0]!.message).toMatch(
      /^To: bob@postern\.test\r\nFrom: .*\r\nMessage-ID: <[0-9a-f]{32}@postern\.test>\r\nDate: .*\r\nMIME-Version: 1\.0\r\n\r\nx$/)
  })

  it('takes 1 MB less a little and refuses more', async () => {
    expect(await phone.sendMail(mail({}, 'x'.repeat(76).concat('\r\n').repeat(13_000)))).toBe('')
    expect(await phone.sendMail(mail({}, 'y'.repeat(1024 * 1024)))).toBe('HTTP 413')
  })
})

describe('SendMail sends once', () => {
  it('for one ClientId, whatever is repeated', async () => {
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('')
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('118')
    expect(server.account.submitted).toHaveLength(1)
  })

  it.each([['its own', '<1@phone>'], ['no', '']])('for a message with %s Message-ID, without memory', async (_, id) => {
    const message = mail({ 'Message-ID': id })
    expect(await phone.sendMail(message, { clientId: '7' })).toBe('')
    server.forget()
    expect(await phone.sendMail(message, { clientId: '7' })).toBe('118')
    expect(server.account.submitted).toHaveLength(1)
  })

  it('in version 12.1, where the answer that was lost is given again', async () => {
    const old = server.phone({ version: '12.1' })
    expect(await old.sendMail(mail())).toBe('')
    server.forget()
    expect(await old.sendMail(mail())).toBe('')
    expect(server.account.submitted).toHaveLength(1)
  })

  it('but another message under a counter that began anew is another one', async () => {
    await phone.sendMail(mail({ 'Message-ID': '' }), { clientId: '1' })
    server.forget()
    expect(await phone.sendMail(mail({ 'Message-ID': '', Subject: 'other' }), { clientId: '1' })).toBe('')
    expect(server.account.submitted).toHaveLength(2)
  })

  it('and once more after a failure', async () => {
    server.account.rejection = new Failure('unavailable', 'no answer')
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('111')
    server.account.rejection = undefined
    expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('')
  })

  it('while it is being sent, whoever asks again is to wait', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => phone.sendMail(mail(), { clientId: '7' })))
    expect(answers.toSorted()[0]).toBe('')
    for (const answer of answers.toSorted().slice(1)) expect(['118', 'HTTP 503']).toContain(answer)
    expect(server.account.submitted).toHaveLength(1)
  })
})

describe('SendMail tells', () => {
  it.each<[string, string, string, string]>([
    ['of no recipient', mail({ To: '' }), '119', 'HTTP 500'],
    ['of recipients that are no addresses', mail({ To: 'undisclosed-recipients:;' }), '119', 'HTTP 500'],
    ['of what is no message', 'hello', '107', 'HTTP 500'],
  ])('%s', async (_, message, status, http) => {
    expect(await phone.sendMail(message)).toBe(status)
    expect(await server.phone({ version: '12.1' }).sendMail(message)).toBe(http)
    expect(server.account.submitted).toEqual([])
  })

  it.each([
    ['denied', '120', 'HTTP 500'], ['malformed', '120', 'HTTP 500'], ['quota', '115', 'HTTP 500'],
    ['too-large', '122', 'HTTP 500'],
    ['unavailable', '111', 'HTTP 503'],
  ] as const)('of a submission that is %s', async (kind, status, http) => {
    server.account.rejection = new Failure(kind, 'refused')
    expect(await phone.sendMail(mail())).toBe(status)
    expect(await server.phone({ version: '12.1' }).sendMail(mail())).toBe(http)
    expect(sent()).toEqual([])
  })

  it('of recipients that were refused while others were not, by a note in the inbox', async () => {
    server.account.refused = ['nobody@postern.test']
    expect(await phone.sendMail(mail({ To: 'bob@postern.test, nobody@postern.test', Subject: 'Grüße' }))).toBe('')
    expect(server.account.submitted[0]!.to).toEqual(['bob@postern.test'])
    const [note] = server.account.list('inbox').map(one => one.text)
    expect(note).toContain('To: anna@postern.test\r\n')
    expect(note).toContain('In-Reply-To: <1@phone>\r\n')
    expect(note).toContain('Final-Recipient: rfc822; nobody@postern.test\r\nAction: failed\r\n')
    const [, encoded = ''] = /Encoding: base64\r\n\r\n([^]*?)--/.exec(note!) ?? []
    expect(Buffer.from(encoded, 'base64').toString('utf8')).toContain('"Grüße" was sent, but not to these recipients')
  })

  it('of an account that is none', async () => {
    const body = el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', '1'), el('ComposeMail:AccountId', '5'), el('ComposeMail:Mime', Buffer.from(mail())),
    ])
    expect(text(decode((await phone.raw('SendMail', body)).bytes), 'ComposeMail:Status')).toBe('166')
  })

  it.each([
    ['without ClientId', [el('ComposeMail:Mime', Buffer.from('x: y\r\n\r\n'))]],
    ['without Mime', [el('ComposeMail:ClientId', '1')]],
    ['with a ClientId of 41 characters', [
      el('ComposeMail:ClientId', 'x'.repeat(41)), el('ComposeMail:Mime', Buffer.from('x: y\r\n\r\n')),
    ]],
  ])('of a request %s', async (_, parts) => {
    expect(text(decode((await phone.raw('SendMail', el('ComposeMail:SendMail', parts))).bytes), 'ComposeMail:Status')).toBe('103')
  })
})

it('a message that was sent is not sent again because Sent is full', async () => {
  server.account.full = true
  expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('')
  expect(await phone.sendMail(mail(), { clientId: '7' })).toBe('118')
  expect([server.account.submitted.length, sent()]).toEqual([1, []])
})

describe('a copy in Sent', () => {
  it('is tried again where the mail server breaks off, and is there once', async () => {
    server.account.failing.set('append', new Failure('unavailable', 'broken off'))
    const answer = phone.sendMail(mail(), { clientId: '7' })
    await expect.poll(() => server.account.submitted.length).toBe(1)
    server.account.failing.delete('append')
    expect(await answer).toBe('')
    expect([server.account.submitted.length, sent()]).toEqual([1, [mail()]])
  })

  it.each([['12.1'], ['16.1']])('is made by whoever is asked again where it was sent and not filed in version %s', async version => {
    const before = site.memory
    let dies = true
    site.memory = {
      ...before,
      async share(own) {
        const shared = await before.share(own)
        return {
          ...shared,
          async keep(name, value, options) {
            await shared.keep(name, value, options)
            if (value === 'unfiled' && dies) throw new Failure('unavailable', 'the end of this process')
          },
        }
      },
    }
    const other = await easServer(), one = other.phone({ version })
    site.memory = before
    const ask = () => one.sendMail(mail(), { clientId: 'a long ClientId that is unique' })
    expect(await ask()).toBe(version === '12.1' ? 'HTTP 503' : '111')
    dies = false
    expect([other.account.submitted.length, other.account.list('sent')]).toEqual([1, []])
    expect(await ask()).toBe('')
    expect([other.account.submitted.length, other.account.list('sent').map(({ text }) => text)]).toEqual([1, [mail()]])
    expect(await ask()).toBe(version === '12.1' ? '' : '118')
    await other.stop()
  })
})

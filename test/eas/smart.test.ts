import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'
import { mutations } from '../support/fuzz.ts'
import { golden, parseXml, readGolden } from '../support/golden.ts'
import { anyTree } from '../support/wbxml-trees.ts'

let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
})
afterEach(() => server.stop())

const crlf = (lines: string): string => lines.replace(/\r?\n/g, '\r\n')
const own = (rest = 'Content-Type: text/plain; charset=utf-8\n\nYes, Größe 3.\n', fields = ''): string => crlf(
  `From: Anna <anna@postern.test>\nTo: bob@postern.test\nSubject: Re: hi\nMessage-ID: <2@phone>\nDate: Mon, 23 Nov 2026 04:00:00 +0000\n${fields}MIME-Version: 1.0\n${rest}`)
const letter = (rest: string, fields = ''): string => crlf(
  `From: "Bob, B." <bob@postern.test>\nTo: anna@postern.test\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <1@bob>\nDate: Mon, 23 Nov 2026 03:46:00 +0100\n${fields}MIME-Version: 1.0\n${rest}`)
const plain = letter('Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nWelche Gr=F6=DFe?\n')
const rich = letter('Content-Type: text/html; charset=utf-8\n\n<html><head><style>p{}</style></head><body><p>Which <b>size</b>?</p></body></html>\n')
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const pictured = letter('Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/related; boundary=r\n\n' +
  '--r\nContent-Type: text/html; charset=utf-8\n\n<p>Look: <img src="cid:pic@bob"></p>\n' +
  `--r\nContent-Type: image/png; name=pic.png\nContent-ID: <pic@bob>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\n${png}\n--r--\n` +
  '--m\nContent-Type: text/plain; name=notes.txt\nContent-Disposition: attachment; filename=notes.txt\nX-Own: kept\n\nNotes\n--m--\n')

/** Random boundaries by the order they come in. */
function readable(octets: Uint8Array): string {
  const names = new Map<string, string>()
  return Buffer.from(octets).toString('latin1').replace(/=_[\w-]{24}/g, one => {
    if (!names.has(one)) names.set(one, `BOUNDARY${names.size + 1}`)
    return names.get(one)!
  }).replace(/\r\n/g, '\n')
}
const sent = (): string => readable(server.account.octets.at(-1)!)
const id = (uid: number): string => `${server.account.id('inbox')}:1:${uid.toString(36)}`
const flags = (uid: number): string[] => server.account.list('inbox').find(one => one.uid === uid)!.flags

describe('what is sent, as people can read it', () => {
  it.each<[name: string, command: 'SmartReply' | 'SmartForward', original: string, mime: string]>([
    ['reply-plain-onto-plain', 'SmartReply', plain, own()],
    ['reply-html-onto-plain', 'SmartReply', plain, own('Content-Type: text/html; charset=utf-8\n\n<html><body><p>Yes, 3.</p></body></html>')],
    ['reply-plain-onto-html', 'SmartReply', rich, own()],
    ['reply-both-onto-html', 'SmartReply', rich, own('Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\nYes.\n--a\nContent-Type: text/html\n\n<p>Yes.</p>\n--a--\n')],
    ['reply-html-onto-pictures', 'SmartReply', pictured, own('Content-Type: text/html\n\n<p>Nice.</p>')],
    ['forward-plain-of-files', 'SmartForward', pictured, own()],
    ['forward-html-of-files', 'SmartForward', pictured, own('Content-Type: text/html\n\n<p>Nice.</p>')],
    ['forward-with-own-file', 'SmartForward', pictured, own('Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nAnd mine.\n--x\nContent-Type: application/pdf; name=mine.pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--\n')],
    ['forward-without-own-text', 'SmartForward', rich, own('Content-Type: application/pdf; name=mine.pdf\nContent-Transfer-Encoding: base64\n\nAAAA')],
  ])('%s', async (name, command, original, mime) => {
    const uid = server.account.deliver('inbox', original)
    expect(await phone.smart(command, id(uid), mime)).toBe('')
    golden(`eas/smart/${name}.eml`, sent())
  })
})

describe.each(['12.1', '14.0', '14.1', '16.0', '16.1'])('version %s', version => {
  it.each([['SmartReply', '\\Answered'], ['SmartForward', '$Forwarded']] as const)('%s sends, files and marks once it was accepted (trap 17)', async (command, flag) => {
    const one = server.phone({ version, query: version === '12.1' ? 'base64' : 'plain' })
    const uid = server.account.deliver('inbox', plain)
    server.account.rejection = new Failure('denied', 'no')
    expect(await one.smart(command, id(uid), own())).toBe(version === '12.1' ? 'HTTP 500' : '120')
    expect([flags(uid), server.account.submitted]).toEqual([[], []])
    server.account.rejection = undefined
    expect(await one.smart(command, id(uid), own())).toBe('')
    expect([flags(uid), server.account.submitted.length, server.account.list('sent').length]).toEqual([[flag], 1, 1])
    expect(sent()).toContain('Welche Gr=C3=B6=C3=9Fe?')
  })

  it('sends by LongId, with or without a copy', async () => {
    const uid = server.account.deliver('inbox', plain)
    expect(await server.phone({ version }).smart('SmartReply', id(uid), own(), { longId: true, save: false })).toBe('')
    expect(sent()).toContain('Welche Gr=C3=B6=C3=9Fe?')
    expect(server.account.list('sent')).toEqual([])
  })

  it('tells of an item that is gone, of another folder, or none at all', async () => {
    const one = server.phone({ version }), status = version === '12.1' ? 'HTTP 500' : '150'
    const uid = server.account.deliver('inbox', plain)
    for (const [item, folder] of [[id(99), undefined], ['f1:7:1', undefined], ['nonsense', undefined], [id(uid), 'f2']] as const) {
      expect(await one.smart('SmartForward', item, own(), folder ? { folder } : {})).toBe(status)
    }
    expect(server.account.submitted).toEqual([])
  })
})

describe('SmartReply and SmartForward', () => {
  it('with ReplaceMime send what the client sent, and the thread it left out', async () => {
    const uid = server.account.deliver('inbox', letter('\nhello\n', 'References: <a@x>\n <b@x>\n'))
    expect(await phone.smart('SmartReply', id(uid), own(), { replaceMime: true })).toBe('')
    expect(sent()).toBe(own().replace('\r\n\r\n', '\r\nIn-Reply-To: <1@bob>\r\nReferences: <a@x>\r\n <b@x>\r\n <1@bob>\r\n\r\n').replace(/\r\n/g, '\n').replace('ö', 'Ã¶').replace('ß', 'Ã\x9f'))
    expect(flags(uid)).toEqual(['\\Answered'])
    expect(await phone.smart('SmartForward', id(uid), own(), { replaceMime: true })).toBe('118')
  })

  it('leave the thread alone that the client tells', async () => {
    const uid = server.account.deliver('inbox', plain)
    await phone.smart('SmartReply', id(uid), own(undefined, 'In-Reply-To: <mine@x>\nReferences: <mine@x>\n'))
    expect(sent()).not.toContain('<1@bob>')
    await phone.smart('SmartForward', id(uid), own().replace('<2@phone>', '<3@phone>'))
    expect(sent()).toMatch(/^References: <1@bob>$/m)
    expect(sent()).not.toMatch(/^In-Reply-To/m)
  })

  it('keep a long thread short', async () => {
    const before = Array.from({ length: 100 }, (_, index) => `<${index}@x>`)
    const uid = server.account.deliver('inbox', letter('\nhello\n', `References: ${before.join('\n ')}\n`))
    await phone.smart('SmartReply', id(uid), own())
    const [, references = ''] = /^References: ((?:.*\n )*.*)\n/m.exec(sent())!
    expect(references.split(/\s+/)).toEqual(['<0@x>', ...before.slice(-28), '<1@bob>'])
  })

  it('send once whatever is repeated, and mark it again (trap 28)', async () => {
    const uid = server.account.deliver('inbox', plain)
    const mime = own().replace('Message-ID: <2@phone>\r\n', '')
    expect(await phone.smart('SmartForward', id(uid), mime, { clientId: 'c' })).toBe('')
    server.account.flag('inbox', uid, '$Forwarded', false)
    expect(await phone.smart('SmartForward', id(uid), mime, { clientId: 'c' })).toBe('118')
    expect([server.account.submitted.length, flags(uid)]).toEqual([1, ['$Forwarded']])
    server.forget()
    expect(await phone.smart('SmartForward', id(uid), mime, { clientId: 'c' })).toBe('118')
    server.account.expunge('inbox', uid)
    expect(await phone.smart('SmartForward', id(uid), mime, { clientId: 'c' })).toBe('118')
    expect(server.account.submitted).toHaveLength(1)
  })

  it('find an item under an id that MoveItems has replaced', async () => {
    const uid = server.account.deliver('inbox', plain)
    const [inbox, trash] = [server.account.id('inbox'), server.account.id('trash')]
    await phone.moveItems([{ id: id(uid), from: inbox, to: trash }])
    expect(await phone.smart('SmartReply', id(uid), own())).toBe('')
    expect(server.account.list('trash')[0]!.flags).toEqual(['\\Answered'])
  })

  it('refuse what would be larger than a message may be', async () => {
    const uid = server.account.deliver('inbox', letter(`Content-Type: application/pdf; name=a.pdf\n\n${'x'.repeat(76).concat('\n').repeat(14_000)}`))
    expect(await phone.smart('SmartForward', id(uid), own())).toBe('122')
    expect(await phone.smart('SmartReply', id(uid), own())).toBe('')
    expect(server.account.submitted).toHaveLength(1)
  })

  it('are not sent again because the mark failed', async () => {
    const uid = server.account.deliver('inbox', plain)
    const before = server.account.stores.bind(server.account)
    server.account.stores = () => {
      const stores = before()
      const setFlags = (): Promise<never> => Promise.reject(new Failure('denied', 'read only'))
      return { ...stores, mail: new Proxy(stores.mail, { get: (mail, name) => name === 'setFlags' ? setFlags : Reflect.get(mail, name) }) }
    }
    expect(await phone.smart('SmartReply', id(uid), own(), { clientId: 'c' })).toBe('')
    expect(await phone.smart('SmartReply', id(uid), own(), { clientId: 'c' })).toBe('118')
  })
})

describe('what is signed or encrypted', () => {
  const signed = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=s\n\n--s\nContent-Type: text/plain\n\nsigned  \n--s\n' +
    'Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nAAAA\n--s--\n'
  const encrypted = 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAG\n'

  it.each([['signed', signed, true], ['encrypted', encrypted, false]])('is forwarded whole, octet for octet: %s', async (_, rest, quoted) => {
    const original = letter(rest)
    const uid = server.account.deliver('inbox', original)
    expect(await phone.smart('SmartForward', id(uid), own())).toBe('')
    expect(Buffer.from(server.account.octets[0]!).toString('latin1')).toContain(
      `\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n${original}\r\n--`)
    expect(sent().includes('____\nFrom: "Bob, B."')).toBe(true)
    expect(sent().includes('Subject: Gr=C3=BC=C3=9Fe\n\nsigned')).toBe(quoted)
  })

  it.each([['signed', signed], ['encrypted', encrypted]])('by the client stays as it sent it: %s', async (_, rest) => {
    const uid = server.account.deliver('inbox', plain)
    expect(await phone.smart('SmartReply', id(uid), own(rest))).toBe('')
    const body = crlf(rest).slice(crlf(rest).indexOf('\r\n'))
    expect(Buffer.from(server.account.octets[0]!).toString('latin1').endsWith(body.slice(body.indexOf('\r\n\r\n')))).toBe(true)
    expect(sent()).not.toContain('Welche')
    expect(await phone.smart('SmartForward', id(uid), own(rest).replace('<2@phone>', '<4@phone>'))).toBe('')
    const forwarded = Buffer.from(server.account.octets[1]!).toString('latin1')
    expect(forwarded).toContain(crlf(rest))
    expect(forwarded).toContain(plain)
  })
})

describe('SmartForward to Forwardees', () => {
  const forwardees = (...list: [email: string, name?: string][]): Node => el('ComposeMail:Forwardees', list.map(([email, name]) =>
    el('ComposeMail:Forwardee', [el('ComposeMail:Email', email), ...(name ? [el('ComposeMail:Name', name)] : [])])))
  const body = el('AirSyncBase:Body', [el('AirSyncBase:Type', '2'), el('AirSyncBase:Data', '<p>Please look</p>')])
  const forward = (version: string, more: Node[], wish: { mime?: string; save?: boolean; replaceMime?: boolean } = {}): Promise<string> => {
    const uid = server.account.deliver('inbox', pictured)
    return server.phone({ version }).smart('SmartForward', id(uid), wish.mime ?? '', { save: false, more, ...wish })
  }

  it('is written by the server, with the files', async () => {
    expect(await forward('16.1', [forwardees(['carol@x.test', 'Carol, C.'], ['dave@x.test']), body])).toBe('')
    expect(server.account.submitted[0]!.to).toEqual(['carol@x.test', 'dave@x.test'])
    golden('eas/smart/forwardees.eml', sent().replace(/^(Date|Message-ID): .*$/gm, '$1: ...'))
    expect(server.account.list('sent')).toHaveLength(1)
  })

  it.each<[string, string, Node[], { mime?: string; save?: boolean; replaceMime?: boolean }, string]>([
    ['beside Mime', '16.0', [forwardees(['carol@x.test'])], { mime: own() }, '178'],
    ['beside SaveInSentItems', '16.1', [forwardees(['carol@x.test'])], { save: true }, '178'],
    ['beside ReplaceMime', '16.1', [body], { replaceMime: true }, '178'],
    ['of no address', '16.1', [forwardees(['carol'])], {}, '179'],
    ['of nobody', '16.1', [forwardees()], {}, '179'],
    ['who are none but a Body', '16.1', [body], {}, '179'],
    ['with a Body of MIME', '16.1', [forwardees(['carol@x.test']), el('AirSyncBase:Body', [el('AirSyncBase:Type', '4')])], {}, '179'],
    ['before 16.0', '14.1', [forwardees(['carol@x.test'])], {}, '103'],
  ])('%s is refused', async (_, version, more, wish, status) => expect(await forward(version, more, wish)).toBe(status))
})

describe('a request is refused', () => {
  const status = async (...parts: Node[]): Promise<string | undefined> =>
    text(decode((await phone.raw('SmartReply', el('ComposeMail:SmartReply', parts))).bytes), 'ComposeMail:Status')
  const clientId = el('ComposeMail:ClientId', '1'), mime = el('ComposeMail:Mime', Buffer.from(own()))
  const source = (...more: Node[]): Node => el('ComposeMail:Source', [el('ComposeMail:FolderId', 'f1'), el('ComposeMail:ItemId', 'f1:1:1'), ...more])
  it.each<[string, Node[], string]>([
    ['without ClientId', [source(), mime], '103'],
    ['without Source', [clientId, mime], '103'],
    ['with an empty Source', [clientId, el('ComposeMail:Source'), mime], '103'],
    ['without Mime', [clientId, source()], '103'],
    ['of another account', [clientId, source(), el('ComposeMail:AccountId', '7'), mime], '166'],
    ['with an InstanceId that is no time', [clientId, source(el('ComposeMail:InstanceId', 'soon')), mime], '104'],
    ['of what is no message', [clientId, source(), el('ComposeMail:Mime', Buffer.from('hello'))], '107'],
    ['to nobody', [clientId, source(), el('ComposeMail:Mime', Buffer.from('Subject: x\r\n\r\n'))], '119'],
  ])('%s', async (_, parts, expected) => expect(await status(...parts)).toBe(expected))

  it('but not for an InstanceId, which says nothing of mail', async () => {
    server.account.deliver('inbox', plain)
    for (const instance of ['2026-03-20T22:40:00.000Z', '20260320T224000Z']) {
      const answer = await phone.raw('SmartReply', el('ComposeMail:SmartReply', [
        el('ComposeMail:ClientId', instance), source(el('ComposeMail:InstanceId', instance)), mime,
      ]))
      expect([answer.bytes.length ? text(decode(answer.bytes), 'ComposeMail:Status') : 'sent']).toEqual(['sent'])
      server.account.expunge('sent', 1)
    }
  })
})

it.each([['SmartReply', 'no-such-item'], ['SmartForward', 'forwardees-and-mime']])('%s answers %s as recorded', async (command, name) => {
  const { bytes } = await phone.raw(command, parseXml(readGolden(`eas/smart/${name}.request.xml`)))
  golden(`eas/smart/${name}.response.xml`, printXml(decode(bytes)))
})

describe('noise', () => {
  it('in the request is refused or sent', async () => {
    const uid = server.account.deliver('inbox', pictured)
    const good = [
      el('ComposeMail:ClientId', '1'), el('ComposeMail:Source', [el('ComposeMail:ItemId', id(uid))]), el('ComposeMail:Mime', Buffer.from(own())),
      el('ComposeMail:Forwardees'), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1')]),
    ]
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.constantFrom(...good), anyTree), { maxLength: 6 }), async parts => {
      expect((await phone.raw('SmartForward', el('ComposeMail:SmartForward', parts))).status).toBe(200)
    }), { numRuns: 60 })
  })

  it('as the original, and as the message, is spliced all the same', async () => {
    const samples = [Buffer.from(pictured), Buffer.from(rich), Buffer.from(own())]
    let sent = 0
    for (const bytes of mutations(samples, 120, 5)) {
      const uid = server.account.deliver('inbox', bytes)
      const mime = Buffer.concat([Buffer.from(`To: bob@postern.test\r\nMessage-ID: <${uid}@noise>\r\n`), bytes])
      const status = await phone.smart(uid % 2 ? 'SmartForward' : 'SmartReply', id(uid), mime)
      expect(['', '119']).toContain(status)
      if (status === '') sent++
    }
    expect(sent).toBeGreaterThan(100)
  })
})

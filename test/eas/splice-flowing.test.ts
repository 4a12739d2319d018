import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isThere, wrapped } from '../../src/eas/splice-flowing.ts'
import { part, type Made } from '../../src/formats/mime-splice.ts'
import { parseEntity, type Entity } from '../../src/formats/mime-tree.ts'
import type { Part } from '../../src/model/message.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'
import { tell } from '../support/mime-tree.ts'

/** Each leaf with its octets, as an IMAP server would tell of them. */
function leavesOf(octets: string | Uint8Array): [type: string, body: string][] {
  const { message, part: read } = tell(octets)
  const leaves = (one: Part): Part[] => one.type.startsWith('multipart/') ? one.children.flatMap(leaves) : [one]
  return leaves(message.structure).map(({ type, section }) => [type, Buffer.from(read(section)!).toString('latin1')])
}
const joined = (made: Made): string => made.map(piece => Buffer.from(piece as Uint8Array).toString('latin1')).join('')

describe('a message of which only the beginning is there', () => {
  const text = (type: string, words: string): string => `Content-Type: text/${type}; charset=utf-8\r\nX-Own: kept\r\n\r\n${words}`
  const client = 'Subject: s\r\nContent-Type: multipart/mixed; boundary=m\r\nMIME-Version: 1.0\r\n\r\nPreamble\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n' +
    `--a\r\n${text('plain', 'plain\r\n')}\r\n--a\r\n${text('html', '<p>rich</p>')}\r\n--a--\r\nbetween\r\n--m\r\n` +
    `Content-Type: video/mp4; name=film.mp4\r\n\r\n${'film\r\n--almost\r\n'.repeat(300)}\r\n--m\r\n${text('plain', 'footer')}\r\n--m--\r\nEpilogue\r\n`
  const made = (words: string): Made => part([['Content-Type', 'text/plain']], Buffer.from(words))

  it('keeps every other octet, wherever it was cut', () => {
    const all = Buffer.from(client)
    let replaced = 0
    for (let cut = client.indexOf('\r\n\r\n') + 4; cut < all.length; cut += 7) {
      const begin = all.subarray(0, cut), own = parseEntity(begin)
      const flowing = { own, begin, rest: [all.subarray(cut)] }
      const find = (one: Entity): Entity[] => one.children.length > 0 ? one.children.flatMap(find) : [one]
      const texts = find(own).filter(one => one.type.startsWith('text/') && one !== own && isThere(flowing, one))
      replaced = Math.max(replaced, texts.length)
      const leaves = new Map<Part, Made>(texts.map((one, index) => [one, made(`new ${index}`)]))
      const result = joined(wrapped(flowing, { leaves, related: [], attached: [made('file')] }))
      const expected = leavesOf(client).map(([type, body], index): [string, string] => index < texts.length ? ['text/plain', `new ${index}`] : [type, body])
      expect(leavesOf(`Subject: s\r\n${result}`)).toEqual([...expected, ['text/plain', 'file']])
      // Nothing is between the pieces that was not there before.
      expect(result).toContain(client.slice(client.lastIndexOf('film')))
    }
    expect(replaced).toBe(2)
  })

  it('does not take a text for one that is there when its boundary may be cut', () => {
    const own = parseEntity(Buffer.from(client.slice(0, client.indexOf('between') + 300)))
    const begin = Buffer.from(own.octets)
    expect(isThere({ own: parseEntity(begin), begin, rest: [] }, parseEntity(begin).children[0]!.children[0]!)).toBe(false)
  })
})

describe('SmartReply and SmartForward with more than a mebibyte', () => {
  let server: EasServer
  let phone: Phone
  beforeEach(async () => {
    server = await easServer({ maxRequest: 6_000_000, maxHeld: 2_500_000 })
    phone = server.phone()
  })
  afterEach(() => server.stop())

  const content = 'QUJD'.repeat(19).concat('\r\n').repeat(20_000)
  const own = (rest: string): string => `From: Anna <anna@postern.test>\r\nTo: bob@postern.test\r\nSubject: Re: hi\r\nMessage-ID: <2@phone>\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\nMIME-Version: 1.0\r\n${rest}`
  const letter = (rest: string): string => `From: Bob <bob@postern.test>\r\nTo: anna@postern.test\r\nSubject: hi\r\nMessage-ID: <1@bob>\r\nMIME-Version: 1.0\r\n${rest}`
  const film = `Content-Type: video/mp4; name=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n${content}`
  const mixed = (first: string): string => `Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n${first}\r\n--x\r\n${film}\r\n--x--\r\n`
  const id = (uid: number): string => `${server.account.id('inbox')}:1:${uid.toString(36)}`
  const flags = (uid: number): string[] => server.account.list('inbox').find(one => one.uid === uid)!.flags
  const sent = (): string => Buffer.from(server.account.octets.at(-1)!).toString('latin1')
  const decoded = (body: string): string => Buffer.from(body, 'base64').toString()

  it.each([['12.1'], ['16.1']])('put the quotation into the text, mark the original and file what was sent, in version %s', async version => {
    const uid = server.account.deliver('inbox', letter('\r\nWhich?\r\n'))
    expect(await server.phone({ version }).smart('SmartReply', id(uid), own(mixed('Content-Type: text/plain\r\n\r\nThis.')))).toBe('')
    const [[, text], ...files] = leavesOf(sent()) as [[string, string], ...[string, string][]]
    expect(decoded(text)).toMatch(/^This\.[^]*> Which\?/)
    expect(files.map(([type]) => type)).toEqual(['video/mp4'])
    expect(files[0]![1] === content).toBe(true)
    expect(sent()).toMatch(/^In-Reply-To: <1@bob>\r$/m)
    expect([flags(uid), server.account.list('sent')[0]!.text === sent()]).toEqual([['\\Answered'], true])
  })

  it.each<[string, string, string[]]>([
    ['without a text', film, ['text/plain', 'video/mp4']],
    ['with nothing but a text', `Content-Type: text/plain\r\n\r\n${content}`, ['text/plain', 'text/plain']],
    ['with its text at the end', `Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n${film}\r\n--x\r\nContent-Type: text/plain\r\n\r\nThis.\r\n--x--\r\n`, ['text/plain', 'video/mp4', 'text/plain']],
  ])('%s get the quotation as a text of its own', async (_, rest, types) => {
    const uid = server.account.deliver('inbox', letter('\r\nWhich?\r\n'))
    expect(await phone.smart('SmartForward', id(uid), own(rest))).toBe('')
    const leaves = leavesOf(sent())
    expect(leaves.map(([type]) => type)).toEqual(types)
    expect(leaves.filter(([, body]) => decoded(body).includes('Which?'))).toHaveLength(1)
    expect(leaves.filter(([, body]) => body === content)).toHaveLength(1)
  })

  it('send what is closed, or is to replace all, as it is', async () => {
    const uid = server.account.deliver('inbox', letter('\r\nWhich?\r\n'))
    const encrypted = own(film.replace('video/mp4; name=film.mp4', 'application/pkcs7-mime; smime-type=enveloped-data'))
    for (const [message, replaceMime] of [[encrypted, false], [own(mixed('\r\nThis.')).replace('<2@', '<3@'), true]] as const) {
      expect(await phone.smart('SmartReply', id(uid), message, { replaceMime })).toBe('')
      expect(sent() === message.replace('\r\n\r\n', '\r\nIn-Reply-To: <1@bob>\r\nReferences: <1@bob>\r\n\r\n')).toBe(true)
    }
  })

  it.each([0, 5, -5])('forward an original whose server counts %i octets too many, octet for octet', async miscount => {
    server.account.miscount = miscount
    const uid = server.account.deliver('inbox', letter(mixed('Content-Type: text/plain\r\n\r\nSee.')))
    expect(await phone.smart('SmartForward', id(uid), own('\r\nLook.\r\n'))).toBe('')
    const leaves = leavesOf(sent())
    expect(leaves.map(([type]) => type)).toEqual(['text/plain', 'video/mp4'])
    expect(leaves[1]![1] === content).toBe(true)
    expect(server.account.list('sent').map(({ text }) => text === sent())).toEqual([true])
    expect([flags(uid), server.account.octets.length]).toEqual([['$Forwarded'], 1])
  })

  it('of an original and a message that are too large together are refused', async () => {
    const uid = server.account.deliver('inbox', letter(film.replace(content, content.repeat(3))))
    expect(await phone.smart('SmartForward', id(uid), own(mixed('\r\nLook.')))).toBe('122')
    expect([server.account.octets, flags(uid)]).toEqual([[], []])
  })
})

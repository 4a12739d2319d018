import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyNodes, planBody, renderBody, type Body, type BodyWish } from '../../../src/eas/map/body.ts'
import type { Version } from '../../../src/eas/versions.ts'
import { decompressRtf } from '../../../src/formats/rtf-compression.ts'
import { cutUtf8 } from '../../../src/formats/charset.ts'
import type { BodyPreference } from '../../../src/state/sync-options.ts'
import { fetched, tell, type Told } from '../../support/mime-tree.ts'

const wish = (bodies: readonly BodyPreference[], mimeSupport: 0 | 1 | 2 = 0, mimeTruncation = 8): BodyWish => ({ bodies, mimeSupport, mimeTruncation })

type Asked = Body & { readonly fetches: number; readonly native: number }

/** The body, and how often something had to be fetched. It is the same where texts may stay octets. */
function ask(told: Told, given: BodyWish, version: Version = '16.1'): Asked {
  const { octets, ...asked } = askOnce(told, given, version, true)
  const body = askOnce(told, given, version, false)
  expect({ ...asked, data: octets ? Buffer.from(octets).toString('utf8') : asked.data }).toEqual(body)
  return body
}

function askOnce(told: Told, given: BodyWish, version: Version, asOctets: boolean): Asked {
  let plan = planBody(told.message, given, version, asOctets)
  for (let fetches = 1; fetches <= 2; fetches++) {
    const rendered = renderBody(plan, fetched(told, plan.parts))
    if (!('more' in rendered)) return { ...rendered.body, fetches, native: rendered.nativeType }
    plan = rendered.more
  }
  throw new Error('asks for ever more')
}

const plain = (text: string, fields = ''): Told => tell(`Content-Type: text/plain; charset=utf-8\n${fields}\n${text}`)
const html = (text: string): Told => tell(`Content-Type: text/html; charset=utf-8\n\n${text}`)
const both = tell('Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<b>rich</b>\n--b--\n')
const signed = tell('Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: application/pkcs7-signature\n\nx\n--b--\n')
const picture = tell('Content-Type: image/png\n\nx')

describe('the type of a body', () => {
  it.each<[string, Told, BodyWish, number, string | undefined]>([
    ['as it is stored, of two that are wished', both, wish([{ type: 1 }, { type: 2 }]), 2, '<b>rich</b>'],
    ['the one that is wished', both, wish([{ type: 1 }]), 1, 'plain'],
    ['plain text made of HTML', html('<p>a<p>b'), wish([{ type: 1 }]), 1, 'a\r\n\r\nb'],
    ['HTML made of plain text', plain('a <b>'), wish([{ type: 2 }]), 2, expect.stringContaining('<body>a &lt;b&gt;</body>')],
    ['plain text where nothing is said', both, wish([]), 1, 'plain'],
    ['what is stored rather than RTF', both, wish([{ type: 3 }, { type: 2 }]), 2, '<b>rich</b>'],
    ['no MIME without MIMESupport', both, wish([{ type: 4 }]), 2, '<b>rich</b>'],
    ['no MIME of common messages with MIMESupport 1', both, wish([{ type: 4 }, { type: 1 }], 1), 1, 'plain'],
    ['MIME of signed messages with MIMESupport 1', signed, wish([{ type: 2 }, { type: 4 }], 1), 4, expect.stringMatching(/^Content-Type: multipart\/signed/)],
    ['no MIME of signed messages without it', signed, wish([{ type: 1 }, { type: 4 }]), 1, 'plain'],
    ['MIME of all messages with MIMESupport 2', both, wish([{ type: 1 }, { type: 4 }], 2), 4, expect.stringMatching(/^Content-Type: multipart/)],
    ['MIME where MIMESupport says all that is said', both, wish([], 2), 4, expect.stringMatching(/^Content-Type: multipart/)],
    ['nothing of a message without text', picture, wish([{ type: 2 }]), 2, ''],
  ])('is %s', (_, told, given, type, data) => {
    expect(ask(told, given)).toMatchObject({ type, data, truncated: false })
  })

  it('is told as it is stored, too', () => {
    expect([both, html('x'), plain('x'), picture].map(told => ask(told, wish([{ type: 1 }])).native)).toEqual([2, 2, 1, 1])
  })
})

describe('a body is cut', () => {
  it.each<[string, string, number, string, boolean]>([
    ['at its size', 'abcdef', 3, 'abc', true],
    ['before a character it would split', 'aöb', 2, 'a', true],
    ['before CR LF it would split', 'ab\ncd', 3, 'ab', true],
    ['nowhere when it just fits', 'abcdef', 6, 'abcdef', false],
    ['nowhere when it is shorter', 'abc', 4_294_967_295, 'abc', false],
  ])('%s', (_, text, truncationSize, data, truncated) => {
    expect(ask(plain(text), wish([{ type: 1, truncationSize }]))).toMatchObject({
      data, truncated, size: Buffer.byteLength(text.replace('\n', '\r\n')),
    })
  })

  it('to nothing by a size of 0, without a fetch', () => {
    const given = wish([{ type: 1, truncationSize: 0 }])
    expect(planBody(plain('abc').message, given, '16.1').parts).toEqual([])
    expect(ask(plain('abc'), given)).toMatchObject({ data: undefined, truncated: true, size: 3 })
    expect(ask(plain(''), given)).toMatchObject({ data: undefined, truncated: false, size: 0 })
  })

  it('exactly, whatever the encoding, fetching little', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ö', '€', '😀', '\r\n', ' b'), minLength: 0, maxLength: 3000 })
    const encode: Record<string, (octets: Buffer) => string> = {
      '8bit': octets => octets.toString('latin1'),
      base64: octets => octets.toString('base64').replace(/.{1,60}/g, '$&\r\n'),
      'quoted-printable': octets => [...octets].map(octet => `=${octet.toString(16).padStart(2, '0')}`).join('').replace(/.{72}/g, '$&=\r\n'),
    }
    fc.assert(fc.property(text, fc.nat(4000), fc.constantFrom(...Object.keys(encode)), (said, truncationSize, encoding) => {
      const whole = said.replace(/\r\n$/, '')
      const body = encode[encoding]!(Buffer.from(whole))
      const told = tell(Buffer.from(`Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`, 'latin1'))
      const got = ask(told, wish([{ type: 1, truncationSize: truncationSize + 1 }]))
      expect(got.data).toBe(cutUtf8(whole, truncationSize + 1))
      expect(got.truncated).toBe(Buffer.byteLength(whole) > truncationSize + 1)
      if (got.truncated) expect(got.size).toBeGreaterThan(truncationSize + 1)
    }))
  })

  it('without reading a large part to its end', () => {
    const told = plain('word '.repeat(200_000))
    const given = wish([{ type: 1, truncationSize: 1000 }])
    expect(planBody(told.message, given, '16.1').parts[0]!.length).toBeLessThan(5000)
    const got = ask(told, given)
    expect(got).toMatchObject({ truncated: true, fetches: 1, data: 'word '.repeat(200) })
    expect(got.size / 1_000_000).toBeCloseTo(1, 1)
  })

  it('after a second fetch where markup took all of the first', () => {
    const told = html(`<style>${'p { color: red }\n'.repeat(20_000)}</style><p>${'word '.repeat(1000)}</p>`)
    expect(ask(told, wish([{ type: 1, truncationSize: 100 }]))).toMatchObject({ fetches: 2, truncated: true, data: 'word '.repeat(20) })
  })

  it('where HTML has no end at all, and says so', () => {
    const told = html(`<p>${'word '.repeat(300_000)}</p>`)
    const got = ask(told, wish([{ type: 1 }]))
    expect(got).toMatchObject({ truncated: true, fetches: 1 })
    expect(got.data!.length).toBeGreaterThan(500_000)
    expect(got.size).toBeGreaterThan(1_000_000)
  })
})

describe('AllOrNone', () => {
  it.each<[string, Told, BodyPreference[], Partial<Body>]>([
    ['gives what fits', html('<b>a</b>'), [{ type: 2, truncationSize: 8, allOrNone: true }], { type: 2, data: '<b>a</b>', truncated: false }],
    ['gives nothing of what does not fit', html('<b>a</b>'), [{ type: 2, truncationSize: 7, allOrNone: true }], { type: 2, data: undefined, truncated: true, size: 8 }],
    ['gives the next type instead', html('<b>a</b>'), [{ type: 2, truncationSize: 7, allOrNone: true }, { type: 1, truncationSize: 7 }], { type: 1, data: 'a', truncated: false }],
    ['means nothing without a size', html('<b>a</b>'), [{ type: 2, allOrNone: true }], { type: 2, data: '<b>a</b>' }],
  ])('%s', (_, told, bodies, expected) => {
    expect(ask(told, wish(bodies))).toMatchObject(expected)
  })
})

describe('a preview', () => {
  it.each<[string, Told, BodyWish, Version, string | undefined]>([
    ['is plain text of HTML', html('<style>p{}</style><p>Hello <a href="http://x">you</a></p>'), wish([{ type: 2, preview: 8 }]), '14.0', 'Hello yo'],
    ['comes without data, too', html('<p>Hello</p>'), wish([{ type: 2, truncationSize: 0, preview: 255 }]), '16.1', 'Hello'],
    ['comes with MIME', both, wish([{ type: 4, preview: 255 }], 2), '16.1', 'plain'],
    ['is not there beside plain text', plain('Hello'), wish([{ type: 1, preview: 255 }]), '16.1', undefined],
    ['but in place of it', plain('Hello'), wish([{ type: 1, truncationSize: 0, preview: 255 }]), '16.1', 'Hello'],
    ['is unknown to 12.1', html('<p>Hello</p>'), wish([{ type: 2, preview: 255 }]), '12.1', undefined],
    ['is not there when nobody asks', html('<p>Hello</p>'), wish([{ type: 2 }]), '16.1', undefined],
    ['of nothing is nothing', html('<p></p>'), wish([{ type: 2, preview: 255 }]), '16.1', undefined],
  ])('%s', (_, told, given, version, expected) => {
    expect(ask(told, given, version).preview).toBe(expected)
  })
})

describe('MIME', () => {
  const message = 'Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nJörg\r\n'

  it('is the message as it is, to the octet', () => {
    expect(ask(tell(message), wish([{ type: 4 }], 2))).toMatchObject({ data: message, truncated: false, size: Buffer.byteLength(message) })
  })

  it.each([[{ truncationSize: 58 }, 8, 58], [{}, 0, 0], [{ truncationSize: 0 }, 8, 0]])('is cut by %j and MIMETruncation %i', (cut, mimeTruncation, octets) => {
    const got = ask(tell(message), wish([{ type: 4, ...cut }], 2, mimeTruncation))
    expect(got).toMatchObject({ truncated: true, size: Buffer.byteLength(message) })
    expect(Buffer.byteLength(got.data ?? '')).toBe(octets)
  })

  it('is not cut between CR and LF or inside a character', () => {
    const cut = (truncationSize: number): string => ask(tell(message), wish([{ type: 4, truncationSize }], 2)).data!
    expect(cut(11)).toBe('Subject: x')
    expect(message.startsWith(cut(60))).toBe(true)
  })

  it('keeps 8-bit octets readable where they are no UTF-8', () => {
    const latin1 = Buffer.from('Content-Type: text/plain; charset=iso-8859-1\r\n\r\nJ\xf6rg', 'latin1')
    expect(ask(tell(latin1), wish([{ type: 4 }], 2)).data).toContain('Jörg')
  })
})

it('fetches no attachment', () => {
  const told = tell('Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf\n\nbig\n--b--\n')
  for (const type of [1, 2] as const) expect(planBody(told.message, wish([{ type, preview: 9 }]), '16.1').parts).toEqual([{ section: '1' }])
})

it('a part that is not there any more is not found', () => {
  const plan = planBody(plain('x').message, wish([{ type: 1 }]), '16.1')
  expect(() => renderBody(plan, [undefined])).toThrow(expect.objectContaining({ kind: 'not-found' }))
})

it.each<[string, Partial<Body>, number | undefined, string[]]>([
  ['a whole body', {}, undefined, ['Type 1', 'EstimatedDataSize 3', 'Data abc']],
  ['a cut one', { truncated: true, preview: 'p' }, undefined, ['Type 1', 'EstimatedDataSize 3', 'Truncated 1', 'Data abc', 'Preview p']],
  ['none', { data: undefined, truncated: true }, undefined, ['Type 1', 'EstimatedDataSize 3', 'Truncated 1']],
  ['an empty one', { data: '', size: 0 }, undefined, ['Type 1', 'EstimatedDataSize 0']],
  ['MIME, which tells of truncation always', { type: 4 }, undefined, ['Type 4', 'EstimatedDataSize 3', 'Truncated 0', 'Data abc']],
  ['a part of a multipart answer', {}, 2, ['Type 1', 'EstimatedDataSize 3', 'Part 2']],
])('the elements of %s stand in their order', (_, given, part, expected) => {
  const nodes = bodyNodes({ type: 1, size: 3, truncated: false, data: 'abc', preview: undefined, ...given }, part)
  expect(nodes.map(({ tag, children }) => `${tag.split(':')[1]} ${String(children)}`)).toEqual(expected)
})

describe('RTF, in base64,', () => {
  const rtf = (body: Body): string => Buffer.from(decompressRtf(Buffer.from(body.data!, 'base64'))).toString('latin1')

  it('is made of the plain text where nothing else will do', () => {
    const body = ask(plain('Grüße {x}\n\\y'), wish([{ type: 3 }]))
    expect(body).toMatchObject({ type: 3, truncated: false, native: 1, size: body.data!.length })
    expect(rtf(body)).toBe('{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\\uc1\\pard\\f0\\fs20 Gr\\u252?\\u223?e \\{x\\}\\par\r\n\\\\y}')
  })

  it('is whole in itself where it is cut', () => {
    const body = ask(plain('0123456789 '.repeat(100)), wish([{ type: 3, truncationSize: 500 }]))
    expect(body).toMatchObject({ type: 3, truncated: true })
    expect(body.data!.length).toBeLessThanOrEqual(500)
    expect(body.size).toBeGreaterThan(1500)
    expect(rtf(body)).toMatch(/ 0123456789 [^]*\}$/)
  })

  it('gives way to the next type where it must be whole or not at all', () => {
    const bodies = [{ type: 3, truncationSize: 500, allOrNone: true }, { type: 2, truncationSize: 50 }] as const
    expect(ask(plain('0123456789 '.repeat(100)), wish(bodies))).toMatchObject({ type: 2, truncated: true })
  })

  it('is not sent where nothing may be sent', () => {
    expect(ask(plain('abc'), wish([{ type: 3, truncationSize: 0 }]))).toMatchObject({ type: 3, truncated: true, data: undefined })
  })
})

// Trap 31
it.each<[string, string, string, string]>([
  ['lines that flow', 'format=flowed', 'one \ntwo\nthree', 'one two\r\nthree'],
  ['lines whose last space is none', 'format=flowed; delsp=yes', 'Donau \ndampf', 'Donaudampf'],
  ['quotations', 'format=flowed', '> a \n> b\n>> c \n> d\n>\nmine', '> a b\r\n>> c \r\n> d\r\n>\r\nmine'],
  ['a signature', 'format=flowed', 'bye \n-- \nAnna', 'bye \r\n-- \r\nAnna'],
  ['stuffed spaces', 'format=flowed', ' >no quotation\n From', '>no quotation\r\nFrom'],
  ['nothing of other texts', 'charset=utf-8', 'one \ntwo', 'one \r\ntwo'],
])('text that flows is put together: %s', (_, parameters, text, expected) => {
  expect(ask(tell(`Content-Type: text/plain; ${parameters}\n\n${text}`), wish([{ type: 1 }])).data).toBe(expected)
})

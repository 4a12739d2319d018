import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodedSize, decodeTransfer } from '../../src/formats/transfer-encoding.ts'
import { mutations } from '../support/fuzz.ts'

const decode = (text: string, encoding: string): string =>
  Buffer.from(decodeTransfer(Buffer.from(text, 'latin1'), encoding)).toString('latin1')

it.each([
  ['whole', 'SGVs\r\nbG8=\r\n', 'Hello'],
  ['cut off after two characters of four', 'SGVsbG', 'Hell'],
  ['cut off after one character of four', 'SGVsb', 'Hel'],
  ['with characters that are none of it', 'SG!Vs\0bG8=', 'Hello'],
  ['joined from padded pieces', 'SGU=\r\nbGxv', 'Hello'],
  ['with a footer in plain text', 'SGVsbG8=\r\n_______\r\nlist footer', 'Hello'],
  ['empty', '', ''],
  ['nothing but padding', '====', ''],
])('decodes base64: %s', (_, text, expected) => {
  expect(decode(text, 'BASE64 ')).toBe(expected)
})

it.each([
  ['escapes and soft line breaks', 'a=C3=BC=\r\nb', 'a\xc3\xbcb'],
  ['lower case', '=c3=bc', '\xc3\xbc'],
  ['soft line breaks of LF', 'a=\nb', 'ab'],
  ['white space behind a soft line break', 'a= \t\r\nb', 'ab'],
  ['white space at the end of a line, which was added on the way', 'a \t\r\nb  ', 'a\r\nb'],
  ['escaped white space at the end of a line', 'a=20\r\nb', 'a \r\nb'],
  ['white space before a soft line break', 'a =\r\nb', 'a b'],
  ['what is no escape', 'a=b=zz 100%=', 'a=b=zz 100%'],
  ['cut off inside an escape', 'a=C', 'a'],
  ['cut off before an escape', 'a=', 'a'],
])('decodes quoted-printable: %s', (_, text, expected) => {
  expect(decode(text, 'Quoted-Printable')).toBe(expected)
})

it.each([
  ['in a frame', 'begin 644 a.txt\r\n%2&5L;&\\\r\n`\r\nend\r\n', 'Hello'],
  ['without one', '%2&5L;&\\', 'Hello'],
  ['with lines that are none', 'x\r\n%2&5L;&\\\r\n\r\nGreetings to everybody of you\r\n', 'Hello'],
  ['cut off', 'begin 644 a.txt\r\n%2&5L', ''],
])('decodes uuencoded lines: %s', (_, text, expected) => {
  expect(decode(text, 'x-uuencode')).toBe(expected)
})

it.each(['7bit', '8bit', 'binary', '', 'x-unknown'])('leaves %s as it is', encoding => {
  const octets = Uint8Array.of(0, 13, 61, 200)
  expect(decodeTransfer(octets, encoding)).toEqual(octets)
})

/** RFC 2045, written for the test in the plainest way: every octet escaped that may be, lines broken at any place. */
const quotedPrintable = (octets: Uint8Array, every: number): string =>
  [...octets].map((octet, index) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}${index % every === 0 ? '=\r\n' : ''}`).join('')

it('takes back what the encodings make of any octets', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (octets, every) => {
    const base64 = Buffer.from(octets).toString('base64').replace(new RegExp(`.{${every}}`, 'g'), '$&\r\n')
    expect(Buffer.from(decodeTransfer(Buffer.from(base64), 'base64'))).toEqual(Buffer.from(octets))
    expect(Buffer.from(decodeTransfer(Buffer.from(quotedPrintable(octets, every)), 'quoted-printable'))).toEqual(Buffer.from(octets))
  }))
})

it('decodes a beginning to a beginning, wherever it is cut', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), (octets, at) => {
    for (const [encoding, text] of [['base64', Buffer.from(octets).toString('base64')], ['quoted-printable', quotedPrintable(octets, 7)]] as const) {
      const cut = decodeTransfer(Buffer.from(text.slice(0, at % text.length)), encoding)
      expect(Buffer.from(octets).subarray(0, cut.length)).toEqual(Buffer.from(cut))
    }
  }))
})

it('answers octets for any mutation, never more than it was given', () => {
  const samples = ['SGVsbG8gd29ybGQ=\r\n', 'a=C3=BC=\r\nb =\r\n=20\r\n'].map(text => Buffer.from(text))
  for (const bytes of mutations(samples, 20_000, 1)) {
    for (const encoding of ['base64', 'quoted-printable', 'x-uuencode']) expect(decodeTransfer(bytes, encoding).length).toBeLessThanOrEqual(bytes.length)
  }
})

it('finishes a megabyte of nothing but trouble', () => {
  for (const text of ['='.repeat(1e6), '= '.repeat(5e5), '=\r\n'.repeat(3e5), ' '.repeat(1e6), 'YQ=='.repeat(2.5e5)]) {
    for (const encoding of ['base64', 'quoted-printable', 'x-uuencode']) expect(decode(text, encoding).length).toBeLessThan(1e6 + 1)
  }
})

it('estimates decoded sizes within two percent', () => {
  const octets = Buffer.alloc(100_000).toString('base64').replace(/.{76}/g, '$&\r\n')
  expect(decodedSize(octets.length, 'base64') / 100_000).toBeCloseTo(1, 1)
  expect(decodedSize(500, '7bit')).toBe(500)
})

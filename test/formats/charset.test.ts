import fc from 'fast-check'
import iconv from 'iconv-lite'
import { describe, expect, it } from 'vitest'
import { cleanText, cleanUtf8, cutOctets, cutUtf8, decodeText, utf8Length } from '../../src/formats/charset.ts'
import { mutations } from '../support/fuzz.ts'

const octets = (latin1: string): Uint8Array => Buffer.from(latin1, 'latin1')

it.each([
  ['UTF-8 as it says', 'utf-8', 'J\xc3\xb6rg', 'Jörg'],
  ['UTF-8 that says nothing', undefined, 'J\xc3\xb6rg', 'Jörg'],
  ['UTF-8 that says ASCII', 'us-ascii', 'J\xc3\xb6rg', 'Jörg'],
  ['UTF-8 that says Latin 1', 'ISO-8859-1', 'J\xc3\xb6rg', 'Jörg'],
  ['Latin 1 that says nothing', undefined, 'J\xf6rg', 'Jörg'],
  ['Latin 1 that says UTF-8', 'utf-8', 'J\xf6rg', 'Jörg'],
  ['Windows-1252 that says ISO-8859-1', 'iso-8859-1', '\x93quoted\x94 \x80', '“quoted” €'],
  ['Windows-1252 that says ASCII', 'us-ascii', '\x85', '…'],
  ['UTF-8 with one bad octet', 'utf-8', '\xd0\x9f\xd1\x80\xff\xd0\xb8', 'Прÿи'],
  ['UTF-8 with a byte order mark', 'utf-8', '\xef\xbb\xbfa', 'a'],
  ['UTF-8 cut off inside a character', 'utf-8', 'a\xe2\x82', 'a'],
  ['UTF-8 cut off inside four octets', undefined, 'a\xf0\x9f\x98', 'a'],
  ['a name in quotes', '"koi8-r"', '\xf0\xd2\xc9', 'При'],
  ['Windows-1251', 'windows-1251', '\xcf\xf0\xe8', 'При'],
  ['Shift_JIS', 'shift_jis', '\x93\xfa\x96\x7b', '日本'],
  ['ISO-2022-JP', 'iso-2022-jp', '\x1b$BF|K\\\x1b(B', '日本'],
  ['GB2312', 'gb2312', '\xd6\xd0\xce\xc4', '中文'],
  ['Korean by its old name', 'ks_c_5601-1987', '\xc7\xd1', '한'],
  ['UTF-16 with a byte order mark', 'utf-16', '\xfe\xff\0a', 'a'],
  ['UTF-7', 'utf-7', 'J+APY-rg', 'Jörg'],
  ['a charset nobody knows', 'x-klingon', 'J\xc3\xb6rg', 'Jörg'],
  ['a codec that is no charset', 'base64', 'YWJj', 'YWJj'],
  ['a property of objects', '__proto__', 'a', 'a'],
])('reads %s', (_, charset, latin1, expected) => {
  expect(decodeText(octets(latin1), charset)).toBe(expected)
})

it('reads what any charset wrote', () => {
  const charsets = ['utf-8', 'utf-16le', 'windows-1251', 'gb18030', 'shift_jis', 'euc-kr', 'big5', 'koi8-u', 'iso-8859-15']
  for (const charset of charsets) {
    const text = iconv.decode(iconv.encode('Grüße, Привет, 中文, 日本, 한국', charset), charset) // what the charset can say of it
    expect(decodeText(iconv.encode(text, charset), charset)).toBe(text)
  }
})

it('answers text for any octets in any charset', () => {
  const samples = ['J\xc3\xb6rg', '\x1b$BF|K\\\x1b(B', '\xff\xfea\0', 'J+APY-rg'].map(octets)
  const charsets = [undefined, 'utf-8', 'iso-2022-jp', 'utf-7', 'utf-16', 'gb18030', 'no such']
  for (const bytes of mutations(samples, 3000, 2)) {
    for (const charset of charsets) expect(typeof decodeText(bytes, charset)).toBe('string')
  }
})

it.each([
  ['NUL and other control characters', 'a\0b\x01c\x1fd\x7fe\x85f', 'abcdef'],
  ['halves of characters', 'a\ud83db\ude00c', 'abc'],
  ['what is no character', 'a\uffff\ufffeb', 'ab'],
  ['nothing else', 'tab\tline\r\n😀é\u200d', 'tab\tline\r\n😀é\u200d'],
])('cleans %s from text', (_, text, expected) => {
  expect(cleanText(text)).toBe(expected)
})

it('leaves only what XML 1.0 can hold', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (one, two) => {
    const clean = cleanText(one + '\ud800' + two)
    expect(clean.isWellFormed()).toBe(true)
    expect(clean).toMatch(/^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u)
    expect(cleanText(clean)).toBe(clean)
  }))
})

it.each([
  ['inside a character of two octets', 'aö', 2, 'a'],
  ['inside a character of four octets', 'a😀', 4, 'a'],
  ['between CR and LF', 'a\r\nb', 2, 'a'],
  ['after CR LF', 'a\r\nb', 3, 'a\r\n'],
  ['at nothing', 'abc', 0, ''],
  ['beyond the end', 'abc', 4_294_967_295, 'abc'],
])('cuts %s', (_, text, size, expected) => {
  expect(cutUtf8(text, size)).toBe(expected)
})

it('cuts the longest beginning that fits', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(200), (text, size) => {
    const cut = cutUtf8(text, size)
    expect(text.startsWith(cut)).toBe(true)
    expect(utf8Length(cut)).toBeLessThanOrEqual(size)
    const next = String.fromCodePoint(text.codePointAt(cut.length) ?? 0)
    const between = text.slice(cut.length, cut.length + 2) === '\r\n'
    if (cut !== text && !between) expect(utf8Length(cut + next)).toBeGreaterThan(size)
  }))
})

describe('text that stays the octets it is', () => {
  const pieces = ['a', ' ', '\r\n', '\t', '\x00', '\x1b', '\x7f', 'ö', '\x85', '\xa0', '日', '\ufeff', '\ufffd', '\ufffe', '\uffff', '😀']
  const charset = fc.constantFrom(undefined, 'utf-8', '"UTF-8"', 'us-ascii', 'iso-8859-1', 'windows-1252', 'utf-7', 'koi8-r', 'utf-16le', 'iso-2022-jp')
  const someOctets = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(all => Buffer.from(all.join(''), 'utf8')),
    fc.uint8Array({ maxLength: 12 }).map(all => Buffer.from(all)))

  it('is what decoding and cleaning make of it, or left to them', () => {
    fc.assert(fc.property(someOctets, fc.nat(3), charset, (whole, cut, name) => {
      const given = whole.subarray(0, Math.max(0, whole.length - cut))
      const found = cleanUtf8(given, name)
      if (found) expect(Buffer.from(found).toString('utf8')).toBe(cleanText(decodeText(given, name)))
    }), { numRuns: 5000 })
  })

  it('stays so for most mail', () => {
    expect(['plain ASCII\r\n', 'Grüße, 日本, 😀'].every(text => cleanUtf8(Buffer.from(text), 'utf-8'))).toBe(true)
  })

  it('is cut where a string is cut', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', '\r\n', '\r', 'ö', '日', '😀'), { maxLength: 12 }), fc.nat(30), (all, most) => {
      const text = all.join('')
      expect(Buffer.from(cutOctets(Buffer.from(text), most)).toString('utf8')).toBe(cutUtf8(text, most))
    }))
  })
})

it('knows clean ASCII by its octets, and drops the same', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), given => {
    const text = decodeText(given, undefined)
    expect(cleanText(text, given)).toBe(cleanText(text))
  }))
})

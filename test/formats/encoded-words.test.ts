import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeWords, encodeWords } from '../../src/formats/encoded-words.ts'
import { mutations } from '../support/fuzz.ts'

it.each([
  ['plain ASCII', 'Hello =? world ?=', 'Hello =? world ?='],
  ['Q', '=?utf-8?Q?J=C3=B6rg_X?=', 'Jörg X'],
  ['B', '=?UTF-8?b?SsO2cmc=?=', 'Jörg'],
  ['a language', '=?utf-8*de?Q?gr=C3=BCn?=', 'grün'],
  ['white space between words, which is none', '=?utf-8?Q?a?=  \t=?utf-8?Q?b?=', 'ab'],
  ['white space beside words, which is some', 'x =?utf-8?Q?a?= y', 'x a y'],
  ['words split inside a character', '=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=', '€'],
  ['base64 split inside its groups', '=?utf-8?B?SsO?= =?utf-8?B?2cmc=?=', 'Jörg'],
  ['padded base64 split inside a character', '=?utf-8?B?4oI=?= =?utf-8?B?rA==?=', '€'],
  ['neighbours of different charsets', '=?utf-8?Q?=C3=B6?= =?iso-8859-1?Q?=F6?=', 'öö'],
  ['white space inside Q', '=?utf-8?Q?a b?=', 'a b'],
  ['a space at the end of Q', '=?utf-8?Q?a_?= =?utf-8?Q?b?=', 'a b'],
  ['a word inside a word', 'x=?utf-8?Q?a?=y', 'xay'],
  ['raw UTF-8', 'J\xc3\xb6rg', 'Jörg'],
  ['raw Latin 1', 'J\xf6rg', 'Jörg'],
  ['raw octets beside words', '\xf6 =?utf-8?Q?=C3=B6?=', 'ö ö'],
  ['Unicode that was decoded before', 'Jörg 日本', 'Jörg 日本'],
  ['a charset nobody knows', '=?x-none?Q?a=C3=B6?=', 'aö'],
  ['an encoding nobody knows', '=?utf-8?X?a?=', '=?utf-8?X?a?='],
  ['a word without end', '=?utf-8?Q?abc', '=?utf-8?Q?abc'],
  ['ISO-2022-JP', '=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
])('decodes %s', (_, raw, expected) => {
  expect(decodeWords(raw)).toBe(expected)
})

it('takes back what it wrote, in lines of at most 76 characters', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), text => {
    const words = encodeWords(text.toWellFormed())
    expect(words).toMatch(/^[\x20-\x7e\r\n]*$/)
    if (words !== text) for (const line of words.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
    expect(decodeWords(words.replaceAll('\r\n', ''))).toBe(text.toWellFormed())
  }))
})

it('answers text for any mutation', () => {
  const samples = ['=?utf-8?Q?J=C3=B6rg_X?= =?utf-8?B?SsO2cmc=?=', 'x =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= \xf6'].map(text => Buffer.from(text, 'latin1'))
  for (const bytes of mutations(samples, 20_000, 3)) expect(typeof decodeWords(Buffer.from(bytes).toString('latin1'))).toBe('string')
})

it.each(['=?', '=?a?q?', '=?a?q?x ', '=?utf-8?B?YQ==?= ', '=?utf-8?Q?=?= ', '?=', '=?utf-8?q?\xff'])('finishes a megabyte of %s', piece => {
  expect(decodeWords(piece.repeat(1e6 / piece.length)).length).toBeLessThanOrEqual(1e6)
})

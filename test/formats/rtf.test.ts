import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompressRtf, packRtf } from '../../src/formats/rtf-compression.ts'
import { readRtf, textToRtf } from '../../src/formats/rtf.ts'
import { mutations } from '../support/fuzz.ts'

const read = (rtf: string) => readRtf(Buffer.from(rtf, 'latin1'))

// [MS-OXRTFCP], Examples
const simple = Buffer.from('2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0', 'hex')
const crossing = Buffer.from('1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', 'hex')

describe('compressed RTF', () => {
  it.each([
    ['simple', simple, '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n'],
    ['that reads what it is just writing', crossing, '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}'],
    ['not compressed at all', packRtf(Buffer.from('{\\rtf1 x}')), '{\\rtf1 x}'],
    ['cut off', simple.subarray(0, 24), '{\\rtf1\\ansi\\ansicpg'],
  ])('is read: %s', (_, octets, expected) => {
    expect(Buffer.from(decompressRtf(octets)).toString('latin1')).toBe(expected)
  })

  it.each([Buffer.alloc(0), Buffer.alloc(15), Buffer.alloc(20)])('of another format is malformed', octets => {
    expect(() => decompressRtf(octets)).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('whatever octets are text or malformed', () => {
    for (const octets of mutations([simple, crossing], 2000, 3)) {
      try {
        expect(typeof readRtf(decompressRtf(octets)).text).toBe('string')
      } catch (error) {
        expect(error).toMatchObject({ kind: 'malformed' })
      }
    }
  })
})

it.each<[string, string, string, boolean]>([
  ['HTML it was made of', String.raw`{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator x;}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello {\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 you {\*\htmltag84 &amp;}\htmlrtf &\htmlrtf0{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}\htmlrtf \par}\htmlrtf0}`,
    '<p>Hello <b>you &amp;</b></p>', true],
  ['text with marks in HTML', String.raw`{\rtf1\fromhtml1 {\*\htmltag <p>}a < b}`, '<p>a &lt; b', true],
  ['plain text', String.raw`{\rtf1\ansi\fromtext\pard one\par two\tab three\'fc \{x\} \\}`, 'one\r\ntwo\tthreeü {x} \\', false],
  ['text in another code page', String.raw`{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8}`, 'При', false],
  ['text in fonts of another', String.raw`{\rtf1\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}\f0 \'fc \f1\'93\'fa\plain\'fc}`, 'ü 日ü', false],
  ['Unicode with something for those who cannot', String.raw`{\rtf1\uc1 a\u8364?b\uc2\u-10179\'3f\'3f\u-8704??c}`, 'a€b😀c', false],
  ['no binary data', String.raw`{\rtf1 a{\pict\bin3 {}}}b}`, 'ab', false],
  ['no link targets', String.raw`{\rtf1{\field{\*\fldinst HYPERLINK "x"}{\fldrslt here}}}`, 'here', false],
])('RTF is read: %s', (_, rtf, text, html) => {
  expect(read(rtf)).toEqual({ html, text })
})

it('groups without end are no trouble', () => {
  expect(read('{\\b '.repeat(100_000)).text).toBe('')
  expect(read('}'.repeat(100_000) + 'x').text).toBe('x')
})

it('a text comes back from the RTF made of it', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }).map(text => text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\r\n]/g, '')), text => {
    expect(read(textToRtf(text))).toEqual({ html: false, text })
  }))
})

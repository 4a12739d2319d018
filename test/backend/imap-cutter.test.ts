import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ResponseCutter, type CutterLimits } from '../../src/backend/imap-cutter.ts'
import { mutations } from '../support/fuzz.ts'

type Cut = { readonly line: string; readonly literals: readonly string[] }

/** What is cut out of the octets when they come in these pieces, and whether the connection is still of use. */
function cut(octets: Buffer, lengths: readonly number[] = [], limits?: CutterLimits): { all: Cut[]; held: boolean } {
  const all: Cut[] = []
  const cutter = new ResponseCutter((line, literals) => {
    all.push({ line, literals: literals.map(literal => Buffer.from(literal).toString('latin1')) })
  }, limits)
  let at = 0
  for (const length of [...lengths, octets.length]) {
    if (!cutter.feed(octets.subarray(at, at + length))) return { all, held: false }
    at += length
  }
  return { all, held: true }
}

const said = (text: string): Buffer => Buffer.from(text, 'latin1')

it.each<[string, string, Cut[]]>([
  ['one line', '* OK ready\r\n', [{ line: '* OK ready', literals: [] }]],
  ['lines that end with LF alone', '* 1 EXISTS\n* 2 RECENT\n', [{ line: '* 1 EXISTS', literals: [] }, { line: '* 2 RECENT', literals: [] }]],
  ['octets above ASCII', '* LIST "\xe4"\r\n', [{ line: '* LIST "\xe4"', literals: [] }]],
  ['a literal', '* 1 FETCH (BODY[] {5}\r\na\r\nb\n UID 7)\r\n', [{ line: '* 1 FETCH (BODY[] {5}\r\n UID 7)', literals: ['a\r\nb\n'] }]],
  ['two literals, one of them empty', '* X {0}\r\n {2}\r\nab\r\n', [{ line: '* X {0}\r\n {2}\r\n', literals: ['', 'ab'] }]],
  ['a literal that looks like a response', '* X {11}\r\np1 OK {9}\r\n\r\np1 OK\r\n', [{ line: '* X {11}\r\n', literals: ['p1 OK {9}\r\n'] }, { line: 'p1 OK', literals: [] }]],
  ['a number in braces elsewhere', '* OK {3} is no literal\r\n', [{ line: '* OK {3} is no literal', literals: [] }]],
  ['braces without a number', '* OK {}\r\n* OK {x}\r\n', [{ line: '* OK {}', literals: [] }, { line: '* OK {x}', literals: [] }]],
  ['a length with noughts before it', '* X {0002}\r\nab\r\n', [{ line: '* X {0002}\r\n', literals: ['ab'] }]],
  ['empty lines as nothing', '\r\n\n* OK\r\n', [{ line: '* OK', literals: [] }]],
  ['nothing of what has no end yet', '* OK', []],
])('cuts %s, wherever the octets are parted', (_, text, expected) => {
  const octets = said(text)
  for (let at = 0; at <= octets.length; at += 1) expect(cut(octets, [at])).toEqual({ all: expected, held: true })
  expect(cut(octets, Array.from({ length: octets.length }, () => 1))).toEqual({ all: expected, held: true })
})

it('cuts what was written, however it comes', () => {
  const word = fc.stringMatching(/^[ -z|~\x80-\xff]{1,12}$/)
  const literal = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\0', '{', '1', '}', '\xff'), maxLength: 30 })
  const response = fc.tuple(word, fc.array(fc.tuple(literal, word), { maxLength: 3 }))
  fc.assert(fc.property(fc.array(response, { maxLength: 5 }), fc.array(fc.nat(20), { maxLength: 40 }), (responses, lengths) => {
    const written = responses.map(([first, rest]) =>
      `${first}${rest.map(([octets, after]) => `{${octets.length}}\r\n${octets}${after}`).join('')}\r\n`).join('')
    const expected = responses.map(([first, rest]) => ({
      line: `${first}${rest.map(([octets, after]) => `{${octets.length}}\r\n${after}`).join('')}`, literals: rest.map(([octets]) => octets),
    }))
    expect(cut(said(written), lengths)).toEqual({ all: expected, held: true })
  }))
})

it('measures a line without the literals before it', () => {
  const text = `* X {90}\r\n${'a'.repeat(90)} ${'b'.repeat(50)}\r\n`
  expect(cut(said(text), [], { line: 100, literal: 100, response: 300 })).toMatchObject({ held: true, all: [{ literals: ['a'.repeat(90)] }] })
})

it.each<[string, string]>([
  ['a line', `* ${'x'.repeat(200)}\r\n`], ['a line without end', 'x'.repeat(200)], ['a literal', '* X {101}\r\n'],
  ['a literal of more octets than a number holds', `* X {${'9'.repeat(30)}}\r\n`],
  ['literals that are together', `* X${' {90}\r\n'.padEnd(97, 'y').repeat(4)}\r\n`],
])('gives up %s longer than it may be', (_, text) => {
  const limits = { line: 100, literal: 100, response: 300 }
  expect(cut(said(text), [], limits).held).toBe(false)
  expect(cut(said(text), Array.from({ length: text.length }, () => 1), limits).held).toBe(false)
})

it('takes any octets whatever', () => {
  const seed = said('* 12 FETCH (UID 7 BODY[HEADER] {4}\r\nab\r\n FLAGS (\\Seen))\r\n* 3 EXISTS\r\np1 OK [X] done\r\n')
  for (const octets of mutations([seed], 20_000, 12)) {
    const { all } = cut(Buffer.from(octets), [octets.length >> 1])
    expect(all.every(({ line }) => !/[^\0-\xff]/.test(line))).toBe(true)
  }
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseResponse } from '../../src/backend/imap-response.ts'
import { readStructure } from '../../src/backend/imap-structure.ts'
import type { Part } from '../../src/model/message.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

// RFC 9051, Server Responses
describe('a response', () => {
  it.each([
    ['12 FETCH (UID 5 FLAGS (\\Seen $Junk))', [], { name: 'FETCH', number: 12, values: [['UID', '5', 'FLAGS', ['\\Seen', '$Junk']]] }],
    ['STATUS "a \\"b\\\\" (UIDNEXT 4)', [], { name: 'STATUS', values: ['a "b\\', ['UIDNEXT', '4']] }],
    ['LIST (\\HasNoChildren) NIL {3}\r\n', [bytes('x(y')], { name: 'LIST', values: [['\\HasNoChildren'], null, bytes('x(y')] }],
    ['1 FETCH (BODY[HEADER.FIELDS (A "B C")]<0> {1}\r\n UID 2)', [bytes('z')], { values: [['BODY[HEADER.FIELDS (A "B C")]<0>', bytes('z'), 'UID', '2']] }],
    ['OK [COPYUID 7 1:3,5 9:12] Done.', [], { name: 'OK', code: 'COPYUID', args: ['7', '1:3,5', '9:12'], text: 'Done.' }],
    ['NO [MODIFIED 4] sorry', [], { name: 'NO', code: 'MODIFIED', args: ['4'], text: 'sorry' }],
    ['OK [PERMANENTFLAGS (\\Seen \\*)] Flags.', [], { code: 'PERMANENTFLAGS', args: [['\\Seen', '\\*']] }],
    ['OK plain words', [], { code: undefined, text: 'plain words' }],
    ['VANISHED (EARLIER) 1:3,7', [], { name: 'VANISHED', values: [['EARLIER'], '1:3,7'] }],
    ['SEARCH', [], { name: 'SEARCH', values: [] }],
  ])('%s', (line, literals, expected) => {
    expect(parseResponse(line, literals)).toMatchObject(expected)
  })

  it('is read whatever it is', () => {
    const piece = fc.oneof(fc.constantFrom('(', ')', '"', '[', ']', '{3}\r\n', ' ', '\\', 'NIL', 'FETCH', 'OK', '\r', '\n', '<0>'), fc.string({ maxLength: 5 }))
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const line = pieces.join('')
      expect(typeof parseResponse(line, [bytes('abc')]).name).toBe('string')
      expect(readStructure(parseResponse(`1 FETCH ${line}`, [bytes('abc')]).values[0]).type).toContain('/')
    }), { numRuns: 5000 })
  })
})

// RFC 9051, BODYSTRUCTURE
describe('a structure', () => {
  const outline = ({ section, type, children }: Part): unknown[] => [section, type, ...children.map(outline)]
  const read = (text: string): Part => readStructure(parseResponse(`1 FETCH (BODYSTRUCTURE ${text})`, []).values.map(values => (values as never)[1])[0])
  const text = '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 10 2 NIL NIL NIL NIL)'
  const envelope = '("date" "subject" NIL NIL NIL NIL NIL NIL NIL NIL)'

  it.each([
    [text, ['1', 'text/plain']],
    [`(${text}${text} "mixed" ("boundary" "b") NIL NIL NIL)`, ['', 'multipart/mixed', ['1', 'text/plain'], ['2', 'text/plain']]],
    [`((${text}${text} "alternative")${text} "mixed")`, ['', 'multipart/mixed', ['1', 'multipart/alternative', ['1.1', 'text/plain'], ['1.2', 'text/plain']], ['2', 'text/plain']]],
    [`("message" "rfc822" NIL NIL NIL "7bit" 99 ${envelope} ${text} 5 NIL NIL NIL NIL)`, ['1', 'message/rfc822', ['1.1', 'text/plain']]],
    [`(${text}("message" "rfc822" NIL NIL NIL "7bit" 99 ${envelope} (${text}${text} "mixed") 5) "mixed")`,
      ['', 'multipart/mixed', ['1', 'text/plain'], ['2', 'message/rfc822', ['2.TEXT', 'multipart/mixed', ['2.1', 'text/plain'], ['2.2', 'text/plain']]]]],
  ])('%s', (given, expected) => {
    expect(outline(read(given))).toEqual(expected)
  })

  it('tells names, places and ids, whatever they are encoded in', () => {
    expect(read('("image" "PNG" ("name" "=?utf-8?Q?=C3=A4.png?=") "<a@b>" NIL "BASE64" 1234 NIL ("inline" ("filename*0*" "utf-8\'\'%e2%82" "filename*1*" "%ac.png")) NIL "http://x/")'))
      .toMatchObject({ type: 'image/png', encoding: 'base64', size: 1234, contentId: 'a@b', disposition: 'inline', filename: '€.png', parameters: { name: 'ä.png' }, location: 'http://x/' })
    expect(read('("application" "pdf" NIL NIL NIL "base64" 5 NIL ("ATTACHMENT" NIL))')).toMatchObject({ disposition: 'attachment', filename: undefined })
    expect(read('("message" "rfc822" NIL NIL NIL "7bit" 99 NIL NIL 5 NIL ("attachment" ("filename" "m.eml")))')).toMatchObject({ filename: 'm.eml', children: [] })
  })
})

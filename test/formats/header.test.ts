import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeParameters, field, parseAddresses, parseDate, parseHeader, parseParameters, printAddresses, rawField,
} from '../../src/formats/header.ts'
import { mutations } from '../support/fuzz.ts'

const header = (text: string) => parseHeader(Buffer.from(text, 'latin1'))

describe('a header', () => {
  it.each([
    ['CRLF', 'A: 1\r\nB: 2\r\n\r\nC: 3', [['a', '1'], ['b', '2']]],
    ['LF', 'A: 1\nB: 2\n\nC: 3', [['a', '1'], ['b', '2']]],
    ['folded fields', 'A: 1\r\n 2\r\n\t3\r\nB: 4', [['a', '1 2\t3'], ['b', '4']]],
    ['a line of white space inside a field', 'A: 1\r\n \r\n 2\r\n', [['a', '1  2']]],
    ['white space before the colon', 'A : 1\r\n', [['a', '1']]],
    ['an mbox line and other rubbish', 'From x@y Mon Jan\r\nA: 1\r\nrubbish\r\n: 2\r\nB: 3\r\n', [['a', '1'], ['b', '3']]],
    ['NUL and bare CR', 'A: 1\0\r2\r\n', [['a', '12']]],
    ['nothing', '', []],
    ['no header', '\r\nA: 1\r\n', []],
  ])('of %s is read', (_, text, fields) => {
    expect(header(text).fields.map(({ name, value }) => [name, value])).toEqual(fields)
  })

  it('gives its fields as text in one line', () => {
    const parsed = header('Subject: =?utf-8?Q?a=0D=0ABcc:_x?=\r\n =?utf-8?Q?=00b?=\r\nSubject: second\r\n')
    expect(field(parsed, 'subject')).toBe('a Bcc: xb')
    expect(rawField(parsed, 'subject')).toBe('=?utf-8?Q?a=0D=0ABcc:_x?= =?utf-8?Q?=00b?=')
    expect(field(parsed, 'to')).toBeUndefined()
  })
})

describe('addresses', () => {
  it.each([
    ['a name in quotes', '"Doe, John" <j@x>', [['Doe, John', 'j@x']]],
    ['a name without the quotes it needs', 'Doe, John <j@x>, b@y', [['Doe, John', 'j@x'], ['', 'b@y']]],
    ['groups', 'team:a@x,"B" <b@x>;, c@x', [['', 'a@x'], ['B', 'b@x'], ['', 'c@x']]],
    ['an empty group', 'undisclosed-recipients:;', []],
    ['semicolons between', 'a@x; b@x;c@x', [['', 'a@x'], ['', 'b@x'], ['', 'c@x']]],
    ['a name in a comment', 'j@x (John (the) Doe)', [['John (the) Doe', 'j@x']]],
    ['a name before a bare address', 'John Doe j@x', [['John Doe', 'j@x']]],
    ['a user of the same machine', 'root (Cron Daemon)', [['Cron Daemon', 'root']]],
    ['a name without an address', 'Undisclosed Recipients', [['Undisclosed Recipients', '']]],
    ['encoded words with a comma in them', '=?utf-8?Q?Doe,_J=C3=B6rg?= <j@x>', [['Doe, Jörg', 'j@x']]],
    ['encoded words in quotes', '"=?utf-8?Q?J=C3=B6rg?=" <j@x>', [['Jörg', 'j@x']]],
    ['raw octets', 'J\xc3\xb6rg <j@x>, J\xf6rg <k@x>', [['Jörg', 'j@x'], ['Jörg', 'k@x']]],
    ['escaped quotes', '"J \\"R\\" D" <j@x>', [['J "R" D', 'j@x']]],
    ['single quotes as Outlook writes them', "'j@x' <j@x>", [['', 'j@x']]],
    ['a route', '<@a,@b:j@x>', [['', 'j@x']]],
    ['a quoted local part', '"a b"@x', [['', '"a b"@x']]],
    ['an address literal', 'c@[IPv6:::1], d@x', [['', 'c@[IPv6:::1]'], ['', 'd@x']]],
    ['what is never closed', '"John <j@x, k@y', [['John', 'j@x'], ['', 'k@y']]],
    ['nothing', ' , ;<>', []],
  ])('with %s are read', (_, raw, expected) => {
    expect(parseAddresses(raw).map(({ name = '', address }) => [name, address])).toEqual(expected)
  })

  it('are printed as the protocol wants them', () => {
    expect(printAddresses([{ name: 'Doe, John', address: 'j@x' }, { address: 'b@y' }, { name: 'A "B"', address: 'c@z' }]))
      .toBe('"Doe, John" <j@x>, b@y, "A \\"B\\"" <c@z>')
  })

  it('are read again as they were printed', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z ,."\\()@:;<>-]{0,20}[A-Za-z]$/).map(text => text.replace(/ +/g, ' '))
    const address = fc.stringMatching(/^[a-z0-9.+=-]{1,10}@[a-z0-9-]{1,10}\.[a-z]{2,5}$/)
    fc.assert(fc.property(fc.array(fc.record({ name, address })), list => {
      expect(parseAddresses(printAddresses(list))).toEqual(list)
    }))
  })
})

describe('parameters', () => {
  it.each([
    ['tokens and quotes', 'text/plain; charset=UTF-8; format="flowed"', 'text/plain', { charset: 'UTF-8', format: 'flowed' }],
    ['continuations of RFC 2231', "a; filename*0*=utf-8''%e2%82; filename*1*=%ac%20; filename*2=rates.pdf", 'a', { filename: '€ rates.pdf' }],
    ['continuations out of order', 'a; name*1=b; name*0=a; name*3=d', 'a', { name: 'ab' }],
    ['a charset of RFC 2231', "a; name*=iso-8859-1'de'gr%FCn", 'a', { name: 'grün' }],
    ['RFC 2231 without a charset', 'a; name*=gr%C3%BCn.txt', 'a', { name: 'grün.txt' }],
    ['both forms, of which the newer counts', "a; name=grun; name*=utf-8''gr%C3%BCn", 'a', { name: 'grün' }],
    ['encoded words in quotes', 'a; name="=?utf-8?Q?gr=C3=BCn.txt?="', 'a', { name: 'grün.txt' }],
    ['encoded words in continuations', 'a; name*0="=?utf-8?Q?gr"; name*1="=C3=BCn?="', 'a', { name: 'grün' }],
    ['raw octets', 'a; name="gr\xc3\xbcn"; x=gr\xfcn', 'a', { name: 'grün', x: 'grün' }],
    ['the same name twice', 'a; name=1; name=2', 'a', { name: '1' }],
    ['semicolons in quotes', 'a; name="b;c=d"; e=f', 'a', { name: 'b;c=d', e: 'f' }],
    ['quotes that never end', 'text/html (comment); charset="utf-8', 'text/html', { charset: 'utf-8' }],
    ['spaces round the sign', 'a ; b = c', 'a', { b: 'c' }],
    ['nothing to read', ';;=;x', '', {}],
  ])('of %s are read', (_, raw, value, parameters) => {
    expect(parseParameters(raw)).toEqual({ value, parameters })
  })

  it('that were decoded already stay what they are', () => {
    fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.constantFrom('grün.txt', '日本 語.pdf', 'a b', "it's 100%.txt", '')), given => {
      expect(decodeParameters(given)).toEqual(given)
      expect(decodeParameters(decodeParameters(given))).toEqual(given)
    }))
  })

  it('cannot reach what objects inherit', () => {
    const { parameters } = parseParameters('a; __proto__=x; constructor=y')
    expect(Object.getPrototypeOf(parameters)).toBe(Object.prototype)
    expect(Object.keys(parameters).sort()).toEqual(['__proto__', 'constructor'])
  })
})

it.each([
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
  ['21 Nov 97 09:55 GMT', '1997-11-21T09:55:00.000Z'],
  ['Mon, 3 Feb 2025 1:02:03 +0530 (IST)', '2025-02-02T19:32:03.000Z'],
  ['Thu,\r\n 13\r\n Feb 1969 23:32 -0330 (Newfoundland Time)', '1969-02-14T03:02:00.000Z'],
  ['Mon, 24-Nov-2025 10.11.12 PST', '2025-11-24T18:11:12.000Z'],
  ['1 January 2020 00:00:00', '2020-01-01T00:00:00.000Z'],
  ['31 Dec 116 00:00:00 Z', '2016-12-31T00:00:00.000Z'],
  ['32 Jan 2000 00:00:00 +0000', undefined],
  ['1 Foo 2000 00:00:00 +0000', undefined],
  ['yesterday', undefined],
  ['', undefined],
])('reads the date %s', (raw, expected) => {
  expect(parseDate(raw)?.toISOString()).toBe(expected)
})

it('answers for any mutation', () => {
  const samples = [
    'From: "Doe, John" <j@x>, =?utf-8?Q?J=C3=B6rg?= <k@x>\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\n',
    "Content-Type: a/b; name*0*=utf-8''%e2%82; name*1*=%ac\r\nTo: team: a@x, (c) b@y;\r\n",
  ].map(text => Buffer.from(text))
  for (const bytes of mutations(samples, 20_000, 4)) {
    for (const { value } of parseHeader(bytes).fields) {
      for (const { name, address } of parseAddresses(value)) expect(`${name}${address}`).not.toMatch(/[\0-\x1f]/)
      parseParameters(value)
      expect(parseDate(value)?.getTime()).not.toBeNaN()
    }
  }
})

it.each(['"', '(', '<', '\\', '()', 'a, ', 'a b ', ';a="\\"', 'x\n', ' ', '1 ', ': ', '[', '=?a?q?'])('finishes a megabyte of %j', piece => {
  const text = piece.repeat(1e6 / piece.length)
  parseAddresses(text)
  parseParameters(text)
  parseDate(text)
  expect(parseHeader(Buffer.from(`Subject: ${text}\nTo: ${text}`)).fields[0]?.name).toBe('subject')
})

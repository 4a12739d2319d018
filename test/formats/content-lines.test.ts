import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import {
  componentsOf, escapeText, insert, isLine, lineOf, linesOf, parameterOf, parameterValues, parseLines, printLines, rawValue, replace, rewriteLine,
  splitEscaped, valueOf, writeComponent, writeDocument, writeLine, writeParameter, type Component, type Document, type Line,
} from '../../src/formats/content-lines.ts'
import { effort } from '../support/effort.ts'
import { mutations } from '../support/fuzz.ts'

const octets = (text: string, encoding: BufferEncoding = 'utf8'): Buffer => Buffer.from(text, encoding)
const parse = (text: string, encoding?: BufferEncoding): Document => parseLines(octets(text, encoding))
const print = (document: Document): string => Buffer.from(printLines(document)).toString('utf8')
const card = (document: Document): Component => componentsOf(document, 'VCARD')[0]!
const only = (line: string, encoding?: BufferEncoding): Line => lineOf(card(parse(`BEGIN:VCARD\r\n${line}\r\nEND:VCARD\r\n`, encoding)), line.split(/[:;]/)[0]!)!

describe('what is read', () => {
  it.each([
    ['a fold', 'NOTE:Gr\r\n üße\r\n\t!', 'Grüße!'],
    ['a fold in the midst of a character', Buffer.from('NOTE:\xc3\r\n \xbc', 'latin1').toString('latin1'), 'ü', 'latin1'],
    ['no UTF-8', 'NOTE:Gr\xfc\xdfe \x80', 'Grüße €', 'latin1'],
    ['a charset it names', 'NOTE;CHARSET=ISO-8859-2:\xb1', 'ą', 'latin1'],
    ['quoted-printable with soft breaks', 'NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=\r\n=C3=9Fe=0D=0A=\r\nzwei', 'Grüße\r\nzwei'],
    ['quoted-printable without a name', 'NOTE;QUOTED-PRINTABLE:a=3Db', 'a=b'],
    ['quoted-printable with folds besides', 'NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\n b\r\n c', 'a bc'],
    ['a soft break before the end', 'NOTE;ENCODING=QUOTED-PRINTABLE:a=', 'a'],
    ['a value with colons', 'NOTE:http://x', 'http://x'],
    ['escapes as they stand', 'NOTE:a\\,b\\nc', 'a\\,b\\nc'],
  ] as const)('%s', (_, line, value, encoding?: BufferEncoding) => {
    expect(valueOf(only(line, encoding))).toBe(value)
  })

  it('names, groups and parameters', () => {
    const line = lineOf(card(parse('BEGIN:VCARD\nItem1.tel;type=HOME,VOICE;HOME;x-a="a:b;c,d",e;X-N=^na^^b^\';CN=Doe, John:1\nEND:VCARD')), 'TEL')!
    expect(line).toMatchObject({ name: 'TEL', group: 'item1', label: 'Item1.tel' })
    expect(line.parameters.map(({ name, values }) => [name, ...values])).toEqual([
      ['TYPE', 'HOME', 'VOICE'], ['TYPE', 'HOME'], ['X-A', 'a:b;c,d', 'e'], ['X-N', '\na^b"'], ['CN', 'Doe', 'John'],
    ])
    expect(parameterValues(line, 'TYPE')).toEqual(['HOME', 'VOICE', 'HOME'])
    expect(parameterOf(line, 'X-A')).toBe('a:b;c,d,e')
    expect(rawValue(line)).toBe('1')
  })

  it.each([
    ['BASE64', 'ENCODING'], ['URL', 'VALUE'], ['CELL', 'TYPE'],
  ])('%s without a name is %s', (bare, name) => {
    expect(parameterOf(only(`PHOTO;${bare}:x`), name)).toBe(bare)
  })

  it('a quote that does not end hides no colon', () => {
    expect(only('ATTENDEE;CN="Doe:mailto:a@x')).toMatchObject({ name: 'ATTENDEE' })
    expect(rawValue(only('ATTENDEE;CN="Doe:mailto:a@x'))).toBe('mailto:a@x')
  })

  it('components in each other, and such as do not end', () => {
    const document = parse('BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nBEGIN:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:b\r\nEND:VTODO')
    const calendar = componentsOf(document, 'VCALENDAR')[0]!
    expect(componentsOf(calendar, 'VEVENT').map(one => rawValue(lineOf(one, 'UID')!))).toEqual(['a', 'b'])
    expect(componentsOf(calendar, 'VEVENT')[0]!.content.map(one => one.name)).toEqual(['UID', 'VALARM'])
    expect(calendar.end).toBeUndefined()
  })

  it.each(['\r\n', '\n', '\r'])('line ends %j', lineEnd => {
    const document = parse(['\ufeffBEGIN:VCARD', 'FN:A', ' B', 'END:VCARD', ''].join(lineEnd))
    expect(document).toMatchObject({ lineEnd, mark: '\xef\xbb\xbf' })
    expect(valueOf(lineOf(card(document), 'FN')!)).toBe('AB')
  })
})

describe('what is written', () => {
  const stored = '\ufeffBEGIN:VCARD\nitem1.Tel;TYPE="x":1\n???\n\nNOTE:a\n b\nBEGIN:X\nEND:X\nNOTE:c\nEND:VCARD'

  it('a line is replaced in place, others stay', () => {
    const document = parse(stored)
    const tel = lineOf(card(document), 'TEL')!
    expect(print(replace(document, tel, rewriteLine(tel, { value: '2' }, document.lineEnd)))).toBe(stored.replace(':1', ':2'))
    expect(print(replace(document, tel))).toBe(stored.replace('item1.Tel;TYPE="x":1\n', ''))
    expect(replace(document, writeLine({ label: 'A', value: '' }, '\n'))).toBe(document)
  })

  it('a new line stands behind the last of its name, or before the components', () => {
    const document = parse(stored)
    const added = insert(card(document), writeLine({ label: 'NOTE', value: 'd' }, '\n'), writeLine({ label: 'URL', value: 'e' }, '\n'))
    expect(print(replace(document, card(document), added)))
      .toBe(stored.replace('c\n', 'c\nNOTE:d\n').replace('BEGIN:X', 'URL:e\nBEGIN:X'))
  })

  it('what lacked a line end gets one when something follows', () => {
    const document = parse('BEGIN:VCARD\r\nFN:a')
    expect(print(replace(document, card(document), insert(card(document), writeLine({ label: 'URL', value: 'b' }, '\r\n')))))
      .toBe('BEGIN:VCARD\r\nFN:a\r\nURL:b\r\n')
  })

  it('half a line end is none', () => {
    const document = parse('BEGIN:VCARD\r\nFN:a\r')
    const added = insert(card(document), writeLine({ label: 'URL', value: 'b' }, '\r\n'))
    expect(linesOf(card(parse(print(replace(document, card(document), added))))).map(({ name }) => name)).toEqual(['FN', 'URL'])
  })

  it('a new object', () => {
    const content = [writeLine({ label: 'item1.TEL', parameters: [writeParameter('TYPE', 'HOME', 'a;b'), writeParameter('X', 'q"^\n')], value: '1' }, '\r\n')]
    expect(print(writeDocument(writeComponent('VCARD', content, '\r\n'))))
      .toBe('BEGIN:VCARD\r\nitem1.TEL;TYPE=HOME,"a;b";X=q^\'^^^n:1\r\nEND:VCARD\r\n')
  })

  it('quoted-printable is written as such, or taken off', () => {
    const line = only('NOTE;X=1;ENCODING=QUOTED-PRINTABLE;CHARSET=X:a')
    expect(rewriteLine(line, { value: 'ü' }, '\r\n').raw).toBe('NOTE;X=1:\xc3\xbc\r\n')
    expect(rewriteLine(line, { value: ' ü\n', quotedPrintable: true }, '\r\n').raw)
      .toBe('NOTE;X=1;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=20=C3=BC=0D=0A\r\n')
  })
})

describe('properties', () => {
  const words = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 100 }))
  const piece = fc.constantFrom(
    'BEGIN:VCARD', 'END:VCARD', 'begin:vcard', 'BEGIN:X', 'END:X', '\r\n', '\n', '\r', '\r\n ', '\n\t', ':', ';', '"', '=', '=\r\n', 'NOTE;QUOTED-PRINTABLE:', 'TEL',
    'item1.', '\xef\xbb\xbf', '\xc3\xbc', '\xff', 'ENCODING=b', 'x', '\0', ',', '^',
  )
  const soup = fc.array(piece, { maxLength: 60 }).map(pieces => Buffer.from(pieces.join(''), 'latin1'))

  it('any octets come back as they were', () => {
    fc.assert(fc.property(fc.oneof(soup, fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))), bytes => {
      expect(Buffer.from(printLines(parseLines(bytes))).equals(bytes)).toBe(true)
    }), { numRuns: 3000 })
  })

  it('what is written is read again, in lines of 75 octets that are whole characters', () => {
    fc.assert(fc.property(words, fc.boolean(), (text, quotedPrintable) => {
      const plain = text.replace(/\r\n?/g, '\n')
      const line = writeLine({ label: 'NOTE', value: quotedPrintable ? plain : escapeText(plain), quotedPrintable }, '\r\n')
      const [again] = linesOf(parseLines(Buffer.from(line.raw, 'latin1')))
      expect(again).toEqual(line)
      const value = valueOf(line).replace(/\r\n/g, '\n')
      expect(value).toBe(quotedPrintable ? plain.toWellFormed() : escapeText(plain).toWellFormed())
      for (const physical of line.raw.slice(0, -2).split('\r\n')) {
        if (!physical.includes(':')) expect(physical.length).toBeLessThanOrEqual(75)
        if (Buffer.from(plain).toString() === plain) expect(Buffer.from(Buffer.from(physical, 'latin1').toString('utf8')).toString('latin1')).toBe(physical)
      }
    }), { numRuns: 2000 })
  })

  it('parameters are read as they were written', () => {
    fc.assert(fc.property(fc.array(words, { minLength: 1, maxLength: 4 }), values => {
      const line = writeLine({ label: 'X-A', parameters: [writeParameter('X-B', ...values)], value: '' }, '\n')
      const kept = values.map(value => value.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, '').toWellFormed().trim())
      expect(line.parameters[0]!.values.map(value => value.trim())).toEqual(kept)
    }))
  })

  it('a change touches only its line', () => {
    fc.assert(fc.property(soup, fc.nat(), words, (bytes, at, text) => {
      const document = parseLines(Buffer.concat([Buffer.from('BEGIN:VCARD\r\nFN:x\r\n'), bytes]))
      const all = every(document)
      const one = all[at % all.length]!
      const other = writeLine({ label: 'FN', value: escapeText(text) }, document.lineEnd)
      const changed = every(replace(document, one, other))
      expect(changed.map((line, index) => line === other ? all[index] : line)).toEqual(all)
    }))
  })

  const every = (component: Component): Line[] => component.content.flatMap(one => isLine(one) ? [one] : every(one))

  it('pieces between separators that are not escaped', () => {
    fc.assert(fc.property(fc.array(words, { minLength: 1 }), texts => {
      expect(splitEscaped(texts.map(escapeText).join(';'), ';')).toEqual(texts.map(escapeText))
    }))
  })
})

describe('hostile octets', () => {
  it('20,000 mutations give a document that prints as it came, or a failure', () => {
    const sample = octets('\ufeffBEGIN:VCARD\r\nVERSION:2.1\r\nitem1.N;CHARSET=UTF-8;QUOTED-PRINTABLE:=C3=\r\n=BC;a\r\nTEL;"a:b";X=^n:1\r\n 2\r\nAGENT:\r\nBEGIN:VCARD\r\nEND:VCARD\r\nEND:VCARD\r\n')
    for (const bytes of mutations([sample], 20_000, 67)) {
      try {
        const document = parseLines(bytes)
        for (const component of [document, ...componentsOf(document, 'VCARD')]) linesOf(component).forEach(valueOf)
        if (!Buffer.from(printLines(document)).equals(bytes)) throw new Error(Buffer.from(bytes).toString('latin1'))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  })

  it.each([
    ['depth', 'BEGIN:X\n'.repeat(50), 'malformed'], ['lines', '\n'.repeat(300_000), 'too-large'], ['octets', 'x'.repeat(65 * 1024 * 1024), 'too-large'],
  ])('%s is bounded', (_, text, kind) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ kind }))
  })

  it.each([
    ['a folded picture of 10 MB', `PHOTO;ENCODING=b:${'\r\n '.padEnd(78, 'A').repeat(133_000)}`],
    ['a picture of 10 MB in one line', `PHOTO;ENCODING=b:${'A'.repeat(10_000_000)}`],
    ['10 MB of soft breaks', `NOTE;QUOTED-PRINTABLE:${'A=\r\n'.repeat(2_500_000)}`],
    ['CR within a line', '\r'.repeat(3_000_000)],
    ['quotes', 'A;B="'.repeat(1_000_000)], ['parameters', `A${';'.repeat(3_000_000)}`],
  ])('%s takes no time to speak of', (_, line) => {
    expect(effort(() => {
      const document = parse(`BEGIN:VCARD\r\nFN:a\r\n${line}\r\nEND:VCARD\r\n`)
      const fn = lineOf(card(document), 'FN')!
      printLines(replace(document, fn, rewriteLine(fn, { value: 'b' }, '\r\n')))
    })).toBeLessThan(15)
  })
})

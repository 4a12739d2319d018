import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseAddresses, parseDate, parseHeader } from '../../src/formats/header.ts'
import { editHeader, missingFields, printDate, printMailbox, recipients, splitMessage, type HeaderEdits } from '../../src/formats/mime-write.ts'
import { mutations } from '../support/fuzz.ts'

const edit = (text: string, edits: HeaderEdits): string => Buffer.from(editHeader(Buffer.from(text, 'latin1'), edits)).toString('latin1')

it.each<[string, string, HeaderEdits, string]>([
  ['nothing', 'A: 1\r\n\r\nx\0\xff\n', {}, 'A: 1\r\n\r\nx\0\xff\n'],
  ['Bcc with its folded lines', 'A: 1\r\nBCC: b@x,\r\n c@x\r\nB: 2\r\n\r\nBcc: stays', { remove: ['Bcc'] }, 'A: 1\r\nB: 2\r\n\r\nBcc: stays'],
  ['From in its place', 'From: a@x\r\nTo:  b@x \r\n\r\n', { set: [['From', 'c@x']] }, 'From: c@x\r\nTo:  b@x \r\n\r\n'],
  ['a second From', 'From: a@x\r\nX: 1\r\nfrom: e@x\r\n\r\n', { set: [['From', 'c@x']] }, 'From: c@x\r\nX: 1\r\n\r\n'],
  ['a field that was not there', 'A: 1\r\n\r\nx', { set: [['B', '2']], append: [['C', '3']] }, 'A: 1\r\nB: 2\r\nC: 3\r\n\r\nx'],
  ['line ends of LF', 'A: 1\n 2\nB: 3\n\nx\ny', {}, 'A: 1\r\n 2\r\nB: 3\r\n\r\nx\ny'],
  ['a header without body', 'A: 1', { append: [['B', '2']] }, 'A: 1\r\nB: 2\r\n\r\n'],
  ['a body without header', '\r\nx', { append: [['B', '2']] }, 'B: 2\r\n\r\nx'],
  ['nothing at all', '', {}, '\r\n'],
  ['white space no program would write', 'A :1\r\nB:\t2  \r\n\r\n', { remove: ['a'] }, 'B:\t2  \r\n\r\n'],
  ['values that try to be more', 'A: 1\r\n\r\n', { append: [['B', '2\r\nBcc: e@x\r\n\r\n<x>']] }, 'A: 1\r\nB: 2Bcc: e@x<x>\r\n\r\n'],
  ['values that are folded', 'A: 1\r\n\r\n', { append: [['B', '2\r\n 3\n\t4']] }, 'A: 1\r\nB: 2\r\n 3\r\n\t4\r\n\r\n'],
])('a header is edited: %s', (_, text, edits, expected) => {
  expect(edit(text, edits)).toBe(expected)
})

it('no octet of the body changes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom('A: 1\r\nBcc: x\r\n\r\n', 'Bcc: x\n\n'), (body, header) => {
    const edited = editHeader(Buffer.concat([Buffer.from(header), body]), { remove: ['bcc'], append: [['Date', 'now']] })
    expect(Buffer.from(edited.subarray(splitMessage(edited).bodyOffset))).toEqual(Buffer.from(body))
  }))
})

it('a large message is split without a copy', () => {
  const message = Buffer.concat([Buffer.from('A: 1\r\n\r\n'), Buffer.alloc(25 * 1024 * 1024)])
  const { header, bodyOffset } = splitMessage(message)
  expect(header.buffer).toBe(message.buffer)
  expect([header.length, bodyOffset]).toEqual([6, 8])
  expect(editHeader(message, { remove: ['a'] }).length).toBe(message.length - 6)
})

it('edits anything', () => {
  const samples = ['From: a@x\r\nBcc: b@x,\r\n c@x\r\n\r\nbody', 'A: 1\n\nBcc: x'].map(text => Buffer.from(text))
  for (const bytes of mutations(samples, 20_000, 6)) {
    const edited = editHeader(bytes, { remove: ['bcc'], set: [['From', 'x@y']] })
    expect(parseHeader(edited).fields.filter(({ name }) => name === 'bcc')).toEqual([])
    expect(parseHeader(edited).fields.filter(({ name }) => name === 'from')).toEqual([{ name: 'from', value: 'x@y' }])
  }
})

it('finishes a megabyte of header', () => {
  for (const piece of ['a\n', ' \n', 'a: b\r\n', ':', '\r', '\r\n ', 'Bcc: x\n ']) edit(`X: 1\n${piece.repeat(1e6 / piece.length)}`, { remove: ['bcc'] })
})

it.each([
  ['To, Cc and Bcc, each once', 'To: a@x, "B" <b@x>\r\nCc: A@X\r\nBcc: c@x\r\nFrom: d@x\r\n', ['a@x', 'b@x', 'c@x']],
  ['groups and second fields', 'To: team: a@x, b@x;\r\nTo: c@x\r\n', ['a@x', 'b@x', 'c@x']],
  ['nobody', 'To: undisclosed-recipients:;\r\nCc: not an address\r\n', []],
  ['nobody twice in other letters', 'To: J@x, j@X\r\n', ['J@x']],
])('recipients are %s', (_, header, expected) => {
  expect(recipients(parseHeader(Buffer.from(header)))).toEqual(expected)
})

it('what a phone left out is told, in English and by the standards', () => {
  const date = new Date('2026-11-03T03:04:05Z')
  const fields = missingFields(parseHeader(Buffer.from('from: a@x\r\n')), { date, domain: 'x.org' })
  expect(fields.map(([name]) => name)).toEqual(['Date', 'Message-ID', 'MIME-Version'])
  expect(fields[0]![1]).toBe('Tue, 03 Nov 2026 03:04:05 +0000')
  expect(fields[1]![1]).toMatch(/^<[0-9a-f-]{36}@x\.org>$/)
  const complete = parseHeader(Buffer.from('date: now\r\nMESSAGE-ID: <a>\r\nMime-Version: 1.0\r\n'))
  expect(missingFields(complete, { date, domain: 'x.org' })).toEqual([])
})

it('dates are read again as they were printed', () => {
  fc.assert(fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }), date => {
    expect(parseDate(printDate(date))?.getTime()).toBe(Math.floor(date.getTime() / 1000) * 1000)
  }))
})

it('mailboxes are read again as they were printed', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 60 })
    .map(text => text.toWellFormed().replace(/[\p{C}\s\ufffd]+/gu, ' ').replace(/^[' ]+|[' ]+$/g, ''))
  fc.assert(fc.property(name, text => {
    const printed = printMailbox({ name: text, address: 'a@x.org' })
    expect(printed).toMatch(/^[\x20-\x7e\r\n]*$/)
    expect(parseAddresses(printed.replaceAll('\r\n', ''))).toEqual([text ? { name: text, address: 'a@x.org' } : { address: 'a@x.org' }])
  }))
})

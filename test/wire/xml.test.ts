import { expect, it } from 'vitest'
import { decode, el, encodeSync } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { golden, parseXml, printNode, readGolden } from '../support/golden.ts'

it('prints a Sync answer as a person would write it', async () => {
  const answer = parseXml(readGolden('wire/sync-answer.xml'))
  golden('wire/sync-answer.xml', await printNode(answer))
})

it.each([
  ['markup', '<a>&', '&#60;a&#62;&#38;'],
  ['line ends', 'a\r\nb\n', 'a&#13;\nb\n'],
  ['white space alone', ' \t ', ' \t '],
  ['C1 control characters', 'a\x85', 'a&#133;'],
  ['text that looks like a reference', '&#13;', '&#38;#13;'],
])('keeps %s', (_, text, printed) => {
  const xml = printXml(decode(encodeSync(el('AirSync:Sync', text))))
  expect(xml).toBe(`<Sync xmlns="AirSync">${printed}</Sync>\n`)
  expect(parseXml(xml)).toEqual(el('AirSync:Sync', text))
})

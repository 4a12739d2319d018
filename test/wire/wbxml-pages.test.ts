import { expect, it } from 'vitest'
import { codes, pages, tags } from '../../src/wire/wbxml-pages.ts'
import { readGolden } from '../support/golden.ts'

const hex = (token: number): string => token.toString(16).toUpperCase().padStart(2, '0')

it('has the pages and tokens of MS-ASWBXML, as written down once from the document', () => {
  const lines = Object.entries(pages).flatMap(([name, { number, tags }]) =>
    [`${number} ${name}`, ...Object.entries(tags).map(([tag, token]) => `  ${hex(token)} ${tag}`)])
  expect(`${lines.join('\n')}\n`).toBe(readGolden('wire/code-pages.txt'))
})

it('gives every tag a token of its own', () => {
  expect(tags.size).toBe(codes.size)
  for (const code of tags.keys()) expect(code & 0xff).toSatisfy((token: number) => token >= 0x05 && token <= 0x3f)
})

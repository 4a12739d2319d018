import type { Tag } from '../../src/wire/wbxml.ts'
import { codes } from '../../src/wire/wbxml-pages.ts'

/** The texts of all elements of that tag, without looking at the others. */
export function texts(bytes: Buffer, tag: Tag): string[] {
  const code = codes.get(tag)
  const found: string[] = []
  scan(bytes, (at, from, to) => {
    if (at === code && to > 0) found.push(bytes.toString('utf8', from, to))
  })
  return found
}

/** How many elements of that tag there are. */
export function count(bytes: Buffer, tag: Tag): number {
  const code = codes.get(tag)
  let found = 0
  scan(bytes, (at, _, to) => {
    if (at === code && to === 0) found += 1
  })
  return found
}

/** WBXML 1.3, Body: calls `on` for every tag, with two zeros, and again for every text in it. */
function scan(bytes: Buffer, on: (code: number, from: number, to: number) => void): void {
  let at = 4 // the header of every answer of ours
  let page = 0
  let code = 0
  while (at < bytes.length) {
    const token = bytes[at++]!
    if (token === 0) page = bytes[at++]!
    else if (token === 0x03) {
      const end = bytes.indexOf(0, at)
      on(code, at, end)
      at = end + 1
    } else if (token === 0xc3) {
      let length = 0
      for (let more = true; more;) {
        const octet = bytes[at++]!
        length = length << 7 | octet & 127
        more = octet > 127
      }
      at += length
    } else if (token !== 0x01) {
      code = page << 8 | token & 0x3f
      on(code, 0, 0)
    }
  }
}

import { readFileSync } from 'node:fs'
import { el, decode, encodeSync, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'

export type StoredCard = { readonly title: string; readonly octets: Buffer }

/** The vCards of cards.txt, as a server would have them stored. */
export function storedCards(): StoredCard[] {
  const text = readFileSync(new URL('./cards.txt', import.meta.url), 'utf8')
  return text.split(/^== /m).slice(1).map(piece => {
    const [heading = '', ...rest] = piece.split('\n')
    const [, title = '', version = ''] = /^(.*) \((\S+)\)$/.exec(heading) ?? []
    const lines = rest.filter((line, index) => line !== '' || index < rest.length - 2)
    const head = lines[0]?.startsWith('!') ? [lines[0].slice(1)] : [`VERSION:${version}`, lines[0] ?? '']
    return { title, octets: Buffer.from(['BEGIN:VCARD', ...head, ...lines.slice(1), 'END:VCARD', ''].join('\r\n')) }
  })
}

/** Unfolded lines, read by other means than those of the house. */
export function linesOf(octets: Uint8Array): string[] {
  const lines: string[] = []
  for (const line of Buffer.from(octets).toString('utf8').replace(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
    const last = lines.at(-1)
    if (last?.endsWith('=') && /^[^:]*QUOTED-PRINTABLE/.test(last)) lines[lines.length - 1] = last.slice(0, -1) + line
    else lines.push(line)
  }
  return lines
}

/** Names of properties whose lines are gone, new, or other than they were. */
export function changedNames(before: Uint8Array, after: Uint8Array): string[] {
  const left = [...linesOf(before)]
  const added = linesOf(after).filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [...new Set([...left, ...added].map(line => line.split(/[:;]/)[0]!.replace(/^[\w-]+\./, '').toUpperCase()))].sort()
}

/** ApplicationData as it arrives. */
export const dataOf = (nodes: readonly Node[]): Element => decode(encodeSync(el('AirSync:ApplicationData', nodes)))

/** The same data with another value of one element, or without it. */
export const withElement = (nodes: readonly Node[], tag: Tag, children?: Node['children']): Node[] =>
  [...nodes.filter(one => one.tag !== tag), ...(children === undefined ? [] : [el(tag, children)])]

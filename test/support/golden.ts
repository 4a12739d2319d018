import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { decode, el, encodeWhole, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { codes } from '../../src/wire/wbxml-pages.ts'
import { printXml } from '../../src/wire/xml.ts'
import { parseElements, type XmlElement } from './xml.ts'

const file = (path: string): string => fileURLToPath(new URL(`../golden/${path}`, import.meta.url))

export const readGolden = (path: string): string => readFileSync(file(path), 'utf8')

/** Compares with the file of that path below test/golden; `GOLDEN=rewrite` writes it instead, but never in CI. */
export function golden(path: string, actual: string): void {
  const text = actual.endsWith('\n') ? actual : `${actual}\n`
  if (process.env['GOLDEN'] === 'rewrite' && !process.env['CI']) {
    mkdirSync(dirname(file(path)), { recursive: true })
    writeFileSync(file(path), text)
  }
  expect(text, `differs from ${path}; GOLDEN=rewrite writes it anew`).toBe(readGolden(path))
}

/** A tree as it arrives on the other side. */
export const printNode = async (root: Node): Promise<string> => printXml(decode(await encodeWhole(root)))

/** The way back from what `printXml` prints, for documents written by hand too. */
export const parseXml = (xml: string): Node => toNode(parseElements(xml))

function toNode({ space, name, attributes, children, text }: XmlElement): Node {
  const tag = `${space}:${name}`
  if (!codes.has(tag)) throw new Error(`no code page has ${tag}`)
  const opaque = attributes.get('opaque')
  if (opaque) return el(tag as Tag, Buffer.from(text, opaque === 'base64' ? 'base64' : 'utf8'))
  return el(tag as Tag, children.length > 0 ? children.map(toNode) : text)
}

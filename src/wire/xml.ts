import { isUtf8 } from 'node:buffer'
import type { Element } from './wbxml.ts'

/** `&`, `<`, `>` and every control character but tab and line feed, which XML would lose or refuse. */
const escape = (text: string): string =>
  text.replace(/[&<>\ufffe\uffff]|[^\P{Cc}\t\n]/gu, one => `&#${one.codePointAt(0)};`)

/** The attribute and the text of opaque data: as text where it is some. */
const printOpaque = (opaque: Uint8Array, text: string): [string, string] =>
  isUtf8(opaque) && !/[^\P{Cc}\t\n\r]/u.test(text)
    ? [' opaque="text"', escape(text)]
    : [' opaque="base64"', Buffer.from(opaque).toString('base64')]

/** Namespace and local name; a token no page lists gets a name XML allows, `_0x3F`. */
function names(tag: Element['tag']): [string, string] {
  const [space = '', name = ''] = tag.split(':')
  return [space, name.startsWith('0x') ? `_${name}` : name]
}

function printLines(element: Element, outer: string, indent: string, lines: string[]): void {
  const [space, name] = names(element.tag)
  const [opaque, text] = element.opaque ? printOpaque(element.opaque, element.text) : ['', escape(element.text)]
  const head = `${indent}<${name}${space === outer ? '' : ` xmlns="${space}"`}${opaque}`
  if (element.children.length === 0) lines.push(text || opaque ? `${head}>${text}</${name}>` : `${head}/>`)
  else {
    lines.push(`${head}>`)
    if (text) lines.push(`${indent}  ${text}`)
    for (const child of element.children) printLines(child, space, `${indent}  `, lines)
    lines.push(`${indent}</${name}>`)
  }
}

/**
 * A decoded document for people: indented XML with the namespaces of [MS-ASWBXML] Code Pages, opaque data marked by an
 * attribute. Text of elements without children stands exactly as it is.
 */
export function printXml(element: Element): string {
  const lines: string[] = []
  printLines(element, '', '', lines)
  return `${lines.join('\n')}\n`
}

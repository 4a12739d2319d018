/** An element to be written: its name as it stands there, attributes, and text or elements. */
export type Markup = {
  readonly name: string
  readonly content: string | readonly Markup[]
  readonly attributes: Readonly<Record<string, string>>
}

export const mark = (name: string, content: Markup['content'] = '', attributes: Markup['attributes'] = {}): Markup => ({ name, content, attributes })

/** XML 1.0, Char: what cannot stand in a document at all is left out. */
const escape = (text: string): string => text
  .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
  .replace(/[&<>"'\t\n\r]/g, one => `&#${one.codePointAt(0)};`)

/** The whole document, an element a line. `doctype` stands before the root as it is. */
export function printMarkup(root: Markup, doctype?: string): string {
  const lines = ['<?xml version="1.0" encoding="utf-8"?>', ...(doctype === undefined ? [] : [doctype])]
  write(root, '', lines)
  return `${lines.join('\n')}\n`
}

function write({ name, content, attributes }: Markup, indent: string, lines: string[]): void {
  const head = `${indent}<${name}${Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`).join('')}`
  if (content.length === 0) lines.push(`${head}/>`)
  else if (typeof content === 'string') lines.push(`${head}>${escape(content)}</${name}>`)
  else {
    lines.push(`${head}>`)
    for (const child of content) write(child, `${indent}  `, lines)
    lines.push(`${indent}</${name}>`)
  }
}

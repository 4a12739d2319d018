import { SaxesParser } from 'saxes'
import { Failure } from '../base/failure.ts'

/** An element by namespace and local name. `text` is what stands directly in it. */
export type XmlElement = {
  readonly space: string
  readonly name: string
  text: string
  readonly children: XmlElement[]
}

/** More than any request of Autodiscover has. */
const most = { depth: 32, elements: 5000, attributes: 100 }

const malformed = (what: string, cause?: unknown): Failure => new Failure('malformed', `XML: ${what}`, { cause })

/**
 * A whole document of a client, in UTF-8 or UTF-16; whoever calls has bounded its length. Throws `malformed` for what is no XML with namespaces,
 * for a document type, and for what is nested too deep or has too much in it.
 */
export function readXml(octets: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: true })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let elements = 0, attributes = 0
  parser.on('error', error => { throw malformed(error.message.slice(0, 200)) })
  parser.on('doctype', () => { throw malformed('a document type') })
  parser.on('opentagstart', () => {
    attributes = 0
    // With namespaces, saxes needs a time that is quadratic in the depth.
    if (open.length >= most.depth || ++elements > most.elements) throw malformed('nested too deep, or too long')
  })
  parser.on('attribute', () => { if (++attributes > most.attributes) throw malformed('too many attributes') })
  parser.on('opentag', ({ uri, local }) => {
    const element: XmlElement = { space: uri, name: local, text: '', children: [] }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const characters = (text: string): void => {
    const element = open.at(-1)
    if (element) element.text += text
  }
  parser.on('text', characters)
  parser.on('cdata', characters)
  parser.on('closetag', () => void open.pop())
  parser.write(textOf(octets)).close()
  if (!root) throw malformed('no element')
  return root
}

function textOf(octets: Uint8Array): string {
  const [first, second] = octets
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(octets)
  } catch (cause) {
    throw malformed(`no ${encoding}`, cause)
  }
}

/** Those children of an element that are called so, in the namespace of the element itself. */
export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter(child => child.name === name && child.space === element.space)

/** The text of a child that is there once and holds no elements, without the space around it. */
export function textAt(element: XmlElement, name: string): string | undefined {
  const [only, ...more] = childrenOf(element, name)
  return only && more.length === 0 && only.children.length === 0 ? only.text.trim() : undefined
}

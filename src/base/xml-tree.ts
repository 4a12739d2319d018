import { SaxesParser } from 'saxes'

/** What every element of a tree has; `text` is what stands directly in it. */
type XmlNode<N> = { text: string; readonly children: N[] }

export type XmlTag = { readonly uri: string; readonly local: string; readonly attributes: Readonly<Record<string, { readonly value: string }>> }

export type XmlTreeOptions<N> = {
  readonly most: { readonly depth: number; readonly attributes: number }
  /** Makes an element of its tag; throws where there are too many. */
  element(tag: XmlTag): N
  /** Called at the end of an element, with those that are still open. */
  closed?(element: N, open: readonly N[]): void
  /** Thrown for what is no XML with namespaces, for a document type, and for what goes beyond `most`. */
  readonly faults: { syntax(message: string): Error; readonly doctype: () => Error; readonly depth: () => Error; readonly attributes: () => Error }
}

export type XmlTree<N> = {
  /** Those that have begun and not ended, the root first. */
  readonly open: readonly N[]
  write(text: string): void
  /** The root; undefined where there was none. */
  end(): N | undefined
}

/** A document that somebody else made, as a tree, while it comes. */
export function xmlTree<N extends XmlNode<N>>({ most, element: make, closed, faults }: XmlTreeOptions<N>): XmlTree<N> {
  const parser = new SaxesParser({ xmlns: true })
  const open: N[] = []
  let root: N | undefined
  let attributes = 0
  parser.on('error', ({ message }) => { throw faults.syntax(message.slice(0, 200)) })
  parser.on('doctype', () => { throw faults.doctype() })
  parser.on('opentagstart', () => {
    attributes = 0
    // With namespaces, saxes needs a time that is quadratic in the depth.
    if (open.length >= most.depth) throw faults.depth()
  })
  parser.on('attribute', () => { if (++attributes > most.attributes) throw faults.attributes() })
  parser.on('opentag', tag => {
    const element = make(tag)
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
  parser.on('closetag', () => {
    const element = open.pop()!
    closed?.(element, open)
  })
  return {
    open,
    write: text => void parser.write(text),
    end() {
      parser.close()
      return root
    },
  }
}

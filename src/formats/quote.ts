import { htmlLines } from './html.ts'

/** The original below an answer: the fields that introduce it, and its text in the answer's own kind. */
export type Quotation = {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly text: string
  /** Marked as somebody else's words, as answers do and forwarded messages do not. */
  readonly marked: boolean
}

const line = '_'.repeat(32)

/** Plain text with the original below it: RFC 3676, Quoting, for answers. */
export function quoteText(own: string, { fields, text, marked }: Quotation): string {
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const lines = text.replace(/\s+$/, '').split(/\r\n|\r|\n/)
  const quoted = marked ? lines.map(one => one.startsWith('>') || one === '' ? `>${one}` : `> ${one}`) : lines
  return `${own.replace(/\s+$/, '')}\r\n\r\n${line}\r\n${head}\r\n${quoted.join('\r\n')}\r\n`
}

/** HTML with the original inside its body, never behind its end, where programs that read strictly show nothing. */
export function quoteHtml(own: string, { fields, text, marked }: Quotation): string {
  const head = fields.map(([name, value]) => `<b>${name}:</b> ${htmlLines(value)}<br>\r\n`).join('')
  const { styles, inner } = bodyOf(text)
  const [open, close] = marked
    ? ['<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">', '</blockquote>']
    : ['<div>', '</div>']
  const quoted = `<br>\r\n<hr>\r\n<div>${head}</div>\r\n<br>\r\n${styles}${open}${inner}${close}\r\n`
  const at = endOf(own)
  return `${own.slice(0, at)}${quoted}${own.slice(at)}`
}

/** Where the body of a document ends: before its last closing tag of the body, or of the document. */
function endOf(html: string): number {
  let body = -1, root = -1
  for (const { 1: name, index } of html.matchAll(/<\/(body|html)\s{0,20}>/gi)) {
    if (name!.toLowerCase() === 'body') body = index
    else root = index
  }
  return body >= 0 ? body : root >= 0 ? root : html.length
}

/** What is inside of a document's body, and the style sheets it needs; all of what has no body. */
function bodyOf(html: string): { readonly styles: string; readonly inner: string } {
  const open = /<body\b[^>]{0,2000}>/i.exec(html)
  const from = open ? open.index + open[0].length : /<html\b[^>]{0,2000}>/i.exec(html)?.index ?? 0
  const inner = html.slice(from, Math.max(from, endOf(html)))
  return { styles: open ? stylesOf(html.slice(0, open.index)) : '', inner: inner.replace(/<\/?html\b[^>]{0,2000}>/gi, '') }
}

function stylesOf(head: string): string {
  const found: string[] = []
  const start = /<style\b[^>]{0,2000}>/gi, end = /<\/style\s{0,20}>/gi
  for (let match = start.exec(head); match; match = start.exec(head)) {
    end.lastIndex = start.lastIndex
    const last = end.exec(head)
    if (!last) break
    found.push(`${head.slice(match.index, end.lastIndex)}\r\n`)
    start.lastIndex = end.lastIndex
  }
  return found.join('')
}

/** RFC 2392: Content-IDs that a document shows pictures by, without their angle brackets. */
export function citedIds(html: string): ReadonlySet<string> {
  return new Set([...html.matchAll(/\bcid:([^"'\s<>)]{1,500})/gi)].map(({ 1: id }) => unescape(id!)))
}

function unescape(id: string): string {
  try {
    return decodeURIComponent(id.replace(/&amp;/g, '&'))
  } catch {
    return id
  }
}

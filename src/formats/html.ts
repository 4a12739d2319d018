import { Tokenizer } from 'htmlparser2'
import { cleanText, cleanUtf8, decodeText } from './charset.ts'
import { latin1 } from './octets.ts'
import { PlainText } from './plain-text.ts'

type Options = {
  /** Write the addresses of links and the names of pictures. */
  readonly links?: boolean
  /** Stop when about so many characters are there. */
  readonly limit?: number
}

/** Elements that begin and end a line. */
const lines = new Set([
  'address', 'article', 'aside', 'body', 'center', 'dd', 'details', 'dir', 'div', 'dl', 'dt', 'fieldset', 'figcaption', 'figure',
  'footer', 'form', 'header', 'hgroup', 'legend', 'li', 'main', 'menu', 'nav', 'ol', 'option', 'section', 'summary', 'table',
  'tbody', 'tfoot', 'thead', 'tr', 'ul',
])
/** Elements with an empty line between them and their neighbours. */
const paragraphs = new Set(['blockquote', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'pre'])

/** Elements whose text is none of the message's. */
const silent = new Set(['script', 'style', 'title', 'template'])

/** Attributes that are looked at. */
const wanted = new Set(['href', 'alt'])
type Attributes = Readonly<Record<string, string>>

/** What elements mean to plain text. Closing tags need no opening ones and the other way round. */
class Elements {
  readonly text = new PlainText()
  readonly #links: boolean
  readonly #lists: number[] = [] // the next number of each open list; 0: no numbers
  #link: { readonly href: string; readonly start: number } | undefined
  #muted = ''

  constructor(links: boolean) {
    this.#links = links
  }

  open(tag: string, attributes: Attributes): void {
    if (this.#muted) return
    this.#border(tag)
    switch (tag) {
      case 'br': return this.text.line()
      case 'hr': return this.text.rule()
      case 'td': case 'th': return this.text.tab()
      case 'img': return this.#picture(attributes['alt'] ?? '')
      case 'a': return this.#openLink(attributes['href'] ?? '')
      case 'pre': return void this.text.pre++
      case 'blockquote': return void this.text.quotes++
      case 'ul': case 'ol': return void this.#lists.push(tag === 'ol' ? 1 : 0)
      case 'li': return this.#item()
      default: if (silent.has(tag)) this.#muted = tag
    }
  }

  close(tag: string): void {
    if (this.#muted) {
      if (this.#muted === tag) this.#muted = ''
      return
    }
    if (tag === 'a') this.#closeLink()
    else if (tag === 'pre') this.text.pre = Math.max(0, this.text.pre - 1)
    else if (tag === 'blockquote') this.text.quotes = Math.max(0, this.text.quotes - 1)
    else if (tag === 'ul' || tag === 'ol') this.#lists.pop()
    this.#border(tag)
  }

  say(piece: string): void {
    if (!this.#muted) this.text.write(piece)
  }

  #border(tag: string): void {
    if (lines.has(tag)) this.text.line(true)
    else if (paragraphs.has(tag)) this.text.paragraph()
  }

  #item(): void {
    const next = this.#lists.at(-1) ?? 0
    if (next > 0) this.#lists[this.#lists.length - 1] = next + 1
    this.text.bullet(next > 0 ? `${next}. ` : '- ', this.#lists.length)
  }

  #picture(name: string): void {
    if (this.#links && name.trim() !== '') this.say(`[${name.trim()}]`)
  }

  #openLink(href: string): void {
    const followed = this.#links && /^\s*(https?|mailto):/i.test(href)
    this.#link = followed ? { href: href.trim(), start: this.text.length } : undefined
  }

  #closeLink(): void {
    if (this.#link) this.text.address(this.#link.href, this.#link.start)
    this.#link = undefined
  }
}

/**
 * HTML as plain text: lines of blocks, lists and table rows, quotations by `>`, links with their address. Made from tokens, not
 * from a tree: any depth, any nesting and any size take linear time and no stack.
 */
export function htmlToText(html: string, { links = true, limit = Infinity }: Options = {}): string {
  const elements = new Elements(links)
  let tag = '', attribute = ''
  let attributes: Record<string, string> = {}
  const nameAt = (start: number, end: number): string => html.slice(start, Math.min(end, start + 40)).toLowerCase()
  const addValue = (piece: string): void => {
    if (wanted.has(attribute)) attributes[attribute] = (attributes[attribute] ?? '') + piece.slice(0, 4000)
  }
  const say = (piece: string): void => {
    elements.say(piece)
    if (elements.text.length > limit) tokenizer.pause()
  }
  const open = (): void => elements.open(tag, attributes)
  const nothing = (): void => {}
  const tokenizer: Tokenizer = new Tokenizer({ decodeEntities: true }, {
    ontext: (start, end) => say(html.slice(start, end)),
    ontextentity: codepoint => say(String.fromCodePoint(codepoint)),
    onopentagname: (start, end) => {
      tag = nameAt(start, end)
      attributes = {}
    },
    onattribname: (start, end) => void (attribute = nameAt(start, end)),
    onattribdata: (start, end) => addValue(html.slice(start, end)),
    onattribentity: codepoint => addValue(String.fromCodePoint(codepoint)),
    onattribend: nothing,
    onopentagend: open,
    onselfclosingtag: open,
    onclosetag: (start, end) => elements.close(nameAt(start, end)),
    oncdata: nothing, oncomment: nothing, ondeclaration: nothing, onprocessinginstruction: nothing, onend: nothing,
  })
  tokenizer.write(html)
  if (tokenizer.running) tokenizer.end()
  return cleanText(elements.text.finish())
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string): string => text.replace(/[&<>"]/g, character => escapes[character]!)

/** Web addresses in running text, without the punctuation that follows them. */
const webAddress = /\bhttps?:\/\/[^\s<>"]{1,2000}/g

/** Plain text as an HTML document; nothing stays nothing. */
export const textToHtml = (text: string): string => text && `${before}${htmlLines(text)}</body></html>`

const before = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>'

/** Plain text as it may stand inside HTML: lines, indentation and web addresses survive. */
export function htmlLines(text: string): string {
  if (!text.includes('://')) return spaced(escape(text))
  const pieces: string[] = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(webAddress)) {
    const url = found.replace(/[.,;:!?)\]}'*]{1,20}$/, '')
    pieces.push(spaced(escape(text.slice(at, index))), `<a href="${escape(url)}">${escape(url)}</a>`)
    at = index + url.length
  }
  pieces.push(spaced(escape(text.slice(at))))
  return pieces.join('')
}

const spaced = (html: string): string => html
  .replace(/\t/g, '        ')
  .replace(/^ | (?= )/gm, '&nbsp;')
  .replace(/\r\n|\r|\n/g, '<br>\r\n')

/** Characters without width, used to fill up the previews other programs make. */
const invisible = /^[\u200c-\u200f]*$/

/** The first `n` characters (UTF-16 units, never half of one) of a text in one line. */
export function preview(text: string, n: number): string {
  const words = text.slice(0, n * 8 + 1000).split(/(?:[\s\u200b\u2060]|\u034f)+/).filter(word => !invisible.test(word))
  return cleanText(words.join(' ').slice(0, n))
}

const metaCharset = /<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}["']?\s{0,5}([\w.:-]{1,40})/i

/** An HTML part's octets as text that says of itself that it is UTF-8, which it will be when sent on. */
export function decodeHtml(bytes: Uint8Array, charset: string | undefined): string {
  const head = latin1(bytes.subarray(0, 4096))
  const text = decodeText(bytes, charset ?? metaCharset.exec(head)?.[1])
  const found = metaCharset.exec(text.slice(0, 4096))
  if (!found || found[1]!.toLowerCase() === 'utf-8') return text
  const at = found.index + found[0].length - found[1]!.length
  return text.slice(0, at) + 'utf-8' + text.slice(at + found[1]!.length)
}

/** The octets themselves where they are what `decodeHtml` makes of them: see `cleanUtf8`. */
export function htmlOctets(bytes: Uint8Array, charset: string | undefined): Uint8Array | undefined {
  const text = latin1(bytes), said = metaCharset.exec(text.slice(0, 4096))?.[1]
  return said === undefined || said.toLowerCase() === 'utf-8' ? cleanUtf8(bytes, charset ?? said, text) : undefined
}

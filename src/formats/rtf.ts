import { cleanText, decodeText } from './charset.ts'
import { latin1 } from './octets.ts'

/** What RTF turned out to hold. */
export type RtfText = { readonly html: boolean; readonly text: string }

/** What counts up to the end of a group. `skip`: nothing of it is shown. */
type State = { skip: boolean; tag: boolean; hidden: boolean; fallback: number; codePage: number; fonts: boolean }

const most = { depth: 1000, characters: 8 * 1024 * 1024 }

// RTF 1.9, Control Word, Control Symbol; text up to the next of them
const token = /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^])|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)/g

// RTF 1.9, Destinations: those that hold no text of the document; all that follow \* are left out anyway
const apart = new Set([
  'colortbl', 'stylesheet', 'info', 'pict', 'object', 'header', 'footer', 'headerf', 'footerf', 'listtable', 'listoverridetable',
  'revtbl', 'filetbl', 'generator', 'themedata', 'xmlnstbl', 'mhtmltag', 'footnote', 'fldinst',
])
const characters: Readonly<Record<string, string>> = {
  par: '\r\n', line: '\r\n', sect: '\r\n', page: '\r\n', row: '\r\n', tab: '\t', cell: '\t', lquote: '\u2018', rquote: '\u2019',
  ldblquote: '\u201c', rdblquote: '\u201d', bullet: '\u2022', endash: '\u2013', emdash: '\u2014',
  emspace: '\u2003', enspace: '\u2002',
}
const symbols: Readonly<Record<string, string>> = {
  '~': '\u00a0', _: '\u2011', '\\': '\\', '{': '{', '}': '}', '\n': '\r\n', '\r': '\r\n',
}
// RTF 1.9, Font Table: \fcharset as code pages
const charsets: Readonly<Record<number, number>> = {
  0: 1252, 77: 10_000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
  186: 1257, 204: 1251, 222: 874, 238: 1250,
}

/**
 * [MS-OXRTFEX] De-encapsulating: the HTML that RTF was made of, else its plain text. Never throws; octets that are no RTF come
 * out as the text they look like.
 */
export function readRtf(bytes: Uint8Array): RtfText {
  const rtf = latin1(bytes)
  const reader = new Reader()
  for (const match of rtf.matchAll(token)) if (!reader.take(match, rtf)) break
  return { html: reader.html, text: cleanText(reader.finish()) }
}

class Reader {
  html = false
  readonly #pieces: string[] = []
  #length = 0
  #octets: number[] = []
  readonly #stack: State[] = []
  #state: State = { skip: false, tag: false, hidden: false, fallback: 1, codePage: 1252, fonts: false }
  #starred = false
  /** Characters still to be left out behind \u. */
  #left = 0
  readonly #fonts = new Map<number, number>()
  #font = 0
  #codePage = 1252
  /** Where the octets of \bin end. */
  #until = 0

  /** False when enough has been read. */
  take(match: RegExpExecArray, rtf: string): boolean {
    if (match.index < this.#until) return true
    const [, word, number, hex, symbol, brace, plain] = match
    const end = match.index + match[0].length
    if (word !== undefined) this.#word(word, number === undefined ? undefined : Number(number), end, rtf)
    else if (hex !== undefined) this.#octet(parseInt(hex, 16))
    else if (symbol === '*') this.#starred = true
    else if (symbol !== undefined) this.#write(symbols[symbol] ?? '')
    else if (brace === '{') {
      if (this.#stack.push({ ...this.#state }) > most.depth) return false
    } else if (brace === '}') {
      this.#flush()
      this.#state = this.#stack.pop() ?? this.#state
    } else if (plain !== undefined) this.#plain(plain)
    if (brace !== undefined) this.#left = 0
    return this.#length < most.characters
  }

  #word(word: string, number: number | undefined, end: number, rtf: string): void {
    const state = this.#state
    const starred = this.#starred
    this.#starred = false
    switch (word) {
      case 'fromhtml': this.html = true; return
      case 'ansicpg': this.#codePage = state.codePage = number ?? 1252; return
      case 'htmltag': state.tag = true; return
      case 'htmlrtf': this.#flush(); state.hidden = number !== 0; return
      case 'fonttbl': state.skip = state.fonts = true; return
      case 'f': this.#useFont(number ?? 0); return
      case 'fcharset': if (state.fonts) this.#fonts.set(this.#font, charsets[number ?? 0] ?? this.#codePage); return
      case 'plain': this.#flush(); state.codePage = this.#codePage; return
      case 'uc': state.fallback = Math.min(Math.max(number ?? 1, 0), 100); return
      case 'bin': this.#until = Math.min(end + Math.max(number ?? 0, 0), rtf.length); return
      case 'u': {
        this.#write(String.fromCharCode((number ?? 0) & 0xffff))
        this.#left = state.fallback
        return
      }
    }
    if (starred || apart.has(word)) state.skip = true
    else if (characters[word] !== undefined) this.#write(characters[word])
  }

  #useFont(font: number): void {
    this.#flush()
    this.#font = font
    if (!this.#state.fonts) this.#state.codePage = this.#fonts.get(font) ?? this.#codePage
  }

  get #silent(): boolean {
    return this.#state.skip || (this.html && this.#state.hidden && !this.#state.tag)
  }

  #octet(octet: number): void {
    if (this.#left > 0) this.#left--
    else if (!this.#silent) this.#octets.push(octet)
  }

  #plain(text: string): void {
    const skipped = Math.min(this.#left, text.length)
    this.#left -= skipped
    if (this.#silent || skipped === text.length) return
    for (let index = skipped; index < text.length; index++) this.#octets.push(text.charCodeAt(index))
  }

  #write(text: string): void {
    this.#flush()
    if (text !== '' && !this.#silent) this.#push(this.html && !this.#state.tag ? escaped(text) : text)
  }

  /** Octets belong together: a character may be two of them, each written as \'hh. */
  #flush(): void {
    if (this.#octets.length === 0) return
    const { codePage } = this.#state
    const text = decodeText(Uint8Array.from(this.#octets), codePage === 65_001 ? 'utf-8' : `cp${codePage}`)
    this.#octets = []
    this.#push(this.html && !this.#state.tag ? escaped(text) : text)
  }

  #push(text: string): void {
    this.#pieces.push(text)
    this.#length += text.length
  }

  finish(): string {
    this.#flush()
    return this.#pieces.join('')
  }
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** RTF of plain text, all of it in ASCII. */
export const textToRtf = (text: string): string =>
  `{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\\uc1\\pard\\f0\\fs20 ${rtfLines(text)}}`

const rtfLines = (text: string): string => text
  .replace(/[\\{}]/g, '\\$&').replace(/\r?\n/g, '\\par\r\n').replaceAll('\t', '\\tab ')
  .replace(/[^\0-\x7f]/g, character => `\\u${character.charCodeAt(0) << 16 >> 16}?`)

import { decodeText, utf8Length } from './charset.ts'
import { decodeTransfer } from './transfer-encoding.ts'

type Word = { readonly charset: string; readonly base64: boolean; text: string }

// RFC 2047, Syntax of encoded-words; RFC 2231, Language specification in Encoded Words. No class matches `?`: linear time.
const encodedWord = /=\?([^?\s*]{1,80})(?:\*[^?\s]{0,80})?\?([bq])\?([^?]*)\?=/giy

/** The length of the encoded word that begins at `at`, 0 when none does. */
export function wordLength(raw: string, at: number): number {
  encodedWord.lastIndex = at
  return encodedWord.test(raw) ? encodedWord.lastIndex - at : 0
}

/**
 * RFC 2047, Message Header Extensions. `raw` holds octets as Latin 1 characters; the answer is Unicode. Adjoining words of one
 * charset are joined before they are decoded, since programs split them inside a character. Bare 8-bit octets are repaired.
 */
export function decodeWords(raw: string): string {
  if (!raw.includes('=?')) return decodePlain(raw)
  const out: string[] = []
  let words: Word[] = []
  let plain = 0 // where the text not yet written begins
  const flush = (): void => {
    out.push(...words.map(decodeWord))
    words = []
  }
  for (let at = raw.indexOf('=?'); at >= 0; at = raw.indexOf('=?', at)) {
    encodedWord.lastIndex = at
    const match = encodedWord.exec(raw)
    if (!match) {
      at += 2
      continue
    }
    const between = raw.slice(plain, at)
    if (words.length === 0 || between.trim() !== '') {
      flush()
      out.push(decodePlain(between))
    }
    addWord(words, { charset: match[1]!.toLowerCase(), base64: match[2]!.toLowerCase() === 'b', text: match[3]! })
    plain = at = encodedWord.lastIndex
  }
  flush()
  out.push(decodePlain(raw.slice(plain)))
  return out.join('')
}

function addWord(words: Word[], word: Word): void {
  const last = words.at(-1)
  if (last?.charset === word.charset && last.base64 === word.base64) last.text += word.text
  else words.push(word)
}

function decodeWord({ charset, base64, text }: Word): string {
  // RFC 2047, The "Q" encoding: unlike quoted-printable it has no white space that could be dropped at an end
  const octets = Buffer.from(base64 ? text : text.replace(/[_ ]/g, '=20'), 'latin1')
  return decodeText(decodeTransfer(octets, base64 ? 'base64' : 'quoted-printable'), charset)
}

/** Text in no encoded word: ASCII as it should be, or octets of some charset, or Unicode already. */
export function decodePlain(raw: string): string {
  if (!/[\x80-\xff]/.test(raw) || /[^\0-\xff]/.test(raw)) return raw
  return decodeText(Buffer.from(raw, 'latin1'), undefined)
}

/** Text as a header field may hold it: ASCII as it is, everything else as encoded words of at most 75 characters, folded. */
export function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text
  const words: string[] = []
  let word = ''
  let length = 0
  for (const character of text.toWellFormed()) {
    const more = utf8Length(character)
    if (length + more > 45) { // 60 characters of base64
      words.push(word)
      word = ''
      length = 0
    }
    word += character
    length += more
  }
  return [...words, word].map(one => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ')
}

// RFC 2045, 7bit Data; lines of RFC 5322 have at most 998 characters
const plain = /^(?:[\x01-\x09\x0b\x0c\x0e-\x7f]{0,998}(?:\r\n|$))*$/

const every = /[^]/gu

export type Encoded = { readonly encoding: '7bit' | 'quoted-printable' | 'base64'; readonly octets: Uint8Array }

/** Text as UTF-8 under the encoding that leaves most of it readable: 7bit where it fits, else quoted-printable, else base64. */
export function encodeText(text: string): Encoded {
  const lines = linesOf(text)
  if (plain.test(lines) && !/^From /m.test(lines)) return { encoding: '7bit', octets: Buffer.from(lines, 'latin1') }
  const octets = Buffer.from(lines, 'utf8')
  // A script of its own is three times as long in quoted-printable, and no more readable.
  const foreign = octets.length - lines.replace(/[^\x00-\x7f]+/g, '').length
  if (foreign > octets.length / 3) return { encoding: 'base64', octets: base64Lines(octets) }
  return { encoding: 'quoted-printable', octets: Buffer.from(quotedPrintable(lines), 'latin1') }
}

/** The same in base64, in which no line begins a boundary. */
export const encodeBase64 = (text: string): Encoded => ({ encoding: 'base64', octets: base64Lines(Buffer.from(linesOf(text), 'utf8')) })

const linesOf = (text: string): string => text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n')

/** RFC 2045, Base64 Content-Transfer-Encoding: lines of 76 characters, the last one without its line end. */
export function base64Lines(octets: Uint8Array): Uint8Array {
  const perLine = 57
  const lines = Math.ceil(octets.length / perLine)
  const out = Buffer.alloc(Math.ceil(octets.length / 3) * 4 + Math.max(0, lines - 1) * 2)
  const source = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  let at = 0
  for (let start = 0; start < source.length; start += perLine) {
    if (start > 0) at += out.write('\r\n', at, 'latin1')
    at += out.write(source.toString('base64', start, Math.min(start + perLine, source.length)), at, 'latin1')
  }
  return out
}

// RFC 2045, Quoted-Printable Content-Transfer-Encoding
const quotedPrintable = (lines: string): string => lines.split('\r\n').map(quotedLine).join('\r\n')

function quotedLine(line: string): string {
  const out: string[] = []
  let length = 0
  const last = line.length - 1
  for (const { 0: character, index } of line.matchAll(every)) {
    const white = character === ' ' || character === '\t'
    const literal = white ? index < last : /^[!-<>-~]$/.test(character) && !(character === '.' && length === 0)
    const piece = literal ? character : escaped(character)
    if (length + piece.length > 75) {
      out.push('=\r\n')
      length = 0
    }
    out.push(piece)
    length += piece.length
  }
  return out.join('')
}

const escaped = (character: string): string =>
  [...Buffer.from(character, 'utf8')].map(octet => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('')

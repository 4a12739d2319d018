import { latin1 } from './octets.ts'
import { decodeUu } from './uuencode.ts'

/**
 * RFC 2045, Content-Transfer-Encoding. Never throws: octets cut off anywhere decode as far as they go, what is no base64 or
 * no hexadecimal is left out or left standing, an unknown encoding is no encoding. May answer a view of `bytes`.
 */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  switch (encoding.trim().toLowerCase()) {
    case 'base64': return decodeBase64(bytes)
    case 'quoted-printable': return decodeQuotedPrintable(bytes)
    case 'x-uuencode': case 'uuencode': case 'x-uue': return decodeUu(bytes)
    default: return bytes
  }
}

// RFC 2045, Base64 Content-Transfer-Encoding
function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = latin1(bytes)
  const padding = text.indexOf('=')
  if (padding < 0) return Buffer.from(text, 'base64')
  const first = Buffer.from(text.slice(0, padding), 'base64')
  const rest = text.slice(padding).replace(/^[=\s]+/, '')
  // Some programs join pieces that were encoded one by one; a footer in plain text is no such piece.
  if (rest === '' || !/^[A-Za-z0-9+/=\s]+$/.test(rest)) return first
  return Buffer.concat([first, ...rest.split(/=+/).map(piece => Buffer.from(piece, 'base64'))])
}

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, TAB = 0x09, EQUALS = 0x3d

// RFC 2045, Quoted-Printable Content-Transfer-Encoding
function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length)
  const end = bytes.length
  let length = 0
  let kept = 0 // what is no trailing white space for certain: up to the last escape, soft line break or line end
  for (let at = 0; ; at++) {
    let octet = 0
    for (; at < end; at++) {
      octet = bytes[at]!
      if (special[octet] === 1) break
      out[length++] = octet
    }
    if (at >= end) break
    if (octet === EQUALS) {
      const value = at + 2 < end ? digits[bytes[at + 1]!]! << 4 | digits[bytes[at + 2]!]! : -1
      const next = value < 0 ? lineEnd(bytes, at + 1) : 0
      if (value >= 0) {
        out[length++] = value
        at += 2
      } else if (next > at) at = next - 1 // a soft line break: white space before it stays
      else if (at + 2 >= end) break
      else out[length++] = octet
    } else {
      length = trimmed(out, kept, length)
      out[length++] = octet
    }
    kept = length
  }
  return out.subarray(0, trimmed(out, kept, length))
}

/** Where the octets end without white space, which begins at `from` at the earliest. */
function trimmed(octets: Uint8Array, from: number, to: number): number {
  while (to > from && (octets[to - 1] === SPACE || octets[to - 1] === TAB)) to--
  return to
}

/** 1 for the octets that are more than themselves. */
const special = Uint8Array.from({ length: 256 }, (_, octet) => octet === EQUALS || octet === LF || octet === CR ? 1 : 0)

/** The value of a hexadecimal digit by its octet, -1 for what is none. */
const digits = Int8Array.from({ length: 256 }, (_, octet) => '0123456789abcdef'.indexOf(String.fromCharCode(octet).toLowerCase()))

/** Where the next line begins if nothing but white space is before the line end at or after `at`; 0 otherwise. */
function lineEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at] === SPACE || bytes[at] === TAB) at++
  if (at >= bytes.length || bytes[at] === LF) return Math.min(at + 1, bytes.length)
  if (bytes[at] !== CR) return 0
  return bytes[at + 1] === LF ? at + 2 : at + 1
}

/** About how many octets `size` encoded ones are, lines of the usual length given. */
export function decodedSize(size: number, encoding: string): number {
  switch (encoding.trim().toLowerCase()) {
    case 'base64': return Math.floor(size * 76 / 78 * 3 / 4)
    case 'x-uuencode': case 'uuencode': case 'x-uue': return Math.floor(size * 45 / 63)
    default: return size
  }
}

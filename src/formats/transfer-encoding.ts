const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/**
 * RFC 2045, Content-Transfer-Encoding. Never throws: octets cut off anywhere decode as far as they go, what is no base64 or
 * no hexadecimal is left out or left standing, an unknown encoding is no encoding. May answer a view of `bytes`.
 */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  switch (encoding.trim().toLowerCase()) {
    case 'base64': return decodeBase64(bytes)
    case 'quoted-printable': return decodeQuotedPrintable(bytes)
    default: return bytes
  }
}

// RFC 2045, Base64 Content-Transfer-Encoding
function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = buffer(bytes).toString('latin1')
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
  let length = 0
  let solid = 0 // octets of the line that are no trailing white space
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at]!
    if (octet === EQUALS) {
      const value = hexadecimal(bytes[at + 1]) * 16 + hexadecimal(bytes[at + 2])
      if (value >= 0) {
        out[length++] = value
        solid = length
        at += 2
        continue
      }
      const end = lineEnd(bytes, at + 1)
      if (end > at) { // a soft line break: white space before it stays
        solid = length
        at = end - 1
        continue
      }
      if (at + 2 >= bytes.length) break
    } else if (octet === LF || octet === CR) {
      length = solid
    } else if (octet === SPACE || octet === TAB) {
      out[length++] = octet
      continue
    }
    out[length++] = octet
    solid = length
  }
  return out.subarray(0, solid)
}

/** NaN for what is no hexadecimal digit. */
function hexadecimal(octet: number | undefined): number {
  if (octet === undefined) return NaN
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const letter = octet & 0xdf
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x37 : NaN
}

/** Where the next line begins if nothing but white space is before the line end at or after `at`; 0 otherwise. */
function lineEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at] === SPACE || bytes[at] === TAB) at++
  if (at >= bytes.length || bytes[at] === LF) return Math.min(at + 1, bytes.length)
  if (bytes[at] !== CR) return 0
  return bytes[at + 1] === LF ? at + 2 : at + 1
}

/** About how many octets `size` encoded ones are, lines of the usual length given. */
export function decodedSize(size: number, encoding: string): number {
  if (encoding.trim().toLowerCase() !== 'base64') return size
  return Math.floor(size * 76 / 78 * 3 / 4)
}

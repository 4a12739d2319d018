import { isAscii, isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { buffer, latin1 } from './octets.ts'

/** Charsets that are named by programs which do not look what they send. */
const oftenLying = new Set([
  '', 'us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso-8859-1', 'iso8859-1', 'latin1', 'windows-1252', 'cp1252', 'utf-8', 'utf8',
  'unknown-8bit', 'x-unknown',
])

const labelOf = (charset = ''): string => charset.trim().replace(/^["']|["']$/g, '').toLowerCase()

/** iconv-lite's own codecs that are no charsets. */
const noCharsets = new Set(['base64', 'hex', 'binary'])

const names: Readonly<Record<string, string>> = { 'iso-10646-ucs-2': 'utf-16', unicode: 'utf-16', 'unicode-1-1-utf-7': 'utf-7' }

/**
 * Octets as text; never throws. UTF-8 is taken for UTF-8 where a program that knew no better named ASCII, Latin 1, or nothing;
 * what is no UTF-8 then is Windows-1252. A character cut off at the end is dropped.
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const octets = buffer(bytes)
  const label = labelOf(charset)
  if (oftenLying.has(label)) return decodeByLook(octets, label.startsWith('utf') || label === '')
  const name = names[label] ?? label
  try {
    if (!noCharsets.has(name) && iconv.encodingExists(name)) return iconv.decode(octets, name)
    return new TextDecoder(name).decode(octets) // iso-2022-jp
  } catch {
    return decodeByLook(octets, true)
  }
}

function decodeByLook(octets: Buffer, mostlyUtf8: boolean): string {
  if (isAscii(octets)) return octets.toString('latin1')
  const whole = octets.subarray(0, octets.length - cutOff(octets))
  if (isUtf8(whole)) return whole.toString('utf8').replace(/^\ufeff/, '')
  return mostlyUtf8 ? repair(octets) : iconv.decode(octets, 'windows-1252')
}

/** RFC 3629, Syntax of UTF-8 Byte Sequences: octets of a character by its first octet, 0 for what can be none. */
const announced = (first: number): number =>
  first < 0x80 ? 1 : first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4

/** How many octets at the end begin a UTF-8 character without ending it. */
function cutOff(octets: Buffer): number {
  for (let back = 1; back <= 3 && back <= octets.length; back++) {
    const octet = octets[octets.length - back]!
    if ((octet & 0xc0) !== 0x80) return announced(octet) > back ? back : 0
  }
  return 0
}

/** UTF-8 where it is UTF-8, Windows-1252 for the octets in between: one bad octet does not spoil a message. */
function repair(octets: Buffer): string {
  let text = ''
  let start = 0
  let good = true
  const write = (end: number): void => {
    const run = octets.subarray(start, end)
    text += good ? run.toString('utf8') : iconv.decode(run, 'windows-1252')
    start = end
  }
  for (let at = 0; at < octets.length;) {
    const length = characterLength(octets, at)
    if (good !== length > 0) {
      write(at)
      good = !good
    }
    at += Math.max(1, length)
  }
  write(octets.length)
  return text
}

function characterLength(octets: Buffer, at: number): number {
  const length = announced(octets[at]!)
  return length <= 1 || (at + length <= octets.length && isUtf8(octets.subarray(at, at + length))) ? length : 0
}

// XML 1.0, Characters; of the control characters only tab and line ends are of use to anybody
const unprintable = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g
// Those of ASCII, as classes that are each small enough for V8 to look at many characters at once.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const low = /[\0-\x08\x0b\x0c\x0e\x0f]/, middle = /[\x10-\x1f]/, last = '\x7f'
const holdsControls = (ascii: string): boolean => low.test(ascii) || middle.test(ascii) || ascii.includes(last)

/**
 * Without what XML 1.0 cannot hold and what no text needs: control characters and halves of characters. `octets` are those it was decoded
 * from, where they are at hand: most mail is ASCII, and known to be clean by them in a tenth of the time.
 */
export function cleanText(text: string, octets?: Uint8Array): string {
  const ascii = octets !== undefined && octets.length === text.length && isAscii(octets)
  if (ascii && !holdsControls(text)) return text
  const whole = text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, '')
  return whole.replace(unprintable, '')
}

/**
 * The octets themselves where they are what `decodeText` and `cleanText` would make of them, in UTF-8; undefined for all others. A character
 * cut off at the end is left out. `text` is the octets as latin1.
 */
export function cleanUtf8(bytes: Uint8Array, charset: string | undefined, text = latin1(bytes)): Uint8Array | undefined {
  if (!oftenLying.has(labelOf(charset)) || holdsControls(text)) return undefined
  const octets = buffer(bytes)
  if (isAscii(octets)) return octets
  const whole = octets.subarray(0, octets.length - cutOff(octets))
  return !isUtf8(whole) || text.startsWith(byteOrderMark) || holdsMoreControls(text) ? undefined : whole
}

// UTF-8 read as latin1: U+FEFF; U+0080 to U+009F, U+FFFE, U+FFFF.
const byteOrderMark = '\xef\xbb\xbf'
const holdsMoreControls = (utf8: string): boolean =>
  (utf8.includes('\xc2') && /\xc2[\x80-\x9f]/.test(utf8)) || utf8.includes('\xef\xbf\xbe') || utf8.includes('\xef\xbf\xbf')

/** Octets of the text in UTF-8. */
export const utf8Length = (text: string): number => Buffer.byteLength(text, 'utf8')

const encoder = new TextEncoder()

/** The beginning of a text that takes at most `maxBytes` in UTF-8; never ends inside a character or between CR and LF. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  const { read } = encoder.encodeInto(text, Buffer.allocUnsafe(Math.max(0, Math.floor(maxBytes))))
  if (read === text.length) return text
  const between = text[read - 1] === '\r' && text[read] === '\n'
  return text.slice(0, between ? read - 1 : read)
}

/** The same of octets of UTF-8. */
export function cutOctets(octets: Uint8Array, maxBytes: number): Uint8Array {
  let end = Math.min(octets.length, Math.max(0, Math.floor(maxBytes)))
  if (end === octets.length) return octets
  while (end > 0 && (octets[end]! & 0xc0) === 0x80) end--
  return octets.subarray(0, octets[end - 1] === 0x0d && octets[end] === 0x0a ? end - 1 : end)
}

import { randomUUID } from 'node:crypto'
import { cleanText } from './charset.ts'
import { encodeWords } from './encoded-words.ts'
import { parseAddresses, rawField, type Address, type Header } from './header.ts'
import { buffer } from './octets.ts'

const LF = 0x0a, CR = 0x0d

/** Where the empty line between header and body begins and ends; both are the length where there is none. */
function separator(bytes: Buffer): { readonly start: number; readonly end: number } {
  for (let at = 0; at >= 0 && at < bytes.length; at = bytes.indexOf(LF, at) + 1 || bytes.length) {
    if (bytes[at] === LF) return { start: at, end: at + 1 }
    if (bytes[at] === CR && bytes[at + 1] === LF) return { start: at, end: at + 2 }
  }
  return { start: bytes.length, end: bytes.length }
}

/** A message's header without the empty line, and where its body begins. Views, no copies. */
export function splitMessage(bytes: Uint8Array): { readonly header: Uint8Array; readonly bodyOffset: number } {
  const { start, end } = separator(buffer(bytes))
  return { header: bytes.subarray(0, start), bodyOffset: end }
}

export type HeaderEdits = {
  /** Names of fields to leave out, in any letter case. */
  readonly remove?: readonly string[]
  /** Instead of the first field of that name, which keeps its place; others of the name go; at the end where there was none. */
  readonly set?: readonly (readonly [name: string, value: string])[]
  /** At the end of the header. */
  readonly append?: readonly (readonly [name: string, value: string])[]
}

/**
 * The message with an edited header: every octet of the body and of fields that are not edited stays, but that header lines
 * end with CRLF. Values are written as they are given: see `encodeWords` and `printMailbox`. One copy is made of the whole.
 */
export function editHeader(bytes: Uint8Array, { remove = [], set = [], append = [] }: HeaderEdits): Uint8Array {
  const { header, bodyOffset } = splitMessage(bytes)
  const removed = new Set(remove.map(name => name.toLowerCase()))
  const waiting = new Map(set.map(one => [one[0].toLowerCase(), one]))
  const edited = new Set(waiting.keys())
  const lines: Buffer[] = []
  for (const { name, octets } of fieldsOf(buffer(header))) {
    const instead = waiting.get(name)
    waiting.delete(name)
    if (removed.has(name)) continue
    if (instead) lines.push(line(...instead))
    else if (!edited.has(name)) lines.push(withCrlf(octets))
  }
  for (const one of [...waiting.values(), ...append]) lines.push(line(...one))
  return Buffer.concat([...lines, crlf, bytes.subarray(bodyOffset)])
}

const crlf = Buffer.from('\r\n')

/** One field, folded where the value is; what would begin another one is taken out. */
function line(name: string, value: string): Buffer {
  const folded = value.split(/[\r\n\0]+(?=[ \t])/).map(piece => piece.replace(/[\r\n\0]/g, ''))
  return Buffer.from(`${name}: ${folded.join('\r\n')}\r\n`)
}

/** The fields with their continuation lines, one view each. A line that is no field has an empty name. */
function* fieldsOf(header: Buffer): Generator<{ readonly name: string; readonly octets: Buffer }> {
  for (let at = 0; at < header.length;) {
    let end = nextLine(header, at)
    while (header[end] === 0x20 || header[end] === 0x09) end = nextLine(header, end)
    const octets = header.subarray(at, end)
    const colon = octets.subarray(0, 200).indexOf(':')
    yield { name: octets.toString('latin1', 0, Math.max(0, colon)).trimEnd().toLowerCase(), octets }
    at = end
  }
}

const nextLine = (bytes: Buffer, at: number): number => bytes.indexOf(LF, at) + 1 || bytes.length

const withCrlf = (octets: Buffer): Buffer =>
  Buffer.from(`${octets.toString('latin1').replace(/\r?\n$/, '').replace(/\r?\n/g, '\r\n')}\r\n`, 'latin1')

/** Everyone the message is addressed to, each once: To, Cc and Bcc. What is no address is left out. */
export function recipients(header: Header): string[] {
  const found = new Map<string, string>()
  for (const { name, value } of header.fields) {
    if (name !== 'to' && name !== 'cc' && name !== 'bcc') continue
    for (const { address } of parseAddresses(value)) {
      if (/^[^@\s].*@[^@\s]+$/.test(address) && !found.has(address.toLowerCase())) found.set(address.toLowerCase(), address)
    }
  }
  return [...found.values()]
}

/** Fields every message needs and some phones leave to the server: RFC 5322, Origination Date, Identification; RFC 2045. */
export function missingFields(header: Header, { date, domain }: { date: Date; domain: string }): [string, string][] {
  const needed: [string, string][] = [
    ['Date', printDate(date)],
    ['Message-ID', `<${randomUUID()}@${domain}>`],
    ['MIME-Version', '1.0'],
  ]
  return needed.filter(([name]) => !rawField(header, name.toLowerCase()))
}

/** RFC 5322, Date and Time Specification. In UTC; the names of days and months are English whatever the system speaks. */
export const printDate = (date: Date): string => date.toUTCString().replace(/GMT$/, '+0000')

/** RFC 5322, Address Specification: one address with its name, as a header field may hold it. */
export function printMailbox({ name, address }: Address): string {
  const text = cleanText(name ?? '').replace(/\s+/g, ' ').trim()
  if (text === '') return address
  const words = encodeWords(text)
  if (words !== text || /^[\w !#$%&'*+/=?^`{|}~-]+$/.test(text)) return `${words} <${address}>`
  return `"${text.replace(/["\\]/g, '\\$&')}" <${address}>`
}

import { cleanText, decodeText } from './charset.ts'
import { decodePlain, decodeWords, wordLength } from './encoded-words.ts'
import { latin1 } from './octets.ts'

/** A field as it stands: the name in lower case, the value unfolded, octets as Latin 1 characters. */
export type Field = { readonly name: string; readonly value: string }
export type Header = { readonly fields: readonly Field[] }

/** Octets of a header that are looked at; real ones stay below 100 KB. */
const mostOctets = 1024 * 1024

/**
 * RFC 5322, Header Fields. Ends at the first empty line; lines end with LF or CRLF; what has no name is left out. Never throws.
 */
export function parseHeader(bytes: Uint8Array): Header {
  const text = latin1(bytes.subarray(0, mostOctets))
  const fields: Field[] = []
  for (let at = 0; at < text.length;) {
    let end = lineEnd(text, at)
    if (text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n')) break
    while (text[end] === ' ' || text[end] === '\t') end = lineEnd(text, end)
    const lines = text.slice(at, end)
    const colon = lines.indexOf(':')
    const name = lines.slice(0, Math.max(0, colon)).trimEnd().toLowerCase()
    if (/^[!-~]+$/.test(name)) fields.push({ name, value: unfold(lines.slice(colon + 1).trim()) })
    at = end
  }
  return { fields }
}

const unfold = (value: string): string => /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]/g, '').trim() : value

const lineEnd = (text: string, at: number): number => text.indexOf('\n', at) + 1 || text.length

/** The first field of that name (in lower case) as it stands. */
export const rawField = (header: Header, name: string): string | undefined =>
  header.fields.find(field => field.name === name)?.value

/** The first field of that name (in lower case) as Unicode text in one line. */
export function field(header: Header, name: string): string | undefined {
  const raw = rawField(header, name)
  return raw === undefined ? undefined : oneLine(decodeWords(raw))
}

/** Words of ASCII with one space between: most texts are that, and need no more. */
const asciiWords = /^[!-~]+(?: [!-~]+)*$/
const oneLine = (text: string): string => asciiWords.test(text) ? text : cleanText(text.replace(/\s+/g, ' ')).trim()

export type Parameters = Record<string, string>

// RFC 2045, Syntax of the Content-Type Header Field; one parameter, its value quoted or not
const parameter = /\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\[^])*)"?|([^;]*))/y

/** A value such as Content-Type's and its parameters, names in lower case, decoded by RFC 2231 and RFC 2047. */
export function parseParameters(raw: string): { readonly value: string; readonly parameters: Parameters } {
  const text = raw.slice(0, 64 * 1024)
  const pairs: [string, string][] = []
  for (let at = text.indexOf(';'); at >= 0; at = text.indexOf(';', at)) {
    parameter.lastIndex = ++at
    const match = parameter.exec(text)
    if (!match) continue
    pairs.push([match[1]!.toLowerCase(), match[2]?.replace(/\\([^])/g, '$1') ?? match[3]!.trim()])
    at = parameter.lastIndex
  }
  const value = /^[^\s;(]*/.exec(text.trimStart())![0].toLowerCase()
  // Turned round, for the first of a name counts.
  return { value, parameters: decodeParameters(Object.fromEntries(pairs.reverse())) }
}

/** RFC 2231, Parameter Value Continuations: a name, the number of its section, and whether it is percent-encoded. */
const sectioned = /^([^*]+)(?:\*(\d{1,4}))?(\*?)$/

type Section = { readonly text: string; readonly encoded: boolean }

/**
 * Parameters that were split already (BODYSTRUCTURE does it), with RFC 2231 continuations joined and charsets decoded, and
 * RFC 2047 words decoded where programs wrote them against its rules. Plain text stays what it is.
 */
export function decodeParameters(given: Readonly<Parameters>): Parameters {
  const simple: [string, string][] = []
  const sections = new Map<string, Section[]>()
  for (const [key, value] of Object.entries(given)) {
    const match = sectioned.exec(key.toLowerCase())
    if (!match || (match[2] === undefined && match[3] === '')) simple.push([key.toLowerCase(), oneLine(decodeWords(value))])
    else {
      const list = sections.get(match[1]!) ?? []
      sections.set(match[1]!, list)
      list[Number(match[2] ?? 0)] = { text: value, encoded: match[3] === '*' }
    }
  }
  const joined = [...sections].map(([name, list]): [string, string] => [name, oneLine(joinSections(list))])
  return Object.fromEntries([...simple, ...joined])
}

// RFC 2231, Combining Character Set, Language, and Parameter Continuations
function joinSections(list: readonly Section[]): string {
  const charset = list[0]?.encoded ? /^([^']*)'[^']*'/.exec(list[0].text) : null
  const octets: Buffer[] = []
  for (const [index, section] of list.entries()) {
    if (!section) break // a gap: what follows belongs nowhere
    const text = index === 0 && charset ? section.text.slice(charset[0].length) : section.text
    octets.push(section.encoded ? percentDecoded(text) : asOctets(text))
  }
  const all = Buffer.concat(octets)
  return list.some(section => section?.encoded) ? decodeText(all, charset?.[1]) : decodeWords(all.toString('latin1'))
}

const asOctets = (text: string): Buffer => Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1')

function percentDecoded(text: string): Buffer {
  const octets = asOctets(text).toString('latin1')
  return Buffer.from(octets.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1')
}

/** `address` is empty for a name that came without one. */
export type Address = { readonly name?: string; readonly address: string }

/** What is known of an address while it is read, octets as Latin 1 characters. */
type Mailbox = { phrase: string; comment: string; angle: string | undefined }

const ordinary = /[^"(<>,;:[=]+/y
const pairs: Readonly<Record<string, string>> = { '"': '"', '(': ')', '<': '>', '[': ']' }

/**
 * RFC 5322, Address Specification: To, From and their like, as octets in Latin 1 characters. Groups are flattened; the
 * obsolete forms and the usual mistakes (no quotes round `Doe, John`, semicolons as in Outlook, names in comments) are read too.
 */
export function parseAddresses(raw: string): Address[] {
  if (usualAddress.test(raw)) return [{ address: raw }]
  const list: Address[] = []
  let comma = false // between the last of the list and this one
  const unclosed = new Set<string>()
  let box: Mailbox = { phrase: '', comment: '', angle: undefined }
  const finish = (): void => {
    const last = list.at(-1)
    // `Doe, John <j@x>`
    if (box.angle !== undefined && box.phrase.trim() !== '' && comma && last && !last.address.includes('@')) {
      list.pop()
      box.phrase = `${last.name ?? last.address}, ${box.phrase.trim()}`
    }
    const address = mailbox(box)
    if (address) list.push(address)
    box = { phrase: '', comment: '', angle: undefined }
  }
  for (let at = 0; at < raw.length;) {
    const character = raw[at]!
    const end = character in pairs && !unclosed.has(character) ? closing(raw, at) : 0
    if (end < 0) unclosed.add(character)
    else if (end > 0) {
      if (character === '(') box.comment = raw.slice(at + 1, end - 1)
      else if (character === '<') box.angle = raw.slice(at + 1, end - 1)
      else box.phrase += raw.slice(at, end)
      at = end
      continue
    }
    ordinary.lastIndex = at
    const length = character === '=' ? wordLength(raw, at) || 1 : ordinary.exec(raw)?.[0].length
    if (length) box.phrase += raw.slice(at, at + length)
    else if (character === ',' || character === ';') {
      finish()
      comma = character === ','
    }
    else if (character === ':') box.phrase = '' // the name of a group
    at += length ?? 1
  }
  finish()
  return list
}

/** Index after the counterpart of the character at `at`, -1 where there is none. Comments nest. */
function closing(raw: string, at: number): number {
  const open = raw[at]!, close = pairs[open]
  let depth = 0
  for (let index = at + 1; index < raw.length; index++) {
    const character = raw[index]
    if (character === '\\' && open !== '<') index++
    else if (character === close && depth-- === 0) return index + 1
    else if (character === '(' && open === '(') depth++
  }
  return -1
}

function mailbox({ phrase, comment, angle }: Mailbox): Address | undefined {
  const words = phrase.trim()
  if (angle !== undefined) return named(words || comment, angle)
  if (words === '') return undefined
  if (words.includes('@')) {
    const space = words.startsWith('"') ? -1 : words.search(/\s\S*@\S*$/)
    return named(space < 0 ? comment : words.slice(0, space), words.slice(space + 1))
  }
  return /\s|=\?|"/.test(words) ? named(words, '') : named(comment, words)
}

/** Nothing is to be mended in it. */
const usualAddress = /^[\w.+-]{1,500}@[\w.-]{1,500}$/

function plainAddress(address: string): string {
  if (usualAddress.test(address)) return address
  // A route before the address is of the eighties: RFC 5322, Obsolete Addressing.
  const route = cleanText(decodePlain(address)).trim().replace(/^@[^:]*:/, '')
  return (route.startsWith('"') ? route : route.replace(/[\s<>]+/g, '')).slice(0, 1000)
}

function named(name: string, address: string): Address | undefined {
  const plain = plainAddress(address)
  const unquoted = name.includes('"') ? name.replace(/"((?:[^"\\]|\\[^])*)"/g, (_, inner: string) => inner.replace(/\\([^])/g, '$1')) : name
  const line = oneLine(decodeWords(unquoted))
  const text = line.startsWith("'") ? line.replace(/^'(.*)'$/, '$1') : line
  if (text === '' || text === plain) return plain ? { address: plain } : undefined
  return { name: text, address: plain }
}

/** The form of [MS-ASEMAIL] To and Cc: names in quotes, addresses in angle brackets, commas between. */
export const printAddresses = (list: readonly Address[]): string => list.map(printAddress).join(', ')

export function printAddress({ name, address }: Address): string {
  if (!name) return address
  const quoted = `"${name.replace(/["\\]/g, '\\$&')}"`
  return address ? `${quoted} <${address}>` : quoted
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const zones: Readonly<Record<string, number>> = { EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 }
const calendarDay = /(\d{1,2})[ -]{1,4}([a-z]{3})[a-z]{0,6}[ ,-]{1,4}(\d{2,4})/i
const timeOfDay = /(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))? {0,4}([+-]\d{4}|[a-z]{1,5})?/iy

/** As nearly all programs write it. */
const usualDate = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})/i

/** RFC 5322, Date and Time Specification, the obsolete forms and common mistakes included. */
export function parseDate(raw: string): Date | undefined {
  const found = usualDate.exec(raw) ?? otherDate(raw)
  if (!found) return undefined
  const day = Number(found[1]), month = months.indexOf(found[2]!.toLowerCase()), year = fullYear(found[3]!)
  const hour = Number(found[4]), minute = Number(found[5]), second = Number(found[6] ?? 0)
  if (month < 0 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined
  return new Date(Date.UTC(year, month, day, hour, minute - minutesOf(found[7] ?? ''), second))
}

function otherDate(raw: string): (string | undefined)[] | undefined {
  const text = raw.slice(0, 200).replace(/[\s,]+/g, ' ')
  const date = calendarDay.exec(text)
  timeOfDay.lastIndex = date ? date.index + date[0].length + 1 : 0
  const time = timeOfDay.exec(text)
  return date && time ? [...date, ...time.slice(1)] : undefined
}

// RFC 5322, Obsolete Date and Time
const fullYear = (digits: string): number =>
  Number(digits) + (digits.length === 4 ? 0 : digits.length === 3 || Number(digits) >= 50 ? 1900 : 2000)

function minutesOf(zone: string): number {
  if (!/^[+-]/.test(zone)) return (zones[zone.toUpperCase()] ?? 0) * 60
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))
  return zone.startsWith('-') ? -minutes : minutes
}

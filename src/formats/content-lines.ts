import { Failure } from '../base/failure.ts'
import { decodeText } from './charset.ts'
import { latin1 } from './octets.ts'
import { decodeTransfer } from './transfer-encoding.ts'

/**
 * A parameter of a content line, its name in upper case, quotes and carets taken off its values. What vCard 2.1 writes without a
 * name is ENCODING, VALUE, or TYPE. `raw` is how it stands in the line.
 */
export type Parameter = { readonly name: string; readonly values: readonly string[]; readonly raw: string }

/**
 * A content line as it is stored. Where text is called raw, each character is one octet. `name` is in upper case, and '' for what
 * is no content line; `raw` has all folds and the line end.
 */
export type Line = {
  readonly name: string
  /** In lower case: `item1`. */
  readonly group: string | undefined
  /** Group and name as they stand. */
  readonly label: string
  readonly parameters: readonly Parameter[]
  readonly raw: string
  /** Where the value begins in `raw`. */
  readonly valueAt: number
}

/** What stands between BEGIN and END, both included. One that does not end ends with what it is in. */
export type Component = {
  readonly name: string
  readonly begin: Line | undefined
  readonly content: readonly (Line | Component)[]
  readonly end: Line | undefined
}

/** A stored object: a component without name that has all others in it. */
export type Document = Component & { readonly lineEnd: string; readonly mark: string }

/** Octets of an object; lines of it, folds not counted; components in each other; octets before the colon of a line. */
const most = { octets: 64 * 1024 * 1024, lines: 200_000, depth: 16, head: 32 * 1024 }

export const isLine = (one: Line | Component): one is Line => 'raw' in one

/**
 * RFC 5545, Content Lines; RFC 6350, Line Delimiting and Folding; vCard 2.1. Every octet is in the answer, and `printLines` gives
 * them all back. Throws `too-large`, and `malformed` for components nested too deep.
 */
export function parseLines(octets: Uint8Array): Document {
  if (octets.length > most.octets) throw new Failure('too-large', 'an object beyond the limit of octets')
  const whole = latin1(octets)
  const mark = whole.startsWith('\xef\xbb\xbf') ? whole.slice(0, 3) : ''
  const text = whole.slice(mark.length)
  type Open = { name: string; begin: Line | undefined; content: (Line | Component)[]; end: Line | undefined }
  const root: Open = { name: '', begin: undefined, content: [], end: undefined }
  const open: Open[] = [root]
  for (const line of logicalLines(text)) {
    const name = line.name === 'BEGIN' || line.name === 'END' ? rawValue(line).trim().toUpperCase() : ''
    if (line.name === 'BEGIN') {
      const component: Open = { name, begin: line, content: [], end: undefined }
      open.at(-1)!.content.push(component)
      if (open.push(component) > most.depth) throw new Failure('malformed', 'components nested too deep')
      continue
    }
    const at = line.name === 'END' ? open.findLastIndex(one => one.name === name) : 0
    if (at > 0) {
      open[at]!.end = line
      open.length = at
    } else open.at(-1)!.content.push(line)
  }
  return { ...root, lineEnd: lineEndOf(text), mark }
}

function lineEndOf(text: string): string {
  const at = text.indexOf('\n')
  if (at >= 0) return text[at - 1] === '\r' ? '\r\n' : '\n'
  return text.includes('\r') ? '\r' : '\r\n'
}

/** The lines of a text, folds and soft line breaks in them. CR ends lines only where there is no LF at all. */
function* logicalLines(text: string): Generator<Line> {
  const newline = text.includes('\n') ? '\n' : '\r'
  const next = (from: number): number => {
    const at = text.indexOf(newline, from)
    return at < 0 ? text.length : at + 1
  }
  const folded = (end: number): number => {
    while (text[end] === ' ' || text[end] === '\t') end = next(end)
    return end
  }
  let count = 0
  for (let start = 0; start < text.length;) {
    if (++count > most.lines) throw new Failure('too-large', 'an object beyond the limit of lines')
    let end = folded(next(start))
    let line = parseLine(text.slice(start, end))
    if (isQuotedPrintable(line)) {
      const before = end
      while (end < text.length && /=[ \t]*[\r\n]{0,4}$/.test(text.slice(end - 8, end)) && !/^END:/i.test(text.slice(end, end + 4))) end = next(end)
      if (end > before) line = { ...line, raw: text.slice(start, end) }
    }
    yield line
    start = end
  }
}

const folds = /(?:\r{0,3}\n|\r)[ \t]/g
const lineEnds = /[\r\n]{1,4}$/

const label = /^(?:([\w.-]+)\.)?([\w-]+)\s*$/

function parseLine(raw: string): Line {
  const none: Line = { name: '', group: undefined, label: '', parameters: [], raw, valueAt: raw.length }
  const colon = headLength(raw)
  if (colon < 0) return none
  const [first = '', ...rest] = splitOutside(raw.slice(0, colon).replace(folds, ''), ';')
  const match = first.length <= 200 ? label.exec(first) : null
  if (!match) return none
  return {
    name: match[2]!.toUpperCase(), group: match[1]?.toLowerCase(), label: first, parameters: rest.map(parseParameter), raw, valueAt: colon + 1,
  }
}

/** Where the colon is that ends name and parameters; one within quotes does not, unless the quotes do not end. */
function headLength(raw: string): number {
  let quoted = false
  const end = Math.min(raw.length, most.head)
  for (let at = 0; at < end; at++) {
    const character = raw[at]
    if (character === '"') quoted = !quoted
    else if (character === ':' && !quoted) return at
  }
  return raw.slice(0, end).indexOf(':')
}

/** Pieces between separators that are in no quotes. */
function splitOutside(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator)
  const pieces: string[] = []
  let quoted = false, start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted
    else if (text[at] === separator && !quoted) {
      pieces.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...pieces, text.slice(start)]
}

const encodings = new Set(['QUOTED-PRINTABLE', 'BASE64', '7BIT', '8BIT', 'B', 'Q'])
const kinds = new Set(['INLINE', 'URL', 'CONTENT-ID', 'CID'])

function parseParameter(raw: string): Parameter {
  const equals = raw.indexOf('=')
  const values = splitOutside(raw.slice(equals + 1), ',').map(value => decaret(decodeRaw(value.replaceAll('"', '')).trim()))
  if (equals >= 0) return { name: raw.slice(0, equals).trim().toUpperCase(), values, raw }
  const bare = values[0]?.toUpperCase() ?? ''
  return { name: encodings.has(bare) ? 'ENCODING' : kinds.has(bare) ? 'VALUE' : 'TYPE', values, raw }
}

// RFC 6868, Parameter Value Encoding Scheme
const carets: Readonly<Record<string, string>> = { n: '\n', '^': '^', "'": '"' }
const decaret = (value: string): string => value.replace(/\^([n^'])/g, (_, one: string) => carets[one]!)
const caret = (value: string): string =>
  value.replace(/[\^"]|\r\n?|\n/g, one => one === '^' ? '^^' : one === '"' ? "^'" : '^n')

/** UTF-8, or Windows-1252 where it is none. */
const decodeRaw = (raw: string, charset?: string): string => decodeText(Buffer.from(raw, 'latin1'), charset)
const encodeRaw = (text: string): string => Buffer.from(text.toWellFormed(), 'utf8').toString('latin1')

/** The value, unfolded, in octets. Nothing is decoded. */
export const rawValue = ({ raw, valueAt }: Line): string => raw.slice(valueAt).replace(lineEnds, '').replace(folds, '')

/** The value as text, quoted-printable decoded; what is escaped in it still is. */
export function valueOf(line: Line): string {
  const charset = parameterOf(line, 'CHARSET')
  if (!isQuotedPrintable(line)) return decodeRaw(rawValue(line), charset)
  const raw = line.raw.slice(line.valueAt).replace(lineEnds, '').replace(/(?<![=\r])(?:\r{0,3}\n|\r)[ \t]/g, '')
  return decodeText(decodeTransfer(Buffer.from(raw, 'latin1'), 'quoted-printable'), charset)
}

/** All values of the parameters of that name, which is in upper case. */
export const parameterValues = (line: Line, name: string): readonly string[] =>
  line.parameters.filter(one => one.name === name).flatMap(one => one.values)

/** The value of the first parameter of that name. A comma in it that should have been quoted is part of it. */
export const parameterOf = (line: Line, name: string): string | undefined =>
  line.parameters.find(one => one.name === name)?.values.join(',')

export const isQuotedPrintable = (line: Line): boolean => ['QUOTED-PRINTABLE', 'Q'].includes(parameterOf(line, 'ENCODING')?.toUpperCase() ?? '')

/** RFC 5545, Property Parameters. Control characters are left out. */
export function writeParameter(name: string, ...values: readonly string[]): Parameter {
  const written = values.map(value => {
    const safe = encodeRaw(caret(value).replace(/\p{Cc}/gu, ''))
    return /[:;,]/.test(safe) ? `"${safe}"` : safe
  })
  return { name: name.toUpperCase(), values, raw: `${name}=${written.join(',')}` }
}

/**
 * What a new line says. The label is name, or group and name: `item1.TEL`. The value is text, already escaped. Quoted-printable, which
 * vCard 2.1 alone has, may hold line breaks.
 */
export type Written = {
  readonly label: string
  readonly parameters?: readonly Parameter[]
  readonly value: string
  readonly quotedPrintable?: boolean
}

/** A new line, folded. Line breaks in the value that nobody escaped are left out. */
export function writeLine({ label: written, parameters = [], value, quotedPrintable = false }: Written, lineEnd: string): Line {
  const head = [written, ...parameters.filter(({ name }) => name !== 'CHARSET' && !(quotedPrintable && name === 'ENCODING')).map(({ raw }) => raw)]
  if (quotedPrintable) {
    return parseLine(`${[...head, 'CHARSET=UTF-8', 'ENCODING=QUOTED-PRINTABLE'].join(';')}:${softBreaks(value, lineEnd)}${lineEnd}`)
  }
  return parseLine(fold(`${head.join(';')}:${encodeRaw(value.replace(/[\r\n]/g, ''))}`, lineEnd))
}

/** The line with another value, in UTF-8 and no encoding, unless `change` says so. The name stays as it is written. */
export function rewriteLine(line: Line, change: Omit<Written, 'label'>, lineEnd: string): Line {
  const plain = line.parameters.filter(({ name }) => name !== 'ENCODING')
  return writeLine({ label: line.label, parameters: isQuotedPrintable(line) ? plain : line.parameters, ...change }, lineEnd)
}

// RFC 2045, Quoted-Printable Content-Transfer-Encoding: all that is no letter, digit or harmless mark, so that no program stumbles
function softBreaks(value: string, lineEnd: string): string {
  const units = encodeRaw(value.replace(/\r\n?|\n/g, '\r\n')).match(/[^]/g) ?? []
  const written = units.map(one => /[A-Za-z0-9,;.:()+/\\ -]/.test(one) ? one : `=${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  let column = 0
  return written.map((unit, index) => {
    const space = unit === ' ' && (index === written.length - 1 || column === 0)
    const safe = space ? '=20' : unit
    column += safe.length
    if (column <= width - 1) return safe
    column = safe.length
    return `=${lineEnd}${safe === ' ' ? '=20' : safe}`
  }).join('')
}

/** Octets in a line without its end. */
const width = 75

// RFC 6350, Line Delimiting and Folding: never inside a character
function fold(line: string, lineEnd: string): string {
  const pieces: string[] = []
  let start = 0
  for (let room = width; line.length - start > room; room = width - 1) {
    let end = start + room
    while ((line.charCodeAt(end) & 0xc0) === 0x80 && end > start + room - 3) end--
    pieces.push(line.slice(start, end))
    start = end
  }
  return `${[...pieces, line.slice(start)].join(`${lineEnd} `)}${lineEnd}`
}

/** A new component. */
export const writeComponent = (name: string, content: Component['content'], lineEnd: string): Component => ({
  name, content, begin: writeLine({ label: 'BEGIN', value: name }, lineEnd), end: writeLine({ label: 'END', value: name }, lineEnd),
})

/** A new object of one component. */
export const writeDocument = (component: Component, lineEnd = '\r\n'): Document =>
  ({ name: '', begin: undefined, content: [component], end: undefined, lineEnd, mark: '' })

/** The octets of an object. A line that lacks its end gets one if it is no longer the last. */
export function printLines(document: Document): Uint8Array {
  const lines: string[] = []
  const print = ({ begin, content, end }: Component): void => {
    if (begin) lines.push(begin.raw)
    for (const one of content) {
      if (isLine(one)) lines.push(one.raw)
      else print(one)
    }
    if (end) lines.push(end.raw)
  }
  print(document)
  const last = document.lineEnd.slice(-1)
  const ended = lines.map((raw, index) => index < lines.length - 1 && !raw.endsWith(last) ? raw + document.lineEnd : raw)
  return Buffer.from(document.mark + ended.join(''), 'latin1')
}

/** The lines of that name directly in a component; those of all names where none is given. */
export const linesOf = (component: Component, name?: string): Line[] =>
  component.content.filter(isLine).filter(line => line.name !== '' && (name === undefined || line.name === name))

export const lineOf = (component: Component, name: string): Line | undefined => linesOf(component, name)[0]

export const componentsOf = (component: Component, name: string): Component[] =>
  component.content.filter((one): one is Component => !isLine(one) && one.name === name)

/** The same with others in the place of one that is in it, at any depth; with none, it is taken out. */
export function replace<C extends Component>(within: C, one: Line | Component, ...others: readonly (Line | Component)[]): C {
  let found = false
  const content = within.content.flatMap(item => {
    if (item === one) {
      found = true
      return others
    }
    const inside = isLine(item) ? item : replace(item, one, ...others)
    found ||= inside !== item
    return [inside]
  })
  return found ? { ...within, content } : within
}

/** The same with more in it: a line stands behind the last of its name, else behind all lines; a component at the end. */
export function insert<C extends Component>(within: C, ...added: readonly (Line | Component)[]): C {
  const content = [...within.content]
  for (const one of added) {
    const same = isLine(one) ? content.findLastIndex(item => isLine(item) && item.name === one.name) : -1
    const first = isLine(one) ? content.findIndex(item => !isLine(item)) : -1
    content.splice(same >= 0 ? same + 1 : first >= 0 ? first : ended(content), 0, one)
  }
  return { ...within, content }
}

/** Behind the last item that is more than an empty line. */
const ended = (content: Component['content']): number => content.findLastIndex(one => !isLine(one) || one.raw.trim() !== '') + 1

// RFC 5545, Text; RFC 6350, Property Value Escaping
export const escapeText = (text: string): string =>
  text.replace(/[\\;,]/g, one => `\\${one}`).replace(/\r\n?|\n/g, '\\n')

/** Pieces of a value between separators that are not escaped; the pieces still are. */
export function splitEscaped(value: string, separator: ',' | ';'): string[] {
  const pieces: string[] = []
  let start = 0
  for (let at = 0; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === separator) {
      pieces.push(value.slice(start, at))
      start = at + 1
    }
  }
  return [...pieces, value.slice(start)]
}

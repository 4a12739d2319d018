import { Failure } from '../base/failure.ts'
import {
  componentsOf, linesOf, parameterOf, parameterValues, parseLines, printLines, rawValue, replace, splitEscaped, valueOf, type Component,
  type Document, type Line,
} from './content-lines.ts'
import { unescapeText } from './icalendar.ts'

export type CardVersion = '2.1' | '3.0' | '4.0'

/** A stored vCard; `component` is the one of the object that is looked at, the first. */
export type Card = {
  readonly document: Document
  readonly component: Component
  readonly version: CardVersion
  /** By group: what Apple calls its properties, in lower case; `_$!<Spouse>!$_` is `spouse`. */
  readonly labels: ReadonlyMap<string, string>
}

/** Lines; a contact has hardly a hundred. */
const most = 10_000

/** RFC 2426, RFC 6350, vCard 2.1. Throws `malformed` where there is no VCARD, `too-large` beyond the limit. */
export function parseCard(octets: Uint8Array): Card {
  const document = parseLines(octets)
  const component = componentsOf(document, 'VCARD')[0]
  if (!component) throw new Failure('malformed', 'no vCard')
  if (component.content.length > most) throw new Failure('too-large', 'a vCard beyond the limit of lines')
  const labels = linesOf(component, 'X-ABLABEL').map(line =>
    [line.group ?? '', valueOf(line).replace(/^_\$!<(.*)>!\$_$/, '$1').trim().toLowerCase()] as const)
  return { document, component, version: versionOf(component), labels: new Map(labels) }
}

/** One without VERSION is of the kind that its parameters show. */
function versionOf(component: Component): CardVersion {
  const lines = linesOf(component)
  const version = lines.find(({ name }) => name === 'VERSION')
  const stated = version && rawValue(version).trim()
  if (stated === '2.1' || stated === '3.0' || stated === '4.0') return stated
  if (stated?.startsWith('4')) return '4.0'
  return lines.some(line => line.parameters.some(({ raw }) => !raw.includes('='))) ? '2.1' : '3.0'
}

/** The octets of the object with its vCard changed. */
export const printCard = ({ document, component }: Card, changed: Component): Uint8Array =>
  printLines(replace(document, component, changed))

/** RFC 6350, Property Value Escaping; vCard 2.1 escapes separators only. */
const unescape = (value: string, version: CardVersion): string =>
  version === '2.1' ? value.replace(/\\([;,])/g, '$1') : unescapeText(value)

const lineBreaks = (text: string): string => text.replace(/\r\n?/g, '\n')

/** The value of a property that is one text. */
export const textOf = (line: Line, version: CardVersion): string => lineBreaks(unescape(valueOf(line), version)).trim()

/** The value of one that is made of components, each a list of texts. */
export function partsOf(line: Line, version: CardVersion): string[][] {
  const lists = splitEscaped(valueOf(line), ';').slice(0, 50)
  return lists.map(list => (version === '2.1' ? [list] : splitEscaped(list, ',')).map(piece => lineBreaks(unescape(piece, version))))
}

/** The value of one that is a list of texts. */
export const listOf = (line: Line, version: CardVersion): string[] =>
  splitEscaped(valueOf(line), ',').map(piece => unescape(piece, version).trim()).filter(piece => piece !== '')

/** TYPE in lower case; `TYPE="home,work"` are two. */
export const typesOf = (line: Line): ReadonlySet<string> =>
  new Set(parameterValues(line, 'TYPE').flatMap(value => value.toLowerCase().split(',')).map(value => value.trim()))

export const labelOf = ({ labels }: Card, line: Line): string | undefined =>
  line.group === undefined ? undefined : labels.get(line.group)

/** By preference: PREF of 4.0, or the type `pref` of older ones; others as they stand. */
export function byPreference(lines: readonly Line[]): Line[] {
  const rank = (line: Line): number => {
    const number = Number(parameterOf(line, 'PREF') ?? NaN)
    return number >= 1 && number <= 100 ? number : typesOf(line).has('pref') ? 0 : 101
  }
  return lines.map(line => [rank(line), line] as const).sort(([one], [other]) => one - other).map(([, line]) => line)
}

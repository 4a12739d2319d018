import type { ObjectContent } from '../model/folder.ts'
import { isGroup } from './contact-read.ts'
import { componentsOf, linesOf, parameterOf, parseLines, splitEscaped, valueOf, type Component, type Line } from './content-lines.ts'
import { htmlToText } from './html.ts'
import { parseDateTime, unescapeText } from './icalendar.ts'
import { readMailNote } from './mail-note.ts'
import { parseCard } from './vcard.ts'

/** What people look for in an object, by what it is to them; ready to be compared: see `folded`. */
export type Searched = {
  readonly subject: string
  readonly body: string
  readonly from: string
  readonly to: string
  readonly rest: string
  /** Telephone numbers, each as its digits alone. */
  readonly numbers: readonly string[]
  readonly hasFiles: boolean
  /** When an event begins as its numerals say, in milliseconds; else 0. */
  readonly start: number
}

type Place = 'subject' | 'body' | 'from' | 'to' | 'rest'

/** RFC 5545, Component Properties; RFC 2426 and RFC 6350, Properties; what has no row here nobody looks for. */
const places: Readonly<Record<string, Place>> = {
  SUMMARY: 'subject', DESCRIPTION: 'body', COMMENT: 'body', LOCATION: 'rest', CATEGORIES: 'rest', CONTACT: 'rest', RESOURCES: 'rest', URL: 'rest',
  ORGANIZER: 'from', ATTENDEE: 'to',
  FN: 'subject', N: 'subject', NICKNAME: 'subject', 'X-EVOLUTION-FILE-AS': 'subject', NOTE: 'body', EMAIL: 'rest', TEL: 'rest', 'X-MS-TEL': 'rest',
  ADR: 'rest', LABEL: 'rest', ORG: 'rest', TITLE: 'rest', ROLE: 'rest', IMPP: 'rest', RELATED: 'rest',
}

/** What programs call what those RFCs have no property for: people near to somebody, messengers, how a name is spoken. */
const others = /^X-(?:.*(?:SPOUSE|ASSISTANT|MANAGER|CHILD|RELATEDNAMES|OFFICE|PROFESSION|PHONETIC|NICKNAME|CUSTOMER-ID|GOVERNMENT-ID|ACCOUNT-NAME)|(?:MS-)?IM|AIM|ICQ|JABBER|MSN|YAHOO|SKYPE|G(?:OOGLE-)?TALK|GADUGADU|GROUPWISE|QQ|TWITTER|MATRIX|SIP|MMS|SOCIALPROFILE)/

const structured = new Set(['N', 'ADR', 'ORG'])
const components = { calendar: 'VEVENT', tasks: 'VTODO', notes: 'VJOURNAL' } as const

/** Characters of one object that are looked at. */
const most = 256 * 1024

/** Undefined for an object that a folder of this content does not show. Throws `malformed` or `too-large` for what cannot be read. */
export function searchedTexts(octets: Uint8Array, content: ObjectContent): Searched | undefined {
  if (content !== 'contacts') {
    const found = componentsOf(parseLines(octets), 'VCALENDAR').flatMap(calendar => componentsOf(calendar, components[content]))
    return found.length > 0 ? textsOf(found, content === 'calendar') : undefined
  }
  const card = parseCard(octets)
  return isGroup(card) ? undefined : textsOf([card.component], false)
}

/** The same of a note that is a message. */
export function searchedMailNote(octets: Uint8Array): Searched {
  const { subject, text, categories } = readMailNote(octets)
  const none = { from: '', to: '', numbers: [], hasFiles: false, start: 0 }
  return { ...none, subject: folded(subject), body: folded(text.slice(0, most)), rest: folded(categories.join('\n')) }
}

function textsOf(all: readonly Component[], timed: boolean): Searched {
  const texts: Record<Place, string[]> = { subject: [], body: [], from: [], to: [], rest: [] }
  const numbers: string[] = []
  const lines = all.flatMap(one => linesOf(one))
  for (const line of lines) {
    const place = places[line.name] ?? (others.test(line.name) ? 'rest' : undefined)
    if (!place) continue
    const text = textOf(begun(line))
    texts[place].push(text)
    if (line.name === 'TEL' || line.name === 'X-MS-TEL') numbers.push(digitsOf(text))
  }
  if (texts.body.length === 0) texts.body.push(...lines.filter(isRich).map(line => htmlToText(unescapeText(valueOf(begun(line))), { limit: most })))
  const start = timed ? lines.find(({ name }) => name === 'DTSTART') : undefined
  const join = (place: Place): string => folded(texts[place].join('\n').slice(0, most))
  return {
    subject: join('subject'), body: join('body'), from: join('from'), to: join('to'), rest: join('rest'), numbers,
    hasFiles: lines.some(({ name }) => name === 'ATTACH'),
    start: start ? parseDateTime(valueOf(start))?.local ?? 0 : 0,
  }
}

// X-ALT-DESC is Outlook's, the other of RFC 9073
const isRich = ({ name }: Line): boolean => name === 'X-ALT-DESC' || name === 'STYLED-DESCRIPTION'

/** As much of a line as is looked at. */
const begun = (line: Line): Line => line.raw.length - line.valueAt > most ? { ...line, raw: line.raw.slice(0, line.valueAt + most) } : line

function textOf(line: Line): string {
  const value = valueOf(line)
  if (structured.has(line.name)) return splitEscaped(value, ';').map(unescapeText).join(' ').trim()
  const named = line.name === 'ATTENDEE' || line.name === 'ORGANIZER' ? [parameterOf(line, 'CN'), parameterOf(line, 'EMAIL')] : []
  return [...named, unescapeText(value).replace(/^mailto:/i, '')].filter(Boolean).join(' ')
}

export const digitsOf = (text: string): string => text.replace(/[^0-9]+/g, '')

/** RFC 5051, Unicode Case Map, as far as it matters: two texts that people take for the same become equal. */
export const folded = (text: string): string => text.normalize('NFKD').toLowerCase()

import { Failure } from '../base/failure.ts'
import type { Note, NotePatch } from '../model/note.ts'
import {
  componentsOf, escapeText, insert, lineOf, linesOf, parseLines, printLines, rawValue, replace, rewriteLine, splitEscaped, valueOf, writeComponent,
  writeDocument, writeLine, type Component, type Document, type Line,
} from './content-lines.ts'
import { parseDateTime, unescapeText } from './icalendar.ts'

/** Own property: what kind of note a client says it is. */
const kindName = 'X-POSTERN-NOTE-KIND'

type Journal = { readonly document: Document; readonly component: Component }

/** RFC 5545, Journal Component: the first of the object that is no single occurrence. Throws `malformed` where there is none. */
function parseJournal(octets: Uint8Array): Journal {
  const document = parseLines(octets)
  const all = componentsOf(document, 'VCALENDAR').flatMap(calendar => componentsOf(calendar, 'VJOURNAL'))
  const component = all.find(one => !lineOf(one, 'RECURRENCE-ID')) ?? all[0]
  if (!component) throw new Failure('malformed', 'no VJOURNAL')
  return { document, component }
}

const textOf = (line: Line | undefined): string => line ? unescapeText(valueOf(line)).replace(/\r\n?/g, '\n') : ''

/** Octets of a stored VJOURNAL as a note. Throws `malformed`. */
export function readNote(octets: Uint8Array): Note {
  const { component } = parseJournal(octets)
  const text = textOf(lineOf(component, 'DESCRIPTION'))
  return {
    subject: textOf(lineOf(component, 'SUMMARY')),
    text,
    categories: [...new Set(linesOf(component, 'CATEGORIES').flatMap(categoriesOf))],
    modified: ['LAST-MODIFIED', 'DTSTAMP', 'CREATED'].map(name => timeOf(lineOf(component, name))).find(Boolean),
    kind: textOf(lineOf(component, kindName)) || undefined,
  }
}

const categoriesOf = (line: Line): string[] => splitEscaped(valueOf(line), ',').map(one => unescapeText(one).trim()).filter(Boolean)

function timeOf(line: Line | undefined): Date | undefined {
  const numerals = line && parseDateTime(rawValue(line))
  return numerals && new Date(numerals.local)
}

/** RFC 5545, Date-Time: 20261125T093000Z. */
export const printTime = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`

/** The stored octets with what is to change, and the time of the change, in them. Throws `malformed`. */
export function patchNote(octets: Uint8Array, patch: NotePatch, now: Date): Uint8Array {
  const { document, component } = parseJournal(octets)
  const before = readNote(octets)
  const set = (within: Component, name: string, value: string): Component => {
    const [line] = linesOf(within, name)
    const rest = name === 'CATEGORIES' ? { ...within, content: within.content.filter(one => one === line || one.name !== name) } : within
    if (value === '') return line ? replace(rest, line) : rest
    // Another form of the old text is none of the new.
    const parameters = line?.parameters.filter(one => one.name !== 'ALTREP') ?? []
    return line
      ? replace(rest, line, rewriteLine(line, { parameters, value }, document.lineEnd))
      : insert(rest, writeLine({ label: name, value }, document.lineEnd))
  }
  const wanted: readonly (readonly [name: string, value: string | undefined, old: string])[] = [
    ['SUMMARY', patch.subject && escapeText(patch.subject), escapeText(before.subject)],
    ['DESCRIPTION', patch.text && escapeText(patch.text), escapeText(before.text)],
    ['CATEGORIES', patch.categories?.map(escapeText).join(','), before.categories.map(escapeText).join(',')],
    [kindName, patch.kind && escapeText(patch.kind), escapeText(before.kind ?? '')],
  ]
  const changes = wanted.filter(([, value, old]) => value !== undefined && value !== old)
  if (changes.length === 0) return octets
  const changed = changes.reduce((within, [name, value]) => set(within, name, value!), component)
  return printLines(replace(document, component, set(changed, 'LAST-MODIFIED', printTime(now))))
}

/** A new VJOURNAL. */
export function newNote(patch: NotePatch, uid: string, now: Date): Uint8Array {
  const line = (label: string, value: string): Line => writeLine({ label, value }, '\r\n')
  const journal = writeComponent('VJOURNAL', [
    line('UID', uid), line('DTSTAMP', printTime(now)), line('CREATED', printTime(now)), line('LAST-MODIFIED', printTime(now)),
  ], '\r\n')
  const calendar = writeComponent('VCALENDAR', [line('VERSION', '2.0'), line('PRODID', '-//Postern//EN'), journal], '\r\n')
  return patchNote(printLines(writeDocument(calendar)), patch, now)
}

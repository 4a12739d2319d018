import { randomUUID } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { newNote, patchNote, printTime, readNote } from '../../formats/note.ts'
import type { Note } from '../../model/note.ts'
import type { BodyPreference } from '../../state/sync-options.ts'
import { child, children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import type { Version } from '../versions.ts'
import { echoed, hearText, sayText, tidy } from './text-body.ts'

/** What the mapping must know beside the note. */
export type NoteContext = { readonly version: Version; readonly bodies: readonly BodyPreference[]; readonly now: Date }

/** Octets of a subject and of a category; categories. */
const most = { text: 8 * 1024, categories: 300 }

const shown = (value: string): string => cutUtf8(cleanText(value).replace(/\s+/g, ' ').trim(), most.text)

/** A note without a subject is called by its first line. */
const subjectOf = (note: Pick<Note, 'subject' | 'text'>): string =>
  shown(note.subject) || shown(note.text.trimStart().split('\n', 1)[0] ?? '')

/** [MS-ASNOTE] MessageClass. */
const plainClass = 'IPM.StickyNote'
const noteClasses = /^IPM\.StickyNote(?:\.[\x20-\x7e]{1,200})?$/i

/** [MS-ASNOTE] Body: Data has to be there, be it empty. */
const noText = el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:EstimatedDataSize', '0'), el('AirSyncBase:Data')])

/** [MS-ASNOTE] Notes class elements, which versions from 14.0 have. Throws `malformed` for what is no note. */
export function say(stored: Uint8Array, { version, bodies, now }: NoteContext): readonly Node[] {
  const note = readNote(stored)
  const subject = subjectOf(note)
  return [
    ...(note.text === '' ? [noText] : sayText(note.text, bodies, version, 'Contacts')),
    ...(subject ? [el('Notes:Subject', subject)] : []),
    el('Notes:MessageClass', note.kind !== undefined && noteClasses.test(note.kind) ? note.kind : plainClass),
    el('Notes:LastModifiedDate', printTime(note.modified ?? now)),
    ...(note.categories.length > 0
      ? [el('Notes:Categories', note.categories.slice(0, most.categories).map(one => el('Notes:Category', shown(one))))] : []),
  ]
}

/**
 * What is stored, with what the client says in it. [MS-ASNOTE] Sync Command Response: a Change without Categories takes them away, one
 * without Body or Subject leaves them. LastModifiedDate is the server's. Throws `malformed`.
 */
export function hear(stored: Uint8Array | undefined, data: Element, { version, bodies, now }: NoteContext): Uint8Array {
  const kind = text(data, 'Notes:MessageClass')
  if (kind !== undefined && !noteClasses.test(kind)) throw new Failure('malformed', 'a MessageClass that is no note')
  const before = stored && readNote(stored)
  const subject = text(data, 'Notes:Subject')
  const list = child(data, 'Notes:Categories')
  const categories = list ? children(list, 'Notes:Category').map(one => shown(one.text)).filter(Boolean) : []
  if (categories.length > most.categories) throw new Failure('malformed', `more than ${most.categories} categories`)
  const said = hearText(data, version, 'Contacts')
  const patch = {
    // A subject that is told because there is none is not stored.
    subject: subject === undefined || (before && shown(subject) === subjectOf(before)) ? undefined : shown(subject),
    text: said === undefined || (before && [tidy(before.text), echoed(before.text, bodies, version)].includes(said)) ? undefined : said,
    categories: before && categories.join('\n') === before.categories.slice(0, most.categories).map(shown).join('\n')
      ? undefined : [...categories, ...before?.categories.slice(most.categories) ?? []],
    kind: kind === undefined ? undefined : kind.toLowerCase() === plainClass.toLowerCase() ? '' : kind,
  }
  return stored ? patchNote(stored, patch, now) : newNote(patch, randomUUID(), now)
}

/** What a folder of notes holds. */
export const noteClass = { say, hear, ending: '.ics' } as const

import { randomUUID } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { newMailNote, patchMailNote, readMailNote } from '../../formats/mail-note.ts'
import { newNote, patchNote, printTime, readNote } from '../../formats/note.ts'
import type { Note, NotePatch } from '../../model/note.ts'
import type { BodyPreference } from '../../state/sync-options.ts'
import { child, children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import type { Version } from '../versions.ts'
import { echoedRich, hearRich, sayRich, tidy, type RichText } from './text-body.ts'

/** What the mapping must know beside the note. */
export type NoteContext = {
  readonly version: Version
  readonly bodies: readonly BodyPreference[]
  readonly now: Date
  readonly person: { readonly addresses: readonly string[] }
}

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

/** [MS-ASNOTE] Notes class elements, which versions from 14.0 have. */
function sayNote(note: Note, { version, bodies, now }: NoteContext): readonly Node[] {
  const subject = subjectOf(note)
  return [
    ...(note.text === '' && !note.html ? [noText] : sayRich(richOf(note), bodies, version, 'Contacts')),
    ...(subject ? [el('Notes:Subject', subject)] : []),
    el('Notes:MessageClass', note.kind !== undefined && noteClasses.test(note.kind) ? note.kind : plainClass),
    el('Notes:LastModifiedDate', printTime(note.modified ?? now)),
    ...(note.categories.length > 0
      ? [el('Notes:Categories', note.categories.slice(0, most.categories).map(one => el('Notes:Category', shown(one))))] : []),
  ]
}

const richOf = ({ text, html }: Note): RichText => ({ plain: text, html })

/**
 * What a client says of a note. [MS-ASNOTE] Sync Command Response: a Change without Categories takes them away, one without Body or Subject
 * leaves them. LastModifiedDate is the server's. Throws `malformed`.
 */
function hearNote(before: Note | undefined, data: Element, { version, bodies }: NoteContext): NotePatch {
  const kind = text(data, 'Notes:MessageClass')
  if (kind !== undefined && !noteClasses.test(kind)) throw new Failure('malformed', 'a MessageClass that is no note')
  const subject = text(data, 'Notes:Subject')
  const list = child(data, 'Notes:Categories')
  const categories = list ? children(list, 'Notes:Category').map(one => shown(one.text)).filter(Boolean) : []
  if (categories.length > most.categories) throw new Failure('malformed', `more than ${most.categories} categories`)
  const said = hearRich(data, version, 'Contacts')
  const isNew = said !== undefined && !(before && isEchoed(said, richOf(before), bodies, version))
  return {
    // A subject that is told because there is none is not stored.
    subject: subject !== undefined && before && shown(subject) === subjectOf(before) ? before.subject || undefined : subject && shown(subject),
    text: isNew ? said.plain : undefined, html: isNew ? said.html : undefined,
    categories: before && categories.join('\n') === before.categories.slice(0, most.categories).map(shown).join('\n')
      ? undefined : [...categories, ...before?.categories.slice(most.categories) ?? []],
    kind: kind === undefined ? undefined : kind.toLowerCase() === plainClass.toLowerCase() ? '' : kind,
  }
}

/** Whether a body comes back as it was told, cut or converted as that was. */
function isEchoed(said: RichText, before: RichText, bodies: readonly BodyPreference[], version: Version): boolean {
  const told = echoedRich(before, bodies, version)
  if (said.plain !== tidy(before.plain) && said.plain !== told) return false
  return said.html === undefined || before.html === undefined || told !== tidy(before.plain) || squeezed(said.html) === squeezed(before.html)
}

const squeezed = (html: string): string => html.replace(/\s+/g, ' ').trim()

/** How notes of one form are read, changed and made. */
type Form = {
  read(octets: Uint8Array): Note
  patch(octets: Uint8Array, patch: NotePatch, now: Date): Uint8Array
  create(patch: NotePatch, context: NoteContext): Uint8Array
}

const classOf = ({ read, patch, create }: Form) => ({
  say: (stored: Uint8Array, context: NoteContext): readonly Node[] => sayNote(read(stored), context),
  /** What is stored, with what the client says in it. */
  hear(stored: Uint8Array | undefined, data: Element, context: NoteContext): Uint8Array {
    const said = hearNote(stored && read(stored), data, context)
    return stored ? patch(stored, said, context.now) : create(said, context)
  },
})

/** What a folder of notes holds: VJOURNAL. All throw `malformed` for what is no note. */
export const noteClass = {
  ...classOf({ read: readNote, patch: patchNote, create: (patch, { now }) => newNote(patch, randomUUID(), now) }), ending: '.ics',
} as const

/** What a mailbox of notes holds: messages. */
export const mailNoteClass = {
  ...classOf({ read: readMailNote, patch: patchMailNote, create: (patch, { person: { addresses: [from = ''] }, now }) => newMailNote(patch, from, now) }),
  ending: '',
} as const

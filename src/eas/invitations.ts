import { Failure } from '../base/failure.ts'
import { cleanText, decodeText } from '../formats/charset.ts'
import { readEvent } from '../formats/event-read.ts'
import { methodOf } from '../formats/invitation.ts'
import { parseCalendar } from '../formats/icalendar.ts'
import { withoutMethod } from '../formats/itip.ts'
import { find } from '../formats/structure.ts'
import { field, parseAddresses, parseHeader, rawField } from '../formats/header.ts'
import { readTnef } from '../formats/tnef.ts'
import { tnefEvent, type TnefHead } from '../formats/tnef-event.ts'
import { decodeTransfer } from '../formats/transfer-encoding.ts'
import type { Person } from '../model/event.ts'
import type { Folder, FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { MessageRef, ObjectStore, StoredObject } from '../model/ports.ts'
import type { Call } from './command.ts'
import { objectsOf } from './folders.ts'
import { lookOf } from './inside.ts'

export type Placed = { readonly folder: Folder; readonly object: StoredObject }

/** An invitation by mail as an event; undefined where the message is gone. Throws `malformed` for one that invites to nothing. */
export async function openInvitation({ stores: { mail }, clocks }: Call, { folder, validity, uid }: MessageRef): Promise<Uint8Array | undefined> {
  const [message] = await mail.messages(folder, validity, [uid])
  if (!message) return undefined
  const look = lookOf(message.structure, undefined)
  const part = look && look.kind !== 'report' ? find(message.structure, look.section) : undefined
  const [octets] = part && look ? await mail.parts(folder, validity, [{ uid, section: look.section, length: look.length }]) : []
  if (!part || !octets) throw new Failure('malformed', 'a message that is no invitation')
  const decoded = decodeTransfer(octets, part.encoding)
  if (look?.kind === 'tnef') return tnefEvent(readTnef(decoded), headOf(message), clocks)
  const text = decodeText(decoded, part.parameters['charset'] ?? 'utf-8')
  if (methodOf(part.parameters['method'], parseCalendar(text)) !== 'REQUEST') throw new Failure('malformed', 'a message that invites nobody')
  const event = withoutMethod(Buffer.from(text))
  if (readEvent(event, clocks).uid === '') throw new Failure('malformed', 'an invitation without a UID')
  return event
}

function headOf({ header }: Message): TnefHead {
  const parsed = parseHeader(header)
  const people = (name: string): Person[] => parseAddresses(rawField(parsed, name) ?? '').filter(({ address }) => address !== '')
  const [organizer] = people('from')
  if (!organizer) throw new Failure('malformed', 'an invitation by nobody')
  return { organizer, to: people('to'), cc: people('cc'), subject: cleanText(field(parsed, 'subject') ?? '').replace(/\s+/g, ' ').trim() }
}

/** Calendars that take changes, the default one first. */
export async function calendarsOf(objects: ObjectStore | undefined): Promise<readonly Folder[]> {
  return (await objectsOf(objects).folders()).filter(({ content, readOnly }) => content === 'calendar' && !readOnly)
}

/** The event of that UID, in whatever calendar it is. */
export async function findEvent({ stores: { objects }, clocks }: Call, uid: string): Promise<Placed | undefined> {
  const store = objectsOf(objects)
  for (const folder of await calendarsOf(objects)) {
    const found = (await store.containing(folder.id, 'UID', uid)).find(({ octets }) => isOf(octets, uid, clocks))
    // For writing, octet for octet.
    const object = found && await store.read(folder.id, found.name)
    if (object) return { folder, object }
  }
  return undefined
}

function isOf(octets: Uint8Array, uid: string, clocks: Call['clocks']): boolean {
  try {
    return readEvent(octets, clocks).uid === uid
  } catch (error) {
    if (error instanceof Failure) return false
    throw error
  }
}

/** The message is where deleted ones go, and nowhere else. */
export async function discard({ stores: { mail } }: Call, { folder, validity, uid }: MessageRef): Promise<void> {
  const trash = await mail.folderByRole('trash')
  if (trash.id !== folder) await mail.move(folder as FolderId, validity, [uid], trash.id)
}

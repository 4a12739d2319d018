import { Failure } from '../base/failure.ts'
import { find, textPieces } from '../formats/structure.ts'
import { decodeStream, streamLength } from '../formats/transfer-stream.ts'
import { uuFile } from '../formats/uu-files.ts'
import { readEvent } from '../formats/event-read.ts'
import type { FolderId } from '../model/folder.ts'
import { namesObject, parseFileReference, parseObjectFile } from '../state/item-id.ts'
import type { Cache } from '../state/cache.ts'
import type { Message, Part } from '../model/message.ts'
import type { MessageRef } from '../model/ports.ts'
import type { Call } from './command.ts'
import { objectsOf } from './folders.ts'
import { lookInside, lookOf } from './inside.ts'
import { namesOf } from './object-names.ts'
import { bareTexts } from './uu-text.ts'

export type Attachment = {
  readonly type: string
  /** Octets of it as a file, in pieces; each call reads it anew. */
  octets(): AsyncIterable<Uint8Array>
  /** How many octets it is as a file, which no encoding tells before its end. */
  length(): Promise<number>
}

/** [MS-ASAIRS] FileReference. Throws `not-found` for a reference that leads nowhere. */
export async function openAttachment(call: Call, reference: string): Promise<Attachment> {
  const { stores, cache } = call
  if (namesObject(reference)) return openFileOfEvent(call, reference)
  const { ref, section } = parseFileReference(reference)
  const [message] = await stores.mail.messages(ref.folder, ref.validity, [ref.uid])
  const [outer = '', number] = section.split('-')
  const text = number === undefined ? undefined : message && bareTexts(textPieces(message.structure)).find(one => one.section === outer)
  if (text && Number(number) > 1) return openFileOfText(call, ref, text, Number(number), `length:${reference}`)
  if (message && number !== undefined) return openInner(call, message, ref, section)
  const part = message && find(message.structure, section)
  if (!part || part.type.startsWith('multipart/')) throw new Failure('not-found', 'no such attachment')
  const octets = (): AsyncIterable<Uint8Array> => decodeStream(stores.mail.stream(ref, section), part.encoding)
  const slot = `length:${reference}`
  return {
    type: part.type,
    octets,
    length: () => lengthOf(cache, slot, octets()),
  }
}

async function lengthOf(cache: Cache, slot: string, octets: AsyncIterable<Uint8Array>): Promise<number> {
  const length = cache.get<number>(slot) ?? await streamLength(octets)
  cache.set(slot, length, { seconds: 3600 })
  return length
}

/** [MS-ASCAL] Attachments: in the event, or beside it at the user's own server and nowhere else. */
async function openFileOfEvent({ stores, cache, clocks }: Call, reference: string): Promise<Attachment> {
  const { id, file } = parseObjectFile(reference)
  const folder = id.slice(0, id.indexOf(':')) as FolderId
  const store = objectsOf(stores.objects)
  const [name] = await namesOf(store, folder, [id])
  const stored = name === undefined ? undefined : await store.read(folder, name)
  const event = stored && readEvent(stored.octets, clocks)
  const found = event && [event, ...event.exceptions].flatMap(({ files }) => files).find(one => one.id === file)
  if (!found) throw new Failure('not-found', 'no such attachment')
  if ('uri' in found.content) {
    if (!store.files) throw new Failure('not-found', 'no such attachment')
    const { uri, managed } = found.content
    const { octets, length } = await store.files.open(uri, managed !== undefined)
    return { type: found.type, octets, length: async () => length ?? lengthOf(cache, `length:${reference}`, octets()) }
  }
  const octets = found.content.octets()
  return {
    type: found.type,
    async *octets() { yield octets },
    length: async () => octets.length,
  }
}

/** A file within a text is read as it comes. Whether it is there its length tells. */
async function openFileOfText({ stores, cache }: Call, ref: MessageRef, part: Part, number: number, slot: string): Promise<Attachment> {
  const octets = (): AsyncIterable<Uint8Array> => uuFile(decodeStream(stores.mail.stream(ref, part.section), part.encoding), number - 2)
  const length = await lengthOf(cache, slot, octets())
  return { type: 'application/octet-stream', octets, length: async () => length }
}

/** A file within a part, which is small enough to be read whole. */
async function openInner({ stores }: Call, message: Message, ref: MessageRef, section: string): Promise<Attachment> {
  const look = lookOf(message.structure, undefined)
  const wish = look && section.startsWith(`${look.section}-`) && { uid: ref.uid, section: look.section, length: look.length }
  const [octets] = wish ? await stores.mail.parts(ref.folder, ref.validity, [wish]) : []
  const inside = lookInside(message, look, octets)
  const part = find(inside.structure, section), found = inside.octets.get(section)
  if (!part || !found) throw new Failure('not-found', 'no such attachment')
  return {
    type: part.type,
    async *octets() { yield found },
    length: async () => found.length,
  }
}

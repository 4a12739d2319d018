import { Failure } from '../../base/failure.ts'
import { cleanText } from '../../formats/charset.ts'
import { encodeWords } from '../../formats/encoded-words.ts'
import { parseAddresses } from '../../formats/header.ts'
import type { DraftEdit, DraftFile } from '../../formats/draft.ts'
import { printMailbox } from '../../formats/mime-write.ts'
import { child, children, octets, text, type Element, type Tag } from '../../wire/wbxml.ts'

/** A file a client adds to a draft, with the name it has for it until it knows ours. */
export type AddedFile = DraftFile & { readonly clientId: string }

/** What a client says of a draft. */
export type DraftData = {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly clear: readonly string[]
  readonly text: DraftEdit['text']
  /** The whole message: [MS-ASAIRS] Type 4. */
  readonly mime: Uint8Array | undefined
  readonly add: readonly AddedFile[]
  /** FileReferences. */
  readonly remove: readonly string[]
}

const recipients = [['Email:To', 'To'], ['Email:Cc', 'Cc'], ['Email2:Bcc', 'Bcc']] as const
const content: readonly Tag[] = [
  'Email:To', 'Email:Cc', 'Email2:Bcc', 'Email:ReplyTo', 'Email:Subject', 'Email:Importance', 'AirSyncBase:Body',
  'AirSyncBase:Attachments',
]

/** Whether a Change says more than flags, which any message can have. */
export const isDraftContent = (data: Element): boolean => content.some(tag => child(data, tag))

const mostFiles = 500

/**
 * [MS-ASEMAIL] Sync Command Request, of a draft. What is not said stays, but for recipients: they are one property, so that a
 * Change that tells To and no Cc has no Cc, and nobody gets the message whom its writer has taken out. Throws `malformed`.
 */
export function hearDraft(data: Element): DraftData {
  const set: [string, string][] = [], clear: string[] = []
  const hear = (name: string, value: string | undefined): void => void (value ? set.push([name, value]) : clear.push(name))
  if (recipients.some(([tag]) => child(data, tag))) {
    for (const [tag, name] of recipients) hear(name, addressed(text(data, tag)))
  }
  if (child(data, 'Email:ReplyTo')) hear('Reply-To', addressed(text(data, 'Email:ReplyTo')))
  const subject = text(data, 'Email:Subject')
  if (subject !== undefined) hear('Subject', encodeWords(cleanText(subject).replace(/\s+/g, ' ').trim()))
  const importance = text(data, 'Email:Importance')
  if (importance !== undefined) {
    if (!Object.hasOwn(importances, importance)) throw new Failure('malformed', 'Importance')
    hear('Importance', importances[importance])
    clear.push('X-Priority', 'Priority')
  }
  return { set, clear, ...hearBody(child(data, 'AirSyncBase:Body')), ...hearFiles(child(data, 'AirSyncBase:Attachments')) }
}

/** [MS-ASEMAIL] Importance. Normal is what a message is without a word. */
const importances: { readonly [value: string]: string | undefined } = { 0: 'low', 1: undefined, 2: 'high' }

/** Addresses as they may stand in a header; what somebody has begun to type stays as it is. */
function addressed(list: string | undefined): string | undefined {
  const all = parseAddresses(Buffer.from(cleanText(list ?? ''), 'utf8').toString('latin1'))
  return all.map(one => one.address ? printMailbox(one) : encodeWords(`${one.name}`)).join(',\r\n ') || undefined
}

function hearBody(body: Element | undefined): Pick<DraftData, 'text' | 'mime'> {
  const data = body && child(body, 'AirSyncBase:Data')
  const type = body && text(body, 'AirSyncBase:Type')
  if (!data) return { text: undefined, mime: undefined }
  if (type === '4') return { text: undefined, mime: octets(data) }
  if (type !== '1' && type !== '2') throw new Failure('malformed', 'a Body of no known Type')
  return { text: { type: type === '1' ? 1 : 2, value: cleanText(Buffer.from(octets(data)).toString('utf8')) }, mime: undefined }
}

/** [MS-ASAIRS] Attachments, of a request. */
export function hearFiles(list: Element | undefined): Pick<DraftData, 'add' | 'remove'> {
  if (!list) return { add: [], remove: [] }
  const add = children(list, 'AirSyncBase:Add'), gone = children(list, 'AirSyncBase:Delete')
  if (add.length > mostFiles || gone.length > mostFiles) throw new Failure('malformed', 'too many attachments')
  return { add: add.map(hearFile), remove: gone.map(one => required(one, 'AirSyncBase:FileReference')) }
}

// RFC 6838, Naming Requirements; what is composite cannot be encoded
const mediaType = /^(?!multipart\/|message\/)[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}$/

function hearFile(file: Element): AddedFile {
  const data = child(file, 'AirSyncBase:Content'), method = text(file, 'AirSyncBase:Method') ?? '1'
  if (!data || (method !== '1' && method !== '5')) throw new Failure('malformed', 'an attachment without Content or Method')
  const type = text(file, 'AirSyncBase:ContentType')?.trim().toLowerCase() ?? ''
  return {
    clientId: required(file, 'AirSyncBase:ClientId'),
    name: cleanText(required(file, 'AirSyncBase:DisplayName')).replace(/\s+/g, ' ').trim().slice(0, 255),
    type: mediaType.test(type) ? type : 'application/octet-stream',
    content: data.opaque ?? Buffer.from(data.text, 'base64'),
    contentId: text(file, 'AirSyncBase:ContentId')?.replace(/[<>\s]/g, '') || undefined,
    location: text(file, 'AirSyncBase:ContentLocation') || undefined,
    inline: ['1', 'true'].includes(text(file, 'AirSyncBase:IsInline') ?? ''), message: method === '5',
  }
}

function required(element: Element, tag: Tag): string {
  const value = text(element, tag)
  if (!value || value.length > 2000) throw new Failure('malformed', `no ${tag}`)
  return value
}

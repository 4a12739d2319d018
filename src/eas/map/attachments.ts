import { cleanText } from '../../formats/charset.ts'
import { attachments, isInline } from '../../formats/structure.ts'
import { decodedSize } from '../../formats/transfer-encoding.ts'
import type { Part } from '../../model/message.ts'
import { el, type Node, type Tag } from '../../wire/wbxml.ts'
import type { Shape } from './body.ts'

/** A message of more files than this has been made to do harm. */
const most = 1000

/** The children of [MS-ASAIRS] Attachments. `reference` makes a FileReference of a section number. */
export const attachmentNodes = ({ structure, texts }: Pick<Shape, 'structure' | 'texts'>, reference: (section: string) => string): Node[] =>
  attachments(structure, texts).slice(0, most).map((part, index) => attachment(part, index, reference(part.section)))

const attachment = (part: Part, index: number, reference: string): Node => el('AirSyncBase:Attachment', [
  el('AirSyncBase:DisplayName', displayName(part, index)),
  el('AirSyncBase:FileReference', reference),
  el('AirSyncBase:Method', method(part)),
  el('AirSyncBase:EstimatedDataSize', String(decodedSize(part.size, part.encoding))),
  ...said('AirSyncBase:ContentId', contentId(part)),
  ...said('AirSyncBase:ContentLocation', cleanText(part.location ?? '')),
  ...(isInline(part) ? [el('AirSyncBase:IsInline', '1')] : []),
])

/** Attachments as version 2.5 has them; AttName is what GetAttachment is asked for. */
export const attachmentNodes25 = ({ structure, texts }: Pick<Shape, 'structure' | 'texts'>, reference: (section: string) => string): Node[] =>
  attachments(structure, texts).slice(0, most).map((part, index) => el('Email:Attachment', [
    el('Email:AttName', reference(part.section)),
    el('Email:AttSize', String(decodedSize(part.size, part.encoding))),
    ...said('Email:Att0Id', contentId(part)),
    el('Email:AttMethod', method(part)),
    el('Email:DisplayName', displayName(part, index)),
  ]))

/** An element where there is something to say. */
const said = (tag: Tag, value: string): Node[] => value ? [el(tag, value)] : []
const contentId = ({ contentId: id = '' }: Part): string => cleanText(id.replace(/^<|>$/g, ''))

const method = (part: Part): string => isMessage(part) ? '5' : ole.has(part.type) ? '6' : '1'
const isMessage = (part: Part): boolean => part.type === 'message/rfc822' || part.type === 'message/global'
const ole = new Set(['application/x-ole', 'application/oleobject', 'application/x-oleobject'])

const extensions: Readonly<Record<string, string>> = {
  'message/rfc822': 'eml', 'message/global': 'eml', 'message/delivery-status': 'txt', 'message/disposition-notification': 'txt',
  'text/plain': 'txt', 'text/html': 'html', 'text/calendar': 'ics', 'text/vcard': 'vcf', 'text/x-vcard': 'vcf', 'text/csv': 'csv',
  'text/rfc822-headers': 'txt', 'text/rtf': 'rtf', 'image/jpeg': 'jpg', 'image/svg+xml': 'svg', 'image/x-icon': 'ico',
  'audio/mpeg': 'mp3', 'audio/mp4': 'm4a', 'audio/x-wav': 'wav', 'video/quicktime': 'mov', 'video/mpeg': 'mpg',
  'application/ms-tnef': 'dat', 'application/msword': 'doc', 'application/vnd.ms-excel': 'xls',
  'application/vnd.ms-powerpoint': 'ppt',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/pkcs7-signature': 'p7s', 'application/x-pkcs7-signature': 'p7s', 'application/pkcs7-mime': 'p7m',
  'application/x-pkcs7-mime': 'p7m', 'application/pgp-signature': 'asc', 'application/pgp-keys': 'asc', 'application/gzip': 'gz',
}

/** `pdf` of application/pdf, where the subtype looks like the ending of a file name. */
function extension(type: string): string {
  const subtype = type.slice(type.indexOf('/') + 1)
  return extensions[type] ?? (/^[a-z0-9]{2,4}$/.test(subtype) ? subtype : 'bin')
}

/** Always a name with an ending: without one some phones open nothing. */
function displayName(part: Part, index: number): string {
  const given = part.filename?.replace(/[\\/:*?"<>|\s]+/g, ' ').trim().slice(-200) ?? ''
  if ((isMessage(part) ? /\.eml$/i : /\.\w{1,10}$/).test(given)) return given
  if (given) return `${given}.${extension(part.type)}`
  const kind = isMessage(part) ? 'message' : part.type.startsWith('image/') ? 'image' : 'attachment'
  return `${kind}-${index + 1}.${extension(part.type)}`
}

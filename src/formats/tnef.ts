import { Failure } from '../base/failure.ts'
import { cleanText, decodeText } from './charset.ts'
import { readProperties, type Property, type Properties } from './tnef-properties.ts'
import { decompressRtf } from './rtf-compression.ts'
import { readRtf } from './rtf.ts'

export type TnefFile = {
  readonly name: string
  readonly type: string | undefined
  readonly contentId: string | undefined
  readonly inline: boolean
  readonly octets: Uint8Array
}

export type Tnef = {
  /** `IPM.Note`, `IPM.Schedule.Meeting.Request`, ...; empty where it says none. */
  readonly messageClass: string
  readonly body: { readonly html: boolean; readonly text: string } | undefined
  readonly files: readonly TnefFile[]
  readonly properties: Properties
}

const signature = 0x223e9f78
const most = { attributes: 20_000, files: 500, text: 8 * 1024 * 1024 }

// [MS-OXTNEF] Attribute ids
const attribute = {
  codePage: 0x00069007, messageClass: 0x00078008, body: 0x0002800c, properties: 0x00069003,
  renderData: 0x00069002, attachmentData: 0x0006800f, attachmentTitle: 0x00018010, attachmentProperties: 0x00069005,
} as const

type Attribute = { readonly id: number; readonly data: Buffer }
type OpenFile = { title: string; data: Buffer | undefined; properties: Properties }

/** [MS-OXTNEF] TNEF stream. What breaks off is read as far as it goes. Throws `malformed` for another format. */
export function readTnef(bytes: Uint8Array): Tnef {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (input.length < 6 || input.readUInt32LE(0) !== signature) throw new Failure('malformed', 'no TNEF stream')
  let codePage = 1252
  let messageClass = ''
  let plain: string | undefined
  let properties: Properties = new Map()
  const files: OpenFile[] = []
  const text = (data: Buffer): string => unicode(data, codePage)
  for (const { id, data } of attributes(input)) {
    const file = files.at(-1)
    switch (id) {
      case attribute.codePage: if (data.length >= 4) codePage = data.readUInt32LE(0); break
      case attribute.messageClass: messageClass = text(data); break
      case attribute.body: plain = text(data); break
      case attribute.properties: properties = readProperties(data); break
      case attribute.renderData:
        if (files.length < most.files) files.push({ title: '', data: undefined, properties: new Map() })
        break
      case attribute.attachmentData: if (file) file.data ??= data; break
      case attribute.attachmentTitle: if (file) file.title = text(data); break
      case attribute.attachmentProperties: if (file) file.properties = readProperties(data); break
    }
  }
  return {
    messageClass: classNames[messageClass.toLowerCase()] ?? (string(properties.get(0x001a), codePage) ?? messageClass),
    body: bodyOf(properties, plain, codePage),
    files: files.flatMap(file => fileOf(file, codePage) ?? []),
    properties,
  }
}

/** Each is a level, an id, a length, the data, and a checksum that programs have always got wrong. */
function* attributes(input: Buffer): Generator<Attribute> {
  let at = 6
  for (let count = 0; count < most.attributes && at + 9 <= input.length; count++) {
    const id = input.readUInt32LE(at + 1), length = input.readUInt32LE(at + 5)
    const data = input.subarray(at + 9, at + 9 + length)
    if (data.length < length && !partial.has(id)) return
    yield { id, data }
    at += 9 + length + 2
  }
}

/** The beginning of these is of use. */
const partial = new Set<number>([attribute.attachmentData, attribute.body])

// [MS-OXTNEF] attMessageClass: names from before MAPI
const classNames: Readonly<Record<string, string>> = {
  'ipm.microsoft mail.note': 'IPM.Note', 'ipm.microsoft mail.read receipt': 'REPORT.IPM.NOTE.IPNRN',
  'ipm.microsoft mail.non-delivery': 'REPORT.IPM.NOTE.NDR', 'ipm.microsoft schedule.mtgreq': 'IPM.Schedule.Meeting.Request',
  'ipm.microsoft schedule.mtgcncl': 'IPM.Schedule.Meeting.Canceled',
  'ipm.microsoft schedule.mtgrespp': 'IPM.Schedule.Meeting.Resp.Pos',
  'ipm.microsoft schedule.mtgrespn': 'IPM.Schedule.Meeting.Resp.Neg',
  'ipm.microsoft schedule.mtgrespa': 'IPM.Schedule.Meeting.Resp.Tent',
}

const trimmed = (text: string): string => cleanText(text.replace(/\0[^]*$/, ''))
const unicode = (data: Buffer, codePage: number): string =>
  trimmed(decodeText(data.subarray(0, most.text), codePage === 65_001 ? 'utf-8' : `cp${codePage}`))

export function string(property: Property | undefined, codePage = 1252): string | undefined {
  if (!property || !Buffer.isBuffer(property.value)) return undefined
  if (property.type === 0x1f) return trimmed(property.value.subarray(0, most.text).toString('utf16le'))
  return unicode(property.value, codePage)
}

/** PidTagBodyHtml, PidTagRtfCompressed, PidTagBody, attBody: the first that is there. */
function bodyOf(properties: Properties, plain: string | undefined, codePage: number): Tnef['body'] {
  const internet = properties.get(0x3fde)?.value
  const html = string(properties.get(0x1013), typeof internet === 'number' ? internet : codePage)
  if (html) return { html: true, text: html }
  const rtf = properties.get(0x1009)?.value
  const read = Buffer.isBuffer(rtf) ? tryRtf(rtf) : undefined
  if (read && read.text.trim() !== '') return read
  const text = string(properties.get(0x1000), codePage) ?? plain
  return text ? { html: false, text } : undefined
}

function tryRtf(data: Buffer): Tnef['body'] {
  try {
    return readRtf(decompressRtf(data))
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Undefined for one without data: a link, a cut off stream. */
function fileOf({ title, data, properties }: OpenFile, codePage: number): TnefFile | undefined {
  const named = (...ids: number[]): string | undefined => ids.map(id => string(properties.get(id), codePage)).find(Boolean)
  const stored = properties.get(0x3701)
  // An object begins with the id of its interface; a message within is a TNEF stream of its own.
  const embedded = stored?.type === 0x0d && Buffer.isBuffer(stored.value) ? stored.value.subarray(16) : undefined
  const message = embedded !== undefined && embedded.length >= 4 && embedded.readUInt32LE(0) === signature
  const octets = embedded ?? (Buffer.isBuffer(stored?.value) ? stored.value : data)
  if (!octets) return undefined
  const name = named(0x3707, 0x3001, 0x3704) || title
  const contentId = named(0x3712)?.replace(/^<|>$/g, '') || undefined
  const flags = properties.get(0x3714)?.value
  return {
    name: message ? `${name || 'message'}.dat` : name, octets, contentId,
    type: message ? 'application/ms-tnef' : typeOf(named(0x370e)),
    // PidTagAttachFlags, attRenderedInBody
    inline: contentId !== undefined && typeof flags === 'number' && (flags & 4) !== 0,
  }
}

/** It becomes a header field of an answer: nothing but a type, and of a file. */
const typeOf = (tag = ''): string | undefined =>
  /^(?!multipart\/|message\/)[a-z0-9]+\/[\w.+-]{1,100}$/i.test(tag) ? tag.toLowerCase() : undefined

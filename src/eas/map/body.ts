import { Failure } from '../../base/failure.ts'
import { cleanText, cleanUtf8, cutOctets, cutUtf8, decodeText, utf8Length } from '../../formats/charset.ts'
import { unflow } from '../../formats/flowed.ts'
import { decodeHtml, htmlLines, htmlOctets, htmlToText, preview, textToHtml } from '../../formats/html.ts'
import { packRtf } from '../../formats/rtf-compression.ts'
import { textToRtf } from '../../formats/rtf.ts'
import { textPieces, type TextPiece } from '../../formats/structure.ts'
import { decodedSize, decodeTransfer } from '../../formats/transfer-encoding.ts'
import type { Message, Part } from '../../model/message.ts'
import type { PartWish } from '../../model/ports.ts'
import type { BodyPreference, SyncOptions } from '../../state/sync-options.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { isSmime } from './message-class.ts'

/** What the Options of a request say about bodies. */
export type BodyWish = Pick<SyncOptions, 'bodies' | 'mimeSupport' | 'mimeTruncation' | 'part'>

/** [MS-ASAIRS] Type: 1 plain text, 2 HTML, 3 RTF, 4 MIME. */
type BodyType = 1 | 2 | 3 | 4

/** One way to answer a BodyPreference. `limit` is octets of UTF-8. */
type Choice = { readonly type: BodyType; readonly limit: number; readonly allOrNone: boolean; readonly preview: number }

/** What is known of a message before anything of it is read; the pieces of its text where they were looked for. */
export type Shape = Pick<Message, 'structure' | 'size'> & { readonly texts?: readonly TextPiece[] }

/** What to fetch of one message (a window's messages go together), and how `renderBody` will use it. */
export type BodyPlan = {
  readonly parts: readonly Omit<PartWish, 'uid'>[]
  readonly choices: readonly Choice[]
  readonly message: Shape
  readonly texts: readonly TextPiece[]
  /** Parts are fetched as far as will probably do at first, as far as can be needed when that was not enough. */
  readonly whole: boolean
  /** A text that can stay the octets it is, does. */
  readonly asOctets?: boolean
}

export type Body = {
  readonly type: BodyType
  /** Octets of UTF-8 of the whole body in this type; an estimate where it was not read to its end. */
  readonly size: number
  readonly truncated: boolean
  /** Undefined where AllOrNone or a TruncationSize of 0 withholds it. */
  readonly data: string | undefined
  /** In the place of `data` where the plan allows it: UTF-8, fit for XML. */
  readonly octets?: Uint8Array | undefined
  readonly preview: string | undefined
}

const KB = 1024
/** Octets of HTML that are looked at to make plain text of it; of any body that is sent; of a message as MIME. */
const most = { converted: 512 * KB, text: 8 * KB * KB, mime: 64 * KB * KB }
/** Octets of a plain text that are looked at for files in it, however little of the text is wanted. */
const filesBegin = 4 * KB
/** Octets that will do for a preview of 255 characters, even behind a style sheet. */
const previewOctets = 16 * KB

/** [MS-ASCMD] MIMETruncation, in octets. */
const mimeTruncations = [0, 4096, 5120, 7168, 10_240, 20_480, 51_200, 102_400, Infinity]

/** [MS-ASAIRS] BodyPreference: which parts of the message are needed, and how many octets of them. */
export function planBody(message: Shape, wish: BodyWish, version: Version, asOctets = false): BodyPlan {
  const modern = since(version, '12.0'), { structure, texts = textPieces(structure) } = message
  const choices = choose(structure, nativeType(texts), modern ? wish : plainly(wish), since(version, '14.0'))
  return { parts: fetches({ message, texts, choices }, false), choices, message, texts, whole: false, asOctets: asOctets && modern }
}

/** 2.5 has plain text and MIME, whatever the device once asked for in another version. */
const plainly = (wish: BodyWish): BodyWish => {
  const text = wish.bodies.find(({ type }) => type !== 4)
  return { ...wish, bodies: [{ ...text, type: 1 }, { type: 4 }] }
}

/** [MS-ASAIRS] NativeBodyType. */
export const nativeType = (texts: readonly TextPiece[]): 1 | 2 => texts.some(piece => piece.rich) ? 2 : 1

/**
 * [MS-ASAIRS] AllOrNone (BodyPreference): the type the message has by nature first, then the others as the client lists them;
 * the later ones serve where AllOrNone refuses the earlier. MIME comes before all where MIMESupport asks for it.
 */
function choose(root: Part, native: 1 | 2, { bodies, mimeSupport, mimeTruncation }: BodyWish, previews: boolean): Choice[] {
  const choice = (type: BodyType, { truncationSize, allOrNone, preview: length }: Partial<BodyPreference>): Choice => ({
    type,
    limit: truncationSize ?? (type === 4 ? mimeTruncations[mimeTruncation] ?? Infinity : Infinity),
    allOrNone: allOrNone === true && truncationSize !== undefined,
    preview: previews ? Math.min(length ?? 0, 255) : 0,
  })
  const mime = bodies.length > 0 ? bodies.find(body => body.type === 4) : {}
  const asMime = mime && (mimeSupport === 2 || (mimeSupport === 1 && isSmime(root))) ? [choice(4, mime)] : []
  const texts = [...bodies.filter(body => body.type === native), ...bodies.filter(({ type }) => type !== native && type !== 4)]
  if (asMime.length + texts.length > 0) return [...asMime, ...texts.map(body => choice(body.type as BodyType, body))]
  return bodies[0] ? [choice(native, bodies[0])] : [choice(1, {})]
}

type Source = { readonly part: Part; readonly converted: boolean }

/** Parts in the order they are shown, and whether each has to be converted. */
function sources(texts: readonly TextPiece[], type: 1 | 2): readonly Source[] {
  const parts = texts.flatMap(({ plain, rich }) => (type === 1 ? plain ?? rich : rich ?? plain) ?? [])
  return parts.map(part => ({ part, converted: (part.type === 'text/html') !== (type === 2) }))
}

/** What all the choices need. */
function fetches({ message, texts, choices }: Pick<BodyPlan, 'message' | 'texts' | 'choices'>, whole: boolean): Omit<PartWish, 'uid'>[] {
  const lengths = new Map<string, number>()
  const need = (section: string, octets: number, size: number): void => {
    if (octets > 0) lengths.set(section, Math.max(lengths.get(section) ?? 0, octets >= size ? Infinity : octets))
  }
  for (const choice of choices) {
    if (choice.type === 4) need('', Math.min(choice.limit, most.mime), message.size)
    for (const [index, { part, converted }] of sources(texts, choice.type === 2 ? 2 : 1).entries()) {
      const shown = choice.type === 4 ? 0 : enough(part, choice.limit, converted, whole)
      need(part.section, Math.max(shown, index === 0 && choice.preview > 0 ? previewOctets : 0), part.size)
    }
  }
  return [...lengths].map(([section, length]) => length === Infinity ? { section } : { section, length })
}

/** Octets, as they are stored, that a text of `limit` octets in UTF-8 will hardly exceed. */
function enough(part: Part, limit: number, converted: boolean, whole: boolean): number {
  const html = converted && part.type === 'text/html'
  const ceiling = html ? most.converted : most.text
  if (limit === 0) return 0
  if (whole) return html ? ceiling : Math.min(64 * KB + 8 * limit, ceiling)
  const charset = part.parameters['charset']?.toLowerCase() ?? ''
  const wide = /^(utf-?(16|32|7)|ucs|iso-10646|iso-2022|hz)/.test(charset) ? 4 : 1
  const decoded = html ? (64 * KB + 8 * limit) * wide : Math.max((limit + 256) * wide, part.type === 'text/plain' ? filesBegin : 0)
  const encoded = { base64: 1.4, 'quoted-printable': 1.5 }[part.encoding.toLowerCase()] ?? 1
  return Math.min(Math.ceil(decoded * encoded), ceiling)
}

export type Rendered = { readonly body: Body; readonly nativeType: 1 | 2 }

/**
 * The body out of what was fetched by `plan.parts`, in that order; or, seldom, a plan to fetch more by, which will do. Throws
 * `not-found` when a part is not there (any more).
 */
export function renderBody(plan: BodyPlan, parts: readonly (Uint8Array | undefined)[]): Rendered | { readonly more: BodyPlan } {
  const fetched = new Map(plan.parts.map(({ section, length }, index) => [section, { octets: parts[index], length }]))
  const read: Read = section => {
    const found = fetched.get(section)
    if (found && !found.octets) throw new Failure('not-found', `part ${section} of a message is not there`)
    const octets = found?.octets ?? new Uint8Array()
    return { octets, cut: !found || (found.length !== undefined && octets.length >= found.length) }
  }
  let withheld: Body | undefined
  for (const choice of plan.choices) {
    const body = choice.type === 4 ? renderMime(plan, choice, read) : renderText(plan, choice, choice.type, read)
    if (!body) return more(plan, parts)
    if (!body.truncated || !choice.allOrNone) return { body, nativeType: nativeType(plan.texts) }
    withheld ??= { ...body, data: undefined, octets: undefined }
  }
  return { body: withheld!, nativeType: nativeType(plan.texts) }
}

/** What `renderBody` does when the texts turned out to be shorter than their encoding made believe. */
function more(plan: BodyPlan, parts: readonly (Uint8Array | undefined)[]): Rendered | { readonly more: BodyPlan } {
  const next = { ...plan, parts: fetches(plan, true), whole: true }
  const longer = next.parts.some(({ length }, index) => length !== plan.parts[index]?.length)
  return longer ? { more: next } : renderBody(next, parts)
}

/** Octets of a section; `cut` when there may be more of them. */
type Read = (section: string) => { readonly octets: Uint8Array; readonly cut: boolean }

/** Undefined: what was fetched does not reach as far as the limit. */
function renderText(plan: BodyPlan, choice: Choice, type: 1 | 2 | 3, read: Read): Body | undefined {
  if (type === 3) return renderRtf(plan, choice, read)
  const list = sources(plan.texts, type)
  if (choice.limit === 0) return withoutData(list, choice, type, read)
  const straight = plan.asOctets && list.length === 1 ? renderOctets(list[0]!, choice, type, read) : undefined
  if (straight) return straight
  const texts: Text[] = []
  let cut = false
  let seen = 0
  for (const { part } of list) {
    const source = read(part.section)
    texts.push({ html: part.type === 'text/html', text: decodePart(part, source) })
    seen += source.octets.length
    cut ||= source.cut
    if (cut) break
  }
  const data = type === 1 ? asText(texts) : asHtml(texts)
  const whole = utf8Length(data)
  if (cut && whole <= choice.limit && !plan.whole) return undefined
  const total = list.reduce((sum, { part }) => sum + part.size, 0)
  const size = cut ? Math.max(whole + 1, Math.round(whole * total / Math.max(1, seen))) : whole
  const shown = whole <= choice.limit ? data : cutUtf8(data, choice.limit)
  return {
    type, size, truncated: cut || whole > choice.limit, data: shown,
    preview: type === 1 && shown !== '' ? undefined : previewOf(data, type, choice.preview),
  }
}

/** What `renderText` makes of a single text that needs no change, without a look at its characters. Undefined for any other. */
function renderOctets({ part, converted }: Source, choice: Choice, type: 1 | 2, read: Read): Body | undefined {
  if (converted || part.parameters['format'] !== undefined) return undefined
  const { octets, cut } = read(part.section)
  const decoded = decodeTransfer(octets, part.encoding)
  const whole = (type === 2 ? htmlOctets : cleanUtf8)(decoded, part.parameters['charset'])
  if (!whole || (cut && whole.length <= choice.limit)) return undefined
  const size = cut ? Math.max(whole.length + 1, Math.round(whole.length * part.size / Math.max(1, octets.length))) : whole.length
  const shown = cutOctets(whole, choice.limit)
  const previewed = choice.preview > 0 && (type === 2 || shown.length === 0)
  return {
    type, size, truncated: cut || shown.length < whole.length, data: undefined, octets: shown,
    preview: previewed ? previewOf(Buffer.from(whole).toString('utf8'), type, choice.preview) : undefined,
  }
}

/** [MS-ASAIRS] Type 3: compressed RTF in base64, made of the plain text. A shorter text where all of it is over the limit. */
function renderRtf(plan: BodyPlan, choice: Choice, read: Read): Body | undefined {
  const plain = renderText({ ...plan, asOctets: false }, choice, 1, read)
  if (!plain) return undefined
  const packed = (text: string): string => Buffer.from(packRtf(Buffer.from(textToRtf(text), 'latin1'))).toString('base64')
  let text = plain.data ?? ''
  let data = packed(text)
  const size = Math.round(data.length * (plain.size + 1) / (utf8Length(text) + 1))
  while (data.length > choice.limit && text !== '') {
    text = cutUtf8(text, Math.floor(utf8Length(text) * Math.min(0.9, choice.limit / data.length)))
    data = packed(text)
  }
  const truncated = plain.truncated || size > choice.limit
  const kept = plain.data === undefined || data.length > choice.limit ? undefined : data
  return { type: 3, size, truncated, data: kept, preview: plain.preview ?? previewOf(text, 1, choice.preview) }
}

type Text = { readonly html: boolean; readonly text: string }

/** One below the other. */
function asText(texts: readonly Text[]): string {
  const pieces = texts.map(({ html, text }) => html ? htmlToText(text) : text).filter(text => text !== '')
  return pieces.map((text, index) => index < pieces.length - 1 && !text.endsWith('\n') ? `${text}\r\n` : text).join('')
}

const asHtml = (texts: readonly Text[]): string => texts.some(({ html }) => html)
  ? texts.map(({ html, text }) => html ? text : `<br>${htmlLines(text)}`).join('\r\n')
  : textToHtml(asText(texts))

/** TruncationSize 0: the size is known from the structure. */
function withoutData(list: readonly Source[], choice: Choice, type: 1 | 2, read: Read): Body {
  const size = list.reduce((sum, { part }) => sum + decodedSize(part.size, part.encoding), 0)
  const first = choice.preview > 0 ? list[0]?.part : undefined
  const text = first ? decodePart(first, read(first.section)) : ''
  const line = previewOf(text, first?.type === 'text/html' ? 2 : 1, choice.preview)
  return { type, size, truncated: size > 0, data: undefined, preview: line }
}

/** Part of the message text, in Unicode and fit for XML. */
function decodePart(part: Part, { octets, cut }: ReturnType<Read>): string {
  const decoded = decodeTransfer(octets, part.encoding)
  const text = (part.type === 'text/html' ? decodeHtml : decodeText)(decoded, part.parameters['charset'])
  const clean = cleanText(cut ? text.replace(/\ufffd$/, '') : text, decoded)
  const flowed = part.type === 'text/plain' && part.parameters['format']?.toLowerCase() === 'flowed'
  return flowed ? unflow(clean, part.parameters['delsp']?.toLowerCase() === 'yes') : clean
}

function previewOf(text: string, type: 1 | 2, length: number): string | undefined {
  if (length === 0) return undefined
  return preview(type === 2 ? htmlToText(text, { links: false, limit: length * 8 + 1000 }) : text, length) || undefined
}

/**
 * The message's own octets. [MS-ASDTYPE] string: inline text, never opaque data, which makes clients give up the whole answer
 * (Android's parser, 2014). Text of UTF-8, and so all of 7 bits, arrives exactly; NUL cannot be sent, other 8-bit octets are sent
 * as the characters they most likely are.
 */
function renderMime(plan: BodyPlan, choice: Choice, read: Read): Body {
  const { octets, cut } = choice.limit === 0 ? { octets: new Uint8Array(), cut: true } : read('')
  const text = decodeText(octets, undefined)
  const shown = cut ? text.replace(/\r$/, '') : text
  const [first] = choice.preview > 0 ? sources(plan.texts, 1) : []
  return {
    type: 4,
    size: cut ? Math.max(plan.message.size, octets.length) : octets.length,
    truncated: cut,
    data: choice.limit === 0 ? undefined : shown,
    preview: first && previewOf(decodePart(first.part, read(first.part.section)), first.converted ? 2 : 1, choice.preview),
  }
}

/** The children of [MS-ASAIRS] Body. `part` is its number in a multipart answer, which carries the data apart. */
export function bodyNodes({ type, size, truncated, data, octets, preview: line }: Body, part?: number): Node[] {
  const content = octets?.length ? { utf8: octets } : data
  return [
    el('AirSyncBase:Type', String(type)),
    el('AirSyncBase:EstimatedDataSize', String(size)),
    // [MS-ASCMD] MIMESupport (Sync) wants Truncated in every answer with MIME; elsewhere a false one confuses some clients
    ...(truncated || type === 4 ? [el('AirSyncBase:Truncated', truncated ? '1' : '0')] : []),
    ...(part !== undefined ? [el('ItemOperations:Part', String(part))] : content ? [el('AirSyncBase:Data', content)] : []),
    ...(line ? [el('AirSyncBase:Preview', line)] : []),
  ]
}

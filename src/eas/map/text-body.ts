import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8, decodeText, utf8Length } from '../../formats/charset.ts'
import { htmlToText, preview, textToHtml } from '../../formats/html.ts'
import { decompressRtf, packRtf } from '../../formats/rtf-compression.ts'
import { readRtf, textToRtf } from '../../formats/rtf.ts'
import type { BodyPreference } from '../../state/sync-options.ts'
import { child, el, octets, text, type Element, type Node } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { bodyNodes, type Body } from './body.ts'

/** Octets of text that are sent. */
const most = 4 * 1024 * 1024

/** A text, and what its writer made of it, where that was more. */
export type RichText = { readonly plain: string; readonly html: string | undefined }

/** A plain text, which has LF for line breaks, as the body of an item. `namespace` is where 2.5 has its elements. */
export function sayText(plain: string, bodies: readonly BodyPreference[], version: Version, namespace: 'Contacts' | 'Calendar' | 'Tasks'): Node[] {
  return sayRich({ plain, html: undefined }, bodies, version, namespace)
}

/** The same of a text that has a rich form beside it. */
export function sayRich(
  { plain, html }: RichText, bodies: readonly BodyPreference[], version: Version, namespace: 'Contacts' | 'Calendar' | 'Tasks',
): Node[] {
  const clean = cleanText(plain).replace(/\n/g, '\r\n')
  if (since(version, '12.0')) return [el('AirSyncBase:Body', bodyNodes(textBody(clean, html, bodies, since(version, '14.0'))))]
  const shown = cutUtf8(clean, plainLimit(bodies))
  if (clean === '') return []
  const size: Node[] = namespace === 'Calendar' ? [] : [el(`${namespace}:BodySize`, String(utf8Length(clean)))]
  return [...size, el(`${namespace}:BodyTruncated`, shown === clean ? '0' : '1'), el(`${namespace}:Body`, shown)]
}

const plainLimit = (bodies: readonly BodyPreference[]): number => bodies.find(({ type }) => type === 1)?.truncationSize ?? most

/** [MS-ASAIRS] BodyPreference: the form that is stored comes first where the client takes it. */
function textBody(clean: string, html: string | undefined, bodies: readonly BodyPreference[], previews = false): Body {
  const known = bodies.filter(({ type }) => type !== 4)
  const native = html ? 2 : 1
  const choices = [...known.filter(({ type }) => type === native), ...known.filter(({ type }) => type !== native)]
  const made = (choices.length > 0 ? choices : [{ type: 1 as const }]).map(choice => render(clean, html, choice, previews))
  const fits = made.find(({ body, withheld }) => !body.truncated || !withheld)
  return fits?.body ?? { ...made[0]!.body, data: undefined }
}

function render(
  clean: string, html: string | undefined, choice: BodyPreference, previews: boolean,
): { readonly body: Body; readonly withheld: boolean } {
  const type = choice.type === 2 || choice.type === 3 ? choice.type : 1
  const write = (text: string): string => type === 1 ? text : type === 2 ? html || textToHtml(text)
    : text && Buffer.from(packRtf(Buffer.from(textToRtf(text), 'latin1'))).toString('base64')
  const whole = write(clean)
  const size = utf8Length(whole)
  const limit = Math.min(choice.truncationSize ?? most, most)
  const truncated = size > limit
  // Packed text cannot be cut: less of it is packed.
  const data = !truncated ? whole : type !== 3 ? cutUtf8(whole, limit) : shorter(clean, limit, write)
  const line = previews && choice.preview && truncated ? preview(clean, Math.min(choice.preview, 255)) : undefined
  const withheld = choice.allOrNone === true && choice.truncationSize !== undefined
  return { body: { type, size, truncated, data: limit === 0 ? undefined : data, preview: line || undefined }, withheld }
}

function shorter(text: string, limit: number, write: (text: string) => string): string {
  for (let rest = text; rest !== ''; rest = cutUtf8(rest, Math.floor(utf8Length(rest) / 2))) {
    const written = write(rest)
    if (written.length <= limit) return written
  }
  return ''
}

/** The same with the rich form, of a client that sent one. Throws `malformed`. */
export function hearRich(data: Element, version: Version, namespace: 'Contacts' | 'Calendar' | 'Tasks'): RichText | undefined {
  const plain = hearText(data, version, namespace)
  const body = child(data, 'AirSyncBase:Body')
  const rich = body && text(body, 'AirSyncBase:Type') === '2' ? child(body, 'AirSyncBase:Data') : undefined
  if (plain === undefined || !rich || !since(version, '12.0')) return plain === undefined ? undefined : { plain, html: undefined }
  return { plain, html: cleanText(decodeText(octets(rich), undefined)).trim() || undefined }
}

/**
 * The plain text of a body that a client sent; undefined where it sent none, or one it says it has cut: what it does not have, it cannot
 * have changed. Throws `malformed`.
 */
export function hearText(data: Element, version: Version, namespace: 'Contacts' | 'Calendar' | 'Tasks'): string | undefined {
  if (since(version, '12.0')) return hearBody(child(data, 'AirSyncBase:Body'))
  const rich = text(data, `${namespace}:CompressedRTF`)
  const plain = text(data, `${namespace}:Body`)
  if (text(data, `${namespace}:BodyTruncated`) === '1') return undefined
  if (plain === undefined && rich) return tidy(readPacked(rich))
  return plain === undefined ? undefined : tidy(plain)
}

function hearBody(body: Element | undefined): string | undefined {
  const data = body && child(body, 'AirSyncBase:Data')
  const type = (body && text(body, 'AirSyncBase:Type')) || '1'
  if (!body || text(body, 'AirSyncBase:Truncated') === '1') return undefined
  if (!data) return body.children.length > 0 && type !== '1' ? undefined : ''
  const value = decodeText(octets(data), undefined)
  switch (type) {
    case '1': return tidy(value)
    case '2': return tidy(htmlToText(value))
    case '3': return tidy(readPacked(value))
    default: throw new Failure('malformed', 'a Body of no known Type')
  }
}

function readPacked(base64: string): string {
  const { html, text: read } = readRtf(decompressRtf(Buffer.from(base64, 'base64')))
  return html ? htmlToText(read) : read
}

/** What `hearText` makes of a body that comes back as it was told, cut or converted as that was. */
export const echoed = (plain: string, bodies: readonly BodyPreference[], version: Version): string =>
  echoedRich({ plain, html: undefined }, bodies, version)

/** The same of a text that has a rich form beside it. */
export function echoedRich({ plain, html }: RichText, bodies: readonly BodyPreference[], version: Version): string {
  const clean = cleanText(plain).replace(/\n/g, '\r\n')
  if (!since(version, '12.0')) return tidy(cutUtf8(clean, plainLimit(bodies)))
  const { type, data = '' } = textBody(clean, html, bodies)
  return tidy(type === 2 ? htmlToText(data) : type === 3 && data ? readPacked(data) : data)
}

/** As it is stored: LF for line breaks, none at the end. */
export const tidy = (value: string): string => cleanText(value).replace(/\r\n?/g, '\n').trimEnd()

import { decodeText } from '../formats/charset.ts'
import { rawField, type Header } from '../formats/header.ts'
import { decodeHtml } from '../formats/html.ts'
import { asPart, gathered, messageFields, multipart, part, regrouped, rewrite, withBody } from '../formats/mime-splice.ts'
import type { Edit, Made } from '../formats/mime-splice.ts'
import { parseEntity, type Entity } from '../formats/mime-tree.ts'
import { editHeader } from '../formats/mime-write.ts'
import { citedIds, quoteHtml, quoteText } from '../formats/quote.ts'
import { isInline, textPieces } from '../formats/structure.ts'
import { decodeTransfer } from '../formats/transfer-encoding.ts'
import { encodeBase64, encodeText, type Encoded } from '../formats/transfer-write.ts'
import type { Part } from '../model/message.ts'
import type { Call } from './command.ts'
import { isThere, wrapped, type Flowing } from './splice-flowing.ts'
import { copies, filesOf, isEight, quotationOf, wholeCopy, type Original } from './original.ts'

export type Splice = {
  readonly kind: 'reply' | 'forward'
  readonly original: Original
  /** [MS-ASCMD] ReplaceMime: the client sends all there is to send. */
  readonly replaceMime: boolean
}

/**
 * [MS-ASCMD] SmartForward, SmartReply: the client's message with the original below its text, and the original's files. What the
 * client sent and what the original holds go octet for octet, but for the client's text, which is written anew in UTF-8.
 */
export async function splice(call: Call, mime: Made, { kind, original, replaceMime }: Splice): Promise<Made> {
  const [begin, ...rest] = mime as [Uint8Array, ...Made]
  const own = parseEntity(begin)
  const flowing = rest.length > 0 ? { own, begin, rest } : undefined
  const append = threading(own, original.header, kind)
  // Nothing can be put into what is signed or encrypted: an answer goes as it is, a forwarded message goes beside it.
  const closed = isClosed(own)
  if (replaceMime || (closed && kind === 'reply')) return [editHeader(begin, { append }), ...rest]
  const { leaves, related, attached } = closed
    ? { leaves: new Map<Part, Made>(), related: [], attached: [wholeCopy(call, original)] }
    : await below(call, { own, flowing }, original, kind)
  const eight = isEight(own) || isEight(original.message.structure)
  const entity = flowing ? wrapped(flowing, { leaves, related, attached }) : joined(own, leaves, related, attached, eight)
  const fields = editHeader(Buffer.concat([messageFields(own.header), crlf]), { append })
  return gathered([fields.subarray(0, -2), ...entity])
}

const crlf = Buffer.from('\r\n')

/** S/MIME (RFC 8551) and OpenPGP (RFC 3156): changed, it is worth nothing. */
const isClosed = ({ type }: Part): boolean =>
  type === 'multipart/signed' || type === 'multipart/encrypted' || /^application\/(x-)?pkcs7-mime$/.test(type)

/** The client's message; `flowing` where it is not all there. */
type Written = { readonly own: Entity; readonly flowing: Flowing | undefined }

export type Below = {
  /** The client's text parts with the quotation. */
  readonly leaves: ReadonlyMap<Part, Made>
  /** Pictures of the quotation. */
  readonly related: readonly Made[]
  readonly attached: readonly Made[]
}

/**
 * A signed or encrypted message that is forwarded is attached whole, since no part of it proves anything or can be read without
 * the rest; the text of a signed one is quoted too. A text that is too long to be quoted goes along whole the same way.
 */
async function below(call: Call, { own, flowing }: Written, original: Original, kind: Splice['kind']): Promise<Below> {
  const targets = targetsOf(own, original, leaf => !flowing || isThere(flowing, leaf))
  const encode = flowing ? encodeBase64 : encodeText
  const leaves = new Map<Part, Made>()
  let whole = true
  let cited: ReadonlySet<string> = new Set()
  for (const { leaf, type } of targets) {
    const asked = await quotationOf(call, original, type, kind === 'reply')
    whole &&= asked.whole
    const before = leaf ? textOf(leaf) : ''
    const text = type === 2 ? quoteHtml(before, asked.quotation) : quoteText(before, asked.quotation)
    if (type === 2) cited = citedIds(asked.quotation.text)
    leaves.set(leaf ?? own, leaf ? textPart(leaf, type, encode(text)) : newText(type, encode(text)))
  }
  const files = filesOf(original)
  const shown = files.filter(one => isInline(one) && one.contentId !== undefined && cited.has(one.contentId))
  const related = await copies(call, original, shown)
  if (kind === 'reply') return { leaves, related, attached: [] }
  if (isClosed(original.message.structure) || !whole) return { leaves, related, attached: [wholeCopy(call, original)] }
  const attached = await copies(call, original, files.filter(one => !shown.includes(one)))
  return { leaves, related, attached }
}

/** The client's texts that get the quotation, each in its own kind; a new one in the original's where there is none. */
function targetsOf(own: Entity, original: Original, isWhole: (leaf: Part) => boolean): { readonly leaf: Entity | undefined; readonly type: 1 | 2 }[] {
  const last = textPieces(own).filter(({ plain = [], rich = [] }) => [...plain, ...rich].every(isWhole)).at(-1)
  const plain = last?.plain?.at(-1), rich = last?.rich?.findLast(({ type }) => type === 'text/html')
  const found = [
    ...(plain ? [{ leaf: plain as Entity, type: 1 as const }] : []),
    ...(rich ? [{ leaf: rich as Entity, type: 2 as const }] : []),
  ]
  if (found.length > 0) return found
  return [{ leaf: undefined, type: textPieces(original.message.structure).some(piece => piece.rich) ? 2 : 1 }]
}

function textOf({ body, encoding, type, parameters }: Entity): string {
  const octets = decodeTransfer(body, encoding)
  return (type === 'text/html' ? decodeHtml : decodeText)(octets, parameters['charset'])
}

const fieldsOf = (type: 1 | 2, encoding: string): [string, string][] => [
  ['Content-Type', `text/${type === 2 ? 'html' : 'plain'}; charset=utf-8`], ['Content-Transfer-Encoding', encoding],
]

const textPart = (leaf: Entity, type: 1 | 2, { encoding, octets }: Encoded): Made => withBody(leaf, fieldsOf(type, encoding), octets)
const newText = (type: 1 | 2, { encoding, octets }: Encoded): Made => part(fieldsOf(type, encoding), octets)

/** The client's tree with its new texts; pictures stand beside the text that shows them, files at the end. */
function joined(
  own: Entity, leaves: Below['leaves'], related: readonly Made[], attached: readonly Made[], eight: boolean,
): Made {
  const fresh = leaves.get(own)
  const inText: Edit = entity => {
    const made = leaves.get(entity)
    return made && [made]
  }
  // A client's message without text keeps its parts behind the new one.
  if (fresh && textPieces(own).length === 0) {
    const text = related.length > 0 ? multipart('related; type="text/html"', [fresh, ...related], eight) : fresh
    const empty = own.children.length === 0 && own.body.length === 0
    const rest = (): readonly Made[] => empty ? [] : [asPart(own, true)]
    const others = own.type === 'multipart/mixed' ? own.children.map(({ octets }): Made => [octets]) : rest()
    return others.length + attached.length > 0 ? multipart('mixed', [text, ...others, ...attached], eight) : text
  }
  const shown = bodyNode(own, leaves)
  const root = (entity: Entity) => ({ root: entity === own, eight })
  const inBody: Edit = entity => entity === shown && related.length > 0
    ? [multipart(`related; type="${shown.type}"`, [...rewrite(entity, inText, root(entity)), ...related], eight)]
    : inText(entity)
  if (attached.length === 0) return rewrite(own, inBody, root(own))[0]!
  if (own.type !== 'multipart/mixed') return multipart('mixed', [...rewrite(own, inBody, root(own)), ...attached], eight)
  return regrouped(own, [...own.children.flatMap(child => rewrite(child, inBody, { eight })), ...attached], eight)
}

/** The part that is the text with all its forms. */
function bodyNode(own: Entity, leaves: Below['leaves']): Entity {
  const holds = (entity: Entity): boolean => leaves.has(entity) || entity.children.some(holds)
  let node = own
  while (node.type === 'multipart/mixed') {
    const next = node.children.find(holds)
    if (!next) break
    node = next
  }
  return node
}

/** Message ids a References field keeps: the first, and the latest. */
const mostReferences = 30

/** RFC 5322, Identification Fields: added where the client left them out. A forwarded message is no answer: it names its original as Thunderbird does. */
function threading(own: Entity, original: Header, kind: Splice['kind']): [string, string][] {
  const has = (name: string): boolean => new RegExp(`^${name}[ \\t]*:`, 'im').test(Buffer.from(own.header).toString('latin1'))
  const ids = (name: string): string[] => (rawField(original, name) ?? '').match(/<[!-;=?-~]{1,500}>/g) ?? []
  const [id] = ids('message-id')
  if (!id) return []
  const before = ids('references').length > 0 ? ids('references') : ids('in-reply-to').slice(0, 1)
  const all = [...before.filter(one => one !== id), id]
  const kept = all.length > mostReferences ? [all[0]!, ...all.slice(1 - mostReferences)] : all
  return [
    ...(kind === 'reply' && !has('in-reply-to') ? [['In-Reply-To', id] as [string, string]] : []),
    ...(kind === 'forward' && !has('x-forwarded-message-id') ? [['X-Forwarded-Message-Id', id] as [string, string]] : []),
    ...(has('references') ? [] : [['References', kept.join('\r\n ')] as [string, string]]),
  ]
}

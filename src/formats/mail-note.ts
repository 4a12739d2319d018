import { randomUUID } from 'node:crypto'
import type { Note, NotePatch } from '../model/note.ts'
import { cleanText, decodeText } from './charset.ts'
import { decodeWords, encodeWords } from './encoded-words.ts'
import { unflow } from './flowed.ts'
import { field, parseDate, parseHeader, rawField, type Header } from './header.ts'
import { decodeHtml, htmlLines, htmlToText } from './html.ts'
import { asPart, messageFields, multipart, part, rewrite, withBody, type Edit, type Made } from './mime-splice.ts'
import { parseEntity, type Entity } from './mime-tree.ts'
import { editHeader, printDate } from './mime-write.ts'
import { textPieces } from './structure.ts'
import { decodeTransfer } from './transfer-encoding.ts'
import { encodeText } from './transfer-write.ts'

/**
 * A note as a message of a mailbox, as Apple's programs keep it: Subject is its first line, the text is one part in HTML, beside which
 * pictures may stand (multipart/related). `Date` says when it was changed. Their form is documented nowhere; others write text/plain.
 */
const kindField = 'X-Postern-Note-Kind'

/** Reads the octets of a message as a note. Never throws: every message is one. */
export function readMailNote(octets: Uint8Array): Note {
  const tree = parseEntity(octets), header = parseHeader(tree.header)
  const { text, html } = textOf(tree)
  return {
    subject: field(header, 'subject') ?? '', text, html,
    categories: [...new Set(categoriesOf(header))],
    modified: parseDate(rawField(header, 'date') ?? ''),
    kind: field(header, kindField.toLowerCase()) || undefined,
  }
}

const lines = (text: string): string => cleanText(text).replace(/\r\n?/g, '\n').trimEnd()

function textOf(tree: Entity): { readonly text: string; readonly html: string | undefined } {
  const leaves = leavesOf(tree)
  const isRich = leaves.some(({ type }) => type === 'text/html')
  if (!isRich) return { text: leaves.map(plainOf).join('\n'), html: undefined }
  const html = leaves.map(leaf => leaf.type === 'text/html' ? htmlOf(leaf) : htmlLines(plainOf(leaf))).join('\n')
  return { text: lines(htmlToText(html)), html: cleanText(html).trim() || undefined }
}

/** Parts that are the text, HTML where there is a choice: parts of the tree they are looked for in. */
const leavesOf = (tree: Entity): readonly Entity[] => textPieces(tree).flatMap(({ plain = [], rich = plain }) => rich as readonly Entity[])

const decoded = ({ body, encoding }: Entity): Uint8Array => decodeTransfer(body, encoding)
const htmlOf = (leaf: Entity): string => decodeHtml(decoded(leaf), leaf.parameters['charset'])

function plainOf(leaf: Entity): string {
  const text = decodeText(decoded(leaf), leaf.parameters['charset'])
  const { format, delsp } = leaf.parameters
  return lines(format?.toLowerCase() === 'flowed' ? unflow(text, delsp?.toLowerCase() === 'yes') : text)
}

// RFC 5322, Informational Fields: phrases between commas
function categoriesOf(header: Header): string[] {
  const raw = header.fields.filter(({ name }) => name === 'keywords').map(({ value }) => value).join(',')
  const phrases = raw.match(/(?:"(?:[^"\\]|\\.)*"|[^",]|")+/g) ?? []
  return phrases.map(one => cleanText(decodeWords(one.trim().replace(/^"(.*)"$/, '$1').replace(/\\(.)/g, '$1'))).replace(/\s+/g, ' ').trim()).filter(Boolean)
}

/** A phrase as RFC 5322 has it: of words that are atoms, else encoded. */
const phrase = (name: string): string => /^[\w+-]+(?: [\w+-]+)*$/.test(name) ? name : encodedPhrase(name)

function encodedPhrase(name: string): string {
  // What is ASCII throughout stays as it is there, commas and quotes included.
  const words = encodeWords(name)
  if (words !== name) return words
  return (name.match(/.{1,45}/gs) ?? []).map(piece => `=?utf-8?B?${Buffer.from(piece).toString('base64')}?=`).join('\r\n ')
}

const printCategories = (categories: readonly string[]): string => categories.map(phrase).join(',\r\n ')

/**
 * The stored message with what is to change in it. Other fields and parts keep every octet; Date says when, and the message gets a
 * Message-ID of its own, as it is another one.
 */
export function patchMailNote(octets: Uint8Array, patch: NotePatch, now: Date): Uint8Array {
  const before = readMailNote(octets)
  const isNewText = patch.text !== undefined && (patch.text !== before.text || (patch.html !== undefined && patch.html !== before.html))
  // Who leaves the subject to us has it follow the first line, where it did so before.
  const follows = isNewText && patch.subject === undefined && before.subject === firstLine(before.text)
  const subject = follows ? firstLine(patch.text) : patch.subject
  const wanted: readonly (readonly [name: string, value: string, isNew: boolean])[] = [
    ['Subject', encodeWords(subject ?? ''), subject !== undefined && subject !== before.subject],
    ['Keywords', printCategories(patch.categories ?? []), patch.categories !== undefined && patch.categories.join('\n') !== before.categories.join('\n')],
    [kindField, encodeWords(patch.kind ?? ''), patch.kind !== undefined && patch.kind !== (before.kind ?? '')],
  ]
  const changes = wanted.filter(([, , isNew]) => isNew)
  if (!isNewText && changes.length === 0) return octets
  const edits = {
    set: [...changes.filter(([, value]) => value !== '').map(([name, value]) => [name, value] as const), ['Date', printDate(now)] as const, messageId(octets)],
    remove: changes.filter(([, value]) => value === '').map(([name]) => name),
  }
  if (!isNewText) return editHeader(octets, edits)
  const tree = parseEntity(octets)
  const fields = editHeader(Buffer.concat([messageFields(tree.header), Buffer.from('\r\n')]), edits)
  return Buffer.concat([fields.subarray(0, -2), ...withText(tree, { text: patch.text, html: patch.html }) as readonly Uint8Array[]])
}

/** As the user sees it in a list. */
const firstLine = (text: string): string => text.trimStart().split('\n', 1)[0]!.replace(/\s+/g, ' ').trim().slice(0, 250)

function messageId(octets: Uint8Array): readonly [name: string, value: string] {
  const before = rawField(parseHeader(octets), 'message-id') ?? ''
  return ['Message-ID', `<${randomUUID()}${/@[\w.-]+/.exec(before)?.[0] ?? '@notes.invalid'}>`]
}

type Text = { readonly text: string; readonly html: string | undefined }

/** The same body with another text: in HTML where it was, and where the new one is. */
function withText(tree: Entity, { text, html }: Text): Made {
  const all = new Set<unknown>(textPieces(tree).flatMap(({ plain = [], rich = [] }) => [...plain, ...rich]))
  const leaves = leavesOf(tree)
  const main = leaves.find(({ type }) => type === 'text/html') ?? leaves[0]
  // Another form of the same text.
  const other = textPieces(tree)[0]?.plain?.find(one => one !== main)
  const isRich = html !== undefined || main?.type !== 'text/plain'
  const said = isRich ? textPart('html', shown(html ?? noteHtml(text), main)) : textPart('plain', text)
  if (!main) return multipart('mixed', [part(said.fields, said.octets), asPart(tree, true)])
  const edit: Edit = entity => {
    if (entity === main) return [withBody(entity, said.fields, said.octets)]
    if (!all.has(entity)) return undefined
    const { fields, octets } = textPart('plain', text)
    return entity === other ? [withBody(entity, fields, octets)] : []
  }
  return rewrite(tree, edit, { root: true, eight: isEight(tree) })[0]!
}

const isEight = ({ encoding, children }: Entity): boolean => encoding === '8bit' || encoding === 'binary' || children.some(isEight)

function textPart(subtype: string, content: string) {
  const { encoding, octets } = encodeText(content)
  return { fields: [['Content-Type', `text/${subtype}; charset=utf-8`], ['Content-Transfer-Encoding', encoding]] as const, octets }
}

/** What Apple's programs show a picture or a file of the note by, and what others do; and which part it means. */
const embedded = /<(?:object|img)\b[^<>]{0,2000}>/gi
const meant = /\b(?:data|src)\s{0,5}=\s{0,5}["']?cid:([^"'\s>]{1,500})/i

/** The new text, with what the old one showed beside its words at the end where the new one does not show it. */
function shown(html: string, before: Entity | undefined): string {
  if (before?.type !== 'text/html') return html
  const kept = [...htmlOf(before).matchAll(embedded)].map(([tag]) => tag).slice(0, mostShown).filter(tag => {
    const part = meant.exec(tag)?.[1]
    return part !== undefined && !html.includes(`cid:${part}`)
  })
  if (kept.length === 0) return html
  const elements = kept.map(tag => `<div>${tag}${/^<object/i.test(tag) && !tag.endsWith('/>') ? '</object>' : ''}</div>`).join('')
  const end = html.search(/<\/body\s{0,5}>/i)
  return end < 0 ? html + elements : html.slice(0, end) + elements + html.slice(end)
}

const mostShown = 1000

/** Plain text as these programs write it: the first line stands by itself, each other one in a block. */
function noteHtml(text: string): string {
  const [first = '', ...rest] = text.split('\n')
  return `<html><head></head><body>${[htmlLines(first), ...rest.map(line => `<div>${htmlLines(line) || '<br>'}</div>`)].join('\r\n')}</body></html>`
}

/** A new message; whose it is among notes, `X-Universally-Unique-Identifier` says, which the mailbox's store writes. */
export function newMailNote(patch: NotePatch, from: string, now: Date): Uint8Array {
  const text = patch.text ?? '', { fields, octets } = textPart('html', patch.html ?? noteHtml(text))
  const date = printDate(now), subject = patch.subject || firstLine(text)
  const head: readonly (readonly [string, string])[] = [
    ['Subject', encodeWords(subject)], ['From', from], ['X-Uniform-Type-Identifier', 'com.apple.mail-note'], ['Date', date], ['X-Mail-Created-Date', date],
    ['Message-ID', `<${randomUUID()}${/@[\w.-]+$/.exec(from)?.[0] ?? '@notes.invalid'}>`], ['MIME-Version', '1.0'],
    ...patch.categories?.length ? [['Keywords', printCategories(patch.categories)] as const] : [],
    ...patch.kind ? [[kindField, encodeWords(patch.kind)] as const] : [], ...fields,
  ]
  return editHeader(Buffer.concat(part([], octets) as readonly Uint8Array[]), { append: head })
}

/** The beginning of a message, as far as its text goes: enough to read the note, and no more. */
export function upToText(octets: Uint8Array): Uint8Array {
  const leaves = leavesOf(parseEntity(octets))
  const end = Math.max(0, ...leaves.map(({ body }) => body.byteOffset + body.length - octets.byteOffset))
  return end === 0 || octets.length - end < 4096 ? octets : Buffer.from(octets.subarray(0, end))
}

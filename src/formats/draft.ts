import { encodeWords } from './encoded-words.ts'
import { htmlToText } from './html.ts'
import { assemble, messageFields, multipart, part, regrouped, rewrite, type Edit, type Made } from './mime-splice.ts'
import { parseEntity, type Entity } from './mime-tree.ts'
import { editHeader, type HeaderEdits } from './mime-write.ts'
import { attachments, textPieces } from './structure.ts'
import { base64Lines, encodeText } from './transfer-write.ts'

export type DraftFile = {
  readonly name: string
  readonly type: string
  readonly content: Uint8Array
  readonly contentId: string | undefined
  readonly location: string | undefined
  /** Shown in the text. */
  readonly inline: boolean
  /** A message in itself: RFC 2046, RFC822 Subtype. */
  readonly message: boolean
}

export type DraftEdit = {
  readonly header: HeaderEdits
  /** Undefined leaves the text as it is; 1 is plain, 2 HTML. */
  readonly text: { readonly type: 1 | 2; readonly value: string } | undefined
  readonly add: readonly DraftFile[]
  /** Section numbers of parts that go. */
  readonly remove: ReadonlySet<string>
}

const blank = Buffer.from('MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n')

/**
 * A stored message changed as its writer wishes, or a new one. Header fields and parts that are not named in `edit` keep every
 * octet; the text is replaced in all its forms. Throws `too-large` above `most` octets.
 */
export async function editDraft(stored: Uint8Array = blank, edit: DraftEdit, most: number): Promise<Uint8Array> {
  const tree = parseEntity(stored)
  const fields = editHeader(Buffer.concat([messageFields(tree.header), Buffer.from('\r\n')]), edit.header)
  return assemble([fields.subarray(0, -2), ...arranged(tree, edit)], most)
}

/** The part that a file becomes, always the same octets. */
export function filePart({ name, type, content, contentId, location, inline, message }: DraftFile): Made {
  const fields: [string, string][] = [
    ['Content-Type', message ? 'message/rfc822' : `${type};\r\n name="${parameter(name)}"`],
    ['Content-Disposition', `${inline ? 'inline' : 'attachment'};\r\n ${filename(name)}`],
    ...(contentId ? [['Content-ID', `<${contentId.replace(/[<>\s]/g, '')}>`] as [string, string]] : []),
    ...(location ? [['Content-Location', encodeWords(location.replace(/\s/g, ''))] as [string, string]] : []),
  ]
  // RFC 2046, RFC822 Subtype: nothing but 7bit, 8bit or binary
  if (message) return part([...fields, ['Content-Transfer-Encoding', hasEight(content) ? '8bit' : '7bit']], content)
  return part([...fields, ['Content-Transfer-Encoding', 'base64']], base64Lines(content))
}

const hasEight = (octets: Uint8Array): boolean => octets.some(octet => octet > 127)

/** Programs that know no RFC 2231 look here, and read RFC 2047 against its rules. */
const parameter = (name: string): string => encodeWords(name.replace(/["\\\r\n]/g, '_'))

/** RFC 2231, Character set and Language Information. */
const filename = (name: string): string => /^[\x20-\x7e]*$/.test(name)
  ? `filename="${name.replace(/["\\]/g, '\\$&')}"`
  : `filename*=utf-8''${encodeURIComponent(name.toWellFormed()).replace(/['()*!]/g, percent)}`
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

const isEight = ({ encoding, children }: Entity): boolean =>
  encoding === '8bit' || encoding === 'binary' || children.some(isEight)

function arranged(tree: Entity, { text, add, remove }: DraftEdit): Made {
  const eight = isEight(tree) || add.some(file => file.message && hasEight(file.content))
  const [first, ...others] = textPieces(tree).map(({ plain = [], rich = [] }) => new Set<unknown>([...plain, ...rich]))
  const body = first && covering(tree, first)
  // The client has seen all the text as one.
  const gone = new Set(text ? others.flatMap(piece => [...piece]) : [])
  const isRemoved = (entity: Entity): boolean => entity.children.length === 0 && remove.has(entity.section) && !first?.has(entity)
  const inner: Edit = entity => {
    if (text && entity === body) return [replaced(entity, text, remove, eight)]
    return gone.has(entity) || isRemoved(entity) ? [] : undefined
  }
  const parts = (entity: Entity, edited: Edit): Made[] => entity.children.flatMap(one => rewrite(one, edited, { eight }))
  const inline = add.filter(file => file.inline).map(filePart), files = add.filter(file => !file.inline).map(filePart)
  const related = body && above(tree, body, 'multipart/related')
  const around: Edit = entity => {
    if (inline.length === 0 || entity !== (related ?? body)) return inner(entity)
    const kept = entity === related ? parts(entity, inner) : rewrite(entity, inner, { root: entity === tree, eight })
    return [entity === related ? regrouped(entity, [...kept, ...inline], eight) : together([...kept, ...inline], eight)]
  }
  const before = text && !body ? [written(text, eight)] : [], after = [...body ? [] : inline, ...files]
  const same = (): readonly Made[] => rewrite(tree, around, { root: true, eight })
  if (before.length + after.length === 0) return same()[0] ?? written({ type: 1, value: '' }, eight)
  const mixed = tree.type === 'multipart/mixed'
  const all = [...before, ...mixed ? parts(tree, around) : same(), ...after]
  return mixed ? regrouped(tree, all, eight) : multipart('mixed', all, eight)
}

/** The text in both forms where it is HTML. */
function written({ type, value }: { readonly type: 1 | 2; readonly value: string }, eight: boolean): Made {
  const form = (subtype: string, content: string): Made => {
    const { encoding, octets } = encodeText(content)
    return part([['Content-Type', `text/${subtype}; charset=utf-8`], ['Content-Transfer-Encoding', encoding]], octets)
  }
  if (type === 1) return form('plain', value)
  return multipart('alternative', [form('plain', htmlToText(value)), form('html', value)], eight)
}

/** RFC 2387: HTML, in whatever forms, and what it shows. */
const together = (all: readonly Made[], eight: boolean): Made => multipart('related; type="text/html"', all, eight)

/** The new text in the place of the old; pictures that stood inside of the old one stay beside it. */
function replaced(old: Entity, text: NonNullable<DraftEdit['text']>, remove: ReadonlySet<string>, eight: boolean): Made {
  const pictures = old.children.length > 0
    ? (attachments(old) as readonly unknown[] as readonly Entity[]).filter(({ section }) => !remove.has(section)) : []
  const made = written(text, eight)
  return pictures.length > 0 ? together([made, ...pictures.map((one): Made => [one.octets])], eight) : made
}

/** The deepest part that holds all of them. */
function covering(tree: Entity, wanted: ReadonlySet<unknown>): Entity {
  const count = (entity: Entity): number =>
    entity.children.reduce((sum, one) => sum + count(one), wanted.has(entity) ? 1 : 0)
  let node = tree
  for (;;) {
    const next = node.children.find(one => count(one) === wanted.size)
    if (!next) return node
    node = next
  }
}

/** The closest part of that type above `below`. */
function above(tree: Entity, below: Entity, type: string): Entity | undefined {
  const holds = (entity: Entity): boolean => entity.children.some(one => one === below || holds(one))
  let found: Entity | undefined
  let node: Entity | undefined = tree
  while (node && node !== below) {
    if (node.type === type) found = node
    node = node.children.find(one => one === below || holds(one))
  }
  return found
}

import type { Part } from '../model/message.ts'

/** Levels of multiparts that are looked into; no honest message comes near. */
const deepest = 50
/** Pieces of text one message may be put together from. */
const mostPieces = 16

/**
 * A piece of a message's text in the forms it comes in, each a row of text/plain and text/html parts; at least one form is
 * there. `rich` has HTML in it, `plain` has none.
 */
export type TextPiece = { readonly plain?: readonly Part[]; readonly rich?: readonly Part[] }

const isMessage = (part: Part): boolean => part.type === 'message/rfc822' || part.type === 'message/global'
const isMultipart = (part: Part): boolean => part.type.startsWith('multipart/')

/** Shown as text by every mail program. */
const isText = (part: Part): boolean => part.type === 'text/plain' || part.type === 'text/html'
const isAttached = (part: Part): boolean => part.disposition === 'attachment'
const isNamed = (part: Part): boolean => isAttached(part) || part.filename !== undefined

/**
 * The message's text, first to last: RFC 2046, Multipart Media Type (alternative, mixed), RFC 2387 (related), RFC 1847 (signed).
 * Several pieces come from programs that put pictures between paragraphs, and from lists that add a footer. Empty for
 * a message without text.
 */
export function textPieces(root: Part): readonly TextPiece[] {
  const found = pieces(root, 0, isNamed)
  // Some programs give the text itself a name.
  return found.length > 0 ? found.slice(0, mostPieces) : pieces(root, 0, isAttached).slice(0, 1)
}

function pieces(part: Part, depth: number, isFile: (part: Part) => boolean): TextPiece[] {
  if (isFile(part) || depth > deepest) return []
  if (part.type === 'text/html') return [{ rich: [part] }]
  if (part.type === 'text/plain') return [{ plain: [part] }]
  switch (part.type) {
    case 'multipart/alternative': return alternative(part.children.map(child => pieces(child, depth + 1, isFile)))
    case 'multipart/related': return part.children.length > 0 ? pieces(relatedRoot(part)!, depth + 1, isFile) : []
    case 'multipart/signed': return part.children[0] ? pieces(part.children[0], depth + 1, isFile) : []
    // RFC 6522, Multipart/Report: the first part is the one for people
    case 'multipart/report': return piecesWithin(part, depth, isFile).slice(0, 1)
    default: return isMultipart(part) ? piecesWithin(part, depth, isFile) : []
  }
}

function piecesWithin(part: Part, depth: number, isFile: (part: Part) => boolean): TextPiece[] {
  const all: TextPiece[] = []
  for (const child of part.children) all.push(...pieces(child, depth + 1, isFile))
  return all
}

/** The first branch without HTML and the last with it, which by the sender's order is the better one. */
function alternative(branches: readonly TextPiece[][]): TextPiece[] {
  const plain = branches.find(branch => branch.length > 0 && !branch.some(piece => piece.rich))
  const rich = branches.findLast(branch => branch.some(piece => piece.rich))
  const richest = rich?.some(piece => piece.rich && piece.plain) ? rich : undefined
  if (!plain || richest) return richest ?? rich ?? plain ?? []
  return [{ plain: row(plain), ...(rich && { rich: row(rich) }) }]
}

const row = (branch: readonly TextPiece[]): Part[] => branch.flatMap(({ plain, rich }) => rich ?? plain ?? [])

// RFC 2387, The Start Parameter
function relatedRoot(part: Part): Part | undefined {
  const start = part.parameters['start']?.replace(/^<|>$/g, '')
  return part.children.find(child => start !== undefined && child.contentId === start) ?? part.children[0]
}

/** The part each form of the text begins with: for a preview or a quotation. */
export function textBodies(root: Part): { readonly plain?: Part; readonly html?: Part } {
  const [piece] = textPieces(root)
  const plain = piece?.plain?.[0], html = piece?.rich?.find(part => part.type === 'text/html')
  return { ...(plain && { plain }), ...(html && { html }) }
}

/**
 * Everything a person would look for as a file, in order: files, pictures shown inside, forwarded messages, and texts that
 * are no piece of the body. Other alternatives of the text (AMP, enriched) are no files. `texts` are its pieces, where they are known.
 */
export function attachments(root: Part, texts = textPieces(root)): readonly Part[] {
  const shown = new Set<Part>()
  for (const { plain = [], rich = [] } of texts) {
    for (const part of plain) shown.add(part)
    for (const part of rich) shown.add(part)
  }
  const found: Part[] = []
  const collect = (part: Part, parent: Part | undefined, depth: number): void => {
    if (shown.has(part) || depth > deepest) return
    if (isMultipart(part)) for (const child of part.children) collect(child, part, depth + 1)
    else if (!isOtherForm(part, parent)) found.push(part)
  }
  collect(root, undefined, 0)
  return found
}

/** A text nobody named, another form of the body. A calendar that is an invitation is taken out of the tree before. */
function isOtherForm(part: Part, parent: Part | undefined): boolean {
  if (isNamed(part) || part.type === 'text/calendar') return false
  return part.type.startsWith('text/') && parent?.type === 'multipart/alternative'
}

/** Whether the part is shown in the text rather than beside it. */
export function isInline(part: Part): boolean {
  if (isMessage(part) || isText(part)) return false
  if (part.contentId === undefined && part.location === undefined) return false
  return part.disposition === 'inline' || (part.disposition !== 'attachment' && part.type.startsWith('image/'))
}

/** The part of that section number, undefined when there is none. Parts of a forwarded message are found too. */
export function find(root: Part, section: string): Part | undefined {
  const waiting = [root]
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    if (part.section === section) return part
    for (const child of part.children) waiting.push(child)
  }
  return undefined
}

/** The tree with the part of that section taken out, or with another in its place. */
export function replacePart(root: Part, section: string, by: Part | undefined): Part {
  if (root.section === section) return by ?? root
  if (!root.children.some(child => contains(child, section))) return root
  return { ...root, children: root.children.flatMap(child =>
    child.section === section ? by ?? [] : replacePart(child, section, by)) }
}

const contains = (part: Part, section: string): boolean => find(part, section) !== undefined

/** The first part in the message itself, not in one that came with it, for which it holds. */
export function firstPart(root: Part, holds: (part: Part) => boolean, depth = 0): Part | undefined {
  if (holds(root)) return root
  if (!isMultipart(root) || depth > deepest) return undefined
  for (const child of root.children) {
    const found = firstPart(child, holds, depth + 1)
    if (found) return found
  }
  return undefined
}

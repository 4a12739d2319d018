import { asPart, multipart, type Made, type Piece } from '../formats/mime-splice.ts'
import type { Entity } from '../formats/mime-tree.ts'
import type { Part } from '../model/message.ts'
import type { Below } from './splice.ts'

/** A client's message of which only the beginning is there; `own` is what can be read of that. */
export type Flowing = { readonly own: Entity; readonly begin: Uint8Array; readonly rest: Made }

/** A boundary at the end of what is there may be cut, and be none: the part before it is taken for one that goes on. */
const mostBoundary = 1000

/** Whether a part of the client's message is there to its end. */
export const isThere = ({ begin }: Flowing, part: Part): boolean => offsets(begin, part as Entity).end < begin.length - mostBoundary

function offsets(begin: Uint8Array, { octets }: Entity): { readonly start: number; readonly end: number } {
  const start = octets.byteOffset - begin.byteOffset
  return { start, end: start + octets.length }
}

/**
 * The client's message with its new texts in their places, and around it, as nothing can be put before an end that is not there, what
 * belongs to it: pictures of the quotation, files of the original. A text of its own stands beside it.
 */
export function wrapped({ own, begin, rest }: Flowing, { leaves, related, attached }: Below): Made {
  const fresh = leaves.get(own)
  const client: Made = [...replaced({ own, begin, rest }, leaves)]
  const shown = fresh ?? client
  const type = fresh ? 'text/html' : own.type
  const text = related.length > 0 ? multipart(`related; type="${type}"`, [shown, ...related], true) : shown
  const parts = !fresh ? [text] : own.type.startsWith('text/') ? [client, text] : [text, client]
  return parts.length + attached.length > 1 ? multipart('mixed', [...parts, ...attached], true) : text
}

/** What stands between the texts stays octet for octet. Boundaries are the client's, so texts are written such that they hold none. */
function* replaced({ own, begin, rest }: Flowing, leaves: Below['leaves']): Generator<Piece> {
  const edits = [...leaves].filter(([leaf]) => leaf !== own)
    .map(([leaf, made]) => ({ ...offsets(begin, leaf as Entity), made })).toSorted((a, b) => a.start - b.start)
  const [head, body] = asPart(own, true) as [Uint8Array, Uint8Array]
  yield head
  let at = begin.length - body.length
  for (const { start, end, made } of edits) {
    yield begin.subarray(at, start)
    yield* made
    at = end
  }
  yield begin.subarray(at)
  yield* rest
}

import { Failure } from '../base/failure.ts'
import { sliceStream } from '../formats/transfer-stream.ts'
import { el, type Content, type Node } from '../wire/wbxml.ts'
import { texts, type MimeText } from './mime-stream.ts'

/** Octets of `m-n`, both included, as far as there are any. Throws `malformed` for what is no range of `total` octets. */
export function octetRange(range: string, total: number): { readonly from: number; readonly to: number } {
  const [, first = '', last = ''] = /^(\d{1,15})-(\d{1,15})$/.exec(range) ?? []
  const from = Number(first || NaN), to = Math.min(Number(last || NaN), total - 1)
  if (!(from <= to)) throw new Failure('malformed', 'a range that is none of this')
  return { from, to }
}

/**
 * [MS-ASCMD] Range (ItemOperations), of the data an item's Body would have, in octets of UTF-8: what is told begins and ends where
 * characters do, so it may be a little more than was asked for. Throws `malformed`.
 */
export function itemRange(nodes: readonly Node[], range: string): Node[] {
  const body = nodes.find(({ tag }) => tag === 'AirSyncBase:Body')
  const data = (body?.children as readonly Node[] | undefined)?.find(({ tag }) => tag === 'AirSyncBase:Data')
  if (!body || !data) throw new Failure('malformed', 'a range of nothing')
  const { from, to, total, content } = typeof data.children === 'string' ? ofText(data.children, range) : ofMime(data.children as MimeText, range)
  const within = (body.children as readonly Node[]).filter(({ tag }) => tag !== 'AirSyncBase:Truncated').flatMap(node => [
    ...(node === data && to - from + 1 < total ? [el('AirSyncBase:Truncated', '1')] : []),
    node === data ? el(node.tag, content) : node,
  ])
  return [
    el('ItemOperations:Range', `${from}-${to}`), el('ItemOperations:Total', String(total)),
    ...nodes.map(node => node === body ? el(node.tag, within) : node),
  ]
}

type Ranged = { readonly from: number; readonly to: number; readonly total: number; readonly content: Content }

function ofText(text: string, range: string): Ranged {
  const octets = Buffer.from(text, 'utf8')
  let { from, to } = octetRange(range, octets.length)
  while (from > 0 && isInside(octets[from]!)) from--
  while (to + 1 < octets.length && isInside(octets[to + 1]!)) to++
  return { from, to, total: octets.length, content: octets.toString('utf8', from, to + 1) }
}

/** An octet of UTF-8 with which no character begins. */
const isInside = (octet: number): boolean => (octet & 0xc0) === 0x80

function ofMime({ octets, length: total }: MimeText, range: string): Ranged {
  const { from, to } = octetRange(range, total)
  const slice = sliceStream(octets, from, to - from + 1)
  const content: MimeText = { text: texts(slice), octets: slice, length: to - from + 1 }
  return { from, to, total, content }
}

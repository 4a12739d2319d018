import type { Part } from '../model/message.ts'
import { decodeParameters, parseHeader, parseParameters, rawField } from './header.ts'
import { splitMessage } from './mime-write.ts'

/** A part of a message held in memory, with views of its octets. Sections are numbered as an IMAP server numbers them. */
export type Entity = Omit<Part, 'children'> & {
  /** Header, empty line and body as they stand. */
  readonly octets: Uint8Array
  /** Header fields with their line ends, without the empty line. */
  readonly header: Uint8Array
  readonly body: Uint8Array
  readonly children: readonly Entity[]
}

/** Levels that are looked into, and parts of one message; what is beyond stays octets. */
const deepest = 50, mostParts = 5000

/** RFC 2045 and 2046: the tree of a whole message. Never throws; what is no multipart as it says is a leaf or ends early. */
export function parseEntity(bytes: Uint8Array): Entity {
  const left = { parts: mostParts }
  return read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), '', 'text/plain', 0, left)
}

function read(octets: Buffer, section: string, otherwise: string, depth: number, left: { parts: number }): Entity {
  left.parts--
  const { header, bodyOffset } = splitMessage(octets)
  const body = octets.subarray(bodyOffset)
  const fields = parseHeader(header)
  const given = parseParameters(rawField(fields, 'content-type') ?? otherwise)
  const type = given.value.includes('/') ? given.value : otherwise
  const disposition = parseParameters(rawField(fields, 'content-disposition') ?? '')
  const multipart = type.startsWith('multipart/')
  const inside = multipart && depth < deepest ? pieces(body, given.parameters['boundary'] ?? '') : []
  const next = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
  const children: Entity[] = []
  for (const [index, piece] of inside.entries()) {
    if (left.parts <= 0) break
    children.push(read(piece, section ? `${section}.${index + 1}` : String(index + 1), next, depth + 1, left))
  }
  return {
    octets, header, body, type, children,
    section: section || (multipart ? '' : '1'),
    parameters: given.parameters,
    encoding: (rawField(fields, 'content-transfer-encoding') ?? '7bit').replace(/[\s;(].*/, '').toLowerCase(),
    size: multipart ? 0 : body.length,
    contentId: rawField(fields, 'content-id')?.replace(/^<|>$/g, ''),
    location: rawField(fields, 'content-location'),
    disposition: disposition.value || undefined,
    filename: decodeParameters(disposition.parameters)['filename'] ?? given.parameters['name'],
  }
}

const LF = 0x0a, CR = 0x0d

/** RFC 2046, Common Syntax. A line that only begins like the boundary is none; the line end before a boundary belongs to it. */
function pieces(body: Buffer, boundary: string): Buffer[] {
  if (boundary === '') return []
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  const found: Buffer[] = []
  let start = -1
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) {
    if (at > 0 && body[at - 1] !== LF) continue
    const end = body.indexOf(LF, at) + 1 || body.length
    const rest = body.toString('latin1', at + mark.length, Math.min(end, at + mark.length + 1000)).trim()
    if (rest !== '' && rest !== '--') continue
    if (start >= 0) found.push(body.subarray(start, Math.max(start, withoutLineEnd(body, at))))
    if (rest === '--') return found
    start = end
  }
  if (start >= 0) found.push(body.subarray(start))
  return found
}

/** Where the line before `at` ends without its line end. */
const withoutLineEnd = (body: Buffer, at: number): number =>
  at > 1 && body[at - 1] === LF && body[at - 2] === CR ? at - 2 : at > 0 && body[at - 1] === LF ? at - 1 : at

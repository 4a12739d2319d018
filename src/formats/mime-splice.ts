import { randomBytes } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Flow } from '../model/message.ts'
import type { Entity } from './mime-tree.ts'

/** Octets that are there, or that are read when they are written. */
export type Piece = Uint8Array | Flow

/** A MIME entity to be written: header, empty line and body. It needs no line end behind it. */
export type Made = readonly Piece[]

/** What becomes of a part: itself changed, several others, nothing; undefined leaves it to its children. */
export type Edit = (entity: Entity) => readonly Made[] | undefined

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Fields that describe a body and not a message: RFC 2045, MIME Header Fields. */
const describes = (line: string): boolean => /^content-/i.test(line)

/** Header lines, folded ones whole, each with CRLF. */
const linesOf = (header: Uint8Array): string[] => Buffer.from(header).toString('latin1').split(/\r?\n(?![ \t])/)
  .filter(line => line !== '').map(line => `${line.replace(/\r?\n/g, '\r\n')}\r\n`)

const contentFields = (header: Uint8Array): string[] => linesOf(header).filter(describes)

/** The message's own fields, without those that describe its body. */
export const messageFields = (header: Uint8Array): Uint8Array => ascii(linesOf(header).filter(line => !describes(line)).join(''))

/** The part as it stands; of a whole message what describes its body. */
export const asPart = (entity: Entity, root: boolean): Made => root
  ? [ascii(`${contentFields(entity.header).join('')}\r\n`), entity.body]
  : [entity.octets]

/** A part made anew of header fields and a body. */
export const part = (fields: readonly (readonly [name: string, value: string])[], ...body: readonly Piece[]): Made =>
  [Buffer.from(`${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`), ...body]

/** The part with another body under the given fields, what else described it kept. */
export function withBody(entity: Entity, fields: readonly (readonly [name: string, value: string])[], body: Uint8Array): Made {
  const replaced = new Set(fields.map(([name]) => name.toLowerCase()))
  const kept = contentFields(entity.header).filter(line => !replaced.has(line.slice(0, line.indexOf(':')).trim().toLowerCase()))
  return [ascii(kept.join('')), ...part(fields, body)]
}

const eightBit = 'Content-Transfer-Encoding: 8bit\r\n'

/** RFC 2046: a multipart around entities. `8bit` where one of them needs it: an encoding is no part's heir. */
export const multipart = (subtype: string, children: readonly Made[], eight = false): Made => around(
  boundary => [`Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n`, ...(eight ? [eightBit] : [])], children,
)

/** The multipart with other children, under a boundary that none of them can know. */
export function regrouped(entity: Entity, children: readonly Made[], eight = false): Made {
  return around(boundary => [
    ...contentFields(entity.header).filter(line => !/^content-(type|transfer-encoding)\s*:/i.test(line)),
    `Content-Type: ${renamed(entity, boundary)}\r\n`,
    ...(eight || entity.encoding === '8bit' ? [eightBit] : []),
  ], children)
}

/** The Content-Type with its other parameters. */
function renamed({ type, parameters }: Entity, boundary: string): string {
  const others = Object.entries(parameters).filter(([name, value]) => name !== 'boundary' && /^[\x20-\x7e]*$/.test(value))
  const printed = others.map(([name, value]) => `; ${name}="${value.replace(/["\\]/g, '\\$&')}"`)
  return `${type}${printed.join('')}; boundary="${boundary}"`
}

function around(head: (boundary: string) => readonly string[], children: readonly Made[]): Made {
  // `=_` is never seen in quoted-printable or base64, the rest is guessed by nobody.
  const boundary = `=_${randomBytes(18).toString('base64url')}`
  const parts = children.flatMap((child, index): Made => [ascii(`${index > 0 ? '\r\n' : ''}--${boundary}\r\n`), ...child])
  return [ascii(`${head(boundary).join('')}\r\n`), ...parts, ascii(`\r\n--${boundary}--\r\n`)]
}

/**
 * What `edit` makes of a part. A multipart none of whose parts is edited stays as it stands, one that loses all its parts goes.
 * `root` says that the part is a whole message.
 */
export function rewrite(whole: Entity, edit: Edit, { root = false, eight = false } = {}): readonly Made[] {
  return change(whole) ?? [asPart(whole, root)]

  function change(entity: Entity): readonly Made[] | undefined {
    const edited = edit(entity)
    if (edited) return edited
    const changed = entity.children.map(change)
    if (changed.every(one => one === undefined)) return undefined
    const children = changed.flatMap((one, index) => one ?? [asPart(entity.children[index]!, false)])
    return children.length > 0 ? [regrouped(entity, children, eight)] : []
  }
}

export const lengthOf = (pieces: Made): number => pieces.reduce((sum, { length }) => sum + length, 0)

/** The octets in order, each piece read when its turn comes. Throws `too-large` above `most` octets. */
export async function* octetsOf(pieces: Made, most: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = most
  for (const piece of pieces) {
    // A server may have counted its octets wrong.
    for await (const octets of piece instanceof Uint8Array ? [piece] : piece.read()) {
      left -= octets.length
      if (left < 0) throw new Failure('too-large', `a message of more than ${most} octets`)
      yield octets
    }
  }
}

/** Writes a message as a whole. Throws `too-large` above `most` octets. */
export async function assemble(pieces: Made, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const octets of octetsOf(pieces, lengthOf(pieces) > most ? 0 : most)) chunks.push(octets)
  return Buffer.concat(chunks)
}

/** The same octets in fewer pieces: those that are there and stand together are one. */
export function gathered(pieces: Made): Made {
  const found: Piece[] = []
  for (const piece of pieces) {
    const last = found.at(-1)
    if (piece instanceof Uint8Array && last instanceof Uint8Array) found[found.length - 1] = Buffer.concat([last, piece])
    else found.push(piece)
  }
  return found
}

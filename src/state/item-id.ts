import { createHash } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { holdsObjects, type FolderId } from '../model/folder.ts'
import type { MessageRef, ObjectRef } from '../model/ports.ts'

/**
 * `folder:validity:uid`, the numbers in base 36: at most 27 characters, [MS-ASCMD] ServerId allows 64. UIDVALIDITY is in it so
 * that an id from before a mailbox was made anew can never name another message.
 */
export const printItemId = ({ folder, validity, uid }: MessageRef): string =>
  `${folder}:${validity.toString(36)}:${uid.toString(36)}`

/** Throws `not-found` for anything `printItemId` did not make. */
export function parseItemId(text: string): MessageRef {
  const match = itemId.exec(text)
  if (!match) throw new Failure('not-found', 'no such item id')
  return { folder: match[1] as FolderId, validity: number(match[2]!), uid: number(match[3]!) }
}

/** [MS-ASAIRS] FileReference: an item id and an IMAP section number; `2-1` is the first of what was found in section 2. */
export const printFileReference = (ref: MessageRef, section: string): string => `${printItemId(ref)}:${section}`

export function parseFileReference(text: string): { ref: MessageRef; section: string } {
  const at = text.lastIndexOf(':')
  const section = text.slice(at + 1)
  if (!/^[1-9][0-9]{0,4}(\.[1-9][0-9]{0,4}){0,31}(-[1-9][0-9]{0,3})?$/.test(section)) throw new Failure('not-found', 'no such file reference')
  return { ref: parseItemId(text.slice(0, at)), section }
}

/** [MS-ASAIRS] FileReference, of a file in an object: the object's id, and what the file is called there. */
export const printObjectFile = (ref: ObjectRef, file: string): string => `${printObjectId(ref)}:${file}`

export function parseObjectFile(text: string): { readonly id: string; readonly file: string } {
  // Neither a folder nor a name has a colon in its id; what a server calls a file may.
  const at = text.indexOf(':', text.indexOf(':') + 1)
  return at < 0 ? { id: text, file: '' } : { id: text.slice(0, at), file: text.slice(at + 1) }
}

const itemId = /^([A-Za-z0-9_-]{1,24}):([0-9a-z]{1,7}):([0-9a-z]{1,7})$/

function number(base36: string): number {
  const value = parseInt(base36, 36)
  if (value > 0xffffffff) throw new Failure('not-found', 'no such item id')
  return value
}

/**
 * The id of an object: its folder's and a name, at most 64 characters. A UUID goes as its octets, a short plain name as it is, with the
 * usual ending left out; of any other name a digest stands for it, and who reads the id looks which name has it: `nameDigest`. A name that
 * begins with another collection's id has that before it.
 */
export function printObjectId({ folder, name }: ObjectRef): string {
  const place = inOther.exec(name)
  const [other = '', own = name] = place?.[1] === folder[0] ? [`m${place![2]}`, place![3]] : []
  const ending = /\.(?:ics|vcf)$/.exec(own)?.[0] ?? ''
  const base = own.slice(0, own.length - ending.length), kind = kinds.indexOf(ending)
  const uuid = uuids.map(pattern => pattern.test(base)).indexOf(true)
  const packed = uuid >= 0 ? Buffer.from(base.replaceAll('-', ''), 'hex').toString('base64url') : undefined
  if (packed) return `${folder}:${other}${'uvwxyz'[kind * 2 + uuid]}${packed}`
  if (plain.test(base) && other.length + base.length <= 49) return `${folder}:${other}${'nop'[kind]}${base}`
  return `${folder}:h${nameDigest(name)}`
}

const kinds = ['', '.ics', '.vcf']
const uuids = [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/]
const plain = /^[A-Za-z0-9_-]{1,48}$/
const objectId = /^([a-z]\.[A-Za-z0-9_-]{1,11}):(?:m([A-Za-z0-9_-]{11}))?([unhvwxyzop])([A-Za-z0-9_-]{1,48})$/
const inOther = /^([a-z])\.([A-Za-z0-9_-]{11})\/([^]+)$/

/** 22 characters. */
export const nameDigest = (name: string): string => createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url')

/** Which object an id means, or the digest of its name. Throws `not-found` for anything `printObjectId` did not make. */
export function parseObjectId(text: string): ObjectRef | { readonly folder: FolderId; readonly digest: string } {
  const [, folder, other, kind = '', rest = ''] = objectId.exec(text) ?? []
  if (!folder || (other && kind === 'h')) throw new Failure('not-found', 'no such item id')
  const place = { folder: folder as FolderId }, before = other ? `${folder[0]}.${other}/` : ''
  if (kind === 'h') return { ...place, digest: rest }
  const short = 'nop'.indexOf(kind), packed = 'uvwxyz'.indexOf(kind)
  if (short >= 0) return { ...place, name: before + rest + kinds[short] }
  const hex = Buffer.from(rest, 'base64url').toString('hex')
  if (rest.length !== 22 || hex.length !== 32) throw new Failure('not-found', 'no such item id')
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return { ...place, name: before + (packed % 2 ? uuid.toUpperCase() : uuid) + kinds[packed >> 1] }
}

/** Whether an id means an object, not a message. */
export const namesObject = (text: string): boolean => holdsObjects(text.slice(0, text.indexOf(':')) as FolderId)

import { Failure } from '../base/failure.ts'
import type { FolderId } from '../model/folder.ts'
import type { MessageRef } from '../model/ports.ts'

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

const itemId = /^([A-Za-z0-9_-]{1,24}):([0-9a-z]{1,7}):([0-9a-z]{1,7})$/

function number(base36: string): number {
  const value = parseInt(base36, 36)
  if (value > 0xffffffff) throw new Failure('not-found', 'no such item id')
  return value
}

// What a phone is told by a server that remembers devices.
import { expect } from 'vitest'
import { decode, el, text, type Node, type Tag } from '../../src/wire/wbxml.ts'
import type { Phone } from './eas-client.ts'

/** What a FolderSync from the beginning is told: a Status, or HTTP. */
export async function knock(phone: Phone): Promise<string> {
  const { status, bytes } = await phone.raw('FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')]))
  return status === 200 ? text(decode(bytes), 'FolderHierarchy:Status')! : `HTTP ${status}`
}

/** Waits until it is told this. All processes know of an order within a second: of theirs, which is a longer one on a busy machine. */
export const isTold = (phone: Phone, told: string): Promise<void> => expect.poll(() => knock(phone), { interval: 200 }).toBe(told)

/** What a Provision is told: the elements below its root, with their texts. */
export const provision = async (phone: Phone, ...said: Node[]): Promise<string[]> =>
  (await phone.command('Provision', el('Provision:Provision', said)))!.children.map(({ tag, text: value }) => `${tag.split(':')[1]} ${value}`.trim())

/** What the phone says of a wipe it was told: status 1 where it is done, 2 where it could not. */
export const acknowledged = (tag: Tag, status: string): Node => el(tag, [el('Provision:Status', status)])

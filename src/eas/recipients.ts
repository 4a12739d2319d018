import { hash } from 'node:crypto'
import type { FolderId } from '../model/folder.ts'
import type { Person } from '../model/ports.ts'
import type { Shown } from '../state/snapshot.ts'
import type { Call } from './command.ts'
import type { Sent, SentMail } from './sent-mail.ts'
import { since } from './versions.ts'

/** [MS-ASCMD] CollectionId (Sync), Type (FolderSync): the recipient information cache. */
export const recipientsFolder: Shown = { id: 'RI' as FolderId, parent: '0', name: 'RecipientInfo', type: '19' }

/** Whether this client knows the cache: [MS-ASCNTC] Refreshing the Recipient Information Cache. */
export const knowsRecipients = ({ request, settings }: Pick<Call, 'request' | 'settings'>): boolean =>
  settings.recipientCache && since(request.version, '14.0')

export const isRecipients = (call: Pick<Call, 'request' | 'settings'>, id: string): boolean =>
  id === recipientsFolder.id && knowsRecipients(call)

/** Somebody the user writes to. The id is made of the address, so that the same person is the same item at any time. */
export type Recipient = { readonly id: string; readonly address: string; readonly name: string; readonly rank: number }

/** Messages that count; more of Sent is looked at, so that the list a client was given a while ago can be made again. */
const counted = 300
/** A message to more people than this is a mailing. */
const mostPeople = 30
/** Milliseconds after which a message counts half. */
const halfLife = 30 * 86_400_000
const epoch = Date.UTC(2000, 0, 1)

/**
 * By how often and how lately the user wrote to them, the first ones first. The weights of messages grow with their dates instead of fading
 * with the clock: so a rank changes only when something is sent, and the same messages make the same list at any time.
 */
function ranked(messages: readonly Sent[], { addresses }: Person): Recipient[] {
  const own = new Set(addresses.map(address => address.toLowerCase()))
  const found = new Map<string, { address: string; name: string; weight: number }>()
  for (const { at, people } of messages.slice(0, counted)) {
    if (people.length > mostPeople) continue
    const weight = 2 ** Math.min(1000, Math.max(0, (at - epoch) / halfLife))
    for (const [key, { address, name = '' }] of new Map(people.map(one => [one.address.toLowerCase(), one]))) {
      if (own.has(key) || !/^[^\s@]+@[^\s@]+$/.test(key) || key.length > 254) continue
      const before = found.get(key)
      found.set(key, { address: before?.address ?? address, name: before?.name || name.slice(0, 256), weight: (before?.weight ?? 0) + weight })
    }
  }
  return [...found].map(([key, { address, name, weight }]) => ({
    id: `${recipientsFolder.id}:${hash('sha256', key, 'base64url').slice(0, 22)}`, address, name: name || address, rank: Math.round(64 * Math.log2(weight)),
  })).sort((a, b) => b.rank - a.rank || (a.id < b.id ? -1 : 1))
}

export const recipientsOf = ({ messages }: SentMail, person: Person, most: number): Recipient[] => ranked(messages, person).slice(0, most)

/** The list as it was when nothing from `uidNext` up had been sent. */
export const recipientsBefore = ({ messages }: SentMail, person: Person, uidNext: number, most: number): Recipient[] =>
  ranked(messages.filter(({ uid }) => uid < uidNext), person).slice(0, most)

/** What tells one list from another. */
export const digestOf = (list: readonly Recipient[]): Buffer =>
  hash('sha256', JSON.stringify([...list].sort((a, b) => a.id < b.id ? -1 : 1)), 'buffer').subarray(0, 8)

import { parseAddresses, parseHeader, rawField, type Address } from '../formats/header.ts'
import type { Head } from '../model/message.ts'
import type { MailContent } from '../model/ports.ts'
import type { Call } from './command.ts'

/** One message of Sent: whom it went to, and what it answers or forwards (Message-IDs with their brackets). */
export type Sent = {
  readonly uid: number
  /** Milliseconds since 1970-01-01. */
  readonly at: number
  readonly people: readonly Address[]
  readonly answers: string | undefined
  readonly forwards: string | undefined
}

export type SentMail = { readonly content: MailContent; readonly messages: readonly Sent[] }

/** Messages of Sent that are looked at; people of one that are. */
const most = 400, mostPeople = 100

/** The newest of what the user has sent, newest first. One round trip where nothing was sent since, else one more. */
export async function sentMail({ stores: { mail, person }, cache }: Pick<Call, 'stores' | 'cache'>): Promise<SentMail> {
  const { id } = await mail.folderByRole('sent')
  const slot = `sent-mail:${person.account}:${id}`
  const known = cache.get<SentMail>(slot)
  const { content, heads } = await mail.heads(id, most, known?.content)
  if (!heads) return known!
  const found = { content, messages: heads.map(readHead) }
  cache.set(slot, found, { size: 256 + found.messages.reduce((sum, { people }) => sum + 200 + 100 * people.length, 0) })
  return found
}

function readHead({ uid, received, header: octets }: Head): Sent {
  const header = parseHeader(octets)
  const people = header.fields.filter(({ name }) => name === 'to' || name === 'cc').flatMap(({ value }) => parseAddresses(value))
  return {
    uid, at: received.getTime(), people: people.slice(0, mostPeople),
    answers: idOf(rawField(header, 'in-reply-to')), forwards: idOf(rawField(header, 'x-forwarded-message-id')),
  }
}

const idOf = (value: string | undefined): string | undefined => /<[^<>\s]{1,500}>/.exec(value ?? '')?.[0]

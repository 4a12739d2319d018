import { Failure } from '../base/failure.ts'
import { parseHeader } from '../formats/header.ts'
import type { FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import { everything, type MailQuery } from '../model/query.ts'
import type { Element } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { existing, mostFound, type Hit } from './found.ts'
import { conversationId, conversationSeed, type Seed } from './map/conversation.ts'

/** [MS-ASCON] ConversationId as a client says it: octets, or their text. */
export function readConversationId(element: Element): Uint8Array {
  if (element.opaque) return element.opaque
  const hex = element.text.replace(/[{}-]/g, '')
  return /^[\da-f]{32}$/i.test(hex) ? Buffer.from(hex, 'hex') : Buffer.from(element.text, 'base64')
}

/** Newest messages that are looked at for one of the conversation, and at a time. */
const mostScanned = 5000, batch = 250

const day = 24 * 60 * 60

/**
 * [MS-ASCON] Finding a Conversation: its messages in these folders that match, newest first. An id says nothing by itself, so one message
 * of the conversation is looked for among the newest; its thread's Message-ID finds the others. Throws `not-found` where none is.
 */
export async function findConversation(call: Call, id: Uint8Array, folders: readonly FolderId[], query = everything): Promise<Hit[]> {
  const belongs = ({ message }: Hit): boolean => Buffer.compare(conversationId(parseHeader(message.header)), id) === 0
  const seed = await seedOf(call, id, belongs)
  const { mail } = call.stores
  const { refs } = await mail.search(folders, { kind: 'and', of: [ofThread(seed), query] }, mostFound)
  const hits = new Map((await existing(mail, refs)).filter(belongs).map(hit => [hit.ref, hit]))
  return refs.flatMap(ref => hits.get(ref) ?? [])
}

/** Threads that are looked for with one search. */
const seeds = 30

/** Messages of one folder that belong to the conversations of these, by conversation. */
export async function conversationsOf(call: Call, folder: FolderId, messages: readonly Message[]): Promise<Map<string, Message[]>> {
  const { mail } = call.stores
  const wanted = new Map(messages.map(message => [idOf(message), conversationSeed(parseHeader(message.header))]))
  const found = new Map<string, Message[]>([...wanted.keys()].map(id => [id, []]))
  const all = [...wanted.values()]
  for (let at = 0; at < all.length; at += seeds) {
    const { refs } = await mail.search([folder], { kind: 'or', of: all.slice(at, at + seeds).map(ofThread) }, mostFound)
    for (const { message } of await existing(mail, refs)) {
      const others = found.get(idOf(message))
      if (others && !others.some(({ uid }) => uid === message.uid)) others.push(message)
    }
  }
  return found
}

export const idOf = ({ header }: Message): string => Buffer.from(conversationId(parseHeader(header))).toString('hex')

function ofThread({ kind, text }: Seed): MailQuery {
  if (kind === 'topic') return text === '' ? everything : { kind: 'field', field: 'subject', text }
  const fields = ['message-id', 'references', 'in-reply-to'] as const
  return { kind: 'or', of: fields.map(field => ({ kind: 'field', field, text: `<${text}>` })) }
}

async function seedOf(call: Call, id: Uint8Array, belongs: (hit: Hit) => boolean): Promise<Seed> {
  const slot = `conversation:${call.stores.person.account}:${Buffer.from(id).toString('hex')}`
  const seed = call.cache.get<Seed>(slot) ?? await scan(call, belongs)
  call.cache.set(slot, seed, { seconds: day })
  return seed
}

async function scan({ stores: { mail } }: Call, belongs: (hit: Hit) => boolean): Promise<Seed> {
  const all = (await mail.folders()).filter(folder => folder.selectable).map(folder => folder.id)
  const { refs } = await mail.search(all, everything, mostScanned)
  for (let at = 0; at < refs.length; at += batch) {
    const one = (await existing(mail, refs.slice(at, at + batch))).find(belongs)
    if (one) return conversationSeed(parseHeader(one.message.header))
  }
  throw new Failure('not-found', 'no such conversation')
}

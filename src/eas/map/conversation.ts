import { hash } from 'node:crypto'
import { field, parseDate, rawField, type Header } from '../../formats/header.ts'

/** Prefixes of answers and forwards as mail programs write them in their languages. */
const prefixes = [
  're', 'fw', 'fwd', 'aw', 'wg', 'antw', 'doorst', 'sv', 'vs', 'vb', 'vl', 'vá', 'tr', 'rv', 'res', 'enc', 'r', 'i', 'rif',
  'odp', 'pd', 'ynt', 'ilt', 'ref', 'fs', 'továbbítás', 'σχετ', 'πρθ', 'отв', 'на', 'ha', 'пересл', 'відп', 'תשובה', 'השב',
  'הועבר', 'رد', '回复', '回覆', '答复', '答覆', '转发', '轉寄', '返信', '転送', '답장', '전달',
]
const prefix = new RegExp(`^(?:\\s*(?:${prefixes.join('|')})\\s?(?:[[(]\\d{1,3}[\\])])?\\s?[:：])+\\s*`, 'iu')

/** [MS-ASEMAIL] ThreadTopic: the subject without what answering and forwarding put before it. */
export const threadTopic = (subject: string): string => subject.replace(prefix, '').trim()

/** Message ids of a field, each without its angle brackets. */
function ids(header: Header, name: string): string[] {
  const said = rawField(header, name)
  return said ? Array.from(said.slice(0, 64 * 1024).matchAll(/<([^<>\s]{1,500})>/g), match => match[1]!) : []
}

/** The first of them. */
function firstId(header: Header, name: string): string | undefined {
  const said = rawField(header, name)
  return said ? /<([^<>\s]{1,500})>/.exec(said.slice(0, 64 * 1024))?.[1] : undefined
}

/** The first octets of a digest. Of a string of them: a Buffer made by `hash` costs twice as much, and is work for the garbage collector. */
const digest = (text: string, octets: number): Buffer => Buffer.from(hash('sha256', text, 'binary').slice(0, octets), 'latin1')

/** What makes messages a thread: the id of the message that began it, or the topic where nobody wrote ids. */
export type Seed = { readonly kind: 'root' | 'topic'; readonly text: string }

export function conversationSeed(header: Header): Seed {
  const root = firstId(header, 'references') ?? firstId(header, 'in-reply-to') ?? firstId(header, 'message-id')
  if (root) return { kind: 'root', text: root }
  return { kind: 'topic', text: threadTopic(field(header, 'subject') ?? '').toLowerCase() }
}

/** Ids by which an answer to this message may name its thread, the oldest first. */
export const threadIds = (header: Header): string[] =>
  [...new Set(['references', 'in-reply-to', 'message-id'].flatMap(name => ids(header, name)))]

/** Whether other messages of its thread came before. */
export const isAnswer = (header: Header): boolean => ids(header, 'references').length + ids(header, 'in-reply-to').length > 0

/** [MS-ASCON] ConversationId: 16 octets, the same for every message of a thread. */
export function conversationId(header: Header): Uint8Array {
  const { kind, text } = conversationSeed(header)
  return digest(kind === 'root' ? text : `topic ${text}`, 16)
}

/** Answers of answers that are told of. */
const deepest = 20

/**
 * [MS-ASCON] ConversationIndex: five octets of the time the thread began, five for each answer since. Outlook's own Thread-Index
 * says it exactly; without one the time is the message's own, and each level tells by which message it went.
 */
export function conversationIndex(header: Header, received: Date): Uint8Array {
  const said = rawField(header, 'thread-index')
  const outlook = said === undefined ? undefined : Buffer.from(said, 'base64')
  // [MS-OXOMSG] PidTagConversationIndex: one octet, the time, a GUID of 16, then the levels
  if (outlook && outlook.length >= 22 && outlook[0] === 1) {
    const levels = Math.min(deepest, Math.floor((outlook.length - 22) / 5))
    return Buffer.concat([outlook.subarray(1, 6), outlook.subarray(22, 22 + levels * 5)])
  }
  const began = fileTime(parseDate(rawField(header, 'date') ?? '') ?? received)
  const answered = ids(header, 'references').slice(0, deepest)
  if (answered.length === 0) return began
  const later = [...answered.slice(1), firstId(header, 'message-id') ?? '']
  return Buffer.concat([began, ...later.map(id => digest(id, 5))])
}

/**
 * [MS-DTYP] FILETIME, in units of 100 ns, without its first octet, which is 1 in our times, and its last two: those are 4096 / 625 ms. Numbers
 * hold it exactly where it is taken apart.
 */
function fileTime(date: Date): Buffer {
  const time = (Number.isNaN(date.getTime()) ? 0 : date.getTime()) + 11_644_473_600_000
  const high = Math.floor(time / 4096)
  const value = high * 625 + Math.floor((time - high * 4096) * 625 / 4096)
  const octets = Buffer.allocUnsafe(5)
  octets.writeUIntBE(((value % 2 ** 40) + 2 ** 40) % 2 ** 40, 0, 5)
  return octets
}

import { Failure } from '../base/failure.ts'
import { parseAddresses, parseHeader, rawField, type Header } from '../formats/header.ts'
import type { Message } from '../model/message.ts'
import type { Person, Stores } from '../model/ports.ts'
import type { Cache } from '../state/cache.ts'
import { repliedAll, type Verb } from './map/flags.ts'
import { outcome } from './outcome.ts'
import { sentMail, type Sent } from './sent-mail.ts'

/** Who asks; without a cache Sent would be read each time, and is not. */
export type VerbContext = { readonly stores: Stores; readonly cache: Cache | undefined }

/**
 * [MS-ASEMAIL] LastVerbExecuted, LastVerbExecutionTime of messages that were answered or forwarded, by UID. IMAP keeps no time; the answer
 * itself does, as long as it is among the newest in Sent, whoever wrote it. What is missing here the flags tell. A keyword with the time would be
 * a new one for each answer: Dovecot names all keywords of a mailbox at each SELECT, for good, and Maildir keeps 26.
 */
export async function verbsOf({ stores, cache }: VerbContext, messages: readonly Message[]): Promise<ReadonlyMap<number, Verb>> {
  const used = messages.filter(({ flags }) => flags.has('\\Answered') || flags.has('$Forwarded'))
  if (used.length === 0 || !cache) return new Map()
  const sent = await outcome(sentMail({ stores, cache }))
  if (sent instanceof Failure && final.has(sent.kind)) throw sent
  if (sent instanceof Failure) return new Map()
  const latest = latestById(sent.messages)
  return new Map(used.flatMap(({ uid, header, flags }) => {
    const parsed = parseHeader(header)
    const found = latest.get(/<[^<>\s]{1,500}>/.exec(rawField(parsed, 'message-id') ?? '')?.[0] ?? '')
    if (!found) return []
    const all = flags.has(repliedAll) || isToAll(parsed, found.sent.people.map(({ address }) => address), stores.person)
    return [[uid, { verb: found.forwarded ? '3' : all ? '2' : '1', at: new Date(found.sent.at) }] as const]
  }))
}

/** Failures that are not about Sent. */
const final = new Set<Failure['kind']>(['unavailable', 'auth', 'busy'])

function latestById(messages: readonly Sent[]): ReadonlyMap<string, { readonly sent: Sent; readonly forwarded: boolean }> {
  const found = new Map<string, { sent: Sent; forwarded: boolean }>()
  for (const sent of messages) {
    const { answers, forwards } = sent
    if (forwards && !found.has(forwards)) found.set(forwards, { sent, forwarded: true })
    if (answers && answers !== forwards && !found.has(answers)) found.set(answers, { sent, forwarded: false })
  }
  return found
}

/** Whether most of those the message had also gone to are among these, beside who wrote it. */
export function isToAll(original: Header, recipients: readonly string[], { addresses }: Person): boolean {
  const of = (...names: string[]): string[] => original.fields.filter(({ name }) => names.includes(name))
    .flatMap(({ value }) => parseAddresses(value)).map(({ address }) => address.toLowerCase())
  const known = new Set([...addresses.map(address => address.toLowerCase()), ...of('from', 'reply-to')])
  const others = new Set(of('to', 'cc').filter(address => !known.has(address)))
  const reached = new Set(recipients.map(address => address.toLowerCase()))
  return [...others].filter(address => reached.has(address)).length * 2 > others.size
}

import { createHash, createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, type Kind } from '../base/failure.ts'
import { inTurn } from '../base/shared.ts'
import { parseAddresses, parseHeader, rawField, type Header } from '../formats/header.ts'
import { assemble, gathered, lengthOf, type Made } from '../formats/mime-splice.ts'
import { editHeader, missingFields, printMailbox, recipients, splitMessage, type HeaderEdits } from '../formats/mime-write.ts'
import type { Person } from '../model/ports.ts'
import { nonDeliveryNote } from './non-delivery.ts'
import type { Call } from './command.ts'
import { largeMessage } from './content.ts'
import { outcome } from './outcome.ts'
import { sendFlowing } from './send-flowing.ts'

export type Outgoing = {
  /** Its first piece are octets that are there. */
  readonly mime: Made
  /** [MS-ASCMD] ClientId, from 14.0. */
  readonly clientId: string | undefined
  /** A copy goes to Sent. */
  readonly save: boolean
  /** What goes out in the end, made of `mime` with the same sender and recipients; not asked for what was sent before. */
  compose?(mime: Made): Promise<Made>
}

/** [MS-ASCMD] Common Status Codes: why a message was not sent. */
const unreadable = '107', previouslySent = '118', noRecipient = '119'
const submissionStatus: Partial<Record<Kind, string>> = {
  malformed: '120', denied: '120', unsupported: '120', quota: '115', 'too-large': '122',
}

const day = 24 * 60 * 60

/** What is remembered of a message that went out and has no copy in Sent yet. */
const unfiled = 'unfiled'

/** Milliseconds before the copy is tried again, where the mail server broke off. */
const filingPauses = [300, 1000, 3000]

/** Characters of a ClientId that may be a counter, which begins anew when the phone is set up anew: it does not name a message alone. */
const longestCounter = 10

/** By what phones know a draft; stays in the copy in Sent, and goes nowhere else. */
export const draftField = 'X-Postern-Draft'

/**
 * Sends a message once, whatever is repeated: undefined, or the Status that refuses it. Within a day memory knows the ClientId,
 * that of the site where there is one; a process without that memory looks for the Message-ID in Sent, which is made of ClientId and
 * message where the client gave none. It is remembered before the copy is made, so that whoever is asked again makes up for that. What
 * remains is a crash as the submission ends, and, where the site has no memory, one before the copy, and a message of which none was wanted.
 */
export async function sendOnce(call: Call, outgoing: Outgoing): Promise<string | undefined> {
  const header = headerOf(outgoing.mime)
  if (!header || header.fields.length === 0) return unreadable
  const to = recipients(header)
  if (to.length === 0) return noRecipient
  const { clientId } = outgoing
  const given = rawField(header, 'message-id')
  if (clientId === undefined && given === undefined) return send(call, outgoing, header, to, [])

  const id = given ?? ownMessageId(call, outgoing)
  const mark = clientId !== undefined && clientId.length > longestCounter ? clientId : JSON.stringify([clientId, id])
  const slot = `sent:${call.scope}:${mark}`
  return inTurn(call, slot, async () => {
    const known = await call.shared.recall<true | typeof unfiled>(slot)
    if (known === true) return previouslySent
    if (outgoing.save && await isInSent(call, id)) return previouslySent
    const note = (what: true | typeof unfiled): Promise<void> => call.shared.keep(slot, what, { seconds: day })
    const status = await send(call, outgoing, header, to, given ? [] : [['Message-ID', id]], { id, out: known === unfiled, note: () => note(unfiled) })
    if (status === undefined) await note(true)
    return status
  })
}

/** What is known of a message that may be repeated: whether it went out, and by which Message-ID its copy is found. */
type Repeatable = { readonly id: string; readonly out: boolean; note(): Promise<void> }

/** The header of a message that flows has to be among the octets that are there. */
export function headerOf([first, ...rest]: Made): Header | undefined {
  const octets = first as Uint8Array
  const { header, bodyOffset } = splitMessage(octets)
  return rest.length > 0 && bodyOffset === octets.length ? undefined : parseHeader(header)
}

/** Octets that stand for a larger message together with its length: what goes first cannot depend on what comes last. */
const mostDigested = largeMessage / 2

function ownMessageId({ settings, scope, stores }: Call, { clientId, mime }: Outgoing): string {
  const length = lengthOf(mime)
  // However much of it is there: that depends on the network, and whoever repeats it must come to the same.
  const hash = createHash('sha256').update((mime[0] as Uint8Array).subarray(0, mostDigested))
  const digest = (length > mostDigested ? hash.update(`\0${length}`) : hash).digest()
  const mac = createHmac('sha256', settings.secret).update(`message\0${scope}\0${clientId}\0`).update(digest).digest('hex')
  return `<${mac.slice(0, 32)}@${domainOf(primary(stores.person))}>`
}

async function isInSent({ stores }: Call, messageId: string): Promise<boolean> {
  const sent = await stores.mail.folderByRole('sent')
  return (await stores.mail.findByHeader(sent.id, 'Message-ID', messageId.slice(0, 900))).length > 0
}

async function send(
  call: Call, { mime: given, save, compose }: Outgoing, header: Header, to: readonly string[], extra: [string, string][], before?: Repeatable,
): Promise<string | undefined> {
  const { stores, settings, facts, now } = call
  const [first, ...rest] = await held(await compose?.(given) ?? given, settings.maxRequest)
  const { from, edits } = sender(header, stores.person)
  const known = new Set(extra.map(([name]) => name))
  const missing = missingFields(header, { date: now(), domain: domainOf(from) }).filter(([name]) => !known.has(name))
  const filed = { ...edits, append: [...extra, ...missing], remove: [...edits.remove ?? [], 'Return-Path'] }
  const copy = editHeader(first, filed)
  const own = ['bcc', draftField.toLowerCase()].filter(name => rawField(header, name) !== undefined)
  const wire = own.length > 0 ? editHeader(copy, { remove: own }) : copy
  const files = save && !stores.submission.filesSent
  const submitted = before?.out ? { refused: [] } : rest.length > 0
    ? await sendFlowing(call, { from, to, wire, copy: files ? copy : undefined, rest })
    : await outcome(stores.submission.send(from, to, wire))
  if (submitted instanceof Failure) {
    const status = submissionStatus[submitted.kind]
    if (!status) throw submitted
    Object.assign(facts, { failure: submitted.kind, why: submitted.message.slice(0, 300) })
    return status
  }
  const { refused } = submitted
  Object.assign(facts, { recipients: to.length, refused: refused.length || undefined, octets: first.length + lengthOf(rest) })
  if (files && rest.length === 0) {
    await before?.note()
    await file(call, 'sent', copy, ['\\Seen'], before?.id)
  }
  if (refused.length) await file(call, 'inbox', nonDeliveryNote(header, from, refused, now()), [])
  return undefined
}

/** A message as it is sent: its octets as a whole or, where it is large, its beginning and what flows. */
async function held(made: Made, most: number): Promise<[Uint8Array, ...Made]> {
  if (lengthOf(made) <= largeMessage) return [await assemble(made, most)]
  if (lengthOf(made) > most) throw new Failure('too-large', `a message of more than ${most} octets`)
  return gathered(made) as [Uint8Array, ...Made]
}

/**
 * The message has gone out: that this fails must not have it sent again. Where the server breaks off it is tried again, unless it turns out
 * to be there by its Message-ID.
 */
async function file(call: Call, role: 'sent' | 'inbox', message: Uint8Array, flags: string[], id?: string): Promise<void> {
  const { stores, log } = call
  const put = async (again: boolean): Promise<void> => {
    if (again && id && await isInSent(call, id)) return
    const folder = await stores.mail.folderByRole(role)
    await stores.mail.append(folder.id, message, flags)
  }
  for (let tries = 0; ; tries++) {
    const filed = await outcome(put(tries > 0)), pause = filingPauses[tries]
    if (!(filed instanceof Failure)) return
    if (filed.kind === 'unavailable' && id && pause !== undefined) await sleep(pause)
    else return log.warn({ role, kind: filed.kind, why: filed.message }, 'not filed after sending')
  }
}

/** [MS-ASCMD] SendMail: an address that is not the user's own is replaced, the name beside it stays. */
function sender(header: Header, person: Person): { from: string; edits: HeaderEdits } {
  const owned = (address: string): boolean => person.addresses.some(own => own.toLowerCase() === address.toLowerCase())
  const written = parseAddresses(rawField(header, 'from') ?? '')[0]
  const strange = parseAddresses(rawField(header, 'sender') ?? '').some(({ address }) => !owned(address))
  const remove = strange ? ['Sender'] : []
  if (written && owned(written.address)) return { from: written.address, edits: { remove } }
  const from = primary(person)
  const name = written?.name ?? person.displayName
  return { from, edits: { remove, set: [['From', printMailbox(name ? { name, address: from } : { address: from })]] } }
}

export const primary = ({ addresses, login }: Person): string => addresses[0] ?? login
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1) || 'localhost'

import { utf8Length } from '../../formats/charset.ts'
import { field, parseAddresses, parseDate, parseHeader, printAddress, rawField } from '../../formats/header.ts'
import type { Address, Header } from '../../formats/header.ts'
import type { Message } from '../../model/message.ts'
import type { Inside } from '../inside.ts'
import { el, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, versions, type Version } from '../versions.ts'
import { attachmentNodes, attachmentNodes25 } from './attachments.ts'
import { bodyNodes, type Body, type Rendered } from './body.ts'
import { bodyPartNodes, type BodyPart } from './body-part.ts'
import { conversationId, conversationIndex, threadTopic } from './conversation.ts'
import { internetCodePage } from './code-page.ts'
import { categoryNodes, isRead, lastVerb, type Verb } from './flags.ts'
import { followUpNodes } from './follow-up.ts'
import { meetingNodes } from './meeting-request.ts'
import { contentClass, messageClass } from './message-class.ts'

export type EmailContext = {
  readonly version: Version
  /** In the Drafts folder. */
  readonly draft: boolean
  /** The FileReference of a section number. */
  readonly reference: (section: string) => string
  /** As `renderBody` made it; undefined leaves the body out. */
  readonly body: Rendered | undefined
  /** [MS-ASAIRS] BodyPart, where the client wishes for one. */
  readonly bodyPart?: BodyPart | undefined
  /** What its parts turned out to be. */
  readonly inside: Inside
  /** What was done last to it, where more is known than the flags say. */
  readonly verb?: Verb | undefined
  /** What the user may be called; the first is the primary one. */
  readonly addresses: readonly string[]
}

type Item = {
  readonly message: Message
  readonly header: Header
  readonly subject: string
  readonly context: EmailContext
  /** Of the fields of a name, read once. */
  addresses(name: string): readonly Address[]
}
type Said = string | Uint8Array | readonly Node[] | undefined
type Row = { readonly tag: Tag; readonly since?: Version; readonly until?: Version; readonly always?: true; readonly say: (item: Item) => Said }

/** [MS-ASEMAIL] To, From: most characters. */
const longest = 32_768

function addresses(header: Header, name: string): Address[] {
  const list: Address[] = []
  for (const one of header.fields) if (one.name === name) for (const address of parseAddresses(one.value)) list.push(address)
  return list
}

/** As many as fit. */
function join(pieces: readonly string[], separator: string): string {
  let joined = ''
  for (const piece of pieces) {
    if (joined.length + separator.length + piece.length > longest) break
    joined += (joined && separator) + piece
  }
  return joined
}

const people = (name: string, separator = ', ') => (item: Item): string =>
  join(item.addresses(name).map(printAddress), separator)

const nameOf = ({ name, address }: Address): string => name ?? address

/** [MS-ASEMAIL] DisplayTo, and what other fields are shown as. */
export const displayNames = (header: Header, name: string): string => shown(addresses(header, name))
const shown = (list: readonly Address[]): string => join(list.map(nameOf), ';')

/** [MS-ASEMAIL] E-mail class elements, in the order clients are used to. What says nothing is left out. */
const rows: readonly Row[] = [
  { tag: 'Email:To', say: people('to') },
  { tag: 'Email:Cc', say: people('cc') },
  { tag: 'Email:From', say: people('from') },
  { tag: 'Email:Subject', say: ({ subject }) => subject },
  { tag: 'Email:ReplyTo', say: people('reply-to', '; ') },
  { tag: 'Email:DateReceived', say: ({ message, header }) => received(message, header).toISOString() },
  { tag: 'Email:DisplayTo', say: item => shown(item.addresses('to')) },
  { tag: 'Email:ThreadTopic', say: ({ header, subject }) => field(header, 'thread-topic') || threadTopic(subject) },
  { tag: 'Email:Importance', say: ({ header }) => importance(header) },
  { tag: 'Email:Read', say: ({ message }) => isRead(message.flags) },
  // 2.5 has its attachments and bodies in the namespace of mail, 12.0 brought AirSyncBase.
  { tag: 'Email:Attachments', until: '2.5', say: ({ context }) => attachmentNodes25(context.inside, context.reference) },
  { tag: 'Email:MIMETruncated', until: '2.5', say: item => mime(item) && (mime(item)!.truncated ? '1' : '0') },
  { tag: 'Email:MIMEData', until: '2.5', say: item => mime(item)?.data },
  { tag: 'Email:MIMESize', until: '2.5', say: item => mime(item) && String(mime(item)!.size) },
  { tag: 'Email:BodyTruncated', until: '2.5', say: item => plain(item) && (plain(item)!.truncated ? '1' : '0') },
  { tag: 'Email:BodySize', until: '2.5', say: item => plain(item) && String(plain(item)!.size) },
  { tag: 'Email:Body', until: '2.5', say: item => plain(item)?.data },
  { tag: 'AirSyncBase:Attachments', since: '12.0', say: ({ context }) => attachmentNodes(context.inside, context.reference) },
  { tag: 'AirSyncBase:Body', since: '12.0', say: ({ context }) => context.body && bodyNodes(context.body.body) },
  { tag: 'AirSyncBase:BodyPart', since: '14.1', say: ({ context }) => context.bodyPart && bodyPartNodes(context.bodyPart) },
  { tag: 'Email:MessageClass', say: ({ message, context }) => messageClass(message.structure, context.inside) },
  { tag: 'Email:MeetingRequest', say: ({ context }) => context.inside.meeting && meetingNodes(context.inside.meeting, context) },
  { tag: 'Email:InternetCPID', say: ({ context }) => internetCodePage(context.inside.texts) },
  { tag: 'Email:Flag', since: '12.0', always: true, say: ({ message, subject }) => followUpNodes(message.flags, subject) },
  { tag: 'Email:Categories', since: '14.0', always: true, say: ({ message }) => categoryNodes(message.flags) },
  { tag: 'Email:ContentClass', since: '12.0', say: ({ context }) => contentClass(context.inside) },
  { tag: 'AirSyncBase:NativeBodyType', since: '12.0', say: ({ context }) => context.body && String(context.body.nativeType) },
  { tag: 'Email2:ConversationId', since: '14.0', say: ({ header }) => conversationId(header) },
  { tag: 'Email2:ConversationIndex', since: '14.0', say: ({ message, header }) => conversationIndex(header, message.received) },
  { tag: 'Email2:LastVerbExecuted', since: '14.0', say: ({ message, context }) => (context.verb ?? lastVerb(message.flags))?.verb },
  { tag: 'Email2:LastVerbExecutionTime', since: '14.0', say: ({ context }) => context.verb?.at?.toISOString() },
  { tag: 'Email2:ReceivedAsBcc', since: '14.0', say: receivedAsBcc },
  { tag: 'Email2:Sender', since: '14.0', say: sender },
  { tag: 'Email2:IsDraft', since: '16.0', say: ({ context }) => context.draft ? '1' : '0' },
  { tag: 'Email2:Bcc', since: '16.0', say: people('bcc') },
]

const rowsOf: ReadonlyMap<Version, readonly Row[]> = new Map(versions.map(version =>
  [version, rows.filter(row => (!row.since || since(version, row.since)) && (!row.until || since(row.until, version)))]))

const mime = ({ context: { body } }: Item): Body | undefined => body?.body.type === 4 ? body.body : undefined
const plain = ({ context: { body } }: Item): Body | undefined => body?.body.type === 4 ? undefined : body?.body

/** The children of ApplicationData (or Properties) for a message. Reads the header once; never throws for what is in it. */
export function emailNodes(message: Message, context: EmailContext): Node[] {
  const header = parseHeader(message.header)
  const known = new Map<string, readonly Address[]>()
  const item: Item = {
    message, header, subject: (field(header, 'subject') ?? '').slice(0, longest), context,
    addresses(name) {
      const list = known.get(name) ?? addresses(header, name)
      known.set(name, list)
      return list
    },
  }
  const nodes: Node[] = []
  for (const { tag, say, always } of rowsOf.get(context.version)!) {
    const content = say(item)
    if (content !== undefined && (always || content.length > 0)) nodes.push(el(tag, content))
  }
  return nodes
}

/** INTERNALDATE, for a Date header may be missing, in the future, or a lie. */
function received(message: Message, header: Header): Date {
  if (!Number.isNaN(message.received.getTime())) return message.received
  return parseDate(rawField(header, 'date') ?? '') ?? new Date(0)
}

// [MS-ASEMAIL] Importance; RFC 2156, Importance and Priority; X-Priority counts from 1, the highest, to 5.
const importances: Readonly<Record<string, string>> = {
  high: '2', normal: '1', low: '0', urgent: '2', 'non-urgent': '0', 1: '2', 2: '2', 3: '1', 4: '0', 5: '0',
}

function importance(header: Header): string {
  for (const name of ['importance', 'x-priority', 'priority']) {
    const word = /^[a-z1-5-]+/.exec(rawField(header, name)?.toLowerCase() ?? '')?.[0]
    const value = word && importances[word]
    if (value) return value
  }
  return '1'
}

/** [MS-ASEMAIL] Sender: who sent on behalf of From; left out when it is the same. */
function sender(item: Item): string | undefined {
  const [actual] = item.addresses('sender'), [from] = item.addresses('from')
  if (!actual || actual.address.toLowerCase() === from?.address.toLowerCase()) return undefined
  return printAddress(actual).slice(0, longest)
}

/**
 * [MS-ASEMAIL] ReceivedAsBcc: where the message came with a Bcc field that names the user. Being named nowhere says nothing:
 * lists and aliases do that too.
 */
function receivedAsBcc({ addresses, context }: Item): string | undefined {
  const names = (field: string): boolean =>
    addresses(field).some(({ address }) => context.addresses.some(own => own.toLowerCase() === address.toLowerCase()))
  return !context.draft && names('bcc') && !names('from') ? '1' : undefined
}

/** A conversation of its own. */
const alone = [el('Email2:ConversationId', new Uint8Array(16)), el('Email2:ConversationIndex', new Uint8Array(5))]

/**
 * An item in the place of a message that could not be read, so that the folder goes on and its owner knows. `why` is a
 * sentence for people.
 */
export function brokenItem(message: Pick<Message, 'received' | 'flags'>, version: Version, why: string): Node[] {
  const date = Number.isNaN(message.received.getTime()) ? new Date(0) : message.received
  const data = `This message could not be read: ${why}\r\n\r\nIt is still in the mailbox as it was.`
  const body = { type: 1, size: utf8Length(data), truncated: false, data, preview: undefined } as const
  const modern = since(version, '12.0')
  return [
    el('Email:Subject', 'A message that could not be read'),
    el('Email:DateReceived', date.toISOString()),
    el('Email:Importance', '1'),
    el('Email:Read', isRead(message.flags)),
    ...(modern ? [el('AirSyncBase:Body', bodyNodes(body))] : [
      el('Email:BodyTruncated', '0'), el('Email:BodySize', String(body.size)), el('Email:Body', data),
    ]),
    el('Email:MessageClass', 'IPM.Note'),
    el('Email:InternetCPID', '65001'),
    ...(modern ? [
      el('Email:Flag', followUpNodes(message.flags)), el('Email:ContentClass', 'urn:content-classes:message'),
      el('AirSyncBase:NativeBodyType', '1'),
    ] : []),
    ...(since(version, '14.0') ? alone : []),
  ]
}

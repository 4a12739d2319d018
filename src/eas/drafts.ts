import { createHmac } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { editDraft, filePart, type DraftEdit } from '../formats/draft.ts'
import { parseAddresses, parseHeader, rawField, type Header } from '../formats/header.ts'
import type { Made } from '../formats/mime-splice.ts'
import { parseEntity, type Entity } from '../formats/mime-tree.ts'
import { printDate, printMailbox, splitMessage } from '../formats/mime-write.ts'
import type { Message } from '../model/message.ts'
import type { MessageRef } from '../model/ports.ts'
import { parseFileReference, printFileReference, printItemId } from '../state/item-id.ts'
import { el, type Element, type Node } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { applyCommands, itemStatus, refOf, response, type Applied, type Place } from './commands/sync-commands.ts'
import { digestElement, type ClientCommand } from './commands/sync-request.ts'
import { conversationId, conversationIndex } from './map/conversation.ts'
import { hearDraft, isDraftContent, type AddedFile, type DraftData } from './map/draft.ts'
import { editFlags, hearFlags } from './map/flags.ts'
import { keepGiven } from './moved.ts'
import { outcome } from './outcome.ts'
import { domainOf, draftField, primary, sendOnce } from './outgoing.ts'

// [MS-ASEMAIL] Sync Command Request, of drafts.
//
// IMAP messages never change: a changed draft is a new message, and has a new id. The client is told so in the same answer, by a
// Delete of the old id and an Add of the new one, so that what it shows is what is stored, whichever process answers. It may
// still use the old id for a while (its window was open). So each version carries, in a header field, marks of what this device
// called the draft: a keyed digest of every id it had, of the last Change, and of the Add that made it. A mark found says that
// this was done before: nothing has to be remembered, and whatever is repeated leaves one draft, and one message sent.

/** Older marks of a draft go: a client does not come back to them. */
const mostMarks = 40

type Drafts = { readonly call: Call; readonly place: Place; readonly key: string }
type Version = { readonly ref: MessageRef; readonly octets: Uint8Array }
type Done = { readonly responses: Node[]; readonly added: Set<number>; readonly dropped: Set<number> }

/** Carries out what the client sent for the Drafts folder. Throws `unavailable`; what concerns one item is its Status. */
export async function applyToDrafts(call: Call, given: Place, key: string, commands: readonly ClientCommand[]): Promise<Applied> {
  const validity = given.cursor.validity || await validityOf(given)
  const before: Drafts = { call, key, place: { ...given, cursor: { ...given.cursor, validity } } }
  const current = await resolve(before, commands)
  const drafts = { ...before, place: { ...before.place, current } }
  const isWritten = ({ kind, send, data, smsClass }: ClientCommand): boolean =>
    !smsClass && (kind === 'Add' || (kind === 'Change' && (send || (data !== undefined && isDraftContent(data)))))
  const done: Done = { responses: [], added: new Set(), dropped: new Set() }
  for (const command of commands.filter(isWritten)) await one(drafts, command, done)
  const others = commands.filter(command => !isWritten(command))
  const applied = await applyCommands(drafts.place, others)
  return { ...applied, ...done, responses: [...done.responses, ...applied.responses] }
}

/** A client that holds nothing yet may write already. */
const validityOf = async ({ mail, folder }: Place): Promise<number> =>
  (await mail.changes(folder, undefined, { window: 1, since: 0 })).next.validity

/** Where the client's ids lead by now: their own messages, or the versions that came after. */
async function resolve(drafts: Drafts, commands: readonly ClientCommand[]): Promise<Map<string, MessageRef>> {
  const found = new Map<string, MessageRef>()
  const named = commands.flatMap(({ serverId }) => {
    const ref = serverId ? refOf(drafts.place, serverId) : undefined
    return ref ? [{ serverId, ref }] : []
  })
  if (named.length === 0) return found
  const there = new Set((await living(drafts, named.map(({ ref }) => ref.uid))).map(({ uid }) => uid))
  for (const { serverId, ref } of named) {
    const later = there.has(ref.uid) ? undefined : await marked(drafts, markOf(drafts, 'id', serverId))
    found.set(serverId, later ?? ref)
  }
  return found
}

/** Of this device, so that no two of them take one's version for their own. */
function markOf({ call: { settings, scope } }: Drafts, kind: 'add' | 'change' | 'id', ...said: readonly string[]): string {
  const digest = createHmac('sha256', settings.secret).update(JSON.stringify(['draft', kind, scope, ...said])).digest('hex')
  return `${kind}-${digest.slice(0, 32)}`
}

/** The newest draft that carries a mark. */
async function marked(drafts: Drafts, mark: string): Promise<MessageRef | undefined> {
  const { mail, folder, cursor: { validity } } = drafts.place
  const found = await living(drafts, await mail.findByHeader(folder, draftField, mark))
  return found.length > 0 ? { folder, validity, uid: Math.max(...found.map(({ uid }) => uid)) } : undefined
}

/** Without UIDPLUS (RFC 4315) a version that was removed is still there, marked. */
async function living({ place: { mail, folder, cursor: { validity } } }: Drafts, uids: readonly number[]): Promise<Message[]> {
  const there = uids.length > 0 ? await mail.messages(folder, validity, uids) : []
  return there.filter(({ flags }) => !flags.has('\\Deleted'))
}

async function one(drafts: Drafts, command: ClientCommand, done: Done): Promise<void> {
  const work = command.kind === 'Add' ? add(drafts, command, done) : change(drafts, command, done)
  const result = await outcome(work)
  if (!(result instanceof Failure)) return
  const status = result instanceof Unsent ? result.status : result.kind === 'too-large' ? '6' : itemStatus[result.kind]
  if (!status) throw result
  drafts.call.log.info({ kind: result.kind, reason: result.message }, 'draft refused')
  done.responses.push(response(command, status))
}

/** Why a draft was not sent: [MS-ASCMD] Common Status Codes. */
class Unsent extends Failure {
  readonly status: string

  constructor(status: string) {
    super('denied', `Status ${status}`)
    this.status = status
  }
}

async function add(drafts: Drafts, command: ClientCommand, done: Done): Promise<void> {
  const { call, key } = drafts
  const data = hearDraft(command.data ?? nothing)
  const mark = markOf(drafts, 'add', key, command.clientId)
  if (command.send) {
    await send(drafts, await compose(drafts, data, undefined, [mark], []))
    done.responses.push(response(command, '1'))
    return
  }
  const before = await marked(drafts, mark)
  const version = before
    ? { ref: before, octets: await read(drafts, before) }
    : await store(drafts, await compose(drafts, data, undefined, [mark], []), mark, flagsOf(command.data))
  const id = printItemId(version.ref)
  done.added.add(version.ref.uid)
  // If it is told in a later answer only, it is told as a change: see `gather`.
  await keepGiven(call, id)
  done.responses.push(el('AirSync:Add', [
    el('AirSync:ClientId', command.clientId), el('AirSync:ServerId', id), el('AirSync:Status', '1'),
    el('AirSync:ApplicationData', [...filesTold(version, data.add), ...threadOf(version.octets, call.now())]),
  ]))
}

const nothing: Element = { tag: 'AirSync:ApplicationData', children: [], text: '' }

async function change(drafts: Drafts, command: ClientCommand, done: Done): Promise<void> {
  const ref = drafts.place.current?.get(command.serverId)
  if (!ref) throw new Failure('not-found', 'no such draft')
  const mark = markOf(drafts, 'change', command.serverId, command.data ? digestElement(command.data) : '')
  const data = hearDraft(command.data ?? nothing)

  const repeated = await marked(drafts, mark)
  // The version before may have outlived a process that ended between storing and removing.
  if (repeated && repeated.uid !== ref.uid) await remove(drafts, ref.uid, done)
  const now = repeated ?? ref
  const [message] = await living(drafts, [now.uid])
  if (!message) {
    if (command.send && await wasSent(drafts, mark)) return
    throw new Failure('not-found', 'no such draft')
  }
  const marks = [mark, markOf(drafts, 'id', command.serverId), markOf(drafts, 'id', printItemId(now))]
  const stored = await read(drafts, now)
  const octets = repeated ? stored : await compose(drafts, data, stored, marks, sections(data.remove, now))
  if (command.send) {
    await send(drafts, octets)
    await remove(drafts, now.uid, done)
    return
  }
  const version = repeated ? { ref: now, octets } : await store(drafts, octets, mark, flagsOf(command.data, message))
  if (!repeated) await remove(drafts, now.uid, done)
  if (data.add.length === 0) return
  done.responses.push(response(command, '1', [el('AirSync:ApplicationData', filesTold(version, data.add))]))
}

/** FileReferences are of the version they were told with: those of another one might name other parts by now. */
function sections(references: readonly string[], { folder, uid }: MessageRef): string[] {
  return references.map(reference => {
    const { ref, section } = parseFileReference(reference)
    if (ref.folder !== folder || ref.uid !== uid) throw new Failure('conflict', 'an attachment of another version')
    return section
  })
}

async function read({ call, place }: Drafts, { uid }: MessageRef): Promise<Uint8Array> {
  const { mail, folder, cursor: { validity } } = place
  const most = call.settings.maxHeld
  const [octets] = await mail.parts(folder, validity, [{ uid, section: '', length: most + 1 }])
  if (!octets) throw new Failure('not-found', 'the draft is gone')
  if (octets.length > most) throw new Failure('too-large', 'a draft larger than a message may be')
  return octets
}

/** The next version's octets: what the client said put into what is stored. */
async function compose(
  { call }: Drafts, data: DraftData, stored: Uint8Array | undefined, marks: readonly string[], gone: readonly string[],
): Promise<Uint8Array> {
  const base = data.mime ?? stored
  const header = headerOf(base), old = headerOf(stored)
  const { person } = call.stores
  const from = { address: primary(person), ...(person.displayName ? { name: person.displayName } : {}) }
  const missing = (name: string, value: string | undefined): [string, string][] =>
    value === undefined || rawField(header, name.toLowerCase()) !== undefined ? [] : [[name, value]]
  // Of the Changes the last one counts: what it undid may be said again.
  const before = old.fields.filter(({ name }) => name === draftField.toLowerCase()).map(({ value }) => value)
  const kept = before.filter(value => !value.startsWith('change-'))
  const edit: DraftEdit = {
    header: {
      remove: [...data.clear, draftField],
      set: [...data.set, ['Date', printDate(call.now())]],
      append: [
        ...missing('From', printMailbox(from)),
        ...missing('Message-ID', rawField(old, 'message-id') ?? `<${marks[0]!.replace(/^.*-/, '')}@${domainOf(from.address)}>`),
        ...['In-Reply-To', 'References'].flatMap(name => missing(name, rawField(old, name.toLowerCase()))),
        ...[...new Set([...kept, ...marks])].slice(-mostMarks).map((mark): [string, string] => [draftField, mark]),
      ],
    },
    // A message that is given whole has its files, too.
    text: data.text, add: data.add, remove: new Set(data.mime ? [] : gone),
  }
  return editDraft(base, edit, call.settings.maxHeld)
}

const headerOf = (octets: Uint8Array | undefined): Header => parseHeader(splitMessage(octets ?? new Uint8Array()).header)

/** IMAP flags of the version: those of the one before, but for what the client says. */
function flagsOf(data: Element | undefined, before?: Message): string[] {
  const flags = new Set(before ? [...before.flags] : ['\\Seen'])
  const { add, remove } = data ? editFlags(hearFlags(data), flags) : { add: [], remove: [] }
  for (const flag of [...remove, '\\Recent', '\\Deleted']) flags.delete(flag)
  for (const flag of [...add, '\\Draft']) flags.add(flag)
  return [...flags].filter(flag => /^\\?[\w$.-]{1,100}$/.test(flag))
}

/** Without UIDPLUS the server does not say where it put the draft: it is looked for by its mark. */
async function store(drafts: Drafts, octets: Uint8Array, mark: string, flags: readonly string[]): Promise<Version> {
  const { mail, folder } = drafts.place
  const told = await mail.append(folder, octets, flags)
  const ref = told ? { folder, ...told } : await marked(drafts, mark)
  if (!ref) throw new Failure('unavailable', 'the draft that was stored is not there')
  return { ref, octets }
}

async function remove({ place }: Drafts, uid: number, { dropped, added }: Done): Promise<void> {
  const { mail, folder, cursor: { validity } } = place
  await mail.remove(folder, validity, [uid])
  dropped.add(uid)
  added.delete(uid)
}

/** Sends it once, with a copy in Sent. */
async function send({ call }: Drafts, mime: Uint8Array): Promise<void> {
  const { fields } = headerOf(mime)
  const all = fields.filter(({ name }) => ['to', 'cc', 'bcc'].includes(name)).flatMap(({ value }) => parseAddresses(value))
  if (all.length === 0 || all.some(({ address }) => !/^[^@\s]+@[^@\s]+$/.test(address))) throw new Unsent(noRecipient)
  const status = await sendOnce(call, { mime: [mime], clientId: undefined, save: true })
  if (status !== undefined && status !== previouslySent) throw new Unsent(status)
}

/** [MS-ASCMD] Common Status Codes: a draft that nobody could get; a message sent before. */
const noRecipient = '183', previouslySent = '118'

/** The copy in Sent keeps the marks, so that a client whose answer got lost hears that it was sent. */
async function wasSent({ call: { stores: { mail } } }: Drafts, mark: string): Promise<boolean> {
  const sent = await mail.folderByRole('sent')
  return (await mail.findByHeader(sent.id, draftField, mark)).length > 0
}

/** [MS-ASAIRS] ClientId: the FileReferences of the files that were added. */
function filesTold({ ref, octets }: Version, files: readonly AddedFile[]): Node[] {
  if (files.length === 0) return []
  const free = leaves(parseEntity(octets))
  return [el('AirSyncBase:Attachments', files.flatMap(file => {
    const wanted = whole(filePart(file))
    const index = free.findIndex(entity => wanted.equals(entity.octets))
    const [found] = index < 0 ? [] : free.splice(index, 1)
    return found ? [el('AirSyncBase:Attachment', [
      el('AirSyncBase:ClientId', file.clientId), el('AirSyncBase:FileReference', printFileReference(ref, found.section)),
    ])] : []
  }))]
}

const leaves = (entity: Entity): Entity[] => entity.children.length > 0 ? entity.children.flatMap(leaves) : [entity]
const whole = (made: Made): Buffer => Buffer.concat(made.filter(piece => piece instanceof Uint8Array))

/** [MS-ASEMAIL] ConversationId, ConversationIndex: what the server makes of a new draft. */
function threadOf(octets: Uint8Array, now: Date): Node[] {
  const header = headerOf(octets)
  return [el('Email2:ConversationId', conversationId(header)), el('Email2:ConversationIndex', conversationIndex(header, now))]
}

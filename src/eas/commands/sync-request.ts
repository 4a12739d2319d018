import { createHash, hash } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import type { FolderId } from '../../model/folder.ts'
import { defaultOptions, type BodyPreference, type SyncOptions } from '../../state/sync-options.ts'
import { child, children, text, type Element, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'

/** One Add, Change, Delete or Fetch the client sends: [MS-ASCMD] Commands. */
export type ClientCommand = {
  readonly kind: 'Add' | 'Change' | 'Delete' | 'Fetch'
  readonly serverId: string
  readonly clientId: string
  readonly smsClass: boolean
  /** [MS-ASAIRS] InstanceId, from 16.0: one occurrence of a series. */
  readonly instance: string | undefined
  /** [MS-ASEMAIL] Send: a draft that is to go out. */
  readonly send: boolean
  readonly data: Element | undefined
}

export type CollectionRequest = {
  readonly id: FolderId
  readonly key: string
  /** Undefined when the client leaves it to the key: [MS-ASCMD] GetChanges. */
  readonly getChanges: boolean | undefined
  readonly deletesAsMoves: boolean
  /** [MS-ASCMD] ConversationMode: conversations are whole, whatever the time filter. */
  readonly conversations: boolean
  readonly window: number
  /** [MS-ASCMD] MaxItems (Sync), of the recipient information cache. */
  readonly maxItems: number | undefined
  /** Undefined when the client sends none and means the ones it sent before. */
  readonly options: SyncOptions | undefined
  /** [MS-ASCMD] Class, which versions up to 12.1 name. */
  readonly className: string | undefined
  /** [MS-ASCMD] Supported: tags. */
  readonly supported: readonly string[] | undefined
  readonly commands: readonly ClientCommand[]
}

export type SyncRequest = {
  readonly collections: readonly CollectionRequest[]
  /** Over all collections. */
  readonly window: number
  /** Seconds to wait for a change; undefined to answer at once. */
  readonly wait: number | undefined
  readonly partial: boolean
}

/** What has a Status of its own, for the whole request; of 14 and 15 with [MS-ASCMD] Limit, in the unit the client used. */
export class SyncRefused extends Failure {
  readonly status: string
  readonly limit: number | undefined

  constructor(status: '14' | '15' | typeof unknownPart, limit?: number) {
    super('malformed', limit === undefined ? 'a part there is not' : `out of the limit ${limit}`)
    this.status = status
    this.limit = limit
  }
}

export type Limits = { readonly heartbeat: { readonly min: number; readonly max: number }; readonly collections: number; readonly version: Version }

const mostCommands = 512, mostSupported = 200

/** Reads the body of a Sync. Throws `malformed` for what breaks the protocol (Status 4), `SyncRefused` for 14, 15 and 164. */
export function readSync(body: Element, limits: Limits): SyncRequest {
  const list = child(body, 'AirSync:Collections')
  const collections = list ? children(list, 'AirSync:Collection').map(one => readCollection(one, limits.version)) : []
  if (collections.length > limits.collections) throw new SyncRefused('15', limits.collections)
  if (new Set(collections.map(({ id }) => id)).size < collections.length) throw new Failure('malformed', 'a collection twice')
  return {
    collections,
    window: readWindow(body, 512),
    wait: readWait(body, limits),
    partial: child(body, 'AirSync:Partial') !== undefined,
  }
}

// [MS-ASCMD] Wait came with 12.1, HeartbeatInterval (Sync) with 14.0: who waits without them would be answered at once, again and again.
function readWait(body: Element, { heartbeat, version }: Limits): number | undefined {
  const minutes = readNumber(body, 'AirSync:Wait'), seconds = readNumber(body, 'AirSync:HeartbeatInterval')
  const known = (minutes === undefined || since(version, '12.1')) && (seconds === undefined || since(version, '14.0'))
  if (!known) throw new Failure('malformed', `a wait that version ${version} does not have`)
  if (minutes !== undefined && seconds !== undefined) throw new Failure('malformed', 'both Wait and HeartbeatInterval')
  if (minutes !== undefined) return within(minutes, Math.ceil(heartbeat.min / 60), Math.floor(heartbeat.max / 60)) * 60
  return seconds === undefined ? undefined : within(seconds, heartbeat.min, heartbeat.max)
}

function within(value: number, min: number, max: number): number {
  if (value < min) throw new SyncRefused('14', min)
  if (value > max) throw new SyncRefused('14', max)
  return value
}

function readCollection(element: Element, version: Version): CollectionRequest {
  const id = text(element, 'AirSync:CollectionId'), key = text(element, 'AirSync:SyncKey')
  if (!id || id.length > 64 || !key || key.length > 64) throw new Failure('malformed', 'Collection without CollectionId or SyncKey')
  const commands = child(element, 'AirSync:Commands')?.children ?? []
  if (commands.length > mostCommands) throw new Failure('malformed', 'too many commands')
  const getChanges = text(element, 'AirSync:GetChanges')
  if (key === '0' && getChanges !== undefined && getChanges !== '0') throw new Failure('malformed', 'GetChanges with SyncKey 0')
  return {
    id: id as FolderId, key,
    getChanges: getChanges === undefined ? undefined : getChanges !== '0',
    deletesAsMoves: text(element, 'AirSync:DeletesAsMoves') !== '0',
    conversations: readConversationMode(element),
    window: readWindow(element, 100),
    maxItems: readMaxItems(element),
    options: readOptions(element, version),
    className: text(element, 'AirSync:Class')?.slice(0, 20),
    supported: child(element, 'AirSync:Supported')?.children.slice(0, mostSupported).map(({ tag }) => tag),
    commands: commands.map(readCommand),
  }
}

/** An empty one means yes, as an empty boolean does: [MS-ASDTYPE]. */
export function readConversationMode(element: Element): boolean {
  const mode = text(element, 'AirSync:ConversationMode')
  if (mode !== undefined && !/^[01]?$/.test(mode)) throw new Failure('malformed', 'ConversationMode is no boolean')
  return mode !== undefined && mode !== '0'
}

function readCommand(element: Element): ClientCommand {
  const kind = kinds[element.tag]
  const serverId = text(element, 'AirSync:ServerId') ?? '', clientId = text(element, 'AirSync:ClientId') ?? ''
  if (!kind || (kind === 'Add' ? !clientId : !serverId)) throw new Failure('malformed', `a command that is none: ${element.tag}`)
  if (serverId.length > 64 || clientId.length > 64) throw new Failure('malformed', 'an id of over 64 characters')
  const data = child(element, 'AirSync:ApplicationData')
  const send = [element, data].some(one => one && child(one, 'Email2:Send'))
  const instance = text(element, 'AirSyncBase:InstanceId')
  return { kind, serverId, clientId, instance, smsClass: text(element, 'AirSync:Class') === 'SMS', send, data }
}

const kinds: { readonly [tag: string]: ClientCommand['kind'] } = {
  'AirSync:Add': 'Add', 'AirSync:Change': 'Change', 'AirSync:Delete': 'Delete', 'AirSync:Fetch': 'Fetch',
}

function readMaxItems(element: Element): number | undefined {
  const options = child(element, 'AirSync:Options')
  return options && readNumber(options, 'AirSync:MaxItems')
}

/** [MS-ASCMD] WindowSize: 0 and all above 512 mean 512. */
function readWindow(element: Element, otherwise: number): number {
  const size = readNumber(element, 'AirSync:WindowSize') ?? otherwise
  return size === 0 || size > 512 ? 512 : size
}

function readNumber(element: Element, tag: Tag): number | undefined {
  const value = text(element, tag)
  if (value === undefined) return undefined
  if (!/^[0-9]{1,10}$/.test(value)) throw new Failure('malformed', `${tag} is no number`)
  return Number(value)
}

/**
 * [MS-ASCMD] Options (Sync). A block for the SMS class is left aside: Samsung sends one beside that for mail. Undefined without any.
 * Also for ItemOperations' Options, whose children have the same names.
 */
export function readOptions(element: Element, version: Version): SyncOptions | undefined {
  const blocks = children(element, 'AirSync:Options')
  const classes = blocks.map(one => text(one, 'AirSync:Class') ?? 'Email')
  // [MS-ASCMD] Class (Sync): nothing but mail and SMS is synchronized together.
  if (blocks.length > 1 && (blocks.length > 2 || !classes.includes('SMS') || !classes.includes('Email'))) {
    throw new Failure('malformed', 'Options of classes that do not go together')
  }
  const block = blocks.find((_, index) => classes[index] !== 'SMS')
  if (!block) return undefined
  if (wantsUnknownPart(block, version)) throw new SyncRefused(unknownPart)
  const filter = readNumber(block, 'AirSync:FilterType') ?? readNumber(element, 'AirSync:FilterType') ?? defaultOptions.filter
  if (filter > 8) throw new Failure('malformed', `FilterType ${filter}`)
  const mimeSupport = readNumber(block, 'AirSync:MIMESupport') ?? 0
  const mimeTruncation = readNumber(block, 'AirSync:MIMETruncation') ?? defaultOptions.mimeTruncation
  if (mimeSupport > 2 || mimeTruncation > 8) throw new Failure('malformed', 'MIMESupport or MIMETruncation out of range')
  return {
    filter, mimeTruncation, mimeSupport: mimeSupport as SyncOptions['mimeSupport'],
    conflict: readNumber(block, 'AirSync:Conflict') === 0 ? 0 : 1,
    bodies: version === '2.5' ? readTruncation(block) : readPreferences(block),
    ...readPart(block),
  }
}

/** [MS-ASCMD] Truncation: characters by its number, 9 cuts nothing. */
const truncations = [0, 512, 1024, 2048, 5120, 10_240, 20_480, 51_200, 102_400, Infinity]

/** 2.5 has no BodyPreference: bodies are plain text, or the message itself where MIMESupport asks for it. */
function readTruncation(block: Element): BodyPreference[] {
  const size = truncations[readNumber(block, 'AirSync:Truncation') ?? 9]
  if (size === undefined) throw new Failure('malformed', 'Truncation out of range')
  return [size === Infinity ? { type: 1 } : { type: 1, truncationSize: size }, { type: 4 }]
}

/** [MS-ASAIRS] BodyPartPreference. */
export function readPart(options: Element): Pick<SyncOptions, 'part'> {
  const [part] = children(options, 'AirSyncBase:BodyPartPreference').map(readPreference)
  return part ? { part } : {}
}

/** [MS-ASCMD] Common Status Codes. */
export const unknownPart = '164'

/** [MS-ASCON] Sending a Message Part: one of another Type than HTML. */
export function wantsUnknownPart(options: Element | undefined, version: Version): boolean {
  const types = options && since(version, '14.1') ? children(options, 'AirSyncBase:BodyPartPreference').map(one => text(one, 'AirSyncBase:Type')) : []
  return types.some(type => type && type !== '2')
}

/** [MS-ASAIRS] BodyPreference: one for each Type. */
export function readPreferences(options: Element): BodyPreference[] {
  const all = children(options, 'AirSyncBase:BodyPreference').map(readPreference)
  if (new Set(all.map(({ type }) => type)).size < all.length) throw new Failure('malformed', 'two BodyPreference of one Type')
  return all
}

function readPreference(element: Element): BodyPreference {
  const tags = element.children.map(({ tag }) => tag), allOrNone = text(element, 'AirSyncBase:AllOrNone')
  if (new Set(tags).size < tags.length) throw new Failure('malformed', 'an element of BodyPreference twice')
  if (allOrNone !== undefined && !/^[01]?$/.test(allOrNone)) throw new Failure('malformed', 'AllOrNone is no boolean')
  const type = readNumber(element, 'AirSyncBase:Type')
  if (!type || type > 4) throw new Failure('malformed', 'BodyPreference without a known Type')
  const truncationSize = readNumber(element, 'AirSyncBase:TruncationSize'), preview = readNumber(element, 'AirSyncBase:Preview')
  return {
    type: type as BodyPreference['type'],
    ...(truncationSize === undefined ? {} : { truncationSize: Math.min(truncationSize, 0xffffffff) }),
    ...(preview === undefined ? {} : { preview: Math.min(preview, 255) }),
    ...(allOrNone !== undefined && allOrNone !== '0' ? { allOrNone: true } : {}),
  }
}

/** Two requests with the same digest say the same. What a client's commands carry may be large: it is digested where it lies. */
export function digest(request: SyncRequest): string {
  const collections = request.collections.map(one => ({
    ...one, commands: one.commands.map(command => ({ ...command, data: command.data && digestElement(command.data) })),
  }))
  return hash('sha256', JSON.stringify({ ...request, collections }), 'base64url')
}

/** Two trees with the same digest are the same. */
export function digestElement(root: Element): string {
  const sum = createHash('sha256')
  const visit = ({ tag, children: below, text: said, opaque }: Element): void => {
    sum.update(`${tag} ${below.length} ${said.length} ${opaque?.length ?? -1} `).update(said)
    if (opaque) sum.update(opaque)
    below.forEach(visit)
  }
  visit(root)
  return sum.digest('base64url')
}

import { child, children, decode, el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import type { HttpAnswer, Overrides } from './eas-client.ts'

/** What a Sync says about one collection; `id` alone means "give me what is new". */
export type CollectionWish = {
  readonly id: string
  /** Up to 12.1; Email where absent. */
  readonly class?: string
  /** Tags, with key 0. */
  readonly supported?: readonly Tag[]
  /** Instead of the key the phone holds. */
  readonly key?: string
  readonly window?: number
  readonly getChanges?: boolean
  readonly deletesAsMoves?: boolean
  /** ConversationMode, as text. */
  readonly conversations?: string
  /** FilterType, bodies and so on; [] is an empty Options, undefined none at all. */
  readonly options?: OptionsWish | undefined
  readonly commands?: readonly PhoneCommand[]
}

export type OptionsWish = {
  readonly filter?: number
  readonly mimeSupport?: 0 | 1 | 2
  readonly mimeTruncation?: number
  /** 2.5 */
  readonly truncation?: number
  readonly conflict?: 0 | 1
  readonly bodies?: readonly { type: number; size?: number; allOrNone?: boolean; preview?: number }[]
  /** BodyPartPreference: HTML where it does not say. */
  readonly part?: { type?: number; size?: number; allOrNone?: boolean; preview?: number }
  readonly class?: string
  /** Of the recipient cache. */
  readonly maxItems?: number
}

export type PhoneCommand =
  | {
    readonly kind: 'Change'; readonly id: string
    readonly read?: boolean; readonly flagged?: boolean; readonly data?: readonly Node[]; readonly send?: boolean; readonly instance?: string
  }
  | { readonly kind: 'Delete' | 'Fetch'; readonly id: string; readonly instance?: string }
  | { readonly kind: 'Add'; readonly clientId: string; readonly data: readonly Node[]; readonly send?: boolean }

export type SyncWish = {
  readonly collections: readonly CollectionWish[]
  readonly window?: number
  /** Minutes. */
  readonly wait?: number
  /** Seconds. */
  readonly heartbeat?: number
  readonly partial?: boolean
  /** No body at all. */
  readonly empty?: boolean
  /** The answer gets lost: the phone does not take it in. */
  readonly lose?: boolean
  readonly overrides?: Overrides
}

export type SyncResult = {
  readonly http: number
  /** Status at the top, '' when it is not there; `empty` for an answer without a body. */
  readonly status: string
  readonly empty: boolean
  readonly limit: string | undefined
  readonly collections: readonly CollectionResult[]
  readonly bytes: Uint8Array
}

export type CollectionResult = {
  readonly id: string
  readonly status: string
  readonly key: string
  readonly class: string | undefined
  readonly more: boolean
  readonly adds: readonly string[]
  readonly changes: readonly string[]
  readonly deletes: readonly string[]
  readonly softDeletes: readonly string[]
  /** Everything in Responses. */
  readonly responses: readonly {
    kind: string; id: string; clientId: string | undefined; status: string; data: Element | undefined
  }[]
}

/** Versions before 14.0 name the class first, and send messages bare. */
export const isOld = (version: string): boolean => ['2.5', '12.0', '12.1'].includes(version)

export const number = (tag: Tag, value: number | undefined): Node[] => value === undefined ? [] : [el(tag, String(value))]

export function collectionNode(wish: CollectionWish, key: string, version: string): Node {
  const { id, window, getChanges, deletesAsMoves, options, commands } = wish
  return el('AirSync:Collection', [
    ...(isOld(version) ? [el('AirSync:Class', wish.class ?? 'Email')] : []),
    el('AirSync:SyncKey', wish.key ?? key),
    el('AirSync:CollectionId', id),
    ...(wish.supported ? [el('AirSync:Supported', wish.supported.map(tag => el(tag)))] : []),
    ...(deletesAsMoves === undefined ? [] : [el('AirSync:DeletesAsMoves', deletesAsMoves ? '1' : '0')]),
    ...(getChanges === undefined ? [] : [el('AirSync:GetChanges', getChanges ? '1' : '0')]),
    ...number('AirSync:WindowSize', window),
    ...(wish.conversations === undefined ? [] : [el('AirSync:ConversationMode', wish.conversations)]),
    ...(options ? [el('AirSync:Options', optionNodes(options))] : []),
    ...(commands?.length ? [el('AirSync:Commands', commands.map(commandNode))] : []),
  ])
}

export function optionNodes({ filter, mimeSupport, mimeTruncation, truncation, conflict, bodies = [], part, ...rest }: OptionsWish): Node[] {
  return [
    ...number('AirSync:FilterType', filter), ...number('AirSync:Truncation', truncation),
    ...(rest.class ? [el('AirSync:Class', rest.class)] : []),
    ...bodies.map(one => el('AirSyncBase:BodyPreference', preferenceNodes(one))),
    ...(part ? [el('AirSyncBase:BodyPartPreference', preferenceNodes({ type: 2, ...part }))] : []),
    ...number('AirSync:Conflict', conflict), ...number('AirSync:MIMESupport', mimeSupport),
    ...number('AirSync:MIMETruncation', mimeTruncation), ...number('AirSync:MaxItems', rest.maxItems),
  ]
}

const preferenceNodes = ({ type, size, allOrNone, preview }: { type: number; size?: number; allOrNone?: boolean; preview?: number }): Node[] => [
  ...number('AirSyncBase:Type', type), ...number('AirSyncBase:TruncationSize', size),
  ...(allOrNone === undefined ? [] : [el('AirSyncBase:AllOrNone', allOrNone ? '1' : '0')]),
  ...number('AirSyncBase:Preview', preview),
]

function commandNode(command: PhoneCommand): Node {
  if (command.kind === 'Add') return el(
    'AirSync:Add', [el('AirSync:ClientId', command.clientId), el('AirSync:ApplicationData', command.data), ...sent(command.send)]
  )
  const id = el('AirSync:ServerId', command.id)
  const instance = command.instance === undefined ? [] : [el('AirSyncBase:InstanceId', command.instance)]
  if (command.kind !== 'Change') return el(`AirSync:${command.kind}`, [id, ...instance])
  const { read, flagged, data, send } = command
  return el('AirSync:Change', [id, ...instance, el('AirSync:ApplicationData', data ?? [
    ...(read === undefined ? [] : [el('Email:Read', read ? '1' : '0')]),
    ...(flagged === undefined ? [] : [
      el('Email:Flag', flagged ? [el('Email:Status', '2'), el('Email:FlagType', 'for Follow Up')] : []),
    ]),
  ]), ...sent(send)])
}

const sent = (send: boolean | undefined): Node[] => send ? [el('Email2:Send')] : []

/** A collection of the answer with its element, which the phone's view takes in. */
export type Answered = CollectionResult & { readonly element: Element }

export function readSync({ status: http, bytes }: HttpAnswer) {
  const root = http === 200 && bytes.length ? decode(bytes) : undefined
  const list = root && child(root, 'AirSync:Collections')
  return {
    http, bytes, root, status: root && text(root, 'AirSync:Status') || '', empty: http === 200 && bytes.length === 0,
    limit: root && text(root, 'AirSync:Limit'), found: list ? children(list, 'AirSync:Collection').map(readCollection) : [],
  }
}

function readCollection(element: Element): Answered {
  const said = (tag: Tag): string => text(element, tag) ?? ''
  const ids = (tag: Tag): string[] => children(
    child(element, 'AirSync:Commands') ?? element, tag
  ).map(one => text(one, 'AirSync:ServerId') ?? '')
  return {
    element, id: said('AirSync:CollectionId'), status: said('AirSync:Status'), key: said('AirSync:SyncKey'),
    class: text(element, 'AirSync:Class'),
    more: child(element, 'AirSync:MoreAvailable') !== undefined,
    adds: ids('AirSync:Add'), changes: ids('AirSync:Change'), deletes: ids('AirSync:Delete'),
    softDeletes: ids('AirSync:SoftDelete'),
    responses: (child(element, 'AirSync:Responses')?.children ?? []).map(one => ({
      kind: one.tag.slice(one.tag.indexOf(':') + 1), id: text(one, 'AirSync:ServerId') ?? '',
      clientId: text(one, 'AirSync:ClientId'),
      status: text(one, 'AirSync:Status') ?? '', data: child(one, 'AirSync:ApplicationData'),
    })),
  }
}

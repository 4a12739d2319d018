import http from 'node:http'
import https from 'node:https'
import { child, children, decode, el, encodeSync, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { plainQuery, base64Query, type Query } from './eas-query.ts'
import {
  collectionNode, isOld, number, optionNodes, readSync, type CollectionWish, type OptionsWish, type SyncResult, type SyncWish
} from './eas-sync.ts'
import { hold, type Held } from './eas-view.ts'

/** A phone, as far as the protocol goes: it knows nothing of Postern but the bytes. */
export type PhoneOptions = {
  /** `http://127.0.0.1:1234` */
  readonly url: string
  readonly user: string
  readonly password: string
  readonly deviceId?: string
  readonly deviceType?: string
  readonly version?: string
  readonly query?: 'plain' | 'base64'
  readonly userAgent?: string
}

export type HttpAnswer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly bytes: Uint8Array }

export type Overrides = {
  readonly method?: string
  /** Instead of the whole path and query. */
  readonly path?: string
  /** Added to the query. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  /** Sends so many octets of the body, then breaks off; the answer is an error. */
  readonly cutAfter?: number
  /** Sees the answer as it comes. */
  readonly onData?: (chunk: Uint8Array) => void
}

export type SmartWish = {
  readonly clientId?: string
  readonly save?: boolean
  readonly replaceMime?: boolean
  /** The id is one of Search. */
  readonly longId?: boolean
  readonly folder?: string
  /** More elements. */
  readonly more?: readonly Node[]
}

export type FolderView = { readonly id: string; parent: string; name: string; type: string }

const wbxmlType = 'application/vnd.ms-sync.wbxml'

export class Phone {
  readonly options: Required<PhoneOptions>
  policyKey = '0'
  folderKey = '0'
  readonly folders = new Map<string, FolderView>()
  readonly collections = new Map<string, Held>()
  readonly #agent: http.Agent

  constructor(options: PhoneOptions) {
    this.options = {
      deviceId: 'PHONE1', deviceType: 'TestPhone', version: '16.1', query: 'plain', userAgent: 'TestPhone/1.0', ...options,
    }
    const tls = options.url.startsWith('https:')
    this.#agent = tls ? new https.Agent({ keepAlive: true, rejectUnauthorized: false }) : new http.Agent({ keepAlive: true })
  }

  get #policyType(): string {
    return this.options.version === '2.5' ? 'MS-WAP-Provisioning-XML' : 'MS-EAS-Provisioning-WBXML'
  }

  close(): void {
    this.#agent.destroy()
  }

  /** The id of a folder by its name, or by its type number. */
  folder(name: string): string {
    const found = [...this.folders.values()].find(folder => folder.name === name || folder.type === name)
    if (!found) throw new Error(`the phone has no folder ${name}`)
    return found.id
  }

  held(id: string): Held {
    let held = this.collections.get(id)
    if (!held) this.collections.set(id, held = hold())
    return held
  }

  /** One request of whatever kind. A tree is sent as WBXML, octets as they are. */
  raw(command: string, body: Node | Uint8Array | undefined, overrides: Overrides = {}): Promise<HttpAnswer> {
    const { user, password, version, deviceId, deviceType } = this.options
    const query: Query = {
      command, user, deviceId, deviceType, version, policyKey: this.policyKey, parameters: overrides.parameters ?? {},
    }
    const base64 = this.options.query === 'base64'
    const octets = body === undefined || body instanceof Uint8Array ? body : encodeSync(body)
    const headers: Record<string, string | undefined> = {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'user-agent': this.options.userAgent,
      ...(base64 ? {} : { 'ms-asprotocolversion': version, 'x-ms-policykey': this.policyKey }),
      ...(octets ? { 'content-type': wbxmlType, 'content-length': String(octets.length) } : {}),
      ...overrides.headers,
    }
    const path = overrides.path ?? `/Microsoft-Server-ActiveSync?${base64 ? base64Query(query) : plainQuery(query)}`
    return this.#send(path, headers, octets, overrides)
  }

  #send(
    path: string, headers: Record<string, string | undefined>, octets: Uint8Array | undefined, overrides: Overrides
  ): Promise<HttpAnswer> {
    const { url } = this.options
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>
    return new Promise((resolve, reject) => {
      const request = (url.startsWith('https:') ? https : http).request(new URL(path, url), {
        method: overrides.method ?? 'POST', headers: sent, agent: this.#agent,
        ...(overrides.signal ? { signal: overrides.signal } : {}),
      }, response => {
        const chunks: Uint8Array[] = []
        response.on('data', (chunk: Uint8Array) => {
          chunks.push(chunk)
          overrides.onData?.(chunk)
        })
        const { statusCode = 0, headers: answered } = response
        response.on('end', () => resolve({ status: statusCode, headers: answered, bytes: Buffer.concat(chunks) }))
        response.on('error', reject)
      })
      request.on('error', reject)
      const { cutAfter } = overrides
      if (cutAfter === undefined || !octets) request.end(octets)
      else request.write(octets.subarray(0, cutAfter), () => request.destroy(new Error('cut')))
    })
  }

  /** A command and its tree; throws for anything but HTTP 200. Undefined for an empty answer. */
  async command(command: string, body: Node | undefined, overrides: Overrides = {}): Promise<Element | undefined> {
    const { status, bytes } = await this.raw(command, body, overrides)
    if (status !== 200) throw new Error(`${command}: HTTP ${status}`)
    return bytes.length ? decode(bytes) : undefined
  }

  async optionsRequest(): Promise<{ versions: string[]; commands: string[] }> {
    const { status, headers } = await this.raw('', undefined, { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' })
    if (status !== 200) throw new Error(`OPTIONS: HTTP ${status}`)
    const list = (name: string): string[] => String(headers[name] ?? '').split(',').filter(Boolean)
    return { versions: list('ms-asprotocolversions'), commands: list('ms-asprotocolcommands') }
  }

  /** Both phases; the key that ends them is used from then on. False when the server has no policy. */
  async provision(): Promise<boolean> {
    const ask = async (rest: readonly Node[]): Promise<Element> => {
      const answer = await this.command('Provision', el('Provision:Provision', [
        el('Provision:Policies', [el('Provision:Policy', [el('Provision:PolicyType', this.#policyType), ...rest])]),
      ]))
      return descend(answer, 'Provision:Policies', 'Provision:Policy')
    }
    this.policyKey = '0'
    const first = await ask([])
    if (text(first, 'Provision:Status') === '2') return false
    this.policyKey = text(first, 'Provision:PolicyKey') ?? '0'
    const second = await ask([el('Provision:PolicyKey', this.policyKey), el('Provision:Status', '1')])
    this.policyKey = text(second, 'Provision:PolicyKey') ?? '0'
    return true
  }

  /** Changes as `Add Name`, `Update Name`, `Delete Name`; the phone's own list follows them. */
  async folderSync(key = this.folderKey, overrides: Overrides = {}): Promise<{ status: string; changes: string[] }> {
    const answer = await this.command(
      'FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', key)]), overrides
    )
    const status = answer && text(answer, 'FolderHierarchy:Status') || ''
    if (status !== '1') return { status, changes: [] }
    if (key === '0') this.folders.clear()
    this.folderKey = text(answer!, 'FolderHierarchy:SyncKey') ?? ''
    const list = child(answer!, 'FolderHierarchy:Changes')?.children ?? []
    return { status, changes: list.flatMap(change => this.#takeFolder(change)) }
  }

  #takeFolder(change: Element): string[] {
    const said = (tag: Tag): string => text(change, tag) ?? ''
    const id = said('FolderHierarchy:ServerId')
    const kind = change.tag.slice(change.tag.indexOf(':') + 1)
    if (kind === 'Count') return []
    const before = this.folders.get(id)
    if (kind === 'Delete') this.folders.delete(id)
    else this.folders.set(id, {
      id, parent: said('FolderHierarchy:ParentId'), name: said('FolderHierarchy:DisplayName'), type: said('FolderHierarchy:Type'),
    })
    return [`${kind} ${this.folders.get(id)?.name ?? before?.name}`]
  }

  /** FolderCreate, FolderUpdate or FolderDelete; the phone's own list follows what succeeded. */
  async editFolder(
    kind: 'Create' | 'Update' | 'Delete', wish: { id?: string; parent?: string; name?: string; type?: string; key?: string },
  ): Promise<{ status: string; id: string }> {
    const said = (tag: Tag, value: string | undefined): Node[] => value === undefined ? [] : [el(tag, value)]
    const root: Tag = `FolderHierarchy:Folder${kind}`
    const answer = await this.command(`Folder${kind}`, el(root, [
      el('FolderHierarchy:SyncKey', wish.key ?? this.folderKey),
      ...said('FolderHierarchy:ServerId', wish.id),
      ...said('FolderHierarchy:ParentId', wish.parent ?? (kind === 'Delete' ? undefined : '0')),
      ...said('FolderHierarchy:DisplayName', wish.name),
      ...said('FolderHierarchy:Type', wish.type ?? (kind === 'Create' ? '12' : undefined)),
    ]))
    const status = answer && text(answer, 'FolderHierarchy:Status') || ''
    const id = answer && text(answer, 'FolderHierarchy:ServerId') || wish.id || ''
    if (status !== '1') return { status, id }
    this.folderKey = text(answer!, 'FolderHierarchy:SyncKey') ?? ''
    if (kind === 'Delete') this.folders.delete(id)
    else this.folders.set(id, { id, parent: wish.parent ?? '0', name: wish.name ?? '', type: wish.type ?? '12' })
    return { status, id }
  }

  async sync(wish: SyncWish): Promise<SyncResult> {
    const body = wish.empty ? undefined : this.syncBody(wish)
    const answered = await this.raw('Sync', body, wish.overrides)
    const result = readSync(answered)
    if (!wish.lose && !wish.empty) for (const asked of wish.collections) this.held(asked.id).sent(asked)
    if (!wish.lose && result.root) for (const collection of result.found) this.held(collection.id).take(collection)
    const { found, root: _, ...rest } = result
    return { ...rest, collections: found.map(({ element: __, ...one }) => one) }
  }

  /** The body of a Sync, with the keys the phone holds. */
  syncBody({ collections, window, wait, heartbeat, partial }: SyncWish): Node {
    const { version } = this.options
    return el('AirSync:Sync', [
      ...(collections.length ? [
        el('AirSync:Collections', collections.map(one => collectionNode(one, this.held(one.id).key, version))),
      ] : []),
      ...number('AirSync:Wait', wait), ...number('AirSync:HeartbeatInterval', heartbeat), ...number('AirSync:WindowSize', window),
      ...(partial ? [el('AirSync:Partial')] : []),
    ])
  }

  /** Primes the collection where needed, then syncs until there is no more. Returns the number of answers. */
  async syncAll(id: string, wish: Omit<CollectionWish, 'id'> = {}): Promise<number> {
    if (this.held(id).key === '0') await this.sync({ collections: [{ id }] })
    for (let answers = 1; ; answers++) {
      const { collections, status } = await this.sync({ collections: [{ id, ...wish }] })
      const bad = status || collections.find(one => one.status !== '1')?.status
      if (bad && bad !== '1') throw new Error(`Sync: Status ${bad}`)
      if (!collections.some(one => one.more)) return answers
    }
  }

  async ping(
    folders?: readonly string[], heartbeat?: number, overrides: Overrides = {}
  ): Promise<{ status: string; folders: string[]; limit: string | undefined }> {
    const body = folders || heartbeat !== undefined ? el('Ping:Ping', [
      ...number('Ping:HeartbeatInterval', heartbeat),
      ...(folders ? [
        el('Ping:Folders', folders.map(id => el('Ping:Folder', [el('Ping:Id', id), el('Ping:Class', 'Email')]))),
      ] : []),
    ]) : undefined
    const answer = await this.command('Ping', body, overrides)
    const list = answer && child(answer, 'Ping:Folders')
    return {
      status: answer && text(answer, 'Ping:Status') || '',
      folders: list ? children(list, 'Ping:Folder').map(one => one.text) : [],
      limit: answer && (text(answer, 'Ping:HeartbeatInterval') ?? text(answer, 'Ping:MaxFolders')),
    }
  }

  /** '' when it was sent; else the Status, or `HTTP 500`. */
  async sendMail(
    mime: string | Uint8Array, { clientId = String(Math.random()), save = true }: { clientId?: string; save?: boolean } = {}
  ): Promise<string> {
    const octets = Buffer.from(mime as Uint8Array)
    const answer = isOld(this.options.version)
      ? await this.raw(
        'SendMail', octets, { headers: { 'content-type': 'message/rfc822' }, parameters: { SaveInSent: save ? 'T' : 'F' } }
      )
      : await this.raw('SendMail', el('ComposeMail:SendMail', [
        el('ComposeMail:ClientId', clientId), ...(save ? [el('ComposeMail:SaveInSentItems')] : []),
        el('ComposeMail:Mime', octets),
      ]))
    if (answer.status !== 200) return `HTTP ${answer.status}`
    return answer.bytes.length ? text(decode(answer.bytes), 'ComposeMail:Status') ?? '' : ''
  }

  /** SmartReply or SmartForward; '' when it was sent, else the Status, or `HTTP 500`. */
  async smart(
    command: 'SmartReply' | 'SmartForward', id: string, mime: string | Uint8Array,
    { clientId = String(Math.random()), save = true, replaceMime = false, longId = false, folder = id.split(':')[0]!, more = [] }: SmartWish = {}
  ): Promise<string> {
    const octets = Buffer.from(mime as Uint8Array)
    const old: Record<string, string> = longId ? { LongId: id } : { CollectionId: folder, ItemId: id }
    const answer = isOld(this.options.version)
      ? await this.raw(command, octets, {
        headers: { 'content-type': 'message/rfc822' }, parameters: { ...old, SaveInSent: save ? 'T' : 'F' },
      })
      : await this.raw(command, el(`ComposeMail:${command}`, [
        el('ComposeMail:ClientId', clientId),
        el('ComposeMail:Source', longId
          ? [el('ComposeMail:LongId', id)] : [el('ComposeMail:FolderId', folder), el('ComposeMail:ItemId', id)]),
        ...(save ? [el('ComposeMail:SaveInSentItems')] : []),
        ...(replaceMime ? [el('ComposeMail:ReplaceMime')] : []),
        ...(octets.length ? [el('ComposeMail:Mime', octets)] : []), ...more,
      ]))
    if (answer.status !== 200) return `HTTP ${answer.status}`
    return answer.bytes.length ? text(decode(answer.bytes), 'ComposeMail:Status') ?? '' : ''
  }

  async moveItems(
    moves: readonly { id: string; from: string; to: string }[]
  ): Promise<{ id: string; status: string; newId: string | undefined }[]> {
    const answer = await this.command('MoveItems', el('Move:MoveItems', moves.map(({ id, from, to }) =>
      el('Move:Move', [el('Move:SrcMsgId', id), el('Move:SrcFldId', from), el('Move:DstFldId', to)]))))
    const results = children(answer!, 'Move:Response').map(one => ({
      id: text(one, 'Move:SrcMsgId') ?? '', status: text(one, 'Move:Status') ?? '', newId: text(one, 'Move:DstMsgId'),
    }))
    moves.forEach(({ from, to }, i) => {
      const { id, status, newId } = results[i]!
      if (status === '3' && newId) this.held(from).moveTo(this.held(to), id, newId)
    })
    return results
  }

  async getItemEstimate(
    collections: readonly { id: string; key?: string; filter?: number; maxItems?: number; conversations?: string }[]
  ): Promise<{ id: string; status: string; estimate: number }[]> {
    const old = isOld(this.options.version)
    const nodes = collections.map(({ id, key = this.held(id).key, filter, maxItems, conversations }) => el('GetItemEstimate:Collection', old
      ? [
        el('GetItemEstimate:Class', 'Email'), el('GetItemEstimate:CollectionId', id), ...number('AirSync:FilterType', filter ?? 0),
        el('AirSync:SyncKey', key),
      ]
      : [
        el('AirSync:SyncKey', key), ...(conversations === undefined ? [] : [el('AirSync:ConversationMode', conversations)]),
        el('GetItemEstimate:CollectionId', id),
        ...(filter === undefined && maxItems === undefined ? []
          : [el('AirSync:Options', [...number('AirSync:FilterType', filter), ...number('AirSync:MaxItems', maxItems)])]),
      ]))
    const answer = await this.command(
      'GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', nodes)])
    )
    return children(answer!, 'GetItemEstimate:Response').map(one => {
      const collection = child(one, 'GetItemEstimate:Collection')!
      return {
        id: text(collection, 'GetItemEstimate:CollectionId') ?? '', status: text(one, 'GetItemEstimate:Status') ?? '',
        estimate: Number(text(collection, 'GetItemEstimate:Estimate')),
      }
    })
  }

  /** Fetch of items and files; the answers in order. */
  async fetch(
    wishes: readonly ({ id: string; folder?: string; options?: OptionsWish } | { file: string; range?: string })[],
  ): Promise<{ status: string; id: string; properties: Element | undefined }[]> {
    const answer = await this.command('ItemOperations', el('ItemOperations:ItemOperations', wishes.map(wish => el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'),
      ...('file' in wish
        ? [el('AirSyncBase:FileReference', wish.file), ...(wish.range ? [
          el('ItemOperations:Options', [el('ItemOperations:Range', wish.range)]),
        ] : [])]
        : [
          ...(wish.folder ? [el('AirSync:CollectionId', wish.folder)] : []), el('AirSync:ServerId', wish.id),
          ...(wish.options ? [el('ItemOperations:Options', optionNodes(wish.options))] : []),
        ]),
    ]))))
    const response = child(answer!, 'ItemOperations:Response')
    return (response?.children ?? []).map(one => ({
      status: text(one, 'ItemOperations:Status') ?? '',
      id: text(one, 'AirSync:ServerId') ?? text(one, 'AirSyncBase:FileReference') ?? '',
      properties: child(one, 'ItemOperations:Properties'),
    }))
  }

  /** Settings with these parts; the answer's tree. */
  async settings(...parts: readonly Node[]): Promise<Element> {
    return (await this.command('Settings', el('Settings:Settings', parts)))!
  }
}

/** The element below, by tags. Throws where one is missing. */
export function descend(element: Element | undefined, ...path: readonly Tag[]): Element {
  let at = element
  for (const tag of path) at = at && child(at, tag)
  if (!at) throw new Error(`no ${path.join(' > ')}`)
  return at
}

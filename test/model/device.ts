import { setTimeout } from 'node:timers/promises'
import { child, children, decode, el, encodeSync, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import type { User } from '../support/users.ts'
import type { Dice } from './dice.ts'
import { HeldCollection, noCounts, type Sent } from './held.ts'

/** Where a device finds a Postern, and what goes wrong on the way there. */
export type Way = {
  /** The one that gets the next request; it may be somewhere else after a restart. */
  instance(): Place
  /** What happens to the next request and its answer. */
  fault(command: string): Fault
  /** Called after an answer was lost: time to restart something. */
  lost(): Promise<void>
  say(line: string): void
  /** Any instance knows what another one has moved. */
  readonly movesAnywhere: boolean
  /** Brings a request there and its answer back, in place of all of the above; undefined where the phone gives up. */
  carry?(command: string, octets: Uint8Array): Promise<Uint8Array | undefined>
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * `lost`: it is carried out and the answer never seen; `again`: so it is, and the same octets are sent once more; `cut`: half of it
 * arrives; `killed`: the instance dies somewhere on the way.
 */
export type Fault = 'none' | 'lost' | 'again' | 'cut' | 'killed'
export type Place = { readonly url: string; restart(): Promise<void> }

export type SyncWish = {
  readonly collections: readonly {
    readonly held: HeldCollection
    readonly window: number
    readonly getChanges: boolean | undefined
    readonly sayOptions: boolean
  }[]
  readonly window: number | undefined
  readonly deletesAsMoves: boolean
  /** Seconds to wait for news; from 14.0. */
  readonly heartbeat?: number
}

/** A phone that knows what it did and what it was told; see `HeldCollection` for what it does not put up with. */
export class Device {
  readonly name: string
  readonly version: string
  readonly collections: HeldCollection[] = []
  readonly counts = noCounts()
  requests = 0
  /** Answers that only said "try again": Dovecot ends a session whose mailbox another one renames. */
  retries = 0
  readonly #user: User
  readonly #way: Way
  readonly #dice: Dice
  readonly #phones = new Map<string, Phone>()

  constructor(name: string, version: string, user: User, way: Way, dice: Dice) {
    this.name = name
    this.version = version
    this.#user = user
    this.#way = way
    this.#dice = dice
  }

  close(): void {
    for (const phone of this.#phones.values()) phone.close()
  }

  /** Ids of the folders of these names. */
  async begin(names: readonly string[]): Promise<void> {
    const phone = this.#phone(this.#way.instance().url)
    const { status } = await phone.folderSync('0')
    if (status !== '1') throw new Error(`FolderSync: Status ${status}`)
    for (const name of names) this.collections.push(new HeldCollection(phone.folder(name), name, this.counts))
  }

  #phone(url: string): Phone {
    const known = this.#phones.get(url)
    if (known) return known
    const phone = new Phone({
      url, user: this.#user.login, password: this.#user.password, version: this.version, deviceId: `MODEL${this.name}`, deviceType: 'Model',
    })
    this.#phones.set(url, phone)
    return phone
  }

  /** Undefined when the answer was lost or the request never arrived; null for an empty answer. */
  async #ask(command: string, body: Node, to?: Place): Promise<Element | undefined | null> {
    const octets = encodeSync(body)
    if (this.#way.carry) {
      const answer = await this.#way.carry(command, octets)
      return answer && (answer.length ? decode(answer) : null)
    }
    const fault = this.#way.fault(command)
    this.requests++
    const instance = to ?? this.#way.instance()
    const headers = this.#way.headers ?? {}
    if (fault === 'cut') {
      await this.#phone(instance.url).raw(command, octets, { headers, cutAfter: 1 + this.#dice.below(octets.length - 1) }).catch(() => undefined)
      this.#way.say('  the request is cut')
      return undefined
    }
    if (fault === 'killed') {
      const sent = this.#phone(instance.url).raw(command, octets, { headers }).catch(() => undefined)
      await setTimeout(this.#dice.below(15))
      await instance.restart()
      this.#way.say(`  the instance dies, ${await sent ? 'a moment after the answer' : 'answering nothing'}`)
      return undefined
    }
    const first = await this.#phone(instance.url).raw(command, octets, { headers })
    if (first.status !== 200) throw new Error(`${command}: HTTP ${first.status}`)
    if (fault === 'none') return first.bytes.length ? decode(first.bytes) : null
    this.#way.say(`  the answer is lost: ${summary(first.bytes)}`)
    await this.#way.lost()
    if (fault === 'lost') return undefined
    const second = await this.#phone((to ?? this.#way.instance()).url).raw(command, octets, { headers })
    if (second.status !== 200) throw new Error(`${command}, repeated: HTTP ${second.status}`)
    this.#way.say('  and the request repeated')
    return second.bytes.length ? decode(second.bytes) : null
  }

  /** Answers the collections that have more to tell; undefined when no answer came. */
  async sync(wish: SyncWish): Promise<HeldCollection[] | undefined> {
    const sent = new Map(wish.collections.map(({ held, window, sayOptions }) => [held.id, {
      held, sent: {
        window: Math.min(window, wish.window ?? 512), wishes: new Map(held.key === '0' ? [] : held.wishes), filter: held.filter,
        conflict: sayOptions ? this.#dice.below(2) : undefined,
      } satisfies Sent,
    }]))
    const answer = await this.#ask('Sync', this.#syncBody(wish, sent))
    if (answer === undefined) return undefined
    const status = answer && text(answer, 'AirSync:Status')
    if (status === '16') return this.#again()
    if (status && status !== '1') throw new Error(`Sync: Status ${status}`)
    const list = answer && child(answer, 'AirSync:Collections')
    const more: HeldCollection[] = []
    const news = new Set<string>()
    for (const collection of list ? children(list, 'AirSync:Collection') : []) {
      const id = text(collection, 'AirSync:CollectionId') ?? ''
      const asked = sent.get(id)
      if (!asked || news.has(id)) throw new Error(`Sync: an answer for ${id}, which was not asked for`)
      news.add(id)
      if (asked.held.apply(collection, asked.sent)) more.push(asked.held)
      this.#way.say(`  ${asked.held.name}: ${summarise(collection)}`)
    }
    for (const [id, asked] of sent) {
      if (news.has(id)) continue
      if (asked.held.key === '0') throw new Error(`${asked.held.name}: nothing in answer to key 0`)
      asked.held.confirm(asked.sent, [])
    }
    return more
  }

  #again(): undefined {
    this.retries++
    this.#way.say('  try again')
  }

  #syncBody(wish: SyncWish, sent: ReadonlyMap<string, { sent: Sent }>): Node {
    return el('AirSync:Sync', [
      el('AirSync:Collections', wish.collections.map(({ held, window, getChanges }) => {
        const { wishes, conflict } = sent.get(held.id)!.sent
        const commands = [...wishes].map(([id, { read, flagged, deleted }]) => deleted
          ? el('AirSync:Delete', [el('AirSync:ServerId', id)])
          : el('AirSync:Change', [el('AirSync:ServerId', id), el('AirSync:ApplicationData', [
            ...(read === undefined ? [] : [el('Email:Read', read ? '1' : '0')]),
            ...(flagged === undefined ? [] : [el('Email:Flag', flagged ? flag : [])]),
          ])]))
        return el('AirSync:Collection', [
          ...(this.version === '12.1' ? [el('AirSync:Class', 'Email')] : []),
          el('AirSync:SyncKey', held.key),
          el('AirSync:CollectionId', held.id),
          el('AirSync:DeletesAsMoves', wish.deletesAsMoves ? '1' : '0'),
          ...(getChanges === undefined || held.key === '0' ? [] : [el('AirSync:GetChanges', getChanges ? '1' : '0')]),
          el('AirSync:WindowSize', String(window)),
          ...(conflict === undefined ? [] : [el('AirSync:Options', [
            el('AirSync:FilterType', String(held.filter)),
            el('AirSync:Conflict', String(conflict)),
            el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1'), el('AirSyncBase:TruncationSize', '64')]),
          ])]),
          ...(commands.length ? [el('AirSync:Commands', commands)] : []),
        ])
      })),
      ...(wish.heartbeat === undefined ? [] : [el('AirSync:HeartbeatInterval', String(wish.heartbeat))]),
      ...(wish.window === undefined ? [] : [el('AirSync:WindowSize', String(wish.window))]),
    ])
  }

  /**
   * Moves items, asking the same until it is answered, as a phone does before it goes on. Where instances share nothing, it asks the same one,
   * too: that remembers what it moved and will not add it again, and no one else can know whether the phone was told. Answers how many were
   * gone.
   */
  async move(ids: readonly string[], from: HeldCollection, to: HeldCollection): Promise<number> {
    const body = el('Move:MoveItems', ids.map(id => el('Move:Move', [
      el('Move:SrcMsgId', id), el('Move:SrcFldId', from.id), el('Move:DstFldId', to.id),
    ])))
    const instance = this.#way.movesAnywhere ? undefined : this.#way.instance()
    let responses: Element[]
    do {
      const answer = await this.#ask('MoveItems', body, instance)
      responses = answer ? children(answer, 'Move:Response') : []
      if (responses.some(response => text(response, 'Move:Status') === '7')) responses = this.#again() ?? []
    } while (responses.length === 0)
    if (responses.length !== ids.length) throw new Error(`MoveItems: ${responses.length} answers to ${ids.length} moves`)
    let gone = 0
    for (const response of responses) {
      const id = text(response, 'Move:SrcMsgId') ?? '', status = text(response, 'Move:Status'), next = text(response, 'Move:DstMsgId')
      const item = from.items.get(id)
      this.#way.say(`  ${item?.subject}: ${status} ${next ?? ''}`)
      if (status === '1') {
        gone++ // a Sync will say so
        continue
      }
      if (status !== '3' || !next || !item) throw new Error(`MoveItems: Status ${status} for ${item?.subject ?? id}`)
      from.items.delete(id)
      if (to.key === '0') continue
      to.items.set(next, item)
      to.moved.add(next)
      if (!to.begun) to.doubtful.add(next)
    }
    return gone
  }
}

const flag = [el('Email:Status', '2'), el('Email:FlagType', 'Flag for follow up')]

const summary = (bytes: Uint8Array): string => {
  const root = bytes.length ? decode(bytes) : undefined
  const list = root && child(root, 'AirSync:Collections')
  return list ? children(list, 'AirSync:Collection').map(summarise).join('; ') : root ? `${root.tag} ${root.children.length}` : 'empty'
}

/** Short, for the trace: `+12 ~1 -3 more`. */
function summarise(collection: Element): string {
  const commands = child(collection, 'AirSync:Commands')?.children ?? []
  const of = (kind: string): readonly Element[] => commands.filter(({ tag }) => tag === `AirSync:${kind}`)
  const ids = (list: readonly Element[]): string => list.slice(0, 6).map(one => {
    const data = child(one, 'AirSync:ApplicationData')
    return `${data && text(data, 'Email:Subject') || ''}(${(text(one, 'AirSync:ServerId') ?? '').split(':').at(-1)})`
  }).join(' ') + (list.length > 6 ? ' ...' : '')
  const responses = (child(collection, 'AirSync:Responses')?.children ?? [])
    .map(one => `${one.tag.split(':')[1]} ${text(one, 'AirSync:Status')}`)
  return [
    ...[['+', 'Add'], ['~', 'Change'], ['-', 'Delete'], ['s', 'SoftDelete']].flatMap(([sign, kind]) => {
      const list = of(kind!)
      return list.length ? [`${sign}${list.length} ${ids(list)}`] : []
    }),
    ...responses,
    ...(child(collection, 'AirSync:MoreAvailable') ? ['more'] : []),
  ].join(' ') || 'nothing'
}

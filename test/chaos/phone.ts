import { setTimeout as sleep } from 'node:timers/promises'
import { child, children, decode, el, encodeSync, text, type Node } from '../../src/wire/wbxml.ts'
import { Device } from '../model/device.ts'
import type { Dice } from '../model/dice.ts'
import type { HeldCollection } from '../model/held.ts'
import { contactModel, eventModel } from '../model/object-models.ts'
import { classes, ObjectPhone, type ObjectCounts, type ObjectModel } from '../model/objects.ts'
import { Phone } from '../support/eas-client.ts'
import { isOld, readSync, type CollectionWish, type PhoneCommand, type SyncResult } from '../support/eas-sync.ts'
import type { User } from '../support/users.ts'
import { moveForgotten } from './excuses.ts'
import type { Attempt } from './ledger.ts'
import type { Taps } from './taps.ts'
import { Carrier, Refused, type Weather } from './carrier.ts'

export const folders = ['Inbox', 'Work', 'Trash', 'Sent'] as const

/** Calendar and contacts, as a phone has them. */
export type Objects = { readonly kind: 'e' | 'c'; readonly model: ObjectModel; readonly id: string; readonly held: ObjectPhone }

export type PhoneSetting = {
  readonly name: string
  readonly version: string
  readonly user: User
  /** Of the user. */
  readonly number: number
  readonly weather: Weather
  readonly taps: Taps
  readonly dice: Dice
  /** Whom mail may be sent to. */
  readonly others: readonly User[]
}

const noObjectCounts = (): ObjectCounts =>
  ({ steps: 0, requests: 0, restarts: 0, refused: 0, collections: 0, lost: 0, repeated: 0, conflicts: 0, told: 0, again: 0, rests: 0, items: 0 })

/** A device of one user with mail, calendar and contacts. It does one thing after the other, as its owner and the network let it. */
export class ChaosPhone {
  readonly setting: PhoneSetting
  readonly mail: Device
  readonly objects: Objects[] = []
  /** Mail it sent, or tries to. */
  readonly sent = new Set<string>()
  readonly counts = { mailsSent: 0, moves: 0, waits: 0, woken: 0, again: 0, movesLost: 0 }
  readonly objectCounts = noObjectCounts()
  readonly #phone: Phone
  readonly #carrier: Carrier
  readonly #dice: Dice
  /** Whether what it deletes goes to Trash. */
  readonly #moves: boolean
  #heartbeat: number | undefined
  /** Of the last MoveItems. */
  #attempts: Attempt[] = []

  constructor(setting: PhoneSetting) {
    const { name, version, user, weather, dice } = setting
    this.setting = setting
    this.#dice = dice
    this.#moves = dice.chance(0.5)
    const [{ url }] = weather.places
    this.#phone = new Phone({ url, user: user.login, password: user.password, version, deviceId: `MODEL${name}`, deviceType: 'Model' })
    this.#carrier = new Carrier(this.#phone, weather, dice)
    this.mail = new Device(name, version, user, {
      instance: () => ({ url, restart: () => Promise.resolve() }), fault: () => 'none', lost: () => Promise.resolve(), movesAnywhere: true,
      say: line => this.#note(line.trim()),
      carry: (command, octets) => this.#carrier.carry(command, octets, {
        mayGiveUp: command === 'Sync' && !weather.calm,
        tried: attempt => { if (command === 'MoveItems') this.#attempts.push(attempt) },
        ...(this.#heartbeat === undefined ? {} : { wait: this.#heartbeat, leave: dice.between(200, 6000) }),
      }),
    }, dice)
  }

  #note(line: string): void {
    this.setting.weather.ledger.note(`phone ${this.setting.name} (${this.setting.version}) ${line}`)
  }

  /** While nothing goes wrong yet. */
  async begin(): Promise<void> {
    await this.mail.begin(folders)
    await this.#phone.folderSync('0')
    for (const [kind, model] of [['e', eventModel], ['c', contactModel]] as const) {
      this.objects.push({ kind, model, id: this.#phone.folder(model.type), held: new ObjectPhone(this.#phone) })
    }
    for (const one of this.objects) await this.#syncObjects(one, { key: '0', commands: [] })
    await this.#syncMail(this.mail.collections)
  }

  close(): void {
    this.mail.close()
    this.#phone.close()
  }

  async step(): Promise<void> {
    await this.#dice.weighted(this.#acts).call(this)
  }

  readonly #acts: readonly (readonly [number, () => Promise<void>])[] = [
    [30, this.#someMail], [12, this.#wish], [6, this.#move], [10, this.#send], [26, this.#someObjects], [3, this.#hierarchy], [10, this.#ping], [8, this.#longSync],
  ]

  // Mail

  async #syncMail(list: readonly HeldCollection[], heartbeat?: number): Promise<HeldCollection[] | undefined> {
    const dice = this.#dice
    this.#heartbeat = heartbeat
    try {
      return await this.mail.sync({
        collections: list.map(held => ({
          held, window: dice.chance(0.5) ? dice.between(1, 12) : 100, sayOptions: held.heard !== held.filter || dice.chance(0.3), getChanges: undefined,
        })),
        window: undefined, deletesAsMoves: this.#moves, ...(heartbeat === undefined ? {} : { heartbeat }),
      })
    } finally {
      this.#heartbeat = undefined
    }
  }

  async #someMail(): Promise<void> {
    const dice = this.#dice, held = dice.some(this.mail.collections, dice.chance(0.5) ? 1 : 4)
    for (const one of held) if (dice.chance(0.03)) one.filter = dice.pick([0, 3, 5])
    await this.#syncMail(held)
  }

  /** A Sync that is answered when there is news, or left before. */
  async #longSync(): Promise<void> {
    const begun = this.mail.collections.filter(({ key, wishes }) => key !== '0' && wishes.size === 0)
    if (isOld(this.setting.version) || begun.length === 0) return this.#ping()
    this.counts.waits++
    if (await this.#syncMail(begun, this.#dice.between(2, 8))) this.counts.woken++
  }

  #chosen(held: HeldCollection, most: number, fits: (subject: string) => boolean = () => true): [string, { subject: string }][] {
    return this.#dice.some([...held.items].filter(([id, { subject }]) => !held.wishes.get(id)?.deleted && fits(subject)), most)
  }

  async #wish(): Promise<void> {
    const dice = this.#dice, held = dice.pick(this.mail.collections), { ledger } = this.setting.weather
    for (const [id, { subject }] of this.#chosen(held, 3)) {
      // Mail that was sent is counted in the end.
      const mayGo = subject.startsWith('m')
      const wish = dice.weighted([
        [4, { read: dice.chance(0.5) }], [4, { flagged: dice.chance(0.5) }], [mayGo ? 3 : 0, { deleted: true as const }],
      ] as const)
      this.#note(`wishes ${subject} in ${held.name} ${JSON.stringify(wish)}`)
      if ('deleted' in wish && (!this.#moves || held.name === 'Trash')) ledger.removed(subject)
      held.wishes.set(id, { ...held.wishes.get(id), ...wish })
    }
    if (dice.chance(0.6)) await this.#syncMail([held])
  }

  async #move(): Promise<void> {
    const [from, to] = this.#dice.some(this.mail.collections.filter(({ name }) => name !== 'Sent'), 2)
    if (!from || !to) return
    const chosen = this.#chosen(from, 3).filter(([id]) => !from.wishes.has(id))
    if (chosen.length === 0) return
    this.counts.moves += chosen.length
    this.#note(`moves ${chosen.map(([, { subject }]) => subject).join(' ')} from ${from.name} to ${to.name}`)
    const { weather: { ledger }, taps } = this.setting, ids = chosen.map(([id]) => id)
    this.#attempts = []
    const gone = await this.mail.move(ids, from, to)
    if (gone === 0 || !moveForgotten(ledger, taps, this, ids, this.#attempts)) return
    // README, Limits: without a shared cache, where another process is asked again, the phone does not show the item until it begins anew.
    this.counts.movesLost += gone
    this.#note(`begins ${to.name} anew: ${chosen.map(([, { subject }]) => subject).join(' ')} were gone`)
    to.key = '0'
    to.heard = undefined
    to.empty()
  }

  /** Again and again, as a phone's outbox does, until it hears that it went out. */
  async #send(): Promise<void> {
    const { user, number, others, version, weather: { ledger } } = this.setting, dice = this.#dice
    const name = ledger.newName('s', number), to = dice.pick(others), save = dice.chance(0.9)
    const mime = Buffer.from(`From: ${user.address}\r\nTo: ${to.address}\r\nSubject: ${name}\r\nMessage-ID: <${name}@chaos.test>\r\nMIME-Version: 1.0\r\n`
      + `Content-Type: text/plain\r\n\r\n${`This is ${name}.\r\n`.repeat(dice.between(1, 200))}`)
    this.sent.add(name)
    this.#note(`sends ${name} to ${to.name}${save ? '' : ', no copy'}`)
    const body = isOld(version) ? mime : encodeSync(el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', `${name}-${'x'.repeat(12)}`), ...(save ? [el('ComposeMail:SaveInSentItems')] : []), el('ComposeMail:Mime', mime),
    ]))
    const old = isOld(version) ? { headers: { 'content-type': 'message/rfc822' }, parameters: { SaveInSent: save ? 'T' : 'F' } } : {}
    for (;;) {
      const answer = await this.#carrier.carry('SendMail', body, { ...old, name })
      const status = answer?.length ? text(decode(answer), 'ComposeMail:Status') ?? '' : ''
      if (status) this.#note(`hears of ${name}: Status ${status}`)
      if (status === '' || status === '118') break
      if (!['110', '111', '120'].includes(status)) throw new Refused(`SendMail of ${name}: Status ${status}`)
      this.counts.again++
      await sleep(dice.between(100, 1500))
    }
    ledger.sent(name)
    this.counts.mailsSent++
  }

  async #hierarchy(): Promise<void> {
    const answer = await this.#carrier.carry('FolderSync', encodeSync(el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', this.#phone.folderKey)])))
    const root = decode(answer!), status = text(root, 'FolderHierarchy:Status')
    if (status === '6') return void this.counts.again++
    if (status !== '1') throw new Refused(`FolderSync: Status ${status}`)
    this.#phone.folderKey = text(root, 'FolderHierarchy:SyncKey') ?? ''
    const changes = (child(root, 'FolderHierarchy:Changes')?.children ?? []).filter(({ tag }) => tag !== 'FolderHierarchy:Count')
    if (changes.length) throw new Refused(`FolderSync: ${changes.map(one => `${one.tag} ${text(one, 'FolderHierarchy:DisplayName')}`).join()}, and nobody changed a folder`)
  }

  async #ping(): Promise<void> {
    const dice = this.#dice, seconds = dice.between(2, 10), leave = dice.between(200, 8000)
    const ids = [
      ...this.mail.collections.map(({ id }) => ({ id, name: 'Email' })), ...this.objects.map(({ id, model }) => ({ id, name: classes[model.type]! })),
    ]
    const body = encodeSync(el('Ping:Ping', [
      el('Ping:HeartbeatInterval', String(seconds)),
      el('Ping:Folders', ids.map(({ id, name }) => el('Ping:Folder', [el('Ping:Id', id), el('Ping:Class', name)]))),
    ]))
    this.counts.waits++
    const answer = await this.#carrier.carry('Ping', body, { wait: seconds, leave })
    if (!answer) return
    const root = decode(answer), status = text(root, 'Ping:Status') ?? ''
    if (status === '8') this.counts.again++
    else if (!['1', '2'].includes(status)) throw new Refused(`Ping: Status ${status}`)
    const changed = new Set((child(root, 'Ping:Folders') ? children(child(root, 'Ping:Folders')!, 'Ping:Folder') : []).map(one => one.text))
    if (changed.size) this.counts.woken++
    const mail = this.mail.collections.filter(({ id }) => changed.has(id))
    if (mail.length) await this.#syncMail(mail)
    for (const one of this.objects) if (changed.has(one.id)) await this.#syncObjects(one, {})
  }

  // Calendar and contacts

  async #syncObjects(one: Objects, wish: Omit<CollectionWish, 'id'>): Promise<SyncResult> {
    const asked: CollectionWish = { id: one.id, class: classes[one.model.type]!, ...wish }
    const octets = encodeSync(this.#phone.syncBody({ collections: [asked] }))
    for (;;) {
      const bytes = await this.#carrier.carry('Sync', octets)
      const result = readSync({ status: 200, headers: {}, bytes: bytes! }), status = result.status || result.found[0]?.status || '1'
      if (status === '16' || status === '5') {
        this.counts.again++
        await sleep(this.#dice.between(50, 1000))
        continue
      }
      if (status !== '1') throw new Refused(`Sync of ${classes[one.model.type]}: Status ${status} for key ${this.#phone.held(one.id).key}`)
      const { found, root: _, ...rest } = result
      const told: SyncResult = { ...rest, collections: found }
      this.#phone.held(one.id).sent(asked)
      for (const collection of found) this.#phone.held(one.id).take(collection)
      this.#noteObjects(one, wish.commands ?? [], told)
      one.held.take(one.model, wish.commands ?? [], told, one.id, this.objectCounts)
      return told
    }
  }

  #noteObjects({ model, held }: Objects, commands: readonly PhoneCommand[], { collections: [answer] }: SyncResult): void {
    const { ledger } = this.setting.weather
    for (const { kind, clientId, id, status } of answer?.responses ?? []) {
      const made = commands.find(one => one.kind === 'Add' && one.clientId === clientId)
      const name = made?.kind === 'Add' ? nameOf(made.data) : held.items.get(id)?.said.name
      if (kind === 'Add' && status === '1' && name) ledger.made(name)
      this.#note(`hears of ${kind} ${name ?? ''} ${id}: Status ${status}`)
    }
    for (const id of answer?.deletes ?? []) this.#note(`is told that ${held.items.get(id)?.said.name} is gone (${id})`)
    for (const id of [...answer?.adds ?? [], ...answer?.changes ?? []]) {
      const data = this.#phone.held(answer!.id).items.get(id)?.data
      const said = data && model.shown((tag, below) => { const at = child(data, tag); return at && (below ? text(at, below) : at.text) })
      this.#note(`is told of ${said?.name} ${said?.detail} (${id})`)
    }
  }

  async #someObjects(): Promise<void> {
    const dice = this.#dice, one = dice.pick(this.objects), { weather: { ledger }, number, version } = this.setting
    const commands: PhoneCommand[] = [], free = new Set(one.held.items.keys())
    for (let n = dice.below(3); n > 0; n--) {
      const id = free.size ? dice.pick([...free]) : undefined
      if (id) free.delete(id)
      const detail = String(dice.below(1_000_000))
      if (id === undefined || dice.chance(0.35)) {
        const name = ledger.newName(one.kind, number)
        this.#note(`adds ${name} ${detail}`)
        commands.push({ kind: 'Add', clientId: one.held.newId(), data: one.model.nodes({ name, detail }, version) })
        continue
      }
      const { name } = one.held.items.get(id)!.said
      if (dice.chance(0.3)) {
        ledger.removed(name)
        commands.push({ kind: 'Delete', id })
      } else commands.push({ kind: 'Change', id, data: one.model.nodes({ name, detail }, version) })
      this.#note(`sends ${commands.at(-1)!.kind} of ${name} ${detail} (${id})`)
    }
    await this.#syncObjects(one, { commands, window: 1 + dice.below(20), options: { conflict: dice.chance(0.5) ? 0 : 1 } })
  }

  // In the end

  /** Until there is no more to tell, on either side. */
  async settle(): Promise<void> {
    let waiting = this.mail.collections
    for (let rounds = 0; waiting.length; rounds++) {
      if (rounds > 300) throw new Error(`phone ${this.setting.name}: no end of news in ${waiting.map(({ name }) => name).join(', ')}`)
      const first = waiting.filter(({ key }) => key === '0')
      const more = await this.#syncMail(waiting)
      waiting = more ? [...new Set([...more, ...first])] : waiting
    }
    for (const one of this.objects) {
      for (let rounds = 0; !(await this.#syncObjects(one, {})).empty; rounds++) {
        if (rounds > 300) throw new Error(`phone ${this.setting.name}: no end of news in ${classes[one.model.type]}`)
      }
    }
  }
}

const nameOf = (data: readonly Node[]): string => {
  const found = data.find(({ tag }) => tag === 'Calendar:Subject' || tag === 'Contacts:FirstName')
  return String(found?.children ?? '')
}

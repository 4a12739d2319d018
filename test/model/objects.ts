import { randomUUID } from 'node:crypto'
import { child, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import type { DavUser } from '../support/dav-user.ts'
import { Phone } from '../support/eas-client.ts'
import type { CollectionWish, PhoneCommand, SyncResult } from '../support/eas-sync.ts'
import type { User } from '../support/users.ts'
import type { Place } from './device.ts'
import type { Dice } from './dice.ts'
import { byTurns } from './run.ts'

/** What a class looks like to its user and to a phone: a name and a detail, which is all the model changes. */
export type ObjectModel = {
  readonly type: string
  /** For a new object. */
  write(uid: string, said: Said): string
  /** The stored text with other words. */
  edit(stored: string, said: Said): string
  read(stored: string): Said
  nodes(said: Said, version: string): Node[]
  /** What the phone shows of ApplicationData. */
  shown(said: Saying): Said
  readonly ending: string
}

/** What an element of ApplicationData says, or one below it. */
export type Saying = (tag: Tag, below?: Tag) => string | undefined

export type Said = { readonly name: string; readonly detail: string }

export type ObjectCounts = {
  steps: number; requests: number; restarts: number; refused: number; collections: number; lost: number; repeated: number; conflicts: number; told: number; again: number; rests: number; items: number
}

type Held = { said: Said }

/** A phone that keeps its word: what it did is true for it until it is told otherwise. */
export class ObjectPhone {
  readonly items = new Map<string, Held>()
  readonly phone: Phone
  #made = 0

  constructor(phone: Phone) {
    this.phone = phone
  }

  newId(): string {
    return `${this.phone.options.deviceId}-${++this.#made}`
  }

  /** Takes an answer to `commands` in. */
  take(model: ObjectModel, commands: readonly PhoneCommand[], result: SyncResult, collection: string, counts: ObjectCounts): void {
    const [answer] = result.collections
    const failed = new Set<string>()
    for (const { kind, id, clientId, status } of answer?.responses ?? []) {
      if (status !== '1' && kind !== 'Add') failed.add(id)
      if (status === '7') counts.conflicts++
      const made = commands.find(command => command.kind === 'Add' && command.clientId === clientId)
      if (kind !== 'Add' || made?.kind !== 'Add') continue
      if (status !== '1') throw new Error(`Add: Status ${status}`)
      this.items.set(id, { said: model.shown(saying(made.data)) })
    }
    for (const command of commands) {
      if (command.kind === 'Delete') this.items.delete(command.id)
      if (command.kind === 'Change' && !failed.has(command.id)) {
        const item = this.items.get(command.id)
        if (item) item.said = model.shown(saying(command.data!))
      }
    }
    const held = this.phone.held(collection)
    for (const id of [...answer?.adds ?? [], ...answer?.changes ?? []]) {
      counts.told++
      if (answer!.adds.includes(id) && this.items.has(id)) counts.again++
      this.items.set(id, { said: model.shown(heard(held.items.get(id)!.data!)) })
    }
    for (const id of [...answer?.deletes ?? [], ...answer?.softDeletes ?? []]) this.items.delete(id)
  }
}

export type ObjectSetting = {
  readonly steps: number
  readonly dice: Dice
  readonly model: ObjectModel
  readonly user: Pick<User, 'name' | 'login' | 'password'>
  /** The user at the collections that the phones' folder shows; which those are may change. */
  readonly davs: readonly Pick<DavUser, 'list' | 'put' | 'remove'>[]
  /** How often the user does something while a phone does. */
  readonly together?: number
  readonly instances: readonly Place[]
  /** No two requests of a phone in a row come to the same instance. */
  readonly turns?: boolean
  /** How often an instance loses its memory, before a step and after a lost answer; usually 0.06 and 0.3. */
  readonly restarts?: readonly [number, number]
  readonly versions: readonly string[]
  /** Once the collection is there. */
  readonly open: () => Promise<void>
  /** What the phones say they are. */
  readonly userAgent?: string
  /** Their key may be refused after a restart: they begin anew then. */
  readonly mayRefuse?: boolean
  /** What happens to the collections, now and then. */
  readonly change?: () => Promise<string>
  /** Before both sides are compared. */
  readonly settle?: () => Promise<void>
}

/** Random steps of phones and of a DAV user; throws where they do not hold the same in the end, or a key is refused. */
export async function runObjects(setting: ObjectSetting): Promise<ObjectCounts> {
  const { steps, dice, model, user, davs, instances, turns, restarts = [0.06, 0.3], versions, open, userAgent, mayRefuse = false, together = 0, change, settle } = setting
  const counts: ObjectCounts = { steps, requests: 0, restarts: 0, refused: 0, collections: 0, lost: 0, repeated: 0, conflicts: 0, told: 0, again: 0, rests: 0, items: 0 }
  const trace: string[] = []
  const turn = new Map<ObjectPhone, () => Place>()
  const phones = versions.map((version, n) => new ObjectPhone(new Phone({
    url: instances[0]!.url, user: user.login, password: user.password, version, deviceId: `MODEL${n}`, ...(userAgent ? { userAgent } : {}),
  })))
  const names = new Map<string, string>()
  let words = 0
  const say = (): Said => ({ name: `N${++words}`, detail: dice.chance(0.3) ? '' : `${words}00` })

  await phones[0]!.phone.folderSync('0')
  const collection = phones[0]!.phone.folder(model.type)
  await open()

  const restart = async (): Promise<void> => {
    counts.restarts++
    await dice.pick(instances).restart()
  }
  async function request(one: ObjectPhone, wish: Omit<CollectionWish, 'id'>, calm = false): Promise<SyncResult> {
    for (;;) {
      counts.requests++
      if (turns && !turn.has(one)) turn.set(one, byTurns(instances))
      Object.assign(one.phone.options, { url: (turn.get(one)?.() ?? dice.pick(instances)).url })
      const lost = !calm && dice.chance(0.15)
      const result = await one.phone.sync({ collections: [{ id: collection, class: classes[model.type]!, ...wish }], lose: lost })
      const status = result.status || result.collections[0]?.status || '1'
      if (status === '3' && mayRefuse) return beginAnew(one)
      if (status !== '1') throw new Error(`Sync: Status ${status}`)
      if (!lost) {
        one.take(model, wish.commands ?? [], result, collection, counts)
        return result
      }
      counts.lost++
      counts.repeated++
      if (dice.chance(restarts[1])) await restart()
    }
  }
  async function beginAnew(one: ObjectPhone): Promise<SyncResult> {
    counts.refused++
    one.items.clear()
    return request(one, { key: '0', commands: [] }, true)
  }
  async function fill(one: ObjectPhone): Promise<void> {
    while (!(await request(one, {}, true)).empty);
  }

  async function userStep(): Promise<string> {
    const dav = davs.length > 1 ? dice.pick(davs) : davs[0]!
    const stored = await dav.list(), name = [...stored.keys()].length ? dice.pick([...stored.keys()]) : undefined
    if (name === undefined || dice.chance(0.4)) {
      const said = say(), made = dice.chance(0.5) ? `${randomUUID()}${model.ending}` : `a b ${words}, ü${model.ending}`
      await dav.put(encodeURIComponent(made), model.write(`uid-${words}-${user.name}`, said))
      names.set(made, said.name)
      return `user makes ${said.name}`
    }
    if (dice.chance(0.4)) {
      await dav.remove(encodeURIComponent(name))
      return `user removes ${model.read(stored.get(name)!).name}`
    }
    const said = say()
    await dav.put(encodeURIComponent(name), model.edit(stored.get(name)!, said))
    return `user makes ${said.name} of ${model.read(stored.get(name)!).name}`
  }

  const stored = async (): Promise<string[]> =>
    (await Promise.all(davs.map(dav => dav.list()))).flatMap(list => [...list.values()]).map(model.read).map(line).sort()
  async function unseenBy(one: ObjectPhone): Promise<string[]> {
    const held = new Set([...one.items.values()].map(({ said }) => line(said)))
    return (await stored()).filter(each => !held.has(each))
  }

  async function phoneStep(one: ObjectPhone): Promise<string> {
    const commands: PhoneCommand[] = [], free = new Set(one.items.keys())
    for (let n = dice.below(3); n > 0; n--) {
      const id = free.size ? dice.pick([...free]) : undefined
      if (id) free.delete(id)
      if (id === undefined || dice.chance(0.4)) commands.push({ kind: 'Add', clientId: one.newId(), data: model.nodes(say(), one.phone.options.version) })
      else if (dice.chance(0.35)) commands.push({ kind: 'Delete', id })
      else commands.push({ kind: 'Change', id, data: model.nodes(say(), one.phone.options.version) })
    }
    const getChanges = dice.chance(0.85), window = 1 + dice.below(8), conflict = dice.chance(0.5) ? 0 : 1
    const unseen = conflict === 1 && together === 0 && commands.some(({ kind }) => kind !== 'Add') ? await unseenBy(one) : []
    await request(one, { commands, window, getChanges, options: { conflict } })
    const there = unseen.length ? await stored() : [], undone = unseen.filter(each => !there.includes(each))
    if (undone.length) throw new Error(`${one.phone.options.deviceId} has undone what it had not seen: ${undone.join('; ')}`)
    return `${one.phone.options.deviceId}: ${commands.map(({ kind }) => kind).join(' ') || 'looks'}`
  }

  async function compare(): Promise<void> {
    await settle?.()
    const there = await stored()
    for (const one of phones) {
      await fill(one)
      const held = [...one.items.values()].map(({ said }) => line(said)).sort()
      if (held.join('\n') !== there.join('\n')) {
        const missing = there.filter(each => !held.includes(each)), extra = held.filter(each => !there.includes(each))
        throw new Error(`${one.phone.options.deviceId} misses ${missing.join('; ')} and has ${extra.join('; ')}`)
      }
      counts.items += held.length
    }
    if (new Set(there).size < there.length) throw new Error(`there is something twice: ${there.filter((each, at) => there.indexOf(each) !== at).join('; ')}`)
    counts.rests++
  }

  try {
    for (const one of phones) await request(one, { key: '0', commands: [] }, true)
    for (let step = 1; step <= steps; step++) {
      if (dice.chance(restarts[0])) await restart()
      if (together > 0 && dice.chance(together)) trace.push(`${step} ${(await Promise.all([userStep(), phoneStep(dice.pick(phones))])).join(', at once ')}`)
      else trace.push(`${step} ${dice.chance(0.4) ? await userStep() : await phoneStep(dice.pick(phones))}`)
      if (change && dice.chance(0.01)) {
        counts.collections++
        trace.push(`${step} ${await change()}`)
      }
      if (step % 50 === 0) await compare()
    }
    await compare()
    return counts
  } catch (error) {
    throw new Error(`${(error as Error).message}\nThe last steps:\n${trace.slice(-30).join('\n')}`, { cause: error })
  } finally {
    for (const { phone } of phones) phone.close()
  }
}

const saying = (nodes: readonly Node[]): Saying => (tag, below) => {
  const found = nodes.find(node => node.tag === tag)?.children
  return (below ? (found as readonly Node[] | undefined)?.find(node => node.tag === below)?.children : found) as string | undefined
}
const heard = (data: Element): Saying => (tag, below) => {
  const found = child(data, tag)
  return found && (below ? text(found, below) : found.text)
}
const line = ({ name, detail }: Said): string => `${name} ${detail}`
export const classes: Readonly<Record<string, string>> = { 7: 'Tasks', 8: 'Calendar', 9: 'Contacts', 10: 'Notes' }

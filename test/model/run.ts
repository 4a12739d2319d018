import { writeFileSync } from 'node:fs'
import type { User } from '../support/users.ts'
import { filterDay } from '../../src/eas/filter.ts'
import { Device, type Fault, type Place, type SyncWish } from './device.ts'
import { Dice } from './dice.ts'
import type { Counts, Held, HeldCollection } from './held.ts'
import type { MailboxUser, Stored } from './mailbox-user.ts'
import { message } from './message.ts'

/** What a run is made of. Everything else is drawn from the seed. */
export type Setting = {
  readonly seed: number
  readonly steps: number
  /** Steps from one comparison of both sides to the next. */
  readonly rest: number
  readonly user: User
  readonly mailbox: MailboxUser
  /** Their names as phones show them. */
  readonly folders: readonly string[]
  /** Any of them gets a request. */
  readonly instances: readonly Place[]
  /** No two requests of a device in a row come to the same one, but for moves that are repeated. */
  readonly turns?: boolean
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly versions: readonly string[]
  readonly clock: Clock
  /** How often an answer is lost, a request repeated or cut. */
  readonly faults: number
  /**
   * Answers to MoveItems are not lost: whoever serves behind one address cannot be asked the same again, and another one does not
   * know what the phone was told.
   */
  readonly movesArrive?: boolean
  /** How often memory is lost, before a step and after a lost answer. */
  readonly restarts: number
  /** The mailbox's user acts while a device syncs: no longer repeatable in each detail. */
  readonly together?: boolean
  /** Any instance knows what another one has moved. */
  readonly movesAnywhere?: boolean
  /** Instances may also die in the middle of a request. */
  readonly kill?: boolean
  readonly filters?: readonly number[]
  /** WindowSize of all requests, else any. */
  readonly window?: number
}

/** What all instances take for the time. */
export type Clock = { days: number; readonly passes: boolean; now(): Date }

/** The time there is, for instances that cannot be told another one. */
export const wallClock = (): Clock => ({ days: 0, passes: false, now: () => new Date() })

/** Noon when it starts: days begin when a step says so, and at no other moment. */
export function clock(): Clock {
  const day = 86_400_000
  const offset = Math.floor(Date.now() / day) * day + day / 2 - Date.now()
  return { days: 0, passes: true, now() { return new Date(Date.now() + offset + this.days * day) } }
}

/** What came of it: what went wrong on purpose, how often both sides were compared, and how many items then. */
export type Tally = ReturnType<World['tally']>

/** One after the other. */
export function byTurns<T>(list: readonly T[]): () => T {
  let turn = 0
  return () => list[turn++ % list.length]!
}

const ages = [0, 0, 0, 0, 0, 2, 5, 10, 20, 40]
const crowded = 160
/** What servers and phones know by name or role. */
const special = ['Inbox', 'Trash']

/**
 * Runs the steps of one seed; throws with the seed and the last steps where a promise is broken. POSTERN_TRACE names a file for all of
 * them.
 */
export async function run(setting: Setting): Promise<Tally> {
  const world = new World(setting)
  try {
    await world.begin()
    for (let step = 1; step <= setting.steps; step++) {
      await world.step(step)
      if (step % setting.rest === 0 || step === setting.steps) await world.rest()
    }
    const tally = world.tally()
    if (tally.retries > tally.renames) throw new Error(`asked to try again ${tally.retries} times for ${tally.renames} renamed folders`)
    return tally
  } catch (error) {
    throw new Error(`POSTERN_SEED=${setting.seed}, step ${world.at} of ${setting.steps}: ${(error as Error).message}\n`
      + `The last steps:\n${world.trace.slice(-45).join('\n')}`, { cause: error })
  } finally {
    const { POSTERN_TRACE: file } = process.env
    if (file) writeFileSync(file, world.trace.join('\n'))
    world.close()
  }
}

class World {
  readonly trace: string[] = []
  at = 0
  readonly #setting: Setting
  readonly #dice: Dice
  readonly #mailbox: MailboxUser
  readonly #devices: Device[]
  readonly #folders: readonly string[]
  readonly #tally = { restarts: 0, lost: 0, repeated: 0, cut: 0, killed: 0, rests: 0, items: 0, renames: 0 }
  #calm = false
  #delivered = 0

  constructor(setting: Setting) {
    this.#setting = setting
    this.#dice = new Dice(setting.seed)
    this.#folders = setting.folders
    this.#mailbox = setting.mailbox
    const way = {
      instance: () => this.#dice.pick(setting.instances),
      fault: (command: string) => command === 'MoveItems' && setting.movesArrive ? 'none' : this.#fault(),
      lost: async () => { if (this.#dice.chance(0.3)) await this.#restart() },
      say: (line: string) => this.say(line),
      movesAnywhere: setting.movesAnywhere ?? false,
      ...(setting.headers ? { headers: setting.headers } : {}),
    }
    this.#devices = setting.versions.map((version, n) => {
      const turns = setting.turns ? { instance: byTurns(setting.instances) } : {}
      return new Device(String(n + 1), version, setting.user, { ...way, ...turns }, this.#dice)
    })
  }

  say(line: string): void {
    this.trace.push(line)
  }

  close(): void {
    for (const device of this.#devices) device.close()
  }

  tally() {
    const total = { ...this.#devices[0]!.counts }
    for (const { counts } of this.#devices.slice(1)) {
      for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key]
    }
    const sum = (of: (device: Device) => number): number => this.#devices.reduce((all, device) => all + of(device), 0)
    return { steps: this.at, requests: sum(({ requests }) => requests), retries: sum(({ retries }) => retries), ...total, ...this.#tally }
  }

  async begin(): Promise<void> {
    for (const device of this.#devices) await device.begin(this.#folders)
  }

  #fault(): Fault {
    if (this.#calm || !this.#dice.chance(this.#setting.faults)) return 'none'
    const fault = this.#dice.pick(this.#setting.kill ? ['lost', 'again', 'cut', 'killed'] as const : ['lost', 'again', 'cut'] as const)
    this.#tally[fault === 'again' ? 'repeated' : fault]++
    return fault
  }

  async #restart(): Promise<void> {
    if (this.#setting.restarts === 0) return
    const instance = this.#dice.pick(this.#setting.instances)
    this.say(`  instance ${this.#setting.instances.indexOf(instance) + 1} starts with an empty memory`)
    this.#tally.restarts++
    await instance.restart()
  }

  async step(number: number): Promise<void> {
    this.at = number
    if (this.#dice.chance(this.#setting.restarts)) await this.#restart()
    const act = this.#dice.weighted(this.#acts)
    if (this.#setting.together && this.#others.includes(act)) await Promise.all([this.#sync(), act.call(this)])
    else await act.call(this)
  }

  #note(line: string): void {
    this.say(`${this.at}. ${line}`)
  }

  // What the other user agent does.

  async #deliver(): Promise<void> {
    const folder = this.#dice.pick(this.#folders)
    let count = this.#dice.chance(0.05) ? this.#dice.between(20, 60) : this.#dice.between(1, 3)
    const day = this.#today() - this.#dice.pick(ages)
    this.#note(`deliver ${count} to ${folder}, ${this.#today() - day} days old`)
    for (; count > 0; count--) {
      const flags = this.#dice.some(['\\Seen', '\\Flagged', '\\Answered', ''], 2).filter(Boolean)
      const number = ++this.#delivered
      await this.#mailbox.append(folder, message(`m${number}`, number), flags, new Date((day + 0.5) * 86_400_000))
    }
    this.say(`  up to m${this.#delivered}`)
  }

  async #mark(): Promise<void> {
    const folder = this.#dice.pick(this.#folders)
    const uids = this.#dice.some(await this.#mailbox.uids(folder), 6)
    if (uids.length === 0) return
    const flag = this.#dice.pick(['\\Seen', '\\Flagged', '\\Answered']), on = this.#dice.chance(0.5)
    this.#note(`${on ? '+' : '-'}${flag} on ${uids.join(' ')} of ${folder}`)
    await this.#mailbox.mark(folder, uids, flag, on)
  }

  async #expunge(): Promise<void> {
    const folder = this.#dice.pick(this.#folders)
    const all = await this.#mailbox.uids(folder)
    const uids = this.#dice.some(all, all.length > crowded ? all.length : 5)
    if (uids.length === 0) return
    this.#note(`expunge ${uids.slice(0, 20).join(' ')} of ${folder}`)
    await this.#mailbox.expunge(folder, uids)
  }

  async #shift(): Promise<void> {
    const [from, to] = this.#dice.some(this.#folders, 2)
    if (!from || !to) return
    const uids = this.#dice.some(await this.#mailbox.uids(from), 4)
    if (uids.length === 0) return
    this.#note(`move ${uids.join(' ')} of ${from} to ${to}`)
    await this.#mailbox.move(from, uids, to)
  }

  async #rename(): Promise<void> {
    const folder = this.#dice.pick(this.#folders.filter(name => !special.includes(name)))
    this.#note(`rename ${folder}`)
    this.#tally.renames++
    await this.#mailbox.rename(folder, this.at)
  }

  // What the devices and their owners do.

  async #sync(): Promise<void> {
    const dice = this.#dice
    const device = dice.pick(this.#devices)
    const collections = dice.some(device.collections, dice.chance(0.5) ? 1 : 9).map(held => {
      if (dice.chance(0.06)) held.filter = dice.pick(this.#setting.filters ?? [0, 1, 2, 3, 4, 5])
      return {
        held, window: this.#setting.window ?? (dice.chance(0.5) ? dice.between(1, 12) : dice.between(1, 512)),
        sayOptions: held.heard !== held.filter || dice.chance(0.4),
        getChanges: dice.weighted([[3, undefined], [4, true], [2, false]] as const),
      }
    })
    const window = this.#setting.window === undefined && dice.chance(0.2) ? dice.between(1, 40) : undefined
    this.#note(`device ${device.name} syncs ${collections.map(described).join(', ')}${window ? ` window ${window}` : ''}`)
    await device.sync({ collections, window, deletesAsMoves: dice.chance(0.5) })
  }

  /** The owner does something to items; the device says so with its next Sync. */
  async #wish(): Promise<void> {
    const dice = this.#dice
    const held = dice.pick(dice.pick(this.#devices).collections)
    const chosen = dice.some(inOrder(held).filter(([id]) => !held.wishes.get(id)?.deleted), 4)
    for (const [id, item] of chosen) {
      const wish = dice.weighted([
        [4, { read: dice.chance(0.5) }], [4, { flagged: dice.chance(0.5) }], [1, { read: dice.chance(0.5), flagged: dice.chance(0.5) }],
        [3, { deleted: true as const }],
      ] as const)
      this.#note(`owner wishes ${item.subject} of ${held.name} ${JSON.stringify(wish)}`)
      held.wishes.set(id, { ...held.wishes.get(id), ...wish })
    }
  }

  async #move(): Promise<void> {
    const device = this.#dice.pick(this.#devices)
    const [from, to] = this.#dice.some(device.collections, 2)
    if (!from || !to) return
    const chosen = this.#dice.some(inOrder(from).filter(([id]) => !from.wishes.has(id)), 4)
    if (chosen.length === 0) return
    this.#note(`device ${device.name} moves ${chosen.map(([, { subject }]) => subject).join(' ')} from ${from.name} to ${to.name}`)
    await device.move(chosen.map(([id]) => id), from, to)
  }

  async #startOver(): Promise<void> {
    const device = this.#dice.pick(this.#devices)
    const held = this.#dice.pick(device.collections)
    this.#note(`device ${device.name} begins ${held.name} anew`)
    held.key = '0'
    held.heard = undefined
    held.empty()
  }

  async #tomorrow(): Promise<void> {
    if (!this.#setting.clock.passes) return
    this.#note('a day passes')
    this.#setting.clock.days++
  }

  readonly #others: readonly (() => Promise<void>)[] = [this.#deliver, this.#mark, this.#expunge, this.#shift, this.#rename]
  readonly #acts: readonly (readonly [number, () => Promise<void>])[] = [
    [14, this.#deliver], [14, this.#mark], [8, this.#expunge], [6, this.#shift], [1, this.#rename],
    [36, this.#sync], [14, this.#wish], [7, this.#move], [1, this.#startOver], [1, this.#tomorrow],
  ]

  #today(): number {
    return Math.floor(this.#setting.clock.now().getTime() / 86_400_000)
  }

  /** Quiescence: everybody syncs until there is nothing left to tell, and then both sides hold the same. */
  async rest(): Promise<void> {
    this.#calm = true
    this.#tally.rests++
    // What one device still wishes is news to the other.
    for (const device of [...this.#devices, ...this.#devices.slice(0, -1)]) await this.#settle(device)
    for (const folder of this.#folders) {
      const stored = await this.#mailbox.all(folder)
      this.#tally.items += stored.length
      for (const device of this.#devices) {
        const held = device.collections.find(({ name }) => name === folder)!
        compare(`device ${device.name}, ${folder}`, held, stored, filterDay(held.filter, this.#setting.clock.now()))
      }
    }
    this.#calm = false
  }

  async #settle(device: Device): Promise<void> {
    const window = this.#setting.window ?? this.#dice.pick([512, 512, 100, 25])
    let waiting = device.collections
    for (let rounds = 0; waiting.length; rounds++) {
      if (rounds > 400) throw new Error(`device ${device.name}: no end of news in ${waiting.map(({ name }) => name).join(', ')}`)
      this.#note(`device ${device.name} comes to rest: ${waiting.map(({ name, filter }) => `${name} ${filter}`).join(', ')}`)
      const first = waiting.filter(({ key }) => key === '0')
      const collections = waiting.map(held => ({ held, window, sayOptions: held.heard !== held.filter, getChanges: undefined }))
      const more = await device.sync({ collections, window: undefined, deletesAsMoves: true })
      waiting = [...new Set([...more ?? [], ...first])]
    }
  }
}

function described({ held, ...wish }: SyncWish['collections'][number]): string {
  const facts = [
    ...(held.wishes.size ? [`${held.wishes.size} wishes`] : []), `window ${wish.window} filter ${held.filter}`,
    ...(wish.sayOptions ? [] : ['unsaid']), ...(wish.getChanges === false ? ['no changes'] : []), ...(held.key === '0' ? ['from 0'] : []),
  ]
  return `${held.name}(${facts.join(' ')})`
}

const inOrder = (held: HeldCollection) => [...held.items].sort(([, a], [, b]) => a.subject < b.subject ? -1 : 1)

const marks = ({ read, flagged }: Pick<Held, 'read' | 'flagged'>): string => `read ${read} flagged ${flagged}`

/** Nothing lost, nothing there twice, every mark as it is. */
function compare(place: string, held: HeldCollection, stored: readonly Stored[], since: number): void {
  const there = new Map(stored.map(one => [one.subject, one]))
  const shown = new Map<string, string>()
  const faults: string[] = []
  for (const [id, item] of held.items) {
    const real = there.get(item.subject)
    if (shown.has(item.subject)) faults.push(`${item.subject} is shown twice, as ${shown.get(item.subject)} and ${id}`)
    shown.set(item.subject, id)
    if (!real && held.doubtful.has(id)) continue
    if (!real) faults.push(`${item.subject} (${id}) is shown and does not exist`)
    else if (real.day < since) {
      if (!held.moved.has(id)) faults.push(`${item.subject} (${id}) lies before the filter's day by ${since - real.day}`)
    } else if (item.read !== real.read || item.flagged !== real.flagged) {
      faults.push(`${item.subject} (${id}) is shown ${marks(item)} and is ${marks(real)}`)
    }
  }
  for (const { subject, uid, day } of stored) if (day >= since && !shown.has(subject)) faults.push(`${subject} (UID ${uid}) is not shown`)
  if (faults.length) throw new Error(`${place}: ${faults.slice(0, 8).join('; ')}`)
}

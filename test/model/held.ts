import { child, children, text, type Element } from '../../src/wire/wbxml.ts'

/** An item as a phone has it. A mark is undefined while the phone knows that its own wish was refused and not yet what holds instead. */
export type Held = { readonly subject: string; read: boolean | undefined; flagged: boolean | undefined }

/** What the owner of a phone did to an item and the server has not confirmed. */
export type Wish = { read?: boolean; flagged?: boolean; deleted?: true }

/** What was sent with one request, to be applied when its answer comes. */
export type Sent = {
  readonly window: number
  readonly wishes: ReadonlyMap<string, Wish>
  readonly filter: number
  readonly conflict: number | undefined
}

export type Counts = ReturnType<typeof noCounts>

export const noCounts = () => ({ adds: 0, changes: 0, deletes: 0, unknownDeletes: 0, addsOfHeld: 0, conflicts: 0, asBefore: 0 })

/**
 * One collection in the hands of a strict phone: it applies what it is given, and throws for what it must never be given. An Add of
 * what it holds is forgiven for ids that came from MoveItems, and counted.
 */
export class HeldCollection {
  readonly id: string
  readonly name: string
  readonly counts: Counts
  key = '0'
  filter = 0
  /** FilterType and Conflict the server has confirmed to have heard; undefined: say them again. */
  heard: number | undefined
  /** Has been given something since key 0. Until then its key may know nothing of the mailbox. */
  begun = false
  items = new Map<string, Held>()
  wishes = new Map<string, Wish>()
  /** Ids from MoveItems: they may lie outside the time filter, and come again as Add. */
  readonly moved = new Set<string>()
  /** Those of them that came before the key knew the mailbox: nobody can know that they were here if they go again at once. */
  readonly doubtful = new Set<string>()

  constructor(id: string, name: string, counts: Counts) {
    this.id = id
    this.name = name
    this.counts = counts
  }

  /** Answers whether there is more to ask for. */
  apply(answer: Element, sent: Sent): boolean {
    const status = text(answer, 'AirSync:Status')
    if (status !== '1') throw new Error(`${this.name}: Status ${status} for key ${this.key}`)
    const key = text(answer, 'AirSync:SyncKey') ?? ''
    const commands = child(answer, 'AirSync:Commands')?.children ?? []
    if (!key || key === '0' || key.length > 64) throw new Error(`${this.name}: SyncKey "${key}"`)
    if (commands.length && key === this.key) throw new Error(`${this.name}: news under the old key`)
    if (this.key === '0') this.empty()
    this.confirm(sent, child(answer, 'AirSync:Responses')?.children ?? [])
    if (commands.length > sent.window + sent.wishes.size) throw new Error(`${this.name}: ${commands.length} in a window of ${sent.window}`)
    for (const command of commands) this.#command(command)
    if (commands.length) this.begun = true
    this.key = key
    return child(answer, 'AirSync:MoreAvailable') !== undefined
  }

  empty(): void {
    this.begun = false
    this.items.clear()
    this.moved.clear()
    this.doubtful.clear()
    this.wishes.clear()
  }

  /** What was sent is done, unless `Responses` says otherwise. */
  confirm({ wishes, filter }: Sent, responses: readonly Element[]): void {
    this.heard = filter
    const refused = new Map(responses.map(one =>
      [text(one, 'AirSync:ServerId') ?? '', { kind: one.tag, status: text(one, 'AirSync:Status') }]))
    for (const [id, wish] of wishes) {
      if (this.wishes.get(id) === wish) this.wishes.delete(id)
      const { kind = '', status = '1' } = refused.get(id) ?? {}
      const item = this.items.get(id)
      if (wish.deleted) {
        if (status !== '1') throw new Error(`${this.name}: Delete of ${id} got Status ${status}`)
        this.items.delete(id)
      } else if (status === '1') {
        if (item) Object.assign(item, wish)
      } else if (kind === 'AirSync:Change' && status === '7') {
        this.counts.conflicts++
        if (item && wish.read !== undefined) item.read = undefined
        if (item && wish.flagged !== undefined) item.flagged = undefined
      } else if (status !== '8') throw new Error(`${this.name}: ${kind} of ${id} got Status ${status}`)
    }
  }

  #command(command: Element): void {
    const id = text(command, 'AirSync:ServerId')
    if (!id || id.length > 64) throw new Error(`${this.name}: ${command.tag} without an id`)
    const item = this.items.get(id)
    const data = child(command, 'AirSync:ApplicationData')
    if (command.tag === 'AirSync:Add') this.#add(id, item, data)
    else if (command.tag === 'AirSync:Change') {
      if (!item) throw new Error(`${this.name}: a Change of ${id}, which the phone does not hold`)
      this.counts.changes++
      const before = JSON.stringify(item)
      if (data) this.items.set(id, { ...item, ...marks(data) })
      if (JSON.stringify(this.items.get(id)) === before) this.counts.asBefore++
    } else if (command.tag === 'AirSync:Delete' || command.tag === 'AirSync:SoftDelete') {
      this.counts.deletes++
      if (!item) this.counts.unknownDeletes++
      this.items.delete(id)
      this.wishes.delete(id)
    } else throw new Error(`${this.name}: ${command.tag} among Commands`)
  }

  #add(id: string, item: Held | undefined, data: Element | undefined): void {
    const subject = data && text(data, 'Email:Subject')
    if (!subject) throw new Error(`${this.name}: an Add of ${id} without Subject`)
    this.counts.adds++
    if (item) {
      if (!this.doubtful.has(id)) this.counts.addsOfHeld++
      if (!this.moved.has(id)) throw new Error(`${this.name}: ${id} (${item.subject}) added twice`)
      if (item.subject !== subject) throw new Error(`${this.name}: ${id} was ${item.subject} and is ${subject}`)
    }
    this.items.set(id, { subject, read: undefined, flagged: undefined, ...marks(data) })
  }
}

/** What the answer says of an item's marks; nothing where it says nothing. */
function marks(data: Element): Partial<Pick<Held, 'read' | 'flagged'>> {
  const read = text(data, 'Email:Read')
  const [flag] = children(data, 'Email:Flag')
  return {
    ...(read === undefined ? {} : { read: read === '1' }),
    ...(flag ? { flagged: text(flag, 'Email:Status') === '2' } : {}),
  }
}

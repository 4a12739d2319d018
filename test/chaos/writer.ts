import type { ImapFlow } from 'imapflow'
import type { Dice } from '../model/dice.ts'
import { MailboxUser } from '../model/mailbox-user.ts'
import { message } from '../model/message.ts'
import { contactModel, eventModel } from '../model/object-models.ts'
import { DavUser } from '../support/dav-user.ts'
import type { House } from '../support/live.ts'
import type { User } from '../support/users.ts'
import type { Ledger } from './ledger.ts'

export const paths = new Map([['Inbox', 'INBOX'], ['Work', 'Work'], ['Trash', 'Trash'], ['Sent', 'Sent']])

const kinds = [{ kind: 'e', what: 'calendar', model: eventModel }, { kind: 'c', what: 'contacts', model: contactModel }] as const
export type ObjectKind = (typeof kinds)[number]

/** A user at other clients, who writes by IMAP, LMTP, CalDAV and CardDAV. What fails may have been done. */
export class Writer {
  readonly user: User
  readonly number: number
  readonly counts = { writes: 0, failed: 0 }
  readonly #house: House
  readonly #ledger: Ledger
  readonly #dice: Dice
  readonly #davs: readonly (ObjectKind & { dav: DavUser })[]
  #client: ImapFlow | undefined

  constructor(house: House, number: number, ledger: Ledger, dice: Dice) {
    this.user = house.user(number)
    this.number = number
    this.#house = house
    this.#ledger = ledger
    this.#dice = dice
    const { login, password } = this.user
    this.#davs = kinds.map(one => ({ ...one, dav: new DavUser(house.dav.url, login, password) }))
  }

  /** Once a phone has had the collections made. */
  async begin(): Promise<void> {
    for (const { dav, what } of this.#davs) await dav.open(what)
  }

  close(): void {
    this.#client?.close()
    this.#client = undefined
  }

  async #mailbox(): Promise<MailboxUser> {
    if (!this.#client?.usable) {
      this.close()
      this.#client = await this.#house.imapClient(this.user)
    }
    return new MailboxUser(this.#client, paths)
  }

  /** What is in the folders, each as a list. */
  async mail(): Promise<Map<string, Awaited<ReturnType<MailboxUser['all']>>>> {
    const mailbox = await this.#mailbox(), found = new Map<string, Awaited<ReturnType<MailboxUser['all']>>>()
    for (const name of paths.keys()) found.set(name, await mailbox.all(name))
    return found
  }

  /** When the first copy of a message came to Sent, in milliseconds since 1970-01-01, which a server tells by the second. */
  async copied(subject: string): Promise<number | undefined> {
    await this.#mailbox()
    await this.#client!.mailboxOpen('Sent')
    const found = await this.#client!.search({ subject }, { uid: true }) || []
    const dates = (await this.#client!.fetchAll(found.join(','), { uid: true, internalDate: true, envelope: true }, { uid: true }))
      .filter(one => one.envelope?.subject === subject).map(({ internalDate }) => new Date(internalDate!).getTime())
    return dates.length ? Math.min(...dates) : undefined
  }

  /** What the collections hold: name and detail of each object. */
  async objects(): Promise<Map<'e' | 'c', { name: string; detail: string }[]>> {
    const lists = await Promise.all(this.#davs.map(async ({ kind, dav, model }) =>
      [kind, [...(await dav.list()).values()].map(text => model.read(text))] as const))
    return new Map(lists)
  }

  async step(): Promise<void> {
    const done = this.#dice.weighted<() => Promise<void>>([
      [4, this.#deliver], [4, this.#append], [5, this.#mark], [2, this.#expunge], [3, this.#shift], [10, this.#writeObject],
    ])
    this.counts.writes++
    try {
      await done.call(this)
    } catch (error) {
      this.counts.failed++
      this.#ledger.note(`user ${this.user.name}: ${(error as Error).message}`)
      this.close()
    }
  }

  #note(line: string): void {
    this.#ledger.note(`user ${this.user.name} ${line}`)
  }

  async #deliver(): Promise<void> {
    const name = this.#ledger.newName('m', this.number)
    this.#note(`gets ${name}`)
    await this.#house.deliver(this.user, message(name, this.#dice.below(10)))
    this.#ledger.made(name)
  }

  async #append(): Promise<void> {
    const mailbox = await this.#mailbox(), folder = this.#dice.pick(['Inbox', 'Work'])
    for (let n = this.#dice.chance(0.1) ? this.#dice.between(5, 15) : 1; n > 0; n--) {
      const name = this.#ledger.newName('m', this.number)
      this.#note(`appends ${name} to ${folder}`)
      await mailbox.append(folder, message(name, this.#dice.below(10)), this.#dice.chance(0.5) ? ['\\Seen'] : [], new Date())
      this.#ledger.made(name)
    }
  }

  /** Some of a folder, by UID. */
  async #some(folder: string, most: number, fits: (subject: string) => boolean = () => true): Promise<{ uids: number[]; names: string }> {
    const chosen = this.#dice.some((await (await this.#mailbox()).all(folder)).filter(({ subject }) => fits(subject)), most)
    return { uids: chosen.map(({ uid }) => uid), names: chosen.map(({ subject }) => subject).join(' ') }
  }

  async #mark(): Promise<void> {
    const folder = this.#dice.pick([...paths.keys()]), { uids, names } = await this.#some(folder, 5)
    if (uids.length === 0) return
    const flag = this.#dice.pick(['\\Seen', '\\Flagged']), on = this.#dice.chance(0.5)
    this.#note(`${on ? '+' : '-'}${flag} on ${names} in ${folder}`)
    await (await this.#mailbox()).mark(folder, uids, flag, on)
  }

  async #expunge(): Promise<void> {
    const folder = this.#dice.pick(['Inbox', 'Work', 'Trash']), { uids, names } = await this.#some(folder, 4, subject => subject.startsWith('m'))
    if (uids.length === 0) return
    for (const name of names.split(' ')) this.#ledger.removed(name)
    this.#note(`expunges ${names} in ${folder}`)
    await (await this.#mailbox()).expunge(folder, uids)
  }

  async #shift(): Promise<void> {
    const [from, to] = this.#dice.some(['Inbox', 'Work', 'Trash'], 2)
    if (!from || !to) return
    const { uids, names } = await this.#some(from, 3)
    if (uids.length === 0) return
    this.#note(`moves ${names} from ${from} to ${to}`)
    const mailbox = await this.#mailbox(), begun = this.#ledger.now()
    await mailbox.move(from, uids, to).finally(() => { for (const name of names.split(' ')) this.#ledger.moved(name, begun) })
  }

  async #writeObject(): Promise<void> {
    const { kind, dav, model } = this.#dice.pick(this.#davs), stored = await dav.list(), detail = String(this.#dice.below(1_000_000))
    const file = stored.size ? this.#dice.pick([...stored.keys()]) : undefined
    if (file === undefined || this.#dice.chance(0.45)) {
      const name = this.#ledger.newName(kind, this.number)
      this.#note(`writes ${name} ${detail}`)
      await dav.put(`${name}${model.ending}`, model.write(`uid-${name}`, { name, detail }))
      return this.#ledger.made(name)
    }
    const { name } = model.read(stored.get(file)!)
    if (this.#dice.chance(0.35)) {
      this.#ledger.removed(name)
      this.#note(`removes ${name}`)
      await dav.remove(encodeURIComponent(file))
    } else {
      this.#note(`changes ${name} to ${detail}`)
      await dav.put(encodeURIComponent(file), model.edit(stored.get(file)!, { name, detail }))
    }
  }
}

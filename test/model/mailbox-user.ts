import type { ImapFlow } from 'imapflow'

export type Stored = {
  readonly uid: number
  readonly subject: string
  readonly read: boolean
  readonly flagged: boolean
  readonly day: number
}

const dayLength = 86_400_000

/** The other user agent of the mailbox: what it does, it does by IMAP and at once. Folders go by the names phones first saw. */
export class MailboxUser {
  readonly #client: ImapFlow
  readonly #paths: Map<string, string>

  constructor(client: ImapFlow, paths: ReadonlyMap<string, string>) {
    this.#client = client
    this.#paths = new Map(paths)
  }

  async uids(folder: string): Promise<number[]> {
    await this.#client.mailboxOpen(this.#paths.get(folder)!)
    const found = await this.#client.search({ all: true }, { uid: true })
    return (found || []).toSorted((a, b) => a - b)
  }

  async append(folder: string, message: Uint8Array, flags: readonly string[], date: Date): Promise<void> {
    await this.#client.append(this.#paths.get(folder)!, Buffer.from(message), [...flags], date)
  }

  async mark(folder: string, uids: readonly number[], flag: string, on: boolean): Promise<void> {
    await this.#client.mailboxOpen(this.#paths.get(folder)!)
    if (on) await this.#client.messageFlagsAdd(uids.join(','), [flag], { uid: true })
    else await this.#client.messageFlagsRemove(uids.join(','), [flag], { uid: true })
  }

  async expunge(folder: string, uids: readonly number[]): Promise<void> {
    await this.#client.mailboxOpen(this.#paths.get(folder)!)
    await this.#client.messageDelete(uids.join(','), { uid: true })
  }

  async move(folder: string, uids: readonly number[], to: string): Promise<void> {
    await this.#client.mailboxOpen(this.#paths.get(folder)!)
    await this.#client.messageMove(uids.join(','), this.#paths.get(to)!, { uid: true })
  }

  /** Gives a folder another name, which phones are not told of here: ids are all they go by. */
  async rename(folder: string, suffix: number): Promise<void> {
    const path = this.#paths.get(folder)!
    const next = `${path.replace(/ \d+$/, '')} ${suffix}`
    await this.#client.mailboxClose().catch(() => undefined)
    await this.#client.mailboxRename(path, next)
    this.#paths.set(folder, next)
  }

  /** Everything there is. */
  async all(folder: string): Promise<Stored[]> {
    const { exists } = await this.#client.mailboxOpen(this.#paths.get(folder)!)
    if (exists === 0) return []
    const found = await this.#client.fetchAll('1:*', { uid: true, flags: true, internalDate: true, envelope: true })
    return found.map(({ uid, flags, internalDate, envelope }) => ({
      uid, subject: envelope?.subject ?? '', read: flags?.has('\\Seen') ?? false, flagged: flags?.has('\\Flagged') ?? false,
      day: Math.floor(new Date(internalDate!).getTime() / dayLength),
    }))
  }
}

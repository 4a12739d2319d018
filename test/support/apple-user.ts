import type { ImapFlow } from 'imapflow'

/** Somebody with a program that keeps notes as Apple's do: a new message for each edit, then the old one goes. Names are UIDs. */
export class AppleUser {
  readonly #client: ImapFlow
  readonly #mailbox: string
  #turn: Promise<unknown> = Promise.resolve()

  constructor(client: ImapFlow, mailbox = 'Notes') {
    this.#client = client
    this.#mailbox = mailbox
  }

  /** What there is, by UID; what somebody expunges at the moment is not there. */
  list(): Promise<Map<string, string>> {
    return this.#within(async () => {
      const found = new Map<string, string>()
      for await (const { uid, source } of this.#client.fetch('1:*', { uid: true, source: true })) if (source) found.set(String(uid), source.toString('latin1'))
      return found
    })
  }

  /** A message in the place of that UID, or beside all others. */
  async put(name: string, message: string | Uint8Array): Promise<void> {
    await this.#client.append(this.#mailbox, Buffer.from(message as string, 'latin1'), ['\\Seen'])
    if (/^\d+$/.test(name)) await this.remove(name)
  }

  async remove(name: string): Promise<void> {
    await this.#within(() => this.#client.messageDelete(name, { uid: true }))
  }

  mark(name: string, flag: string, on = true): Promise<unknown> {
    return this.#within(() => on ? this.#client.messageFlagsAdd(name, [flag], { uid: true }) : this.#client.messageFlagsRemove(name, [flag], { uid: true }))
  }

  #within<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      const lock = await this.#client.getMailboxLock(this.#mailbox)
      try {
        await this.#client.noop()
        return await work()
      } finally {
        lock.release()
      }
    })
    this.#turn = mine.catch(() => {})
    return mine
  }
}

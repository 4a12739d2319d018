import { describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import type { MailStore } from '../../src/model/ports.ts'
import { easFront } from '../../src/eas/server.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { easSettings } from '../support/eas-server.ts'
import { serve, type Served } from '../support/http.ts'
import { MemoryAccount } from '../support/memory.ts'
import type { MailboxUser } from './mailbox-user.ts'
import type { Place } from './device.ts'
import { clock, run, type Clock } from './run.ts'
import { seeds } from './seeds.ts'

/** The other user agent of an account in memory. */
function memoryUser(account: MemoryAccount): MailboxUser {
  const mail = account.stores().mail
  const uids = (folder: string): number[] => account.list(folder).map(({ uid }) => uid)
  const id = (folder: string): FolderId => account.id(folder)
  return {
    uids: async folder => uids(folder),
    append: async (folder, message, flags, received) => void account.deliver(folder, message, { flags: [...flags], received }),
    mark: async (folder, list, flag, on) => void await mail.setFlags(id(folder), 1, { uids: list, ...(on ? { add: [flag] } : { remove: [flag] }) }),
    expunge: async (folder, list) => account.expunge(folder, ...list),
    move: async (folder, list, to) => void await mail.move(id(folder), 1, list, id(to)),
    rename: async () => undefined, // nothing goes by names here
    all: async folder => (await mail.messages(id(folder), 1, uids(folder))).map(({ uid, flags, received, header }) => ({
      uid, subject: /^Subject: (.*)\r$/m.exec(Buffer.from(header).toString())?.[1] ?? '', read: flags.has('\\Seen'), flagged: flags.has('\\Flagged'),
      day: Math.floor(received.getTime() / 86_400_000),
    })),
  }
}

async function memoryInstance(mail: MailStore, account: MemoryAccount, time: Clock): Promise<Place & { served: Served }> {
  let cache = memoryCache({ megabytes: 16 })
  const front = easFront({
    settings: easSettings, open: async () => account.stores(), log: { debug() {}, info() {}, warn() {}, error() {} }, now: () => time.now(),
    cache: { get: key => cache.get(key), set: (key, value, options) => cache.set(key, value, options), delete: key => cache.delete(key) },
  })
  const served = await serve(front)
  return { served, url: served.url, restart: async () => void (cache = memoryCache({ megabytes: 16 })) }
}

describe('devices and a mailbox in memory', () => {
  it.each(seeds(6))('hold the same in the end, seed %i', async seed => {
    const account = new MemoryAccount()
    for (const name of ['Work', 'Projekte']) account.addFolder(name)
    const time = clock()
    const instances = await Promise.all([1, 2].map(() => memoryInstance(account.stores().mail, account, time)))
    try {
      const tally = await run({
        seed, steps: 2000, rest: 50, mailbox: memoryUser(account), folders: ['Inbox', 'Work', 'Projekte', 'Trash'], instances,
        user: { name: 'anna', login: 'anna@postern.test', password: 'secret', address: 'anna@postern.test', alias: '' },
        versions: ['16.1', '12.1', '14.1'].slice(0, 1 + seed % 3), clock: time, faults: 0.15, restarts: 0.05,
      })
      console.log(seed, JSON.stringify(tally))
      expect(instances.map(({ served }) => served.bugs())).toEqual([0, 0])
    } finally {
      for (const { served } of instances) await served.close(0)
    }
  }, 120_000)
})

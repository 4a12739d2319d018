// Phones and other clients of collections in memory, at random: fast enough for the histories that hardly ever happen.
import { describe, expect, it } from 'vitest'
import { easServer } from '../support/eas-server.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { folderOf } from '../support/objects-of-each-class.ts'
import { Dice } from './dice.ts'
import { contactModel, eventModel } from './object-models.ts'
import { runObjects } from './objects.ts'
import { seeds } from './variant.ts'

describe.each([['contacts', contactModel], ['calendar', eventModel]] as const)('phones and %s in memory', (content, model) => {
  it.each(seeds(3))('hold the same in the end, and undo nothing that they have not seen, seed %i', async seed => {
    const user = new MemoryUser(), folder = folderOf[content], servers = [await easServer({}, user), await easServer({}, user)]
    const dav = {
      list: async () => new Map(user.collections.list(folder)),
      put: async (name: string, text: string | Uint8Array) => void user.collections.put(folder, decodeURIComponent(name), text),
      remove: async (name: string) => void user.collections.put(folder, decodeURIComponent(name), undefined),
    }
    try {
      const counts = await runObjects({
        steps: 400, dice: new Dice(seed), model, user: { name: 'anna', login: user.person.login, password: 'secret' }, davs: [dav],
        instances: servers.map(server => ({ url: server.served.url, restart: async () => server.forget() })), versions: ['16.1', '14.1', '12.1'],
        open: async () => {}, restarts: [0.1, 0.3],
      })
      expect(counts.conflicts).toBeGreaterThan(0)
    } finally {
      for (const server of servers) await server.stop()
    }
  }, 120_000)
})

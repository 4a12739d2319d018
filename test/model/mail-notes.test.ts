// The promise of the sync key, for notes of a mailbox: phones and a program like Apple's at once, no loss, nothing twice, no refused key.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppleUser } from '../support/apple-user.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { Dice } from './dice.ts'
import { mailNoteModel } from './object-models.ts'
import { runObjects } from './objects.ts'
import { seeds } from './variant.ts'

const servers = [
  { server: 'Dovecot', without: [], steps: 500 },
  { server: 'a server without QRESYNC', without: ['QRESYNC'], steps: 200 },
] as const

describe.each(servers)('phones and a mailbox of notes at $server', ({ without, steps }) => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 50, exim: false, dovecot: { without } }) })
  afterAll(() => house.stop())

  it.each(seeds(1))('hold the same in the end, seed %i', async seed => {
    const user = house.user(seed % 50)
    const instances: Instance[] = []
    for (let n = 0; n < 2; n++) instances.push(await startInstance(house, { notes: 'imap' }))
    try {
      const apple = new AppleUser(await house.imapClient(user))
      const started = performance.now()
      const counts = await runObjects({
        steps, dice: new Dice(seed), model: mailNoteModel, user, davs: [apple], instances,
        versions: ['16.1', '14.1', '14.0'], open: async () => {}, together: 0.25,
      })
      console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(counts)}`)
      expect(instances.map(instance => instance.bugs())).toEqual([0, 0])
    } finally {
      for (const instance of instances) await instance.close()
    }
  }, 600_000)
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DavUser } from '../support/dav-user.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import type { User } from '../support/users.ts'
import { Dice } from './dice.ts'
import { contactModel, eventModel } from './object-models.ts'
import { runObjects, type ObjectModel } from './objects.ts'
import { seeds } from './variant.ts'

export type ModelServer = {
  readonly name: 'Radicale' | 'Xandikos'
  url(house: House): string
  /** Where a user's collections are, by what they are called there. */
  home(user: User, folder: string): string
  user(house: House, seed: number): User
}

const models = [
  { what: 'contacts', kind: 'contacts', model: contactModel, folder: 'contacts/' },
  { what: 'events', kind: 'calendar', model: eventModel, folder: 'calendars/' },
] as const satisfies readonly { model: ObjectModel; [name: string]: unknown }[]

/** The promise of the sync key, for objects of a real DAV server: no loss, nothing twice, no refused key. */
export function holdsForObjects({ name, url, home, user: userOf }: ModelServer): void {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 100, exim: false, ...(name === 'Radicale' ? { radicale: true } : { xandikos: true }) }) })
  afterAll(() => house.stop())

  describe.each(models)(`phones and a ${name} with $what`, ({ kind, model, folder }) => {
    it.each(seeds(1))('hold the same in the end, seed %i', async seed => {
      const user = userOf(house, seed)
      const instances: Instance[] = []
      for (let n = 0; n < 2; n++) instances.push(await startInstance(house, { dav: { url: url(house), pollSeconds: 1 } }))
      try {
        const dav = new DavUser(url(house), user.login, user.password, home(user, folder))
        const first = instances[0]!
        const started = performance.now()
        const counts = await runObjects({
          steps: 1000, dice: new Dice(seed), model, user, davs: [dav], instances: [first, instances[1]!], versions: ['16.1', '14.1', '12.1'],
          open: () => dav.open(kind),
        })
        console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(counts)}`)
        expect(instances.map(instance => instance.bugs())).toEqual([0, 0])
      } finally {
        for (const instance of instances) await instance.close()
      }
    }, 600_000)
  })
}

// The promise of the sync key, for objects of real DAV servers: no loss, nothing twice, no refused key.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DavUser } from '../support/dav-user.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { Dice } from './dice.ts'
import { contactModel, eventModel } from './object-models.ts'
import { runObjects, type ObjectModel } from './objects.ts'
import { seeds } from './variant.ts'

let house: House
beforeAll(async () => { house = await startHouse({ users: 100, exim: false, radicale: true, xandikos: true }) })
afterAll(() => house.stop())

const servers = [
  { server: 'Radicale', url: () => house.radicale.url, home: (login: string) => `/${login}/`, of: (seed: number) => house.user(seed % 100) },
  // One principal without a password, whose name is the login's local part.
  { server: 'Xandikos', url: () => house.xandikos.url, home: () => '/anna/', of: () => house.user('anna') },
] as const
const models = [
  { what: 'contacts', kind: 'contacts', model: contactModel, folder: 'contacts/' },
  { what: 'events', kind: 'calendar', model: eventModel, folder: 'calendars/' },
] as const satisfies readonly { model: ObjectModel; [name: string]: unknown }[]
const cases = servers.flatMap(server => models.map(one => ({ ...server, ...one })))

describe.each(cases)('phones and a $server with $what', ({ server, url, home, of, kind, model, folder }) => {
  it.each(seeds(1))('hold the same in the end, seed %i', async seed => {
    const user = of(seed)
    const instances: Instance[] = []
    for (let n = 0; n < 2; n++) instances.push(await startInstance(house, { dav: { url: url(), pollSeconds: 1 } }))
    try {
      const dav = new DavUser(url(), user.login, user.password, home(user.login) + (server === 'Xandikos' ? folder : ''))
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

// The same promise to phones that show one folder of a class alone, of users who have several collections of it, some of which come and go.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DavUser } from '../support/dav-user.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { Dice } from './dice.ts'
import { contactModel, eventModel } from './object-models.ts'
import { runObjects, type ObjectModel } from './objects.ts'
import { seeds } from './variant.ts'

let house: House
beforeAll(async () => { house = await startHouse({ users: 100, exim: false, radicale: true, xandikos: true }) })
afterAll(() => house.stop())

const userAgent = 'SAMSUNG-SM-G991B/101.130000'
const servers = [
  { server: 'Radicale', url: () => house.radicale.url, home: (login: string) => `/${login}/`, of: (seed: number) => house.user(seed % 100) },
  { server: 'Xandikos', url: () => house.xandikos.url, home: () => '/anna/', of: () => house.user('anna') },
] as const
const models = [
  { what: 'address books', kind: 'contacts', model: contactModel, folder: 'contacts/', type: '14' },
  { what: 'calendars', kind: 'calendar', model: eventModel, folder: 'calendars/', type: '13' },
] as const satisfies readonly { model: ObjectModel; [name: string]: unknown }[]
const cases = servers.flatMap(server => models.map(one => ({ ...server, ...one })))

describe.each(cases)('phones that show one folder, and several $what of $server', ({ server, url, home, of, kind, model, folder, type }) => {
  it.each(seeds(1))('hold the same in the end, seed %i', async seed => {
    const user = of(seed), dice = new Dice(seed)
    const instances: Instance[] = []
    for (let n = 0; n < 2; n++) instances.push(await startInstance(house, { dav: { url: url(), pollSeconds: 1 } }))
    const plain = new Phone({ url: instances[0]!.url, user: user.login, password: user.password, deviceId: 'PLAIN' })
    const at = (): DavUser => new DavUser(url(), user.login, user.password, home(user.login) + (server === 'Xandikos' ? folder : ''))
    const davs = [at()], made: string[] = []
    let collections = 0
    /** Another client makes a collection. */
    async function make(): Promise<string> {
      const name = `Collection ${++collections}`
      Object.assign(plain.options, { url: dice.pick(instances).url })
      await plain.folderSync('0')
      const { status, id } = await plain.editFolder('Create', { name, type })
      if (status !== '1') throw new Error(`FolderCreate: Status ${status}`)
      const dav = at()
      await dav.open(kind, name)
      davs.push(dav)
      made.push(id)
      return `user makes ${name}`
    }
    /** Or deletes one, with all that is in it. */
    async function unmake(): Promise<string> {
      const index = dice.below(made.length)
      Object.assign(plain.options, { url: dice.pick(instances).url })
      await plain.folderSync('0')
      const { status } = await plain.editFolder('Delete', { id: made[index]! })
      if (status !== '1') throw new Error(`FolderDelete: Status ${status}`)
      made.splice(index, 1)
      davs.splice(index + 1, 1)
      return 'user deletes a collection'
    }
    /** Each process believes its list of collections for a minute, unless it is asked for one that is not in it. */
    async function settle(): Promise<void> {
      for (const { url } of instances) {
        Object.assign(plain.options, { url })
        await plain.sync({ collections: [{ id: 'c.AAAAAAAAAAA', key: '0' }] })
      }
    }
    try {
      const started = performance.now()
      const counts = await runObjects({
        steps: 300, dice, model, user, davs, instances, versions: ['16.1', '14.1', '12.1'], userAgent, mayRefuse: true, settle,
        async open() {
          await davs[0]!.open(kind)
          await make()
        },
        change: () => made.length === 0 || (made.length < 3 && dice.chance(0.5)) ? make() : unmake(),
      })
      console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(counts)}`)
      expect(instances.map(instance => instance.bugs())).toEqual([0, 0])
    } finally {
      plain.close()
      for (const instance of instances) await instance.close()
    }
  }, 600_000)
})

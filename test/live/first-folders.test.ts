// Two processes that are asked for the folders of a user at the same moment, where special folders and collections have to be made first.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

const rounds = 20
let house: House, posterns: Instance[]

beforeAll(async () => {
  house = await startHouse({ users: rounds, exim: false, radicale: true })
  posterns = await Promise.all([1, 2].map(() => startInstance(house, { dav: house.dav })))
})
afterAll(async () => {
  for (const postern of posterns) await postern.close()
  await house.stop()
})

/** What each of two phones is told that come at once, one to each process. */
async function firstFolders(user: number): Promise<string[]> {
  const { login, password } = house.user(user)
  const phones = posterns.map(({ url }, which) => new Phone({ url, user: login, password, deviceId: `FIRST${which}` }))
  const answers = await Promise.all(phones.map(phone => phone.folderSync('0')))
  for (const phone of phones) phone.close()
  return phones.map(({ folders }, n) => [answers[n]!.status, ...[...folders.values()].map(({ name, type }) => `${type} ${name}`).sort()].join(', '))
}

const standard = '1, 10 Notes, 12 Junk, 2 Inbox, 3 Drafts, 4 Trash, 5 Sent, 6 Outbox, 7 Tasks, 8 Calendar, 9 Contacts'

it('both tell the same folders, one of each kind, at once', async () => {
  const users = Array.from({ length: rounds }, (_, n) => n)
  for (let n = 0; n < rounds; n += 4) {
    for (const told of await Promise.all(users.slice(n, n + 4).map(firstFolders))) expect(told).toEqual([standard, standard])
  }
  expect(posterns.map(postern => postern.bugs())).toEqual([0, 0])
}, 60_000)

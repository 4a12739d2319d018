// A user with very many messages, every other one old, beside somebody else. With half a million: `npm run bench -- fairness`.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bigMailbox } from '../support/big-mailbox.ts'
import { Phone } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

const count = 20_000, month = 5
let house: House, postern: Instance, big: Phone, other: Phone, inbox: string

beforeAll(async () => {
  house = await startHouse({ users: 2, exim: false, dovecot: { storage: 'maildir', specialUse: 'created', extra: 'maildir_very_dirty_syncs = yes' } })
  await bigMailbox(house, 'anna', count)
  postern = await startInstance(house)
  ;[big, other] = ['anna', 'bob'].map(name => {
    const { login, password } = house.user(name)
    return new Phone({ url: postern.url, user: login, password, deviceId: `BIG${name}` })
  }) as [Phone, Phone]
  for (const phone of [big, other]) await phone.folderSync('0')
  inbox = big.folder('Inbox')
  await other.syncAll(other.folder('Inbox'))
}, 120_000)
afterAll(async () => {
  for (const phone of [big, other]) phone.close()
  expect(postern.bugs()).toBe(0)
  await postern.close()
  await house.stop()
})

const estimate = async (filter?: number): Promise<number> => (await big.getItemEstimate([{ id: inbox, ...(filter === undefined ? {} : { filter }) }]))[0]!.estimate
/** Some windows; the subjects that came, and how many went. */
async function windows(filter: number, rounds = 3): Promise<{ subjects: Set<string>; aged: number }> {
  let aged = 0
  const before = new Set(big.held(inbox).items.keys())
  for (let n = 0; n < rounds; n++) aged += (await big.sync({ collections: [{ id: inbox, window: 512, options: { filter } }] })).collections[0]?.softDeletes.length ?? 0
  return { subjects: new Set([...big.held(inbox).items].flatMap(([id, { subject }]) => before.has(id) ? [] : [subject.trim()])), aged }
}

it('is told what there is by each filter, while the other one is answered and woken', { timeout: 120_000 }, async () => {
  const waiting = other.ping([other.folder('Inbox')], 60)
  await big.sync({ collections: [{ id: inbox, key: '0' }] })
  expect([await estimate(0), await estimate(month)]).toEqual([count, count / 2])
  expect(await windows(month)).toEqual({ subjects: new Set(['odd']), aged: 0 })
  expect(await estimate()).toBe(count / 2 - 3 * 512)
  await house.deliver('bob', 'Subject: news\r\n\r\ntext\r\n')
  const wide = windows(0)
  expect(await waiting).toMatchObject({ status: '2' })
  expect(await wide).toEqual({ subjects: new Set(['even']), aged: 0 })
  expect(await windows(month)).toMatchObject({ aged: expect.any(Number) as number })
  const found = await search(big, { query: 'odd', range: '0-9', folders: [inbox], classes: ['Email'] })
  expect([found.total, found.subjects.map(subject => subject.trim())]).toEqual([String(count / 2), Array.from({ length: 10 }, () => 'odd')])
})

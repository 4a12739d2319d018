// A mail server that ends under many who wait, and comes back: they do not all knock at once, and none is forgotten.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

const alone = 'server does not answer and is left alone'
const users = 200, logins = 4, watchLogins = 8
let house: House, postern: Instance
let phones: Phone[] = []

beforeAll(async () => {
  house = await startHouse({ users, exim: false, dovecot: { specialUse: 'created' } })
  postern = await startInstance(house, { sessions: { logins, watchLogins } })
}, 60_000)
afterAll(async () => {
  for (const phone of phones) phone.close()
  await postern?.close()
  await house?.stop()
})

/** Logins the server logged from the end of `before` on, by second. */
function loginsBySecond(before: string): number[] {
  const seconds = new Map<string, number>()
  for (const [, second = ''] of house.dovecot.log().slice(before.length).matchAll(/^(\w+ \d+ [\d:]+) imap-login: Info: Login: /gm)) {
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  return [...seconds.values()]
}
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

it('200 users who wait come back one after the other, and hear of what is delivered then', async () => {
  const begin = house.dovecot.log()
  phones = Array.from({ length: users }, (_, n) => {
    const { login, password } = house.user(n)
    return new Phone({ url: postern.url, user: login, password, deviceId: `HERD${n}` })
  })
  await Promise.all(phones.map(async phone => {
    await phone.folderSync('0')
    await phone.syncAll(phone.folder('Inbox'))
  }))
  const waits = phones.map(phone => phone.ping([phone.folder('Inbox')], 3000).catch(error => ({ status: String(error) })))
  await expect.poll(() => sum(loginsBySecond(begin)), { timeout: 60_000 }).toBeGreaterThanOrEqual(2 * users)

  await house.dovecot.stop()
  await expect.poll(() => postern.lines.some(({ message }) => message === alone), { timeout: 20_000 }).toBe(true)
  const before = house.dovecot.log()
  await house.dovecot.start()
  for (let n = 0; n < users; n += 8) {
    await Promise.all(phones.slice(n, n + 8).map((_, more) => house.deliver(n + more, `Subject: after all ${n + more}\r\n\r\ntext\r\n`)))
  }
  const told = await Promise.all(waits)
  expect(told.filter(({ status }) => status !== '2')).toEqual([])
  for (const [n, phone] of phones.entries()) {
    if (n % 20) continue
    await phone.syncAll(phone.folder('Inbox'))
    expect([...phone.held(phone.folder('Inbox')).items.values()].map(({ subject }) => subject)).toEqual([`after all ${n}`])
  }

  const bySecond = loginsBySecond(before)
  // Each user has a connection that listens, and one that looks what is new: as many as the first may come in a second, of each.
  expect(sum(bySecond)).toBeGreaterThanOrEqual(2 * users)
  expect(Math.max(...bySecond)).toBeLessThanOrEqual(2 * (watchLogins + logins) + 4)
  const messages = postern.lines.filter(({ message }) => message.startsWith('server ')).map(({ message }) => message)
  expect(messages).toEqual([alone, 'server answers again'])
}, 180_000)

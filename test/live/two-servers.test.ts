// Two mail servers that both know an "anna" with the same password: two people, who must never meet.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startManaged, type Managed } from '../support/admin.ts'
import { knock } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { send } from '../support/pages.ts'

const domains = ['one.test', 'two.test']
let houses: House[], postern: Managed
const phones: Phone[] = []

beforeAll(async () => {
  houses = await Promise.all([2, 1].map(users => startHouse({ users })))
  postern = await startManaged(houses[0]!, 'one', {
    backends: houses.map(({ imap, submission }, n) => ({
      domains: [domains[n]], login: 'local', imap: { host: imap.host, port: imap.port, security: 'none' }, smtp: { ...submission, security: 'none' },
    })),
  })
  await Promise.all(houses.map((house, n) => house.deliver(0, `From: a@x.test\r\nSubject: for ${domains[n]}\r\n\r\nHello`)))
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  await postern?.stop()
  for (const house of houses ?? []) await house.stop()
})

function phoneAt(domain: string, deviceId = 'SAME', who: { user?: string; password?: string } = {}): Phone {
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: `anna@${domain}`, password: houses[0]!.user(0).password, deviceId, ...who })
  phones.push(phone)
  return phone
}

it('each has the own mail, and the key of one is nothing to the other', async () => {
  expect(houses.map(house => house.user(0).password)).toEqual(['secret', 'secret'])
  const keys: string[] = []
  for (const domain of domains) {
    const phone = phoneAt(domain)
    await phone.folderSync('0')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    expect([...phone.held(inbox).items.values()].map(({ data }) => JSON.stringify(data)).join()).toContain(`for ${domain}`)
    expect(phone.held(inbox).items.size).toBe(1)
    keys.push(phone.held(inbox).key)
  }
  const told = await Promise.all(phones.slice(0, 2).map(phone => phone.sync({ collections: [{ id: phone.folder('2'), key: keys[0]! }] })))
  expect(told.map(({ empty, collections }) => empty ? 'nothing new' : collections[0]?.status)).toEqual(['nothing new', '3'])
})

it('who is right at one is not let in by the other', async () => {
  const { password } = houses[0]!.user(1)
  const told = await Promise.all(domains.map(domain => knock(phoneAt(domain, 'BOB', { user: `bob@${domain}`, password }))))
  expect(told).toEqual(['1', 'HTTP 401'])
})

it('an order for a device is for the device of one, and each sees the own alone', async () => {
  const [one, other] = domains.map(domain => phoneAt(domain))
  const user = `anna at ${houses[0]!.imap.host}:${houses[0]!.imap.port}`
  expect((await postern.ask(`/devices/${encodeURIComponent(user)}/SAME/block`, {})).said.orders).toMatchObject({ user, decision: { access: 'block' } })
  await expect.poll(() => knock(one!), { timeout: 10_000 }).toBe('129')
  expect(await knock(other!)).toBe('1')

  const page = `http://${HOST}:${postern.port}/.postern/user/`
  for (const [n, domain] of domains.entries()) {
    expect(await knock(phoneAt(domain, `OF${n}`))).toBe('1')
    const { cookie } = await send(page, 'api/session', { body: { name: `anna@${domain}`, password: 'secret' } })
    const shown = async (): Promise<string[]> => {
      const { said } = await send(page, 'api/me', { cookie })
      return (said as { devices: { id: string }[] }).devices.map(({ id }) => id).sort()
    }
    await expect.poll(shown, { timeout: 10_000 }).toEqual([`OF${n}`, 'SAME'])
  }
})

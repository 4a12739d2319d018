// Two processes that remember devices in one Redis, with a phone at either: what holds while it is away, and when it lost what it had.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkDevices } from '../../src/check-devices.ts'
import { loadConfig } from '../../src/config.ts'
import { ask, order as orderAt, token } from '../support/admin.ts'
import { acknowledged, knock, provision } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern } from '../support/postern.ts'

let house: House
const processes: Postern[] = []
let admin: number
const phones: Phone[] = []

async function start(more: object = {}): Promise<Postern> {
  const { url, password } = house.redis
  const postern = await startPostern(house, { settings: {
    cache: { shared: { url, password } }, devices: { shared: true }, eas: { access: [{ type: 'Unknown*', access: 'quarantine' }] }, ...more,
  } })
  processes.push(postern)
  return postern
}

beforeAll(async () => {
  house = await startHouse({ users: 6, redis: true })
  const [port = 0] = await freePorts(1)
  admin = port
  // The first has the listener for administrators.
  await start({ admin: { port: admin, token } })
  await start()
}, 120_000)
afterAll(async () => {
  for (const phone of phones) phone.close()
  for (const postern of processes) expect(postern.log()).not.toContain('"msg":"bug"')
  await Promise.all(processes.map(postern => postern.stop()))
  await house?.stop()
})

const phoneAt = (postern: Postern, who: number, deviceId: string, deviceType = 'TestPhone'): Phone => {
  const { login, password } = house.user(who)
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: login, password, deviceId, deviceType })
  phones.push(phone)
  return phone
}
/** What one device is told by each process, one after the other. */
async function knocks(who: number, deviceId: string, deviceType?: string): Promise<string[]> {
  const told: string[] = []
  for (const postern of processes) told.push(await knock(phoneAt(postern, who, deviceId, deviceType)))
  return told
}
/** Told by all processes within a second; a busy machine has longer ones. */
const areTold = (who: number, deviceId: string, told: string, deviceType?: string): Promise<void> =>
  expect.poll(() => knocks(who, deviceId, deviceType), { timeout: 20_000, interval: 300 }).toEqual(processes.map(() => told))
const pathOf = (who: number, id: string, action: string): string => `/devices/${encodeURIComponent(house.user(who).login)}/${id}/${action}`
const order = (who: number, id: string, action: string) => orderAt(admin, pathOf(who, id, action))
/** Tries until it is taken: the administrators' listener comes back to Redis in its own time, as each process does. */
async function orderLate(who: number, id: string, action: string): Promise<void> {
  try {
    await expect.poll(() => order(who, id, action).then(() => 'taken', (error: Error) => error.message), { timeout: 20_000, interval: 300 }).toBe('taken')
  } catch (error) {
    throw new Error(`${String(error)}\n${processes[0]!.log().split('\n').slice(-20).join('\n')}`, { cause: error })
  }
}

it('a block, an allowance and a wipe hold at both processes, told by one and acknowledged to the other', async () => {
  const [one, other] = processes as [Postern, Postern]
  expect(await knocks(0, 'BOTH')).toEqual(['1', '1'])
  await order(0, 'BOTH', 'block')
  await areTold(0, 'BOTH', '129')
  await order(0, 'BOTH', 'allow')
  await areTold(0, 'BOTH', '1')
  await order(0, 'BOTH', 'wipe')
  await areTold(0, 'BOTH', '140')
  expect(await provision(phoneAt(one, 0, 'BOTH'))).toEqual(['Status 1', 'RemoteWipe'])
  expect(await provision(phoneAt(other, 0, 'BOTH'), acknowledged('Provision:RemoteWipe', '1'))).toEqual(['Status 1'])
  await areTold(0, 'BOTH', '129')
  expect((await ask(admin, `/devices/${encodeURIComponent(house.user(0).login)}/BOTH`)).said.orders?.wipe?.state).toBe('done')
}, 120_000)

it('a device in quarantine is one at both, its user gets one mail, and it is let in at both', async () => {
  const told = await Promise.all(processes.map(postern => knock(phoneAt(postern, 1, 'NEW', 'UnknownPhone'))))
  expect(told).toEqual(['129', '129'])
  const client = await house.imapClient(1)
  await client.mailboxOpen('INBOX')
  await expect.poll(async () => (await client.search({ all: true }) as number[]).length).toBe(1)
  await order(1, 'NEW', 'allow')
  await areTold(1, 'NEW', '1', 'UnknownPhone')
  expect((await client.search({ all: true }) as number[]).length).toBe(1)
}, 120_000)

const checked = async (): Promise<string[]> => (await checkDevices(loadConfig(processes[0]!.config, {}))).map(({ ok, text: said }) => `${ok ? ' ' : '!'} ${said}`)

it('check counts the orders that Redis keeps, warns of one that writes nothing down, and says what cannot be read', async () => {
  await order(5, 'COUNTED', 'block')
  await areTold(5, 'COUNTED', '129')
  expect(await checked()).toEqual([
    expect.stringMatching(/^ {2}Orders for [1-9]\d* devices are kept there\.$/), '! For devices: the shared cache writes nothing down: orders for devices end with it.',
    `  The listener for administrators at 127.0.0.1:${admin} answers to the token.`,
  ])
  await house.redis.stop()
  try {
    expect((await checked())[0]).toMatch(/^! What is ordered for devices cannot be read: .*Until it can, no phone is let in\.$/)
  } finally {
    await house.redis.start()
  }
  // All have to have met it again before it goes once more.
  await orderLate(5, 'COUNTED', 'allow')
  await areTold(5, 'COUNTED', '1')
}, 120_000)

it('while Redis is away, what was ordered holds, nothing can be ordered, and a process that never read it lets nobody in; when it is back, so are the orders it lost', async () => {
  expect(await knocks(2, 'KNOWN')).toEqual(['1', '1'])
  await order(2, 'BLOCKED', 'block')
  await order(3, 'TOWIPE', 'wipe')
  await areTold(2, 'BLOCKED', '129')
  await areTold(3, 'TOWIPE', '140')
  await house.redis.stop()

  expect(await knocks(2, 'BLOCKED')).toEqual(['129', '129'])
  expect(await knocks(2, 'KNOWN')).toEqual(['1', '1'])
  expect(await knocks(3, 'TOWIPE')).toEqual(['140', '140'])
  // It cannot be written down that the phone was told, so it is told nothing.
  expect(await provision(phoneAt(processes[0]!, 3, 'TOWIPE'))).toEqual(['Status 3'])
  // One that would have to wait for a decision finds the door shut, and nobody has to hear of it twice.
  expect(await knocks(4, 'UNHEARD', 'UnknownPhone')).toEqual(['129', '129'])
  expect((await ask(admin, pathOf(2, 'KNOWN', 'block'), {})).status).toBe(503)
  expect(await knocks(2, 'KNOWN')).toEqual(['1', '1'])

  const late = await start()
  expect(await knock(phoneAt(late, 2, 'KNOWN'))).toBe('HTTP 503')
  expect(await knock(phoneAt(late, 2, 'BLOCKED'))).toBe('HTTP 503')

  // It keeps nothing on the disk: it comes back without a memory.
  await house.redis.start()
  await expect.poll(() => knock(phoneAt(late, 2, 'KNOWN')), { timeout: 20_000, interval: 300 }).toBe('1')
  await areTold(2, 'BLOCKED', '129')
  await areTold(3, 'TOWIPE', '140')
  expect(await provision(phoneAt(late, 3, 'TOWIPE'))).toEqual(['Status 1', 'RemoteWipe'])
  await orderLate(2, 'KNOWN', 'block')
  await areTold(2, 'KNOWN', '129')
  expect(processes.flatMap(postern => linesOf(postern, 'the shared cache lost the orders for devices: they are put back')).length).toBeGreaterThanOrEqual(1)
}, 180_000)

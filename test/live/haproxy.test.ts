// HAProxy as examples/haproxy/ has it in front of three processes that share nothing but their secret.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHaproxy } from '../support/haproxy.ts'
import { freePorts, HOST, type Service } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern } from '../support/postern.ts'
import { sendSlowly, startTraffic, type Traffic } from '../support/traffic.ts'

const mib = 1024 * 1024
let house: House
let proxy: Service & { readonly url: string }
let traffic: Traffic
const posterns: (Postern & { readonly internal: number })[] = []

beforeAll(async () => {
  house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 40 * mib } })
  for (const internal of await freePorts(3)) {
    const postern = await startPostern(house, { settings: {
      internal: { host: HOST, port: internal }, drain: { pauseSeconds: 3, seconds: 30 },
    } })
    posterns.push(Object.assign(postern, { internal }))
  }
  proxy = await startHaproxy(house, posterns)
  traffic = await startTraffic(house, proxy.url, [0, 1, 2, 3])
}, 120_000)
afterAll(async () => {
  await traffic?.stop()
  for (const postern of posterns) {
    expect(postern.log()).not.toContain('"bug"')
    await postern.stop()
  }
  await house.stop()
})

/** Which processes a user's requests of the last moment came to. */
async function serving(user: number): Promise<Postern[]> {
  const before = posterns.map(postern => linesOf(postern, 'request').length)
  await sleep(700)
  const { login } = house.user(user)
  return posterns.filter((postern, n) => linesOf(postern, 'request').slice(before[n]).some(line => line['user'] === login && line['command'] === 'Sync'))
}

/** Goes on for a while; nobody may have noticed anything. */
async function servesOn(): Promise<void> {
  const { kept, fresh } = traffic.counts
  await expect.poll(() => Math.min(traffic.counts.kept - kept, traffic.counts.fresh - fresh), { timeout: 20_000 }).toBeGreaterThan(20)
  expect(traffic.failures).toEqual([])
}

describe('HAProxy with three processes', () => {
  it('brings all devices of a user to one of them', async () => {
    await servesOn()
    for (const user of [0, 1, 2, 3]) expect(await serving(user)).toHaveLength(1)
  })

  it('has a device go on elsewhere when its process is killed, wait included, and nobody notices', async () => {
    const [first] = await serving(0)
    await first!.kill()
    await servesOn()
    const [second] = await serving(0)
    expect(second).not.toBe(first)

    // The wait goes on there, too.
    const { waits } = traffic.counts
    await house.deliver(0, 'Subject: news\r\n\r\nnews\r\n')
    await expect.poll(() => traffic.counts.waits).toBeGreaterThan(waits)
    await first!.start()
    await expect.poll(() => serving(0), { timeout: 20_000, interval: 300 }).toEqual([first])
    await servesOn()
  }, 60_000)

  it('loses nothing of a process that ends, a large message on its way included', async () => {
    const [first] = await serving(1)
    const large = sendSlowly(proxy.url, house.user(1), 'through HAProxy', 20 * mib, 8000)
    await sleep(1000)
    expect(await first!.stop()).toBe(0)
    expect(await large).toBe('HTTP 200, 0 octets')
    expect(linesOf(first!, 'request').filter(line => line['command'] === 'SendMail')).toMatchObject([{ http: 200 }])
    await servesOn()
    await first!.start()
    await servesOn()
  }, 90_000)
})

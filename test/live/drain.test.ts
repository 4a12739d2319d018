// What a load balancer and a phone see of a process from its beginning to its end.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilGreeted } from '../../src/backend/greeting.ts'
import { Phone } from '../support/eas-client.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern } from '../support/postern.ts'
import { sendSlowly } from '../support/traffic.ts'

const mib = 1024 * 1024
let house: House
beforeAll(async () => { house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 40 * mib } }) })
afterAll(() => house.stop())

async function begin(settings: object, workers?: number) {
  const [port = 0] = await freePorts(1)
  const postern = await startPostern(house, { ...(workers ? { workers } : {}), settings: { internal: { port }, ...settings } })
  const probe = (path: string): Promise<string> => fetch(`http://${HOST}:${port}${path}`, { headers: { connection: 'close' } })
    .then(async response => `${response.status} ${(await response.text()).trim()}`, () => 'refused')
  return { postern, probe, url: `http://${HOST}:${postern.port}` }
}

const phoneOf = async (url: string, who: number, deviceId: string): Promise<Phone> => {
  const { login, password } = house.user(who)
  const phone = new Phone({ url, user: login, password, deviceId })
  await phone.folderSync('0')
  await phone.syncAll(phone.folder('2'))
  return phone
}

describe.each([['one process', undefined], ['two workers', 2]])('%s', (_, workers) => {
  it('that ends says so first and serves on, then takes nothing new, answers who waits, and lets the rest end', async () => {
    const { postern, probe, url } = await begin({ drain: { pauseSeconds: 3, seconds: 30 } }, workers)
    expect([await probe('/readyz'), await probe('/healthz')]).toEqual(['200 ready', '200 ok'])
    const [phone, waiting] = [await phoneOf(url, 0, 'BUSY'), await phoneOf(url, 0, 'WAITING')]
    const inbox = phone.folder('2')
    let over = false
    const wait = waiting.ping([inbox], 600).then(answer => { over = true; return answer })
    const large = sendSlowly(url, house.user(1), `drained ${workers}`, 20 * mib, 8000)
    await sleep(300)

    // A service manager or a terminal tells all processes, and the first one tells the others again.
    if (workers) for (const pid of postern.workers()) process.kill(pid, 'SIGTERM')
    const ended = postern.stop()
    await expect.poll(() => probe('/readyz'), { interval: 5 }).toBe('503 draining')
    expect(await probe('/healthz')).toBe('200 ok')
    // Who has not heard of it yet is served, and told to come elsewhere.
    const kept = await phone.raw('Sync', phone.syncBody({ collections: [{ id: inbox }] }))
    expect([kept.status, kept.headers['connection']]).toEqual([200, 'close'])
    const fresh = await fetch(`${url}/.postern/health`)
    expect([fresh.status, fresh.headers.get('connection'), over]).toEqual([200, 'close', false])

    expect(await wait).toMatchObject({ status: '1' })
    await expect.poll(() => fetch(`${url}/.postern/health`).then(({ status }) => status, () => 'refused'), { interval: 5 }).toBe('refused')
    expect(await probe('/readyz')).not.toContain('200')
    expect(await large).toBe('HTTP 200, 0 octets')
    expect(await ended).toBe(0)
    expect(await probe('/readyz')).toBe('refused')
    expect(postern.log()).not.toContain('"bug"')
    phone.close()
    waiting.close()
  }, 60_000)
})

describe('a process that waits for mail', () => {
  let started: Awaited<ReturnType<typeof begin>>
  const dovecot = (change: 'start' | 'stop') => house.dovecot[change]()

  it('is not ready until a mail host greets, and stays ready when that goes away', async () => {
    await dovecot('stop')
    const [internal = 0] = await freePorts(1)
    started = await begin({ internal: { port: internal, waitForMail: true } })
    const { postern } = started
    const probe = () => fetch(`http://${HOST}:${internal}/readyz`).then(async response => `${response.status} ${(await response.text()).trim()}`)
    expect(await probe()).toBe('503 starting')
    await sleep(1500)
    expect(await probe()).toBe('503 starting')
    await dovecot('start')
    await expect.poll(probe).toBe('200 ready')
    await dovecot('stop')
    await sleep(1500)
    expect(await probe()).toBe('200 ready')
    expect(await postern.stop()).toBe(0)
    await dovecot('start')
  }, 60_000)

  it('ends when it is told to while it waits', async () => {
    await dovecot('stop')
    const [internal = 0] = await freePorts(1)
    const { postern } = await begin({ internal: { port: internal, waitForMail: true } })
    expect(await postern.stop()).toBe(0)
    expect(postern.log()).not.toContain('"msg":"ready"')
    await dovecot('start')
  })
})

it('a mail host is one that greets as IMAP does, over TLS where it is spoken', async () => {
  const soon = async (endpoint: object): Promise<boolean> => {
    const over = AbortSignal.timeout(700)
    await untilGreeted([{ host: 'localhost', port: 1, security: 'none' }, { host: 'localhost', port: house.imap.port, security: 'none', ...endpoint }], over)
    return !over.aborted
  }
  expect(await soon({})).toBe(true)
  expect(await soon({ security: 'starttls' })).toBe(true)
  expect(await soon({ security: 'tls', port: house.imap.tlsPort, ca: house.ca })).toBe(true)
  expect(await soon({ security: 'tls', port: house.imap.tlsPort, rejectUnauthorized: false })).toBe(true)
  expect(await soon({ security: 'tls', port: house.imap.tlsPort })).toBe(false)
  expect(await soon({ port: house.submission.port })).toBe(false)
})


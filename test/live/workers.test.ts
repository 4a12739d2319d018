// Many processes on one port, as they are run: replaced under traffic, killed, and ended.
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern, type Postern } from '../support/postern.ts'
import { sendSlowly, startTraffic } from '../support/traffic.ts'

const mib = 1024 * 1024
let house: House
beforeAll(async () => { house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 40 * mib } }) })
afterAll(() => house.stop())

const lines = (postern: Postern, message: string): Record<string, unknown>[] => postern.log().split('\n')
  .filter(line => line.includes(`"msg":"${message}"`)).map(line => JSON.parse(line) as Record<string, unknown>)
const urlOf = ({ host, port }: Postern): string => `http://${host}:${port}`
const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

async function inboxSubjects(user: number): Promise<string[]> {
  const imap = await house.imapClient(user)
  await imap.mailboxOpen('INBOX')
  const found = await imap.fetchAll('1:*', { envelope: true })
  imap.close()
  return found.map(({ envelope }) => envelope?.subject ?? '')
}

describe.concurrent('workers', () => {
  it('are replaced one by one, and no request is refused or broken, a message of 20 MB on its way included', async () => {
    const postern = await startPostern(house, { workers: 2, settings: { drain: { seconds: 20 } } })
    const large = [1, 2, 3, 4].map(n => `large ${n}`)
    const traffic = await startTraffic(house, urlOf(postern), [0, 1, 2])
    try {
      const former = postern.workers()
      expect(former).toHaveLength(2)
      const sent = Promise.all(large.map(subject => sendSlowly(urlOf(postern), house.user(5), subject, 20 * mib, 4000)))
      await sleep(500)
      process.kill(postern.pid, 'SIGHUP')
      expect(await sent).toEqual(large.map(() => 'HTTP 200, 0 octets'))
      await expect.poll(() => lines(postern, 'configuration reloaded'), { timeout: 40_000 }).toHaveLength(1)
      const before = { ...traffic.counts }
      await expect.poll(() => traffic.counts.fresh - before.fresh, { timeout: 20_000 }).toBeGreaterThan(10)

      expect(traffic.failures).toEqual([])
      expect(former.filter(pid => !isGone(pid))).toEqual([])
      expect(postern.workers()).toHaveLength(2)
      // Each of three phones was answered when its worker ended, one of them perhaps twice.
      expect(traffic.counts.waits).toBeGreaterThanOrEqual(3)
      console.log(`answered over a rolling restart: ${JSON.stringify(traffic.counts)}`)
      await expect.poll(() => inboxSubjects(5), { timeout: 20_000 }).toEqual(expect.arrayContaining(large))
    } finally {
      await traffic.stop()
      expect(await postern.stop()).toBe(0)
    }
    expect(postern.log()).not.toContain('"bug"')
    // Without one that was there twice.
    expect((await inboxSubjects(5)).filter(subject => subject.startsWith('large')).sort()).toEqual(large)
  }, 120_000)

  it('that die are started again, after a pause that grows when they die at once', async () => {
    const postern = await startPostern(house, { workers: 2 })
    const first = postern.workers()
    for (let deaths = 1; deaths <= 4; deaths++) {
      await expect.poll(() => postern.workers().length).toBe(2)
      process.kill(postern.workers().at(-1)!, 'SIGKILL')
      await expect.poll(() => lines(postern, 'worker ended, another one will be started')).toHaveLength(deaths)
    }
    const told = lines(postern, 'worker ended, another one will be started')
    expect(told.map(({ signal, pause }) => [signal, pause])).toEqual([['SIGKILL', 100], ['SIGKILL', 200], ['SIGKILL', 400], ['SIGKILL', 800]])
    expect(postern.workers()).toContain(first[0])
    await expect.poll(() => postern.workers().length).toBe(2)

    const all = postern.workers()
    await postern.kill()
    await expect.poll(() => all.filter(pid => !isGone(pid))).toEqual([])
  }, 60_000)

  it('that hang are killed and replaced, while others serve', async () => {
    const postern = await startPostern(house, { workers: 2 })
    const [stuck = 0] = postern.workers()
    process.kill(stuck, 'SIGSTOP')
    const asked = Array.from({ length: 10 }, () => fetch(`${urlOf(postern)}/.postern/health`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(10_000) }))
    // One connection at most was being handed to it.
    expect((await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(9)
    await expect.poll(() => isGone(stuck), { timeout: 60_000, interval: 500 }).toBe(true)
    expect(lines(postern, 'worker gives no sign of life and is killed')).toMatchObject([{ pid: stuck }])
    await expect.poll(() => postern.workers().length).toBe(2)
    expect(await postern.stop()).toBe(0)
  }, 90_000)

  it('stay as they are when the configuration is wrong, and when new ones do not start', async () => {
    const [port = 0, other = 0] = await freePorts(2)
    const postern = await startPostern(house, { workers: 2, port })
    const before = postern.workers()
    const good = readFileSync(postern.config, 'utf8')

    writeFileSync(postern.config, good.replace('secret:', 'secrets:'))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => lines(postern, 'configuration refused, the former one stays')).toHaveLength(1)

    // Nobody can listen there.
    writeFileSync(postern.config, good.replace(`host: ${HOST}`, 'host: 192.0.2.1').replace(String(port), String(other)))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => lines(postern, 'configuration refused, the former one stays')).toHaveLength(2)
    expect(lines(postern, 'configuration refused, the former one stays')[1]).toMatchObject({ why: expect.stringContaining('before it was ready') })
    expect(postern.log()).toContain('EADDRNOTAVAIL')
    expect(postern.workers()).toEqual(before)

    // What is right again is taken, another address included.
    writeFileSync(postern.config, good.replace(`port: ${port}`, `port: ${other}`))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => lines(postern, 'configuration reloaded'), { timeout: 20_000 }).toHaveLength(1)
    expect((await fetch(`http://${HOST}:${other}/.postern/health`)).status).toBe(200)
    await expect(fetch(`${urlOf(postern)}/.postern/health`)).rejects.toThrow()
    expect(await postern.stop()).toBe(0)
  }, 60_000)
})

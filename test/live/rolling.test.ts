// All processes of a Postern replaced by others, with phones that never rest.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startHouse, type House } from '../support/live.ts'
import { isGone, linesOf, startPostern, type Postern } from '../support/postern.ts'
import { sendSlowly, startTraffic } from '../support/traffic.ts'

const mib = 1024 * 1024
let house: House
beforeAll(async () => { house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 40 * mib } }) })
afterAll(() => house.stop())

const urlOf = ({ host, port }: Postern): string => `http://${host}:${port}`

async function inboxSubjects(user: number): Promise<string[]> {
  const imap = await house.imapClient(user)
  await imap.mailboxOpen('INBOX')
  const found = await imap.fetchAll('1:*', { envelope: true })
  imap.close()
  return found.map(({ envelope }) => envelope?.subject ?? '')
}

it('workers are replaced one by one, and no request is refused or broken, a message of 20 MB on its way included', async () => {
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
    await expect.poll(() => linesOf(postern, 'configuration reloaded'), { timeout: 40_000 }).toHaveLength(1)
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

// What Prometheus is told of a Postern that serves phones, as one process and as two.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { versions } from '../../src/eas/versions.ts'
import { el } from '../../src/wire/wbxml.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { searchGal } from '../support/eas-directory.ts'
import { Dice } from '../model/dice.ts'
import { makeCertificate } from '../support/certificate.ts'
import { freePorts, HOST, openGround, type Ground } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { namesIn, readPage, type Page } from '../support/numbers.ts'
import { makePeople, person } from '../support/people.ts'
import { configuration, linesOf, startPostern, type Postern } from '../support/postern.ts'
import { BASE, startSlapd, type Slapd } from '../support/slapd.ts'

let house: House, ground: Ground, slapd: Slapd
const running: { postern: Postern; phones: Phone[] }[] = []
beforeAll(async () => {
  house = await startHouse({ dovecot: { specialUse: 'created' }, radicale: true, sieve: true })
  ground = openGround()
  slapd = await startSlapd(ground, makePeople([person('bob', 'Bob Builder')]), makeCertificate(ground))
})
afterEach(async () => {
  for (const { postern, phones } of running.splice(0)) {
    phones.forEach(phone => phone.close())
    await postern.stop()
    expect(linesOf(postern, 'bug')).toEqual([])
  }
})
afterAll(async () => {
  await house?.stop()
  await ground?.close()
})

const deviceId = 'ODDLYNAMEDDEVICE', minimum = 2

async function begin(workers?: number) {
  const [port = 0, internal = 0] = await freePorts(2)
  const { backends: [backend], ...rest } = configuration(house, HOST, port)
  const postern = await startPostern(house, {
    port, ...(workers ? { workers } : {}),
    settings: {
      ...rest, internal: { host: HOST, port: internal }, eas: { heartbeat: { min: minimum, max: 600 } },
      backends: [{ ...backend, sieve: { ...house.sieve, security: 'none' }, directory: { url: slapd.url, base: BASE } }],
    },
  })
  const phones: Phone[] = []
  running.push({ postern, phones })
  const page = async (): Promise<Page> => {
    const response = await fetch(`http://${HOST}:${internal}/metrics`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)])
    return readPage(await response.text())
  }
  /** A phone that keeps account of its requests. */
  const phoneOf = (who: number, options: Partial<PhoneOptions> = {}) => {
    const { login, password } = house.user(who), asked = new Map<string, number>()
    const phone = new Phone({ url: `http://${HOST}:${port}`, user: login, password, deviceId, ...options })
    const raw = phone.raw.bind(phone)
    phone.raw = (command, body, overrides) => {
      const name = overrides?.method ?? command
      asked.set(name, (asked.get(name) ?? 0) + 1)
      return raw(command, body, overrides)
    }
    phones.push(phone)
    return Object.assign(phone, { asked })
  }
  return { postern, page, phoneOf, internal, url: `http://${HOST}:${port}` }
}

type Counting = ReturnType<Awaited<ReturnType<typeof begin>>['phoneOf']>
const mail = (subject: string) => `From: zoe@postern.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x>\r\n\r\nwords\r\n`

/** What a phone does on a day; answers what there should be on the page. */
async function day(phone: Counting, who: number): Promise<void> {
  const user = house.user(who)
  await house.seed(user, 'INBOX', ['one', 'two', 'three'].map(mail))
  await phone.optionsRequest()
  await phone.folderSync()
  const inbox = phone.folder('2')
  await phone.syncAll(inbox)
  await phone.sync({ collections: [{ id: inbox }] })
  const waiting = phone.ping([inbox], 600)
  await expect.poll(() => phone.asked.get('Ping')).toBe(1)
  await new Promise(resolve => setTimeout(resolve, 300))
  await house.deliver(user.login, mail('four'))
  expect(await waiting).toMatchObject({ status: '2' })
  await phone.syncAll(inbox)
  expect(await phone.ping([inbox], minimum)).toMatchObject({ status: '1' })
  expect(await phone.sendMail(`From: ${user.address}\r\nTo: ${house.user('lena').address}\r\nSubject: sent\r\n\r\nx\r\n`, { save: false })).toBe('')
  await phone.settings(el('Settings:Oof', [el('Settings:Get', [el('Settings:BodyType', 'Text')])]))
  expect(await searchGal(phone, { query: 'bob' })).toMatchObject({ total: '1' })
  await phone.syncAll(phone.folder('8'))
  expect(await phone.sync({ collections: [{ id: inbox, key: 'bm90IG9uZSBvZiBvdXJz' }] })).toMatchObject({ collections: [{ status: '3' }] })
  expect(await phone.folderSync('nor this')).toMatchObject({ status: '9' })
}

function expectCounts(page: Page, phones: readonly Counting[], days: number): void {
  const asked = new Map<string, number>()
  for (const phone of phones) for (const [command, count] of phone.asked) asked.set(command, (asked.get(command) ?? 0) + count)
  for (const [command, count] of asked) {
    expect([command, page.sum('postern_requests_total', { command, http: '200' })]).toEqual([command, count])
    expect([command, page.sum('postern_request_seconds_count', { command })]).toEqual([command, count])
  }
  expect(page.sum('postern_requests_total', { front: 'eas' })).toBe([...asked.values()].reduce((a, b) => a + b))
  expect(page.sum('postern_requests_total', { command: 'Sync', version: '16.1' })).toBe(asked.get('Sync'))
  expect(page.sum('postern_items_told_total', { content: 'mail', change: 'add' })).toBe(4 * days)
  expect(page.sum('postern_waits')).toBe(0)
  const waits = ['changed', 'expired', 'ended', 'drained', 'failed'].map(end => page.sum('postern_wait_seconds_count', { end }))
  expect(waits).toEqual([days, days, 0, 0, 0])
  expect(page.sum('postern_wait_seconds_sum', { end: 'expired' })).toBeGreaterThan(days * minimum * 0.99)
  // Both waits together are longer than all that the phone waited for without wishing to.
  expect(page.sum('postern_request_seconds_sum', { command: 'Ping' })).toBeLessThan(days * minimum / 2)
  expect(page.sum('postern_resyncs_total', { command: 'Sync', reason: 'foreign' })).toBe(days)
  expect(page.sum('postern_resyncs_total', { command: 'FolderSync', reason: 'forgotten' })).toBe(days)
  expect(page.sum('postern_statuses_total', { command: 'FolderSync', status: '9' })).toBe(days)
  expect(page.sum('postern_imap_connections', { use: 'session' })).toBe(days)
  expect(page.sum('postern_imap_connections', { use: 'watch' })).toBe(days)
  expect(page.sum('postern_imap_logins_total', { result: 'ok' })).toBe(2 * days)
  expect(page.sum('postern_credentials_total', { result: 'proved' })).toBe(days)
  expect(page.sum('postern_backend_seconds_count', { backend: 'smtp', operation: 'send' })).toBe(days)
  expect(page.sum('postern_backend_seconds_count', { backend: 'sieve', operation: 'outOfOffice' })).toBe(days)
  expect(page.sum('postern_backend_seconds_count', { backend: 'ldap', operation: 'search' })).toBe(days)
  expect(page.sum('postern_backend_seconds_count', { backend: 'dav', operation: 'changes' })).toBeGreaterThanOrEqual(days)
  expect(page.sum('postern_backend_failures_total')).toBe(0)
  expect(page.sum('postern_cache_total', { kind: 'cursor', result: 'hit' })).toBeGreaterThanOrEqual(days)
  expect(page.sum('postern_octets_total', { direction: 'in' })).toBeGreaterThan(1000 * days)
  expect(page.sum('postern_octets_total', { direction: 'out' })).toBeGreaterThan(1000 * days)
  expect(page.sum('postern_bugs_total')).toBe(0)
}

/** Nothing of who asked, with what, and of what was in it. */
function expectDiscreet(page: Page): void {
  for (const word of ['postern.test', 'anna', 'bob', 'carol', 'secret', deviceId, deviceId.toLowerCase(), 'TestPhone', 'zoe', '127.0.0.1', 'INBOX']) {
    expect(page.text).not.toContain(word)
  }
}

const targets = (): readonly string[] => {
  const { panels } = JSON.parse(readFileSync('examples/grafana/postern.json', 'utf8')) as { panels: { targets?: { expr: string }[] }[] }
  return panels.flatMap(panel => panel.targets?.map(({ expr }) => expr) ?? [])
}
type Rule = { alert: string; expr: string; labels: Record<string, string>; annotations: Record<string, string> }
const alerts = () => (parse(readFileSync('examples/prometheus/alerts.yaml', 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)

/** Prometheus makes that one itself. */
const notOurs = ['up']

describe('one process', () => {
  it('says what a phone did, to the request, and the dashboard and the alerts name what is there', async () => {
    const { page, phoneOf, internal } = await begin()
    const phone = phoneOf(0)
    await day(phone, 0)
    const now = await page()
    expectCounts(now, [phone], 1)
    expectDiscreet(now)

    const there = new Set(now.samples.map(({ name }) => name)), declared = new Set(now.types.keys())
    const named = [...targets(), ...alerts().map(({ expr }) => expr)].map(namesIn)
    expect(named.length).toBeGreaterThan(40)
    expect(named.filter(names => names.length === 0)).toEqual([])
    const missing = [...new Set(named.flat())].filter(name => !there.has(name) && !declared.has(name) && !notOurs.includes(name))
    expect(missing).toEqual([])
    expect((await fetch(`http://${HOST}:${internal}/metrics`, { method: 'POST' })).status).toBe(405)
  }, 60_000)

  it('says what went wrong, and who gave up waiting', async () => {
    const { page, phoneOf } = await begin()
    const phone = phoneOf(1), wrong = phoneOf(1, { password: 'it is not' })
    expect((await wrong.raw('FolderSync', undefined)).status).toBe(401)
    await phone.folderSync()
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const first = phone.ping([inbox], 600)
    await expect.poll(async () => (await page()).sum('postern_waits')).toBe(1)
    const gone = new AbortController(), second = phone.ping([inbox], 500, { signal: gone.signal })
    expect(await first).toMatchObject({ status: '1' })
    gone.abort()
    await expect(second).rejects.toThrow()
    expect(await phone.sync({ collections: [{ id: 'nothing' }] })).toMatchObject({ collections: [{ status: '12' }] })
    await expect.poll(async () => (await page()).sum('postern_requests_total', { command: 'Ping' })).toBe(2)

    const now = await page()
    expect(now.sum('postern_wait_seconds_count', { end: 'ended' })).toBe(2)
    expect(now.sum('postern_requests_total', { command: 'Ping', http: '499' })).toBe(1)
    expect(now.sum('postern_requests_total', { command: 'FolderSync', http: '401' })).toBe(1)
    expect(now.sum('postern_credentials_total', { result: 'refused' })).toBe(1)
    expect(now.sum('postern_imap_logins_total', { use: 'session', result: 'refused' })).toBe(1)
    expect(now.sum('postern_backend_failures_total', { backend: 'imap', operation: 'folder', kind: 'not-found' })).toBe(1)
    expect(now.sum('postern_statuses_total', { command: 'Sync', status: '12' })).toBe(1)
    expectDiscreet(now)
  }, 60_000)

  it('has as many series after a thousand odd requests as it would have after ten', async () => {
    const { page, phoneOf, url } = await begin()
    const phone = phoneOf(2)
    await phone.folderSync()
    const dice = new Dice(5), odd = (): string => `zq${dice.below(1e9).toString(36)}x`
    const basic = `Basic ${Buffer.from(`${phone.options.user}:${phone.options.password}`).toString('base64')}`
    const ask = async (): Promise<void> => {
      const command = dice.pick([odd(), odd(), 'Sync', 'PING', 'constructor', '__proto__', 'FolderSync']), version = dice.pick([odd(), '99.9', '16.1', '2.5', '14.1\t'])
      const path = dice.pick([`/${odd()}`, `/Microsoft-Server-ActiveSync?Cmd=${command}&User=${odd()}&DeviceId=${odd()}&DeviceType=${odd()}`, `/Microsoft-Server-ActiveSync?${odd()}`])
      const method = dice.pick(['POST', 'POST', 'POST', 'GET', 'OPTIONS', 'PROPFIND', 'PUT'])
      await (await fetch(url + path, {
        method, headers: { 'ms-asprotocolversion': version, 'user-agent': odd(), ...(dice.below(3) ? { authorization: basic } : {}) },
        ...(method === 'POST' ? { body: odd() } : {}),
      })).arrayBuffer()
    }
    for (let n = 0; n < 1000; n += 20) await Promise.all(Array.from({ length: 20 }, ask))
    const now = await page()
    expect(now.sum('postern_requests_total')).toBeGreaterThan(1000)
    expect(now.text).not.toMatch(/zq\w+x|constructor|__proto__|99\.9/)
    expect(now.values('command')).toEqual(['FolderSync', 'OPTIONS', 'Ping', 'Sync', 'none', 'other'])
    expect(now.values('version').filter(version => !(versions as readonly string[]).includes(version))).toEqual(['none', 'other', process.version])
    expect(now.values('http').filter(status => !/^\d{3}$/.test(status))).toEqual([])
    expect(now.samples.length).toBeLessThan(800)
    expectDiscreet(now)
  }, 60_000)
})

describe('two workers', () => {
  it('say together what phones did, and go on from there when they are replaced, die or are stuck', async () => {
    const { page, phoneOf, postern } = await begin(2)
    const phones = [phoneOf(3), phoneOf(4)]
    await Promise.all(phones.map((phone, n) => day(phone, 3 + n)))
    const now = await page()
    expectCounts(now, phones, 2)
    expectDiscreet(now)
    expect(now.sum('postern_workers')).toBe(2)
    // Each of them served somebody.
    expect(linesOf(postern, 'request').reduce((all, { worker }) => all.add(worker), new Set()).size).toBe(2)
    const requests = now.sum('postern_requests_total', { front: 'eas' })

    // Replaced: nothing is lost, and those who wait are answered by those that go.
    const inbox = phones[0]!.folder('2'), waiting = phones[0]!.ping([inbox], 600)
    await expect.poll(async () => (await page()).sum('postern_waits')).toBe(1)
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => linesOf(postern, 'configuration reloaded'), { timeout: 30_000 }).toHaveLength(1)
    expect(await waiting).toMatchObject({ status: '1' })
    const later = await page()
    expect([later.sum('postern_requests_total', { front: 'eas' }), later.sum('postern_wait_seconds_count', { end: 'drained' })]).toEqual([requests + 1, 1])
    expect([later.sum('postern_waits'), later.sum('postern_imap_connections'), later.sum('postern_workers')]).toEqual([0, 0, 2])
    expect(later.sum('postern_worker_restarts_total')).toBe(0)

    // Stuck: what it told before stands.
    const [stuck = 0] = postern.workers()
    process.kill(stuck, 'SIGSTOP')
    const meanwhile = await page()
    expect([meanwhile.sum('postern_workers_silent_total'), meanwhile.sum('postern_requests_total', { front: 'eas' })]).toEqual([1, requests + 1])
    process.kill(stuck, 'SIGKILL')
    await expect.poll(async () => (await page()).sum('postern_worker_restarts_total')).toBe(1)
    await expect.poll(async () => (await page()).sum('postern_workers')).toBe(2)
    expect((await page()).sum('postern_requests_total', { front: 'eas' })).toBe(requests + 1)
  }, 120_000)
})

describe('the alerts', () => {
  it('are well-formed, and say why each is worth somebody’s attention', () => {
    const all = alerts()
    expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length)
    for (const { alert, expr, labels, annotations } of all) {
      expect(alert).toMatch(/^Postern[A-Z]\w+$/)
      expect(['page', 'ticket']).toContain(labels['severity'])
      expect(Object.keys(annotations).sort()).toEqual(['reason', 'summary'])
      expect(annotations['reason']!.length).toBeGreaterThan(60)
      expect(balanced(expr)).toBe(true)
      expect(expr).toMatch(/[<>=]=? *[\d.]+|[<>] 0\.5 \*/)
    }
  })

  it('and the dashboard are read for names as Prometheus would read them', () => {
    expect(namesIn('sum by (le, x) (rate(a_bucket{k=~"b|c", d!="e{"}[5m])) / on (instance) f:g offset 10m and 0.5 * h > 1e3')).toEqual(['a_bucket', 'f:g', 'h'])
  })
})

function balanced(text: string): boolean {
  const open: string[] = [], pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }
  for (const char of text.replace(/"(?:[^"\\]|\\.)*"/g, '')) {
    if ('([{'.includes(char)) open.push(char)
    else if (pairs[char] && open.pop() !== pairs[char]) return false
  }
  return open.length === 0
}

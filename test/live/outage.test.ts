// A mail server that is away, silent, broken, full, closed or slow: the phone is told to try again, and never that mail is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { versions } from '../../src/eas/versions.ts'
import { Phone } from '../support/eas-client.ts'
import type { SyncResult } from '../support/eas-sync.ts'
import { randomBelow } from '../support/fuzz.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const patience = 2

let house: House
let proxy: TcpProxy
let postern: Instance
let users = 0
let name: string, phone: Phone, inbox: string, work: string

beforeAll(async () => {
  house = await startHouse({ users: 40, dovecot: { acl: true } })
  proxy = await TcpProxy.start(house.imap)
  postern = await startInstance(house, { imap: proxy, patience })
})
afterAll(async () => {
  await postern.close()
  await proxy.close()
  await house.stop()
})

/** A user of its own for each test, with a phone that holds all there is. */
beforeEach(async () => {
  name = `user${13 + users++}`
  for (const folder of ['INBOX', 'Work']) await house.seed(name, folder, Array.from({ length: 30 }, (_, n) => mail(`${folder} ${n}`)))
  phone = phoneOf(name)
  await phone.folderSync('0')
  ;[inbox, work] = [phone.folder('Inbox'), phone.folder('Work')]
  for (const folder of [inbox, work]) await phone.syncAll(folder)
  return async () => {
    phone.close()
    Object.assign(proxy.link, { delayUp: 0, delayDown: 0, cutAfter: Infinity, stalled: false })
    expect(postern.bugs()).toBe(0)
  }
})

const mail = (subject: string, length = 200): string =>
  `Subject: ${subject}\r\nFrom: a@corpus.test\r\n\r\n${'Some text. '.repeat(length / 10)}\r\n`

function phoneOf(who: string, version = '16.1'): Phone {
  const { login, password } = house.user(who)
  return new Phone({ url: postern.url, user: login, password, version, deviceId: `OUTAGE${version.replace('.', '')}` })
}

const subjects = (folder: string): string[] => [...phone.held(folder).items.values()].map(({ subject }) => subject).sort()
const expected = (folder: string, count = 30): string[] => Array.from({ length: count }, (_, n) => `${folder} ${n}`).sort()

/** What a Sync came to: `retry` when the phone is to try again, and what it was told otherwise. */
async function attempt(sync: () => Promise<SyncResult>): Promise<string> {
  const result = await sync().catch((error: unknown) => String(error))
  if (typeof result === 'string') return 'broken off'
  if (result.http === 503 || result.status === '16') return 'retry'
  const told = result.collections.map(({ status, adds, changes, deletes, softDeletes }) =>
    `${status} +${adds.length} ~${changes.length} -${deletes.length + softDeletes.length}`)
  return result.http === 200 ? told.join() || `empty${result.status}` : `HTTP ${result.http}`
}

const both = () => phone.sync({ collections: [{ id: inbox }, { id: work }] })

/** A server that did not answer is tried again some seconds later. */
const recovered = (who: Phone) => expect.poll(() => who.folderSync('0').then(({ status }) => status, String), { timeout: 15_000 }).toBe('1')

async function holdsEverything(): Promise<void> {
  for (const [folder, id] of [['INBOX', inbox], ['Work', work]] as const) {
    await phone.syncAll(id)
    expect(subjects(id)).toEqual(expected(folder))
    expect(phone.held(id).duplicates).toEqual([])
  }
}

describe('an IMAP server that is down', () => {
  it('makes a phone try again, whatever it asks, and everything is there afterwards', async () => {
    const [item] = phone.held(inbox).items.keys()
    await house.dovecot.stop()
    try {
      expect(await attempt(both)).toBe('retry')
      const commands = [{ kind: 'Change', id: item!, read: true }, { kind: 'Fetch', id: item! }] as const
      expect(await attempt(() => phone.sync({ collections: [{ id: inbox, commands }] }))).toBe('retry')
      expect((await phone.raw('FolderSync', undefined)).status).not.toBe(401)
      for (const folders of [await phone.folderSync('0').catch(String), await phone.folderSync().catch(String)]) {
        expect(folders).not.toMatchObject({ status: '1' })
      }
      expect(await phone.ping([inbox], 60).catch(String)).not.toMatchObject({ status: '2' })
      expect(await phone.moveItems([{ id: item!, from: inbox, to: work }]).catch(() => [])).not.toMatchObject([{ status: '3' }])
      expect(await phone.fetch([{ id: item!, folder: inbox }]).catch(() => [])).not.toMatchObject([{ status: '1' }])
    } finally {
      await house.dovecot.start()
    }
    await recovered(phone)
    await holdsEverything()
  })

  it.each(versions)('is HTTP 503 with Retry-After, or a status that means the same, in version %s', async version => {
    const other = phoneOf(name, version)
    await other.folderSync('0')
    await other.syncAll(inbox)
    await house.dovecot.stop()
    try {
      const { status, headers, bytes } = await other.raw('Sync', other.syncBody({ collections: [{ id: inbox }] }))
      if (status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      else expect([status, bytes.length > 0 && (await other.sync({ collections: [{ id: inbox }] })).status]).toEqual([200, '16'])
    } finally {
      await house.dovecot.start()
    }
    await recovered(other)
    await other.syncAll(inbox)
    expect(other.held(inbox).items.size).toBe(30)
    other.close()
  })

  it('is no wrong password for somebody who comes just now', async () => {
    const other = phoneOf(`user${13 + users++}`)
    await house.dovecot.stop()
    const { status, headers } = await other.raw('FolderSync', undefined)
    await house.dovecot.start()
    expect([status, Number(headers['retry-after']) > 0]).toEqual([503, true])
    await recovered(other)
    other.close()
  })

  it('that comes back is asked on a new session, and what was done meanwhile is told', async () => {
    proxy.cut()
    await house.deliver(name, mail('meanwhile'))
    await phone.syncAll(inbox)
    expect(subjects(inbox)).toEqual([...expected('INBOX'), 'meanwhile'])
  })
})

describe('an IMAP server that falls silent', () => {
  it('is given up after a while, and its silence is no empty folder', async () => {
    house.dovecot.pause()
    const begun = performance.now()
    try {
      expect(await attempt(both)).toBe('retry')
      expect(performance.now() - begun).toBeLessThan(patience * 5000)
    } finally {
      house.dovecot.resume()
    }
    await holdsEverything()
  })

  it('in the middle of an answer costs that answer and nothing else', async () => {
    const other = phoneOf(name, '14.1')
    await other.folderSync('0')
    await other.sync({ collections: [{ id: inbox }] })
    proxy.link.delayDown = 40
    const asked = attempt(() => other.sync({ collections: [{ id: inbox, options: { bodies: [{ type: 2, size: 5000 }] } }] }))
    await sleep(60)
    proxy.link.stalled = true
    expect(await asked).toMatch(/^(retry|broken off)$/)
    Object.assign(proxy.link, { stalled: false, delayDown: 0 })
    await other.syncAll(inbox)
    expect(other.held(inbox).items.size).toBe(30)
    expect(other.held(inbox).duplicates).toEqual([])
    other.close()
  })
})

describe('a connection that breaks', () => {
  it('after any number of octets costs that answer and nothing else', async () => {
    await house.seed(name, 'Big', Array.from({ length: 120 }, (_, n) => mail(`Big ${n}`, 2000)))
    await phone.folderSync()
    const big = phone.folder('Big')
    const below = randomBelow(5)
    const outcomes = new Map<string, number>()
    proxy.cut()
    for (let tries = 0; tries < 40; tries++) {
      proxy.link.cutAfter = 500 + below(100_000)
      const wish = { id: big, window: 15, options: { bodies: [{ type: 1, size: 4000 }] } }
      const outcome = await attempt(() => phone.sync({ collections: [wish] }))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      expect(outcome).toMatch(/^(retry|broken off|empty|1 \+\d+ ~0 -0)$/)
      if (tries === 10) {
        phone.held(big).key = '0'
        phone.held(big).items.clear()
      }
    }
    proxy.link.cutAfter = Infinity
    await phone.syncAll(big)
    expect(subjects(big)).toEqual(expected('Big', 120))
    expect(phone.held(big).duplicates).toEqual([])
    expect([...outcomes.keys()].some(outcome => outcome === 'retry' || outcome === 'broken off'), JSON.stringify([...outcomes])).toBe(true)
  })

  it('while a phone waits is waited out, and the next mail wakes it', async () => {
    const waiting = phone.ping([inbox], 60)
    await sleep(300)
    proxy.cut()
    await sleep(300)
    await house.deliver(name, mail('wake up'))
    expect(await waiting).toMatchObject({ status: '2', folders: [inbox] })
    await phone.syncAll(inbox)
    expect(subjects(inbox)).toContain('wake up')
  })

  it('beside a change is no reason to lose or to repeat it', async () => {
    const ids = [...phone.held(inbox).items.keys()].slice(0, 10)
    const below = randomBelow(9)
    for (const id of ids) {
      proxy.cut()
      for (;;) {
        proxy.link.cutAfter = 300 + below(4000)
        const change = () => phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, read: true }] }] })
        const outcome = await attempt(change)
        if (/^(1|empty)/.test(outcome)) break
        expect(outcome).toMatch(/^(retry|broken off)$/)
      }
    }
    proxy.link.cutAfter = Infinity
    await phone.syncAll(inbox)
    const imap = await house.imapClient(name)
    await imap.mailboxOpen('INBOX')
    expect((await imap.search({ seen: true }) || []).length).toBe(10)
    expect([...phone.held(inbox).items.values()].filter(({ read }) => read).length).toBe(10)
    expect(phone.held(inbox).items.size).toBe(30)
  })
})

describe('a mailbox without room', () => {
  it('goes on being read, says so where something is to be stored, and loses nothing', async () => {
    const full = phoneOf('full')
    await house.seed('full', 'INBOX', Array.from({ length: 8 }, (_, n) => mail(`full ${n}`, 1500)))
    await full.folderSync('0')
    const box = full.folder('Inbox')
    await full.syncAll(box)
    expect(full.held(box).items.size).toBe(8)
    const head = `From: ${house.user('full').address}\r\nTo: ${house.user(name).address}\r\nSubject: sent though full\r\n\r\n`
    const status = await full.sendMail(head + 'x'.repeat(70).concat('\r\n').repeat(200))
    // Sent, or refused as a whole: never sent and called failed, which sends it twice.
    const arrived = async (): Promise<boolean> => {
      await phone.syncAll(inbox)
      return subjects(inbox).includes('sent though full')
    }
    if (status === '') await expect.poll(arrived).toBe(true)
    else expect([status, await sleep(500).then(arrived)]).toEqual(['113', false])
    const [id] = full.held(box).items.keys()
    await full.sync({ collections: [{ id: box, commands: [{ kind: 'Change', id: id!, read: true }] }] })
    const { collections } = await full.sync({ collections: [{ id: box, deletesAsMoves: true, commands: [{ kind: 'Delete', id: id! }] }] })
    const refused = collections[0]?.responses.find(({ kind }) => kind === 'Delete')?.status
    const imap = await house.imapClient('full')
    await imap.mailboxOpen('INBOX')
    expect((await imap.search({ all: true }) || []).length).toBe(refused ? 8 : 7)
    full.close()
  })
})

/** Commands on a connection of their own; answers the last line. */
async function imapLines(who: string, ...commands: string[]): Promise<string> {
  const { login, password } = house.user(who)
  const socket = connect(house.imap.port, house.imap.host)
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  let last = ''
  await lines.next()
  for (const command of [`LOGIN ${login} ${password}`, ...commands]) {
    socket.write(`a ${command}\r\n`)
    do last = String((await lines.next()).value)
    while (!last.startsWith('a '))
  }
  socket.destroy()
  return last
}

describe('a folder that may only be read', () => {
  it('is read; what the phone wants changed there is refused, and stays', async () => {
    expect(await imapLines(name, `SETACL Work ${house.user(name).name} lra`)).toMatch(/^a OK/)
    await postern.restart()
    phone.close()
    const reader = Object.assign(phoneOf(name), { folderKey: phone.folderKey })
    for (const [id, held] of phone.collections) reader.collections.set(id, held)
    phone = reader
    const [id, second] = [...phone.held(work).items.keys()] as [string, string]
    const { collections: [answer], status } = await phone.sync({
      collections: [{ id: work, deletesAsMoves: false, commands: [{ kind: 'Change', id, read: true }, { kind: 'Delete', id: second }] }],
    })
    expect(status).toBe('')
    expect(answer?.responses.map(one => Number(one.status) > 1)).toEqual([true, true])
    expect((await phone.moveItems([{ id, from: work, to: inbox }]))[0]?.status).not.toBe('3')
    const imap = await house.imapClient(name)
    expect(await imap.status('Work', { messages: true, unseen: true })).toMatchObject({ messages: 30, unseen: 30 })
    await house.deliver(name, mail('still read'))
    await phone.syncAll(inbox)
    expect(subjects(inbox)).toContain('still read')
    expect((await phone.sync({ collections: [{ id: work }] })).collections.flatMap(({ deletes }) => deletes)).toEqual([])
  })
})

describe('a slow server', () => {
  it('is waited for', async () => {
    Object.assign(proxy.link, { delayUp: 150, delayDown: 150 })
    await house.deliver(name, mail('slowly'))
    await phone.syncAll(inbox)
    expect(subjects(inbox)).toContain('slowly')
  })
})

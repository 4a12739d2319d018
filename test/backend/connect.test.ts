import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Backend, type Backends, type BackendsConfig } from '../../src/backend/connect.ts'
import { startHouse, type House } from '../support/live.ts'
import { emptyMemory } from '../support/memories.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { MASTER } from '../support/users.ts'

let house: House
let line: TcpProxy
const open: Backends[] = []

beforeAll(async () => {
  // Else Dovecot has everybody behind one address wait after a wrong password.
  house = await startHouse({ exim: false, dovecot: { extra: 'service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}' } })
  line = await TcpProxy.start(house.imap)
})
afterEach(async () => {
  for (const backends of open.splice(0)) await backends.close()
  line.take()
})
afterAll(async () => {
  await line.close()
  await house.stop()
})

function backends(auth: BackendsConfig['auth'] = {}, more: Partial<Backend> = {}, sessions: BackendsConfig['sessions'] = {}): Backends {
  const endpoint = { host: '127.0.0.1', port: line.port, security: 'none' as const }
  const backend: Backend = { domains: '*', login: '{local}@{domain}', imap: endpoint, smtp: { ...endpoint, auth: true }, ...more }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  open.push(connect({ backends: [backend], auth, sessions }, log, emptyMemory()))
  return open.at(-1)!
}

const as = (name: string, password = 'secret') => ({ kind: 'password' as const, user: `${name}@postern.test`, password })
const here = '192.0.2.1'
const names = async (stores: Awaited<ReturnType<Backends['open']>>): Promise<string[]> =>
  (await stores.mail.folders()).map(({ name }) => name)

describe('opening a user', () => {
  it('logs in once, whatever number of devices wake up together, and not again for a while', async () => {
    const many = backends()
    await Promise.all(Array.from({ length: 20 }, () => many.open(as('anna'), here)))
    await many.open(as('anna'), here)
    expect(line.take().connections).toBe(1)
  })

  it('gives nobody a session that another password opened', async () => {
    const one = backends()
    await one.open(as('anna'), here)
    await expect(one.open(as('anna', 'guess'), here)).rejects.toMatchObject({ kind: 'auth' })
    await expect(one.open(as('anna', ''), here)).rejects.toMatchObject({ kind: 'auth' })
    await one.open(as('anna'), here)
  })

  it('gives each user their own mail, the password being the same', async () => {
    const two = backends()
    const [anna, bob] = [await two.open(as('anna'), here), await two.open(as('bob'), here)]
    await anna.mail.createFolder(undefined, 'Of Anna')
    expect(await names(anna)).toContain('Of Anna')
    expect(await names(bob)).not.toContain('Of Anna')
  })

  it('asks the server again after a while, and ends what is open when the password is another one by then', async () => {
    const file = join(house.dir, 'dovecot', 'users')
    const before = readFileSync(file, 'utf8')
    const short = backends({ rememberSeconds: 0.001, refuseSeconds: 0.001 })
    const carol = await short.open(as('carol'), here)
    expect(await names(carol)).toContain('Inbox')
    await short.open(as('carol'), here)
    expect(line.take().connections).toBe(2)
    writeFileSync(file, before.replace('carol:{PLAIN}secret', 'carol:{PLAIN}another'))
    try {
      const refused = () => short.open(as('carol'), here).then(() => 'taken', (error: { kind: string }) => error.kind)
      await expect.poll(refused).toBe('auth')
      expect(await names(await short.open(as('carol', 'another'), here))).toContain('Inbox')
    } finally {
      writeFileSync(file, before)
    }
  })

  it('has an address wait that tries many passwords, and lets others in', async () => {
    const guarded = backends({ tries: 2 })
    for (const guess of ['1', '2']) await expect(guarded.open(as('dave', guess), here)).rejects.toMatchObject({ kind: 'auth' })
    await expect(guarded.open(as('erin'), here)).rejects.toMatchObject({ kind: 'busy', retryAfter: 60 })
    await guarded.open(as('erin'), '192.0.2.2')
  })

  it.each([['by an authorization id', {}], ['by a name of both', { separator: '*' }]])('through a master user, %s', async (_, form) => {
    const master = backends({}, { master: { user: MASTER.name, password: MASTER.password, ...form } })
    const frank = await master.open(as('frank'), here)
    await frank.mail.createFolder(undefined, 'Of Frank')
    expect(await names(await master.open(as('grace'), here))).not.toContain('Of Frank')
    await expect(master.open(as('frank', MASTER.password), here)).rejects.toMatchObject({ kind: 'auth' })
    await frank.mail.deleteFolder((await frank.mail.folders()).find(({ name }) => name === 'Of Frank')!.id)
  })

  it('says that the server cannot be reached, not that the password is wrong', async () => {
    const nowhere = backends({}, { imap: { host: '127.0.0.1', port: 1, security: 'none' } })
    await expect(nowhere.open(as('anna'), here)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('news that a mail server tells of', () => {
  it('come to those who wait, though others were here since and nothing else of theirs is kept', async () => {
    const few = backends({}, {}, { max: 1 }), end = new AbortController(), told: string[] = []
    const { mail } = await few.open(as('anna'), here), { id } = await mail.folderByRole('inbox')
    const watched = mail.watch([id], end.signal, { ready: () => void told.push('ready'), changed: folder => void told.push(folder), lost() {} })
    await expect.poll(() => told).toEqual(['ready'])
    await few.open(as('bob'), here)
    await few.open(as('carol'), here)
    few.news('bob@postern.test', 'INBOX')
    expect(told).toEqual(['ready'])
    few.news('anna', 'inbox')
    await expect.poll(() => told).toEqual(['ready', id])
    end.abort()
    await watched
    few.news('anna', 'INBOX')
    expect(told).toEqual(['ready', id])
  })
})

// What becomes of a user's scripts, at a real Dovecot.
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ManageSieve } from '../../src/backend/managesieve.ts'
import { sieveFilters } from '../../src/backend/sieve-filters.ts'
import { Failure } from '../../src/base/failure.ts'
import { silent } from '../../src/base/log.ts'
import type { FolderId } from '../../src/model/folder.ts'
import type { OutOfOffice } from '../../src/model/out-of-office.ts'
import type { Filters } from '../../src/model/ports.ts'
import { startHouse, type House } from '../support/live.ts'

const away: OutOfOffice = { on: true, replies: { internal: { enabled: true, message: { type: 'text', text: 'away' } } } }
const off: OutOfOffice = { on: false, replies: away.replies }
const folder = 'work' as FolderId
const filing = (conversation: string) => ({ conversation, messages: [`${conversation}@x`], folder })

/** A user of the house and what is behind it; scripts are looked at with a connection of its own. */
async function visit(house: House, name: string, script = 'postern'): Promise<{ filters: Filters; sieve: ManageSieve; active(): Promise<string | undefined> }> {
  const { login: user, password } = house.user(name)
  const endpoint = { host: '127.0.0.1', port: house.sieve.port, security: 'none', script } as const
  const login = { kind: 'password', user, password } as const
  const path = async (id: FolderId): Promise<string> => {
    if (id !== folder) throw new Failure('not-found', 'no such folder')
    return 'Entw&APw-rfe'
  }
  const filters = sieveFilters({
    endpoint, login, user, recipient: { addresses: [user], domains: ['postern.test'] }, folders: { path }, timeoutSeconds: 10, log: silent,
  })
  const sieve = await ManageSieve.open(endpoint, login)
  opened.push(sieve)
  return { filters, sieve, active: async () => (await sieve.list()).find(one => one.active)?.name }
}
const opened: ManageSieve[] = []
afterEach(() => {
  for (const sieve of opened.splice(0)) sieve.close()
})

describe('filters', () => {
  let house: House
  beforeAll(async () => void (house = await startHouse({ sieve: true })))
  afterAll(() => house?.stop())

  it('are nothing, and write nothing, where nothing was ever set', async () => {
    const { filters, sieve } = await visit(house, 'anna')
    expect(await filters.outOfOffice()).toEqual({ on: false, replies: {} })
    await filters.setOutOfOffice(now => now)
    await filters.setFilings(now => now)
    expect(await sieve.list()).toEqual([])
  })

  it("run before the user's own script, which is left alone and active again when they are off", async () => {
    const { filters, sieve, active } = await visit(house, 'bob')
    await sieve.put('mine', 'keep; # mine')
    await sieve.activate('mine')
    await filters.setOutOfOffice(() => away)
    expect([await active(), await sieve.get('mine')]).toEqual(['postern', 'keep; # mine'])
    expect(await sieve.get('postern')).toContain('\r\ninclude :personal :optional "mine";\r\n')
    expect(await filters.outOfOffice()).toEqual(away)
    await filters.setFilings(() => [filing('1')])
    await filters.setOutOfOffice(now => ({ ...now, on: false }))
    expect(await active()).toBe('postern')
    await filters.setFilings(() => [])
    expect([await active(), await sieve.get('mine')]).toEqual(['mine', 'keep; # mine'])
    // The texts are still known, and it can be switched on again.
    expect(await filters.outOfOffice()).toEqual(off)
    await filters.setOutOfOffice(now => ({ ...now, on: true }))
    expect([await active(), await filters.outOfOffice()]).toEqual(['postern', away])
  })

  it('include the script that was made active elsewhere since', async () => {
    const { filters, sieve, active } = await visit(house, 'carol')
    await sieve.put('first', 'keep;')
    await sieve.put('second', 'stop;')
    await sieve.activate('first')
    await filters.setOutOfOffice(() => away)
    await sieve.activate('second')
    expect(await filters.outOfOffice()).toEqual(away)
    expect(await active()).toBe('postern')
    expect(await sieve.get('postern')).toMatch(/include :personal :optional "second";\r\n$/)
    await sieve.activate('first')
    await filters.setFilings(() => [filing('1')])
    expect(await sieve.get('postern')).toMatch(/include :personal :optional "first";\r\n$/)
  })

  it('that somebody switched off altogether are off, their texts known', async () => {
    const { filters, sieve, active } = await visit(house, 'dave')
    await filters.setOutOfOffice(() => away)
    await filters.setFilings(() => [filing('1')])
    await sieve.activate(undefined)
    expect(await filters.outOfOffice()).toEqual(off)
    expect(await active()).toBeUndefined()
    await filters.setOutOfOffice(now => ({ ...now, on: true }))
    expect(await active()).toBe('postern')
    expect(await sieve.get('postern')).not.toContain('fileinto')
  })

  it('are refused beside a script that answers mail itself, and are off when that one is made active', async () => {
    const { filters, sieve, active } = await visit(house, 'erin')
    await sieve.put('webmail', 'require "vacation"; vacation "from webmail";')
    await sieve.activate('webmail')
    await expect(filters.setOutOfOffice(() => away)).rejects.toMatchObject({ kind: 'conflict' })
    expect((await sieve.list()).map(({ name }) => name)).toEqual(['webmail'])
    await filters.setFilings(() => [filing('1')])
    expect(await active()).toBe('postern')
    await sieve.put('other', 'keep;')
    await sieve.activate('other')
    await filters.setOutOfOffice(() => away)
    await sieve.activate('webmail')
    expect(await filters.outOfOffice()).toEqual(off)
    // Conversations go on being filed, beside the answer of the webmail.
    expect([await active(), await sieve.get('postern')]).toEqual(['postern', expect.stringMatching(/fileinto[^]*include :personal :optional "webmail"/)])
    expect(await sieve.get('postern')).not.toContain('vacation')
  })

  it('end when the user has mail answered elsewhere since: two answers are an error to Sieve', async () => {
    const { filters, sieve, active } = await visit(house, 'karl')
    await sieve.put('webmail', 'keep;')
    await sieve.activate('webmail')
    await filters.setOutOfOffice(() => away)
    await sieve.put('webmail', 'require "vacation"; vacation "from webmail";')
    expect(await filters.outOfOffice()).toEqual(off)
    expect(await active()).toBe('webmail')
    await sieve.put('webmail', 'keep;')
    await filters.setOutOfOffice(() => away)
    await sieve.put('webmail', 'require "vacation"; vacation "from webmail";')
    await filters.setFilings(() => [filing('1')])
    expect([await active(), await filters.outOfOffice()]).toEqual(['postern', off])
    expect(await sieve.get('postern')).not.toContain('vacation')
  })

  it('take along a script that somebody put there by hand, and put it back where they cannot', async () => {
    const { filters, sieve, active } = await visit(house, 'lena')
    await house.deliver('lena', 'Subject: x\r\n\r\nx\r\n')
    const place = `${house.dir}/dovecot/mail/lena`, { uid, gid } = statSync(place)
    const byHand = (script: string): void => {
      rmSync(`${place}/sieve/dovecot.orig.sieve`, { force: true })
      rmSync(`${place}/.dovecot.sieve`, { force: true })
      writeFileSync(`${place}/.dovecot.sieve`, script)
      chownSync(`${place}/.dovecot.sieve`, uid, gid)
    }
    byHand('keep; # by hand')
    await filters.setOutOfOffice(() => away)
    expect(await active()).toBe('postern')
    expect(await sieve.get('postern')).toContain('include :personal :optional "dovecot.orig";')
    await filters.setOutOfOffice(() => off)
    expect([await active(), await sieve.get('dovecot.orig')]).toEqual(['dovecot.orig', 'keep; # by hand'])
    byHand('require "vacation"; vacation "by hand";')
    await expect(filters.setOutOfOffice(() => away)).rejects.toMatchObject({ kind: 'conflict' })
    expect(await active()).toBe('dovecot.orig')
  })

  it('do not go back to a script that was deleted meanwhile', async () => {
    const { filters, sieve, active } = await visit(house, 'frank')
    await sieve.put('mine', 'keep;')
    await sieve.activate('mine')
    await filters.setOutOfOffice(() => away)
    rmSync(`${house.dir}/dovecot/mail/frank/sieve/mine.sieve`)
    await filters.setOutOfOffice(() => off)
    expect([await active(), await filters.outOfOffice()]).toEqual([undefined, off])
  })

  it("leave a user's script of the same name alone", async () => {
    const { filters, sieve } = await visit(house, 'grace')
    await sieve.put('postern', 'keep; # mine')
    for (const ask of [filters.outOfOffice(), filters.setOutOfOffice(() => away), filters.setFilings(() => [filing('1')])]) {
      await expect(ask).rejects.toMatchObject({ kind: 'conflict' })
    }
    expect(await sieve.get('postern')).toBe('keep; # mine')
    await (await visit(house, 'grace', 'phones')).filters.setOutOfOffice(() => away)
    expect((await sieve.list()).find(({ active }) => active)?.name).toBe('phones')
  })

  it('file the newest 50 conversations, none without ids, and into no folder that is gone', async () => {
    const { filters, sieve } = await visit(house, 'heidi')
    await filters.setFilings(() => Array.from({ length: 60 }, (_, n) => filing(`${n}`)))
    let now: readonly string[] = []
    await filters.setFilings(filings => {
      now = filings.map(({ conversation }) => conversation)
      return [...filings, filing('60'), { ...filing('gone'), folder: 'other' as FolderId }, { ...filing('x'), messages: ['a b', 'y'.repeat(300)] }]
    })
    expect([now.length, now[0], now.at(-1)]).toEqual([50, '10', '59'])
    const script = await sieve.get('postern')
    expect(script.match(/fileinto "Entwürfe";/g)).toHaveLength(48)
    expect([script.includes('<12@x>'), script.includes('<13@x>'), script.includes('gone')]).toEqual([false, true, false])
  })

  it('take changes that come at the same time one after the other', async () => {
    const { filters } = await visit(house, 'ivan')
    await Promise.all([
      filters.setOutOfOffice(() => away),
      ...Array.from({ length: 5 }, (_, n) => filters.setFilings(now => [...now, filing(`${n}`)])),
    ])
    let count = 0
    await filters.setFilings(now => {
      count = now.length
      return now
    })
    expect([count, await filters.outOfOffice()]).toEqual([5, away])
  })

  it('refused to this password are denied, which asks nobody for another one', async () => {
    const filters = sieveFilters({
      endpoint: { host: '127.0.0.1', port: house.sieve.port, security: 'none', script: 'postern' }, login: { kind: 'password', user: 'judy', password: 'x' }, user: 'judy',
      recipient: { addresses: [], domains: [] }, folders: { path: async () => '' }, timeoutSeconds: 10, log: silent,
    })
    await expect(filters.outOfOffice()).rejects.toMatchObject({ kind: 'denied' })
  })
})

describe('filters without the include extension', () => {
  let house: House
  beforeAll(async () => void (house = await startHouse({ sieve: true, dovecot: { extra: 'plugin {\n sieve_extensions = -include\n}\n' } })))
  afterAll(() => house?.stop())

  it('are refused to who has a script, and work for who has none', async () => {
    const anna = await visit(house, 'anna')
    await anna.sieve.put('mine', 'keep;')
    await anna.sieve.activate('mine')
    await expect(anna.filters.setOutOfOffice(() => away)).rejects.toMatchObject({ kind: 'unsupported', message: expect.stringContaining('include') })
    expect(await anna.active()).toBe('mine')
    // The texts can be kept all the same.
    await anna.filters.setOutOfOffice(() => off)
    expect([await anna.active(), await anna.filters.outOfOffice()]).toEqual(['mine', off])
    const bob = await visit(house, 'bob')
    await bob.filters.setOutOfOffice(() => away)
    expect([await bob.active(), await bob.filters.outOfOffice()]).toEqual(['postern', away])
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/backend/check.ts'
import type { Backend } from '../../src/backend/connect.ts'
import { ManageSieve } from '../../src/backend/managesieve.ts'
import { startHouse, type House } from '../support/live.ts'
import { MASTER } from '../support/users.ts'

describe('postern check', () => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 1, sieve: true, radicale: true, dovecot: { without: ['NOTIFY', 'MOVE'], extra: 'plugin {\n sieve_extensions = -include\n}\n' } }) })
  afterAll(() => house?.stop())

  const run = async (over: Partial<Backend> = {}, password = 'secret') => {
    const backend: Backend = {
      domains: ['postern.test'], login: 'address',
      imap: { host: 'localhost', port: house.imap.tlsPort, security: 'tls', ca: house.ca },
      smtp: { ...house.submission, security: 'none', auth: true }, ...over,
    }
    const findings = await check({ backends: [backend] }, { kind: 'password', user: 'anna@postern.test', password })
    return { wrong: findings.filter(({ ok }) => !ok).map(({ text }) => text), text: findings.map(({ text }) => text).join('\n') }
  }

  it('says what works, what is missing, and what is done without it', async () => {
    const { wrong, text } = await run({ master: { user: MASTER.name, password: MASTER.password } })
    expect(wrong).toEqual([])
    expect(text).toMatch(/IMAP at localhost:\d+ answers over TLS and accepts the user anna@postern.test/)
    expect(text).toMatch(/QRESYNC is there/)
    expect(text).toMatch(/NOTIFY is missing: IDLE hears of one folder/)
    expect(text).toMatch(/MOVE is missing: /)
    expect(text).toMatch(/accepts the master user master for anna@postern.test/)
    expect(text).toMatch(/INBOX has 0 messages/)
    expect(text).toMatch(/Submission at .* answers without encryption and accepts the user/)
  })

  it('names a certificate that nobody vouches for, and servers that are not there', async () => {
    const { wrong } = await run({ imap: { host: 'localhost', port: house.imap.tlsPort, security: 'tls' }, smtp: { host: 'localhost', port: 1, security: 'none', auth: true } })
    expect(wrong).toHaveLength(2)
    expect(wrong[0]).toMatch(/certificate/i)
    expect(wrong[1]).toMatch(/Submission at localhost:1 .*ECONNREFUSED|ESOCKET/)
  })

  it('tells a wrong password', async () => {
    const { wrong } = await run({}, 'wrong')
    expect(wrong[0]).toMatch(/answers and refuses the user anna@postern.test/)
    expect(wrong[1]).toMatch(/answers and refuses the user/)
  })

  it('says whether the DAV server answers, what is there, and what is missing', async () => {
    expect((await run()).text).toMatch(/No CalDAV or CardDAV server is configured: phones see mail alone/)
    house.radicale.seed('anna@postern.test', 'readonly-book', { tag: 'VADDRESSBOOK' }, [])
    const { wrong, text } = await run({ dav: { url: house.dav.url } })
    expect(wrong).toEqual([])
    expect(text).toMatch(/CalDAV and CardDAV at http:\S+ answers without encryption and accepts the user anna@postern.test/)
    expect(text).toMatch(/Calendars, task lists and journals are below \/anna(@|%40)postern.test\//)
    expect(text).toMatch(/The user has 0 calendars, 1 address book, 0 task lists and 0 journals; 1 of them cannot be changed/)
    expect(text).toMatch(/There is no calendar: one is made when a phone comes/)
    expect(text).toMatch(/sync-collection is there/)
    expect((await run({ dav: { url: house.dav.url, create: false } })).text).toMatch(/There is no calendar, and none is made/)
    expect((await run({ dav: { url: 'http://localhost:1/' } })).wrong).toEqual([expect.stringMatching(/CalDAV and CardDAV at .*cannot be reached.*ECONNREFUSED/)])
    expect((await run({ dav: { url: house.dav.url } }, 'wrong')).wrong).toContainEqual(expect.stringMatching(/CalDAV and CardDAV at .* answers and refuses the user anna@postern.test/))
  })

  it('says whether ManageSieve answers, what its Sieve lacks, and what becomes of the own script', async () => {
    const sieve = { host: 'localhost', port: house.sieve.port, security: 'starttls', ca: house.ca, script: 'postern' } as const
    expect((await run()).text).toMatch(/No ManageSieve is configured: phones cannot set automatic replies/)
    const { wrong, text } = await run({ sieve })
    expect(wrong).toEqual([])
    expect(text).toMatch(/ManageSieve at localhost:\d+ \(.*Pigeonhole\) answers over STARTTLS and accepts the user anna@postern.test/)
    expect(text).toMatch(/Sieve's vacation is there: automatic replies can be set/)
    expect(text).toMatch(/Sieve's include is missing: who has an active script cannot set anything/)
    expect(text).toMatch(/The user has 0 scripts, none is active; the name postern is free/)

    expect((await run({ sieve, master: { user: MASTER.name, password: MASTER.password } })).text).toMatch(/ManageSieve .* accepts the master user master for anna@postern.test/)
    const own = await ManageSieve.open(sieve, { kind: 'password', user: 'anna', password: 'secret' })
    await own.put('postern', '# postern version 1\r\n')
    await own.activate('postern')
    expect((await run({ sieve })).text).toMatch(/Postern's script postern is there and understood; of the user's 1, postern is active/)
    await own.put('postern', 'keep;')
    own.close()
    expect((await run({ sieve })).wrong).toEqual([expect.stringMatching(/a script called postern that is not Postern's/)])

    expect((await run({ sieve: { ...sieve, port: 1 } })).wrong).toEqual([expect.stringMatching(/ManageSieve at localhost:1 .*ECONNREFUSED/)])
    expect((await run({ sieve }, 'wrong')).wrong).toContainEqual(expect.stringMatching(/ManageSieve .* answers and refuses the user anna@postern.test/))
  })

  it('refuses a name that no backend serves', async () => {
    await expect(run({ domains: ['example.org'] })).rejects.toMatchObject({ kind: 'auth' })
  })
})

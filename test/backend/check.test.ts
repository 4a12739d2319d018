import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/backend/check.ts'
import type { Backend } from '../../src/backend/connect.ts'
import { startHouse, type House } from '../support/live.ts'
import { MASTER } from '../support/users.ts'

describe('postern check', () => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 1, dovecot: { without: ['NOTIFY', 'MOVE'] } }) })
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

  it('refuses a name that no backend serves', async () => {
    await expect(run({ domains: ['example.org'] })).rejects.toMatchObject({ kind: 'auth' })
  })
})

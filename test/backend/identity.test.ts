import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/backend/connect.ts'
import { identities, recipientOf } from '../../src/backend/identity.ts'

const server = { host: 'mail', port: 1, security: 'none' } as const
const backend = (more: Partial<Backend>): Backend =>
  ({ domains: '*', login: '{local}@{domain}', imap: server, smtp: { ...server, auth: true }, ...more })

const house = [
  backend({ domains: ['one.test'], login: '{local}', defaultDomain: 'one.test', aliases: { '*': ['{local}@1.test'], anna: ['boss@one.test'] } }),
  backend({ domains: ['two.test', 'zwei.test'], login: '{domain}/{local}' }),
  backend({ domains: '*' }),
]

describe('a login name', () => {
  it.each([
    ['anna@one.test', 'anna', ['anna@one.test', 'boss@one.test', 'anna@1.test']],
    ['anna@ONE.test', 'anna', ['anna@one.test', 'boss@one.test', 'anna@1.test']],
    ['bob', 'bob', ['bob@one.test', 'bob@1.test']],
    ['anna@zwei.test', 'zwei.test/anna', ['anna@zwei.test']],
    ['Anna@elsewhere.test', 'Anna@elsewhere.test', ['Anna@elsewhere.test']],
    ['"a@b"@two.test', 'two.test/"a@b"', ['"a@b"@two.test']],
    ['$&@two.test', 'two.test/$&', ['$&@two.test']],
  ])('%s logs in as %s', (name, login, addresses) => {
    expect(identities(house)(name).person).toEqual({ login, account: login, addresses, displayName: undefined })
  })

  it.each([
    ['anna@one.test', ['anna@one.test', 'boss@one.test', 'anna@1.test'], ['one.test', '1.test']],
    ['anna@zwei.test', ['anna@zwei.test'], ['two.test', 'zwei.test']],
    ['Anna@elsewhere.test', ['Anna@elsewhere.test'], ['elsewhere.test']],
  ])('%s is of the organization of all domains of the backend', (name, addresses, domains) => {
    expect(recipientOf(identities(house)(name))).toEqual({ addresses, domains })
  })

  it('without a domain is of no organization', () => {
    expect(recipientOf(identities([backend({})])('anna'))).toEqual({ addresses: [], domains: [] })
  })

  it('without a domain stays what it is where none is configured', () => {
    expect(identities([backend({})])('anna').person).toMatchObject({ login: 'anna', addresses: ['anna'] })
  })

  it.each(['anna@three.test', 'anna', '', '@one.test', '__proto__'])('that nobody serves is refused like a wrong password: %j', name => {
    expect(() => identities([house[1]!])(name)).toThrow(expect.objectContaining({ kind: 'auth' }))
  })
})

describe('the account', () => {
  const other = { ...server, host: 'other' }
  const ofOne = backend({ domains: ['one.test'], login: '{local}' })
  it.each([
    ['one mail server', [backend({ domains: ['one.test', 'two.test'], login: '{local}' })], 'anna'],
    ['two that know domains', [backend({ domains: ['one.test'] }), backend({ imap: other })], 'anna@one.test'],
    ['two that know none', [ofOne, backend({ domains: ['two.test'], login: 'local', imap: other })], 'anna at mail:1'],
    ['two backends with one mail server', [ofOne, backend({ domains: ['two.test'], login: 'local' })], 'anna'],
    ['one of two that knows none', [ofOne, backend({ imap: other })], 'anna'],
    ['the same domain put in, in other letters', [backend({ domains: ['one.test'], login: '{local}@ONE.test' }), backend({ domains: ['two.test'], login: '{local}@one.test', imap: other })], 'anna@ONE.test at mail:1'],
  ])('with %s', (_, backends, account) => {
    expect(identities(backends)('anna@one.test').person.account).toBe(account)
  })

  it('is not that of somebody of the same name at another server, whatever is typed', () => {
    const identify = identities([ofOne, backend({ domains: ['two.test'], login: '{local}', imap: other })])
    const names = ['anna@one.test', 'anna@two.test', 'anna at mail:1@two.test', 'anna at other:1@one.test']
    expect(new Set(names.map(name => identify(name).person.account)).size).toBe(names.length)
  })
})

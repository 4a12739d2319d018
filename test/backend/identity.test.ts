import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/backend/connect.ts'
import { identify, recipientOf, sharesLogins } from '../../src/backend/identity.ts'

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
    expect(identify(house, name).person).toEqual({ login, addresses, displayName: undefined })
  })

  it.each([
    ['anna@one.test', ['anna@one.test', 'boss@one.test', 'anna@1.test'], ['one.test', '1.test']],
    ['anna@zwei.test', ['anna@zwei.test'], ['two.test', 'zwei.test']],
    ['Anna@elsewhere.test', ['Anna@elsewhere.test'], ['elsewhere.test']],
  ])('%s is of the organization of all domains of the backend', (name, addresses, domains) => {
    expect(recipientOf(identify(house, name))).toEqual({ addresses, domains })
  })

  it('without a domain is of no organization', () => {
    expect(recipientOf(identify([backend({})], 'anna'))).toEqual({ addresses: [], domains: [] })
  })

  it('without a domain stays what it is where none is configured', () => {
    expect(identify([backend({})], 'anna').person).toMatchObject({ login: 'anna', addresses: ['anna'] })
  })

  it.each(['anna@three.test', 'anna', '', '@one.test', '__proto__'])('that nobody serves is refused like a wrong password: %j', name => {
    expect(() => identify([house[1]!], name)).toThrow(expect.objectContaining({ kind: 'auth' }))
  })
})

describe('whether a login name tells whose it is', () => {
  const ofOne = backend({ domains: ['one.test'], login: '{local}' })
  it.each([
    ['one backend', [backend({ domains: ['one.test', 'other.test'], login: '{local}' })], false], ['domains in the names', house, false],
    ['names without a domain at two', [ofOne, backend({ domains: ['two.test'], login: 'local' })], true], ['such names at one of two', [ofOne, backend({ domains: '*' })], false],
    ['the same domain put in', [backend({ domains: ['one.test'], login: '{local}@ONE.test' }), backend({ domains: ['two.test'], login: '{local}@one.test' })], true],
  ])('%s', (_, backends, shared) => {
    expect(sharesLogins(backends)).toBe(shared)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identify, loginName } from '../../src/http/auth.ts'

const basic = (text: string, encoding: BufferEncoding = 'utf8') => `Basic ${Buffer.from(text, encoding).toString('base64')}`
const known = (user: string, password: string) => ({ kind: 'password', user, password })

describe('identify', () => {
  it.each([
    ['a name and a password', basic('ann:secret'), known('ann', 'secret')],
    ['an address as the name', basic('ann@example.org:secret'), known('ann@example.org', 'secret')],
    ['a password with colons', basic('ann:a:b:'), known('ann', 'a:b:')],
    ['UTF-8', basic('änn:schlüssel€'), known('änn', 'schlüssel€')],
    ['ISO-8859-1', basic('änn:schlüssel', 'latin1'), known('änn', 'schlüssel')],
    ['a scheme in capitals', basic('ann:secret').replace('Basic', 'BASIC'), known('ann', 'secret')],
    ['base64 without its padding', basic('ann:secre').replace(/=+$/, ''), known('ann', 'secre')],
    ['a backslash in front', basic('\\ann:secret'), known('ann', 'secret')],
    ['a Windows domain', basic('HOUSE\\ann:secret'), known('ann', 'secret')],
    ['a backslash in the password only', basic('ann:a\\b'), known('ann', 'a\\b')],
    ['no header', undefined, undefined],
    ['an empty header', '', undefined],
    ['a scheme alone', 'Basic', undefined],
    ['another scheme', 'Negotiate YII=', undefined],
    ['no base64', 'Basic %%%', undefined],
    ['no colon', basic('ann'), undefined],
    ['no name', basic(':secret'), undefined],
    ['only a domain', basic('HOUSE\\:secret'), undefined],
    ['an empty password', basic('ann:'), undefined],
    ['a NUL in the name', basic('ann\0root:secret'), undefined],
    ['a NUL in the password', basic('ann:sec\0ret'), undefined],
    ['a line end in the name', basic('ann\r\nA LOGOUT:secret'), undefined],
    ['a name of 513 characters', basic(`${'a'.repeat(513)}:secret`), undefined],
    ['a password of 1025 characters', basic(`ann:${'a'.repeat(1025)}`), undefined],
    ['a header of 17 KiB', `Bearer ${'a'.repeat(17 * 1024)}`, undefined],
  ])('%s', (_, header, credentials) => {
    expect(identify(header, '/')).toEqual(credentials)
  })

  it.each([
    ['the User of the query', '/x?Cmd=Sync&User=ann%40example.org&DeviceId=1', 'ann@example.org'],
    ['without its Windows domain', '/x?User=HOUSE%5Cann', 'ann'],
    ['unknown without one', '/x?Cmd=Sync', ''],
    ['unknown without a query', '/x', ''],
    ['unknown when it is no name', '/x?User=a%00b', ''],
  ])('takes a bearer to be %s', (_, url, user) => {
    expect(identify('Bearer abc.def-_~+/=', url)).toEqual({ kind: 'bearer', user, token: 'abc.def-_~+/=' })
  })

  it('never throws, and never lets a control character through', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const credentials = identify(`Basic ${Buffer.from(bytes).toString('base64')}`, '/')
      if (credentials?.kind === 'password') expect(credentials.user + credentials.password).not.toMatch(/\p{Cc}/u)
    }))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (header, url) => void identify(header, url)))
  })
})

it.each([
  ['ann', 'ann'],
  ['\\ann', 'ann'],
  ['HOUSE\\ann', 'ann'],
  ['example.org\\ann', 'ann@example.org'],
  ['HOUSE\\ann@example.org', 'ann@example.org'],
  ['other.example\\ann@example.org', 'ann@example.org'],
  ['example.org\\', ''],
])('%s is the login name %s', (text, name) => {
  expect(loginName(text)).toBe(name)
})

import { describe, expect, it } from 'vitest'
import type { FrontRequest, Visit } from '../../src/base/front.ts'
import { isFresh, sessions } from '../../src/pages/session.ts'
import { expectOwnPage } from '../../src/pages/same-origin.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { mutations } from '../support/fuzz.ts'

const minute = 60_000
const secret = Buffer.from('a secret of these tests, and of no others')
let time = Date.now()
const shared = ownMemory(memoryCache({ megabytes: 1 }))
const admins = sessions('admin', { secret, shared, now: () => time })
const visitOf = (secure: boolean): Visit => ({ origin: { host: 'admin.example.org', secure }, address: '192.0.2.1' }) as Visit
const https = visitOf(true)
const requestOf = (headers: Record<string, string>, method = 'POST'): FrontRequest =>
  ({ method, url: new URL('https://admin.example.org/api/x'), headers: { get: name => headers[name] ?? null }, body: null })
const held = (setCookie: string): FrontRequest => requestOf({ cookie: `other=1; ${setCookie.split(';')[0]}; last=2` })
const ann = { name: 'ann', mark: 'm' }

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get, bound to its host where there is TLS', () => {
    expect(admins.begin(ann, https).cookie).toMatch(/^__Host-postern-admin=[\w-]{80,}; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    expect(admins.begin(ann, visitOf(false)).cookie).toMatch(/^postern-admin=[\w-]{80,}; Path=\/; HttpOnly; SameSite=Strict$/)
  })

  it('is another one at each login, and says who that is to any process with the secret', async () => {
    const [one, other] = [admins.begin(ann, https), admins.begin(ann, https)]
    expect(one.session.id).not.toBe(other.session.id)
    expect(one.cookie).not.toBe(other.cookie)
    const elsewhere = sessions('admin', { secret, shared: ownMemory(memoryCache({ megabytes: 1 })), now: () => time })
    expect(await elsewhere.read(held(one.cookie), https)).toEqual(one.session)
  })

  it.each([
    ['of a user at the page of administrators', 'user', secret], ['sealed with another secret', 'admin', Buffer.from('another secret that is as long as it has to be')],
  ] as const)('%s is none', async (_, kind, key) => {
    const { cookie } = sessions(kind, { secret: key, shared, now: () => time }).begin(ann, https)
    expect(await admins.read(held(cookie.replace('-user=', '-admin=')), https)).toBeUndefined()
  })

  it('that came without TLS is none where there is TLS, so that nobody on the way can have set it', async () => {
    expect(await admins.read(held(admins.begin(ann, visitOf(false)).cookie), https)).toBeUndefined()
  })

  it('ends eight hours after the password, and half an hour after its last use', async () => {
    time = Date.now()
    let { session, cookie } = admins.begin(ann, https)
    expect(admins.renew(session, https)).toBeUndefined()
    for (let minutes = 0; minutes < 479; minutes += 29) {
      expect(await admins.read(held(cookie), https), `${minutes} minutes`).toMatchObject({ id: session.id })
      time += 29 * minute
      cookie = admins.renew(session, https) ?? ''
    }
    expect(await admins.read(held(cookie), https)).toBeUndefined()
    const idle = admins.begin(ann, https)
    time += 30 * minute
    expect(await admins.read(held(idle.cookie), https)).toBeUndefined()
  })

  it('lets its owner change something for ten minutes after the password', () => {
    const { session } = admins.begin(ann, https)
    expect([isFresh(session, session.at + 9 * minute), isFresh(session, session.at + 10 * minute)]).toEqual([true, false])
  })

  it('that was ended is over, for whoever kept a copy of its cookie too', async () => {
    const { session, cookie } = admins.begin(ann, https)
    expect(await admins.end(session, https)).toBe('__Host-postern-admin=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0')
    expect(await admins.read(held(cookie), https)).toBeUndefined()
  })

  it('is none from anything that was not sealed here', async () => {
    const { session, cookie } = admins.begin(ann, https)
    for (const octets of mutations([Buffer.from(cookie.split(';')[0]!)], 20_000, 5)) {
      const read = await admins.read(requestOf({ cookie: Buffer.from(octets).toString('latin1') }), https)
      if (read) expect(read).toEqual(session)
    }
  })
})

describe('a request that changes something', () => {
  const own = { 'content-type': 'application/json', 'x-postern-page': 'used', 'sec-fetch-site': 'same-origin', origin: 'https://admin.example.org' }
  const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(own).filter(([one]) => one !== name))
  it.each<[string, Record<string, string>]>([
    ['by the page', own], ['by its address bar', { ...own, 'sec-fetch-site': 'none' }], ['by a browser that says only its Origin', without('sec-fetch-site')],
  ])('sent %s is taken', (_, headers) => {
    expect(() => expectOwnPage(requestOf(headers), https)).not.toThrow()
  })
  it.each<[string, Record<string, string>]>([
    ['another site', { ...own, 'sec-fetch-site': 'cross-site' }], ['another host of the domain', { ...own, 'sec-fetch-site': 'same-site' }],
    ['another origin', { ...without('sec-fetch-site'), origin: 'https://evil.example' }], ['the same host without TLS', { ...without('sec-fetch-site'), origin: 'http://admin.example.org' }],
    ['who knows whom', { 'content-type': 'application/json', 'x-postern-page': 'used' }], ['a form', { ...own, 'content-type': 'text/plain' }], ['a script without the header', without('x-postern-page')],
  ])('sent by %s is refused', (_, headers) => {
    expect(() => expectOwnPage(requestOf(headers), https)).toThrow(expect.objectContaining({ kind: 'denied' }) as Error)
  })
  it('is a POST', () => {
    expect(() => expectOwnPage(requestOf(own, 'GET'), https)).toThrow(expect.objectContaining({ kind: 'unsupported' }) as Error)
  })
})

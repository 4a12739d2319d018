import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Visit } from '../../src/base/front.ts'
import { sessions } from '../../src/pages/session.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { startManaged, token } from '../support/admin.ts'
import { startBrowser, type Desk } from '../support/browser.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { openSignedIn, passwords, people, send, startPaged, type Paged } from '../support/pages.ts'
import { configuration, linesOf } from '../support/postern.ts'

let house: House
let postern: Paged
let desk: Desk
beforeAll(async () => {
  [house, desk] = await Promise.all([startHouse(), startBrowser()])
  postern = await startPaged(house, 'safety')
}, 180_000)
afterAll(async () => {
  await desk?.close()
  await postern?.stop()
  await house?.stop()
})

/** Signs in as the page's script does; a cookie. */
const signIn = (name: keyof typeof passwords, more: Parameters<typeof send>[2] = {}) => send(postern.url, 'api/session', { body: { name, password: passwords[name] }, ...more })
const pathOf = (id: string, what: string): string => `devices/${encodeURIComponent(house.user(0).login)}/${id}/${what}`
const isBlocked = async (id: string): Promise<boolean> => {
  const { said } = await postern.ask(`/devices/${encodeURIComponent(house.user(0).login)}/${id}`)
  return said.orders?.decision?.access === 'block'
}
/** A session as Postern itself would have sealed it, some time ago. */
function sealed(name: keyof typeof passwords, minutesAgo: number): string {
  const mark = createHash('sha256').update(people[name]!).digest('base64url').slice(0, 12)
  const { secret } = configuration(house, HOST, 0)
  const then = Date.now() - minutesAgo * 60_000
  const { cookie } = sessions('admin', { secret: Buffer.from(secret), shared: ownMemory(memoryCache({ megabytes: 1 })), now: () => then }).begin({ name, mark }, { origin: { host: '', secure: false } } as Visit)
  return cookie.split(';')[0]!
}

describe('a login', () => {
  it('gives a cookie that no script reads and no other site sends; with TLS one that no other host has set', async () => {
    const plain = await signIn('ann'), tls = await signIn('ann', { headers: { origin: `https://${new URL(postern.url).host}`, 'x-forwarded-proto': 'https' } })
    expect(plain.headers.get('set-cookie')).toMatch(/^postern-admin=[\w-]+; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(tls.headers.get('set-cookie')).toMatch(/^__Host-postern-admin=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    const { page, context } = await openSignedIn(desk, postern)
    expect(await page.evaluate('document.cookie')).toBe('')
    expect((await context.cookies()).map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path }))).toEqual([{ name: 'postern-admin', httpOnly: true, sameSite: 'Strict', path: '/' }])
    await context.close()
  })

  it('gives another cookie each time, and the one before is worth nothing: nobody can give somebody a session', async () => {
    const planted = await signIn('bob')
    const { page, context } = await desk.open(postern.url)
    const [name = '', value = ''] = planted.cookie.split(/=(.*)/)
    await context.addCookies([{ name, value, url: postern.url }])
    await page.reload()
    await page.getByText('Signed in as bob').waitFor()
    const { said, cookie } = await signIn('ann', { cookie: planted.cookie })
    expect([said.name, cookie === planted.cookie]).toEqual(['ann', false])
    expect((await send(postern.url, 'api/session', { cookie: planted.cookie })).said).toEqual({})
    await page.getByText('You were signed out. Please sign in again.').waitFor()
    await context.close()
  })

  it('ends when somebody signs out, and a copy of the cookie with it', async () => {
    const { page, context } = await openSignedIn(desk, postern)
    const [{ name, value } = { name: '', value: '' }] = await context.cookies()
    expect((await send(postern.url, 'api/requests', { cookie: `${name}=${value}` })).status).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    expect(await context.cookies()).toEqual([])
    expect((await send(postern.url, 'api/requests', { cookie: `${name}=${value}` })).said).toEqual({ error: 'Please sign in.', word: 'sign-in' })
    await context.close()
  })

  it.each([[29, 200], [31, 401], [8 * 60 + 1, 401]])('from %i minutes ago that was not used since answers %i', async (minutes, status) => {
    expect((await send(postern.url, 'api/requests', { cookie: sealed('ann', minutes) })).status).toBe(status)
  })

  it('is renewed by what a person does, and not by a page that is left open', async () => {
    const cookie = sealed('ann', 20)
    expect((await send(postern.url, 'api/requests', { cookie, headers: { 'x-postern-page': 'waits' } })).cookie).toBe('')
    expect((await send(postern.url, 'api/requests', { cookie })).cookie).toMatch(/^postern-admin=/)
  })

  it('from eleven minutes ago shows all, and asks for the password before it changes something, then goes on with that', async () => {
    await postern.ask(`/devices/${encodeURIComponent(house.user(0).login)}/STALE/trace`, { minutes: 5 })
    const cookie = sealed('ann', 11), [name = '', value = ''] = cookie.split(/=(.*)/)
    expect((await send(postern.url, `api/${pathOf('STALE', 'block')}`, { cookie, body: {} })).said).toMatchObject({ word: 'password' })
    const { page, context, faults } = await desk.open(postern.url)
    await context.addCookies([{ name, value, url: postern.url }])
    await page.reload()
    await page.getByRole('link', { name: /STALE/ }).click()
    await page.getByRole('button', { name: 'Block…' }).click()
    await page.getByRole('button', { name: 'Block it' }).click()
    const again = page.getByRole('dialog', { name: 'Your password, once more' })
    await again.getByLabel('Password of ann').fill('not that one')
    await page.keyboard.press('Enter')
    await again.getByText('The name or the password is wrong.').waitFor()
    expect(await isBlocked('STALE')).toBe(false)
    await again.getByLabel('Password of ann').fill(passwords.ann)
    await page.keyboard.press('Enter')
    await page.getByText('It is blocked.').waitFor()
    expect(await isBlocked('STALE')).toBe(true)
    expect(faults).toEqual([])
    await context.close()
  })
})

describe('another site', () => {
  it('cannot have a browser that is signed in change anything, by whatever a page can send', async () => {
    const { page, context } = await openSignedIn(desk, postern)
    const target = `${postern.url}api/${pathOf('FORGED', 'block')}`
    // Another port of the same host: the strictest of cookies goes along.
    const evil = http.createServer((_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<form method=post enctype=text/plain><input name=x></form>')).listen(0, HOST)
    await once(evil, 'listening')
    const seen = linesOf(postern, 'administrator: block').length
    await page.goto(`http://${HOST}:${(evil.address() as AddressInfo).port}/`)
    const outcomes = await page.evaluate(`(async () => {
      const url = ${JSON.stringify(target)}, all = []
      for (const options of [
        { mode: 'no-cors', body: '{}', headers: { 'content-type': 'text/plain' } }, { body: '{}', headers: { 'content-type': 'application/json', 'x-postern-page': 'used' } },
        { mode: 'no-cors', body: new URLSearchParams({ minutes: 1 }) }, { body: new Blob(['{}'], { type: 'application/json' }) },
      ]) all.push(await fetch(url, { method: 'POST', credentials: 'include', ...options }).then(one => one.type + one.status, () => 'stopped'))
      all.push(navigator.sendBeacon(url, '{}'))
      return all
    })()`)
    expect(outcomes).toEqual(['stopped', 'stopped', 'stopped', 'stopped', true])
    const [response] = await Promise.all([page.waitForResponse(target), page.evaluate(`document.forms[0].action = ${JSON.stringify(target)}; document.forms[0].submit()`)])
    expect(response.status()).toBe(403)
    expect(await isBlocked('FORGED')).toBe(false)
    expect(linesOf(postern, 'administrator: block').length).toBe(seen)
    evil.close()
    await context.close()
  })

  it.each<[string, Record<string, string>]>([
    ['another Origin', { origin: 'http://evil.example' }], ['the word of a browser that another site sent it', { 'sec-fetch-site': 'cross-site' }], ['no JSON', { 'content-type': 'text/plain' }],
  ])('is refused with %s', async (_, headers) => {
    const { cookie } = await signIn('ann')
    expect((await send(postern.url, `api/${pathOf('FORGED', 'block')}`, { cookie, body: {}, headers })).status).toBe(403)
  })

  it('cannot frame the page, read from it, or have it run something', async () => {
    for (const path of ['', 'page.js', 'page.css', 'api/session', 'api/devices']) {
      const { headers } = await send(postern.url, path)
      expect(headers.get('content-security-policy'), path).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
      expect([headers.get('x-content-type-options'), headers.get('referrer-policy'), headers.get('cross-origin-resource-policy'), headers.get('access-control-allow-origin')], path)
        .toEqual(['nosniff', 'no-referrer', 'same-origin', null])
      expect(headers.get('cache-control'), path).toBe(path.startsWith('api') ? 'no-store' : 'no-cache')
    }
    const { headers } = await send(postern.url, '')
    expect((await send(postern.url, '', { headers: { 'if-none-match': headers.get('etag')! } })).status).toBe(304)
  })
})

describe('what others wrote', () => {
  const evil = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', "javascript:alert(3)'//", '\u202egnp.evil\u2067', '&lt;b&gt;', '{{7*7}}${8*8}']
  it('is text, whatever it looks like: types, programs, users, collections and statuses', async () => {
    const { login, password } = house.user(1)
    const url = `http://${HOST}:${postern.port}`
    for (const [at, words] of evil.entries()) {
      const phone = new Phone({ url, user: login, password, deviceId: `EVIL${at}`, deviceType: words.replaceAll(',', '').slice(0, 60), userAgent: `${encodeURI(words) === words ? words : words.replace(/[^\x20-\x7e]/g, '?')} ${'x'.repeat(at === 0 ? 10_000 : 10)}` })
      await phone.folderSync('0').catch(() => {})
      await phone.sync({ collections: [{ id: `<img src=x onerror=alert(${at})>`, key: 'bad' }] } as never).catch(() => {})
      phone.close()
      // The token may name users and collections that nobody has.
      await postern.order(`/devices/${encodeURIComponent(words.replaceAll('/', '|'))}/EVIL/resync`, { collection: words.replace(/\p{C}/gu, '?') })
    }
    await expect.poll(async () => (await postern.seen(login)).filter(id => /^EVIL\d/.test(id))).toHaveLength(evil.length)
    const { page, context, faults } = await openSignedIn(desk, postern)
    await page.getByRole('link', { name: /EVIL0/ }).first().waitFor()
    expect(await page.getByText('<img src=x onerror=alert(1)>').count()).toBeGreaterThan(1)
    expect(await page.locator('img, iframe, object, main script, [onerror]').count()).toBe(0)
    const links = await page.getByRole('table', { name: 'Devices', exact: true }).getByRole('link').evaluateAll(all => all.map(one => one.getAttribute('href') ?? ''))
    const theirs = links.filter(link => link.includes('/EVIL'))
    expect(theirs.length).toBe(evil.length * 2)
    for (const link of theirs) {
      expect(link).toMatch(/^#\/device\/[^/]+\/[\w.-]+$/)
      await page.evaluate(`location.hash = ${JSON.stringify(link)}`)
      await page.getByRole('heading', { name: 'Decisions and orders' }).waitFor()
      await page.getByRole('region', { name: 'What is known' }).getByText('EVIL').first().waitFor()
      expect(await page.locator('img, iframe, object, main script, [onerror]').count()).toBe(0)
      await page.getByRole('button', { name: 'Block…' }).click()
      await page.keyboard.press('Escape')
    }
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(faults).toEqual([])
    await context.close()
  }, 90_000)
})

describe('where it is', () => {
  it('is at its own listener alone, and who is signed in there is nobody at the page of users', async () => {
    const phonesListener = `http://${HOST}:${postern.port}/`, { cookie } = await signIn('ann')
    for (const path of ['admin.js', 'page.css', 'api/session', 'api/devices', '.postern/user/admin.js', '.postern/user/admin.html']) {
      expect((await send(phonesListener, path, { cookie })).status, path).toBe(404)
    }
    // The page of users, which is another one.
    expect((await send(phonesListener, '')).text).toContain('<title>Your mail on your devices</title>')
    for (const one of [cookie, cookie.replace('-admin=', '-user=')]) expect((await send(phonesListener, '.postern/user/api/me', { cookie: one })).said, one).toMatchObject({ word: 'sign-in' })
  })

  it('is nowhere without people who may sign in; programs are heard all the same', async () => {
    const other = await startManaged(house, 'pageless')
    for (const path of ['', 'admin.js', 'api/session']) expect((await send(`http://${HOST}:${other.admin}/`, path)).status, path).toBe(401)
    expect((await other.ask('/devices')).said).toEqual({ devices: [] })
    await other.kill()
  })

  it('lets programs with the token do what they did, and the token is nothing to the page', async () => {
    expect((await postern.ask('/devices')).status).toBe(200)
    expect((await send(postern.url, 'api/devices', { headers: { authorization: `Bearer ${token}` } })).said).toMatchObject({ word: 'sign-in' })
  })
})

describe('wrong passwords', () => {
  it('do not say what was wrong, and are a line of the log that fail2ban reads', async () => {
    const answers = [await signIn('ann', { body: { name: 'ann', password: 'x' }, headers: { 'x-forwarded-for': '192.0.2.8' } }), await signIn('ann', { body: { name: 'nobody', password: 'x' }, headers: { 'x-forwarded-for': '192.0.2.8' } })]
    expect(answers.map(({ status, said }) => [status, said])).toEqual(Array(2).fill([401, { error: 'The name or the password is wrong.', word: 'wrong' }]))
    await expect.poll(() => linesOf(postern, 'authentication failed').slice(-2)).toMatchObject([{ page: 'admin', user: 'ann', address: '192.0.2.8' }, { page: 'admin', user: 'nobody', address: '192.0.2.8' }])
    expect(postern.log()).toMatch(/"time":"[^"]*","page":"admin","user":"ann","address":"192\.0\.2\.8","msg":"authentication failed"\}/)
    expect(postern.log()).not.toContain(passwords.ann)
  })

  it('are ten a minute from an address, then nobody signs in from there; and the page says so', async () => {
    const from = (address: string, password: string) => send(postern.url, 'api/session', { body: { name: 'bob', password }, headers: { 'x-forwarded-for': address } })
    const tried = await Promise.all(Array.from({ length: 30 }, () => from('192.0.2.9', 'guess')))
    expect(tried.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10)
    expect(tried.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(20)
    for (let i = 0; i < 10; i++) await from('192.0.2.9', 'guess')
    const right = await from('192.0.2.9', passwords.bob)
    expect([right.status, right.headers.get('retry-after'), right.said.error]).toEqual([429, '60', 'Too many wrong passwords. Try again in a minute.'])
    const { page, context } = await desk.open(postern.url, { extraHTTPHeaders: { 'x-forwarded-for': '192.0.2.9' } })
    await page.getByLabel('Name').fill('bob')
    await page.getByLabel('Password').fill(passwords.bob)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('Too many wrong passwords. Try again in a minute.').waitFor()
    await context.close()
    // One who was right from elsewhere lately goes on.
    expect((await signIn('ann')).status).toBe(200)
  })
})

import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import jsQR from 'jsqr'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sessions } from '../../src/pages/session.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { startManaged, type Managed } from '../support/admin.ts'
import { startBrowser, type Desk, type Window } from '../support/browser.ts'
import { knock } from '../support/device-phone.ts'
import type { Phone } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { configuration, linesOf, startPostern } from '../support/postern.ts'
import { act, backendsOf, byHand, cardOf, giveName, markOf, phoneOf, safari, signedIn, urlOf } from '../support/user-page.ts'

let house: House
let postern: Managed
let desk: Desk
const phones: Phone[] = []
const day = 86_400_000, dayOf = (days: number): string => new Date(Date.now() + days * day).toISOString().slice(0, 10)

beforeAll(async () => {
  [house, desk] = await Promise.all([startHouse(), startBrowser()])
  postern = await startManaged(house, 'user', {
    backends: backendsOf(house), autodiscover: { url: 'https://mail.postern.test', name: 'The Mail of Postern' },
    eas: {
      redirects: [{ user: 'bob@postern.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync' }],
      passwords: { url: 'https://account.postern.test/password', expire: { 'carol@postern.test': dayOf(5), 'dave@postern.test': dayOf(-3) } },
    },
  })
}, 180_000)
afterAll(async () => {
  for (const phone of phones) phone.close()
  await desk?.close()
  await postern?.stop()
  await house?.stop()
})

const troubleOf = ({ page }: Window) => page.locator('#trouble')
const usual = { timeout: 15_000 }

describe('signing in', () => {
  it('takes the password of the mail, and nothing else; signing out ends it, for copies of the cookie too', async () => {
    const window = await desk.open(urlOf(postern)), { page, context, faults } = window
    await giveName(window, house.user(0).login, 'no')
    await expect.poll(() => troubleOf(window).textContent()).toBe('The name or the password is wrong.')
    expect(await context.cookies()).toEqual([])
    expect(await page.getByLabel('Mail password').inputValue()).toBe('')
    await giveName(window, house.user(0).login, house.user(0).password)
    await page.getByRole('heading', { name: 'Your devices', exact: true }).waitFor()
    expect(await page.locator('#who').textContent()).toBe(`Signed in as ${house.user(0).address}`)
    await page.reload()
    await page.getByRole('heading', { name: 'Your devices', exact: true }).waitFor()
    const cookies = await context.cookies()
    expect(cookies).toMatchObject([{ name: 'postern-user', httpOnly: true, sameSite: 'Strict' }])
    // Sealed: neither who that is nor the password can be read.
    expect(Buffer.from(cookies[0]!.value, 'base64url').toString('latin1')).not.toMatch(/anna|secret|user/)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Mail password').waitFor()
    expect(await context.cookies()).toEqual([])
    await context.addCookies(cookies)
    expect((await byHand(window, postern, 'me'))).toMatchObject({ status: 401, said: { word: 'sign-in' } })
    expect(faults).toEqual([])
  })

  it.each([
    [1, 'Your mail is served elsewhere: https://other.example.org'], [3, 'Your password has expired. Change it at https://account.postern.test/password'],
  ])('tells user %i why it cannot be', async (who, why) => {
    const window = await desk.open(urlOf(postern))
    await giveName(window, house.user(who).login, who === 3 ? 'the former one' : 'whatever')
    await expect.poll(() => troubleOf(window).textContent()).toBe(why)
  })

  it('tells of a password that ends soon', async () => {
    const { page } = await signedIn(desk, postern, house.user(2))
    await expect.poll(() => page.locator('#password').textContent()).toBe('Your password ends in 5 days. Change it')
    expect(await page.getByRole('link', { name: 'Change it' }).getAttribute('href')).toBe('https://account.postern.test/password')
  })

  it('counts wrong passwords together with those of phones, both ways', async () => {
    const slow = await startPostern(house, { settings: { backends: backendsOf(house), auth: { tries: 3 } } })
    try {
      const erin = house.user('erin'), window = await desk.open(urlOf(slow))
      const guess = async (password: string): Promise<string | undefined> => {
        const answered = window.page.waitForResponse(response => response.url().endsWith('/api/session') && response.request().method() === 'POST')
        await giveName(window, erin.login, password)
        const { error } = await (await answered).json() as { error?: string }
        await expect.poll(() => troubleOf(window).textContent()).toBe(error)
        return error
      }
      const phoneGuess = async (password: string): Promise<number> => {
        const phone = phoneOf(slow, { ...erin, password }, 'GUESS')
        phones.push(phone)
        return (await phone.raw('', undefined, { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' })).status
      }
      expect([await guess('one'), await phoneGuess('two'), await guess('three')]).toEqual(['The name or the password is wrong.', 401, 'The name or the password is wrong.'])
      expect(await phoneGuess('four')).toBe(503)
      expect(await guess('five')).toMatch(/too many wrong passwords/)
      // Nor the right one, for nobody has been right from there.
      expect([await guess(erin.password), await phoneGuess(erin.password)]).toEqual([expect.stringMatching(/too many wrong passwords/), 503])
      expect(linesOf(slow, 'authentication failed').map(({ user, page }) => [user, page])).toEqual(Array.from({ length: 3 }, () => [erin.login, undefined]))
    } finally {
      await slow.stop()
    }
  }, 90_000)
})

describe('how to set up a device', () => {
  it('is filled in with the user\'s names, for each kind', async () => {
    const { page, faults } = await signedIn(desk, postern, house.user(0))
    expect(await page.locator('.guide summary').allTextContents()).toEqual(['iPhone and iPad', 'Android', 'Outlook on a phone', 'Outlook on Windows', 'Thunderbird', 'Mac'])
    expect(await page.locator('#site').textContent()).toBe('The Mail of Postern')
    const textOf = (id: string) => page.locator(`#guide-${id}`).textContent()
    const activeSync = ['anna@postern.test', 'mail.postern.test', '443', 'SSL/TLS'], mail = ['anna@postern.test', 'imap.postern.test', '993, SSL/TLS', 'smtp.postern.test', '587, STARTTLS']
    const dav = ['https://dav.postern.test/anna@postern.test/'.replace('@', encodeURIComponent('@'))]
    for (const [id, names] of Object.entries({ ios: activeSync, android: activeSync, 'outlook-app': activeSync, 'outlook-windows': mail, thunderbird: [...mail, ...dav], mac: [...mail, ...dav] })) {
      const said = await textOf(id)
      for (const name of names) expect(said, id).toContain(name)
      expect(said, id).not.toMatch(/\{|\}|undefined|null/)
    }
    expect(faults).toEqual([])
  })

  it('can be read and done by keyboard alone', async () => {
    const { page } = await signedIn(desk, postern, house.user(0))
    await page.locator('#guide-thunderbird summary').focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('#guide-thunderbird').getAttribute('open')).toBe('')
    expect(await page.locator('#guide-thunderbird ol').first().isVisible()).toBe(true)
  })

  it('begins with a button on an iPhone, which loads what Autodiscover serves', async () => {
    const { page } = await signedIn(desk, postern, house.user(0), { userAgent: safari, viewport: { width: 390, height: 844 } })
    const headings = await page.locator('main h2').allTextContents()
    expect(headings).toEqual(['Set up this device', 'Your devices', 'Set up another device'])
    const button = page.getByRole('link', { name: 'Download the profile' })
    expect(await button.isVisible()).toBe(true)
    expect(await page.locator('.profile img').count()).toBe(0)
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
    const served = await fetch(`${urlOf(postern)}/email.mobileconfig?email=${encodeURIComponent(house.user(0).address)}`)
    expect(download.suggestedFilename()).toBe('email.mobileconfig')
    const profile = readFileSync(await download.path(), 'utf8')
    expect(profile).toBe(await served.text())
    expect(profile).toContain('<string>mail.postern.test</string>')
  })

  it('shows a QR code that a camera reads as the address of the profile, in the dark too', async () => {
    const { page } = await signedIn(desk, postern, house.user(0), { colorScheme: 'dark', deviceScaleFactor: 2 })
    await page.locator('#guide-ios summary').click()
    const image = page.locator('.profile img')
    await expect.poll(() => image.evaluate(one => (one as unknown as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(0)
    const { data, width, height } = PNG.sync.read(await image.screenshot())
    expect(jsQR.default(new Uint8ClampedArray(data), width, height)?.data).toBe('https://mail.postern.test/email.mobileconfig?email=anna%40postern.test')
  })
})

describe('a request that the page did not send', () => {
  let window: Window
  beforeAll(async () => {
    const phone = phoneOf(postern, house.user(5), 'CSRF')
    phones.push(phone)
    await knock(phone)
    window = await signedIn(desk, postern, house.user(5))
    await cardOf(window, 'CSRF').waitFor()
  })

  it.each([
    ['no header of ours', { 'x-postern-page': '' }], ['another site', { 'sec-fetch-site': 'cross-site' }], ['a neighbour\'s site', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }], ['no origin', { origin: '' }], ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a form that is text', { 'content-type': 'text/plain' }],
  ])('changes nothing: %s', async (_, headers) => {
    const before = (await postern.ask(`/devices/${house.user(5).login}/CSRF`)).said.orders
    for (const path of ['devices/remove', 'devices/wipe', 'session/end']) {
      const cookie = (await window.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
      const sent = { cookie, 'content-type': 'application/json', origin: urlOf(postern), 'x-postern-page': 'used', ...headers }
      const response = await fetch(`${urlOf(postern)}/.postern/user/api/${path}`, {
        method: 'POST', headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')), body: '{"id":"CSRF"}',
      })
      expect([path, response.status]).toEqual([path, 403])
    }
    expect((await postern.ask(`/devices/${house.user(5).login}/CSRF`)).said.orders).toEqual(before)
    expect((await byHand(window, postern, 'me')).status).toBe(200)
  })

  it('comes without the cookie where another site\'s page sends it, and cannot frame the page', async () => {
    const { context } = window
    const form = (path: string) => `<form method="post" enctype="text/plain" action="${urlOf(postern)}/.postern/user/api/${path}"><input name='{"id":"CSRF","x":"' value='"}'></form>`
    const evil = http.createServer((_, res) => res.setHeader('content-type', 'text/html').end(`<title>evil</title>${form('devices/wipe')}<iframe src="${urlOf(postern)}/"></iframe><p>done</p>`))
    await new Promise<void>(resolve => evil.listen(0, '127.0.0.1', resolve))
    try {
      const page = await context.newPage()
      await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`)
      expect(await page.frames()[1]?.locator('main').count()).toBe(0)
      const [response] = await Promise.all([page.waitForResponse(one => one.url().endsWith('/devices/wipe')), page.evaluate('document.forms[0].submit()')])
      expect(response.status()).toBe(403)
      expect((await response.request().allHeaders())['cookie']).toBeUndefined()
    } finally {
      evil.close()
    }
    expect((await postern.ask(`/devices/${house.user(5).login}/CSRF`)).said.orders).toBeUndefined()
  })
})

describe('a session', () => {
  it('that somebody planted is another one after signing in', async () => {
    const mine = await signedIn(desk, postern, house.user(6)), [planted] = await mine.context.cookies()
    const window = await desk.open(urlOf(postern))
    await window.context.addCookies([planted!])
    await window.page.reload()
    await window.page.getByRole('button', { name: 'Sign out' }).waitFor()
    await window.page.getByRole('button', { name: 'Sign out' }).click()
    await giveName(window, house.user(7).login, house.user(7).password)
    await window.page.getByRole('heading', { name: 'Your devices', exact: true }).waitFor()
    expect((await window.context.cookies())[0]!.value).not.toBe(planted!.value)
    // And whoever planted it is signed out with it.
    expect((await byHand(mine, postern, 'me')).status).toBe(401)
  })

  it('whose password was given too long ago asks for it before it does something, and not before it looks', async () => {
    const user = house.user(6), phone = phoneOf(postern, user, 'STALE')
    phones.push(phone)
    await knock(phone)
    const { secret } = configuration(house, '', 0)
    const before = sessions('user', { secret: Buffer.from(secret), shared: ownMemory(memoryCache({ megabytes: 1 })), now: () => Date.now() - 11 * 60_000 })
    const { cookie } = before.begin({ name: user.address, mark: user.login }, { origin: { secure: false } } as Parameters<typeof before.begin>[1])
    const window = await desk.open('about:blank')
    const [, name = '', value = ''] = /^([^=]+)=([^;]+)/.exec(cookie)!
    await window.context.addCookies([{ name, value, url: urlOf(postern) }])
    await window.page.goto(urlOf(postern))
    await expect.poll(() => markOf(window, 'STALE').textContent(), usual).toBe('Not synchronised yet')
    expect(await byHand(window, postern, 'devices/remove', { id: 'STALE' })).toMatchObject({ status: 401, said: { word: 'password' } })
    expect(await act(window, 'STALE', 'Remove', user.password)).toBe('iPhone is removed.')
    expect(await markOf(window, 'STALE').textContent()).toBe('Removed')
    expect((await byHand(window, postern, 'devices/allow', { id: 'STALE' })).status).toBe(200)
  })

  it('is worth nothing where it was sealed with another secret, is another page\'s, or is broken', async () => {
    const make = (kind: 'admin' | 'user', secret: string): string => sessions(kind, { secret: Buffer.from(secret), shared: ownMemory(memoryCache({ megabytes: 1 })) })
      .begin({ name: house.user(6).address, mark: house.user(6).login }, { origin: { secure: false } } as never).cookie.split(';')[0]!
    const own = configuration(house, '', 0).secret
    const ask = async (cookie: string) => (await fetch(`${urlOf(postern)}/.postern/user/api/me`, { headers: { cookie } })).status
    expect(await ask(make('user', own))).toBe(200)
    expect(await Promise.all([make('user', `${own}!`), make('admin', own), make('admin', own).replace('admin', 'user'), make('user', own).slice(0, -1), 'postern-user=e30'].map(ask))).toEqual([401, 401, 401, 401, 401])
  })
})

describe('where the page is', () => {
  it('is exactly / and what is below its own prefix; each answer has the policy', async () => {
    const status = async (path: string, method = 'GET') => (await fetch(`${urlOf(postern)}${path}`, { method })).status
    expect(await Promise.all(['/', '/.postern/user/', '/.postern/user/user.js', '/.postern/health'].map(path => status(path)))).toEqual([200, 200, 200, 200])
    expect(await Promise.all(['/index.html', '/user.js', '/.postern/', '/.postern/user/none.js', '/.postern/user', '/x/'].map(path => status(path)))).toEqual([404, 404, 404, 404, 404, 404])
    expect([await status('/', 'HEAD'), await status('/', 'POST'), await status('/', 'DELETE')]).toEqual([200, 405, 405])
    for (const path of ['/', '/.postern/user/user.js', '/.postern/user/api/session', '/.postern/user/api/me']) {
      const { headers } = await fetch(`${urlOf(postern)}${path}`)
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('is the upstream\'s where there is one, unless a path is named; then the upstream hears of no session', async () => {
    const cookies: (string | undefined)[] = []
    const upstream = http.createServer((req, res) => {
      cookies.push(req.headers.cookie)
      res.end(`upstream ${req.url}`)
    })
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const settings = { backends: backendsOf(house), upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` }
    const [without, beside] = await Promise.all([startPostern(house, { settings }), startPostern(house, { settings: { ...settings, page: { path: '/my-devices/' } } })])
    try {
      const text = async (one: typeof without, path: string) => (await fetch(`${urlOf(one)}${path}`)).text()
      for (const path of ['/', '/.postern/user/', '/.postern/user/user.js', '/.postern/user/api/me']) expect(await text(without, path)).toBe(`upstream ${path}`)
      for (const path of ['/', '/my-devices', '/my-devices/more', '/user.js', '/.postern/other']) expect(await text(beside, path)).toBe(`upstream ${path}`)
      const window = await signedIn(desk, beside, house.user(0), {}, '/my-devices/')
      expect(await window.page.locator('#no-devices').textContent()).toMatch(/^This site does not remember devices/)
      cookies.length = 0
      await window.page.goto(`${urlOf(beside)}/webmail`)
      expect(cookies.length).toBeGreaterThan(0)
      expect(cookies.filter(one => one !== undefined)).toEqual([])
      expect(window.faults).toEqual([])
    } finally {
      await Promise.all([without.stop(), beside.stop()])
      upstream.close()
    }
  }, 90_000)

  it('knows a user without an address, and may leave erasing to administrators', async () => {
    const [backend] = backendsOf(house)
    const plain = await startManaged(house, 'plain', { backends: [{ ...backend, domains: '*', login: '{local}', public: undefined }], page: { wipe: false } })
    try {
      const anna = { ...house.user(0), login: 'anna' }, phone = phoneOf(plain, anna, 'PLAIN')
      phones.push(phone)
      await knock(phone)
      const window = await signedIn(desk, plain, anna)
      await cardOf(window, 'PLAIN').waitFor()
      expect(await cardOf(window, 'PLAIN').locator('.buttons button').allTextContents()).toEqual(['Remove'])
      expect((await byHand(window, plain, 'devices/wipe', { id: 'PLAIN' })).status).toBe(403)
      expect(await window.page.locator('#guide-ios').textContent()).toContain('your e-mail address')
      expect(await window.page.locator('.profile').count()).toBe(0)
      expect(await window.page.locator('#guide-thunderbird').textContent()).toContain('Ask your administrator')
      expect(window.faults).toEqual([])
    } finally {
      await plain.stop()
    }
  }, 90_000)
})

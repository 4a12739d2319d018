import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManaged, type Managed } from '../support/admin.ts'
import { startBrowser, type Desk, type Window } from '../support/browser.ts'
import { acknowledged, isTold, knock, provision } from '../support/device-phone.ts'
import type { Phone } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf } from '../support/postern.ts'
import {
  act, actionsOf, backendsOf, byHand, cardOf, heard, iPhone, markOf, phoneOf, signedIn, syncInbox,
} from '../support/user-page.ts'

let house: House
let postern: Managed
let desk: Desk
const phones: Phone[] = [], windows: Window[] = []
const access = [{ type: 'Unknown*', access: 'quarantine' }, { agent: 'Bad/*', access: 'block' }]

beforeAll(async () => {
  [house, desk] = await Promise.all([startHouse(), startBrowser()])
  postern = await startManaged(house, 'user', { backends: backendsOf(house), eas: { access } })
}, 180_000)
afterAll(async () => {
  for (const phone of phones) phone.close()
  // Whatever the tests did, no script failed, no policy was broken and nothing was loaded from elsewhere.
  expect(windows.flatMap(({ faults }) => faults)).toEqual([])
  await desk?.close()
  await postern?.stop()
  await house?.stop()
})

async function open(who: number): Promise<Window> {
  const window = await signedIn(desk, postern, house.user(who))
  windows.push(window)
  return window
}
function phone(who: number, id: string, more?: Parameters<typeof phoneOf>[3]): Phone {
  const one = phoneOf(postern, house.user(who), id, more)
  phones.push(one)
  return one
}
const pathOf = ({ options: { user, deviceId } }: Phone): string => `/devices/${encodeURIComponent(user)}/${deviceId}`
const usual = { timeout: 15_000 }

describe('the devices of a user', () => {
  it('are shown when they have synced, with what they are and when that was, also while somebody looks', async () => {
    const first = phone(0, 'ANNAPHONE1')
    await syncInbox(first)
    const window = await open(0)
    await expect.poll(() => markOf(window, 'ANNAPHONE1').textContent(), usual).toBe('Synchronises')
    const card = cardOf(window, 'ANNAPHONE1')
    expect(await card.getByRole('heading').textContent()).toBe('iPhone')
    expect(await card.textContent()).toMatch(/Synchronised(now|\d+ s ago)Last seen(now|\d+ s ago)First seen[\d/.-]+Calls itselfApple-iPhone15C2\/2208\.100Device IDANNAPHONE1/)
    const second = phone(0, 'ANNAPHONE2', { deviceType: 'SamsungDevice', userAgent: 'SAMSUNG-SM-S928B/101.15' })
    await knock(second)
    await expect.poll(() => markOf(window, 'ANNAPHONE2').textContent(), usual).toBe('Not synchronised yet')
    expect(await cardOf(window, 'ANNAPHONE2').getByRole('heading').textContent()).toBe('Samsung (SM-S928B)')
    const gone = new AbortController()
    const waiting = first.ping([first.folder('2')], 300, { signal: gone.signal }).catch(() => {})
    await expect.poll(() => cardOf(window, 'ANNAPHONE1').textContent(), usual).toContain('connected, waits for news')
    gone.abort()
    await waiting
  }, 60_000)

  it('are nobody else\'s: another user\'s can neither be seen nor ordered, whatever is asked for', async () => {
    const hers = phone(1, 'BOBPHONE'), his = phone(2, 'CAROLPHONE')
    await Promise.all([syncInbox(hers), syncInbox(his)])
    const window = await open(2)
    await expect.poll(() => markOf(window, 'CAROLPHONE').textContent(), usual).toBe('Synchronises')
    expect(await window.page.locator('.device').count()).toBe(1)
    const { said } = await byHand(window, postern, 'me')
    expect(said.devices?.map(({ id }) => id)).toEqual(['CAROLPHONE'])
    for (const id of ['BOBPHONE', 'bobphone', `${house.user(1).login}/BOBPHONE`, Buffer.from('BOBPHONE').toString('hex'), '../BOBPHONE']) {
      for (const action of ['remove', 'wipe', 'allow', 'cancel']) {
        expect((await byHand(window, postern, `devices/${action}`, { id })).status).toBe(404)
        expect((await byHand(window, postern, `devices/${action}`, { id, user: house.user(1).login, by: 'admin' })).status).toBe(404)
      }
    }
    for (const path of ['devices', `devices/${house.user(1).login}/BOBPHONE`, 'me/BOBPHONE', `me?user=${house.user(1).login}`]) {
      expect(JSON.stringify((await byHand(window, postern, path)).said)).not.toContain('BOBPHONE')
    }
    await heard()
    expect([await knock(hers), await knock(his)]).toEqual(['1', '1'])
    expect((await postern.ask(pathOf(hers))).said.orders).toBeUndefined()
  }, 60_000)
})

describe('a user', () => {
  it('removes a device, which deletes its copy and is kept out, and allows it again', async () => {
    const own = phone(3, 'DAVEPHONE')
    await syncInbox(own)
    const window = await open(3)
    await expect.poll(() => actionsOf(window, 'DAVEPHONE'), usual).toEqual(['Remove', 'Erase everything'])
    expect(await act(window, 'DAVEPHONE', 'Remove')).toBe('iPhone is removed.')
    await expect.poll(() => window.page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Allow again: iPhone')
    expect(await cardOf(window, 'DAVEPHONE').textContent()).toContain('It will delete its copy of your mailbox when it connects next.')
    await isTold(own, '140')
    expect(await provision(own)).toEqual(['Status 1', 'AccountOnlyRemoteWipe'])
    expect(await provision(own, acknowledged('Provision:AccountOnlyRemoteWipe', '1'))).toEqual(['Status 1'])
    await isTold(own, '129')
    expect(await knock(own)).toBe('129')
    await expect.poll(() => cardOf(window, 'DAVEPHONE').textContent(), usual).toContain('It has deleted its copy of your mailbox')
    expect(await act(window, 'DAVEPHONE', 'Allow again')).toBe('iPhone may synchronise again.')
    await isTold(own, '1')
    expect((await postern.ask(pathOf(own))).said.orders).toBeUndefined()
    const { login } = house.user(3)
    for (const what of ['remove', 'allow']) expect(linesOf(postern, `user: ${what}`)).toContainEqual(expect.objectContaining({ audit: what, user: login, device: 'DAVEPHONE', by: login, own: true }))
  }, 60_000)

  it('removes an older phone, which is kept out at once', async () => {
    const old = phone(3, 'OLDPHONE', { ...iPhone, version: '14.1' })
    await syncInbox(old)
    const window = await open(3)
    await cardOf(window, 'OLDPHONE').waitFor()
    await act(window, 'OLDPHONE', 'Remove')
    await isTold(old, '129')
    expect(await actionsOf(window, 'OLDPHONE')).toEqual(['Allow again', 'Erase everything'])
  })

  it('has a device erased, asked twice; may take it back until it was told, and let it in when it was', async () => {
    const own = phone(4, 'ERINPHONE')
    await syncInbox(own)
    const window = await open(4), { page } = window
    await cardOf(window, 'ERINPHONE').waitFor()
    await cardOf(window, 'ERINPHONE').getByRole('button', { name: /^Erase/ }).click()
    await page.locator('dialog button[type=submit]').click()
    // Not without the tick that says that the consequences were read; Escape is no.
    expect(await page.locator('dialog').textContent()).toContain('I know that everything on the device will be gone.')
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    expect((await postern.ask(pathOf(own))).said.orders).toBeUndefined()

    expect(await act(window, 'ERINPHONE', 'Erase everything')).toBe('iPhone will be erased when it connects next.')
    expect(await markOf(window, 'ERINPHONE').textContent()).toBe('To be erased')
    expect(await actionsOf(window, 'ERINPHONE')).toEqual(['Do not erase'])
    expect(await act(window, 'ERINPHONE', 'Do not erase')).toBe('iPhone will not be erased.')
    await isTold(own, '1')

    await act(window, 'ERINPHONE', 'Erase everything')
    expect((await postern.ask(pathOf(own))).said.orders?.wipe).toMatchObject({ kind: 'full', state: 'ordered', by: house.user(4).login, own: true })
    await isTold(own, '140')
    expect(await provision(own)).toEqual(['Status 1', 'RemoteWipe'])
    await expect.poll(() => markOf(window, 'ERINPHONE').textContent(), usual).toBe('Told to erase itself')
    expect(await byHand(window, postern, 'devices/cancel', { id: 'ERINPHONE' })).toMatchObject({ status: 409, said: { error: expect.stringContaining('told already') } })
    expect(await provision(own, acknowledged('Provision:RemoteWipe', '1'))).toEqual(['Status 1'])
    await expect.poll(() => markOf(window, 'ERINPHONE').textContent(), usual).toBe('Erased')
    expect(linesOf(postern, 'device wipe done')).toContainEqual(expect.objectContaining({ device: 'ERINPHONE', by: house.user(4).login }))
    await act(window, 'ERINPHONE', 'Allow again')
    await isTold(own, '1')
  }, 60_000)

  it('neither releases a device from quarantine nor undoes what an administrator or a rule decided', async () => {
    const waits = phone(5, 'WAITSPHONE', { deviceType: 'UnknownPhone' }), blocked = phone(5, 'BLOCKEDPHONE'), bad = phone(5, 'BADPHONE', { userAgent: 'Bad/1.0' }), wiped = phone(5, 'WIPEDPHONE')
    expect([await knock(waits), await knock(blocked), await knock(bad), await knock(wiped)]).toEqual(['129', '1', '129', '1'])
    await postern.order(`${pathOf(blocked)}/block`)
    await postern.order(`${pathOf(wiped)}/wipe`)
    const window = await open(5)
    await expect.poll(() => markOf(window, 'WAITSPHONE').textContent(), usual).toBe('Waits to be allowed')
    expect(await cardOf(window, 'WAITSPHONE').textContent()).toContain('If it is not yours, change your password')
    expect(await Promise.all(['BLOCKEDPHONE', 'BADPHONE', 'WIPEDPHONE'].map(id => markOf(window, id).textContent()))).toEqual(['Blocked', 'Blocked', 'To be erased'])
    expect(await cardOf(window, 'WIPEDPHONE').textContent()).toContain('An administrator ordered this.')
    expect(await Promise.all(['WAITSPHONE', 'BLOCKEDPHONE', 'BADPHONE', 'WIPEDPHONE'].map(id => actionsOf(window, id))))
      .toEqual([['Remove', 'Erase everything'], ['Remove', 'Erase everything'], ['Remove', 'Erase everything'], []])
    for (const id of ['WAITSPHONE', 'BLOCKEDPHONE', 'BADPHONE', 'WIPEDPHONE']) expect((await byHand(window, postern, 'devices/allow', { id })).status).toBe(409)
    expect((await byHand(window, postern, 'devices/cancel', { id: 'WIPEDPHONE' })).status).toBe(409)
    expect((await byHand(window, postern, 'devices/wipe', { id: 'WIPEDPHONE' })).status).toBe(409)
    for (const id of ['WAITSPHONE', 'BLOCKEDPHONE', 'BADPHONE']) {
      await act(window, id, 'Remove')
      await act(window, id, 'Allow again')
    }
    await heard()
    expect([await knock(waits), await knock(blocked), await knock(bad), await knock(wiped)]).toEqual(['129', '129', '129', '140'])
    expect((await postern.ask(pathOf(blocked))).said.orders?.decision).toMatchObject({ access: 'block', by: 'test' })
    await postern.order(`${pathOf(waits)}/allow`)
    await act(window, 'WAITSPHONE', 'Remove')
    await act(window, 'WAITSPHONE', 'Allow again')
    await isTold(waits, '1')
  }, 60_000)
})

describe('what a device says of itself', () => {
  const script = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

  it('is text, whatever it is', async () => {
    const one = phone(6, 'HOSTILE-ONE', { deviceType: script.slice(0, 60), userAgent: `${script} \u202Etxt.exe` })
    const { status } = await one.raw('FolderSync', undefined, { headers: { 'user-agent': script } })
    expect(status).toBeLessThan(500)
    await knock(phone(6, 'HOSTILE-TWO', { deviceType: 'javascript:alert(1)', userAgent: '"><svg/onload=alert(1)>' }))
    await knock(phone(6, 'HOSTILE-THREE', { deviceType: '__proto__', userAgent: '{name}{address}' }))
    const window = await open(6)
    await cardOf(window, 'HOSTILE-THREE').waitFor()
    await cardOf(window, 'HOSTILE-TWO').waitFor()
    expect(await cardOf(window, 'HOSTILE-TWO').textContent()).toContain('"><svg/onload=alert(1)>')
    await act(window, 'HOSTILE-TWO', 'Remove')
    expect(await window.page.locator('#news').textContent()).toBe('javascript:alert(1) is removed.')
    await act(window, 'HOSTILE-THREE', 'Remove')
    expect(await window.page.title()).toBe('Your mail on your devices')
    expect(await window.page.locator('main img, main svg, main script').count()).toBe(1) // the QR code
    expect(window.faults).toEqual([])
  })
})

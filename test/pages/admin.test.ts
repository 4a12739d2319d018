import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser, type Desk, type Window } from '../support/browser.ts'
import { acknowledged, isTold, knock, provision } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { openSignedIn, send, startPaged, type Paged } from '../support/pages.ts'
import { linesOf } from '../support/postern.ts'

let house: House
let postern: Paged
let desk: Desk
let window: Window
let page: Page
const phones: Phone[] = []
beforeAll(async () => {
  [house, desk] = await Promise.all([startHouse(), startBrowser()])
  postern = await startPaged(house, 'page', { eas: { access: [{ type: 'Unknown*', access: 'quarantine' }] } })
  window = await openSignedIn(desk, postern)
  page = window.page
  page.setDefaultTimeout(15_000)
}, 180_000)
afterAll(async () => {
  for (const phone of phones) phone.close()
  await desk?.close()
  await postern?.stop()
  await house?.stop()
})

function phoneOf(who: number, deviceId: string, more: object = {}): Phone {
  const { login, password } = house.user(who)
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: login, password, deviceId, ...more })
  phones.push(phone)
  return phone
}

const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name })
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
const dialog = () => page.getByRole('dialog')
const row = (id: string) => page.getByRole('table', { name: 'Devices', exact: true }).getByRole('row').filter({ has: page.getByRole('link', { name: new RegExp(` ${id}$`) }) })
async function toDevice(id: string): Promise<void> {
  await page.goto(`${postern.url}#/`)
  await row(id).getByRole('link').click()
  await heading(new RegExp(id)).waitFor()
}
const sentences = () => page.getByRole('region', { name: 'Decisions and orders' }).getByRole('list')

describe('the page of administrators', { timeout: 90_000 }, () => {
  it('shows a device that a phone has just synced: who, what, when', async () => {
    const phone = phoneOf(0, 'SYNCED', { deviceType: 'iPhone', userAgent: 'Apple-iPhone14C2/2201.100' })
    await phone.folderSync('0')
    await phone.syncAll(phone.folder('2'))
    await row('SYNCED').waitFor()
    const cells = await row('SYNCED').getByRole('cell').allInnerTexts()
    expect(cells.map(cell => cell.replaceAll('\n', ' '))).toEqual([
      phone.options.user, '16.1', expect.stringMatching(/^(now|\d+ s ago)$/), expect.stringMatching(/^(now|\d+ s ago)$/), '1', 'Sync ok', '',
    ])
    expect(await row('SYNCED').getByRole('rowheader').innerText()).toMatch(/^iPhone SYNCED\s+Apple-iPhone14C2\/2201\.100$/)
    const latest = page.getByRole('table', { name: 'Latest requests' }).getByRole('row').filter({ hasText: 'SYNCED' })
    expect(await latest.filter({ hasText: 'FolderSync' }).count()).toBe(1)
    expect(await latest.count()).toBeGreaterThanOrEqual(3)
  })

  it('shows who waits, and no longer when the wait has ended', async () => {
    const phone = phoneOf(1, 'PATIENT')
    await phone.folderSync('0')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const waiting = phone.ping([inbox], 600)
    await row('PATIENT').getByText('waits for news').waitFor()
    await page.getByText('1 request waits for news.').waitFor()
    await house.deliver(1, 'Subject: News\r\n\r\nHello\r\n')
    await waiting
    await page.getByText('0 requests wait for news.').waitFor()
  })

  it('finds, filters and sorts', async () => {
    await page.getByRole('searchbox', { name: 'Search' }).fill('iphone synced')
    await page.getByText('1 device', { exact: true }).waitFor()
    expect(await row('PATIENT').count()).toBe(0)
    await page.getByRole('searchbox').fill('')
    await page.getByText('2 devices', { exact: true }).waitFor()
    await page.getByLabel('Sort by').selectOption('Type')
    await expect.poll(() => page.getByRole('rowheader').allInnerTexts()).toEqual([expect.stringContaining('PATIENT'), expect.stringContaining('SYNCED')])
    await page.getByLabel('Show').selectOption({ value: 'blocked' })
    await page.getByText('No device fits that.').waitFor()
    await page.getByLabel('Show').selectOption({ value: 'all' })
  })

  it('blocks a device by the keyboard alone, asked twice; the phone is refused; then it is allowed again', async () => {
    const phone = phoneOf(2, 'TYPED')
    expect(await knock(phone)).toBe('1')
    await row('TYPED').waitFor()
    const focused = () => page.evaluate('document.activeElement.textContent.trim()')
    const tabTo = async (name: string) => {
      for (let tabs = 0; await focused() !== name; tabs++) {
        expect(tabs, name).toBeLessThan(60)
        await page.keyboard.press('Tab')
      }
    }
    await page.getByRole('searchbox').focus()
    await tabTo('TestPhone TYPED')
    await page.keyboard.press('Enter')
    await heading(/TYPED/).waitFor()
    await tabTo('Block…')
    await page.keyboard.press('Enter')
    await dialog().waitFor()
    expect(await dialog().innerText()).toContain(`TestPhone TYPED of ${phone.options.user} gets nothing more from this server`)
    // Enter once more does nothing that was not meant.
    expect(await focused()).toBe('Cancel')
    await page.keyboard.press('Enter')
    await dialog().waitFor({ state: 'detached' })
    expect(await focused()).toBe('Block…')
    await page.keyboard.press('Enter')
    await tabTo('Block it')
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'It is blocked.' }).waitFor()
    await sentences().getByText('Blocked by ann').waitFor()
    await isTold(phone, '129')
    await page.getByText('The device may not be here').waitFor()
    await tabTo('Allow')
    await page.keyboard.press('Enter')
    await sentences().getByText('Allowed by ann').waitFor()
    await isTold(phone, '1')
  })

  it('shows who is in quarantine, and lets them in', async () => {
    const phone = phoneOf(3, 'NEWONE', { deviceType: 'UnknownPhone' })
    expect(await knock(phone)).toBe('129')
    await page.goto(`${postern.url}#/`)
    await page.getByLabel('Show').selectOption({ value: 'quarantine' })
    await row('NEWONE').getByText('wants to be let in').waitFor()
    await page.getByText('1 device', { exact: true }).waitFor()
    await row('NEWONE').getByRole('button', { name: /^Allow NEWONE/ }).click()
    await page.getByText('No device fits that.').waitFor()
    await page.getByLabel('Show').selectOption({ value: 'all' })
    await row('NEWONE').getByText('allowed').waitFor()
    await isTold(phone, '1')
  })

  it('wipes an account where that is known, and the phone is told', async () => {
    const phone = phoneOf(4, 'WIPED')
    await knock(phone)
    await row('WIPED').waitFor()
    await toDevice('WIPED')
    await button('Wipe…').click()
    expect(await dialog().getByRole('radio', { name: /This account alone/ }).isChecked()).toBe(true)
    await dialog().getByRole('button', { name: 'Go on' }).click()
    await dialog().getByRole('button', { name: 'Wipe the account' }).click()
    await sentences().getByText('A wipe of this account on it was ordered by ann').waitFor()
    await isTold(phone, '140')
    expect(await provision(phone)).toEqual(['Status 1', 'AccountOnlyRemoteWipe'])
    await sentences().getByText('has not said yet that it is done').waitFor()
    expect(await provision(phone, acknowledged('Provision:AccountOnlyRemoteWipe', '1'))).toEqual(['Status 1'])
    await sentences().getByText('that it is done').waitFor()
    await page.getByText('wiped', { exact: true }).waitFor()
  })

  it('wipes an older phone only as a whole, and takes it back before it is told', async () => {
    const phone = phoneOf(5, 'OLDER', { version: '14.1' })
    await knock(phone)
    await page.goto(`${postern.url}#/`)
    await row('OLDER').waitFor()
    await toDevice('OLDER')
    await button('Wipe…').click()
    expect(await dialog().getByRole('radio', { name: /This account alone/ }).isDisabled()).toBe(true)
    await dialog().getByRole('radio', { name: /The whole device/ }).check()
    await dialog().getByRole('button', { name: 'Go on' }).click()
    await dialog().getByRole('button', { name: 'Wipe everything' }).waitFor()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
    expect((await postern.ask(`/devices/${encodeURIComponent(phone.options.user)}/OLDER`)).said.orders).toBeUndefined()
    await button('Wipe…').click()
    await dialog().getByRole('radio', { name: /The whole device/ }).check()
    await dialog().getByRole('button', { name: 'Go on' }).click()
    await dialog().getByRole('button', { name: 'Wipe everything' }).click()
    await sentences().getByText('A wipe of all of it was ordered by ann').waitFor()
    await isTold(phone, '140')
    await button('Take the wipe back').click()
    await page.getByText('The wipe is taken back.').waitFor()
    await isTold(phone, '1')
  })

  it('lets a device in again that its user removed, also one that was allowed before', async () => {
    const phone = phoneOf(9, 'REMOVED'), { login, password } = house.user(9)
    await knock(phone)
    await postern.order(`/devices/${encodeURIComponent(login)}/REMOVED/allow`)
    const own = `http://${HOST}:${postern.port}/.postern/user/`, { cookie } = await send(own, 'api/session', { body: { name: login, password } })
    expect((await send(own, 'api/devices/remove', { cookie, body: { id: 'REMOVED' } })).status).toBe(200)
    await isTold(phone, '129')
    await toDevice('REMOVED')
    await button('Allow').click()
    await page.getByText('It may come in.').waitFor()
    await isTold(phone, '1')
  })

  it('has one collection begun anew, and shows why', async () => {
    const phone = phoneOf(6, 'ANEW')
    await phone.folderSync('0')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    await page.goto(`${postern.url}#/`)
    await row('ANEW').waitFor()
    await toDevice('ANEW')
    await page.getByLabel('Id of another one').fill('something')
    await page.keyboard.press('Enter')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await button(`Begin inbox ${inbox} anew`).click()
    await dialog().getByRole('button', { name: 'Begin anew' }).click()
    await sentences().getByText(`Begins anew: ${inbox}`).waitFor()
    await page.getByText('to begin anew', { exact: true }).waitFor()
    await expect.poll(async () => (await phone.sync({ collections: [{ id: inbox }] })).collections.map(one => one.status), { interval: 200 }).toEqual(['3'])
    phone.collections.delete(inbox)
    await phone.syncAll(inbox)
    await page.getByRole('table', { name: 'Folders it had to begin anew' }).getByText(`${inbox}: an administrator wants it anew`).waitFor()
  })

  it('traces a device, to look at and to download, without what the user wrote', async () => {
    const phone = phoneOf(7, 'TRACED')
    await house.deliver(7, 'From: Ann Example <ann.secret@example.org>\r\nSubject: Very private\r\n\r\nThe words nobody else may see.\r\n')
    await phone.folderSync('0')
    await page.goto(`${postern.url}#/`)
    await row('TRACED').waitFor()
    await toDevice('TRACED')
    await page.getByLabel('For how long').selectOption('5 minutes')
    await button('Trace it').click()
    await sentences().getByText('Traced for ann until').waitFor()
    await expect.poll(async () => {
      await phone.folderSync('0')
      return (await postern.ask(`/devices/${encodeURIComponent(phone.options.user)}/TRACED/trace`)).said.trace.length
    }, { interval: 500 }).toBeGreaterThan(0)
    await phone.syncAll(phone.folder('2'))
    const shown = page.getByRole('region', { name: 'What was traced' })
    await shown.filter({ hasText: '<CollectionId>' }).waitFor()
    await shown.filter({ hasText: 'a***@example.org' }).waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()])
    expect(download.suggestedFilename()).toBe('trace-TRACED.txt')
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
    for (const all of [Buffer.concat(chunks).toString(), await shown.innerText()]) {
      expect(all).toMatch(/^20\d\d-.* Sync 16\.1 > <Sync/m)
      expect(all).not.toMatch(/secret|private|nobody else|Ann Example/)
    }
    await button('End the trace').click()
    await button('End the trace').waitFor({ state: 'hidden' })
  })

  it('keeps the focus, what is selected and where one is while it is shown anew', async () => {
    await page.goto(`${postern.url}#/`)
    const link = row('SYNCED').getByRole('link')
    await link.focus()
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('tbody tr td'))")
    const before = await page.evaluate('[getSelection().toString(), document.activeElement.textContent]')
    await Promise.all([page.waitForResponse(/api\/devices\?/), knock(phoneOf(8, 'MEANWHILE'))])
    await row('MEANWHILE').waitFor()
    expect(await page.evaluate('[getSelection().toString(), document.activeElement.textContent]')).toEqual(before)
  })

  it('did nothing that its policy forbids, and said who did what', async () => {
    expect(window.faults).toEqual([])
    for (const [what, device] of [['block', 'TYPED'], ['allow', 'NEWONE'], ['wipe', 'WIPED'], ['cancel', 'OLDER'], ['resync', 'ANEW'], ['trace', 'TRACED']] as const) {
      await expect.poll(() => linesOf(postern, `administrator: ${what}`).filter(line => line['device'] === device)[0], { message: what }).toMatchObject({ by: 'ann', audit: what, address: HOST })
    }
    expect(postern.log()).not.toContain('"msg":"bug"')
  })
})

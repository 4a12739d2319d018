import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser, type Desk } from '../support/browser.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { openSignedIn, startPaged, type Paged } from '../support/pages.ts'

let house: House
let postern: Paged
let desk: Desk
beforeAll(async () => {
  [house, desk] = await Promise.all([startHouse(), startBrowser()])
  postern = await startPaged(house, 'looks', { eas: { access: [{ type: 'Unknown*', access: 'quarantine' }] } })
}, 180_000)
afterAll(async () => {
  await desk?.close()
  await postern?.stop()
  await house?.stop()
})

/** Each view of the page, with what makes it. */
const views: readonly (readonly [name: string, show: (page: Page) => Promise<unknown>])[] = [
  ['the list', async page => {
    await page.goto(`${postern.url}#/`)
    await page.getByRole('link', { name: /LOOKS/ }).first().waitFor()
  }],
  ['a device', async page => {
    await page.getByRole('table', { name: 'Devices', exact: true }).getByRole('link', { name: / LOOKS$/ }).click()
    await page.getByRole('button', { name: 'End the trace' }).waitFor()
  }],
  ['a question', async page => {
    await page.getByRole('button', { name: 'Wipe…' }).click()
    await page.getByRole('dialog', { name: 'Wipe what?' }).waitFor()
  }],
]

/** What a person with a screen reader or a keyboard would stumble over. */
const stumbles = `(() => {
  const found = []
  const seen = element => element.checkVisibility() && !element.closest('[hidden]')
  const name = element => (element.getAttribute('aria-label') ?? (element.getAttribute('aria-labelledby') ?? '').split(' ').map(id => document.getElementById(id)?.textContent ?? '').join(' ')).trim()
  for (const one of document.querySelectorAll('input, select, textarea')) if (seen(one) && !name(one) && ![...one.labels].some(label => label.textContent.trim())) found.push('no label: ' + one.outerHTML)
  for (const one of document.querySelectorAll('button, a[href]')) if (seen(one) && !name(one) && !one.textContent.trim()) found.push('no name: ' + one.outerHTML)
  for (const one of document.querySelectorAll('table')) if (!name(one) && !one.caption?.textContent) found.push('a table without a name')
  for (const one of document.querySelectorAll('dialog, section, [role=region], form.sign-in')) if (!name(one)) found.push('no name: ' + one.outerHTML.slice(0, 80))
  for (const one of document.querySelectorAll('th')) if (!one.scope) found.push('a heading of nothing: ' + one.outerHTML)
  let level = 0
  for (const one of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!seen(one) || one.closest('dialog')) continue
    const next = Number(one.tagName[1])
    if (next > level + 1) found.push('a level is left out before ' + one.textContent)
    level = next
  }
  if ([...document.querySelectorAll('h1')].filter(seen).length !== 1) found.push('not one h1')
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id)
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push('twice: ' + id)
  for (const one of document.querySelectorAll('button, input, select, a.button')) {
    const { height, width } = one.getBoundingClientRect()
    if (seen(one) && !['radio', 'checkbox'].includes(one.type) && (height < 24 || width < 24)) found.push('too small: ' + one.outerHTML)
  }
  if (!document.documentElement.lang || !document.title) found.push('no language or no title')
  for (const role of ['status', 'alert']) if (!document.querySelector('[role=' + role + ']')) found.push('no ' + role)
  if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the window: ' + document.documentElement.scrollWidth)
  return found
})()`

describe.each([['in a window', 1280, 900], ['on a phone', 390, 844], ['on a small phone', 360, 640]])('the page of administrators %s', (_, width, height) => {
  it('has a name for everything, headings in order, and nothing that is too wide or too small', async () => {
    const { login, password } = house.user(0), url = `http://${HOST}:${postern.port}`
    for (const more of [{ deviceId: 'LOOKS' }, { deviceId: 'LOOKSNEW', deviceType: 'UnknownPhone' }, { deviceId: `LOOKS${'X'.repeat(59)}`, userAgent: 'W'.repeat(300) }]) {
      const phone = new Phone({ url, user: login, password, ...more })
      await phone.folderSync('0').catch(() => {})
      phone.close()
    }
    await postern.order(`/devices/${encodeURIComponent(login)}/LOOKS/trace`, { minutes: 10 })
    await expect.poll(() => postern.seen(login)).toEqual(['LOOKS', 'LOOKSNEW', `LOOKS${'X'.repeat(59)}`].sort())
    const options = { viewport: { width, height }, reducedMotion: 'reduce' as const }
    const first = await desk.open(postern.url, options)
    await first.page.getByLabel('Name').waitFor()
    expect(await first.page.evaluate(stumbles)).toEqual([])
    expect(await first.page.evaluate('document.activeElement.name')).toBe('name')
    const { page, context, faults } = await openSignedIn(desk, postern, 'ann', options)
    for (const [name, show] of views) {
      await show(page)
      expect(await page.evaluate(stumbles), name).toEqual([])
    }
    expect([...first.faults, ...faults]).toEqual([])
    await first.context.close()
    await context.close()
  })
})

it('says to a screen reader what it shows', async () => {
  const { page, context } = await openSignedIn(desk, postern)
  await views[0]![1](page)
  const tree = await page.locator('body').ariaSnapshot()
  for (const line of ['- banner:', '- main:', '- heading "Devices" [level=1]', '- searchbox "Search"', '- combobox "Show"', '- combobox "Sort by"', '- table "Devices":', '- columnheader "Last sync"', '- heading "Latest requests" [level=2]', '- table "Latest requests":', '- status']) expect(tree).toContain(line)
  expect(tree).toMatch(/- rowheader "TestPhone LOOKS TestPhone\/1\.0"/)
  expect(tree).toMatch(/- button "Allow LOOKSNEW of \S+@\S+"/)
  await page.keyboard.press('Tab')
  await context.close()
})

it('goes quiet while nobody looks', async () => {
  const { page, context } = await openSignedIn(desk, postern)
  await views[0]![1](page)
  await page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
  await sleep(500)
  let asked = 0
  page.on('request', () => asked++)
  await sleep(5000)
  expect(asked).toBeLessThanOrEqual(1)
  await page.evaluate("Object.defineProperty(document, 'hidden', { get: () => false }); document.dispatchEvent(new Event('visibilitychange'))")
  await expect.poll(() => asked).toBeGreaterThan(1)
  await context.close()
})

// WCAG 2.2, Contrast (Minimum) and Non-text Contrast
describe('the colours', () => {
  const style = readFileSync('src/pages/static/page.css', 'utf8')
  const colours = Object.fromEntries([...style.matchAll(/--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)/g)].map(([, name, light, dark]) => [name, { light: light!, dark: dark! }]))
  const luminance = (hex: string): number => [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at]!, 0)
  const contrast = (a: string, b: string): number => {
    const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other)
    return (light + 0.05) / (dark + 0.05)
  }
  const texts = ['text', 'soft', 'accent', 'danger', 'good', 'warn'].flatMap(text => ['ground', 'sheet', 'raised'].map(ground => [text, ground]))
  it.each([...texts, ['on-accent', 'accent'], ['on-danger', 'danger']] as [string, string][])('%s on %s are told apart, in light and in dark', (text, ground) => {
    for (const scheme of ['light', 'dark'] as const) expect(contrast(colours[text]![scheme], colours[ground]![scheme]), scheme).toBeGreaterThanOrEqual(4.5)
  })
})

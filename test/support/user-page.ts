import { setTimeout as sleep } from 'node:timers/promises'
import type { Managed } from './admin.ts'
import type { Desk, Window } from './browser.ts'
import { Phone, type PhoneOptions } from './eas-client.ts'
import { HOST } from './house.ts'
import type { House } from './live.ts'
import type { Postern } from './postern.ts'
import type { User } from './users.ts'

export const iPhone = { deviceType: 'iPhone', userAgent: 'Apple-iPhone15C2/2208.100' } as const
export const safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** Servers as users' programs are told of them. */
export const backendsOf = (house: House) => [{
  domains: ['postern.test'], imap: { host: house.imap.host, port: house.imap.port, security: 'none' },
  smtp: { host: house.submission.host, port: house.submission.port, security: 'none' },
  public: {
    imap: { host: 'imap.postern.test', port: 993 }, smtp: { host: 'smtp.postern.test', port: 587, security: 'starttls' }, dav: 'https://dav.postern.test/{login}/',
  },
}]

export const urlOf = ({ port }: Postern): string => `http://${HOST}:${port}`

export async function giveName({ page }: Window, name: string, password: string): Promise<void> {
  await page.getByLabel('E-mail address or user name').fill(name)
  await page.getByLabel('Mail password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export async function signedIn(desk: Desk, postern: Postern, { login, password }: User, options: Parameters<Desk['open']>[1] = {}, path = '/'): Promise<Window> {
  const window = await desk.open(`${urlOf(postern)}${path}`, options)
  await giveName(window, login, password)
  await window.page.getByRole('heading', { name: 'Your devices', exact: true }).waitFor()
  await window.page.locator('#guide-mac').waitFor({ state: 'attached' })
  return window
}

/** The card of a device, by its id. */
export const cardOf = ({ page }: Window, id: string) => page.locator('.device').filter({ has: page.getByText(id, { exact: true }) })
export const markOf = (window: Window, id: string) => cardOf(window, id).locator('.mark')
export const actionsOf = (window: Window, id: string): Promise<string[]> => cardOf(window, id).locator('.buttons button').allTextContents()

/** Presses a button of a device and says yes as often as it is asked; a password is given where it is wanted. */
export async function act(window: Window, id: string, action: string, password?: string): Promise<string> {
  const { page } = window
  await cardOf(window, id).getByRole('button', { name: new RegExp(`^${action}`) }).click()
  const dialog = page.locator('dialog')
  if (action === 'Erase everything') {
    await dialog.getByRole('checkbox').check()
    await dialog.getByRole('button', { name: 'Go on' }).click()
    await dialog.getByRole('heading', { name: /really/ }).waitFor()
  }
  await dialog.locator('button[type=submit]').click()
  if (password !== undefined) {
    await dialog.getByRole('heading', { name: /password/ }).waitFor()
    await dialog.locator('input[type=password]').fill(password)
    await dialog.locator('button[type=submit]').click()
  }
  await dialog.waitFor({ state: 'detached' })
  await page.locator('#news:not(:empty), #trouble:not(:empty)').first().waitFor()
  return (await page.locator('.live').textContent() ?? '').trim()
}

export function phoneOf({ port }: Postern, { login, password }: User, deviceId: string, more: Partial<PhoneOptions> = iPhone): Phone {
  return new Phone({ url: `http://${HOST}:${port}`, user: login, password, deviceId, ...more })
}


/** Begins and syncs the inbox. */
export async function syncInbox(phone: Phone): Promise<void> {
  await phone.folderSync('0')
  await phone.syncAll(phone.folder('2'))
}

/** All processes know of an order within a second. */
export const heard = (): Promise<void> => sleep(1200)

/** A request by hand, with the cookies of somebody's browser. */
export async function byHand({ context }: Window, postern: Managed | Postern, path: string, body?: object, more: Record<string, string> = {}) {
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
  const response = await fetch(`${urlOf(postern)}/.postern/user/api/${path}`, {
    headers: { cookie, 'x-postern-page': 'used', ...(body ? { 'content-type': 'application/json', origin: urlOf(postern) } : {}), ...more },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, said: await response.json() as { error?: string; word?: string; devices?: { id: string }[] }, headers: response.headers }
}

import { createHash, scryptSync } from 'node:crypto'
import type { BrowserContextOptions } from 'playwright-core'
import { startManaged, token, type Managed } from './admin.ts'
import type { Desk, Window } from './browser.ts'
import { freePorts, HOST } from './house.ts'
import type { House } from './live.ts'

/** Administrators of the tests. */
export const passwords = { ann: 'the password of ann', bob: 'the password of bob' } as const
const unpadded = (octets: Uint8Array): string => Buffer.from(octets).toString('base64').replace(/=+$/, '')
/** A cheap hash: what `postern hash` makes takes a second where many things run at once. */
const hashOf = (password: string): string => {
  const salt = createHash('md5').update(password).digest()
  return `$scrypt$ln=14,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 }))}`
}
export const people = Object.fromEntries(Object.entries(passwords).map(([name, password]) => [name, hashOf(password)]))

export type Paged = Managed & { readonly url: string }

/** Postern with the page of administrators, behind a proxy that may be played by the tests. */
export async function startPaged(house: House, name: string, settings: object = {}, workers?: number): Promise<Paged> {
  const [admin = 0, port = 0] = await freePorts(2)
  const listen = { host: HOST, port, trustedProxies: [HOST] }
  const postern = await startManaged(house, name, { listen, admin: { port: admin, token, people }, ...settings }, workers, { admin, port })
  return Object.assign(Object.create(postern) as Managed, { url: `http://${HOST}:${admin}/` })
}

/** A window in which somebody has signed in by hand. */
export async function openSignedIn(desk: Desk, { url }: Paged, name: keyof typeof passwords = 'ann', options: BrowserContextOptions = {}): Promise<Window> {
  const window = await desk.open(url, options), { page } = window
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(passwords[name])
  await page.keyboard.press('Enter')
  await page.getByText(`Signed in as ${name}`).waitFor()
  return window
}

/** What the page's script sends, from here: as a browser that says only its Origin. */
export async function send(url: string, path: string, { cookie, body, headers = {} }: { cookie?: string; body?: unknown; headers?: Record<string, string> } = {}) {
  const response = await fetch(`${url}${path}`, {
    redirect: 'manual',
    headers: { origin: new URL(url).origin, 'x-postern-page': 'used', ...(cookie ? { cookie } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const said = (response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : {}) as { error?: string; word?: string; name?: string; fresh?: boolean }
  return { status: response.status, headers: response.headers, cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '', text, said }
}

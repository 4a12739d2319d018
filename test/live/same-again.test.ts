// What a connection brings once more is not read once more. It is answered anew nevertheless, whatever has changed meanwhile.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type App, startApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { keptLog } from '../support/http.ts'
import { startHouse, type House } from '../support/live.ts'
import { configuration } from '../support/postern.ts'

let house: House, app: App, phone: Phone, inbox: string
beforeAll(async () => { house = await startHouse({ dovecot: { specialUse: 'created' } }) })
afterAll(() => house?.stop())

const config = (more: object = {}) =>
  parseConfig(stringify({ ...configuration(house, HOST, 0), auth: { rememberSeconds: 1, refuseSeconds: 1 }, ...more }), { name: 'p.yaml', folder: '.', environment: {} })
const letter = (subject: string): string => `From: x@x.test\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`

beforeEach(async () => {
  app = await startApp(config(), keptLog())
  const { login, password } = house.user('anna')
  phone = new Phone({ url: app.url, user: login, password, deviceId: 'SAMEDEVICE', version: '14.1' })
  await phone.folderSync()
  inbox = phone.folder('2')
  await phone.syncAll(inbox)
  expect(await again()).toBe('nothing')
})
afterEach(async () => {
  phone.close()
  await app.close()
  expect(app.bugs()).toBe(0)
})

const request = (more: { key?: string; window?: number } = {}): Node => el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
  el('AirSync:SyncKey', more.key ?? phone.held(inbox).key), el('AirSync:CollectionId', inbox), el('AirSync:WindowSize', String(more.window ?? 9)),
])])])

/** The phone's connection brings this; how it was answered: HTTP status, Status, or how many items. */
async function again(more: Parameters<typeof request>[0] = {}, headers: Record<string, string> = {}): Promise<string> {
  const { status, bytes } = await phone.raw('Sync', request(more), { headers })
  if (status !== 200) return `HTTP ${status}`
  if (bytes.length === 0) return 'nothing'
  const root = decode(bytes), whole = text(root, 'AirSync:Status')
  if (whole) return `Status ${whole}`
  const [collection] = root.children[0]!.children
  const told = text(collection!, 'AirSync:Status')
  return told === '1' ? `${collection!.children.find(({ tag }) => tag === 'AirSync:Commands')?.children.length ?? 0} items` : `Status ${told}`
}

const basic = (user: string, password: string): Record<string, string> => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` })

describe('the same request on the same connection', () => {
  it('hears of what came meanwhile, each time', async () => {
    for (let n = 1; n <= 3; n++) {
      await house.deliver('anna', letter(`news ${n}`))
      expect(await again()).toBe('1 items')
      await phone.syncAll(inbox)
      expect(await again()).toBe('nothing')
    }
  })

  it('is refused when the password was changed, and the new one is taken', async () => {
    const { name, login, password } = house.user('bob'), users = join(house.dir, 'dovecot', 'users'), before = readFileSync(users, 'utf8')
    phone.close()
    phone = new Phone({ url: app.url, user: login, password, deviceId: 'SAMEDEVICE', version: '14.1' })
    await phone.folderSync()
    inbox = phone.folder('2')
    await phone.syncAll(inbox)
    expect(await again()).toBe('nothing')
    writeFileSync(users, before.replace(new RegExp(`^(${name}:\\{PLAIN\\})${password}`, 'm'), '$1changed'))
    expect(readFileSync(users, 'utf8')).not.toBe(before)
    await sleep(2500)
    expect(await again()).toBe('HTTP 401')
    expect(await again({}, basic(login, 'changed'))).toBe('nothing')
    expect(await again()).toBe('HTTP 401')
    writeFileSync(users, before)
  })

  it('of another user, from a device of the same id, is that user\'s', async () => {
    const { login, password } = house.user('carol')
    expect(await again({}, basic(login, password))).toMatch(/^Status (3|12)$/)
    expect(await again()).toBe('nothing')
    expect(await again({}, basic(house.user('anna').login, 'wrong'))).toBe('HTTP 401')
    expect(await again()).toBe('nothing')
  })

  it('with another window or another key, as long as before, is another one', async () => {
    for (let n = 1; n <= 3; n++) await house.deliver('anna', letter(`more ${n}`))
    expect(await again({ window: 1 })).toBe('1 items')
    expect(await again({ window: 2 })).toBe('2 items')
    expect(await again({ window: 3 })).toBe('3 items')
    const { key } = phone.held(inbox)
    expect(await again({ key: key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A') })).toBe('Status 3')
  })

  it('is asked for a policy that came with a reload, and answered when that has gone', async () => {
    app.reload(config({ eas: { policy: { DevicePasswordEnabled: true } } }))
    expect(await again()).toBe('Status 142')
    expect(await again({}, { 'x-ms-policykey': '1234' })).toBe('Status 144')
    app.reload(config())
    expect(await again()).toBe('nothing')
  })

  it('of a user whose domain a reload has taken away is refused, and of one who is served elsewhere sent there', async () => {
    const [backend] = configuration(house, HOST, 0).backends
    app.reload(config({ backends: [{ ...backend, domains: ['other.test'] }] }))
    expect(await again()).toBe('HTTP 401')
    app.reload(config({ eas: { redirects: [{ user: house.user('anna').login, url: 'https://elsewhere.test/Microsoft-Server-ActiveSync' }] } }))
    expect(await again()).toBe('HTTP 451')
    app.reload(config())
    expect(await again()).toBe('nothing')
  })
})

// A DAV server that fails in any way there is: mail goes on, nothing leaves the phone, and all is well afterwards.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { scriptedDav, type ScriptedDav } from '../support/bad-dav.ts'
import { card, closeDavPhone, openDavPhone } from '../support/bad-dav-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { text } from '../../src/wire/wbxml.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { misdeeds } from '../support/misdeeds.ts'

let house: House
let dav: ScriptedDav
let postern: Instance
let phone: Phone
let inbox: string, contacts: string, calendar: string
let mails = 0

beforeAll(async () => { house = await startHouse({ exim: false, users: 2 }) })
beforeEach(async () => {
  ({ dav, postern, phone } = await openDavPhone(house, `BAD${mails}`))
  for (const name of ['Anna', 'Bob']) dav.objects.get('book/')!.set(`${name[0]!.toLowerCase()}.vcf`, card(name))
  dav.objects.get('calendar/')!.set('e.ics', event('Meeting'))
  await phone.folderSync('0')
  ;[inbox, contacts, calendar] = [phone.folder('2'), phone.folder('9'), phone.folder('8')]
  for (const id of [inbox, contacts, calendar]) await phone.syncAll(id)
})
afterEach(() => closeDavPhone({ dav, postern, phone }))
afterAll(() => house.stop())

const event = (name: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', `UID:${name}`, 'DTSTAMP:20261101T000000Z',
  'DTSTART:20261201T100000Z', 'DURATION:PT1H', `SUMMARY:${name}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')
const names = (): string[] => [...phone.held(contacts).items.values()].map(({ data }) => data ? text(data, 'Contacts:FirstName') ?? '?' : '').sort()
const events = (): number => phone.held(calendar).items.size
const deliver = (): Promise<void> => house.deliver(0, `Subject: ${++mails}\r\n\r\nhello\r\n`)
const newest = (): string => [...phone.held(inbox).items.values()].map(({ subject }) => subject).sort((a, b) => Number(b) - Number(a))[0]!

/** All of what a phone does in the course of a day: mail is served, and of the rest nothing is lost. */
async function livesOn(): Promise<void> {
  const before = [...phone.folders.keys()]
  const { status, changes } = await phone.folderSync().catch(() => ({ status: '503', changes: [] }))
  expect([status, changes]).toEqual([expect.stringMatching(/^(1|6|503)$/), []])
  expect([...phone.folders.keys()]).toEqual(before)
  await deliver()
  const answer = await phone.sync({ collections: [{ id: inbox }, { id: contacts }, { id: calendar }] })
  expect(answer.http).toBe(200)
  expect(newest()).toBe(String(mails))
  for (const id of [contacts, calendar]) {
    const alone = await phone.sync({ collections: [{ id }] }).catch(String)
    if (typeof alone === 'object') for (const one of alone.collections) expect(one).toMatchObject({ deletes: [], softDeletes: [] })
  }
  const ping = phone.ping([inbox, contacts], 60)
  await deliver()
  expect(await ping).toMatchObject({ status: '2' })
  await phone.sync({ collections: [{ id: inbox }] })
  expect(newest()).toBe(String(mails))
}

describe.each(misdeeds)('a DAV server that %s', (_, misdeed) => {
  it('takes nothing from a phone, with and without memory, and mail goes on', { timeout: 60_000 }, async () => {
    dav.objects.get('book/')!.set('a.vcf', card('Annabel'))
    const held = names()
    dav.misdeed = misdeed
    const begun = performance.now()
    await livesOn()
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    await livesOn()
    expect(performance.now() - begun).toBeLessThan(25_000)
    expect([events(), names()[1]]).toEqual([1, held[1]])
    const warnings = postern.lines.filter(({ level }) => level === 'warn')
    expect(warnings.length).toBeLessThanOrEqual(3)
    dav.misdeed = undefined
    // A server that was away is left alone for a while.
    await vi.waitFor(async () => {
      await phone.folderSync()
      for (const id of [contacts, calendar]) await phone.syncAll(id)
    }, { timeout: 25_000, interval: 500 })
    expect([events(), names()]).toEqual([1, ['Annabel', 'Bob']])
  })
})

describe('a DAV server that does as it should', () => {
  it('is asked once by a Sync without changes, for all collections of a home, and once by a Ping', async () => {
    const others = [phone.folder('7'), phone.folder('10')]
    for (const id of others) await phone.syncAll(id)
    const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
      dav.asked.length = 0
      await work()
      return dav.asked.map(({ method, path, depth }) => `${method} ${path} ${depth}`)
    }
    const sync = (...ids: string[]) => async () => expect(await phone.sync({ collections: ids.map(id => ({ id })) })).toMatchObject({ empty: true })
    expect(await asked(sync(inbox, contacts, calendar, ...others))).toEqual(['PROPFIND /dav/anna/ 1'])
    expect(await asked(sync(contacts))).toEqual(['REPORT /dav/anna/book/ 0'])
    expect(await asked(sync(inbox))).toEqual([])
  })
})

describe('a DAV server that is not there', () => {
  it('leaves mail alone, and is told of once', async () => {
    await dav.close()
    for (let n = 0; n < 3; n++) await livesOn()
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    await livesOn()
    const warnings = postern.lines.filter(({ level }) => level === 'warn')
    expect(warnings[0]).toMatchObject({ reason: expect.stringContaining('cannot be reached') as string })
    // And of that it is left alone.
    expect(warnings.length).toBeLessThanOrEqual(3)
    expect(JSON.stringify(postern.lines)).not.toContain(house.user(0).password)
    dav = await scriptedDav()
  })

  it('is told of once with its end, however often and by whatever words it fails, also while it is left alone', async () => {
    let fails = 0
    dav.misdeed = (_, answer) => {
      if (fails++ % 2) answer.socket?.destroy()
      else answer.socket?.end('no HTTP at all\r\n')
      return true
    }
    const sync = (id: string): Promise<unknown> => phone.sync({ collections: [{ id }] }).catch(String)
    for (let n = 0; n < 12; n++) await sync(n % 2 ? contacts : calendar)
    const asked = fails
    await sync(contacts)
    expect(fails).toBe(asked)
    dav.misdeed = undefined
    const told = () => postern.lines.flatMap(({ message }) => /DAV server|answer/.test(message) ? [message] : [])
    await vi.waitFor(async () => {
      await sync(contacts)
      expect(told().length).toBeGreaterThan(1)
    }, { timeout: 25_000, interval: 500 })
    expect(told()).toEqual(['the DAV server cannot be used; calendars and contacts wait', 'the DAV server answers again'])
  })

  it('answers the first FolderSync of a phone by a status for trying again', async () => {
    await dav.close()
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    expect(await phone.folderSync('0')).toMatchObject({ status: '6', changes: [] })
    dav = await scriptedDav()
  })
})

describe('a DAV server that refuses the user', () => {
  it('leaves a new phone its mail, and tells it of the rest when the user is let in; a phone that has collections keeps them', async () => {
    dav.misdeed = (_, answer) => (answer.writeHead(401).end(), true)
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    expect(await phone.folderSync()).toMatchObject({ status: '6', changes: [] })
    const { login, password } = house.user(0)
    const fresh = new Phone({ url: postern.url, user: login, password, deviceId: `NEW${mails}` })
    expect(await fresh.folderSync('0')).toMatchObject({ status: '1' })
    expect([...fresh.folders.values()].map(({ type }) => type)).not.toContain('9')
    await fresh.syncAll(fresh.folder('2'))
    expect(await fresh.folderSync()).toMatchObject({ status: '1', changes: [] })
    dav.misdeed = undefined
    expect(await fresh.ping([fresh.folder('2')], 60)).toMatchObject({ status: '7' })
    await fresh.folderSync()
    await fresh.syncAll(fresh.folder('9'))
    expect(fresh.held(fresh.folder('9')).items.size).toBe(2)
    fresh.close()
  })

  it.each([401, 403])('by %i lets the user make, rename and delete mail folders, and no others', async code => {
    dav.misdeed = (_, answer) => (answer.writeHead(code).end(), true)
    await postern.restart()
    const { login, password } = house.user(1)
    const fresh = new Phone({ url: postern.url, user: login, password, deviceId: `REFUSED${code}` })
    await fresh.folderSync('0')
    const made = await fresh.editFolder('Create', { name: `Made ${code}`, type: '12' })
    expect(made).toMatchObject({ status: '1' })
    expect(await fresh.editFolder('Update', { id: made.id, name: `Other ${code}` })).toMatchObject({ status: '1' })
    expect(await fresh.editFolder('Create', { name: 'Birthdays', type: '13' })).toMatchObject({ status: '6' })
    expect(await fresh.folderSync()).toMatchObject({ status: '1', changes: [] })
    expect(await fresh.editFolder('Delete', { id: made.id })).toMatchObject({ status: '1' })
    fresh.close()
    // Who holds collections from before makes mail folders too, and keeps them.
    Object.assign(phone.options, { url: postern.url })
    expect(await phone.editFolder('Delete', { id: calendar })).toMatchObject({ status: '6' })
  })
})

describe('a DAV server that does not answer', () => {
  it('lets mail wait for a moment, once, and wakes the phone of what it missed when it is back', async () => {
    dav.misdeed = () => true
    await livesOn()
    await deliver()
    const begun = performance.now()
    await phone.sync({ collections: [{ id: inbox }, { id: contacts }] })
    expect(newest()).toBe(String(mails))
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

describe('a redirect', () => {
  let other: Server
  const got: (string | undefined)[] = []
  beforeAll(async () => {
    other = createServer((request, answer) => {
      got.push(request.headers.authorization)
      answer.writeHead(207).end('<multistatus xmlns="DAV:"/>')
    })
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void other.close())

  it.each([301, 302, 303, 307, 308])('%i to another host gets nothing, credentials least of all', async code => {
    dav.misdeed = ({ path }, answer) => {
      answer.writeHead(code, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}${path}` }).end()
      return true
    }
    await livesOn()
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    await livesOn()
    expect(got).toEqual([])
    dav.misdeed = undefined
  })

  it('on the same host is followed', async () => {
    dav.misdeed = ({ path }, answer) => {
      if (!path.startsWith('/old')) return undefined
      answer.writeHead(301, { location: path.replace('/old', '/dav/anna') }).end()
      return true
    }
    const moved = await startInstance(house, { dav: { url: `${dav.url}old/` } })
    const own = new Phone({ ...phone.options, url: moved.url, deviceId: 'MOVED' })
    await own.folderSync('0')
    await own.syncAll(own.folder('9'))
    expect(own.held(own.folder('9')).items.size).toBe(2)
    own.close()
    await moved.close()
  })

  it('of a home to another host is not gone after', async () => {
    dav.misdeed = ({ method, depth }, answer) => {
      if (method !== 'PROPFIND' || depth !== '0') return undefined
      const href = `http://localhost:${(other.address() as AddressInfo).port}/home/`
      answer.writeHead(207).end(`<d:multistatus xmlns:d="DAV:"><d:response><d:href>/</d:href><d:propstat><d:prop><d:current-user-principal><d:href>${href}</d:href>
        </d:current-user-principal></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`)
      return true
    }
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    await livesOn()
    expect(got).toEqual([])
  })
})

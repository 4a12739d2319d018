// A phone that shows one calendar and one address book, and a user who has several, at real servers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { invitation, respond } from '../support/meetings.ts'

let house: House
beforeAll(async () => { house = await startHouse({ exim: false, radicale: true, xandikos: true, users: 30 }) })
afterAll(() => house.stop())

const samsung = { userAgent: 'SAMSUNG-SM-G991B/101.130000', deviceType: 'SAMSUNGSMG991B' }
const card = (name: string): string => ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name} Test`, `N:Test;${name};;;`, 'END:VCARD', ''].join('\r\n')
const event = (name: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', `UID:${name}`, 'DTSTAMP:20261101T000000Z',
  'DTSTART:20261201T100000Z', 'DTEND:20261201T110000Z', `SUMMARY:${name}`, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')

type Kind = {
  readonly what: string; readonly kind: 'contacts' | 'calendar'; readonly type: string; readonly own: string; readonly ending: string; readonly folder: string
  readonly stored: (name: string) => string; readonly tag: 'Contacts:FirstName' | 'Calendar:Subject'; readonly said: (name: string) => Node[]
}
const kinds: readonly Kind[] = [
  {
    what: 'address books', kind: 'contacts', type: '9', own: '14', ending: '.vcf', folder: 'contacts/', stored: card, tag: 'Contacts:FirstName',
    said: name => [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test')],
  },
  {
    what: 'calendars', kind: 'calendar', type: '8', own: '13', ending: '.ics', folder: 'calendars/', stored: event, tag: 'Calendar:Subject',
    said: name => [el('Calendar:Subject', name), el('Calendar:StartTime', '20261202T100000Z'), el('Calendar:EndTime', '20261202T110000Z')],
  },
]
const servers = [
  { server: 'Radicale', url: () => house.radicale.url, user: (n: number) => house.user(n), home: (login: string, _folder: string) => `/${login}/` },
  { server: 'Xandikos', url: () => house.xandikos.url, user: () => house.user('anna'), home: (_login: string, folder: string) => `/anna/${folder}` },
] as const
let users = 0

describe.each(servers.flatMap(server => kinds.map(kind => ({ ...server, ...kind }))))('several $what at $server', ({ server, url, user, home, ...of }) => {
  const { kind, type, own, ending, folder, stored, tag, said } = of
  let postern: Instance, phone: Phone, plain: Phone, first: DavUser, second: DavUser, shown: string, made: string
  const names = (): string[] => [...phone.held(shown).items.values()].map(({ data }) => data ? text(data, tag) ?? '?' : '').sort()
  const idOf = (name: string): string => [...phone.held(shown).items.values()].find(({ data }) => data && text(data, tag) === name)!.id
  const says = async (dav: DavUser): Promise<string[]> => [...(await dav.list()).values()].map(octets => /^(?:FN|SUMMARY)[^:]*:(\w+)/m.exec(octets)![1]!).sort()
  const sync = async (commands: NonNullable<Parameters<Phone['sync']>[0]['collections'][0]['commands']> = []) =>
    (await phone.sync({ collections: [{ id: shown, commands }] })).collections[0]

  beforeEach(async () => {
    const { login, password } = user(users++)
    postern = await startInstance(house, { dav: { url: url(), pollSeconds: 1 } })
    const phoneOf = (more: Partial<PhoneOptions>): Phone => new Phone({ url: postern.url, user: login, password, ...more })
    plain = phoneOf({ deviceId: 'PLAIN' })
    phone = phoneOf(samsung)
    await plain.folderSync('0')
    shown = plain.folder(type)
    first = new DavUser(url(), login, password, home(login, folder))
    second = new DavUser(url(), login, password, home(login, folder))
    await first.open(kind)
    made = (await plain.editFolder('Create', { name: 'Second', type: own })).id
    await second.open(kind, 'Second')
    for (const [dav, name] of [[first, 'Anna'], [second, 'Bob'], [second, 'Carol']] as const) await dav.put(name + ending, stored(name))
    await phone.folderSync('0')
    await phone.syncAll(shown)
  })
  afterEach(async () => {
    await plain.folderSync('0')
    if (plain.folders.has(made)) await plain.editFolder('Delete', { id: made })
    for (const name of (await first.list()).keys()) await first.remove(encodeURIComponent(name))
    for (const client of [phone, plain]) client.close()
    await postern.close()
    expect(postern.bugs()).toBe(0)
  })

  it('are one folder of the phone, with what is in all of them', () => {
    expect([...phone.folders.values()].filter(one => one.type === type || one.type === own).map(({ id }) => id)).toEqual([shown])
    expect(names()).toEqual(['Anna', 'Bob', 'Carol'])
  })

  it('take what the phone makes into the default one, and what it changes and deletes where it is', async () => {
    await sync([{ kind: 'Add', clientId: '1', data: said('Dora') }, { kind: 'Change', id: idOf('Bob'), data: said('Bert') }, { kind: 'Delete', id: idOf('Carol') }])
    await sync()
    expect([await says(first), await says(second)]).toEqual([['Anna', 'Dora'], ['Bert']])
    expect(await phone.sync({ collections: [{ id: shown }] })).toMatchObject({ empty: true })
  })

  it('wake the phone, and are told of by what is new alone', async () => {
    const ping = phone.ping([shown], 60)
    await new Promise(resolve => setTimeout(resolve, 300))
    await second.put(`Emil${ending}`, stored('Emil'))
    expect(await ping).toMatchObject({ status: '2', folders: [shown] })
    expect(await sync()).toMatchObject({ adds: { length: 1 }, changes: [], deletes: [] })
  })

  it('go with what is in them, and come', async () => {
    await plain.editFolder('Delete', { id: made })
    expect(await sync()).toMatchObject({ status: '1', adds: [], changes: [], deletes: { length: 2 } })
    expect(names()).toEqual(['Anna'])
    made = (await plain.editFolder('Create', { name: 'Third', type: own })).id
    await second.open(kind, 'Third')
    await second.put(`Emil${ending}`, stored('Emil'))
    expect(await sync()).toMatchObject({ status: '1', adds: { length: 1 }, changes: [], deletes: [] })
    expect((await phone.folderSync()).changes).toEqual([])
  })

  it('are no news to a process that remembers nothing, until one of them changes', async () => {
    for (let n = 0; n < 2; n++) {
      await postern.restart()
      for (const client of [phone, plain]) Object.assign(client.options, { url: postern.url })
      expect(await phone.sync({ collections: [{ id: shown }] })).toMatchObject({ empty: true })
    }
    await second.remove(`Bob${ending}`)
    expect(await sync()).toMatchObject({ status: '1', adds: [], changes: [], deletes: { length: 1 } })
    await second.remove(`Carol${ending}`)
    await postern.restart()
    for (const client of [phone, plain]) Object.assign(client.options, { url: postern.url })
    expect((await sync())!.status).toBe('3')
    await phone.sync({ collections: [{ id: shown, key: '0' }] })
    await phone.syncAll(shown)
    expect(names()).toEqual(['Anna'])
  })

  it.runIf(kind === 'calendar')('have a meeting answered where it is', async () => {
    await second.put('meeting.ics', invitation({ uid: 'meeting-1', organizer: 'chair@elsewhere.test', attendee: phone.options.user }).replace('METHOD:REQUEST\r\n', ''))
    await sync()
    const id = idOf('Budget')
    expect(await respond(phone, { id, answer: 1 })).toEqual([expect.objectContaining({ status: '1', calendarId: id })])
    expect((await second.list()).get('meeting.ics')).toMatch(/PARTSTAT=ACCEPTED/)
    expect(await says(first)).toEqual(['Anna'])
  })

  it.runIf(server === 'Radicale')('have a change undone in one that is read-only', async () => {
    const about = kind === 'calendar' ? { tag: 'VCALENDAR', 'C:supported-calendar-component-set': 'VEVENT' } as const : { tag: 'VADDRESSBOOK' } as const
    house.radicale.seed(phone.options.user, `readonly-${kind}`, { ...about, 'D:displayname': 'Closed' }, [[`Zoe${ending}`, stored('Zoe')]])
    await postern.restart()
    for (const client of [phone, plain]) Object.assign(client.options, { url: postern.url })
    await sync()
    expect(names()).toEqual(['Anna', 'Bob', 'Carol', 'Zoe'])
    const closed = new DavUser(url(), phone.options.user, phone.options.password)
    await closed.open(kind, 'Closed')
    const before = await closed.list()
    for (const command of [{ kind: 'Change', id: idOf('Zoe'), data: said('Zora') }, { kind: 'Delete', id: idOf('Zoe') }] as const) {
      await sync([command])
      expect(names()).toEqual(['Anna', 'Bob', 'Carol', 'Zoe'])
      expect(await closed.list()).toEqual(before)
    }
    expect(await phone.sync({ collections: [{ id: shown }] })).toMatchObject({ empty: true })
  })
})

// Collections that their user may read and not change (RFC 3744): what a phone does to them is undone on the phone.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser
let users = 0

const card = (name: string): string => ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name} Test`, `N:Test;${name};;;`, 'END:VCARD', ''].join('\r\n')
const entry = (kind: 'VEVENT' | 'VTODO', name: string): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', `BEGIN:${kind}`, `UID:${name}`,
  'DTSTAMP:20261101T000000Z', ...(kind === 'VEVENT' ? ['DTSTART:20261201T100000Z', 'DTEND:20261201T110000Z'] : []), `SUMMARY:${name}`, `END:${kind}`, 'END:VCALENDAR', ''].join('\r\n')

type Kind = {
  readonly name: string; readonly type: string; readonly open: Parameters<DavUser['open']>[0]; readonly stored: (name: string) => string; readonly ending: string
  readonly tag: 'Contacts:FirstName' | 'Calendar:Subject' | 'Tasks:Subject'; readonly said: (name: string) => Node[]
}
const kinds: readonly Kind[] = [
  {
    name: 'contacts', type: '14', open: 'contacts', ending: '.vcf', stored: card, tag: 'Contacts:FirstName',
    said: name => [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test')],
  },
  {
    name: 'events', type: '13', open: 'calendar', ending: '.ics', stored: name => entry('VEVENT', name), tag: 'Calendar:Subject',
    said: name => [el('Calendar:Subject', name), el('Calendar:StartTime', '20261202T100000Z'), el('Calendar:EndTime', '20261202T110000Z')],
  },
  {
    name: 'tasks', type: '15', open: 'tasks', ending: '.ics', stored: name => entry('VTODO', name), tag: 'Tasks:Subject',
    said: name => [el('Tasks:Subject', name), el('Tasks:Complete', '0')],
  },
]

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 20 })
  postern = await startInstance(house, { dav: { url: house.dav.url, pollSeconds: 1 } })
})
beforeEach(async () => {
  const { login, password } = house.user(users++)
  for (const { name, open, ending, stored } of kinds) {
    const component = { calendar: 'VEVENT', tasks: 'VTODO' }[open as string]
    house.radicale.seed(login, `readonly-${name}`, {
      tag: component ? 'VCALENDAR' : 'VADDRESSBOOK', 'D:displayname': `Closed ${name}`, ...(component ? { 'C:supported-calendar-component-set': component } : {}),
    }, ['Anna', 'Bob'].map(one => [one + ending, stored(one)]))
  }
  phone = new Phone({ url: postern.url, user: login, password })
  dav = new DavUser(house.dav.url, login, password)
  await phone.folderSync('0')
})
afterEach(() => phone.close())
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

describe.each(kinds)('a collection of $name that cannot be changed', ({ name, type, open, tag, said, ending }) => {
  let closed: string
  const names = (): string[] => [...phone.held(closed).items.values()].map(({ data }) => data ? text(data, tag) ?? '?' : '').sort()
  const idOf = (wanted: string): string => [...phone.held(closed).items.values()].find(({ data }) => data && text(data, tag) === wanted)!.id
  beforeEach(async () => {
    closed = phone.folder(`Closed ${name}`)
    await phone.syncAll(closed)
    await dav.open(open, `Closed ${name}`)
    expect(names()).toEqual(['Anna', 'Bob'])
  })
  /** Both sides are as they were, and the log says why. */
  async function isUndone(before: Map<string, string>): Promise<void> {
    await phone.sync({ collections: [{ id: closed }] })
    expect(names()).toEqual(['Anna', 'Bob'])
    expect(await dav.list()).toEqual(before)
    expect(await phone.sync({ collections: [{ id: closed }] })).toMatchObject({ empty: true })
    expect(postern.lines).toContainEqual(expect.objectContaining({ collection: closed, message: 'a change of a collection that is read-only is undone' }))
  }

  it('is no default folder, and is not the one new things go to', () => {
    expect(phone.folders.get(closed)?.type).toBe(type)
  })

  it('undoes an Add', async () => {
    const before = await dav.list()
    const { collections: [answer] } = await phone.sync({ collections: [{ id: closed, commands: [{ kind: 'Add', clientId: '1', data: said('Carol') }] }] })
    expect(answer).toMatchObject({ status: '1', responses: [{ kind: 'Add', clientId: '1', status: '1' }] })
    expect(answer!.deletes).toHaveLength(1)
    await isUndone(before)
  })

  it('undoes a Change', async () => {
    const before = await dav.list()
    await phone.sync({ collections: [{ id: closed, commands: [{ kind: 'Change', id: idOf('Anna'), data: said('Annabel') }] }] })
    await isUndone(before)
  })

  it('undoes a Delete', async () => {
    const before = await dav.list()
    await phone.sync({ collections: [{ id: closed, commands: [{ kind: 'Delete', id: idOf('Anna') }] }] })
    await isUndone(before)
  })

  it('undoes all three in one request', async () => {
    const before = await dav.list()
    expect(before.has(`Anna${ending}`)).toBe(true)
    const { collections: [answer] } = await phone.sync({ collections: [{ id: closed, commands: [
      { kind: 'Delete', id: idOf('Bob') }, { kind: 'Change', id: idOf('Anna'), data: said('Annabel') }, { kind: 'Add', clientId: '2', data: said('Dave') },
    ] }] })
    expect(answer!.status).toBe('1')
    await isUndone(before)
  })
})

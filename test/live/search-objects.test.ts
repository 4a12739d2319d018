// Search of calendars, contacts, tasks and notes on real DAV servers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { el, text, type Tag } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import { search, type Hits } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { livePhones } from '../support/live-phones.ts'
import { stored, storedName } from '../support/objects-of-each-class.ts'

const servers = ['Radicale', 'Xandikos'] as const
type Server = (typeof servers)[number]

let house: House
const posterns = new Map<Server, Instance>()

const home: Readonly<Record<Server, (user: { login: string; name: string }) => readonly string[]>> = {
  Radicale: ({ login }) => [`/${login}/`],
  Xandikos: ({ name }) => [`/${name}/calendars/`, `/${name}/contacts/`],
}
const urlOf = (server: Server): string => server === 'Radicale' ? house.dav.url : house.xandikos.url

const objects = [
  ['calendar', 'Übung', ['LOCATION:Köln', 'DESCRIPTION:bring cake\\, please', 'ATTENDEE;CN=Änne:mailto:ae@x.example']], ['calendar', 'Offsite', ['RRULE:FREQ=WEEKLY']],
  ['contacts', 'Jürgen', ['ORG:Häuser;Küche', 'TEL;TYPE=CELL:+49 221 123-45', 'EMAIL:j@x.example', 'ADR;TYPE=HOME:;;Straße 5;Köln;;50667;Germany']], ['contacts', 'Bert', []],
  ['tasks', 'Bread', ['DESCRIPTION:and cake']], ['notes', 'Recipes', ['DESCRIPTION:apple cake']],
] as const

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, xandikos: true, users: 2 })
  for (const server of servers) {
    const postern = await startInstance(house, { dav: { url: urlOf(server), pollSeconds: 1 } })
    posterns.set(server, postern)
    const user = house.user('anna'), phone = phoneOf(server)
    await phone.folderSync('0')
    for (const [content, name, lines] of objects) {
      if (!holds(server, content)) continue
      for (const path of home[server](user)) {
        const dav = new DavUser(urlOf(server), user.login, user.password, path)
        if (await dav.open(content).then(() => true, () => false)) await dav.put(storedName(content, content + objects.findIndex(one => one[1] === name)), stored(content, name, ...lines))
      }
    }
  }
  await house.deliver('anna', 'Subject: cake tomorrow\r\n\r\nx\r\n')
})
afterAll(async () => {
  for (const postern of posterns.values()) {
    await postern.close()
    expect(postern.bugs()).toBe(0)
  }
  await house.stop()
})

const phonesOf: Readonly<Record<Server, ReturnType<typeof livePhones>>> = {
  Radicale: livePhones(() => posterns.get('Radicale')!.url), Xandikos: livePhones(() => posterns.get('Xandikos')!.url),
}
const phoneOf = (server: Server, options: Partial<PhoneOptions> = {}): Phone => phonesOf[server](house.user('anna'), options)

/** Xandikos makes no collection of tasks or notes alone. */
const holds = (server: Server, content: string): boolean => server === 'Radicale' || content === 'calendar' || content === 'contacts'

const titles: Readonly<Record<string, Tag>> = {
  Email: 'Email:Subject', Calendar: 'Calendar:Subject', Contacts: 'Contacts:FirstName', Tasks: 'Tasks:Subject', Notes: 'Notes:Subject',
}
const found = ({ hits }: Hits): string[] => hits.map(hit => `${hit.class} ${text(hit.properties, titles[hit.class]!) ?? '?'}`)

describe.each(servers)('Search at %s', server => {
  it.each<[string, string, string[]]>([
    ['in everything', 'cake', ['Email cake tomorrow', 'Calendar Übung', 'Tasks Bread', 'Notes Recipes']],
    ['by what the server itself cannot compare', 'köln', ['Calendar Übung', 'Contacts Jürgen']], ['by a department', 'KÜCHE', ['Contacts Jürgen']],
    ['by a number', '0221/12345', ['Contacts Jürgen']], ['by an attendee', 'änne', ['Calendar Übung']], ['by a text with what is escaped in it', '"cake, please"', ['Calendar Übung']],
    ['without finding anything', 'nowhere', []],
  ])('%s', async (_, query, all) => {
    const names = { calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes' }
    const missing = Object.entries(names).filter(([content]) => !holds(server, content)).map(([, name]) => name)
    for (const version of ['14.1', '16.1'] as const) {
      const answer = await search(phoneOf(server, { version }), { query, rebuild: true })
      expect([answer.store, found(answer)]).toEqual(['1', all.filter(one => !missing.some(name => one.startsWith(name)))])
    }
  })

  it('sees what has changed since, and fetches what it names', async () => {
    const phone = phoneOf(server), user = house.user('anna')
    const contacts = async () => search(phone, { query: 'x.example', classes: ['Contacts'], rebuild: true })
    expect(found(await contacts())).toEqual(['Contacts Jürgen'])
    const dav = new DavUser(urlOf(server), user.login, user.password, home[server](user).at(-1)!)
    await dav.open('contacts')
    await dav.put('late.vcf', stored('contacts', 'Late', 'EMAIL:late@x.example'))
    const both = await contacts()
    expect(found(both)).toEqual(['Contacts Jürgen', 'Contacts Late'])
    const fetched = descend(await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', both.hits[1]!.id),
    ])])), 'ItemOperations:Response', 'ItemOperations:Fetch', 'ItemOperations:Properties')
    expect(text(fetched, 'Contacts:Email1Address')).toContain('late@x.example')
    await dav.remove('late.vcf')
    expect(found(await contacts())).toEqual(['Contacts Jürgen'])
  })
})

it('Search says that the DAV server is away, and finds mail nevertheless', async () => {
  const phone = phoneOf('Radicale')
  await house.radicale.stop()
  const ask = async (classes: string[]) => text((await phone.command('Search', el('Search:Search', [el('Search:Store', [
    el('Search:Name', 'Mailbox'), el('Search:Query', [el('Search:And', [...classes.map(one => el('AirSync:Class', one)), el('Search:FreeText', 'cake')])]),
    el('Search:Options', [el('Search:RebuildResults')]),
  ])])))!, 'Search:Status')
  expect(await ask(['Contacts'])).toBe('3')
  expect(await ask([])).toBe('3')
  expect(found(await search(phone, { query: 'cake', classes: ['Email'] }))).toEqual(['Email cake tomorrow'])
  await house.radicale.start()
})

// Colleagues as a phone sees them: an address book as the address list, own contacts, and when others have time, over real servers.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/backend/check.ts'
import type { Backend } from '../../src/backend/connect.ts'
import { card, cards, keyLine, openBook, photoLine } from '../support/book.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone } from '../support/eas-client.ts'
import { findGal, resolve, searchGal } from '../support/eas-directory.ts'
import { startInstance, type Instance, type InstanceOptions } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { bobDer } from '../support/memory-directory.ts'
import { outboxServer, type OutboxServer } from '../support/outbox-server.ts'

let house: House
let outbox: OutboxServer
let bob: DavUser, carol: DavUser
const open: (Phone | Instance)[] = []

const event = (uid: string, start: string, end: string, ...lines: readonly string[]): string => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT',
  `UID:${uid}`, 'DTSTAMP:20261101T080000Z', `DTSTART:${start}`, `DTEND:${end}`, ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, xandikos: true, users: 4 })
  house.radicale.seed('dave@postern.test', 'people', { tag: 'VADDRESSBOOK' }, cards(bobDer))
  house.radicale.seed('anna@postern.test', 'contacts', { tag: 'VADDRESSBOOK' }, [
    ['bob.vcf', card('bob', 'Bobby from work', 'EMAIL:BOB@postern.test', photoLine(2000))],
    ['zoe.vcf', card('zoe', 'Zoe Friend', 'EMAIL:zoe@friends.test', keyLine(bobDer), photoLine(1000))],
    ['carl.vcf', card('carl2', 'Carl Builder', 'EMAIL:carl@home.test')],
  ])
  for (const login of ['bob@postern.test', 'carol@postern.test']) house.radicale.seed(login, 'calendar', { tag: 'VCALENDAR', 'C:supported-calendar-component-set': 'VEVENT' }, [])
  outbox = await outboxServer(house.dav.url, 'secret')
  const user = async (login: string): Promise<DavUser> => {
    const one = new DavUser(house.dav.url, login, 'secret')
    await one.open('calendar')
    return one
  }
  bob = await user('bob@postern.test')
  carol = await user('carol@postern.test')
  await bob.put('1.ics', event('1', '20261207T080000Z', '20261207T081000Z'))
  await bob.put('2.ics', event('2', '20261201T090000Z', '20261201T093000Z', 'RRULE:FREQ=DAILY;COUNT=20', 'STATUS:TENTATIVE'))
  await bob.put('3.ics', event('3', '20261207T100000Z', '20261207T110000Z', 'TRANSP:TRANSPARENT'))
  await carol.put('4.ics', event('4', '20261207T093000Z', '20261207T100000Z'))
}, 60_000)
afterEach(async () => {
  outbox.misdeed = undefined
  for (const one of open.splice(0)) {
    await one.close()
    if ('bugs' in one) expect(one.bugs()).toBe(0)
  }
})
afterAll(async () => {
  await outbox?.close()
  await house?.stop()
})

async function phoneOf(options: InstanceOptions): Promise<Phone> {
  const postern = await startInstance(house, { patience: 3, ...options })
  const phone = new Phone({ url: postern.url, user: 'anna@postern.test', password: 'secret' })
  open.push(phone, postern)
  return phone
}

const book = (): NonNullable<InstanceOptions['addressBook']> => ({ url: `${house.dav.url}dave%40postern.test/people/`, account: { user: 'dave@postern.test', password: 'secret' } })
const people = (): Promise<Phone> => phoneOf({ dav: { url: house.dav.url }, addressBook: book() })

describe('the address book', () => {
  it('is the address list of Search and Find, with photos', async () => {
    const phone = await people()
    expect((await searchGal(phone, { query: 'bob buil' })).hits).toEqual([{
      DisplayName: 'Bob Builder', Phone: '+1 555', Title: 'Head', Company: 'Postern', Alias: 'bobby', FirstName: 'Bob', LastName: 'Builder', HomePhone: '+1 556',
      MobilePhone: '+1 557', EmailAddress: 'bob@postern.test',
    }])
    expect((await findGal(phone, { query: 'carl', picture: {} })).hits.map(({ EmailAddress, Picture }) => `${EmailAddress} ${Picture}`)).toEqual(['carl@postern.test 1 3000'])
    expect(await searchGal(phone, { query: 'jürgen', range: '10-19' })).toMatchObject({ status: '1', range: '10-19', total: '60' })
    expect((await searchGal(phone, { query: 'zoe' })).total).toBe('0')
  })

  it('that is away is told as such', async () => {
    const phone = await phoneOf({ addressBook: { ...book(), url: 'http://127.0.0.1:1/people/' } })
    expect([(await searchGal(phone, { query: 'bob' })).store, (await findGal(phone, { query: 'bob' })).status, (await resolve(phone, { to: ['bob'] })).status]).toEqual(['7', '111', '6'])
    const refused = await phoneOf({ addressBook: { ...book(), account: { user: 'dave@postern.test', password: 'wrong' } } })
    expect((await searchGal(refused, { query: 'bob' })).store).toBe('7')
  })

  it('may be read with the credentials of each user', async () => {
    const phone = await phoneOf({ addressBook: { url: `${house.dav.url}{login}/contacts/` } })
    expect((await searchGal(phone, { query: 'zoe' })).total).toBe('1')
    const other = openBook(book())
    expect((await other.search('carl', 10)).total).toBe(1)
    other.close()
  })
})

describe('own contacts', () => {
  it('are found beside the address list, who is in both once', async () => {
    const { responses } = await resolve(await people(), { to: ['bob@postern.test', 'Zoe', 'carl', 'nobody'], certificates: 2, picture: {} })
    const told = responses.map(({ status, count, recipients }) => [status, count, recipients.map(one => [one.type, one.name, one.address, one.certificates?.[0], one.picture])])
    expect(told).toEqual([
      ['1', '1', [['1', 'Bob Builder', 'bob@postern.test', '1', '1 2000']]],
      ['1', '1', [['2', 'Zoe Friend', 'zoe@friends.test', '1', '1 1000']]],
      ['2', '2', [['1', 'Carl Builder', 'carl@postern.test', undefined, '1 3000'], ['2', 'Carl Builder', 'carl@home.test', undefined, '173']]],
      ['4', '0', []],
    ])
  })

  it('that cannot be read now are no reason not to tell whom the address list knows, nor to say that there is nobody', async () => {
    const phone = await phoneOf({ dav: { url: 'http://127.0.0.1:1/' }, addressBook: book() })
    expect((await resolve(phone, { to: ['bob@postern.test', 'anna@postern.test'] })).responses.map(({ status }) => status)).toEqual(['1', '1'])
    expect((await resolve(phone, { to: ['zoe'] })).status).toBe('6')
  })
})

describe('the time of others', () => {
  const span = { start: '2026-12-07T08:00:00.000Z', end: '2026-12-07T11:00:00.000Z' }
  const times = async (phone: Phone, to: readonly string[]): Promise<(string | undefined)[]> =>
    (await resolve(phone, { to, availability: span })).responses.map(({ recipients: [one] }) => one?.availability)
  /** People whose calendars are asked for. */
  const contacts = ['bob', 'carol', 'private.eye', 'stranger', 'calendar'].map(name => [`${name}.vcf`, card(name, `The ${name}`, `EMAIL:${name}@postern.test`)] as const)
  const all = contacts.slice(0, 4).map(([name]) => `${name.replace('.vcf', '')}@postern.test`)
  beforeAll(() => house.radicale.seed('carol@postern.test', 'list', { tag: 'VADDRESSBOOK' }, contacts))
  const list = (): NonNullable<InstanceOptions['addressBook']> => ({ url: `${house.dav.url}carol%40postern.test/list/`, account: { user: 'carol@postern.test', password: 'secret' } })

  it('is asked of the outbox of a server that schedules, in one request', async () => {
    const phone = await phoneOf({ dav: { url: outbox.url }, addressBook: list() })
    const before = outbox.posts.length
    expect(await times(phone, all)).toEqual(['1 201000', '1 000200', '163', '1 444444'])
    expect(outbox.posts.length - before).toBe(1)
    expect(outbox.posts.at(-1)).toContain('ORGANIZER:mailto:anna@postern.test\r\n')
  })

  it.each<[string, NonNullable<OutboxServer['misdeed']>, string]>([
    ['fails', answer => (answer.writeHead(503).end(), true), '162'], ['forbids', answer => (answer.writeHead(403).end(), true), '163'],
    ['answers in HTML', answer => (answer.writeHead(200).end('<!doctype html><p>x'), true), '162'], ['breaks off', answer => (answer.destroy(), true), '162'],
    ['says nothing of anybody', answer => (answer.writeHead(200).end('<c:schedule-response xmlns:c="urn:ietf:params:xml:ns:caldav"/>'), true), '162'],
    ['tells of success without data', (answer, body) => {
      const [, who] = /ATTENDEE:(.*)\r/.exec(body)!
      answer.writeHead(200).end(`<c:schedule-response xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><c:response><c:recipient><d:href>${who!}</d:href></c:recipient>\
<c:request-status>2.0;Success</c:request-status></c:response></c:schedule-response>`)
      return true
    }, '162'],
  ])('is never free because an outbox %s', async (_, misdeed, status) => {
    outbox.misdeed = misdeed
    expect(await times(await phoneOf({ dav: { url: outbox.url }, addressBook: list() }), ['bob@postern.test'])).toEqual([status])
  })

  it('is read from calendars at configured addresses, as far as the server lets the user read', async () => {
    const phone = await phoneOf({ dav: { url: house.dav.url, freeBusy: `${house.dav.url}{login}/calendar/` }, addressBook: list() })
    // Radicale shows nobody else's.
    expect(await times(phone, ['bob@postern.test'])).toEqual(['163'])
    const shared = await phoneOf({ dav: { url: house.dav.url, freeBusy: `${house.dav.url}anna%40postern.test/{local}/` }, addressBook: list() })
    house.radicale.seed('anna@postern.test', 'bob', { tag: 'VCALENDAR', 'C:supported-calendar-component-set': 'VEVENT' }, [['1.ics', event('1', '20261207T080000Z', '20261207T081000Z')]])
    expect(await times(shared, all)).toEqual(['1 200000', '1 444444', '1 444444', '1 444444'])
  })

  it('is not known where the server has no way to tell', async () => {
    expect(await times(await phoneOf({ dav: { url: house.dav.url }, addressBook: list() }), ['bob@postern.test'])).toEqual(['163'])
    expect(await times(await phoneOf({ addressBook: list() }), ['bob@postern.test'])).toEqual(['163'])
  })

  it('is told by a server that answers free-busy-query', async () => {
    const anna = new DavUser(house.xandikos.url, 'anna', 'x', '/anna/calendars/')
    await anna.open('calendar')
    await anna.put('1.ics', event('1', '20261207T083000Z', '20261207T090000Z'))
    const phone = await phoneOf({ dav: { url: house.xandikos.url, freeBusy: `${house.xandikos.url}anna/calendars/{local}/` }, addressBook: list() })
    expect(await times(phone, ['calendar@postern.test', 'bob@postern.test'])).toEqual(['1 020000', '1 444444'])
  })
})

describe('postern check', () => {
  const run = async (over: Partial<Backend>): Promise<string[]> => {
    const backend: Backend = { domains: ['postern.test'], login: 'address', imap: { ...house.imap, security: 'none' }, smtp: { host: '127.0.0.1', port: 1, security: 'none', auth: true }, ...over }
    return (await check({ backends: [backend] }, { kind: 'password', user: 'anna@postern.test', password: 'secret' }))
      .filter(({ text }) => /address book at|its server|directory|It (does not )?know|others have time/i.test(text)).map(({ ok, text }) => `${ok ? ' ' : '!'} ${text.replace(/:\d+/, ':PORT')}`)
  }
  const url = 'http://127.0.0.1:PORT/dave%40postern.test/people/'

  it('says whether the address book answers, to whom, and how people are found in it', async () => {
    expect(await run({ addressBook: book() })).toEqual([
      `  The address book at ${url} answers and shows 66 people with an address when it is read as dave@postern.test.`, '  Its server looks for names itself.', '  It does not know anna@postern.test.',
    ])
    expect(await run({ addressBook: { url: `${house.dav.url}{login}/contacts/` } })).toEqual([
      expect.stringMatching(/answers and shows 3 people with an address when it is read as the user\.$/), '  Its server looks for names itself.', '  It does not know anna@postern.test.',
    ])
    const xandikos = await run({ addressBook: { url: `${house.xandikos.url}anna/contacts/addressbook/`, account: { user: 'x', password: 'x' } } })
    expect(xandikos).toEqual([expect.stringMatching(/shows nobody with an address/)])
    const anna = new DavUser(house.xandikos.url, 'anna', 'x', '/anna/contacts/')
    await anna.open('contacts')
    await anna.put('anna.vcf', card('anna', 'Anna Test', 'EMAIL:anna@postern.test'))
    expect((await run({ addressBook: { url: `${house.xandikos.url}anna/contacts/addressbook/`, account: { user: 'x', password: 'x' } } })).slice(1)).toEqual([
      '  Its server does not look for names: Postern reads the whole book and keeps it up to date.', '  It knows anna@postern.test as Anna Test.',
    ])
  })

  it('says what is wrong with it', async () => {
    expect(await run({ addressBook: { ...book(), account: { user: 'dave@postern.test', password: 'wrong' } } })).toEqual([`! The address book at ${url} answers and refuses dave@postern.test.`])
    expect((await run({ addressBook: { ...book(), url: `${house.dav.url}dave%40postern.test/` } }))[0]).toMatch(/^! The address book at .* there is no address book at \/dave%40postern\.test\//)
    expect((await run({ addressBook: { ...book(), url: 'http://127.0.0.1:1/' } }))[0]).toMatch(/^! The address book at .*ECONNREFUSED/)
  })

  it('says whether it is known when others have time', async () => {
    const said = async (dav: NonNullable<Backend['dav']>): Promise<string> => (await run({ dav })).at(-2)!
    expect(await said({ url: house.dav.url })).toMatch(/^ {2}When others have time is not known: the server has no outbox/)
    expect(await said({ url: outbox.url })).toMatch(/^ {2}When others have time is asked of the server's outbox/)
    expect(await said({ url: house.dav.url, freeBusy: `${house.dav.url}{login}/calendar/` })).toMatch(/^ {2}When others have time is read at/)
  })
})

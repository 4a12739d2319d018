// Search of calendars, contacts, tasks and notes, beside mail.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { since, versions } from '../../src/eas/versions.ts'
import type { ObjectContent } from '../../src/model/folder.ts'
import { child, el, text, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { descend } from '../support/eas-client.ts'
import { compare, find, search, type Hits } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { classNames, folderOf, stored, storedName } from '../support/objects-of-each-class.ts'

let server: EasServer
let user: MemoryUser
beforeEach(async () => {
  user = new MemoryUser()
  server = await easServer({}, user, () => new Date('2026-11-25T10:00:00Z'))
  user.deliver('inbox', 'Subject: Kitchen offer\n\nabout the kitchen\n', { received: new Date('2026-11-10T10:00:00Z') })
})
afterEach(() => server.stop())

const put = (content: ObjectContent, name: string, ...lines: string[]): string =>
  user.collections.put(folderOf[content], storedName(content, name), stored(content, name, ...lines))

const titles: Readonly<Record<string, Tag>> = {
  Email: 'Email:Subject', Calendar: 'Calendar:Subject', Contacts: 'Contacts:FirstName', Tasks: 'Tasks:Subject', Notes: 'Notes:Subject',
}
const found = ({ hits }: Hits): string[] => hits.map(hit => `${hit.class} ${text(hit.properties, titles[hit.class]!) ?? '?'}`)

const contents = Object.keys(classNames) as ObjectContent[]
const known = versions.filter(version => since(version, '12.0'))
  .flatMap(version => contents.filter(content => content !== 'notes' || since(version, '14.0')).map(content => [content, version] as const))

describe('Search in version', () => {
  it.each(known)('of %s, %s, answers items of the class with what Sync tells of them, by which they can be fetched', async (content, version) => {
    put(content, 'Anna', 'CATEGORIES:Choir', `${content === 'contacts' ? 'NOTE' : 'DESCRIPTION'}:sings alto`)
    put(content, 'Bert')
    const phone = server.phone({ version })
    for (const wish of [{ classes: [classNames[content]] }, { folders: [folderOf[content]] }]) {
      const answer = await search(phone, { query: 'alto', options: [el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1'), el('AirSyncBase:TruncationSize', '5')])], ...wish })
      expect(answer).toMatchObject({ status: '1', store: '1', range: '0-0', total: '1' })
      const [hit] = answer.hits
      expect([hit!.class, hit!.folder, text(hit!.properties, titles[hit!.class]!)]).toEqual([classNames[content], folderOf[content], 'Anna'])
      const body = child(hit!.properties, 'AirSyncBase:Body')!
      expect([text(body, 'AirSyncBase:Data'), text(body, 'AirSyncBase:Truncated')]).toEqual(['sings', '1'])
      await phone.syncAll(folderOf[content], { options: { bodies: [{ type: 1, size: 5 }] } })
      const [synced] = [...phone.held(folderOf[content]).items.values()].filter(({ data }) => data && text(data, titles[classNames[content]]!) === 'Anna')
      expect(hit!.properties.children).toEqual(synced!.data!.children)
      expect(hit!.id).toBe(synced!.id)
      const fetched = descend(await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
        el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', hit!.id),
      ])])), 'ItemOperations:Response', 'ItemOperations:Fetch')
      expect([text(fetched, 'ItemOperations:Status'), text(fetched, 'Search:LongId')]).toEqual(['1', hit!.id])
      expect(text(child(child(fetched, 'ItemOperations:Properties')!, 'AirSyncBase:Body')!, 'AirSyncBase:Data')).toBe('sings alto')
    }
  })

  it.each(known)('of %s, %s, without a BodyPreference says how long a body is, and nothing of it', async (content, version) => {
    put(content, 'Anna', `${content === 'contacts' ? 'NOTE' : 'DESCRIPTION'}:sings alto`)
    const { hits: [hit] } = await search(server.phone({ version }), { query: 'anna', classes: [classNames[content]] })
    const body = child(hit!.properties, 'AirSyncBase:Body')!
    expect([text(body, 'AirSyncBase:Data') ?? '', text(body, 'AirSyncBase:EstimatedDataSize'), text(body, 'AirSyncBase:Truncated')]).toEqual(['', '10', '1'])
  })
})

describe('Search finds', () => {
  const cards = ['FN:Anna Maria Roe', 'N:Roe;Jürgen;Maria;;', 'NICKNAME:Annie', 'ORG:Häuser AG;Küche', 'TITLE:Cook', 'EMAIL;TYPE=WORK:a.roe@example.org', 'EMAIL:d4@x.example',
    'TEL;TYPE=CELL:+49 (221) 123-45', 'ADR;TYPE=HOME:;;Straße 5;Köln;;50667;Germany', 'URL:https://roe.example/', 'NOTE:owes me a cake', 'CATEGORIES:Choir,Work',
    'IMPP:xmpp:annie@chat.example', 'X-SPOUSE:Tom', 'item1.X-ABRELATEDNAMES:Mona', 'item1.X-ABLABEL:_$!<Manager>!$_']
  const event = ['LOCATION:Room 5', 'DESCRIPTION:what is to be said\\, and done', 'CATEGORIES:Work', 'ORGANIZER;CN=Bob Boss:mailto:bob@x.example',
    'ATTENDEE;CN="Carl, the Cook":mailto:carl@x.example', 'ATTACH;FMTTYPE=text/plain;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=',
    'BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:alarming', 'TRIGGER:-PT15M', 'END:VALARM']

  it.each<[string, ObjectContent, string, readonly string[], boolean]>([
    ['a name', 'contacts', 'roe', cards, true], ['in another case of letters', 'contacts', 'JÜRGEN', cards, true], ['with ß', 'contacts', 'straße', cards, true],
    ['however its accents are written', 'contacts', 'Ju\u0308rgen', cards, true],
    ['a nickname', 'contacts', 'annie', cards, true], ['a company', 'contacts', 'häuser', cards, true], ['a department', 'contacts', 'küche', cards, true],
    ['a job', 'contacts', 'cook', cards, true], ['an address', 'contacts', 'a.roe@example', cards, true], ['a street and a town', 'contacts', 'köln straße', cards, true],
    ['a number', 'contacts', '22112345', cards, true], ['a number with a hyphen', 'contacts', '123-45', cards, true], ['a number as it is dialled at home', 'contacts', '022112345', cards, true],
    ['a number as it is dialled abroad', 'contacts', '004922112345', cards, true], ['another number', 'contacts', '022112346', cards, false], ['no number of two digits', 'contacts', '91', cards, false],
    ['a note', 'contacts', 'cake', cards, true], ['a category', 'contacts', 'choir', cards, true], ['a page', 'contacts', 'roe.example', cards, true],
    ['a messenger', 'contacts', 'annie@chat', cards, true], ['a spouse', 'contacts', 'tom', cards, true], ['a manager', 'contacts', 'mona', cards, true],
    ['words in several places', 'contacts', 'maria cake köln', cards, true], ['not all of the words', 'contacts', 'maria bread', cards, false],
    ['a phrase', 'contacts', '"owes me"', cards, true], ['one or the other', 'contacts', 'bread OR cake', cards, true], ['one without the other', 'contacts', 'cake NOT maria', cards, false],
    ['by a property', 'contacts', 'subject:maria', cards, true], ['by another property', 'contacts', 'body:maria', cards, false],
    ['no names of properties', 'contacts', 'VCARD', cards, false],
    ['a place', 'calendar', 'room', event, true], ['a text, unescaped', 'calendar', '"said, and"', event, true], ['an organizer by name', 'calendar', 'from:boss', event, true],
    ['an organizer by address', 'calendar', 'bob@x.example', event, true], ['an attendee', 'calendar', 'to:carl', event, true], ['an attendee by address', 'calendar', 'carl@x', event, true],
    ['who meets, whether they invite or come', 'calendar', 'participants:boss', event, true], ['what has files', 'calendar', 'room hasattachment:true', event, true],
    ['no texts of alarms', 'calendar', 'alarming', event, false], ['no events by what only mail has', 'calendar', 'room isread:true', event, false],
    ['nor by the contrary', 'calendar', 'room isread:false', event, false], ['nor by a date', 'calendar', 'room received:2026-11-25', event, false],
    ['but by that or something else', 'calendar', 'room (isread:false OR said)', event, true],
    ['a text that is HTML only', 'calendar', 'rich text', ['X-ALT-DESC;FMTTYPE=text/html:<p>rich <b>text</b></p>'], true],
    ['the texts of an occurrence', 'calendar', 'moved', ['RRULE:FREQ=DAILY;COUNT=3', 'END:VEVENT', 'BEGIN:VEVENT', 'UID:Anna', 'RECURRENCE-ID:20261202T090000Z', 'DTSTART:20261202T100000Z', 'SUMMARY:moved'], true],
    ['a task by its text', 'tasks', 'bread', ['DESCRIPTION:Buy bread'], true], ['a task that is done', 'tasks', 'bread', ['DESCRIPTION:Buy bread', 'STATUS:COMPLETED', 'COMPLETED:20261101T080000Z'], true],
    ['a note by its text', 'notes', 'bread', ['DESCRIPTION:Buy bread'], true], ['a note by its category', 'notes', 'home', ['CATEGORIES:Home'], true],
  ])('%s', async (_, content, query, lines, there) => {
    put(content, 'Anna', ...lines)
    expect((await search(server.phone(), { query, classes: [classNames[content]] })).total).toBe(there ? '1' : '0')
  })

  it('mail, then events, then contacts, tasks and notes, where no class is named; those that are, else', async () => {
    const named: Readonly<Record<ObjectContent, readonly [string, string]>> = {
      calendar: ['Early', 'Late'], contacts: ['Bert', 'Anna'], tasks: ['Second', 'First'], notes: ['Zebra', 'Apple'],
    }
    for (const content of contents) for (const [n, name] of named[content].entries()) {
      put(content, name, ...(content === 'calendar' ? [`DTSTART:202612${n + 1}0T090000Z`] : []), content === 'contacts' ? 'NOTE:kitchen' : 'DESCRIPTION:kitchen')
    }
    const all = ['Email Kitchen offer', 'Calendar Late', 'Calendar Early', 'Contacts Anna', 'Contacts Bert', 'Tasks First', 'Tasks Second', 'Notes Apple', 'Notes Zebra']
    const phone = server.phone()
    const of = (...names: string[]): string[] => all.filter(one => names.some(name => one.startsWith(name)))
    expect(found(await search(phone, { query: 'kitchen' }))).toEqual(all)
    expect(found(await search(phone, { query: 'kitchen', folders: ['0'], deep: true }))).toEqual(all)
    expect(found(await search(phone, { query: 'kitchen', classes: ['Email'] }))).toEqual(of('Email'))
    expect(found(await search(phone, { query: 'kitchen', classes: ['Notes', 'Contacts'] }))).toEqual(of('Contacts', 'Notes'))
    expect(found(await search(phone, { query: 'kitchen', classes: ['SMS'] }))).toEqual([])
    expect(found(await search(phone, { query: 'kitchen', folders: [folderOf.tasks, folderOf.calendar] }))).toEqual(of('Calendar', 'Tasks'))
    expect(found(await search(phone, { query: 'kitchen', folders: [folderOf.tasks], classes: ['Calendar'] }))).toEqual([])
    expect(found(await search(server.phone({ version: '12.1' }), { query: 'kitchen' }))).toEqual(all.filter(one => !one.startsWith('Notes')))
  })

  it('page by page, across mail and objects, each once', async () => {
    for (const name of ['A', 'B', 'C']) put('contacts', name, 'NOTE:kitchen')
    put('notes', 'Note', 'DESCRIPTION:kitchen')
    const phone = server.phone(), pages: string[][] = []
    for (const range of ['0-1', '2-2', '3-9']) {
      const answer = await search(phone, { query: 'kitchen', range })
      expect([answer.store, answer.total]).toEqual(['1', '5'])
      pages.push(found(answer))
    }
    expect(pages).toEqual([['Email Kitchen offer', 'Contacts A'], ['Contacts B'], ['Contacts C', 'Notes Note']])
    expect(await search(phone, { query: 'kitchen', range: '5-9' })).toMatchObject({ store: '12', range: undefined, total: '5' })
  })

  it('what was there, without what has gone since, until results are rebuilt', async () => {
    for (const name of ['A', 'B']) put('contacts', name)
    const phone = server.phone(), names = async (rebuild: boolean) => found(await search(phone, { query: 'test', classes: ['Contacts'], rebuild }))
    expect(await names(false)).toEqual(['Contacts A', 'Contacts B'])
    put('contacts', 'C')
    user.collections.put(folderOf.contacts, 'A.vcf', undefined)
    expect(await names(false)).toEqual(['Contacts B'])
    expect(await names(true)).toEqual(['Contacts B', 'Contacts C'])
    put('contacts', 'B', 'NOTE:changed')
    put('contacts', 'D')
    expect(found(await search(phone, { query: 'changed', classes: ['Contacts'] }))).toEqual(['Contacts B'])
    user.collections.forget(folderOf.contacts)
    expect(await names(true)).toEqual(['Contacts B', 'Contacts C', 'Contacts D'])
    server.forget()
    expect(await names(false)).toEqual(['Contacts B', 'Contacts C', 'Contacts D'])
  })

  it('contacts that are people, and no lists of them', async () => {
    put('contacts', 'Anna')
    put('contacts', 'Club', 'X-ADDRESSBOOKSERVER-KIND:group')
    expect(found(await search(server.phone(), { query: 'test', classes: ['Contacts'] }))).toEqual(['Contacts Anna'])
  })

  it('the rest where an object is broken, and says so in the log', async () => {
    put('calendar', 'Anna')
    user.collections.put(folderOf.calendar, 'broken.ics', `${'BEGIN:X\r\n'.repeat(40)}`)
    user.collections.put(folderOf.calendar, 'untimed.ics', stored('tasks', 'Anna').replaceAll('VTODO', 'VEVENT'))
    expect(found(await search(server.phone(), { query: 'anna', classes: ['Calendar'] }))).toEqual(['Calendar Anna'])
    expect(server.log.filter(({ message }) => message === 'object left out').map(({ object }) => object)).toEqual(['broken.ics', 'untimed.ics'])
  })
})

describe('Search, where there are objects,', () => {
  it('finds none by what is asked of mail: a conversation, and when it was received', async () => {
    put('calendar', 'Kitchen')
    const phone = server.phone()
    const { hits: [hit] } = await search(phone, { query: 'offer' })
    const id = hit!.properties.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
    const after: Node = compare('GreaterThan', '2026-11-01')
    expect(found(await search(phone, { query: [el('Search:ConversationId', id)] }))).toEqual(['Email Kitchen offer'])
    expect(found(await search(phone, { query: [el('Search:ConversationId', id)], classes: ['Calendar'] }))).toEqual([])
    expect(found(await search(phone, { query: [after, el('Search:FreeText', 'kitchen')] }))).toEqual(['Email Kitchen offer'])
  })

  it('refuses elements of their classes, and a folder that is not there', async () => {
    const phone = server.phone()
    for (const tag of ['Calendar:Subject', 'Contacts:FirstName', 'Tasks:Subject', 'Notes:Subject'] as const) {
      expect((await search(phone, { query: [el('Search:FreeText', 'x'), el(tag, 'x')] })).store).toBe('2')
    }
    expect((await search(phone, { query: 'x', folders: ['c.99'] })).store).toBe('11')
  })

  it('says that their server is away, and searches mail without it', async () => {
    const phone = server.phone()
    user.collections.outage = new Failure('unavailable', 'gone')
    for (const wish of [{}, { classes: ['Contacts'] }, { folders: [folderOf.contacts] }]) {
      expect(text((await phone.command('Search', el('Search:Search', [el('Search:Store', [el('Search:Name', 'Mailbox'), el('Search:Query', [el('Search:And', [
        ...(wish.classes ?? []).map(one => el('AirSync:Class', one)), ...(wish.folders ?? []).map(one => el('AirSync:CollectionId', one)), el('Search:FreeText', 'kitchen'),
      ])])])])))!, 'Search:Status'), JSON.stringify(wish)).toBe('3')
    }
    expect(found(await search(phone, { query: 'kitchen', classes: ['Email'] }))).toEqual(['Email Kitchen offer'])
    expect(found(await search(phone, { query: 'kitchen', folders: [user.id('inbox')] }))).toEqual(['Email Kitchen offer'])
    user.collections.outage = new Failure('denied', 'no such user')
    expect(found(await search(phone, { query: 'kitchen' }))).toEqual(['Email Kitchen offer'])
  })

  it('refuses folders of more objects than one search reads', async () => {
    const octets = stored('notes', 'x')
    for (let n = 0; n < 20_001; n++) user.collections.put(folderOf.notes, `${n}.ics`, octets)
    expect((await search(server.phone(), { query: 'x', classes: ['Notes'] })).store).toBe('8')
  })

  it('gives up what takes too long, and says so', async () => {
    put('contacts', 'Anna')
    const { collections } = user, changes = collections.changes.bind(collections), now = performance.now.bind(performance)
    let passed = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passed)
    collections.changes = (...wish) => {
      passed = 31_000
      return changes(...wish)
    }
    expect((await search(server.phone(), { query: 'anna', classes: ['Contacts'] })).store).toBe('10')
    clock.mockRestore()
  })
})

it('Find is of mail alone: in a folder of objects it finds nothing', async () => {
  put('contacts', 'Anna', 'NOTE:kitchen')
  const phone = server.phone()
  expect(await find(phone, { query: 'kitchen', folder: folderOf.contacts })).toMatchObject({ status: '1', response: '1', total: '0' })
  expect((await find(phone, { query: 'kitchen' })).subjects).toEqual(['Kitchen offer'])
  expect(await find(phone, { query: 'kitchen', class: 'Contacts' })).toMatchObject({ status: '2' })
})

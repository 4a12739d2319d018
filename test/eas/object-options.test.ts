// What a client says about a collection of contacts, events, tasks or notes beside its items: Supported, FilterType, bodies, occurrences.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import type { ObjectContent } from '../../src/model/folder.ts'
import { child, decode, el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { keepAll } from '../conformance/kept.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { CollectionWish, PhoneCommand } from '../support/eas-sync.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { body, classNames, folderOf, stored, storedName } from '../support/objects-of-each-class.ts'

const now = new Date('2026-11-25T10:00:00Z')
let user: MemoryUser
let server: EasServer
beforeEach(async () => {
  user = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin' }, user, () => now)
})
afterEach(async () => {
  keepAll(server)
  await server.stop()
})

const put = (content: ObjectContent, name: string, ...lines: string[]): string =>
  user.collections.put(folderOf[content], storedName(content, name), stored(content, name, ...lines))
/** An element as it was told. */
const again = ({ tag, children, text: said }: Element): Node => el(tag as Tag, children.length ? children.map(again) : said)
const octets = (content: ObjectContent, name: string): string => user.collections.list(folderOf[content]).get(storedName(content, name)) ?? ''
const wishOf = (content: ObjectContent, more: Partial<CollectionWish> = {}): CollectionWish => ({ id: folderOf[content], class: classNames[content], ...more })
const only = (phone: Phone, content: ObjectContent) => [...phone.held(folderOf[content]).items.values()][0]!
const subjects = (phone: Phone, content: ObjectContent, tag: Tag): string[] =>
  [...phone.held(folderOf[content]).items.values()].map(({ data }) => text(data!, tag) ?? '').sort()

describe('Supported', () => {
  type Row = readonly [content: ObjectContent, lines: readonly string[], named: Tag, other: Tag, marks: readonly [named: RegExp, other: RegExp]]
  const rows: readonly Row[] = [
    ['contacts', ['TITLE:Boss', 'NICKNAME:Annie'], 'Contacts:JobTitle', 'Contacts2:NickName', [/TITLE:Boss/, /NICKNAME:Annie/]],
    ['calendar', ['LOCATION:Room 1', 'CATEGORIES:Home'], 'Calendar:Location', 'Calendar:Categories', [/LOCATION:Room 1/, /CATEGORIES:Home/]],
  ]
  /** What is left of two properties whose elements a Change leaves out. */
  async function left([content, lines, , , marks]: Row, supported: readonly Tag[] | undefined, version: Version, forget = false): Promise<boolean[]> {
    put(content, 'Anna', ...lines)
    const phone = server.phone({ version }), wish = wishOf(content)
    await phone.sync({ collections: [{ ...wish, key: '0', ...(supported ? { supported } : {}) }] })
    await phone.syncAll(wish.id, wish)
    if (forget) server.forget()
    await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Change', id: only(phone, content).id, data: body(content, version, 'Anne') }] }] })
    expect(octets(content, 'Anna')).toContain('Anne')
    return marks.map(mark => mark.test(octets(content, 'Anna')))
  }
  const each = rows.flatMap(row => (['2.5', '12.1', '14.0', '14.1'] as const).map(version => [row[0], version, row] as const))

  it.each(each)('of %s in version %s: without one, what is left out is cleared', async (_content, version, row) => {
    expect(await left(row, undefined, version)).toEqual([false, false])
  })
  it.each(each)('of %s in version %s: what is named is cleared when it is left out, and the rest is kept', async (_content, version, row) => {
    expect(await left(row, [row[2]], version)).toEqual([false, true])
  })
  it.each(each)('of %s in version %s: an empty one keeps all that is left out', async (_content, version, row) => {
    expect(await left(row, [], version)).toEqual([true, true])
  })
  it.each(each)('of %s in version %s: where it is forgotten, all is kept', async (_content, version, row) => {
    expect(await left(row, [row[2]], version, true)).toEqual([true, true])
  })
  it.each(['16.0', '16.1'] as const)('is not needed for events from 16.0 on: %s keeps what is left out', async version => {
    expect(await left(rows[1]!, undefined, version)).toEqual([true, true])
  })
})

describe('FilterType', () => {
  const events: readonly (readonly [name: string, lines: readonly string[], since: number])[] = [
    ['future', ['DTSTART:20270101T090000Z'], 4], ['endless', ['DTSTART:20200101T090000Z', 'RRULE:FREQ=YEARLY'], 4],
    ['ended', ['DTSTART:20200101T090000Z', 'RRULE:FREQ=YEARLY;COUNT=2'], 0], ['lastWeek', ['DTSTART:20261118T090000Z'], 4],
    ['threeWeeks', ['DTSTART:20261104T090000Z'], 5], ['twoMonths', ['DTSTART:20260925T090000Z'], 6], ['fiveMonths', ['DTSTART:20260625T090000Z'], 7],
    ['old', ['DTSTART:20250101T090000Z'], 0],
  ]
  const within = (filter: number): string[] => events.filter(([, , least]) => filter === 0 || (least > 0 && least <= filter)).map(([name]) => name).sort()

  it.each([0, 4, 5, 6, 7])('%d of a calendar shows what is within it, what is to come and what goes on without end', async filter => {
    for (const [name, lines] of events) put('calendar', name, ...lines)
    const phone = server.phone(), wish = wishOf('calendar', { options: { filter } })
    await phone.sync({ collections: [{ ...wish, key: '0' }] })
    expect(await phone.getItemEstimate([{ id: wish.id, filter }])).toMatchObject([{ status: '1', estimate: within(filter).length }])
    await phone.syncAll(wish.id, wish)
    expect(subjects(phone, 'calendar', 'Calendar:Subject')).toEqual(within(filter))
  })

  it('of a calendar that is widened adds, and that is narrowed takes away', async () => {
    for (const [name, lines] of events) put('calendar', name, ...lines)
    const phone = server.phone()
    for (const filter of [5, 7, 4, 0, 6]) {
      await phone.syncAll(folderOf.calendar, wishOf('calendar', { options: { filter } }))
      expect(subjects(phone, 'calendar', 'Calendar:Subject'), `FilterType ${filter}`).toEqual(within(filter))
    }
    expect(phone.held(folderOf.calendar).duplicates).toEqual([])
  })

  it('8 of tasks shows those that are to be done', async () => {
    put('tasks', 'open')
    put('tasks', 'done', 'STATUS:COMPLETED', 'COMPLETED:20261101T090000Z')
    const phone = server.phone()
    for (const filter of [8, 0, 8]) {
      await phone.syncAll(folderOf.tasks, wishOf('tasks', { options: { filter } }))
      expect(subjects(phone, 'tasks', 'Tasks:Subject')).toEqual(filter === 8 ? ['open'] : ['done', 'open'])
    }
    await phone.sync({ collections: [wishOf('tasks', { commands: [{ kind: 'Change', id: only(phone, 'tasks').id, data: [el('Tasks:Complete', '1'), el('Tasks:DateCompleted', '2026-11-25T10:00:00.000Z')] }] })] })
    expect(octets('tasks', 'open')).toContain('COMPLETED')
  })

  it('of contacts is left aside', async () => {
    put('contacts', 'Anna')
    const [one, other] = [server.phone({ deviceId: 'A' }), server.phone({ deviceId: 'B' })]
    await one.syncAll(folderOf.contacts, wishOf('contacts'))
    await other.syncAll(folderOf.contacts, wishOf('contacts', { options: { filter: 5 } }))
    expect(only(one, 'contacts').data).toEqual(only(other, 'contacts').data)
  })
})

describe.each(['contacts', 'calendar', 'tasks', 'notes'] as const)('the body of %s', content => {
  const property = content === 'contacts' ? 'NOTE' : 'DESCRIPTION'
  const long = 'long '.repeat(100).trimEnd()
  const known = versions.filter(version => since(version, content === 'notes' ? '14.0' : '12.0'))

  it.each(known)('is cut as the Options say, in version %s, until others say otherwise', async version => {
    put(content, 'Anna', `${property}:${long}`)
    const phone = server.phone({ version }), wish = wishOf(content)
    await phone.syncAll(wish.id, { ...wish, options: { bodies: [{ type: 1, size: 9 }] } })
    const cut = child(only(phone, content).data!, 'AirSyncBase:Body')!
    expect([text(cut, 'AirSyncBase:Data'), text(cut, 'AirSyncBase:Truncated'), text(cut, 'AirSyncBase:EstimatedDataSize')]).toEqual(['long long', '1', String(long.length)])
    put(content, 'Anna', `${property}:${long}!`)
    await phone.sync({ collections: [wish] })
    expect(text(child(only(phone, content).data!, 'AirSyncBase:Body')!, 'AirSyncBase:Data')).toBe('long long')
    put(content, 'Anna', `${property}:${long}`)
    await phone.sync({ collections: [{ ...wish, options: { bodies: [{ type: 1 }] } }] })
    expect(text(child(only(phone, content).data!, 'AirSyncBase:Body')!, 'AirSyncBase:Data')).toBe(long)
  })

  it.each(known)('is left as it is by a client that has a part of it and changes something else, in version %s', async version => {
    put(content, 'Anna', `${property}:${long}`)
    const phone = server.phone({ version }), wish = wishOf(content, { options: { bodies: [{ type: 1, size: 9 }] } })
    await phone.syncAll(wish.id, wish)
    const { id, data } = only(phone, content)
    await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Change', id, data: data!.children.map(again) }] }] })
    expect(octets(content, 'Anna').replaceAll('\r\n ', '')).toContain(long)
  })
})

describe('options that a key has no room for', () => {
  beforeEach(() => { user.collections.tokens = 'x'.repeat(33) })
  const bodies = [{ type: 1, size: 32_768 }, { type: 2, size: 32_768 }]

  it.each(['contacts', 'calendar'] as const)('are no news of %s to a Sync that waits and says them again, whatever process it comes to', async content => {
    put(content, 'Anna')
    const phone = server.phone(), wish = wishOf(content, { options: { bodies, conflict: 0 } })
    await phone.syncAll(wish.id, wish)
    for (const forget of [false, true]) {
      if (forget) server.forget()
      expect(await phone.sync({ heartbeat: 1, collections: [wish] })).toMatchObject({ empty: true })
      // As it said before.
      expect(await phone.sync({ heartbeat: 1, collections: [], empty: true })).toMatchObject({ empty: true, status: '' })
      const waiting = phone.sync({ heartbeat: 60, collections: [wish] })
      await expect.poll(() => user.collections.watching).toBe(1)
      put(content, 'Bob')
      await waiting
      expect(phone.held(wish.id).items.size).toBe(forget ? 3 : 2)
      put(content, 'Carl')
      await phone.syncAll(wish.id, wish)
    }
  })

  it('are those of what is told next', async () => {
    const phone = server.phone(), wish = wishOf('contacts')
    await phone.syncAll(wish.id, { ...wish, options: { bodies } })
    await phone.sync({ heartbeat: 1, collections: [{ ...wish, options: { bodies: [{ type: 1, size: 4 }, bodies[1]!] } }] })
    put('contacts', 'Anna', 'NOTE:long text')
    await phone.sync({ collections: [wish] })
    expect(text(child(only(phone, 'contacts').data!, 'AirSyncBase:Body')!, 'AirSyncBase:Data')).toBe('long')
  })

  it('are those of another key: a Sync that waits learns it at once, and once', async () => {
    const phone = server.phone(), wish = wishOf('contacts')
    await phone.syncAll(wish.id, { ...wish, options: { conflict: 1 } })
    for (const options of [{ conflict: 0 }, { bodies }] as const) {
      expect(await phone.sync({ heartbeat: 60, collections: [{ ...wish, options }] })).toMatchObject({ empty: false })
      expect(await phone.sync({ heartbeat: 1, collections: [{ ...wish, options }] })).toMatchObject({ empty: true })
    }
  })
})

describe('an event', () => {
  const series = ['DTSTART:20261201T090000Z', 'DTEND:20261201T100000Z', 'RRULE:FREQ=DAILY;COUNT=5', 'EXDATE:20261204T090000Z']
  const change = async (version: Version, ...data: Node[]): Promise<void> => {
    const phone = server.phone({ version })
    await phone.syncAll(folderOf.calendar, wishOf('calendar', { supported: [] }))
    await phone.sync({ collections: [wishOf('calendar', { commands: [{ kind: 'Change', id: only(phone, 'calendar').id, data }] })] })
  }
  const exceptions = (...starts: string[]): Node => el('Calendar:Exceptions', starts.map(start =>
    el('Calendar:Exception', [el('Calendar:ExceptionStartTime', start), el('Calendar:Subject', 'Other')])))

  it.each(['12.1', '14.1'] as const)('keeps its exceptions where a client says nothing of them, in version %s', async version => {
    put('calendar', 'Anna', ...series)
    await change(version, el('Calendar:Subject', 'Anne'))
    expect(octets('calendar', 'Anna')).toMatch(/EXDATE:20261204T090000Z/)
    expect(octets('calendar', 'Anna')).toContain('SUMMARY:Anne')
  })

  it.each(['12.1', '14.1'] as const)('keeps an exception that a client leaves out beside others, in version %s', async version => {
    put('calendar', 'Anna', ...series)
    const daily = el('Calendar:Recurrence', [el('Calendar:Type', '0'), el('Calendar:Interval', '1'), el('Calendar:Occurrences', '5')])
    await change(version, ...body('calendar', version, 'Anna'), daily, exceptions('20261202T090000Z'))
    expect(octets('calendar', 'Anna')).toMatch(/RECURRENCE-ID[^\r\n]*:20261202T090000Z/)
    expect(octets('calendar', 'Anna')).toMatch(/EXDATE:20261204T090000Z/)
  })

  it.each(['16.0', '16.1'] as const)('of a series is named by ServerId and InstanceId in a Change and a Delete of version %s', async version => {
    put('calendar', 'Anna', ...series)
    const phone = server.phone({ version }), wish = wishOf('calendar')
    await phone.syncAll(wish.id, wish)
    const { id } = only(phone, 'calendar')
    const { collections: [answer] } = await phone.sync({ collections: [{ ...wish, commands: [
      { kind: 'Change', id, instance: '20261202T090000Z', data: [el('Calendar:Subject', 'Other')] }, { kind: 'Delete', id, instance: '20261203T090000Z' },
    ] }] })
    expect(answer?.responses ?? []).toEqual([])
    expect(octets('calendar', 'Anna')).toMatch(/RECURRENCE-ID[^\r\n]*:20261202T090000Z/)
    expect(octets('calendar', 'Anna')).toMatch(/EXDATE[^\r\n]*20261203T090000Z/)
    expect(octets('calendar', 'Anna')).toContain('RRULE:FREQ=DAILY;COUNT=5')
  })

  it.each(['16.0', '16.1'] as const)('that is made in version %s has its UID in the answer, the one the client gave', async version => {
    const phone = server.phone({ version })
    await phone.syncAll(folderOf.calendar, wishOf('calendar'))
    const add = async (clientId: string, one = phone) => (await one.sync({ collections: [wishOf('calendar', { commands: [{ kind: 'Add', clientId, data: body('calendar', version, 'Anna') }] })] })).collections[0]!.responses
    const [first] = await add('n1')
    expect([first!.status, text(first!.data!, 'Calendar:UID')]).toEqual(['1', 'of-Anna'])
    // Again by another ClientId, and by another device: it is there already.
    const second = server.phone({ version, deviceId: 'SECOND' })
    await second.syncAll(folderOf.calendar, wishOf('calendar'))
    for (const [again] of [await add('n2'), await add('n3', second)]) expect([again!.id, again!.status]).toEqual([first!.id, '1'])
    expect(user.collections.list(folderOf.calendar).size).toBe(1)
  })

  it.each(['2.5', '12.1', '14.1'] as const)('that is made in version %s has none', async version => {
    const phone = server.phone({ version })
    await phone.syncAll(folderOf.calendar, wishOf('calendar'))
    const { collections: [answer] } = await phone.sync({ collections: [wishOf('calendar', { commands: [{ kind: 'Add', clientId: 'n', data: body('calendar', version, 'Anna') }] })] })
    expect(answer!.responses.map(({ status, data }) => [status, data])).toEqual([['1', undefined]])
  })

  it.each(['16.0', '16.1'] as const)('takes files in version %s, says their FileReferences by which they are fetched and deleted, and takes each once', async version => {
    const phone = server.phone({ version }), wish = wishOf('calendar')
    await phone.syncAll(wish.id, wish)
    const file = (clientId: string, content: string): Node => el('AirSyncBase:Attachments', [el('AirSyncBase:Add', [
      el('AirSyncBase:ClientId', clientId), el('AirSyncBase:DisplayName', 'a.txt'), el('AirSyncBase:Method', '1'), el('AirSyncBase:Content', Buffer.from(content)),
    ])])
    const ask = async (command: PhoneCommand) => (await phone.sync({ collections: [{ ...wish, commands: [command] }] })).collections[0]?.responses ?? []
    const referenceOf = (data: Element | undefined, clientId: string): string => {
      const one = child(child(data!, 'AirSyncBase:Attachments')!, 'AirSyncBase:Attachment')!
      expect(text(one, 'AirSyncBase:ClientId')).toBe(clientId)
      return text(one, 'AirSyncBase:FileReference')!
    }
    const [made] = await ask({ kind: 'Add', clientId: 'n', data: [...body('calendar', version, 'Anna'), file('f1', 'one')] })
    const first = referenceOf(made!.data, 'f1')
    const again = { kind: 'Change', id: made!.id, data: [file('f2', 'two')] } as const
    const [changed] = await ask(again)
    const second = referenceOf(changed!.data, 'f2')
    await ask({ ...again, data: [...again.data, el('Calendar:Subject', 'Anne')] })
    const [one, two] = await phone.fetch([{ file: first }, { file: second }])
    expect([one, two].map(each => Buffer.from(text(each!.properties!, 'ItemOperations:Data')!, 'base64').toString())).toEqual(['one', 'two'])
    const stored = (): string => [...user.collections.list(folderOf.calendar).values()][0]!
    expect(stored().match(/ATTACH/g)).toHaveLength(2)
    await ask({ kind: 'Change', id: made!.id, data: [el('AirSyncBase:Attachments', [el('AirSyncBase:Delete', [el('AirSyncBase:FileReference', first)])])] })
    expect(stored().match(/ATTACH/g)).toHaveLength(1)
  })

  it.each(['16.0', '16.1'] as const)('that has no such occurrence is told so in version %s, with the InstanceId', async version => {
    put('calendar', 'Anna', ...series)
    const phone = server.phone({ version }), wish = wishOf('calendar')
    await phone.syncAll(wish.id, wish)
    const { id } = only(phone, 'calendar'), instance = '20300101T090000Z'
    const { bytes } = await phone.sync({ collections: [{ ...wish, commands: [
      { kind: 'Change', id, instance, data: [el('Calendar:Subject', 'Other')] }, { kind: 'Delete', id, instance },
    ] }] })
    const responses = child(decode(bytes).children[0]!.children[0]!, 'AirSync:Responses')!.children
    expect(responses.map(one => [one.tag, text(one, 'AirSync:ServerId'), text(one, 'AirSyncBase:InstanceId'), text(one, 'AirSync:Status')])).toEqual([
      ['AirSync:Change', id, instance, '8'], ['AirSync:Delete', id, instance, '8'],
    ])
  })

  it.each(['16.0', '16.1'] as const)('loses its place by an empty Location in version %s', async version => {
    put('calendar', 'Anna', 'LOCATION:Room 1')
    await change(version, el('AirSyncBase:Location'))
    expect(octets('calendar', 'Anna')).not.toContain('LOCATION')
  })

  it.each(['16.0', '16.1'] as const)('has a text that is plain or HTML in version %s, whatever else a client would take', async version => {
    put('calendar', 'Anna', 'DESCRIPTION:plain', 'X-ALT-DESC;FMTTYPE=text/html:<p>rich</p>')
    const phone = server.phone({ version })
    for (const type of [1, 2, 4]) {
      await phone.syncAll(folderOf.calendar, wishOf('calendar', { key: '0' }))
      await phone.syncAll(folderOf.calendar, wishOf('calendar', { options: { bodies: [{ type }] } }))
      expect(text(child(only(phone, 'calendar').data!, 'AirSyncBase:Body')!, 'AirSyncBase:Type')).toBe(type === 2 ? '2' : '1')
    }
  })

  it('of a UID that another has is an item of its own', async () => {
    put('calendar', 'Anna')
    user.collections.put(folderOf.calendar, 'second.ics', stored('calendar', 'Anna'))
    const phone = server.phone()
    await phone.syncAll(folderOf.calendar, wishOf('calendar'))
    expect(subjects(phone, 'calendar', 'Calendar:Subject')).toEqual(['Anna', 'Anna'])
    const [first] = [...phone.held(folderOf.calendar).items.keys()] as [string]
    await phone.sync({ collections: [wishOf('calendar', { commands: [{ kind: 'Delete', id: first }] })] })
    expect(user.collections.list(folderOf.calendar).size).toBe(1)
  })
})

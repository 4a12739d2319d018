// What a store of objects promises, held against real servers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { davClient, type DavClient } from '../../src/backend/dav-client.ts'
import { davLists, type DavLists } from '../../src/backend/dav-lists.ts'
import { davStore, type DavStore } from '../../src/backend/dav-store.ts'
import type { Folder, FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { emptyMemory } from '../support/memories.ts'

let house: House
beforeAll(async () => { house = await startHouse({ exim: false, radicale: true, xandikos: true }) })
afterAll(() => house.stop())

const event = (uid: string, summary = uid, start = '20261201T100000Z'): Buffer => Buffer.from([
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20261101T000000Z', `DTSTART:${start}`, 'DURATION:PT1H',
  `SUMMARY:${summary}`, 'END:VEVENT', 'END:VCALENDAR', '',
].join('\r\n'))
const card = (uid: string, name = 'Anna'): Buffer => Buffer.from(
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name}`, `N:${name};;;;`, 'END:VCARD', ''].join('\r\n'))

type Kind = { readonly name: string; url(): string; login(): string; readonly syncs: boolean; readonly checks: boolean }
const kinds: readonly Kind[] = [
  { name: 'Radicale', url: () => house.radicale.url, login: () => 'bob@postern.test', syncs: true, checks: true },
  { name: 'Radicale without sync-collection', url: () => house.radicale.url, login: () => 'carol@postern.test', syncs: false, checks: true },
  { name: 'Xandikos', url: () => house.xandikos.url, login: () => 'anna@postern.test', syncs: true, checks: false },
]

/** As it is, or as a server is that tells no changes. */
function storeOf({ url, login, syncs }: Kind, more: object = {}): DavStore {
  const server = { url: url(), pollSeconds: 1, ...more }
  const client = davClient(server, { kind: 'password', user: login(), password: 'secret' }, 20)
  const lists: DavLists = davLists(emptyMemory())
  const [local = '', domain = ''] = login().split('@')
  const plain: DavClient = { ...client, ask: async wish => {
    const answer = await client.ask(wish)
    const chunks: Uint8Array[] = []
    for await (const chunk of answer.body) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8').replace(/<(\w+:)?sync-collection ?\/>/g, '')
    return { ...answer, body: (async function* () { yield Buffer.from(text) })() }
  } }
  return davStore({ server, client: syncs ? client : plain, user: { login: login(), local, domain }, lists })
}

describe.each(kinds)('a store of objects on $name', kind => {
  let store: DavStore
  let calendar: FolderId, contacts: FolderId
  const stores: DavStore[] = []
  const another = (): DavStore => {
    const one = storeOf(kind)
    stores.push(one)
    return one
  }
  beforeAll(async () => {
    store = another()
    const folders = await store.folders()
    const first = (content: Folder['content']) => folders.find(one => one.content === content && one.isDefault)!.id
    calendar = first('calendar')
    contacts = first('contacts')
  })
  afterAll(() => Promise.all(stores.map(one => one.close())))

  it('finds the collections, makes what is missing, and finds the same again', async () => {
    const folders = await store.folders()
    expect(new Set(folders.map(({ content }) => content))).toEqual(new Set(['calendar', 'contacts', 'tasks', 'notes']))
    expect(folders.every(({ id, selectable, readOnly }) => /^[ctnb]\./.test(id) && selectable && !readOnly)).toBe(true)
    expect(await another().folders()).toEqual(folders)
  })

  it('makes what is missing once, also where two find it missing at the same time', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => storeOf({ ...kind, login: () => 'erin@postern.test' }).folders()))
    expect(one).toEqual(two)
    expect(one!.map(({ content }) => content).sort()).toEqual(['calendar', 'contacts', 'notes', 'tasks'])
  })

  it('makes, renames and deletes collections, the id staying', async () => {
    const made = await store.createFolder('calendar', 'Team & <Friends>')
    expect(made).toMatchObject({ name: 'Team & <Friends>', content: 'calendar' })
    await expect(store.createFolder('calendar', 'Team & <Friends>')).rejects.toMatchObject({ kind: 'exists' })
    expect(await store.renameFolder(made.id, '2026')).toMatchObject({ id: made.id, name: '2026' })
    expect((await another().folder(made.id)).name).toBe('2026')
    await store.deleteFolder(made.id)
    await expect(store.folder(made.id)).rejects.toMatchObject({ kind: 'not-found' })
    const book = await store.createFolder('contacts', '2027')
    expect((await another().folder(book.id)).name).toBe('2027')
    await store.deleteFolder(book.id)
  })

  it('writes, reads, tells and removes', async () => {
    const before = await store.changes(calendar, undefined)
    const { etag } = await store.write(calendar, 'a b&c.ics', event('1'), 'new')
    const now = await store.changes(calendar, before.token)
    expect(now.present).toEqual([{ name: 'a b&c.ics', etag: etag ?? now.present[0]?.etag }])
    expect(now.gone).toEqual([])
    const stored = await store.read(calendar, 'a b&c.ics')
    expect(stored?.octets.toString()).toContain('SUMMARY:1\r\n')
    expect(await store.objects(calendar, ['a b&c.ics', 'none.ics'])).toMatchObject([{ name: 'a b&c.ics', etag: stored?.etag }])
    await store.write(calendar, 'a b&c.ics', event('1', 'later'), { etag: stored!.etag })
    const later = await store.changes(calendar, now.token)
    expect(later.present.map(({ name }) => name)).toEqual(['a b&c.ics'])
    await store.remove(calendar, 'a b&c.ics', later.present[0]!.etag)
    expect(await store.changes(calendar, later.token)).toMatchObject({ present: [], gone: ['a b&c.ics'] })
    expect(await store.read(calendar, 'a b&c.ics')).toBeUndefined()
    await store.remove(calendar, 'a b&c.ics', later.present[0]!.etag)
  })

  it('keeps what somebody else wrote meanwhile', async () => {
    await store.write(calendar, 'conflict.ics', event('2'), 'new')
    const { etag } = (await store.read(calendar, 'conflict.ics'))!
    await store.write(calendar, 'conflict.ics', event('2', 'somebody else'), undefined)
    await expect(store.write(calendar, 'conflict.ics', event('2', 'mine'), { etag })).rejects.toMatchObject({ kind: 'conflict' })
    await expect(store.write(calendar, 'conflict.ics', event('2', 'mine'), 'new')).rejects.toMatchObject({ kind: 'exists' })
    await expect(store.remove(calendar, 'conflict.ics', etag)).rejects.toMatchObject({ kind: 'conflict' })
    expect((await store.read(calendar, 'conflict.ics'))!.octets.toString()).toContain('somebody else')
  })

  it('moves to another collection, unless there is such an object', async () => {
    const other = await store.createFolder('calendar', 'Other')
    await store.write(calendar, 'moved.ics', event('3'), 'new')
    await store.move({ folder: calendar, name: 'moved.ics' }, other.id)
    expect((await store.read(other.id, 'moved.ics'))?.octets.toString()).toContain('UID:3')
    expect(await store.read(calendar, 'moved.ics')).toBeUndefined()
    await store.deleteFolder(other.id)
  })

  it('tells events by the time they take place', async () => {
    await store.write(calendar, 'old.ics', event('4', 'old', '20200101T100000Z'), 'new')
    await store.write(calendar, 'new.ics', event('5', 'new', '20270101T100000Z'), 'new')
    const within = await store.within(calendar, new Date('2026-12-15'))
    expect([within.has('new.ics'), within.has('old.ics')]).toEqual([true, false])
    expect([...await store.within(calendar, new Date('2019-12-15'), new Date('2020-02-01'))]).toEqual(['old.ics'])
  })

  it('refuses a token it never gave, and what is no calendar', async () => {
    await expect(store.changes(calendar, 'http://radicale.org/ns/sync/' + '0'.repeat(64))).rejects.toMatchObject({ kind: 'stale' })
    if (kind.checks) await expect(store.write(calendar, 'bad.ics', Buffer.from('no calendar'), 'new')).rejects.toMatchObject({ kind: expect.stringMatching(/malformed|unavailable|denied/) as string })
    await expect(store.folder('c.AAAAAAAAAAA' as FolderId)).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('sees in one request which collections changed', async () => {
    const tokens = new Map<FolderId, string>()
    for (const id of [calendar, contacts]) tokens.set(id, (await store.changes(id, undefined)).token)
    expect(await store.changed(tokens)).toEqual(new Set())
    await another().write(contacts, 'anna.vcf', card('anna'), undefined)
    expect(await store.changed(tokens)).toEqual(new Set([contacts]))
    expect(await store.changed(new Map([['c.AAAAAAAAAAA' as FolderId, 'x']]))).toEqual(new Set(['c.AAAAAAAAAAA']))
  })

  it('hears what others do, and at once what is done in the same process', async () => {
    const over = new AbortController(), heard: string[] = []
    let ready = false
    const done = store.watch([calendar, contacts], over.signal, { ready: () => { ready = true }, changed: id => heard.push(id), lost: () => {} })
    await expect.poll(() => ready).toBe(true)
    await another().write(contacts, 'bob.vcf', card('bob'), undefined)
    await expect.poll(() => heard).toContain(contacts)
    await store.write(calendar, 'now.ics', event('6'), undefined)
    expect(heard).toContain(calendar)
    over.abort()
    await done
  })
})

describe('a DAV server', () => {
  const given: DavStore[] = []
  const open = (server: object, password = 'secret'): DavStore => {
    const client = davClient({ url: house.radicale.url, ...server }, { kind: 'password', user: 'dave@postern.test', password }, 5)
    const store = davStore({
      server: { url: house.radicale.url, ...server }, client, lists: davLists(emptyMemory()),
      user: { login: 'dave@postern.test', local: 'dave', domain: 'postern.test' },
    })
    given.push(store)
    return store
  }
  afterAll(() => Promise.all(given.map(one => one.close())))

  it('that refuses the password has no empty list, but a refusal', async () => {
    await expect(open({}, 'wrong').folders()).rejects.toMatchObject({ kind: 'denied' })
  })

  it('is found without discovery where its homes are configured', async () => {
    const store = open({ calendars: `${house.radicale.url}{login}/`, contacts: `${house.radicale.url}{login}/` })
    expect((await store.folders()).map(({ content }) => content).sort()).toEqual(['calendar', 'contacts', 'notes', 'tasks'])
  })

  it('that is away is told by what it said before, for folders, and not at all for what is in them', async () => {
    const store = open({})
    const folders = await store.folders()
    await house.radicale.stop()
    try {
      expect(await store.folders()).toEqual(folders)
      await expect(store.changes(folders[0]!.id, undefined)).rejects.toMatchObject({ kind: 'unavailable' })
      await expect(open({}).folders()).rejects.toMatchObject({ kind: 'unavailable' })
    } finally {
      await house.radicale.start()
    }
  })
})

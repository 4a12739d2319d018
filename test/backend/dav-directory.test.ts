// The address list in an address book: on real servers that look for names, and that do not; what bad servers say is never an empty list.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { BookDirectory } from '../../src/backend/address-list.ts'
import { davMemory } from '../../src/backend/connect.ts'
import type { BookConfig } from '../../src/backend/dav-directory.ts'
import { multistatus, row, scriptedDav, type Misdeed, type ScriptedDav } from '../support/bad-dav.ts'
import { card, cards, openBook } from '../support/book.ts'
import { DavUser } from '../support/dav-user.ts'
import { startHouse, type House } from '../support/live.ts'
import { bobDer } from '../support/memory-directory.ts'
import { photo } from '../support/people.ts'

let house: House
const opened: BookDirectory[] = []

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, xandikos: true, users: 2 })
  house.radicale.seed('bob@postern.test', 'people', { tag: 'VADDRESSBOOK' }, cards(bobDer))
  const user = new DavUser(house.xandikos.url, 'anna', 'x', '/anna/contacts/')
  await user.open('contacts')
  for (const [name, text] of cards(bobDer)) await user.put(encodeURIComponent(name), text)
}, 60_000)
afterEach(() => { for (const one of opened.splice(0)) one.close() })
afterAll(() => house?.stop())

function open(config: BookConfig, memory = davMemory()): BookDirectory {
  const directory = openBook({ timeoutSeconds: 5, ...config }, memory)
  opened.push(directory)
  return directory
}

const account = { user: 'bob@postern.test', password: 'secret' }
const kinds = [
  { name: 'Radicale, which looks for names', looks: true, config: (): BookConfig => ({ url: `${house.radicale.url}bob%40postern.test/people`, account }) },
  { name: 'Xandikos, which does not', looks: false, config: (): BookConfig => ({ url: `${house.xandikos.url}anna/contacts/addressbook/`, account }) },
]

describe.each(kinds)('an address book on $name', ({ config, looks }) => {
  it.each<[string, string, string[]]>([
    ['the beginning of a first and a last name', 'bo bui', ['Bob Builder']],
    ['the words the other way round', 'builder, bob', ['Bob Builder']],
    ['letters that are no capitals of ASCII', 'øYSTEIN weiß', ['Øystein Weiß']],
    ['capitals of other letters', 'ØYSTEIN', ['Øystein Weiß']],
    ['a second address', 'bob@home', ['Bob Builder']],
    ['nobody by a nickname', 'bobby', []],
    ['letters of which none is of ASCII', 'žž', ['Žž Ђ']],
    ['what means something in XML', '<name> &', ['Odd <Name> & Co']],
    ['a name with a comma', 'example ann', ['Example, Ann']],
    ['somebody without an address', 'nomail', []],
    ['the middle of a word', 'uilder', []],
    ['nobody', 'zoe', []],
    ['several', 'builder', ['Bob Builder', 'Carl Builder']],
  ])('finds %s', async (_, words, found) => {
    const { entries, total } = await open(config()).search(words, 100)
    expect([entries.map(({ displayName }) => displayName), total]).toEqual([found, found.length])
  })

  it('tells all there is of somebody, the preferred address first', async () => {
    const { entries: [bob] } = await open(config()).search('bob', 10)
    expect(bob).toEqual({
      id: expect.stringMatching(/bob\.vcf$/) as string, kind: 'gal', displayName: 'Bob Builder', addresses: ['bob@postern.test', 'bob@home.test'], alias: 'bobby',
      firstName: 'Bob', lastName: 'Builder', phone: '+1 555', homePhone: '+1 556', mobilePhone: '+1 557', title: 'Head', company: 'Postern',
    })
  })

  it('counts more than it shows, and sorts by name', async () => {
    const few = await open({ ...config(), most: 3 }).search('jürgen', 1000)
    expect([few.entries.map(({ displayName }) => displayName), few.total]).toEqual([['Jürgen Many00', 'Jürgen Many01', 'Jürgen Many02'], 60])
    expect((await open(config()).search('JÜRGEN', 5)).total).toBe(60)
  })

  it.each<[string, string, string[]]>([
    ['an address', 'BOB@home.test', ['Bob Builder']], ['an address with a name', 'Whoever <carl@postern.test>', ['Carl Builder']],
    ['a name that is unique', 'bob builder', ['Bob Builder']],
    ['a name of several', 'Builder', ['Bob Builder', 'Carl Builder']], ['the beginning of an address', 'bob@postern', []], ['nobody', 'Zoe', []],
  ])('resolves %s', async (_, recipient, found) => {
    expect((await open(config()).resolve(recipient, 100)).entries.map(({ displayName }) => displayName)).toEqual(found)
  })

  it('shows pictures and certificates octet for octet, or none', async () => {
    const directory = open(config())
    const id = async (name: string): Promise<string> => (await directory.search(name, 10)).entries[0]!.id
    expect(Buffer.from((await directory.photo(await id('carl')))!)).toEqual(Buffer.from(photo(3000)))
    expect(await directory.photo(await id('bob'))).toBeUndefined()
    expect((await directory.certificates(await id('bob'))).certificates.map(der => Buffer.from(der))).toEqual([bobDer])
    expect(await directory.certificates(await id('odd'))).toEqual({ members: 1, certificates: [] })
    const gone = (await id('bob')).replace('bob.vcf', 'gone.vcf')
    expect([await directory.photo(gone), await directory.certificates(gone)]).toEqual([undefined, { members: 1, certificates: [] }])
  })

  it('knows whether its server looks for names', async () => {
    expect(await open(config()).book.looks('Bob Builder')).toBe(looks)
  })

  it.each<[string, () => Partial<BookConfig>, string]>([
    ['a book that is not there', () => ({ url: config().url.replace(/people|addressbook/, 'none') }), 'not-found'],
    ['what is no book', () => ({ url: config().url.replace(/people|addressbook/, '') }), 'unavailable'],
    ['a server that is not there', () => ({ url: 'http://127.0.0.1:1/' }), 'unavailable'],
    ...(looks ? [['a wrong password', () => ({ account: { ...account, password: 'wrong' } }), 'unavailable'] as [string, () => Partial<BookConfig>, string]] : []),
  ])('%s is a failure, not empty', async (_, over, kind) => {
    await expect(open({ ...config(), ...over() }).search('bob', 10)).rejects.toMatchObject({ kind })
    await expect(open({ ...config(), ...over() }).resolve('bob@postern.test', 10)).rejects.toMatchObject({ kind })
  })

  it.each([['no word', ' , ', 'malformed'], ['too many words', 'a '.repeat(50), 'too-large'], ['too much', 'a'.repeat(300), 'too-large']])('refuses %s', async (_, words, kind) => {
    await expect(open(config()).search(words, 10)).rejects.toMatchObject({ kind })
  })
})

describe('a bad server', () => {
  let dav: ScriptedDav
  const path = '/dav/anna/book/'
  beforeAll(async () => {
    dav = await scriptedDav()
    for (const [name, text] of cards(bobDer)) dav.objects.get('book/')!.set(name, text)
  })
  afterEach(() => { dav.misdeed = undefined })
  afterAll(() => dav.close())
  const bad = (memory = davMemory()): BookDirectory => open({ url: `${dav.url}dav/anna/book/`, account, timeoutSeconds: 1 }, memory)
  const queried = (body: string): boolean => body.includes('addressbook-query')
  const names = async (directory: BookDirectory, words: string): Promise<string[]> => (await directory.search(words, 100)).entries.map(({ displayName }) => displayName)
  const data = (uid: string, text: string): string => row(`${path}${uid}.vcf`, `<d:getetag>"1"</d:getetag><a:address-data>${text}</a:address-data>`)

  it.each<[string, Misdeed]>([
    ['refuses', (_, answer) => (answer.writeHead(401).end(), true)], ['fails', (_, answer) => (answer.writeHead(503).end(), true)],
    ['forbids', (_, answer) => (answer.writeHead(403).end(), true)], ['answers in HTML', (_, answer) => (answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Log in'), true)],
    ['breaks off', (_, answer) => (answer.writeHead(207).write('<d:multistatus xmlns:d="DAV:">'), answer.destroy(), true)], ['says nothing', () => true],
    ['sends its user away', (_, answer) => (answer.writeHead(302, { location: 'http://localhost:1/' }).end(), true)],
  ])('that %s has no empty book', async (_, misdeed) => {
    dav.misdeed = misdeed
    const asks: ((of: BookDirectory) => Promise<unknown>)[] = [
      of => of.search('bob', 10), of => of.resolve('bob@postern.test', 10), of => of.photo(`${path}bob.vcf`), of => of.certificates(`${path}bob.vcf`),
    ]
    for (const ask of asks) {
      await expect(ask(bad())).rejects.toMatchObject({ kind: expect.stringMatching(/unavailable|denied/) as string })
    }
  })

  it('that looks for nobody is not believed, and the book is read', async () => {
    dav.misdeed = (asked, answer) => queried(asked.body) ? (multistatus(answer, ''), true) : undefined
    const directory = bad()
    expect(await names(directory, 'builder')).toEqual(['Bob Builder', 'Carl Builder'])
    const before = dav.asked.length
    expect(await names(directory, 'øystein')).toEqual(['Øystein Weiß'])
    expect(dav.asked.length).toBe(before)
  })

  it('that finds whole names only is not believed either', async () => {
    dav.misdeed = (asked, answer) => queried(asked.body) && asked.body.includes('>bob<') ? (multistatus(answer, data('other', card('other', 'Bob', 'EMAIL:b@x.test'))), true)
      : queried(asked.body) ? (multistatus(answer, ''), true) : undefined
    expect(await names(bad(), 'bob')).toEqual(['Bob Builder'])
  })

  it('that looks slowly is asked no more, once the book is there; that takes too long fails once', async () => {
    let delay = 1200
    dav.misdeed = (asked, answer) => {
      if (!queried(asked.body)) return undefined
      setTimeout(() => multistatus(answer, data('bob', cards(bobDer)[0]![1])), delay)
      return true
    }
    const memory = davMemory()
    const directory = openBook({ url: `${dav.url}dav/anna/book/`, account, timeoutSeconds: 5 }, memory)
    opened.push(directory)
    expect(await names(directory, 'bo bui')).toEqual(['Bob Builder'])
    await vi.waitUntil(() => memory.copies.size > 0, 5000)
    const before = dav.asked.length
    expect(await names(directory, 'carl')).toEqual(['Carl Builder'])
    expect(dav.asked.length).toBe(before)

    delay = 6000
    const impatient = bad()
    await expect(impatient.search('bob', 10)).rejects.toMatchObject({ kind: 'unavailable' })
    await vi.waitUntil(() => impatient.search('carl', 10).then(({ total }) => total === 1, () => false), { timeout: 5000, interval: 200 })
    expect(dav.asked.filter(({ body }) => body.includes('>carl<')).length).toBe(0)
  }, 20_000)

  it('is asked for plain letters only, as Cyrus knows no capitals of others', async () => {
    expect(await names(bad(), 'ØYSTEIN weiß')).toEqual(['Øystein Weiß'])
    expect(dav.asked.filter(({ body }) => queried(body)).at(-1)!.body.match(/>([^<]*)<\/A:text-match>/g)).toEqual(['>ystein</A:text-match>', '>ystein</A:text-match>'])
  })

  it('that tells a part of what it found is not believed to have told all', async () => {
    dav.misdeed = (asked, answer) => queried(asked.body)
      ? (multistatus(answer, data('bob', cards(bobDer)[0]![1]) + `<d:response><d:href>${path}</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>`), true) : undefined
    expect(await names(bad(), 'builder')).toEqual(['Bob Builder', 'Carl Builder'])
  })

  it('a copy of a book follows what changes, and fails when the server does', async () => {
    const memory = davMemory()
    dav.misdeed = (asked, answer) => queried(asked.body) ? (answer.writeHead(501).end(), true) : undefined
    const directory = bad(memory)
    expect(await names(directory, 'newcomer')).toEqual([])
    dav.objects.get('book/')!.set('new.vcf', card('new', 'New Newcomer', 'EMAIL:new@postern.test'))
    dav.objects.get('book/')!.set('bad.vcf', 'no card at all')
    dav.objects.get('book/')!.delete('carl.vcf')
    expect(await names(directory, 'newcomer')).toEqual([])
    const age = (): void => { for (const [slot, copy] of memory.copies.entries()) memory.copies.set(slot, { ...copy, at: -1e9 }, { size: 1000 }) }
    age()
    const before = dav.asked.length
    expect(await names(directory, 'newcomer')).toEqual(['New Newcomer'])
    expect(dav.asked.slice(before).filter(({ body }) => body.includes('multiget')).map(({ body }) => [...body.matchAll(/href>/g)].length / 2)).toEqual([2])
    expect(await names(directory, 'builder')).toEqual(['Bob Builder'])
    age()
    const idle = dav.asked.length
    expect(await names(directory, 'newcomer')).toEqual(['New Newcomer'])
    expect(dav.asked.length - idle).toBe(1)
    age()
    dav.misdeed = (_, answer) => (answer.writeHead(503).end(), true)
    await expect(directory.search('newcomer', 10)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

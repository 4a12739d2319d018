// The address list in Search and in Find, side by side.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { el, text } from '../../src/wire/wbxml.ts'
import { findGal, searchGal, type GalAnswer, type GalWish } from '../support/eas-directory.ts'
import { find as findMail, search as searchMail } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { builders, MemoryDirectory } from '../support/memory-directory.ts'

let server: EasServer
let directory: MemoryDirectory
beforeEach(async () => {
  server = await easServer()
  server.account.directory = directory = builders()
})
afterEach(() => server.stop())

const ask = (command: string, wish: GalWish, version = '16.1'): Promise<GalAnswer> =>
  (command === 'Search' ? searchGal : findGal)(server.phone({ version }), wish)

describe.each(['Search', 'Find'])('%s in the address list', command => {
  it('shows what there is of somebody', async () => {
    expect(await ask(command, { query: 'bob' })).toEqual({
      status: '1', store: '1', range: '0-0', total: '1', hits: [{
        DisplayName: 'Bob Builder', Phone: '+1 555', Office: 'B 12', Title: 'Head', Company: 'Postern', Alias: 'bob', FirstName: 'Bob', LastName: 'Builder',
        HomePhone: '+1 556', MobilePhone: '+1 557', EmailAddress: 'bob@postern.test',
      }],
    })
    expect((await ask(command, { query: 'carol' })).hits).toEqual([{ DisplayName: 'Carol Builder', Alias: 'carol', EmailAddress: 'carol@postern.test' }])
  })

  it.each<[string, string, string | undefined, string, string[]]>([
    ['the first', '0-0', '0-0', '3', ['Bob Builder']],
    ['the next', '1-2', '1-2', '3', ['Carol Builder', 'Dörte Builder']],
    ['more than there are', '0-9', '0-2', '3', ['Bob Builder', 'Carol Builder', 'Dörte Builder']],
  ])('shows %s', async (_, asked, range, total, names) => {
    const found = await ask(command, { query: 'builder', range: asked })
    expect([found.store, found.range, found.total, found.hits.map(({ DisplayName }) => DisplayName)]).toEqual(['1', range, total, names])
  })

  it('is told of nobody in mail', async () => {
    server.account.deliver('inbox', 'From: Bob Builder <bob@postern.test>\nSubject: house\n\nx\n')
    const { hits } = await (command === 'Search' ? searchMail : findMail)(server.phone(), { query: 'house' })
    expect(hits.map(({ properties }) => properties.children.filter(({ tag }) => tag.startsWith('Gal:')))).toEqual([[]])
  })

  it('shows nobody where nobody is', async () => {
    expect(await ask(command, { query: 'zoe' })).toEqual({ status: '1', store: '1', range: undefined, total: '0', hits: [] })
  })

  it('shows a hundred at most', async () => {
    server.account.directory = new MemoryDirectory(Array.from({ length: 130 }, (_, n) => ({ displayName: `Ann ${String(n).padStart(3, '0')}`, addresses: [`a${n}@x.test`] })))
    const first = await ask(command, { query: 'ann' }), all = await ask(command, { query: 'ann', range: '0-199' }), rest = await ask(command, { query: 'ann', range: '100-199' })
    expect([first.store, first.range, first.total]).toEqual(['1', '0-99', '130'])
    expect([all.range, rest.range, rest.hits.length, rest.hits[0]!['DisplayName']]).toEqual(['0-99', '100-129', 30, 'Ann 100'])
    // Only Search has a status for it.
    expect([all.store, rest.store]).toEqual(command === 'Search' ? ['12', '1'] : ['1', '1'])
  })

  it.each<[string, NonNullable<GalWish['picture']>, string[]]>([
    ['without limits', {}, ['1 5', '173', '1 5000']],
    ['that are small', { size: 100 }, ['1 5', '173', '174']],
    ['in a small number', { count: 1 }, ['1 5', '173', '175']],
    ['none', { count: 0 }, ['175', '173', '175']],
    ['none of any size', { size: 0 }, ['174', '173', '174']],
  ])('shows photos, %s', async (_, picture, expected) => {
    expect((await ask(command, { query: 'builder', picture })).hits.map(({ Picture }) => Picture)).toEqual(expected)
  })

  it('shows no more photos than fit in an answer', async () => {
    server.account.directory = new MemoryDirectory(
      Array.from({ length: 50 }, (_, n) => ({ displayName: `Ann ${n}`, addresses: [`a${n}@x.test`], photo: Buffer.alloc(102_400, n) })))
    const { hits } = await ask(command, { query: 'ann', picture: {} })
    expect([hits.filter(({ Picture }) => Picture === '1 102400').length, hits.filter(({ Picture }) => Picture === '175').length]).toEqual([40, 10])
  })

  it('is not empty while the directory is away', async () => {
    directory.outage = new Failure('unavailable', 'gone')
    const { status, store } = await ask(command, { query: 'bob' }).catch(() => ({ status: 'none', store: '' }))
    expect(command === 'Search' ? [status, store] : status).toEqual(command === 'Search' ? ['1', '7'] : '111')
  })

  it('says that there is none', async () => {
    server.account.directory = undefined
    expect(await ask(command, { query: 'bob' })).toMatchObject({ status: '1', store: command === 'Search' ? '6' : '2', hits: [], total: undefined })
  })

  it.each<[string, GalWish, string]>([
    ['no word', { query: ' ' }, '2'],
    ['a range that is none', { query: 'bob', range: '3-1' }, '2'],
    ['a size that is none', { query: 'bob', picture: { size: 'big' } }, '2'],
    ['fewer photos than none', { query: 'bob', picture: { count: -1 } }, '2'],
  ])('refuses %s', async (_, wish, expected) => {
    const { status, store } = await ask(command, wish)
    expect(command === 'Search' ? [status, store] : status).toEqual(command === 'Search' ? ['1', expected] : expected)
  })
})

it.each(['2.5', '12.0', '12.1', '14.0'])('version %s knows no photos', async version => {
  expect((await ask('Search', { query: 'bob', picture: {} }, version)).hits.map(({ Picture }) => Picture)).toEqual([undefined])
})

it('version 2.5 searches in the address list only', async () => {
  const phone = server.phone({ version: '2.5' })
  expect(await searchMail(phone, { query: 'x' })).toMatchObject({ status: '1', store: '2', hits: [] })
  expect((await phone.optionsRequest()).commands).toContain('Search')
})

it('Find takes its words also from FreeText', async () => {
  const phone = server.phone()
  const answer = await phone.command('Find', el('Find:Find', [el('Find:SearchId', 'a'), el('Find:ExecuteSearch', [
    el('Find:GalSearchCriterion', [el('Find:Query', [el('Find:FreeText', 'bob')])]),
  ])]))
  expect(text(answer!.children[1]!, 'Find:Total')).toBe('1')
})

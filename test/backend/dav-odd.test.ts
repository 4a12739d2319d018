// What a store of objects makes of servers that do less than RFC 4791, 6352 and 6578 want, or more.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { davClient } from '../../src/backend/dav-client.ts'
import { davLists } from '../../src/backend/dav-lists.ts'
import { davStore, type DavStore } from '../../src/backend/dav-store.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { multistatus, row, scriptedDav, type Misdeed, type ScriptedDav } from '../support/bad-dav.ts'
import { emptyMemory } from '../support/memories.ts'

let dav: ScriptedDav
let store: DavStore
let book: FolderId, calendar: FolderId
const open: DavStore[] = []

function another(pollSeconds = 1): DavStore {
  const server = { url: dav.url, pollSeconds }
  const client = davClient(server, { kind: 'password', user: 'anna', password: 'secret' }, 2)
  const one = davStore({ server, client, lists: davLists(emptyMemory()), user: { login: 'anna', local: 'anna', domain: 'x.test' } })
  open.push(one)
  return one
}

beforeEach(async () => {
  dav = await scriptedDav()
  for (const name of ['a', 'b', 'c']) dav.objects.get('book/')!.set(`${name}.vcf`, `card ${name}`)
  store = another()
  const folders = await store.folders()
  book = folders.find(one => one.content === 'contacts')!.id
  calendar = folders.find(one => one.content === 'calendar')!.id
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  await dav.close()
})

const path = '/dav/anna/book/'
const syncs = (body: string): boolean => body.includes('sync-collection')
/** The server's rows become others. */
const instead = (when: (asked: Parameters<Misdeed>[0]) => boolean, rows: (asked: Parameters<Misdeed>[0]) => string): Misdeed => (asked, answer) => {
  if (!when(asked)) return undefined
  multistatus(answer, rows(asked))
  return true
}
const told = ({ present, gone }: { present: readonly { name: string }[]; gone: readonly string[] }) => [present.map(({ name }) => name).sort(), [...gone].sort()]
/** A server without RFC 6578: it lists and compares CTags, or has not even those. */
const plain = (ctag?: () => string): Misdeed => instead(({ method, depth, path: asked }) => method === 'PROPFIND' && depth === '1' && asked === '/dav/anna/', () =>
  row('/dav/anna/', '') + row(path, `<d:resourcetype><a:addressbook/></d:resourcetype><d:supported-report-set/>${ctag ? `<s:getctag>${ctag()}</s:getctag>` : ''}`))

describe('a store on a server', () => {
  it('that names no versions has no list, rather than an empty one', async () => {
    dav.misdeed = instead(({ body }) => syncs(body), () => row(`${path}a.vcf`, '') + '<d:sync-token>t1</d:sync-token>')
    await expect(store.changes(book, undefined)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('that names no version of one object leaves that one out', async () => {
    dav.misdeed = instead(({ body }) => syncs(body), () => row(`${path}a.vcf`, '') + row(`${path}b.vcf`, '<d:getetag>"1"</d:getetag>') + '<d:sync-token>t1</d:sync-token>')
    expect(told(await store.changes(book, undefined))).toEqual([['b.vcf'], []])
  })

  it('that tells a list in pieces is asked until the end', async () => {
    dav.misdeed = instead(({ body }) => syncs(body) && !body.includes('t2<'), ({ body }) => {
      const second = body.includes('t1<')
      return `<d:response><d:href>${path}</d:href><d:status>HTTP/1.1 507 More</d:status></d:response>` +
        row(`${path}${second ? 'y' : 'x'}.vcf`, '<d:getetag>"1"</d:getetag>') + `<d:sync-token>${second ? 't2' : 't1'}</d:sync-token>`
    })
    const { present, token } = await store.changes(book, undefined)
    expect([present.map(({ name }) => name).slice(0, 2), token]).toEqual([['x.vcf', 'y.vcf'], 't3'])
  })

  it('whose pieces do not end is not waited for', async () => {
    dav.misdeed = instead(({ body }) => syncs(body), () =>
      `<d:response><d:href>${path}</d:href><d:status>HTTP/1.1 507 More</d:status></d:response><d:sync-token>t0</d:sync-token>`)
    const { token } = await another().changes(book, undefined).catch(() => ({ token: 'none' }))
    expect(token).toBe('none')
  })

  it('that fails once with a token has not forgotten it', async () => {
    const { token } = await store.changes(book, undefined)
    let failures = 0
    dav.misdeed = ({ body }, answer) => syncs(body) && body.includes(`${token}<`) && failures++ === 0 ? (answer.writeHead(500).end(), true) : undefined
    dav.objects.get('book/')!.delete('a.vcf')
    expect(told(await store.changes(book, token))).toEqual([[], ['a.vcf']])
  })

  it('that takes writes without naming a version says so', async () => {
    dav.misdeed = ({ method }, answer) => method === 'PUT' ? (answer.writeHead(204).end(), true) : undefined
    expect(await store.write(book, 'd.vcf', Buffer.from('card d'), 'new')).toEqual({ etag: undefined })
  })

  it('that says what another collection has is not believed', async () => {
    const { token } = await store.changes(book, undefined)
    dav.misdeed = instead(({ body }) => syncs(body), () => row(path, '') + ['/dav/bob/book/a.vcf', '/a.vcf', `${path}sub/a.vcf`, 'http://evil.test/a.vcf'].map(href =>
      `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response>`).join('') + '<d:sync-token>t9</d:sync-token>')
    expect(told(await store.changes(book, token))).toEqual([[], []])
  })

  it('that writes addresses otherwise than it was asked means the same', async () => {
    const { token } = await store.changes(book, undefined)
    dav.misdeed = instead(({ body }) => syncs(body), () =>
      `<d:response><d:href>https://dav.x.test/d%61v/anna/book/a%2Evcf</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response><d:sync-token>t9</d:sync-token>`)
    expect(told(await store.changes(book, token))).toEqual([[], ['a.vcf']])
  })

  it.each(['', '.', '..'])('never reaches beyond the collection for an object called %j', async name => {
    const before = dav.asked.length
    await expect(store.remove(book, name, undefined)).rejects.toMatchObject({ kind: expect.stringMatching(/not-found|unavailable/) as string })
    await expect(store.write(book, name, Buffer.from('x'), undefined)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(store.read(book, name)).rejects.toMatchObject({ kind: 'not-found' })
    expect(dav.asked.slice(before).filter(({ method }) => method !== 'PROPFIND')).toEqual([])
  })

  it('that cannot say which events a time filter shows hides none', async () => {
    dav.objects.get('calendar/')!.set('e.ics', 'event')
    dav.misdeed = instead(({ body }) => body.includes('calendar-query'), () =>
      `<d:response><d:href>/dav/anna/calendar/</d:href><d:status>HTTP/1.1 507 More</d:status></d:response>`)
    await expect(store.within(calendar, new Date())).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('that has dropped a collection is asked for its list at once', async () => {
    dav.misdeed = ({ path: asked, method, depth }, answer) => {
      if (asked.startsWith(path)) return answer.writeHead(404).end(), true
      if (method !== 'PROPFIND' || depth !== '1') return undefined
      multistatus(answer, row('/dav/anna/', '') + row('/dav/anna/calendar/', '<d:resourcetype><c:calendar/></d:resourcetype>'))
      return true
    }
    await expect(store.changes(book, 't0')).rejects.toMatchObject({ kind: 'not-found' })
    expect((await store.folders()).some(({ id }) => id === book)).toBe(false)
  })

  it('that still shows a collection and has none is not available', async () => {
    dav.misdeed = ({ path: asked }, answer) => asked.startsWith(path) ? (answer.writeHead(404).end(), true) : undefined
    await expect(store.changes(book, 't0')).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('a server without sync-collection', () => {
  it.each([
    ['that has a CTag for each request', () => plain((n => () => String(n++))(1))],
    ['that has no CTag', () => plain()],
  ])('%s wakes nobody without a change, and is heard of one', async (_, misdeed) => {
    dav.misdeed = misdeed()
    const one = another()
    const { token } = await one.changes(book, undefined)
    const news = (): Promise<ReadonlySet<FolderId>> => one.changed(new Map([[book, token]]))
    for (let n = 0; n < 3; n++) expect(await news()).toEqual(new Set())
    const over = new AbortController(), heard: FolderId[] = []
    const watched = one.watch([book], over.signal, { ready: () => {}, changed: id => heard.push(id), lost: () => {} })
    dav.objects.get('book/')!.set('d.vcf', 'card d')
    await expect.poll(() => heard).toContain(book)
    expect(await news()).toEqual(new Set([book]))
    dav.objects.get('book/')!.delete('a.vcf')
    expect(told(await one.changes(book, token))).toEqual([['d.vcf'], ['a.vcf']])
    over.abort()
    await watched
  })

  it('keeps what its list names without a version, or not for now', async () => {
    dav.misdeed = plain()
    const one = another()
    const { token } = await one.changes(book, undefined)
    const listing = dav.misdeed
    dav.misdeed = (asked, answer) => listing(asked, answer) ?? instead(({ path: at }) => at === path, () =>
      row(path, '') + row(`${path}a.vcf`, '') + `<d:response><d:href>${path}b.vcf</d:href><d:status>HTTP/1.1 503 Later</d:status></d:response>` +
      row(`${path}d.vcf`, '<d:getetag>"1"</d:getetag>'))(asked, answer)
    expect(told(await one.changes(book, token))).toEqual([['d.vcf'], ['c.vcf']])
  })
})

describe('a server with a new sync-token for each request', () => {
  beforeEach(() => {
    let n = 100
    dav.misdeed = (asked, answer) => {
      if (!syncs(asked.body)) return undefined
      const since = /sync-token>(?:t(\d+)\.)?/.exec(asked.body)?.[1]
      const all = [...dav.objects.get('book/')!.keys()]
      const fresh = since === undefined ? all : all.slice(Number(since))
      multistatus(answer, fresh.map(name => row(path + name, '<d:getetag>"1"</d:getetag>')).join('') + `<d:sync-token>t${all.length}.${n++}</d:sync-token>`)
      return true
    }
  })

  it('is found out, and wakes nobody any more, but for a change', async () => {
    let { token } = await store.changes(book, undefined)
    const tokens = new Set<string>()
    for (let n = 0; n < 10; n++) tokens.add(token = (await store.changes(book, token)).token)
    expect(tokens.size).toBeLessThan(4)
    const news = (): Promise<ReadonlySet<FolderId>> => store.changed(new Map([[book, token]]))
    expect(await news()).toEqual(new Set())
    dav.objects.get('book/')!.set('d.vcf', 'card d')
    expect(await news()).toEqual(new Set([book]))
    expect(told(await store.changes(book, token))).toEqual([['d.vcf'], []])
  })
})

describe('a server that is silent', () => {
  it('is waited for once, and then left alone for a while', async () => {
    dav.misdeed = () => true
    const one = another()
    await expect(one.folders()).rejects.toMatchObject({ kind: 'unavailable' })
    const begun = performance.now()
    for (let n = 0; n < 5; n++) await expect(one.folders()).rejects.toMatchObject({ kind: 'unavailable' })
    expect(performance.now() - begun).toBeLessThan(8000)
    dav.misdeed = undefined
    await expect.poll(() => one.folders().then(folders => folders.length, () => 0)).toBe(4)
  })

  it('for each next octet does not go on for ever', async () => {
    dav.misdeed = (_, answer) => {
      answer.writeHead(207).write('<')
      const drip = setInterval(() => answer.write('a'), 200)
      answer.once('close', () => clearInterval(drip))
      return true
    }
    await expect(store.changes(book, undefined)).rejects.toMatchObject({ kind: 'unavailable' })
  }, 20_000)
})

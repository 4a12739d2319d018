// What a client that shows one folder of a class alone is told of several collections, over a store in memory.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryAccount } from '../support/memory.ts'
import { MemoryObjects } from '../support/memory-objects.ts'

/** Collections of which some are closed to the user, with tokens as short as those of sabre or as long as those of Radicale. */
class Collections extends MemoryObjects {
  readonly shut = new Set<FolderId>()
  long = false

  /** As long as those of a real store, of which a part tells one from another. */
  protected override nextId(count: number): string {
    return `c.${String(count).padStart(11, '0')}`
  }

  override async changes(id: FolderId, token: string | undefined) {
    if (this.shut.has(id)) throw new Failure('denied', 'not for you')
    const found = await super.changes(id, token?.replace(/-.*/, ''))
    return this.long ? { ...found, token: `${found.token}-${'x'.repeat(50)}` } : found
  }

  override async changed(tokens: ReadonlyMap<FolderId, string>): Promise<ReadonlySet<FolderId>> {
    return super.changed(new Map([...tokens].map(([id, token]) => [id, token.replace(/-.*/, '')])))
  }
}

const samsung = { userAgent: 'SAMSUNG-SM-G991B/101.130000', deviceType: 'SAMSUNGSMG991B' }
const card = (name: string): string => ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name}`, `N:;${name};;;`, 'END:VCARD', ''].join('\r\n')
const said = (name: string): Node[] => [el('Contacts:FirstName', name)]

let server: EasServer
let objects: Collections
let phone: Phone
let home: FolderId, club: FolderId

async function start(long = false, settings: Parameters<typeof easServer>[0] = {}): Promise<void> {
  const account = new MemoryAccount()
  account.objects = objects = new Collections()
  objects.long = long
  home = objects.id('contacts')
  club = objects.add('contacts', 'Club')
  objects.put(home, 'anna.vcf', card('Anna'))
  objects.put(club, 'Bob, of the club.vcf', card('Bob'))
  objects.put(club, '00000000-0000-4000-8000-000000000001.vcf', card('Carol'))
  server = await easServer({ heartbeat: { min: 1, max: 600 }, ...settings }, account)
  phone = server.phone(samsung)
  await phone.folderSync('0')
  await phone.syncAll(home)
}
beforeEach(() => start())
afterEach(() => server.stop())

const names = (): string[] => [...phone.held(home).items.values()].map(({ data }) => data ? text(data, 'Contacts:FirstName') ?? '?' : '').sort()
const idOf = (name: string): string => [...phone.held(home).items.values()].find(({ data }) => data && text(data, 'Contacts:FirstName') === name)!.id
const stored = (id: FolderId): string[] => [...objects.held(id).values()].map(({ octets }) => /FN:(.*)/.exec(Buffer.from(octets).toString())![1]!.trim()).sort()
const look = async () => (await phone.sync({ collections: [{ id: home }] })).collections[0]
const calm = async (): Promise<void> => expect(await phone.sync({ collections: [{ id: home }] })).toMatchObject({ empty: true })
/** What is told of a change: how much, and that it is over then. */
async function told(): Promise<{ adds: number; changes: number; deletes: number }> {
  const { status, adds, changes, deletes } = (await look())!
  expect(status).toBe('1')
  await calm()
  return { adds: adds.length, changes: changes.length, deletes: deletes.length }
}

describe('several address books of a client that shows one', () => {
  it('are one folder, the default one, with what is in all of them', async () => {
    expect([...phone.folders.values()].filter(({ type }) => type === '9' || type === '14').map(({ id }) => id)).toEqual([home])
    expect(names()).toEqual(['Anna', 'Bob', 'Carol'])
    for (const id of phone.held(home).items.keys()) expect(id.length).toBeLessThanOrEqual(64)
    await calm()
  })

  it('are two folders of another client', async () => {
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    expect([...other.folders.values()].filter(({ type }) => type === '9' || type === '14').map(({ id }) => id)).toEqual([home, club])
    await other.syncAll(club)
    expect(other.held(club).items.size).toBe(2)
  })

  it.each([
    ['Anna', () => home], ['Bob', () => club], ['Carol', () => club],
  ])('take a change and a deletion of %s where it is', async (name, where) => {
    const before = [stored(home), stored(club)]
    await phone.sync({ collections: [{ id: home, commands: [{ kind: 'Change', id: idOf(name), data: said(`${name}2`) }] }] })
    expect(stored(where())).toContain(`${name}2`)
    await calm()
    await phone.sync({ collections: [{ id: home, commands: [{ kind: 'Delete', id: idOf(name) }] }] })
    expect([stored(home), stored(club)]).toEqual(before.map(list => list.filter(one => one !== name)))
    await calm()
  })

  it('take what is new into the default one', async () => {
    const commands = [{ kind: 'Add', clientId: '1', data: said('Dora') }] as const
    const { collections: [answer] } = await phone.sync({ collections: [{ id: home, commands }] })
    expect(answer!.responses).toMatchObject([{ kind: 'Add', status: '1' }])
    expect([stored(home), stored(club)]).toEqual([['Anna', 'Dora'], ['Bob', 'Carol']])
    await calm()
  })

  it('hand out each of what is in them', async () => {
    for (const name of ['Anna', 'Bob', 'Carol']) {
      const [answer] = await phone.fetch([{ id: idOf(name), folder: home }])
      expect(text(answer!.properties!, 'Contacts:FirstName')).toBe(name)
    }
  })

  it('are estimated together', async () => {
    objects.put(club, 'dora.vcf', card('Dora'))
    objects.put(home, 'emil.vcf', card('Emil'))
    expect(await phone.getItemEstimate([{ id: home }])).toMatchObject([{ status: '1', estimate: 2 }])
  })

  it('are told of in windows as one list', async () => {
    for (let n = 0; n < 10; n++) objects.put(n % 2 ? club : home, `more ${n}.vcf`, card(`More ${n}`))
    let rounds = 0
    for (; !(await phone.sync({ collections: [{ id: home, window: 3 }] })).empty; rounds++) server.forget()
    expect(names()).toHaveLength(13)
    expect(rounds).toBe(4)
  })

  it('are neither made, renamed nor deleted by it, for it would not see that', async () => {
    expect(await phone.editFolder('Create', { name: 'Another', type: '14' })).toMatchObject({ status: '3' })
    expect(await phone.editFolder('Update', { id: home, name: 'Another' })).toMatchObject({ status: '2' })
    expect(await phone.editFolder('Delete', { id: home })).toMatchObject({ status: '3' })
    expect(await phone.editFolder('Update', { id: club, name: 'Another' })).toMatchObject({ status: '4' })
    expect(await phone.editFolder('Delete', { id: club })).toMatchObject({ status: '4' })
  })

  it.each([['the default one', () => home], ['another', () => club]])('wake it by what happens in %s', async (_, where) => {
    const ping = phone.ping([home], 60)
    while (objects.watching === 0) await new Promise(resolve => setTimeout(resolve, 2))
    objects.put(where(), 'dora.vcf', card('Dora'))
    expect(await ping).toMatchObject({ status: '2', folders: [home] })
  })
})

describe.each([['short', false], ['long', true]])('a collection with %s tokens', (_, long) => {
  let closed: FolderId
  beforeEach(async () => {
    await server.stop()
    await start(long)
  })

  it.each<[string, () => unknown, number, number, string[]]>([
    ['that is new brings what is in it', () => {
      closed = objects.add('contacts', 'New')
      objects.put(closed, 'dora.vcf', card('Dora'))
    }, 1, 0, ['Anna', 'Bob', 'Carol', 'Dora']],
    ['that is gone takes along what was in it', () => objects.deleteFolder(club), 0, 2, ['Anna']],
    ['that the user is not let into any more takes it along', () => objects.shut.add(club), 0, 2, ['Anna']],
  ])('%s, and nothing else', async (_what, happens, adds, deletes, left) => {
    await happens()
    expect(await told()).toEqual({ adds, changes: 0, deletes })
    expect(names()).toEqual(left)
    expect((await phone.folderSync()).changes).toEqual([])
  })

  it('that is renamed, not being the first, is no news', async () => {
    await objects.renameFolder(club, 'Society')
    await calm()
    expect((await phone.folderSync()).changes).toEqual([])
  })

  it('that the user is let into again brings what is in it', async () => {
    objects.shut.add(club)
    await told()
    const ping = await phone.ping([home], 1)
    expect(ping.status).toBe('1')
    objects.shut.delete(club)
    expect(await told()).toEqual({ adds: 2, changes: 0, deletes: 0 })
    expect(names()).toEqual(['Anna', 'Bob', 'Carol'])
  })

  it('whose server has forgotten its tokens has the client begin anew', async () => {
    objects.put(club, 'Bob, of the club.vcf', undefined)
    objects.forget(club)
    expect((await look())?.status).toBe('3')
  })

  it('that is empty in the end leaves the others', async () => {
    for (const name of objects.held(club).keys()) objects.put(club, name, undefined)
    expect(await told()).toEqual({ adds: 0, changes: 0, deletes: 2 })
  })

  it('has no news for a process without memory, while nothing changes', async () => {
    server.forget()
    await calm()
    expect((await phone.ping([home], 1)).status).toBe('1')
    expect(names()).toEqual(['Anna', 'Bob', 'Carol'])
    objects.put(club, 'dora.vcf', card('Dora'))
    expect(await told()).toEqual({ adds: 1, changes: 0, deletes: 0 })
  })

  it('that changes is told by a process without memory, as far as its key goes', async () => {
    objects.put(club, 'Bob, of the club.vcf', undefined)
    server.forget()
    const answer = await look()
    expect(answer?.status).toBe(long ? '3' : '1')
    if (long) return
    expect(names()).toEqual(['Anna', 'Carol'])
  })

  it('that goes while nobody remembers it has the client begin anew', async () => {
    await objects.deleteFolder(club)
    server.forget()
    expect((await look())?.status).toBe('3')
  })
})

describe('a read-only collection among them', () => {
  let feed: FolderId
  beforeEach(async () => {
    feed = objects.add('contacts', 'Feed', { readOnly: true })
    objects.put(feed, 'zoe.vcf', card('Zoe'))
    await look()
    expect(names()).toEqual(['Anna', 'Bob', 'Carol', 'Zoe'])
  })

  it.each([
    ['a Change', () => ({ kind: 'Change', id: idOf('Zoe'), data: said('Zora') } as const)],
    ['a Delete', () => ({ kind: 'Delete', id: idOf('Zoe') } as const)],
  ])('has %s undone on the phone', async (_, command) => {
    await phone.sync({ collections: [{ id: home, commands: [command()] }] })
    expect(names()).toEqual(['Anna', 'Bob', 'Carol', 'Zoe'])
    expect(stored(feed)).toEqual(['Zoe'])
    expect(objects.calls).not.toContain('remove')
    await calm()
  })

  it('leaves what the phone makes to the default one', async () => {
    await phone.sync({ collections: [{ id: home, commands: [{ kind: 'Add', clientId: '1', data: said('Dora') }] }] })
    expect(stored(home)).toEqual(['Anna', 'Dora'])
  })
})

describe('a client that is served otherwise from now on', () => {
  it('keeps its folder and what is in it, and gets the rest', async () => {
    const plain = server.phone({ deviceId: 'PLAIN' })
    await plain.folderSync('0')
    await plain.syncAll(home)
    await plain.syncAll(club)
    Object.assign(plain.options, samsung)
    expect((await plain.folderSync()).changes).toEqual(['Delete Club'])
    const { collections: [answer] } = await plain.sync({ collections: [{ id: home }] })
    expect(answer).toMatchObject({ status: '1', adds: { length: 2 }, changes: [], deletes: [] })
  })

  it('begins anew with what it had of all', async () => {
    Object.assign(phone.options, { userAgent: 'TestPhone/1.0', deviceType: 'TestPhone' })
    expect((await phone.folderSync()).changes).toHaveLength(1)
    expect((await look())?.status).toBe('3')
    await phone.syncAll(home)
    await phone.syncAll(club)
    expect([phone.held(home).items.size, phone.held(club).items.size]).toEqual([1, 2])
  })

  it('is served as the configuration says', async () => {
    await server.stop()
    await start(false, { merge: [{ agent: 'SAMSUNG*', folders: [] }] })
    expect(names()).toEqual(['Anna'])
    await phone.syncAll(club)
    expect(phone.held(club).items.size).toBe(2)
  })
})

// Contacts between phones and a real Radicale: what Sync promises of collections that hold objects.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { livePhones } from '../support/live-phones.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser
let contacts: string
let users = 0
const phoneOfUser = livePhones(() => postern.url)

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 40 })
  postern = await startInstance(house, { dav: { url: house.dav.url, pollSeconds: 1 } })
})
beforeEach(async () => {
  phone = phoneOf({})
  dav = new DavUser(house.dav.url, house.user(users).login, house.user(users).password)
  await phone.folderSync('0')
  contacts = phone.folder('9')
  await dav.open('contacts')
})
afterEach(() => {
  users++
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

const phoneOf = (options: Partial<PhoneOptions>): Phone => phoneOfUser(house.user(users), options)

const card = (name: string, more: readonly string[] = [], uid = name): string =>
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name} Test`, `N:Test;${name};;;`, ...more, 'END:VCARD', ''].join('\r\n')
const names = (one = phone): string[] => [...one.held(contacts).items.values()].map(({ data }) => data ? text(data, 'Contacts:FirstName') ?? '?' : '').sort()
const idOf = (name: string, one = phone): string =>
  [...one.held(contacts).items.values()].find(({ data }) => data && text(data, 'Contacts:FirstName') === name)!.id
const said = (name: string): Node[] => [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test'), el('Contacts:FileAs', `Test, ${name}`)]

describe('the folders of a user', () => {
  it('hold one of each class, by the types of default ones, beside mail', () => {
    expect([...phone.folders.values()].map(({ type }) => type)).toEqual(expect.arrayContaining(['2', '7', '8', '9', '10']))
  })

  it('are made, renamed and deleted from the phone', async () => {
    const { id } = await phone.editFolder('Create', { name: 'Club', type: '14' })
    expect((await phone.folderSync()).changes).toEqual([])
    expect(await phone.editFolder('Update', { id, name: 'Ching & Chöre' })).toMatchObject({ status: '1' })
    expect(await dav.names()).toContain('Ching & Chöre')
    expect((await phone.folderSync()).changes).toEqual([])
    expect(await phone.editFolder('Delete', { id })).toMatchObject({ status: '1' })
    expect(await phone.editFolder('Delete', { id: contacts })).toMatchObject({ status: '3' })
  })

  it('leave out notes for versions that have none', async () => {
    const old = phoneOf({ version: '12.1', deviceId: 'OLD' })
    await old.folderSync('0')
    expect([...old.folders.values()].map(({ type }) => type)).not.toContain('10')
  })
})

describe('a collection of contacts', () => {
  it('comes in windows, each item once, and then nothing', async () => {
    for (const n of [1, 2, 3, 4, 5]) await dav.put(`${n}.vcf`, card(`N${n}`))
    expect(await phone.syncAll(contacts, { window: 2 })).toBe(3)
    expect(names()).toEqual(['N1', 'N2', 'N3', 'N4', 'N5'])
    expect(phone.held(contacts).duplicates).toEqual([])
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
  })

  it('tells what others add, change and delete', async () => {
    await dav.put('a.vcf', card('Anna'))
    await dav.put('b.vcf', card('Bob'))
    await phone.syncAll(contacts)
    await dav.put('a.vcf', card('Annabel', [], 'Anna'))
    await dav.remove('b.vcf')
    await dav.put('c.vcf', card('Carol'))
    const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts }] })
    expect([answer!.adds.length, answer!.changes.length, answer!.deletes.length]).toEqual([1, 1, 1])
    expect(names()).toEqual(['Annabel', 'Carol'])
  })

  it('goes on without memory: nothing is lost, and what is told again is told as the same item', async () => {
    for (const n of [1, 2, 3, 4, 5]) await dav.put(`${n}.vcf`, card(`N${n}`))
    await phone.syncAll(contacts, { window: 2 })
    await dav.put('6.vcf', card('N6'))
    await postern.restart()
    phone = Object.assign(phoneOf({}), { folders: phone.folders, collections: phone.collections })
    await phone.syncAll(contacts, { window: 2 })
    expect(names()).toEqual(['N1', 'N2', 'N3', 'N4', 'N5', 'N6'])
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
  })

  it('takes what the phone makes, once however often it is asked', async () => {
    await phone.syncAll(contacts)
    const wish = { collections: [{ id: contacts, commands: [{ kind: 'Add', clientId: 'new1', data: said('Dave') }] }] } as const
    await phone.sync({ ...wish, lose: true })
    await postern.restart()
    phone = Object.assign(phoneOf({}), { folders: phone.folders, collections: phone.collections })
    const { collections: [answer] } = await phone.sync(wish)
    expect(answer!.responses).toMatchObject([{ kind: 'Add', clientId: 'new1', status: '1' }])
    expect((await dav.list()).size).toBe(1)
    expect([...(await dav.list()).values()][0]).toContain('FN:Dave Test')
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
    expect(phone.held(contacts).items.size).toBe(1)
  })

  it('takes changes of the phone, keeps what the phone does not know, and does not tell it back', async () => {
    await dav.put('a.vcf', card('Anna', ['X-SECRET:kept', 'TEL;TYPE=CELL:1']))
    await phone.syncAll(contacts)
    const id = idOf('Anna')
    const { collections: answers } = await phone.sync({ collections: [{ id: contacts, commands: [{
      kind: 'Change', id, data: [...said('Anne'), el('Contacts:MobilePhoneNumber', '2')],
    }] }] })
    expect(answers[0]?.responses ?? []).toEqual([])
    expect((await dav.list()).get('a.vcf')).toMatch(/N:Test;Anne;;;[^]*X-SECRET:kept/)
    expect((await dav.list()).get('a.vcf')).toMatch(/TEL;TYPE=CELL:2/i)
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
  })

  it('is told to a second phone, and deleted by it', async () => {
    await dav.put('a.vcf', card('Anna'))
    await phone.syncAll(contacts)
    const second = phoneOf({ deviceId: 'SECOND' })
    await second.syncAll(contacts)
    await second.sync({ collections: [{ id: contacts, commands: [{ kind: 'Delete', id: idOf('Anna', second) }] }] })
    expect((await dav.list()).size).toBe(0)
    await phone.sync({ collections: [{ id: contacts }] })
    expect(names()).toEqual([])
  })

  it.each([[1, '7', 'Theirs'], [0, undefined, 'Mine']] as const)('in conflict, by rule %i, says %s', async (conflict, status, winner) => {
    await dav.put('a.vcf', card('Anna'))
    await phone.syncAll(contacts, { options: { conflict } })
    const id = idOf('Anna')
    await dav.put('a.vcf', card('Theirs', [], 'Anna'))
    const { collections: [answer] } = await phone.sync({ collections: [{ id: contacts, options: { conflict }, commands: [{ kind: 'Change', id, data: said('Mine') }] }] })
    expect(answer?.responses[0]?.status).toBe(status)
    await phone.sync({ collections: [{ id: contacts }] })
    expect((await dav.list()).get('a.vcf')).toContain(`N:Test;${winner}`)
    if (conflict === 1) expect(names()).toEqual(['Theirs'])
  })

  it('wakes a Ping, and a Sync that waits', async () => {
    await phone.syncAll(contacts)
    const ping = phone.ping([contacts], 60)
    await dav.put('a.vcf', card('Anna'))
    expect(await ping).toMatchObject({ status: '2', folders: [contacts] })
    const sync = phone.sync({ collections: [{ id: contacts }], heartbeat: 60 })
    expect((await sync).collections[0]?.adds).toHaveLength(1)
    const waiting = phone.sync({ collections: [{ id: contacts }], heartbeat: 60 })
    await dav.put('b.vcf', card('Bob'))
    expect((await waiting).collections[0]?.adds).toHaveLength(1)
  })

  it.each([
    ['8', 'Calendar', [{ type: 1, size: 32_768 }]], ['9', 'Contacts', [{ type: 1, size: 32_768 }, { type: 2, size: 32_768 }]],
  ] as const)('of type %s has a Sync wait that says its options each time, though a key has no room for them beside these tokens', async (type, name, bodies) => {
    const id = phone.folder(type), wish = { id, class: name, options: { bodies, conflict: 1 } } as const
    await phone.syncAll(id, wish)
    for (const restart of [false, true]) {
      if (restart) await postern.restart()
      Object.assign(phone.options, { url: postern.url })
      expect(await phone.sync({ collections: [wish], heartbeat: 2 })).toMatchObject({ empty: true })
    }
  })

  it('is estimated, moved from, and fetched', async () => {
    for (const n of [1, 2]) await dav.put(`${n}.vcf`, card(`N${n}`))
    await phone.sync({ collections: [{ id: contacts, key: '0' }] })
    expect(await phone.getItemEstimate([{ id: contacts }])).toMatchObject([{ status: '1', estimate: 2 }])
    await phone.syncAll(contacts)
    const { id: other } = await phone.editFolder('Create', { name: 'Other', type: '14' })
    await phone.syncAll(other)
    const [moved] = await phone.moveItems([{ id: idOf('N1'), from: contacts, to: other }])
    expect(moved).toMatchObject({ status: '3' })
    // It has it under that id already: some would show it twice.
    expect((await phone.sync({ collections: [{ id: other }] })).collections[0]).toMatchObject({ adds: [], changes: [moved!.newId] })
    await phone.sync({ collections: [{ id: contacts }] })
    expect(names()).toEqual(['N2'])
    const inbox = phone.folder('2')
    expect((await phone.moveItems([{ id: idOf('N2'), from: contacts, to: inbox }]))[0]).toMatchObject({ status: '2' })
    expect(await phone.editFolder('Delete', { id: other })).toMatchObject({ status: '1' })
  })

  it('stays on the phone while the server is away, and nothing is deleted', async () => {
    await dav.put('a.vcf', card('Anna'))
    await phone.syncAll(contacts)
    await house.radicale.stop()
    try {
      const answer = await phone.sync({ collections: [{ id: contacts }] })
      expect([answer.status, answer.collections[0]?.status]).toContain('16')
      expect(names()).toEqual(['Anna'])
    } finally {
      await house.radicale.start()
    }
    expect(await phone.sync({ collections: [{ id: contacts }] })).toMatchObject({ empty: true })
  })
})

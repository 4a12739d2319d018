// What Sync, GetItemEstimate, ItemOperations, MoveItems, Ping and FolderSync promise of contacts, events, tasks and notes, whatever is behind.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import type { FolderId, ObjectContent } from '../../src/model/folder.ts'
import { child, decode, el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { keepAll } from '../conformance/kept.ts'
import type { Phone } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { CollectionWish } from '../support/eas-sync.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { body, classNames, folderOf, stored, storedName } from '../support/objects-of-each-class.ts'

const now = new Date('2026-11-25T10:00:00Z')
let user: MemoryUser
let server: EasServer
beforeEach(async () => {
  user = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin', pingFolders: 100 }, user, () => now)
})
afterEach(async () => {
  keepAll(server)
  await server.stop()
})

const contents = Object.keys(classNames) as ObjectContent[]
const wishOf = (content: ObjectContent, more: Partial<CollectionWish> = {}): CollectionWish => ({ id: folderOf[content], class: classNames[content], ...more })
const statusOf = async (phone: Phone, wish: CollectionWish): Promise<string> => {
  const { status, collections: [answer] } = await phone.sync({ collections: [wish] })
  return status || answer?.status || '1'
}
const put = (content: ObjectContent, ...names: string[]): void => {
  for (const name of names) user.collections.put(folderOf[content], storedName(content, name), stored(content, name))
}
const subjects: Readonly<Record<ObjectContent, Tag>> = {
  calendar: 'Calendar:Subject', contacts: 'Contacts:FirstName', tasks: 'Tasks:Subject', notes: 'Notes:Subject',
}
const told = (phone: Phone, content: ObjectContent): (string | undefined)[] =>
  [...phone.held(folderOf[content]).items.values()].map(({ data }) => data ? text(data, subjects[content]) : 'its own').sort()

const anyFilter = [0, 1, 2, 3, 4, 5, 6, 7, 8]
/** [MS-ASCMD] FilterType: the values of each class; contacts and notes have none, and leave it aside. */
const filters: Readonly<Record<ObjectContent, readonly number[]>> = { calendar: [0, 4, 5, 6, 7], tasks: [0, 8], contacts: anyFilter, notes: anyFilter }

describe.each(contents)('a folder of %s', content => {
  const known = versions.filter(one => content !== 'notes' || since(one, '14.0'))
  const wish = wishOf(content)

  it.each(known)('is synchronized both ways in version %s', async version => {
    put(content, 'Anna', 'Bob')
    const phone = server.phone({ version })
    await phone.syncAll(wish.id, wish)
    expect(told(phone, content)).toEqual(['Anna', 'Bob'])
    const id = [...phone.held(wish.id).items.values()].find(({ data }) => text(data!, subjects[content]) === 'Anna')!.id
    const { collections: [answer] } = await phone.sync({ collections: [{ ...wish, commands: [
      { kind: 'Add', clientId: 'n1', data: body(content, version, 'Carl') }, { kind: 'Change', id, data: body(content, version, 'Anne') },
    ] }] })
    expect(answer!.responses.map(({ kind, status }) => [kind, status])).toEqual([['Add', '1']])
    expect(answer!.class).toBe(since(version, '14.0') ? undefined : classNames[content])
    expect([...user.collections.list(wish.id as FolderId).values()].filter(one => /Anne|Carl/.test(one))).toHaveLength(2)
    put(content, 'Bob')
    user.collections.put(wish.id as FolderId, storedName(content, 'Anna'), undefined)
    const { collections: [later] } = await phone.sync({ collections: [wish] })
    expect([later!.changes.length, later!.deletes]).toEqual([1, [id]])
    expect(told(phone, content)).toEqual(['Bob', 'its own'])
    await phone.sync({ collections: [{ ...wish, commands: [...phone.held(wish.id).items.keys()].map(one => ({ kind: 'Delete', id: one }) as const) }] })
    expect(user.collections.list(wish.id as FolderId).size).toBe(0)
    expect(await phone.sync({ collections: [wish] })).toMatchObject(since(version, '12.1') ? { empty: true } : { status: '' })
  })

  it.each(known.filter(one => since(one, '12.0')))('is fetched from in version %s, by its id or LongId, and a Schema is kept to', async version => {
    put(content, 'Anna')
    const phone = server.phone({ version })
    await phone.syncAll(wish.id, wish)
    const [{ id, data }] = [...phone.held(wish.id).items.values()] as unknown as [{ id: string; data: Element }]
    const fetch = async (...nodes: Node[]): Promise<Element> => {
      const answer = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [
        el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), ...nodes]),
      ]))
      return child(child(answer!, 'ItemOperations:Response')!, 'ItemOperations:Fetch')!
    }
    const whole = await fetch(el('AirSync:CollectionId', wish.id), el('AirSync:ServerId', id))
    expect([text(whole, 'ItemOperations:Status'), text(whole, 'AirSync:Class')]).toEqual(['1', since(version, '14.0') ? classNames[content] : undefined])
    expect(child(whole, 'ItemOperations:Properties')!.children.map(({ tag }) => tag)).toEqual(data.children.map(({ tag }) => tag))
    expect(text(await fetch(el('Search:LongId', id)), 'ItemOperations:Status')).toBe('1')
    const part = await fetch(el('Search:LongId', id), el('ItemOperations:Options', [el('ItemOperations:Schema', [el(subjects[content])])]))
    expect(child(part, 'ItemOperations:Properties')!.children.map(({ tag, text: said }) => [tag, said])).toEqual([[subjects[content], 'Anna']])
  })

  it('is fetched from within a Sync', async () => {
    put(content, 'Anna')
    const phone = server.phone()
    await phone.syncAll(wish.id, wish)
    const [id] = [...phone.held(wish.id).items.keys()] as [string]
    const { collections: [answer] } = await phone.sync({ collections: [{ ...wish, commands: [{ kind: 'Fetch', id }, { kind: 'Fetch', id: `${id}x` }] }] })
    expect(answer!.responses.map(({ status }) => status).sort()).toEqual(['1', '8'])
    expect(text(answer!.responses.find(({ status }) => status === '1')!.data!, subjects[content])).toBe('Anna')
  })

  it('is estimated, first for a key of a filter, and waited for', async () => {
    const phone = server.phone()
    await phone.sync({ collections: [{ ...wish, key: '0' }] })
    put(content, 'Anna', 'Bob')
    expect(await phone.getItemEstimate([{ id: wish.id }])).toMatchObject([{ status: '1', estimate: 2 }])
    await phone.syncAll(wish.id, wish)
    const ping = phone.ping([wish.id], 60)
    await expect.poll(() => user.collections.watching).toBe(1)
    put(content, 'Carl')
    expect(await ping).toMatchObject({ status: '2', folders: [wish.id] })
    expect(await phone.getItemEstimate([{ id: wish.id }])).toMatchObject([{ status: '1', estimate: 1 }])
  })

  it('takes what comes from another of its class, and nothing else', async () => {
    put(content, 'Anna')
    const phone = server.phone(), other = user.collections.add(content, 'Other')
    await phone.syncAll(wish.id, wish)
    const [id] = [...phone.held(wish.id).items.keys()] as [string]
    const mixed = contents.filter(one => one !== content).map(one => ({ id, from: wish.id, to: folderOf[one] }))
    expect((await phone.moveItems([...mixed, { id, from: wish.id, to: 'f1' }])).map(({ status }) => status)).toEqual(['2', '2', '2', '2'])
    expect((await phone.moveItems([{ id, from: wish.id, to: wish.id }]))[0]!.status).toBe('4')
    const [moved] = await phone.moveItems([{ id, from: wish.id, to: other }])
    expect(moved!.status).toBe('3')
    expect(user.collections.list(other).size).toBe(1)
    await phone.sync({ collections: [wish] })
    expect(told(phone, content)).toEqual([])
  })

  it('is no mail: a ConversationMode is refused by Sync with 4 and by GetItemEstimate with 103', async () => {
    const phone = server.phone()
    await phone.syncAll(wish.id, wish)
    expect(await statusOf(phone, { ...wish, conversations: '1' })).toBe('4')
    expect(await statusOf(phone, { ...wish, conversations: '0' })).toBe('1')
    const asked = el('GetItemEstimate:Collection', [
      el('AirSync:SyncKey', phone.held(wish.id).key), el('AirSync:ConversationMode', '1'), el('GetItemEstimate:CollectionId', wish.id),
    ])
    const { bytes } = await phone.raw('GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', [asked])]))
    expect(text(child(decode(bytes), 'GetItemEstimate:Response')!, 'GetItemEstimate:Status')).toBe('103')
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('takes FilterType %d where the class has it or has none, and else refuses it', async filter => {
    put(content, 'Anna')
    const phone = server.phone()
    await phone.sync({ collections: [{ ...wish, key: '0' }] })
    const taken = filters[content].includes(filter)
    expect(await phone.getItemEstimate([{ id: wish.id, filter }])).toMatchObject([taken ? { status: '1', estimate: 1 } : { status: '110', estimate: 0 }])
    expect(await statusOf(phone, { ...wish, options: { filter } })).toBe(taken ? '1' : '4')
    // What was refused changes nothing for what is asked then.
    await phone.syncAll(wish.id, { ...wish, options: { filter: taken ? filter : 0 } })
    expect(told(phone, content)).toEqual(['Anna'])
  })

  it('has no FilterType 9', async () => {
    const phone = server.phone()
    await phone.sync({ collections: [{ ...wish, key: '0' }] })
    expect(await statusOf(phone, { ...wish, options: { filter: 9 } })).toBe('4')
    expect((await phone.getItemEstimate([{ id: wish.id, filter: 9 }]))[0]!.status).toBe('103')
  })

  it('is made, renamed and deleted; the default one is not', async () => {
    const phone = server.phone()
    await phone.folderSync('0')
    const type = { calendar: '13', contacts: '14', tasks: '15', notes: '17' }[content]
    const { id, status } = await phone.editFolder('Create', { name: 'Club', type })
    expect(status).toBe('1')
    expect((await user.collections.folder(id as FolderId)).content).toBe(content)
    expect(await phone.editFolder('Update', { id, name: 'Choir' })).toMatchObject({ status: '1' })
    const second = server.phone({ deviceId: 'SECOND' })
    await second.folderSync('0')
    expect([...second.folders.values()].find(one => one.name === 'Choir')?.type).toBe(type)
    expect(await phone.editFolder('Delete', { id: wish.id })).toMatchObject({ status: '3' })
    expect(await phone.editFolder('Delete', { id })).toMatchObject({ status: '1' })
  })

  it('that is read-only gives back what a phone changed, and shows nothing that it made', async () => {
    const id = user.collections.add(content, 'Shared', { readOnly: true }), phone = server.phone()
    user.collections.put(id, storedName(content, 'Anna'), stored(content, 'Anna'))
    const only = { ...wish, id }
    await phone.syncAll(id, only)
    const [item] = [...phone.held(id).items.keys()] as [string]
    const { collections: [answer] } = await phone.sync({ collections: [{ ...only, commands: [
      { kind: 'Change', id: item, data: body(content, '16.1', 'Anne') }, { kind: 'Add', clientId: 'n', data: body(content, '16.1', 'Carl') },
    ] }] })
    expect([answer!.adds.length + answer!.changes.length, answer!.deletes.length]).toEqual([1, 1])
    expect([...user.collections.list(id).values()]).toEqual([stored(content, 'Anna')])
  })

  it('that somebody else renames keeps its id and its items', async () => {
    put(content, 'Anna')
    const phone = server.phone()
    await phone.folderSync('0')
    await phone.syncAll(wish.id, wish)
    await user.collections.renameFolder(wish.id as FolderId, 'Renamed')
    expect((await phone.folderSync()).changes).toEqual(['Update Renamed'])
    expect(await phone.sync({ collections: [wish] })).toMatchObject({ empty: true })
  })

  it('that holds what nobody can read tells the rest', async () => {
    put(content, 'Anna')
    user.collections.put(wish.id as FolderId, storedName(content, 'broken'), 'BEGIN:VEVENT BEGIN:VTODO BEGIN:VJOURNAL \0 nothing')
    put(content, 'Bob')
    const phone = server.phone()
    await phone.syncAll(wish.id, wish)
    expect(told(phone, content)).toEqual(['Anna', 'Bob'])
    expect(server.log.filter(line => line['object'] === storedName(content, 'broken'))).toHaveLength(1)
  })
})

it('folders of all classes in one request have each their own', async () => {
  const phone = server.phone(), wishes = contents.map(content => wishOf(content))
  await phone.sync({ collections: wishes.map(wish => ({ ...wish, key: '0' })) })
  for (const content of contents) put(content, content)
  const { collections } = await phone.sync({ collections: wishes })
  expect(collections.map(({ status, adds }) => [status, adds.length])).toEqual(contents.map(() => ['1', 1]))
  put('calendar', 'calendar')
  const { collections: later } = await phone.sync({ collections: wishes })
  expect(later.map(({ id, changes }) => [id, changes.length])).toEqual([[folderOf.calendar, 1]])
  for (const content of contents) expect(told(phone, content)).toEqual([content])
})

it.each(versions)('the hierarchy of version %s has the default folders of its classes, by their types', async version => {
  const phone = server.phone({ version })
  await phone.folderSync('0')
  const types = [...phone.folders.values()].map(({ type }) => type).filter(type => Number(type) >= 7 && type !== '12').sort()
  expect(types).toEqual(since(version as Version, '14.0') ? ['10', '7', '8', '9'] : ['7', '8', '9'])
})

it('Supported of notes is refused with status 4', async () => {
  const phone = server.phone()
  const refused = { ...wishOf('notes'), key: '0', supported: ['Notes:Subject'] as const }
  expect(await statusOf(phone, refused)).toBe('4')
  expect(await statusOf(phone, { ...refused, supported: [] })).toBe('1')
})

it.each(['Tasks:Subject', 'Contacts:FileAs', 'Calendar:Subject', 'Notes:Subject'] as const)('elements of no class but mail in a Search are refused with status 2: %s', async tag => {
  const { store } = await search(server.phone(), { query: [el(tag, 'x')] })
  expect(store).toBe('2')
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
})
afterEach(() => server.stop())

describe('FolderSync', () => {
  it('with key 0 tells the whole hierarchy, special folders by their types, parents before children', async () => {
    const work = server.account.addFolder('Work')
    server.account.addFolder('Ünïcode & <Söhne>', { parent: work })
    server.account.addFolder('Only a name', { selectable: false })
    server.account.addFolder('Spam', { role: 'junk' })
    expect((await phone.folderSync('0')).changes).toEqual([
      'Add Inbox', 'Add Drafts', 'Add Sent', 'Add Trash', 'Add Outbox', 'Add Work', 'Add Ünïcode & <Söhne>', 'Add Only a name',
      'Add Spam',
    ])
    expect([...phone.folders.values()].map(({ type }) => type)).toEqual(['2', '3', '5', '4', '6', '12', '12', '12', '12'])
    expect([...phone.folders.values()].map(({ parent }) => parent)).toEqual(['0', '0', '0', '0', '0', '0', work, '0', '0'])
    expect(phone.folderKey.length).toBeLessThanOrEqual(64)
  })

  it.each<[string, (server: EasServer, work: FolderId) => void, string[]]>([
    ['nothing', () => {}, []],
    ['a new folder', ({ account }) => void account.addFolder('New'), ['Add New']],
    ['a new name', ({ account }, work) => account.renameFolder(work, 'Play'), ['Update Play']],
    ['a folder gone with its child', ({ account }, work) => {
      account.removeFolder(account.id('Child'))
      account.removeFolder(work)
    }, ['Delete Child', 'Delete Work']],
    ['new parent and child', ({ account }) => {
      account.addFolder('Below', { parent: account.addFolder('Above') })
    }, ['Add Above', 'Add Below']],
  ])('tells %s', async (_, change, expected) => {
    const work = server.account.addFolder('Work')
    server.account.addFolder('Child', { parent: work })
    await phone.folderSync('0')
    change(server, work)
    expect((await phone.folderSync()).changes).toEqual(expected)
    expect((await phone.folderSync()).changes).toEqual([])
  })

  it('needs no memory while nothing changes, and starts again without it when something did', async () => {
    await phone.folderSync('0')
    server.forget()
    expect(await phone.folderSync()).toEqual({ status: '1', changes: [] })
    server.forget()
    server.account.addFolder('New')
    expect((await phone.folderSync()).status).toBe('9')
    expect((await phone.folderSync('0')).changes).toContain('Add New')
  })

  it('goes on from any key it remembers, as after an answer that was lost', async () => {
    await phone.folderSync('0')
    const before = phone.folderKey
    server.account.addFolder('New')
    await phone.folderSync()
    expect((await phone.folderSync(before)).changes).toEqual(['Add New'])
  })

  it.each([['nonsense'], ['x'.repeat(64)], ['AAAAAAAAAAAAAAAAAAAAAAAA']])('refuses the key %s', async key => {
    expect((await phone.folderSync(key)).status).toBe('9')
  })
})

describe('FolderCreate, FolderUpdate and FolderDelete', () => {
  beforeEach(() => phone.folderSync('0'))

  it('are not told to the phone that made them, but to the others', async () => {
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    const { id } = await phone.editFolder('Create', { name: 'Mine' })
    expect((await phone.folderSync()).changes).toEqual([])
    expect((await other.folderSync()).changes).toEqual(['Add Mine'])

    expect((await phone.editFolder('Update', { id, name: 'Ours' })).status).toBe('1')
    expect((await phone.folderSync()).changes).toEqual([])
    expect((await other.folderSync()).changes).toEqual(['Update Ours'])

    expect((await phone.editFolder('Delete', { id })).status).toBe('1')
    expect((await phone.folderSync()).changes).toEqual([])
    expect((await other.folderSync()).changes).toEqual(['Delete Ours'])
  })

  it('hide nothing that somebody else did meanwhile', async () => {
    server.account.addFolder('Theirs')
    expect((await phone.editFolder('Create', { name: 'Mine' })).status).toBe('1')
    expect((await phone.folderSync()).changes).toEqual(['Add Theirs'])
  })

  it('give the answer again that was lost', async () => {
    const key = phone.folderKey
    const first = await phone.editFolder('Create', { name: 'Once', key })
    const after = phone.folderKey
    expect(await phone.editFolder('Create', { name: 'Once', key })).toEqual(first)
    expect(phone.folderKey).toBe(after)
    expect((await phone.editFolder('Delete', { id: first.id })).status).toBe('1')
    expect((await phone.editFolder('Delete', { id: first.id, key: after })).status).toBe('1')
  })

  it('move a folder below another one', async () => {
    const above = await phone.editFolder('Create', { name: 'Above' })
    const below = await phone.editFolder('Create', { name: 'Below' })
    expect((await phone.editFolder('Update', { id: below.id, parent: above.id, name: 'Below' })).status).toBe('1')
    const fresh = server.phone({ deviceId: 'FRESH' })
    await fresh.folderSync('0')
    expect(fresh.folders.get(below.id)).toMatchObject({ parent: above.id })
    expect((await phone.editFolder('Update', { id: above.id, parent: below.id, name: 'Above' })).status).toBe('10')
  })

  it.each([
    ['Create', 'a name that is there', { name: 'Inbox' }, '2'],
    ['Create', 'no name', { name: '' }, '10'],
    ['Create', 'a name of 300 characters', { name: 'x'.repeat(300) }, '10'],
    ['Create', 'a parent that is not there', { name: 'a', parent: 'f99' }, '5'],
    ['Create', 'a calendar', { name: 'a', type: '13' }, '10'],
    ['Create', 'a key that is not ours', { name: 'a', key: 'nonsense' }, '9'],
    ['Create', 'key 0', { name: 'a', key: '0' }, '10'],
    ['Update', 'a folder that is not there', { id: 'f99', name: 'a' }, '4'],
    ['Update', 'a parent that is not there', { id: 'WORK', parent: 'f99', name: 'a' }, '5'],
    ['Update', 'a name that is there', { id: 'WORK', name: 'Inbox' }, '2'],
    ['Update', 'a special folder', { id: 'f1', name: 'a' }, '2'],
    ['Update', 'nothing named', { name: 'a' }, '10'],
    ['Delete', 'a folder that is not there', { id: 'f99' }, '4'],
    ['Delete', 'a special folder', { id: 'f1' }, '3'],
    ['Delete', 'a key that is not ours', { id: 'WORK', key: 'nonsense' }, '9'],
  ] as const)('%s of %s is refused and changes nothing', async (kind, _, wish, status) => {
    const work = await phone.editFolder('Create', { name: 'Work' })
    const edits = () => server.account.calls.filter(call => /^(create|update|delete)Folder$/.test(call)).length
    const before = edits()
    const id = 'id' in wish ? wish.id === 'WORK' ? work.id : wish.id : undefined
    expect((await phone.editFolder(kind, { ...wish, ...(id === undefined ? {} : { id }) })).status).toBe(status)
    // A name that is there is found out by the server.
    expect(edits() - before).toBe(status === '2' && id !== 'f1' ? 1 : 0)
    expect((await phone.folderSync()).changes).toEqual([])
  })
})

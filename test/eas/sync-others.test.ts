// What the model test found: a phone's own doing beside somebody else's, and answers that got lost.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { easServer, easSettings, type EasServer } from '../support/eas-server.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { printSyncKey } from '../../src/state/sync-key.ts'
import { decode } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
let inbox: string, trash: string
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  for (const n of [1, 2, 3]) server.account.deliver('inbox', `Subject: number ${n}\n\nx\n`)
  await phone.folderSync('0')
  ;[inbox, trash] = [phone.folder('Inbox'), phone.folder('Trash')]
  await phone.syncAll(inbox)
  await phone.syncAll(trash)
})
afterEach(() => server.stop())

const idOf = (uid: number, folder = inbox): string => `${folder}:1:${uid}`
const flagsOf = (uid: number) => server.account.list('inbox').find(one => one.uid === uid)?.flags
const shown = (id: string, folder = inbox) => phone.held(folder).items.get(id)

describe('a change of the phone', () => {
  it('does not hide what somebody else changed on the same message just before', async () => {
    server.account.flag('inbox', 2, '\\Flagged', true)
    const change = { kind: 'Change', id: idOf(2), read: true } as const
    const { collections: [answer] } = await phone.sync({ collections: [{ id: inbox, commands: [change] }] })
    expect(answer?.changes).toEqual([idOf(2)])
    expect(shown(idOf(2))).toMatchObject({ read: true, flagged: true })
  })

  it('is not told back when nobody else came between', async () => {
    const change = { kind: 'Change', id: idOf(2), read: true, flagged: true } as const
    expect(await phone.sync({ collections: [{ id: inbox, commands: [change] }] })).toMatchObject({ empty: true })
    expect(flagsOf(2)).toEqual(['\\Seen', '\\Flagged'])
  })

  it('is no conflict with what a list that is being paged has told already', async () => {
    for (const uid of [1, 2, 3]) server.account.flag('inbox', uid, '\\Seen', true)
    const { collections: [first] } = await phone.sync({ collections: [{ id: inbox, window: 1 }] })
    expect(first).toMatchObject({ changes: [idOf(1)], more: true })
    const { collections: [second] } = await phone.sync({
      collections: [{ id: inbox, window: 1, options: { conflict: 1 }, commands: [{ kind: 'Change', id: idOf(1), flagged: true }] }],
    })
    expect(second?.responses).toEqual([])
    expect(flagsOf(1)).toContain('\\Flagged')
  })

  it('is carried out again when something else was sent in between', async () => {
    const first = { id: inbox, commands: [{ kind: 'Change', id: idOf(2), read: true }, { kind: 'Fetch', id: idOf(1) }] } as const
    await phone.sync({ collections: [{ ...first, getChanges: false }] })
    await phone.sync({ collections: [{ id: inbox, getChanges: false, commands: [{ kind: 'Change', id: idOf(2), read: false }] }] })
    expect(flagsOf(2)).toEqual([])
    await phone.sync({ collections: [{ ...first, getChanges: false }] })
    expect(flagsOf(2)).toEqual(['\\Seen'])
  })
})

describe('an item that MoveItems gave', () => {
  const move = () => phone.moveItems([{ id: idOf(2), from: inbox, to: trash }])

  it('is told as a change with the flags it has by now', async () => {
    await move()
    server.account.flag('trash', 1, '\\Flagged', true)
    await phone.syncAll(trash)
    expect(phone.held(trash).duplicates).toEqual([])
    expect(shown(idOf(1, trash), trash)).toMatchObject({ flagged: true })
  })

  it('is told as gone when it is, though it was never added', async () => {
    await move()
    server.account.expunge('trash', 1)
    await phone.syncAll(trash)
    expect(phone.held(trash).items.size).toBe(0)
  })

  it('is added to a phone that begins the folder anew, even by a window of one', async () => {
    await move()
    phone.held(trash).key = '0'
    phone.held(trash).items.clear()
    server.account.deliver('trash', 'Subject: another\n\nx\n')
    await phone.syncAll(trash, { window: 1 })
    expect([...phone.held(trash).items.values()].map(({ subject }) => subject).sort()).toEqual(['another', 'number 2'])
  })
})

describe('options', () => {
  it('said in a request without news are those of the next process', async () => {
    server.account.deliver('inbox', 'Subject: old\n\nx\n', { received: new Date(0) })
    await phone.syncAll(inbox, { options: { filter: 1 } })
    expect([...phone.held(inbox).items.values()].map(({ subject }) => subject)).not.toContain('old')
    await phone.sync({ collections: [{ id: inbox, getChanges: false, options: { filter: 0 } }] })
    server.forget()
    await phone.syncAll(inbox)
    expect([...phone.held(inbox).items.values()].map(({ subject }) => subject)).toContain('old')
  })

  it('that a long key had no room for leave the phone with the mail it sees', async () => {
    server.account.deliver('inbox', 'Subject: old\n\nx\n', { received: new Date(0) })
    const today = Math.floor(Date.now() / 86_400_000)
    const cursor = { validity: 1, modseq: 1n, top: 1, gaps: [], since: today - 3, pass: undefined }
    phone.held(inbox).key = printSyncKey(easSettings.secret, server.account.person.login, inbox as FolderId, { cursor, options: undefined })
    phone.held(inbox).items.clear()
    server.forget()
    await phone.syncAll(inbox)
    expect([...phone.held(inbox).items.values()].map(({ subject }) => subject).sort()).toEqual(['number 1', 'number 2', 'number 3'])
  })
})

it('an answer that got lost is not repeated in another version', async () => {
  server.account.deliver('inbox', 'Subject: number 4\n\nx\n')
  const { key } = phone.held(inbox)
  const told = async (version: string): Promise<boolean> => {
    const other = server.phone({ version })
    other.held(inbox).key = key
    const { bytes } = await other.sync({ collections: [{ id: inbox }], lose: true })
    return printXml(decode(bytes)).includes('<Class>')
  }
  expect([await told('12.1'), await told('16.1')]).toEqual([true, false])
})

it.each(['2.5', '12.0', '12.1', '16.1'] as const)('a request of %s that found nothing finds what comes later, though it says the same', async version => {
  const other = server.phone({ version, deviceId: 'POLLS' })
  await other.syncAll(inbox, { class: 'Email' })
  const poll = async (): Promise<number> => {
    await other.sync({ collections: [{ id: inbox, class: 'Email' }] })
    return other.held(inbox).items.size
  }
  expect([await poll(), await poll()]).toEqual([3, 3])
  server.account.deliver('inbox', 'Subject: number 4\n\nx\n')
  expect(await poll()).toBe(4)
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { inOffice } from '../../src/model/out-of-office.ts'
import type { Filing } from '../../src/model/ports.ts'
import { el, text, type Node } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
let work: FolderId
beforeEach(async () => {
  server = await easServer()
  work = server.account.addFolder('Work')
  phone = server.phone()
  await phone.folderSync('0')
})
afterEach(() => server.stop())

const operate = async (node: Node, client = phone): Promise<string | undefined> => {
  const answer = await client.command('ItemOperations', el('ItemOperations:ItemOperations', [node]))
  const top = text(answer!, 'ItemOperations:Status')
  if (top !== '1') return `all ${top}`
  return text(descend(answer, 'ItemOperations:Response').children[0]!, 'ItemOperations:Status')
}
const subjects = (folder: string): string[] => server.account.list(folder).map(({ text: mail }) => /Subject: (.*)\r/.exec(mail)![1]!)

describe('EmptyFolderContents', () => {
  const empty = (folder: string, ...options: Node[]): Promise<string | undefined> => operate(el('ItemOperations:EmptyFolderContents', [
    el('AirSync:CollectionId', folder), ...(options.length ? [el('ItemOperations:Options', options)] : []),
  ]))
  const deep = el('ItemOperations:DeleteSubFolders')
  let below: FolderId
  beforeEach(async () => {
    below = server.account.addFolder('Below', { parent: work })
    for (const folder of ['Work', 'Work', 'Below', 'inbox']) server.account.deliver(folder)
    await phone.folderSync()
  })

  it('removes what is in the folder, and a phone that holds it is told', async () => {
    await phone.syncAll(work)
    expect(await empty(work)).toBe('1')
    expect([server.account.list('Work'), server.account.list('Below').length, server.account.list('inbox').length]).toEqual([[], 1, 1])
    await phone.syncAll(work)
    expect(phone.held(work).items.size).toBe(0)
    expect(await empty(work)).toBe('1')
  })

  it('removes folders below only where that is asked for', async () => {
    expect(await empty(work, deep)).toBe('1')
    expect((await phone.folderSync()).changes).toEqual(['Delete Below'])
    expect(server.account.list('Work')).toEqual([])
  })

  it('leaves a special folder below, and says that it did', async () => {
    server.account.addFolder('Junk', { parent: below, role: 'junk' })
    server.account.addFolder('Other', { parent: work })
    expect(await empty(work, deep)).toBe('17')
    await phone.folderSync('0')
    expect([...phone.folders.values()].map(({ name }) => name)).toEqual(expect.arrayContaining(['Below', 'Junk']))
    expect([...phone.folders.values()].map(({ name }) => name)).not.toContain('Other')
  })

  it.each<[string, () => Promise<string | undefined>, string]>([
    ['a folder that is not there', () => empty('f99'), '6'],
    ['an option of something else', () => empty(work, el('ItemOperations:MoveAlways')), '2'],
    ['nothing', () => operate(el('ItemOperations:EmptyFolderContents')), 'all 2'],
  ])('refuses %s', async (_, ask, status) => {
    expect(await ask()).toBe(status)
    expect(server.account.list('Work')).toHaveLength(2)
  })
})

describe('Move of a conversation', () => {
  const move = (id: Uint8Array | string, to: string, always = true, client = phone): Promise<string | undefined> =>
    operate(el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', to),
      ...(always ? [el('ItemOperations:Options', [el('ItemOperations:MoveAlways')])] : []),
    ]), client)
  const mail = (subject: string, own: string, ...references: string[]): string =>
    `Subject: ${subject}\nMessage-ID: <${own}>\n${references.length ? `References: ${references.map(one => `<${one}>`).join(' ')}\n` : ''}\nx\n`
  let id: Uint8Array
  beforeEach(async () => {
    const { account } = server
    account.deliver('inbox', mail('start', '1@x'))
    account.deliver('inbox', mail('another', '9@x', '8@x', '1@x'))
    account.deliver('inbox', mail('reply', '2@x', '1@x'))
    account.deliver('trash', mail('reply to the reply', '3@x', '1@x', '2@x'))
    account.deliver('Sent', mail('own reply', '4@x', '1@x', '3@x'))
    account.deliver('drafts', mail('not yet sent', '5@x', '1@x', '3@x'))
    await phone.syncAll(phone.folder('Inbox'))
    const item = phone.held(phone.folder('Inbox')).items.get(`${phone.folder('Inbox')}:1:1`)!
    id = item.data!.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
  })

  it('takes all of its messages out of all folders but Sent and Drafts', async () => {
    expect(await move(id, work)).toBe('1')
    expect(subjects('Work').toSorted()).toEqual(['reply', 'reply to the reply', 'start'])
    expect([subjects('inbox'), subjects('Sent'), subjects('drafts')]).toEqual([['another'], ['own reply'], ['not yet sent']])
    await phone.syncAll(phone.folder('Inbox'))
    await phone.syncAll(work)
    expect([phone.held(phone.folder('Inbox')).items.size, phone.held(work).items.size]).toEqual([1, 3])
    expect(await move(id, work)).toBe('1')
  })

  it('takes what is answered later along, whoever has forgotten what', async () => {
    const { account } = server
    const inbox = phone.folder('Inbox')
    await phone.syncAll(work)
    expect(await move(id, work)).toBe('1')
    const arrives = async (...mails: string[]): Promise<void> => {
      for (const one of mails) account.deliver('inbox', one)
      await phone.syncAll(inbox)
      await phone.syncAll(work)
    }
    await arrives(mail('late answer', '20@x', '1@x'), mail('something else', '21@x', '22@x'))
    expect([subjects('inbox'), subjects('Work')]).toEqual([['another', 'something else'], expect.arrayContaining(['late answer'])])
    expect([phone.held(inbox).items.size, phone.held(work).items.size]).toEqual([2, 4])
    server.forget()
    await arrives(mail('later answer', '23@x', '1@x', '20@x'))
    expect(subjects('inbox')).toEqual(['another', 'something else'])
    // What was there before somebody's first look stays, and so does what cannot be moved.
    account.deliver('inbox', mail('last answer', '24@x', '1@x'))
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    await other.syncAll(inbox)
    expect(subjects('inbox')).toContain('last answer')
  })

  it('is told to the filters of the mail server, and goes on without them', async () => {
    const { account } = server
    let filings: readonly Filing[] = []
    let calls = 0
    account.filters = {
      outOfOffice: async () => inOffice,
      async setOutOfOffice() {},
      async setFilings(edit) {
        calls++
        filings = edit(filings)
      },
    }
    expect(await move(id, work)).toBe('1')
    const conversation = Buffer.from(id).toString('hex')
    expect(filings).toEqual([{ conversation, folder: work, messages: expect.arrayContaining(['1@x', '2@x', '3@x']) }])
    expect([filings[0]!.messages.length, filings[0]!.messages[0]]).toEqual([3, '1@x'])
    account.deliver('inbox', mail('late answer', '20@x', '1@x'))
    await phone.syncAll(phone.folder('Inbox'))
    expect([calls, subjects('inbox')]).toEqual([1, ['another']])

    account.filters = { ...account.filters, setFilings: () => Promise.reject(new Failure('unsupported', 'no filter')) }
    expect(await move(id, phone.folder('Trash'))).toBe('1')
    expect(server.log).toContainEqual(expect.objectContaining({ kind: 'unsupported', reason: 'no filter' }))
    account.deliver('inbox', mail('later answer', '21@x', '1@x'))
    await phone.syncAll(phone.folder('Inbox'))
    expect(subjects('trash')).toContain('later answer')
  })

  it('tells where an answer is that could not be moved', async () => {
    expect(await move(id, work)).toBe('1')
    await phone.syncAll(phone.folder('Inbox'))
    server.account.removeFolder(work)
    server.account.deliver('inbox', mail('answer', '30@x', '1@x'))
    await phone.syncAll(phone.folder('Inbox'))
    expect(subjects('inbox')).toContain('answer')
    expect([...phone.held(phone.folder('Inbox')).items.values()].map(({ subject }) => subject)).toContain('answer')
  })

  it('takes the id in any of its spellings', async () => {
    expect(await move(Buffer.from(id).toString('base64'), work)).toBe('1')
    expect(await move(Buffer.from(id).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '{$1-$2-$3-$4-').concat('}'), phone.folder('Trash'))).toBe('1')
    expect(subjects('trash')).toHaveLength(3)
  })

  it.each<[string, () => Promise<string | undefined>, string]>([
    ['without MoveAlways', () => move(id, work, false), '155'],
    ['into no folder', () => move(id, 'f99'), '6'],
    ['into Drafts', () => move(id, phone.folder('Drafts')), '156'],
    ['into Outbox', () => move(id, phone.folder('Outbox')), '156'],
    ['that nobody knows', () => move(Buffer.alloc(16, 1), work), '6'],
    ['without its ids', () => operate(el('ItemOperations:Move', [el('ItemOperations:ConversationId', id)])), 'all 2'],
    ['before 14.0, which did not have it', () => move(id, work, true, server.phone({ version: '12.1' })), 'all 2'],
    ['with an option of something else', () => operate(el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', work),
      el('ItemOperations:Options', [el('ItemOperations:MoveAlways'), el('ItemOperations:DeleteSubFolders')]),
    ])), '2'],
  ])('is refused %s', async (_, ask, status) => {
    expect(await ask()).toBe(status)
    expect(subjects('inbox')).toHaveLength(3)
  })

  it('that no folder lets go of has failed', async () => {
    server.account.failing.set('move', new Failure('unsupported', 'not from here'))
    expect(await move(id, work)).toBe('154')
    expect(subjects('inbox')).toHaveLength(3)
  })

  it('that cannot be found because the mail server is away is a server error', async () => {
    server.account.outage = new Failure('unavailable', 'gone')
    expect(await move(id, work)).toBe('all 3')
  })
})

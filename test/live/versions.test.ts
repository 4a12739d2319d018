// Old versions, flags and categories against a real Dovecot and Exim.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { child, children, el, text, type Node } from '../../src/wire/wbxml.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
const phones: Phone[] = []
beforeAll(async () => {
  house = await startHouse()
  postern = await startInstance(house, { settings: { policy: { DevicePasswordEnabled: true } } })
})
afterEach(() => {
  for (const phone of phones.splice(0)) phone.close()
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

async function phoneOf(name: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const { login, password } = house.user(name)
  const phone = new Phone({ url: postern.url, user: login, password, ...options })
  phones.push(phone)
  await phone.provision()
  await phone.folderSync('0')
  return phone
}

async function flagsOf(name: string): Promise<string[][]> {
  const imap = await house.imapClient(name)
  const lock = await imap.getMailboxLock('INBOX')
  try {
    const found: string[][] = []
    for await (const { flags } of imap.fetch('1:*', { flags: true })) found.push([...flags!].filter(flag => flag !== '\\Recent').sort())
    return found
  } finally {
    lock.release()
  }
}

const withFile = 'From: bob@postern.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n' +
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr\u00fc\u00dfe</p>\r\n' +
  `--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n${
    Buffer.from('PDF '.repeat(1000)).toString('base64').replace(/(.{76})/g, '$1\r\n')}\r\n--b--\r\n`

describe.each(['2.5', '12.0'])('a phone of version %s', version => {
  const name = version === '2.5' ? 'anna' : 'bob'

  it('is provisioned, reads mail and files, answers, sorts and deletes', async () => {
    await house.deliver(name, withFile)
    const phone = await phoneOf(name, { version, userAgent: 'MSFT-PPC/5.1.2301' })
    const inbox = phone.folder('2'), trash = phone.folder('4')
    await phone.syncAll(inbox, { options: { filter: 0, ...(version === '2.5' ? { truncation: 9 } : { bodies: [{ type: 1 }] }) } })
    const [item] = [...phone.held(inbox).items.values()]
    expect([item!.subject, item!.body]).toEqual(['Grüße', expect.stringMatching(/^Grüße/)])

    const reference = version === '2.5'
      ? text(descend(item!.data, 'Email:Attachments', 'Email:Attachment'), 'Email:AttName')!
      : text(descend(item!.data, 'AirSyncBase:Attachments', 'AirSyncBase:Attachment'), 'AirSyncBase:FileReference')!
    const file = await phone.raw('GetAttachment', undefined, { parameters: { AttachmentName: reference } })
    expect([file.status, file.headers['content-type'], Buffer.from(file.bytes).toString()]).toEqual([200, 'application/pdf', 'PDF '.repeat(1000)])

    expect(await phone.sendMail(`To: ${house.user('carol').address}\r\nSubject: from of old\r\n\r\nhello\r\n`)).toBe('')
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: item!.id, read: true }] }] })
    expect(await flagsOf(name)).toEqual([['\\Seen']])
    const [moved] = await phone.moveItems([{ id: item!.id, from: inbox, to: trash }])
    expect(moved!.status).toBe('3')
  })

  it('has folders listed, made, renamed and removed by the commands of old', async () => {
    const phone = await phoneOf(name, { version })
    const made = await phone.command('CreateCollection', undefined, { parameters: { ParentId: '0', CollectionName: 'Ärger & Spaß' } })
    const CollectionId = text(child(made!, 'FolderHierarchy:Folder')!, 'FolderHierarchy:ServerId')!
    await phone.command('MoveCollection', undefined, { parameters: { CollectionId, CollectionName: 'Spaß' } })
    const names = async (): Promise<(string | undefined)[]> => children((await phone.command('GetHierarchy', undefined))!, 'FolderHierarchy:Folder')
      .map(one => text(one, 'FolderHierarchy:DisplayName'))
    expect(await names()).toContain('Spaß')
    await phone.command('DeleteCollection', undefined, { parameters: { CollectionId } })
    expect(await names()).not.toContain('Spaß')
  })

  it('never gets an answer without a body to a Sync', async () => {
    const phone = await phoneOf(name, { version })
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const { empty, collections } = await phone.sync({ collections: [{ id: inbox }] })
    expect([empty, collections[0]?.class, collections[0]?.status]).toEqual([false, 'Email', '1'])
  })
})

describe('flags and categories', () => {
  const categories = (...names: string[]): Node => el('Email:Categories', names.map(name => el('Email:Category', name)))
  const dated = el('Email:Flag', [
    el('Email:Status', '2'), el('Email:FlagType', 'for Follow Up'),
    el('Tasks:StartDate', '2026-11-24T00:00:00.000Z'), el('Tasks:DueDate', '2026-11-27T00:00:00.000Z'),
    el('Tasks:UtcStartDate', '2026-11-23T23:00:00.000Z'), el('Tasks:UtcDueDate', '2026-11-26T23:00:00.000Z'),
    el('Tasks:ReminderSet', '1'), el('Tasks:ReminderTime', '2026-11-24T07:30:00.000Z'),
  ])

  it('are keywords of the mailbox, with all their dates, and come back to every phone; nobody\'s are lost', async () => {
    await house.deliver('dave', 'Subject: plan\r\n\r\ntext\r\n')
    const imap = await house.imapClient('dave')
    const lock = await imap.getMailboxLock('INBOX')
    await imap.messageFlagsAdd('1', ['$Junk', 'NonJunk', 'Projekt'])
    lock.release()

    const phone = await phoneOf('dave'), other = await phoneOf('dave', { deviceId: 'OTHER' })
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    await other.syncAll(inbox)
    const id = [...phone.held(inbox).items.keys()][0]!
    const list = (): (string | undefined)[] => child(other.held(inbox).items.get(id)!.data!, 'Email:Categories')!.children.map(one => one.text)
    expect(list()).toEqual(['Projekt'])

    const names = ['50 % [*]', 'Büro', 'Командировки и поездки', 'Projekt', '出張の旅費精算']
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, data: [dated, categories(...names)] }] }] })
    expect((await phone.sync({ collections: [{ id: inbox }] })).empty).toBe(true)
    const [flags] = await flagsOf('dave')
    expect(flags).toEqual(expect.arrayContaining([
      '$Junk', 'NonJunk', 'Projekt', 'cat--Bro-gza', '\\Flagged', '$Postern-due-2026-11-27T00:00+01:00', '$Postern-remind-2026-11-24T07:30Z',
    ]))

    await other.sync({ collections: [{ id: inbox, commands: [{ kind: 'Fetch', id }] }] })
    expect(list()).toEqual(names.sort())
    const flag = child(other.held(inbox).items.get(id)!.data!, 'Email:Flag')!
    expect(['Tasks:DueDate', 'Tasks:UtcDueDate', 'Tasks:ReminderTime'].map(tag => text(flag, tag as 'Tasks:DueDate')))
      .toEqual(['2026-11-27T00:00:00.000Z', '2026-11-26T23:00:00.000Z', '2026-11-24T07:30:00.000Z'])

    await other.syncAll(inbox)
    await other.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, data: [
      el('Email:Flag', [el('Email:Status', '1'), el('Email:CompleteTime', '2026-11-25T08:00:00.000Z'), el('Tasks:DateCompleted', '2026-11-25T09:00:00.000Z')]),
      categories(),
    ] }] }] })
    expect((await flagsOf('dave'))[0]).toEqual([
      '$Completed', '$Junk', '$Postern-done-2026-11-25T09:00+01:00', '$Postern-due-2026-11-27T00:00+01:00', '$Postern-remind-2026-11-24T07:30Z',
      '$Postern-start-2026-11-24T00:00+01:00', 'NonJunk',
    ])
    await phone.syncAll(inbox)
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, data: [el('Email:Flag')] }] }] })
    expect((await flagsOf('dave'))[0]).toEqual(['$Junk', 'NonJunk'])
  })

  it('a keyword of the greatest length is one that Dovecot takes', async () => {
    await house.deliver('erin', 'Subject: plan\r\n\r\ntext\r\n')
    const phone = await phoneOf('erin')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const id = [...phone.held(inbox).items.keys()][0]!
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, data: [categories('x'.repeat(50), 'y'.repeat(51))] }] }] })
    expect(await flagsOf('erin')).toEqual([['x'.repeat(50)]])
    expect(postern.lines.findLast(({ command }) => command === 'Sync')).toMatchObject({ unkept: 1 })
  })
})

// ItemOperations that read a lot and change a lot, against a real Dovecot.
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { decode, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import { readMultipart } from '../support/eas-multipart.ts'
import { search } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
const phones: Phone[] = []
beforeAll(async () => {
  house = await startHouse({ exim: false })
  postern = await startInstance(house)
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
  await phone.folderSync('0')
  return phone
}

const operate = async (phone: Phone, ...nodes: Node[]): Promise<readonly Element[]> => {
  const { bytes } = await phone.raw('ItemOperations', el('ItemOperations:ItemOperations', nodes))
  return descend(decode(bytes), 'ItemOperations:Response').children
}
const status = (one: Element | undefined): string | undefined => text(one!, 'ItemOperations:Status')
const mail = (subject: string, own: string, ...references: string[]): string => `From: bob@postern.test\r\nSubject: ${subject}\r\n` +
  `Message-ID: <${own}>\r\n${references.length ? `References: ${references.map(one => `<${one}>`).join('\r\n ')}\r\n` : ''}\r\nHello.\r\n`

describe('a multipart answer', () => {
  it('brings messages and files as the octets they are', async () => {
    const file = randomBytes(300_000)
    const lines = file.toString('base64').replace(/.{76}/g, '$&\r\n')
    const message = 'Subject: file\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee file\r\n--b\r\n' +
      `Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n${lines}\r\n--b--\r\n`
    await house.seed('anna', 'INBOX', [message])
    const phone = await phoneOf('anna', { query: 'base64', version: '14.1' })
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    const [{ id } = { id: '' }] = [...phone.held(inbox).items.values()]
    const fetch = (...nodes: Node[]): Node => el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), ...nodes])
    const mime = el('ItemOperations:Options', [
      el('AirSync:MIMESupport', '2'), el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '4')]),
    ])
    const { bytes, headers } = await phone.raw('ItemOperations', el('ItemOperations:ItemOperations', [
      fetch(el('AirSync:ServerId', id), mime), fetch(el('AirSyncBase:FileReference', `${id}:2`)),
    ]), { parameters: { AcceptMultiPart: 'T' } })
    expect(headers['content-type']).toBe('application/vnd.ms-sync.multipart')
    const { parts } = readMultipart(bytes)
    expect([parts.length, parts[1]!.toString('latin1') === message, parts[2]!.equals(file)]).toEqual([3, true, true])
  })
})

describe('EmptyFolderContents', () => {
  // Trap 19: others' messages that are marked \\Deleted stay, what arrives meanwhile stays
  it('empties Trash with its folders, and no other', async () => {
    const imap = await house.imapClient('bob')
    const phone = await phoneOf('bob')
    await house.seed('bob', 'Trash', Array.from({ length: 120 }, (_, n) => mail(`old ${n}`, `${n}@x`)))
    for (const folder of ['Trash/Below', 'Trash/Below/Deeper', 'Trashy']) await imap.mailboxCreate(folder)
    for (const folder of ['Trash/Below', 'Trashy', 'INBOX']) await imap.append(folder, mail('x', 'x@x'), ['\\Deleted'])
    await phone.folderSync()
    const trash = phone.folder('Trash')
    const empty = (...options: Node[]): Promise<readonly Element[]> => operate(phone, el('ItemOperations:EmptyFolderContents', [
      el('AirSync:CollectionId', trash), ...(options.length ? [el('ItemOperations:Options', options)] : []),
    ]))
    expect((await empty()).map(status)).toEqual(['1'])
    const count = async (folder: string): Promise<number | undefined> => {
      const told = await imap.status(folder, { messages: true })
      return told === false ? undefined : told.messages
    }
    expect([await count('Trash'), await count('Trash/Below'), await count('Trashy'), await count('INBOX')]).toEqual([0, 1, 1, 1])
    expect((await empty(el('ItemOperations:DeleteSubFolders'))).map(status)).toEqual(['1'])
    expect((await imap.list()).map(({ path }) => path)).not.toContain('Trash/Below')
    expect((await phone.folderSync()).changes.toSorted()).toEqual(['Delete Below', 'Delete Deeper'])
  })
})

describe('Move of a conversation', () => {
  it('takes its messages out of every folder but Sent', async () => {
    const imap = await house.imapClient('carol')
    const phone = await phoneOf('carol')
    await imap.mailboxCreate('Work')
    await imap.mailboxCreate('Project')
    await imap.append('INBOX', mail('start', '1@x'))
    await imap.append('INBOX', mail('other', '7@x', '6@x', '1@x'))
    await imap.append('Project', mail('Re: start', '2@x', '1@x'))
    await imap.append('INBOX', mail('Re: start', '3@x', '1@x', '2@x'))
    await imap.append('Sent', mail('Re: start', '4@x', '1@x', '3@x'))
    await phone.folderSync()
    const { hits } = await search(phone, { query: 'subject:"Re: start"', folders: [phone.folder('Project')] })
    const id = hits[0]!.properties.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
    const moved = await operate(phone, el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', phone.folder('Work')),
      el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
    ]))
    expect(moved.map(one => [status(one), Buffer.from(descend(one, 'ItemOperations:ConversationId').opaque!).equals(id)])).toEqual([['1', true]])
    const subjects = async (folder: string): Promise<readonly string[]> =>
      (await search(phone, { query: 'from:bob', folders: [phone.folder(folder)], rebuild: true })).subjects.toSorted()
    expect(await subjects('Work')).toEqual(['Re: start', 'Re: start', 'start'])
    expect([await subjects('Inbox'), await subjects('Project'), await subjects('Sent')]).toEqual([['other'], [], ['Re: start']])

    // What is answered later goes the same way, in a process that remembers nothing.
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    await postern.restart()
    await house.deliver('carol', mail('Re: start again', '9@x', '1@x', '2@x'))
    await house.deliver('carol', mail('news', '10@x'))
    const again = await phoneOf('carol')
    again.held(inbox).key = phone.held(inbox).key
    await again.syncAll(inbox)
    expect([...again.held(inbox).items.values()].map(({ subject }) => subject)).toEqual(['news'])
    await again.syncAll(phone.folder('Work'))
    expect([...again.held(phone.folder('Work')).items.values()].map(({ subject }) => subject)).toContain('Re: start again')
  })
})

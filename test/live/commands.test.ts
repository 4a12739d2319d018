// Every command but Sync, against a real Dovecot and a real Exim.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { text } from '../../src/wire/wbxml.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
const phones: Phone[] = []

beforeAll(async () => {
  house = await startHouse()
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

function phoneOf(name: string, options: Partial<PhoneOptions> = {}): Phone {
  const { login, password } = house.user(name)
  const phone = new Phone({ url: postern.url, user: login, password, ...options })
  phones.push(phone)
  return phone
}

const mail = (fields: Record<string, string>, body = 'Hello.\r\n'): string =>
  `${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}MIME-Version: 1.0\r\n\r\n${body}`

/** Whole messages of a folder as another client sees them. */
async function seen(name: string, folder: string): Promise<string[]> {
  const imap = await house.imapClient(name)
  const lock = await imap.getMailboxLock(folder)
  try {
    const found: string[] = []
    for await (const { source } of imap.fetch('1:*', { source: true })) found.push(source!.toString('utf8'))
    return found
  } finally {
    lock.release()
  }
}

/** Until it holds; what is delivered through Exim takes a moment. */
async function eventually<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await look()
    if (holds(value) || tries > 100) return value
    await sleep(50)
  }
}

it('a wrong password is 401, a right one is let in', async () => {
  const { login } = house.user('anna')
  const wrong = new Phone({ url: postern.url, user: login, password: 'guess' })
  phones.push(wrong)
  expect((await wrong.raw('FolderSync', undefined)).status).toBe(401)
  expect((await phoneOf('anna').optionsRequest()).versions).toContain('16.1')
})

describe('folders', () => {
  it('are all there at first, the special ones by their types', async () => {
    const phone = phoneOf('anna')
    expect((await phone.folderSync('0')).status).toBe('1')
    const types = [...phone.folders.values()].map(({ type }) => type)
    for (const type of ['2', '3', '4', '5', '6']) expect(types.filter(one => one === type)).toHaveLength(1)
    expect((await phone.folderSync()).changes).toEqual([])
    for (const id of phone.folders.keys()) expect(id.length).toBeLessThanOrEqual(24)
  })

  it('are made, renamed, moved and removed with any name, and keep their ids', async () => {
    const phone = phoneOf('anna'), other = phoneOf('anna', { deviceId: 'OTHER' })
    await phone.folderSync('0')
    await other.folderSync('0')
    const { id, status } = await phone.editFolder('Create', { name: 'Büro & <Haus> 日本' })
    expect(status).toBe('1')
    expect((await phone.editFolder('Create', { name: 'Büro & <Haus> 日本' })).status).toBe('2')
    const above = await phone.editFolder('Create', { name: 'Above' })
    expect((await phone.editFolder('Update', { id, parent: above.id, name: 'Renamed' })).status).toBe('1')
    expect((await phone.folderSync()).changes).toEqual([])
    expect((await other.folderSync()).changes).toEqual(['Add Above', 'Add Renamed'])
    expect(other.folders.get(id)).toMatchObject({ parent: above.id, name: 'Renamed' })
    expect((await phone.editFolder('Delete', { id })).status).toBe('1')
    expect((await phone.editFolder('Delete', { id: above.id })).status).toBe('1')
    expect((await other.folderSync()).changes).toEqual(['Delete Renamed', 'Delete Above'])
  })

  it('changed by another client are told, whoever answers', async () => {
    const phone = phoneOf('anna')
    await phone.folderSync('0')
    const imap = await house.imapClient('anna')
    const changes = async (): Promise<string[]> =>
      (await eventually(() => phone.folderSync(), told => told.changes.length > 0)).changes
    await imap.mailboxCreate('From elsewhere')
    expect(await changes()).toEqual(['Add From elsewhere'])
    const id = phone.folder('From elsewhere')
    await imap.mailboxRename('From elsewhere', 'Renamed elsewhere')
    expect(await changes()).toEqual(['Update Renamed elsewhere'])
    expect(phone.folder('Renamed elsewhere')).toBe(id)
    await postern.restart()
    const again = phoneOf('anna')
    expect(await again.folderSync(phone.folderKey)).toMatchObject({ status: '1', changes: [] })
    await imap.mailboxDelete('Renamed elsewhere')
    const told = await eventually(() => again.folderSync(), one => one.changes.length > 0)
    expect(told.changes).toEqual(['Delete undefined'])
  })
})

describe('SendMail', () => {
  it.each([['12.1'], ['16.1']])('of version %s arrives, is filed with its Bcc and goes without it', async version => {
    const phone = phoneOf('bob', { version })
    const subject = `sent by ${version}`
    const status = await phone.sendMail(mail({
      From: '"Bob Bold" <bob@postern.test>', To: 'carol@postern.test', Bcc: 'dave@postern.test', Subject: subject,
      'Message-ID': `<${version}@phone>`,
    }))
    expect(status).toBe('')
    for (const name of ['carol', 'dave']) {
      const inbox = await eventually(() => seen(name, 'INBOX'), all => all.some(one => one.includes(subject)))
      const [message] = inbox.filter(one => one.includes(subject))
      expect(message).toContain('Hello.')
      expect(message).not.toMatch(/^bcc:/im)
    }
    const phoneView = phoneOf('bob')
    await phoneView.folderSync('0')
    const folder = phoneView.folder('5')
    await phoneView.syncAll(folder, { options: { mimeSupport: 2, bodies: [{ type: 4 }] } })
    const [copy] = [...phoneView.held(folder).items.values()].filter(item => item.subject === subject)
    expect(copy!.body).toContain('Bcc: dave@postern.test\r\n')
    expect(copy!.read).toBe(true)
  })

  it('goes out once, even by a process without memory', async () => {
    const phone = phoneOf('bob')
    const message = mail({ To: 'erin@postern.test', Subject: 'only once' })
    expect(await phone.sendMail(message, { clientId: 'c1' })).toBe('')
    expect(await phone.sendMail(message, { clientId: 'c1' })).toBe('118')
    await postern.restart()
    expect(await phoneOf('bob').sendMail(message, { clientId: 'c1' })).toBe('118')
    await eventually(() => seen('erin', 'INBOX'), all => all.length > 0)
    await sleep(200)
    expect((await seen('erin', 'INBOX')).filter(one => one.includes('only once'))).toHaveLength(1)
  })

  it('tells of a recipient that is refused while the others get it', async () => {
    const phone = phoneOf('frank')
    expect(await phone.sendMail(mail({ To: 'grace@postern.test, nobody-here@postern.test', Subject: 'half' }))).toBe('')
    await eventually(() => seen('grace', 'INBOX'), all => all.some(one => one.includes('half')))
    const [note] = await eventually(() => seen('frank', 'INBOX'), all => all.length > 0)
    expect(note).toContain('nobody-here@postern.test')
  })

  it('that nobody takes is refused', async () => {
    expect(await phoneOf('frank').sendMail(mail({ To: 'nobody-here@postern.test', Subject: 'none' }))).toBe('120')
  })

  it('sends as nobody else', async () => {
    const phone = phoneOf('heidi')
    await phone.sendMail(mail({ From: '"The Boss" <ivan@postern.test>', To: 'judy@postern.test', Subject: 'who am I' }))
    const [message] = await eventually(() => seen('judy', 'INBOX'), all => all.length > 0)
    expect(message).toMatch(/^From: The Boss <heidi@postern\.test>\r$/m)
  })
})

describe('items', () => {
  const file = randomBytes(300_000)
  const lines = file.toString('base64').replace(/.{76}/g, '$&\r\n')
  const withFile = mail({
    From: 'bob@postern.test', To: 'karl@postern.test', Subject: 'file', 'Content-Type': 'multipart/mixed; boundary=b'
  },
    '--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n' +
    `Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n--b--\r\n`)
    .replace('MIME-Version: 1.0\r\n\r\n', '\r\n').replace('Subject: file\r\n', 'Subject: file\r\nMIME-Version: 1.0\r\n')

  it('are fetched, their files too, in whole and in ranges', async () => {
    await house.deliver('karl', withFile)
    const phone = phoneOf('karl')
    await phone.folderSync('0')
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    const [item] = phone.held(inbox).items.values()
    const attachment = descend(item!.data, 'AirSyncBase:Attachments', 'AirSyncBase:Attachment')
    const reference = text(attachment, 'AirSyncBase:FileReference')!
    const data = (properties: Parameters<typeof descend>[0]): Buffer => Buffer.from(
      text(properties!, 'ItemOperations:Data') ?? '', 'base64'
    )

    const [whole, range, message] = await phone.fetch([
      { file: reference }, {
        file: reference, range: '100000-100099'
      }, { id: item!.id, options: { mimeSupport: 2, bodies: [{ type: 4 }] } },
    ])
    expect(data(whole!.properties).equals(file)).toBe(true)
    expect(data(range!.properties).equals(file.subarray(100_000, 100_100))).toBe(true)
    expect(text(range!.properties!, 'ItemOperations:Total')).toBe('300000')
    expect(text(descend(message!.properties, 'AirSyncBase:Body'), 'AirSyncBase:Data')).toContain('Grüße')

    const old = await phoneOf('karl', { version: '12.1' }).raw(
      'GetAttachment', undefined, { parameters: { AttachmentName: reference } }
    )
    expect([old.status, Buffer.from(old.bytes).equals(file)]).toEqual([200, true])
  })

  it('of another user or folder are not there', async () => {
    const karl = phoneOf('karl'), lena = phoneOf('lena')
    await karl.folderSync('0')
    const inbox = karl.folder('Inbox')
    await karl.syncAll(inbox)
    const [id] = karl.held(inbox).items.keys()
    expect(await lena.fetch([{ id: id! }, { file: `${id}:2` }])).toMatchObject([{ status: '6' }, { status: '15' }])
    await lena.folderSync('0')
    expect(await lena.moveItems([{ id: id!, from: inbox, to: lena.folder('Trash') }])).toMatchObject([{ status: '1' }])
    expect((await seen('karl', 'INBOX')).length).toBeGreaterThan(0)
  })

  it('are moved under new ids that Sync does not tell again, and counted', async () => {
    for (const n of [1, 2, 3]) await house.deliver('lena', mail({ Subject: `number ${n}` }))
    const phone = phoneOf('lena')
    await phone.folderSync('0')
    const inbox = phone.folder('Inbox'), trash = phone.folder('4')
    await phone.sync({ collections: [{ id: inbox }, { id: trash }] })
    expect(await phone.getItemEstimate([{ id: inbox }, { id: trash }])).toMatchObject([{ estimate: 3 }, { estimate: 0 }])
    await phone.syncAll(inbox)
    await phone.syncAll(trash)
    const ids = [...phone.held(inbox).items.values()].filter(item => item.subject !== 'number 2').map(item => item.id)
    const moves = ids.map(id => ({ id, from: inbox, to: trash }))
    const results = await phone.moveItems(moves)
    expect(results.map(({ status }) => status)).toEqual(['3', '3'])
    expect(await phone.moveItems(moves)).toEqual(results)
    await phone.syncAll(inbox)
    await phone.syncAll(trash)
    expect([...phone.held(trash).items.keys()].toSorted()).toEqual(results.map(({ newId }) => newId!).toSorted())
    expect(phone.held(trash).duplicates).toEqual([])
    expect([...phone.held(inbox).items.values()].map(({ subject }) => subject)).toEqual(['number 2'])
    const [wrong] = await phone.fetch([{ id: results[0]!.newId!, options: { bodies: [{ type: 1 }] } }])
    expect(text(wrong!.properties!, 'Email:Subject')).toMatch(/^number [13]$/)
  })
})

describe('Ping', () => {
  it('is answered when mail comes, and when another client changes something', async () => {
    const phone = phoneOf('ivan')
    await phone.folderSync('0')
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    const woken = phone.ping([inbox, phone.folder('5')], 60)
    await sleep(300)
    await house.deliver('ivan', mail({ Subject: 'push' }))
    expect(await woken).toMatchObject({ status: '2', folders: [inbox] })
    await phone.syncAll(inbox)

    const again = phone.ping([inbox], 60)
    await sleep(300)
    const imap = await house.imapClient('ivan')
    const lock = await imap.getMailboxLock('INBOX')
    await imap.messageFlagsAdd('1', ['\\Flagged'])
    lock.release()
    expect(await again).toMatchObject({ status: '2', folders: [inbox] })
    await phone.syncAll(inbox)
    expect([...phone.held(inbox).items.values()]).toMatchObject([{ subject: 'push', flagged: true }])
  })

  it('is answered at once for what came before', async () => {
    const phone = phoneOf('ivan')
    await phone.folderSync('0')
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    await house.deliver('ivan', mail({ Subject: 'before' }))
    expect(await phone.ping([inbox], 60)).toMatchObject({ status: '2', folders: [inbox] })
  })

  it('watches many folders for many devices over few connections', async () => {
    const devices = Array.from({ length: 20 }, (_, n) => phoneOf('judy', { deviceId: `D${n}` }))
    await devices[0]!.folderSync('0')
    const folders = [...devices[0]!.folders.values()].map(({ id }) => id)
    const waits = devices.map(device => device.ping(folders, 60))
    await sleep(500)
    await house.deliver('judy', mail({ Subject: 'all of you' }))
    for (const wait of waits) expect((await wait).status).toBe('2')
  })
})

it('when the mail server is away, a command says so, and works again when it is back', async () => {
  const phone = phoneOf('grace')
  await phone.folderSync('0')
  await house.dovecot.stop()
  try {
    const { status, bytes } = await phone.raw('FolderSync', undefined)
    expect(status === 503 || bytes.length > 0).toBe(true)
  } finally {
    await house.dovecot.start()
  }
  const recovered = await eventually(() => phone.folderSync().catch(() => ({ status: '' })), ({ status }) => status === '1')
  expect(recovered.status).toBe('1')
})

// Two processes of a site with a shared cache, before real servers: what came to one of them is not done again by the other.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { el, type Node } from '../../src/wire/wbxml.ts'
import { scriptedDav, type ScriptedDav } from '../support/bad-dav.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let dav: ScriptedDav
let one: Instance, two: Instance
let phone: Phone
let users = 0
const open: Phone[] = []

beforeAll(async () => {
  house = await startHouse({ users: 60, redis: true })
  dav = await scriptedDav()
  const { url, password } = house.redis
  const options = { dav: { url: dav.url }, shared: { url, password } }
  ;[one, two] = await Promise.all([startInstance(house, options), startInstance(house, options)])
})
afterAll(async () => {
  await one?.close()
  await two?.close()
  await dav?.close()
  await house?.stop()
})
beforeEach(async () => {
  phone = phoneOf(++users)
  await phone.folderSync('0')
})
afterEach(() => {
  for (const each of open.splice(0)) each.close()
  expect([one.bugs(), two.bugs()]).toEqual([0, 0])
})

function phoneOf(n: number, at = one, password = 'secret'): Phone {
  const made = new Phone({ url: at.url, user: house.user(n).login, password, deviceId: 'SHARED' })
  open.push(made)
  return made
}

/** The same phone goes on at another process. */
const at = (instance: Instance): Phone => Object.assign(phone, { options: { ...phone.options, url: instance.url } })

const mail = (subject: string): string =>
  `From: ${house.user(users).address}\r\nTo: ${house.user(0).address}\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '.')}@phone>\r\n\r\nx\r\n`

async function arrived(subject: string): Promise<number> {
  const imap = await house.imapClient(0)
  await imap.mailboxOpen('INBOX')
  const found = await imap.search({ subject })
  await imap.logout()
  return found ? found.length : 0
}

describe('a message of which no copy is kept', () => {
  it('goes out once where both get it at once, and both say what became of it', async () => {
    for (let n = 0; n < 5; n++) {
      const subject = `at once ${n}`
      const answers = await Promise.all([one, two].map(instance => phoneOf(users, instance).sendMail(mail(subject), { clientId: `7${n}`, save: false })))
      expect(answers.sort()).toEqual(['', '118'])
    }
    for (let n = 0; n < 5; n++) await expect.poll(() => arrived(`at once ${n}`)).toBe(1)
  })

  it('goes out once where the other one gets it again, also after a restart of both', async () => {
    expect(await at(one).sendMail(mail('again'), { clientId: '8', save: false })).toBe('')
    expect(await at(two).sendMail(mail('again'), { clientId: '8', save: false })).toBe('118')
    await Promise.all([one.restart(), two.restart()])
    expect(await at(two).sendMail(mail('again'), { clientId: '8', save: false })).toBe('118')
    await expect.poll(() => arrived('again')).toBe(1)
  })
})

describe('a move', () => {
  let inbox: string, trash: string, id: string
  beforeEach(async () => {
    await house.seed(users, 'INBOX', ['Subject: to be moved\r\n\r\nx\r\n'])
    // A key that has been told of nothing does not know the mailbox, nor then what MoveItems gave.
    await house.seed(users, 'Trash', ['Subject: there before\r\n\r\nx\r\n'])
    inbox = phone.folder('Inbox')
    trash = phone.folder('Trash')
    for (const folder of [inbox, trash]) await at(one).syncAll(folder)
    id = [...phone.held(inbox).items.keys()][0]!
  })
  const body = (): Node => el('Move:MoveItems', [el('Move:Move', [el('Move:SrcMsgId', id), el('Move:SrcFldId', inbox), el('Move:DstFldId', trash)])])

  it.each(['one', 'two'])('whose answer got lost is answered by the other process, and the item is there once, synced at %s', async which => {
    await at(one).raw('MoveItems', body())
    const [moved] = await at(two).moveItems([{ id, from: inbox, to: trash }])
    expect(moved).toMatchObject({ status: '3' })
    at(which === 'one' ? one : two)
    for (const folder of [inbox, trash]) await phone.syncAll(folder)
    expect(phone.held(inbox).items.size).toBe(0)
    expect([...phone.held(trash).items.values()].map(({ subject }) => subject).sort()).toEqual(['there before', 'to be moved'])
    expect([...phone.held(trash).items.keys()]).toContain(moved!.newId)
    expect(phone.held(trash).duplicates).toEqual([])
  })

  it('that both get at once is answered by both alike', async () => {
    const answers = await Promise.all([one, two].map(instance => phoneOf(users, instance).raw('MoveItems', body())))
    expect(answers[1]!.bytes).toEqual(answers[0]!.bytes)
    const [moved] = await at(two).moveItems([{ id, from: inbox, to: trash }])
    expect(moved).toMatchObject({ status: '3' })
  })

  it('lets the id from before be answered to at the other process', async () => {
    await at(one).moveItems([{ id, from: inbox, to: trash }])
    expect(await at(two).smart('SmartReply', id, mail('answer'), { save: false })).toBe('')
  })
})

describe('a folder', () => {
  it('that was made is not made again, and gets the same id', async () => {
    const { folderKey: key } = phone
    const first = await at(one).editFolder('Create', { name: 'New', type: '12', parent: '0', key })
    expect(first.status).toBe('1')
    expect(await at(two).editFolder('Create', { name: 'New', type: '12', parent: '0', key })).toEqual(first)
  })

  it('that came meanwhile is told by the other process, which knows what the phone has', async () => {
    const imap = await house.imapClient(users)
    await imap.mailboxCreate('Meanwhile')
    expect(await at(two).folderSync()).toEqual({ status: '1', changes: ['Add Meanwhile'] })
  })
})

it('a contact changed again by a request that repeats one whose answer got lost is no conflict at the other process', async () => {
  dav.objects.get('book/')!.set('a.vcf', 'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Anna Test\r\nN:Test;Anna;;;\r\nEND:VCARD\r\n')
  const contacts = phone.folder('9')
  await at(one).syncAll(contacts)
  const [id] = phone.held(contacts).items.keys()
  const change = (name: string) => ({ kind: 'Change', id: id!, data: [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test')] }) as const
  await at(one).sync({ collections: [{ id: contacts, commands: [change('Anne')] }], lose: true })
  const { collections: [answer] } = await at(two).sync({ collections: [{ id: contacts, commands: [change('Annabel')] }] })
  expect(answer!.responses).toEqual([])
  expect(dav.objects.get('book/')!.get('a.vcf')).toContain('N:Test;Annabel')
})

it('wrong passwords are counted by both together', async () => {
  const attempt = async (instance: Instance, password: string): Promise<number> =>
    (await phoneOf(users, instance, password).raw('', undefined, { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' })).status
  const guesses = await Promise.all(Array.from({ length: 10 }, (_, n) => attempt(n % 2 ? one : two, `guess ${n}`)))
  expect(guesses).toEqual(guesses.map(() => 401))
  expect(await Promise.all([one, two].map(instance => attempt(instance, 'guess 11')))).toEqual([503, 503])
})

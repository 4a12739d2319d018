// Notes in a mailbox of a real Dovecot, with and without a Radicale: what phones and Apple's programs make of each other's notes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { since, versions } from '../../src/eas/versions.ts'
import { child, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { AppleUser } from '../support/apple-user.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { mailNotes, picture } from '../support/mail-notes.ts'

let house: House, postern: Instance
let phone: Phone, apple: AppleUser, notes: string
const phones: Phone[] = []
let users = 0

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 40 })
  postern = await startInstance(house, { notes: 'auto' })
})
beforeEach(async () => {
  phone = phoneOf({})
  await phone.folderSync('0')
  notes = phone.folder('10')
  apple = new AppleUser(await house.imapClient(users))
  await phone.syncAll(notes)
})
afterEach(() => {
  for (const one of phones.splice(0)) one.close()
  users++
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

function phoneOf(options: Partial<PhoneOptions>, url = postern.url): Phone {
  const { login, password } = house.user(users)
  const one = new Phone({ url, user: login, password, version: '16.1', deviceId: `NOTES${phones.length}`, ...options })
  phones.push(one)
  return one
}

const [iphone, mac] = mailNotes.map(([, octets]) => octets) as [Buffer, Buffer]
const said = (subject: string, body: string, more: readonly Node[] = []): Node[] => [
  el('Notes:Subject', subject), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', body)]), el('Notes:MessageClass', 'IPM.StickyNote'), ...more,
]
const html = { bodies: [{ type: 2 as const }] }
const held = (one = phone): Element[] => [...one.held(notes).items.values()].map(({ data }) => data!)
const subjects = (one = phone): (string | undefined)[] => held(one).map(data => text(data, 'Notes:Subject')).sort()
const bodyOf = (data: Element): string => text(child(data, 'AirSyncBase:Body')!, 'AirSyncBase:Data') ?? ''
const ids = (one = phone): string[] => [...one.held(notes).items.keys()]
const stored = async (): Promise<string[]> => [...(await apple.list()).values()]
const change = (id: string, data: readonly Node[], more = {}) => phone.sync({ collections: [{ id: notes, commands: [{ kind: 'Change', id, data }], ...more }] })

describe('the mailbox of notes', () => {
  it.each(versions)('is the default folder of notes from 14.0, a mail folder before, never both: version %s', async version => {
    const one = phoneOf({ version, deviceId: 'VERSION' })
    await one.folderSync('0')
    const found = [...one.folders.values()].filter(({ name }) => name === 'Notes').map(({ type }) => type)
    expect(found).toEqual([since(version, '14.0') ? '10' : '12'])
    await apple.put('', iphone)
    const id = [...one.folders.entries()].find(([, { name }]) => name === 'Notes')![0]
    await one.syncAll(id, since(version, '12.1') ? {} : { class: 'Email' })
    const [item] = [...one.held(id).items.values()]
    expect(text(item!.data!, since(version, '14.0') ? 'Notes:Subject' : 'Email:Subject')).toBe('Shopping')
  })

  it('is told with all there is to a note, in the form it has and in plain text', async () => {
    await apple.put('', iphone)
    await apple.put('', mailNotes[2]![1])
    await phone.syncAll(notes, { options: html })
    const of = (subject: string): Element => held().find(data => text(data, 'Notes:Subject') === subject)!
    expect(bodyOf(of('Shopping'))).toBe('Shopping<div>Milk &amp; Käse</div><div><br></div><div>Bread</div>')
    expect(text(of('Shopping'), 'Notes:LastModifiedDate')).toBe('20120106T221933Z')
    expect(text(of('Shopping'), 'Notes:MessageClass')).toBe('IPM.StickyNote')
    expect(child(of('To do, today'), 'Notes:Categories')!.children.map(one => one.text)).toEqual(['Home', 'Work, new', 'Büro'])
    const plain = phoneOf({ deviceId: 'PLAIN' })
    await plain.syncAll(notes)
    expect(held(plain).map(bodyOf).sort()).toEqual(['Shopping\r\nMilk & Käse\r\n\r\nBread', 'first\r\n\r\n  second  é'])
  })

  it('takes a new note of the phone, once however often it is asked, in the form of Apple’s programs', async () => {
    const wish = { collections: [{ id: notes, commands: [{ kind: 'Add' as const, clientId: 'n1', data: said('Größe', 'Größe\r\n1 < 2', [el('Notes:Categories', [el('Notes:Category', 'Maß')])]) }] }] }
    await phone.sync({ ...wish, lose: true })
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    const { collections: [answer] } = await phone.sync(wish)
    expect(answer).toMatchObject({ responses: [{ kind: 'Add', status: '1' }], adds: [], deletes: [] })
    const [message] = await stored()
    expect(await stored()).toHaveLength(1)
    expect(message).toMatch(/^X-Uniform-Type-Identifier: com\.apple\.mail-note\r$/m)
    expect(message).toMatch(/^X-Universally-Unique-Identifier: [0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\r$/m)
    const other = phoneOf({ deviceId: 'OTHER' })
    await other.syncAll(notes)
    expect([ids(other), subjects(other), bodyOf(held(other)[0]!)]).toEqual([[answer!.responses[0]!.id], ['Größe'], 'Größe\r\n1 < 2'])
  })
})

describe('an edit', () => {
  it('on the phone keeps the ServerId, again and again and for other phones, with and without memory', async () => {
    await apple.put('', mac)
    await phone.syncAll(notes)
    const other = phoneOf({ deviceId: 'OTHER' })
    await other.syncAll(notes)
    const [id] = ids() as [string]
    for (const words of ['One', 'Two', 'Three']) {
      const { collections: [answer] } = await change(id, said('Holiday', words))
      expect(answer).toMatchObject({ responses: [], adds: [], changes: [], deletes: [] })
      if (words === 'Two') await postern.restart()
      for (const one of phones) Object.assign(one.options, { url: postern.url })
      expect(await phone.sync({ collections: [{ id: notes }] })).toMatchObject({ empty: true })
    }
    const { collections: [news] } = await other.sync({ collections: [{ id: notes }] })
    expect([news!.deletes, ids(other), bodyOf(held(other)[0]!)]).toEqual([[], [id], 'Three'])
    const messages = await stored()
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain('X-Universally-Unique-Identifier: 6E0BBF34-4B3F-4A4F-9C7B-0E0D7B5A1D11')
    expect(messages[0]).toContain('data="cid:P1@x"')
    expect(messages[0]!.replace(/\r\n/g, '')).toContain(picture)
  })

  it('of more notes than keep their names tells others anew: each note once, none lost', async () => {
    for (let n = 0; n < 6; n++) await apple.put('', Buffer.from(iphone.toString('latin1').replace('Subject: Shopping', `Subject: S${n}`).replace('0811AAB1', `0811AAB${n}`), 'latin1'))
    await phone.syncAll(notes)
    for (const id of ids()) await change(id, said(`T${text(phone.held(notes).items.get(id)!.data!, 'Notes:Subject')}`, 'x'))
    await postern.restart()
    Object.assign(phone.options, { url: postern.url })
    await phone.syncAll(notes)
    const fresh = phoneOf({ deviceId: 'FRESH' })
    await fresh.syncAll(notes)
    expect([subjects(fresh), ids(fresh).sort()]).toEqual([['TS0', 'TS1', 'TS2', 'TS3', 'TS4', 'TS5'], ids().sort()])
  })

  it('by Apple’s programs wakes the phone and comes as one note for another', async () => {
    await apple.put('', iphone)
    await phone.syncAll(notes)
    const [uid] = [...(await apple.list()).keys()] as [string]
    const ping = phone.ping([notes], 60)
    await new Promise(resolve => setTimeout(resolve, 500))
    await apple.put(uid, iphone.toString('latin1').replace('Bread', 'Butter'))
    expect(await ping).toMatchObject({ status: '2', folders: [notes] })
    expect((await phone.getItemEstimate([{ id: notes }]))[0]).toMatchObject({ status: '1', estimate: 2 })
    await phone.syncAll(notes)
    expect(held().map(bodyOf)).toEqual([expect.stringContaining('Butter')])
  })

  it.each([[0, /Phone/, '1'], [1, /Butter/, '7']] as const)('on both sides is settled by Conflict %i', async (conflict, wins, status) => {
    await apple.put('', iphone)
    await phone.syncAll(notes)
    const [id] = ids() as [string], [uid] = [...(await apple.list()).keys()] as [string]
    await apple.put(uid, iphone.toString('latin1').replace('Bread', 'Butter'))
    const { collections: [answer] } = await change(id, said('Shopping', 'Phone'), { options: { conflict } })
    expect(answer!.responses.map(one => one.status)).toEqual(status === '1' ? [] : [status])
    await phone.syncAll(notes)
    expect([held().length, (await stored()).length]).toEqual([1, 1])
    expect(bodyOf(held()[0]!)).toMatch(wins)
  })

  it('of flags alone is none of the note, and a note marked for removal is gone until it is not', async () => {
    await apple.put('', iphone)
    await phone.syncAll(notes)
    const [uid] = [...(await apple.list()).keys()] as [string]
    await apple.mark(uid, '\\Deleted')
    await phone.syncAll(notes)
    expect(subjects()).toEqual([])
    await apple.mark(uid, '\\Deleted', false)
    await phone.syncAll(notes)
    expect(subjects()).toEqual(['Shopping'])
    await change(ids()[0]!, said('Shopping', 'x'))
    expect(await stored()).toHaveLength(1)
  })

  it('that broke off between the new message and the old one shows the new one, and is cleared away', async () => {
    await apple.put('', iphone)
    await phone.syncAll(notes)
    const [id] = ids() as [string]
    const before = await stored()
    await change(id, said('Shopping', 'Phone'))
    // As if the old message had never been removed: another program cannot make one of a lower UID, so the edit is made twice.
    const again = (await stored())[0]!.replace('Phone', 'Later')
    await apple.put('', again)
    await phone.syncAll(notes)
    expect([ids(), held().map(bodyOf)]).toEqual([[id], [expect.stringContaining('Later')]])
    expect([before.length, (await stored()).length]).toEqual([1, 2])
    await phone.sync({ collections: [{ id: notes, commands: [{ kind: 'Delete', id }] }] })
    expect(await stored()).toEqual([])
  })
})

describe('notes of a mailbox', () => {
  it('are fetched, deleted on both sides, moved between folders, and are notes, not mail, to a search', async () => {
    await apple.put('', iphone)
    await phone.syncAll(notes)
    const [id] = ids() as [string]
    const fetched = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Fetch', [
      el('ItemOperations:Store', 'Mailbox'), el('AirSync:CollectionId', notes), el('AirSync:ServerId', id),
    ])]))
    const answer = child(child(fetched!, 'ItemOperations:Response')!, 'ItemOperations:Fetch')!
    expect([text(answer, 'ItemOperations:Status'), text(answer, 'AirSync:Class')]).toEqual(['1', 'Notes'])
    const found = (await search(phone, { query: 'Shopping' })).hits
    expect(found.map(hit => hit.class)).toEqual(['Notes'])
    expect((await search(phone, { query: 'Shopping', classes: ['Email'] })).hits).toEqual([])
    const { id: club } = await phone.editFolder('Create', { name: 'Club', type: '17' })
    expect((await phone.folderSync()).changes.filter(one => one.startsWith('Delete'))).toEqual([])
    const [moved] = await phone.moveItems([{ id, from: notes, to: club }])
    expect(moved!.status).toBe('3')
    await phone.syncAll(club)
    await phone.syncAll(notes)
    expect([[...phone.held(club).items.keys()].length, ids()]).toEqual([1, []])
    await phone.sync({ collections: [{ id: club, commands: [{ kind: 'Change', id: moved!.newId!, data: said('Shopping', 'In the club') }] }] })
    expect([...(await new AppleUser(await house.imapClient(users), 'Notes/Club').list()).values()]).toEqual([expect.stringContaining('In the club')])
    expect(await phone.editFolder('Delete', { id: club })).toMatchObject({ status: '1' })
  })

  it('of a Kolab folder are left alone', async () => {
    await apple.put('', 'X-Kolab-Type: application/x-vnd.kolab.note\r\nSubject: 1\r\n\r\nA Kolab object\r\n')
    await phone.syncAll(notes)
    expect(subjects()).toEqual([])
  })

  it.each([['auto', false], ['dav', false], ['imap', true]] as const)('beside a Radicale that has journals, notes: %s', async (which, inMailbox) => {
    const other = await startInstance(house, { notes: which, dav: { url: house.dav.url, pollSeconds: 1 } })
    try {
      const one = phoneOf({ deviceId: 'DAV' }, other.url)
      await one.folderSync('0')
      const types = [...one.folders.values()].map(({ type }) => type)
      expect(types).toEqual(expect.arrayContaining(['7', '8', '9', '10']))
      const id = one.folder('10')
      expect([id.startsWith('m.'), types.filter(type => type === '10' || type === '17').length]).toEqual([inMailbox, 1])
      await one.syncAll(id)
      const { collections: [made] } = await one.sync({ collections: [{ id, commands: [{ kind: 'Add', clientId: '1', data: said('S', 'T') }] }] })
      expect(made!.responses).toMatchObject([{ status: '1' }])
      expect(await stored()).toHaveLength(inMailbox ? 1 : 0)
      const both = one.ping([id, one.folder('8')], 60)
      await new Promise(resolve => setTimeout(resolve, 1500))
      if (inMailbox) await apple.put('', iphone)
      else await phoneOf({ deviceId: 'SECOND' }, other.url).sync({ collections: [{ id, key: '0' }] }).then(async () => {
        const second = phones.at(-1)!
        await second.sync({ collections: [{ id, commands: [{ kind: 'Add', clientId: '2', data: said('U', 'V') }] }] })
      })
      expect(await both).toMatchObject({ status: '2', folders: [id] })
    } finally {
      await other.close()
    }
  })
})

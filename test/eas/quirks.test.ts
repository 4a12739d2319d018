// Each client that needs to be allowed for, and the test that shows that it is: section by section of src/eas/quirks.ts.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, clients } from '../../src/eas/quirks.ts'
import { policyKey } from '../../src/eas/policy.ts'
import { child, decode, el, encodeSync, text, type Element } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, easSettings, type EasServer } from '../support/eas-server.ts'
import { isThere, type NamedTest } from '../support/named-tests.ts'

const here = 'eas/quirks.test.ts', days = 'eas/map/contact-edit.test.ts', people = 'eas/map/calendar-clients.test.ts'
const rules = 'eas/rules.test.ts', merged = 'for %s of type %s are %j'
const shown: Readonly<Record<string, NamedTest>> = {
  cloud: ['backend/credentials.test.ts', 'has a user wait who is being guessed, but not their devices that were right before'],
  'latin-1': ['http/auth.test.ts', 'ISO-8859-1'],
  'moved-ids': ['eas/sync-others.test.ts', 'is told as a change with the flags it has by now'],
  'old-ids': [here, 'ids that MoveItems has replaced are refused one by one'],
  'window-512': ['http/server.test.ts', 'starts before it is complete, and comes piece by piece'],
  'own-tnef': ['eas/content.test.ts', 'one that says it is Outlook'],
  'no-provision': ['eas/provision.test.ts', 'no phone is asked, and one that asks hears that there is none'],
  'moved-twice': ['eas/move-items.test.ts', 'moves, says the new id, and neither folder tells this phone of it'],
  'no-empty-responses': [here, 'no answer has anything in it that is empty but should list something'],
  'folder-delete-once': ['eas/folders.test.ts', 'give the answer again that was lost'],
  'more-available': [here, 'MoreAvailable stands before Commands'],
  'version-2.5': ['eas/versions.test.ts', 'has nothing of later versions in it'],
  'no-empty-collections': [here, 'no answer has anything in it that is empty but should list something'],
  'range-unasked': ['eas/item-operations.test.ts', 'for every reference a Sync gave'],
  'fetch-by-long-id': [here, 'an item is fetched by its LongId alone'],
  'preview-then-all': [here, 'a body of some octets is fetched whole'],
  'policy-key-0': [here, 'no policy key is 0'],
  impatience: ['http/server.test.ts', 'starts before it is complete, and comes piece by piece'],
  'never-refetches': [here, 'a body as long as the size asked for is not cut'],
  'hierarchy-0': [here, 'FolderSync with key 0 leaves items and their keys as they are'],
  'ping-twice': ['eas/ping.test.ts', 'when the device asks anew, and the new one goes on waiting'],
  'whole-policy': ['eas/provision.test.ts', 'all settings are sent in order, the wanted ones with their values'],
  'sms-options': ['eas/sync-request.test.ts', 'are those for mail when a client sends a block for SMS as well, in either order'],
  'hex-device-id': ['eas/request.test.ts', 'is one and the same as text and as the octets its text spells'],
  'broken-wbxml': [here, 'a request that breaks off does nothing'],
  'conversation-id': ['eas/map/conversation.test.ts', 'has one id for all of its messages'],
  'special-folders': ['backend/imap-folders.test.ts', 'makes the special ones that are missing, once, and subscribes them'],
  'ping-first': [here, 'Ping before the first Sync, and on Outbox, waits'],
  'options-each-time': [here, 'the same options again are no news'],
  validate: ['eas/request.test.ts', 'validate'],
  'drafts-and-outbox': ['eas/folders.test.ts', 'with key 0 tells the whole hierarchy, special folders by their types, parents before children'],
  'outbox-ping': [here, 'Ping before the first Sync, and on Outbox, waits'],
  'empty-supported': [here, 'an empty Supported says nothing'],
  'no-date': ['eas/send-mail.test.ts', 'adds what a phone left out'],
  'guests-without-address': [people, 'an attendee without an address is the guest of that name'],
  'answers-in-calendar': ['live/meetings.test.ts', 'by a LongId, and from the calendar to one occurrence'],
  'empty-picture': ['eas/map/contact-edit.test.ts', 'an empty one takes it away, but not from iOS'],
  'no-organizer': [people, 'attendees without an organizer are invited by the user'],
  'uid-nul': ['eas/map/calendar.test.ts', 'the UID of a new event: that of the client, or one of our own'],
  'exception-of-a-day': [people, 'an exception of a day is the occurrence of that day'],
  'birthday-midnight': [days, '%s means the 29th by %s'],
  'birthday-0': [days, '%s is told the day at %s'],
  'birthday-11': [days, '%s is told the day at %s'],
  'birthday-8': [days, '%s is told the day at %s'],
  'empty-attendees': [people, 'an empty Attendees invites nobody, and is no change'],
  'instance-alone': ['eas/object-options.test.ts', 'of a series is named by ServerId and InstanceId in a Change and a Delete of version %s'],
  'one-book': [rules, merged], 'one-book-people': [rules, merged], 'one-book-android': [rules, merged], 'one-calendar': [rules, merged],
  'one-of-each': [rules, merged], 'one-of-each-samsung': ['live/merged.test.ts', 'are one folder of the phone, with what is in all of them'],
  'exact-status': ['live/objects.test.ts', 'in conflict, by rule %i, says %s'],
}

const quirks = clients.flatMap(({ quirks: list }) => list)

it('each quirk has a test, which exists', () => {
  expect(Object.keys(shown).sort()).toEqual(quirks.map(({ id }) => id).sort())
  expect(Object.entries(shown).filter(([, test]) => !isThere(test))).toEqual([])
  for (const { seen } of clients) expect(seen).toMatch(/^20\d\d-\d\d$/)
})

it.each([
  ['Apple-iPhone15C2/2201.92', 'iPhone', 'iOS'], ['Apple-iPad14C6/2301.341', 'iPad', 'iOS'], ['Android-Mail/2026.10.26.Release', 'Android', 'Gmail'],
  ['SAMSUNG-SM-S911B/101.140000', 'SAMSUNGSMS911B', 'Samsung Email'], ['Outlook/16.0 (16.0.17928.20148; x64)', 'WindowsOutlook15', 'Outlook'],
  ['Outlook-iOS-Android/1.0', 'Outlook', 'Outlook (iOS, Android)'], ['MSFT-WIN-4/10.0.19041', 'WindowsMail', 'Windows Mail'],
  ['MSFT-WP/8.10.14219', 'WP8', 'Windows Phone'], ['MSFT-PPC/5.1.2301', 'PocketPC', 'Windows Mobile'], ['Nine-WWYxMjM0NTY3', 'Android', 'Nine'],
  ['TouchDown(MSRPC)/8.4.00084', 'Android', 'TouchDown'], ['RIM-Q10-SQN100-3/10.2.1', 'BB10', 'BlackBerry'],
  ['MailforExchange/2.0', 'Symbian', 'Nokia Mail for Exchange'], ['Thunderbird TbSync/EAS 4', 'Thunderbird', 'TbSync'], ['Android/4.4.2-EAS-1.3', 'Android', 'Android'],
  ['curl/8', 'TestPhone', undefined], [undefined, 'x'.repeat(100_000), undefined],
])('%s of type %s is %s', (agent, type, name) => {
  expect(clientOf(agent, type)).toBe(name)
})

let server: EasServer
let phone: Phone
const inbox = 'f1', trash = 'f4', outbox = 'f5'
beforeEach(async () => {
  server = await easServer()
  for (let n = 1; n <= 3; n++) server.account.deliver('inbox', `Subject: mail ${n}\r\n\r\n${'x'.repeat(1000)}`)
  phone = server.phone()
})
afterEach(() => server.stop())

const filled = async (): Promise<string[]> => {
  await phone.syncAll(inbox)
  return [...phone.held(inbox).items.keys()]
}

describe('whatever the client', () => {
  it('ids that MoveItems has replaced are refused one by one', async () => {
    const [first, second] = await filled() as [string, string]
    await phone.moveItems([{ id: first, from: inbox, to: trash }])
    const { collections } = await phone.sync({ collections: [{ id: inbox, commands: [
      { kind: 'Change', id: first, read: true }, { kind: 'Change', id: second, read: true },
    ] }] })
    expect(collections[0]!.responses.map(({ id, status }) => [id, status])).toEqual([[first, '8']])
    expect(server.account.list('inbox').filter(({ flags }) => flags.includes('\\Seen'))).toHaveLength(1)
  })

  it('no answer has anything in it that is empty but should list something', async () => {
    const [first] = await filled() as [string]
    await phone.folderSync('0')
    await phone.folderSync()
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: first, read: true }] }] })
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Delete', id: first }], window: 1 }] })
    await phone.sync({ collections: [{ id: inbox, getChanges: false }] })
    const lists = ['Collections', 'Collection', 'Commands', 'Responses', 'Folders', 'Attachments']
    const empties = (element: Element): string[] => [
      ...(element.children.length === 0 && lists.includes(element.tag.split(':')[1]!) ? [element.tag] : []), ...element.children.flatMap(empties),
    ]
    for (const { answer } of server.exchanges) expect(empties(decode(answer))).toEqual([])
  })

  it('MoreAvailable stands before Commands', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    const { bytes } = await phone.sync({ collections: [{ id: inbox, window: 1 }] })
    const tags = decode(bytes).children[0]!.children[0]!.children.map(({ tag }) => tag)
    expect(tags.slice(-2)).toEqual(['AirSync:MoreAvailable', 'AirSync:Commands'])
  })

  it('an item is fetched by its LongId alone', async () => {
    const [first] = await filled() as [string]
    const answer = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('Search:LongId', first)]),
    ]))
    const fetched = child(child(answer!, 'ItemOperations:Response')!, 'ItemOperations:Fetch')!
    expect([text(fetched, 'ItemOperations:Status'), text(fetched, 'Search:LongId')]).toEqual(['1', first])
  })

  it('a body of some octets is fetched whole', async () => {
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1, size: 500 }] } })
    const [held] = [...phone.held(inbox).items.values()]
    expect(held!.body).toHaveLength(500)
    const [answer] = await phone.fetch([{ id: held!.id, options: { bodies: [{ type: 1 }] } }])
    expect(text(child(answer!.properties!, 'AirSyncBase:Body')!, 'AirSyncBase:Data')).toHaveLength(1000)
  })

  it('a body as long as the size asked for is not cut', async () => {
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1, size: 1000 }] } })
    const body = child([...phone.held(inbox).items.values()][0]!.data!, 'AirSyncBase:Body')!
    expect([text(body, 'AirSyncBase:Data')!.length, child(body, 'AirSyncBase:Truncated')]).toEqual([1000, undefined])
  })

  it('no policy key is 0', () => {
    for (let n = 0; n < 1000; n++) expect(policyKey({ ...easSettings, policy: {} }, 'final', 'ann', `d${n}`)).toMatch(/^[1-9]\d{0,9}$/)
  })

  it('FolderSync with key 0 leaves items and their keys as they are', async () => {
    await filled()
    await phone.folderSync('0')
    expect((await phone.sync({ collections: [{ id: inbox }] })).empty).toBe(true)
  })

  it('a request that breaks off does nothing', async () => {
    const [first] = await filled() as [string]
    const whole = encodeSync(phone.syncBody({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: first, read: true }, { kind: 'Delete', id: first }] }] }))
    for (let length = 1; length < whole.length; length += 7) {
      const { bytes } = await phone.raw('Sync', whole.subarray(0, length))
      expect(text(decode(bytes), 'AirSync:Status')).toBe('102')
    }
    expect(server.account.list('inbox').map(({ flags }) => flags)).toEqual([[], [], []])
  })

  it('Ping before the first Sync, and on Outbox, waits', async () => {
    const answer = phone.ping([inbox, outbox], 600)
    await expect.poll(() => server.account.watching).toBe(1)
    server.account.deliver('inbox')
    expect(await answer).toMatchObject({ status: '2', folders: [inbox] })
    expect((await phone.ping([outbox], 1)).status).toBe('1')
  })

  it('the same options again are no news', async () => {
    const options = { filter: 0, mimeSupport: 0, bodies: [{ type: 2, size: 5000 }] } as const
    await phone.syncAll(inbox, { options })
    expect((await phone.sync({ collections: [{ id: inbox, options }] })).empty).toBe(true)
  })

  it('an empty Supported says nothing', async () => {
    const collection = el('AirSync:Collection', [
      el('AirSync:SyncKey', '0'), el('AirSync:CollectionId', inbox), el('AirSync:Supported'), el('AirSync:DeletesAsMoves'), el('AirSync:WindowSize', '10'),
    ])
    const { bytes } = await phone.raw('Sync', el('AirSync:Sync', [el('AirSync:Collections', [collection])]))
    expect(text(decode(bytes).children[0]!.children[0]!, 'AirSync:Status')).toBe('1')
  })

  it('the log says who it seems to be', async () => {
    await server.phone({ userAgent: 'Apple-iPhone15C2/2201.92' }).folderSync('0')
    expect(server.served.log.lines.at(-1)).toMatchObject({ client: 'iOS' })
  })
})

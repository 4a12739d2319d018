// A user with very many messages, every other one old, beside somebody else. With half a million: `npm run bench -- fairness`.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bigMailbox } from '../support/big-mailbox.ts'
import { Phone } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { holdAll } from '../support/full-phone.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const count = 20_000, month = 5
const secret = 'the secret of one that knows the key of a phone which holds it all'
let house: House, postern: Instance, big: Phone, full: Phone, other: Phone, inbox: string, line: TcpProxy

beforeAll(async () => {
  house = await startHouse({ users: 2, exim: false, dovecot: { storage: 'maildir', specialUse: 'created', extra: 'maildir_very_dirty_syncs = yes' } })
  await bigMailbox(house, 'anna', count)
  line = await TcpProxy.start(house.imap)
  postern = await startInstance(house, { secret, imap: { host: house.imap.host, port: line.port } })
  ;[big, full, other] = ['anna', 'anna', 'bob'].map((name, n) => {
    const { login, password } = house.user(name)
    return new Phone({ url: postern.url, user: login, password, deviceId: `BIG${n}` })
  }) as [Phone, Phone, Phone]
  for (const phone of [big, full, other]) await phone.folderSync('0')
  inbox = big.folder('Inbox')
  await other.syncAll(other.folder('Inbox'))
}, 120_000)
afterAll(async () => {
  for (const phone of [big, full, other]) phone.close()
  expect(postern.bugs()).toBe(0)
  await postern.close()
  await line.close()
  await house.stop()
})

const estimate = async (filter?: number): Promise<number> => (await big.getItemEstimate([{ id: inbox, ...(filter === undefined ? {} : { filter }) }]))[0]!.estimate
/** Some windows; the subjects that came, and how many went. */
async function windows(filter: number, rounds = 3): Promise<{ subjects: Set<string>; aged: number }> {
  let aged = 0
  const before = new Set(big.held(inbox).items.keys())
  for (let n = 0; n < rounds; n++) aged += (await big.sync({ collections: [{ id: inbox, window: 512, options: { filter } }] })).collections[0]?.softDeletes.length ?? 0
  return { subjects: new Set([...big.held(inbox).items].flatMap(([id, { subject }]) => before.has(id) ? [] : [subject.trim()])), aged }
}

it('is told what there is by each filter, while the other one is answered and woken', { timeout: 120_000 }, async () => {
  const waiting = other.ping([other.folder('Inbox')], 60)
  await big.sync({ collections: [{ id: inbox, key: '0' }] })
  expect([await estimate(0), await estimate(month)]).toEqual([count, count / 2])
  expect(await windows(month)).toEqual({ subjects: new Set(['odd']), aged: 0 })
  expect(await estimate()).toBe(count / 2 - 3 * 512)
  await house.deliver('bob', 'Subject: news\r\n\r\ntext\r\n')
  const wide = windows(0)
  expect(await waiting).toMatchObject({ status: '2' })
  expect(await wide).toEqual({ subjects: new Set(['even']), aged: 0 })
  expect(await windows(month)).toMatchObject({ aged: expect.any(Number) as number })
  const found = await search(big, { query: 'odd', range: '0-9', folders: [inbox], classes: ['Email'] })
  expect([found.total, found.subjects.map(subject => subject.trim())]).toEqual([String(count / 2), Array.from({ length: 10 }, () => 'odd')])
})

/** What a window told the phone that holds everything, and how many octets came from the mail server for it, in KiB. */
async function told(): Promise<{ changes: readonly string[]; deletes: readonly string[]; more: boolean; kib: number }> {
  line.take()
  const [{ changes, deletes, more } = { changes: [], deletes: [], more: false }] = (await full.sync({ collections: [{ id: inbox, window: 512 }] })).collections
  return { changes, deletes, more, kib: line.take().bytesDown / 1024 }
}

it('is told of what another client does to very many messages at once, window by window, while the other one is answered', { timeout: 120_000 }, async () => {
  await holdAll(full, inbox, secret)
  const client = await house.imapClient('anna')
  await client.mailboxOpen('INBOX')
  let waiting = full.ping([inbox], 60)
  // The odd ones are the new ones.
  await client.messageFlagsAdd({ since: new Date(Date.now() - 30 * 86_400_000) }, ['\\Flagged'], { silent: true })
  expect(await waiting).toMatchObject({ status: '2' })
  const first = await told(), flagged = new Set(first.changes)
  expect([first.changes.length, first.more]).toEqual([512, true])
  expect((await full.getItemEstimate([{ id: inbox }]))[0]!.estimate).toBe(count / 2 - 512)
  for (let n = 0; n < 3; n++) {
    const [{ changes, kib }] = await Promise.all([told(), other.sync({ collections: [{ id: other.folder('Inbox') }] })])
    for (const id of changes) flagged.add(id)
    // All of what changed would be a megabyte.
    expect(kib).toBeLessThan(250)
  }
  expect(flagged.size).toBe(4 * 512)

  await client.messageDelete('1:12000')
  await house.deliver('bob', 'Subject: news\r\n\r\ntext\r\n')
  await client.logout()
  const gone = new Set<string>()
  for (let more = true; more;) {
    const window = await told()
    for (const id of window.changes) flagged.add(id)
    for (const id of window.deletes) gone.add(id)
    more = window.more
  }
  expect(gone.size).toBe(12_000)
  // Those that were gone by the time they would have been told of are not told as changed.
  expect(new Set([...flagged, ...gone]).size).toBe(12_000 + 8000 / 2)
  waiting = full.ping([inbox], 1)
  expect(await waiting).toMatchObject({ status: '1' })
})

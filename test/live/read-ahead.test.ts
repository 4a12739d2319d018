// The next window of a mailbox is read while a phone takes the one before: what the phone has in the end is what there is.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ImapFlow } from 'imapflow'
import { text } from '../../src/wire/wbxml.ts'
import { letters } from '../backend/imap-store.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

let house: House, line: TcpProxy, one: Instance, two: Instance, client: ImapFlow
let phone: Phone, inbox: string, devices = 0
/** What was said to Dovecot by the first of the two. */
let said = ''

beforeAll(async () => {
  house = await startHouse({ exim: false, users: 1 })
  await house.seed('anna', 'INBOX', letters(60))
  line = await TcpProxy.start(house.imap)
  line.link.passed = (_, way, chunk) => { if (way === 'up') said += chunk?.toString('latin1') ?? '' }
  one = await startInstance(house, { imap: line })
  two = await startInstance(house)
  client = await house.imapClient('anna')
  await client.mailboxOpen('INBOX')
})
afterAll(async () => {
  phone?.close()
  for (const each of [one, two]) await each?.close()
  await line?.close()
  await house?.stop()
})

async function begin(): Promise<void> {
  const { login, password } = house.user('anna')
  phone?.close()
  phone = new Phone({ url: one.url, user: login, password, deviceId: `AHEAD${++devices}` })
  await phone.folderSync('0')
  inbox = phone.folder('2')
  await phone.sync({ collections: [{ id: inbox }] })
  said = ''
}
const window = () => phone.sync({ collections: [{ id: inbox, window: 10 }] })
const looks = (): number => said.split('UID SEARCH').length - 1
const subjects = (): string[] => [...phone.held(inbox).items.values()].map(({ data }) => text(data!, 'Email:Subject')!).sort()
const there = async (): Promise<string[]> => (await client.fetchAll('1:*', { envelope: true })).map(({ envelope }) => envelope!.subject!).sort()

it('a phone that comes again is told what was read before it came', async () => {
  await begin()
  for (let n = 1; n <= 5; n++) {
    await window()
    await expect.poll(looks, { timeout: 10_000 }).toBe(n + 1)
  }
  await window()
  expect(looks()).toBe(6)
  expect(subjects()).toEqual(await there())
})

it('what happens between two windows is told, and nothing twice', async () => {
  await begin()
  const happens = [
    () => client.messageFlagsAdd('3', ['\\Flagged']),
    () => client.messageDelete('5'),
    () => house.deliver('anna', letters(61).at(-1)!),
    () => client.messageFlagsAdd('40:45', ['\\Seen']),
  ]
  let more = true
  for (let n = 0; more; n++) {
    more = (await window()).collections[0]!.more
    await expect.poll(() => looks() > n + 1 || !more, { timeout: 10_000 }).toBe(true)
    await happens[n]?.()
  }
  await phone.syncAll(inbox)
  expect(subjects()).toEqual(await there())
})

it('a phone that goes to another process, and back, hears the same', async () => {
  await begin()
  for (let n = 0, more = true; more; n++) {
    Object.assign(phone.options, { url: [one, two][n % 2]!.url })
    more = (await window()).collections[0]!.more
  }
  expect(subjects()).toEqual(await there())
})

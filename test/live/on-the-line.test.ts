// How mail comes from the server: what a phone that waits is told of is at hand when it asks, bodies alike in one command and no more of
// them than is shown, nothing faster than the phone takes it.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeSync } from '../../src/wire/wbxml.ts'
import { letter, letters } from '../backend/imap-store.ts'
import { Phone } from '../support/eas-client.ts'
import { startTap, type Tap } from '../support/imap-tap.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House, tap: Tap, postern: Instance, phone: Phone

beforeAll(async () => {
  house = await startHouse({ users: 1, exim: false, dovecot: { specialUse: 'created' } })
  await house.seed(0, 'INBOX', letters(3))
  await house.seed(0, 'Folder', letters(1))
  await house.seed(0, 'Mixed', [...kinds()])
  await house.seed(0, 'Large', Array.from({ length: count }, (_, n) => html(n, octets)))
  tap = await startTap(house.imap, 2)
  postern = await startInstance(house, { imap: tap.line, sessions: { idleSeconds: 3 } })
  const { login, password } = house.user(0)
  phone = new Phone({ url: postern.url, user: login, password, deviceId: 'LINE' })
  await phone.folderSync('0')
})
afterAll(async () => {
  phone?.close()
  expect(postern.bugs()).toBe(0)
  await postern?.close()
  await tap?.close()
  await house?.stop()
})

const count = 60, octets = 1024 * 1024
const head = (n: number) => `From: bob@postern.test\r\nTo: anna@postern.test\r\nSubject: ${n}\r\nMIME-Version: 1.0\r\n`
const html = (n: number, size: number) => `${head(n)}Content-Type: text/html; charset=utf-8\r\n\r\n${'<p>One line of a long text, and another one.</p>\r\n'.repeat(size / 50)}`

/** Ten of a kind: short plain ones, long HTML, and alternatives whose HTML is the second part. */
function* kinds(): Generator<string> {
  for (let n = 0; n < 10; n++) {
    yield letter(n)
    yield html(n, 200_000)
    yield `${head(n)}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n` +
      '--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n'
  }
}

it('a phone that waits for several folders is told at once, and finds the session open that was closed', async () => {
  const [inbox, folder] = [phone.folder('2'), phone.folder('Folder')]
  for (const id of [inbox, folder]) await phone.syncAll(id)
  const told = phone.ping([inbox, folder], 60)
  // The watch is there, and the session is asleep: what is left is the one that watches.
  await expect.poll(() => tap.line.open, { timeout: 10_000 }).toBe(2)
  await expect.poll(() => tap.line.open, { timeout: 10_000 }).toBe(1)
  tap.take()
  await house.deliver(0, letter(4))
  expect(await told).toMatchObject({ status: '2', folders: [inbox] })
  await expect.poll(() => tap.commands, { timeout: 10_000 }).toEqual(['AUTHENTICATE', 'ENABLE QRESYNC', 'NAMESPACE'])
  expect(tap.take()).toMatchObject({ connections: 1 })
  const { collections: [found] } = await phone.sync({ collections: [{ id: inbox }] })
  const { connections, trips, commands } = tap.take()
  expect([found?.adds.length, connections, trips, commands.map(command => command.split(' ', 2).join(' '))])
    .toEqual([1, 0, 2, ['SELECT "INBOX"', 'UID SEARCH', 'UID FETCH', 'UID FETCH', 'UID FETCH']])
})

it('bodies of many messages are asked for by what is to be read of them, no more than is shown', async () => {
  const mixed = phone.folder('Mixed')
  await phone.sync({ collections: [{ id: mixed }] })
  tap.take()
  await phone.sync({ collections: [{ id: mixed, window: 100, options: { bodies: [{ type: 2, size: 1000 }] } }] })
  const { trips, commands, octets } = tap.take()
  const bodies = commands.filter(command => /BODY\.PEEK\[[\d.]*\]/.test(command))
  expect([trips, bodies.map(command => command.replace(/^UID FETCH [\d,:]+ /, '')).sort()]).toEqual([2, [
    '(UID BODY.PEEK[1])', '(UID BODY.PEEK[1]<0.1256>)', '(UID BODY.PEEK[2])',
  ]])
  // Ten bodies of 200 KB are there, of which 1 KB each is shown.
  expect(octets).toBeLessThan(80_000)
})

it('what a phone does not take is not read: a window of 60 MB as it comes', { timeout: 60_000 }, async () => {
  const large = phone.folder('Large')
  await phone.sync({ collections: [{ id: large }] })
  const wish = { collections: [{ id: large, window: count, options: { bodies: [{ type: 2 }] } }] }
  const body = encodeSync(phone.syncBody(wish)), { user, password } = phone.options
  tap.take()
  const request = http.request(`${postern.url}/Microsoft-Server-ActiveSync?Cmd=Sync&User=${user}&DeviceId=LINE&DeviceType=TestPhone`, {
    method: 'POST', auth: `${user}:${password}`, agent: false,
    headers: { 'ms-asprotocolversion': '16.1', 'content-type': 'application/vnd.ms-sync.wbxml', 'content-length': String(body.length) },
  })
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => void request.once('response', resolve).once('error', reject))
  request.end(body)
  const response = await answered
  response.pause()
  for (let before = -1; before !== tap.octets;) {
    before = tap.octets
    await sleep(1000)
  }
  // A batch that is written, one that is read, and what the kernel holds of a connection.
  expect(tap.octets).toBeLessThan(count * octets / 2)
  let taken = 0
  for await (const chunk of response) taken += (chunk as Buffer).length
  expect([taken > count * octets * 0.95, tap.octets > count * octets]).toEqual([true, true])
})

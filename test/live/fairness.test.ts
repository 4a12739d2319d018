// One user's mail server hangs, or one user asks for too much: the others do not notice.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { guardOf, type Guard, type Limits } from '../../src/base/guard.ts'
import { silent } from '../../src/base/log.ts'
import { el } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const mib = 1024 * 1024
const limits: Limits = { requests: { each: 20, all: 200 }, waits: { each: 3, all: 5 }, octets: { each: 2 * mib, all: 3 * mib } }
/** More users than logins may be under way. */
const hanging = 12, logins = 6
let house: House, proxy: TcpProxy, postern: Instance, guard: Guard
const phones: Phone[] = []

beforeAll(async () => {
  house = await startHouse({ users: 20, dovecot: { specialUse: 'created' } })
  proxy = await TcpProxy.start(house.imap)
  guard = guardOf(limits, silent)
  postern = await startInstance(house, { imap: proxy, guard, sessions: { logins } })
})
afterAll(async () => {
  proxy.link.silent = () => false
  for (const phone of phones) phone.close()
  await postern.close()
  await proxy.close()
  await house.stop()
})

function phoneOf(who: number | string, deviceId = 'FAIR'): Phone {
  const { login, password } = house.user(who)
  const phone = new Phone({ url: postern.url, user: login, password, deviceId })
  phones.push(phone)
  return phone
}

async function ready(who: number | string, deviceId?: string): Promise<Phone> {
  const phone = phoneOf(who, deviceId)
  await phone.folderSync('0')
  await phone.syncAll(phone.folder('Inbox'))
  return phone
}

const folders = el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')])

/** Whether a connection is one of these users'. */
const isOf = (users: readonly (number | string)[]) => {
  const logins = users.map(who => house.user(who)).map(({ login, password }) => Buffer.from(`\0${login}\0${password}`).toString('base64'))
  return (begin: string): boolean => logins.some(login => begin.includes(login))
}

/** Answers of requests made at the same time, as HTTP status with what goes with a refusal. */
const all = (asked: readonly Promise<Awaited<ReturnType<Phone['raw']>>>[]): Promise<string[]> => Promise.all(asked.map(async one => {
  const { status, headers } = await one
  return `${status}${status === 503 ? ` ${headers['x-ms-asthrottle']} ${Number(headers['retry-after']) > 0}` : ''}`
}))

it('a user whose mail server hangs, and more users than may log in at once whose logins hang, hold nobody else up', async () => {
  const anna = await ready('anna'), bob = await ready('bob')
  const inbox = anna.folder('Inbox')
  const others = Array.from({ length: hanging }, (_, n) => n + 5)
  proxy.link.silent = isOf(['bob', ...others])
  const hangs = Array.from({ length: 30 }, () => bob.raw('FolderSync', folders))
  const logging = others.map(who => phoneOf(who).raw('FolderSync', folders))
  await expect.poll(() => guard.requests.used).toBe(20)

  const waiting = anna.ping([inbox], 600)
  const answers: string[] = []
  for (let n = 0; n < 40; n++) {
    answers.push((await anna.folderSync('0')).status, (await anna.sync({ collections: [{ id: inbox }] })).status)
  }
  expect(answers.filter(status => status !== '1' && status !== '')).toEqual([])
  await house.deliver('anna', 'Subject: in between\r\n\r\ntext\r\n')
  expect(await waiting).toMatchObject({ status: '2', folders: [inbox] })
  // Somebody whose login had to wait behind those that hang.
  expect((await phoneOf('carol').folderSync('0')).status).toBe('1')
  expect(guard.requests.used).toBeGreaterThanOrEqual(20)

  proxy.link.silent = () => false
  const told = await all(hangs)
  // What was too much was refused at once; all else is answered when the server goes on.
  expect(told.filter(one => one.startsWith('503'))).toEqual(Array.from({ length: 10 }, () => '503 OutOfBudgets true'))
  expect(told.filter(one => one === '200').length).toBe(20)
  await Promise.all(logging)
  expect(postern.lines.filter(({ why }) => why === 'more than 20 requests at the same time of one user').length).toBe(10)
  expect(guard.requests.used).toBe(0)
}, 60_000)

it('devices of one user that wait are counted, and one that asks anew is no other', async () => {
  const devices = await Promise.all(['W1', 'W2', 'W3', 'W4'].map(device => ready('dave', device)))
  const [first, second, third, fourth] = devices as [Phone, Phone, Phone, Phone]
  const wait = (phone: Phone) => phone.raw('Ping', el('Ping:Ping', [
    el('Ping:HeartbeatInterval', '600'), el('Ping:Folders', [el('Ping:Folder', [el('Ping:Id', phone.folder('Inbox')), el('Ping:Class', 'Email')])]),
  ]))
  const waits = [first, second, third].map(wait)
  await expect.poll(() => guard.waits.used).toBe(3)
  expect(await all([wait(fourth)])).toEqual(['503 OutOfBudgets true'])
  const again = wait(first)
  expect(await all([waits[0]!])).toEqual(['200'])
  expect(guard.waits.used).toBe(3)
  await house.deliver('dave', 'Subject: for all\r\n\r\ntext\r\n')
  expect(await all([again, waits[1]!, waits[2]!])).toEqual(['200', '200', '200'])
  expect([guard.waits.used, guard.requests.used]).toEqual([0, 0])
})

it('octets of requests in memory are counted, and given back', async () => {
  const erin = await ready('erin')
  const large = Buffer.alloc(1.5 * mib, 'x')
  expect(await all([erin.raw('Search', large)])).not.toEqual(['503 OutOfBudgets true'])
  expect(guard.octets.used).toBe(0)
  expect(await all([erin.raw('Search', Buffer.alloc(2.5 * mib, 'x'))])).toEqual(['503 OutOfBudgets true'])
  await expect.poll(() => guard.octets.used).toBe(0)
  expect((await erin.folderSync()).status).toBe('1')
})

// What a phone's requests cost on the line to the mail server: connections, round trips, commands.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { letter, letters } from '../backend/imap-store.ts'
import { Phone } from '../support/eas-client.ts'
import { startTap, type Tap } from '../support/imap-tap.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House, tap: Tap, postern: Instance, phone: Phone, inbox: string, backlog: string, ten: string[]

beforeAll(async () => {
  house = await startHouse({ users: 1, dovecot: { specialUse: 'created' } })
  await house.seed(0, 'INBOX', letters(25))
  await house.seed(0, 'Backlog', letters(50))
  for (let n = 0; n < 50; n++) await house.seed(0, `Folder ${n}`, letters(2))
  tap = await startTap(house.imap)
  postern = await startInstance(house, { imap: tap.line })
  const { login, password } = house.user(0)
  phone = new Phone({ url: postern.url, user: login, password, deviceId: 'TRIPS' })
})
afterAll(async () => {
  vi.restoreAllMocks()
  phone?.close()
  expect(postern.bugs()).toBe(0)
  await postern?.close()
  await tap?.close()
  await house?.stop()
})

/** Settles when nothing more is said. */
async function quiet(): Promise<void> {
  for (let still = 0, before = -1; still < 3; still++) {
    if (tap.octets !== before) still = 0
    before = tap.octets
    await sleep(25)
  }
}

/** What some work costs, with the verbs of the commands as often as they were said. */
async function cost(work: () => Promise<unknown>): Promise<string> {
  await quiet()
  tap.take()
  await work()
  await quiet()
  const { connections, trips, commands } = tap.take()
  const verbs = Map.groupBy(commands.map(command => /^UID \w+|^\w+/.exec(command)![0]), verb => verb)
  const said = [...verbs].map(([verb, { length }]) => length > 1 ? `${length} ${verb}` : verb)
  return [...connections > 0 ? [`${connections} connection`] : [], `${trips} trips`, ...said].join(', ')
}

const sync = (...ids: string[]) => phone.sync({ collections: ids.map(id => ({ id, window: 25, options: { bodies: [{ type: 2, size: 32_768 }] } })) })
const forgotten = async (): Promise<void> => {
  await quiet()
  await postern.restart()
  Object.assign(phone.options, { url: postern.url })
}
const later = (seconds: number): void => {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + seconds * 1000)
}
const mail = (n: number) => house.deliver(0, letter(n))
const sent = (): string => `From: anna@postern.test\r\nTo: anna@postern.test\r\nSubject: x\r\nMessage-ID: <${Math.random()}@postern.test>\r\n\r\nx\r\n`

// What a phone does that is here for the first time, and then, each row after the one before.
it.each<[what: string, costs: string, work: () => Promise<unknown>, before?: () => unknown]>([
  ['OPTIONS, the last one of them behind its back,', '1 connection, 2 trips, AUTHENTICATE, ENABLE, NAMESPACE', () => phone.optionsRequest()],
  ['Provision', '0 trips', () => phone.provision()],
  ['FolderSync of more than fifty folders', '1 trips, LIST', () => phone.folderSync('0')],
  ['a Sync that begins', '0 trips', () => phone.sync({ collections: [{ id: inbox = phone.folder('2') }] })],
  ['a first window', '2 trips, SELECT, UID SEARCH, 2 UID FETCH', () => sync(inbox)],
  ['a Sync without changes', '1 trips, SELECT', () => sync(inbox)],
  ['another one', '1 trips, UNSELECT, STATUS', () => sync(inbox)],
  ['one that comes later, when folders may have changed', '1 trips, LIST, STATUS', () => sync(inbox), () => later(11)],
  ['a Sync of one new message', '3 trips, STATUS, SELECT, UID SEARCH, 3 UID FETCH', () => sync(inbox), () => mail(26)],
  ['opening a message', '2 trips, 2 UID FETCH', () => phone.fetch([{ id: [...phone.held(inbox).items.keys()][0]!, folder: inbox }])],
  ['SendMail with a copy in Sent', '2 trips, SELECT, UID SEARCH, APPEND', () => phone.sendMail(sent())],
  ['GetItemEstimate of ten folders', '1 trips, 10 STATUS', () => phone.getItemEstimate(ten.map(id => ({ id }))), async () => {
    ten = [...phone.folders.values()].flatMap(({ id, name }) => /^Folder \d$/.test(name) ? [id] : [])
    for (const id of ten) await phone.syncAll(id)
    await sync(inbox)
  }],
  ['a Sync of ten folders without changes', '1 trips, 10 STATUS', () => sync(...ten)],
  ['a Sync of ten folders that begin', '0 trips', () => phone.sync({ collections: ten.map(id => ({ id, key: '0' })) })],
  ['a window that was read while the phone took the one before', '1 trips, SELECT', () => sync(backlog), async () => {
    await phone.sync({ collections: [{ id: backlog = phone.folder('Backlog') }] })
    await sync(backlog)
  }],
  ['a later window where the process was forgotten', '1 connection, 4 trips, AUTHENTICATE, ENABLE, NAMESPACE, LIST, SELECT, UID SEARCH, 3 UID FETCH', () => sync(backlog), async () => {
    await phone.sync({ collections: [{ id: backlog, key: '0' }] })
    await sync(backlog)
    await forgotten()
  }],
  ['a Sync without changes where nobody knows the user', '1 connection, 3 trips, AUTHENTICATE, ENABLE, NAMESPACE, LIST, STATUS', () => sync(inbox), forgotten],
  ['a Sync of one new message there', '1 connection, 5 trips, AUTHENTICATE, ENABLE, NAMESPACE, LIST, STATUS, SELECT, UID SEARCH, 3 UID FETCH', () => sync(inbox), async () => {
    await forgotten()
    await mail(27)
  }],
])('%s costs %s', async (_, costs, work, before) => {
  await before?.()
  expect(await cost(work)).toBe(costs)
})

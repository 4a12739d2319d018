// A process whose memory is above its limit from the beginning: what it gives up, in which order.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { el } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern, type Postern } from '../support/postern.ts'

let house: House, postern: Postern
beforeAll(async () => {
  house = await startHouse({ dovecot: { specialUse: 'created' } })
  postern = await startPostern(house, { settings: { limits: { overload: { megabytes: 1 } } } })
})
afterAll(() => house?.stop())

it('waits, then searches, then syncs, and mail to be sent last; each refusal says when to come again', async () => {
  const { login, password, address } = house.user(0)
  const phones = ['WAITS', 'ASKS'].map(deviceId => new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password, deviceId }))
  const [waits, phone] = phones as [Phone, Phone]
  for (const one of phones) {
    await one.folderSync('0')
    await one.syncAll(one.folder('Inbox'))
  }
  const inbox = phone.folder('Inbox')
  const order: string[] = []
  const note = (what: string): void => void (order.includes(what) || order.push(what))
  const asked: Record<string, () => ReturnType<Phone['raw']>> = {
    wait: () => phone.raw('Ping', el('Ping:Ping', [el('Ping:HeartbeatInterval', '60'), el('Ping:Folders', [
      el('Ping:Folder', [el('Ping:Id', inbox), el('Ping:Class', 'Email')])])])),
    search: () => phone.raw('Search', el('Search:Search', [el('Search:Store', [el('Search:Name', 'GAL'), el('Search:Query', 'x')])])),
    sync: () => phone.raw('Sync', phone.syncBody({ collections: [{ id: inbox }] })),
    send: () => phone.raw('SendMail', el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', String(Math.random())), el('ComposeMail:Mime', Buffer.from(`From: ${address}\r\nTo: ${house.user(1).address}\r\nSubject: s\r\n\r\nt\r\n`))])),
  }
  const early = waits.ping([waits.folder('Inbox')], 3000).then(({ status }) => note(`a wait ends with ${status}`))
  /** A wait that is not refused ends early, as the first one did. */
  let waiting: Promise<void> | undefined
  const ask = async (what: string): Promise<void> => {
    const { status, headers } = await asked[what]!()
    if (status !== 503) return expect(status).toBe(200)
    note(`no ${what}`)
    expect([headers['x-ms-asthrottle'], Number(headers['retry-after']) > 0]).toEqual(['OutOfBudgets', true])
  }
  while (!order.includes('no send')) {
    waiting ??= ask('wait').finally(() => { waiting = undefined })
    // Last what is given up first: a step that is taken meanwhile is seen in the order of the steps.
    for (const what of ['send', 'sync', 'search']) await ask(what)
    await sleep(100)
  }
  await early
  expect(order).toEqual(['a wait ends with 1', 'no wait', 'no search', 'no sync', 'no send'])
  expect((await fetch(`http://${postern.host}:${postern.port}/.postern/health`)).status).toBe(200)
  const steps = postern.log().split('\n').filter(line => line.includes('"msg":"overloaded')).map(line => (JSON.parse(line) as { steps: number }).steps)
  expect(steps).toEqual([1, 2, 3, 4, 5])
  for (const one of phones) one.close()
}, 60_000)

// Dovecot with the script of examples/dovecot, which tells Postern of a delivery.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { Phone } from '../support/eas-client.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { newsTo } from '../support/news.ts'
import { startPostern, type Postern } from '../support/postern.ts'

// Without NOTIFY and IDLE, Postern by itself looks every 30 seconds: these waits end before.
describe.each([['one process', {}], ['two workers', { workers: 2 }]])('a delivery that Dovecot tells %s of', (_, options) => {
  let house: House, postern: Postern, internal: number
  beforeAll(async () => {
    [internal = 0] = await freePorts(1)
    house = await startHouse({
      dovecot: { specialUse: 'created', without: ['NOTIFY', 'IDLE'], extra: newsTo(`http://${HOST}:${internal}/news http://${HOST}:1/news`) },
    })
    postern = await startPostern(house, { settings: { internal: { host: HOST, port: internal }, eas: { heartbeat: { min: 5 } } }, ...options })
  })
  afterAll(() => house?.stop())

  it('wakes the phones of its user that wait, and nobody else', async () => {
    const phones = await Promise.all([0, 0, 1].map(async (n, index) => {
      const { login, password } = house.user(n)
      const phone = new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password, deviceId: `news${index}` })
      await phone.folderSync()
      await phone.syncAll(phone.folder('Inbox'))
      return phone
    }))
    const [first, second, other] = phones.map(phone => phone.ping([phone.folder('Inbox')], 20))
    await sleep(1000)
    await house.deliver(house.user(0).login, 'Subject: news\r\n\r\nnews\r\n')
    expect(await Promise.all([first, second])).toMatchObject([{ status: '2' }, { status: '2' }])
    expect(await Promise.race([other, sleep(300)])).toBe(undefined)
    for (const phone of phones) phone.close()
  })

  it.each([['no JSON', '{'], ['another value', '[1]'], ['no mailbox', '{"user":"anna"}']])('with %s is refused', async (_, body) => {
    expect((await fetch(`http://${HOST}:${internal}/news`, { method: 'POST', body })).status).toBe(400)
  })

  it('of a user nobody knows is nothing', async () => {
    const body = JSON.stringify({ user: 'nobody@else.where', mailbox: 'INBOX' })
    expect((await fetch(`http://${HOST}:${internal}/news`, { method: 'POST', body })).status).toBe(204)
  })
})

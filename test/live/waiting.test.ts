// What a user who waits takes of the mail server, whatever the number of devices and folders.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

let house: House, line: TcpProxy, postern: Instance
const phones: Phone[] = []

beforeAll(async () => {
  house = await startHouse({ users: 1, exim: false, dovecot: { specialUse: 'created' } })
  line = await TcpProxy.start(house.imap)
  postern = await startInstance(house, { imap: line, sessions: { idleSeconds: 1 } })
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  await postern?.close()
  await line?.close()
  await house?.stop()
})

it('five devices that wait for fifty folders have one connection to the mail server, and each hears of mail in any of them', async () => {
  const user = house.user(0), { login, password } = user
  for (let n = 0; n < 50; n += 1) await house.seed(user, `Project ${n}`, [`Subject: begin ${n}\r\n\r\ntext\r\n`])
  phones.push(...Array.from({ length: 5 }, (_, n) => new Phone({ url: postern.url, user: login, password, deviceId: `WAITS${n}` })))
  const waits = await Promise.all(phones.map(async phone => {
    await phone.folderSync()
    const folders = Array.from({ length: 50 }, (_, n) => phone.folder(`Project ${n}`))
    await phone.syncAll(folders[37]!)
    return () => phone.ping(folders, 3000)
  }))
  const waiting = waits.map(wait => wait())
  await expect.poll(() => line.open, { timeout: 15_000 }).toBe(1)
  await house.seed(user, 'Project 37', ['Subject: news\r\n\r\ntext\r\n'])
  for (const [n, answer] of (await Promise.all(waiting)).entries()) {
    expect(answer).toMatchObject({ status: '2', folders: [phones[n]!.folder('Project 37')] })
  }
})

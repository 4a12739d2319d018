import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManaged, type Managed } from '../support/admin.ts'
import { acknowledged, isTold, knock, provision } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf } from '../support/postern.ts'

let house: House
let postern: Managed
const phones: Phone[] = []
const quarantined = { eas: { access: [{ type: 'Unknown*', access: 'quarantine' }, { agent: 'Bad/*', access: 'block' }], quarantineNotice: 'Ask the help desk: 1234.' } }

beforeAll(async () => {
  house = await startHouse()
  postern = await startManaged(house, 'one', quarantined)
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  await postern?.stop()
  await house?.stop()
})

function phoneOf(who: number, deviceId: string, more: object = {}, at = postern.port): Phone {
  const { login, password } = house.user(who)
  const phone = new Phone({ url: `http://${HOST}:${at}`, user: login, password, deviceId, ...more })
  phones.push(phone)
  return phone
}
const pathOf = (phone: Phone): string => `/devices/${encodeURIComponent(phone.options.user)}/${phone.options.deviceId}`
/** What administrators see of it: what a process saw is kept within two seconds. */
const seenOf = async (phone: Phone) => (await postern.ask(pathOf(phone))).said.seen

describe('devices that may not be here', () => {
  it.each([['2.5', 'HTTP 403'], ['12.1', 'HTTP 403'], ['14.1', '129'], ['16.1', '129']])('one of version %s that is blocked is told %s, until it is allowed', async (version, told) => {
    const phone = phoneOf(0, `BLOCK${version.replace('.', '')}`, { version })
    expect(await knock(phone)).toBe('1')
    expect((await postern.order(`${pathOf(phone)}/block`)).orders?.decision).toMatchObject({ access: 'block', by: 'test' })
    await isTold(phone, told)
    await postern.order(`${pathOf(phone)}/allow`)
    await isTold(phone, '1')
  })

  it('a rule of the configuration blocks, and an administrator lets one in nevertheless', async () => {
    const phone = phoneOf(0, 'BADONE', { userAgent: 'Bad/1.0' })
    expect(await knock(phone)).toBe('129')
    await postern.order(`${pathOf(phone)}/allow`)
    await isTold(phone, '1')
  })

  it('one in quarantine waits for a decision; its user gets one mail; then it is let in', async () => {
    const phone = phoneOf(1, 'NEWPHONE', { deviceType: 'UnknownPhone' })
    expect([await knock(phone), await knock(phone), await knock(phone)]).toEqual(['129', '129', '129'])
    await expect.poll(async () => (await postern.ask(`/devices?user=${encodeURIComponent(phone.options.user)}`)).said.devices
      .map(one => [one.orders?.pending?.told, one.seen?.type])).toEqual([[true, 'UnknownPhone']])
    expect(await knock(phone)).toBe('129')
    const client = await house.imapClient(1)
    await client.mailboxOpen('INBOX')
    await expect.poll(async () => (await client.search({ all: true }) as number[]).length).toBeGreaterThan(0)
    const mails = await client.fetchAll('1:*', { source: true })
    expect(mails.length).toBe(1)
    expect(String(mails[0]!.source)).toMatch(/UnknownPhone[^]*NEWPHONE[^]*Ask the help desk: 1234\./)
    await postern.order(`${pathOf(phone)}/allow`)
    await isTold(phone, '1')
    expect((await postern.ask(pathOf(phone))).said.orders?.pending).toBeUndefined()
  })
})

describe('a remote wipe', () => {
  it.each([
    ['2.5', 'HTTP 449', 'HTTP 403'], ['12.1', 'HTTP 449', 'HTTP 403'], ['14.1', '140', '129'], ['16.1', '140', '129'],
  ])('of a phone of version %s is asked for, told, survives restarts, is acknowledged, and shuts the door', async (version, asked, after) => {
    const phone = phoneOf(2, `WIPE${version.replace('.', '')}`, { version })
    expect(await knock(phone)).toBe('1')
    expect((await postern.order(`${pathOf(phone)}/wipe`)).orders?.wipe).toMatchObject({ kind: 'full', state: 'ordered' })
    await isTold(phone, asked)
    await postern.kill()
    await postern.start()
    expect(await knock(phone)).toBe(asked)
    expect(await provision(phone)).toEqual(['Status 1', 'RemoteWipe'])
    const { status, said } = await postern.ask(`${pathOf(phone)}/cancel`, {})
    expect([status, said.error]).toEqual([409, expect.stringContaining('told already')])
    await postern.stop()
    await postern.start()
    expect(await knock(phone)).toBe(asked)
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '2'))).toEqual(['Status 2', 'RemoteWipe'])
    expect(await knock(phone)).toBe(asked)
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '1'))).toEqual(['Status 1'])
    await isTold(phone, after)
    expect((await postern.ask(pathOf(phone))).said.orders?.wipe).toMatchObject({ kind: 'full', state: 'done', by: 'test' })
    await postern.order(`${pathOf(phone)}/allow`)
    await isTold(phone, '1')
    expect(['told', 'failed', 'done'].flatMap(state => linesOf(postern, `device wipe ${state}`).filter(line => line['device'] === phone.options.deviceId).length)).toEqual([1, 1, 1])
  })

  it('of an account alone is told to 16.1, and refused for others', async () => {
    const phone = phoneOf(3, 'ACCOUNTONLY'), old = phoneOf(3, 'OLDONE', { version: '14.1' })
    expect([await knock(phone), await knock(old)]).toEqual(['1', '1'])
    await expect.poll(() => seenOf(old).then(seen => seen?.version)).toBe('14.1')
    expect((await postern.ask(`${pathOf(old)}/wipe`, { accountOnly: true })).status).toBe(409)
    await postern.order(`${pathOf(phone)}/wipe`, { accountOnly: true })
    await isTold(phone, '140')
    expect(await provision(phone)).toEqual(['Status 1', 'AccountOnlyRemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:AccountOnlyRemoteWipe', '2'))).toEqual(['Status 2', 'AccountOnlyRemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:AccountOnlyRemoteWipe', '1'))).toEqual(['Status 1'])
    await isTold(phone, '129')
  })

  it('is taken back before it is told', async () => {
    const phone = phoneOf(3, 'TAKENBACK')
    await postern.order(`${pathOf(phone)}/wipe`)
    await isTold(phone, '140')
    expect((await postern.ask(`${pathOf(phone)}/cancel`, {})).status).toBe(200)
    // Even where this process has not heard of that yet.
    expect(await provision(phone)).toEqual(['Status 1'])
    await isTold(phone, '1')
  })

  it('reaches a phone that waits: its wait ends, and it asks again', async () => {
    const phone = phoneOf(4, 'WAITING')
    await phone.folderSync('0')
    const waiting = phone.ping([phone.folder('2')], 60)
    await expect.poll(() => seenOf(phone).then(seen => seen?.waits)).toBe(true)
    const begun = performance.now()
    await postern.order(`${pathOf(phone)}/wipe`)
    expect((await waiting).status).toBe('1')
    // It would have waited for a minute.
    expect(performance.now() - begun).toBeLessThan(30_000)
    await isTold(phone, '140')
  })

  it('is 403 for a phone before 14.0 that sends no policy key', async () => {
    const phone = phoneOf(4, 'NOKEY', { version: '12.1' })
    await postern.order(`${pathOf(phone)}/wipe`)
    await isTold(phone, 'HTTP 449')
    const { status } = await phone.raw('FolderSync', undefined, { headers: { 'x-ms-policykey': undefined } })
    expect(status).toBe(403)
  })
})

describe('what is known of a device', () => {
  it('is who, what, when and how it went; and a collection is begun anew on wish', async () => {
    const phone = phoneOf(5, 'KNOWN')
    await phone.folderSync('0')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    await expect.poll(async () => (await seenOf(phone))?.statuses.map(([, command, status]) => `${command} ${status}`).slice(0, 2)).toEqual(['FolderSync 1', 'Sync '])
    await postern.order(`${pathOf(phone)}/resync`, { collection: inbox })
    await expect.poll(async () => (await phone.sync({ collections: [{ id: inbox }] })).collections.map(one => one.status), { interval: 200 }).toEqual(['3'])
    phone.collections.delete(inbox)
    await phone.syncAll(inbox)
    await expect.poll(async () => (await seenOf(phone))?.resyncs.map(([, why]) => why)).toEqual([`${inbox}: an administrator wants it anew`])
    const { said: { seen, orders } } = await postern.ask(pathOf(phone))
    expect(orders).toBeUndefined()
    expect(seen).toMatchObject({ user: phone.options.user, id: 'KNOWN', type: 'TestPhone', agent: 'TestPhone/1.0', version: '16.1', folders: 1, waits: false })
    expect(seen!.lastSync).toBeGreaterThan(Date.now() - 60_000)
    expect(seen!.firstSeen).toBeLessThanOrEqual(seen!.lastSeen)
  })

  it('is traced for some minutes, without what the user wrote', async () => {
    const phone = phoneOf(6, 'TRACED')
    await house.deliver(6, 'From: Ann Example <ann.secret@example.org>\r\nTo: bob@example.org\r\nSubject: Very private\r\n\r\nThe words nobody else may see.\r\n')
    await phone.folderSync('0')
    const traced = async (): Promise<string> => (await postern.ask(`${pathOf(phone)}/trace`)).said.trace.join('\n')
    await postern.order(`${pathOf(phone)}/trace`, { minutes: 5 })
    await expect.poll(async () => {
      await phone.folderSync('0')
      return traced()
    }, { interval: 500 }).not.toBe('')
    await phone.syncAll(phone.folder('2'))
    await expect.poll(traced).toContain('a***@example.org')
    const all = await traced()
    expect(all).toContain('<CollectionId>')
    expect(all).not.toMatch(/secret|private|nobody else|Ann Example/)
    await postern.order(`${pathOf(phone)}/trace`, { minutes: 0 })
    await expect.poll(async () => {
      const before = await traced(), asked = Date.now()
      await phone.folderSync('0')
      // It would be kept with this.
      await expect.poll(() => seenOf(phone).then(seen => seen?.lastSeen)).toBeGreaterThanOrEqual(asked)
      await sleep(300)
      return (await traced()).length - before.length
    }, { timeout: 20_000 }).toBe(0)
  })
})

it('every action is a line of the log that says who', () => {
  const lines = linesOf(postern, 'administrator: wipe')
  expect(lines.length).toBeGreaterThan(5)
  expect(lines[0]).toMatchObject({ audit: 'wipe', by: 'test', user: house.user(2).login, device: 'WIPE25' })
})

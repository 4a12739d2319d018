import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { el, text } from '../../src/wire/wbxml.ts'
import { ask, startManaged, token, type Managed } from '../support/admin.ts'
import { knock } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { mutations } from '../support/fuzz.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Managed
const phones: Phone[] = []
beforeAll(async () => {
  house = await startHouse()
  postern = await startManaged(house, 'workers', {}, 2)
})
afterAll(async () => {
  for (const phone of phones) phone.close()
  await postern?.stop()
  await house?.stop()
})

/** A connection of its own, which the system gives to one of the workers. */
function phoneOf(who: number, deviceId: string): Phone {
  const { login, password } = house.user(who)
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: login, password, deviceId })
  phones.push(phone)
  return phone
}
/** As often as it takes to meet both workers. */
const knocks = async (deviceId: string): Promise<string[]> => [...new Set(await Promise.all(Array.from({ length: 12 }, () => knock(phoneOf(0, deviceId)))))]
/** Told by both within a second; a busy machine has longer ones. */
const isTold = (deviceId: string, told: string): Promise<void> => expect.poll(() => knocks(deviceId), { interval: 300 }).toEqual([told])
const cli = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, ['src/cli.ts', ...args, '--config', postern.config])).stdout

describe('two workers that share a folder, and the commands of an administrator', () => {
  it('block and allow a device in both, and a wipe told by one is acknowledged to the other', async () => {
    const { login } = house.user(0)
    // Alone: folders that are missing are made with the first.
    expect(await knock(phoneOf(0, 'SHARED'))).toBe('1')
    expect(await knocks('SHARED')).toEqual(['1'])
    expect(await cli('block', login, 'SHARED')).toBe(`SHARED of ${login}: blocked\n`)
    await isTold('SHARED', '129')
    await postern.order(`/devices/${encodeURIComponent(login)}/SHARED/allow`)
    await isTold('SHARED', '1')
    await postern.order(`/devices/${encodeURIComponent(login)}/SHARED/wipe`)
    await isTold('SHARED', '140')
    const provisions = await Promise.all(Array.from({ length: 8 }, () => phoneOf(0, 'SHARED').command('Provision', el('Provision:Provision'))))
    expect(provisions.map(answer => answer!.children.map(({ tag }) => tag))).toEqual(Array(8).fill(['Provision:Status', 'Provision:RemoteWipe']))
    const done = await phoneOf(0, 'SHARED').command('Provision', el('Provision:Provision', [el('Provision:RemoteWipe', [el('Provision:Status', '1')])]))
    expect(text(done!, 'Provision:Status')).toBe('1')
    await isTold('SHARED', '129')
    const devices = JSON.parse(await cli('devices', '--user', login, '--json')) as { orders: { wipe: { state: string } } }[]
    expect(devices.map(({ orders }) => orders.wipe.state)).toEqual(['done'])
  }, 120_000)

  it('show a table, and what is seen last', async () => {
    await expect.poll(() => cli('devices')).toMatch(/SHARED/)
    expect(await cli('devices')).toMatch(/^USER +DEVICE +TYPE +AGENT +VERSION +SEEN +SYNC +LAST +STATE\n\S+ +SHARED +TestPhone +TestPhone\/1\.0 +16\.1 .*wiped, allowed\n$/)
    expect(await cli('top', '--once')).toMatch(/^1 devices, 0 wait for news, [01] asked within a minute\nUSER/)
  }, 60_000)

  it('say what is wrong', async () => {
    const { login } = house.user(0)
    const wrong = async (...args: string[]): Promise<string> => cli(...args).then(String, (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`)
    expect(await wrong('cancel', login, 'SHARED')).toBe('1 postern: it was told already and may be wiped by now\n')
    expect(await wrong('block', login)).toMatch(/^2 postern: block wants USER DEVICE\./)
    expect(await wrong('trace', login, 'SHARED', '--minutes', '90')).toMatch(/^2 postern: --minutes wants/)
  }, 60_000)
})

describe('the interface for administrators', () => {
  it.each<[string, object | undefined, string, number]>([
    ['/devices', undefined, 'a wrong token', 401], ['/devices/a/NONE', undefined, '', 404], ['/nothing', undefined, '', 404],
    ['/devices/a/B/burn', {}, '', 404], ['/devices/a/B/constructor', {}, '', 404], ['/devices/a/b%00/block', {}, '', 400], ['/devices/%ff/B/block', {}, '', 400],
    ['/devices/a/B/block', { by: '' }, '', 400], ['/devices/a/B/block', { also: 1 }, '', 400], ['/devices/a/B/resync', {}, '', 400],
    ['/devices/a/B/trace', { minutes: 61 }, '', 400], ['/devices/a/B/wipe', { accountOnly: 'yes' }, '', 400], ['/devices/a/B/block', undefined, '', 405],
    ['/devices/a/B/block', { by: 'x'.repeat(20_000) }, '', 413],
  ])('answers what it cannot do by an error: %s, %#', async (path, body, bearer, status) => {
    const answer = await ask(postern.admin, path, body, ...bearer ? [bearer.replaceAll(' ', '-')] : [])
    expect([answer.status, typeof answer.said.error]).toEqual([status, 'string'])
  })

  it('takes what is broken for what it is', async () => {
    const good = Buffer.from(JSON.stringify({ by: 'me', accountOnly: true, collection: '7', minutes: 5 }))
    const statuses = new Set<number>()
    let sent = 0
    for (const octets of mutations([good], 2000, 3)) {
      const action = ['block', 'trace', 'resync', 'cancel'][sent++ % 4]
      const response = await fetch(`http://${HOST}:${postern.admin}/devices/fuzz/F${sent % 7}/${action}`, {
        method: 'POST', body: Buffer.from(octets), headers: { authorization: `Bearer ${token}` },
      })
      statuses.add(response.status)
      await response.arrayBuffer()
    }
    expect([...statuses].sort()).toEqual([200, 400, 409])
    expect(postern.log()).not.toContain('"msg":"bug"')
  }, 60_000)
})

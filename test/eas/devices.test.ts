import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silent } from '../../src/base/log.ts'
import type { DeviceStore, Wipe } from '../../src/base/devices.ts'
import { redacted } from '../../src/eas/device-trace.ts'
import { accessOf, policyOf, type AccessRule, type PolicyRule, type Who } from '../../src/eas/rules.ts'
import { since, versions } from '../../src/eas/versions.ts'
import { actions } from '../../src/http/admin-actions.ts'
import { deviceFolder } from '../../src/state/device-file.ts'
import { deviceStore } from '../../src/state/device-store.ts'
import { decode, el, encodeSync, text } from '../../src/wire/wbxml.ts'
import { acknowledged, knock, provision } from '../support/device-phone.ts'
import { descend } from '../support/eas-client.ts'
import { easServer, easSettings, type EasServer } from '../support/eas-server.ts'
import { MemoryAccount } from '../support/memory.ts'

const dir = mkdtempSync(join(tmpdir(), 'postern-devices-'))
let devices: DeviceStore
let server: EasServer
beforeAll(async () => {
  devices = await deviceStore(await deviceFolder(dir, silent), silent)
  server = await easServer({}, new MemoryAccount(), () => new Date(), undefined, { devices })
})
afterAll(async () => {
  await server.stop()
  await devices.close()
  rmSync(dir, { recursive: true, force: true })
})

const user = (): string => server.account.person.login
const order = (id: string, kind: Wipe['kind']): Promise<unknown> =>
  devices.change({ user: user(), id }, now => ({ ...(now ?? { user: user(), id }), wipe: { kind, state: 'ordered', by: 'me', at: 1, changed: 1 } }))

describe('a wipe', () => {
  it.each(versions)('is asked for, told without anything in it, failed, acknowledged and kept, in version %s', async version => {
    const id = `W${version.replace('.', '')}`, phone = server.phone({ version, deviceId: id })
    await order(id, 'full')
    expect(await knock(phone)).toBe(since(version, '14.0') ? '140' : 'HTTP 449')
    expect(await provision(phone)).toEqual(['Status 1', 'RemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '2'))).toEqual(['Status 2', 'RemoteWipe'])
    expect(devices.orders({ user: user(), id })?.wipe?.state).toBe('failed')
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '1'))).toEqual(['Status 1'])
    expect(devices.orders({ user: user(), id })?.wipe?.state).toBe('done')
    expect(await knock(phone)).toBe(since(version, '14.0') ? '129' : 'HTTP 403')
  })

  it('of an account alone is told to 16.1, failed, acknowledged and kept; any other version finds the door shut', async () => {
    const phone = server.phone({ deviceId: 'ACC' })
    await order('ACC', 'account')
    expect(await knock(server.phone({ deviceId: 'ACC', version: '16.0' }))).toBe('129')
    expect(await provision(phone)).toEqual(['Status 1', 'AccountOnlyRemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:AccountOnlyRemoteWipe', '2'))).toEqual(['Status 2', 'AccountOnlyRemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:AccountOnlyRemoteWipe', '1'))).toEqual(['Status 1'])
    expect(devices.orders({ user: user(), id: 'ACC' })?.wipe?.state).toBe('done')
  })

  it('that is acknowledged before it was told is told first; an acknowledgement without a status is a protocol error', async () => {
    const phone = server.phone({ deviceId: 'EARLY' })
    await order('EARLY', 'full')
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '1'))).toEqual(['Status 1', 'RemoteWipe'])
    expect(await provision(phone, acknowledged('Provision:RemoteWipe', '7'))).toEqual(['Status 2'])
    expect(devices.orders({ user: user(), id: 'EARLY' })?.wipe?.state).toBe('told')
  })
})

it('a device that was told to wipe itself and never said that it did is let in by an administrator, not by a cancellation', async () => {
  const phone = server.phone({ deviceId: 'SILENT' }), key = { user: user(), id: 'SILENT' }, wish = { by: 'me', accountOnly: false }
  await actions['wipe']!(devices, key, wish)
  await expect(actions['allow']!(devices, key, wish)).rejects.toThrow('cancel that first')
  await provision(phone)
  await expect(actions['cancel']!(devices, key, wish)).rejects.toThrow('told already')
  expect(await knock(phone)).toBe('140')
  await actions['allow']!(devices, key, wish)
  expect(await knock(phone)).toBe('1')
})

it('a user may have twenty devices that wait for a decision; more are kept out, and not remembered', async () => {
  const own = await easServer({ access: [{ access: 'quarantine' }] }, server.account, undefined, undefined, { devices })
  for (let n = 0; n < 21; n++) expect(await knock(own.phone({ deviceId: `WAITS${n}` }))).toBe('129')
  expect(await devices.waiting(user().toUpperCase())).toBe(20)
  expect([devices.orders({ user: user(), id: 'WAITS19' })?.pending === undefined, devices.orders({ user: user(), id: 'WAITS20' })]).toEqual([false, undefined])
  expect(await devices.waiting('somebody@else.where')).toBe(0)
  await own.stop()
})

const who = (...names: string[]): Who => ({ names, groups: undefined })
const ann = who('ann', 'ann@example.org')
it.each<[string, Partial<AccessRule>, string, string]>([
  ['an id', { id: 'ABC*' }, 'abcd', 'x'], ['a type', { type: 'iPad' }, 'x', 'iPad'], ['a user', { user: 'ann' }, 'x', 'x'],
  ['a domain', { domain: 'example.org' }, 'x', 'x'], ['a program', { agent: '*Outlook*' }, 'x', 'x'],
])('a rule about %s concerns whom it names, and nobody else', async (_, rule, deviceId, deviceType) => {
  const settings = { ...easSettings, access: [{ ...rule, access: 'block' } as AccessRule, { access: 'quarantine' } as AccessRule] }
  expect(await accessOf(settings, { userAgent: 'MS Outlook 1', deviceId, deviceType }, ann)).toBe('block')
  expect(await accessOf(settings, { userAgent: 'Nine', deviceId: 'zz', deviceType: 'zz' }, who('bob', 'bob@example.net'))).toBe('quarantine')
  expect(await accessOf(easSettings, { userAgent: 'Nine', deviceId, deviceType }, ann)).toBe('allow')
})

describe('policies', () => {
  const strict = { DevicePasswordEnabled: true, MinDevicePasswordLength: 12 }, mild = { DevicePasswordEnabled: true }
  const policies: PolicyRule[] = [{ agent: 'Bot/*', policy: undefined }, { user: 'ann', policy: strict }, { domain: 'example.net', policy: mild }]

  it('are chosen by the first rule that concerns user, domain and program', async () => {
    const settings = { ...easSettings, policies, policy: { AllowCamera: false } }
    expect(await policyOf(settings, 'Bot/1', ann)).toBeUndefined()
    expect(await policyOf(settings, 'x', ann)).toBe(strict)
    expect(await policyOf(settings, undefined, who('bob', 'bob@example.net'))).toBe(mild)
    expect(await policyOf(settings, 'x', who('eve', 'eve@example.com'))).toEqual({ AllowCamera: false })
    expect(await policyOf({ ...easSettings, policies }, 'x', who('eve'))).toBeUndefined()
  })

  it('are told and asked for as they are chosen', async () => {
    const own = await easServer({ policies: [{ agent: 'Bot/*', policy: undefined }, { policy: strict }] })
    const phone = own.phone(), bot = own.phone({ userAgent: 'Bot/1', deviceId: 'BOT' })
    expect([await knock(phone), await knock(bot), await bot.provision()]).toEqual(['142', '1', false])
    const answer = await phone.command('Provision', el('Provision:Provision', [el('Provision:Policies', [el('Provision:Policy', [el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML')])])]))
    const told = descend(answer, 'Provision:Policies', 'Provision:Policy', 'Provision:Data', 'Provision:EASProvisionDoc')
    expect(text(told, 'Provision:MinDevicePasswordLength')).toBe('12')
    expect(await phone.provision()).toBe(true)
    expect(await knock(phone)).toBe('1')
    await own.stop()
  })
})

it('a trace has the protocol in it, and of what people write nothing but how long it is', () => {
  const tree = el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', 'abc'), el('AirSync:CollectionId', '7'),
    el('AirSync:Commands', [el('AirSync:Add', [el('AirSync:ServerId', '7:1'), el('AirSync:ApplicationData', [
      el('Email:From', '"Ann Secret" <ann.secret@example.org>'), el('Email:Subject', 'Very private'), el('Email:Read', '1'),
      el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', Buffer.from('hidden words'))]),
      el('Contacts:MobilePhoneNumber', '5551234'),
    ])])]),
  ])])])
  const shown = redacted(decode(encodeSync(tree)))
  for (const there of ['<SyncKey>abc<', '<CollectionId>7<', '>7:1<', 'a***@example.org', '(12 characters)', '(12 octets)', '(7 characters)']) expect(shown).toContain(there)
  expect(shown).not.toMatch(/secret|private|hidden|5551234/i)
})

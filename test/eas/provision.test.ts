import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { policyElements } from '../../src/eas/policy-elements.ts'
import { policyFault, policyKey } from '../../src/eas/policy.ts'
import { parseRequest } from '../../src/eas/request.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { child, decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import { easServer, easSettings, type EasServer } from '../support/eas-server.ts'
import { descend, type Phone } from '../support/eas-client.ts'

const folderSync = el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')])
const policyOf = (...rest: readonly Node[]): Node => el(
  'Provision:Provision', [el('Provision:Policies', [el('Provision:Policy', rest)])]
)
const type = el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML')

describe('without a policy', () => {
  let server: EasServer
  beforeAll(async () => void (server = await easServer()))
  afterAll(() => server.stop())

  it('no phone is asked, and one that asks hears that there is none', async () => {
    const phone = server.phone()
    expect((await phone.folderSync('0')).status).toBe('1')
    expect(await phone.provision()).toBe(false)
    expect((await phone.folderSync('0')).status).toBe('1')
  })

  it('an empty Provision, which asks for a wipe, is answered by success alone', async () => {
    const answer = await server.phone().command('Provision', el('Provision:Provision'))
    expect(answer!.children.map(({ tag, text: value }) => [tag, value])).toEqual([['Provision:Status', '1']])
  })

  it('DeviceInformation is acknowledged before the rest', async () => {
    const answer = await server.phone().command('Provision', el('Provision:Provision', [
      el('Settings:DeviceInformation', [el('Settings:Set', [el('Settings:Model', 'Phone')])]),
      ...policyOf(type).children as Node[],
    ]))
    expect(answer!.children.map(({ tag }) => tag)).toEqual(
      ['Settings:DeviceInformation', 'Provision:Status', 'Provision:Policies']
    )
  })

  it('a policy type that is none is unknown', async () => {
    const answer = await server.phone().command('Provision', policyOf(el('Provision:PolicyType', 'MS-WAP-Provisioning-XML')))
    expect(text(descend(answer, 'Provision:Policies', 'Provision:Policy'), 'Provision:Status')).toBe('3')
  })
})

describe('with a policy', () => {
  let server: EasServer
  let phone: Phone
  beforeAll(async () => {
    server = await easServer({ policy: { DevicePasswordEnabled: true, MinDevicePasswordLength: 6 } })
    phone = server.phone({ query: 'base64' })
  })
  afterAll(() => server.stop())

  const statusWith = async (version: string, key: string): Promise<string> => {
    const { status, bytes } = await server.phone({ version }).raw(
      'FolderSync', folderSync, { headers: { 'x-ms-policykey': key } }
    )
    return status === 200 ? text(decode(bytes), 'FolderHierarchy:Status')! : `HTTP ${status}`
  }

  it.each([
    ['12.1', '0', 'HTTP 449'], ['12.1', '77', 'HTTP 449'], ['14.0', '0', '142'], ['16.1', '0', '142'], ['16.1', '77', '144'],
    ['16.1', 'x', '144'],
  ])(
    'version %s with key %s is told %s', async (version, key, status) => {
      expect(await statusWith(version, key)).toBe(status)
    })

  it('a phone gets in by two phases, in either form of the query, whatever the process remembers', async () => {
    expect(await phone.provision()).toBe(true)
    expect((await phone.folderSync('0')).status).toBe('1')
    server.forget()
    expect((await phone.folderSync('0')).status).toBe('1')
    expect(await statusWith('16.1', phone.policyKey)).toBe('1')
  })

  it('the temporary key opens nothing', async () => {
    const answer = await phone.command('Provision', policyOf(type))
    const policy = descend(answer, 'Provision:Policies', 'Provision:Policy')
    expect(policy.children.map(({ tag }) => tag)).toEqual(
      ['Provision:PolicyType', 'Provision:Status', 'Provision:PolicyKey', 'Provision:Data']
    )
    expect(await statusWith('16.1', text(policy, 'Provision:PolicyKey')!)).toBe('144')
  })

  it('all settings are sent in order, the wanted ones with their values', async () => {
    const answer = await phone.command('Provision', policyOf(type))
    const document = descend(answer, 'Provision:Policies', 'Provision:Policy', 'Provision:Data', 'Provision:EASProvisionDoc')
    expect(document.children.map(({ tag }) => tag)).toEqual(Object.keys(policyElements).map(name => `Provision:${name}`))
    expect(text(document, 'Provision:DevicePasswordEnabled')).toBe('1')
    expect(text(document, 'Provision:MinDevicePasswordLength')).toBe('6')
    expect(child(document, 'Provision:MaxInactivityTimeDeviceLock')!.text).toBe('')
  })

  it.each([
    ['a key that was not given', '123', '1', ['1', '5']],
    ['a policy that was not applied', '123', '3', ['139', undefined]],
    ['a policy of somebody else', '123', '4', ['145', undefined]],
  ])('an acknowledgement of %s is refused', async (_, key, status, expected) => {
    const answer = await phone.command(
      'Provision', policyOf(type, el('Provision:PolicyKey', key), el('Provision:Status', status))
    )
    const policies = child(answer!, 'Provision:Policies')
    expect(
      [text(answer!, 'Provision:Status'), policies && text(descend(policies, 'Provision:Policy'), 'Provision:Status')]
    ).toEqual(expected)
  })

  it('keys belong to a policy, an account and a device', async () => {
    const other = server.phone({ deviceId: 'OTHER' })
    await other.provision()
    expect(other.policyKey).not.toBe(phone.policyKey)
    expect(await statusWith('16.1', other.policyKey)).toBe('144')
    const stricter = await easServer({ policy: { DevicePasswordEnabled: true, MinDevicePasswordLength: 8 } })
    const again = stricter.phone()
    await again.provision()
    expect(again.policyKey).not.toBe(phone.policyKey)
    await stricter.stop()
  })
})

it('a key that was found right once is right no longer than its policy, its secret, its account and its device', async () => {
  const cache = memoryCache({ megabytes: 1 }), url = new URL('http://x/?Cmd=Sync&User=anna&DeviceId=D1&DeviceType=t')
  const settings = { ...easSettings, policy: { MinDevicePasswordLength: 6 } }
  const key = policyKey(settings, 'final', 'anna', 'D1')
  const fields: Record<string, string> = { 'ms-asprotocolversion': '16.1', 'x-ms-policykey': key }
  const request = parseRequest(url, { get: name => fields[name] ?? null })
  const faultOf = (changed: object, login = 'anna', deviceId = 'D1') =>
    policyFault({ settings: { ...settings, ...changed }, cache }, { ...request, deviceId, device: deviceId }, login, { names: [login], groups: undefined })
  for (const _ of ['looked at', 'remembered']) expect(await faultOf({})).toBeUndefined()
  expect(await faultOf({ policy: { MinDevicePasswordLength: 6 } })).toBeUndefined()
  expect(await faultOf({ policy: { MinDevicePasswordLength: 8 } })).toBe('144')
  expect(await faultOf({ policy: { MinDevicePasswordLength: 6 }, secret: 'another one, as long as it has to be' })).toBe('144')
  expect([await faultOf({}, 'berta'), await faultOf({}, 'anna', 'D2')]).toEqual(['144', '144'])
})

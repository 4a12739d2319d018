import { afterAll, beforeAll, expect, it } from 'vitest'
import { policyElements, policyValueFault } from '../../src/eas/policy-elements.ts'
import { since, versions } from '../../src/eas/versions.ts'
import { child, el, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { descend } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { keepAll } from './kept.ts'
import { readSchema } from './schema.ts'

const { paths } = readSchema()
const document = 'Provision:Provision/Provision:Policies/Provision:Policy/Provision:Data/Provision:EASProvisionDoc'
const policy = { DevicePasswordEnabled: true, MinDevicePasswordLength: 16, AllowBluetooth: 0, MaxEmailAgeFilter: 5, MaxCalendarAgeFilter: '7' }

let server: EasServer
beforeAll(async () => void (server = await easServer({ policy })))
afterAll(() => {
  keepAll(server)
  return server.stop()
})

const ask = async (body: Node | undefined) => server.phone().command('Provision', body)

it.each<[string, Node | undefined]>([
  ['no body', undefined],
])('what is no Provision is a protocol error: %s', async (_, body) => {
  expect((await ask(body))!.children.map(({ tag, text }) => [tag, text])).toEqual([['Provision:Status', '2']])
})

// The configuration and the schema were written apart.
it.each(Object.keys(policyElements))('%s takes the values that the document has, and no others', name => {
  const [described] = paths.get(`${document}/Provision:${name}`)!
  const kind = 'kind' in described!.content ? described!.content.kind : undefined
  for (const value of ['', '-2', '-1', '0', '1', '2', '3', '4', '5', '6', '7', '8', '16', '17', '255', '70000', '4294967295', '4294967296', 'x']) {
    const fault = kind!({ tag: `Provision:${name}` as Tag, children: [], text: value })
    expect([value, policyValueFault(name, value) === undefined]).toEqual([value, fault === undefined])
  }
})

it.each(versions.filter(version => since(version, '12.0')))('what a phone tells of itself is acknowledged, in version %s', async version => {
  const answer = await server.phone({ version }).command('Provision', el('Provision:Provision', [
    el('Settings:DeviceInformation', [el('Settings:Set', [el('Settings:Model', 'Pocket')])]),
    el('Provision:Policies', [el('Provision:Policy', [el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML')])]),
  ]))
  expect(descend(answer, 'Settings:DeviceInformation').children.map(({ text }) => text)).toEqual(['1'])
})

it.each(versions.filter(version => since(version, '12.0')))('lists of programs are told as they are configured, from 12.1 on, and not where there are none: version %s', async version => {
  const lists = { UnapprovedInROMApplicationList: ['calc.exe', 'Solitär & Co'], ApprovedApplicationList: ['2fd4e1c67a2d28fced849ee1bb76e7391b93eb12', 'L9ThxnotKPzthJ7hu3bnORuT6xI='] }
  const told = async (wanted: Partial<typeof lists>): Promise<unknown[]> => {
    const own = await easServer({ policy: { ...policy, ...wanted } })
    const answer = await own.phone({ version }).command('Provision', el('Provision:Provision', [el('Provision:Policies', [el('Provision:Policy', [
      el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML'),
    ])])]))
    keepAll(own)
    await own.stop()
    const found = descend(answer, 'Provision:Policies', 'Provision:Policy', 'Provision:Data', 'Provision:EASProvisionDoc')
    return (['UnapprovedInROMApplicationList', 'ApprovedApplicationList'] as const).map(name => child(found, `Provision:${name}`)?.children.map(({ tag, text }) => [tag, text]))
  }
  expect(await told({})).toEqual([undefined, undefined])
  const all = [lists.UnapprovedInROMApplicationList.map(name => ['Provision:ApplicationName', name]), lists.ApprovedApplicationList.map(hash => ['Provision:Hash', hash])]
  expect(await told(lists)).toEqual(since(version, '12.1') ? all : [undefined, undefined])
  if (since(version, '12.1')) expect(await told({ ApprovedApplicationList: [] })).toEqual([undefined, []])
})

it('what the policy wants is what the phone is told', async () => {
  const answer = await ask(el('Provision:Provision', [el('Provision:Policies', [el('Provision:Policy', [
    el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML'),
  ])])]))
  const told = descend(answer, 'Provision:Policies', 'Provision:Policy', 'Provision:Data', 'Provision:EASProvisionDoc')
  const values = Object.entries({ ...policyElements, ...policy }).map(([name, value]) => [name, value === true ? '1' : String(value)])
  expect(values.map(([name]) => [name, child(told, `Provision:${name}` as Tag)?.text])).toEqual(values)
})

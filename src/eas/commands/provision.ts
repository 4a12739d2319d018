import { Failure, type Kind } from '../../base/failure.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { of120, policyElements, policyLists } from '../policy-elements.ts'
import { policyXml } from '../policy-xml.ts'
import { policyKey } from '../policy.ts'
import { since, type Version } from '../versions.ts'
import { policyOf, whoOf, type Policy } from '../rules.ts'
import { answerWipe } from '../wipe.ts'
import { hearDevice } from './settings.ts'

/** [MS-ASPROV] Status (Provision). */
const status: Partial<Record<Kind, string>> = { malformed: '2' }

/** [MS-ASPROV] Status (Policy). */
const noPolicy = '2', unknownType = '3', wrongKey = '5'

/** [MS-ASPROV] PolicyType: a document of XML as text in 2.5, elements from 12.0. */
const typeOf = (version: Version): string => since(version, '12.0') ? 'MS-EAS-Provisioning-WBXML' : 'MS-WAP-Provisioning-XML'

/** What a phone says it did with the policy that it cannot stay for; a partial success (2) is accepted. */
const unacceptable: Readonly<Record<string, string>> = { 3: '139', 4: '145' }

// [MS-ASPROV] Provision Command: the policy under a temporary key, then the final key for its acknowledgement. Nothing is stored.
export const provision: Command = {
  async run(call) {
    const wipe = await answerWipe(call)
    if (wipe) return wbxml(wipe)
    if (!call.body) throw new Failure('malformed', 'Provision without a body')
    const device = child(call.body, 'Settings:DeviceInformation')
    if (device) hearDevice(call, device)
    const list = child(call.body, 'Provision:Policies')
    const policies = list ? children(list, 'Provision:Policy') : []
    if (policies.some(policy => text(policy, 'Provision:PolicyType') === undefined)) throw new Failure('malformed', 'a policy of no type')
    const refused = policies.map(policy => unacceptable[text(policy, 'Provision:Status') ?? '']).find(Boolean)
    const wanted = await policyFor(call)
    if (refused && wanted) return wbxml(provisioned(refused, []))
    const answers = policies.slice(0, 8).map(policy => answer(call, policy, wanted))
    return wbxml(provisioned('1', answers.length ? [el('Provision:Policies', answers)] : [], device))
  },

  refuse: kind => provisioned(status[kind] ?? '3', []),
}

const provisioned = (value: string, rest: readonly Node[], device?: Element): Node => el('Provision:Provision', [
  ...(device ? [el('Settings:DeviceInformation', [el('Settings:Status', '1')])] : []),
  el('Provision:Status', value),
  ...rest,
])

const policyFor = ({ settings, request, stores }: Call): Promise<Policy | undefined> =>
  policyOf(settings, request.userAgent, whoOf(stores))

function answer(call: Call, asked: Element, wanted: Policy | undefined): Node {
  const { settings, request } = call
  const type = text(asked, 'Provision:PolicyType') ?? ''
  const key = (phase: 'temporary' | 'final'): string => policyKey({ ...settings, policy: wanted }, phase, call.stores.person.account, request.deviceId)
  if (type !== typeOf(request.version)) return policy(type, unknownType)
  if (!wanted) return policy(type, noPolicy)
  const acknowledged = text(asked, 'Provision:PolicyKey')
  if (acknowledged === undefined) {
    return policy(type, '1', [el('Provision:PolicyKey', key('temporary')), el('Provision:Data', documentOf(wanted, request.version))])
  }
  // The final key again: the answer that brought it was lost.
  const known = acknowledged === key('temporary') || acknowledged === key('final')
  return known ? policy(type, '1', [el('Provision:PolicyKey', key('final'))]) : policy(type, wrongKey)
}

const policy = (type: string, value: string, rest: readonly Node[] = []): Node => el('Provision:Policy', [
  el('Provision:PolicyType', type.slice(0, 64)),
  el('Provision:Status', value),
  ...rest,
])

const documentOf = (wanted: Policy, version: Version): string | Node[] =>
  since(version, '12.0') ? [el('Provision:EASProvisionDoc', settingsOf(wanted, version))] : policyXml(wanted)

function settingsOf(wanted: Policy, version: Version): Node[] {
  const isNew = since(version, '12.1'), known = Object.entries(policyElements).filter(([name]) => isNew || of120.has(name))
  const lists = isNew ? Object.entries(policyLists).flatMap(([name, item]) => {
    const values = wanted[name]
    return Array.isArray(values) ? [el(`Provision:${name}` as Tag, values.map(value => el(`Provision:${item}`, String(value))))] : []
  }) : []
  return [...known.map(([name, harmless]) => {
    const value = wanted[name] ?? harmless
    return el(`Provision:${name}` as Tag, typeof value === 'boolean' ? (value ? '1' : '0') : String(value))
  }), ...lists]
}

// Rules of the configuration for groups of a real slapd: who they concern, and what holds while the directory is away.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkGroups } from '../../src/backend/check-directory.ts'
import type { Backend } from '../../src/backend/connect.ts'
import type { AccessRule, PolicyRule } from '../../src/eas/rules.ts'
import type { EasSettings } from '../../src/eas/settings.ts'
import { makeCertificate } from '../support/certificate.ts'
import { knock } from '../support/device-phone.ts'
import { Phone } from '../support/eas-client.ts'
import { openGround, type Ground } from '../support/house.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { groupDn, groupOfNames, person } from '../support/people.ts'
import { BASE, dnOf, READER, startSlapd, type Slapd } from '../support/slapd.ts'

let house: House
let ground: Ground
let slapd: Slapd
const phones: Phone[] = []
const instances: Instance[] = []
/** Of the house's users by number: in a group of a group, in a group, and in none. */
const inside = 0, staff = 1, outside = 2
const nameOf = (who: number): string => house.user(who).address

beforeAll(async () => {
  house = await startHouse()
  ground = openGround()
  const own = (who: number) => person(house.user(who).name, `Person ${who}`, { mail: nameOf(who), userPassword: house.user(who).password })
  slapd = await startSlapd(ground, [
    own(inside), own(staff), own(outside), groupOfNames('team', [dnOf(house.user(inside).name)]), groupOfNames('staff', [dnOf(house.user(staff).name), groupDn('team')]),
  ], makeCertificate(ground), { closed: true })
})
afterEach(async () => {
  for (const phone of phones.splice(0)) phone.close()
  for (const instance of instances.splice(0)) {
    await instance.close()
    expect(instance.bugs()).toBe(0)
  }
})
afterAll(async () => {
  await house?.stop()
  await ground?.close()
})

const directory = (): NonNullable<Backend['directory']> => ({ url: slapd.url, base: BASE, bind: READER, timeoutSeconds: 2 })

async function start(settings: Partial<EasSettings>, list: NonNullable<Backend['directory']> = directory()): Promise<Instance> {
  const instance = await startInstance(house, { directory: list, settings })
  instances.push(instance)
  return instance
}

/** What each of the three is told. */
const knocks = (instance: Instance): Promise<string[]> => Promise.all([inside, staff, outside].map(who => knockAt(instance, who)))
function knockAt({ url }: Instance, who: number): Promise<string> {
  const { login, password } = house.user(who)
  const phone = new Phone({ url, user: login, password })
  phones.push(phone)
  return knock(phone)
}

const strict = { DevicePasswordEnabled: true }
const policies = (group: string): PolicyRule[] => [{ group, policy: strict }]
const access = (group: string): AccessRule[] => [{ group, access: 'allow' }, { access: 'block' }]

describe('rules for a group', () => {
  it.each(['staff', 'Staff', groupDn('staff'), groupDn('staff').toUpperCase().replaceAll(',', ', ')])('concern its members and those of groups in it, by %s', async group => {
    expect(await knocks(await start({ policies: policies(group) }))).toEqual(['142', '142', '1'])
    expect(await knocks(await start({ access: access(group) }))).toEqual(['1', '1', '129'])
    expect(await knocks(await start({ access: [{ group, access: 'block' }] }))).toEqual(['129', '129', '1'])
    expect(await knocks(await start({ ceilings: [{ group, version: '14.1' }] }))).toEqual(['138', '138', '1'])
  })

  it('concern nobody where there is no such group', async () => {
    expect(await knocks(await start({ policies: policies('cn=staff'), access: access('other') }))).toEqual(['129', '129', '129'])
  })

  it('are as the directory says to the users themselves, and shut where it does not know their passwords', async () => {
    const { bind: _, ...list } = directory()
    expect(await knocks(await start({ access: access('staff') }, { ...list, bindAs: `uid={local},ou=people,${BASE}` }))).toEqual(['1', '1', '129'])
    expect(await knocks(await start({ access: access('staff') }, { ...list, bindAs: `cn={local},ou=people,${BASE}` }))).toEqual(['HTTP 503', 'HTTP 503', 'HTTP 503'])
  })

  it('are asked for after all others, and where they decide', async () => {
    const instance = await start({ access: [{ user: house.user(outside).login.toLowerCase(), access: 'allow' }, ...access('staff')] }, { ...directory(), url: 'ldap://127.0.0.1:1' })
    expect(await knocks(instance)).toEqual(['HTTP 503', 'HTTP 503', '1'])
  })
})

it('rules without groups ask no directory', async () => {
  const rules = { policies: [{ user: house.user(staff).login.toLowerCase(), policy: strict }], access: [{ agent: 'Bad/*', access: 'block' as const }], ceilings: [{ agent: 'x', version: '2.5' as const }] }
  expect(await knocks(await start(rules, { ...directory(), url: 'ldap://127.0.0.1:1' }))).toEqual(['1', '142', '1'])
})

it.each<[string, (group: string) => Partial<EasSettings>, string, string]>([
  ['access', group => ({ access: access(group) }), '1', '129'], ['policies', group => ({ policies: policies(group) }), '142', '1'],
])('while the directory is away, %s of users it told of holds, and nobody else is let in; then it goes on', async (_, settings, member, other) => {
  const instance = await start(settings('staff'), { ...directory(), timeoutSeconds: 1 })
  expect([await knockAt(instance, inside)]).toEqual([member])
  await slapd.stop()
  try {
    expect(await knocks(instance)).toEqual([member, 'HTTP 503', 'HTTP 503'])
  } finally {
    await slapd.start()
  }
  await expect.poll(() => knocks(instance)).toEqual([member, member, other])
  expect(JSON.stringify(instance.lines)).toContain('"failure":"unavailable"')
})

it('postern check says in which of the groups a user is', async () => {
  const { login, password } = house.user(inside)
  const backend: Backend = { domains: '*', login: '{local}@{domain}', imap: { ...house.imap, security: 'none' }, smtp: { ...house.imap, security: 'none', auth: true }, directory: directory() }
  const credentials = { kind: 'password', user: login, password } as const
  const told = async (groups: readonly string[], more: Partial<Backend> = {}) => (await checkGroups({ backends: [{ ...backend, ...more }] }, credentials, groups)).map(({ ok, text: said }) => `${ok} ${said}`)
  expect(await told(['staff', groupDn('none')])).toEqual([`true The directory has ${login} in the group staff.`, `true The directory does not have ${login} in the group ${groupDn('none')}.`])
  expect(await told([])).toEqual([])
  expect(await told(['staff'], { directory: { ...directory(), url: 'ldap://127.0.0.1:1' } })).toEqual([expect.stringMatching(/^false The groups of \S+ are not known: .*who is not known yet is let in by nobody/)])
})

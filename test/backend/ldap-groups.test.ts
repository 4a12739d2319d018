// The groups of users in a real slapd: those that name their members, those that name users, groups in groups; and what holds while it is away.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { canonicalDn, nameInDn } from '../../src/backend/ldap-name.ts'
import { ldapDirectory, type LdapConfig, type LdapDirectory } from '../../src/backend/ldap.ts'
import { memberships } from '../../src/backend/memberships.ts'
import { Failure } from '../../src/base/failure.ts'
import { silent } from '../../src/base/log.ts'
import { makeCertificate } from '../support/certificate.ts'
import { mutations } from '../support/fuzz.ts'
import { openGround, type Ground } from '../support/house.ts'
import { keptLog } from '../support/http.ts'
import { groupOfNames, groupDn, person } from '../support/people.ts'
import { BASE, dnOf, READER, startSlapd, type LdapPerson, type Slapd } from '../support/slapd.ts'

let ground: Ground
let slapd: Slapd
const opened: LdapDirectory[] = []
const many = Array.from({ length: 120 }, (_, n) => `many${n}`)
const chain = Array.from({ length: 25 }, (_, n) => `chain${n}`)
const posix = (cn: string, memberUid: readonly string[]): LdapPerson =>
  ({ uid: cn, dn: groupDn(cn), attributes: { objectClass: ['posixGroup'], cn, gidNumber: '7', memberUid } })

beforeAll(async () => {
  ground = openGround()
  slapd = await startSlapd(ground, [
    person('ann', 'Ann Example', { mail: ['ann@postern.test', 'ann.example@postern.test'] }),
    person('bob', 'Bob Builder'), person('carl', 'Carl Other', { mail: 'bob@elsewhere.test' }), person('dora', 'Dora Deep'), person('eve', 'Eve (Nobody) *'),
    { uid: 'told', dn: dnOf('told'), attributes: { ...person('told', 'Told Byherself').attributes, memberOf: [groupDn('Hidden \\2C Group'), groupDn('staff')] } },
    groupOfNames('staff', [dnOf('ann'), dnOf('gone')]), groupOfNames('company', [groupDn('staff'), groupDn('round')]),
    groupOfNames('Round', [groupDn('company')]), groupOfNames('Müller \\+ Söhne', [dnOf('bob')]),
    { uid: 'unique', dn: groupDn('unique'), attributes: { objectClass: ['groupOfUniqueNames'], cn: 'unique', uniqueMember: [dnOf('bob')] } },
    posix('shell', ['ann', 'nobody-else']), posix('by-login', ['robot']),
    ...many.map(cn => groupOfNames(cn, [dnOf('carl')])), groupOfNames('above-many', [groupDn('many110')]),
    ...chain.map((cn, n) => groupOfNames(cn, [n === 0 ? dnOf('dora') : groupDn(chain[n - 1]!)])),
  ], makeCertificate(ground), { closed: true })
})
afterEach(() => {
  for (const directory of opened.splice(0)) directory.close()
})
afterAll(() => ground?.close())

function open(over: Partial<LdapConfig> = {}): LdapDirectory {
  const directory = ldapDirectory({ url: slapd.url, base: BASE, timeoutSeconds: 2, ...over }, READER)
  opened.push(directory)
  return directory
}
const namesOf = async (login: string, address: string, over: Partial<LdapConfig> = {}): Promise<string[]> =>
  (await open(over).groups({ login, address })).map(dn => nameInDn(dn)!).toSorted()

describe('the groups of', () => {
  it.each<[string, string, string, string[]]>([
    ['a member, with those the group is in, in a circle too, and those that name the user', 'ann', 'Ann@Postern.test', ['company', 'round', 'shell', 'staff']],
    ['somebody by another address of the entry', 'x', 'ann.example@postern.test', ['company', 'round', 'shell', 'staff']],
    ['somebody by the login name', 'bob', 'other@postern.test', ['müller + söhne', 'unique']],
    ['somebody whose login name is another one’s, by the address', 'ann', 'bob@postern.test', ['müller + söhne', 'unique']],
    ['somebody whose entry tells of them, of some that nobody may see', 'told', 'told@postern.test', ['company', 'hidden , group', 'round', 'staff']],
    ['a user the directory does not know but by a group', 'robot', 'robot@postern.test', ['by-login']],
    ['nobody', 'nobody', 'nobody@postern.test', []],
    ['what means something in a filter', '*', '*)(mail=*', []],
  ])('%s are %s, %s: %j', async (_, login, address, names) => {
    expect(await namesOf(login, address)).toEqual(names)
  })

  it('somebody in more than one search names', async () => {
    expect(await namesOf('carl', 'bob@elsewhere.test')).toEqual([...many, 'above-many'].toSorted())
  })

  it('somebody are looked for where the configuration says, and nowhere else', async () => {
    expect(await namesOf('ann', 'ann@postern.test', { base: `ou=people,${BASE}`, groupBase: `ou=groups,${BASE}` })).toEqual(['company', 'round', 'shell', 'staff'])
    expect(await namesOf('ann', 'ann@postern.test', { base: `ou=people,${BASE}` })).toEqual([])
    expect(await namesOf('ann', 'ann@postern.test', { attributes: { members: [], memberNames: [], memberOf: ['seeAlso'] } }).catch((error: Failure) => error.kind)).toBe('unavailable')
  })

  it('somebody are all of them or an error', async () => {
    await expect(namesOf('dora', 'dora@postern.test')).rejects.toMatchObject({ kind: 'unavailable' })
    const small = await startSlapd(ground, [person('carl', 'Carl Other'), ...many.map(cn => groupOfNames(cn, [dnOf('carl')]))], { cert: `${ground.dir}/cert.pem`, key: `${ground.dir}/key.pem` }, { sizeLimit: 50 })
    await expect(namesOf('carl', 'carl@postern.test', { url: small.url })).rejects.toMatchObject({ kind: 'unavailable' })
    await small.stop()
    await expect(namesOf('ann', 'ann@postern.test', { groupBase: 'ou=nothing' })).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('what is remembered of groups', () => {
  it('holds for its time, is asked for once at a time, and longer while the directory is away', async () => {
    const directory = open({ timeoutSeconds: 1 }), log = keptLog()
    let asked = 0
    const groups = memberships(log, { fresh: 300, again: 200, size: 10_000 }).of('ann', () => {
      asked++
      return directory.groups({ login: 'ann', address: 'ann@postern.test' })
    })
    const wanted = ['staff', 'COMPANY', ` CN = Staff , ou=groups,${BASE} `, 'shell', 'unique', `cn=staff,${BASE}`]
    expect(await Promise.all(wanted.map(name => groups.has(name)))).toEqual([true, true, true, true, false, false])
    expect(asked).toBe(1)
    await slapd.stop()
    expect([await groups.has('staff'), asked]).toEqual([true, 1])
    await new Promise(resolve => setTimeout(resolve, 350))
    expect([await groups.has('staff'), await groups.has('unique'), asked]).toEqual([true, false, 2])
    await expect(memberships(silent).of('bob', () => directory.groups({ login: 'bob', address: 'bob@postern.test' })).has('staff')).rejects.toMatchObject({ kind: 'unavailable' })
    expect(log.lines.map(({ message }) => message)).toEqual(['the groups of a user are those known before: the directory does not tell'])
    await slapd.start()
    await new Promise(resolve => setTimeout(resolve, 250))
    expect([await groups.has('staff'), asked]).toEqual([true, 3])
  })

  it('is bounded', async () => {
    const all = memberships(silent, { fresh: 10_000, again: 10, size: 2000 })
    let asked = 0
    const of = (user: number) => all.of(`user${user}`, async () => {
      asked++
      return [groupDn('staff')]
    })
    for (let user = 0; user < 100; user++) expect(await of(user).has('staff')).toBe(true)
    await of(99).has('staff')
    expect(asked).toBe(100)
    await of(0).has('staff')
    expect(asked).toBe(101)
  })

  it('takes no name for a DN', async () => {
    const all = memberships(silent).of('eve', async () => [`cn=cn\\=admins\\,ou\\=groups\\,dc\\=example,${BASE}`])
    expect(await all.has('cn=admins,ou=groups,dc=example')).toBe(false)
  })
})

describe('a DN', () => {
  it.each([
    ['CN=Staff,OU=Groups,DC=example,DC=org', 'cn=staff,ou=groups,dc=example,dc=org'], [' cn = staff ; dc=org', 'cn=staff,dc=org'],
    ['cn=M\\C3\\BCller\\2C  Anna,dc=org', 'cn=müller\\2c anna,dc=org'], ['cn=a\\+b+uid=x,dc=org', 'cn=a\\2bb+uid=x,dc=org'], ['2.5.4.3=#0C0161,dc=org', '2.5.4.3=#0c0161,dc=org'],
    ['cn=\\#a', 'cn=\\23a'], ['cn=', 'cn='], ['', undefined], ['cn', undefined], ['cn=a,', undefined], ['cn=a\\', undefined], ['cn="a"', undefined], ['=a', undefined], ['cn=a,,dc=b', undefined],
  ])('%j is %j in one spelling', (dn, spelled) => {
    expect(canonicalDn(dn)).toBe(spelled)
  })

  it('is the same however it is escaped, and its own spelling stays', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 12 }).filter(text => !text.includes('\0') && !text.includes('�') && text.isWellFormed() && text.trim() === text)
    fc.assert(fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), values => {
      const plain = values.map(text => `cn=${text.replace(/[,+"\\<>;=#]|^ | $/g, '\\$&')}`).join(',')
      const octets = values.map(text => `CN=${[...Buffer.from(text)].map(octet => `\\${octet.toString(16).padStart(2, '0')}`).join('')}`).join(' , ')
      const spelled = canonicalDn(plain)
      expect(spelled).toBeDefined()
      expect(canonicalDn(octets)).toBe(spelled)
      expect(canonicalDn(spelled!)).toBe(spelled)
    }))
  })

  it('that is broken is none, and takes no time', () => {
    const good = ['CN=M\\C3\\BCller\\2C  Anna+uid=x,ou=a b,2.5.4.3=#0C0161,dc=org', `cn=${'\\,'.repeat(200)},dc=org`, 'cn='.repeat(200)]
    for (const octets of mutations(good.map(text => Buffer.from(text)), 20_000, 5)) {
      const text = Buffer.from(octets).toString('utf8')
      expect(typeof (canonicalDn(text) ?? '')).toBe('string')
      expect(typeof (nameInDn(text) ?? '')).toBe('string')
    }
  })
})

// The address list in a real slapd: what is found, and that an outage is never an empty list.
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ldapDirectory, type LdapConfig, type LdapDirectory } from '../../src/backend/ldap.ts'
import type { LdapLogin } from '../../src/backend/ldap-connection.ts'
import { makeCertificate } from '../support/certificate.ts'
import { openGround, type Ground } from '../support/house.ts'
import { group, makePeople, person, photo } from '../support/people.ts'
import { Authority, forMail } from '../support/pki.ts'
import { BASE, dnOf, READER, startSlapd, type Slapd } from '../support/slapd.ts'

let ground: Ground
let slapd: Slapd
let ca: string
let certificates: Buffer[]
const opened: LdapDirectory[] = []

beforeAll(async () => {
  ground = openGround()
  const certificate = makeCertificate(ground)
  ca = readFileSync(certificate.cert, 'utf8')
  const authority = new Authority(ground.dir, 'People')
  certificates = ['one', 'two'].map(name => authority.issue(name, { extensions: forMail('bob@postern.test') }).der)
  slapd = await startSlapd(ground, makePeople([
    person('ann', 'Ann Example', {
      displayName: 'Example, Ann', mail: ['ann@postern.test', 'ann.example@postern.test'], telephoneNumber: '+1 555', homePhone: '+1 556', mobile: '+1 557',
      title: 'Head', o: 'Postern', physicalDeliveryOfficeName: 'B 12', jpegPhoto: [photo(3000)], userPassword: 'secret',
    }),
    person('annelie', 'Ann-Elie (Two) * \\ Example', {}),
    person('bob', 'Bob Builder', { 'userCertificate;binary': certificates, userPassword: 'secret' }),
    person('carl', 'Carl Builder', { 'userCertificate;binary': [certificates[0]!] }),
    { uid: 'nomail', attributes: { objectClass: ['inetOrgPerson'], uid: 'nomail', cn: 'Ann Nomail', sn: 'Nomail' } },
    group('builders', 'All Builders', ['bob', 'carl', 'ann', 'gone']),
  ]), certificate, { closed: true, idleSeconds: 1 })
})
afterEach(() => {
  for (const directory of opened.splice(0)) directory.close()
})
afterAll(() => ground?.close())

function open(over: Partial<LdapConfig> = {}, login: LdapLogin | undefined = READER): LdapDirectory {
  const directory = ldapDirectory({ url: slapd.url, base: BASE, timeoutSeconds: 2, ...over }, login)
  opened.push(directory)
  return directory
}

const names = async (words: string, over: Partial<LdapConfig> = {}): Promise<string[]> =>
  (await open(over).search(words, 1000)).entries.map(({ displayName }) => displayName)

describe('a search', () => {
  it.each<[string, string, string[]]>([
    ['the beginning of a first and a last name', 'käth müll', ['Käthe Müller']],
    ['the words the other way round, with a comma', 'Müller, Käthe', ['Käthe Müller']],
    ['capitals and small letters', 'ÖYSTEIN weiß', []],
    ['letters that are no capitals of ASCII', 'øYSTEIN weiß', ['Øystein Weiß']],
    ['a word within a name', 'noël den', ['Noël van den Berg']],
    ['an address', 'ann.example@postern.test', ['Example, Ann']],
    ['an alias', 'annelie', ['Ann-Elie (Two) * \\ Example']],
    ['what means something in a filter', '(two) * \\', ['Ann-Elie (Two) * \\ Example']],
    ['somebody without an address', 'nomail', []],
    ['the middle of a word', 'xample', []],
    ['an attempt to ask for all', '*)(uid=*', []],
    ['a group', 'builders', ['All Builders']],
  ])('finds %s', async (_, words, found) => {
    expect(await names(words)).toEqual(found)
  })

  it('tells all there is of somebody, the primary address first', async () => {
    expect((await open().search('ann.example', 10)).entries).toEqual([
      {
        id: dnOf('ann'), kind: 'gal', displayName: 'Example, Ann', addresses: ['ann@postern.test', 'ann.example@postern.test'], alias: 'ann',
        firstName: 'Ann', lastName: 'Example', phone: '+1 555', homePhone: '+1 556', mobilePhone: '+1 557', title: 'Head', company: 'Postern', office: 'B 12',
      },
    ])
  })

  it('counts more than it shows, and sorts by name', async () => {
    const few = await open({ most: 3 }).search('jürgen', 1000)
    expect([few.entries.length, few.total]).toEqual([3, 4])
    const found = await open().search('jürgen', 5)
    expect([found.entries.length, found.total]).toEqual([5, 6])
    const all = await open().search('jürgen', 1000)
    expect(all.total).toBe(20)
    const sorted = all.entries.map(({ displayName }) => displayName)
    expect(sorted).toEqual(sorted.toSorted(new Intl.Collator(undefined, { sensitivity: 'base' }).compare))
  })

  it('follows the filter, the template and the attributes of the configuration', async () => {
    expect(await names('builder', { filter: '(&(mail=*)(objectClass=inetOrgPerson))' })).toEqual(['Bob Builder', 'Carl Builder'])
    expect(await names('556', { match: '(homePhone=*{word})' })).toEqual(['Example, Ann'])
    expect(await names('ann example', { attributes: { displayName: ['cn'] } })).toEqual(['Ann Example', 'Ann-Elie (Two) * \\ Example'])
  })

  it('takes a limit of the server itself for the end of the list', async () => {
    const small = await startSlapd(ground, makePeople(), { cert: `${ground.dir}/cert.pem`, key: `${ground.dir}/key.pem` }, { sizeLimit: 7 })
    const directory = open({ url: small.url })
    expect((await directory.search('jürgen', 1000)).total).toBe(7)
    await small.stop()
  })

  it.each([['no word', ' , ', 'malformed'], ['too many words', 'a '.repeat(50), 'too-large'], ['too much', 'a'.repeat(300), 'too-large']])('refuses %s', async (_, words, kind) => {
    await expect(async () => open().search(words, 10)).rejects.toMatchObject({ kind })
  })
})

describe('a recipient', () => {
  it.each<[string, string, string[]]>([
    ['an address', 'ANN.example@postern.test', ['Example, Ann']],
    ['an address with a name', 'Whoever <bob@postern.test>', ['Bob Builder']],
    ['a name that is unique', 'Ann Example', ['Example, Ann']],
    ['an alias, though others begin with it', 'ann', ['Example, Ann']],
    ['the beginning of several names', 'Ann-', ['Ann-Elie (Two) * \\ Example']],
    ['a name of several', 'Builder', ['All Builders', 'Bob Builder', 'Carl Builder']],
    ['nobody', 'Nobody', []],
    ['the beginning of an address, which is nobody’s', 'bob@postern', []],
  ])('is %s', async (_, recipient, found) => {
    const { entries, total } = await open().resolve(recipient, 100)
    expect(entries.map(({ displayName }) => displayName)).toEqual(found)
    expect(total).toBe(found.length)
  })
})

describe('photos and certificates', () => {
  it('are read octet for octet, or are not there', async () => {
    const directory = open()
    expect(Buffer.from((await directory.photo(dnOf('ann')))!)).toEqual(Buffer.from(photo(3000)))
    expect(await directory.photo(dnOf('bob'))).toBeUndefined()
    expect(await directory.photo(dnOf('gone'))).toBeUndefined()
    expect(await directory.certificates(dnOf('ann'))).toEqual({ members: 1, certificates: [] })
    expect(await directory.certificates(dnOf('gone'))).toEqual({ members: 1, certificates: [] })
    const bob = await directory.certificates(dnOf('bob'))
    expect(bob.certificates.map(one => Buffer.from(one).toString('hex')).toSorted()).toEqual(certificates.map(one => one.toString('hex')).toSorted())
  })

  it('of a group are those of its members', async () => {
    const { members, certificates: found } = await open().certificates(dnOf('builders'))
    expect([members, found.length]).toEqual([4, 3])
  })
})

describe('the connection', () => {
  it.each<[string, () => Partial<LdapConfig>]>([
    ['plain', () => ({})],
    ['with STARTTLS', () => ({ url: slapd.url.replace('127.0.0.1', 'localhost'), starttls: true, ca })],
    ['with TLS', () => ({ url: slapd.secureUrl, ca })],
    ['with a certificate nobody checks', () => ({ url: slapd.secureUrl, rejectUnauthorized: false })],
  ])('%s shows everybody', async (_, over) => {
    expect((await open(over()).search('bob', 10)).total).toBe(1)
  })

  it.each<[string, () => Partial<LdapConfig>, LdapLogin | undefined]>([
    ['a certificate nobody vouches for', () => ({ url: slapd.secureUrl }), READER],
    ['the same with STARTTLS', () => ({ url: slapd.url.replace('127.0.0.1', 'localhost'), starttls: true }), READER],
    ['a wrong password', () => ({}), { ...READER, password: 'wrong' }],
    ['a base that is not there', () => ({ base: 'dc=other' }), READER],
    ['a server that is not there', () => ({ url: 'ldap://127.0.0.1:1' }), READER],
    ['a filter that is none', () => ({ filter: '(mail=' }), READER],
  ])('with %s is unavailable, not empty', async (_, over, login) => {
    await expect(open(over(), login).search('bob', 10)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(open(over(), login).resolve('bob@postern.test', 10)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('is made anew after the server closed it, also for many at the same time', async () => {
    const directory = open()
    expect((await directory.search('bob', 10)).total).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 2500))
    const all = await Promise.all(Array.from({ length: 20 }, () => directory.search('bob', 10)))
    expect(all.map(({ total }) => total)).toEqual(Array.from({ length: 20 }, () => 1))
  })

  it('fails while the server is away, silent or not, and works again afterwards', async () => {
    const directory = open({ timeoutSeconds: 1 })
    expect((await directory.search('bob', 10)).total).toBe(1)
    slapd.pause()
    await new Promise(resolve => setTimeout(resolve, 200))
    await expect(directory.search('bob', 10)).rejects.toMatchObject({ kind: 'unavailable' })
    slapd.resume()
    expect((await directory.search('bob', 10)).total).toBe(1)
    await slapd.stop()
    await expect(directory.photo(dnOf('ann'))).rejects.toMatchObject({ kind: 'unavailable' })
    await slapd.start()
    expect((await directory.search('bob', 10)).total).toBe(1)
  })

  it('ends where a server sends without an end', async () => {
    const flood = createServer(socket => {
      const zeros = Buffer.alloc(1024 * 1024)
      const more = (): void => void (socket.writable && socket.write(zeros, more))
      socket.on('error', () => {}).once('data', () => {
        socket.write(Buffer.from('30847fffffff', 'hex'))
        more()
      })
    })
    await new Promise<void>(resolve => flood.listen(0, '127.0.0.1', resolve))
    const { port } = flood.address() as AddressInfo
    await expect(open({ url: `ldap://127.0.0.1:${port}`, timeoutSeconds: 20 }).search('bob', 10)).rejects.toMatchObject({ kind: 'unavailable' })
    flood.close()
  }, 15_000)

  it('may be opened by a user', async () => {
    expect((await open({}, { dn: dnOf('bob'), password: 'secret' }).search('ann.example', 10)).total).toBe(1)
    const anonymous = ldapDirectory({ url: slapd.url, base: BASE }, undefined)
    opened.push(anonymous)
    await expect(anonymous.search('bob', 10)).rejects.toMatchObject({ kind: 'denied' })
  })
})

// The address list as a phone sees it: Search, Find, ResolveRecipients and ValidateCert over a real slapd.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/backend/check.ts'
import type { Backend } from '../../src/backend/connect.ts'
import { children, el, text } from '../../src/wire/wbxml.ts'
import { makeCertificate } from '../support/certificate.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { findGal, resolve, searchGal } from '../support/eas-directory.ts'
import { openGround, type Ground } from '../support/house.ts'
import { startInstance, type Instance, type InstanceOptions } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { group, makePeople, person, photo } from '../support/people.ts'
import { Authority, forMail, type Issued } from '../support/pki.ts'
import { BASE, READER, startSlapd, type Slapd } from '../support/slapd.ts'

let house: House
let ground: Ground
let slapd: Slapd
let authority: Authority
let issued: Issued, expired: Issued
let ca: string
const phones: Phone[] = []
const instances: Instance[] = []

beforeAll(async () => {
  house = await startHouse()
  ground = openGround()
  const certificate = makeCertificate(ground)
  ca = readFileSync(certificate.cert, 'utf8')
  authority = new Authority(ground.dir, 'Authority')
  issued = authority.issue('Bob', { extensions: forMail('bob@postern.test') })
  expired = authority.issue('Bob', { extensions: forMail('bob@postern.test'), from: '20200101000000Z', to: '20210101000000Z' })
  slapd = await startSlapd(ground, makePeople([
    person('anna', 'Anna Test', { userPassword: 'secret', jpegPhoto: [photo(2000)] }),
    person('bob', 'Bob Builder', { displayName: 'Bäuerle, Bob', 'userCertificate;binary': [expired.der, issued.der], jpegPhoto: [photo(200_000)] }),
    group('builders', 'All Builders', ['bob', 'anna']),
  ]), certificate, { closed: true })
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

const byReader = (): NonNullable<Backend['directory']> => ({ url: slapd.url, base: BASE, bind: READER, timeoutSeconds: 2 })

async function phoneOf(name: string, options: Partial<PhoneOptions> = {}, more: InstanceOptions = { directory: byReader() }): Promise<Phone> {
  const instance = await startInstance(house, { ...more, certificates: { authorities: authority.pem } })
  instances.push(instance)
  const { login, password } = house.user(name)
  const phone = new Phone({ url: instance.url, user: login, password, ...options })
  phones.push(phone)
  return phone
}

describe.each(['2.5', '12.1', '14.1', '16.1'])('in version %s', version => {
  it('people are found page by page, with umlauts', async () => {
    const phone = await phoneOf('anna', { version })
    const first = await searchGal(phone, { query: 'jürgen', range: '0-14' }), second = await searchGal(phone, { query: 'jürgen', range: '15-29' })
    expect([first.store, first.range, first.total, second.store, second.range]).toEqual(['1', '0-14', '20', '1', '15-19'])
    const names = [...first.hits, ...second.hits].map(({ DisplayName }) => DisplayName)
    expect(new Set(names).size).toBe(20)
    expect(names).toContain('Jürgen Größ')
    expect((await searchGal(phone, { query: 'größ jürg' })).hits).toMatchObject([{ DisplayName: 'Jürgen Größ', LastName: 'Größ', Company: 'Postern Test' }])
  })

  it('recipients are resolved with their certificates', async () => {
    const phone = await phoneOf('anna', { version })
    const { status, responses } = await resolve(phone, { to: ['bob@postern.test', 'jürgen', 'builders@postern.test', 'nobody@postern.test'], certificates: 2, mostAmbiguous: 5 })
    expect(status).toBe('1')
    expect(responses.map(one => [one.status, one.count, one.recipients.length])).toEqual([['1', '1', 1], ['3', '20', 5], ['1', '1', 1], ['4', '0', 0]])
    expect(responses[0]!.recipients[0]!.certificates).toEqual(['1', '1', '1', issued.der.toString('base64')])
    expect(responses[2]!.recipients[0]!.certificates).toEqual(['1', '1', '2', issued.der.toString('base64')])
  })
})

it('photos come with the people, as far as they are small', async () => {
  const phone = await phoneOf('anna')
  expect((await searchGal(phone, { query: 'anna test', picture: {} })).hits[0]!['Picture']).toBe('1 2000')
  expect((await findGal(phone, { query: 'bäuerle', picture: {} })).hits[0]!['Picture']).toBe('174')
  expect((await findGal(phone, { query: 'müller', range: '0-4', picture: { count: 2 } })).hits.map(({ Picture }) => Picture))
    .toEqual(['1 500', '1 500', '175', '175', '175'])
})

it('certificates are checked', async () => {
  const phone = await phoneOf('anna')
  const answer = (await phone.command('ValidateCert', el('ValidateCert:ValidateCert', [
    el('ValidateCert:Certificates', [issued, expired].map(({ der }) => el('ValidateCert:Certificate', der.toString('base64')))),
  ])))!
  expect(children(answer, 'ValidateCert:Certificate').map(one => text(one, 'ValidateCert:Status'))).toEqual(['1', '7'])
})

it('the directory may be read with the user’s own password', async () => {
  const directory = { url: slapd.url.replace('127.0.0.1', 'localhost'), starttls: true, ca, base: BASE, bindAs: `uid={local},ou=people,${BASE}` }
  expect((await searchGal(await phoneOf('anna', {}, { directory }), { query: 'bäuerle' })).total).toBe('1')
  // Bob has no password there.
  expect((await searchGal(await phoneOf('bob', {}, { directory }), { query: 'bäuerle' })).store).toBe('7')
})

it('an outage is told as such, and mail does not suffer from it', async () => {
  const phone = await phoneOf('anna')
  await phone.folderSync('0')
  await slapd.stop()
  expect([(await searchGal(phone, { query: 'bob' })).store, (await findGal(phone, { query: 'bob' })).status, (await resolve(phone, { to: ['bob'] })).status]).toEqual(['7', '111', '6'])
  await phone.syncAll(phone.folder('Inbox'))
  await slapd.start()
  expect([(await searchGal(phone, { query: 'bob' })).store, (await resolve(phone, { to: ['bob'] })).status]).toEqual(['1', '1'])
})

describe('postern check', () => {
  const run = async (directory: Backend['directory'], password = 'secret') => {
    const backend: Backend = {
      domains: ['postern.test'], login: 'address', imap: { ...house.imap, security: 'none' }, smtp: { ...house.submission, security: 'none', auth: true },
      ...(directory ? { directory } : {}),
    }
    const findings = await check({ backends: [backend] }, { kind: 'password', user: 'anna@postern.test', password })
    return findings.filter(({ text: said }) => /directory|knows? anna/.test(said)).map(({ ok, text: said }) => `${ok ? ' ' : '!'} ${said.replace(/:\d+/, ':PORT')}`)
  }

  it('says whether the directory answers, and to whom', async () => {
    expect(await run(byReader())).toEqual([
      '  The directory at ldap://127.0.0.1:PORT answers and shows 100 entries or more when it is read as cn=reader,dc=postern,dc=test.',
      '  It knows anna@postern.test as Anna Test.',
    ])
    expect(await run({ ...byReader(), filter: '(uid=b*)' })).toEqual([
      '  The directory at ldap://127.0.0.1:PORT answers and shows 22 entries when it is read as cn=reader,dc=postern,dc=test.',
      '  It does not know anna@postern.test.',
    ])
    expect(await run(undefined)).toEqual(['  No directory is configured: phones find nobody in the address list.'])
  })

  it('says what is wrong', async () => {
    const wrong = async (over: Partial<NonNullable<Backend['directory']>>): Promise<string | undefined> => (await run({ ...byReader(), ...over }))[0]
    expect(await wrong({ bind: { ...READER, password: 'wrong' } })).toMatch(/^! The directory at ldap:.* does not do: LDAP at .* refuses the login \(InvalidCredentials\)\./)
    expect(await wrong({ url: 'ldap://127.0.0.1:1' })).toMatch(/^! The directory at .* cannot be reached; .*ECONNREFUSED/)
    expect(await wrong({ base: 'dc=wrong' })).toMatch(/^! The directory at .* has no entry dc=wrong/)
    expect(await wrong({ filter: '(uid=nobody)' })).toMatch(/^! The directory at .* answers, but shows nobody below/)
    const { bind: _, ...open } = byReader()
    expect((await run({ ...open, bindAs: `uid={local},ou=people,${BASE}` }))[0]).toMatch(/when it is read as the user/)
    expect((await run(open))[0]).toMatch(/^! The directory at .* does not do: LDAP at .* does not search/)
  })
})

// Certificates and revocation lists made by OpenSSL; what we say of them, and what OpenSSL says.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateCheck, type CertificatesConfig } from '../../src/backend/certificate-check.ts'
import { silent } from '../../src/base/log.ts'
import type { Verdict } from '../../src/model/certificate.ts'
import { openGround, type Ground } from '../support/house.ts'
import { Authority, forAuthority, forMail, type Issued } from '../support/pki.ts'

let ground: Ground
let web: Server
let host: string
/** What the web server gives by path, and what was asked for. */
const pages = new Map<string, Uint8Array | 'silence' | 'redirect'>()
const asked: string[] = []
const made = new Map<string, { issued: Issued; chain: Issued[] }>()
let root: Authority, middle: Authority, strange: Authority

/** Asked of OpenSSL too. It takes authorities for good senders of mail, so one of those is not among them. */
const withoutLists = [
  'good', 'good below another', 'without any extension', 'without its chain', 'untrusted', 'expired', 'not valid yet', 'for servers', 'for nothing in mail',
  'with something unknown', 'below an expired one', 'below one that is no authority', 'too far below', 'below one for servers', 'within its limits',
  'beyond its limits', 'beyond its limits by its subject', 'not excluded', 'excluded', 'revoked', 'below a revoked one',
]
/** With the lists OpenSSL is given. */
const withLists: readonly [string, readonly string[]][] = [
  ['good', ['root']], ['revoked', ['root']], ['good below another', ['root', 'middle']], ['below a revoked one', ['root', 'fallen']],
  ['forged', ['forged']], ['stale', ['stale']], ['indirect', ['indirect']], ['other part', ['other-part']],
]

const past = { from: '20200101000000Z', to: '20210101000000Z' }, future = { from: '20900101000000Z', to: '20910101000000Z' }
const mail = forMail('ann@postern.test')
const point = (name: string): string => `crlDistributionPoints=URI:http://${host}/${name}`

beforeAll(async () => {
  ground = openGround()
  web = createServer(({ url = '' }, response) => {
    asked.push(url)
    const page = pages.get(url.slice(1))
    if (page === 'redirect') response.writeHead(302, { location: '/root' }).end()
    else if (page !== 'silence') response.writeHead(page ? 200 : 404).end(page)
  })
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(web.address() as AddressInfo).port}`
  const { dir } = ground
  root = new Authority(dir, 'Root')
  middle = new Authority(dir, 'Middle', { issuer: root, extensions: [...forAuthority, point('root')] })
  strange = new Authority(dir, 'Strange')
  const under = (authority: Authority, name: string, extensions: readonly string[], more: object = {}): Issued => authority.issue(name, { extensions, ...more })
  const keep = (name: string, issued: Issued, ...chain: Issued[]): void => void made.set(name, { issued, chain })
  keep('good', under(root, 'good', [...mail, point('root')]))
  keep('good below another', under(middle, 'good below', [...mail, point('middle')]), middle)
  keep('without its chain', made.get('good below another')!.issued)
  keep('untrusted', under(strange, 'untrusted', mail), strange)
  keep('expired', under(root, 'expired', mail, past))
  keep('not valid yet', under(root, 'later', mail, future))
  keep('for servers', under(root, 'server', ['extendedKeyUsage=serverAuth']))
  keep('for nothing in mail', under(root, 'certs only', ['keyUsage=critical,cRLSign']))
  keep('an authority', middle)
  keep('with something unknown', under(root, 'unknown', [...mail, '1.2.3.4.5=critical,ASN1:UTF8String:hello']))
  keep('without any extension', under(root, 'bare', []))
  keep('revoked', under(root, 'revoked', [...mail, point('root')]))
  root.revoke(made.get('revoked')!.issued)
  const old = new Authority(dir, 'Old', { issuer: root, ...past })
  keep('below an expired one', under(old, 'below old', mail), old)
  const person = under(root, 'person', [...mail, point('root')])
  const fallen = new Authority(dir, 'Fallen', { issuer: root, extensions: [...forAuthority, point('root')] })
  root.revoke(fallen)
  keep('below a revoked one', under(fallen, 'below fallen', [...mail, point('fallen')]), fallen)
  const noAuthority = new Authority(dir, 'No authority', { issuer: root, extensions: ['basicConstraints=CA:FALSE'] })
  keep('below one that is no authority', under(noAuthority, 'below none', mail), noAuthority)
  const short = new Authority(dir, 'Short', { issuer: root, extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign'] })
  const tooDeep = new Authority(dir, 'Too deep', { issuer: short })
  keep('too far below', under(tooDeep, 'too far', mail), tooDeep, short)
  const servers = new Authority(dir, 'Servers', { issuer: root, extensions: [...forAuthority, 'extendedKeyUsage=serverAuth'] })
  keep('below one for servers', under(servers, 'below servers', mail), servers)
  const limited = new Authority(dir, 'Limited', { issuer: root, extensions: [...forAuthority, 'nameConstraints=critical,permitted;email:postern.test'] })
  keep('within its limits', under(limited, 'within', mail), limited)
  keep('beyond its limits', under(limited, 'beyond', forMail('ann@other.test')), limited)
  keep('beyond its limits by its subject', under(limited, '/CN=x/emailAddress=ann@other.test', ['extendedKeyUsage=emailProtection']), limited)
  const excluding = new Authority(dir, 'Excluding', { issuer: root, extensions: [...forAuthority, 'nameConstraints=critical,excluded;email:.other.test'] })
  keep('not excluded', under(excluding, 'not excluded', forMail('ann@other.test')), excluding)
  keep('excluded', under(excluding, 'excluded', forMail('ann@a.other.test')), excluding)
  const changed = Buffer.from(person.der)
  changed[changed.length - 20]! ^= 1
  keep('with another signature', { der: changed, pem: '' })
  for (const [name, at] of [['elsewhere', '127.0.0.2'], ['missing', host], ['silent', host], ['broken', host], ['large', host], ['forged', host], ['stale', host],
    ['redirect', host], ['indirect', host], ['other part', host]] as const) {
    keep(name, under(root, name, [...mail, `crlDistributionPoints=URI:http://${at}/${name.replace(' ', '-')}`]))
  }
  pages.set('root', root.crl().der)
  pages.set('middle', middle.crl({ days: '-1' }).der).set('fallen', fallen.crl().der)
  await new Promise(resolve => setTimeout(resolve, 1100))
  pages.set('stale', root.crl({ days: '-1' }).der).set('middle', Buffer.from(middle.crl().pem))
  pages.set('silent', 'silence').set('broken', Buffer.from('none')).set('large', Buffer.alloc(20_000, 0x30)).set('redirect', 'redirect')
  pages.set('forged', Buffer.concat([root.crl().der.subarray(0, -1), Buffer.of(0)]))
  pages.set('indirect', root.crl({ extensions: ['issuingDistributionPoint=critical,@idp', '[idp]', 'indirectCRL=TRUE'] }).der)
  pages.set('other-part', root.crl({ extensions: ['issuingDistributionPoint=critical,@idp', '[idp]', `fullname=URI:http://${host}/another`] }).der)
  await new Promise(resolve => setTimeout(resolve, 1100))
}, 60_000)
afterAll(async () => {
  web?.closeAllConnections()
  web?.close()
  await ground?.close()
})

const settings = (crl: CertificatesConfig['crl'] = { hosts: ['127.0.0.1'] }): CertificatesConfig =>
  ({ authorities: root.pem, crl: { largest: 10_000, timeoutSeconds: 1, ...crl } })

async function verdict(name: string, strict: boolean, config = settings()): Promise<Verdict> {
  const { issued, chain } = made.get(name)!
  return (await certificateCheck(config, silent).verify([issued.der], chain.map(one => one.der), strict))[0]!
}

describe('a certificate', () => {
  it.each<[string, Verdict]>([
    ['good', 'valid'], ['good below another', 'valid'], ['without any extension', 'valid'],
    ['without its chain', 'untrusted'], ['untrusted', 'untrusted'], ['with another signature', 'signature'],
    ['expired', 'expired'], ['not valid yet', 'expired'], ['for servers', 'usage'], ['for nothing in mail', 'usage'], ['an authority', 'role'],
    ['with something unknown', 'malformed'], ['below an expired one', 'chain-expired'],
    ['below one that is no authority', 'role'], ['too far below', 'role'], ['below one for servers', 'chain-usage'],
    ['within its limits', 'valid'], ['beyond its limits', 'chain-usage'], ['beyond its limits by its subject', 'chain-usage'],
    ['not excluded', 'valid'], ['excluded', 'chain-usage'],
    ['revoked', 'revoked'], ['below a revoked one', 'chain-revoked'],
  ])('%s is %s', async (name, expected) => {
    expect(await verdict(name, false)).toBe(expected)
  })

  it.each([
    ['without revocation lists', false, withoutLists.map(name => [name, []] as const)], ['with them', true, withLists],
  ])('is what OpenSSL says it is, %s', async (_, strict, names) => {
    const path = (name: string, octets: string | Uint8Array): string => {
      writeFileSync(join(ground.dir, name), octets)
      return join(ground.dir, name)
    }
    const says = ({ issued, chain }: { issued: Issued; chain: Issued[] }, lists: readonly string[]): Promise<boolean> => new Promise(resolve => {
      const others = chain.length > 0 ? ['-untrusted', path('oracle-chain.pem', chain.map(({ pem }) => pem).join('\n'))] : []
      const crls = lists.flatMap(name => ['-CRLfile', path(`oracle-${name}.crl`, pages.get(name)!)])
      execFile('openssl', ['verify', '-purpose', 'smimesign', ...(strict ? ['-crl_check_all'] : []), ...crls, '-CAfile', path('oracle-ca.pem', root.pem), ...others,
        path('oracle.pem', issued.pem)], error => resolve(!error))
    })
    const both: [string, boolean, boolean][] = []
    const config = strict ? settings() : { authorities: root.pem }
    for (const [name, lists] of names) both.push([name, await verdict(name, strict, config) === 'valid', await says(made.get(name)!, lists)])
    expect(both.map(([name, own]) => [name, own])).toEqual(both.map(([name, , other]) => [name, other]))
    expect(both.some(([, , other]) => other)).toBe(true)
  })

  it('is valid by any way there is, though another one is over', async () => {
    // The authority's certificate was renewed: same name, same key.
    const renewed = new Authority(ground.dir, 'Renewed', past)
    const again = renewed.renew()
    const one = renewed.issue('one', { extensions: mail })
    made.set('renewed', { issued: one, chain: [] })
    for (const authorities of [renewed.pem + again.pem, again.pem + renewed.pem]) expect(await verdict('renewed', false, { authorities })).toBe('valid')
    expect(await verdict('renewed', false, { authorities: renewed.pem })).toBe('chain-expired')
  })

  it('may be trusted by itself', async () => {
    const { issued } = made.get('untrusted')!
    expect(await verdict('untrusted', false, { authorities: issued.pem })).toBe('valid')
    expect(await verdict('good', false, { authorities: strange.pem + root.pem })).toBe('valid')
    expect(await verdict('good', false, {})).toBe('untrusted')
  })
})

describe('where revocation must be known', () => {
  it.each<[string, Verdict]>([
    ['good', 'valid'], ['good below another', 'valid'], ['revoked', 'revoked'], ['below a revoked one', 'chain-revoked'],
    ['without any extension', 'revocation-unknown'], ['elsewhere', 'revocation-unknown'],
    ['missing', 'revocation-offline'], ['silent', 'revocation-offline'], ['redirect', 'revocation-offline'],
    ['broken', 'revocation-unknown'], ['large', 'revocation-unknown'], ['forged', 'revocation-unknown'], ['stale', 'revocation-unknown'],
    ['indirect', 'revocation-unknown'], ['other part', 'revocation-unknown'],
  ])('the certificate %s is %s', async (name, expected) => {
    expect(await verdict(name, true)).toBe(expected)
    if (expected.startsWith('revocation')) expect(await verdict(name, false)).toBe('valid')
  })

  it('no host is asked that is not allowed', async () => {
    asked.length = 0
    expect(await verdict('good', true, settings({ hosts: ['crl.example', '*.0.0.1.example'] }))).toBe('revocation-unknown')
    expect(asked).toEqual([])
  })

  it('a list is fetched once for many, and a missing one not asked for again at once', async () => {
    asked.length = 0
    const check = certificateCheck(settings(), silent)
    const ders = ['good', 'revoked', 'missing', 'missing'].map(name => made.get(name)!.issued.der)
    expect(await check.verify([...ders, ...ders], [], true)).toEqual(
      ['valid', 'revoked', 'revocation-offline', 'revocation-offline', 'valid', 'revoked', 'revocation-offline', 'revocation-offline'])
    expect(asked.toSorted()).toEqual(['/missing', '/root'])
  })

  it('a file tells too, and is read again when it changed', async () => {
    const path = join(ground.dir, 'root.crl'), gone = join(ground.dir, 'gone.crl')
    writeFileSync(path, root.crl().pem)
    const config = settings({ hosts: [], files: [gone, path] })
    const check = certificateCheck(config, silent), { der } = root.issue('soon', { extensions: mail })
    expect(await check.verify([der], [], true)).toEqual(['valid'])
    root.revoke({ der, pem: `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n` })
    writeFileSync(path, root.crl().der)
    expect(await check.verify([der], [], true)).toEqual(['revoked'])
    expect(await verdict('good', true, settings({ hosts: [], files: [gone] }))).toBe('revocation-offline')
  })
})

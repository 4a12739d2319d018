import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backend } from '../../src/backend/connect.ts'
import { isReachable, publicServers } from '../../src/backend/public-servers.ts'
import { certificate } from '../http/certificates.ts'
import { autodiscoverServer, get, mailHost, type AutodiscoverServer } from '../support/autodiscover.ts'
import { golden } from '../support/golden.ts'

const local: Backend = {
  domains: ['local.test'], login: 'local', imap: { host: 'imap.one.example', port: 143, security: 'starttls' },
  smtp: { host: 'smtp.one.example', port: 465, security: 'tls', auth: true },
}
let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer({ backends: [mailHost, local], settings: { url: 'https://mail.{domain}', name: 'Post & Partner' },
  redirects: [{ domain: 'moved.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync' }] })))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

describe('Thunderbird', () => {
  it.each([
    '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=anna%40postern.test', '/mail/config-v1.1.xml?emailaddress=anna%40postern.test',
    '/v1.1/mail/config-v1.1.xml?emailaddress=nobody@postern.test',
  ])('is told of IMAP, SMTP, CalDAV and CardDAV at %s', async path => {
    const { status, headers, text } = await get(server, path)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    golden('autodiscover/autoconfig.xml', text)
  })

  it('is told by the host it asks where it names no address, and users by local parts where they log in so', async () => {
    const { text } = await get(server, '/mail/config-v1.1.xml', { headers: { 'x-forwarded-host': 'autoconfig.local.test' } })
    golden('autodiscover/autoconfig-local.xml', text)
  })

  it('is told nothing of a domain that is not served', async () => {
    expect((await get(server, '/mail/config-v1.1.xml?emailaddress=x@else.test')).status).toBe(404)
    expect((await get(server, '/mail/config-v1.1.xml', { method: 'POST' })).status).toBe(405)
  })
})

describe('the servers of others', () => {
  const host = (imap: string, more: Partial<Backend> = {}): Backend =>
    ({ domains: '*', login: '{local}@{domain}', imap: { host: imap, port: 993, security: 'tls' }, smtp: { host: imap, port: 465, security: 'tls', auth: true }, ...more })
  it.each([
    ['imap.example.org', true], ['127.0.0.1', false], ['::1', false], ['localhost', false], ['dovecot', false], ['mail.default.svc.cluster.local', false],
    ['mail.lan', false], ['10.1.2.3', false],
  ])('%s as Postern knows it is told to programs: %s', (name, told) => {
    expect([publicServers([host(name)])('x@y.org')?.imap !== undefined, isReachable(host(name))]).toEqual([told, told])
  })

  it('are not those without encryption, nor a relay without a login, nor DAV without TLS', () => {
    const none = host('imap.example.org', {
      imap: { host: 'imap.example.org', port: 143, security: 'none' }, smtp: { host: 'smtp.example.org', port: 25, security: 'starttls', auth: false },
      dav: { url: 'http://dav.example.org/' },
    })
    expect(publicServers([none])('x@y.org')).toEqual({ login: 'x@y.org', account: 'x@y.org', imap: undefined, smtp: undefined, dav: undefined })
    expect(publicServers([{ ...none, dav: { url: 'https://dav.example.org/{local}/', login: '{local}' } }])('x@y.org')?.dav)
      .toEqual({ url: 'https://dav.example.org/x/', login: 'x' })
  })
})

describe('an Apple profile', () => {
  it('has an Exchange account, and is the same each time', async () => {
    const { status, headers, text } = await get(server, '/email.mobileconfig?email=anna%40postern.test')
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-apple-aspen-config'])
    golden('autodiscover/email.mobileconfig', text)
    expect((await get(server, '/email.mobileconfig?emailaddress=Anna@postern.test')).text.replaceAll('Anna', 'anna')).toBe(text)
  })

  it('names the other host of a domain that is served elsewhere', async () => {
    expect((await get(server, '/email.mobileconfig?email=x@moved.test')).text).toContain('<string>other.example.org</string>')
  })

  it('is for addresses of domains that are served', async () => {
    for (const [query, status] of [['', 400], ['?email=anna', 400], ['?email=a%3Cb@', 400], ['?email=x@else.test', 404]] as const) {
      expect((await get(server, `/email.mobileconfig${query}`)).status).toBe(status)
    }
  })

  const folder = mkdtempSync(join(tmpdir(), 'postern-profile-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe', cwd: folder })

  it.each([
    ['of an elliptic curve', () => certificate('mail.postern.test')],
    ['of RSA', () => {
      openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=mail.postern.test', '-keyout', 'key.pem', '-out', 'cert.pem')
      const text = (name: string) => execFileSync('cat', [name], { cwd: folder, encoding: 'utf8' })
      return { cert: text('cert.pem'), key: text('key.pem') }
    }],
  ])('is signed by a key %s as OpenSSL understands it', async (_, signer) => {
    const pair = signer(), signed = await autodiscoverServer({ settings: { signer: pair, url: 'https://mail.{domain}', name: 'Post & Partner' } })
    const response = await fetch(`${signed.url}/email.mobileconfig?email=anna@postern.test`)
    writeFileSync(join(folder, 'profile'), Buffer.from(await response.arrayBuffer()))
    writeFileSync(join(folder, 'authority.pem'), pair.cert)
    const verify = () => openssl('cms', '-verify', '-inform', 'DER', '-in', 'profile', '-CAfile', 'authority.pem', '-purpose', 'any', '-no_check_time', '-binary')
    golden('autodiscover/email.mobileconfig', verify())
    const octets = Buffer.from(execFileSync('cat', ['profile'], { cwd: folder }))
    octets[octets.indexOf('Exchange') > 0 ? octets.indexOf('Exchange') : octets.indexOf('anna@postern.test')]! ^= 1
    writeFileSync(join(folder, 'profile'), octets)
    expect(verify).toThrow()
    expect(signed.log.lines.at(-1)).toMatchObject({ form: 'mobileconfig', signed: true })
    await signed.close(0)
  })
})

it('what is switched off is the next one\'s', async () => {
  const off = await autodiscoverServer({ settings: { autoconfig: false, mobileconfig: false } })
  for (const path of ['/mail/config-v1.1.xml?emailaddress=anna@postern.test', '/email.mobileconfig?email=anna@postern.test']) {
    expect((await get(off, path)).text).toBe('There is nothing here.\n')
  }
  await off.close(0)
})

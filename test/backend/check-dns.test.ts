import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkDns } from '../../src/backend/check-dns.ts'
import { startDns, type Zone } from '../support/dns-server.ts'
import { Authority } from '../support/pki.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-dns-'))
const servers: Server[] = []
let pair: { cert: string; key: string }
let port = 0

/** A certificate for these hosts, of its own authority. */
function made(name: string, hosts: readonly string[]): { cert: string; key: string } {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=Post',
    '-addext', `subjectAltName=${hosts.map(host => `DNS:${host}`).join(',')}`, '-keyout', key, '-out', cert, '-days', '30'], { stdio: 'pipe' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

async function tls(options: { cert: string; key: string }): Promise<number> {
  const server = createServer(options, socket => socket.on('error', () => socket.destroy()).end())
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  pair = made('good', ['autodiscover.one.test', 'mail.one.test', '*.many.test'])
  port = await tls(pair)
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
})

const here = { A: '127.0.0.1' }

/** Sentences, those of what is not well with a mark. */
async function told(zone: Zone, domain: string, { url, at = port, trusted = true }: { url?: string; at?: number; trusted?: boolean } = {}): Promise<string[]> {
  const dns = await startDns(zone)
  try {
    const findings = await checkDns(domain, { url, resolver: dns.address, port: at, ...(trusted ? { ca: pair.cert } : {}) })
    return findings.map(({ ok, text }) => `${ok ? ' ' : '!'} ${text}`)
  } finally {
    dns.close()
  }
}

const marked = (sentences: readonly string[]): string[] => sentences.filter(sentence => sentence.startsWith('!'))

describe('the DNS of a domain', () => {
  it('is well where autodiscover leads to a host whose certificate names it', async () => {
    const sentences = await told({
      'one.test': here, 'autodiscover.one.test': { CNAME: 'mail.one.test' }, 'autoconfig.one.test': { CNAME: 'mail.one.test' }, 'mail.one.test': here,
      '_autodiscover._tcp.one.test': { SRV: [443, 'mail.one.test'] },
    }, 'One.test', { url: `https://mail.{domain}:${port}` })
    expect(marked(sentences)).toEqual([])
    const until = / good until \d{4}-\d\d-\d\d\.$/
    expect(sentences.map(sentence => sentence.replace(until, ' good until DAY.').replaceAll(String(port), 'PORT'))).toEqual([
      '  autodiscover.one.test is an alias of mail.one.test (127.0.0.1): phones and Outlook ask there.',
      '  _autodiscover._tcp.one.test leads Outlook to mail.one.test.',
      '  The certificate at autodiscover.one.test:PORT names it and is good until DAY.',
      '  The certificate at mail.one.test:PORT names it and is good until DAY.',
      '  Thunderbird asks at autoconfig.one.test (127.0.0.1).',
    ])
  })

  it('says what to add where nothing leads to the server', async () => {
    expect(marked(await told({ 'bare.test': here, 'mail.one.test': here }, 'bare.test', { url: `https://mail.one.test:${port}` }))).toEqual([
      '! Nothing leads clients to the server. Add a record to the zone bare.test: autodiscover CNAME mail.one.test. and have its certificate name autodiscover.bare.test too; or, for Outlook alone, _autodiscover._tcp SRV 0 0 443 mail.one.test.',
    ])
    expect(marked(await told({ 'bare.test': here }, 'bare.test'))[0]).toContain('autodiscover CNAME (the host where Postern is) and')
  })

  it.each<[sentence: string, zone: Zone, fault: RegExp]>([
    ['an alias of nothing', { 'autodiscover.x.test': { CNAME: 'gone.test' } }, /^! autodiscover\.x\.test is an alias of gone\.test, which has no address: correct/],
    ['an SRV record to another port', { '_autodiscover._tcp.x.test': { SRV: [8443, 'mail.one.test'] }, 'mail.one.test': here }, /names port 8443 of mail\.one\.test: clients ask at 443 only/],
    ['an SRV record to a host without an address', { '_autodiscover._tcp.x.test': { SRV: [443, 'gone.test'] } }, /^! gone\.test has no address: add an A or AAAA record\.$/],
    ['a DNS server that fails', { 'autodiscover.x.test': { fail: true } }, /^! autodiscover\.x\.test cannot be looked up \(ESERVFAIL\)\.$/],
    ['a certificate for another name', { 'autodiscover.x.test': here }, /^! The certificate at autodiscover\.x\.test:\d+ names autodiscover\.one\.test, mail\.one\.test, \*\.many\.test, not autodiscover\.x\.test: get one/],
  ])('is not well with %s', async (_, zone, fault) => {
    expect(marked(await told(zone, 'x.test')).join('\n')).toMatch(new RegExp(fault, 'm'))
  })

  it('may have only addresses of IPv6, and a certificate with a star', async () => {
    const sentences = await told({ 'autodiscover.many.test': { A: '127.0.0.1', AAAA: '2001:db8:0:0:0:0:0:1' } }, 'many.test')
    expect(marked(sentences)).toEqual([])
    expect(sentences[0]).toContain('autodiscover.many.test is 127.0.0.1, 2001:db8::1')
  })

  it('is well in a domain that is no ASCII, as it is asked for', async () => {
    const dns = await startDns({})
    await checkDns('münchen.test', { url: undefined, resolver: dns.address })
    expect(dns.questions).toContain('autodiscover.xn--mnchen-3ya.test A')
    dns.close()
    expect(await told({}, 'no domain')).toEqual(['! no domain is no domain.'])
  })
})

describe('a host', () => {
  const zone: Zone = { 'autodiscover.one.test': here }
  it('whose certificate is of an unknown authority is told of', async () => {
    expect(marked(await told(zone, 'one.test', { trusted: false })).join()).toMatch(/is of no authority that clients know \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
  })

  it('whose certificate has expired is told of', async () => {
    const { pem } = new Authority(folder, 'Old').issue('old', { extensions: ['subjectAltName=DNS:autodiscover.one.test'], from: '20240101000000Z', to: '20240201000000Z' })
    const old = await tls({ cert: pem, key: readFileSync(join(folder, 'Old', 'key-1.pem'), 'utf8') })
    expect(marked(await told(zone, 'one.test', { at: old })).join()).toMatch(/has expired on 2024-02-01: renew it/)
  })

  it('that does not listen, or speaks no TLS, is told of', async () => {
    const dead = await tls(pair)
    servers.pop()!.close()
    expect(marked(await told(zone, 'one.test', { at: dead })).join()).toMatch(/does not speak TLS \(ECONNREFUSED\): clients need HTTPS there/)
  })
})

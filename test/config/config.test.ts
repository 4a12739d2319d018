import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { loadConfig, parseConfig } from '../../src/config.ts'
import { certificate } from '../http/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseConfig(text, { name: 'p.yaml', folder, environment })
const secret = 'a secret of more than 32 characters'
const good = `secret: ${secret}
backends:
  - imap: { host: imap.example }
    smtp: { host: smtp.example }
`

function faults(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parse(text, environment)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'malformed') return error.message.split('\n')
    throw error
  }
  return []
}

const another = (domains: string) => `  - domains: ${domains}\n    imap: { host: x }\n    smtp: { host: x }\n`

describe('a configuration', () => {
  it('needs a secret and the hosts of a backend', () => {
    expect(parse(good)).toEqual({
      listen: { port: 8080, trustedProxies: [], proxyProtocol: false }, log: { level: 'info' }, cache: { megabytes: 64 }, upstream: undefined,
      drain: { pauseSeconds: 0, seconds: 8 }, internal: undefined, admin: undefined, devices: undefined,
      limits: {
        user: { requests: 64, waits: 100, megabytes: 128 }, process: { requests: 2000, waits: 50_000, megabytes: 512 },
        overload: { delayMilliseconds: 400 },
      },
      backends: { backends: [{
        domains: '*', login: '{local}@{domain}', notes: 'auto', imap: { host: 'imap.example', port: 993, security: 'tls' },
        smtp: { host: 'smtp.example', port: 465, security: 'tls', auth: true },
      }] },
      eas: {
        ceiling: '16.1', ceilings: [], merge: [], redirects: [], passwords: undefined, heartbeat: { min: 60, max: 3540 }, pingFolders: 300, recipientCache: true,
        maxRequest: 157286400, maxHeld: 41943040, policy: undefined, policies: [], access: [],
        secret: Buffer.from(secret),
      },
      autodiscover: { url: undefined, name: undefined, autoconfig: true, mobileconfig: true, signer: undefined },
      page: { path: '/', wipe: true },
    })
  })

  it.each([
    ['tls', 993, 465],
    ['starttls', 143, 587],
    ['none', 143, 25],
  ])('knows the ports of %s', (security, imap, smtp) => {
    const { backends: { backends: [backend] } } = parse(good.replaceAll('.example }', `.example, security: ${security} }`))
    expect([backend!.imap.port, backend!.smtp.port]).toEqual([imap, smtp])
  })

  it('takes one attribute of a directory for a list of one', () => {
    const { backends } = parse(`${good}    directory: { url: 'ldap://x', base: '', attributes: { phone: ipPhone, title: [a, b] } }`)
    expect(backends.backends[0]!.directory!.attributes).toEqual({ phone: ['ipPhone'], title: ['a', 'b'] })
  })

  it('takes the password of a shared cache from where it may lie', () => {
    const { cache } = parse(`${good}cache: { shared: { url: 'rediss://cache.example:6380/2', password: '\${env:CACHE_PASSWORD}', prefix: 'mail:' } }`, { CACHE_PASSWORD: 'p' })
    expect(cache).toEqual({ megabytes: 64, shared: { url: 'rediss://cache.example:6380/2', password: 'p', prefix: 'mail:' } })
  })

  it('takes a setting without a value for one that is not there', () => {
    expect(parse(`${good}upstream:\nlog:\n  level:\n`)).toEqual(parse(good))
  })

  it('compares domains in lower case', () => {
    const { backends } = parse(good.replace('- imap', '- domains: [Example.ORG]\n    imap'))
    expect(backends.backends[0]!.domains).toEqual(['example.org'])
  })
})

describe('the example', () => {
  const example = readFileSync('examples/postern.yaml', 'utf8')
  const environment = { POSTERN_SECRET: secret }

  it('is a configuration', () => {
    expect(loadConfig('examples/postern.yaml', environment).backends.backends).toHaveLength(1)
  })

  it('shows each default as it is', () => {
    const { eas, ...rest } = parse(example, environment)
    const shown = example
      .replace(/^( *)# (?=(login|security|port|rejectUnauthorized|auth|keepsSent):( |$))/gm, '$1')
      .replace(/^# (?=(drain|internal|sessions|breaker|limits|auth|eas|autodiscover|cache|log):$)/gm, '')
      .replace(/^# {3}(?=\w+: )/gm, '  ')
    const { eas: shownEas, ...shownRest } = parse(shown, environment)
    expect(shownEas).toEqual(eas)
    expect(shownRest.listen).toEqual(rest.listen)
    expect(shownRest.autodiscover).toEqual({ ...rest.autodiscover, url: 'https://mail.example.org', name: 'Example Mail' })
    expect(shownRest.drain).toEqual(rest.drain)
    expect(shownRest.internal).toEqual({ host: '127.0.0.1', port: 9080, waitForMail: false })
    expect(shownRest.backends).toMatchObject(rest.backends)
    expect(shownRest.backends.sessions).toEqual({
      idleSeconds: 60, max: 1000, timeoutSeconds: 60, perUser: 20, connections: 20_000, logins: 20, watchLogins: 50,
    })
    expect(shownRest.backends.breaker).toEqual({ failures: 5, windowSeconds: 30, pauseSeconds: 1, mostSeconds: 10 })
    expect(shownRest.limits).toEqual(rest.limits)
    expect(shownRest.backends.auth).toEqual({ rememberSeconds: 300, refuseSeconds: 30, tries: 10 })
  })
})

const short = 'It signs what phones keep for us and is the same in every process, always; make one with: openssl rand -base64 32'

describe('a fault is named with its line, its setting and a hint', () => {
  it.each([
    ['no secret', good.replace(/^secret.*\n/, ''), `p.yaml:1: secret is missing. ${short}`],
    ['a short secret', good.replace(secret, 'x'), `p.yaml:1: secret must have at least 32 characters. ${short}`],
    ['no backends', `secret: ${secret}`, 'p.yaml:1: backends is missing. It lists the mail servers; see examples/postern.yaml'],
    ['an empty list', `secret: ${secret}\nbackends: []`, 'p.yaml:2: backends must not be empty'],
    ['a misspelt setting', `${good}listen:\n  prot: 80\n`, 'p.yaml:6: listen.prot is not a setting; did you mean "port"?'],
    ['a setting in another spelling', `${good}eas:\n  ping_folders: 80\n`,
      'p.yaml:6: eas.ping_folders is not a setting; did you mean "pingFolders"?'],
    ['an unknown setting', `${good}colour: red\n`, 'p.yaml:5: colour is not a setting'],
    ['deep in a list', good.replace('{ host: imap.example }', '{ host: imap.example,\n      hots: 1 }'),
      'p.yaml:4: backends.0.imap.hots is not a setting; did you mean "host"?'],
    ['what is missing deep in a list', good.replace('{ host: smtp.example }', '\n      port: 25'),
      'p.yaml:4: backends.0.smtp.host is missing. It must be text'],
    ['text for a number', `${good}listen: { port: many }`, 'p.yaml:5: listen.port must be a number, but is text'],
    ['half a port', `${good}listen: { port: 80.5 }`, 'p.yaml:5: listen.port must be a whole number, but is a number'],
    ['a port too many', `${good}listen: { port: 70000 }`, 'p.yaml:5: listen.port must be at most 65535, but is 70000'],
    ['a number for text', `${good}    master: { user: m, password: 12345 }`,
      'p.yaml:5: backends.0.master.password must be text, but is a number; put it in quotes'],
    ['a group for text', `${good}upstream: { url: x }`, 'p.yaml:5: upstream must be text, but is a group of settings'],
    ['a word that is none of them', `${good}log: { level: warning }`,
      'p.yaml:5: log.level must be one of debug, info, warn, error, silent, but is "warning"'],
    ['a word that is nearly one', good.replace('imap.example', 'imap.example, security: startls'),
      'p.yaml:3: backends.0.imap.security must be one of tls, starttls, none, but is "startls"; did you mean "starttls"?'],
    ['a version without quotes', `${good}eas: { ceiling: 16.1 }`,
      'p.yaml:5: eas.ceiling must be one of 2.5, 12.0, 12.1, 14.0, 14.1, 16.0, 16.1, but is 16.1; put it in quotes'],
    ['a rule for nobody', `${good}eas:\n  redirects:\n    - url: https://x.example`, 'p.yaml:7: eas.redirects.0 must name a user or a domain'],
    ['a ceiling that is no version', `${good}eas: { ceilings: [{ agent: 'x*', version: '3' }] }`,
      'p.yaml:5: eas.ceilings.0.version must be one of 2.5, 12.0, 12.1, 14.0, 14.1, 16.0, 16.1, but is "3"'],
    ['no day', `${good}eas: { passwords: { url: 'https://x', expire: { a@b: soon } } }`, 'p.yaml:5: eas.passwords.expire.a@b must be a day like 2026-12-01'],
    ['no URL', `${good}upstream: webmail:80`, 'p.yaml:5: upstream must be a URL like http://127.0.0.1:8443'],
    ['no PEM', `${good}listen:\n  tls:\n    cert: /etc/cert.pem\n    key: '-----BEGIN PRIVATE KEY-----'`,
      'p.yaml:7: listen.tls.cert must be PEM text; write ${file:PATH} to read it from a file'],
    ['no range', `${good}listen: { trustedProxies: [10.0.0.0/8,\n 10.0.0/8] }`,
      'p.yaml:6: listen.trustedProxies.1 must be an address or a range like 10.0.0.0/8'],
    ['a login without the user', good.replace('- imap', "- login: postern\n    imap"),
      'p.yaml:3: backends.0.login must be address, local, or contain {local}, as in {local}@{domain}'],
    ['a DAV server that is no URL', `${good}    dav: { url: dav.example }`,
      'p.yaml:5: backends.0.dav.url must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands'],
    ['a user that a DAV address does not know', `${good}    dav: { url: 'https://dav.example/{user}/' }`,
      'p.yaml:5: backends.0.dav.url must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands'],
    ['one login for all at the DAV server', `${good}    dav: { url: 'https://dav.example/', login: admin }`,
      'p.yaml:5: backends.0.dav.login must contain {login} or {local}, as in {local}@example.org'],
    ['a misspelt setting of DAV', `${good}    dav: { url: 'https://dav.example/', calendar: 'https://dav.example/' }`,
      'p.yaml:5: backends.0.dav.calendar is not a setting; did you mean "calendars"?'],
    ['no patience at all', `${good}    dav: { url: 'https://dav.example/', pollSeconds: 0 }`, 'p.yaml:5: backends.0.dav.pollSeconds must be at least 1, but is 0'],
    ['a directory of the web', `${good}    directory: { url: 'https://x', base: '' }`, 'p.yaml:5: backends.0.directory.url must be a URL like ldaps://ldap.example.org'],
    ['a directory with two ways in', `${good}    directory: { url: 'ldap://x', base: '', bind: { dn: a, password: b }, bindAs: 'uid={local}' }`,
      'p.yaml:5: backends.0.directory must not have both bind and bindAs'],
    ['a directory with one user for all', `${good}    directory: { url: 'ldap://x', base: '', bindAs: 'uid=x' }`,
      'p.yaml:5: backends.0.directory.bindAs must contain {login} or {local}'],
    ['TLS within TLS', `${good}    directory: { url: 'ldaps://x', base: '', starttls: true }`, 'p.yaml:5: backends.0.directory must not have starttls with ldaps://'],
    ['a DAV server that depends on the user', `${good}    dav: { url: 'https://{local}.example.org/' }`,
      'p.yaml:5: backends.0.dav.url must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands'],
    ['a DAV server with a password', `${good}    dav: { url: 'https://a:b@dav.example.org/' }`,
      'p.yaml:5: backends.0.dav.url must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands'],
    ['homes at another host', `${good}    dav: { url: 'https://dav.example.org/', contacts: 'https://cards.example.org/{login}/' }`,
      'p.yaml:5: backends.0.dav must have calendars, contacts and freeBusy at the host and port of url: passwords go nowhere else'],
    ['free and busy at another host', `${good}    dav: { url: 'https://dav.example.org/', freeBusy: 'https://cal.example.org/{login}/' }`,
      'p.yaml:5: backends.0.dav must have calendars, contacts and freeBusy at the host and port of url: passwords go nowhere else'],
    ['free and busy of nobody', `${good}    dav: { url: 'https://dav.example.org/', freeBusy: 'https://dav.example.org/calendar/' }`,
      'p.yaml:5: backends.0.dav.freeBusy must contain {login} or {local}: whose calendar it is'],
    ['an address book in LDAP', `${good}    addressBook: { url: 'ldap://x' }`,
      'p.yaml:5: backends.0.addressBook.url must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands'],
    ['an address book without an address', `${good}    addressBook: { account: { user: a, password: b } }`, 'p.yaml:5: backends.0.addressBook.url is missing. It must be text'],
    ['an address book with half an account', `${good}    addressBook: { url: 'https://x.example/', account: { user: a } }`, 'p.yaml:5: backends.0.addressBook.account.password is missing. It must be text'],
    ['an address book with two ways in', `${good}    addressBook: { url: 'https://x.example/', account: { user: a, password: b }, login: '{local}' }`,
      'p.yaml:5: backends.0.addressBook must not have both account and login'],
    ['one address book for all at the address of one', `${good}    addressBook: { url: 'https://x.example/{login}/', account: { user: a, password: b } }`,
      'p.yaml:5: backends.0.addressBook must have a url without {login}, {local} or {domain} where an account reads for all'],
    ['a misspelt setting of an address book', `${good}    addressBook: { url: 'https://x.example/', acount: a }`, 'p.yaml:5: backends.0.addressBook.acount is not a setting; did you mean "account"?'],
    ['a shared cache that is no Redis', `${good}cache: { shared: { url: 'https://cache.example' } }`, 'p.yaml:5: cache.shared.url must be a URL like rediss://cache.example.org:6379/0'],
    ['a shared cache with a password in its address', `${good}cache: { shared: { url: 'redis://:p@cache.example' } }`,
      'p.yaml:5: cache.shared.url must be a host, its port and the number of a database at most: username and password are settings of their own'],
    ['a filter without parentheses', `${good}    directory: { url: 'ldap://x', base: '', filter: mail=* }`,
      'p.yaml:5: backends.0.directory.filter must be a filter like (objectClass=person)'],
    ['a match without the word', `${good}    directory: { url: 'ldap://x', base: '', match: (cn=*) }`, 'p.yaml:5: backends.0.directory.match must contain {word}'],
    ['an attribute of nothing', `${good}    directory: { url: 'ldap://x', base: '', attributes: { phones: x } }`,
      'p.yaml:5: backends.0.directory.attributes.phones is not a setting; did you mean "phone"?'],
    ['a heartbeat upside down', `${good}eas: { heartbeat: { min: 900, max: 600 } }`,
      'p.yaml:5: eas.heartbeat must not have a min above its max'],
    ['a domain claimed twice', good + ['[a.example, b.example]', '[b.example]'].map(another).join(''),
      'p.yaml:2: backends must not name the domain b.example in two backends'],
    ['a policy value that is no answer', `${good}eas:\n  policy:\n    AllowCamera: 7`, 'p.yaml:7: eas.policy.AllowCamera must be true or false'],
    ['a policy value beyond its range', `${good}eas:\n  policy:\n    MinDevicePasswordLength: 17`,
      'p.yaml:7: eas.policy.MinDevicePasswordLength must be a number from 1 to 16'],
    ['a policy nobody knows', `${good}eas:\n  policy:\n    MinDevicePasswordLenght: 4`,
      'p.yaml:7: eas.policy.MinDevicePasswordLenght is not a setting; did you mean "MinDevicePasswordLength"?'],
    ['a program by a name in place of its hash', `${good}eas:\n  policy:\n    ApprovedApplicationList: [calc.exe]`, 'p.yaml:7: eas.policy.ApprovedApplicationList.0 must be SHA-1 in hexadecimal or Base64'],
    ['an admin without devices', `${good}admin: { port: 1, token: ${'t'.repeat(24)} }`, 'p.yaml:5: admin wants devices: where they are remembered'],
    ['an administrator with a password in the clear', `${good}devices: { folder: /d }\nadmin: { port: 1, token: ${'t'.repeat(24)}, people: { ann: secret } }`, 'p.yaml:6: admin.people.ann must be the hash of a password: postern hash makes it'],
    ['an administrator without a name', `${good}devices: { folder: /d }\nadmin: { port: 1, token: ${'t'.repeat(24)}, people: { ' ': '$scrypt$ln=15,r=8,p=3$${'A'.repeat(22)}$${'A'.repeat(43)}' } }`, 'p.yaml:6: admin.people must have names of up to 100 characters'],
    ['an admin with a short token', `${good}devices: { folder: /d }\nadmin: { port: 1, token: short }`, 'p.yaml:6: admin.token must have at least 24 characters'],
    ['devices in two places', `${good}cache: { shared: { url: 'redis://x' } }\ndevices: { folder: /d, shared: true }`, 'p.yaml:6: devices must have either folder or shared: true'],
    ['devices in a cache that is not there', `${good}devices: { shared: true }`, 'p.yaml:5: devices.shared wants cache.shared'],
    ['a quarantine that nobody remembers', `${good}eas: { access: [{ access: quarantine }] }`,
      'p.yaml:5: eas.access wants devices for a quarantine: where those that wait are remembered'],
    ['a group that no directory has', `${good}eas:\n  access:\n    - { access: block }\n    - { group: staff, access: allow }`,
      'p.yaml:8: eas.access.1.group wants a directory in one of the backends: where groups are'],
    ['a group that is no DN', `${good}    directory: { url: 'ldap://x', base: '' }\neas: { policies: [{ group: 'cn=a,', policy: none }] }`,
      'p.yaml:6: eas.policies.0.group must be the name of a group, or a DN like cn=staff,ou=groups,dc=example,dc=org'],
    ['a group of users who are elsewhere', `${good}eas: { redirects: [{ user: a, group: staff, url: 'https://x.example' }] }`, 'p.yaml:5: eas.redirects.0.group is not a setting'],
    ['an admin at two places', `${good}devices: { folder: /d }\nadmin: { port: 1, socket: /s, token: ${'t'.repeat(24)} }`, 'p.yaml:6: admin must have either port or socket'],
    ['an admin at no place', `${good}devices: { folder: /d }\nadmin: { token: ${'t'.repeat(24)} }`, 'p.yaml:6: admin must have either port or socket'],
    ['an admin at the host of a socket', `${good}devices: { folder: /d }\nadmin: { host: h, socket: /s, token: ${'t'.repeat(24)} }`, 'p.yaml:6: admin must not have both host and socket'],
    ['devices in no place', `${good}devices: { most: 1000 }`, 'p.yaml:5: devices must have either folder or shared: true'],
    ['too few devices', `${good}devices: { folder: /d, most: 10 }`, 'p.yaml:5: devices.most must be at least 100, but is 10'],
    ['an order nobody can give', `${good}eas: { access: [{ access: deny }] }`, 'p.yaml:5: eas.access.0.access must be one of allow, block, quarantine, but is "deny"'],
    ['a setting twice', `${good}secret: b`, 'p.yaml:5: Map keys must be unique'],
    ['no YAML', `${good}  - [`, 'p.yaml:5: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['a list', '- a', 'p.yaml:1: is no configuration'],
    ['a variable that is not set', good.replace(secret, '${env:NOTHING}'),
      'p.yaml:1: secret wants the environment variable NOTHING, which is not set'],
    ['a file that is not there', good.replace(secret, '${file:nothing}'),
      'p.yaml:1: secret wants the file nothing, which cannot be read (ENOENT)'],
  ])('%s', (_, text, fault) => {
    expect(faults(text)).toEqual([fault])
  })

  it('and so are all others of the file', () => {
    expect(faults(`${good.replace(secret, 'x')}log: 5\nlisten: { port: x }`)).toHaveLength(3)
  })

  it('but no secret is shown', () => {
    const text = good.replace(secret, '5555').replace('{ host: smtp', "{ rejectUnauthorized: 'hush', host: smtp")
      + '    master: { user: m, password: [hush] }'
    expect(faults(text)).toHaveLength(3)
    expect(faults(text).join()).not.toMatch(/5555|hush/)
  })

  it('and a file that is not there is a sentence', () => {
    expect(() => loadConfig('/nowhere/p.yaml', {})).toThrow('/nowhere/p.yaml cannot be read (ENOENT)')
  })
})

it('groups are taken as they are written', () => {
  const { eas } = parse(`${good}    directory: { url: 'ldap://x', base: '' }\neas: { access: [{ group: 'CN=Staff,DC=x', access: allow }], ceilings: [{ group: Staff, version: '14.1' }] }`)
  expect([eas.access, eas.ceilings]).toEqual([[{ group: 'CN=Staff,DC=x', access: 'allow' }], [{ group: 'Staff', version: '14.1' }]])
})

describe('the environment', () => {
  it.each<[Record<string, string>, (config: ReturnType<typeof parse>) => unknown, unknown]>([
    [{ POSTERN_LISTEN__PORT: '8443' }, ({ listen }) => listen.port, 8443],
    [{ POSTERN_LISTEN__TRUSTED_PROXIES: '[10.0.0.0/8]' }, ({ listen }) => listen.trustedProxies, ['10.0.0.0/8']],
    [{ POSTERN_LISTEN__TRUSTEDPROXIES__0: '10.0.0.1' }, ({ listen }) => listen.trustedProxies, ['10.0.0.1']],
    [{ POSTERN_SECRET: '1'.repeat(32) }, ({ eas }) => String(eas.secret), '1'.repeat(32)],
    [{ POSTERN_UPSTREAM: '${env:WEBMAIL}', WEBMAIL: 'http://webmail' }, ({ upstream }) => upstream, 'http://webmail'],
    [{ POSTERN_BACKENDS__0__IMAP__HOST: 'other.example' }, ({ backends }) => backends.backends[0]!.imap.host, 'other.example'],
    [{ POSTERN_BACKENDS__0__SMTP__KEEPS_SENT: 'true' }, ({ backends }) => backends.backends[0]!.smtp.keepsSent, true],
    [{ POSTERN_BACKENDS__1: '{ domains: [a.example], imap: { host: x }, smtp: { host: x } }' },
      ({ backends }) => backends.backends.length, 2],
    [{ POSTERN_EAS__POLICY__MINDEVICEPASSWORDLENGTH: '6' }, ({ eas }) => eas.policy, { MinDevicePasswordLength: 6 }],
    [{ POSTERN_EAS__CEILING: '14.1' }, ({ eas }) => eas.ceiling, '14.1'],
    [{ POSTERN_PORT: 'tcp://10.96.0.7:80', POSTERN_SERVICE_HOST: '10.96.0.7', POSTERN_PASSWORD: 'x' },
      ({ listen }) => listen.port, 8080],
  ])('%j', (environment, of, value) => {
    expect(of(parse(good, environment))).toEqual(value)
  })

  it('does not make numbers of what must be text', () => {
    const config = parse(`${good}    master: { user: m, password: x }`, { POSTERN_BACKENDS__0__MASTER__PASSWORD: '0123' })
    expect(config.backends.backends[0]!.master!.password).toBe('0123')
  })

  it.each([
    [{ POSTERN_LISTEN__PROT: '1' }, 'POSTERN_LISTEN__PROT: names no setting; did you mean "port"?'],
    [{ POSTERN_UPSTRAEM: 'http://x' }, 'POSTERN_UPSTRAEM: names no setting; did you mean "upstream"?'],
    [{ POSTERN_NO__SUCH: '1' }, 'POSTERN_NO__SUCH: names no setting'],
    [{ POSTERN_LISTEN__PORT: 'many' }, 'POSTERN_LISTEN__PORT: listen.port must be a number, but is text'],
    [{ POSTERN_LOG__LEVEL: '${env:NOTHING}' },
      'POSTERN_LOG__LEVEL: log.level wants the environment variable NOTHING, which is not set'],
  ])('%j is a fault', (environment, fault) => {
    expect(faults(good, environment)).toEqual([fault])
  })
})

it('Sieve is at port 4190, over STARTTLS, with a script called postern', () => {
  const { backends: { backends: [backend] } } = parse(`${good}    sieve: { host: sieve.example }\n`)
  expect(backend!.sieve).toEqual({ host: 'sieve.example', port: 4190, security: 'starttls', script: 'postern' })
})

describe('a value from elsewhere', () => {
  it('is the content of a file beside the configuration, without its last line end', () => {
    writeFileSync(join(folder, 'secret'), `${secret}\n`)
    expect(String(parse(good.replace(secret, '${file:secret}')).eas.secret)).toBe(secret)
  })

  it('is read as its setting wants it', () => {
    expect(parse(`${good}listen: { port: "\${env:PORT}" }`, { PORT: '81' }).listen.port).toBe(81)
  })
})

it('with an alias of nothing is refused', () => {
  expect(() => parse(`${good}\n* !`)).toThrow(expect.objectContaining({ kind: 'malformed' }))
  expect(() => parse('*!')).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

describe('the page of users', () => {
  const upstream = `${good}upstream: http://127.0.0.1:8081\n`

  it.each([
    ['at the top', good, '', { path: '/', wipe: true }],
    ['nowhere where there is an upstream', upstream, '', undefined],
    ['at a path besides an upstream', upstream, 'page: { path: /Devices/ }', { path: '/devices/', wipe: true }],
    ['nowhere where it is switched off', good, 'page: { enabled: false }', undefined],
    ['without erasing', good, 'page: { wipe: false }', { path: '/', wipe: false }],
  ])('is %s', (_, file, more, page) => {
    expect(parse(`${file}${more}`).page).toEqual(page)
  })

  it.each([
    ['{ enabled: true }', 'page.path must be named where there is an upstream, as /devices/: / is its own'],
    ['{ path: devices }', 'page.path must be a path like /devices/, and not one below /.postern/'],
    ['{ path: /.postern/health }', 'page.path must be a path like /devices/, and not one below /.postern/'],
    ['{ path: /a/../b }', 'page.path must be a path like /devices/, and not one below /.postern/'],
  ])('is not %s', (page, fault) => {
    expect(faults(`${upstream}page: ${page}`).join()).toContain(fault)
  })
})

it('is a configuration or a failure, whatever is written', () => {
  const lines = good.split('\n')
  fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom(...lines), fc.string()), { maxLength: 6 }), pieces => {
    faults(pieces.join('\n'))
  }))
})

describe('Autodiscover', () => {
  it('may be switched off, and is told where Postern is', () => {
    expect(parse(`${good}autodiscover: { enabled: false }`).autodiscover).toBe(undefined)
    expect(parse(good, { POSTERN_AUTODISCOVER__URL: 'https://mail.{domain}' }).autodiscover?.url).toBe('https://mail.{domain}')
  })

  it('knows the ports of public servers', () => {
    const { backends: { backends: [backend] } } = parse(`${good}    public: { imap: { host: i }, smtp: { host: s, security: starttls }, dav: 'https://d/{login}/' }`)
    expect(backend!.public).toEqual({ imap: { host: 'i', port: 993, security: 'tls' }, smtp: { host: 's', port: 587, security: 'starttls' }, dav: 'https://d/{login}/' })
  })

  it.each([
    ['http://mail.example.org', 'autodiscover.url'], ['https://mail.example.org/path', 'autodiscover.url'], ['https://ann@mail.example.org', 'autodiscover.url'],
    ['mail.example.org', 'autodiscover.url'], ['https://mail.{local}', 'autodiscover.url'],
  ])('is nowhere at %s', (url, path) => {
    expect(faults(`${good}autodiscover: { url: '${url}' }`)).toEqual([`p.yaml:5: ${path} must be a URL like https://mail.example.org or https://mail.{domain}`])
  })

  it('signs with a pair that can sign', () => {
    const key = (options: string[]) => ({ ...certificate('x'), key: execFileSync('openssl', ['genpkey', ...options], { encoding: 'utf8' }) })
    const faultOf = (pair: { cert: string; key: string }) => faults(good, { POSTERN_AUTODISCOVER__SIGNER__CERT: pair.cert, POSTERN_AUTODISCOVER__SIGNER__KEY: pair.key })
    expect(faultOf(certificate('x'))).toEqual([])
    expect(faultOf(key(['-algorithm', 'ed25519'])).join()).toMatch(/autodiscover\.signer must (be a certificate and its own key|have a key of RSA)/)
    expect(faults(`${good}eas: { redirects: [{ domain: x.org, url: 'https://y.org/', address: nobody }] }`).join()).toContain('must be an address')
  })
})

// What the configuration says about single users, domains and clients: ceilings, redirects, passwords that expire; and throttling.
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { knownClient } from '../../src/eas/quirks.ts'
import { ceilingOf, daysLeft, mergedOf, redirectOf, type Ceiling, type Merging, type Who } from '../../src/eas/rules.ts'
import type { EasSettings } from '../../src/eas/settings.ts'
import { decode, el, text } from '../../src/wire/wbxml.ts'
import type { HttpAnswer, Phone } from '../support/eas-client.ts'
import { easServer, easSettings, type EasServer } from '../support/eas-server.ts'

const who = (...names: string[]): Who => ({ names: names.map(name => name.toLowerCase()), groups: undefined })
const folderSync = (key: string) => el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', key)])

async function withServer(settings: Partial<EasSettings>, work: (server: EasServer) => Promise<void>): Promise<void> {
  const server = await easServer(settings)
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

describe('collections that are merged', () => {
  const all = ['calendar', 'contacts', 'tasks', 'notes'], most = ['contacts', 'tasks', 'notes'], books = ['contacts']
  it.each<[string | undefined, string, readonly string[]]>([
    ['SAMSUNG-SM-S911B/101.140000', 'SAMSUNGSMS911B', all], ['Android/4.3-EAS-1.3', 'Android', all], ['Android/0.3', 'Android', all], [undefined, 'HTCOnemini2', all],
    ['Android/4.4.2-EAS-1.3', 'Android', most], ['Android/10-EAS-2.0', 'Android', most], ['Android-Mail/2026.10.26.Release', 'Android', []],
    ['Nine-WWYxMjM0NTY3', 'Android', []], ['TouchDown(MSRPC)/8.4.00084', 'Android', []], ['Apple-iPhone15C2/2201.92', 'iPhone', []],
    ['Outlook/16.0 (16.0.17928.20148; x64)', 'WindowsOutlook15', books], ['Outlook-iOS-Android/1.0', 'Outlook', []], ['MSFT-WIN-4/10.0.19041', 'WindowsMail', books],
    ['MSFT-WP/8.10.14219', 'WP8', books], ['MSFT-WP/8.0.10211', 'WP8', ['calendar', 'contacts']], ['MSFT-PPC/5.1.2301', 'PocketPC', all], ['curl/8', 'TestPhone', []],
  ])('for %s of type %s are %j', async (userAgent, deviceType, contents) => {
    expect(await mergedOf({ merge: [] }, { userAgent, deviceType, client: knownClient(userAgent, deviceType) }, who('ann@example.org'))).toEqual(contents)
  })

  const merge: Merging[] = [
    { user: 'ann@example.org', agent: 'Samsung*', folders: [] }, { domain: 'example.net', folders: ['tasks'] }, { agent: '*iPhone*', folders: ['calendar'] },
  ]
  it.each([
    ['SAMSUNG-SM-S911B/101', 'Ann@Example.org', []], ['SAMSUNG-SM-S911B/101', 'bob@example.org', all], ['SAMSUNG-SM-S911B/101', 'bob@example.net', ['tasks']],
    ['Apple-iPhone15C2/2201.92', 'ann@example.org', ['calendar']], ['curl/8', 'ann@example.org', []],
  ])('for %s of %s are %j by the first rule that fits, else by what is known', async (userAgent, user, contents) => {
    expect(await mergedOf({ merge }, { userAgent, deviceType: '', client: knownClient(userAgent, '') }, who(user))).toEqual(contents)
  })
})

describe('a ceiling', () => {
  const ceilings: Ceiling[] = [
    { user: 'pilot@example.org', version: '16.1' },
    { agent: 'Outlook/*(x64)', domain: 'example.org', version: '14.1' },
    { agent: '*Android*4.*', version: '12.1' },
    { domain: 'example.net', version: '2.5' },
  ]
  it.each([
    ['Outlook/16.0 (x64)', ['ann@example.org'], '14.1'], ['OUTLOOK/16.0 (X64)', ['ann', 'Ann@Example.ORG'], '14.1'],
    ['Outlook/16.0 (x64)', ['pilot@example.org'], '16.1'], ['Outlook/16.0 (x64)', ['ann@example.com'], '16.0'],
    ['Outlook/16.0 (x86)', ['ann@example.org'], '16.0'], ['Outlook/(x64)', ['ann@example.org'], '14.1'],
    ['Outlook(x64)', ['ann@example.org'], '16.0'], ['An Android-Mail 4.4', ['x'], '12.1'], ['Android', ['x'], '16.0'],
    [undefined, ['bob@example.net'], '2.5'], [undefined, ['bob@sub.example.net'], '16.0'], ['*', ['x'], '16.0'],
  ])('for %s of %j is %s', async (agent, names, version) => {
    expect(await ceilingOf({ ...easSettings, ceiling: '16.0', ceilings }, agent, who(...names))).toBe(version)
  })

  it('is no work for the longest agents', async () => {
    const rules = [{ agent: `${'*a'.repeat(50)}*b`, version: '2.5' as const }]
    expect(await ceilingOf({ ...easSettings, ceilings: rules }, 'a'.repeat(30_000), who())).toBe('16.1')
  })

  it('is what OPTIONS offers and what requests may be of', () => withServer({ ceilings: [{ agent: 'Old*', version: '12.1' }] }, async server => {
    const old = server.phone({ userAgent: 'OldPhone/2', version: '12.1' })
    const { versions, commands } = await old.optionsRequest()
    expect([versions, commands.includes('ItemOperations')]).toEqual([['2.5', '12.0', '12.1'], true])
    expect((await old.folderSync('0')).status).toBe('1')
    expect((await server.phone({ userAgent: 'NewPhone/2' }).folderSync('0')).status).toBe('1')
    const above = await server.phone({ userAgent: 'OldPhone/2', version: '16.1' }).raw('FolderSync', folderSync('0'))
    expect([text(decode(above.bytes), 'FolderHierarchy:Status'), above.headers['x-ms-rp']]).toEqual(['138', '2.5,12.0,12.1'])
  }))

  it('of 2.5 offers the commands of 2.5, and answers newer requests by HTTP 400', () => withServer({ ceiling: '2.5' }, async server => {
    const { versions, commands } = await server.phone().optionsRequest()
    expect(versions).toEqual(['2.5'])
    expect(commands).not.toContain('ItemOperations')
    expect(commands).not.toContain('Settings')
    expect(commands).toEqual(expect.arrayContaining(['Sync', 'GetHierarchy', 'GetAttachment', 'Provision', 'Ping']))
    expect((await server.phone({ version: '12.1' }).raw('FolderSync', folderSync('0'))).status).toBe(400)
  }))
})

describe('X-MS-RP', () => {
  const announced = ({ headers }: HttpAnswer): unknown =>
    [headers['x-ms-rp'], headers['ms-asprotocolversions'], String(headers['ms-asprotocolcommands']).includes('FolderSync')]
  const said = ['2.5,12.0,12.1,14.0,14.1', '2.5,12.0,12.1,14.0,14.1', true], nothing = [undefined, undefined, false]

  it('comes with the versions and commands when the hierarchy is asked for anew, and not else', () => withServer({ ceiling: '14.1' }, async server => {
    const phone = server.phone({ version: '14.1' })
    expect(announced(await phone.raw('FolderSync', folderSync('0')))).toEqual(said)
    await phone.folderSync('0')
    expect(announced(await phone.raw('FolderSync', folderSync(phone.folderKey)))).toEqual(nothing)
    expect(announced(await phone.raw('Ping', el('Ping:Ping')))).toEqual(nothing)
  }))

  it('comes once to a device that is offered other versions than before', () => withServer({ ceilings: [{ agent: 'After*', version: '14.1' }] }, async server => {
    const before = server.phone({ version: '14.1', userAgent: 'Before' }), after = server.phone({ version: '14.1', userAgent: 'After' })
    const ask = (phone: Phone): Promise<HttpAnswer> => phone.raw('Ping', el('Ping:Ping'))
    expect(announced(await ask(before))).toEqual(nothing)
    expect(announced(await ask(after))).toEqual(said)
    expect(announced(await ask(after))).toEqual(nothing)
  }))
})

describe('a user whose mail is elsewhere', () => {
  const redirects = [
    { user: 'bob@example.org', url: 'https://a.example/Microsoft-Server-ActiveSync' },
    { domain: 'example.net', url: 'https://b.example/Microsoft-Server-ActiveSync' },
  ]
  it.each([
    ['bob@example.org', 'https://a.example/Microsoft-Server-ActiveSync'], ['BOB@Example.org', 'https://a.example/Microsoft-Server-ActiveSync'],
    ['ann@example.net', 'https://b.example/Microsoft-Server-ActiveSync'], ['ann@example.org', undefined], ['example.net', undefined],
  ])('is known: %s', (name, url) => {
    expect(redirectOf({ ...easSettings, redirects }, name)).toBe(url)
  })

  it('is sent there by 451, whatever is asked; the others stay', () => withServer({ redirects }, async server => {
    const gone = server.phone({ user: 'ann@example.net' })
    const answers = [await gone.raw('', undefined, { method: 'OPTIONS', path: '/Microsoft-Server-ActiveSync' }), await gone.raw('FolderSync', folderSync('0'))]
    expect(answers.map(({ status, headers }) => [status, headers['x-ms-location']])).toEqual([
      [451, 'https://b.example/Microsoft-Server-ActiveSync'], [451, 'https://b.example/Microsoft-Server-ActiveSync'],
    ])
    expect((await server.phone().folderSync('0')).status).toBe('1')
  }))
})

describe('a client that comes too often', () => {
  it('hears when it may come again, and why', () => withServer({}, async server => {
    server.account.outage = new Failure('busy', 'too many', { retryAfter: 12 })
    const { status, headers } = await server.phone().raw('FolderSync', folderSync('0'))
    expect([status, headers['retry-after'], headers['x-ms-asthrottle']]).toEqual([503, '12', 'OutOfBudgets'])
    server.account.outage = undefined
  }))
})

describe('a password that expires', () => {
  const passwords = { url: 'https://account.example/', expire: { 'anna@postern.test': '2026-12-01' }, warnDays: 14 }

  it.each([
    ['2026-11-01T00:00:00Z', undefined], ['2026-11-17T12:00:00Z', 14], ['2026-11-30T12:00:00Z', 1], ['2026-12-01T12:00:00Z', 0],
    ['2026-12-02T00:00:00Z', -1],
  ])('at %s has %s days left', (now, days) => {
    expect(daysLeft({ ...easSettings, passwords }, ['anna', 'Anna@postern.test'], new Date(now))).toBe(days)
    expect(daysLeft({ ...easSettings, passwords }, ['bob@postern.test'], new Date(now))).toBeUndefined()
    expect(daysLeft(easSettings, ['anna@postern.test'], new Date(now))).toBeUndefined()
  })

  const soon = (days: number) => ({ ...passwords, expire: { 'anna@postern.test': new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10) } })

  it('is told of in every answer, with the page that changes it', () => withServer({ passwords: soon(3) }, async server => {
    const { headers } = await server.phone().raw('FolderSync', folderSync('0'))
    expect(headers).toMatchObject({ 'x-ms-credentials-expire': '3', 'x-ms-credential-expire': '3', 'x-ms-credential-service-url': 'https://account.example/' })
  }))

  it('and has expired is HTTP 457 where it is refused, and as good as ever where it is not', () => withServer({ passwords: soon(-3) }, async server => {
    const { status, headers } = await server.phone({ password: 'old' }).raw('FolderSync', folderSync('0'))
    expect([status, headers['x-ms-credential-service-url']]).toEqual([457, 'https://account.example/'])
    expect((await server.phone().folderSync('0')).status).toBe('1')
  }))
})

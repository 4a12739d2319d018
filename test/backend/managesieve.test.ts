// The client against a real Dovecot, and against servers that do not behave.
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/backend/connect.ts'
import type { Login } from '../../src/backend/imap-connection.ts'
import { ManageSieve } from '../../src/backend/managesieve.ts'
import { startHouse, type House } from '../support/live.ts'
import { MASTER } from '../support/users.ts'

const anna: Login = { kind: 'password', user: 'anna@postern.test', password: 'secret' }

describe('ManageSieve at Dovecot', () => {
  let house: House
  let sieve: ManageSieve | undefined
  beforeAll(async () => {
    house = await startHouse({ sieve: true, dovecot: { extra: 'plugin {\n sieve_max_script_size = 100K\n sieve_quota_max_scripts = 3\n}\n' } })
  })
  afterEach(() => sieve?.close())
  afterAll(() => house?.stop())

  const open = async (login: Login, over: Partial<Endpoint> = {}): Promise<ManageSieve> =>
    sieve = await ManageSieve.open({ host: 'localhost', port: house.sieve.port, security: 'starttls', ca: house.ca, ...over }, login)

  it('says over TLS what it is and what scripts may require', async () => {
    const { implementation, extensions } = await open(anna)
    expect(implementation).toContain('Pigeonhole')
    expect([...extensions]).toEqual(expect.arrayContaining(['vacation', 'include', 'date', 'relational', 'envelope', 'mailbox']))
  })

  it('keeps, lists, activates and brings back scripts as they are', async () => {
    const own = await open(anna)
    const large = `# ${'x'.repeat(90_000)}\r\n# Grüße 🎈\nkeep;`
    await own.put('a "b" \\ ü', 'keep;')
    await own.put('large', large)
    expect(await own.list()).toEqual(expect.arrayContaining([{ name: 'a "b" \\ ü', active: false }, { name: 'large', active: false }]))
    await own.activate('large')
    expect(await own.get('large')).toBe(large)
    expect((await own.list()).find(({ active }) => active)?.name).toBe('large')
    await own.activate(undefined)
    expect((await own.list()).some(({ active }) => active)).toBe(false)
    await own.check('require "fileinto"; fileinto "x";')
  })

  it.each<[string, string, (own: ManageSieve) => Promise<unknown>]>([
    ['not-found', 'a script that is not there', own => own.get('none')],
    ['not-found', 'activating one that is not there', own => own.activate('none')],
    ['unsupported', 'a script that is none', own => own.put('bad', 'keep "x"')],
    ['unsupported', 'checking one that is none', own => own.check('require "telepathy";')],
    ['quota', 'a script that is too large', own => own.put('huge', `# ${'x'.repeat(200_000)}\r\n`)],
    ['quota', 'too many scripts', async own => {
      for (const name of ['1', '2', '3', '4', '5']) await own.put(name, 'keep;')
    }],
  ])('fails as %s for %s, and goes on', async (kind, _, ask) => {
    const own = await open({ ...anna, user: 'bob@postern.test' })
    await expect(ask(own)).rejects.toMatchObject({ name: 'Failure', kind })
    expect(await own.list()).toBeInstanceOf(Array)
  })

  it('opens the scripts of a user for a master user, by authzid and by name', async () => {
    await (await open({ ...anna, user: 'carol@postern.test' })).put('hers', 'keep;')
    const { name: user, password } = MASTER
    for (const login of [{ user, authzid: 'carol@postern.test' }, { user: `carol@postern.test*${user}` }]) {
      expect(await (await open({ kind: 'password', password, ...login })).list()).toEqual([{ name: 'hers', active: false }])
    }
  })

  it.each<[string, string, Login, Partial<Endpoint>]>([
    ['auth', 'a wrong password', { ...anna, password: 'wrong' }, {}],
    ['unsupported', 'a token, where none are taken', { kind: 'bearer', user: 'anna@postern.test', token: 'x' }, {}],
    ['unavailable', 'a certificate nobody vouches for', anna, { ca: undefined as never }],
    ['unavailable', 'a certificate of another host', anna, { host: '127.0.0.2' }],
    ['unavailable', 'a port where nobody listens', anna, { port: 1 }],
    ['unavailable', 'TLS where there is none', anna, { security: 'tls' }],
  ])('does not open, as %s, with %s', async (kind, _, login, over) => {
    await expect(open(login, over)).rejects.toMatchObject({ name: 'Failure', kind })
  })
})

describe('a server that does not behave', () => {
  let server: Server
  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  /** Says a piece at the beginning and another one for each line that it hears; nothing more once they are used up. */
  async function talk(...says: string[]): Promise<{ endpoint: Endpoint; heard: string[] }> {
    const heard: string[] = []
    server = createServer(socket => {
      sockets.add(socket)
      const left = [...says]
      socket.on('error', () => {}).write(left.shift()!)
      socket.on('data', octets => {
        heard.push(...String(octets).split('\r\n').filter(Boolean))
        const next = left.shift()
        if (next !== undefined) socket.write(next)
      })
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    return { endpoint: { host: '127.0.0.1', port: (server.address() as { port: number }).port, security: 'none' }, heard }
  }

  const greeting = '"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN OAUTHBEARER"\r\n"STARTTLS"\r\n"SIEVE" "vacation"\r\nOK\r\n'

  it.each<[string, string, string[]]>([
    ['says nothing', 'unavailable', ['']],
    ['says nothing after the greeting', 'unavailable', [greeting]],
    ['is none of its kind', 'unavailable', ['* OK IMAP4rev1 \0\r\n']],
    ['says good-bye', 'busy', ['BYE (TRYLATER) "later"\r\n']],
    ['asks for encryption', 'denied', [greeting, 'NO (ENCRYPT-NEEDED) "no"\r\n']],
    ['never ends', 'unavailable', ['"x"\r\n'.repeat(20_000)]],
    ['sends an endless line', 'unavailable', [`"${'x'.repeat(100_000)}`]],
    ['sends an endless literal', 'unavailable', ['{9999999999}\r\n']],
    ['breaks off', 'unavailable', [greeting, 'OK\r\n', '"SIEVE" {5}\r\n']],
  ])('and %s is a failure', async (_, kind, says) => {
    const { endpoint } = await talk(...says)
    await expect(ManageSieve.open(endpoint, anna, 300)).rejects.toMatchObject({ name: 'Failure', kind })
  })

  it('is not told the password in what it slipped in before TLS', async () => {
    const { endpoint, heard } = await talk(greeting, 'OK\r\n"SIEVE" "x"\r\nOK\r\n')
    await expect(ManageSieve.open({ ...endpoint, security: 'starttls' }, anna, 300)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(heard).toEqual(['STARTTLS'])
  })

  it('and offers no STARTTLS is not told the password', async () => {
    const { endpoint, heard } = await talk('"SASL" "PLAIN"\r\nOK\r\n')
    await expect(ManageSieve.open({ ...endpoint, security: 'starttls' }, anna, 300)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(heard).toEqual([])
  })

  it('gets a token as RFC 7628 has it, and its question about a bad one is cancelled', async () => {
    const login: Login = { kind: 'bearer', user: 'a=,b', token: 't' }
    const good = await talk(greeting, 'OK\r\n', '"SIEVE" "vacation"\r\nOK\r\n')
    const sieve = await ManageSieve.open(good.endpoint, login, 300)
    expect([...sieve.extensions]).toEqual(['vacation'])
    sieve.close()
    const response = Buffer.from(/AUTHENTICATE "OAUTHBEARER" "(.*)"/.exec(good.heard[0]!)![1]!, 'base64').toString()
    expect(response).toBe('n,a=a=3D=2Cb,\x01auth=Bearer t\x01\x01')
    server.close()
    const bad = await talk(greeting, '"eyJzdGF0dXMiOiI0MDEifQ=="\r\n', 'NO "no"\r\n')
    await expect(ManageSieve.open(bad.endpoint, login, 300)).rejects.toMatchObject({ kind: 'auth' })
    expect(bad.heard[1]).toBe('"*"')
  })
})

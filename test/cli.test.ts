import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { isPassword } from '../src/pages/password-hash.ts'
import { el, encodeSync } from '../src/wire/wbxml.ts'
import { startDns } from './support/dns-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const start = (args: readonly string[], environment: Record<string, string> = {}) =>
  spawn(process.execPath, ['src/cli.ts', ...args], { env: { PATH: process.env['PATH'], ...environment }, stdio: 'pipe' })

async function run(args: readonly string[], input: string | Uint8Array = '') {
  const child = start(args)
  child.stdin.end(input)
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { out, err, status: status as number }
}

describe('postern', () => {
  it('tells its commands and its version', async () => {
    expect((await run(['--help'])).out).toMatch(/postern serve[^]*postern check[^]*postern decode/)
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await run(['--version'])).toEqual({ out: `postern ${version}\n`, err: '', status: 0 })
  })

  it.each([
    [[], 'A command is missing.', 2],
    [['srve'], 'There is no command srve.', 2],
    [['serve', 'me'], 'serve does not know what to do with me.', 2],
    [['decode', '--user', 'ann'], 'decode has no option --user.', 2],
    [['serve', '--cfg'], "Unknown option '--cfg'.", 2],
    [['serve', '--workers', '0'], '--workers wants a number, or auto.', 2],
    [['serve', '--workers', 'many'], '--workers wants a number, or auto.', 2],
    [['check', '--workers', '2'], 'check has no option --workers.', 2],
    [['check'], 'check wants --user NAME, or --dns DOMAIN.', 2],
    [['check', '--dns', 'x.org', '--resolver', 'ns.x.org'], '--resolver wants the address of a DNS server.', 2],
    [['serve', '--config', '/nowhere.yaml'], '/nowhere.yaml cannot be read (ENOENT)', 1],
    [['decode', '/nowhere'], "ENOENT: no such file or directory, open '/nowhere'", 1],
  ])('%j fails with a sentence', async (args, sentence, status) => {
    const ended = await run(args)
    expect([ended.err.split('\n')[0], ended.out, ended.status]).toEqual([`postern: ${sentence}`, '', status])
  })
})

describe('postern hash', () => {
  it('prints what the configuration takes, for the password that standard input has', async () => {
    const { out, err, status } = await run(['hash'], 'a password that is long\n')
    expect([err, status]).toEqual(['', 0])
    expect(await isPassword('a password that is long', out.trim())).toBe(true)
  })

  it('takes no short one', async () => {
    expect(await run(['hash'], 'short\n')).toEqual({ out: '', err: 'postern: a password has 8 characters at least\n', status: 1 })
  })
})

describe('postern decode', () => {
  const bytes = encodeSync(el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')]))
  const hex = Buffer.from(bytes).toString('hex')
  const file = join(folder, 'request.wbxml')
  writeFileSync(file, bytes)

  it.each([
    ['a file', [file], ''],
    ['standard input', [], bytes],
    ['hexadecimal digits', ['-'], hex],
    ['digits as a dump has them', [], `${hex.replace(/../g, '$& ').toUpperCase()}\n`],
  ])('reads %s', async (_, operands, input) => {
    const { out, status } = await run(['decode', ...operands], input)
    expect(out).toMatch(/<FolderSync xmlns="FolderHierarchy">\s*<SyncKey>0<\/SyncKey>\s*<\/FolderSync>/)
    expect(status).toBe(0)
  })

  it('says what is wrong with other octets', async () => {
    const { err, status } = await run(['decode'], 'not at all')
    expect(err).toMatch(/^postern: WBXML: /)
    expect(status).toBe(1)
  })
})

it('postern check --dns looks at a domain without a user, and ends with 1 where nothing leads here', async () => {
  const dns = await startDns({ 'x.test': { A: '127.0.0.1' } })
  const file = join(folder, 'dns.yaml')
  writeFileSync(file, `secret: a secret of more than 32 characters\nbackends: [{ imap: { host: i }, smtp: { host: s } }]\nautodiscover: { url: 'https://gone.test' }\n`)
  const { out, err, status } = await run(['check', '--config', file, '--dns', 'x.test', '--resolver', dns.address])
  dns.close()
  expect([err, status]).toEqual(['', 1])
  expect(out.split('\n').filter(line => line.startsWith('!'))).toEqual([
    expect.stringContaining('! Nothing leads clients to the server. Add a record to the zone x.test: autodiscover CNAME gone.test.'),
    '! gone.test has no address: add an A or AAAA record.',
  ])
})

describe('postern serve', () => {
  /** A server behind that answers with its name, at once or when `go` says so. */
  async function upstream(name: string) {
    const go = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const server = http.createServer((req, res) => {
      asked.resolve()
      void (req.url === '/wait' ? go.promise : Promise.resolve()).then(() => res.end(name))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, go: go.resolve, asked: asked.promise, end: () => server.close() }
  }

  const configuration = (upstream: string) => `
secret: the secret that is shared by no other test
listen: { host: 127.0.0.1, port: 0 }
upstream: ${upstream}
backends: [{ imap: { host: 127.0.0.1 }, smtp: { host: 127.0.0.1 } }]
`

  /** `serve` as a process, with the lines of its log. */
  async function serve(config: string) {
    const file = join(folder, 'postern.yaml')
    writeFileSync(file, config)
    const child = start(['serve'], { POSTERN_CONFIG: file })
    let log = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => void (log += chunk))
    const line = async (message: string) => {
      while (!log.includes(`"msg":"${message}"`)) {
        if (child.exitCode !== null) throw new Error(log)
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
      }
      return JSON.parse(log.split('\n').findLast(one => one.includes(`"msg":"${message}"`))!) as Record<string, string>
    }
    const { url } = await line('ready')
    return { child, file, url: url!, line, log: () => log }
  }

  it('reloads on SIGHUP without disturbing those who wait, keeps a working configuration, and ends on SIGTERM', async () => {
    const [first, second] = [await upstream('first'), await upstream('second')]
    const { child, file, url, line, log } = await serve(configuration(first.url))
    const get = async (path: string) => (await fetch(`${url}${path}`)).text()
    expect(await get('/.postern/health')).toBe('ok\n')
    const waiting = get('/wait')
    await first.asked

    writeFileSync(file, configuration(second.url))
    child.kill('SIGHUP')
    await line('configuration reloaded')
    expect(await get('/')).toBe('second')

    writeFileSync(file, configuration(second.url).replace('upstream:', 'upstraem:'))
    child.kill('SIGHUP')
    const { why } = await line('configuration refused, the former one stays')
    expect(why).toContain(`${file}:4: upstraem is not a setting; did you mean "upstream"?`)
    expect(await get('/')).toBe('second')

    child.kill('SIGTERM')
    await line('ending')
    first.go()
    expect(await waiting).toBe('first')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(log()).not.toMatch(/shared by no other|"msg":"bug"/)
    first.end()
    second.end()
  })

  it('says so when its port is taken', async () => {
    const other = await upstream('other')
    const file = join(folder, 'taken.yaml')
    writeFileSync(file, configuration(other.url).replace('port: 0', `port: ${new URL(other.url).port}`))
    for (const more of [[], ['--workers', '2']]) {
      const { err, status } = await run(['serve', '--config', file, ...more])
      expect([err, status]).toEqual([expect.stringMatching(/^postern: (listen|bind) EADDRINUSE/), 1])
    }
    other.end()
  })
})

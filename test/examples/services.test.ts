// The unit for systemd and the filter for fail2ban, held against what these programs say and what a Postern logs.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/logging.ts'
import { parseConfig } from '../../src/config.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern } from '../support/postern.ts'

const run = (command: string, args: readonly string[]) => spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, SYSTEMD_COLORS: '0' } })
const has = (program: string): boolean => run('sh', ['-c', `command -v ${program}`]).status === 0
const folder = mkdtempSync(join(tmpdir(), 'postern-services-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the unit for systemd', () => {
  const text = readFileSync('examples/systemd/postern.service', 'utf8')
  const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)![1]!
  const file = join(folder, 'postern.service')
  // Node and Postern are where they are in this tree.
  writeFileSync(file, text.replace('/usr/bin/node /opt/postern/dist/cli.js', `${process.execPath} ${resolve('src/cli.ts')}`).replace('/bin/kill', '/bin/sh'))

  it.runIf(has('systemd-analyze'))('has no fault that systemd finds', () => {
    const { stdout, stderr, status } = run('systemd-analyze', ['verify', '--man=no', file])
    expect([stdout, stderr.split('\n').filter(line => line.includes('postern')), status]).toEqual(['', [], 0])
  })

  it.runIf(has('systemd-analyze'))('exposes as little as systemd can tell', () => {
    const { stdout, status } = run('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file])
    console.log(stdout.trim().split('\n').at(-1))
    expect(stdout).toMatch(/Overall exposure level/)
    expect(status).toBe(0)
  })

  it('leaves Postern the time to end as it wants by default, and its workers to it', () => {
    const { drain } = parseConfig('secret: more than thirty-two characters of it\nbackends: [{ imap: { host: a }, smtp: { host: a } }]', { name: '', folder: '.', environment: {} })
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(drain.pauseSeconds + drain.seconds + 5)
    expect([setting('KillMode'), setting('ExecReload')]).toEqual(['mixed', '/bin/kill -HUP $MAINPID'])
    expect(setting('ExecStart')).toMatch(/^\/usr\/bin\/node \S+ serve --config \S+ --workers auto$/)
  })
})

it('the unit has folders that may be written for what the configuration shows', () => {
  const unit = readFileSync('examples/systemd/postern.service', 'utf8'), example = readFileSync('examples/postern.yaml', 'utf8')
  expect(unit).toMatch(/^StateDirectory=postern$/m)
  expect(unit).toMatch(/^RuntimeDirectory=postern$/m)
  expect(/# devices: \{ folder: (\S+),/.exec(example)![1]).toBe('/var/lib/postern')
  expect(/socket: (\S+)\/admin\.sock/.exec(example)![1]).toBe('/run/postern')
})

describe('the filter for fail2ban', () => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 1 }) })
  afterAll(() => house.stop())
  const filter = 'examples/fail2ban/postern.filter.conf'
  // What fail2ban has in place of <HOST>, roughly, and %% for a %.
  const pattern = new RegExp(/^failregex = (.*)$/m.exec(readFileSync(filter, 'utf8'))![1]!.replace('<HOST>', '(?<host>[\\w.:]+)').replace('(?:\\S+ \\S+: )?', '(?:\\S+ \\S+: )?'))
  const wrong = 'x","address":"192.0.2.1","msg":"authentication failed"}'

  /** Lines of a Postern whose users were somebody else, and of one that logs a user name made to deceive. */
  async function lines(workers?: number): Promise<string[]> {
    const [port = 0] = await freePorts(1)
    const postern = await startPostern(house, { port, ...(workers ? { workers } : {}), settings: { listen: { host: HOST, port, trustedProxies: [HOST] } } })
    for (const [user, address] of [['nobody', '192.0.2.7'], [wrong, '192.0.2.8'], ['ann\\"', '2001:db8::9']] as const) {
      await fetch(`http://${HOST}:${port}/Microsoft-Server-ActiveSync?Cmd=FolderSync&User=x&DeviceId=D&DeviceType=T`, {
        method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${user}@postern.test:wrong`).toString('base64')}`, 'x-forwarded-for': address, 'ms-asprotocolversion': '16.1' },
      })
    }
    await expect.poll(() => linesOf(postern, 'authentication failed').length).toBeGreaterThanOrEqual(2)
    await postern.stop()
    return postern.log().split('\n').filter(Boolean)
  }

  it.each([['one process', undefined], ['two workers', 2]])('finds the address of each wrong password, and no other, in the log of %s', async (_, workers) => {
    const log = await lines(workers)
    const told = log.filter(line => line.includes('"msg":"authentication failed"')).map(line => (JSON.parse(line) as { address: string }).address)
    const found = (all: readonly string[]) => all.flatMap(line => pattern.exec(line)?.groups?.['host'] ?? [])
    expect(found(log)).toEqual(told)
    expect(found(log.map(line => `host postern[12]: ${line}`))).toEqual(told)
    expect(told).toContain('192.0.2.7')
    if (!has('fail2ban-regex')) return
    const file = join(folder, 'postern.log')
    writeFileSync(file, log.map(line => `${line}\n`).join(''))
    const { stdout } = run('fail2ban-regex', [file, filter, '--print-all-matched'])
    expect(stdout).toContain(`Failregex: ${told.length} total`)
    expect(stdout).not.toContain('192.0.2.1 ')
  }, 60_000)

  it.each([[{}], [{ page: 'admin' }]])('is not deceived by a user name: %j', where => {
    const deceit: string[] = []
    createLog('info', { write: line => void deceit.push(line.trim()) }).warn({ ...where, user: wrong, address: '192.0.2.8' }, 'authentication failed')
    expect(pattern.exec(deceit[0]!)?.groups?.['host']).toBe('192.0.2.8')
    expect(pattern.exec(`{"level":30,"time":"x","front":"${deceit[0]}`)).toBe(null)
  })
})

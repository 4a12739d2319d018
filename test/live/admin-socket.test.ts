// The listener for administrators at a Unix socket, with the commands through it; and postern top, which goes on until somebody ends it.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { token } from '../support/admin.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern } from '../support/postern.ts'

let house: House
let postern: Postern
let socket: string
const children: ChildProcess[] = []
beforeAll(async () => {
  house = await startHouse({ users: 2 })
  socket = join(house.dir, 'admin.sock')
  postern = await startPostern(house, { settings: { admin: { socket, token }, devices: { folder: join(house.dir, 'devices') } } })
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await postern?.stop()
  await house?.stop()
})

type Ended = { readonly stdout: string; readonly stderr: string; readonly code: number }
const cli = (...args: string[]): Promise<Ended> => promisify(execFile)(process.execPath, ['src/cli.ts', ...args, '--config', postern.config])
  .then(said => ({ ...said, code: 0 }), (error: Ended) => error)

async function ask(bearer: string): Promise<number> {
  const request = http.request({ socketPath: socket, path: '/devices', headers: { authorization: `Bearer ${bearer}` } }).end()
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  response.resume()
  return response.statusCode!
}

it('is for the user of Postern alone, and for the token', async () => {
  const { mode, uid } = statSync(socket)
  expect([(mode & 0o777).toString(8), uid]).toEqual(['600', process.getuid!()])
  expect([await ask(token), await ask('another-token')]).toEqual([200, 401])
  expect(linesOf(postern, 'administrators are heard')).toMatchObject([{ socket }])
})

it('has the commands of an administrator', async () => {
  const { login, password } = house.user(0)
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: login, password, deviceId: 'SOCKET' })
  await phone.folderSync('0')
  phone.close()
  expect(await cli('block', login, 'SOCKET')).toEqual({ stdout: `SOCKET of ${login}: blocked\n`, stderr: '', code: 0 })
  // What was seen of it is written down a little later than what is ordered.
  await expect.poll(async () => (await cli('devices')).stdout, { timeout: 20_000, interval: 300 }).toMatch(/^USER[^\n]*\n\S+ +SOCKET +TestPhone .*blocked\n$/)
  expect(linesOf(postern, 'administrator: block')).toMatchObject([{ device: 'SOCKET', by: expect.stringMatching(/^\S+@\S+$/) }])
})

it('goes with the process that ends; one that is left over is put away; one that answers, and a file, are left alone', async () => {
  await postern.stop()
  expect(existsSync(socket)).toBe(false)
  expect(await cli('devices')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^postern: Postern does not answer at \S+admin\.sock: .*ENOENT/) })
  await postern.start()
  await postern.kill()
  expect(existsSync(socket)).toBe(true)
  await postern.start()
  expect(await ask(token)).toBe(200)
  await postern.stop()

  const other = createServer(line => line.on('error', () => {}).end('I am another', () => line.destroy())).listen(socket)
  await once(other, 'listening')
  await expect(postern.start()).rejects.toThrow(/EADDRINUSE/)
  expect(await text(connect(socket))).toBe('I am another')
  await new Promise(resolve => other.close(resolve))

  writeFileSync(socket, 'a file of somebody')
  await expect(postern.start()).rejects.toThrow(/EADDRINUSE/)
  expect(statSync(socket).size).toBe(18)
  await promisify(execFile)('rm', [socket])
  await postern.start()
}, 240_000)

/** A `postern top` that runs, in a terminal or into a pipe. */
function top(terminal: boolean): { child: ChildProcess; said: () => string } {
  const command = [process.execPath, 'src/cli.ts', 'top', '--config', postern.config]
  const child = terminal ? spawn('script', ['-qec', `stty rows 12 cols 200; exec ${command.join(' ')}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    : spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let said = ''
  child.stdout!.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  return { child, said: () => said }
}

it.each([['a terminal', true], ['a pipe', false]])('top shows anew what happens, in %s, until it is interrupted', async (_, terminal) => {
  const { login, password } = house.user(1)
  const deviceId = terminal ? 'ONTOP' : 'ONPIPE'
  const { child, said } = top(terminal)
  const seen = (): number => said().split(/devices, \d+ wait for news/).length - 1
  await expect.poll(seen, { timeout: 30_000 }).toBeGreaterThanOrEqual(1)
  expect(said()).not.toContain(deviceId)
  const phone = new Phone({ url: `http://${HOST}:${postern.port}`, user: login, password, deviceId })
  await phone.folderSync('0')
  const waiting = phone.ping([phone.folder('2')], 60)
  // It shows a device that waits: another picture than the first one.
  await expect.poll(said, { timeout: 30_000 }).toMatch(new RegExp(`[1-9]\\d* wait for news[^]*${deviceId}[^\\n]* waits`))
  const before = seen()
  await expect.poll(seen, { timeout: 30_000 }).toBeGreaterThan(before)
  const ended = once(child, 'exit')
  if (terminal) child.stdin!.write('\u0003')
  else child.kill('SIGINT')
  const [code, signal] = await ended as [number | null, string | null]
  expect([code, signal]).toEqual([0, null])
  phone.close()
  await waiting.catch(() => {})
}, 120_000)

it('top ends by itself where nobody reads it any more, and says where Postern is gone', async () => {
  const { child } = top(false)
  await once(child.stdout!, 'data')
  const ended = once(child, 'exit')
  child.stdout!.destroy()
  expect(await ended).toEqual([0, null])

  const gone = spawn(process.execPath, ['src/cli.ts', 'top', '--config', postern.config], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(gone)
  const complaint = text(gone.stderr)
  await once(gone.stdout, 'data')
  await postern.stop()
  expect((await once(gone, 'exit'))[0]).toBe(1)
  expect(await complaint).toMatch(/^postern: Postern does not answer at \S+admin\.sock: /)
  await postern.start()
}, 120_000)

it('check says what is wrong with either place', async () => {
  const { login, password } = house.user(0)
  const check = async (settings: object): Promise<string[]> => {
    const other = join(house.dir, 'check.json')
    writeFileSync(other, JSON.stringify({
      secret: 'a secret of more than thirty-two characters', backends: [{ imap: { ...house.imap, tlsPort: undefined, security: 'none' }, smtp: { ...house.submission, security: 'none' } }], ...settings,
    }))
    const child = spawn(process.execPath, ['src/cli.ts', 'check', '--config', other, '--user', login], { env: { ...process.env, POSTERN_PASSWORD: password }, stdio: ['ignore', 'pipe', 'inherit'] })
    return (await text(child.stdout)).trimEnd().split('\n').filter(line => /devices|administrators/.test(line))
  }
  const folder = join(house.dir, 'devices')
  expect(await check({})).toEqual(['  No place for devices is configured: nothing is remembered of them, and none can be blocked or wiped.'])
  expect(await check({ devices: { folder }, admin: { socket, token } })).toEqual([
    expect.stringMatching(/^ {2}The folder for devices, \S+, can be written to by \S+, who runs this: /), '  Orders for 1 devices are kept there.',
    `  The listener for administrators at ${socket} answers to the token.`,
  ])
  const other = 'another token, long enough, of tests'.replaceAll(/[ ,]+/g, '-')
  expect((await check({ devices: { folder }, admin: { socket, token: other } })).at(-1)).toMatch(/^! The listener for administrators at \S+ is of a Postern with another configuration: the token is wrong/)
  expect((await check({ devices: { folder }, admin: { port: 1, token } })).at(-1)).toBe('  The listener for administrators at 127.0.0.1:1 does not answer: no Postern runs with this configuration.')
  expect((await check({ devices: { folder }, admin: { socket: '/nowhere/s', token } })).at(-1)).toBe('! The listener for administrators at /nowhere/s cannot be made: there is no folder /nowhere.')
  const fresh = join(house.dir, 'fresh')
  expect(await check({ devices: { folder: fresh } })).toEqual([
    `  The folder for devices, ${fresh}, is not there yet: Postern makes it when it starts.`, expect.stringContaining('No listener for administrators'),
  ])
  expect(existsSync(fresh)).toBe(false)
  expect((await check({ devices: { folder: '/nowhere/devices' } }))[0]).toMatch(/^! The folder for devices, \S+, is not there, and cannot be made in \/nowhere/)
  expect((await check({ devices: { folder: '/proc' } }))[0]).toMatch(/^! The folder for devices, \/proc, cannot be written to by \S+, who runs this \(E\w+\)\.$/)
  const broken = join(house.dir, 'broken')
  mkdirSync(broken)
  writeFileSync(join(broken, 'orders.json'), 'no orders')
  expect((await check({ devices: { folder: broken } }))[1]).toMatch(/^! What is ordered for devices cannot be read: \S+orders\.json cannot be understood.*Until it can, no phone is let in\.$/)
}, 300_000)

// The Dockerfile, step by step in a temporary folder, for no engine runs here; and the compose file, by what it mounts, opens and sets.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config.ts'
import { hashPassword } from '../../src/pages/password-hash.ts'
import { freePorts, HOST } from '../support/house.ts'

type Step = { readonly what: string; readonly rest: string }
const steps: Step[] = readFileSync('Dockerfile', 'utf8').replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '').trim().split('\n').filter(Boolean).map(line => {
  const [, what = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line)!
  return { what, rest }
})
const root = mkdtempSync(join(tmpdir(), 'postern-docker-'))
afterAll(() => rmSync(root, { recursive: true }))

type Stage = { readonly dir: string; readonly env: Record<string, string>; readonly run: Record<string, string[]> }

/** Carries out FROM, WORKDIR, COPY, RUN and ENV; keeps what says how it is run. Throws for what it does not know. */
function build(): Stage {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined, work = ''
  for (const { what, rest } of steps) {
    const words = rest.split(' ')
    if (what === 'FROM') {
      stage = { dir: join(root, String(stages.size)), env: {}, run: {} }
      stages.set(words[2] ?? 'last', stage)
    } else if (what === 'WORKDIR') mkdirSync(work = join(stage!.dir, rest), { recursive: true })
    else if (what === 'COPY') {
      const from = /^--from=(\w+)$/.exec(words[0]!)?.[1]
      const sources = words.slice(from ? 1 : 0, -1), target = join(work, words.at(-1)!)
      for (const source of sources) {
        const path = from ? join(stages.get(from)!.dir, source) : resolve(source)
        const into = rest.endsWith('/') ? join(target, basename(source)) : target
        mkdirSync(dirname(into), { recursive: true })
        cpSync(path, into, { recursive: true })
      }
    } else if (what === 'RUN') {
      if (rest.startsWith('npm ci ')) {
        install(work)
        continue
      }
      const { status, stderr } = spawnSync('sh', ['-c', rest], { cwd: work, encoding: 'utf8', env: environment(stage!) })
      if (status !== 0) throw new Error(`RUN ${rest}: ${stderr.slice(-2000)}`)
    } else if (what === 'ENV') Object.assign(stage!.env, Object.fromEntries(words.map(word => word.split('='))))
    else if (what === 'ENTRYPOINT' || what === 'CMD') stage!.run[what] = JSON.parse(rest) as string[]
    else if (what === 'HEALTHCHECK') stage!.run[what] = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
    else if (what !== 'USER' && what !== 'EXPOSE') throw new Error(`${what} is not known here`)
  }
  return { ...stage!, dir: work }
}

/** `npm ci` has been carried out for this tree, with the same lock file (test/setup.sh): what it left is linked, not fetched once more. */
function install(place: string): void {
  const same = (name: string) => readFileSync(join(place, name)).equals(readFileSync(name))
  if (!same('package.json') || !same('package-lock.json')) throw new Error('npm ci would not find what is installed here')
  spawnSync('cp', ['-al', resolve('node_modules'), place])
  // It is written to in place.
  rmSync(join(place, 'node_modules/.package-lock.json'))
  cpSync('node_modules/.package-lock.json', join(place, 'node_modules/.package-lock.json'))
}

/** Nothing of this tree is on the path but its node. */
const environment = (stage: Stage): Record<string, string> =>
  ({ PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: process.env['HOME'] ?? root, ...stage.env })

describe('the Dockerfile', () => {
  it('makes what runs, with nothing but what it needs, and tells its health', async () => {
    const stage = build()
    expect(existsSync(join(stage.dir, 'node_modules/zod'))).toBe(true)
    for (const needless of ['node_modules/typescript', 'node_modules/vitest', 'src', 'test']) expect(existsSync(join(stage.dir, needless))).toBe(false)

    const [port = 0, admin = 0] = await freePorts(2), config = join(root, 'postern.yaml')
    writeFileSync(config, `secret: the secret that is shared by no other test\nlisten: { host: ${HOST}, port: ${port} }\nbackends: [{ imap: { host: x }, smtp: { host: x } }]
devices: { folder: ${join(root, 'devices')} }
admin: { port: ${admin}, token: ${'t'.repeat(24)}, people: { ann: '${await hashPassword('a password of nobody')}' } }\n`)
    const env = { ...environment(stage), POSTERN_CONFIG: config }
    const [command = '', ...args] = [...stage.run['ENTRYPOINT']!, ...stage.run['CMD']!]
    const child = spawn(command, args, { cwd: stage.dir, env, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const [check = '', ...words] = stage.run['HEALTHCHECK']!
    const health = (at: number) => spawnSync(check, words, { env: { ...env, POSTERN_LISTEN__PORT: String(at) } }).status
    expect([health(port), health(1)]).toEqual([0, 1])
    // The pages are files beside the program.
    for (const file of readdirSync('src/pages/static')) {
      if (file.startsWith('admin') || file.startsWith('page')) {
        expect(await fetch(`http://${HOST}:${admin}/${file === 'admin.html' ? '' : file}`).then(response => response.text())).toBe(readFileSync(join('src/pages/static', file), 'utf8'))
      }
    }
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  }, 240_000)

  it('runs as nobody special, and looks for its configuration where the examples mount it', () => {
    const last = steps.slice(steps.findLastIndex(({ what }) => what === 'FROM'))
    expect(last.find(({ what }) => what === 'USER')!.rest).toBe('node')
    expect(last.find(({ what }) => what === 'EXPOSE')!.rest).toBe('8080')
  })
})

describe('the compose file', () => {
  type Service = { build?: string; image: string; environment?: Record<string, string>; volumes?: string[]; ports?: string[]; depends_on?: string[]; stop_grace_period?: string }
  const folder = 'examples/compose'
  const { services, volumes } = parse(readFileSync(`${folder}/compose.yaml`, 'utf8')) as { services: Record<string, Service>; volumes: Record<string, null> }
  const postern = services['postern']!
  const config = parseConfig(readFileSync(`${folder}/postern.yaml`, 'utf8'), { name: 'postern.yaml', folder, environment: { ...postern.environment, POSTERN_SECRET: 'x'.repeat(44) } })

  it('builds this tree and mounts what is there', () => {
    expect(resolve(folder, postern.build!)).toBe(process.cwd())
    for (const volume of Object.values(services).flatMap(service => service.volumes ?? [])) {
      const [source = ''] = volume.split(':')
      expect(source.startsWith('.') ? existsSync(join(folder, source)) : source in volumes, volume).toBe(true)
    }
    const target = postern.volumes!.map(volume => volume.split(':')[1])
    expect(readFileSync('Dockerfile', 'utf8')).toContain(`POSTERN_CONFIG=${target[0]}`)
  })

  // No engine runs here; this part of docker-compose wants none.
  it('is understood by docker-compose as it is meant, and not without a secret', () => {
    const compose = (secret: string) => spawnSync('docker-compose', ['-f', 'compose.yaml', 'config'], { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'], POSTERN_SECRET: secret } })
    const { stdout, stderr, status } = compose('x'.repeat(44))
    expect([stderr, status]).toEqual(['', 0])
    const understood = (parse(stdout) as { services: Record<string, Omit<Service, 'build' | 'depends_on'> & { build?: { context: string } }> }).services
    expect(Object.keys(understood).toSorted()).toEqual(Object.keys(services).toSorted())
    expect(understood['postern']).toMatchObject({
      build: { context: process.cwd() }, environment: { POSTERN_SECRET: 'x'.repeat(44) }, ports: [expect.stringMatching(/^127\.0\.0\.1:8080:8080/)],
      volumes: [`${resolve(folder, 'postern.yaml')}:/etc/postern/postern.yaml:ro`], read_only: true, stop_grace_period: postern.stop_grace_period,
    })
    expect(compose('')).toMatchObject({ status: 1, stderr: expect.stringContaining('openssl rand -base64 32') })
  }, 60_000)

  it('opens the port Postern listens on, for this host only', () => {
    expect(postern.ports).toEqual([`127.0.0.1:8080:${config.listen.port}`])
    expect(readFileSync('Dockerfile', 'utf8')).toContain(`EXPOSE ${config.listen.port}`)
  })

  it('names servers that are services, and gives each process the time to end', () => {
    const [{ imap, dav } = {}] = config.backends.backends
    expect(postern.depends_on).toEqual([imap!.host, new URL(dav!.url).hostname])
    for (const name of postern.depends_on!) expect(services).toHaveProperty(name)
    expect(readFileSync(`${folder}/radicale/config`, 'utf8')).toContain(`hosts = 0.0.0.0:${new URL(dav!.url).port}`)
    expect(parseInt(postern.stop_grace_period!)).toBeGreaterThan(config.drain.pauseSeconds + config.drain.seconds + 5)
  })
})

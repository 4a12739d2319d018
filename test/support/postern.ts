import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePorts, HOST } from './house.ts'
import type { House } from './live.ts'
import { DOMAIN } from './users.ts'

export interface PosternOptions {
  readonly host?: string
  readonly port?: number
  /** Sections that replace those of `configuration`. */
  readonly settings?: object
  /** Options of node itself, `--cpu-prof` say. */
  readonly node?: readonly string[]
  /** So many processes in place of one. */
  readonly workers?: number
  /** Another program than src/cli.ts. */
  readonly program?: string
}

/** Postern as a process of its own. It keeps its configuration and its port over kill() and start(). */
export interface Postern {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** Process ids of its workers. */
  workers(): number[]
  /** Path of its YAML file. */
  readonly config: string
  start(): Promise<void>
  /** SIGTERM, and waits for its end; answers its exit status. */
  stop(): Promise<number | null>
  /** SIGKILL: no time to save anything. */
  kill(): Promise<void>
  /** What it wrote so far. */
  log(): string
}

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** A house without a DAV server throws when asked for it. */
function davOf(house: House): { dav?: { url: string } } {
  try {
    return { dav: { url: house.dav.url } }
  } catch {
    return {}
  }
}

/** The settings that put Postern in front of a house. */
export const configuration = (house: House, host: string, port: number) => ({
  listen: { host, port },
  secret: 'every process of a site shares this secret; here nobody else does',
  backends: [{
    domains: [DOMAIN],
    imap: { host: house.imap.host, port: house.imap.port, security: 'none' },
    smtp: { host: house.submission.host, port: house.submission.port, security: 'none' },
    ...davOf(house),
  }],
})

/** Starts `postern serve` on a free port, answering when it answers. It ends with the house at the latest. */
export async function startPostern(house: House, { host = HOST, port, settings = {}, node = [], workers, program = cli }: PosternOptions = {}): Promise<Postern> {
  const own = port ?? (await freePorts(1))[0]!
  const place = join(house.dir, `postern-${own}`)
  writeFileSync(`${place}.yaml`, stringify({ ...configuration(house, host, own), ...settings }))
  let child: ReturnType<typeof spawn> | undefined
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [status] = await exit as [number | null]
    return status
  }
  const self: Postern = {
    host: HOST,
    port: own,
    config: `${place}.yaml`,
    get pid() { return child?.pid ?? 0 },
    workers: () => readFileSync(`/proc/${self.pid}/task/${self.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    async start() {
      const log = openSync(`${place}.log`, 'a')
      const args = [...node, program, 'serve', '--config', self.config, ...(workers === undefined ? [] : ['--workers', String(workers)])]
      child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] })
      closeSync(log)
      writeFileSync(`${place}.pid`, String(child.pid)) // for whoever cleans the house up
      child.unref()
      const before = self.log().length
      const isUp = async () => await answers(own) && (workers === undefined || self.log().includes('"msg":"ready"', before))
      for (let tries = 0; !await isUp(); tries += 1) {
        if (child.exitCode !== null || tries > 1000) throw new Error(`Postern did not start:\n${self.log().slice(-2000)}`)
        await sleep(20)
      }
    },
    stop: () => end('SIGTERM'),
    kill: async () => void await end('SIGKILL'),
    log: () => readFileSync(`${place}.log`, 'utf8'),
  }
  await self.start()
  return self
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://${HOST}:${port}/.postern/health`).then(async response => { await response.arrayBuffer(); return true }, () => false)

/** What it logged with this message, line by line. */
export const linesOf = (postern: Postern, message: string): Record<string, unknown>[] => postern.log().split('\n')
  .filter(line => line.includes(`"msg":"${message}"`)).map(line => JSON.parse(line) as Record<string, unknown>)

export function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

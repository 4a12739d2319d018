import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The folder all servers of one test run live below, and what ends them. */
export interface Ground {
  readonly dir: string
  /** Kills every process group started here and removes the folder; also happens if this process dies in any way. */
  close(): Promise<void>
}

/** One server process with its children. It keeps its port and its data over stop() and start(). */
export interface Service {
  readonly host: string
  readonly port: number
  start(): Promise<void>
  /** Ends it and all its connections; a later start() answers on the same port. */
  stop(): Promise<void>
  /** SIGKILL for all its processes: no time to save anything. */
  kill(): Promise<void>
  /** Freezes it: connections stay open, new ones are taken by the kernel, nothing answers. */
  pause(): void
  resume(): void
  /** What it wrote to stdout and stderr so far. */
  log(): string
}

export const HOST = '127.0.0.1'
export const isRoot = process.getuid?.() === 0
/** Whom servers run as that need no rights, if there is a choice. */
export const NOBODY: { readonly uid?: number, readonly gid?: number } = isRoot ? { uid: 65_534, gid: 65_534 } : {}

// A normal user's path lacks the servers.
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`

// Waits for the end of its standard input, whatever the reason, then cleans up: no exit handler could do that after SIGKILL.
const KEEPER = `cat; for f in "$0"/*.pid; do [ -f "$f" ] && kill -s KILL -- "-$(cat "$f")" 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8; do rm -rf "$0" 2>/dev/null && exit; sleep 0.1; done`

export function openGround(): Ground {
  const dir = mkdtempSync(join(tmpdir(), 'postern-'))
  chmodSync(dir, 0o755)
  const keeper = spawn('sh', ['-c', KEEPER, dir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' })
  const closed = new Promise<void>(resolve => keeper.once('close', () => resolve()))
  keeper.unref()
  ;(keeper.stdin as unknown as { unref(): void }).unref()
  return {
    dir,
    async close() {
      keeper.ref()
      keeper.stdin.end()
      await closed
    },
  }
}

/** A folder below the ground that servers under any user id may write to. */
export function openFolder(ground: Ground, name: string): string {
  const dir = join(ground.dir, name)
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o1777)
  return dir
}

/** Ports nobody listens on, below the range the kernel takes outgoing ports from, so that a restart finds them free. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    if (!ports.includes(port) && await isFree(port)) ports.push(port)
  }
  return ports
}

const isFree = (port: number) => new Promise<boolean>(resolve => {
  const server = createServer().once('error', () => resolve(false))
  server.listen(port, HOST, () => server.close(() => resolve(true)))
})

export interface Command {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  readonly env?: Record<string, string>
  /** Run under these ids; only root may ask. */
  readonly as?: { readonly uid?: number, readonly gid?: number }
  /** Speaks first when it is ready, as mail servers do; otherwise an open port is enough. */
  readonly greets?: boolean
}

export function service(ground: Ground, { name, command, args, port, env = {}, as = {}, greets = false }: Command): Service {
  const logFile = join(ground.dir, `${name}.log`)
  let child: ReturnType<typeof spawn> | undefined
  const signal = (what: NodeJS.Signals) => {
    try { if (child?.pid) process.kill(-child.pid, what) } catch { /* the group is gone */ }
  }
  const running = () => child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  const self: Service = {
    host: HOST,
    port,
    async start() {
      const log = openSync(logFile, 'a')
      const options = { detached: true, cwd: ground.dir, env: { ...process.env, PATH, ...env }, ...as }
      child = spawn(command, args, { ...options, stdio: ['ignore', log, log] })
      closeSync(log)
      child.on('error', error => writeFileSync(logFile, `${error.message}\n`, { flag: 'a' }))
      writeFileSync(join(ground.dir, `${name}.pid`), String(child.pid))
      child.unref()
      for (let waited = 0; !await answers(port, greets); waited += 1) {
        if (running() && waited < 2000) await sleep(10)
        else throw new Error(`${name} does not answer on port ${port}:\n${self.log().split('\n').slice(-12).join('\n')}`)
      }
    },
    async stop() {
      signal('SIGCONT')
      signal('SIGTERM')
      for (let waited = 0; running() && waited < 100; waited += 1) await sleep(10)
      await self.kill()
    },
    async kill() {
      signal('SIGKILL')
      while (await answers(port, false)) await sleep(10)
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    log: () => { try { return readFileSync(logFile, 'utf8') } catch { return '' } },
  }
  return self
}

/** Does somebody accept on this port, and say something if `greets`? */
const answers = (port: number, greets: boolean) => new Promise<boolean>(resolve => {
  const socket = connect(port, HOST)
  const end = (result: boolean) => { socket.destroy(); resolve(result) }
  socket.setTimeout(2000, () => end(false))
  socket.once('error', () => end(false)).once('close', () => end(false))
  socket.once(greets ? 'data' : 'connect', () => end(true))
})

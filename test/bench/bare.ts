import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePorts, HOST } from '../support/house.ts'
import type { BareWish } from './bare-server.ts'

export type Bare = { readonly host: string; readonly port: number; readonly pid: number; stop(): Promise<void> }

/** A process that does nothing but what is wished; `node` are options of node. */
export async function startBare({ node = [], ...wish }: Omit<BareWish, 'port'> & { readonly node?: readonly string[] }): Promise<Bare> {
  const [port] = await freePorts(1) as [number]
  const child = spawn(process.execPath, [...node, fileURLToPath(new URL('bare-server.ts', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify({ ...wish, port } satisfies BareWish))
  await once(child.stdout, 'data')
  return {
    host: HOST, port, pid: child.pid!,
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePorts, HOST } from '../support/house.ts'
import type { BareWish } from './bare-server.ts'
import type { Account } from './raw-imap.ts'

export type Bare = { readonly host: string; readonly port: number; readonly pid: number; stop(): Promise<void> }

/** A process that answers any request with these header fields and nothing else, after one STATUS. */
export async function startBare(account: Account, headers: BareWish['headers']): Promise<Bare> {
  const [port] = await freePorts(1) as [number]
  const child = spawn(process.execPath, [fileURLToPath(new URL('bare-server.ts', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify({ account, port, headers } satisfies BareWish))
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

import { setTimeout as sleep } from 'node:timers/promises'
import { silent } from '../../src/base/log.ts'
import type { Shared } from '../../src/base/shared.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { redisShared } from '../../src/state/shared-redis.ts'
import { openGround } from './house.ts'
import { startRedis } from './redis.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A process that shares nothing. */
export const emptyMemory = (): Shared => ownMemory(memoryCache({ megabytes: 1 }))

/** What the processes of a site have to remember things together. */
export type Memory = {
  /** What a process makes of its own memory, each time one of another site. */
  share(own: Shared): Promise<Shared & { close?(): void }>
  stop(): Promise<void>
}

/** Milliseconds: longer than a busy machine takes for an answer; and less than phones wait. */
const patient = 5000, hasty = 20

const secret = Buffer.from('a secret of the tests')

export const alone: Memory = { share: async own => own, stop: async () => {} }

/** `trouble` has the line to the server fail again and again: it breaks off, says nothing, and comes back. */
async function redisMemory(trouble: boolean): Promise<Memory> {
  const ground = openGround(), redis = await startRedis(ground), proxy = await TcpProxy.start(redis), open: { close(): void }[] = []
  let ended = false
  const troubled = (async () => {
    for (let n = 0; trouble && !ended; n++) {
      await sleep(7 + n * 13 % 40)
      if (n % 3 === 0) proxy.cut()
      proxy.link.stalled = n % 3 === 1
    }
    proxy.link.stalled = false
  })()
  return {
    async share(own) {
      const server = { url: `redis://${proxy.host}:${proxy.port}`, password: redis.password, prefix: `site${open.length}:` }
      const shared = await redisShared(server, { secret, own, log: silent, patience: trouble ? hasty : patient })
      open.push(shared)
      return shared
    },
    async stop() {
      ended = true
      await troubled
      for (const one of open) one.close()
      await proxy.close()
      await ground.close()
    },
  }
}

/** The same is promised with each of them. */
export const memories = [
  { memory: 'no shared cache', start: async () => alone },
  { memory: 'a shared cache', start: async () => redisMemory(false) },
  { memory: 'a shared cache that fails in mid-flight', start: async () => redisMemory(true) },
] as const

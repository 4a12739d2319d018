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

/** What the processes of a site may have to remember things together. */
export type Memory = {
  /** What a process makes of its own memory. */
  share(own: Shared): Promise<Shared>
  stop(): Promise<void>
}

/** Milliseconds: longer than a busy machine takes for an answer; and as long as phones wait. */
const patient = 5000, hasty = 20

const secret = Buffer.from('a secret of the tests')

async function alone(): Promise<Memory> {
  return { share: async own => own, stop: async () => {} }
}

async function together(): Promise<Memory> {
  const ground = openGround(), redis = await startRedis(ground), open: { close(): void }[] = []
  return {
    async share(own) {
      const shared = await redisShared({ url: redis.url, password: redis.password }, { secret, own, log: silent, patience: patient })
      open.push(shared)
      return shared
    },
    async stop() {
      for (const one of open) one.close()
      await ground.close()
    },
  }
}

/** It breaks off, says nothing, and comes back, again and again. */
async function failing(): Promise<Memory> {
  const ground = openGround(), redis = await startRedis(ground), proxy = await TcpProxy.start(redis), open: { close(): void }[] = []
  let ended = false
  const trouble = (async () => {
    for (let n = 0; !ended; n++) {
      await sleep(7 + n * 13 % 40)
      if (n % 3 === 0) proxy.cut()
      proxy.link.stalled = n % 3 === 1
    }
    proxy.link.stalled = false
  })()
  return {
    async share(own) {
      const shared = await redisShared({ url: `redis://${proxy.host}:${proxy.port}`, password: redis.password }, { secret, own, log: silent, patience: hasty })
      open.push(shared)
      return shared
    },
    async stop() {
      ended = true
      await trouble
      for (const one of open) one.close()
      await proxy.close()
      await ground.close()
    },
  }
}

/** The same is promised with each of them. */
export const memories = [
  { memory: 'no shared cache', start: alone }, { memory: 'a shared cache', start: together }, { memory: 'a shared cache that fails in mid-flight', start: failing },
] as const

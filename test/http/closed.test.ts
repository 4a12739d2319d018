// What a server leaves behind that was closed: nothing, or those who start many in one process run out of memory.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import type { Front } from '../../src/base/front.ts'
import { listen } from '../../src/http/server.ts'
import { keptLog } from '../support/http.ts'

it('nothing holds a server that was closed', async () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const begun = async () => {
    const front: Front = { name: 'test', matches: () => true, answer: async () => new Response('yes') }
    const server = await listen({ host: '127.0.0.1', port: 0, log: keptLog() }, { fronts: [front], passThrough: undefined })
    expect(await (await fetch(`http://127.0.0.1:${server.port}/`)).text()).toBe('yes')
    await server.close(0)
    return new WeakRef(front)
  }
  const front = await begun()
  await vi.waitFor(() => {
    collect()
    expect(front.deref() === undefined).toBe(true)
  }, { timeout: 20_000, interval: 50 })
})

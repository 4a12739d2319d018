import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from './print.ts'

/** Octets that are alive, after a collection. */
export type Heap = { readonly used: number; readonly external: number; readonly buffers: number }

/** A node process begun with `--inspect`, looked into from outside: the program knows nothing of it. */
export type Inspected = {
  heap(): Promise<Heap>
  /**
   * The event loop is measured from now on: how long it was held since, at most and in 99 of 100 cases, in milliseconds of processor time
   * of its thread between two looks. How long the thread waited for a processor is the machine's affair.
   */
  watchLoop(): Promise<void>
  loop(): Promise<{ readonly longest: number; readonly held: number }>
  snapshot(write: (chunk: string) => void): Promise<void>
  close(): void
}

/** Milliseconds between two looks at an event loop that has nothing else to do. */
const interval = 5

export async function inspect(port: number): Promise<Inspected> {
  const socket = new WebSocket(await addressOf(port))
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error(`no inspector at port ${port}`))
  })
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  let last = 0, chunk: (text: string) => void = () => {}
  socket.onmessage = ({ data }) => {
    const { id, result = {}, method, params } = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown>; method?: string; params?: { chunk: string } }
    if (method === 'HeapProfiler.addHeapSnapshotChunk') chunk(params!.chunk)
    if (id !== undefined) waiting.get(id)?.resolve(result)
  }
  const call = async (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const answered = Promise.withResolvers<Record<string, unknown>>(), id = ++last
    waiting.set(id, answered)
    socket.send(JSON.stringify({ id, method, params }))
    const result = await answered.promise
    waiting.delete(id)
    return result
  }
  const evaluate = async (expression: string): Promise<unknown> =>
    ((await call('Runtime.evaluate', { expression, returnByValue: true }))['result'] as { value: unknown }).value
  return {
    async watchLoop() {
      await evaluate(`clearInterval(globalThis.loopTimer)
        globalThis.loopTimes = []
        globalThis.loopBefore = process.threadCpuUsage()
        globalThis.loopTimer = setInterval(() => {
          const { user, system } = process.threadCpuUsage(loopBefore)
          loopTimes.push((user + system) / 1000)
          loopBefore = process.threadCpuUsage()
        }, ${interval}).unref()
        undefined`)
    },
    async loop() {
      const times = await evaluate('loopTimes') as number[]
      return { longest: Math.max(0, ...times), held: quantile(times, 0.99) }
    },
    async heap() {
      // Twice: what finalizers let go of is collected by the second.
      for (let n = 0; n < 2; n++) {
        await call('HeapProfiler.collectGarbage')
        await sleep(50)
      }
      const { heapUsed, external, arrayBuffers } = await evaluate('process.memoryUsage()') as NodeJS.MemoryUsage
      return { used: heapUsed, external, buffers: arrayBuffers }
    },
    async snapshot(write) {
      chunk = write
      await call('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
    },
    close: () => socket.close(),
  }
}

async function addressOf(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`)
  const [{ webSocketDebuggerUrl } = { webSocketDebuggerUrl: '' }] = await answer.json() as { webSocketDebuggerUrl: string }[]
  return webSocketDebuggerUrl
}

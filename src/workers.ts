import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './base/log.ts'
import { Failure } from './base/failure.ts'
import type { Config } from './config.ts'
import type { News } from './http/internal.ts'
import type { Meter, Numbers } from './prometheus.ts'
import { type Source, sumOfWorkers } from './worker-numbers.ts'

/** What goes from one process to the other, apart from the configuration, which is a worker's first message. */
export type ToWorker = 'replaced' | 'count' | { readonly news: News }
export type FromWorker = { readonly ready: string } | 'alive' | { readonly numbers: Numbers }

/** Seconds between two signs of life of a worker. */
export const beat = 5

/** Milliseconds. */
const times = {
  /** A worker that lived so long did not die of its beginning. */
  steady: 10_000,
  /** Until another one is started: at first, and at most, as long as they die at once. */
  shortest: 100, longest: 30_000,
  /** What a worker may take to begin. */
  start: 60_000,
  /** How long it may give no sign of life, as an endless loop does, in looks of so many milliseconds. */
  look: 10_000, looks: 3,
  /** What it may take to say its numbers: who asks for them all does not wait for long either. */
  count: 2000,
  /** What it may take to end beyond what the configuration says. */
  end: 5000,
}

export type Workers = {
  readonly url: string
  /** Starts others by this configuration, and with the program as it is on the disk now; each ends one of the former when it is up. */
  replace(next: Config): Promise<void>
  /** Tells all of them. */
  news(news: News): void
  /** The numbers of all of them together, of those that have ended too. */
  page(): Promise<Response>
  /** Has all of them end. */
  close(): Promise<void>
}

/** One worker process. */
type Life = Source & {
  readonly id: number
  readonly pid: number | undefined
  readonly began: number
  /** The address it answers at; rejects when it ends before. */
  readonly up: Promise<string>
  /** How it ended. */
  readonly over: Promise<object>
  signal(name: NodeJS.Signals): void
  replaced(): void
  news(news: News): void
}

/**
 * Keeps `count` processes serving. They share one listening socket, which this one holds; it accepts connections and hands them out by turns,
 * and sees nothing of what they carry. Rejects when the first worker does not start.
 */
export async function startWorkers(count: number, first: Config, log: Log, meter: Meter): Promise<Workers> {
  cluster.setupPrimary({ serialization: 'advanced' })
  // By turns, for connections stay: where the kernel wakes whom it likes, one of four workers got most of the phones, and another hardly any.
  cluster.schedulingPolicy = cluster.SCHED_RR
  const alive = new Set<Life>(), sum = sumOfWorkers(meter)
  const ending = new AbortController()
  let config = first

  function begin(settings: Config): Life {
    const life = beginWorker(settings, log)
    alive.add(life)
    void life.up.then(() => sum.add(life), () => {})
    void life.over.then(() => alive.delete(life))
    return life
  }

  const opening = begin(first)
  const url = await opening.up
  const slots = [{ life: opening }, ...Array.from({ length: count - 1 }, () => ({ life: begin(first) }))]
  const kept = slots.map(keep)
  await Promise.allSettled(slots.map(({ life }) => life.up))

  /** Has somebody in this place for as long as the program runs. */
  async function keep(slot: { life: Life }): Promise<void> {
    for (let pause = times.shortest; !ending.signal.aborted;) {
      const { life } = slot
      const how = await life.over
      if (slot.life !== life || ending.signal.aborted) continue
      const ms = Math.round(performance.now() - life.began)
      if (ms > times.steady) pause = times.shortest
      meter.metrics.add('workerRestarts', {})
      log.error({ worker: life.id, pid: life.pid, ...how, ms, pause }, 'worker ended, another one will be started')
      await sleep(pause, undefined, { signal: ending.signal }).catch(() => {})
      pause = Math.min(2 * pause, times.longest)
      if (slot.life === life && !ending.signal.aborted) slot.life = begin(config)
    }
  }

  /** Waits for its end, which comes in time. */
  async function ended(life: Life, { pauseSeconds, seconds }: Config['drain']): Promise<void> {
    const late = setTimeout(() => life.signal('SIGKILL'), (pauseSeconds + seconds) * 1000 + times.end)
    await life.over
    clearTimeout(late)
  }

  return {
    url,
    async replace(next) {
      for (const slot of slots) {
        if (ending.signal.aborted) return
        const fresh = begin(next)
        await fresh.up
        const { drain } = config
        const former = slot.life
        slot.life = fresh
        config = next
        former.replaced()
        await ended(former, drain)
      }
    },
    news: news => alive.forEach(life => life.news(news)),
    page: sum.page,
    async close() {
      ending.abort()
      await Promise.all([...alive].map(life => {
        life.signal('SIGTERM')
        return ended(life, config.drain)
      }))
      await Promise.all(kept)
    },
  }
}

function beginWorker(config: Config, log: Log): Life {
  const up = Promise.withResolvers<string>(), over = Promise.withResolvers<object>()
  const worker = fork(error => over.resolve({ why: error.message }))
  const signal = (name: NodeJS.Signals): void => void worker?.process.kill(name)
  const gone = new Promise(resolve => worker ? worker.once('disconnect', resolve) : resolve(undefined))
  let silent = 0
  let numbers: Numbers = []
  /** Who waits for them. */
  const counting = new Set<(told: boolean) => void>()
  void gone.then(() => counting.forEach(settle => settle(false)))
  const watch = setInterval(() => {
    if (++silent <= times.looks) return
    log.error({ worker: worker?.id, pid: worker?.process.pid }, 'worker gives no sign of life and is killed')
    signal('SIGKILL')
  }, times.look)
  const late = setTimeout(signal, times.start, 'SIGKILL')

  worker?.on('exit', (code: number, signal: string) => over.resolve(signal ? { signal } : { code }))
  worker?.on('message', (message: FromWorker) => {
    silent = 0
    if (message === 'alive') return
    if ('numbers' in message) {
      numbers = message.numbers
      counting.forEach(settle => settle(true))
      return
    }
    log.info({ worker: worker.id, pid: worker.process.pid }, 'worker ready')
    clearTimeout(late)
    up.resolve(message.ready)
  })
  void over.promise.then(how => {
    clearInterval(watch)
    clearTimeout(late)
    up.reject(new Failure('unavailable', `a worker ended before it was ready: ${JSON.stringify(how)}`))
  })
  up.promise.catch(() => {})
  // It may be gone already.
  const send = (message: Config | ToWorker): void => void worker?.send(message, () => {})
  send(config)
  async function count(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    counting.add(resolve)
    send('count')
    const late = setTimeout(resolve, times.count, false)
    return promise.finally(() => {
      counting.delete(resolve)
      clearTimeout(late)
    })
  }
  return {
    id: worker?.id ?? 0, pid: worker?.process.pid, began: performance.now(), up: up.promise, over: over.promise,
    count, numbers: () => numbers, silent: Promise.all([over.promise, gone]),
    signal, replaced: () => send('replaced'), news: news => send({ news }),
  }
}

/** Where there are too many processes, it fails at once or a moment later. */
function fork(fail: (error: Error) => void): Worker | undefined {
  try {
    const worker = cluster.fork().on('error', fail)
    closeWhatItHandsOver(worker)
    return worker
  } catch (error) {
    fail(error as Error)
    return undefined
  }
}

/**
 * Of a connection on its way to a worker that dies, node's cluster keeps the descriptor open (round_robin_handle.js), and the client would
 * wait for ever. There is never more than one.
 */
function closeWhatItHandsOver(worker: Worker): void {
  type Handle = { close(): void }
  const channel = worker.process as unknown as { send(message: unknown, ...rest: (Handle | (() => void) | undefined)[]): boolean }
  const send = channel.send.bind(channel)
  let last: Handle | undefined
  channel.send = (message, ...rest) => {
    if (typeof rest[0] === 'object') last = rest[0]
    return send(message, ...rest)
  }
  // Once it has arrived, it has been closed here before.
  worker.once('exit', () => last?.close())
}

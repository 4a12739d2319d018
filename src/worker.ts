import cluster from 'node:cluster'
import { startApp } from './app.ts'
import type { Config } from './config.ts'
import { createLog, logBugs } from './logging.ts'
import { createMeter } from './prometheus.ts'
import { beat, type FromWorker, type ToWorker } from './workers.ts'

/** One of the processes of `startWorkers`: serves by the configuration it is sent, until it is told that it was replaced, or to end. */
export async function work(): Promise<number> {
  try {
    await serveUntilTold()
    return 0
  } finally {
    // The channel to the first process would keep this one alive.
    setImmediate(() => process.exit())
  }
}

async function serveUntilTold(): Promise<void> {
  // Signals of a terminal or of a service manager come to all processes, and from the first one once more.
  const ending = new Promise<{ replaced: boolean }>(resolve => {
    process.on('SIGHUP', () => {})
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => resolve({ replaced: false }))
    process.on('message', (message: Config | ToWorker) => void (message === 'replaced' && resolve({ replaced: true })))
  })
  const config = await new Promise<Config>(resolve => process.once('message', resolve))
  const log = createLog(config.log.level).child({ worker: cluster.worker!.id })
  const { metrics, numbers } = createMeter({ runtime: config.internal !== undefined })
  logBugs(log, metrics)
  const app = await startApp(config, log, config.internal ? { metrics } : {})
  const say = (message: FromWorker): Promise<void> => new Promise(resolve => process.send!(message, () => resolve()))
  const count = async (): Promise<void> => say({ numbers: await numbers() })
  process.on('message', (message: Config | ToWorker) => {
    if (message === 'count') void count()
    else if (typeof message === 'object' && 'news' in message) app.news(message.news)
  })
  void say({ ready: app.url })
  setInterval(() => void say('alive'), beat * 1000).unref()
  await app.close(await ending)
  // What it counted outlives it.
  await count()
}

import cluster from 'node:cluster'
import { untilGreeted } from './backend/greeting.ts'
import { Failure } from './base/failure.ts'
import type { Log } from './base/log.ts'
import type { Config } from './config.ts'
import { stackOf } from './http/exchange.ts'
import { listenInternally, newsPage, probes, type News, type Stage } from './http/internal.ts'
import { createLog, logBugs } from './logging.ts'
import { createMeter, type Meter } from './prometheus.ts'
import { startWorkers } from './workers.ts'

/** What answers clients: this process alone, or workers. */
type Serving = { readonly url: string; reload(next: Config): Promise<void> | void; news(news: News): void; page(): Promise<Response>; close(): Promise<void> }

/** Answers clients until a signal ends it; `workers` processes do where that is said. `read` reads the configuration. */
export async function serve(read: () => Config, workers: number | undefined): Promise<number> {
  // What answers clients is more than half of the program: the process that only starts workers does without.
  if (cluster.isWorker) return (await import('./worker.ts')).work()
  const over = new AbortController()
  const signal = new Promise<string>(resolve => {
    for (const name of ['SIGTERM', 'SIGINT']) process.once(name, resolve)
  })
  void signal.then(() => over.abort())
  const config = read()
  const log = createLog(config.log.level)
  // With workers, this process only starts them.
  const meter = createMeter({ runtime: workers === undefined && config.internal !== undefined })
  logBugs(log, meter.metrics)
  let stage: Stage = 'starting'
  let serving: Serving | undefined
  const pages = { ...probes(() => stage), ...newsPage(news => serving?.news(news)), '/metrics': () => serving?.page() ?? meter.page() }
  const internal = config.internal && await listenInternally(config.internal, pages, log)
  const admin = config.admin && await (await import('./devices.ts')).startAdmin(config, log)
  try {
    serving = await start(config, workers, log, meter)
    reloadOnSignal(serving, read, log)
    if (config.internal?.waitForMail) await untilGreeted(config.backends.backends.map(({ imap }) => imap), over.signal)
    if (!over.signal.aborted) {
      stage = 'ready'
      log.info({ url: serving.url, workers, internal: internal?.port }, 'ready')
    }
    const name = await signal
    stage = 'draining'
    log.info({ signal: name }, 'ending')
    await serving.close()
    return 0
  } finally {
    await admin?.close()
    await internal?.close(0)
  }
}

async function start(config: Config, workers: number | undefined, log: Log, meter: Meter): Promise<Serving> {
  if (workers === undefined) {
    const { startApp } = await import('./app.ts')
    return { ...await startApp(config, log, config.internal ? { metrics: meter.metrics } : {}), page: meter.page }
  }
  const { replace, ...serving } = await startWorkers(workers, config, log, meter)
  return { ...serving, reload: replace }
}

/** One after the other; what comes while one is under way is done afterwards. */
function reloadOnSignal(serving: Serving, read: () => Config, log: Log & { level: string }): void {
  let done = Promise.resolve()
  process.on('SIGHUP', () => {
    done = done.then(async () => {
      try {
        const next = read()
        await serving.reload(next)
        log.level = next.log.level
        log.info({}, 'configuration reloaded')
      } catch (error) {
        log.error({ why: error instanceof Failure ? error.message : stackOf(error) }, 'configuration refused, the former one stays')
      }
    })
  })
}

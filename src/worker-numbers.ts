import { type Meter, type Numbers, sumOfEnded, sumPage } from './prometheus.ts'

/** A worker process, as far as its numbers go. */
export type Source = {
  /** Has it say its numbers; false where it does not in time. */
  count(): Promise<boolean>
  /** What it said last. */
  numbers(): Numbers
  /** Settles when it has ended and nothing more comes of it. */
  readonly silent: Promise<unknown>
}

/** The page of all workers together, with what this process counts itself. */
export function sumOfWorkers({ metrics, numbers }: Meter) {
  const workers = new Set<Source>()
  let ended: Promise<Numbers> = Promise.resolve([])
  return {
    add(worker: Source): void {
      workers.add(worker)
      metrics.add('workers', {})
      void worker.silent.then(() => {
        workers.delete(worker)
        metrics.add('workers', {}, -1)
        // Where a sum goes down, Prometheus takes it for a restart and counts all of it once more.
        ended = ended.then(before => sumOfEnded([before, worker.numbers()]))
      })
    },
    async page(): Promise<Response> {
      const all = [...workers], before = ended
      const told = await Promise.all(all.map(worker => worker.count()))
      const late = all.filter((worker, index) => !told[index] && workers.has(worker)).length
      if (late > 0) metrics.add('workersSilent', {}, late)
      const each = await Promise.all(all.map(async (worker, index) => told[index] ? worker.numbers() : sumOfEnded([worker.numbers()])))
      return sumPage([await numbers(), await before, ...each])
    },
  }
}

import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { definitions, type Metrics } from './base/metrics.ts'

/** What a process has counted, to be sent to another one. */
export type Numbers = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export type Meter = {
  readonly metrics: Metrics
  numbers(): Promise<Numbers>
  page(): Promise<Response>
}

/** Counts in this process. `runtime`: and says how the process itself does, its event loop above all. */
export function createMeter({ runtime }: { runtime: boolean }): Meter {
  const register = new Registry()
  if (runtime) collectDefaultMetrics({ register })
  const made = Object.fromEntries(Object.entries(definitions).map(([key, definition]) => [key, make(definition, register)]))
  return {
    metrics: {
      add: (name, labels, more) => (made[name] as Counter).inc(labels as Record<string, string>, more),
      observe: (name, labels, seconds) => (made[name] as Histogram).observe(labels as Record<string, string>, seconds),
    },
    numbers: () => register.getMetricsAsJSON(),
    page: () => print(register),
  }
}

function make({ kind, ...definition }: (typeof definitions)[keyof typeof definitions], register: Registry): Counter | Gauge | Histogram {
  const { name, help } = definition, labelNames = [...definition.labels], registers = [register]
  if (kind === 'counter') return new Counter({ name, help, labelNames, registers })
  if (kind === 'gauge') return new Gauge({ name, help, labelNames, registers })
  return new Histogram({ name, help, labelNames, registers, ...('buckets' in definition ? { buckets: [...definition.buckets] } : {}) })
}

/** The numbers of several processes as those of one: sums, and of what cannot be summed the mean, the least or the most. */
export const sumPage = (all: readonly Numbers[]): Promise<Response> => print(AggregatorRegistry.aggregate([...all]))

const sum = async (all: readonly Numbers[]): Promise<Numbers> => AggregatorRegistry.aggregate([...all]).getMetricsAsJSON()

/** What stays of processes that have ended: what they counted, not how things stood with them. */
export const sumOfEnded = (all: readonly Numbers[]): Promise<Numbers> =>
  sum(all.map(numbers => numbers.filter(({ type }) => String(type) === 'counter' || String(type) === 'histogram')))

const print = async (register: Registry): Promise<Response> =>
  new Response(await register.metrics(), { headers: { 'content-type': register.contentType } })

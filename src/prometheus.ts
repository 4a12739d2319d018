import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { definitions, type Metrics } from './base/metrics.ts'

/** What a process has counted, to be sent to another one. */
export type Numbers = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export type Meter = {
  readonly metrics: Metrics
  numbers(): Promise<Numbers>
  page(): Promise<Response>
}

type Definition = (typeof definitions)[keyof typeof definitions]
type Labels = Readonly<Record<string, string>>

/** Takes numbers of one metric. */
type Taker = (labels: Labels, value: number) => void

/** Counts in this process. `runtime`: and says how the process itself does, its event loop above all. */
export function createMeter({ runtime }: { runtime: boolean }): Meter {
  const register = new Registry()
  if (runtime) collectDefaultMetrics({ register })
  const takers = Object.fromEntries(Object.entries(definitions).map(([key, definition]) => [key, take(definition, register)]))
  return {
    metrics: {
      add: (name, labels, more = 1) => takers[name]!(labels, more),
      observe: (name, labels, seconds) => takers[name]!(labels, seconds),
    },
    numbers: () => register.getMetricsAsJSON(),
    page: () => print(register),
  }
}

function take({ kind, ...definition }: Definition, register: Registry): Taker {
  const { name, help } = definition, labelNames = [...definition.labels], series = new Map<string, Series>()
  const options = { name, help, labelNames, registers: [register] }
  if (kind === 'counter') new Counter({ ...options, collect() { handOver(series, (labels, [sum = 0]) => this.inc(labels, sum)) } })
  else if (kind === 'gauge') new Gauge({ ...options, collect() { handOver(series, (labels, [sum = 0]) => this.inc(labels, sum)) } })
  else {
    const buckets = 'buckets' in definition ? [...definition.buckets] : []
    const histogram: Histogram = new Histogram({ ...options, buckets, collect() { handOver(series, observe) } })
    const observe = (labels: Labels, values: readonly number[]): void => values.forEach(value => histogram.observe(labels, value))
    return taker(labelNames, series, ({ labels, values }, value) => {
      if (values.push(value) < mostKept) return
      observe(labels, values)
      values.length = 0
    })
  }
  return taker(labelNames, series, ({ values }, more) => void (values[0] = (values[0] ?? 0) + more))
}

/**
 * What one series was given since it was last handed over. Each time costs prom-client several objects and strings: a request without news
 * was a twentieth dearer.
 */
type Series = { readonly labels: Labels; readonly values: number[] }

/** Values of a histogram that may wait for somebody to ask. */
const mostKept = 256

function taker([first = '', ...others]: readonly string[], series: Map<string, Series>, put: (one: Series, value: number) => void): Taker {
  return (labels, value) => {
    let key = labels[first] ?? ''
    for (const name of others) key += `\n${labels[name]}`
    let one = series.get(key)
    if (!one) series.set(key, one = { labels, values: [] })
    put(one, value)
  }
}

function handOver(series: ReadonlyMap<string, Series>, give: (labels: Labels, values: readonly number[]) => void): void {
  for (const { labels, values } of series.values()) {
    if (values.length > 0) give(labels, values)
    values.length = 0
  }
}

/** The numbers of several processes as those of one: sums, and of what cannot be summed the mean, the least or the most. */
export const sumPage = (all: readonly Numbers[]): Promise<Response> => print(AggregatorRegistry.aggregate([...all]))

const sum = async (all: readonly Numbers[]): Promise<Numbers> => AggregatorRegistry.aggregate([...all]).getMetricsAsJSON()

/** What stays of processes that have ended: what they counted, not how things stood with them. */
export const sumOfEnded = (all: readonly Numbers[]): Promise<Numbers> =>
  sum(all.map(numbers => numbers.filter(({ type }) => String(type) === 'counter' || String(type) === 'histogram')))

const print = async (register: Registry): Promise<Response> =>
  new Response(await register.metrics(), { headers: { 'content-type': register.contentType } })

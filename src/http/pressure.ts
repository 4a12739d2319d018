import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Pressure } from '../base/load.ts'

export type PressureLimits = {
  /** Milliseconds that the event loop is late, on average over a second. */
  readonly delay: number
  /** Requests under way that do not wait. */
  readonly requests: number
  /** Mebibytes of the whole process. Where absent, most of what the system allows the process, if that is limited. */
  readonly megabytes?: number
}

const every = 1000, resolution = 20
/** Of what there is: the rest is for what comes before the next look. */
const most = 0.85

/** Measures every second how much this process has to do. What is answered ends it. */
export function watchPressure(limits: PressureLimits, requests: () => number, tell: (pressure: Pressure) => void): () => void {
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  const allowed = limits.megabytes ? limits.megabytes * 1024 * 1024 : constrained()
  const timer = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    // The histogram is told when a timer came, which is never earlier than it was due.
    const late = Math.max(0, delay.mean / 1e6 - resolution)
    delay.reset()
    tell({
      delay: Number.isNaN(late) ? 0 : late / limits.delay, requests: requests() / limits.requests,
      heap: used / (limit * most), memory: process.memoryUsage.rss() / allowed,
    })
  }, every).unref()
  return () => {
    clearInterval(timer)
    delay.disable()
  }
}

/** What a control group allows; none leaves it at zero, or at more than any machine has. */
const constrained = (): number => (process.constrainedMemory() || Infinity) * most

import { destination, type DestinationStream, pino } from 'pino'
import type { Log } from './base/log.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import { stackOf } from './http/exchange.ts'

/** Milliseconds that lines wait for others when some went out just before. */
const together = 10

/** Standard output. A line goes out with the others of its turn of the event loop; of many, those of some milliseconds go out in one write. */
function standardOutput(): DestinationStream {
  const out = destination()
  let lines = '', last = -Infinity
  const flush = (): void => {
    if (lines) out.write(lines)
    lines = ''
    last = performance.now()
  }
  process.once('exit', flush)
  return {
    write(line) {
      if (!lines) {
        if (performance.now() - last > together) setImmediate(flush)
        else setTimeout(flush, together).unref()
      }
      lines += line
    },
  }
}

/** What a field of such a name says is not printed, whoever logs it. */
const secrets: ReadonlySet<string> = new Set(['password', 'token', 'secret', 'authorization'])

/** Facts as they may be printed. Most are plain words and numbers, of which nothing is copied. */
function printable(facts: Record<string, unknown>, depth = 2): Record<string, unknown> {
  const plain = Object.keys(facts).every(name => !secrets.has(name) && typeof facts[name] !== 'object')
  if (plain || depth === 0 || Array.isArray(facts)) return facts
  return Object.fromEntries(Object.entries(facts).map(([name, value]) =>
    [name, secrets.has(name) ? '[Redacted]' : typeof value === 'object' && value ? printable(value as typeof facts, depth - 1) : value]))
}

/** A log of one JSON line an event. */
export const createLog = (level: Config['log']['level'], to: DestinationStream = standardOutput()) =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { log: facts => printable(facts) } }, to)

/** A rejection nobody waits for harms one user at most; ending would harm all. */
export const logBugs = (log: Log, metrics: Metrics): void => void process.on('unhandledRejection', error => {
  metrics.add('bugs', {})
  log.error({ stack: stackOf(error) }, 'bug')
})

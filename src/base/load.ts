import { Failure } from './failure.ts'
import type { Log } from './log.ts'
import { spread } from './retry.ts'

/** What a request wants, as far as it matters to a process that has too much to do. */
export type Work =
  | 'wait'   // for news: nothing is lost by waiting later
  | 'heavy'  // much at once, and the phone shows what it has meanwhile: first syncs, searches, attachments
  | 'light'  // all else
  | 'send'   // what somebody wrote and wants to be rid of

type Step = { readonly name: string; readonly refuses?: Work; readonly retrySeconds?: number }

/** What is given up, first to last. Waits that stand are answered by and by as long as anything is. */
export const steps: readonly Step[] = [
  { name: 'waiting requests are answered early' },
  { name: 'new waits are refused', refuses: 'wait', retrySeconds: 120 },
  { name: 'first syncs, searches and attachments are refused', refuses: 'heavy', retrySeconds: 90 },
  { name: 'syncs are refused', refuses: 'light', retrySeconds: 60 },
  { name: 'mail to be sent is refused', refuses: 'send', retrySeconds: 30 },
]

/** Each as a part of what there may be: 1 is too much. */
export type Pressure = { readonly [measure: string]: number }

export type Load = {
  /** Throws `busy` for work that is given up at the moment. */
  admit(work: Work): void
  /** Takes what was measured. Answers which part of the standing waits is to end. */
  measured(pressure: Pressure): number
  /** Steps taken. */
  readonly level: number
}

/** Measures in a row that make it one step worse, or better; and what counts as better. */
const worseAfter = 3, betterAfter = 10, calm = 0.8
/** The part of all waits that ends with each measure: their phones come back at once. */
const endsOfWaits = 0.1

/** One step after the other, and back the same way: what is refused last is refused only while all before is refused. */
export function loadOf(log: Log): Load {
  let level = 0, worse = 0, better = 0
  const move = (to: number, pressure: Pressure): void => {
    const told = { steps: to, given: steps.slice(0, to).map(({ name }) => name), ...rounded(pressure) }
    if (to > level) log.warn(told, `overloaded: ${steps[level]!.name}`)
    else log.info(told, to === 0 ? 'no longer overloaded' : `less overloaded: ${steps[to]!.name} no longer`)
    level = to
    worse = better = 0
  }
  return {
    get level() { return level },
    admit(work) {
      const step = steps.findIndex(({ refuses }) => refuses === work)
      if (step < level) throw new Failure('busy', `overloaded: ${steps[step]!.name}`, { retryAfter: spread(steps[step]!.retrySeconds!) })
    },
    measured(pressure) {
      const most = Math.max(0, ...Object.values(pressure))
      worse = most >= 1 ? worse + 1 : 0
      better = most < calm ? better + 1 : 0
      if (worse >= worseAfter && level < steps.length) move(level + 1, pressure)
      else if (better >= betterAfter && level > 0) move(level - 1, pressure)
      return level > 0 && most >= calm ? endsOfWaits : 0
    },
  }
}

const rounded = (pressure: Pressure) => Object.fromEntries(Object.entries(pressure).map(([name, value]) => [name, Math.round(value * 100) / 100]))

/** Nothing is ever too much. */
export const idle: Load = { level: 0, admit() {}, measured: () => 0 }

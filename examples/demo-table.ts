/** A step that did not do what it should; its message says what. */
export class Wrong extends Error {}

export function check(right: boolean, sentence: string): asserts right {
  if (!right) throw new Wrong(sentence)
}

/** What a step tells: one line, or several of which the rest stands below. */
export type Told = string | readonly string[]

const widths = { number: 2, deed: 42, outcome: 44 }

export type Table = {
  readonly head: () => void
  readonly chapter: (name: string) => void
  /** Runs one step and prints its line; `took` replaces the time the whole of it took. */
  readonly step: (deed: string, work: (took: (ms: number) => void) => Promise<Told>) => Promise<void>
  readonly steps: () => number
}

/** The table a person reads: what was done, what came of it, how long it took. A step that throws is the last one. */
export function openTable(print: (line: string) => void): Table {
  let number = 0
  const row = (left: string, deed: string, outcome: string, ms = ''): void =>
    print(`${left.padStart(widths.number)}  ${deed.padEnd(widths.deed)}  ${outcome.padEnd(widths.outcome)}  ${ms.padStart(4)}`.trimEnd())

  const rows = (left: string, deed: string, outcomes: readonly string[], ms: string): void => {
    const deeds = wrap(deed, widths.deed), told = outcomes.flatMap(line => wrap(line, widths.outcome))
    for (let n = 0; n < Math.max(deeds.length, told.length); n += 1) row(n ? '' : left, deeds[n] ?? '', told[n] ?? '', n ? '' : ms)
  }

  return {
    head: () => row('', 'What happens', 'What comes of it', 'ms'),
    chapter: name => print(`\n--- ${name} ${'-'.repeat(95 - name.length)}`),
    async step(deed, work) {
      number += 1
      const start = performance.now()
      let own: number | undefined
      try {
        const told = await work(ms => void (own = ms))
        const ms = own ?? performance.now() - start
        rows(String(number), deed, typeof told === 'string' ? [told] : told, Math.round(ms).toString())
      } catch (error) {
        rows(String(number), deed, ['WRONG'], '')
        const why = error instanceof Wrong ? error.message : String(error instanceof Error ? error.stack : error)
        throw new Wrong(`Step ${number} went wrong: ${deed}.\n${why}`, { cause: error })
      }
    },
    steps: () => number,
  }
}

/** Breaks at spaces; a word longer than the line is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const at = space > 0 ? space : width
    lines.push(rest.slice(0, at))
    rest = rest.slice(at).trimStart()
  }
  return [...lines, rest]
}

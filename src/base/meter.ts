/** How long pieces of work keep the process busy, without what else it does between them. */
export type Meter = {
  /** The work must not wait for anything. */
  of<T>(work: () => T): T
  /** Milliseconds of a processor so far. */
  readonly spent: number
}

export function meter(): Meter {
  let spent = 0
  return {
    of(work) {
      const before = process.cpuUsage()
      try {
        return work()
      } finally {
        const { user, system } = process.cpuUsage(before)
        spent += (user + system) / 1000
      }
    },
    get spent() { return spent },
  }
}

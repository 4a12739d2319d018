/** [MS-ASCMD] MergedFreeBusy: free, tentative, busy, out of office, nobody knows. */
export type Busyness = 0 | 1 | 2 | 3 | 4

/** Instants; the end is not included. */
export type BusyPeriod = { readonly start: number; readonly end: number; readonly busy: Busyness }

const half = 30 * 60_000

/**
 * [MS-ASCMD] MergedFreeBusy: a digit for each half of an hour from the start on, the last one for what is left. Where several are true of it,
 * the highest is told.
 */
export function mergedFreeBusy(start: number, end: number, periods: readonly BusyPeriod[]): string {
  const digits = new Uint8Array(Math.max(0, Math.ceil((end - start) / half)))
  for (const one of periods) {
    const from = Math.max(one.start, start), to = Math.min(one.end, end)
    if (to <= from) continue
    const last = Math.ceil((to - start) / half)
    for (let at = Math.floor((from - start) / half); at < last; at++) digits[at] = Math.max(digits[at]!, one.busy)
  }
  return digits.join('')
}

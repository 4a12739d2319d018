/** A table for people: the first column to the left, numbers to the right. */
export function printTable(title: string, head: readonly string[], rows: readonly (readonly string[])[], notes: readonly string[] = []): void {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map(row => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    widths.map((width, column) => column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width)).join('  ').trimEnd()
  console.log(`\n${title}\n${'='.repeat(title.length)}`)
  console.log(line(head))
  console.log(widths.map(width => '-'.repeat(width)).join('  '))
  for (const row of rows) console.log(line(row))
  for (const note of notes) console.log(`  ${note}`)
}

/** The value below which that share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

export const ms = (value: number): string => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
export const whole = (value: number): string => Math.round(value).toLocaleString('en')
export const mb = (octets: number): string => (octets / 1e6).toFixed(octets < 1e6 ? 3 : 1)
/** KiB as MiB. */
export const mib = (kib: number): string => (kib / 1024).toFixed(kib < 102_400 ? 1 : 0)
export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

/** One floor of this program, and whether it held. */
export const floor = (held: boolean, sentence: string): string => `${held ? 'held  ' : 'MISSED'}  ${sentence}`

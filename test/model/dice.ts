import { randomBelow } from '../support/fuzz.ts'

/** Everything that is left to chance in one run, repeatable by its seed. */
export class Dice {
  readonly below: (n: number) => number

  constructor(seed: number) {
    this.below = randomBelow(seed)
  }

  chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000
  }

  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** At most `most` different ones, at least one if there is any. */
  some<T>(list: readonly T[], most: number): T[] {
    const rest = [...list]
    const count = Math.min(rest.length, this.between(1, most))
    return Array.from({ length: count }, () => rest.splice(this.below(rest.length), 1)[0]!)
  }

  weighted<T>(table: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(table.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of table) {
      left -= weight
      if (left < 0) return value
    }
    throw new Error('an empty table')
  }
}

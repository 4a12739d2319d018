import { LRUCache } from 'lru-cache'
import type { Metrics } from '../base/metrics.ts'
import type { Shared } from '../base/shared.ts'
import type { Cache } from './cache.ts'

/** Counts are apart: neither can drive the other out. */
const mostCounts = 100_000

/** A site of one process, or what a process knows by itself. */
export function ownMemory(cache: Cache): Shared {
  const held = new Set<string>()
  // By size, as a `max` would take the memory for so many at once.
  const counts = new LRUCache<string, { count: number }>({ maxSize: mostCounts, sizeCalculation: () => 1 })
  const countOf = (name: string): number => counts.get(name)?.count ?? 0
  return {
    recall: async <T>(name: string) => cache.get<T>(name),
    recallAll: async <T>(names: readonly string[]) => names.map(name => cache.get<T>(name)),
    keep: async (name, value, options) => cache.set(name, value, options),
    async hold(name) {
      if (held.has(name)) return undefined
      held.add(name)
      return { release: () => void held.delete(name) }
    },
    async count(name, seconds) {
      const before = counts.get(name)
      if (before) before.count++
      else counts.set(name, { count: 1 }, { ttl: seconds * 1000 })
    },
    counted: async names => names.map(countOf),
  }
}

/** The same, of which it is counted what was there, by what names begin with. */
export function countedShared(shared: Shared, metrics: Metrics): Shared {
  const count = (name: string, found: unknown): void =>
    metrics.add('cache', { kind: name.slice(0, name.indexOf(':')), result: found === undefined ? 'miss' : 'hit' })
  return {
    ...shared,
    async recall<T>(name: string) {
      const found = await shared.recall<T>(name)
      count(name, found)
      return found
    },
    async recallAll<T>(names: readonly string[]) {
      const found = await shared.recallAll<T>(names)
      names.forEach((name, index) => count(name, found[index]))
      return found
    },
  }
}

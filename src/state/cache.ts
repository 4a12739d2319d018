import { LRUCache } from 'lru-cache'
import type { Metrics } from '../base/metrics.ts'

/** A bounded memory whose loss costs time, never correctness. Keys begin with what they belong to: `ping:<scope>`. */
export interface Cache {
  get<T>(key: string): T | undefined
  /** `size` in octets, where the value is large. */
  set(key: string, value: unknown, options?: { seconds?: number; size?: number }): void
  delete(key: string): void
}

export function memoryCache(options: { megabytes: number }): Cache {
  // No `max`: it would take the memory for so many entries at once, and `size` bounds them too.
  const lru = new LRUCache<string, { value: unknown }>({ maxSize: options.megabytes * 1024 * 1024 })
  return {
    get: <T>(key: string) => lru.get(key)?.value as T | undefined,
    set(key, value, { seconds, size = 256 } = {}) {
      lru.set(key, { value }, { size: key.length + size, ...(seconds ? { ttl: seconds * 1000 } : {}) })
    },
    delete: key => void lru.delete(key),
  }
}

/** The same, of which it is counted what was there, by what keys begin with. */
export const countedCache = (cache: Cache, metrics: Metrics): Cache => ({
  ...cache,
  get<T>(key: string): T | undefined {
    const found = cache.get<T>(key)
    metrics.add('cache', { kind: key.slice(0, key.indexOf(':')), result: found === undefined ? 'miss' : 'hit' })
    return found
  },
})

// The promise of the sync key where processes share a cache.
import { tryOut } from './variant.ts'

tryOut([
  // Then a move whose answer got lost may be repeated anywhere, whatever has been restarted: without the cache, most seeds fail.
  { name: 'a shared cache', instances: 2, steps: 600, seeds: 1, cache: 'stays', more: { movesAnywhere: true, faults: 0.25, filters: [0] } },
  { name: 'a shared cache that goes and comes back with nothing', instances: 2, steps: 600, seeds: 1, cache: 'goes' },
])

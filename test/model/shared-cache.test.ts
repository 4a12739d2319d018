// The promise of the sync key where processes share a cache.
import { expect } from 'vitest'
import { tryOut } from './variant.ts'

tryOut([
  {
    name: 'a shared cache', instances: 2, steps: 600, seeds: 1, cache: 'stays', more: { movesAnywhere: true, faults: 0.25 },
    // Then a move whose answer got lost may be repeated anywhere, and nothing a phone moved is added again, whatever has been restarted.
    expect: ({ addsOfHeld }) => expect(addsOfHeld).toBe(0),
  },
  { name: 'a shared cache that goes and comes back with nothing', instances: 2, steps: 600, seeds: 1, cache: 'goes' },
])

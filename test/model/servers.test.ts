import { expect } from 'vitest'
import { tryOut } from './variant.ts'

tryOut([
  {
    name: 'nothing going wrong', instances: 1, steps: 600, seeds: 1, more: { faults: 0, restarts: 0, filters: [0], window: 512 },
    // Then nothing the phone holds is added again, not even what it moved itself.
    expect: ({ addsOfHeld }) => expect(addsOfHeld).toBe(0),
  },
  { name: 'phones and mailbox users at once', instances: 2, steps: 600, seeds: 1, more: { together: true } },
  { name: 'CONDSTORE alone', dovecot: { without: ['QRESYNC'] }, instances: 1, steps: 600, seeds: 1 },
  { name: 'neither CONDSTORE nor QRESYNC', dovecot: { without: ['QRESYNC', 'CONDSTORE'] }, instances: 1, steps: 600, seeds: 1 },
  { name: 'no MOVE', dovecot: { without: ['MOVE'] }, instances: 2, steps: 600, seeds: 1 },
])

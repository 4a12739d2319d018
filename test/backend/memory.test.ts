// What is kept for each user must cost nothing before there is something to keep: there are thousands of them.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { credentialMemory } from '../../src/backend/credentials.ts'
import { imapNotes } from '../../src/backend/imap-notes.ts'
import { emptyMemory } from '../support/memories.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** KB that are alive for each of so many. */
function cost<T>(count: number, make: () => T): number {
  collect()
  const before = process.memoryUsage(), kept = Array.from({ length: count }, make)
  collect()
  const after = process.memoryUsage()
  expect(kept).toHaveLength(count)
  return (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / count / 1024
}

it('notes of a mailbox that nobody looks at', () => {
  const deps = {} as Parameters<typeof imapNotes>[0]
  expect(cost(100, () => imapNotes(deps))).toBeLessThan(30)
})

it('credentials, before anybody came', () => {
  const shared = emptyMemory()
  expect(cost(20, () => credentialMemory({ rememberSeconds: 300, refuseSeconds: 30, tries: 10 }, shared))).toBeLessThan(100)
})

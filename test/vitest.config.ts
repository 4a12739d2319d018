import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // What they record of answers is read by libwbxml in the end, and held against what the documents say.
    globalSetup: ['test/support/recordings.ts', 'test/conformance/at-the-end.ts'],
    // Many tests wait for a server or a clock more than they compute.
    maxWorkers: Math.max(3, availableParallelism()),
    // Real servers and property tests take longer than vitest expects; a hanging test should still end.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000, interval: 20 } },
  },
})

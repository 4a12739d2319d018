import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // Real servers and property tests take longer than vitest expects; a hanging test should still end.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})

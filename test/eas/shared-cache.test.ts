// What phones are promised does not hang on a shared cache, nor on what becomes of it: the same tests once more.
import { afterAll, beforeAll, describe } from 'vitest'
import { memories } from '../support/memories.ts'
import { site } from '../support/eas-server.ts'

/** Those of what the processes of a site tell each other. */
const files = ['move-items', 'send-mail', 'smart', 'folders', 'drafts', 'meeting-response', 'object-store']

describe.each(memories.slice(1))('with $memory', ({ memory, start }) => {
  const before = site.memory
  beforeAll(async () => { site.memory = await start() })
  afterAll(async () => {
    await site.memory.stop()
    site.memory = before
  })
  describe.each(files)('%s', async file => {
    const again = `./${file}.test.ts?${encodeURIComponent(memory)}`
    await import(/* @vite-ignore */ again)
  })
})

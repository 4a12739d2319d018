// The comparison that ends a test run (test/support/recordings.ts): it must be able to fail.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { el, encodeSync } from '../../src/wire/wbxml.ts'
import { compare } from '../support/recordings.ts'
import { recorder, recordings } from '../support/record.ts'

const answer = encodeSync(el('AirSync:Sync', [el('AirSync:Status', '4')]))
let folder: string
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'oracle-')) })
afterAll(() => rm(folder, { recursive: true }))

it.each([
  ['what both read alike', answer, []],
  ['an end that is missing', answer.subarray(0, -1), [expect.stringContaining('Sync-16.1/x.wbxml')]],
  ['octets that are no document', Buffer.from('nothing of the kind'), [expect.stringContaining('Sync-16.1/x.wbxml')]],
])('finds in %s what differs', async (_, bytes, differences) => {
  await mkdir(join(folder, 'Sync-16.1'), { recursive: true })
  await writeFile(join(folder, 'Sync-16.1', 'x.wbxml'), bytes)
  expect(await compare(folder)).toEqual({ read: 1, differences })
})

it('gets each answer of a run once', async () => {
  expect(recordings(), 'set by test/support/recordings.ts, which vitest.config.ts names').toBeDefined()
  const own = join(folder, 'kept')
  const record = recorder(own)!
  for (let n = 0; n < 3; n++) record({ command: 'Sync', version: '16.1', answer })
  expect((await compare(own)).read).toBe(1)
})

import { expect, it } from 'vitest'
import type { Call } from '../../src/eas/command.ts'
import { recallRequest, repeated } from '../../src/eas/commands/sync-memory.ts'
import { wbxml } from '../../src/eas/command.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { decode, el, encodeSync } from '../../src/wire/wbxml.ts'

it('an answer that is kept keeps nothing else in memory', () => {
  const body = decode(encodeSync(el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', '0'), el('AirSync:CollectionId', 'x'),
  ])])])))
  const call = {
    body, scope: 'anna/phone', cache: memoryCache({ megabytes: 1 }), facts: {}, request: { version: '14.1' }, settings: { heartbeat: { min: 60, max: 3540 } },
  } as unknown as Call
  const asked = recallRequest(call)!
  const answer = asked.keep(wbxml(el('AirSync:Sync', [])))
  const pool = Buffer.alloc(64 * 1024)
  if (answer.kind === 'wbxml') answer.keep!.done(pool.subarray(10, 30))
  const again = repeated(call, asked)
  expect(again).toMatchObject({ kind: 'stored', bytes: { length: 20, buffer: { byteLength: 20 } } })
})

// Sets of UIDs as servers tell them: of a mailbox of half a million messages, every other one.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSet, searchCommand } from '../../src/backend/imap-mailbox.ts'
import { parseResponse } from '../../src/backend/imap-response.ts'
import { count, normalise } from '../../src/backend/uid-ranges.ts'
import { outcome } from '../../src/eas/outcome.ts'
import type { Range } from '../../src/model/cursor.ts'

describe('a sequence set', () => {
  it.each([
    ['', []], ['7', [{ from: 7, to: 7 }]], ['1:3,5', [{ from: 1, to: 3 }, { from: 5, to: 5 }]], ['9:2', [{ from: 2, to: 9 }]],
    ['*', [{ from: 0xffffffff, to: 0xffffffff }]], ['4:*', [{ from: 4, to: 0xffffffff }]], ['*:4', [{ from: 4, to: 0xffffffff }]],
    ['4294967295', [{ from: 4294967295, to: 4294967295 }]],
  ])('%j is read', (set, ranges) => expect(readSet(set)).toEqual(ranges))

  it.each([',', '1,', ',1', '1,,2', ':', '1:', ':1', '1:2:3', '1 2', '-1', 'x', '**', '5*', '*5', '12345678901', '1:12345678901'])('%j is none', async set => {
    expect(await outcome((async () => readSet(set))())).toMatchObject({ kind: 'unavailable' })
  })

  it('is read as a regular expression reads it, whatever it is', () => {
    const piece = fc.oneof(fc.integer({ min: 0, max: 99_999_999_999 }).map(String), fc.constantFrom('*', ':', ',', '', 'x'))
    fc.assert(fc.property(fc.array(piece, { maxLength: 8 }).map(all => all.join('')), set => {
      const valid = set === '' || set.split(',').every(part => /^(\d{1,10}|\*)(:(\d{1,10}|\*))?$/.test(part))
      let read: Range[] | undefined
      try { read = readSet(set) } catch { read = undefined }
      expect(read !== undefined).toBe(valid)
    }), { numRuns: 2000 })
  })
})

it('an answer with 400,000 ranges is read, and holds nobody up for long', () => {
  const uids = Array.from({ length: 400_000 }, (_, n) => 2 * n + 1), found: Range[] = []
  const response = parseResponse(`ESEARCH (TAG "p1") UID ALL ${uids.join(',')}`, [])
  const before = process.cpuUsage()
  expect(searchCommand('ALL', true, found).on!(response, 'p1')).not.toBe(true)
  expect(count(normalise(found))).toBe(400_000)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(400)
})

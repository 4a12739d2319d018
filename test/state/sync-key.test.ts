import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { MailCursor } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { parseSyncKey, printSyncKey, type SyncState } from '../../src/state/sync-key.ts'

const secret = Buffer.from('the same on every process of a site')
const inbox = 'abcdefghijk' as FolderId
const print = (state: SyncState) => printSyncKey(secret, 'anna', inbox, state)
const parse = (key: string, owner = 'anna', folder = inbox, own: Uint8Array = secret) => parseSyncKey(own, owner, folder, key)

const uid = fc.integer({ min: 1, max: 0xffffffff })
const day = fc.integer({ min: 0, max: 0xffff })
const preference = fc.record({
  type: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
  truncationSize: fc.integer({ min: 0, max: 0xffffffff }),
  preview: fc.integer({ min: 0, max: 255 }),
  allOrNone: fc.constant(true as const),
}, { requiredKeys: ['type'] })
const options = fc.record({
  filter: fc.integer({ min: 0, max: 8 }),
  mimeSupport: fc.constantFrom(0 as const, 1 as const, 2 as const),
  mimeTruncation: fc.integer({ min: 0, max: 8 }),
  conflict: fc.constantFrom(0 as const, 1 as const),
  bodies: fc.array(preference, { maxLength: 4 }),
  part: preference,
}, { requiredKeys: ['filter', 'mimeSupport', 'mimeTruncation', 'conflict', 'bodies'] })

/** Cursors as a mailbox can bring them about, up to the largest numbers the protocol has. */
const cursors = (largestUid: number, largestModseq: bigint, largestStep: bigint): fc.Arbitrary<MailCursor> =>
  fc.record({
    validity: uid, since: day,
    modseq: fc.bigInt({ min: 0n, max: largestModseq }),
    points: fc.uniqueArray(fc.integer({ min: 1, max: largestUid }), { minLength: 5, maxLength: 5 }),
    gaps: fc.integer({ min: 0, max: 2 }),
    pass: fc.option(fc.record({
      step: fc.bigInt({ min: 0n, max: largestStep }), reached: fc.integer({ min: 0, max: largestUid }), since: day,
      phase: fc.constantFrom('expunged' as const, 'aged' as const, 'flags' as const, 'widened' as const),
    }), { nil: undefined }),
  }).map(({ validity, since, modseq, points, gaps, pass }) => {
    const [top, a, b, c, d] = points.sort((x, y) => y - x) as [number, number, number, number, number]
    return {
      validity, since, modseq, top, gaps: [{ from: b, to: a }, { from: d, to: c }].slice(0, gaps),
      pass: pass && { end: modseq + pass.step, phase: pass.phase, reached: pass.reached, since: pass.since },
    }
  })

const usual = cursors(2 ** 24, 2n ** 32n, 2n ** 20n)
const largest = cursors(0xffffffff, 2n ** 63n - 1n, 2n ** 34n - 1n)

describe('a sync key', () => {
  it('says what was put into it, options included, for mailboxes of any usual size', () => {
    const short = fc.record({ cursor: usual, options: options.filter(({ bodies, part }) => bodies.length + (part ? 1 : 0) < 2) })
    fc.assert(fc.property(short, state => {
      const parsed = parse(print(state))
      expect(parsed.cursor).toEqual(state.cursor)
      if (!state.cursor.pass || state.cursor.gaps.length < 2) expect(parsed.options).toEqual(state.options)
    }))
  })

  it('never exceeds 64 characters and never claims that a client holds more than it does', () => {
    fc.assert(fc.property(fc.record({ cursor: largest, options: fc.option(options, { nil: undefined }) }), state => {
      const key = print(state)
      expect(key.length).toBeLessThanOrEqual(64)
      const { cursor } = parse(key)
      expect({ ...cursor, gaps: [] }).toEqual({ ...state.cursor, gaps: [] })
      for (const gap of state.cursor.gaps) {
        expect(cursor.gaps.some(({ from, to }) => from <= gap.from && to >= gap.to)).toBe(true)
      }
    }), { numRuns: 1000 })
  })

  it('is mostly 27 to 40 characters long', () => {
    const cursor = { validity: 1_700_000_000, modseq: 40_000n, top: 21_000, gaps: [], since: 20_000, pass: undefined }
    expect(print({ cursor, options: undefined }).length).toBeLessThanOrEqual(27)
    const asked = { filter: 3, mimeSupport: 0, mimeTruncation: 8, conflict: 1, bodies: [{ type: 2, truncationSize: 32_768 }] } as const
    expect(print({ cursor, options: asked }).length).toBeLessThanOrEqual(36)
  })

  it('is refused when any of its characters was changed', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    fc.assert(fc.property(usual, fc.nat(), fc.constantFrom(...alphabet), (cursor, position, letter) => {
      const key = print({ cursor, options: undefined })
      const at = position % key.length
      const altered = key.slice(0, at) + letter + key.slice(at + 1)
      if (altered === key) return
      expect(() => parse(altered)).toThrow(Failure)
    }))
  })

  it.each([
    ['of another user', (key: string) => parse(key, 'bob')],
    ['of another folder', (key: string) => parse(key, 'anna', 'other-one_1' as FolderId)],
    ['sealed with another secret', (key: string) => parse(key, 'anna', inbox, Buffer.from('another'))],
    ['cut short', (key: string) => parse(key.slice(0, -1))],
    ['with something behind it', (key: string) => parse(`${key}A`)],
    ['with another spelling of the same octets', (key: string) => parse(`${key}==`)],
    ['of no kind at all', () => parse('1')],
    ['that is empty', () => parse('')],
  ])('%s is refused as stale', (_, act) => {
    const key = print({ cursor: { validity: 1, modseq: 2n, top: 3, gaps: [], since: 0, pass: undefined }, options: undefined })
    expect(() => act(key)).toThrow(expect.objectContaining({ kind: 'stale' }))
  })

  it('takes any text a client may send', () => {
    fc.assert(fc.property(fc.string({ maxLength: 64 }), text => {
      expect(() => parse(text)).toThrow(Failure)
    }), { numRuns: 5000 })
  })

  // Keys outlive upgrades: what a released version printed must stay readable.
  it.each<[string, SyncState]>([
    ['EWVT8QAAwLgCiKQBTiB7UOn7', {
      cursor: { validity: 1_700_000_000, modseq: 40_000n, top: 21_000, gaps: [], since: 20_000, pass: undefined }, options: undefined,
    }],
    ['EQAAAAd2hAf0AwAACgq0AasCZLYCUBQ2gUaAgAL_8iqebg', {
      cursor: {
        validity: 7, modseq: 900n, top: 500, gaps: [{ from: 480, to: 490 }, { from: 1, to: 300 }], since: 0,
        pass: { end: 950n, phase: 'flags', reached: 310, since: 20_500 },
      },
      options: { filter: 3, mimeSupport: 1, mimeTruncation: 8, conflict: 1, bodies: [{ type: 2, truncationSize: 32_768, preview: 255 }] },
    }],
  ])('of version 0.1 is still read: %s', (key, state) => {
    expect(parse(key)).toEqual(state)
  })
})

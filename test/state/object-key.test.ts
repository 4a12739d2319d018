import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ObjectCursor } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { parseObjectKey, printObjectKey, type ObjectState } from '../../src/state/object-key.ts'
import { packToken, unpackToken } from '../../src/state/sync-token.ts'
import { defaultOptions, type SyncOptions } from '../../src/state/sync-options.ts'
import { emptyMemory } from '../support/memories.ts'

const owner = { secret: Buffer.from('a secret of the site, of some length'), account: 'anna' }
const book = 'b.AAAAAAAAAAA' as FolderId
const hex = (digits: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })

/** Tokens as servers make them, and as none does. */
const tokens = fc.oneof(
  hex(64).map(digits => `http://radicale.org/ns/sync/${digits}`),
  hex(40), fc.nat().map(n => `http://sabre.io/ns/sync/${n}`), fc.nat().map(n => `data:,${n}-${n}`),
  fc.string({ unit: 'binary' }), hex(200), fc.constantFrom('0', '00', '007', '00ff00ff00', 'http://', 'urn:uuid:1'),
)
const day = fc.integer({ min: 0, max: 0xffff })
const cursors: fc.Arbitrary<ObjectCursor> = fc.record({
  token: fc.oneof(fc.constant(''), tokens), since: day,
  pass: fc.option(fc.oneof(
    fc.record({ phase: fc.constant('going' as const), reached: hex(6), told: hex(6) }),
    fc.record({ phase: fc.constant('coming' as const), reached: hex(6), first: fc.boolean() }),
  ), { nil: undefined }),
})
const options: fc.Arbitrary<SyncOptions | undefined> = fc.option(fc.record({
  filter: fc.integer({ min: 0, max: 8 }), mimeSupport: fc.constantFrom(0 as const, 1 as const), mimeTruncation: fc.integer({ min: 0, max: 8 }),
  conflict: fc.constantFrom(0 as const, 1 as const),
  bodies: fc.array(fc.record({ type: fc.constantFrom(1 as const, 2 as const), truncationSize: fc.nat() }), { maxLength: 2 }),
}), { nil: undefined })

describe('a sync token', () => {
  it('comes back as it was', () => {
    fc.assert(fc.property(tokens, token => {
      expect(unpackToken(Uint8Array.from(packToken(token)))).toBe(token)
    }), { numRuns: 2000 })
  })

  it.each([
    ['of Radicale', `http://radicale.org/ns/sync/${'0123456789abcdef'.repeat(4)}`, 33],
    ['of Xandikos', '0123456789abcdef0123456789abcdef01234567', 21],
    ['of sabre and Nextcloud', 'http://sabre.io/ns/sync/12345', 3],
  ])('%s is short', (_, token, octets) => expect(packToken(token)).toHaveLength(octets))
})

describe('the key of a collection of objects', () => {
  it('holds any state, in at most 64 characters', async () => {
    await fc.assert(fc.asyncProperty(cursors, options, fc.boolean(), async (cursor, options, supportsAll) => {
      const cache = emptyMemory()
      const key = await printObjectKey(owner, cache, book, { cursor, options, supportsAll })
      expect(key.length).toBeLessThanOrEqual(64)
      const state = await parseObjectKey(owner, cache, book, key)
      expect(state).toMatchObject({ cursor, supportsAll })
      if (state.options) expect(state.options).toEqual(options)
    }), { numRuns: 3000 })
  })

  const radicale = (n: number): string => `http://radicale.org/ns/sync/${String(n).repeat(64)}`
  const said: ObjectState['options'] = { ...defaultOptions, filter: 5, bodies: [{ type: 1, truncationSize: 32_768 }] }
  const forgetful = async (state: ObjectState): Promise<ObjectState> =>
    parseObjectKey(owner, emptyMemory(), book, await printObjectKey(owner, emptyMemory(), book, state))

  it.each<[string, ObjectCursor, Partial<ObjectCursor> & { options?: boolean }]>([
    ['of a client in step is whole, options included', { token: radicale(1), since: 20_000, pass: undefined }, { options: true }],
    ['of a first download under way says how far it has come', { token: radicale(1), since: 0, pass: { phase: 'coming', reached: '0123ab', first: true } }, {}],
    ['of a long list of what is gone says how far it has come', {
      token: radicale(1), since: 20_000, pass: { phase: 'going', reached: '0123ab', told: 'abcdef' },
    }, {}],
  ])('%s without memory, with the tokens of Radicale', async (_, cursor, { options, ...rest }) => {
    const state = await forgetful({ cursor, options: said, supportsAll: true })
    expect(state.cursor).toEqual({ ...cursor, ...rest })
    if (options) expect(state.options).toEqual(said)
  })

  it('with a token that has no room is refused without memory', async () => {
    await expect(forgetful({ cursor: { token: 'x'.repeat(60), since: 0, pass: undefined }, options: undefined, supportsAll: false }))
      .rejects.toEqual(expect.objectContaining({ kind: 'stale' }) as Error)
  })

  it('is refused when altered, or by another user or collection', async () => {
    const cache = emptyMemory()
    const key = await printObjectKey(owner, cache, book, { cursor: { token: radicale(3), since: 0, pass: undefined }, options: undefined, supportsAll: false })
    const stale = expect.objectContaining({ kind: 'stale' }) as Error
    for (let at = 0; at < key.length; at++) {
      const altered = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1)
      await expect(parseObjectKey(owner, cache, book, altered)).rejects.toEqual(stale)
    }
    await expect(parseObjectKey({ ...owner, account: 'bob' }, cache, book, key)).rejects.toEqual(stale)
    await expect(parseObjectKey(owner, cache, 'c.AAAAAAAAAAA' as FolderId, key)).rejects.toEqual(stale)
  })
})

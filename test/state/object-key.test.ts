import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ObjectCursor } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { parseObjectKey, printObjectKey, type ObjectState } from '../../src/state/object-key.ts'
import { digestOf, joinTokens, splitToken, standForSame } from '../../src/state/merged-token.ts'
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
const tags = fc.stringMatching(/^[A-Za-z0-9_-]{4}$/)
const standing = fc.oneof(fc.constant(''), tokens.filter(token => !token.startsWith('\0')).map(token => token.toWellFormed()), fc.string().map(digestOf))
const standings = fc.array(fc.tuple(tags, standing), { minLength: 1, maxLength: 9 }).map(list => new Map(list))
const several = standings.map(joinTokens)
const day = fc.integer({ min: 0, max: 0xffff })
const cursors: fc.Arbitrary<ObjectCursor> = fc.record({
  token: fc.oneof(fc.constant(''), tokens, several), since: day, week: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
  pass: fc.option(fc.oneof(
    fc.record({ phase: fc.constant('going' as const), reached: hex(6), told: hex(6), anew: fc.constant(true as const) }, { requiredKeys: ['phase', 'reached', 'told'] }),
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

describe('a token of several collections', () => {
  it('has each of theirs in it, and comes back as it was where they are short', () => {
    fc.assert(fc.property(standings, all => {
      const token = joinTokens(all)
      expect(splitToken(token)).toEqual(new Map([...all].sort()))
      if ([...all.values()].every(one => packToken(one).length < 250)) expect(unpackToken(Uint8Array.from(packToken(token)))).toBe(token)
      expect(standForSame(unpackToken(Uint8Array.from(packToken(token, true))), token)).toBe(true)
    }), { numRuns: 2000 })
  })

  it.each(['merged:', 'merged:AAAA', 'merged:AAAA=%', 'merged:AAAA=%ZZ', 'merged:AAA=1', 'merged:BBBB=1&AAAA=1', 'merged:AAAA=1&AAAA=1', 'merged:AAAA=a b', 'x'])('is not %j', token => {
    expect(splitToken(token)).toBeUndefined()
    expect(unpackToken(Uint8Array.from(packToken(token)))).toBe(token)
  })

  it('is unpacked from any octets, or refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), octets => {
      try {
        expect(typeof unpackToken(Uint8Array.of(128, ...octets))).toBe('string')
      } catch (error) {
        expect(error).toMatchObject({ kind: 'stale' })
      }
    }), { numRuns: 20_000 })
  })

  const of = (count: number, token: (n: number) => string): string => joinTokens(new Map(Array.from({ length: count }, (_, n) => [`AAA${n}`, token(n)])))
  it.each<[string, number, (n: number) => string, 'whole' | 'brief' | 'away']>([
    ['6 of sabre', 6, n => `http://sabre.io/ns/sync/${n + 1000}`, 'whole'],
    ['2 of Cyrus', 2, n => `data:,1571837482-${n + 10}`, 'whole'],
    ['4 of Radicale', 4, n => `http://radicale.org/ns/sync/${String(n).repeat(64)}`, 'brief'],
    ['4 of Xandikos', 4, n => String(n).repeat(40), 'brief'],
    ['5 of Radicale', 5, n => `http://radicale.org/ns/sync/${String(n).repeat(64)}`, 'away'],
  ])('of %s is in a key without memory as far as it fits', async (_, count, token, form) => {
    const cursor = { token: of(count, token), since: 20_000, pass: undefined }
    const key = await printObjectKey(owner, emptyMemory(), book, { cursor, options: undefined, supportsAll: true })
    const parsed = parseObjectKey(owner, emptyMemory(), book, key)
    if (form === 'away') return expect(parsed).rejects.toMatchObject({ kind: 'stale' })
    const { cursor: { token: known } } = await parsed
    expect(known === cursor.token).toBe(form === 'whole')
    expect(standForSame(known, cursor.token)).toBe(true)
  })
})

describe('the key of a collection of objects', () => {
  it('holds any state, in at most 64 characters', async () => {
    await fc.assert(fc.asyncProperty(cursors, options, fc.boolean(), async (cursor, options, supportsAll) => {
      const cache = emptyMemory()
      const key = await printObjectKey(owner, cache, book, { cursor, options, supportsAll })
      expect(key.length).toBeLessThanOrEqual(64)
      const state = await parseObjectKey(owner, cache, book, key)
      // Only while a list of what is gone is being told may the week be left out.
      const week = cursor.pass?.phase === 'going' ? state.cursor.week : cursor.week
      expect([cursor.week, undefined]).toContain(week)
      expect(state).toMatchObject({ cursor: { ...cursor, week }, supportsAll })
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
    ['of a long list of what is gone says how far it has come, if not in which week', {
      token: radicale(1), since: 20_000, week: 17, pass: { phase: 'going', reached: '0123ab', told: 'fedcba' },
    }, { week: undefined, options: false }],
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

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { parseRecipientsKey, printRecipientsKey } from '../../src/state/recipients-key.ts'
import { mutations } from '../support/fuzz.ts'

const secret = Buffer.from('a secret of the tests')
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const states = fc.record({
  digest: fc.uint8Array({ minLength: 8, maxLength: 8 }), validity: uint32, uidNext: uint32, held: fc.nat(512), max: fc.nat(512),
})
const print = (state: Parameters<typeof printRecipientsKey>[3], owner = 'anna'): string => printRecipientsKey(secret, owner, 'RI', state)
const parse = (key: string, owner = 'anna', collection = 'RI') => parseRecipientsKey(secret, owner, collection, key)

it('a key is read as it was written, and is never longer than 64 characters', () => {
  fc.assert(fc.property(states, state => {
    const key = print(state)
    expect(key.length).toBeLessThanOrEqual(64)
    const { digest, ...rest } = parse(key)
    expect({ ...rest, digest: Uint8Array.from(digest) }).toEqual(state)
  }))
})

it("is nobody else's, and no other collection's", () => {
  const key = print({ digest: new Uint8Array(8), validity: 1, uidNext: 2, held: 3, max: 4 })
  for (const [owner, collection] of [['bob', 'RI'], ['anna', 'INBOX']] as const) {
    expect(() => parse(key, owner, collection)).toThrow(expect.objectContaining({ kind: 'stale' }))
  }
})

it('that was altered is stale, whatever it says', () => {
  const good = Buffer.from(print({ digest: new Uint8Array(8).fill(7), validity: 4711, uidNext: 301, held: 100, max: 100 }), 'base64url')
  for (const bytes of mutations([good], 20_000, 3)) {
    if (bytes.length === good.length && good.equals(bytes)) continue
    expect(() => parse(Buffer.from(bytes).toString('base64url'))).toThrow(Failure)
  }
})

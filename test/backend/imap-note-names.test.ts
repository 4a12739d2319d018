import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keptOf, namesOf, parseName, parseToken, printName, printToken, type Born, type NotesState } from '../../src/backend/imap-note-names.ts'
import { Failure } from '../../src/base/failure.ts'
import { parseObjectKey, printObjectKey } from '../../src/state/object-key.ts'
import { mutations } from '../support/fuzz.ts'
import { emptyMemory } from '../support/memories.ts'

const uid = fc.integer({ min: 1, max: 0xffffffff })
const born = fc.tuple(uid, uid).filter(([a, b]) => a !== b).map(([a, b]): Born => ({ uid: Math.max(a, b), born: Math.min(a, b) }))
const state = fc.record({
  validity: uid, modseq: fc.bigInt({ min: 0n, max: 2n ** 62n }), kept: fc.array(born, { maxLength: 3 }),
}).map((one): NotesState => ({ ...one, uidNext: Math.max(1, ...one.kept.map(each => each.uid + 1)) }))

describe('names of notes in a mailbox', () => {
  it('and the token that carries them survive', () => {
    fc.assert(fc.property(state, one => { expect(parseToken(printToken(one))).toEqual(one) }))
    fc.assert(fc.property(uid, uid, (validity, number) => {
      expect(parseName(printName(validity, number), validity)).toBe(number)
      expect(parseName(printName(validity, number), validity - 1)).toBeUndefined()
    }))
  })

  it('fit into a sync key of a mailbox that is in use, and need no memory', async () => {
    const owner = { secret: Buffer.alloc(32, 7), account: 'anna' }, folder = 'm.IpKN97ylAqM' as never
    const kept = [3, 2, 1].map(n => ({ uid: 99_990 + n, born: n * 100 }))
    const cursor = { token: printToken({ validity: 1_795_612_433, uidNext: 100_000, modseq: 9_999_999n, kept }), since: 0, pass: { phase: 'going', reached: 'ffffff', told: 'ffffff' } as const }
    const key = await printObjectKey(owner, emptyMemory(), folder, { cursor, options: undefined, supportsAll: true })
    expect(key.length).toBeLessThanOrEqual(64)
    expect((await parseObjectKey(owner, emptyMemory(), folder, key)).cursor).toEqual(cursor)
  })

  it('stay the name of an edit while it is among the newest, and hide what it came from', () => {
    const messages = [{ uid: 1, born: 1 }, { uid: 5, born: 2 }, { uid: 6, born: 3 }, { uid: 7, born: 4 }, { uid: 8, born: 1 }]
    const kept = keptOf(messages)
    expect(kept.map(one => one.uid)).toEqual([8, 7, 6])
    expect([...namesOf(messages, kept)].sort()).toEqual([[1, 8], [3, 6], [4, 7], [5, 5]])
  })

  it('of any octets are read, or the key is refused', () => {
    const samples = fc.sample(state, { numRuns: 20, seed: 3 }).map(one => Buffer.from(printToken(one), 'hex'))
    for (const octets of mutations(samples, 20_000, 5)) {
      try {
        parseToken(Buffer.from(octets).toString('hex'))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  })
})

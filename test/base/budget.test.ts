import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { budget } from '../../src/base/budget.ts'

describe('what there is only so much of', () => {
  it.each([
    ['one user has as much as is allowed', ['ann', 'ann', 'ann'], undefined],
    ['and no more', ['ann', 'ann', 'ann', 'ann'], 'more than 3 things of one user'],
    ['whatever another one has', ['ann', 'ann', 'ann', 'bob', 'bob'], undefined],
    ['as long as there is some in all', ['ann', 'ann', 'ann', 'bob', 'bob', 'eve'], 'more than 5 things in all'],
  ])('%s', (_, users, why) => {
    const things = budget('things', { each: 3, all: 5 })
    const take = () => users.forEach(user => things.take(user))
    if (why === undefined) expect(take).not.toThrow()
    else expect(take).toThrow(expect.objectContaining({ kind: 'busy', message: why, retryAfter: expect.any(Number) }))
  })

  it('is given back once, and then there is as much as before', () => fc.assert(fc.property(
    fc.array(fc.record({ user: fc.constantFrom('ann', 'bob', 'eve'), amount: fc.integer({ min: 1, max: 4 }), back: fc.nat(9) }), { maxLength: 60 }),
    moves => {
      const things = budget('things', { each: 6, all: 10 })
      const taken: { user: string; amount: number; giveBack: () => void }[] = []
      for (const { user, amount, back } of moves) {
        const own = taken.filter(one => one.user === user).reduce((sum, one) => sum + one.amount, 0)
        const all = taken.reduce((sum, one) => sum + one.amount, 0)
        expect(things.used).toBe(all)
        if (own + amount > 6 || all + amount > 10) expect(() => things.take(user, amount)).toThrow('more than')
        else taken.push({ user, amount, giveBack: things.take(user, amount) })
        const [gone] = taken.splice(back, 1)
        gone?.giveBack()
        gone?.giveBack()
      }
      for (const { giveBack } of taken) giveBack()
      expect(things.used).toBe(0)
    })))
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { gate, type GateOptions } from '../../src/base/gate.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function world(options: Partial<GateOptions> = {}) {
  const doors = gate('logins', { places: 4, perSecond: 1000, ...options })
  const inside: { name: string; leave: () => void; at: number }[] = [], refused: string[] = []
  let begun = performance.now()
  const come = (name: string, patient = false) => void doors.enter(patient).then(
    leave => inside.push({ name, leave, at: Math.round(performance.now() - begun) }), (error: Error) => refused.push(`${name}: ${error.message}`))
  const wait = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)
  return { come, inside, refused, wait, names: () => inside.map(({ name }) => name), restart: () => { begun = performance.now() } }
}

describe('a gate', () => {
  it('lets in so many, and the next one when somebody leaves', async () => {
    const { come, names, inside, wait } = world()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) come(name)
    await wait(10)
    expect(names()).toEqual(['a', 'b', 'c', 'd'])
    inside[1]!.leave()
    inside[1]!.leave()
    await wait(10)
    expect(names()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('lets urgent ones in before patient ones, who take half of the places at most', async () => {
    const { come, names, inside, wait } = world()
    for (const name of ['p1', 'p2', 'p3', 'p4']) come(name, true)
    await wait(100)
    expect(names()).toEqual(['p1', 'p2'])
    for (const name of ['u1', 'u2', 'u3']) come(name)
    await wait(10)
    inside[0]!.leave()
    await wait(10)
    expect(names()).toEqual(['p1', 'p2', 'u1', 'u2', 'u3'])
    inside[2]!.leave()
    await wait(10)
    expect(names()).toEqual(['p1', 'p2', 'u1', 'u2', 'u3', 'p3'])
  })

  it('tells urgent ones to come again after some time, or at once where very many wait; patient ones wait', async () => {
    const { come, refused, names, wait } = world({ places: 1, seconds: 2, holdSeconds: 60, queue: 2 })
    for (const name of ['a', 'b', 'c', 'd']) come(name)
    come('p', true)
    await wait(10)
    expect(refused).toEqual(['d: too many logins at the same time'])
    await wait(2000)
    expect([refused.length, names()]).toEqual([3, ['a']])
    await wait(60_000)
    expect(names()).toEqual(['a', 'p'])
  })

  it('does not wait for ever for who hangs inside', async () => {
    const { come, names, wait } = world({ places: 2, holdSeconds: 5, seconds: 15 })
    for (const name of ['hangs', 'hangs too', 'a', 'b', 'c']) come(name)
    await wait(4900)
    expect(names()).toEqual(['hangs', 'hangs too'])
    await wait(200)
    expect(names()).toEqual(['hangs', 'hangs too', 'a', 'b'])
  })

  it('lets no more patient ones in a second than it should, whether they leave at once or not, and nobody is forgotten', async () => {
    const { come, inside, wait, restart } = world({ places: 20, perSecond: 10 })
    restart()
    for (let n = 0; n < 100; n++) come(`p${n}`, true)
    for (let passed = 0; passed < 11_000; passed += 10) {
      await wait(10)
      for (const { leave } of inside) leave()
    }
    expect(inside.map(({ name }) => name)).toEqual(Array.from({ length: 100 }, (_, n) => `p${n}`))
    for (let second = 0; second < 10; second++) {
      expect(inside.filter(({ at }) => at >= second * 1000 && at < second * 1000 + 1000).length).toBeLessThanOrEqual(11)
    }
  })
})

import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/base/failure.ts'
import { loadOf, steps, type Work } from '../../src/base/load.ts'
import { randomBelow } from '../support/fuzz.ts'
import { keptLog } from '../support/http.ts'

const works: readonly Work[] = ['wait', 'heavy', 'light', 'send']

function world() {
  const log = keptLog()
  const load = loadOf(log)
  const refusal = (work: Work): Failure | undefined => {
    try {
      return void load.admit(work)
    } catch (error) {
      return error as Failure
    }
  }
  const measure = (times: number, pressure: number) => Array.from({ length: times }, () => load.measured({ delay: pressure, requests: 0.1 })).at(-1)!
  return { load, log, measure, refusal, refused: () => works.filter(refusal).join() }
}

describe('a process with too much to do', () => {
  it('gives up one thing after the other, and takes it up again the same way', () => {
    const { measure, refused } = world()
    const seen: string[] = []
    const note = (ends: number): void => void (seen.at(-1) !== `${ends > 0} ${refused()}` && seen.push(`${ends > 0} ${refused()}`))
    for (let n = 0; n < 20; n++) note(measure(1, 1.2))
    for (let n = 0; n < 60; n++) note(measure(1, 0.2))
    expect(seen).toEqual([
      'false ', 'true ', 'true wait', 'true wait,heavy', 'true wait,heavy,light', 'true wait,heavy,light,send',
      'false wait,heavy,light,send', 'false wait,heavy,light', 'false wait,heavy', 'false wait', 'false ',
    ])
  })

  it.each([
    ['a moment is nothing', [[2, 5], [1, 0.5], [2, 5]], ''],
    ['half of what there may be is nothing', [[100, 0.9]], ''],
    ['what is neither too much nor calm changes nothing', [[6, 1], [50, 0.9]], 'wait'],
    ['a calm moment changes nothing either', [[9, 1], [9, 0.1], [1, 0.9], [9, 0.1]], 'wait,heavy'],
  ])('%s', (_, phases, expected) => {
    const { measure, refused } = world()
    for (const [times, pressure] of phases) measure(times!, pressure!)
    expect(refused()).toBe(expected)
  })

  it('says when to come again, not to all the same', () => {
    const { measure, refusal } = world()
    measure(15, 3)
    for (const work of works) {
      const times = Array.from({ length: 200 }, () => refusal(work)!)
      expect(new Set(times.map(({ kind }) => kind))).toEqual(new Set(['busy']))
      expect(new Set(times.map(({ retryAfter }) => Math.ceil(retryAfter!))).size).toBeGreaterThan(10)
    }
  })

  it('logs each step with what was measured', () => {
    const { measure, log } = world()
    measure(6, 1.234)
    measure(20, 0)
    expect(log.lines.map(({ level, message, steps: count, delay }) => [level, message, count, delay])).toEqual([
      ['warn', `overloaded: ${steps[0]!.name}`, 1, 1.23], ['warn', `overloaded: ${steps[1]!.name}`, 2, 1.23],
      ['info', `less overloaded: ${steps[1]!.name} no longer`, 1, 0], ['info', 'no longer overloaded', 0, 0],
    ])
  })

  it('whatever is measured, goes step by step, refuses mail last, ends waits only while it has too much, and comes back', () => {
    const below = randomBelow(11)
    const { load, measure, refusal } = world()
    const levels = new Set<number>()
    for (let n = 0; n < 20_000; n++) {
      const before = load.level
      const busy = n % 400 < 200 ? 40 : 160
      const pressure = [NaN, Infinity, -1][below(300)] ?? below(busy) / 100
      const ends = measure(1, pressure)
      levels.add(load.level)
      expect(Math.abs(load.level - before)).toBeLessThanOrEqual(1)
      expect(load.level > before && !(pressure >= 1)).toBe(false)
      if (ends > 0) expect([load.level > 0, pressure >= 0.8]).toEqual([true, true])
      const given = works.map(work => refusal(work) !== undefined)
      expect(given).toEqual(works.map((_, at) => load.level > at + 1))
    }
    expect([...levels].sort()).toEqual([0, 1, 2, 3, 4, 5])
    measure(10 * steps.length, 0.5)
    expect(load.level).toBe(0)
  })
})

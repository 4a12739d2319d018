import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { persist, spread } from '../../src/base/retry.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function tried(results: readonly string[], milliseconds = 0): Promise<string> {
  const left = [...results]
  const done = persist(async () => {
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    const result = left.shift()!
    if (result !== 'ok') throw new Error(result)
    return result
  }, error => (error as Error).message === 'again').catch((error: Error) => error.message)
  await vi.advanceTimersByTimeAsync(20_000)
  return `${await done} after ${results.length - left.length}`
}

describe('what changes nothing', () => {
  it.each([
    ['is done once where it succeeds', ['ok', 'ok'], 0, 'ok after 1'],
    ['is done again where that makes sense', ['again', 'again', 'ok', 'ok'], 0, 'ok after 3'],
    ['is done three times at most', ['again', 'again', 'again', 'ok'], 0, 'again after 3'],
    ['is not done again where that makes no sense', ['wrong', 'ok'], 0, 'wrong after 1'],
    ['is not done again where it took long', ['again', 'ok'], 3000, 'again after 1'],
  ])('%s', async (_, results, milliseconds, came) => expect(await tried(results, milliseconds)).toBe(came))
})

it('what many are told is not the same for all', () => {
  const times = Array.from({ length: 1000 }, () => spread(60))
  expect(Math.min(...times)).toBeGreaterThanOrEqual(30)
  expect(Math.max(...times)).toBeLessThan(90)
  expect(new Set(times.map(Math.floor)).size).toBeGreaterThan(50)
})

it('those who try again at the same time do not do so in step', async () => {
  const begun = performance.now(), second: number[] = [], third: number[] = []
  const all = Array.from({ length: 400 }, () => {
    let tries = 0
    return persist(async () => {
      tries++
      if (tries > 1) (tries === 2 ? second : third).push(performance.now() - begun)
      throw new Error('again')
    }, () => true).catch(() => {})
  })
  await vi.advanceTimersByTimeAsync(5000)
  await Promise.all(all)
  const inStep = (times: readonly number[]): number => Math.max(...times.map(one => times.filter(other => Math.abs(other - one) < 5).length))
  expect([second.length, third.length]).toEqual([400, 400])
  expect([Math.min(...second) >= 75, Math.max(...second) <= 226, Math.max(...third) <= 1130]).toEqual([true, true, true])
  // Ten milliseconds of 150, and of 600 and more.
  expect(inStep(second)).toBeLessThan(80)
  expect(inStep(third)).toBeLessThan(30)
})

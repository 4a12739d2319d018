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

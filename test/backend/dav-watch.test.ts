// What looks at a DAV server for users who wait, when that server ends and comes back: not all at once, and nobody is forgotten.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { davWatch } from '../../src/backend/dav-watch.ts'
import { Failure } from '../../src/base/failure.ts'
import type { FolderId } from '../../src/model/folder.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const users = 300, pollSeconds = 20, id = 'c.calendar' as FolderId

/** So many users who wait, at a server that may be away; how often it is asked, second by second. */
function world() {
  let away = false, token = 1, second = 0
  const asked: number[] = [], told = new Set<number>(), ready = new Set<number>()
  const states = async () => {
    asked[second] = (asked[second] ?? 0) + 1
    if (away) throw new Failure('unavailable', 'the DAV server cannot be reached')
    return new Map([[id, { token: String(token), ctag: undefined }]])
  }
  const ending = new AbortController()
  for (let n = 0; n < users; n++) {
    void davWatch({ pollSeconds, states, trouble: () => {} }).watch([id], ending.signal, {
      ready: () => void ready.add(n), changed: () => void told.add(n), lost: () => {},
    })
  }
  return {
    told, ready, ending,
    server: (there: boolean) => { away = !there },
    change: () => { token++ },
    async pass(seconds: number): Promise<number[]> {
      const from = second
      for (const until = second + seconds; second < until; second++) await vi.advanceTimersByTimeAsync(1000)
      return Array.from({ length: seconds }, (_, n) => asked[from + n] ?? 0)
    },
  }
}

it('users who wait look one after the other, seldomer while the server is away, and hear of what changed meanwhile', async () => {
  const { server, change, pass, told, ready, ending } = world()
  await pass(120)
  expect(ready.size).toBe(users)
  expect(Math.max(...(await pass(200)))).toBeLessThan(users / 6)

  server(false)
  const while1 = await pass(60), while2 = await pass(600)
  expect(while2.reduce((sum, one) => sum + one) / 600).toBeLessThan(while1.reduce((sum, one) => sum + one) / 60)
  change()
  server(true)
  const back = await pass(400)
  // Those who found something look again every seven seconds for a while: 43 a second.
  expect(Math.max(...back)).toBeLessThan(users / 4)
  expect(told.size).toBe(users)
  ending.abort()
})

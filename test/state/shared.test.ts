// What the processes of a site are promised of the memory they share, with each kind of it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inTurn, type Shared } from '../../src/base/shared.ts'
import { emptyMemory, memories, type Memory } from '../support/memories.ts'

let names = 0

describe.each(memories)('$memory', ({ start }) => {
  let memory: Memory, shared: Shared
  let name: string
  beforeAll(async () => {
    memory = await start()
    shared = await memory.share(emptyMemory())
  })
  afterAll(() => memory?.stop())
  beforeEach(() => void (name = `test:${names++}`))
  const asking = () => ({ shared, client: new AbortController() })

  it('tells what was kept, and nothing of what was not', async () => {
    expect(await shared.recall(name)).toBeUndefined()
    await shared.keep(name, { to: 'a folder', at: [1, 'two', null] }, { seconds: 60 })
    expect(await shared.recall(name)).toEqual({ to: 'a folder', at: [1, 'two', null] })
    await shared.keep(`${name}:c`, false, { seconds: 60 })
    expect(await shared.recallAll([`${name}:b`, name, `${name}:c`])).toEqual([undefined, { to: 'a folder', at: [1, 'two', null] }, false])
    expect(await shared.recallAll([])).toEqual([])
  })

  it('tells what was kept last', async () => {
    for (let n = 1; n <= 30; n++) {
      await shared.keep(name, n, { seconds: 60 })
      expect(await shared.recall(name)).toBe(n)
    }
  })

  it('keeps what is large as well', async () => {
    const large = 'x'.repeat(300_000)
    await shared.keep(name, large, { seconds: 60, size: large.length })
    expect(await shared.recall(name)).toBe(large)
  })

  it('gives a name to one at a time, and again after that', async () => {
    for (let n = 0; n < 10; n++) {
      const hold = await shared.hold(name)
      expect(hold).toBeDefined()
      expect(await shared.hold(name)).toBeUndefined()
      hold!.release()
      await expect.poll(async () => {
        const next = await shared.hold(name)
        next?.release()
        return next !== undefined
      }).toBe(true)
      await expect.poll(async () => (await shared.hold(`${name}:${n}`)) !== undefined).toBe(true)
    }
  })

  it('has those who want the same take turns, so that the second finds what the first did', async () => {
    let running = 0, done = 0
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => inTurn(asking(), name, async () => {
      expect(++running).toBe(1)
      const before = await shared.recall<string>(name)
      if (!before) {
        done++
        await shared.keep(name, 'done', { seconds: 60 })
      }
      running--
      return before
    })))
    expect(done).toBe(1)
    expect(results.filter(result => result === 'done')).toHaveLength(4)
  })

  it('goes on after what was done in turn failed', async () => {
    await expect(inTurn(asking(), name, async () => { throw new Error('no') })).rejects.toThrow('no')
    expect(await inTurn(asking(), name, async () => 'yes')).toBe('yes')
  })

  it('has nobody wait for whom nobody waits', async () => {
    const hold = await shared.hold(name)
    await expect(inTurn({ shared, client: { signal: AbortSignal.abort() } }, name, async () => 'never')).rejects.toMatchObject({ kind: 'busy' })
    hold!.release()
  })

  it('counts, each name by itself', async () => {
    for (let n = 0; n < 5; n++) await shared.count(name, 60)
    expect(await shared.counted([name, `${name}:other`])).toEqual([5, 0])
  })
})

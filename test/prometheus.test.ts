import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMeter, sumOfEnded, sumPage } from '../src/prometheus.ts'
import { sumOfWorkers, type Source } from '../src/worker-numbers.ts'
import { readPage } from './support/numbers.ts'

const meter = () => createMeter({ runtime: false })
const pageOf = async (response: Promise<Response>) => readPage(await (await response).text())

describe('a meter', () => {
  it('names each number before there is any, with what it means', async () => {
    const { types, text } = await pageOf(meter().page())
    expect([...types.keys()].filter(name => !name.startsWith('postern_'))).toEqual([])
    expect(types.get('postern_request_seconds')).toBe('histogram')
    for (const name of types.keys()) expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.{10,}$`, 'm'))
    for (const [name, type] of types) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
  })

  it('adds up whatever is told and whenever it is asked', () => fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(
      fc.record({ ask: fc.constant(true) }),
      fc.record({ use: fc.constantFrom('session', 'watch'), more: fc.constantFrom(1, -1) }),
      fc.record({ backend: fc.constantFrom('imap', 'dav'), seconds: fc.double({ min: 0, max: 100, noNaN: true }), times: fc.integer({ min: 1, max: 600 }) }),
    ), { maxLength: 30 }),
    async steps => {
      const { metrics, page } = meter()
      const uses: Record<string, number> = { session: 0, watch: 0 }, times: Record<string, number> = { imap: 0, dav: 0 }, sums: Record<string, number> = { imap: 0, dav: 0 }
      for (const step of steps) {
        if ('ask' in step) await page()
        else if ('use' in step) {
          metrics.add('imapConnections', { use: step.use }, step.more)
          uses[step.use]! += step.more
        } else {
          const { backend, seconds } = step
          for (let n = 0; n < step.times; n++) {
            metrics.observe('backendSeconds', { operation: 'x', backend }, seconds)
            metrics.add('backendFailures', { operation: 'x', kind: 'busy', backend })
          }
          times[backend]! += step.times
          sums[backend]! += step.times * seconds
        }
      }
      const now = await pageOf(page())
      for (const use of ['session', 'watch']) expect(now.sum('postern_imap_connections', { use })).toBe(uses[use])
      for (const backend of ['imap', 'dav']) {
        expect(now.sum('postern_backend_failures_total', { backend, kind: 'busy' })).toBe(times[backend])
        expect(now.sum('postern_backend_seconds_count', { backend })).toBe(times[backend])
        expect(now.sum('postern_backend_seconds_bucket', { backend, le: '+Inf' })).toBe(times[backend])
        expect(now.sum('postern_backend_seconds_sum', { backend })).toBeCloseTo(sums[backend]!, 3)
      }
    },
  ), { numRuns: 50 }))

  it('keeps labels apart whatever they say', async () => {
    const { metrics, page } = meter()
    metrics.add('cache', { kind: 'a', result: 'b c' })
    metrics.add('cache', { kind: 'a b', result: 'c' })
    metrics.add('cache', { kind: '"\\', result: '' })
    const now = await pageOf(page())
    expect(now.samples.filter(({ name }) => name === 'postern_cache_total').map(({ value }) => value)).toEqual([1, 1, 1])
  })
})

describe('several processes', () => {
  const counted = async (bugs: number, waits: number) => {
    const { metrics, numbers } = meter()
    metrics.add('bugs', {}, bugs)
    metrics.add('waits', {}, waits)
    metrics.observe('waitSeconds', { end: 'changed' }, 20)
    return numbers()
  }

  it('are one page of sums', async () => {
    const now = await pageOf(sumPage([await counted(1, 5), await counted(2, 7)]))
    expect([now.sum('postern_bugs_total'), now.sum('postern_waits'), now.sum('postern_wait_seconds_bucket', { le: '60' })]).toEqual([3, 12, 2])
  })

  it('leave what they counted when they have ended, and nothing of how things stood', async () => {
    const now = await pageOf(sumPage([await sumOfEnded([await sumOfEnded([await counted(1, 5)]), await counted(2, 7)])]))
    expect([now.sum('postern_bugs_total'), now.sum('postern_waits'), now.sum('postern_wait_seconds_count')]).toEqual([3, 0, 2])
  })

  it('never count less than before, whoever ends or is late', async () => {
    const sum = sumOfWorkers(meter())
    const end = Promise.withResolvers<void>()
    let answers = true
    const numbers = [await counted(1, 5), await counted(2, 7)]
    const workers = numbers.map((one, n): Source => ({ count: async () => n === 0 || answers, numbers: () => one, silent: n === 0 ? new Promise(() => {}) : end.promise }))
    workers.forEach(sum.add)
    const look = async () => {
      const now = await pageOf(sum.page())
      return ['bugs_total', 'waits', 'workers', 'workers_silent_total'].map(name => now.sum(`postern_${name}`))
    }
    expect(await look()).toEqual([3, 12, 2, 0])
    answers = false
    expect(await look()).toEqual([3, 5, 2, 1])
    end.resolve()
    await end.promise
    expect(await look()).toEqual([3, 5, 1, 1])
  })
})

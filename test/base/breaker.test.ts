import { describe, expect, it } from 'vitest'
import { breaker } from '../../src/base/breaker.ts'
import { Failure } from '../../src/base/failure.ts'
import { keptLog } from '../support/http.ts'
import { randomBelow } from '../support/fuzz.ts'

function world(random = () => 0.5) {
  let now = 0, tries = 0
  const log = keptLog()
  const { run } = breaker('imap x:143', { failures: 3, windowSeconds: 10, pauseSeconds: 2, mostSeconds: 8 }, { log, now: () => now, random })
  /** `down`, `ok`, or what the server says after it greeted. */
  const ask = (how: string): Promise<string> => run(async alive => {
    tries++
    if (how === 'ok') return 'ok'
    if (how !== 'down') alive()
    throw new Failure(how === 'down' ? 'unavailable' : how as 'auth', how)
  }).catch((error: Failure) => error.message)
  return { ask, run, log, pass: (seconds: number) => { now += seconds * 1000 }, tries: () => tries, messages: () => log.lines.map(({ message }) => message) }
}

const alone = 'imap x:143 does not answer and is left alone'
const leaves = 'server does not answer and is left alone', back = 'server answers again'

describe('a server', () => {
  it('that did not answer so often is left alone for a while, and is tried by one at a time', async () => {
    const { ask, run, pass, tries, messages } = world()
    for (let n = 0; n < 3; n++) expect(await ask('down')).toBe('down')
    expect([await ask('ok'), tries()]).toEqual([alone, 3])
    pass(2.1)
    let answer = (): void => {}
    const slow = run(() => new Promise<void>(resolve => { answer = resolve }))
    expect(await ask('ok')).toBe(alone)
    answer()
    await slow
    expect(await ask('ok')).toBe('ok')
    expect(messages()).toEqual([leaves, back])
  })

  it('is left alone for longer after each try that failed, and no longer than it may', async () => {
    const { ask, pass, messages } = world()
    for (let n = 0; n < 3; n++) await ask('down')
    for (const seconds of [2, 4, 8, 8]) {
      pass(seconds - 0.1)
      expect(await ask('down')).toBe(alone)
      pass(0.2)
      expect(await ask('down')).toBe('down')
    }
    expect(messages()).toEqual([leaves])
  })

  it.each([
    ['failures far from each other', ['down', 'down', 'later', 'down', 'down', 'ok']],
    ['failures with an answer between them', ['down', 'down', 'ok', 'down', 'down', 'ok']],
    ['users whom it refuses', ['auth', 'auth', 'auth', 'auth', 'ok']],
    ['users whose mailbox hangs after the greeting', ['unavailable', 'unavailable', 'unavailable', 'unavailable', 'ok']],
  ])('is not left alone for %s', async (_, answers) => {
    const { ask, pass, messages } = world()
    for (const how of answers) {
      if (how === 'later') pass(11)
      else expect(await ask(how)).toBe(how)
    }
    expect(messages()).toEqual([])
  })

  it('that comes and goes by chance is asked again within its longest pause, and its log has two kinds of lines by turns', async () => {
    const below = randomBelow(7)
    const { ask, pass, messages, tries } = world()
    for (let n = 0; n < 20_000; n++) {
      const before = tries()
      pass(below(100) / 10)
      const answer = await ask(['ok', 'down', 'down', 'auth', 'unavailable'][below(5)]!)
      expect(tries() - before).toBe(answer === alone ? 0 : 1)
    }
    pass(10.1)
    expect(await ask('ok')).toBe('ok')
    expect(await ask('ok')).toBe('ok')
    expect(new Set(messages().map((message, n) => `${n % 2} ${message}`))).toEqual(new Set([`0 ${leaves}`, `1 ${back}`]))
  })

  it('says when it makes sense to come again', async () => {
    const { run, ask } = world()
    for (let n = 0; n < 3; n++) await ask('down')
    await expect(run(async () => 'ok')).rejects.toMatchObject({ kind: 'unavailable', retryAfter: 3 })
  })

  it('tells who comes meanwhile another time each, and is tried itself at another time each', async () => {
    const asked: number[] = [], tried: number[] = []
    for (let n = 0; n < 200; n++) {
      const { run, ask, pass, tries } = world(Math.random)
      for (let times = 0; times < 3; times++) await ask('down')
      asked.push((await run(async () => 'ok').catch((error: Failure) => error) as Failure).retryAfter!)
      for (let waited = 0; tries() === 3; waited += 0.1) {
        pass(0.1)
        await ask('down')
        tried[n] = waited
      }
    }
    const kinds = (times: readonly number[]): number => new Set(times.map(time => time.toFixed(1))).size
    expect([kinds(asked) > 15, kinds(tried) > 7]).toEqual([true, true])
    expect([Math.min(...tried) >= 1.3, Math.max(...tried) <= 2.6]).toEqual([true, true])
  })
})

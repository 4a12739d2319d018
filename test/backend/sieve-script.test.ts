import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ManageSieve } from '../../src/backend/managesieve.ts'
import { mayRun } from '../../src/backend/sieve-commands.ts'
import { isBusy, noFiltering, parseScript, printScript, type Filtering } from '../../src/backend/sieve-script.ts'
import { Failure } from '../../src/base/failure.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { inOffice, type OutOfOffice } from '../../src/model/out-of-office.ts'
import { effort } from '../support/effort.ts'
import { mutations } from '../support/fuzz.ts'
import { golden } from '../support/golden.ts'
import { startHouse, type House } from '../support/live.ts'

const anna = { addresses: ['anna@postern.test', 'anna.alias@postern.test'], domains: ['postern.test', 'example.org'] }
const all = new Set(['vacation', 'envelope', 'date', 'relational', 'include', 'fileinto', 'mailbox'])
const without = (...names: string[]): Set<string> => new Set([...all].filter(name => !names.includes(name)))
const period = { start: new Date('2026-08-03T06:00:00.000Z'), end: new Date('2026-08-17T06:00:00.500Z') }
const reply = (text: string, type: 'text' | 'html' = 'text') => ({ enabled: true, message: { type, text } })
const away = (internal?: OutOfOffice['replies']['internal'], unknown?: OutOfOffice['replies']['unknown'], more = {}): Filtering =>
  ({ ...noFiltering, outOfOffice: { on: true, replies: { ...(internal && { internal }), ...(unknown && { unknown }) }, ...more } })
const filing = { conversation: 'c1', messages: ['1@x', '2"\\@x'], folder: 'f' as FolderId, path: 'Projekte/Größe "1"' }

const cases: readonly [name: string, filtering: Filtering][] = [
  ['nothing', noFiltering],
  ['off-with-text', { ...away(reply('away')), outOfOffice: { on: false, replies: { internal: reply('away') } } }],
  ['everybody', away(reply('I am "away".\n\n# postern include "evil"\r\n.'), reply('I am "away".\n\n# postern include "evil"\r\n.'))],
  ['timed-two-audiences', away(reply('At the sea.'), reply('<p>Clósed</p>', 'html'), { period })],
  ['colleagues-only', away(reply('At the sea.'))],
  ['filings-and-own', { outOfOffice: inOffice, filings: [filing, { ...filing, conversation: 'c2', messages: ['7@x'], path: 'INBOX.Work' }], included: 'my "own"' }],
]

const dates = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
const texts = fc.string({ unit: fc.oneof(fc.constantFrom('"', '\\', '\r\n', '\n', '.', '# postern ', '*/', '${x}', ' '), fc.string({ unit: 'grapheme', maxLength: 1 }), fc.constant('x'.repeat(400))) })
const replies = fc.record({
  enabled: fc.boolean(), message: fc.record({ type: fc.constantFrom('text' as const, 'html' as const), text: texts }),
}, { requiredKeys: ['enabled'] })
const filterings: fc.Arbitrary<Filtering> = fc.record({
  outOfOffice: fc.oneof(
    fc.record({ on: fc.constant(false), replies: fc.record({ internal: replies, known: replies, unknown: replies }, { requiredKeys: [] }) }),
    fc.record({
      on: fc.constant(true), replies: fc.record({ internal: replies, known: replies, unknown: replies }, { requiredKeys: [] }),
      period: fc.record({ start: dates, end: dates }),
    }, { requiredKeys: ['on', 'replies'] }),
  ),
  filings: fc.array(fc.record({
    conversation: fc.string(), folder: fc.string() as fc.Arbitrary<FolderId>, path: fc.stringMatching(/^[\w "\\äß/.-]{1,30}$/),
    messages: fc.array(fc.stringMatching(/^[!-;=?-~]{1,30}$/), { minLength: 1, maxLength: 5 }),
  }), { maxLength: 3 }),
  included: fc.option(fc.stringMatching(/^[\w "\\äß.-]{1,30}$/), { nil: undefined }),
})
const examples = { seed: 5, numRuns: 150 }

describe('the script of Postern', () => {
  it.each(cases)('for %s is as recorded, and reads back', (name, filtering) => {
    const script = printScript(filtering, anna, all)
    golden(`sieve/${name}.sieve`, script.replaceAll('\r\n', '\n'))
    expect(parseScript(script)).toEqual(filtering)
  })

  it('reads back whatever was set, from lines that end one way or the other', () => {
    fc.assert(fc.property(filterings, filtering => {
      const script = printScript(filtering, anna, all)
      expect(parseScript(script)).toEqual(filtering)
      expect(parseScript(script.replaceAll('\r\n', '\n'))).toEqual(filtering)
    }), examples)
  })

  it.each<[string, Filtering, Set<string>]>([
    ['vacation', away(reply('x'), reply('x')), without('vacation')],
    ['envelope', away(reply('x')), without('envelope')],
    ['date', away(reply('x'), reply('x'), { period }), without('date')],
    ['relational', away(reply('x'), reply('x'), { period }), without('relational')],
    ['include', { ...away(reply('x'), reply('x')), included: 'own' }, without('include')],
    ['fileinto', { ...noFiltering, filings: [filing] }, without('fileinto')],
  ])('is refused, by name, where the server lacks %s', (name, filtering, extensions) => {
    expect(() => printScript(filtering, anna, extensions)).toThrow(expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining(name) }))
  })

  it('takes everybody for a stranger where it knows no domain', () => {
    const script = printScript(away(reply('in'), reply('out')), { addresses: [], domains: [] }, all)
    expect(script).toMatch(/not false\) \{\r\n  vacation :days 7 "out"/)
  })

  it('needs nothing that is not used', () => {
    expect(printScript(away(reply('x'), reply('x')), anna, new Set(['vacation']))).not.toContain('envelope')
    expect(printScript({ ...noFiltering, filings: [filing] }, anna, new Set(['fileinto']))).not.toContain('mailboxexists')
    expect([isBusy(away()), isBusy(away(reply(' '))), isBusy(away({ enabled: false }))]).toEqual([false, false, false])
  })

  it.each([
    '', 'keep;', '# postern\r\nkeep;', '# postern version 2\r\n', '# postern version 1\r\n# postern telepathy {}\r\n', '# postern version 1\r\n# postern filing {}\r\n',
    '# postern version 1\r\n# postern out-of-office {"on":\r\n', '# postern version 1\r\n# postern out-of-office {"on":true,"replies":[]}\r\n',
    '# postern version 1\r\n# postern out-of-office {"on":true,"replies":{},"period":{"start":"x","end":"y"}}\r\n', '\r\n# postern version 1\r\n',
  ])('is not taken for one it is not: %j', script => {
    expect(() => parseScript(script)).toThrow(expect.objectContaining({ name: 'Failure', kind: 'conflict' }))
  })

  it('of 20,000 mutated ones is read, or a failure', () => {
    const samples = cases.map(([, filtering]) => Buffer.from(printScript(filtering, anna, all)))
    let read = 0
    for (const octets of mutations(samples, 20_000, 13)) {
      try {
        const filtering = parseScript(Buffer.from(octets).toString())
        // What was read can be written.
        printScript(filtering, anna, all)
        read++
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
      }
    }
    expect(read).toBeGreaterThan(2000)
  })
})

describe("a user's script", () => {
  it.each<[string, boolean]>([
    ['require "vacation";\nvacation "x";', true],
    ['if true { VACATION :days 7 "x"; }', true],
    ['require "vacation"; keep;', false],
    ['# vacation "x";\nkeep;', false],
    ['/* vacation "x"; */ keep;', false],
    ['redirect "vacation";', false],
    ['fileinto text:\nvacation "x";\n.\n; keep;', false],
    ['fileinto text: # what\r\n.\r\n; vacation "x";', true],
    ['# rule:[away]\nif false # true\n{\n\tif true { vacation "x"; }\n}\nkeep;', false],
    ['if false { keep; } vacation "x";', true],
    ['if not false { vacation "x"; }', true],
    ['fileinto "un\\"closed', false],
    ['vacation_seconds "x";', false],
  ])('%j answers mail: %s', (script, answers) => {
    expect(mayRun(script, 'vacation')).toBe(answers)
  })

  it('of a megabyte of nonsense is looked through at once', () => {
    const work = () => ['text:\n', 'text:', '/*', '"', '{', 'if false {', '\\"', 'text:\n.'].forEach(piece => mayRun(piece.repeat(1_000_000 / piece.length), 'vacation'))
    expect(effort(work)).toBeLessThan(5)
  })
})

describe('Pigeonhole', () => {
  let house: House
  let sieve: ManageSieve
  beforeAll(async () => {
    house = await startHouse({ sieve: true, users: 1 })
    sieve = await ManageSieve.open({ host: '127.0.0.1', port: house.sieve.port, security: 'none' }, { kind: 'password', user: 'anna', password: 'secret' })
  })
  afterAll(async () => {
    sieve?.close()
    await house?.stop()
  })

  it('understands every script of Postern', async () => {
    for (const [, filtering] of cases) await sieve.check(printScript(filtering, anna, sieve.extensions))
    await sieve.check(printScript(away(reply('in'), reply('out')), { addresses: [], domains: [] }, sieve.extensions))
    await fc.assert(fc.asyncProperty(filterings, async filtering => {
      const included = filtering.included?.trim().replaceAll('\\', '')
      await sieve.check(printScript({ ...filtering, included: included || undefined }, anna, sieve.extensions))
    }), examples)
  })
})

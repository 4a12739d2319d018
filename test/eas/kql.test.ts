import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { parseKql } from '../../src/eas/kql.ts'
import type { MailQuery } from '../../src/model/query.ts'
import { mutations } from '../support/fuzz.ts'

/** A Monday afternoon. */
const now = new Date('2026-11-23T15:00:00Z')

/** As a person would write it with all its parentheses. */
function print(query: MailQuery): string {
  switch (query.kind) {
    case 'and': case 'or': return `(${query.of.map(print).join(` ${query.kind} `)})`
    case 'not': return `not ${print(query.of)}`
    case 'text': return `[${query.text}]`
    case 'body': return `body[${query.text}]`
    case 'field': return `${query.field}[${query.text}]`
    case 'since': return `since ${query.at.toISOString().replace(/(T00:00)?:00\.000Z$/, '')}`
    case 'before': return `before ${query.at.toISOString().replace(/(T00:00)?:00\.000Z$/, '')}`
    case 'flag': return query.flag
    case 'attachment': return 'attachment'
  }
}

describe('a KQL query', () => {
  it.each([
    ['hello', '[hello]'],
    ['hello world', '([hello] and [world])'],
    // Trap 34
    ['a AND b', '([a] and [b])'],
    ['a and b', '([a] and [and] and [b])'],
    ['a OR b c', '([a] or ([b] and [c]))'],
    ['(a OR b) c', '(([a] or [b]) and [c])'],
    ['"exact words" more', '([exact words] and [more])'],
    ['a NOT b', '([a] and not [b])'],
    ['a -b', '([a] and not [b])'],
    ['a +b', '([a] and [b])'],
    ['NOT NOT a', '[a]'],
    ['-"a b"', 'not [a b]'],
    ['well-known e-mail', '([well-known] and [e-mail])'],
    ['sub*', '[sub]'],
    ['Grüße 日本語', '([Grüße] and [日本語])'],
    ['from:anna', 'from[anna]'],
    ['FROM:"Anna B"', 'from[Anna B]'],
    ['from=anna@x.test', 'from[anna@x.test]'],
    ['from:anna from:bob', '(from[anna] or from[bob])'],
    ['from:anna AND from:bob', '(from[anna] and from[bob])'],
    ['from:anna x from:bob to:carol', '((from[anna] or from[bob]) and [x] and to[carol])'],
    ['from:(anna OR bob)', '(from[anna] or from[bob])'],
    ['subject:(a b)', '(subject[a] and subject[b])'],
    ['participants:x', '(from[x] or to[x] or cc[x] or bcc[x])'],
    ['subject:report body:money', '(subject[report] and body[money])'],
    ['subject<>report', 'not subject[report]'],
    ['hasattachment:true', 'attachment'],
    ['hasattachment:no', 'not attachment'],
    ['isread:false isflagged:yes', '(not \\Seen and \\Flagged)'],
    ['importance:high', 'importance[high]'],
    ['importance:normal', 'not (importance[high] or importance[low])'],
    ['received:today', '(since 2026-11-23 and before 2026-11-24)'],
    ['received:yesterday', '(since 2026-11-22 and before 2026-11-23)'],
    ['received:"this week"', '(since 2026-11-23 and before 2026-11-30)'],
    ['received:"last month"', '(since 2026-10-01 and before 2026-11-01)'],
    ['received:2026-10-05', '(since 2026-10-05 and before 2026-10-06)'],
    ['received:10/5/2026', '(since 2026-10-05 and before 2026-10-06)'],
    ['received:5.10.2026', '(since 2026-10-05 and before 2026-10-06)'],
    ['received>=2026-10-05 received<2026-10-07', '(since 2026-10-05 and before 2026-10-07)'],
    ['received>2026-10-05', 'since 2026-10-06'],
    ['received<=2026-10-05', 'before 2026-10-06'],
    ['received:2026-10-05..2026-10-07', '(since 2026-10-05 and before 2026-10-08)'],
    ['received<2026-10-05T08:30:00Z', 'before 2026-10-05T08:30'],
    // What is no operator, or is broken, is a word.
    ['Re: offer', '([Re:] and [offer])'],
    ['http://x.test/a?b=c', '[http://x.test/a?b=c]'],
    ['10:30', '[10:30]'],
    ['unknown:thing', '[unknown:thing]'],
    ['unknown:"two words"', '[unknown:two words]'],
    ['received:sometime', '[received:sometime]'],
    ['hasattachment:maybe', '[hasattachment:maybe]'],
    ['"never closed', '[never closed]'],
    ['(a (b', '([a] and [b])'],
    ['a) b)', '([a] and [b])'],
    ['OR a OR', '[a]'],
    ['AND a AND', '[a]'],
    ['a NOT', '[a]'],
    ['constructor:x __proto__', '([constructor:x] and [__proto__])'],
  ])('%s means %s', (text, meaning) => expect(print(parseKql(text, now))).toBe(meaning))

  it.each(['', '   ', '()', '"" ()', 'AND OR', '-', ') (', '*'])('%j asks for nothing', text =>
    expect(() => parseKql(text, now)).toThrow(expect.objectContaining({ kind: 'malformed' })))

  it.each([
    ['characters', 'x'.repeat(3000)], ['terms', 'x '.repeat(60)], ['parentheses', `${'('.repeat(40)}x`], ['signs', 'NOT ('.repeat(30)],
  ])('of too many %s is refused', (_, text) => expect(() => parseKql(text, now)).toThrow(expect.objectContaining({ kind: 'too-large' })))

  it('of any characters is a query or a failure, soon', () => {
    const samples = [
      'from:(anna OR bob) AND NOT "exact words" -x received:2026-10-05..2026-10-07 subject<>a',
      '((a OR b) c) hasattachment:true received>="last week" importance:high NEAR x*',
    ].map(text => Buffer.from(text))
    for (const bytes of mutations(samples, 20_000, 34)) {
      try {
        const query = parseKql(Buffer.from(bytes).toString('utf8'), now)
        expect(typeof print(query)).toBe('string')
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  })
})

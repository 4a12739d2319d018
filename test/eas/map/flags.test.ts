// Follow-up flags and categories as IMAP flags and keywords, both ways: traps 16 to 18.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { categoryOf, keywordOf } from '../../../src/eas/map/category.ts'
import { editFlags, flagNodes, hearFlags } from '../../../src/eas/map/flags.ts'
import { decode, el, encodeSync, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { mutations } from '../../support/fuzz.ts'

const hear = (...nodes: Node[]) => hearFlags(decode(encodeSync(el('AirSync:ApplicationData', nodes))))
/** What becomes of the flags of a message when a client says this. */
function after(flags: readonly string[], ...nodes: Node[]): string[] {
  const { add, remove } = editFlags(hear(...nodes), new Set(flags))
  return [...new Set([...flags.filter(flag => !remove.includes(flag)), ...add])].sort()
}
const told = (flags: readonly string[], version: Parameters<typeof flagNodes>[1] = '16.1') => {
  const { children } = decode(encodeSync(el('AirSync:ApplicationData', flagNodes(new Set(flags), version))))
  return Object.fromEntries(children.map(({ tag, text, children: inner }) =>
    [tag, inner.length ? inner.map(one => `${one.tag.split(':')[1]} ${one.text}`) : text]))
}
const flag = (...nodes: Node[]): Node => el('Email:Flag', nodes)
const dates = (start: string, utcStart: string, due: string, utcDue: string): Node[] =>
  ([['Tasks:StartDate', start], ['Tasks:UtcStartDate', utcStart], ['Tasks:DueDate', due], ['Tasks:UtcDueDate', utcDue]] as const)
    .map(([tag, time]) => el(tag, `${time}:00.000Z`))
const week = dates('2026-11-24T00:00', '2026-11-23T23:00', '2026-11-27T00:00', '2026-11-26T23:00')
const active = el('Email:Status', '2'), complete = el('Email:Status', '1'), type = el('Email:FlagType', 'for Follow Up')
const start = '$Postern-start-2026-11-24T00:00+01:00', due = '$Postern-due-2026-11-27T00:00+01:00'

describe('a flag (trap 16)', () => {
  it.each<[string, string[], Node[], string[]]>([
    ['set', [], [flag(active, type)], ['\\Flagged']],
    ['set with dates', [], [flag(active, type, ...week)], [due, start, '\\Flagged']],
    ['set with a reminder', [], [flag(active, el('Tasks:ReminderSet', '1'), el('Tasks:ReminderTime', '2026-11-24T07:30:10.000Z'))],
      ['$Postern-remind-2026-11-24T07:30Z', '\\Flagged']],
    ['set without dates where it had some', ['\\Flagged', start, due, 'Work'], [flag(active, type)], ['Work', '\\Flagged']],
    ['set again after it was completed', ['$Completed', '$Postern-done-2026-11-24T08:00+00:00'], [flag(active)], ['\\Flagged']],
    ['completed', ['\\Flagged', start, due], [flag(complete)], ['$Completed', due, start]],
    ['completed at a time', ['\\Flagged'], [flag(complete, el('Email:CompleteTime', '2026-11-24T08:00:00.000Z'), el('Tasks:DateCompleted', '2026-11-24T09:00:00.000Z'))],
      ['$Completed', '$Postern-done-2026-11-24T09:00+01:00']],
    ['cleared by Status 0', ['\\Flagged', start, due], [flag(el('Email:Status', '0'))], []],
    ['cleared by an empty element', ['\\Seen', '$Completed', '$Postern-remind-2026-11-24T07:30Z', '$Junk'], [flag()], ['$Junk', '\\Seen']],
    ['edited in its due date only', ['\\Flagged', start, due], [flag(el('Tasks:DueDate', '2026-12-01T00:00:00.000Z'), el('Tasks:UtcDueDate', '2026-11-30T23:00:00.000Z'))],
      ['$Postern-due-2026-12-01T00:00+01:00', start, '\\Flagged']],
    ['without its reminder any more', ['\\Flagged', '$Postern-remind-2026-11-24T07:30Z'], [flag(el('Tasks:ReminderSet', '0'))], ['\\Flagged']],
    ['of its own words', [], [flag(active, el('Email:FlagType', 'Für später'))], ['$Postern-type-cat--Frspter-ca08ozg', '\\Flagged']],
    ['of more words than there is room for', [], [flag(active, el('Email:FlagType', 'x'.repeat(80)))], ['\\Flagged']],
    ['by a time of the other form, and a zone west of Greenwich', [], [flag(active, el('Tasks:StartDate', '20261124T000000Z'), el('Tasks:UtcStartDate', '20261124T033000Z'),
      el('Tasks:DueDate', '20261124T000000Z'), el('Tasks:UtcDueDate', '20261124T033000Z'))],
    ['$Postern-due-2026-11-24T00:00-03:30', '$Postern-start-2026-11-24T00:00-03:30', '\\Flagged']],
    ['not spoken of', ['\\Flagged', due], [el('Email:Read', '1')], [due, '\\Flagged', '\\Seen']],
  ])('%s', (_, flags, nodes, expected) => {
    expect(after(flags, ...nodes)).toEqual(expected.sort())
  })

  it.each<[string, Node[]]>([
    ['a status that is none', [el('Email:Status', '3')]],
    ['a start without an end', [active, ...week.slice(0, 2)]],
    ['three of the four dates', [active, ...week.slice(0, 3)]],
    ['an end before its start', [active, ...dates('2026-11-24T00:00', '2026-11-23T23:00', '2026-11-23T00:00', '2026-11-22T23:00')]],
    ['an end before its start in UTC', [active, ...dates('2026-11-24T00:00', '2026-11-24T01:00', '2026-11-24T00:00', '2026-11-23T23:00')]],
    ['a reminder without its time', [active, el('Tasks:ReminderSet', '1')]],
    ['a reminder that is neither', [active, el('Tasks:ReminderSet', '2')]],
    ['a time that is none', [active, ...dates('2026-13-24T00:00', '2026-11-23T23:00', '2026-11-27T00:00', '2026-11-26T23:00')]],
    ['a zone of a week', [el('Tasks:DueDate', '2026-11-24T00:00:00.000Z'), el('Tasks:UtcDueDate', '2026-11-17T00:00:00.000Z')]],
  ])('with %s is malformed', (_, nodes) => {
    expect(() => hear(flag(...nodes))).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it.each([
    [[], ''],
    [['\\Flagged'], ['Status 2', 'FlagType Flag for follow up']],
    [['\\Flagged', start, due, '$Postern-remind-2026-11-24T07:30Z'], [
      'Status 2', 'FlagType Flag for follow up', 'StartDate 2026-11-24T00:00:00.000Z', 'DueDate 2026-11-27T00:00:00.000Z',
      'UtcStartDate 2026-11-23T23:00:00.000Z', 'UtcDueDate 2026-11-26T23:00:00.000Z', 'ReminderSet 1', 'ReminderTime 2026-11-24T07:30:00.000Z',
    ]],
    [['\\Flagged', start.toLowerCase(), due.toUpperCase()], expect.arrayContaining(['DueDate 2026-11-27T00:00:00.000Z'])],
    [['$completed'], ['Status 1', 'FlagType Flag for follow up']],
    [['$Completed', '$Postern-done-2026-11-24T09:00+01:00'], [
      'Status 1', 'FlagType Flag for follow up', 'DateCompleted 2026-11-24T09:00:00.000Z', 'CompleteTime 2026-11-24T08:00:00.000Z',
    ]],
    [['\\Flagged', '$Completed'], ['Status 2', 'FlagType Flag for follow up']],
    [[due, '$Postern-remind-2026-11-24T07:30Z'], ''],
    [['\\Flagged', start, due, '$Postern-due-2026-11-28T00:00+01:00'], expect.arrayContaining(['DueDate 2026-11-28T00:00:00.000Z'])],
    [['\\Flagged', '$Postern-due-nonsense', '$Postern-start-2026-99-99T00:00+01:00', '$Postern-remind-x', '$Postern-type-cat--??'], ['Status 2', 'FlagType Flag for follow up']],
  ])('by %j is told as %j', (flags, expected) => {
    expect(told(flags)['Email:Flag']).toEqual(expected)
  })

  it('is told as it was heard, dates and all', () => {
    const times = fc.integer({ min: 0, max: 40_000_000 }), zones = fc.integer({ min: -24 * 60, max: 24 * 60 })
    fc.assert(fc.property(times, fc.nat(100_000), zones, fc.string({ minLength: 1, maxLength: 8 }), (begin, length, zone, words) => {
      const at = (minute: number): string => new Date(minute * 60_000).toISOString()
      const values: [Tag, string][] = [
        ['Tasks:StartDate', at(begin + zone)], ['Tasks:DueDate', at(begin + length + zone)],
        ['Tasks:UtcStartDate', at(begin)], ['Tasks:UtcDueDate', at(begin + length)], ['Tasks:ReminderSet', '1'], ['Tasks:ReminderTime', at(begin)],
      ]
      const flags = after([], flag(active, el('Email:FlagType', words.trim() || 'x'), ...values.map(([tag, value]) => el(tag, value))))
      expect(told(flags)['Email:Flag']).toEqual(expect.arrayContaining(values.map(([tag, value]) => `${tag.slice(6)} ${value}`)))
      for (const keyword of flags) expect(keyword).toMatch(/^\\?[A-Za-z0-9$_.+:-]{1,50}$/)
    }))
  })
})

describe('categories (trap 18)', () => {
  const categories = (...names: string[]): Node => el('Email:Categories', names.map(name => el('Email:Category', name)))

  it.each([
    ['Work', 'Work'], ['Red.Category_1-a', 'Red.Category_1-a'], ['Red Category', 'cat--RedCategory-da'], ['Büro', 'cat--Bro-gza'],
    ['Junk', 'cat--Junk-'], ['old', 'cat--old-'], ['$Label1', 'cat--Label1-2a'], ['cat--x', 'cat--cat--x-'], ['[]%*(){}"\\', undefined], ['50 %', undefined],
    ['Командировки и поездки', undefined], ['出張', undefined], ['-', 'cat----'],
  ])('%s is the keyword %s', (name, keyword) => {
    const actual = keywordOf(name)!
    if (keyword) expect(actual).toBe(keyword)
    expect(actual).toMatch(/^[A-Za-z0-9._-]{1,50}$/)
    expect(categoryOf(actual)).toBe(name)
  })

  it('that are too long are not kept', () => {
    expect([keywordOf('x'.repeat(50)), keywordOf('x'.repeat(51))]).toEqual(['x'.repeat(50), undefined])
    expect(editFlags(hear(categories('ok', 'x'.repeat(51))), new Set())).toEqual({ add: ['ok'], remove: [], unkept: 1 })
  })

  it.each([
    '$Junk', '$NotJunk', 'NonJunk', 'Junk', '$Forwarded', 'Forwarded', '$MDNSent', '\\Seen', '\\Flagged', '$label1', '$Completed', due, 'cat--', 'cat--x', 'cat--a-!',
    'b&apw-ro', 'KMAILFORWARDED', 'JunkRecorded',
  ])('%s is none', keyword => {
    expect(categoryOf(keyword)).toBeUndefined()
    expect(after([keyword, 'Work'], categories())).toEqual([keyword])
    expect(told([keyword])['Email:Categories']).toBe('')
  })

  it.each<[string, string[], Node[], string[]]>([
    ['are added', ['\\Seen'], [categories('Work', 'Red Category')], ['Work', '\\Seen', 'cat--RedCategory-da']],
    ['are replaced', ['Work', 'Home', '$Junk'], [categories('Home', 'New')], ['$Junk', 'Home', 'New']],
    ['are all removed by an empty element', ['Work', 'cat--RedCategory-da', 'NonJunk'], [categories()], ['NonJunk']],
    ['stay where a change leaves them out', ['Work'], [el('Email:Read', '1')], ['Work', '\\Seen']],
    ['are the same in any letter case, as keywords are', ['work'], [categories('Work')], ['work']],
    ['are one, however often they are named', [], [categories('a', ' a ', 'a')], ['a']],
    ['lose what no name can hold', [], [categories('a\u0007b', '', '  ')], ['ab']],
  ])('%s', (_, flags, nodes, expected) => {
    expect(after(flags, ...nodes)).toEqual(expected.sort())
  })

  it('are 300 at most, in either direction', () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `c${n}`)
    expect(after([], categories(...names(300)))).toHaveLength(300)
    expect(() => hear(categories(...names(301)))).toThrow(expect.objectContaining({ kind: 'malformed' }))
    expect(told(names(301))['Email:Categories']).toHaveLength(300)
  })

  it('are told by 14.0 and later, flags by 12.0 and later', () => {
    expect(Object.keys(told(['Work', '\\Flagged'], '2.5'))).toEqual(['Email:Read'])
    expect(Object.keys(told(['Work', '\\Flagged'], '12.1'))).toEqual(['Email:Read', 'Email:Flag'])
    expect(told(['Work', 'cat--Bro-gza'], '14.0')['Email:Categories']).toEqual(['Category Büro', 'Category Work'])
  })

  it('that are heard are told, whatever they are called', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), { maxLength: 10 }), names => {
      const heard = hear(categories(...names)).categories!
      const kept = heard.filter(name => keywordOf(name))
      // Letter case is not kept apart, as in IMAP.
      const apart = new Map(kept.map(name => [keywordOf(name)!.toLowerCase(), name]))
      fc.pre(apart.size === kept.length)
      const list = told(after([], categories(...names)))['Email:Categories']
      expect(list === '' ? [] : list).toEqual(kept.sort().map(name => `Category ${name}`))
    }))
  })
})

it('LastVerbExecuted is what was done to a message (trap 17)', () => {
  expect([told([])['Email2:LastVerbExecuted'], told(['\\Answered'])['Email2:LastVerbExecuted'], told(['$Forwarded'])['Email2:LastVerbExecuted']])
    .toEqual([undefined, '1', '3'])
  expect(told(['\\Answered', '$RepliedAll'])['Email2:LastVerbExecuted']).toBe('2')
  expect(told(['\\Answered'], '12.1')['Email2:LastVerbExecuted']).toBeUndefined()
})

describe('a change', () => {
  it.each<[string, Node[], string[], string[]]>([
    ['read', [el('Email:Read', '1')], ['\\Seen'], []], ['unread', [el('Email:Read', '0')], [], ['\\Seen']],
    ['both', [el('Email:Read', '1'), flag()], ['\\Seen'], ['\\Flagged']], ['neither', [el('Email:Subject', 'x')], [], []],
  ])('is heard: %s', (_, nodes, add, remove) => {
    expect(editFlags(hear(...nodes), new Set())).toEqual({ add, remove, unkept: 0 })
  })

  it.each([el('Email:Read', 'true'), el('Email:Read')])('to what there is not is malformed', node => {
    expect(() => hear(node)).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('is an edit or a failure, whatever octets come', () => {
    const sample = encodeSync(el('AirSync:ApplicationData', [
      el('Email:Read', '1'), flag(active, type, ...week, el('Tasks:ReminderSet', '1'), el('Tasks:ReminderTime', '2026-11-24T07:30:10.000Z')),
      el('Email:Categories', [el('Email:Category', 'Büro')]),
    ]))
    for (const bytes of mutations([sample], 3000, 5)) {
      try {
        for (const keyword of editFlags(hearFlags(decode(bytes)), new Set(['Work', due])).add) expect(keyword).toMatch(/^\\?[!-~]{1,50}$/)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
      }
    }
  })
})

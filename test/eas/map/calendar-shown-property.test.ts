import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hear, removeOne, say } from '../../../src/eas/map/calendar.ts'
import { isExpressible } from '../../../src/eas/map/calendar-values.ts'
import { readEvent } from '../../../src/formats/event-read.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { calendarOf } from '../../support/events.ts'
import { linesOf } from '../../support/object-diff.ts'
import { occurrencesBy, shownBy, startsTold } from '../../support/shown.ts'
import { icalStarts } from '../../support/starts.ts'

const day = 86_400_000
const compact = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
const some = <T>(values: readonly T[]): fc.Arbitrary<string> => fc.uniqueArray(fc.constantFrom(...values), { minLength: 2, maxLength: 4 }).map(list => list.join(','))
const monthDays = [1, 2, 5, 14, 15, 16, 20, 28, 30, 31], nthDays = ['1MO', '2TU', '3TU', '4TU', '1WE', '2FR', '-1FR', '-1SU']
const part = fc.oneof(
  some(monthDays).map(list => `FREQ=MONTHLY;BYMONTHDAY=${list}`),
  some(nthDays).map(list => `FREQ=MONTHLY;BYDAY=${list}`),
  fc.tuple(some([1, 3, 4, 7, 10, 12]), fc.constantFrom(1, 15, 28)).map(([months, date]) => `FREQ=YEARLY;BYMONTH=${months};BYMONTHDAY=${date}`),
  some([2, 5, 9]).map(months => `FREQ=DAILY;BYMONTH=${months}`),
  some(['MO', 'WE', 'FR', 'SU']).map(days => `FREQ=MONTHLY;BYDAY=${days};BYSETPOS=2,-1`),
)
const series = fc.record({
  rule: part, interval: fc.constantFrom(1, 1, 2), count: fc.constantFrom(undefined, undefined, 7, 60),
  start: fc.integer({ min: 0, max: 2500 }), now: fc.integer({ min: 0, max: 2500 }), later: fc.integer({ min: 0, max: 500 }), which: fc.nat(),
  date: fc.option(fc.integer({ min: 0, max: 600 })),
})
const first = Date.UTC(2022, 0, 1)

it('whatever the rule, what is shown is what there is of it; given back it is no change; one that goes is one less', { timeout: 300_000 }, () => {
  let compared = 0
  fc.assert(fc.property(series, ({ rule, interval, count, start, now, later, which, date }) => {
    // Of a start that is none of the rule, ical.js and RFC 5545 do not think alike.
    const begin = icalStarts(rule, first + start * day, Infinity, 2)[1]!
    const local = compact(begin).slice(0, 8), extra = date === null ? '' : `\nRDATE;TZID=Europe/Berlin:${compact(begin + date * day).slice(0, 8)}T100000`
    const octets = calendarOf(`DTSTART;TZID=Europe/Berlin:${local}T100000\nDTEND;TZID=Europe/Berlin:${local}T104500\nSUMMARY:x\n` +
      `RRULE:${rule};INTERVAL=${interval}${count ? `;COUNT=${count}` : ''}${extra}`)
    const context = contextOf('16.1', { now: new Date(first + now * day) })
    if (isExpressible(readEvent(octets, context))) return
    const data = arrived(say(octets, context)), starts = startsTold(data, false), seen = shownBy(data, false)
    const to = starts.at(-1)! + day / 2
    expect(seen).toEqual(occurrencesBy(octets, starts[0]! - day / 4, to))
    const after = contextOf('16.1', { now: new Date(first + (now + later) * day) })
    expect(Buffer.compare(hear(octets, data, after), octets)).toBe(0)
    const gone = seen[which % seen.length]!, at = Date.parse(`${gone.slice(0, 16)}Z`)
    if (seen.length > 1) {
      const less = removeOne(octets, compact(at), after)
      expect(linesOf(less).filter(line => /> EXDATE/.test(line))).toHaveLength(1)
      expect(occurrencesBy(less, starts[0]! - day / 4, to)).toEqual(seen.filter(one => one !== gone))
    }
    compared++
  }), { numRuns: 600, seed: 52 })
  expect(compared).toBeGreaterThan(400)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergedFreeBusy, type BusyPeriod, type Busyness } from '../../src/formats/free-busy.ts'

const at = (time: string): number => Date.parse(`2026-12-07T${time}Z`)
const period = (start: string, end: string, busy: Busyness): BusyPeriod => ({ start: at(start), end: at(end), busy })
const away = [period('12:00:00', '12:05:00', 3)]

// [MS-ASCMD] MergedFreeBusy; trap 65
describe('free and busy by the half hour (trap 65)', () => {
  it.each<[what: string, from: string, to: string, periods: readonly BusyPeriod[], digits: string]>([
    ['half an hour is one digit', '13:00:00', '13:30:00', [], '0'],
    ['a second more before is another', '12:59:59', '13:30:00', [], '00'],
    ['a second more behind is another', '13:00:00', '13:30:01', [], '00'],
    ['five minutes are a half hour', '12:00:00', '13:00:00', away, '30'],
    ['digits count from the start, wherever that is', '12:04:59', '13:00:00', away, '30'],
    ['what is over when the span begins is not told', '12:05:00', '13:00:00', away, '00'],
    ['the highest is told', '08:00:00', '09:00:00', [period('08:00:00', '08:30:00', 1), period('08:29:59', '08:40:00', 2)], '22'],
    ['no data is above all', '08:00:00', '09:00:00', [period('08:00:00', '09:00:00', 4), period('08:00:00', '08:10:00', 3)], '44'],
    ['what goes on before and behind', '08:00:00', '09:00:00', [period('00:00:00', '23:00:00', 2)], '22'],
    ['what takes no time', '08:00:00', '09:00:00', [period('08:10:00', '08:10:00', 2)], '00'],
    ['what ends with the half hour', '08:00:00', '09:00:00', [period('08:00:00', '08:30:00', 2)], '20'],
  ])('%s', (_what, from, to, periods, digits) => expect(mergedFreeBusy(at(from), at(to), periods)).toBe(digits))

  it('is what looking at each millisecond of a half hour would tell', () => {
    const times = fc.integer({ min: -200, max: 400 })
    fc.assert(fc.property(times, fc.integer({ min: 1, max: 300 }), fc.array(fc.record({
      start: times, length: fc.integer({ min: 0, max: 200 }), busy: fc.constantFrom<Busyness>(0, 1, 2, 3, 4),
    }), { maxLength: 8 }), (start, length, list) => {
      const minute = 60_000
      const periods = list.map(one => ({ start: one.start * minute, end: (one.start + one.length) * minute, busy: one.busy }))
      const slow = Array.from({ length: Math.ceil(length / 30) }, (_, slot) => {
        const minutes = Array.from({ length: 30 }, (_, n) => start + slot * 30 + n).filter(one => one < start + length)
        return Math.max(0, ...list.filter(one => minutes.some(n => n >= one.start && n < one.start + one.length)).map(({ busy }) => busy))
      }).join('')
      expect(mergedFreeBusy(start * minute, (start + length) * minute, periods)).toBe(slow)
    }))
  })
})

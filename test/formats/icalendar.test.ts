import { expect, it } from 'vitest'
import { parseCalendar, parseDateTime, parseDuration, parseRule, property, textValue } from '../../src/formats/icalendar.ts'
import { effort } from '../support/effort.ts'

const event = (...lines: string[]) => parseCalendar(['BEGIN:VCALENDAR', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n')).components[0]!

it('lines are unfolded, names in upper case, parameters taken apart', () => {
  const one = event('summary;LANGUAGE=de;X-A="a:b;c,d";x-b=:Gr\u00fc', ' \u00dfe\\, \\nund', '\t so', 'ATTENDEE;CN="Doe, John":mailto:j@x')
  expect(property(one, 'SUMMARY')).toEqual({
    name: 'SUMMARY', parameters: { LANGUAGE: 'de', 'X-A': 'a:b;c,d', 'X-B': '' }, value: 'Gr\u00fc\u00dfe\\, \\nund so',
  })
  expect(textValue(one, 'SUMMARY')).toBe('Gr\u00fc\u00dfe, \nund so')
  expect(property(one, 'ATTENDEE')?.parameters).toEqual({ CN: 'Doe, John' })
})

it('one line that is none, and what does not end, spoil nothing', () => {
  const calendar = parseCalendar('x\nBEGIN:VCALENDAR\n???\nBEGIN:VEVENT\nUID:a\nBEGIN:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nUID:b\nEND:VTODO')
  expect(calendar.components.map(one => [property(one, 'UID')?.value, one.components.length])).toEqual([['a', 1], ['b', 0]])
})

it.each(['', 'BEGIN:VEVENT\nEND:VEVENT', `BEGIN:VCALENDAR\n${'BEGIN:X\n'.repeat(50)}`])('what is no calendar is malformed', text => {
  expect(() => parseCalendar(text)).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('a megabyte of quotes takes no time to speak of', () => {
  const lines = ['A;B="'.repeat(200_000), `A;B=${'"a"'.repeat(300_000)}`, `A${';'.repeat(900_000)}`]
  expect(effort(() => lines.forEach(line => parseCalendar(`BEGIN:VCALENDAR\n${line}`)))).toBeLessThan(5)
})

it.each([
  ['20261123', '2026-11-23T00:00:00.000Z', false, true], ['20261123T081500', '2026-11-23T08:15:00.000Z', false, false],
  ['20261123T081500Z', '2026-11-23T08:15:00.000Z', true, false], ['2026-11-23T08:15:00Z', '2026-11-23T08:15:00.000Z', true, false],
  ['16010101T000000', '1601-01-01T00:00:00.000Z', false, false], ['20261123T240000', '2026-11-24T00:00:00.000Z', false, false],
])('the time %s', (value, local, utc, dateOnly) => {
  expect(parseDateTime(value)).toEqual({ local: Date.parse(local), utc, dateOnly })
})

it.each(['', 'x', '20260230', '20261301', '20261123T2561', '2026112', 'P1D'])('%s is no time', value => {
  expect(parseDateTime(value)).toBeUndefined()
})

it.each([
  ['PT1H30M', 5400], ['P1D', 86_400], ['-PT15M', -900], ['P1W', 604_800], ['P1DT2H', 93_600], ['+PT0S', 0],
  ['P', undefined], ['PT', undefined], ['15M', undefined],
])('the duration %s', (value, seconds) => {
  expect(parseDuration(value)).toBe(seconds === undefined ? undefined : seconds * 1000)
})

it('a rule is its parts', () => {
  expect(parseRule('freq=weekly;BYDAY=MO,TU;;x')).toEqual({ FREQ: 'WEEKLY', BYDAY: 'MO,TU' })
})

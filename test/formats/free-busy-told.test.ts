import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { freeBusyRequest, mergedFreeBusy, readFreeBusy } from '../../src/formats/free-busy.ts'
import { mutations } from '../support/fuzz.ts'

const start = Date.parse('2026-12-07T08:00:00Z'), end = Date.parse('2026-12-07T11:00:00Z')
const whole = ['DTSTART:20261207T000000Z', 'DTEND:20261208T000000Z']
const calendar = (...components: readonly (readonly string[])[]): Buffer => Buffer.from(
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...components.flatMap(lines => ['BEGIN:VFREEBUSY', ...lines, 'END:VFREEBUSY']), 'END:VCALENDAR', ''].join('\r\n'))
const digits = (octets: Buffer): string | undefined => {
  const periods = readFreeBusy(octets, start, end)
  return periods && mergedFreeBusy(start, end, periods)
}

describe('VFREEBUSY tells', () => {
  it.each<[string, string[], string]>([
    ['nobody busy', [], '000000'],
    ['a period by its end', ['FREEBUSY:20261207T083000Z/20261207T090000Z'], '020000'],
    ['a period by its length', ['FREEBUSY:20261207T083000Z/PT1H'], '022000'],
    ['several of a line', ['FREEBUSY:20261207T080000Z/PT5M,20261207T103000Z/PT5M'], '200002'],
    ['each kind', ['FREEBUSY;FBTYPE=FREE:20261207T080000Z/PT30M', 'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261207T083000Z/PT30M', 'FREEBUSY;FBTYPE=BUSY:20261207T090000Z/PT30M',
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261207T093000Z/PT30M', 'FREEBUSY;FBTYPE=X-OTHER:20261207T100000Z/PT30M', 'FREEBUSY;fbtype="busy":20261207T103000Z/PT30M'], '012322'],
    ['an empty line for nobody busy', ['FREEBUSY:'], '000000'],
    ['what is no period for no data', ['FREEBUSY:20261207T083000Z/20261207T090000Z,tomorrow'], '444444'],
    ['times of nobody’s clocks for no data', ['FREEBUSY:20261207T083000/20261207T090000'], '444444'],
    ['a period that ends before it begins for no data', ['FREEBUSY:20261207T093000Z/20261207T090000Z'], '444444'],
  ])('%s', (_, lines, expected) => expect(digits(calendar([...whole, ...lines]))).toBe(expected))

  it.each<[string, Buffer, string | undefined]>([
    ['nothing before it begins and after it ends', calendar(['DTSTART:20261207T083000Z', 'DTEND:20261207T103000Z']), '400004'],
    ['all where it has no bounds', calendar(['FREEBUSY:20261207T083000Z/PT30M']), '020000'],
    ['all of several', calendar([...whole, 'FREEBUSY:20261207T080000Z/PT30M'], [...whole, 'FREEBUSY:20261207T103000Z/PT30M']), '200002'],
    ['nothing where its bounds are none', calendar(['DTSTART:today', 'DTEND:20261208T000000Z']), '444444'],
    ['nothing where it is over', calendar(['DTSTART:20261206T000000Z', 'DTEND:20261206T010000Z']), '444444'],
    ['nothing, and is another thing', calendar(), undefined],
  ])('%s', (_, octets, expected) => expect(digits(octets)).toBe(expected))

  it('and what is no calendar is refused', () => expect(() => readFreeBusy(Buffer.from('<html>'), start, end)).toThrow(Failure))
})

it('periods that are written are read as they were', () => {
  const line = (at: number, minutes: number): string => `FREEBUSY:${new Date(start + at * 60_000).toISOString().replace(/[-:]|\.\d+/g, '')}/PT${minutes}M`
  const periods = fc.array(fc.record({ at: fc.integer({ min: -300, max: 300 }), minutes: fc.integer({ min: 1, max: 200 }) }), { maxLength: 10 })
  fc.assert(fc.property(periods, list => {
    expect(digits(calendar([...whole, ...list.map(({ at, minutes }) => line(at, minutes))])))
      .toBe(mergedFreeBusy(start, end, list.map(({ at, minutes }) => ({ start: start + at * 60_000, end: start + (at + minutes) * 60_000, busy: 2 }))))
  }))
})

it('a request asks for all of them, whatever they are called', () => {
  const text = Buffer.from(freeBusyRequest({
    organizer: 'mailto:ann@x.test', attendees: ['bob@x.test', 'bad\r\nMETHOD:CANCEL@x.test', `${'l'.repeat(100)}@x.test`, 'jürgen@x.test'],
    from: new Date(start), to: new Date(end), uid: '1', now: new Date(start),
  })).toString()
  expect(text.split('\r\n').every(line => line.length <= 75)).toBe(true)
  expect(text.replace(/\r\n /g, '').split('\r\n')).toEqual([
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Postern//Postern//EN', 'METHOD:REQUEST', 'BEGIN:VFREEBUSY', 'UID:1', 'DTSTAMP:20261207T080000Z', 'DTSTART:20261207T080000Z',
    'DTEND:20261207T110000Z', 'ORGANIZER:mailto:ann@x.test', 'ATTENDEE:mailto:bob@x.test', 'ATTENDEE:mailto:bad%0D%0AMETHOD:CANCEL@x.test',
    `ATTENDEE:mailto:${'l'.repeat(100)}@x.test`, 'ATTENDEE:mailto:j%C3%BCrgen@x.test', 'END:VFREEBUSY', 'END:VCALENDAR', '',
  ])
})

it('any octets tell periods, or are refused', () => {
  const samples = [calendar([...whole, 'FREEBUSY;FBTYPE=BUSY:20261207T083000Z/PT1H,20261207T100000Z/20261207T103000Z'], ['DTSTART:20261207T083000Z', 'FREEBUSY;FBTYPE=BUSY-TENTATIVE:19970308T160000Z/P1D'])]
  for (const octets of mutations(samples, 20_000, 3)) {
    try {
      const periods = readFreeBusy(octets, start, end)
      if (periods && !/^[0-4]{6}$/.test(mergedFreeBusy(start, end, periods))) throw new Error('no digits')
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
}, 60_000)

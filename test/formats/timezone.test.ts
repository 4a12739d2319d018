import { describe, expect, it } from 'vitest'
import { parseCalendar } from '../../src/formats/icalendar.ts'
import { ianaZone, instantOf, remembered, transitionsOf, zoneOfName, type Zone } from '../../src/formats/timezone.ts'
import { vtimezone } from '../../src/formats/vtimezone.ts'
import { windowsZones } from '../../src/formats/windows-zones.ts'
import { zoneBlob } from '../../src/formats/zone-blob.ts'
import { zoneRules, type Change } from '../../src/formats/zone-rules.ts'
import { mutations } from '../support/fuzz.ts'

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const clock = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(11, 23).replace(/(:00)?\.000$/, '')
const print = ({ month, week, weekday, milliseconds }: Change): string => `${week}${days[weekday]}/${month} ${clock(milliseconds)}`

/** `-60 -60 5Sun/3 02:00 5Sun/10 03:00`: bias, and what daylight saving adds from when to when. */
function rules(zone: Zone, year: number): string {
  const { bias, daylight } = zoneRules(zone, Date.UTC(year, 6, 1))
  return daylight ? `${bias} ${daylight.bias} ${print(daylight.begins)} ${print(daylight.ends)}` : String(bias)
}

// Traps 35, 37 and 38
it.each([
  ['Europe/Berlin', 2026, '-60 -60 5Sun/3 02:00 5Sun/10 03:00'],
  ['America/New_York', 2026, '300 -60 2Sun/3 02:00 1Sun/11 02:00'],
  // What held in that year, not what holds now
  ['America/New_York', 2005, '300 -60 1Sun/4 02:00 5Sun/10 02:00'],
  ['Australia/Sydney', 2026, '-600 -60 1Sun/10 02:00 1Sun/4 03:00'],
  ['Australia/Lord_Howe', 2026, '-630 -30 1Sun/10 02:00 1Sun/4 02:00'],
  ['Europe/Dublin', 2026, '0 -60 5Sun/3 01:00 5Sun/10 02:00'],
  ['Asia/Kolkata', 2026, '-330'],
  ['Asia/Kathmandu', 2026, '-345'],
  ['Etc/UTC', 2026, '0'],
  ['America/Phoenix', 2026, '420'],
  // Midnight is the end of the day before
  ['America/Santiago', 2026, '240 -60 1Sat/9 23:59:59.999 1Sat/4 23:59:59.999'],
  ['Asia/Beirut', 2026, '-120 -60 4Sat/3 23:59:59.999 4Sat/10 23:59:59.999'],
  ['Africa/Casablanca', 2022, '0 -60 2Sun/5 02:00 4Sun/3 03:00'],
  // A zone that changed for good in that year has no rule: what holds at the time counts
  ['Europe/Moscow', 2014, '-240'],
])('%s has the rules of the year %i', (name, year, expected) => {
  expect(rules(ianaZone(name)!, year)).toBe(expected)
})

// Trap 36
it.each([
  ['Europe/Berlin', 'Europe/Berlin'], ['W. Europe Standard Time', 'Europe/Berlin'], ['w. europe daylight time', 'Europe/Berlin'],
  ['Romance', 'Europe/Paris'], ['GMT Standard Time', 'Europe/London'], ['GMT', 'GMT'], ['Pacific Standard Time (Mexico)', 'America/Tijuana'],
  ['/freeassociation.sourceforge.net/Tzfile/Europe/Vienna', 'Europe/Vienna'], ['"Asia/Tokyo"', 'Asia/Tokyo'],
  ['/softwarestudio.org/Olson_20011030_5/America/Indiana/Knox', 'America/Indiana/Knox'],
  ['(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna', 'Europe/Amsterdam'], ['(GMT-05:00) Eastern Time (US & Canada)', undefined],
  ['tzone://Microsoft/Utc', 'UTC'], ['UTC+05:30', 'UTC+05:30'], ['Customized Time Zone', undefined], ['', undefined], ['x'.repeat(10_000), undefined],
])('the zone of %s is %s', (name, expected) => {
  expect(zoneOfName(name)?.name).toBe(expected)
})

it('every Windows zone of the table is one that is known', () => {
  expect([...windowsZones].filter(([, name]) => !ianaZone(name))).toEqual([])
  expect(windowsZones.size).toBeGreaterThan(140)
})

const berlin = ianaZone('Europe/Berlin')!
it.each([
  ['in winter', '2026-01-15T12:00', '2026-01-15T11:00'], ['in summer', '2026-07-15T12:00', '2026-07-15T10:00'],
  ['that comes twice, the first', '2026-10-25T02:30', '2026-10-25T00:30'],
  ['that never comes, counted from before', '2026-03-29T02:30', '2026-03-29T01:30'],
])('a time %s', (_, local, instant) => {
  expect(new Date(instantOf(Date.parse(`${local}Z`), berlin)).toISOString()).toBe(`${instant}:00.000Z`)
})

describe('a VTIMEZONE', () => {
  const zone = (...lines: string[]): Zone | undefined =>
    vtimezone(parseCalendar(['BEGIN:VCALENDAR', 'BEGIN:VTIMEZONE', 'TZID:Own', ...lines].join('\n')).components[0]!)
  const part = (kind: string, start: string, from: string, to: string, ...rest: string[]): string[] =>
    [`BEGIN:${kind}`, `DTSTART:${start}`, `TZOFFSETFROM:${from}`, `TZOFFSETTO:${to}`, ...rest, `END:${kind}`]

  it('by Outlook, from 1601 on, is Berlin', () => {
    const own = zone(...part('STANDARD', '16010101T030000', '+0200', '+0100', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10'),
      ...part('DAYLIGHT', '16010101T020000', '+0100', '+0200', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3'))!
    expect(rules(own, 2026)).toBe(rules(berlin, 2026))
    for (let n = 0; n < 400; n++) {
      const instant = Date.UTC(2026, 0, 1) + n * 86_400_000
      expect(own.offset(instant)).toBe(berlin.offset(instant))
    }
  })

  it.each<[string, string[], number, string]>([
    ['of one year, without rules', [...part('STANDARD', '20261025T030000', '+0200', '+0100'), ...part('DAYLIGHT', '20260329T020000', '+0100', '+0200')],
      2026, '-60 -60 5Sun/3 02:00 5Sun/10 03:00'],
    ['of one offset', part('STANDARD', '19700101T000000', '+0530', '+0530'), 2026, '-330'],
    ['by the first Sunday on or after the 8th', [
      ...part('STANDARD', '20071104T020000', '-0400', '-0500', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU'),
      ...part('DAYLIGHT', '20070311T020000', '-0500', '-0400', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU'),
    ], 2026, '300 -60 2Sun/3 02:00 1Sun/11 02:00'],
    ['whose rules ended', [
      ...part('STANDARD', '20001029T030000', '+0400', '+0300', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20101030T230000Z'),
      ...part('DAYLIGHT', '20000326T020000', '+0300', '+0400', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;UNTIL=20110326T230000Z'),
      ...part('STANDARD', '20141026T020000', '+0400', '+0300'),
    ], 2026, '-180'],
    ['by the southern year', [
      ...part('STANDARD', '20080406T030000', '+1100', '+1000', 'RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU'),
      ...part('DAYLIGHT', '20081005T020000', '+1000', '+1100', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU'),
    ], 2026, '-600 -60 1Sun/10 02:00 1Sun/4 03:00'],
  ])('%s', (_, lines, year, expected) => {
    expect(rules(zone(...lines)!, year)).toBe(expected)
  })

  it('without a usable rule is none', () => {
    expect(zone()).toBeUndefined()
    expect(zone(...part('STANDARD', 'never', '+0100', 'x'))).toBeUndefined()
  })

  it('of whatever lines ends', () => {
    const sample = Buffer.from(part('STANDARD', '16010101T030000', '+0200', '+0100', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10').join('\n'))
    for (const bytes of mutations([sample], 300, 11)) {
      const own = zone(Buffer.from(bytes).toString('latin1'))
      if (own) expect(zoneBlob(zoneRules(own, Date.UTC(2026, 6, 1)))).toHaveLength(172)
    }
  })
})

it('the blob of Berlin has the fields of TIME_ZONE_INFORMATION', () => {
  const blob = Buffer.from(zoneBlob(zoneRules(berlin, Date.UTC(2026, 6, 1))))
  const systemTime = (at: number): number[] => Array.from({ length: 8 }, (_, n) => blob.readUInt16LE(at + 2 * n))
  expect({
    length: blob.length, bias: blob.readInt32LE(0), name: blob.toString('utf16le', 4, 68).replace(/\0+$/, ''),
    standard: systemTime(68), standardBias: blob.readInt32LE(84), daylight: systemTime(152), daylightBias: blob.readInt32LE(168),
  }).toEqual({
    length: 172, bias: -60, name: 'Europe/Berlin',
    standard: [0, 10, 0, 5, 3, 0, 0, 0], standardBias: 0, daylight: [0, 3, 0, 5, 2, 0, 0, 0], daylightBias: -60,
  })
})

it.each(['Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Pacific/Apia', 'America/St_Johns', 'UTC'])(
  'numerals of %s are the same instant where the years of the zone are remembered', name => {
    const plain = ianaZone(name)!, zone = remembered(plain)
    const wrong: string[] = []
    for (const year of [2011, 2026]) {
      const around = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1), ...transitionsOf(zone, year).map(({ at }) => at)]
      for (const at of around) for (let minutes = -3 * 24 * 60; minutes < 3 * 24 * 60; minutes += 30) {
        const local = at + minutes * 60_000
        if (instantOf(local, zone) !== instantOf(local, plain)) wrong.push(new Date(local).toISOString())
      }
    }
    expect(wrong).toEqual([])
  })

import ICAL from 'ical.js'
import { describe, expect, it } from 'vitest'
import { parseCalendar } from '../../src/formats/icalendar.ts'
import { ianaZone, localOf, transitionsOf } from '../../src/formats/timezone.ts'
import { vtimezone } from '../../src/formats/vtimezone.ts'
import { vtimezoneLines } from '../../src/formats/vtimezone-write.ts'
import { readZoneBlob, zoneBlob, type ZoneClaim } from '../../src/formats/zone-blob.ts'
import { followsRules, zoneOfRules, zoneRules, type ZoneRules } from '../../src/formats/zone-rules.ts'
import { createZones } from '../../src/formats/zones.ts'
import { mutations, randomBelow } from '../support/fuzz.ts'

const names = Intl.supportedValuesOf('timeZone')
const years = Array.from({ length: 21 }, (_, n) => 2015 + n)
const zones = createZones()
const base64 = (blob: Uint8Array): string => Buffer.from(blob).toString('base64')
const said = (rules: ZoneRules): ZoneClaim | undefined => readZoneBlob(base64(zoneBlob(rules)))
const summer = (year: number): number => Date.UTC(year, 6, 1)

/**
 * Years in which clocks were changed once, for good, or more than twice: no yearly rule says that, and the blob says what holds
 * at the time of the event.
 */
const unruly = `
Africa/Casablanca 2015 2016 2017 2018 2026
Africa/El_Aaiun 2015 2016 2017 2018 2026
Africa/Juba 2021
Africa/Khartoum 2017
Africa/Sao_Tome 2018 2019
America/Campo_Grande 2019
America/Cancun 2015
America/Caracas 2016
America/Chihuahua 2022
America/Cuiaba 2019
America/Dawson 2020
America/Edmonton 2026
America/Fort_Nelson 2015
America/Godthab 2023
America/Grand_Turk 2015 2018
America/Metlakatla 2015 2018 2019
America/Montevideo 2015
America/Ojinaga 2022
America/Sao_Paulo 2019
America/Scoresbysund 2024
America/Vancouver 2026
America/Whitehorse 2020
Antarctica/Casey 2016 2023
Antarctica/Vostok 2023
Asia/Almaty 2024
Asia/Amman 2022
Asia/Barnaul 2016
Asia/Chita 2016
Asia/Damascus 2022
Asia/Famagusta 2016 2017
Asia/Magadan 2016
Asia/Novosibirsk 2016
Asia/Pyongyang 2015 2018
Asia/Qostanay 2024
Asia/Qyzylorda 2018
Asia/Sakhalin 2016
Asia/Tomsk 2016
Europe/Astrakhan 2016
Europe/Istanbul 2016
Europe/Saratov 2016
Europe/Ulyanovsk 2016
Europe/Volgograd 2018 2020
Pacific/Apia 2021
Pacific/Fiji 2021
Pacific/Norfolk 2015 2019
Pacific/Tongatapu 2016 2017
`
const exceptions = new Map(unruly.trim().split('\n').map(line => {
  const [name, ...rest] = line.split(' ')
  return [name!, new Set(rest.map(Number))]
}))
const isUnruly = (name: string, year: number): boolean => exceptions.get(name)?.has(year) === true

describe('every zone of the tz database, from 2015 to 2035', () => {
  it('has a blob that says the same at each change of clocks, but for the years that are named', { timeout: 60_000 }, () => {
    const wrong: string[] = []
    for (const name of names) {
      const zone = zones.named(name)!
      for (const year of years) {
        const ruled = zoneOfRules(said(zoneRules(zone, summer(year)))?.rules ?? zoneRules(zone, summer(year)))
        const changes = transitionsOf(zone, year).flatMap(({ at }) => [at - 1000, at])
        const right = [...changes, Date.UTC(year, 0, 2), summer(year)].every(at => ruled.offset(at) === zone.offset(at))
        if (right === isUnruly(name, year)) wrong.push(`${name} ${year}`)
        // The event itself is right even then.
        if (ruled.offset(summer(year)) !== zone.offset(summer(year))) wrong.push(`${name} ${year} in July`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('is found again by its blob, or one of equal rules; by its name, itself', { timeout: 60_000 }, () => {
    const wrong: string[] = []
    for (const name of names) {
      for (const year of years) {
        const claim = said(zoneRules(zones.named(name)!, summer(year)))
        if (!claim || isUnruly(name, year)) continue
        const nameless = zones.claimed({ ...claim, names: [] }, summer(year), summer(2026), [])
        if (!followsRules(nameless, claim.rules, year)) wrong.push(`${name} ${year}: ${nameless.name}`)
        const named = zones.claimed(claim, summer(year), summer(2026), []).name
        if (named !== name && name.length <= 31) wrong.push(`${name} ${year} by name: ${named}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('has a VTIMEZONE that says the same, as we read it and as ical.js does', { timeout: 60_000 }, () => {
    const wrong: string[] = []
    for (const name of names) {
      const zone = zones.named(name)!
      const text = ['BEGIN:VCALENDAR', ...vtimezoneLines(zone, Date.UTC(2018, 2, 3)), 'END:VCALENDAR'].join('\r\n')
      const own = vtimezone(parseCalendar(text).components[0]!)!
      const theirs = new ICAL.Timezone(new ICAL.Component(ICAL.parse(text) as unknown as string).getFirstSubcomponent('vtimezone')!)
      for (const year of [2018, 2020, 2023, 2025, 2026, 2031, 2035]) {
        for (const at of [...transitionsOf(zone, year).flatMap(({ at }) => [at - 4 * 3_600_000, at + 4 * 3_600_000]), Date.UTC(year, 0, 5), summer(year)]) {
          if (own.offset(at) !== zone.offset(at)) wrong.push(`${name} ${new Date(at).toISOString()}`)
          const local = ICAL.Time.fromJSDate(new Date(localOf(at, zone)), true)
          if (theirs.utcOffset(local) / 60 !== zone.offset(at)) wrong.push(`${name} ${new Date(at).toISOString()} ical.js`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('has the same offsets when it remembers its years', () => {
    const below = randomBelow(7)
    for (let n = 0; n < 4000; n++) {
      const name = names[below(names.length)]!
      const at = Date.UTC(1970 + below(80), below(12), 1 + below(28), below(24))
      expect(zones.named(name)!.offset(at), `${name} ${at}`).toBe(ianaZone(name)!.offset(at))
    }
  })
})

const berlin = zones.named('Europe/Berlin')!
const rulesOf = (name: string, year: number): ZoneRules => zoneRules(zones.named(name)!, summer(year))
const now = summer(2026)

// Trap 36: what a client says it is, against what it could be
it.each<[string, ZoneRules, readonly string[], string[], string]>([
  ['the user is there', rulesOf('Europe/Vienna', 2026), [], ['Europe/Vienna'], 'Europe/Vienna'],
  ['its Windows name says so', rulesOf('Europe/Paris', 2026), ['Romance Standard Time'], [], 'Europe/Paris'],
  ["Outlook's list says so", rulesOf('Europe/Berlin', 2026), ['(UTC+01:00) Amsterdam, Berlin, Bern, Rome'], [], 'Europe/Amsterdam'],
  ['nothing but its rules says so', rulesOf('Europe/Berlin', 2026), [], ['America/New_York'], 'Europe/Berlin'],
  ['a name that is of other rules says nothing', rulesOf('Australia/Sydney', 2026), ['GMT Standard Time'], [], 'Australia/Sydney'],
  ['a phone tells the rules of today for an event of 2004', rulesOf('America/New_York', 2026), [], ['America/New_York'], 'America/New_York'],
  ['nobody has such rules', { name: '', bias: -100, daylight: undefined }, [], [], 'Custom +0140'],
  ['the tables of the phone are old, its name helps', { ...rulesOf('America/Mexico_City', 2021), name: '' }, ['America/Mexico_City'], [], 'America/Mexico_City'],
])('%s', (_, rules, hints, likely, expected) => {
  const at = Date.UTC(2004, 0, 20)
  expect(zones.claimed({ rules, names: hints }, expected === 'America/New_York' ? at : Date.UTC(2026, 0, 20), now, likely.map(name => zones.named(name)!)).name)
    .toBe(expected)
})

it('a blob of zeros says nothing, nor does what is none', () => {
  expect(readZoneBlob(base64(new Uint8Array(172)))).toBeUndefined()
  expect(readZoneBlob('')).toBeUndefined()
  expect(readZoneBlob('AAAA')).toBeUndefined()
})

it('a blob with a standard bias counts it in', () => {
  const blob = Buffer.from(zoneBlob(zoneRules(berlin, now)))
  blob.writeInt32LE(-120, 0)
  blob.writeInt32LE(60, 84)
  blob.writeInt32LE(0, 168)
  expect(followsRules(berlin, readZoneBlob(base64(blob))!.rules, 2026)).toBe(true)
})

it('a blob whose changes are of one year is taken for the rule', () => {
  const blob = Buffer.from(zoneBlob(zoneRules(berlin, now)))
  for (const [at, month, day] of [[68, 10, 25], [152, 3, 29]] as const) {
    for (const [index, value] of [2026, month, 0, day].entries()) blob.writeUInt16LE(value, at + 2 * index)
  }
  expect(followsRules(berlin, readZoneBlob(base64(blob))!.rules, 2026)).toBe(true)
})

it('a VTIMEZONE has yearly rules where there are any, and lists what was before', () => {
  expect(vtimezoneLines(zones.named('America/New_York')!, Date.UTC(2006, 5, 1)).filter(line => /RRULE|RDATE|DTSTART/.test(line))).toEqual([
    'DTSTART:20050101T000000', 'DTSTART:20050403T020000', 'RDATE:20050403T020000', 'RDATE:20060402T020000',
    'DTSTART:20051030T020000', 'RDATE:20051030T020000', 'RDATE:20061029T020000',
    'DTSTART:20070311T020000', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU', 'DTSTART:20071104T020000', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU',
  ])
  expect(vtimezoneLines(zones.named('America/Nuuk')!, now).some(line => line.includes('BYMONTHDAY='))).toBe(true)
})

it('whatever octets a blob has, it is a zone or nothing', () => {
  const sample = zoneBlob(zoneRules(berlin, now))
  for (const bytes of mutations([sample], 20_000, 12)) {
    const claim = readZoneBlob(base64(bytes))
    if (claim) expect(Math.abs(zoneOfRules(claim.rules).offset(now))).toBeLessThanOrEqual(24 * 60)
  }
})

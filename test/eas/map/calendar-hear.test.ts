import { describe, expect, it } from 'vitest'
import { hear, hearOne, say } from '../../../src/eas/map/calendar.ts'
import type { Version } from '../../../src/eas/versions.ts'
import { zoneBlob } from '../../../src/formats/zone-blob.ts'
import { zoneRules } from '../../../src/formats/zone-rules.ts'
import { createZones } from '../../../src/formats/zones.ts'
import { el, type Element, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { effort } from '../../support/effort.ts'
import { calendarOf } from '../../support/events.ts'
import { difference, withoutStamps } from '../../support/object-diff.ts'

type Fields = Readonly<Record<string, string | readonly Node[]>>
const tagOf = (name: string): Tag => (name.includes(':') ? name : `Calendar:${name}`) as Tag
const nodes = (fields: Fields): Node[] => Object.entries(fields).map(([name, value]) => el(tagOf(name), value))
const data = (fields: Fields): Element => arrived(nodes(fields))
const changes = (before: Uint8Array, after: Uint8Array): string[] => withoutStamps(difference(before, after)).map(line => line.replace(/^([+-])[^>]*> /, '$1'))

const berlin = (day: string, from = '090000', to = '100000'): string => `DTSTART;TZID=Europe/Berlin:${day}T${from}\nDTEND;TZID=Europe/Berlin:${day}T${to}`
const tuesday = berlin('20260901'), weekly = `${tuesday}\nRRULE:FREQ=WEEKLY;BYDAY=TU`
const blob = (name: string): string =>
  Buffer.from(zoneBlob({ ...zoneRules(createZones().named(name)!, Date.UTC(2026, 6, 1)), name: '' })).toString('base64')
const exception = (fields: Fields): Node => el('Calendar:Exception', nodes(fields))
const override = `${weekly}\nSUMMARY:Series\nLOCATION:Here\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\nRECURRENCE-ID:20260908T070000Z\n${berlin('20260908', '110000', '120000')}\nSUMMARY:Other\nLOCATION:There`

it.each<[string, string, Version, Fields, string[]]>([
  ['trap 36: the zone of the user, of a phone elsewhere that changes a single event, stays', tuesday, '14.1',
    { Timezone: blob('Asia/Tokyo'), StartTime: '20260901T080000Z', EndTime: '20260901T090000Z' },
    ['-DTSTART;TZID=Europe/Berlin:20260901T090000', '-DTEND;TZID=Europe/Berlin:20260901T100000', '+DTSTART;TZID=Europe/Berlin:20260901T100000', '+DTEND;TZID=Europe/Berlin:20260901T110000', '+SEQUENCE:1']],
  ['trap 36: a zone that is said anew without another time is no change', weekly, '16.1', { Timezone: blob('Asia/Tokyo') }, []],
  ['trap 39: days by the clock of the phone, without its zone', 'DTSTART;VALUE=DATE:20261003', '14.1', { AllDayEvent: '1', StartTime: '20261003T220000Z', EndTime: '20261004T220000Z' },
    ['-DTSTART;VALUE=DATE:20261003', '+DTSTART;VALUE=DATE:20261004', '+SEQUENCE:1']],
  ['trap 39: days as midnights of UTC', 'DTSTART;VALUE=DATE:20261003', '14.1', { AllDayEvent: '1', StartTime: '20261004T000000Z', EndTime: '20261006T000000Z' },
    ['-DTSTART;VALUE=DATE:20261003', '+DTSTART;VALUE=DATE:20261004', '+DTEND;VALUE=DATE:20261006', '+SEQUENCE:1']],
  ['trap 39: from hours to a day', tuesday, '16.1', { AllDayEvent: '1', StartTime: '20260901T000000Z', EndTime: '20260902T000000Z' },
    ['-DTSTART;TZID=Europe/Berlin:20260901T090000', '-DTEND;TZID=Europe/Berlin:20260901T100000', '+DTSTART;VALUE=DATE:20260901', '+DTEND;VALUE=DATE:20260902', '+SEQUENCE:1']],
  ['trap 43: floating stays floating', 'DTSTART:20260901T120000\nDTEND:20260901T130000', '16.1', { StartTime: '20260901T110000Z' },
    ['-DTSTART:20260901T120000', '-DTEND:20260901T130000', '+DTSTART:20260901T130000', '+DTEND:20260901T140000', '+SEQUENCE:1']],
  ['UTC stays UTC', 'DTSTART:20260901T070000Z\nDTEND:20260901T080000Z', '16.1', { EndTime: '20260901T083000Z' }, ['-DTEND:20260901T080000Z', '+DTEND:20260901T083000Z', '+SEQUENCE:1']],
  ['a duration stays while the length does', 'DTSTART:20260901T070000Z\nDURATION:PT1H', '16.1', { StartTime: '20260901T080000Z', EndTime: '20260901T090000Z' },
    ['-DTSTART:20260901T070000Z', '+DTSTART:20260901T080000Z', '+SEQUENCE:1']],
  ['and goes with it', 'DTSTART:20260901T070000Z\nDURATION:PT1H', '16.1', { EndTime: '20260901T090000Z' }, ['-DURATION:PT1H', '+DTEND:20260901T090000Z', '+SEQUENCE:1']],
  ['a flight ends by the clock it ended by', 'DTSTART;TZID=Europe/Berlin:20260901T090000\nDTEND;TZID=America/New_York:20260901T120000', '16.1', { EndTime: '20260901T170000Z' },
    ['-DTEND;TZID=America/New_York:20260901T120000', '+DTEND;TZID=America/New_York:20260901T130000', '+SEQUENCE:1']],
  ['trap 46: an exception without times is when it would be', `${weekly}\nSUMMARY:x`, '14.1', { Exceptions: [exception({ ExceptionStartTime: '20260908T070000Z', Subject: 'y' })] },
    ['+BEGIN:VEVENT', '+UID:sample@postern.test', '+RECURRENCE-ID;TZID=Europe/Berlin:20260908T090000', '+DTSTART;TZID=Europe/Berlin:20260908T090000', '+DTEND;TZID=Europe/Berlin:20260908T100000', '+SUMMARY:y', '+END:VEVENT']],
  ['trap 47: what an exception up to 14.1 does not say it has of the series', override, '14.1', { Exceptions: [exception({ ExceptionStartTime: '20260908T070000Z', Subject: 'Other' })] },
    ['-DTSTART;TZID=Europe/Berlin:20260908T110000', '-DTEND;TZID=Europe/Berlin:20260908T120000', '-LOCATION:There', '+DTSTART;TZID=Europe/Berlin:20260908T090000', '+DTEND;TZID=Europe/Berlin:20260908T100000', '+LOCATION:Here', '+SEQUENCE:1']],
  ['trap 47: what is empty goes', override, '14.1', { Exceptions: [exception({ ExceptionStartTime: '20260908T070000Z', Subject: 'Other', Location: '', StartTime: '20260908T090000Z', EndTime: '20260908T100000Z' })] }, ['-LOCATION:There']],
  ['trap 47: exceptions that are not told stay', override, '14.1', { Subject: 'Anew', Location: 'Here' }, ['-SUMMARY:Series', '+SUMMARY:Anew']],
  ['trap 47: an empty list of exceptions takes none away', override, '14.1', { Exceptions: [] }, []],
  ['trap 48: another pattern, no exceptions from 16.0 on', override, '16.1', { Recurrence: nodes({ Type: '1', Interval: '2', DayOfWeek: '4' }) },
    ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '-BEGIN:VEVENT', '-UID:sample@postern.test', '-RECURRENCE-ID:20260908T070000Z', '-DTSTART;TZID=Europe/Berlin:20260908T110000', '-DTEND;TZID=Europe/Berlin:20260908T120000',
      '-SUMMARY:Other', '-LOCATION:There', '-END:VEVENT', '+RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU', '+SEQUENCE:1']],
  ['up to 14.1 exceptions go along with a series that is moved', override, '14.1', { StartTime: '20260901T080000Z', EndTime: '20260901T090000Z', Location: 'Here', Recurrence: nodes({ Type: '1', Interval: '1', DayOfWeek: '4' }) },
    ['-DTSTART;TZID=Europe/Berlin:20260901T090000', '-DTEND;TZID=Europe/Berlin:20260901T100000', '-RECURRENCE-ID:20260908T070000Z', '+DTSTART;TZID=Europe/Berlin:20260901T100000', '+DTEND;TZID=Europe/Berlin:20260901T110000',
      '+SEQUENCE:1', '+RECURRENCE-ID;TZID=Europe/Berlin:20260908T100000']],
  ['trap 53: COUNT 5000 that comes back as 999 stays', `${tuesday}\nRRULE:FREQ=DAILY;COUNT=5000`, '16.1', { Recurrence: nodes({ Type: '0', Interval: '1', Occurrences: '999' }) }, []],
  ['trap 53: until a day', weekly, '16.1', { Recurrence: nodes({ Type: '1', Interval: '1', DayOfWeek: '4', Until: '20261215T000000Z' }) }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '+RRULE:FREQ=WEEKLY;UNTIL=20261215T080000Z;BYDAY=TU', '+SEQUENCE:1']],
  ['trap 53: until a day, by the clock of the phone', weekly, '16.1', { Recurrence: nodes({ Type: '1', DayOfWeek: '4', Until: '20261214T230000Z' }) }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '+RRULE:FREQ=WEEKLY;UNTIL=20261215T080000Z;BYDAY=TU', '+SEQUENCE:1']],
  ['trap 53: until the last start', weekly, '14.1', { Recurrence: nodes({ Type: '1', DayOfWeek: '4', Until: '20261215T080000Z' }) }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '+RRULE:FREQ=WEEKLY;UNTIL=20261215T080000Z;BYDAY=TU', '+SEQUENCE:1']],
  ['an empty recurrence makes one event of a series', `${weekly}\nEXDATE:20260908T070000Z`, '16.1', { Recurrence: [] }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '-EXDATE:20260908T070000Z', '+SEQUENCE:1']],
  ['up to 14.1 a whole event without a recurrence is one', weekly, '12.1', { StartTime: '20260901T070000Z', EndTime: '20260901T080000Z' }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '+SEQUENCE:1']],
  ['trap 56: the alarm that is next is moved, the others stay', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1D\nEND:VALARM\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=START:-PT10M\nX-A:1\nEND:VALARM`, '14.1', { Reminder: '20' },
    ['-TRIGGER;RELATED=START:-PT10M', '+TRIGGER:-PT20M']],
  ['trap 56: empty takes away what is shown, not what sends mail', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1D\nEND:VALARM\nBEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-PT5M\nEND:VALARM`, '16.1', { Reminder: '' },
    ['-BEGIN:VALARM', '-ACTION:DISPLAY', '-TRIGGER:-P1D', '-END:VALARM']],
  ['trap 56: up to 14.1 a whole event without a reminder has none', `${tuesday}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-P1D\nEND:VALARM`, '14.1', { StartTime: '20260901T070000Z', EndTime: '20260901T080000Z' },
    ['-BEGIN:VALARM', '-ACTION:DISPLAY', '-TRIGGER:-P1D', '-END:VALARM']],
  ['trap 57: free that was elsewhere is no change up to 14.1', `${tuesday}\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE`, '14.1', { BusyStatus: '0' }, []],
  ['trap 57: busy', `${tuesday}\nTRANSP:TRANSPARENT`, '14.1', { BusyStatus: '2' }, ['-TRANSP:TRANSPARENT', '+TRANSP:OPAQUE']],
  ['trap 57: free', tuesday, '14.1', { BusyStatus: '0' }, ['+TRANSP:TRANSPARENT']],
  ['trap 58: personal', tuesday, '14.1', { Sensitivity: '1' }, ['+CLASS;X-SENSITIVITY=PERSONAL:PRIVATE']],
  ['trap 58: no longer personal', `${tuesday}\nCLASS;X-SENSITIVITY=PERSONAL:PRIVATE`, '14.1', { Sensitivity: '2' }, ['-CLASS;X-SENSITIVITY=PERSONAL:PRIVATE', '+CLASS:PRIVATE']],
  ['trap 60: a meeting is off', `${tuesday}\nORGANIZER:mailto:anna@x.example\nATTENDEE:mailto:bob@x.example`, '16.1', { MeetingStatus: '5' }, ['+STATUS:CANCELLED', '+SEQUENCE:1']],
  ['trap 62: up to 14.1 the phone mails those it invites, the server does not', tuesday, '14.1', { MeetingStatus: '1', Attendees: [el('Calendar:Attendee', nodes({ Email: 'bob@x.example', Name: 'Bob' }))] },
    ['+ORGANIZER;CN=Anna:mailto:anna@x.example', '+ATTENDEE;CN=Bob;SCHEDULE-AGENT=CLIENT;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@x.example']],
  ['trap 62: from 16.0 on the server does', `${tuesday}\nORGANIZER:mailto:anna@x.example\nATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob@x.example`, '16.1', { Subject: 'x' },
    ['-ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob@x.example', '+ATTENDEE:mailto:bob@x.example', '+SUMMARY:x']],
  ['trap 64: HTML', `${tuesday}\nDESCRIPTION:Old\nX-ALT-DESC;FMTTYPE=text/html:<p>Old</p>`, '16.1', { 'AirSyncBase:Body': [el('AirSyncBase:Type', '2'), el('AirSyncBase:Data', '<p>New, <b>bold</b></p>')] },
    ['-DESCRIPTION:Old', '-X-ALT-DESC;FMTTYPE=text/html:<p>Old</p>', '+DESCRIPTION:New\\, bold', '+X-ALT-DESC;FMTTYPE=text/html:<p>New\\, <b>bold</b></p>']],
  ['trap 64: text in the place of HTML', `${tuesday}\nDESCRIPTION:Old\nX-ALT-DESC;FMTTYPE=text/html:<p>Old</p>`, '14.1', { 'AirSyncBase:Body': [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'New\r\nlines')] },
    ['-DESCRIPTION:Old', '-X-ALT-DESC;FMTTYPE=text/html:<p>Old</p>', '+DESCRIPTION:New\\nlines']],
  ['trap 64: a body that was cut is none', `${tuesday}\nDESCRIPTION:Old and long`, '14.1', { 'AirSyncBase:Body': [el('AirSyncBase:Type', '1'), el('AirSyncBase:Truncated', '1'), el('AirSyncBase:Data', 'Old')] }, []],
  ['trap 66: a file goes', `${tuesday}\nATTACH;MANAGED-ID=7:https://x.example/7\nATTACH;MANAGED-ID=8:https://x.example/8`, '16.1', { 'AirSyncBase:Attachments': [el('AirSyncBase:Delete', [el('AirSyncBase:FileReference', 'c.1:oe:m7')])] },
    ['-ATTACH;MANAGED-ID=7:https://x.example/7']],
  ['a place goes', `${tuesday}\nLOCATION:Room\nGEO:1;2`, '16.1', { 'AirSyncBase:Location': [] }, ['-LOCATION:Room', '-GEO:1;2']],
])('%s', (_, lines, version, fields, expected) => {
  const stored = calendarOf(lines)
  expect(changes(stored, hear(stored, data(fields), contextOf(version))).filter(line => !line.startsWith('+DTSTAMP')).sort()).toEqual([...expected].sort())
})

it('a body that comes back as it was told, cut, is no change', () => {
  const stored = calendarOf(`${tuesday}\nDESCRIPTION:${'Long text. '.repeat(100)}\nX-ALT-DESC;FMTTYPE=text/html:<p>${'Long text. '.repeat(100)}</p>`)
  for (const type of [1, 2] as const) {
    for (const version of ['2.5', '14.1', '16.1'] as const) {
      const context = contextOf(version, { bodies: [{ type, truncationSize: 300 }] })
      expect(changes(stored, hear(stored, arrived(say(stored, context)), context)), `${type} in ${version}`).toEqual([])
    }
  }
})

// Trap 61
it('somebody who is invited keeps to his own: reminder, categories, busy; no SEQUENCE', () => {
  const stored = calendarOf(`${weekly}\nSEQUENCE:4\nSUMMARY:Theirs\nORGANIZER:mailto:bob@x.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@x.example`)
  const said = { Subject: 'Mine', StartTime: '20260901T100000Z', EndTime: '20260901T110000Z', Recurrence: nodes({ Type: '0', Interval: '1' }), Attendees: [], Reminder: '5', BusyStatus: '3', Categories: [el('Calendar:Category', 'Own')] }
  expect(changes(stored, hear(stored, data(said), contextOf('14.1'))).filter(line => !/VALARM|ACTION|DESCRIPTION:Reminder/.test(line)).sort())
    .toEqual(['+CATEGORIES:Own', '+TRIGGER:-PT5M', '+X-MICROSOFT-CDO-BUSYSTATUS:OOF'])
  const one = hearOne(stored, '20260908T070000Z', data({ Subject: 'Mine', Reminder: '7' }), contextOf('16.1'))
  expect(Buffer.from(one).toString()).toMatch(/SUMMARY:Theirs[^]*SUMMARY:Theirs[^]*TRIGGER:-PT7M/)
})

describe('what contradicts itself', () => {
  const times = { StartTime: '20261201T080000Z', EndTime: '20261201T090000Z' }
  it.each<[string, string | undefined, Version, Fields]>([
    ['an end before the start', undefined, '16.1', { StartTime: '20261201T080000Z', EndTime: '20261201T070000Z' }],
    ['a time that is none', undefined, '16.1', { ...times, StartTime: 'noon' }], ['the year 9000', undefined, '16.1', { ...times, EndTime: '90000101T000000Z' }],
    ['a start to come without an end', undefined, '14.1', { StartTime: '20261201T080000Z' }], ['an end that is past without a start', undefined, '14.1', { EndTime: '20200101T080000Z' }],
    ['an end without a start up to 14.1', tuesday, '14.1', { EndTime: '20260901T090000Z' }],
    ['a sensitivity of 4', tuesday, '14.1', { Sensitivity: '4' }], ['a busy of 5', tuesday, '14.1', { BusyStatus: '5' }], ['a reminder of never', tuesday, '14.1', { Reminder: 'never' }],
    ['301 categories', tuesday, '14.1', { Categories: Array.from({ length: 301 }, (_, n) => el('Calendar:Category', `c${n}`)) }],
    ['257 exceptions', weekly, '14.1', { Exceptions: Array.from({ length: 257 }, () => exception({ ExceptionStartTime: '20260908T070000Z', Deleted: '1' })) }],
    ['an exception of nothing', weekly, '14.1', { Exceptions: [exception({ Deleted: '1' })] }],
  ])('%s is refused', (_, lines, version, fields) => {
    expect(() => hear(lines === undefined ? undefined : calendarOf(lines), data(fields), contextOf(version))).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('no times at all: now, to the half hour', () => {
    const made = Buffer.from(hear(undefined, data({ Subject: 'x' }), contextOf('14.1'))).toString()
    expect(made).toContain('DTSTART;TZID=Europe/Berlin:20261125T110000\r\nDTEND;TZID=Europe/Berlin:20261125T113000')
  })

  it.each<[string, Fields, string, string]>([
    ['an end to come without a start begins now', { EndTime: '20261125T140000Z' }, '110000', '150000'],
    ['a start that is past without an end ends soon', { StartTime: '20261125T080000Z' }, '090000', '113000'],
  ])('%s', (_, fields, from, to) => {
    expect(Buffer.from(hear(undefined, data(fields), contextOf('16.1'))).toString())
      .toContain(`DTSTART;TZID=Europe/Berlin:20261125T${from}\r\nDTEND;TZID=Europe/Berlin:20261125T${to}`)
  })

  it('an end before the half hour that is nearest is refused', () => {
    const late = contextOf('16.1', { now: new Date('2026-11-25T10:20:00Z') })
    expect(() => hear(undefined, data({ EndTime: '20261125T102500Z' }), late)).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('an exception of a day that has none is left out, the others are heard', () => {
    const heard = Buffer.from(hear(calendarOf(weekly), data({ Exceptions: [
      exception({ ExceptionStartTime: '20260909T070000Z', Deleted: '1' }), exception({ ExceptionStartTime: '20260908T070000Z', Deleted: '1' }),
    ] }), contextOf('14.1'))).toString()
    expect(heard.match(/EXDATE/g)).toHaveLength(1)
  })

  it.each(['DTSTART;TZID=Nowhere/At All:20260901T090000', 'SUMMARY:Without a start', 'DTSTART:20260231T090000Z', 'DTSTART:00000101T000000Z'])('%s cannot be told', lines => {
    expect(() => say(calendarOf(lines), contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('octets that are no UTF-8 are told as what they probably are, and kept', () => {
    const stored = Buffer.from(Buffer.from(calendarOf(`${tuesday}\nSUMMARY:#\nLOCATION:x`)).toString('latin1').replace('#', 'Gr\xfc\xdfe'), 'latin1')
    expect(arrived(say(stored, contextOf('16.1'))).children.find(({ tag }) => tag === 'Calendar:Subject')?.text).toBe('Grüße')
    const heard = Buffer.from(hear(stored, data({ Reminder: '5' }), contextOf('16.1')))
    expect(heard.toString('latin1')).toContain('SUMMARY:Gr\xfc\xdfe\r\n')
  })
})

it('256 exceptions of 256 are heard with little work', () => {
  const days = Array.from({ length: 256 }, (_, n) => new Date(Date.UTC(2026, 8, 1 + 7 * n)).toISOString().slice(0, 10).replaceAll('-', ''))
  const stored = calendarOf(`DTSTART:20260901T070000Z\nDTEND:20260901T080000Z\nSUMMARY:x\nRRULE:FREQ=WEEKLY`)
  const list = (name: string): Node[] => days.map(day => exception({ ExceptionStartTime: `${day}T070000Z`, StartTime: `${day}T080000Z`, EndTime: `${day}T090000Z`, Subject: `${name} ${day}` }))
  const first = hear(stored, data({ Exceptions: list('a') }), contextOf('14.1'))
  let second: Uint8Array = first
  expect(effort(() => second = hear(first, data({ Exceptions: list('b') }), contextOf('14.1')))).toBeLessThan(5)
  expect(Buffer.from(second).toString().match(/SUMMARY:b /g)).toHaveLength(256)
})

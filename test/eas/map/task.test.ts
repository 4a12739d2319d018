import { describe, expect, it } from 'vitest'
import { finished, hear, isOpen, say } from '../../../src/eas/map/task.ts'
import { versions, type Version } from '../../../src/eas/versions.ts'
import { el, type Element, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { mutations } from '../../support/fuzz.ts'
import { difference, withoutStamps } from '../../support/object-diff.ts'

const todo = (lines: string): Uint8Array => Buffer.from(
  `BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTODO\nUID:1@x\nDTSTAMP:20260101T000000Z\n${lines}\nX-KEPT:1\nEND:VTODO\nEND:VCALENDAR\n`.replaceAll('\n', '\r\n'))
const data = (fields: Readonly<Record<string, string | readonly Node[]>>): Element =>
  arrived(Object.entries(fields).map(([name, value]) => el(`Tasks:${name}` as Tag, value)))
const fields = (values: Readonly<Record<string, string>>): Node[] => Object.entries(values).map(([name, value]) => el(`Tasks:${name}` as Tag, value))
const text = (octets: Uint8Array): string => Buffer.from(octets).toString().replace(/\r\n[ \t]/g, '').replaceAll('\r\n', '\n')
function value(octets: Uint8Array, version: Version, name: string): string | undefined {
  const found = arrived(say(octets, contextOf(version))).children
  const inside = found.find(({ tag }) => tag === 'Tasks:Recurrence')?.children ?? []
  return [...found, ...inside].find(({ tag }) => tag === `Tasks:${name}`)?.text
}

const zoned = 'DTSTART;TZID=Europe/Berlin:20261201T090000\nDUE;TZID=Europe/Berlin:20261202T170000\nSUMMARY:Report'
const dated = 'DTSTART;VALUE=DATE:20261201\nDUE;VALUE=DATE:20261202\nSUMMARY:Pay'
const weekly = `${dated}\nRRULE:FREQ=WEEKLY;BYDAY=TU`

// Traps 78 and 79
it.each<[string, string, Version, Record<string, string | undefined>]>([
  ['a zone: UTC is real, local is what the clock shows', zoned, '14.1',
    { UtcDueDate: '2026-12-02T16:00:00.000Z', DueDate: '2026-12-02T17:00:00.000Z', UtcStartDate: '2026-12-01T08:00:00.000Z', StartDate: '2026-12-01T09:00:00.000Z' }],
  ['UTC: local is by the clock of the user', 'DUE:20260701T160000Z', '16.1', { UtcDueDate: '2026-07-01T16:00:00.000Z', DueDate: '2026-07-01T18:00:00.000Z' }],
  ['a date: midnight by the clock', dated, '2.5', { UtcDueDate: '2026-12-01T23:00:00.000Z', DueDate: '2026-12-02T00:00:00.000Z' }],
  ['no zone: the clock of the user', 'DUE:20261202T170000', '14.0', { UtcDueDate: '2026-12-02T16:00:00.000Z', DueDate: '2026-12-02T17:00:00.000Z' }],
  ['a duration', 'DTSTART:20261201T090000Z\nDURATION:PT2H', '16.1', { UtcDueDate: '2026-12-01T11:00:00.000Z' }],
  ['neither', 'SUMMARY:Some day', '16.1', { UtcDueDate: undefined, DueDate: undefined, Complete: '0', Importance: '1', ReminderSet: '0', Sensitivity: '0' }],
  ['a series: Start in UTC up to 14.1', `${zoned}\nRRULE:FREQ=DAILY`, '14.1', { Start: '2026-12-01T08:00:00.000Z', Type: '0', Interval: '1' }],
  ['a series: Start by the clock from 16.0 on', `${zoned}\nRRULE:FREQ=DAILY`, '16.0', { Start: '2026-12-01T09:00:00.000Z' }],
  ['a series with a last day', `${dated}\nRRULE:FREQ=MONTHLY;UNTIL=20270601`, '14.1', { Until: '2027-06-01T00:00:00.000Z', DayOfMonth: '1', CalendarType: '0' }],
  ['a weekly series has its first day since 14.1', weekly, '14.1', { FirstDayOfWeek: '1', DayOfWeek: '4' }],
  ['a weekly series has none before', weekly, '14.0', { FirstDayOfWeek: undefined, DayOfWeek: '4' }],
  ['done, though nobody says when', 'STATUS:COMPLETED', '16.1', { Complete: '1', DateCompleted: '2026-01-01T00:00:00.000Z' }],
  ['done', 'STATUS:COMPLETED\nCOMPLETED:20261001T120000Z', '16.1', { Complete: '1', DateCompleted: '2026-10-01T12:00:00.000Z' }],
  ['half done is not done', 'STATUS:IN-PROCESS\nPERCENT-COMPLETE:50', '16.1', { Complete: '0', DateCompleted: undefined }],
  ['a priority of 3', 'PRIORITY:3', '16.1', { Importance: '2' }], ['a priority of 7', 'PRIORITY:7', '16.1', { Importance: '0' }],
  ['an alarm before the due time', `${zoned}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=END:-PT30M\nEND:VALARM`, '16.1', { ReminderSet: '1', ReminderTime: '2026-12-02T15:30:00.000Z' }],
  ['an alarm at a fixed time', 'BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20261201T070000Z\nEND:VALARM', '2.5', { ReminderSet: '1', ReminderTime: '2026-12-01T07:00:00.000Z' }],
  ['what one rule cannot say', `${zoned}\nRRULE:FREQ=DAILY\nRDATE:20270101T080000Z`, '16.1', { Type: undefined }],
  ['an order of its own', 'X-POSTERN-ORDINAL-DATE:20261101T120000Z\nX-POSTERN-SUB-ORDINAL-DATE:5', '12.0', { OrdinalDate: '2026-11-01T12:00:00.000Z', SubOrdinalDate: '5' }],
  ['no order before 12.0', 'X-POSTERN-ORDINAL-DATE:20261101T120000Z', '2.5', { OrdinalDate: undefined }],
])('%s', (_, lines, version, expected) => {
  const octets = todo(lines)
  expect(Object.fromEntries(Object.keys(expected).map(name => [name, value(octets, version, name)]))).toEqual(expected)
})

it.each<[string, string, Record<string, string | readonly Node[]>, string[]]>([
  ['done', zoned, { Complete: '1', DateCompleted: '2026-12-02T10:00:00.000Z' }, ['+STATUS:COMPLETED', '+COMPLETED:20261202T100000Z', '+PERCENT-COMPLETE:100']],
  ['not done after all', 'STATUS:COMPLETED\nCOMPLETED:20261001T120000Z\nPERCENT-COMPLETE:100', { Complete: '0' },
    ['-STATUS:COMPLETED', '-COMPLETED:20261001T120000Z', '-PERCENT-COMPLETE:100', '+STATUS:NEEDS-ACTION']],
  ['due at another hour', zoned, { UtcDueDate: '2026-12-02T17:00:00.000Z', DueDate: '2026-12-02T18:00:00.000Z' },
    ['-DUE;TZID=Europe/Berlin:20261202T170000', '+DUE;TZID=Europe/Berlin:20261202T180000']],
  ['due on another day', dated, { UtcDueDate: '2026-12-04T23:00:00.000Z', DueDate: '2026-12-05T00:00:00.000Z' }, ['-DUE;VALUE=DATE:20261202', '+DUE;VALUE=DATE:20261205']],
  ['due some day', dated, { UtcDueDate: '', DueDate: '' }, ['-DUE;VALUE=DATE:20261202']],
  ['important', zoned, { Importance: '2' }, ['+PRIORITY:1']],
  ['as important as something may be', zoned, { Importance: '7' }, ['+PRIORITY:1']],
  ['secret', zoned, { Sensitivity: '2' }, ['+CLASS:PRIVATE']],
  ['with a reminder', zoned, { ReminderSet: '1', ReminderTime: '2026-12-02T15:00:00.000Z' },
    ['+BEGIN:VALARM', '+ACTION:DISPLAY', '+DESCRIPTION:Reminder', '+TRIGGER;VALUE=DATE-TIME:20261202T150000Z', '+END:VALARM']],
  ['without one', 'BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20261201T070000Z\nEND:VALARM', { ReminderSet: '0' },
    ['-BEGIN:VALARM', '-ACTION:DISPLAY', '-TRIGGER;VALUE=DATE-TIME:20261201T070000Z', '-END:VALARM']],
  ['in categories', zoned, { Categories: [el('Tasks:Category', 'A, b')] }, ['+CATEGORIES:A\\, b']],
  ['in no category', `${zoned}\nCATEGORIES:A`, { Categories: [] }, ['-CATEGORIES:A']],
  ['each week', dated, { Recurrence: fields({ Type: '1', Start: '2026-11-30T23:00:00.000Z', Interval: '1', DayOfWeek: '4' }) }, ['+RRULE:FREQ=WEEKLY;BYDAY=TU']],
  ['once', weekly, { Recurrence: [] }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU']],
  ['again when it was done', weekly, { Recurrence: fields({ Type: '1', Start: '2026-11-30T23:00:00.000Z', DayOfWeek: '4', Regenerate: '1' }) }, ['+X-POSTERN-REGENERATE:TRUE']],
  // Trap 79
  ['one of a series is done, the series goes on', weekly, { Complete: '1' },
    ['-DTSTART;VALUE=DATE:20261201', '-DUE;VALUE=DATE:20261202', '+DTSTART;VALUE=DATE:20261208', '+DUE;VALUE=DATE:20261209']],
  ['one of some is done', `${dated}\nRRULE:FREQ=DAILY;COUNT=3`, { Complete: '1' },
    ['-DTSTART;VALUE=DATE:20261201', '-DUE;VALUE=DATE:20261202', '-RRULE:FREQ=DAILY;COUNT=3', '+DTSTART;VALUE=DATE:20261202', '+DUE;VALUE=DATE:20261203', '+RRULE:FREQ=DAILY;COUNT=2']],
  ['the last of a series is done', `${dated}\nRRULE:FREQ=DAILY;UNTIL=20261201`, { Complete: '1', DateCompleted: '2026-12-01T10:00:00.000Z' },
    ['+STATUS:COMPLETED', '+COMPLETED:20261201T100000Z', '+PERCENT-COMPLETE:100']],
  ['an occurrence that was done is no series', weekly, {
    Complete: '1', DateCompleted: '2026-12-01T10:00:00.000Z',
    Recurrence: fields({ Type: '1', Start: '2026-11-30T23:00:00.000Z', DayOfWeek: '4', DeadOccur: '1' }),
  }, ['-RRULE:FREQ=WEEKLY;BYDAY=TU', '+STATUS:COMPLETED', '+COMPLETED:20261201T100000Z', '+PERCENT-COMPLETE:100']],
])('%s', (_, lines, said, expected) => {
  const octets = todo(lines)
  const changes = withoutStamps(difference(octets, hear(octets, data(said), contextOf('14.1'))))
  expect(changes.map(line => line.replace(/^([+-])[^>]*> /, '$1')).sort()).toEqual([...expected].sort())
})

it('the one of a series that was done is kept beside it', () => {
  const octets = todo(`${weekly}\nDESCRIPTION:Much`)
  const done = text(finished(octets, data({ Complete: '1', DateCompleted: '2026-12-01T10:00:00.000Z' }), contextOf('16.1'))!)
  for (const line of ['SUMMARY:Pay', 'DESCRIPTION:Much', 'DUE;VALUE=DATE:20261202', 'STATUS:COMPLETED', 'COMPLETED:20261201T100000Z']) expect(done).toContain(`\n${line}\n`)
  expect(done).not.toContain('RRULE')
  expect(finished(octets, data({ Subject: 'x' }), contextOf('16.1'))).toBeUndefined()
})

it.each<[string, Record<string, string | readonly Node[]>]>([
  ['Complete', { Complete: '2' }], ['Sensitivity', { Sensitivity: '4' }], ['ReminderSet', { ReminderSet: '2' }], ['DueDate', { DueDate: 'soon' }],
  ['a recurrence without Type', { Recurrence: fields({ Start: '2026-12-01T00:00:00.000Z' }) }],
  ['a recurrence without Start', { Recurrence: fields({ Type: '0' }) }],
  ['a recurrence with what is of another Type', { Recurrence: fields({ Type: '0', Start: '2026-12-01T00:00:00.000Z', DayOfMonth: '1' }) }],
])('%s that cannot be is refused', (_, said) => {
  expect(() => hear(undefined, data(said), contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('a new task has what was said', () => {
  const made = text(hear(undefined, data({
    Subject: 'Pay, now', Importance: '0', UtcDueDate: '2026-12-02T17:00:00.000Z', DueDate: '2026-12-02T18:00:00.000Z',
    Recurrence: fields({ Type: '2', Start: '2026-12-02T18:00:00.000Z', DayOfMonth: '2', Occurrences: '3' }),
  }), contextOf('16.1')))
  for (const line of ['BEGIN:VTIMEZONE', 'SUMMARY:Pay\\, now', 'PRIORITY:9', 'DTSTART;TZID=Europe/Berlin:20261202T180000', 'DUE;TZID=Europe/Berlin:20261202T180000',
    'RRULE:FREQ=MONTHLY;COUNT=3;BYMONTHDAY=2', 'STATUS:NEEDS-ACTION']) expect(made).toContain(`\n${line}\n`)
})

it('is open until it is done', () => {
  expect(isOpen(todo(dated), contextOf('16.1'))).toBe(true)
  expect(isOpen(todo('STATUS:COMPLETED'), contextOf('16.1'))).toBe(false)
})

describe('what is stored', () => {
  const samples = [zoned, dated, weekly, `${zoned}\nRRULE:FREQ=DAILY;COUNT=3`, 'SUMMARY:Some day', 'STATUS:CANCELLED\nPRIORITY:3\nCATEGORIES:A,B\nCLASS:PRIVATE\nDESCRIPTION:x\\ny',
    `${zoned}\nRECURRENCE-ID:20261201T080000Z`, 'DUE:20261201T120000Z\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT5M\nEND:VALARM', `${zoned}\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15`,
    'RELATED-TO:other\nX-APPLE-SORT-ORDER:5\nX-OC-HIDESUBTASKS:1\nLOCATION:x\nGEO:1;2\nPERCENT-COMPLETE:20\nSTATUS:IN-PROCESS\nESTIMATED-DURATION:PT1H'].map(todo)
  it.each(versions)('is the same octets when it is given back as it was told in %s', version => {
    for (const octets of samples) expect(text(hear(octets, arrived(say(octets, contextOf(version))), contextOf(version)))).toBe(text(octets))
  })
  it.each(versions)('loses nothing by another subject in %s', version => {
    for (const octets of samples) {
      const nodes = say(octets, contextOf(version)).filter(({ tag }) => tag !== 'Tasks:Subject')
      const changes = withoutStamps(difference(octets, hear(octets, arrived([...nodes, el('Tasks:Subject', 'New')]), contextOf(version))))
      expect(changes.every(line => line.includes('> SUMMARY')), changes.join(' ')).toBe(true)
    }
  })
  it('is told, changed or refused, whatever it is', { timeout: 180_000 }, () => {
    const said = data({ Subject: 'x', Complete: '1', UtcDueDate: '2026-12-02T17:00:00.000Z' })
    for (const bytes of mutations(samples, 20_000, 41)) {
      try {
        say(bytes, contextOf('16.1'))
        hear(bytes, said, contextOf('16.1'))
      } catch (error) {
        expect(error, Buffer.from(bytes).toString('latin1')).toMatchObject({ name: 'Failure' })
      }
    }
  })
})

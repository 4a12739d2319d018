// Events as some clients say them, which the documents do not tell.
import { expect, it } from 'vitest'
import { hear } from '../../../src/eas/map/calendar.ts'
import { el, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { calendarOf } from '../../support/events.ts'

const said = (fields: Readonly<Record<string, string | readonly Node[]>>): Node[] =>
  Object.entries(fields).map(([name, value]) => el(`Calendar:${name}` as Tag, value))
const attendee = (fields: Readonly<Record<string, string>>): Node => el('Calendar:Attendee', said(fields))
const times = { StartTime: '20260901T070000Z', EndTime: '20260901T080000Z' }
const tuesday = 'DTSTART:20260901T070000Z\nDTEND:20260901T080000Z\nSUMMARY:Plan'
const guests = 'ORGANIZER:mailto:anna@x.example\nATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@x.example\nATTENDEE;PARTSTAT=DECLINED:mailto:carl@x.example'
const heard = (lines: string, fields: Parameters<typeof said>[0]): string =>
  Buffer.from(hear(calendarOf(lines), arrived(said(fields)), contextOf('14.1'))).toString().replaceAll('\r\n ', '')

it('an attendee without an address is the guest of that name', () => {
  const after = heard(`${tuesday}\n${guests}`, { ...times, Subject: 'Plan B', Attendees: [attendee({ Name: 'Bob' }), attendee({ Name: 'carl' })] })
  expect(after).toContain('SUMMARY:Plan B')
  expect(after).toMatch(/ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED[^\r\n]*:mailto:bob@x\.example/)
  expect(after).toMatch(/ATTENDEE;PARTSTAT=DECLINED[^\r\n]*:mailto:carl@x\.example/)
  expect(heard(`${tuesday}\n${guests}`, { ...times, Attendees: [attendee({ Name: 'Bob' }), attendee({ Name: 'Nobody' })] })).not.toContain('carl')
})

it('attendees without an organizer are invited by the user', () => {
  const made = Buffer.from(hear(undefined, arrived(said({ ...times, Subject: 'x', Attendees: [attendee({ Email: 'bob@x.example', Name: 'Bob' })] })), contextOf('14.1'))).toString()
  expect(made.replaceAll('\r\n ', '')).toMatch(/ORGANIZER[^\r\n]*mailto:anna@x\.example/)
})

it('an empty Attendees invites nobody, and is no change', () => {
  const stored = calendarOf(tuesday)
  expect(Buffer.from(hear(stored, arrived(said({ Attendees: [] })), contextOf('14.1'))).equals(Buffer.from(stored))).toBe(true)
})

it('an exception of a day is the occurrence of that day', () => {
  const exception = el('Calendar:Exception', said({ ExceptionStartTime: '20260908T000000Z', AllDayEvent: '1', StartTime: '20260907T220000Z', EndTime: '20260908T220000Z', Subject: 'All day' }))
  const after = heard(`${tuesday}\nRRULE:FREQ=WEEKLY;COUNT=5`, { Exceptions: [exception] })
  expect(after).toContain('RECURRENCE-ID:20260908T070000Z')
  expect(after).toContain('SUMMARY:All day')
})

// What is told of every stored object the tests have, in each version, against the schema: answers of a run have some of them only.
import { describe, expect, it } from 'vitest'
import * as calendar from '../../src/eas/map/calendar.ts'
import * as contact from '../../src/eas/map/contact.ts'
import * as note from '../../src/eas/map/note.ts'
import { mailNotes } from '../support/mail-notes.ts'
import * as task from '../../src/eas/map/task.ts'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import type { BodyPreference } from '../../src/state/sync-options.ts'
import { decode, el, encodeSync, type Element, type Node } from '../../src/wire/wbxml.ts'
import { contextOf } from '../support/calendar-context.ts'
import { storedCards } from '../support/cards.ts'
import { calendarOf, samples } from '../support/events.ts'
import { readSchema } from './schema.ts'
import { validate, type Seen } from './validate.ts'

const schema = readSchema()
const item = 'AirSync:Sync/AirSync:Collections/AirSync:Collection/AirSync:Commands/AirSync:Add/AirSync:ApplicationData'
/** Of the recipient information cache, of a series alone that somebody else keeps, of what other clients tell of a task. */
const never = /Contacts:Alias$|Contacts:WeightedRank$|Tasks:DeadOccur$|Email2:|ItemOperations:Part$/

type Stored = { readonly title: string; readonly octets: Uint8Array }
type Say = (octets: Uint8Array, version: Version, bodies: readonly BodyPreference[]) => readonly Node[] | undefined

const journal = (title: string, ...lines: string[]): Stored => ({
  title, octets: Buffer.from(['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VJOURNAL', 'UID:1', ...lines, 'END:VJOURNAL', 'END:VCALENDAR', ''].join('\r\n')),
})
const todo = (title: string, ...lines: string[]): Stored =>
  ({ title, octets: Buffer.from(Buffer.from(calendarOf(lines.join('\n'))).toString().replaceAll('VEVENT', 'VTODO')) })

const notes = [
  journal('nothing'), journal('all', 'SUMMARY:Shopping', 'DESCRIPTION:Milk\\nBread', 'CATEGORIES:Home,Week', 'LAST-MODIFIED:20260101T000000Z', 'X-POSTERN-CLASS:IPM.StickyNote.X'),
  journal('a long text', `DESCRIPTION:${'long '.repeat(2000)}`), journal('a broken time', 'LAST-MODIFIED:never', 'SUMMARY:'), journal('categories', `CATEGORIES:${'x,'.repeat(400)}x`),
]
const rules = ['DAILY;UNTIL=20270101', 'WEEKLY;BYDAY=MO,TU', 'MONTHLY;COUNT=3', 'MONTHLY;BYDAY=-1TU', 'YEARLY', 'YEARLY;BYMONTH=12;BYDAY=1TU', 'HOURLY']
const tasks = [
  todo('nothing', 'SUMMARY:'), todo('done', 'SUMMARY:x', 'STATUS:COMPLETED', 'COMPLETED:20260101T000000Z', 'DESCRIPTION:x', 'CATEGORIES:A'),
  todo('an alarm', 'DUE:20261201T090000Z', 'CLASS:PRIVATE', 'PRIORITY:1', 'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER;VALUE=DATE-TIME:20261201T070000Z', 'END:VALARM'),
  todo('a place in the order', 'X-POSTERN-ORDINAL-DATE:20261101T120000Z', 'X-POSTERN-SUB-ORDINAL-DATE:5', `DESCRIPTION:${'long '.repeat(2000)}`),
  ...rules.map(rule => todo(rule, 'DTSTART;VALUE=DATE:20261201', 'DUE;VALUE=DATE:20261202', 'X-POSTERN-REGENERATE:TRUE', `RRULE:FREQ=${rule}`)),
]

const card = { title: 'other state', octets: Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', 'FN:A', 'N:A;;;;', 'ADR:;;Street;Town;Saxony;01067;Germany', 'END:VCARD', ''].join('\r\n')) }
/** As Outlook has a place in iCalendar. */
const place = `X-MICROSOFT-LOCATIONS:${JSON.stringify([{
  DisplayName: 'Room 1', LocationAnnotation: 'by the stairs', LocationStreet: 'Main Street 1', LocationCity: 'Town', LocationState: 'Saxony', LocationCountry: 'Germany',
  LocationPostalCode: '01067', LocationUri: 'https://x.example/1', Accuracy: '5', Altitude: '113', AltitudeAccuracy: '2',
}]).replace(/[,;]/g, '\\$&')}`
const online = ['X-MICROSOFT-ONLINEMEETINGCONFLINK:conf:sip:bob@x.example', 'X-MICROSOFT-ONLINEMEETINGEXTERNALLINK:https://x.example/meet']
/** Another time in place of that of an event of December 2026. */
const proposed = (start: string, end: string, day = '01'): string =>
  `X-POSTERN-PROPOSED=202612${day}${start}0000Z/202612${day}${end}0000Z,20261224T090000Z/20261224T100000Z`
const series = {
  title: 'an exception that differs in all', octets: Buffer.from([
    'BEGIN:VCALENDAR', 'VERSION:2.0',
    'BEGIN:VEVENT', 'UID:s', 'DTSTAMP:20260101T000000Z', 'DTSTART:20261201T090000Z', 'DTEND:20261201T100000Z', 'SUMMARY:x', 'RRULE:FREQ=DAILY;COUNT=9',
    'ORGANIZER:mailto:bob@x.example', `ATTENDEE;PARTSTAT=NEEDS-ACTION;${proposed('T09', 'T10')}:mailto:anna@x.example`, 'DESCRIPTION:series', 'END:VEVENT',
    'BEGIN:VEVENT', 'UID:s', 'RECURRENCE-ID:20261202T090000Z', 'DTSTAMP:20260102T000000Z', 'DTSTART:20261202T110000Z', 'DTEND:20261202T120000Z', 'SUMMARY:y',
    'CLASS:PRIVATE', 'TRANSP:TRANSPARENT', 'CATEGORIES:Home', 'STATUS:CANCELLED', `DESCRIPTION:${'once '.repeat(100)}`, 'LOCATION:Room 1', 'GEO:51.05;13.73', place, ...online, 'ATTACH;FMTTYPE=text/plain;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:YQ==',
    'ORGANIZER:mailto:bob@x.example', 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@x.example', `ATTENDEE;${proposed('T11', 'T12', '02')}:mailto:carl@x.example`,
    'X-MICROSOFT-CDO-REPLYTIME:20260103T000000Z', 'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT5M', 'END:VALARM', 'END:VEVENT', 'END:VCALENDAR', '',
  ].join('\r\n')),
}

const classes: readonly (readonly [name: string, own: RegExp, stored: readonly Stored[], say: Say, since: Version])[] = [
  ['contacts', /^Contacts2?:|^AirSyncBase:Body/, [...storedCards(), card], (octets, version, bodies) => contact.say(octets, { version, bodies, userAgent: undefined, supported: undefined }), '2.5'],
  ['events', /^Calendar:|^AirSyncBase:(Body|NativeBodyType|Location|Attachments)(?!.*(ContentId|ContentLocation|IsInline))/, [...samples, series, { title: 'a place', octets: calendarOf(`DTSTART:20261201T090000Z\nLOCATION:Room 1\n${place}`) },
    { title: 'a place that is nowhere', octets: calendarOf('DTSTART:20261201T090000Z\nLOCATION:Room 1\nGEO:1.2.3;4..5\nX-MICROSOFT-LOCATIONS:[{"DisplayName":"Room 1"\\,"Accuracy":"about"}]') }], (octets, version, bodies) => calendar.say(octets, contextOf(version, { bodies })), '2.5'],
  ['tasks', /^Tasks:|^AirSyncBase:Body/, tasks, (octets, version, bodies) => task.say(octets, contextOf(version, { bodies })), '2.5'],
  ['notes of a mailbox', /^Notes:|^AirSyncBase:Body/, mailNotes.map(([title, octets]) => ({ title, octets })), (octets, version, bodies) => note.mailNoteClass.say(octets, { version, bodies, now: new Date('2026-11-25T09:30:00Z'), person: { addresses: [] } }), '14.0'],
  ['notes', /^Notes:|^AirSyncBase:Body/, notes, (octets, version, bodies) => note.noteClass.say(octets, { version, bodies, now: new Date('2026-11-25T09:30:00Z'), person: { addresses: [] } }), '14.0'],
]
const preferences: readonly (readonly BodyPreference[])[] = [
  [], [{ type: 1 }], [{ type: 2 }], [{ type: 3 }], [{ type: 1, truncationSize: 20, preview: 100 }], [{ type: 2, truncationSize: 0 }], [{ type: 1, truncationSize: 5, allOrNone: true }],
]

const answer = (nodes: readonly Node[]): Element => decode(encodeSync(el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
  el('AirSync:SyncKey', 'k'), el('AirSync:CollectionId', 'c'), el('AirSync:Status', '1'),
  el('AirSync:Commands', [el('AirSync:Add', [el('AirSync:ServerId', 'i'), el('AirSync:ApplicationData', nodes)])]),
])])])))

describe.each(classes)('what is told of %s', (_name, own, stored, say, first) => {
  const known = versions.filter(one => since(one, first))
  it.each(known)('fits the schema in version %s, in each kind of body, and is all that the version has', version => {
    const seen: Seen = new Map(), faults = new Set<string>()
    for (const bodies of preferences) for (const { title, octets } of stored) {
      const nodes = say(octets, version, bodies)
      if (nodes) for (const fault of validate(schema, 'Sync', version, answer(nodes), seen)) faults.add(`${fault} (${title})`)
    }
    expect([...faults].slice(0, 40)).toEqual([])
    const expected = [...schema.paths].filter(([path, list]) => path.startsWith(`${item}/`) && list.some(one => one.versions.has(version)))
      .map(([path]) => path.slice(item.length + 1)).filter(path => own.test(path) && !/BodyPart/.test(path) && !never.test(path))
      .filter(path => since(version, '16.0') || !path.startsWith('AirSyncBase:Attachments'))
    expect(expected.filter(path => !seen.has(`${item}/${path}`))).toEqual([])
  })
})

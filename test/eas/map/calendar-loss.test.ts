import { describe, expect, it } from 'vitest'
import { hear, say } from '../../../src/eas/map/calendar.ts'
import { isExpressible } from '../../../src/eas/map/calendar-values.ts'
import { versions, since, type Version } from '../../../src/eas/versions.ts'
import { readEvent } from '../../../src/formats/event-read.ts'
import { el, type Element, type Node } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { samples } from '../../support/events.ts'
import { mutations } from '../../support/fuzz.ts'
import { difference, withoutStamps } from '../../support/object-diff.ts'

const rich = (version: Version) => contextOf(version, { bodies: [{ type: 2 }, { type: 1 }] })
const nodesOf = (octets: Uint8Array, version: Version): readonly Node[] => say(octets, contextOf(version))

/** What a client was told, with one element in another form. */
const edited = (nodes: readonly Node[], node: Node): Element => arrived([...nodes.filter(({ tag }) => tag !== node.tag), node])

it('there are enough of them, and all can be told', () => {
  expect(samples.length).toBeGreaterThanOrEqual(150)
  for (const { title, octets } of samples) {
    for (const version of versions) expect(nodesOf(octets, version).length, title).toBeGreaterThan(4)
  }
})

/** RFC 5545, 7986, 9073, 9074; those of tasks are in the tests of tasks. */
const properties = `CALSCALE METHOD PRODID VERSION ATTACH CATEGORIES CLASS COMMENT DESCRIPTION GEO LOCATION PRIORITY RESOURCES STATUS SUMMARY DTEND DTSTART DURATION
  FREEBUSY TRANSP TZID TZNAME TZOFFSETFROM TZOFFSETTO TZURL ATTENDEE CONTACT ORGANIZER RECURRENCE-ID RELATED-TO URL UID EXDATE RDATE RRULE ACTION REPEAT TRIGGER
  CREATED DTSTAMP LAST-MODIFIED SEQUENCE REQUEST-STATUS NAME REFRESH-INTERVAL SOURCE COLOR IMAGE CONFERENCE LOCATION-TYPE PARTICIPANT-TYPE RESOURCE-TYPE
  CALENDAR-ADDRESS STYLED-DESCRIPTION STRUCTURED-DATA ACKNOWLEDGED PROXIMITY`.split(/\s+/)

/** RFC 5545, 6638, 7986, 8607, 9073, 9253. */
const parameters = `ALTREP CN CUTYPE DELEGATED-FROM DELEGATED-TO DIR ENCODING FBTYPE FMTTYPE LANGUAGE MEMBER PARTSTAT RANGE RELATED RELTYPE ROLE RSVP SENT-BY TZID VALUE
  SCHEDULE-AGENT SCHEDULE-FORCE-SEND SCHEDULE-STATUS DISPLAY EMAIL FEATURE LABEL FILENAME MANAGED-ID SIZE DERIVED ORDER SCHEMA GAP LINKREL`.split(/\s+/)
const components = 'VCALENDAR VEVENT VALARM VTIMEZONE STANDARD DAYLIGHT VFREEBUSY VJOURNAL PARTICIPANT VLOCATION VRESOURCE'.split(' ')

it('every property there is, is in one of them, and every parameter and component', () => {
  const all = samples.map(({ octets }) => Buffer.from(octets).toString()).join('\n').replace(/\r?\n[ \t]/g, '')
  expect(properties.filter(name => !new RegExp(`^${name}[:;]`, 'm').test(all))).toEqual([])
  expect(parameters.filter(name => !new RegExp(`^[A-Z-]+(;([^:"\r\n]|"[^"]*")*)?;${name}=`, 'm').test(all))).toEqual([])
  expect(components.filter(name => !new RegExp(`^BEGIN:${name}\r?$`, 'm').test(all))).toEqual([])
})

describe.each(versions)('in version %s', version => {
  it('what is given back as it was told changes no octet', () => {
    for (const { title, octets } of samples) {
      const told = arrived(nodesOf(octets, version))
      expect(Buffer.from(hear(octets, told, contextOf(version))).toString('latin1'), title).toBe(Buffer.from(octets).toString('latin1'))
      const html = arrived(say(octets, rich(version)))
      expect(Buffer.compare(hear(octets, html, rich(version)), octets), `${title} in HTML`).toBe(0)
    }
  })

  it('another subject changes SUMMARY alone, of an invitation nothing', () => {
    for (const { title, octets } of samples) {
      const changed = hear(octets, edited(nodesOf(octets, version), el('Calendar:Subject', 'Something new')), contextOf(version))
      const changes = withoutStamps(difference(octets, changed))
      const received = /ORGANIZER[^\n]*bob@x/.test(Buffer.from(octets).toString())
      const summaries = changes.filter(line => !/SCHEDULE-AGENT=CLIENT/.test(line) && !/^-.*> ATTENDEE/.test(line))
      expect(summaries.every(line => /> SUMMARY/i.test(line)), `${title}: ${changes.join(' ')}`).toBe(true)
      expect(changes.filter(line => /^\+.*summary/i.test(line)).length, title).toBe(received ? 0 : 1)
    }
  })

  it('another place changes what says the place', () => {
    const node = since(version, '16.0') ? el('AirSyncBase:Location', [el('AirSyncBase:DisplayName', 'Elsewhere')]) : el('Calendar:Location', 'Elsewhere')
    for (const { title, octets } of samples) {
      const changes = withoutStamps(difference(octets, hear(octets, edited(nodesOf(octets, version), node), contextOf(version))))
        .filter(line => !line.includes('> ATTENDEE'))
      expect(changes.every(line => /> (LOCATION|GEO|X-APPLE-STRUCTURED-LOCATION|X-MICROSOFT-LOCATIONS)/i.test(line)), `${title}: ${changes.join(' ')}`).toBe(true)
    }
  })

  it('another reminder changes TRIGGER, or adds an alarm', () => {
    for (const { title, octets } of samples) {
      const changes = withoutStamps(difference(octets, hear(octets, edited(nodesOf(octets, version), el('Calendar:Reminder', '77')), contextOf(version))))
      expect(changes.every(line => /VALARM|TRIGGER|ACKNOWLEDGED/.test(line)), `${title}: ${changes.join(' ')}`).toBe(true)
      expect(changes.some(line => /^\+.*TRIGGER.*:-PT77M/.test(line)), title).toBe(true)
    }
  })

  it('other categories, busy and sensitivity change those alone', () => {
    const each: readonly (readonly [Node, RegExp])[] = [
      [el('Calendar:Categories', [el('Calendar:Category', 'One, two'), el('Calendar:Category', 'Three')]), /> CATEGORIES/],
      [el('Calendar:BusyStatus', '3'), /> (TRANSP|X-MICROSOFT-CDO-BUSYSTATUS)/],
      [el('Calendar:Sensitivity', '1'), /> CLASS/],
    ]
    for (const { title, octets } of samples) {
      for (const [node, pattern] of each) {
        const heard = hear(octets, edited(nodesOf(octets, version), node), contextOf(version))
        const changes = withoutStamps(difference(octets, heard))
        expect(changes.every(line => pattern.test(line)), `${title}: ${changes.join(' ')}`).toBe(true)
        if (node.tag === 'Calendar:BusyStatus') expect(arrived(nodesOf(heard, version)).children.find(one => one.tag === node.tag)?.text, title).toBe('3')
      }
    }
  })

  it('another time changes when it is alone, or is refused of what was told in part', () => {
    for (const { title, octets } of samples) {
      const told = nodesOf(octets, version)
      if (/ORGANIZER[^\n]*bob@x/.test(Buffer.from(octets).toString())) continue
      const data = arrived([...told.filter(({ tag }) => !['Calendar:StartTime', 'Calendar:EndTime', 'Calendar:AllDayEvent'].includes(tag)),
        el('Calendar:StartTime', '20261201T130000Z'), el('Calendar:EndTime', '20261201T143000Z'), el('Calendar:AllDayEvent', '0')])
      if (!isExpressible(readEvent(octets, contextOf(version)))) {
        expect(() => hear(octets, data, contextOf(version)), title).toThrow(expect.objectContaining({ kind: 'denied' }))
        continue
      }
      const changed = hear(octets, data, contextOf(version))
      const found = arrived(nodesOf(changed, version)).children
      const value = (tag: string): string | undefined => found.find(one => one.tag === tag)?.text
      expect([value('Calendar:StartTime'), value('Calendar:EndTime'), value('Calendar:AllDayEvent')], title).toEqual(['20261201T130000Z', '20261201T143000Z', '0'])
      const changes = withoutStamps(difference(octets, changed)).filter(line => !line.includes('> ATTENDEE') && !line.includes('VTIMEZONE'))
      const kept = /exception|EXDATE|all-day series/.test(title) ? /> / : /UNTIL|floating series/.test(title) ? /> (DTSTART|DTEND|DURATION|SEQUENCE|RRULE)/ : /> (DTSTART|DTEND|DURATION|SEQUENCE|X-MICROSOFT-CDO-ALLDAYEVENT)/i
      expect(changes.every(line => kept.test(line)), `${title}: ${changes.join(' ')}`).toBe(true)
    }
  })
})

it('whatever octets are stored, an event is told, changed, or refused', { timeout: 120_000 }, () => {
  const context = contextOf('16.1')
  const data = arrived([el('Calendar:Subject', 'New'), el('Calendar:StartTime', '20261201T130000Z'), el('Calendar:EndTime', '20261201T143000Z')])
  let told = 0
  for (const bytes of mutations(samples.map(({ octets }) => octets), 20_000, 31)) {
    for (const attempt of [() => { say(bytes, context); told++ }, () => hear(bytes, data, context)]) {
      try {
        attempt()
      } catch (error) {
        expect(error, Buffer.from(bytes).toString('latin1')).toMatchObject({ name: 'Failure' })
      }
    }
  }
  expect(told).toBeGreaterThan(5000)
})

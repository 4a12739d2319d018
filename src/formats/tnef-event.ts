import { Failure } from '../base/failure.ts'
import type { EventBody, EventPatch, ExceptionPatch, Person, RuleParts, Sensitivity, When } from '../model/event.ts'
import type { Zone } from '../model/zone.ts'
import { printUtc, setProperty, timeValue, type Value } from './calendar-edit.ts'
import { openObject } from './calendar-object.ts'
import { componentsOf, insert, printLines, replace, writeLine, writeParameter, type Component, type Document } from './content-lines.ts'
import { isSameAddress } from './event-people.ts'
import { newEvent } from './event-patch.ts'
import type { ReadContext } from './event-read.ts'
import { htmlToText } from './html.ts'
import type { Invitation } from './invitation.ts'
import { instantOf, localOf, utcZone } from './timezone.ts'
import { seriesOfTnef, tnefInvitation, zoneOfTnef } from './tnef-invitation.ts'
import type { Tnef } from './tnef.ts'
import { printDate } from './vtimezone-write.ts'

/** What the message around a TNEF stream says of the meeting, and the stream does not. */
export type TnefHead = { readonly organizer: Person; readonly to: readonly Person[]; readonly cc: readonly Person[]; readonly subject: string }

const day = 86_400_000
const sensitivities: Readonly<Record<string, Sensitivity>> = { PERSONAL: 'personal', PRIVATE: 'private', CONFIDENTIAL: 'confidential' }

/**
 * [MS-OXOCAL] Meeting Request Object: the event it invites to, as it would have come in iCalendar. Throws `malformed` for a message that
 * invites nobody, and for a series that iCalendar has no words for.
 */
export function tnefEvent(tnef: Tnef, head: TnefHead, context: ReadContext): Uint8Array {
  const meeting = tnefInvitation(tnef)
  if (meeting?.method !== 'REQUEST') throw new Failure('malformed', 'a message that invites nobody')
  const claim = zoneOfTnef(tnef), series = seriesOfTnef(tnef)
  if (series === 'unknown') throw new Failure('malformed', 'a series that cannot be understood')
  const start = meeting.start.getTime()
  const zone = claim ? context.zones.claimed(claim, start, start, [context.zone]) : meeting.allDay ? context.zone : utcZone
  const whenOf = (from: number, to: number): When => {
    const [first, last] = [from, to].map(at => Math.floor(localOf(at, zone) / day) * day)
    return meeting.allDay ? { start: first!, end: Math.max(last!, first! + day), allDay: true, zone } : { start: from, end: to, allDay: false, zone }
  }
  const original = (local: number): number => meeting.allDay ? Math.floor(local / day) * day : instantOf(local, zone)
  const exceptions = [
    ...series?.deleted.map((at): ExceptionPatch => ({ original: original(at), change: 'remove' })) ?? [],
    ...series?.moved.map((one): ExceptionPatch => ({
      original: original(one.original), change: { when: whenOf(instantOf(one.start, zone), instantOf(one.end, zone)) },
    })) ?? [],
  ]
  const patch: EventPatch & { when: When; uid: string } = {
    uid: meeting.uid, when: whenOf(start, meeting.end.getTime()), summary: head.subject, body: bodyOf(tnef),
    ...(series ? { rule: ruleOf(series.rule, series.last, meeting.allDay, zone), exceptions } : {}),
    ...(meeting.location ? { place: { name: meeting.location } } : {}), sensitivity: sensitivities[meeting.sensitivity],
    reminder: meeting.reminder === undefined ? undefined : Math.round(meeting.reminder / 60), counterDisallowed: meeting.counterDisallowed || undefined,
    organizer: head.organizer, attendees: guestsOf(head),
  }
  const made = newEvent(patch, { ...context, now: meeting.stamp.getTime(), agent: undefined, received: true })
  const instance = meeting.instance && original(localOf(meeting.instance.getTime(), zone))
  return finished(made, meeting, instance === undefined ? undefined : timeValueOf(instance, meeting.allDay, zone))
}

const timeValueOf = (at: number, allDay: boolean, zone: Zone): Value => allDay ? timeValue(at, zone, { form: 'date' })
  : zone === utcZone ? timeValue(at, zone, { form: 'utc' }) : timeValue(at, zone, { form: 'zoned', tzid: writeParameter('TZID', zone.name) })

function ruleOf(rule: RuleParts, last: number | undefined, allDay: boolean, zone: Zone): RuleParts {
  return last === undefined ? rule : { ...rule, UNTIL: allDay ? printDate(last) : printUtc(instantOf(last, zone)) }
}

function bodyOf({ body }: Tnef): EventBody | undefined {
  return body && (body.html ? { plain: htmlToText(body.text), html: body.text } : { plain: body.text, html: undefined })
}

function guestsOf({ organizer, to, cc }: TnefHead): EventPatch['attendees'] {
  const all = [...to.map(one => ({ ...one, kind: 'required' as const })), ...cc.map(one => ({ ...one, kind: 'optional' as const }))]
  return all.filter(({ address }, index) => !isSameAddress(address, organizer.address) && all.findIndex(one => isSameAddress(one.address, address)) === index)
    .map(one => ({ ...one, answer: 'none', asked: true }))
}

/** What an invitation says that no event of the user's own does. */
function finished(octets: Uint8Array, { sequence, busy }: Invitation, instance: Value | undefined): Uint8Array {
  const { document, calendar } = openObject(octets, 'VEVENT')
  const { lineEnd } = document
  const complete = (event: Component): Component => {
    const said = setProperty(setProperty(event, 'SEQUENCE', { value: String(sequence) }, lineEnd), 'X-MICROSOFT-CDO-INTENDEDSTATUS', { value: busy }, lineEnd)
    return instance ? insert(said, writeLine({ label: 'RECURRENCE-ID', ...instance }, lineEnd)) : said
  }
  return printLines(componentsOf(calendar.lines, 'VEVENT').reduce<Document>((from, event) => replace(from, event, complete(event)), document))
}

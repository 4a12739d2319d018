import type { Answer, Attendee, Busy, Event, Kind, Occasion, Person, Sensitivity } from '../../model/event.ts'
import { isSameAddress } from '../../formats/event-people.ts'
import { recurrenceOf, type Recurrence } from './recurrence.ts'

/** [MS-ASCAL] Sensitivity. */
export const sensitivities: readonly Sensitivity[] = ['normal', 'personal', 'private', 'confidential']
/** [MS-ASCAL] BusyStatus. */
export const busyStatuses: readonly Busy[] = ['free', 'tentative', 'busy', 'oof', 'elsewhere']
/** [MS-ASCAL] AttendeeType: 1 to 3. */
export const kinds: readonly Kind[] = ['required', 'optional', 'resource']
/** [MS-ASCAL] AttendeeStatus; ResponseType of one who was asked. */
export const answers: Readonly<Record<Answer, string>> = { unknown: '0', tentative: '2', accepted: '3', declined: '4', none: '5' }
export const answerOf = (status: string): Answer | undefined =>
  (Object.keys(answers) as Answer[]).find(one => answers[one] === status)

/** Those who are told: the organizer is told apart. */
export const guestsOf = ({ attendees, organizer }: Occasion): readonly Attendee[] =>
  attendees.filter(one => one.address !== '' && !(organizer && isSameAddress(one.address, organizer.address)))

export const isOwn = (person: Person | undefined, addresses: readonly string[]): boolean =>
  person !== undefined && addresses.some(one => isSameAddress(one, person.address))

/** Whether somebody else has invited the user. */
export const isReceived = ({ organizer }: Occasion, addresses: readonly string[]): boolean =>
  organizer !== undefined && organizer.address !== '' && !isOwn(organizer, addresses)

/** The user among those who are invited. */
export const ownAttendee = ({ attendees }: Occasion, addresses: readonly string[]): Attendee | undefined =>
  attendees.find(one => isOwn(one, addresses))

/** The recurrence of a series; undefined for a single event. */
export const seriesRecurrence = ({ series, start }: Event): Recurrence | undefined => {
  const [rule] = series?.rules ?? []
  return rule && recurrenceOf(rule, start.local)
}

/**
 * Whether EAS can say all of an event in one item. A series it has no words for is shown by its occurrences, and so are exceptions
 * without their series.
 */
export function isExpressible(event: Event): boolean {
  const { series, exceptions, partial } = event
  if (partial) return exceptions.length === 1
  if (!series) return exceptions.length === 0
  const plain = series.rules.length === 1 && series.dates.length === 0 && series.exceptRules.length === 0
  return plain && !exceptions.some(one => one.following) && seriesRecurrence(event) !== undefined
}

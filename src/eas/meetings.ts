import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../base/failure.ts'
import { isSameAddress } from '../formats/event-people.ts'
import { patchEvent } from '../formats/event-patch.ts'
import { readEvent } from '../formats/event-read.ts'
import { toldByClient } from '../formats/itip.ts'
import { match, occurrenceOf, startsOf } from '../formats/series.ts'
import type { Attendee, Event, Occasion } from '../model/event.ts'
import type { FolderId } from '../model/folder.ts'
import type { StoredObject } from '../model/ports.ts'
import type { Call, Clocks } from './command.ts'
import { objectsOf } from './folders.ts'
import { guestsOf, isOwn, isReceived } from './map/calendar-values.ts'
import { sendMeetingMail, type MeetingMail } from './meeting-mail.ts'
import { since } from './versions.ts'

/**
 * [MS-ASCMD] Creating a Meeting or Appointment: up to 14.1 the client mails by itself, from 16.0 on the server does. That is the CalDAV
 * server where it schedules (RFC 6638), so that exactly one of the three sends.
 */
export const mailsItself = ({ request }: Pick<Call, 'request'>): boolean => !since(request.version, '16.0')

export const mailsFromHere = async (call: Call): Promise<boolean> =>
  !mailsItself(call) && !await objectsOf(call.stores.objects).schedules()

/** Tells those who are invited of what became of an event of the user's: undefined for what was not there, or is not any more. */
export async function tellGuests(call: Call, before: Uint8Array | undefined, after: Uint8Array | undefined): Promise<void> {
  if (mailsItself(call)) return
  const mails = mailsOf(call, before, after)
  if (mails.length === 0 || !await mailsFromHere(call)) return
  for (const mail of mails) await sendMeetingMail(call, mail)
}

/**
 * Removes an event that is a meeting. Where a server that schedules would call it off by itself, and the client does, it is told so first:
 * there is no other way to delete it quietly for the organizer.
 */
export async function removeMeeting(call: Call, folder: FolderId, { name, octets }: StoredObject, etag: string | undefined): Promise<void> {
  const store = objectsOf(call.stores.objects)
  const event = eventIn(octets, call.clocks)
  const isOwnMeeting = event !== undefined && isOwn(event.organizer, call.stores.person.addresses) && guestsOf(event).length > 0
  const handed = isOwnMeeting && mailsItself(call) ? toldByClient(octets) : octets
  const tells = Buffer.compare(handed, octets) !== 0 && await store.schedules()
  const written = tells ? await store.write(folder, name, handed, etag === undefined ? undefined : { etag }) : { etag }
  await store.remove(folder, name, written.etag, isQuiet(call, event))
}

/** Whether the server must keep still when an event is deleted: somebody else tells, or nobody is to. */
const isQuiet = (call: Call, event: Event | undefined): boolean =>
  mailsItself(call) || event === undefined || isReceived(event, call.stores.person.addresses)

/** Undefined for what cannot be read, which is about nobody. */
function eventIn(stored: Uint8Array | undefined, clocks: Clocks): Event | undefined {
  try {
    return stored && readEvent(stored, clocks)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

const cancelled = 'Canceled: '

// RFC 5546, Interoperability Models: REQUEST for new ones and for all when something matters, CANCEL for who is not invited any more
function mailsOf({ clocks, now, stores: { person: { addresses } } }: Call, before: Uint8Array | undefined, after: Uint8Array | undefined): MeetingMail[] {
  const was = eventIn(before, clocks), is = eventIn(after, clocks)
  if (!isOwn((is ?? was)?.organizer, addresses)) return []
  const guestsBefore = was && !was.cancelled ? guestsOf(was) : []
  if (!after || !is) return guestsBefore.length > 0 ? [{ method: 'CANCEL', stored: before!, to: guestsBefore, next: true, prefix: cancelled }] : []
  const guests = guestsOf(is)
  const removed = without(guestsBefore, guests)
  const gone: MeetingMail[] = removed.length > 0
    ? [{ method: 'CANCEL', stored: before!, to: removed, only: removed.map(({ address }) => address), next: true, prefix: cancelled }] : []
  if (is.cancelled) return guestsBefore.length > 0 ? [...gone, { method: 'CANCEL', stored: after, to: guests, prefix: cancelled }] : gone
  if (!was || was.cancelled || isAnother(was, is)) return [...gone, { method: 'REQUEST', stored: after, to: guests }]
  const added = without(guests, guestsBefore)
  return [
    ...gone, ...(added.length > 0 ? [{ method: 'REQUEST', stored: after, to: added } as const] : []),
    ...ofOccurrences(was, is, after, original => patchEvent(before!, { exceptions: [{ original, change: { cancelled: true } }] }, {
      ...clocks, now: now().getTime(), agent: 'SERVER', received: false,
    })),
  ]
}

/** Each occurrence that was changed by itself. */
function ofOccurrences(was: Event, is: Event, after: Uint8Array, off: (original: number) => Uint8Array): MeetingMail[] {
  const changed = is.exceptions.flatMap((exception): MeetingMail[] => {
    const original = match(exception.original, is.start)
    const known: Occasion = was.exceptions.find(one => match(one.original, was.start) === original) ?? occurrenceOf(was, original)
    const guests = guestsOf(exception), left = without(guestsOf(known), guests)
    const gone: MeetingMail[] = left.length > 0
      ? [{ method: 'CANCEL', stored: off(original), original, to: left, only: left.map(({ address }) => address), prefix: cancelled }] : []
    if (exception.cancelled) return known.cancelled ? gone : [...gone, { method: 'CANCEL', stored: after, original, to: guests, prefix: cancelled }]
    const news = isAnotherOccasion(known, exception) ? guests : without(guests, guestsOf(known))
    return news.length > 0 ? [...gone, { method: 'REQUEST', stored: after, original, to: news }] : gone
  })
  const excluded = (event: Event): number[] => event.series?.excluded.map(one => match(one, event.start)) ?? []
  const fresh = excluded(is).filter(original => !excluded(was).includes(original) && happens(was, original))
  return [...changed, ...fresh.map((original): MeetingMail => ({ method: 'CANCEL', stored: off(original), original, to: guestsOf(was), prefix: cancelled }))]
}

/** Whether an event has an occurrence that begins, or would have begun, at this instant. */
export const happens = ({ series, start, exceptions }: Event, at: number): boolean =>
  exceptions.some(one => match(one.original, start) === at && !one.cancelled) || (series !== undefined && startsOf(series, start, at, at, 1).starts.includes(at))

const without = (some: readonly Attendee[], others: readonly Attendee[]): Attendee[] =>
  some.filter(one => !others.some(({ address }) => isSameAddress(address, one.address)))

/** What others must hear of. */
const shared = ({ start, end, allDay, summary, body, place }: Occasion) => ({ start: start.at, end: end.at, allDay, summary, body, place })
const isAnotherOccasion = (one: Occasion, other: Occasion): boolean => !isDeepStrictEqual(shared(one), shared(other))

function isAnother(one: Event, other: Event): boolean {
  const rules = ({ series }: Event) => series && [series.rules, series.exceptRules, series.dates.map(({ at }) => at)]
  return isAnotherOccasion(one, other) || !isDeepStrictEqual(rules(one), rules(other))
}

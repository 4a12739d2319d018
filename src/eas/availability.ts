import { Failure } from '../base/failure.ts'
import { isSameAddress } from '../formats/event-people.ts'
import { readEvent } from '../formats/event-read.ts'
import { mergedFreeBusy, type BusyPeriod, type Busyness } from '../formats/free-busy.ts'
import { match, occurrencesOf } from '../formats/series.ts'
import { instantOf } from '../formats/timezone.ts'
import type { Busy, Occasion } from '../model/event.ts'
import { isClosed, type Folder } from '../model/folder.ts'
import type { Call, Clocks } from './command.ts'
import { objectsOf } from './folders.ts'
import { calendarsOf } from './invitations.ts'
import { isReceived, ownAttendee } from './map/calendar-values.ts'
import { outcome } from './outcome.ts'

/** A span of time, in which free and busy are told by half an hour. */
export type Span = { readonly start: Date; readonly end: Date }

/**
 * [MS-ASCMD] MergedFreeBusy: a digit for each half of an hour. Undefined where nobody knows, as of everybody but the user, whose calendars
 * are looked into; `later` while they cannot be read.
 */
export async function freeBusy(call: Call, address: string, span: Span): Promise<{ readonly digits: string } | 'later' | undefined> {
  const { objects, person: { addresses } } = call.stores
  if (!objects || !addresses.some(own => isSameAddress(own, address))) return undefined
  const periods = await outcome(ownPeriods(call, span))
  if (!(periods instanceof Failure)) return { digits: mergedFreeBusy(span.start.getTime(), span.end.getTime(), periods) }
  call.log.warn({ kind: periods.kind, why: periods.message }, 'free and busy cannot be told')
  return 'later'
}

/** Objects asked for in one request; occurrences of one event that are counted: 42 days of half hours. */
const batch = 100, mostOccurrences = 2016
const day = 24 * 60 * 60_000

async function ownPeriods(call: Call, span: Span): Promise<BusyPeriod[]> {
  const all: BusyPeriod[] = []
  for (const folder of await calendarsOf(call.stores.objects)) all.push(...await periodsOf(call, folder, span))
  return all
}

/** A day is one of the user's, which begins up to 14 hours from where the server thinks. */
async function periodsOf({ stores, clocks }: Call, folder: Folder, { start, end }: Span): Promise<BusyPeriod[]> {
  const store = objectsOf(stores.objects), { id } = folder
  const names = [...await store.within(id, new Date(start.getTime() - day), new Date(end.getTime() + day))].filter(name => !isClosed(folder, name))
  const periods: BusyPeriod[] = []
  for (let at = 0; at < names.length; at += batch) {
    for (const { octets } of await store.objects(id, names.slice(at, at + batch))) {
      periods.push(...eventPeriods(octets, start.getTime(), end.getTime(), stores.person.addresses, clocks))
    }
  }
  return periods
}

const busyness: Readonly<Record<Busy, Busyness>> = { free: 0, elsewhere: 0, tentative: 1, busy: 2, oof: 3 }

function eventPeriods(octets: Uint8Array, from: number, to: number, addresses: readonly string[], { zone, zones }: Clocks): BusyPeriod[] {
  try {
    const event = readEvent(octets, { zone, zones })
    const isDate = event.start.form === 'date'
    const { list, complete } = occurrencesOf(event, from - day, to + day, mostOccurrences)
    const instant = (at: number): number => isDate ? instantOf(at, zone) : at
    const periods = list.map(({ original, start, end }) => {
      const exception = event.exceptions.find(one => match(one.original, event.start) === original)
      return { start: instant(start), end: instant(end), busy: busynessOf(exception ?? event, addresses) }
    })
    // A rule that cannot be followed may be busy at any time.
    return complete ? periods : [...periods, { start: Math.max(from, event.start.at), end: to, busy: 4 }]
  } catch (error) {
    if (error instanceof Failure) return []
    throw error
  }
}

/** What is called off or declined takes no time, what is not answered may. */
function busynessOf(occasion: Occasion, addresses: readonly string[]): Busyness {
  const answer = isReceived(occasion, addresses) ? ownAttendee(occasion, addresses)?.answer : undefined
  if (occasion.cancelled || answer === 'declined') return 0
  const busy = busyness[occasion.busy]
  return (answer === 'none' || answer === 'tentative') && busy === 2 ? 1 : busy
}

import { Failure } from '../base/failure.ts'
import { isSameAddress } from '../formats/event-people.ts'
import { readEvent } from '../formats/event-read.ts'
import { mergedFreeBusy, readFreeBusy, type BusyPeriod, type Busyness } from '../formats/free-busy.ts'
import { match, occurrencesOf } from '../formats/series.ts'
import { instantOf } from '../formats/timezone.ts'
import type { Busy, Occasion } from '../model/event.ts'
import { isClosed, type Folder } from '../model/folder.ts'
import type { Call, Clocks } from './command.ts'
import { objectsOf, soon } from './folders.ts'
import { calendarsOf } from './invitations.ts'
import { isReceived, ownAttendee } from './map/calendar-values.ts'
import { outcome } from './outcome.ts'

/** A span of time, in which free and busy are told by half an hour. */
export type Span = { readonly start: Date; readonly end: Date }

/** When somebody has time; `later` while that cannot be read, undefined where it may not be or nobody could know. */
export type Availability = { readonly digits: string } | 'later' | undefined

/**
 * [MS-ASCMD] MergedFreeBusy: a digit for each half of an hour, of each of these addresses. The user's own calendars are looked into, and the
 * server of calendars is asked about others, in one request where it can be.
 */
export async function freeBusy(call: Call, addresses: readonly string[], span: Span): Promise<(address: string) => Availability> {
  const { objects, person } = call.stores
  if (!objects) return () => undefined
  const isOwn = (address: string): boolean => person.addresses.some(own => isSameAddress(own, address))
  const others = [...new Set(addresses.filter(address => !isOwn(address)).map(address => address.toLowerCase()))]
  const own = addresses.some(isOwn) ? told(call, span, await outcome(ownPeriods(call, span))) : undefined
  const found = others.length > 0 ? await othersTold(call, others, span) : undefined
  return address => isOwn(address) ? own : found?.(address.toLowerCase())
}

/** That of several as one; of whom nothing is known, that is told, as long as something is known of anybody. */
export function together(all: readonly Availability[], { start, end }: Span): Availability {
  if (all.includes('later')) return 'later'
  const known = all.flatMap(one => one && one !== 'later' ? [one.digits] : [])
  if (known.length === 0) return undefined
  const nothing = mergedFreeBusy(start.getTime(), end.getTime(), [{ start: start.getTime(), end: end.getTime(), busy: 4 }])
  const lines = known.length < all.length ? [...known, nothing] : known
  return { digits: [...nothing].map((_, at) => lines.reduce((highest, line) => line[at]! > highest ? line[at]! : highest, '0')).join('') }
}

/** Milliseconds to wait for what is known of others. */
const patience = 20_000

async function othersTold(call: Call, others: readonly string[], span: Span): Promise<(address: string) => Availability> {
  const { objects } = call.stores, from = span.start.getTime(), to = span.end.getTime()
  const asked = objects?.freeBusy?.(others, new Date(from - day), new Date(to + day))
  if (!asked) return () => undefined
  const found = await soon(asked, patience)
  if (found instanceof Failure) {
    const all = told(call, span, found)
    return () => all
  }
  const known = new Map(others.map(address => {
    const octets = found.get(address)
    return [address, told(call, span, octets instanceof Failure ? octets : octets ? periodsOfOther(call, octets, address, span) : [{ start: from, end: to, busy: 4 }])]
  }))
  return address => known.get(address)
}

/** VFREEBUSY, or events. What is neither tells nothing that could be relied on. */
function periodsOfOther({ clocks }: Call, octets: readonly Uint8Array[], address: string, { start, end }: Span): BusyPeriod[] | Failure {
  const from = start.getTime(), to = end.getTime()
  try {
    return octets.flatMap(one => readFreeBusy(one, from, to) ?? eventPeriods(one, from, to, [address], clocks))
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

function told(call: Call, { start, end }: Span, periods: readonly BusyPeriod[] | Failure): Availability {
  if (!(periods instanceof Failure)) return { digits: mergedFreeBusy(start.getTime(), end.getTime(), periods) }
  if (periods.kind === 'denied' || periods.kind === 'unsupported') return undefined
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

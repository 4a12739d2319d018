import { printUtc } from './calendar-edit.ts'
import { decodeText } from './charset.ts'
import { printLines, writeComponent, writeDocument, writeLine, type Line } from './content-lines.ts'
import { product } from './event-patch.ts'
import { parseCalendar, parseDateTime, parseDuration, property } from './icalendar.ts'

/** [MS-ASCMD] MergedFreeBusy: free, tentative, busy, out of office, nobody knows. */
export type Busyness = 0 | 1 | 2 | 3 | 4

/** Instants; the end is not included. */
export type BusyPeriod = { readonly start: number; readonly end: number; readonly busy: Busyness }

const half = 30 * 60_000

/**
 * [MS-ASCMD] MergedFreeBusy: a digit for each half of an hour from the start on, the last one for what is left. Where several are true of it,
 * the highest is told.
 */
export function mergedFreeBusy(start: number, end: number, periods: readonly BusyPeriod[]): string {
  const digits = new Uint8Array(Math.max(0, Math.ceil((end - start) / half)))
  for (const one of periods) {
    const from = Math.max(one.start, start), to = Math.min(one.end, end)
    if (to <= from) continue
    const last = Math.ceil((to - start) / half)
    for (let at = Math.floor((from - start) / half); at < last; at++) digits[at] = Math.max(digits[at]!, one.busy)
  }
  return digits.join('')
}

export type FreeBusyRequest = {
  /** The one who asks, as a server knows him: `mailto:`. */
  readonly organizer: string
  /** Addresses. */
  readonly attendees: readonly string[]
  readonly from: Date
  readonly to: Date
  readonly uid: string
  readonly now: Date
}

/** RFC 5546, REQUEST of VFREEBUSY. */
export function freeBusyRequest({ organizer, attendees, from, to, uid, now }: FreeBusyRequest): Uint8Array {
  const line = ([label, value]: readonly [string, string]): Line => writeLine({ label, value }, lineEnd)
  const request = writeComponent('VFREEBUSY', [
    ['UID', uid] as const, ['DTSTAMP', printUtc(now.getTime())] as const, ['DTSTART', printUtc(from.getTime())] as const,
    ['DTEND', printUtc(to.getTime())] as const, ['ORGANIZER', organizer] as const,
    ...attendees.map(address => ['ATTENDEE', `mailto:${encodeURI(address.toWellFormed())}`] as const),
  ].map(line), lineEnd)
  const calendar = [['VERSION', '2.0'], ['PRODID', product], ['METHOD', 'REQUEST']] as const
  return printLines(writeDocument(writeComponent('VCALENDAR', [...calendar.map(line), request], lineEnd)))
}

const lineEnd = '\r\n'

/** RFC 5545, Free/Busy Time Type. What is not known counts as busy. */
const types: Readonly<Record<string, Busyness>> = { FREE: 0, 'BUSY-TENTATIVE': 1, BUSY: 2, 'BUSY-UNAVAILABLE': 3 }

/**
 * RFC 5545, VFREEBUSY: when somebody is busy between two instants. Of what it does not speak, and where it cannot be understood, nothing is
 * known. Undefined where there is no such component. Throws `malformed` where there is no calendar.
 */
export function readFreeBusy(octets: Uint8Array, start: number, end: number): BusyPeriod[] | undefined {
  const told = parseCalendar(decodeText(octets, 'utf-8')).components.filter(({ name }) => name === 'VFREEBUSY')
  if (told.length === 0) return undefined
  const nothing: BusyPeriod = { start, end, busy: 4 }
  const edge = (name: string, otherwise: number): number[] => told.map(one => {
    const value = property(one, name)?.value
    return value === undefined ? otherwise : utcOf(value) ?? NaN
  })
  const from = Math.min(...edge('DTSTART', start)), to = Math.max(...edge('DTEND', end))
  if (!(from < to)) return [nothing]
  const lines = told.flatMap(({ properties }) => properties.filter(({ name }) => name === 'FREEBUSY'))
  const periods = lines.flatMap(({ parameters, value }) => {
    const busy = types[(parameters['FBTYPE'] ?? 'BUSY').toUpperCase()] ?? 2
    return value.trim() === '' ? [] : value.split(',').map(one => periodOf(one, busy) ?? nothing)
  })
  return [...(from > start ? [{ start, end: from, busy: 4 } as const] : []), ...(to < end ? [{ start: to, end, busy: 4 } as const] : []), ...periods]
}

function periodOf(text: string, busy: Busyness): BusyPeriod | undefined {
  const [begin = '', until = ''] = text.split('/')
  const start = utcOf(begin), duration = parseDuration(until)
  const end = start !== undefined && duration !== undefined ? start + duration : utcOf(until)
  return start === undefined || end === undefined || end < start ? undefined : { start, end, busy }
}

/** RFC 5545 wants UTC here; by which clocks anything else is, nobody says. */
function utcOf(value: string): number | undefined {
  const time = parseDateTime(value)
  return time?.utc ? time.local : undefined
}

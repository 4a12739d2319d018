import { Failure } from '../base/failure.ts'
import {
  componentsOf, isLine, linesOf, parameterValues, parseLines, valueOf, type Component as Lines, type Document, type Line,
} from './content-lines.ts'
import { property, type Property } from './icalendar.ts'

/** A component as it is read, and the lines it was read from. Values are decoded when they are asked for. */
export type View = {
  readonly name: string
  readonly properties: readonly Property[]
  readonly components: readonly View[]
  readonly lines: Lines
}

export function viewOf(lines: Lines): View {
  let properties: readonly Property[] | undefined
  let components: readonly View[] | undefined
  return {
    name: lines.name, lines,
    get properties() {
      return properties ??= linesOf(lines).map(propertyOf)
    },
    get components() {
      return components ??= lines.content.flatMap(one => isLine(one) ? [] : [viewOf(one)])
    },
  }
}

function propertyOf(line: Line): Property {
  let parameters: Property['parameters'] | undefined
  return {
    name: line.name,
    get parameters() {
      return parameters ??= Object.fromEntries(line.parameters.map(({ name }) => [name, parameterValues(line, name).join(',')]))
    },
    get value() {
      return valueOf(line)
    },
  }
}

/** A stored object: all of it, the VCALENDAR, and the components of a kind that belong together. */
export type CalendarObject = {
  readonly document: Document
  readonly calendar: View
  /** The one that has no RECURRENCE-ID; undefined where there are exceptions only. */
  readonly master: View | undefined
  /** In the order of the object. */
  readonly exceptions: readonly View[]
}

/** Exceptions that are looked at; a daily series of a year has 365 days. */
const mostExceptions = 2000

/**
 * RFC 4791, Calendar Object Resources: one UID an object. Of several masters the first counts, and what has another UID is left
 * alone. Throws `malformed` where there is none of that kind.
 */
export const openObject = (octets: Uint8Array, kind: 'VEVENT' | 'VTODO'): CalendarObject => objectOf(parseLines(octets), kind)

/** The same of one that was opened before, and changed. */
export function objectOf(document: Document, kind: 'VEVENT' | 'VTODO'): CalendarObject {
  // Some programs leave VCALENDAR out; all that is asked of it then is asked of the whole.
  const calendars = componentsOf(document, 'VCALENDAR')
  const calendar = viewOf(calendars.find(one => componentsOf(one, kind).length > 0) ?? calendars[0] ?? document)
  const all = calendar.components.filter(({ name }) => name === kind)
  const master = all.find(one => !property(one, 'RECURRENCE-ID'))
  const first = master ?? all[0]
  if (!first) throw new Failure('malformed', `no ${kind} in a calendar object`)
  const uid = property(first, 'UID')?.value.trim()
  const exceptions = all.filter(one => property(one, 'RECURRENCE-ID') && property(one, 'UID')?.value.trim() === uid)
  return { document, calendar, master, exceptions: exceptions.slice(0, mostExceptions) }
}

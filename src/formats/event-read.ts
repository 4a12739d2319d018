import { Failure } from '../base/failure.ts'
import type { Busy, Event, EventBody, Exception, Occasion, Sensitivity, Series } from '../model/event.ts'
import type { Time, Zone } from '../model/zone.ts'
import { alarmsOf } from './alarm.ts'
import { endOf, instant, readTime, timeOf, zonesOf, type ZoneReader } from './calendar-time.ts'
import { openObject, type CalendarObject, type View } from './calendar-object.ts'
import { cleanText } from './charset.ts'
import { linesOf, splitEscaped } from './content-lines.ts'
import { fileOf } from './event-files.ts'
import { attendeeOf, personOf } from './event-people.ts'
import { placeOf } from './event-place.ts'
import { parseRule, property, textValue, unescapeText, type Property } from './icalendar.ts'
import { htmlToText } from './html.ts'
import { match, timeAt } from './series.ts'
import type { Zones } from './zones.ts'

/** What an object does not say itself. */
export type ReadContext = {
  /** The user's: of times that are of no zone. */
  readonly zone: Zone
  readonly zones: Zones
}

const most = { attendees: 2000, categories: 300, files: 200, dates: 5000, rules: 20, text: 32_768 }

/** RFC 5545, Event Component: a stored object. Throws `malformed` for what cannot be understood. */
export function readEvent(octets: Uint8Array, context: ReadContext): Event {
  return eventOf(openObject(octets, 'VEVENT'), context)
}

export const readersOf = ({ calendar }: CalendarObject, { zone, zones }: ReadContext): ZoneReader => zonesOf(calendar, zone, zones.named)

export function eventOf(object: CalendarObject, context: ReadContext): Event {
  const { master, exceptions } = object
  const zones = readersOf(object, context)
  const view = master ?? exceptions[0]!
  const series = master && seriesOf(master, zones)
  const occasion = occasionOf(view, zones, series !== undefined)
  const seen = new Set<number>()
  const read = exceptions.flatMap((one): Exception[] => {
    const exception = exceptionOf(one, zones, occasion, series !== undefined)
    // Of two about the same occurrence the later one counts, as the phone would see it last.
    return exception ? [exception] : []
  }).reverse().filter(({ original }) => !seen.has(original.at) && seen.add(original.at))
  return {
    ...occasion,
    uid: said(view, 'UID', 1000),
    sequence: Number(/^\d{1,9}$/.exec(said(view, 'SEQUENCE', 9))?.[0] ?? 0),
    series, partial: master === undefined,
    exceptions: read.sort((one, other) => one.original.at - other.original.at),
  }
}

/** Undefined for one that says no occurrence: the rest of the event is no worse for it. */
function exceptionOf(view: View, zones: ZoneReader, master: Occasion, series: boolean): Exception | undefined {
  const id = property(view, 'RECURRENCE-ID')!
  try {
    const written = readTime(id, zones)!
    // In whatever form it is named, it is the one that begins then.
    const original = series ? timeAt(master.start, match(written, master.start)) : written
    const occasion = occasionOf(view, zones, false, original, master)
    return { ...occasion, original, following: id.parameters['RANGE']?.toUpperCase() === 'THISANDFUTURE' }
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

/** An exception that does not say when it is, is when it would have been, as long as all the others. */
function occasionOf(view: View, zones: ZoneReader, series: boolean, original?: Time, master?: Occasion): Occasion {
  const start = readTime(property(view, 'DTSTART'), zones) ?? original
  if (!start) throw new Failure('malformed', 'an event without DTSTART')
  const plain = !property(view, 'DTSTART') && master
  const end = plain ? { ...start, at: start.at + master.end.at - master.start.at, local: start.local + master.end.local - master.start.local }
    : endOf(view, start, zones)
  const organizer = property(view, 'ORGANIZER')
  const all = (name: string): readonly Property[] => view.properties.filter(one => one.name === name)
  const attached = linesOf(view.lines, 'ATTACH')
  return {
    start, end, allDay: isAllDay(view, start, end),
    summary: said(view, 'SUMMARY', 1000),
    body: bodyOf(view),
    place: placeOf(view),
    categories: categoriesOf(all('CATEGORIES')),
    sensitivity: sensitivityOf(property(view, 'CLASS')),
    busy: busyOf(view),
    cancelled: said(view, 'STATUS', 40).toUpperCase() === 'CANCELLED',
    reminder: alarmsOf(view, start, end, series)[0]?.before,
    organizer: organizer && personOf(organizer),
    attendees: all('ATTENDEE').slice(0, most.attendees).map(one => attendeeOf(one, { start: start.at, end: end.at })),
    counterDisallowed: said(view, 'X-MICROSOFT-DISALLOW-COUNTER', 5).toUpperCase() === 'TRUE',
    stamp: instant(view, 'LAST-MODIFIED', zones) ?? instant(view, 'DTSTAMP', zones) ?? instant(view, 'CREATED', zones),
    answered: instant(view, 'X-MICROSOFT-CDO-REPLYTIME', zones),
    ...conferencesOf(view),
    files: all('ATTACH').slice(0, most.files).flatMap((one, index) => fileOf(one, attached[index]!) ?? []),
  }
}

/** Of Outlook too, which writes midnights. */
function isAllDay(view: View, start: Time, end: Time): boolean {
  if (start.form === 'date') return true
  const midnight = ({ local }: Time): boolean => local % 86_400_000 === 0
  return said(view, 'X-MICROSOFT-CDO-ALLDAYEVENT', 5).toUpperCase() === 'TRUE' && midnight(start) && midnight(end) && end.local > start.local
}

function seriesOf(view: View, zones: ZoneReader): Series | undefined {
  const all = (name: string): readonly Property[] => view.properties.filter(one => one.name === name)
  const times = (name: string): Time[] => all(name).flatMap(one => one.value.split(',', most.dates).flatMap(value => {
    // A period begins where its start is.
    const [start = ''] = value.trim().split('/')
    return start === '' ? [] : [timeOf(start, one, zones)]
  })).slice(0, most.dates)
  const rules = (name: string) => all(name).slice(0, most.rules).map(({ value }) => parseRule(value))
  const series = { rules: rules('RRULE'), exceptRules: rules('EXRULE'), dates: times('RDATE'), excluded: times('EXDATE') }
  return series.rules.length + series.dates.length > 0 ? series : undefined
}

export const textOf = (view: View, name: string): string => cleanText(textValue(view, name) ?? '')
const said = (view: View, name: string, length: number): string => textOf(view, name).replace(/\s+/g, ' ').trim().slice(0, length)

const isHtml = ({ parameters }: Property): boolean => parameters['FMTTYPE']?.trim().toLowerCase() === 'text/html'

/** X-ALT-DESC of Outlook, RFC 9073 STYLED-DESCRIPTION, or the ALTREP that Mozilla writes, beside DESCRIPTION. */
export function bodyOf(view: View): EventBody {
  const plain = textOf(view, 'DESCRIPTION')
  const rich = view.properties.find(one => (one.name === 'X-ALT-DESC' || one.name === 'STYLED-DESCRIPTION') && isHtml(one))
  const html = rich ? cleanText(unescapeText(rich.value)) : altrep(property(view, 'DESCRIPTION')?.parameters['ALTREP'])
  if (!html?.trim()) return { plain, html: undefined }
  return { plain: plain || htmlToText(html), html }
}

function altrep(value: string | undefined): string | undefined {
  const match = /^data:text\/html(?:;charset=utf-8)?,(.*)$/is.exec(value ?? '')
  try {
    return match ? cleanText(decodeURIComponent(match[1]!)) : undefined
  } catch {
    return undefined
  }
}

export function categoriesOf(lines: readonly Property[]): string[] {
  const names = lines.flatMap(({ value }) => splitEscaped(value, ',').map(one => cleanText(unescapeText(one)).replace(/\s+/g, ' ').trim()))
  return [...new Set(names.filter(name => name !== ''))].slice(0, most.categories)
}

/** RFC 5545, Classification. Personal has no word there: ours stands in a parameter. */
export function sensitivityOf(classification: Property | undefined): Sensitivity {
  const value = classification?.value.trim().toUpperCase() ?? ''
  if (value === '' || value === 'PUBLIC') return 'normal'
  if (value === 'CONFIDENTIAL') return 'confidential'
  const personal = value.replace(/^X-/, '') === 'PERSONAL' || classification!.parameters['X-SENSITIVITY']?.toUpperCase() === 'PERSONAL'
  return personal ? 'personal' : 'private'
}

const outlook: Readonly<Record<string, Busy>> = {
  FREE: 'free', TENTATIVE: 'tentative', BUSY: 'busy', OOF: 'oof', WORKINGELSEWHERE: 'elsewhere',
}

/** RFC 5545, Time Transparency. What Outlook adds is finer, as long as it does not say the contrary. */
export function busyOf(view: View): Busy {
  const finer = outlook[said(view, 'X-MICROSOFT-CDO-BUSYSTATUS', 40).toUpperCase()]
  const transparency = said(view, 'TRANSP', 40).toUpperCase()
  if (finer && (transparency === '' || finer === 'elsewhere' || (finer === 'free') === (transparency === 'TRANSPARENT'))) return finer
  if (transparency === 'TRANSPARENT') return 'free'
  return said(view, 'STATUS', 40).toUpperCase() === 'TENTATIVE' ? 'tentative' : 'busy'
}

const url = /^https?:\/\/[^\s<>"]{1,2000}$/i
const meetingUrls = ['X-MICROSOFT-ONLINEMEETINGEXTERNALLINK', 'X-MICROSOFT-SKYPETEAMSMEETINGURL', 'X-GOOGLE-CONFERENCE', 'CONFERENCE']

/** [MS-OXCICAL], RFC 7986 CONFERENCE, and what Google calls it. */
function conferencesOf(view: View): Pick<Occasion, 'conference' | 'externalConference'> {
  const values = (name: string): string[] =>
    view.properties.filter(one => one.name === name).map(one => cleanText(unescapeText(one.value)).trim())
  const sip = ['X-MICROSOFT-ONLINEMEETINGCONFLINK', 'CONFERENCE'].flatMap(values).find(value => /^(conf:)?sips?:\S{1,2000}$/i.test(value))
  return { conference: sip, externalConference: meetingUrls.flatMap(values).find(value => url.test(value)) }
}

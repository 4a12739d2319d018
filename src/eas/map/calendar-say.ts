import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { match, startsOf, timeAt, untilOf } from '../../formats/series.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import { utcZone } from '../../formats/timezone.ts'
import { zoneBlob } from '../../formats/zone-blob.ts'
import { zoneRules } from '../../formats/zone-rules.ts'
import type { Zones } from '../../formats/zones.ts'
import type { Event, EventFile, Occasion, Person, Place } from '../../model/event.ts'
import type { Time, Zone } from '../../model/zone.ts'
import type { BodyPreference } from '../../state/sync-options.ts'
import { el, type Content, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { compact, daysOf, hasDates, sayDay, sayOriginal } from './calendar-times.ts'
import {
  answers, busyStatuses, guestsOf, isExpressible, isOwn, isReceived, kinds, ownAttendee, sensitivities, seriesRecurrence,
} from './calendar-values.ts'
import { recurrenceNodes } from './recurrence-say.ts'
import { sayRich } from './text-body.ts'

/** What the mapping must know beside the event. */
export type CalendarContext = {
  readonly version: Version
  readonly bodies: readonly BodyPreference[]
  /** How the user may be called; the first is the primary one. */
  readonly addresses: readonly string[]
  readonly displayName?: string | undefined
  /** The user's. */
  readonly zone: Zone
  readonly zones: Zones
  readonly now: Date
  /** The FileReference of a file by its id. */
  readonly reference: (id: string) => string
  /** Whether an address is at the user's own DAV server; none is where absent. */
  readonly isHere?: ((uri: string) => boolean) | undefined
  /**
   * [MS-ASCMD] Supported: of these elements, those that the client leaves out are to be cleared; undefined where it named none. Up to
   * 14.1 only.
   */
  readonly supported?: ReadonlySet<string> | undefined
  /** Who mails those who are invited; by default the client up to 14.1, the server later. */
  readonly agent?: 'CLIENT' | 'SERVER' | undefined
}

export type Item = { readonly event: Event; readonly occasion: Occasion; readonly context: CalendarContext }
type Row = {
  readonly tag: Tag
  readonly since?: Version
  readonly until?: Version
  /** From which version on an exception has it; 'never'. */
  readonly inException?: Version | 'never' | 'always'
  /** From which version on it may be empty there. */
  readonly empty?: Version
  readonly say: (item: Item) => Content | undefined
}

/** [MS-ASCAL] Location, Subject; UID; Category; Exception: most octets, characters, elements. */
const most = { text: 32 * 1024, uid: 300, categories: 300, exceptions: 256, attendees: 1000 }
export const shown = (text: string): string => cutUtf8(cleanText(text), most.text)

/** [MS-ASCAL] Calendar class elements, in the order clients are used to. What says nothing is left out. */
const rows: readonly Row[] = [
  { tag: 'Calendar:Timezone', inException: 'never', say: zoneOf },
  { tag: 'Calendar:AllDayEvent', say: ({ occasion }) => occasion.allDay ? '1' : '0' },
  { tag: 'Calendar:StartTime', inException: 'always', say: item => time(item, 'start') },
  { tag: 'Calendar:EndTime', inException: 'always', say: item => time(item, 'end') },
  { tag: 'Calendar:DtStamp', say: ({ occasion }) => occasion.stamp === undefined ? undefined : compact(occasion.stamp) },
  { tag: 'Calendar:Subject', say: ({ occasion }) => shown(occasion.summary) },
  { tag: 'Calendar:UID', inException: 'never', say: ({ event }) => event.uid.slice(0, most.uid) },
  { tag: 'Calendar:OrganizerName', inException: 'never', say: item => organizer(item)?.name },
  { tag: 'Calendar:OrganizerEmail', inException: 'never', say: item => organizer(item)?.address },
  { tag: 'Calendar:Attendees', inException: '14.0', say: attendees },
  { tag: 'Calendar:Location', until: '14.1', say: ({ occasion }) => shown(occasion.place?.name ?? '') },
  { tag: 'AirSyncBase:Location', since: '16.0', say: ({ occasion }) => occasion.place && placeNodes(occasion.place) },
  { tag: 'Calendar:Recurrence', inException: 'never', say: recurrence },
  { tag: 'Calendar:Sensitivity', say: ({ occasion }) => String(sensitivities.indexOf(occasion.sensitivity)) },
  { tag: 'Calendar:BusyStatus', say: busyStatus },
  {
    tag: 'Calendar:Categories',
    say: ({ occasion }) => occasion.categories.slice(0, most.categories).map(one => el('Calendar:Category', shown(one))),
  },
  { tag: 'Calendar:Reminder', empty: '14.1', say: ({ occasion: { reminder } }) => reminder === undefined ? undefined : String(reminder) },
  { tag: 'Calendar:MeetingStatus', say: meetingStatus },
  {
    tag: 'Calendar:DisallowNewTimeProposal', since: '14.0', inException: 'never',
    say: ({ occasion }) => occasion.counterDisallowed ? '1' : '0',
  },
  { tag: 'Calendar:ResponseRequested', since: '14.0', inException: 'never', say: responseRequested },
  { tag: 'Calendar:AppointmentReplyTime', since: '14.0', say: replyTime },
  { tag: 'Calendar:ResponseType', since: '14.0', say: responseType },
  { tag: 'Calendar:OnlineMeetingConfLink', since: '14.1', say: ({ occasion }) => occasion.conference },
  { tag: 'Calendar:OnlineMeetingExternalLink', since: '14.1', say: ({ occasion }) => occasion.externalConference },
  { tag: 'AirSyncBase:Attachments', since: '16.0', say: attachments },
]

/** The elements of an event; of a series with its exceptions. */
export function eventNodes(item: Item): Node[] {
  const { occasion, context: { version } } = item
  return [
    ...nodesOf(rows, item),
    ...body(item),
    ...(since(version, '12.0') && bodyText(item) ? [el('AirSyncBase:NativeBodyType', occasion.body.html ? '2' : '1')] : []),
    ...exceptions(item),
  ]
}

const bodyText = ({ occasion: { body } }: Item): string => body.html ?? body.plain

/** Nothing at all where there is no text: some clients show an empty note otherwise. */
const body = (item: Item): Node[] => bodyText(item) === '' ? []
  : sayRich({ plain: item.occasion.body.plain, html: item.occasion.body.html }, item.context.bodies, item.context.version, 'Calendar')

const isSaid = ({ since: least, until }: Row, version: Version): boolean =>
  (!least || since(version, least)) && (!until || version === until || !since(version, until))

const isEmpty = (content: Content | undefined): boolean =>
  content === undefined || content === '' || (Array.isArray(content) && content.length === 0)

function nodesOf(rows: readonly Row[], item: Item): Node[] {
  return rows.filter(row => isSaid(row, item.context.version)).flatMap(({ tag, say }) => {
    const content = say(item)
    return isEmpty(content) ? [] : [el(tag, content!)]
  })
}

function time({ occasion, context: { zone, version } }: Item, which: 'start' | 'end'): string {
  return occasion.allDay ? sayDay(daysOf(occasion)[which], zone, version) : compact(occasion[which].at)
}

/** The zone a time is shown in: of days the user's. */
const zoneOfTime = ({ form, zone }: Time, allDay: boolean, own: Zone): Zone => allDay ? own : form === 'utc' ? utcZone : zone

/** The rules of the year of the event; of a series that goes on, those of now, as most of what is looked at is. */
export function zoneOf({ event, occasion, context: { version, zone, now } }: Item): string | undefined {
  if (occasion.allDay && hasDates(version)) return undefined
  const own = zoneOfTime(occasion.start, occasion.allDay, zone)
  const until = lastStart(event) ?? Infinity
  const at = event.series && occasion.start.at < now.getTime() ? Math.min(now.getTime(), until) : occasion.start.at
  return Buffer.from(zoneBlob(zoneRules(own, at))).toString('base64')
}

/** UNTIL of a series, as an instant. */
export function lastStart({ series, start }: Event): number | undefined {
  const until = series?.rules[0]?.['UNTIL']
  return until === undefined ? undefined : untilOf(parseDateTime(until), start)
}

export function recurrence({ event, occasion, context: { version, zone } }: Item): readonly Node[] | undefined {
  const found = isExpressible(event) ? seriesRecurrence(event) : undefined
  const until = lastStart(event)
  const last = until === undefined ? undefined
    : occasion.start.form === 'date' ? sayDay(Math.floor(until / 86_400_000) * 86_400_000, zone, version)
    : occasion.allDay ? sayDay(Math.floor((until + occasion.start.zone.offset(until) * 60_000) / 86_400_000) * 86_400_000, zone, version)
    : compact(until)
  return found && recurrenceNodes(found, last, { page: 'Calendar', later: 'Calendar' }, version)
}

/** The user, where nobody else is known to have made a meeting. */
function organizer({ occasion, context: { addresses, displayName } }: Item): Required<Person> | undefined {
  const { organizer: told } = occasion
  const [address] = guestsOf(occasion).length > 0 ? addresses : []
  const person: Person | undefined = told ?? (address ? { address, ...(displayName ? { name: displayName } : {}) } : undefined)
  return person && { address: shown(person.address), name: shown(person.name ?? localPart(person.address)) }
}

const localPart = (address: string): string => address.replace(/@.*$/s, '')

export function attendees({ occasion, context: { version } }: Item): readonly Node[] {
  return guestsOf(occasion).slice(0, most.attendees).map(({ address, name, kind, answer, proposed }) => el('Calendar:Attendee', [
    el('Calendar:Email', shown(address)),
    el('Calendar:Name', shown(name ?? localPart(address))),
    ...(since(version, '12.0') ? [
      el('Calendar:AttendeeStatus', answers[answer]), el('Calendar:AttendeeType', String(kinds.indexOf(kind) + 1)),
    ] : []),
    ...(since(version, '16.1') && proposed ? [
      el('MeetingResponse:ProposedStartTime', compact(proposed.start)), el('MeetingResponse:ProposedEndTime', compact(proposed.end)),
    ] : []),
  ]))
}

/** [MS-ASAIRS] Location: names of its parts. */
export const placeTags: Readonly<Record<keyof Place, Tag>> = {
  name: 'AirSyncBase:DisplayName', annotation: 'AirSyncBase:Annotation', street: 'AirSyncBase:Street', city: 'AirSyncBase:City',
  state: 'AirSyncBase:State', country: 'AirSyncBase:Country', postalCode: 'AirSyncBase:PostalCode', latitude: 'AirSyncBase:Latitude',
  longitude: 'AirSyncBase:Longitude', accuracy: 'AirSyncBase:Accuracy', altitude: 'AirSyncBase:Altitude',
  altitudeAccuracy: 'AirSyncBase:AltitudeAccuracy', uri: 'AirSyncBase:LocationUri',
}

const placeNodes = (place: Place): Node[] => (Object.keys(placeTags) as (keyof Place)[]).flatMap(part =>
  place[part] ? [el(placeTags[part], shown(place[part]))] : [])

/** [MS-ASCAL] BusyStatus: 4 came with 16.0; before, it is free. */
export function busyStatus({ occasion, context: { version } }: Item): string {
  const value = busyStatuses.indexOf(occasion.busy)
  return value === 4 && !since(version, '16.0') ? '0' : String(value)
}

/** [MS-ASCAL] MeetingStatus: 1 a meeting, 2 that was received, 4 cancelled. */
export function meetingStatus({ occasion, context: { addresses } }: Item): string {
  const received = isReceived(occasion, addresses)
  const meeting = received || guestsOf(occasion).length > 0
  return String(meeting ? 1 + (received ? 2 : 0) + (occasion.cancelled ? 4 : 0) : 0)
}

/** Of a meeting, whether this user is asked; of one's own, whether anybody is. */
function responseRequested(item: Item): string | undefined {
  const { occasion, context: { addresses } } = item
  if (meetingStatus(item) === '0') return undefined
  const asked = isReceived(occasion, addresses) ? ownAttendee(occasion, addresses)?.asked : guestsOf(occasion).some(one => one.asked)
  return asked ? '1' : '0'
}

/** [MS-ASCAL] ResponseType: 1 the organizer, else as AttendeeStatus. */
function responseType({ occasion, context: { addresses } }: Item): string {
  if (isReceived(occasion, addresses)) return answers[ownAttendee(occasion, addresses)?.answer ?? 'none']
  return isOwn(occasion.organizer, addresses) || guestsOf(occasion).length > 0 ? '1' : '0'
}

/** Nothing where the user has not answered. */
function replyTime({ occasion, context: { addresses } }: Item): string | undefined {
  const answer = isReceived(occasion, addresses) ? ownAttendee(occasion, addresses)?.answer : undefined
  return occasion.answered !== undefined && (answer === 'accepted' || answer === 'tentative' || answer === 'declined')
    ? compact(occasion.answered) : undefined
}

/** What is but a link to somewhere else is no file of the event. */
function attachments({ occasion, context: { reference, isHere } }: Item): readonly Node[] {
  const own = ({ content }: EventFile): boolean => 'octets' in content || content.managed !== undefined || (isHere?.(content.uri) ?? false)
  return occasion.files.filter(own).map(({ id, name, type, size }) => el('AirSyncBase:Attachment', [
    el('AirSyncBase:DisplayName', name), el('AirSyncBase:FileReference', reference(id)),
    el('AirSyncBase:Method', type === 'message/rfc822' ? '5' : '1'), el('AirSyncBase:EstimatedDataSize', String(size ?? 0)),
  ]))
}

/** [MS-ASCAL] Exceptions: what is left out, and what is not as the series has it; the last of them where there are too many. */
function exceptions(item: Item): Node[] {
  const { event } = item
  if (!event.series || !isExpressible(event)) return []
  const changed = event.exceptions.map(one => ({ at: match(one.original, event.start), node: exceptionNode(item, one, one.original) }))
  const known = new Set(changed.map(one => one.at))
  const gone = deleted(event).filter(at => !known.has(at)).map(at => ({
    at, node: el('Calendar:Exception', [el('Calendar:Deleted', '1'), original(item, timeAt(event.start, at))]),
  }))
  const all = [...changed, ...gone].sort((one, other) => one.at - other.at).slice(-most.exceptions)
  return all.length > 0 ? [el('Calendar:Exceptions', all.map(one => one.node))] : []
}

/** Of what a series leaves out, the starts that it would have. */
function deleted({ series, start }: Event): number[] {
  const out = [...new Set(series!.excluded.map(one => match(one, start)))].sort((one, other) => one - other)
  if (out.length === 0) return []
  const { starts } = startsOf({ ...series!, excluded: [] }, start, out[0]!, out.at(-1)!, 20_000)
  const has = new Set(starts)
  return out.filter(at => has.has(at))
}

const original = ({ event, context: { zone, version } }: Item, at: Time): Node =>
  el(hasDates(version) ? 'AirSyncBase:InstanceId' : 'Calendar:ExceptionStartTime', sayOriginal(at, event.allDay, zone, version))

const inException = ({ inException: least }: Row, version: Version): boolean =>
  least === undefined || least === 'always' || (least !== 'never' && since(version, least))

/** What differs from the series; an empty element takes away what would be inherited. */
function exceptionNode(item: Item, exception: Occasion, at: Time): Node {
  const { version } = item.context
  const own: Item = { ...item, occasion: exception }
  const said = rows.filter(row => isSaid(row, version) && inException(row, version)).flatMap(row => {
    const content = row.say(own), inherited = row.say(item)
    if (isEmpty(content)) return isEmpty(inherited) || (row.empty && !since(version, row.empty)) ? [] : [el(row.tag)]
    return row.inException === 'always' || JSON.stringify(content) !== JSON.stringify(inherited) ? [el(row.tag, content!)] : []
  })
  const none = el(since(version, '12.0') ? 'AirSyncBase:Body' : 'Calendar:Body')
  const text = bodyText(own) === bodyText(item) ? [] : bodyText(own) === '' ? [none] : body(own)
  return el('Calendar:Exception', [original(item, at), ...said, ...text])
}

import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { inlineId } from '../../formats/event-files.ts'
import { isSameAddress } from '../../formats/event-people.ts'
import { instantOf, utcZone } from '../../formats/timezone.ts'
import { readZoneBlob } from '../../formats/zone-blob.ts'
import type { Attendee, Busy, Occasion, OccasionPatch, Place, Sensitivity, When } from '../../model/event.ts'
import type { Zone } from '../../model/zone.ts'
import { parseObjectFile } from '../../state/item-id.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { since } from '../versions.ts'
import { busyStatus, meetingStatus, placeTags, shown, zoneOf, type CalendarContext, type Item } from './calendar-say.ts'
import { daysOf, hasDates, hearTime, whenOf } from './calendar-times.ts'
import { answerOf, answers, busyStatuses, guestsOf, kinds, sensitivities } from './calendar-values.ts'
import { hearFiles } from './draft.ts'
import { echoedRich, hearRich } from './text-body.ts'

/** [MS-ASCAL] Category; addresses of one request; octets of a text. */
const most = { categories: 300, attendees: 2000, text: 32 * 1024 }

/** One line, as it is stored. */
export const line = (value: string): string => cutUtf8(cleanText(value).replace(/\s+/g, ' ').trim(), most.text)

type Key = 'summary' | 'place' | 'categories' | 'sensitivity' | 'busy' | 'reminder' | 'counterDisallowed'
type Value = string | boolean | number | null | readonly string[] | Place

/** One element, and the property it is. `told` is what the client was told of it, in the same form as `hear` makes of what it says. */
type Row = {
  readonly tag: Tag
  readonly key: Key
  hear(element: Element): Value | undefined
  told(item: Item): Value
  /** Where a client leaves it out that cannot leave out what it keeps: [MS-ASCAL], elements that cannot be ghosted. */
  readonly gone?: Value
}

const number = (value: string, high: number, what: string): number => {
  const read = /^\s*\d{1,10}\s*$/.test(value) ? Number(value) : NaN
  if (!(read <= high)) throw new Failure('malformed', `${what} is out of range`)
  return read
}

const isTrue = (value: string): boolean => ['1', 'true'].includes(value.trim().toLowerCase())

/** [MS-ASCAL] Calendar class elements that are one property each. */
const rows: readonly Row[] = [
  { tag: 'Calendar:Subject', key: 'summary', hear: one => line(one.text), told: ({ occasion }) => line(shown(occasion.summary)) },
  {
    tag: 'Calendar:Location', key: 'place', gone: null,
    hear: one => line(one.text) === '' ? null : { name: line(one.text) },
    told: ({ occasion: { place } }) => place && line(shown(place.name)) !== '' ? { name: line(shown(place.name)) } : null,
  },
  { tag: 'AirSyncBase:Location', key: 'place', hear: hearPlace, told: ({ occasion }) => occasion.place ? cleanPlace(occasion.place) : null },
  {
    tag: 'Calendar:Categories', key: 'categories', gone: [],
    hear: one => hearCategories(one), told: ({ occasion }) => occasion.categories.slice(0, most.categories).map(shown),
  },
  {
    tag: 'Calendar:Sensitivity', key: 'sensitivity',
    hear: one => one.text.trim() === '' ? undefined : sensitivities[number(one.text, 3, 'Sensitivity')]!,
    told: ({ occasion }) => occasion.sensitivity,
  },
  {
    tag: 'Calendar:BusyStatus', key: 'busy',
    hear: one => /^\s*(-1)?\s*$/.test(one.text) ? undefined : busyStatuses[number(one.text, 4, 'BusyStatus')]!,
    told: item => busyStatuses[Number(busyStatus(item))]!,
  },
  {
    tag: 'Calendar:Reminder', key: 'reminder', gone: null,
    hear: one => one.text.trim() === '' ? null : number(one.text, 5_256_000, 'Reminder'), told: ({ occasion }) => occasion.reminder ?? null,
  },
  {
    tag: 'Calendar:DisallowNewTimeProposal', key: 'counterDisallowed',
    hear: one => one.text.trim() === '' ? undefined : isTrue(one.text), told: ({ occasion }) => occasion.counterDisallowed,
  },
]

function hearCategories(element: Element): readonly string[] {
  const names = children(element, 'Calendar:Category').map(one => line(one.text)).filter(name => name !== '')
  if (names.length > most.categories) throw new Failure('malformed', `more than ${most.categories} categories`)
  return [...new Set(names)]
}

const parts = Object.keys(placeTags) as (keyof Place)[]

/** [MS-ASAIRS] Location; empty: there is none any more. */
function hearPlace(element: Element): Place | null {
  const place = cleanPlace(Object.fromEntries(parts.map(part => [part, text(element, placeTags[part]) ?? ''])) as Partial<Place>)
  return Object.values(place).some(value => value !== '') ? place : null
}

const cleanPlace = (place: Partial<Place>): Place =>
  ({ name: '', ...Object.fromEntries(parts.flatMap(part => place[part] ? [[part, line(shown(place[part]))]] : [])) })

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(sortedKeys(one)) === JSON.stringify(sortedKeys(other))
const sortedKeys = (value: unknown): unknown => value && typeof value === 'object' && !Array.isArray(value)
  ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1)) : value

/** Whether a client that sends a whole event has taken something away by leaving it out. */
const isGone = ({ tag, gone }: Row, data: Element, { version, supported }: CalendarContext): boolean =>
  gone !== undefined && !since(version, '16.0') && !tag.startsWith('AirSyncBase') && child(data, 'Calendar:StartTime') !== undefined
  && (supported === undefined || supported.has(tag))

/**
 * What a client says of an event or of an exception, against what it was told (`item`; of a new event nothing was). What it says as it was
 * told is no change. An exception up to 14.1 has what it does not say from `inherited`.
 */
export function hearOccasion(data: Element, item: Item | undefined, context: CalendarContext, inherited?: Item): OccasionPatch {
  const { version } = context
  const otherPlace = hasDates(version) ? 'Calendar:Location' : 'AirSyncBase:Location'
  const patch: { -readonly [K in Key]?: Value } = {}
  for (const row of rows) {
    if (row.tag === otherPlace) continue
    const element = child(data, row.tag)
    const said = element ? row.hear(element)
      : inherited ? left(row, inherited, item, context)
      : item && isGone(row, data, context) ? row.gone : undefined
    if (said === undefined || (item && isSame(said, row.told(item)))) continue
    if (!item && (said === null || said === '' || said === false || isSame(said, []))) continue
    patch[row.key] = said
  }
  return {
    ...patch as { readonly summary?: string; readonly place?: Place | null; readonly busy?: Busy; readonly sensitivity?: Sensitivity },
    body: hearBody(data, item, context),
    cancelled: hearCancelled(data, item),
    attendees: hearAttendees(data, item?.occasion, context),
    ...hearAttachments(data, item, context),
  }
}

/** [MS-ASCAL] Reminder: before 14.1 an exception without one cannot be told from one that has that of the series. */
function left(row: Row, inherited: Item, item: Item | undefined, { version }: CalendarContext): Value | undefined {
  const untold = row.key === 'reminder' && !since(version, '14.1') && item?.occasion.reminder === undefined
  return untold ? undefined : row.told(inherited)
}

function hearBody(data: Element, item: Item | undefined, { version, bodies }: CalendarContext): OccasionPatch['body'] {
  const said = hearRich(data, version, 'Calendar')
  if (!said) return undefined
  if (!item) return said.plain === '' && !said.html ? undefined : said
  const { body } = item.occasion
  const isLike = (one: string, other: string): boolean => squeezed(one) === squeezed(other)
  // A client that has but the beginning of a text, or the text of what is rich, gives that back.
  const told = echoedRich(body, bodies, version)
  if (!isLike(told, body.plain) && isLike(said.plain, told)) return undefined
  const same = said.html !== undefined && body.html !== undefined ? isLike(said.html, body.html) : isLike(said.plain, body.plain)
  return same ? undefined : said
}

const squeezed = (value: string): string => value.replace(/\s+/g, ' ').trim()

function hearCancelled(data: Element, item: Item | undefined): boolean | undefined {
  const status = text(data, 'Calendar:MeetingStatus')
  if (status === undefined || status.trim() === '') return undefined
  const cancelled = Boolean(number(status, 255, 'MeetingStatus') & 4)
  // An appointment that is off is told as any other: then it is not on again because the client says so.
  return cancelled === Boolean(item && Number(meetingStatus(item)) & 4) ? undefined : cancelled
}

/** [MS-ASCAL] Attendees. From 16.0 on a client does not say what they answered. */
function hearAttendees(data: Element, old: Occasion | undefined, { version }: CalendarContext): readonly Attendee[] | undefined {
  const list = child(data, 'Calendar:Attendees'), requested = text(data, 'Calendar:ResponseRequested')
  const guests = old ? guestsOf(old) : []
  if (!list) return undefined
  const all = children(list, 'Calendar:Attendee')
  if (all.length > most.attendees) throw new Failure('malformed', 'too many attendees')
  const heard = all.flatMap((one): Attendee[] => {
    const name = line(text(one, 'Calendar:Name') ?? '')
    // Outlook leaves out the addresses of people it was told of.
    const said = line(text(one, 'Calendar:Email') ?? '').replace(/^mailto:/i, '')
    const address = said || (guests.find(guest => (guest.name ?? guest.address.replace(/@.*$/s, '')) === name)?.address ?? '')
    if (address === '' || (old?.organizer && isSameAddress(address, old.organizer.address))) return []
    const known = guests.find(guest => isSameAddress(guest.address, address))
    const status = since(version, '16.0') ? undefined : text(one, 'Calendar:AttendeeStatus')
    const type = text(one, 'Calendar:AttendeeType')
    const called = known && name === (known.name ?? address.replace(/@.*$/s, '')) ? known.name : name && name !== address ? name : undefined
    return [{
      address: known?.address ?? address, ...(called ? { name: called } : {}),
      kind: type === undefined ? known?.kind ?? 'required' : kinds[number(type, 3, 'AttendeeType') - 1] ?? 'required',
      answer: known && (status === undefined || answers[known.answer] === status) ? known.answer : answerOf(status ?? '5') ?? 'none',
      asked: known?.asked ?? (requested === undefined || isTrue(requested)), ...(known?.proposed ? { proposed: known.proposed } : {}),
    }]
  })
  const unique = [...new Map(heard.map(one => [one.address.toLowerCase(), one])).values()]
  return old && isSame(sorted(unique), sorted(guests)) ? undefined : unique.length === 0 && !old ? undefined : unique
}

const sorted = (list: readonly Attendee[]): unknown[] =>
  list.map(sortedKeys).sort((one, other) => JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)

/** [MS-ASAIRS] Attachments, which calendars have since 16.0. */
function hearAttachments(data: Element, item: Item | undefined, { version }: CalendarContext): Pick<OccasionPatch, 'addFiles' | 'removeFiles'> {
  const list = child(data, 'AirSyncBase:Attachments')
  if (!list || !since(version, '16.0')) return {}
  const { add, remove } = hearFiles(list)
  // A file that is there already came with this request before.
  const fresh = add.filter(({ content }) => !item?.occasion.files.some(({ id }) => id === inlineId(Buffer.from(content).toString('base64'))))
  return {
    ...(fresh.length > 0 ? { addFiles: fresh.map(({ name, type, content }) => ({ name, type, octets: content })) } : {}),
    ...(remove.length > 0 ? { removeFiles: remove.map(reference => parseObjectFile(reference).file) } : {}),
  }
}

/** [MS-ASAIRS] ClientId: the FileReferences of the files that a client has added. */
export function addedFiles(data: Element, { version, reference }: CalendarContext): Node[] {
  const list = child(data, 'AirSyncBase:Attachments')
  const { add } = since(version, '16.0') ? hearFiles(list) : { add: [] }
  return add.length === 0 ? [] : [el('AirSyncBase:Attachments', add.map(({ clientId, content }) => el('AirSyncBase:Attachment', [
    el('AirSyncBase:ClientId', clientId), el('AirSyncBase:FileReference', reference(inlineId(Buffer.from(content).toString('base64')))),
  ])))]
}

/** The times an event or an exception is to have; undefined where the client says nothing new of them. */
export function hearWhen(data: Element, item: Item, zone: Zone | undefined, context: CalendarContext): When | undefined {
  const { version, zone: own } = context
  const { occasion } = item
  const said = (tag: Tag): string | undefined => text(data, tag)?.trim() || undefined
  const start = said('Calendar:StartTime'), end = said('Calendar:EndTime'), day = said('Calendar:AllDayEvent')
  if (start === undefined && end === undefined && day === undefined && !zone) return undefined
  const allDay = day === undefined ? occasion.allDay : isTrue(day)
  const clocks = zone ?? ownZone(occasion, own)
  const kept = allDay === occasion.allDay
    ? allDay ? daysOf(occasion) : { start: occasion.start.at, end: occasion.end.at }
    : allDay ? daysOf(occasion) : { start: instantOf(daysOf(occasion).start, clocks), end: instantOf(daysOf(occasion).end, clocks) }
  // An end alone keeps the start, a start alone the length.
  const from = start === undefined ? kept.start : hearTime(start, 'StartTime')
  const to = end === undefined ? start === undefined ? kept.end : from + kept.end - kept.start : hearTime(end, 'EndTime')
  const when = whenOf(from, to, allDay, clocks, version)
  const told = occasion.allDay ? daysOf(occasion) : { start: occasion.start.at, end: occasion.end.at }
  return allDay === occasion.allDay && when.start === told.start && when.end === told.end ? undefined : when
}

/** By whose clocks an event is: of days, those of the user. */
export const ownZone = ({ start, allDay }: Occasion, own: Zone): Zone => allDay ? own : start.form === 'utc' ? utcZone : start.zone

/** The zone a client says an event is in; undefined where it says none, or that of which it was told. */
export function hearZone(data: Element, item: Item | undefined, instant: number, context: CalendarContext): Zone | undefined {
  const said = text(data, 'Calendar:Timezone')
  const claim = said === undefined ? undefined : readZoneBlob(said)
  if (!claim) return undefined
  const told = item && zoneOf(item)
  if (told && isSame({ ...readZoneBlob(told)?.rules, name: '' }, { ...claim.rules, name: '' })) return undefined
  const stored = item && !item.occasion.allDay ? [ownZone(item.occasion, context.zone)] : []
  return context.zones.claimed(claim, instant, context.now.getTime(), [...stored, context.zone])
}

import { printAddress } from '../../formats/header.ts'
import { globalObjectId } from '../../formats/global-object-id.ts'
import type { Invitation } from '../../formats/invitation.ts'
import { zoneBlob } from '../../formats/zone-blob.ts'
import { el, type Content, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { recurrenceNodes } from './recurrence-say.ts'
import { recurrenceOf, type Recurrence } from './recurrence.ts'

export type MeetingContext = {
  readonly version: Version
  /** How the user may be called; the first is the primary one. */
  readonly addresses: readonly string[]
}

type Item = { readonly meeting: Invitation; readonly recurrence: Recurrence | undefined; readonly context: MeetingContext }
type Row = {
  readonly tag: Tag
  readonly since?: Version
  readonly until?: Version
  readonly say: (item: Item) => Content | undefined
}

/** [MS-ASEMAIL] MeetingRequest, in the order of that section. What says nothing is left out. */
const rows: readonly Row[] = [
  { tag: 'Email:AllDayEvent', say: ({ meeting }) => meeting.allDay ? '1' : '0' },
  { tag: 'Email:StartTime', say: ({ meeting }) => meeting.start.toISOString() },
  { tag: 'Email:DtStamp', say: ({ meeting }) => meeting.stamp.toISOString() },
  { tag: 'Email:EndTime', say: ({ meeting }) => meeting.end.toISOString() },
  { tag: 'Email:InstanceType', say: instanceType },
  { tag: 'Email:Location', until: '14.1', say: ({ meeting }) => meeting.location },
  {
    tag: 'AirSyncBase:Location', since: '16.0',
    say: ({ meeting }) => meeting.location ? [el('AirSyncBase:DisplayName', meeting.location)] : undefined,
  },
  { tag: 'Email:Organizer', say: ({ meeting }) => meeting.organizer && printAddress(meeting.organizer) },
  { tag: 'Email:RecurrenceId', say: ({ meeting }) => meeting.instance?.toISOString() },
  { tag: 'Email:Reminder', say: ({ meeting }) => meeting.reminder === undefined ? undefined : String(meeting.reminder) },
  { tag: 'Email:ResponseRequested', say: responseRequested },
  { tag: 'Email:Recurrences', say: item => item.recurrence && [el('Email:Recurrence', emailRecurrence(item, item.recurrence))] },
  { tag: 'Email:Sensitivity', say: ({ meeting }) => sensitivities[meeting.sensitivity] ?? '0' },
  { tag: 'Email:BusyStatus', say: busyStatus },
  { tag: 'Email:TimeZone', say: ({ meeting }) => base64(zoneBlob(meeting.zone)) },
  { tag: 'Email:GlobalObjId', until: '14.1', say: ({ meeting }) => base64(globalObjectId(meeting.uid)) },
  { tag: 'Calendar:UID', since: '16.0', say: ({ meeting }) => meeting.uid.slice(0, 300) },
  { tag: 'Email:DisallowNewTimeProposal', since: '14.0', say: ({ meeting }) => meeting.counterDisallowed ? '1' : '0' },
  { tag: 'Email2:MeetingMessageType', since: '14.1', say: messageType },
  { tag: 'MeetingResponse:ProposedStartTime', since: '16.1', say: ({ meeting: { proposed } }) => proposed && compact(proposed.start) },
  { tag: 'MeetingResponse:ProposedEndTime', since: '16.1', say: ({ meeting: { proposed } }) => proposed && compact(proposed.end) },
]

/** The children of [MS-ASEMAIL] MeetingRequest. */
export function meetingNodes(meeting: Invitation, context: MeetingContext): Node[] {
  const recurrence = meeting.recurrence && recurrenceOf(meeting.recurrence.rule, meeting.recurrence.start)
  return nodesOf(rows, { meeting, recurrence, context })
}

function nodesOf(rows: readonly Row[], item: Item): Node[] {
  const { version } = item.context
  return rows.flatMap(({ tag, since: least, until, say }) => {
    if ((least && !since(version, least)) || (until && version !== until && since(version, until))) return []
    const content = say(item)
    return content === undefined || content === '' ? [] : [el(tag, content)]
  })
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64')
/** [MS-ASDTYPE] Compact DateTime. */
const compact = (date: Date): string => date.toISOString().replace(/[-:]|\.\d+/g, '')

/**
 * [MS-ASEMAIL] InstanceType: 0 a meeting of its own, 1 a series, 2 an instance as the series has it, 3 one that was changed.
 * A series that EAS has no words for is shown by its first meeting.
 */
function instanceType({ meeting, recurrence }: Item): string {
  if (meeting.instance) return meeting.instance.getTime() === meeting.start.getTime() ? '2' : '3'
  return recurrence ? '1' : '0'
}

/** What the organizer wants of this user, else of anybody: invitations come by way of lists and aliases. */
function responseRequested({ meeting, context }: Item): string {
  const own = new Set(context.addresses.map(address => address.toLowerCase()))
  const asked = meeting.attendees.filter(({ address }) => own.has(address.toLowerCase()))
  return (asked.length > 0 ? asked : meeting.attendees).some(one => one.responseRequested) ? '1' : '0'
}

// RFC 5545, Classification; Outlook's personal has no name there
const sensitivities: Readonly<Record<string, string>> = { PERSONAL: '1', 'X-PERSONAL': '1', PRIVATE: '2', CONFIDENTIAL: '3' }
const busyStatuses: Readonly<Record<string, string>> = { FREE: '0', TENTATIVE: '1', BUSY: '2', OOF: '3', WORKINGELSEWHERE: '4' }

function busyStatus({ meeting, context }: Item): string {
  const value = busyStatuses[meeting.busy] ?? '2'
  return value === '4' && !since(context.version, '16.0') ? '0' : value
}

/** [MS-ASEMAIL] MeetingMessageType: 1 the first request, 2 an update, 0 anything else. */
function messageType({ meeting }: Item): string {
  if (meeting.method !== 'REQUEST') return '0'
  return meeting.sequence > 0 ? '2' : '1'
}

/** [MS-ASEMAIL] Recurrence. */
function emailRecurrence({ meeting, context }: Item, recurrence: Recurrence): Node[] {
  const until = meeting.recurrence?.until
  return recurrenceNodes(recurrence, until && compact(until), { page: 'Email', later: 'Email2' }, context.version)
}

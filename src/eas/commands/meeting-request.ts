import { Failure } from '../../base/failure.ts'
import { htmlToText } from '../../formats/html.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import type { Answered } from '../../formats/itip.ts'
import type { EventBody } from '../../model/event.ts'
import { child, children, text, type Element, type Tag } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { since } from '../versions.ts'

/** [MS-ASCMD] Request (MeetingResponse), as far as it is understood; `status` is what a wrong one has earned. */
export type ResponseRequest = {
  /** As the client wrote it, to be repeated. */
  readonly requestId: string | undefined
  readonly instanceId: string | undefined
  readonly id: string
  readonly answer: Answered['answer']
  /** [MS-ASCMD] SendResponse: undefined where nothing is to be mailed. */
  readonly reply: EventBody | undefined
  readonly proposed: { readonly start: number; readonly end: number } | undefined
  readonly status: string | undefined
}

/** [MS-ASCMD] Limiting Size of Command Requests; RequestId, LongId: characters. */
const mostRequests = 100, longest = 256

const answers: Readonly<Record<string, Answered['answer']>> = { 1: 'accepted', 2: 'tentative', 3: 'declined' }

/** [MS-ASCMD] Status (MeetingResponse), Common Status Codes. */
export const invalid = '2', badInstance = '104'

// [MS-ASCMD] MeetingResponse. Throws `malformed`, `too-large`.
export function readRequests({ body, request: { version } }: Call): readonly ResponseRequest[] {
  const all = body ? children(body, 'MeetingResponse:Request') : []
  if (all.length === 0) throw new Failure('malformed', 'a MeetingResponse to nothing')
  if (all.length > mostRequests) throw new Failure('too-large', `more than ${mostRequests} requests`)
  return all.map(one => readRequest(one, version))
}

function readRequest(request: Element, version: Call['request']['version']): ResponseRequest {
  const said = (tag: Tag): string | undefined => text(request, tag)?.trim()
  const requestId = said('MeetingResponse:RequestId'), longId = said('Search:LongId'), folder = said('MeetingResponse:CollectionId')
  const answer = answers[said('MeetingResponse:UserResponse') ?? '']
  const id = longId ?? requestId ?? ''
  const element = child(request, 'MeetingResponse:InstanceId')
  const instance = element && parseDateTime(element.text)
  const sends = child(request, 'MeetingResponse:SendResponse')
  const proposed = sends && readProposal(sends)
  const both = longId !== undefined && (requestId !== undefined || folder !== undefined)
  const elsewhere = longId === undefined && (!folder || !id.startsWith(`${folder}:`))
  const early = (element && !since(version, '14.1')) || (sends && !since(version, '16.0')) || (proposed && !since(version, '16.1'))
  const isWrong = !answer || !id || id.length > longest || both || elsewhere || early || element?.text.trim() === '' || proposed === 'wrong'
  return {
    requestId, instanceId: element?.text.trim(), id, answer: answer ?? 'declined',
    reply: sends && readReply(sends), proposed: proposed === 'wrong' ? undefined : proposed,
    status: isWrong ? invalid : element && (!instance || !hasTime.test(element.text)) ? badInstance : undefined,
  }
}

/** [MS-ASDTYPE] dateTime, with its punctuation. */
const hasTime = /^\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\s*$/

/** [MS-ASCMD] ProposedStartTime, ProposedEndTime: both, or none. */
function readProposal(sends: Element): { start: number; end: number } | 'wrong' | undefined {
  const [start, end] = (['MeetingResponse:ProposedStartTime', 'MeetingResponse:ProposedEndTime'] as const).map(tag => {
    const said = text(sends, tag)
    return said === undefined ? undefined : parseDateTime(said)
  })
  const named = child(sends, 'MeetingResponse:ProposedStartTime') ?? child(sends, 'MeetingResponse:ProposedEndTime')
  if (!named) return undefined
  return start?.utc && end?.utc && end.local > start.local ? { start: start.local, end: end.local } : 'wrong'
}

/** [MS-ASCMD] SendResponse: an empty one sends a mail without a text. */
function readReply(sends: Element): EventBody {
  const body = child(sends, 'AirSyncBase:Body')
  const data = body && text(body, 'AirSyncBase:Data')
  if (!data) return { plain: '', html: undefined }
  return text(body, 'AirSyncBase:Type') === '2' ? { plain: htmlToText(data), html: data } : { plain: data, html: undefined }
}

import { createHash } from 'node:crypto'
import { Failure, type Kind } from '../../base/failure.ts'
import { readEvent } from '../../formats/event-read.ts'
import { patchEvent } from '../../formats/event-patch.ts'
import { answeredBy, answerEvent, mergeInvitation, note, type Answered } from '../../formats/itip.ts'
import { match, originalNear } from '../../formats/series.ts'
import { utcZone } from '../../formats/timezone.ts'
import type { Event, Occasion } from '../../model/event.ts'
import { isClosed, type FolderId } from '../../model/folder.ts'
import type { MessageRef } from '../../model/ports.ts'
import { namesObject, printObjectId } from '../../state/item-id.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { folderOf, objectsOf } from '../folders.ts'
import { calendarsOf, discard, findEvent, openInvitation, type Placed } from '../invitations.ts'
import { isReceived } from '../map/calendar-values.ts'
import { sendMeetingMail } from '../meeting-mail.ts'
import { mailsFromHere, mailsItself } from '../meetings.ts'
import { messageOf } from '../moved.ts'
import { namesOf } from '../object-names.ts'
import { outcome } from '../outcome.ts'
import { since } from '../versions.ts'
import { invalid, readRequests, type ResponseRequest } from './meeting-request.ts'

/** [MS-ASCMD] Status (MeetingResponse), Common Status Codes. */
const success = '1', mailboxError = '3', serverError = '4'
const tooMany = '103', notRecurring = '146'
const status: Partial<Record<Kind, string>> = {
  malformed: invalid, 'not-found': invalid, stale: invalid, unsupported: invalid, unavailable: mailboxError, busy: mailboxError, conflict: mailboxError,
}

const day = 24 * 60 * 60

type Done = { readonly status: string; readonly calendarId?: string | undefined }

// [MS-ASCMD] MeetingResponse: each request is answered by itself.
export const meetingResponse: Command = {
  async run(call) {
    const results: Node[] = []
    for (const request of readRequests(call)) results.push(result(call, request, await answered(call, request)))
    call.facts['items'] = results.length
    return wbxml(el('MeetingResponse:MeetingResponse', results))
  },

  refuse: kind => el('MeetingResponse:MeetingResponse', [el('MeetingResponse:Status', kind === 'too-large' ? tooMany : status[kind] ?? serverError)]),
}

const result = ({ request: { version } }: Call, { requestId, instanceId }: ResponseRequest, { status, calendarId }: Done): Node => el('MeetingResponse:Result', [
  ...(requestId === undefined ? [] : [el('MeetingResponse:RequestId', requestId)]),
  el('MeetingResponse:Status', status),
  ...(calendarId === undefined ? [] : [el('MeetingResponse:CalendarId', calendarId)]),
  ...(instanceId && status === success && since(version, '14.1') ? [el('MeetingResponse:InstanceId', instanceId)] : []),
])

/** A process that remembers repeats itself; any other finds that there is nothing left to do. */
async function answered(call: Call, request: ResponseRequest): Promise<Done> {
  if (request.status) return { status: request.status }
  // There is no calendar behind this site.
  const calendars = call.stores.objects && await outcome(calendarsOf(call.stores.objects))
  if (!calendars || (!(calendars instanceof Failure) && calendars.length === 0)) return { status: serverError }
  const slot = `meeting:${call.scope}:${JSON.stringify([request.id, request.instanceId, request.answer, request.reply, request.proposed])}`
  const before = call.cache.get<Done>(slot)
  if (before && !namesObject(request.id)) return before
  const done = await outcome(namesObject(request.id) ? answerObject(call, request) : answerMessage(call, request))
  if (!(done instanceof Failure)) {
    call.cache.set(slot, done, { seconds: day })
    return done
  }
  if (done.kind === 'auth') throw done
  call.log.info({ command: 'MeetingResponse', kind: done.kind, reason: done.message }, 'meeting not answered')
  return { status: done instanceof Refused ? done.status : status[done.kind] ?? serverError }
}

/** A Status that is not that of its kind. */
class Refused extends Failure {
  readonly status: string

  constructor(value: string, why: string) {
    super('malformed', why)
    this.status = value
  }
}

/** An invitation in a mailbox; it goes to Trash once the answer stands. */
async function answerMessage(call: Call, request: ResponseRequest): Promise<Done> {
  if (request.instanceId !== undefined) throw new Failure('malformed', 'an instance of a message')
  const { ref } = await messageOf(call, request.id)
  const invitation = await openInvitation(call, ref)
  if (!invitation) return answeredBefore(call, request)
  checkReceived(call, readEvent(invitation, call.clocks))
  const done = await answerEventOf(call, request, invitation)
  await discardOnce(call, ref)
  return done
}

/** It was moved by a request before, or by somebody else: whoever has answered it has noted so in the event. */
async function answeredBefore(call: Call, { id, answer }: ResponseRequest): Promise<Done> {
  if (answer === 'declined') return { status: success }
  const store = objectsOf(call.stores.objects)
  for (const { id: folder } of await calendarsOf(call.stores.objects)) {
    const found = await outcome(store.containing(folder, note, id))
    if (found instanceof Failure && found.kind !== 'denied') throw found
    const event = found instanceof Failure ? undefined : found.find(({ octets }) => answeredBy(octets) === id)
    if (event) return { status: success, calendarId: printObjectId({ folder, name: event.name }) }
  }
  throw new Failure('not-found', 'the invitation is gone')
}

/** The answer stands: that the message stays must not have it given again. */
async function discardOnce(call: Call, ref: MessageRef): Promise<void> {
  const moved = await outcome(discard(call, ref))
  if (moved instanceof Failure) call.log.warn({ kind: moved.kind, why: moved.message }, 'an invitation that was answered stays where it is')
}

function checkReceived({ stores: { person } }: Call, event: Occasion): void {
  if (!isReceived(event, person.addresses)) throw new Failure('malformed', 'a meeting of the user’s own')
}

/** The event of an invitation is made, changed, or removed where it was declined. */
async function answerEventOf(call: Call, request: ResponseRequest, invitation: Uint8Array, again = false): Promise<Done> {
  const store = objectsOf(call.stores.objects)
  const invited = readEvent(invitation, call.clocks)
  const known = await findEvent(call, invited.uid)
  const merged = known ? mergeInvitation(known.object.octets, invitation, call.clocks) : invitation
  // One occurrence of a series the user knows, or of one that he was not invited to.
  const original = invited.partial ? match(invited.exceptions[0]!.original, readEvent(merged, call.clocks).start) : undefined
  if (request.answer === 'declined') return decline(call, request, known, merged, known && !readEvent(merged, call.clocks).partial ? original : undefined)
  const octets = answerEvent(merged, await answerOf(call, request, original), call.clocks)
  const [calendar] = known ? [known.folder] : await calendarsOf(call.stores.objects)
  if (!calendar) throw new Failure('not-found', 'there is no calendar')
  const name = known?.object.name ?? nameOf(invited.uid)
  const same = known && Buffer.compare(octets, known.object.octets) === 0
  const written = same ? undefined : await outcome(store.write(calendar.id, name, octets, known ? { etag: known.object.etag } : 'new'))
  if (written instanceof Failure) {
    if (again || (written.kind !== 'conflict' && written.kind !== 'exists')) throw written
    return answerEventOf(call, request, invitation, true)
  }
  await reply(call, request, octets, original)
  return { status: success, calendarId: printObjectId({ folder: calendar.id, name }) }
}

/** The same for the same meeting. */
function nameOf(uid: string): string {
  const hex = createHash('sha256').update(`meeting\0${uid}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}.ics`
}

async function answerOf(call: Call, { answer, id, reply }: ResponseRequest, original: number | undefined): Promise<Answered> {
  const { person: { addresses, login, displayName }, objects } = call.stores
  // Who mails the answer, where the CalDAV server would.
  const schedules = await objectsOf(objects).schedules()
  const agent = schedules ? { agent: mailsItself(call) || !reply ? 'CLIENT' as const : 'SERVER' as const } : {}
  return {
    addresses: addresses.length > 0 ? addresses : [login], displayName, answer, now: Math.floor(call.now().getTime() / 1000) * 1000, original, ...agent,
    ...(namesObject(id) ? {} : { noted: id }),
  }
}

/** First the answer, which is made of what goes then. `original` is the one occurrence that does not happen for this user. */
async function decline(call: Call, request: ResponseRequest, known: Placed | undefined, event: Uint8Array, original: number | undefined): Promise<Done> {
  const store = objectsOf(call.stores.objects)
  const context = { ...call.clocks, now: call.now().getTime(), received: true, agent: undefined }
  const prepared = original === undefined ? event : patchEvent(event, { exceptions: [{ original, change: {} }] }, context)
  const answered = await answerOf(call, request, original)
  // What says the same when it is asked again: see `sendMeetingMail`.
  const told = answerEvent(prepared, { ...answered, now: stampOf(readEvent(event, call.clocks)) ?? answered.now }, call.clocks)
  await reply(call, request, told, original)
  if (!known) return { status: success }
  const { folder, object } = known
  if (original !== undefined) {
    const without = patchEvent(object.octets, { exceptions: [{ original, change: 'remove' }] }, context)
    await store.write(folder.id, object.name, without, { etag: object.etag })
  } else await store.remove(folder.id, object.name, object.etag, answered.agent === 'CLIENT')
  return { status: success }
}

const stampOf = ({ stamp, answered }: Event): number | undefined => answered ?? stamp

/** [MS-ASCMD] SendResponse, 16.0 and later: to the organizer, once. */
async function reply(call: Call, request: ResponseRequest, octets: Uint8Array, original: number | undefined): Promise<void> {
  const { reply: text, proposed, answer } = request
  if (!text || !await mailsFromHere(call)) return
  const event = readEvent(octets, call.clocks)
  const said = event.exceptions.find(one => match(one.original, event.start) === original) ?? event
  if (!said.organizer) return
  await sendMeetingMail(call, {
    stored: octets, original, to: [said.organizer], only: call.stores.person.addresses, comment: text.plain, text,
    method: proposed ? 'COUNTER' : 'REPLY', prefix: proposed ? 'New Time Proposed: ' : prefixes[answer],
    proposed: proposed && { ...proposed, zone: utcZone },
  })
}

/** As Exchange calls them. */
const prefixes: Readonly<Record<Answered['answer'], string>> = { accepted: 'Accepted: ', tentative: 'Tentative: ', declined: 'Declined: ' }

/** An event, or one occurrence of it: [MS-ASCMD] InstanceId (MeetingResponse). */
async function answerObject(call: Call, request: ResponseRequest, again = false): Promise<Done> {
  if (!since(call.request.version, '14.1')) throw new Failure('malformed', 'a calendar item before 14.1')
  const store = objectsOf(call.stores.objects)
  const folder = await folderOf(call.stores, request.id.slice(0, request.id.indexOf(':')) as FolderId)
  if (folder.content !== 'calendar') throw new Failure('malformed', 'no meeting')
  const [name] = await namesOf(store, folder.id, [request.id])
  const object = name === undefined ? undefined : await store.read(folder.id, name)
  if (name === undefined || !object) {
    if (request.answer === 'declined' && await call.shared.recall<Done>(`gone:${call.scope}:${request.id}`)) return { status: success }
    throw new Failure('not-found', 'no such event')
  }
  // Before anybody is told.
  if (isClosed(folder, name)) throw new Failure('denied', 'the calendar is read-only')
  const event = readEvent(object.octets, call.clocks)
  checkReceived(call, event)
  const original = originalOf(event, request.instanceId)
  const context = { ...call.clocks, now: call.now().getTime(), received: true, agent: undefined }
  if (request.answer === 'declined') {
    const done = await decline(call, request, { folder, object }, object.octets, original)
    if (original === undefined) await call.shared.keep(`gone:${call.scope}:${request.id}`, done, { seconds: day })
    return done
  }
  const excepted = original === undefined || event.exceptions.some(one => match(one.original, event.start) === original)
  const prepared = excepted ? object.octets : patchEvent(object.octets, { exceptions: [{ original: original!, change: {} }] }, context)
  const octets = answerEvent(prepared, await answerOf(call, request, original), call.clocks)
  const same = Buffer.compare(octets, object.octets) === 0
  const written = same ? undefined : await outcome(store.write(folder.id, name, octets, { etag: object.etag }))
  if (written instanceof Failure) {
    if (again || written.kind !== 'conflict') throw written
    return answerObject(call, request, true)
  }
  await reply(call, request, octets, original)
  return { status: success, calendarId: request.id }
}

function originalOf(event: Event, instanceId: string | undefined): number | undefined {
  if (instanceId === undefined) return undefined
  if (!event.series) throw new Refused(notRecurring, 'an instance of what happens once')
  const original = originalNear(event, Date.parse(instanceId))
  const isOut = event.series.excluded.some(one => match(one, event.start) === original)
  if (original === undefined || isOut) throw new Failure('not-found', 'no such instance')
  return original
}

import { createHmac } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { readEvent } from '../formats/event-read.ts'
import { itipObject, type Itip } from '../formats/itip.ts'
import { itipMail } from '../formats/itip-mail.ts'
import { match } from '../formats/series.ts'
import { localOf } from '../formats/timezone.ts'
import type { EventBody, Occasion, Person } from '../model/event.ts'
import type { Call } from './command.ts'
import { isOwn, ownAttendee } from './map/calendar-values.ts'
import { domainOf, primary, sendOnce } from './outgoing.ts'

/** Something about a meeting that goes out by mail. */
export type MeetingMail = Omit<Itip, 'stamp'> & {
  /** The event it is about. */
  readonly stored: Uint8Array
  readonly to: readonly Person[]
  /** What stands before the name of the event. */
  readonly prefix?: string
  /** In place of what the event says. */
  readonly text?: EventBody
}

const previouslySent = '118'
const isAddress = ({ address }: Person): boolean => /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(address)

/**
 * RFC 6047, once however often it is asked: what is said to whom, and of which version of the event, makes the Message-ID. Throws `denied`
 * where the submission server does not take it, `unavailable`.
 */
export async function sendMeetingMail(call: Call, { stored, to, prefix = '', text, ...itip }: MeetingMail): Promise<void> {
  const { stores: { person }, settings, clocks } = call
  const recipients = to.filter(isAddress)
  if (recipients.length === 0) return
  const event = readEvent(stored, clocks)
  const exception = event.exceptions.find(one => match(one.original, event.start) === itip.original)
  const said: Occasion = exception ?? event
  const answered = itip.method === 'REPLY' || itip.method === 'COUNTER'
  const mark = [
    person.account, itip.method, event.uid, itip.original, event.sequence, prefix, itip.comment, itip.proposed?.start, itip.proposed?.end,
    answered ? said.answered : said.stamp, ...recipients.map(({ address }) => address.toLowerCase()).sort(),
  ]
  // As whom the user was invited, or invites.
  const told = answered ? ownAttendee(said, person.addresses) : said.organizer
  const from = told && isOwn(told, person.addresses) ? told.address : primary(person)
  const mac = createHmac('sha256', settings.secret).update(`meeting\0${JSON.stringify(mark)}`).digest('hex')
  const mime = itipMail({
    from: { address: from, ...(person.displayName ? { name: person.displayName } : {}) }, to: recipients, subject: `${prefix}${said.summary}`.slice(0, 1000),
    messageId: `<${mac.slice(0, 32)}@${domainOf(from)}>`, method: itip.method, text: text ?? textOf(said),
    calendar: itipObject(stored, { ...itip, stamp: call.now().getTime() }, clocks),
  })
  const status = await sendOnce(call, { mime, clientId: undefined, save: true })
  if (status !== undefined && status !== previouslySent) throw new Failure('denied', `a message about a meeting was refused: Status ${status}`)
}

/** When and where, for programs that show no calendars, and what the event says. */
function textOf({ start, end, allDay, place, body }: Occasion): EventBody {
  const print = (at: number, length: number): string => new Date(at).toISOString().slice(0, length).replace('T', ' ')
  const clock = (time: Occasion['start']): number => time.form === 'date' ? time.local : localOf(time.at, start.zone)
  const last = allDay && start.form === 'date' ? clock(end) - 1 : clock(end)
  const when = allDay ? [...new Set([print(clock(start), 10), print(last, 10)])].join(' - ')
    : `${print(clock(start), 16)} - ${print(last, 16)} (${start.form === 'utc' ? 'UTC' : start.zone.name})`
  const head = [`When: ${when}`, ...(place?.name ? [`Where: ${place.name}`] : [])].join('\n')
  return { plain: `${head}\n${body.plain ? `\n${body.plain}\n` : ''}`, html: undefined }
}

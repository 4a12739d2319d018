import { children, el, text, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from './eas-client.ts'
import type { House, Who } from './live.ts'

/** What an invitation says; days of December 2026, in Berlin. */
export type Invited = {
  readonly uid: string; readonly organizer: string; readonly attendee: string
  readonly sequence?: number; readonly lines?: readonly string[]; readonly method?: string; readonly stamp?: string; readonly hour?: number
}

const zone = ['BEGIN:VTIMEZONE', 'TZID:Europe/Berlin',
  'BEGIN:STANDARD', 'DTSTART:19701025T030000', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100', 'END:STANDARD',
  'BEGIN:DAYLIGHT', 'DTSTART:19700329T020000', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'END:DAYLIGHT', 'END:VTIMEZONE']

/** As another calendar program writes it, without help of ours. */
export const invitation = ({ uid, organizer, attendee, sequence = 0, lines = [], method = 'REQUEST', stamp = '20261120T080000Z', hour = 10 }: Invited): string => [
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Other//EN', `METHOD:${method}`, ...zone, 'BEGIN:VEVENT', `UID:${uid}`, `DTSTAMP:${stamp}`, `SEQUENCE:${sequence}`,
  `DTSTART;TZID=Europe/Berlin:20261207T${hour}0000`, `DTEND;TZID=Europe/Berlin:20261207T${hour + 1}0000`, 'SUMMARY:Budget', 'X-OTHER;A="b:c":kept',
  `ORGANIZER;CN=Organizer:mailto:${organizer}`, `ATTENDEE;CN=You;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:${attendee}`,
  'ATTENDEE;PARTSTAT=ACCEPTED:mailto:third@elsewhere.test', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')

export const invitationMail = (invited: Invited): string => [
  `From: ${invited.organizer}`, `To: ${invited.attendee}`, 'Subject: Budget', `Message-ID: <${invited.uid}-${invited.sequence ?? 0}@other>`, 'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=b', '', '--b', 'Content-Type: text/plain', '', 'Please come.',
  '--b', `Content-Type: text/calendar; charset=utf-8; method=${invited.method ?? 'REQUEST'}`, '', invitation(invited), '--b--', ''].join('\r\n')

export type Answer = { readonly status: string; readonly requestId: string | undefined; readonly calendarId: string | undefined; readonly instanceId: string | undefined }

export type Response = { readonly id: string; readonly answer: 1 | 2 | 3; readonly folder?: string; readonly longId?: boolean; readonly instance?: string; readonly more?: readonly Node[] }

export const responseBody = (wishes: readonly Response[]): Node => el('MeetingResponse:MeetingResponse', wishes.map(wish =>
  el('MeetingResponse:Request', [
    el('MeetingResponse:UserResponse', String(wish.answer)),
    ...(wish.longId ? [el('Search:LongId', wish.id)]
      : [el('MeetingResponse:CollectionId', wish.folder ?? wish.id.split(':')[0]!), el('MeetingResponse:RequestId', wish.id)]),
    ...(wish.instance === undefined ? [] : [el('MeetingResponse:InstanceId', wish.instance)]),
    ...(wish.more ?? []),
  ])))

export async function respond(phone: Phone, ...wishes: readonly Response[]): Promise<Answer[]> {
  const answer = await phone.command('MeetingResponse', responseBody(wishes))
  return children(answer!, 'MeetingResponse:Result').map(one => ({
    status: text(one, 'MeetingResponse:Status') ?? '', requestId: text(one, 'MeetingResponse:RequestId'),
    calendarId: text(one, 'MeetingResponse:CalendarId'), instanceId: text(one, 'MeetingResponse:InstanceId'),
  }))
}

/** [MS-ASCMD] SendResponse. */
export const sendResponse = (body?: string, proposed?: readonly [string, string]): Node => el('MeetingResponse:SendResponse', [
  ...(body === undefined ? [] : [el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', body)])]),
  ...(proposed ? [el('MeetingResponse:ProposedStartTime', proposed[0]), el('MeetingResponse:ProposedEndTime', proposed[1])] : []),
])

/** Messages of a folder, whole, oldest first. */
export async function mailsIn(house: House, who: Who, folder = 'INBOX'): Promise<string[]> {
  const client = await house.imapClient(who)
  const lock = await client.getMailboxLock(folder)
  try {
    const found: string[] = []
    for await (const { source } of client.fetch('1:*', { source: true })) found.push(source!.toString('utf8'))
    return found
  } catch {
    return []
  } finally {
    lock.release()
    client.close()
  }
}

/** A message's calendar, unfolded. */
export const calendarOf = (mail: string): string => /BEGIN:VCALENDAR[^]*END:VCALENDAR/.exec(mail.replace(/=\r\n/g, '').replace(/=3D/g, '='))?.[0].replace(/\r\n[ \t]/g, '') ?? ''

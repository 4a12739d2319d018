import type { EventBody, Person } from '../model/event.ts'
import { encodeWords } from './encoded-words.ts'
import { gathered, multipart, part, type Made } from './mime-splice.ts'
import { printMailbox } from './mime-write.ts'
import { encodeText } from './transfer-write.ts'
import type { ItipMethod } from './itip.ts'

export type ItipMail = {
  readonly from: Person
  readonly to: readonly Person[]
  readonly subject: string
  readonly messageId: string
  readonly method: ItipMethod
  readonly text: EventBody
  /** iCalendar, in UTF-8. */
  readonly calendar: Uint8Array
}

/** RFC 6047, iMIP: a text for people, and the object for programs. */
export function itipMail({ from, to, subject, messageId, method, text, calendar }: ItipMail): Made {
  const fields = [
    `From: ${printMailbox(from)}`, `To: ${to.map(printMailbox).join(',\r\n ')}`, `Subject: ${encodeWords(subject)}`, `Message-ID: ${messageId}`,
    'MIME-Version: 1.0', 'Content-Class: urn:content-classes:calendarmessage',
  ]
  const parts = [
    textPart('plain', text.plain), ...(text.html ? [textPart('html', text.html)] : []),
    textPart('calendar', Buffer.from(calendar).toString('utf8'), `; method=${method}; name="meeting.ics"`),
  ]
  return gathered([Buffer.from(`${fields.join('\r\n')}\r\n`), ...multipart('alternative', parts)])
}

function textPart(subtype: string, text: string, more = ''): Made {
  const { encoding, octets } = encodeText(text)
  return part([['Content-Type', `text/${subtype}; charset=utf-8${more}`], ['Content-Transfer-Encoding', encoding]], octets)
}

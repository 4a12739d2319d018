import { randomUUID } from 'node:crypto'
import { field, rawField, type Header } from '../formats/header.ts'
import { printDate } from '../formats/mime-write.ts'
import { encodeWords } from '../formats/encoded-words.ts'

/**
 * RFC 3464, Delivery Status Notifications: what a mail server would have returned. The protocol has no way to say that some
 * recipients of a message were refused while it went to the others.
 */
export function nonDeliveryNote(sent: Header, from: string, refused: readonly string[], now: Date): Uint8Array {
  const domain = from.slice(from.lastIndexOf('@') + 1)
  const subject = field(sent, 'subject') ?? ''
  const boundary = `=_${randomUUID()}`
  const lines = [
    `From: Mail Delivery System <MAILER-DAEMON@${domain}>`,
    `To: ${from}`,
    `Subject: ${encodeWords(`Undelivered: ${subject}`.slice(0, 200))}`,
    `Date: ${printDate(now)}`,
    `Message-ID: <${randomUUID()}@${domain}>`,
    ...inReplyTo(sent),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...base64Lines(explanation(subject, refused)),
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${domain}`,
    ...refused.flatMap(address => ['', `Final-Recipient: rfc822; ${plain(address)}`, 'Action: failed', 'Status: 5.0.0']),
    '',
    `--${boundary}--`,
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

const explanation = (subject: string, refused: readonly string[]): string =>
  `Your message "${subject}" was sent, but not to these recipients, whose addresses the mail server refused:\n\n` +
  `${refused.map(address => `  ${address}`).join('\n')}\n`

const base64Lines = (text: string): string[] =>
  Buffer.from(text.replace(/\n/g, '\r\n')).toString('base64').match(/.{1,76}/g) ?? []

const plain = (address: string): string => address.replace(/[^\x21-\x7e]/g, '?')

const inReplyTo = (sent: Header): string[] => {
  const id = rawField(sent, 'message-id')
  return id && /^<[\x21-\x7e]{1,250}>$/.test(id) ? [`In-Reply-To: ${id}`, `References: ${id}`] : []
}

import { createHash, randomBytes } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { corpus } from '../test/support/corpus.ts'
import type { House } from '../test/support/live.ts'
import type { User } from '../test/support/users.ts'

/** How many messages the inbox has before the phone comes. */
export const inboxSize = 250

/** A file whose octets can be told from any other's. */
export const file = { name: 'Grundriss für Zoë.pdf', octets: randomBytes(300_000) }

export const digest = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

export const letter = {
  subject: 'Grüße aus Köln – the plans',
  text: 'Dear Anna, here are the plans. Żółć, 日本語 and 🎉 should arrive as they are.',
}

/** Sample mail: realistic messages of the last month, the newest of them a letter with a file, and a folder of projects. */
export async function furnish(house: House, anna: User): Promise<void> {
  const yesterday = new Date(Date.now() - 86_400_000)
  await house.seed(anna, 'INBOX', corpus({ count: inboxSize - 1, to: anna.address, until: yesterday, days: 30 }))
  await house.seed(anna, 'INBOX', [{ raw: await letterWithFile(anna), date: new Date(Date.now() - 3_600_000) }])
  await house.seed(anna, 'Projects', corpus({ count: 20, seed: 2, to: anna.address, until: yesterday, days: 300 }))
  await house.seed(anna, 'Projects/Zürich', corpus({ count: 5, seed: 3, to: anna.address, until: yesterday, days: 100 }))
}

async function letterWithFile(to: User): Promise<Buffer> {
  const composed = await createTransport({ streamTransport: true, buffer: true, newline: 'windows' }).sendMail({
    from: 'Zoë Müller <zoe@corpus.test>',
    to: to.address,
    subject: letter.subject,
    text: letter.text,
    html: `<p>${letter.text}</p>`,
    attachments: [{ filename: file.name, content: file.octets }],
  })
  return composed.message as Buffer
}

/** By SMTP, as any mail program would; answers when the server has accepted it, in milliseconds of `performance.now()`. */
export async function sendBySmtp(house: House, from: User, to: User, subject: string): Promise<number> {
  const { host, port } = house.submission
  const transport = createTransport({ host, port, secure: false, ignoreTLS: true, auth: { user: from.login, pass: from.password } })
  await transport.sendMail({ from: from.address, to: to.address, subject, text: 'Sent by SMTP.' })
  return performance.now()
}

/** What a phone hands over to be sent: RFC 5322 octets. */
export const outgoing = (from: User, to: User, subject: string, text: string): string => [
  `From: ${from.address}`, `To: ${to.address}`, `Subject: ${subject}`, `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
  `Message-ID: <${randomBytes(9).toString('hex')}@phone.test>`, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', text, '',
].join('\r\n')

/** A letter that is read as it stands, in a thread where it answers another. */
export const letterOf = (from: User, to: User, subject: string, words: string, id: string, answers?: string): string => [
  `From: Bob <${from.address}>`, `To: ${to.address}`, `Subject: ${subject}`, `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`, `Message-ID: <${id}@corpus.test>`,
  ...(answers ? [`In-Reply-To: <${answers}@corpus.test>`, `References: <${answers}@corpus.test>`] : []),
  'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', words, '',
].join('\r\n')

/** When the first meeting begins: ten o'clock in Berlin, on a Monday in summer. */
export const sentOn = { meeting: '2027-07-05T08:00:00.000Z' }

/** A weekly meeting, as Outlook would invite to it. */
export const invitation = (from: User, to: User, subject: string, uid: string): string => [
  `From: Bob <${from.address}>`, `To: ${to.address}`, `Subject: ${subject}`, `Message-ID: <meeting-${uid}@corpus.test>`, 'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=b', '', '--b', 'Content-Type: text/plain; charset=utf-8', '', 'Coffee, once a week.',
  '--b', 'Content-Type: text/calendar; charset=utf-8; method=REQUEST', 'Content-Transfer-Encoding: 8bit', '',
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//demo//EN', 'METHOD:REQUEST', 'BEGIN:VEVENT', `UID:weekly-${uid}@corpus.test`, `SUMMARY:${subject}`,
  'DTSTAMP:20270101T000000Z', 'DTSTART;TZID=Europe/Berlin:20270705T100000', 'DTEND;TZID=Europe/Berlin:20270705T103000', 'RRULE:FREQ=WEEKLY;BYDAY=MO',
  'LOCATION:Café Müller', `ORGANIZER;CN=Bob:mailto:${from.address}`, `ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:${to.address}`,
  'END:VEVENT', 'END:VCALENDAR', '--b--', '',
].join('\r\n')

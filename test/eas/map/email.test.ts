import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { brokenItem, emailNodes } from '../../../src/eas/map/email.ts'
import { lookInside, lookOf } from '../../../src/eas/inside.ts'
import { planBody, renderBody, type BodyWish } from '../../../src/eas/map/body.ts'
import { since, versions, type Version } from '../../../src/eas/versions.ts'
import { decode, el, encodeSync, type Node } from '../../../src/wire/wbxml.ts'
import { mutations } from '../../support/fuzz.ts'
import { golden, printNode } from '../../support/golden.ts'
import { packRtf } from '../../../src/formats/rtf-compression.ts'
import { appointmentSet, meetingSet, winmail, writeTnef } from '../../support/tnef-write.ts'
import { fetched, tell, type Told } from '../../support/mime-tree.ts'

const html: BodyWish = { bodies: [{ type: 2, truncationSize: 4096, preview: 40 }], mimeSupport: 0, mimeTruncation: 8 }

function item(told: Told, version: Version, wish = html, draft = false): Node {
  const { structure, size } = told.message
  const look = lookOf(structure, undefined)
  const inside = lookInside(told.message, look, look && told.part(look.section))
  const plan = planBody({ structure: inside.structure, size }, wish, version)
  const octets = fetched(told, plan.parts).map((found, i) => inside.octets.get(plan.parts[i]!.section) ?? found)
  const rendered = renderBody(plan, octets)
  if ('more' in rendered) throw new Error('small messages are fetched whole')
  const reference = (section: string): string => `f1:1:1:${section}`
  const addresses = ['anna@postern.test', 'a.test@postern.test']
  return el('AirSync:ApplicationData', emailNodes(told.message, { version, draft, reference, body: rendered, inside, addresses }))
}

// Octets, for not all of them are UTF-8.
const eml = (name: string): Uint8Array => readFileSync(new URL(`../../golden/eas/email/${name}.eml`, import.meta.url))
const read = (name: string, given?: Parameters<typeof tell>[1]): Told => tell(eml(name), given)

describe('the item of', () => {
  it.each([
    ['a newsletter in two forms', 'newsletter', { flags: ['\\Seen', '\\Flagged', '\\Answered'] }],
    ['a message with pictures and files', 'pictures', { flags: ['$Forwarded'] }],
    ['a signed message', 'signed', {}],
    ['an encrypted message', 'encrypted', {}],
    ['text between pictures, by Outlook', 'between-pictures', {}],
    ['a bounce', 'bounce', {}],
    // Trap B28
    ['an invitation nobody can read', 'invitation', {}],
    // Traps 7, 8, 9, 35 and 57
    ['an invitation to a series', 'meeting-series', {}],
    ['a meeting that was canceled', 'meeting-canceled', {}],
    ['an invitation to an instance, without a text', 'meeting-instance', {}],
    ['a new time that is proposed', 'meeting-counter', {}],
    ['a message whose charset lies', 'lying-charset', {}],
    ['garbage', 'nothing', {}],
  ])('%s', async (_, name, given) => {
    golden(`eas/email/${name}.xml`, await printNode(item(read(name, given), '16.1')))
  })

  it.each(['2.5', '12.0', '12.1', '14.1'] as const)('a newsletter, by version %s', async version => {
    golden(`eas/email/newsletter.${version}.xml`, await printNode(item(read('newsletter'), version, version === '2.5' ? { ...html, bodies: [{ type: 1 }, { type: 4 }] } : html)))
  })

  it.each(['2.5', '12.0'] as const)('files, by version %s', async version => {
    golden(`eas/email/pictures.${version}.xml`, await printNode(item(read('pictures'), version)))
  })

  it('a signed message as it is, by version 2.5', async () => {
    const wish: BodyWish = { bodies: [{ type: 1, truncationSize: 512 }, { type: 4 }], mimeSupport: 1, mimeTruncation: 8 }
    golden('eas/email/signed.2.5.xml', await printNode(item(read('signed'), '2.5', wish)))
  })

  it.each(['2.5', '12.0', '12.1', '14.0', '14.1'] as const)('an invitation to a series, by version %s', async version => {
    golden(`eas/email/meeting-series.${version}.xml`, await printNode(item(read('meeting-series'), version)))
  })

  it('an invitation to an instance, by version 12.1', async () => {
    golden('eas/email/meeting-instance.12.1.xml', await printNode(item(read('meeting-instance'), '12.1')))
  })

  // Trap 6
  it.each<[string, string, string | undefined, Version]>([
    ['with a text beside it', 'winmail', 'See the files.', '16.1'], ['alone', 'winmail-alone', undefined, '16.1'],
    ['alone, by version 2.5', 'winmail-alone.2.5', undefined, '2.5'],
  ])('a winmail.dat %s', async (_, name, text, version) => {
    const rtf = String.raw`{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag <p>}Hello{\*\htmltag <img src="cid:logo@x">}}`
    const tnef = writeTnef({ messageClass: 'IPM.Microsoft Mail.Note', properties: [{ id: 0x1009, value: packRtf(Buffer.from(rtf)) }], files: [
      { title: 'OVERVI~1.PDF', data: Buffer.alloc(1000), properties: [{ id: 0x3707, value: '\u00dcbersicht.pdf' }, { id: 0x370e, value: 'application/pdf' }] },
      { title: 'logo.png', data: Buffer.alloc(10), properties: [{ id: 0x3712, value: 'logo@x' }, { id: 0x3714, value: 4 }] },
    ] })
    golden(`eas/email/${name}.xml`, await printNode(item(tell(winmail(tnef, text)), version)))
  })

  it('a winmail.dat with a meeting', async () => {
    const at = (time: string): Date => new Date(`2026-11-23T${time}:00.000Z`)
    const id = Buffer.from('040000008200e00074c5b7101a82e00807ea0b1700d5c1e2f35bd901000000000000000004000000deadbeef', 'hex')
    const tnef = writeTnef({ messageClass: 'IPM.Microsoft Schedule.MtgReq', properties: [
      { id: [appointmentSet, 0x820d], value: at('09:00') }, { id: [appointmentSet, 0x820e], value: at('10:00') },
      { id: [appointmentSet, 0x8208], value: 'Room 1' }, { id: [meetingSet, 3], value: id }, { id: 0x1000, value: 'Please come.' },
    ] })
    golden('eas/email/winmail-meeting.14.1.xml', await printNode(item(tell(winmail(tnef)), '14.1')))
  })

  it('a winmail.dat that is none, which stays a file', () => {
    const told = decode(encodeSync(item(tell(winmail(Buffer.from('nothing'), 'text')), '16.1')))
    expect(JSON.stringify(told)).toContain('winmail.dat')
  })

  it('a draft, which shows its Bcc from 16.0', async () => {
    const told = tell('From: a@x\nTo: b@x\nBcc: "C" <c@x>\nSubject: Draft\n\nText')
    const has = (version: Version): string[] => emailTags(item(told, version, html, true)).filter(tag => /Bcc|IsDraft/.test(tag))
    expect([has('14.1'), has('16.0')]).toEqual([[], ['Email2:IsDraft', 'Email2:Bcc']])
  })
})

const emailTags = (node: Node): string[] => decode(encodeSync(node)).children.map(child => child.tag)
const said = (eml: string, tag: string, version: Version = '16.1'): string | undefined =>
  decode(encodeSync(item(tell(eml), version))).children.find(child => child.tag === tag)?.text

const report = (type: string, status: string, original?: string): string =>
  `Content-Type: multipart/report; report-type=${type}; boundary=x\n\n--x\n\nSee below.\n--x\nContent-Type: message/${type}\n\n${status}\n` +
  `${original ? `--x\nContent-Type: message/rfc822\n\nSubject: original\nContent-Type: ${original}\n\n` : ''}--x--\n`
const reply = (answer: string): string => 'Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n' +
  `UID:u\nDTSTART:20261123T090000Z\nATTENDEE;PARTSTAT=${answer}:mailto:b@x\n`

it.each<[string, string, string, string | undefined]>([
  ['no subject', 'From: a@x\n\n', 'Email:Subject', undefined],
  ['several To fields', 'To: a@x\nTo: "B" <b@x>\n\n', 'Email:To', 'a@x, "B" <b@x>'],
  ['names to show, semicolons between', 'To: "Doe, John" <j@x>, b@x\n\n', 'Email:DisplayTo', 'Doe, John;b@x'],
  // Trap 14: DateReceived is when the server received it
  ['a date in the future', 'Date: Mon, 23 Nov 2099 10:00:00 +0000\n\n', 'Email:DateReceived', '2026-11-23T03:46:00.000Z'],
  ['no date', 'From: a@x\n\n', 'Email:DateReceived', '2026-11-23T03:46:00.000Z'],
  ['several addresses to reply to', 'Reply-To: a@x, b@x\n\n', 'Email:ReplyTo', 'a@x; b@x'],
  ['high importance', 'X-Priority: 1 (Highest)\n\n', 'Email:Importance', '2'],
  ['low importance', 'Priority: non-urgent\n\n', 'Email:Importance', '0'],
  ['importance nobody knows', 'Importance: very\n\n', 'Email:Importance', '1'],
  ['another sender', 'From: a@x\nSender: b@x\n\n', 'Email2:Sender', 'b@x'],
  ['the same sender', 'From: A@x\nSender: a@X\n\n', 'Email2:Sender', undefined],
  ['a topic', 'Subject: Re: AW[2]: Fwd: =?utf-8?Q?=E5=9B=9E=E5=A4=8D=EF=BC=9A?= Plan: B\n\n', 'Email:ThreadTopic', 'Plan: B'],
  ['a topic told', 'Subject: x\nThread-Topic: y\n\n', 'Email:ThreadTopic', 'y'],
  ['a read receipt', report('disposition-notification', 'Disposition: manual-action/MDN-sent-manually; displayed'), 'Email:MessageClass', 'REPORT.IPM.NOTE.IPNRN'],
  ['a mail deleted unread', report('disposition-notification', 'Disposition: automatic-action/MDN-sent-automatically;\n deleted'), 'Email:MessageClass', 'REPORT.IPM.NOTE.IPNNRN'],
  ['a receipt without an account of it', 'Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n--x--', 'Email:MessageClass', 'REPORT.IPM.NOTE.IPNRN'],
  ['a bounce', report('delivery-status', 'Reporting-MTA: dns; x\n\nAction: delivered\n\nAction: Failed\nStatus: 5.1.1'), 'Email:MessageClass', 'REPORT.IPM.NOTE.NDR'],
  ['a delay', report('delivery-status', 'Action: delayed'), 'Email:MessageClass', 'REPORT.IPM.NOTE.DELAYED'],
  ['a delivery', report('delivery-status', 'Action: relayed'), 'Email:MessageClass', 'REPORT.IPM.NOTE.DR'],
  ['a report without an action', report('delivery-status', 'x'), 'Email:MessageClass', 'REPORT.IPM.NOTE.NDR'],
  ['a signed mail that came back', report('delivery-status', 'Action: failed', 'multipart/signed; protocol="application/pkcs7-signature"; boundary=y'), 'Email:MessageClass', 'REPORT.IPM.NOTE.SMIME.MULTIPARTSIGNED.NDR'],
  ['an encrypted mail that came back', report('delivery-status', 'Action: failed', 'application/pkcs7-mime'), 'Email:MessageClass', 'REPORT.IPM.NOTE.SMIME.NDR'],
  ['an invitation that came back', report('delivery-status', 'Action: failed', 'text/calendar; method=REQUEST'), 'Email:MessageClass', 'REPORT.IPM.SCHEDULE.MEETING.REQUEST.NDR'],
  // Trap 5
  ['an opaque signature', 'Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\nx', 'Email:MessageClass', 'IPM.Note.SMIME'],
  ['what Outlook calls octets', 'Content-Type: application/octet-stream; name=smime.p7m\n\nx', 'Email:MessageClass', 'IPM.Note.SMIME'],
  ['certificates', 'Content-Type: application/pkcs7-mime; smime-type=certs-only\n\nx', 'Email:MessageClass', 'IPM.Note'],
  ['a secure receipt', 'Content-Type: application/pkcs7-mime; smime-type=signed-receipt\n\nx', 'Email:MessageClass', 'IPM.Note.Receipt.SMIME'],
  ['an answer', reply('ACCEPTED'), 'Email:MessageClass', 'IPM.Schedule.Meeting.Resp.Pos'],
  ['another answer', reply('DECLINED'), 'Email:MessageClass', 'IPM.Schedule.Meeting.Resp.Neg'],
  ['an uncertain answer', reply('TENTATIVE'), 'Email:MessageClass', 'IPM.Schedule.Meeting.Resp.Tent'],
  ['a calendar that is published', 'Content-Type: text/calendar; method=PUBLISH\n\nBEGIN:VCALENDAR\n', 'Email:MessageClass', 'IPM.Note'],
  ['a blind copy', 'To: b@x\nBcc: Anna <ANNA@postern.test>\n\n', 'Email2:ReceivedAsBcc', '1'],
  ['no blind copy of a list', 'To: list@x\n\n', 'Email2:ReceivedAsBcc', undefined],
  ['no blind copy of what the user sent', 'From: anna@postern.test\nBcc: anna@postern.test\n\n', 'Email2:ReceivedAsBcc', undefined],
  ['the code page', 'Content-Type: text/plain; charset=ISO-8859-15\n\n', 'Email:InternetCPID', '28605'],
  ['the code page of Windows', 'Content-Type: text/html; charset="windows-1251"\n\n', 'Email:InternetCPID', '1251'],
  ['no code page that nobody knows', 'Content-Type: text/plain; charset=klingon\n\n', 'Email:InternetCPID', '65001'],
  ['a signature of PGP', 'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=x\n\n--x--', 'Email:MessageClass', 'IPM.Note'],
])('an item tells %s', (_, eml, tag, expected) => {
  expect(said(eml, tag)).toBe(expected)
})

it('To ends before the address that would not fit', () => {
  const to = said(`To: ${Array.from({ length: 5000 }, (_, n) => `a${n}@x.example`).join(', ')}\n\n`, 'Email:To')!
  expect(to.length).toBeGreaterThan(32_700)
  expect(to.length).toBeLessThanOrEqual(32_768)
  expect(to).toMatch(/@x\.example$/)
})

it('an unreadable INTERNALDATE gives way to the Date field, and that to the beginning of time', () => {
  const received = new Date(NaN)
  const dated = (eml: string): string | undefined =>
    decode(encodeSync(item(tell(eml, { received }), '16.1'))).children.find(({ tag }) => tag === 'Email:DateReceived')?.text
  expect(dated('Date: Mon, 23 Nov 2026 03:46:00 +0000\n\n')).toBe('2026-11-23T03:46:00.000Z')
  expect(dated('Date: x\n\n')).toBe('1970-01-01T00:00:00.000Z')
})

it('every message whatsoever becomes an item that can be written and read', () => {
  const tnef = writeTnef({ body: 'x', files: [{ title: 'a.txt', data: Buffer.from('a') }] })
  const samples = [...['newsletter', 'pictures', 'signed', 'bounce', 'meeting-series', 'meeting-instance'].map(eml), Buffer.from(winmail(tnef))]
  for (const bytes of mutations(samples, 1000, 7)) {
    for (const version of ['2.5', '12.1', '16.1'] as const) {
      expect(emailTags(item(tell(bytes), version))).toContain('Email:DateReceived')
    }
  }
})

it.each(versions)('a message that cannot be read becomes an item that says so, in version %s', version => {
  const nodes = brokenItem({ received: new Date(NaN), flags: new Set() }, version, 'the server does not give it out.')
  const data = decode(encodeSync(el('AirSync:ApplicationData', nodes)))
  expect(data.children.some(({ tag }) => tag.startsWith('Email2:'))).toBe(since(version, '14.0'))
  const body = data.children.find(({ tag }) => tag === 'AirSyncBase:Body')?.children.at(-1) ??
    data.children.find(({ tag }) => tag === 'Email:Body')
  expect(body?.text).toContain('could not be read: the server does not give it out.')
})

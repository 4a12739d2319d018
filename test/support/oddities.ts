// Messages as they should not be, each fault named: written for these tests, after faults that real mail has.
import { generator, pick } from './corpus-bodies.ts'
import { winmail, writeTnef } from './tnef-write.ts'

export type Oddity = { readonly name: string; readonly raw: Uint8Array }

/** Octets are Latin 1 characters. */
type Entity = { readonly fields: readonly string[]; readonly body: string }

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64').replace(/.{76}/g, '$&\r\n')
const entity = (type: string, body: string, ...fields: string[]): Entity => ({ fields: [`Content-Type: ${type}`, ...fields], body })
const plain = entity('text/plain; charset=utf-8', utf8('Grüße.\r\n'))
const print = ({ fields, body }: Entity): string => `${[...fields, '', body].join('\r\n')}`
const multipart = (subtype: string, ...parts: readonly Entity[]): Entity =>
  entity(`multipart/${subtype}; boundary="b"`, `${parts.map(part => `--b\r\n${print(part)}\r\n`).join('')}--b--\r\n`)
const wrapped = (depth: number, make: (inner: Entity, depth: number) => Entity): Entity => {
  let inner = plain
  for (let n = 1; n <= depth; n++) inner = make(inner, n)
  return inner
}
const html = (text: string): Entity => entity('text/html; charset=utf-8', utf8(text))
const calendar = (...lines: string[]): Entity =>
  entity('text/calendar; method=REQUEST', ['BEGIN:VCALENDAR', 'METHOD:REQUEST', 'BEGIN:VEVENT', 'UID:u', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'))

/** Header fields beside From, To and Date, or in their place. */
const headers: Readonly<Record<string, readonly string[]>> = {
  'no fields at all': [],
  'raw UTF-8': [utf8('Subject: Grüße an Łódź 😀'), utf8('From: Jürgen <j@x.test>')],
  'raw Latin 1': ['Subject: Gr\xfc\xdfe', 'From: J\xfcrgen <j@x.test>'],
  'raw octets that are nothing': ['Subject: \xff\xfe\x80\x81', 'To: \xc3\x28 <a@x.test>'],
  'a NUL': ['Subject: before\0after'],
  'control characters': ['Subject: a\x01\x02\x1b[31m\x7fb', 'From: "\x07bell" <a@x.test>'],
  'half a character in each encoded word': ['Subject: =?utf-8?B?w7w=?= =?utf-8?Q?=C3?= =?utf-8?Q?=BC?='],
  'encoded words that are none': ['Subject: =?utf-8?B?%%%?= =?x?Q?a?= =?utf-8?Z?a?= =?utf-8?Q?a b?= =?'],
  'an encoded word of a lone surrogate': ['Subject: =?utf-16be?B?2AA=?= =?utf-8?Q?=ED=A0=80?='],
  'an encoded word of an unknown charset': ['Subject: =?x-klingon?Q?nuqneH?='],
  'duplicate fields': ['Subject: one', 'Subject: two', 'From: a@x.test', 'From: b@x.test', 'To: c@x.test', 'To: d@x.test', 'Message-ID: <1@x>', 'Message-ID: <2@x>'],
  'a field of 100 KB': [`Subject: ${'long '.repeat(20_000)}`],
  'a field of 100 KB, folded': [`Subject: ${'long\r\n '.repeat(14_000)}`],
  'ten thousand recipients': [`To: ${Array.from({ length: 10_000 }, (_, n) => `"Person ${n}" <p${n}@x.test>`).join(',\r\n ')}`],
  'four thousand fields': Array.from({ length: 4000 }, (_, n) => `X-Field-${n}: value`),
  'folded to nothing': ['Subject:', ' ', ' \t', ' late'],
  'spaces before colons': ['Subject : spaced', 'From\t: a@x.test'],
  'lines that are no fields': ['this is no field', '>From a@x.test', 'Subject: after it', '\xff\xff: x', ': nameless'],
  'addresses that are none': ['From: <>', 'To: @@@ <<a@x.test>>, "unclosed <b@x.test>, (comment (open', 'Cc: ;;,,::', 'Reply-To: <'],
  'groups': ['To: undisclosed-recipients:;', 'Cc: A: a@x.test, "B, C" <b@x.test>;, Empty:;'],
  'quotes, commas and comments': ['From: "Doe, \\"J\\" John" <j@x.test> (home)', 'To: Doe, John <j@x.test>', 'Sender: s@x.test (S)'],
  'dates that are none': ['Date: yesterday'],
  'a date of the year 99999': ['Date: Mon, 23 Nov 99999 03:46:00 +0000'],
  'importance nobody knows': ['Importance: \xfc', 'X-Priority: 99999999999999999999', 'Priority: '],
  'threads': [`References: ${Array.from({ length: 2000 }, (_, n) => `<${n}@x>`).join(' ')}`, 'In-Reply-To: nobody', 'Thread-Index: !!!!', 'Thread-Topic: \x01'],
  'a Thread-Index of 100 KB': [`Thread-Index: ${'Ad'.repeat(50_000)}`],
  'a type that is none': ['Content-Type: ;;;=', 'Content-Type: text/plain'],
  'an own Bcc': ['Bcc: anna@postern.test'],
  'a flood of colons and quotes': [`To: ${'":'.repeat(20_000)}`, `From: ${'('.repeat(20_000)}`],
}

const bodies: Readonly<Record<string, Entity>> = {
  'plain text': plain,
  'nothing': entity('text/plain', ''),
  'NULs': entity('text/plain', 'a\0b\0\0c'),
  'control characters': entity('text/plain', 'a\x01\x08\x0b\x0c\x1b\x7f\x85b'),
  'bare CR': entity('text/plain', 'one\rtwo\rthree'),
  'bare LF': entity('text/plain', 'one\ntwo\nthree'),
  'a line of 200 KB': entity('text/plain', 'x'.repeat(200_000)),
  '8-bit octets as us-ascii': entity('text/plain; charset=us-ascii', 'Gr\xfc\xdfe', 'Content-Transfer-Encoding: 7bit'),
  'UTF-8 as iso-8859-1': entity('text/plain; charset=iso-8859-1', utf8('Grüße – „bald“')),
  'Latin 1 as UTF-8': entity('text/plain; charset=utf-8', 'Gr\xfc\xdfe \x80\x99'),
  'an unknown charset': entity('text/plain; charset=x-klingon', 'nuq\xfcneH'),
  'a charset of quotes': entity('text/plain; charset="\'utf-8\'"', utf8('ü')),
  'UTF-7': entity('text/plain; charset=utf-7', 'Gr+APwA3w-e +'),
  'UTF-16 cut off': entity('text/plain; charset=utf-16', '\xff\xfeG\0r\0\xfc'),
  'ISO-2022-JP that does not end': entity('text/plain; charset=iso-2022-jp', '\x1b$B$3$s'),
  'lone surrogates': entity('text/plain; charset=utf-8', '\xed\xa0\x80 and \xed\xbf\xbf and \xef\xbf\xbf'),
  'base64 that is none': entity('text/plain', '!!! this is not base64 ???', 'Content-Transfer-Encoding: base64'),
  'base64 cut off': entity('text/plain; charset=utf-8', base64(utf8('Grüße '.repeat(50))).slice(0, -7), 'Content-Transfer-Encoding: base64'),
  'base64 with text behind it': entity('text/plain', `${base64('Hello')}=\r\n_____\r\nlist footer`, 'Content-Transfer-Encoding: base64'),
  'base64 of nothing but padding': entity('text/plain', '====\r\n===', 'Content-Transfer-Encoding: base64'),
  'quoted-printable that is none': entity('text/plain', 'a=b=ZZ=\r\n=', 'Content-Transfer-Encoding: quoted-printable'),
  'quoted-printable cut off in a character': entity('text/html; charset=utf-8', '<p>Gr=C3', 'Content-Transfer-Encoding: quoted-printable'),
  'an encoding nobody knows': entity('text/plain', 'as it is', 'Content-Transfer-Encoding: x-rot13'),
  'uuencoded': entity('application/octet-stream; name=a.bin', 'begin 644 a.bin\r\n%2&5L;&\\\r\n`\r\nend\r\n', 'Content-Transfer-Encoding: x-uuencode'),
  'a uuencoded file in the text': entity('text/plain', 'See:\r\nbegin 644 a.txt\r\n%2&5L;&\\\r\n`\r\nend\r\n'),
  'a type without a subtype': entity('text', 'x'),
  'a type of nothing': entity('', 'x'),
  'a type of 10 KB': entity(`application/${'x'.repeat(10_000)}; ${'a=b; '.repeat(1000)}`, 'x'),
  'a multipart without a boundary': { fields: ['Content-Type: multipart/mixed'], body: '--b\r\n\r\nx\r\n--b--' },
  'a multipart whose boundary never comes': { fields: ['Content-Type: multipart/mixed; boundary=never'], body: 'x\r\n' },
  'a multipart that does not end': { fields: ['Content-Type: multipart/mixed; boundary=b'], body: `--b\r\n${print(plain)}\r\n--b\r\nContent-Type: image/png\r\n\r\niVBOR` },
  'a multipart cut off in its boundary': { fields: ['Content-Type: multipart/mixed; boundary=bound'], body: `--bound\r\n${print(plain)}\r\n--bo` },
  'an empty boundary': { fields: ['Content-Type: multipart/mixed; boundary=""'], body: '--\r\n\r\nx\r\n----' },
  'a multipart without parts': { fields: ['Content-Type: multipart/alternative; boundary=b'], body: '--b--\r\n' },
  'empty parts': { fields: ['Content-Type: multipart/mixed; boundary=b'], body: '--b\r\n--b\r\n\r\n--b\r\nContent-Type: text/plain\r\n--b--\r\n' },
  'a boundary used on two levels': multipart('mixed', multipart('alternative', plain, html('<p>x')), plain),
  'an alternative of attachments': multipart('alternative', entity('application/pdf', 'x'), entity('image/png', 'x')),
  'a related without a root': { fields: ['Content-Type: multipart/related; start="<none>"; boundary=b'], body: '--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--' },
  'multiparts 200 deep': wrapped(200, (inner, n) => entity(`multipart/mixed; boundary=b${n}`, `--b${n}\r\n${print(inner)}\r\n--b${n}--`)),
  'messages 200 deep': wrapped(200, inner => entity('message/rfc822', print(inner))),
  'alternatives 40 deep': wrapped(40, (inner, n) => entity(`multipart/alternative; boundary=b${n}`, `--b${n}\r\n${print(plain)}\r\n--b${n}\r\n${print(inner)}\r\n--b${n}--`)),
  'three thousand parts': multipart('mixed', ...Array.from({ length: 3000 }, () => entity('text/x', 'x'))),
  'a thousand files': multipart('mixed', plain, ...Array.from({ length: 1000 }, (_, n) => entity(`image/png; name=${n}.png`, 'x'))),
  'a message in base64': multipart('mixed', plain, entity('message/rfc822', base64('Subject: inner\r\n\r\nx'), 'Content-Transfer-Encoding: base64')),
  'a message of nothing': multipart('mixed', entity('message/rfc822', '')),
  'a message without an end': multipart('mixed', entity('message/rfc822', 'Subject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n')),
  'part of a message': entity('message/partial; number=2; total=3; id=x', 'the middle'),
  'a message elsewhere': entity('message/external-body; access-type=local-file', 'Content-ID: <x>\r\n\r\n'),
  'file names that are none': multipart('mixed', plain,
    entity('image/png; name="../../etc/passwd"', 'x'), entity('image/png', 'x', 'Content-Disposition: attachment; filename='),
    entity('image/png', 'x', "Content-Disposition: attachment; filename*=utf-8''%ff%00%zz"), entity('image/png', 'x', 'Content-Disposition: attachment; filename="a\x01\0\r\n\tb"'),
    entity('image/png', 'x', `Content-Disposition: attachment; filename="${'n'.repeat(5000)}"`), entity('image/png', 'x', utf8('Content-Disposition: attachment; filename="Übersicht.png"'))),
  'RFC 2231 names with gaps': multipart('mixed', entity('image/png', 'x', "Content-Disposition: attachment; filename*0*=utf-8''a; filename*2=c; filename*9999=z; filename*=x")),
  'content ids that are none': multipart('related', html('<img src="cid:">'), entity('image/png', 'x', 'Content-ID: <>'), entity('image/png', 'x', 'Content-ID: \xff', 'Content-Location: \x01')),
  'two dispositions': multipart('mixed', plain, entity('image/png', 'x', 'Content-Disposition: inline; attachment; filename=a', 'Content-Disposition: attachment')),
  'HTML without an end': html('<html><body><div><table><tr><td><b>x<!-- '),
  'HTML 20,000 deep': html('<div>'.repeat(20_000)),
  'HTML of entities': html('&#0;&#xD800;&#x110000;&#99999999999;&nosuch;&amp'),
  'HTML that is a NUL': html('<p>\0</p>'),
  'HTML in another charset than it says': { ...entity('text/html; charset=us-ascii', '<meta charset=utf-16><p>\xfc') },
  'no HTML at all': entity('text/html', '\x89PNG\r\n\x1a\n\0\0\0'),
  'flowed text': entity('text/plain; format=flowed; delsp=yes', '> a \r\n>> b \r\n>>> \r\n-- \r\n \r\n '),
  'a broken invitation': multipart('alternative', plain, entity('text/calendar; method=REQUEST', 'BEGIN:VCALENDAR\r\n')),
  'an invitation without lines': multipart('alternative', plain, entity('text/calendar; method=REQUEST', '')),
  'an invitation with an endless rule': multipart('alternative', plain, calendar('DTSTART:20261123T090000Z', 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30')),
  'an invitation in a zone nobody knows': multipart('alternative', plain, calendar('DTSTART;TZID=X:20261123T090000')),
  'an invitation in base64, cut off': multipart('mixed', entity('text/calendar; method=REQUEST', base64('BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20261123T090000Z\r\n').slice(0, -5), 'Content-Transfer-Encoding: base64')),
  'an invitation of the year 0': calendar('DTSTART:00000101T000000Z'),
  'an invitation with garbage': calendar('DTSTART;TZID="Europe/Berlin:20261123T090000', 'DTSTART:20261123T090000', '\xff\xfe', 'SUMMARY:\0\x01', utf8('LOCATION:Süd'), 'ORGANIZER;CN=\x02:mailto:\x03'),
  'an invitation alone': calendar('DTSTART:20261123T090000Z', 'RRULE:FREQ=WEEKLY', 'DESCRIPTION:come\\nplease'),
  'a report of nothing': { fields: ['Content-Type: multipart/report; report-type=delivery-status; boundary=b'], body: '--b--' },
  'a report that does not end': { fields: ['Content-Type: multipart/report; report-type=delivery-status; boundary=b'], body: '--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: \xff' },
  'a signature of nothing': { fields: ['Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b'], body: '--b--' },
  'encrypted noise': entity('application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m', base64('\x30\x80\xff\0'), 'Content-Transfer-Encoding: base64'),
  'a winmail.dat that is none': entity('application/ms-tnef; name=winmail.dat', 'nothing'),
}

const whole = writeTnef({ properties: [{ id: 0x1009, value: Buffer.alloc(100, 7) }, { id: 0x1000, value: 'Grüße\0\x01' }], files: [{ title: 'a\x01.txt', data: Buffer.from('a') }] })
const containers: Readonly<Record<string, string>> = {
  'a winmail.dat': winmail(whole),
  'a winmail.dat cut off': winmail(whole.subarray(0, -20)),
  'a winmail.dat whose lengths lie': winmail(Buffer.from(whole).fill(0x7f, 60, 64), 'text'),
  'a message of one line end': '\r\n',
  'a header without an end': 'From: a@x.test\r\nSubject: cut',
  'a body without a header': '\r\nno header at all\r\n',
  'nothing but line ends': '\r\n\r\n\r\n',
  'nothing but noise': Array.from({ length: 3000 }, (_, n) => String.fromCharCode(n * 7919 % 255 + 1)).join(''),
  'a message in LF': print(multipart('mixed', plain, html('<p>x'))).replaceAll('\r\n', '\n'),
  'a message in CR': print(multipart('mixed', plain, html('<p>x'))).replaceAll('\r\n', '\r'),
  'a mailbox line before it': `From a@x.test Mon Nov 23 03:46:00 2026\r\n${print(plain)}`,
}

const standard = ['From: "Bob" <bob@x.test>', 'To: anna@postern.test', 'Date: Mon, 23 Nov 2026 03:46:00 +0000']

function assemble(name: string, header: readonly string[], { fields, body }: Entity): Oddity {
  const own = new Set(header.map(line => line.split(':')[0]!.trim().toLowerCase()))
  const rest = standard.filter(line => !own.has(line.split(':')[0]!.toLowerCase()))
  return { name, raw: Buffer.from([...rest, ...header, 'MIME-Version: 1.0', ...fields, '', body].join('\r\n'), 'latin1') }
}

/** Every oddity by itself, then combinations of two of them, and messages with octets lost on the way; the same ones each time. */
export function oddities(): Oddity[] {
  const random = generator(20_261_123)
  const heads = Object.entries(headers), texts = Object.entries(bodies)
  const alone = [
    ...Object.entries(containers).map(([name, raw]): Oddity => ({ name, raw: Buffer.from(raw, 'latin1') })),
    ...heads.map(([name, header]) => assemble(`header: ${name}`, header, plain)),
    ...texts.map(([name, body]) => assemble(`body: ${name}`, [`Subject: ${name}`], body)),
  ]
  const small = texts.filter(([, { body }]) => body.length < 20_000)
  const pairs = Array.from({ length: 120 }, () => {
    const [head, header] = pick(random, heads.filter(([, lines]) => lines.join().length < 20_000))
    const [name, body] = pick(random, small), [other, more] = pick(random, small)
    return assemble(`${head} + ${name} + ${other}`, header, multipart(pick(random, ['mixed', 'alternative', 'related', 'report; report-type=delivery-status', 'digest', 'nonsense']), body, more))
  })
  const lost = Array.from({ length: 90 }, (): Oddity => {
    const { name, raw } = pick(random, [...pairs, ...alone].filter(one => one.raw.length > 50 && one.raw.length < 20_000))
    const from = Math.floor(random() * raw.length), length = 1 + Math.floor(random() * 40)
    return { name: `${name}, ${length} octets lost at ${from}`, raw: Buffer.concat([raw.subarray(0, from), raw.subarray(from + length)]) }
  })
  return [...alone, ...pairs, ...lost]
}

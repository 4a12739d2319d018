/** Notes as several programs have written them into a mailbox: [origin, message]. */
const crlf = (lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'), 'latin1')

export const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

export const mailNotes: readonly (readonly [origin: string, octets: Buffer])[] = [
  ['an iPhone', crlf([
    'Subject: Shopping', 'From: =?utf-8?Q?Anna_M=C3=BCller?= <anna@postern.test>', 'X-Universally-Unique-Identifier: 0811AAB1-6B98-4236-A762-AC8CCDEAB7D4',
    'Content-Type: text/html;', '\tcharset=utf-8', 'X-Uniform-Type-Identifier: com.apple.mail-note', 'Message-Id: <F191E3E8-061F-4BE0-A5F4-B559B54DF973@postern.test>',
    'Date: Fri, 06 Jan 2012 23:19:33 +0100', 'X-Mail-Created-Date: Thu, 05 Jan 2012 23:19:33 +0100', 'Content-Transfer-Encoding: quoted-printable',
    'Mime-Version: 1.0 (1.0)', '', 'Shopping<div>Milk &amp; K=C3=A4se</div><div><br></div><div>Bread</div>', '',
  ])],
  ['a Mac, with a picture', crlf([
    'Content-Type: multipart/related;', '\ttype="text/html";', '\tboundary="Apple-Mail=_7A1F"', 'X-Apple-Base-Url: x-msg://1/', 'Subject: Holiday',
    'Mime-Version: 1.0 (Mac OS X Notes 4.6 \\(879.10\\))', 'X-Uniform-Type-Identifier: com.apple.mail-note', 'From: Anna <anna@postern.test>',
    'X-Mail-Created-Date: Mon, 02 Nov 2026 10:00:00 +0100', 'Date: Tue, 03 Nov 2026 10:00:00 +0100',
    'X-Universally-Unique-Identifier: 6E0BBF34-4B3F-4A4F-9C7B-0E0D7B5A1D11', 'Message-Id: <A1@postern.test>', '',
    '--Apple-Mail=_7A1F', 'Content-Transfer-Encoding: 7bit', 'Content-Type: text/html;', '\tcharset=us-ascii', '',
    '<!DOCTYPE html><html><head></head><body style="overflow-wrap: break-word;">Holiday<div><object type="application/x-apple-msg-attachment" data="cid:P1@x"></object></div>' +
    '<div><b>By the sea</b></div></body></html>',
    '--Apple-Mail=_7A1F', 'Content-Transfer-Encoding: base64', 'Content-Disposition: inline;', '\tfilename=sea.png', 'Content-Type: image/png;', '\tname="sea.png"',
    'Content-Id: <P1@x>', 'X-Foreign: kept', '', picture, '--Apple-Mail=_7A1F--', '',
  ])],
  ['a program that writes plain text', crlf([
    'Subject: =?utf-8?q?To_do=2C_today?=', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit',
    'X-Uniform-Type-Identifier: com.apple.mail-note', 'Message-ID: <1@host>', 'Date: Wed, 04 Nov 2026 08:00:00 -0000',
    'X-Universally-Unique-Identifier: 160446.7.12', 'Keywords: Home, "Work, new", =?utf-8?B?QsO8cm8=?=', '', 'first', '', '  second  \xc3\xa9', '',
  ])],
  ['a mail program, text in two forms and a file', crlf([
    'From: bob@postern.test', 'Subject: Forwarded', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=m', '', '--m',
    'Content-Type: multipart/alternative; boundary=a', '', '--a', 'Content-Type: text/plain; charset=iso-8859-1', '', 'gr\xfcn', '--a',
    'Content-Type: text/html; charset=iso-8859-1', '', '<p>gr\xfcn</p>', '--a--', '--m', 'Content-Type: application/pdf; name=a.pdf', 'Content-Transfer-Encoding: base64', '',
    'JVBERi0=', '--m--', '',
  ])],
  ['nobody who wrote a text', crlf(['Subject: Only a picture', 'Content-Type: image/png', 'Content-Transfer-Encoding: base64', '', picture, ''])],
  ['nobody at all', crlf(['', ''])],
]

import { randomBelow } from './fuzz.ts'

/** A message with files that somebody who rebuilds MIME would damage, and what is odd about it. */
export type Awkward = { readonly name: string; readonly raw: Buffer }

type File = { readonly name: string; readonly header: string; readonly body: string }

const base64 = (octets: Buffer, width = 76): string => octets.toString('base64').replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n')

const noise = (length: number, seed: number): Buffer => {
  const below = randomBelow(seed)
  return Buffer.from(Uint8Array.from({ length }, () => below(256)))
}

const files = (seed: number): readonly File[] => [
  { name: 'base64', header: 'Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n', body: base64(noise(3000, seed)) },
  { name: 'base64 in one line', header: 'Content-Type: application/zip\r\nContent-Transfer-Encoding: BASE64\r\nContent-Disposition: ATTACHMENT; FILENAME="a.zip"\r\n', body: noise(700, seed).toString('base64') },
  { name: 'base64 in lines of 60 with blanks', header: 'Content-Type: image/gif; name="x.gif"\r\nContent-Transfer-Encoding: base64\r\n', body: base64(noise(900, seed), 60).replace(/\r\n/g, ' \r\n') },
  { name: 'no final line end', header: 'Content-Type: text/csv; name=x.csv\r\nContent-Disposition: attachment\r\n', body: 'a;b\r\n1;2' },
  { name: 'many final line ends', header: 'Content-Type: text/csv; name=x.csv\r\nContent-Disposition: attachment\r\n', body: 'a;b\r\n\r\n\r\n\r\n' },
  { name: 'blank lines first', header: 'Content-Type: text/x-diff; name=x.patch\r\nContent-Disposition: attachment\r\n', body: '\r\n\r\n--- a\r\n+++ b\r\n' },
  { name: '8-bit', header: 'Content-Type: text/csv; charset=iso-8859-1; name=x.csv\r\nContent-Transfer-Encoding: 8bit\r\nContent-Disposition: attachment\r\n', body: 'Gr\xf6\xdfe;\xa4\r\n' },
  { name: '8-bit that says 7bit', header: 'Content-Type: text/x-log; name=x.log\r\nContent-Disposition: attachment\r\n', body: 'caf\xe9 \xff\xfe\r\n' },
  { name: 'trailing white space', header: 'Content-Type: text/x-log; name=x.log\r\nContent-Disposition: attachment\r\n', body: 'a  \r\nb\t\r\n \r\n' },
  { name: 'quoted-printable in lower case', header: 'Content-Type: text/html; name=x.html\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Disposition: attachment\r\n', body: 'caf=c3=a9 =\r\nsoft=20\r\n' },
  { name: 'a boundary that looks alike', header: 'Content-Type: text/x-log; name=x.log\r\nContent-Disposition: attachment\r\n', body: '--outermost\r\n--\r\n---- outer\r\n -- outer\r\n--=_AAAA\r\n' },
  { name: 'dots and From', header: 'Content-Type: text/x-log; name=x.log\r\nContent-Disposition: attachment\r\n', body: '.\r\n..\r\nFrom me\r\n>From me\r\n.x\r\n' },
  { name: 'empty', header: 'Content-Type: application/octet-stream; name=empty\r\nContent-Disposition: attachment\r\n', body: '' },
  { name: 'folded header, odd letter case, unknown fields', header: 'content-TYPE: application/octet-stream;\r\n\tname*0*=utf-8\'\'%C3%BC;\r\n name*1=.bin\r\nX-Odd:  two  blanks \r\ncontent-disposition:attachment\r\nContent-Transfer-Encoding: base64\r\n', body: base64(noise(100, seed)) },
  { name: 'raw UTF-8 in its name', header: 'Content-Type: application/octet-stream; name="\xc3\xbc.bin"\r\nContent-Disposition: attachment; filename="\xc3\xbc.bin"\r\nContent-Transfer-Encoding: base64\r\n', body: base64(noise(100, seed)) },
  { name: 'a comment in its type', header: 'Content-Type: application/pdf (a paper); name=a.pdf\r\nContent-Transfer-Encoding: base64 (sic)\r\nContent-Disposition: attachment\r\n', body: base64(noise(90, seed)) },
  { name: 'a nested message', header: 'Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n', body: 'Subject: inner\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer2\r\n\r\npreamble\r\n--outer2\r\nContent-Type: text/plain\r\n\r\ninner\r\n--outer2\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--outer2--\r\nepilogue\r\n' },
  { name: 'a nested message in a nested message, without line end', header: 'Content-Type: message/rfc822\r\n', body: 'Subject: 1\r\nContent-Type: message/rfc822\r\n\r\nSubject: 2\r\n\r\nthe end' },
  { name: 'a nested message whose last boundary is missing', header: 'Content-Type: message/rfc822\r\n', body: 'Subject: 1\r\nContent-Type: multipart/mixed; boundary=gone\r\n\r\n--gone\r\n\r\ntext\r\n' },
  { name: 'an inline picture by its place', header: 'Content-Type: image/png\r\nContent-Location: pics/a.png\r\nContent-Transfer-Encoding: base64\r\n', body: base64(noise(120, seed)) },
  { name: 'an inline picture that the text shows', header: 'Content-Type: image/png\r\nContent-ID: <shown@x>\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n', body: base64(noise(120, seed)) },
  { name: 'large', header: 'Content-Type: video/mp4; name=v.mp4\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n', body: base64(noise(100_000, seed)) },
  { name: 'an invitation', header: 'Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n', body: 'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n' },
  { name: 'long lines', header: 'Content-Type: text/csv; name=x.csv\r\nContent-Disposition: attachment\r\n', body: `${'x'.repeat(990)}\r\n` },
]

const head = (n: number): string => `From: Bob <bob@postern.test>\r\nTo: anna@postern.test\r\nSubject: awkward ${n}\r\nMessage-ID: <awkward.${n}@x>\r\nDate: Mon, 23 Nov 2026 03:46:00 +0000\r\nMIME-Version: 1.0\r\n`
const text = 'Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n'
const html = 'Content-Type: text/html; charset=utf-8\r\n\r\n<p>hello <img src="cid:shown@x"></p>\r\n'
const around = (type: string, boundary: string, parts: readonly string[], last = `--${boundary}--\r\n`): string =>
  `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n${parts.map(one => `--${boundary}\r\n${one}\r\n`).join('')}${last}`

/** Ways to put files into a message. */
const shapes: readonly { readonly name: string; make(parts: readonly string[]): string }[] = [
  { name: 'beside plain text', make: parts => around('mixed', 'outer', [text, ...parts]) },
  { name: 'beside HTML', make: parts => around('mixed', 'outer', [html, ...parts]) },
  { name: 'without text', make: parts => around('mixed', 'outer', parts) },
  { name: 'in a nested multipart whose boundary begins alike', make: parts => around('mixed', 'outer', [around('alternative', 'outermost', [text, html]), around('mixed', 'outer.1', parts)]) },
  { name: 'related to HTML', make: parts => around('mixed', 'outer', [around('related', 'outerr', [html, ...parts])]) },
  { name: 'without a last boundary', make: parts => around('mixed', 'outer', [text, ...parts], '') },
  { name: 'under a boundary of odd characters', make: parts => around('mixed', `=_(b'+)_,-./:=?`, [text, ...parts]) },
  { name: 'with a part without a header', make: parts => around('mixed', 'outer', ['\r\nbare text\r\n', ...parts]) },
]

/** `count` messages, each another mixture, the same each time. */
export function awkward(count: number): Awkward[] {
  const below = randomBelow(3)
  return Array.from({ length: count }, (_, n) => {
    const all = files(n), shape = shapes[n % shapes.length]!
    const chosen = [all[n % all.length]!, ...Array.from({ length: below(3) }, () => all[below(all.length)]!)]
    const parts = chosen.map(({ header, body }) => `${header}\r\n${body}`)
    return { name: `${n}: ${chosen.map(one => one.name).join(' + ')}, ${shape.name}`, raw: Buffer.from(head(n) + shape.make(parts), 'latin1') }
  })
}

/** What a generated message is made like. `legacy` is ISO-8859-1 and windows-1252, `international` is base64 of UTF-8. */
export type Kind = 'plain' | 'alternative' | 'newsletter' | 'attachment' | 'inline' | 'legacy' | 'international' | 'reply'

const WORDS = `the of and to a in is you that it he for was on are with as his they be at one have this from or had by hot but
some what there we can out other were all your when up use word how said an each she which do their time if will way about many
then them would write like so these her long make thing see him two has look more day could go come did my sound no most number
who over know than call first people may down side been now find report meeting budget quarter invoice customer`.split(/\s+/)

export const FOREIGN = ['Überweisung für März – bitte prüfen', 'Réunion déplacée à jeudi', 'Встреча переносится на пятницу',
  '会議の議事録をお送りします', '请查收附件中的合同', 'Ελληνικό κείμενο για έλεγχο', 'שלום מהמשרד', 'Grüße aus Köln 🎉'] as const

/** One writer per kind; each returns the MIME fields, an empty line and the body. */
export function bodies(random: () => number) {
  const { upTo, words, text, html, quotedHtml, binary } = stock(random)

  const leaf = (type: string, encoding: string, body: string) =>
    `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`
  const file = (type: string, disposition: string, octets: number) =>
    `Content-Disposition: ${disposition}\r\n${leaf(type, 'base64', binary(octets))}`
  const multipart = (type: string, parts: readonly string[]) => {
    const boundary = `=_${upTo(1e9).toString(36)}_${parts.length}`
    const inner = parts.map(part => `--${boundary}\r\n${part}\r\n`).join('')
    return `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n${inner}--${boundary}--\r\n`
  }
  const plainText = (n: number) => leaf('text/plain; charset=utf-8', '7bit', `${text(n)}\r\n`)
  const utf8Html = (size: number) => leaf('text/html; charset=utf-8', '8bit', html(size))
  const safeHtml = (size: number) => leaf('text/html; charset=utf-8', 'quoted-printable', quotedHtml(size))
  const anyHtml = (size: number) => upTo(3) === 0 ? safeHtml(size) : utf8Html(size)
  const alternative = (size: number) => multipart('alternative', [plainText(2 + upTo(6)), anyHtml(size)])

  const makers: Record<Kind, () => string | Uint8Array> = {
    plain: () => plainText(1 + upTo(8)),
    alternative: () => alternative(5_000 + upTo(upTo(55_000))),
    newsletter: () => multipart('alternative', [plainText(4), safeHtml(15_000 + upTo(25_000))]),
    attachment() {
      const pdf = file('application/pdf; name="report.pdf"', 'attachment; filename="report.pdf"', 1_000 + upTo(upTo(200_000)))
      const jpeg = file('image/jpeg', "attachment; filename*=utf-8''Stra%C3%9Fe%20%E2%82%AC.jpg", 1_000 + upTo(upTo(80_000)))
      return multipart('mixed', [upTo(2) === 0 ? plainText(2) : alternative(8_000), pdf, ...upTo(2) === 0 ? [jpeg] : []])
    },
    inline() {
      const image = file('image/png; name="logo.png"', 'inline; filename="logo.png"', 2_000 + upTo(12_000))
      const page = utf8Html(6_000).replace('</body>', '<img src="cid:logo@corpus.test" alt="Logo"></body>')
      return multipart('related; type="text/html"', [page, `Content-ID: <logo@corpus.test>\r\n${image}`])
    },
    legacy() {
      const body = Buffer.from(`Schöne Grüße!\r\n\r\n${text(3)}\r\n\r\nÀ bientôt, señor.\r\n`, 'latin1')
      return upTo(2) === 0 ? Buffer.concat([Buffer.from(leaf('text/plain; charset=ISO-8859-1', '8bit', '')), body])
        : leaf('text/plain; charset="windows-1252"', 'quoted-printable', quotedPrintable(body))
    },
    international() {
      const body = Buffer.from(Array.from({ length: 5 + upTo(40) }, () => pick(random, FOREIGN)).join('\r\n'))
      return leaf('text/plain; charset="UTF-8"', 'base64', body.toString('base64').replace(/.{1,76}/g, '$&\r\n'))
    },
    reply() {
      const body = `${text(1)}\r\n\r\nOn Monday somebody wrote:\r\n${text(4).replace(/^|(?<=\n)/g, '> ')}\r\n`
      return leaf('text/plain; charset=utf-8; format=flowed', '7bit', body)
    },
  }
  const ready = Object.fromEntries(Object.entries(makers).map(([kind, make]) => [kind, () => Buffer.from(make())]))
  return { words, ...ready as unknown as Record<Kind, () => Uint8Array> }
}

/** Text, HTML and octets to draw from; made once, as making them anew for each message would take most of the time. */
function stock(random: () => number) {
  const upTo = (n: number) => Math.floor(random() * n)
  const many = <T>(n: number, make: () => T) => Array.from({ length: n }, make)
  const words = (n: number) => many(n, () => pick(random, WORDS)).join(' ')
  const sentences = many(300, () => words(5 + upTo(12)).replace(/^./, c => c.toUpperCase()).concat('.'))
  const paragraphs = many(200, () => many(1 + upTo(4), () => pick(random, sentences)).join('\r\n'))
  const style = 'font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:1.4;color:#333333'
  const rows = paragraphs.map(paragraph =>
    `<tr><td align="left" style="${style}">\r\n<p style="margin:0 0 1em 0">${paragraph}</p>\r\n`
    + `<a href="https://corpus.test/${upTo(1e6)}">${pick(random, WORDS)} – more</a></td></tr>\r\n`)
  const quotedRows = rows.map(row => quotedPrintable(Buffer.from(row)))
  const noise = Buffer.from(many(300_000, () => upTo(256))).toString('base64').replace(/.{76}/g, '$&\r\n')
  const page = (size: number, from: readonly string[]) => {
    const chosen = []
    for (let left = size; left > 0;) {
      const row = pick(random, from)
      chosen.push(row)
      left -= row.length
    }
    return `<html><head><style>td{padding:8px}</style></head>\r\n<body><table>\r\n${chosen.join('')}</table></body></html>\r\n`
  }
  return {
    upTo,
    words,
    /** `n` paragraphs of plain text. */
    text: (n: number) => many(n, () => pick(random, paragraphs)).join('\r\n\r\n'),
    /** A page of about `size` octets. */
    html: (size: number) => page(size, rows),
    quotedHtml: (size: number) => page(size, quotedRows),
    /** Base64 lines of about so many octets. */
    binary: (octets: number) => {
      const start = upTo(1000) * 78
      return `${noise.slice(start, start + Math.ceil(octets / 57) * 78).trimEnd()}\r\n`
    },
  }
}

/** mulberry32: small, quick, the same everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

// RFC 2047: short encoded words, none ending inside a character
export function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return (text.match(/.{1,10}/gu) ?? []).map(run => `=?UTF-8?B?${Buffer.from(run).toString('base64')}?=`).join('\r\n ')
}

// RFC 2045, Quoted-Printable Content-Transfer-Encoding; the line breaks of text stay
function quotedPrintable(bytes: Uint8Array): string {
  const hex = (c: string) => `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  return Buffer.from(bytes).toString('latin1').replace(/[^\x20-\x3c\x3e-\x7e\r\n]| (?=\r)/g, hex)
    .replace(/[^\r\n]{73}(?=[^\r\n]{4})/g, line => {
      const escape = line.slice(-2).indexOf('=')
      return escape < 0 ? `${line}=\r\n` : `${line.slice(0, 71 + escape)}=\r\n${line.slice(71 + escape)}`
    })
}

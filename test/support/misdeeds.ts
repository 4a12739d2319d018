import { multistatus, wrapped, type DavAsked, type Misdeed } from './bad-dav.ts'

/** Whether a request asks which collections, or which objects, there are: what it must not be told wrongly. */
const lists = ({ method, body }: DavAsked): boolean => method === 'PROPFIND' || (method === 'REPORT' && !body.includes('multiget'))
const reads = ({ method, body }: DavAsked): boolean => method === 'REPORT' && body.includes('multiget')

const status = (code: number, headers: Record<string, string> = {}, body = ''): Misdeed => (_, answer) => {
  answer.writeHead(code, headers).end(body)
  return true
}
const xml = (text: string): Misdeed => (_, answer) => {
  answer.writeHead(207, { 'content-type': 'application/xml' }).end(text)
  return true
}
const only = (when: (asked: DavAsked) => boolean, misdeed: Misdeed): Misdeed => (asked, answer) => when(asked) ? misdeed(asked, answer) : undefined
const rows = (text: (asked: DavAsked) => string): Misdeed => (asked, answer) => {
  multistatus(answer, text(asked))
  return true
}
const response = (href: string, code: number): string => `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 ${code} Said</d:status></d:response>`
const withheld = (href: string, code: number): string =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop><d:getetag/><d:resourcetype/></d:prop><d:status>HTTP/1.1 ${code} Said</d:status></d:propstat></d:response>`
const token = '<d:sync-token>t0</d:sync-token>'

/** Octets of `piece`, for ever, as fast as they are taken. */
const endless = (begin: string, piece: string): Misdeed => (_, answer) => {
  answer.writeHead(207, { 'content-type': 'application/xml' }).write(begin)
  const chunk = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)))
  const more = (): void => {
    while (!answer.destroyed && answer.write(chunk)) { /* until the buffer is full */ }
    answer.once('drain', more)
  }
  more()
  return true
}

const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${'bcdefghi'.split('').map((name, index) =>
  `<!ENTITY ${name} "${`&${'abcdefgh'[index]!};`.repeat(10)}">`).join('')}]><d:multistatus xmlns:d="DAV:">&i;</d:multistatus>`

/** What a server may do wrong, in sentences that go on after "a DAV server that". */
export const misdeeds: readonly (readonly [sentence: string, misdeed: Misdeed])[] = [
  ...[401, 403, 404, 405, 412, 423, 500, 502, 503, 504, 507].map(code => [`answers ${code}`, status(code)] as const),
  ['answers 429 with Retry-After', status(429, { 'retry-after': '7' })],
  ['answers 503 with a date in Retry-After', status(503, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' })],
  ['answers 204', status(204)],
  ['answers 207 and nothing', status(207)],
  ['shows a login page', status(200, { 'content-type': 'text/html' }, '<!doctype html><html><body>Please log in</body></html>')],
  ['shows a login page that is XML', xml('<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>')],
  ['answers 207 with HTML', xml('<html><body><p>Please <br> log in</body></html>')],
  ['breaks its XML off', xml(wrapped('<d:response><d:href>/dav/anna/book/a.vcf</d:href>').slice(0, -30))],
  ['breaks its XML off between rows', xml(wrapped('').replace('</d:multistatus>', ''))],
  ['breaks the connection off within an answer', (_, answer) => {
    answer.writeHead(207, { 'content-length': '100000' }).write(wrapped('').replace('</d:multistatus>', ''))
    setTimeout(() => answer.destroy(), 5)
    return true
  }],
  ['closes connections without a word', (_, answer) => {
    answer.destroy()
    return true
  }],
  ['answers 207 for nothing at all', rows(() => token)],
  ['tells of other places', only(lists, rows(() => response('/elsewhere/', 200) + response('/elsewhere/a.vcf', 404) + token))],
  ['says of another collection that its objects are gone', only(
    ({ body }) => body.includes('sync-collection'), rows(({ path, body }) =>
      response(path, 200) + response('/dav/anna/other/a.vcf', 404) + `<d:sync-token>${/sync-token>(t\d+)</.exec(body)?.[1] ?? 't0'}</d:sync-token>`))],
  ['cannot tell of its collections for now', only(lists, rows(({ path }) => response(path, 503) + token))],
  ['cannot tell the properties for now', only(lists, rows(({ path }) => withheld(path, 500) + token))],
  ['does not tell all', only(lists, rows(({ path }) => response(path, 507) + token))],
  ['cannot hand out objects for now', only(reads, rows(() => response('/dav/anna/book/a.vcf', 503) + response('/dav/anna/book/b.vcf', 503)))],
  ['hands out nothing of what was asked for', only(reads, rows(({ path }) => response(path, 507)))],
  ['tells no sync-token', only(({ body }) => body.includes('sync-collection'), rows(({ path }) => response(path, 200)))],
  ['sends entity bombs', xml(bomb)],
  ['sends a document type', xml('<?xml version="1.0"?><!DOCTYPE d SYSTEM "http://127.0.0.1:1/x"><d:multistatus xmlns:d="DAV:"/>')],
  ['nests 10,000 deep', xml('<d:multistatus xmlns:d="DAV:">' + '<d:response>'.repeat(10_000) + '</d:response>'.repeat(10_000) + '</d:multistatus>')],
  ['floods with attributes', xml(`<d:multistatus xmlns:d="DAV:" ${Array.from({ length: 100_000 }, (_, n) => `a${n}="x"`).join(' ')}/>`)],
  ['floods with small elements in one response', endless('<d:multistatus xmlns:d="DAV:"><d:response>', '<d:x/>')],
  ['floods with elements', endless('<d:multistatus xmlns:d="DAV:">', '<d:x/>')],
  ['floods with text', endless('<d:multistatus xmlns:d="DAV:"><d:response><d:href>', 'abcdefgh')],
  ['goes round in circles', (asked, answer) => {
    answer.writeHead(307, { location: asked.path }).end()
    return true
  }],
]

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type DavAsked = { readonly method: string; readonly path: string; readonly authorization: string | undefined; readonly depth: string; readonly match: string | undefined; readonly body: string }

/** What a bad server answers; undefined for what a good one would. */
export type Misdeed = (asked: DavAsked, answer: ServerResponse) => true | undefined

export type ScriptedDav = {
  readonly url: string
  readonly port: number
  /** Requests in their order. */
  readonly asked: DavAsked[]
  /** Objects by collection (`calendar/`, `book/`) and name: their text. */
  readonly objects: Map<string, Map<string, string>>
  /** Collections that are hidden from lists, read-only ... : more properties by their path. */
  misdeed: Misdeed | undefined
  /** How many requests have this method. */
  count(method: string): number
  close(): Promise<void>
}

const home = '/dav/anna/'
const kinds: Readonly<Record<string, string>> = {
  'calendar/': '<d:collection/><c:calendar/>', 'book/': '<d:collection/><a:addressbook/>',
}

/**
 * A small CalDAV and CardDAV server that keeps its objects in memory and misbehaves on request. It has one user, whose home is `/dav/anna/`,
 * a calendar for events, tasks and notes and an address book. It remembers no old states: a sync-token is a version and tells all objects.
 */
export async function scriptedDav(): Promise<ScriptedDav> {
  const asked: DavAsked[] = []
  const objects = new Map(Object.keys(kinds).map(path => [path, new Map<string, string>()]))
  const history: { path: string; name: string }[] = []
  for (const [path, held] of objects) {
    for (const method of ['set', 'delete'] as const) {
      const plain = held[method].bind(held) as (name: string, text: string) => unknown
      Object.assign(held, { [method]: (name: string, text: string) => {
        history.push({ path, name })
        return plain(name, text)
      } })
    }
  }
  const self = { asked, objects, misdeed: undefined as Misdeed | undefined }

  const server = createServer((request, answer) => void read(request).then(one => {
    asked.push(one)
    if (!self.misdeed?.(one, answer)) good(one, answer)
  }).catch(() => answer.destroy()))

  function good({ method, path, body, depth }: DavAsked, answer: ServerResponse): void {
    const name = path.startsWith(home) ? path.slice(home.length) : undefined
    if (name === undefined || name === '') {
      if (method !== 'PROPFIND') return void answer.writeHead(405).end()
      const own = row(path, `<d:current-user-principal><d:href>${home}</d:href></d:current-user-principal>
        <c:calendar-home-set><d:href>${home}</d:href></c:calendar-home-set><a:addressbook-home-set><d:href>${home}</d:href></a:addressbook-home-set>
        <d:resourcetype><d:collection/></d:resourcetype>`)
      return multistatus(answer, own + (depth === '1' ? Object.keys(kinds).map(one => row(home + one, propertiesOf(one))).join('') : ''))
    }
    const [place, file] = [name.slice(0, name.indexOf('/') + 1), decodeURIComponent(name.slice(name.indexOf('/') + 1))]
    const held = objects.get(place)
    if (!held) return void answer.writeHead(404).end()
    const data = kinds[place]!.includes('calendar') ? 'c:calendar-data' : 'a:address-data'
    if (method === 'REPORT' && body.includes('sync-collection')) {
      const since = /sync-token>(?:t(\d+))?</.exec(body)?.[1]
      const names = since === undefined ? [...held.keys()] : new Set(history.slice(Number(since)).filter(one => one.path === place).map(one => one.name))
      return multistatus(answer, [...names].map(one => rowOf(place, one)).join('') + `<d:sync-token>t${history.length}</d:sync-token>`)
    }
    if (method === 'REPORT' && body.includes('multiget')) {
      const names = [...body.matchAll(/href>([^<]+)</g)].map(([, href]) => decodeURIComponent(href!.slice(href!.lastIndexOf('/') + 1)))
      return multistatus(answer, names.map(one => rowOf(place, one, data)).join(''))
    }
    if (method === 'REPORT') return multistatus(answer, [...held.keys()].map(one => rowOf(place, one)).join(''))
    if (method === 'PROPFIND') return multistatus(answer, row(path, propertiesOf(place)) + [...held.keys()].map(one => rowOf(place, one)).join(''))
    if (method === 'PUT') held.set(file, body)
    else if (!held.has(file)) return void answer.writeHead(404).end()
    else if (method === 'DELETE') held.delete(file)
    answer.writeHead(method === 'PUT' ? 201 : 200, { etag: etagOf(held.get(file) ?? '') }).end(method === 'GET' ? held.get(file) : '')
  }

  function rowOf(place: string, name: string, data?: string): string {
    const text = objects.get(place)!.get(name), href = `${home}${place}${encodeURIComponent(name)}`
    if (text === undefined) return `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`
    return row(href, `<d:getetag>${escape(etagOf(text))}</d:getetag>${data ? `<${data}>${escape(text)}</${data}>` : ''}`)
  }

  const propertiesOf = (place: string): string => `<d:resourcetype>${kinds[place]}</d:resourcetype><d:displayname>${place.slice(0, -1)}</d:displayname>
    <d:sync-token>t${history.length}</d:sync-token><s:getctag>t${history.length}</s:getctag>
    <c:supported-calendar-component-set><c:comp name="VEVENT"/><c:comp name="VTODO"/><c:comp name="VJOURNAL"/></c:supported-calendar-component-set>`

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(self, {
    port, url: `http://127.0.0.1:${port}/`,
    count: (method: string) => asked.filter(one => one.method === method).length,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  })
}

async function read(request: IncomingMessage): Promise<DavAsked> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const { authorization, depth, 'if-match': match } = request.headers
  return { method: request.method!, path: request.url!, authorization, depth: String(depth ?? ''), match, body: Buffer.concat(chunks).toString('utf8') }
}

const etagOf = (text: string): string => `"${text.length}-${[...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1e9, 7)}"`
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\r', '&#13;')

export const row = (href: string, properties: string): string => `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${properties}</d:prop>\
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>\n`

const opening = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="urn:ietf:params:xml:ns:carddav" xmlns:s="http://calendarserver.org/ns/">'
export const wrapped = (rows: string): string => `<?xml version="1.0"?>${opening}${rows}</d:multistatus>`

/** Answers with rows, or with text that is none. */
export function multistatus(answer: ServerResponse, rows: string): void {
  answer.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' }).end(wrapped(rows))
}

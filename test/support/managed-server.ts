import { createHash } from 'node:crypto'
import http, { type IncomingHttpHeaders } from 'node:http'

export type ManagedServer = {
  readonly url: string
  /** Files it keeps, by what it calls them. */
  readonly files: ReadonlyMap<string, Buffer>
  /** Every request for a file, as `METHOD user`; what was done to files, as `action rid`. */
  readonly asked: string[]
  readonly done: string[]
  /** Refuses files above so many octets. */
  limit: number
  close(): void
}

type Kept = { readonly owner: string; readonly type: string; readonly octets: Buffer }
type Onward = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

const read = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const unfold = (text: string): string => text.replace(/\r\n[ \t]/g, '')
const isMaster = (event: string): boolean => !event.includes('\r\nRECURRENCE-ID')

/**
 * RFC 8607 in front of a real CalDAV server that does not have it (no server that does is packaged): it keeps the files, writes the ATTACH
 * properties, and refuses objects that name a file it does not have. Calls itself `name`, as a server behind a proxy does.
 */
export async function managedServer(behind: string, name?: string): Promise<ManagedServer> {
  const kept = new Map<string, Kept>()
  const asked: string[] = [], done: string[] = []
  const { hostname, port } = new URL(behind)
  let count = 0

  const onward = (method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Onward> => new Promise((resolve, reject) => {
    const { 'content-length': _, 'transfer-encoding': __, ...rest } = headers
    const request = http.request({ hostname, port, method, path, headers: { ...rest, ...(body.length ? { 'content-length': body.length } : {}) } }, answer => {
      read(answer).then(octets => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: octets })).catch(reject)
    })
    request.on('error', reject)
    request.end(body)
  })

  const userOf = ({ authorization = '' }: IncomingHttpHeaders): string => Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString().replace(/:.*/s, '')

  /** The VEVENTs that are meant, made where they are not there yet. */
  function edit(text: string, rid: string | undefined, change: (event: string) => string): string {
    const events = /BEGIN:VEVENT[^]*?END:VEVENT\r\n/g
    const wanted = rid?.split(',')
    const utc = (event: string): string => {
      const [, zone, local = ''] = /\r\nRECURRENCE-ID(?:;[^:\r\n]*?TZID=([^:;\r\n]+))?[^:\r\n]*:(\S+)/.exec(event) ?? []
      // Tests have winter in Berlin, and nothing else.
      return zone ? new Date(Date.parse(local.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6+01:00'))).toISOString().replace(/[-:]|\.\d+/g, '') : local
    }
    const found: string[] = []
    const edited = text.replace(events, event => {
      const id = isMaster(event) ? 'M' : utc(event)
      if (wanted && !wanted.includes(id)) return event
      found.push(id)
      return change(event)
    })
    const master = text.match(events)!.find(isMaster)!
    const fresh = (wanted ?? []).filter(id => !found.includes(id)).map(id => change(master.replace(/\r\n(RRULE|EXDATE|DTSTART|DTEND)[^\r]*/g, '')
      .replace('BEGIN:VEVENT\r\n', `BEGIN:VEVENT\r\nRECURRENCE-ID:${id}\r\nDTSTART:${id}\r\n`)))
    return edited.replace('END:VCALENDAR', `${fresh.join('')}END:VCALENDAR`)
  }

  async function act(url: URL, headers: IncomingHttpHeaders, body: Buffer): Promise<Onward> {
    const action = url.searchParams.get('action'), rid = url.searchParams.get('rid') ?? undefined
    const own = { authorization: headers.authorization }
    const stored = await onward('GET', url.pathname, own, Buffer.alloc(0))
    if (stored.status !== 200) return stored
    const text = unfold(stored.body.toString())
    done.push(`${action} ${rid ?? '-'}`)
    if (action === 'attachment-add') {
      if (body.length > server.limit) return { status: 403, headers: {}, body: Buffer.from('<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><C:max-attachment-size/></D:error>') }
      const id = `urn:file:${++count}`
      const [, encoded = ''] = /filename\*=UTF-8''([^;]+)/.exec(String(headers['content-disposition'])) ?? []
      kept.set(id, { owner: userOf(headers), type: String(headers['content-type']), octets: body })
      const line = `ATTACH;MANAGED-ID="${id}";FMTTYPE=${String(headers['content-type'])};FILENAME="${decodeURIComponent(encoded)}";SIZE=${body.length}:${name ?? server.url}attachments/${encodeURIComponent(id)}\r\n`
      const put = await onward('PUT', url.pathname, { ...own, 'content-type': 'text/calendar' }, Buffer.from(edit(text, rid, event => event.replace('END:VEVENT', `${line}END:VEVENT`))))
      return { ...put, headers: { etag: put.headers.etag, 'cal-managed-id': id }, body: Buffer.alloc(0) }
    }
    const id = url.searchParams.get('managed-id') ?? ''
    if (action !== 'attachment-remove' || !kept.has(id)) return { status: 403, headers: {}, body: Buffer.from('<valid-managed-id/>') }
    const without = edit(text, rid, event => event.split('\r\n').filter(line => !(line.startsWith('ATTACH') && line.includes(id))).join('\r\n'))
    if (!without.includes(id)) kept.delete(id)
    const put = await onward('PUT', url.pathname, { ...own, 'content-type': 'text/calendar' }, Buffer.from(without))
    return { ...put, status: 204, headers: { etag: put.headers.etag }, body: Buffer.alloc(0) }
  }

  async function answer(method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Onward> {
    const url = new URL(path, behind)
    if (url.pathname.startsWith('/attachments/')) {
      asked.push(`${method} ${userOf(headers)}`)
      const file = kept.get(decodeURIComponent(url.pathname.slice('/attachments/'.length)))
      if (!file) return { status: 404, headers: {}, body: Buffer.alloc(0) }
      if (file.owner !== userOf(headers)) return { status: 403, headers: {}, body: Buffer.alloc(0) }
      return { status: 200, headers: { 'content-type': file.type, 'content-length': String(file.octets.length), etag: `"${createHash('sha256').update(file.octets).digest('hex')}"` }, body: file.octets }
    }
    if (method === 'POST' && url.searchParams.has('action')) return act(url, headers, body)
    const unknown = method === 'PUT' && [...unfold(body.toString()).matchAll(/MANAGED-ID=(?:"([^"]+)"|([^;:"\r\n]+))/g)].some(([, quoted, bare]) => !kept.has(quoted ?? bare!))
    if (unknown) return { status: 403, headers: {}, body: Buffer.from('<C:valid-managed-id-parameter xmlns:C="urn:ietf:params:xml:ns:caldav"/>') }
    const said = await onward(method, path, headers, body)
    const { dav } = said.headers
    return dav ? { ...said, headers: { ...said.headers, dav: `${String(dav)}, calendar-managed-attachments` } } : said
  }

  const listener = http.createServer((request, response) => {
    read(request).then(body => answer(request.method ?? '', request.url ?? '', request.headers, body)).then(({ status, headers, body }) => {
      const { 'transfer-encoding': _, connection: __, ...rest } = headers
      response.writeHead(status, { ...rest, ...(request.method === 'HEAD' || rest['content-length'] ? {} : { 'content-length': body.length }) })
      response.end(request.method === 'HEAD' ? undefined : body)
    }).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const server: ManagedServer = {
    url: `http://127.0.0.1:${(listener.address() as { port: number }).port}/`, asked, done, limit: 1e9, close: () => void listener.close(),
    get files() { return new Map([...kept].map(([id, { octets }]) => [id, octets])) },
  }
  return server
}

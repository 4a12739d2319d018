import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

export type OutboxServer = {
  readonly url: string
  /** What was posted to outboxes. */
  readonly posts: string[]
  /** Answers a POST in another way, and says so by true. */
  misdeed: ((answer: ServerResponse, body: string) => boolean) | undefined
  close(): Promise<void>
}

/**
 * Radicale, and before it what Radicale lacks of RFC 6638: principals have an outbox, and a VFREEBUSY request posted there is answered from the
 * calendars that are stored in Radicale at that moment. It reads them by itself, with the password that all users have, and knows single events
 * and daily ones with a COUNT, in UTC. Who has no home is no calendar user (3.7), and of `private...` nobody may know (3.8).
 */
export async function outboxServer(behind: string, password: string): Promise<OutboxServer> {
  const { hostname, port } = new URL(behind)
  const self = { posts: [] as string[], misdeed: undefined as OutboxServer['misdeed'] }

  const server = http.createServer((request, answer) => void read(request).then(async body => {
    const path = decodeURIComponent(request.url!)
    if (request.method === 'POST' && path.endsWith('/outbox/')) {
      self.posts.push(body)
      if (!self.misdeed?.(answer, body)) answer.writeHead(200, { 'content-type': 'application/xml' }).end(await respond(body))
    } else if (request.method === 'PROPFIND' && body.includes('schedule-outbox-URL')) {
      const own = path.split('/')[1]!
      answer.writeHead(207, { 'content-type': 'application/xml' }).end(`<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>
        <d:href>${request.url!}</d:href><d:propstat><d:prop><c:schedule-outbox-URL><d:href>/${own}/outbox/</d:href></c:schedule-outbox-URL>
        <c:calendar-user-address-set><d:href>/${own}/</d:href><d:href>mailto:${own}</d:href></c:calendar-user-address-set></d:prop>
        <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`)
    } else {
      http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers }, onward => {
        answer.writeHead(onward.statusCode!, onward.headers)
        onward.pipe(answer)
      }).on('error', () => answer.destroy()).end(body)
    }
  }).catch(() => answer.destroy()))

  async function respond(request: string): Promise<string> {
    const lines = request.replace(/\r\n[ \t]/g, '').split('\r\n')
    const value = (name: string): string => lines.find(line => line.startsWith(`${name}:`))!.slice(name.length + 1)
    const attendees = lines.filter(line => line.startsWith('ATTENDEE:')).map(line => line.slice('ATTENDEE:'.length))
    const answers = await Promise.all(attendees.map(async attendee => {
      const address = decodeURIComponent(attendee.replace(/^mailto:/, ''))
      const busy = address.startsWith('private') ? '3.8;No authority' : await busyOf(address, instant(value('DTSTART')), instant(value('DTEND')))
      const data = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'METHOD:REPLY', 'BEGIN:VFREEBUSY', `UID:${value('UID')}`, `DTSTART:${value('DTSTART')}`,
        `DTEND:${value('DTEND')}`, `ATTENDEE:${attendee}`, ...busy, 'END:VFREEBUSY', 'END:VCALENDAR', ''].join('\r\n')
      return `<c:response><c:recipient><d:href>${attendee}</d:href></c:recipient>${typeof busy === 'string' ? `<c:request-status>${busy}</c:request-status>`
        : `<c:request-status>2.0;Success</c:request-status><c:calendar-data>${data}</c:calendar-data>`}</c:response>`
    }))
    return `<c:schedule-response xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${answers.join('')}</c:schedule-response>`
  }

  async function busyOf(address: string, from: number, to: number): Promise<string[] | '3.7;Invalid Calendar User'> {
    const headers = { authorization: `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}` }
    const home = `${behind}${encodeURIComponent(address)}/`
    const listed = await (await fetch(home, { method: 'PROPFIND', headers: { ...headers, depth: '1' } })).text()
    const calendars = [...listed.matchAll(/<href>([^<]+)<\/href>(?:(?!<\/response>)[^])*?calendar \/>/g)].map(([, href]) => href!)
    if (calendars.length === 0) return '3.7;Invalid Calendar User'
    const texts = await Promise.all(calendars.map(async href => (await fetch(new URL(href, behind), { headers })).text()))
    return texts.flatMap(text => text.replace(/\r?\n[ \t]/g, '').split('BEGIN:VEVENT').slice(1).flatMap(event => {
      const said = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(event)?.[1]
      if (said('TRANSP') === 'TRANSPARENT' || said('STATUS') === 'CANCELLED') return []
      const count = Number(/COUNT=(\d+)/.exec(said('RRULE') ?? '')?.[1] ?? 1)
      return Array.from({ length: count }, (_, day) => [said('DTSTART')!, said('DTEND')!].map(time => instant(time) + day * 86_400_000))
        .filter(([start, end]) => start! < to && end! > from)
        .map(([start, end]) => `FREEBUSY;FBTYPE=${said('STATUS') === 'TENTATIVE' ? 'BUSY-TENTATIVE' : 'BUSY'}:${compact(start!)}/${compact(end!)}`)
    }))
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(self, {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  })
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const instant = (text: string): number => Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
const compact = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')

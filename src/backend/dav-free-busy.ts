import { randomUUID } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { printUtc } from '../formats/calendar-edit.ts'
import { freeBusyRequest } from '../formats/free-busy.ts'
import { isUnableTo, octetsOf, type DavClient } from './dav-client.ts'
import { fillPath, type DavHomes, type DavUser } from './dav-homes.ts'
import { completeRows, withSlash } from './dav-rows.ts'
import { document, names, readMultistatus, readScheduleResponse, type XmlElement } from './dav-xml.ts'

/** As of `ObjectStore.freeBusy`. */
export type FreeBusy = (addresses: readonly string[], from: Date, to: Date) => Promise<ReadonlyMap<string, readonly Uint8Array[] | Failure>>

export type DavFreeBusyOptions = {
  readonly client: DavClient
  readonly user: DavUser
  readonly homes: () => Promise<DavHomes>
  /** Where others' calendars are: a collection, or else what is read from there by GET. Takes the place of the outbox. */
  readonly template: string | undefined
  /** What others are called there; undefined for who is not of this server. */
  readonly called: (address: string) => DavUser | undefined
}

const { dav, caldav } = names
/** Addresses of one request, or asked for at the same time; octets of one answer. */
const batch = 100, together = 5, mostOctets = 4 * 1024 * 1024

/** When others have time: where the configuration says, else by what the server does for those who schedule. */
export function davFreeBusy(options: DavFreeBusyOptions): FreeBusy {
  return options.template === undefined ? byOutbox(options) : byCalendars(options, options.template)
}

/** RFC 6638, Busy Time Information. */
function byOutbox({ client, user, homes }: DavFreeBusyOptions): FreeBusy {
  let finding: Promise<Outbox | undefined> | undefined
  const outbox = (): Promise<Outbox | undefined> => finding ??= homes().then(found => findOutbox(client, found)).catch((error: unknown) => {
    finding = undefined
    throw error
  })

  return async (addresses, from, to) => {
    const found = await outbox()
    if (!found) throw new Failure('unsupported', 'the DAV server has no outbox for requests')
    const all = new Map<string, readonly Uint8Array[] | Failure>()
    for (let at = 0; at < addresses.length; at += batch) {
      const asked = addresses.slice(at, at + batch)
      const organizer = found.address ?? `mailto:${user.local}@${user.domain}`
      const body = freeBusyRequest({ organizer, attendees: asked, from, to, uid: randomUUID(), now: new Date() })
      const headers = { 'content-type': 'text/calendar; charset=utf-8; method=REQUEST; component=VFREEBUSY' }
      const answers = await readScheduleResponse((await client.ask({ method: 'POST', path: found.path, headers, body })).body)
      const byAddress = new Map(answers.map(answer => [addressOf(answer.recipient), answer]))
      for (const address of asked) {
        const answer = byAddress.get(address.toLowerCase())
        const told = answer ? toldBy(answer.status, answer.data) : new Failure('unavailable', 'the DAV server says nothing of somebody it was asked about')
        if (told) all.set(address, told)
      }
    }
    return all
  }
}

/** RFC 5546, Status Replies. */
function toldBy(status: string, data: string | undefined): readonly Uint8Array[] | Failure | undefined {
  const code = /^\s*(\d+\.\d+)/.exec(status)?.[1] ?? ''
  if (code.startsWith('2.') && data !== undefined) return [Buffer.from(data)]
  // No such calendar user; one who does not schedule, or not at a server that can be asked.
  if (code === '3.7' || code === '5.2' || code === '5.3') return undefined
  if (code === '3.8') return new Failure('denied', 'the DAV server does not let this user know')
  return new Failure('unavailable', `the DAV server answers ${code || 'nothing'} for somebody's free and busy`)
}

type Outbox = { readonly path: string; readonly address: string | undefined }

/** RFC 6638, CALDAV:schedule-outbox-URL and CALDAV:calendar-user-address-set of the user's principal. Undefined where there is no outbox. */
export async function findOutbox(client: DavClient, { calendars: home }: DavHomes): Promise<Outbox | undefined> {
  if (home === undefined) return undefined
  const principal = hrefsOf(await propertiesAt(client, home, '<D:current-user-principal/>'), `${dav}current-user-principal`)[0]
  if (principal === undefined) return undefined
  const told = await propertiesAt(client, pathAt(client, principal), '<C:schedule-outbox-URL/><C:calendar-user-address-set/>')
  const outbox = hrefsOf(told, `${caldav}schedule-outbox-URL`)[0]
  if (outbox === undefined) return undefined
  const address = hrefsOf(told, `${caldav}calendar-user-address-set`).find(href => /^mailto:[^\s@]+@[^\s@]+$/i.test(href))
  return { path: pathAt(client, outbox), address }
}

async function propertiesAt(client: DavClient, path: string, wanted: string): Promise<ReadonlyMap<string, XmlElement>> {
  const body = document('D:propfind', `<D:prop>${wanted}</D:prop>`)
  const [row] = (await readMultistatus((await client.ask({ method: 'PROPFIND', path, headers: { depth: '0' }, body })).body)).rows
  if (row?.trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${row.trouble} for ${path}`)
  return row?.properties ?? new Map<string, XmlElement>()
}

const hrefsOf = (properties: ReadonlyMap<string, XmlElement>, name: string): string[] =>
  (properties.get(name)?.children ?? []).filter(child => child.name === `${dav}href`).map(({ text }) => text.trim()).filter(Boolean)

/** Throws `unavailable` for an address on another host: credentials do not go there. */
function pathAt({ origin }: DavClient, href: string): string {
  const url = URL.parse(href, origin)
  if (url?.hostname !== new URL(origin).hostname) throw new Failure('unavailable', 'the DAV server names an address on another host')
  return withSlash(url.pathname)
}

function addressOf(recipient: string): string {
  const address = recipient.trim().replace(/^mailto:/i, '')
  try {
    return decodeURIComponent(address).toLowerCase()
  } catch {
    return address.toLowerCase()
  }
}

/** One calendar or one document of each, at an address that is made of theirs, with the user's own credentials: the server says who may read what. */
function byCalendars({ client, called }: DavFreeBusyOptions, template: string): FreeBusy {
  /** Whether the server answers RFC 4791, CALDAV:free-busy-query; some answer with something else. */
  let answers = true

  async function busyAt(path: string, from: Date, to: Date): Promise<readonly Uint8Array[]> {
    const range = `<C:time-range start="${printUtc(from.getTime())}" end="${printUtc(to.getTime())}"/>`
    if (answers) {
      const octets = await query(path, range).catch((error: unknown) => {
        if (isUnable(error)) return undefined
        throw error
      })
      if (octets) return [octets]
    }
    const events = await eventsAt(path, range)
    answers = false
    return events
  }

  async function query(path: string, range: string): Promise<Uint8Array | undefined> {
    const answer = await client.ask({ method: 'REPORT', path, headers: { depth: '1' }, body: document('C:free-busy-query', range) })
    return calendarOf(await octetsOf(answer, mostOctets))
  }

  async function eventsAt(path: string, range: string): Promise<readonly Uint8Array[]> {
    const filter = `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">${range}</C:comp-filter></C:comp-filter></C:filter>`
    const body = document('C:calendar-query', `<D:prop><D:getetag/><C:calendar-data/></D:prop>${filter}`)
    const { rows } = await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '1' }, body })).body)
    return completeRows(rows, path).flatMap(({ trouble, properties }) => {
      const text = properties.get(`${caldav}calendar-data`)?.text
      if (trouble !== undefined || text === undefined) throw new Failure('unavailable', `the DAV server answers ${trouble ?? 'nothing'} for an event`)
      return [Buffer.from(text)]
    })
  }

  async function documentAt(path: string): Promise<readonly Uint8Array[]> {
    const octets = calendarOf(await octetsOf(await client.ask({ method: 'GET', path }), mostOctets))
    if (!octets) throw new Failure('unavailable', 'the DAV server answers with something else than free and busy')
    return [octets]
  }

  async function told(address: string, from: Date, to: Date): Promise<readonly Uint8Array[] | Failure | undefined> {
    const user = called(address)
    if (!user || [user.login, user.local, user.domain].some(name => name === '' || name === '.' || name === '..')) return undefined
    const { pathname, search } = new URL(fillPath(template, user))
    try {
      return await (pathname.endsWith('/') && search === '' ? busyAt(pathname, from, to) : documentAt(pathname + search))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return error.kind === 'not-found' ? undefined : error
    }
  }

  return async (addresses, from, to) => {
    const all = new Map<string, readonly Uint8Array[] | Failure>()
    for (let at = 0; at < addresses.length; at += together) {
      await Promise.all(addresses.slice(at, at + together).map(async address => {
        const found = await told(address, from, to)
        if (found) all.set(address, found)
      }))
    }
    return all
  }
}

/** Some answer a report they do not know with all there is. */
const isUnable = (error: unknown): boolean => isUnableTo(error) || (error instanceof Failure && error.kind === 'too-large')

/** What a server answers in iCalendar; undefined for what is none. */
const calendarOf = (octets: Buffer): Uint8Array | undefined => /^(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR/i.test(octets.toString('latin1', 0, 200)) ? octets : undefined

import { propfind } from 'tsdav'
import { Failure } from '../base/failure.ts'
import { octetsOf, type DavClient, type DavServer } from './dav-client.ts'
import { isAt, withSlash } from './dav-rows.ts'
import { readMultistatus } from './dav-xml.ts'

/** Paths of a user's homes; undefined where the server has none of that kind. */
export type DavHomes = { readonly calendars: string | undefined; readonly contacts: string | undefined }

export type DavUser = { readonly login: string; readonly local: string; readonly domain: string }

/** `{login}`, `{local}` and `{domain}` filled in. */
export const fillText = (template: string, user: DavUser): string =>
  template.replace(/\{(login|local|domain)\}/g, (_, name: keyof DavUser) => user[name])

/** The same, as parts of a path. */
export const fillPath = (template: string, { login, local, domain }: DavUser): string =>
  fillText(template, { login: encodeURIComponent(login), local: encodeURIComponent(local), domain: encodeURIComponent(domain) })

/** Names as tsdav has them. */
type Kind = { readonly home: 'calendarHomeSet' | 'addressbookHomeSet'; readonly wellKnown: string }
type Properties = Readonly<Record<string, unknown>>

const kinds: Readonly<Record<keyof DavHomes, Kind>> = {
  calendars: { home: 'calendarHomeSet', wellKnown: '/.well-known/caldav' },
  contacts: { home: 'addressbookHomeSet', wellKnown: '/.well-known/carddav' },
}
const asked = { 'd:current-user-principal': {}, 'c:calendar-home-set': {}, 'card:addressbook-home-set': {} }
/** Octets of an answer about one address. */
const most = 1024 * 1024

/**
 * RFC 6764, Bootstrapping, unless the configuration tells. Throws `unavailable` where that cannot be found out now: that there are no
 * calendars, or no address books, is believed only where a principal says so, as a phone would drop what it has of them.
 */
export async function davHomes(client: DavClient, server: DavServer, user: DavUser): Promise<DavHomes> {
  const told = (template: string | undefined): string | undefined => template && withSlash(new URL(fillPath(template, user), client.origin).pathname)
  const [calendars, contacts] = [told(server.calendars), told(server.contacts)]
  if (calendars || contacts) return { calendars, contacts }
  const start = new URL(fillPath(server.url, user)).pathname
  const homes = { calendars: await discover(client, start, kinds.calendars), contacts: await discover(client, start, kinds.contacts) }
  if (!homes.calendars && !homes.contacts) throw new Failure('unavailable', `the DAV server has no home for calendars or address books, asked at ${start}`)
  return homes
}

/** How addresses answer that are for people, or for another server. */
const lasting = /another host|in XML|as a DAV server|with nothing/

/** The address that is configured tells, or the well-known one, or else the top. */
async function discover(client: DavClient, start: string, { home, wellKnown }: Kind): Promise<string | undefined> {
  let trouble: Failure | undefined, closed: Failure | undefined, principals = 0
  for (const path of new Set([start, wellKnown, '/'])) {
    try {
      const told = await lookAt(client, path)
      const named = hrefIn(client, told[home])
      if (named) return named
      const principal = hrefIn(client, told['currentUserPrincipal'])
      if (!principal) continue
      const found = hrefIn(client, (await lookAt(client, principal))[home])
      if (found) return found
      principals++
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (error.message.includes('answers 403')) closed ??= error
      // What is not there, or not for this, says nothing of the other addresses.
      if (error.kind === 'not-found' || error.kind === 'denied' || (path !== start && lasting.test(error.message))) continue
      trouble ??= error
    }
  }
  if (trouble) throw new Failure('unavailable', trouble.message, { cause: trouble })
  if (principals === 0 && closed) throw new Failure('unavailable', closed.message, { cause: closed })
  if (principals === 0) throw new Failure('unavailable', `the DAV server names no principal for the user, asked at ${start}`)
  return undefined
}

/** What an address says of itself, wherever it leads to on this host. */
async function lookAt(client: DavClient, path: string): Promise<Properties> {
  const [row] = await propfind({ url: new URL(path, client.origin).href, props: asked, depth: '0', fetch: fetchOf(client, path) })
  return row?.props ?? {}
}

/** What tsdav asks by: no other host gets credentials, and it is given what has been found to be whole, XML and of a sane size. */
function fetchOf(client: DavClient, path: string): typeof globalThis.fetch {
  return async (_, init) => {
    const answer = await client.ask({ method: 'PROPFIND', path, headers: { depth: '0' }, body: String(init?.body) })
    const octets = await octetsOf(answer, most)
    const { rows } = await readMultistatus((async function* () { yield octets })())
    const row = rows.find(one => isAt(one, path)) ?? rows[0]
    if (row?.trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${row.trouble} for ${path}`)
    return new Response(octets, { status: answer.status, headers: { 'content-type': 'application/xml' } })
  }
}

/** Throws `unavailable` for an address on another host: credentials do not go there. */
function hrefIn(client: DavClient, property: unknown): string | undefined {
  const href = firstText((property as { href?: unknown } | undefined)?.href)?.trim()
  if (!href) return undefined
  if (!URL.canParse(href, client.origin)) throw new Failure('unavailable', 'the DAV server names an address that is none')
  const url = new URL(href, client.origin)
  if (url.hostname !== new URL(client.origin).hostname) throw new Failure('unavailable', 'the DAV server names an address on another host')
  return withSlash(url.pathname)
}

/** tsdav tells an element that is there twice as a list, and one with CDATA as an object. */
function firstText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(firstText).find(Boolean)
  return value !== null && typeof value === 'object' ? Object.values(value).map(firstText).find(Boolean) : undefined
}

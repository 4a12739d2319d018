import { Failure } from '../base/failure.ts'
import type { DavClient, DavServer } from './dav-client.ts'
import { isAt, withSlash } from './dav-rows.ts'
import { childOf, document, names, readMultistatus, type DavRow } from './dav-xml.ts'

/** Paths of a user's homes; undefined where the server has none of that kind. */
export type DavHomes = { readonly calendars: string | undefined; readonly contacts: string | undefined }

export type DavUser = { readonly login: string; readonly local: string; readonly domain: string }

/** `{login}`, `{local}` and `{domain}` filled in. */
export const fillText = (template: string, user: DavUser): string =>
  template.replace(/\{(login|local|domain)\}/g, (_, name: keyof DavUser) => user[name])

/** The same, as parts of a path. */
const fillIn = (template: string, { login, local, domain }: DavUser): string =>
  fillText(template, { login: encodeURIComponent(login), local: encodeURIComponent(local), domain: encodeURIComponent(domain) })

type Kind = { readonly home: string; readonly wellKnown: string }

const { dav, caldav, carddav } = names
const kinds: Readonly<Record<keyof DavHomes, Kind>> = {
  calendars: { home: `${caldav}calendar-home-set`, wellKnown: '/.well-known/caldav' },
  contacts: { home: `${carddav}addressbook-home-set`, wellKnown: '/.well-known/carddav' },
}
const asked = document('D:propfind', '<D:prop><D:current-user-principal/><C:calendar-home-set/><A:addressbook-home-set/></D:prop>')

/**
 * RFC 6764, Bootstrapping, unless the configuration tells. Throws `unavailable` where that cannot be found out now: that there are no
 * calendars, or no address books, is believed only where a principal says so, as a phone would drop what it has of them.
 */
export async function davHomes(client: DavClient, server: DavServer, user: DavUser): Promise<DavHomes> {
  const told = (template: string | undefined): string | undefined => template && withSlash(new URL(fillIn(template, user), client.origin).pathname)
  const [calendars, contacts] = [told(server.calendars), told(server.contacts)]
  if (calendars || contacts) return { calendars, contacts }
  const start = new URL(fillIn(server.url, user)).pathname
  const homes = { calendars: await discover(client, start, kinds.calendars), contacts: await discover(client, start, kinds.contacts) }
  if (!homes.calendars && !homes.contacts) throw new Failure('unavailable', `the DAV server has no home for calendars or address books, asked at ${start}`)
  return homes
}

/** How addresses answer that are for people, or for another server. */
const lasting = /another host|in XML|as a DAV server|with nothing/

/** The address that is configured tells, or the well-known one, or else the top. */
async function discover(client: DavClient, start: string, { home, wellKnown }: Kind): Promise<string | undefined> {
  let trouble: Failure | undefined, principals = 0
  for (const path of new Set([start, wellKnown, '/'])) {
    try {
      const row = await lookAt(client, path)
      const named = hrefIn(client, row, home)
      if (named) return named
      const principal = hrefIn(client, row, `${dav}current-user-principal`)
      if (!principal) continue
      const found = hrefIn(client, await lookAt(client, principal), home)
      if (found) return found
      principals++
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      // What is not there, or not for this, says nothing of the other addresses.
      if (error.kind === 'not-found' || error.kind === 'denied' || (path !== start && lasting.test(error.message))) continue
      trouble ??= error
    }
  }
  if (trouble) throw new Failure('unavailable', trouble.message, { cause: trouble })
  if (principals === 0) throw new Failure('unavailable', `the DAV server names no principal for the user, asked at ${start}`)
  return undefined
}

/** What an address says of itself, wherever it leads to on this host. */
async function lookAt(client: DavClient, path: string): Promise<DavRow | undefined> {
  const { rows } = await readMultistatus((await client.ask({ method: 'PROPFIND', path, headers: { depth: '0' }, body: asked })).body)
  const row = rows.find(one => isAt(one, path)) ?? rows[0]
  if (row?.trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${row.trouble} for ${path}`)
  return row
}

/** Throws `unavailable` for an address on another host: credentials do not go there. */
function hrefIn(client: DavClient, row: DavRow | undefined, property: string): string | undefined {
  const href = childOf(row?.properties.get(property), `${dav}href`)?.text.trim()
  if (!href) return undefined
  if (!URL.canParse(href, client.origin)) throw new Failure('unavailable', 'the DAV server names an address that is none')
  const url = new URL(href, client.origin)
  if (url.hostname !== new URL(client.origin).hostname) throw new Failure('unavailable', 'the DAV server names an address on another host')
  return withSlash(url.pathname)
}

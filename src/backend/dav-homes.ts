import { createAccount } from 'tsdav'
import { Failure } from '../base/failure.ts'
import type { DavClient, DavServer } from './dav-client.ts'

/** Paths of a user's homes; undefined where the server has none of that kind. */
export type DavHomes = { readonly calendars: string | undefined; readonly contacts: string | undefined }

export type DavUser = { readonly login: string; readonly local: string; readonly domain: string }

/** `{login}`, `{local}` and `{domain}` filled in. */
export const fillText = (template: string, user: DavUser): string =>
  template.replace(/\{(login|local|domain)\}/g, (_, name: keyof DavUser) => user[name])

/** The same, as parts of a path. */
const fillIn = (template: string, { login, local, domain }: DavUser): string =>
  fillText(template, { login: encodeURIComponent(login), local: encodeURIComponent(local), domain: encodeURIComponent(domain) })

/** RFC 6764, Bootstrapping, unless the configuration tells. Throws `unavailable` where that cannot be found out now. */
export async function davHomes(client: DavClient, server: DavServer, user: DavUser): Promise<DavHomes> {
  const told = (template: string | undefined): string | undefined => template && new URL(fillIn(template, user), client.origin).pathname
  const [calendars, contacts] = [told(server.calendars), told(server.contacts)]
  if (calendars || contacts) return { calendars, contacts }
  const url = new URL(fillIn(server.url, user)).href
  const homes = { calendars: await discover(client, url, 'caldav'), contacts: await discover(client, url, 'carddav') }
  if (!homes.calendars && !homes.contacts) throw new Failure('unavailable', `no home of calendars or address books is found from ${url}`)
  return homes
}

async function discover(client: DavClient, serverUrl: string, accountType: 'caldav' | 'carddav'): Promise<string | undefined> {
  const asked: { trouble?: string } = {}
  const fetch: typeof globalThis.fetch = async (input, init) => {
    try {
      const answer = await client.fetch(input, init)
      if (answer.status === 401 || answer.status >= 500) asked.trouble = `the DAV server answers ${answer.status}`
      return answer
    } catch (error) {
      // A `.well-known` that leads to another host is no trouble: discovery goes on from the address that is configured.
      if (!(error instanceof Failure)) asked.trouble = `the DAV server cannot be reached: ${(error as Error).message}`
      throw error
    }
  }
  try {
    const { homeUrl = '' } = await createAccount({ account: { accountType, serverUrl }, fetch })
    const home = new URL(homeUrl, client.origin)
    if (home.origin !== client.origin) throw new Failure('unavailable', 'the DAV server names a home on another host')
    return home.pathname.endsWith('/') ? home.pathname : `${home.pathname}/`
  } catch (error) {
    if (error instanceof Failure) throw error
    if (asked.trouble) throw new Failure('unavailable', asked.trouble, { cause: error })
    return undefined
  }
}

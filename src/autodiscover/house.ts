import { Failure, type Kind } from '../base/failure.ts'
import type { Credentials, FrontRequest, Visit } from '../base/front.ts'
import type { ServersOf } from '../model/mail-servers.ts'
import type { Open, Person, Stores } from '../model/ports.ts'
import type { AutodiscoverSettings } from './settings.ts'

/** Where a user's mail is instead of here. `address`: what to ask for there, `{local}` is the local part. */
export type Elsewhere = { readonly url: string; readonly address?: string }

export type AutodiscoverParts = {
  readonly settings: AutodiscoverSettings
  readonly open: Open
  readonly serversOf: ServersOf
  /** Of whoever is called by one of the names. */
  readonly elsewhere: (names: readonly string[]) => Elsewhere | undefined
  /** What is to be said of a password that expires: [MS-ASHTTP] X-MS-Credential-Service-Url. */
  readonly expiry: (names: readonly string[], now: Date) => { readonly expired: boolean; readonly headers: Readonly<Record<string, string>> } | undefined
  readonly now?: () => Date
}

/** One request, and all there is to answer it. */
export type Ask = { readonly house: AutodiscoverParts; readonly request: FrontRequest; readonly visit: Visit; readonly now: Date }

/** Who asks: with proven credentials, or from a mailbox that is elsewhere, where nobody here can prove any. */
export type Asker = { readonly stores: Stores } | { readonly elsewhere: Elsewhere }

/**
 * Throws `auth` without credentials or with wrong ones, `busy` and `unavailable` as `open` does. A Response where the password has expired:
 * [MS-ASHTTP] Status Line, 457.
 */
async function admit({ house, request, visit, now }: Ask): Promise<Asker | Response> {
  const { address, facts } = visit
  if (!visit.credentials) throw new Failure('auth', 'no credentials')
  const credentials = named(visit.credentials, request)
  facts['user'] = credentials.user
  const elsewhere = house.elsewhere([credentials.user])
  if (elsewhere) {
    facts['redirected'] = true
    return { elsewhere }
  }
  try {
    return { stores: await house.open(credentials, address) }
  } catch (error) {
    const expiry = error instanceof Failure && error.kind === 'auth' ? house.expiry([credentials.user], now) : undefined
    if (!expiry?.expired) throw error
    return new Response(null, { status: 457, headers: expiry.headers })
  }
}

/** A bearer token does not tell whose it is; the header fields that iOS and Outlook send with one do. */
function named(credentials: Credentials, { headers }: FrontRequest): Credentials {
  const user = credentials.user || (headers.get('x-user-identity') ?? headers.get('x-anchormailbox') ?? '')
  return { ...credentials, user: isAddress(user) || credentials.user ? user : '' }
}

/** As `admit`; what the mail host cannot do now, the form says in its own words. */
export async function admitOr<T>(ask: Ask, outage: T): Promise<Asker | Response | T> {
  try {
    return await admit(ask)
  } catch (error) {
    if (!(error instanceof Failure) || httpKinds.includes(error.kind)) throw error
    Object.assign(ask.visit.facts, { failure: error.kind, why: error.message.slice(0, 300) })
    return outage
  }
}

/** Those that are an HTTP status in every form. */
const httpKinds: readonly Kind[] = ['auth', 'busy', 'too-large']

/** Where the mail of an address is, if not here. */
export const elsewhereOf = ({ house }: Ask, asker: Asker, address: string): Elsewhere | undefined =>
  'elsewhere' in asker ? asker.elsewhere : house.elsewhere([address])

/** What a user of another place asks for there. */
export const addressThere = ({ address: there }: Elsewhere, address: string): string | undefined =>
  there?.replaceAll('{local}', () => address.slice(0, address.lastIndexOf('@')))

/** The user's first address; what was asked for where the mail host knows none. */
export const primaryOf = ({ addresses: [first] }: Person, address: string): string => first?.includes('@') ? first : address

/** The header fields of an answer to a user; of a password that is near its end. */
export const headersOf = ({ house, now }: Ask, { login, addresses }: Person): Readonly<Record<string, string>> =>
  house.expiry([login, ...addresses], now)?.headers ?? {}

/** Whether an address is the user's, as far as the mail host is known: settings of others are nobody's business. */
export function isOwn({ house }: Ask, { login, addresses }: Person, address: string): boolean {
  if (!isAddress(address)) return false
  const wanted = address.toLowerCase(), local = wanted.slice(0, wanted.lastIndexOf('@'))
  if (addresses.some(own => own.toLowerCase() === wanted)) return true
  const there = house.serversOf(address)?.login.toLowerCase()
  // A user who logs in without a domain has an address in any that is served.
  return there !== undefined && (there === login.toLowerCase() || !login.includes('@') && local === login.toLowerCase())
}

/** The user's name in the address list, where that is there and answers; else the address. */
export async function displayNameOf({ visit }: Ask, { directory, person }: Stores, address: string): Promise<string> {
  if (person.displayName !== undefined) return person.displayName
  try {
    const found = await directory?.resolve(address, 1)
    if (found?.total === 1) return found.entries[0]!.displayName
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    visit.facts['directory'] = error.kind
  }
  return address
}

/** Where this server is for clients of a domain, without a slash at its end. Clients never speak to it but over TLS. */
export const baseOf = ({ house: { settings }, visit }: Ask, domain: string): string => baseFor(settings.url, visit.origin.host, domain)

/** The same, for who asked `host`, where the site has said `told`. */
export const baseFor = (told: string | undefined, host: string, domain: string): string =>
  (told?.replaceAll('{domain}', () => domain) ?? `https://${host}`).replace(/\/+$/, '')

export const easPath = '/Microsoft-Server-ActiveSync', poxPath = '/autodiscover/autodiscover.xml', soapPath = '/autodiscover/autodiscover.svc'

/** An address as clients send it: one @ with something on both sides, a domain that can stand in a URL. */
export const isAddress = (text: string): boolean =>
  text.length <= 320 && /^[^\s@\p{Cc}]+@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(text)

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** The domain whose clients ask a host: those of Autodiscover and of mail programs have names of their own. */
export const domainOfHost = (host: string): string => host.replace(/:\d+$/, '').replace(/^(autodiscover|autoconfig)\./, '')

/** The same method refused by all forms: RFC 9110, 405 Method Not Allowed. */
export const notAllowed = (allow: string): Response => new Response(null, { status: 405, headers: { allow } })

/** What is told is for one client, and may be otherwise soon. */
export const uncached = { 'cache-control': 'no-store' } as const

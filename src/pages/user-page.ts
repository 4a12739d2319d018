import { renderSVG } from 'uqr'
import type { DeviceStore } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Front, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { loginName } from '../http/auth.ts'
import type { MailServers, ServersOf } from '../model/mail-servers.ts'
import type { Open } from '../model/ports.ts'
import { readFiles } from './files.ts'
import { ownActions } from './own-actions.ts'
import { ownDevices, shown, type OwnDevices, type Rule } from './own-devices.ts'
import { pageFront, type Asked, type Ordered } from './page-front.ts'
import type { Session, Sessions } from './session.ts'

export type UserPageSettings = {
  /** Where the page is, in lower case; what it loads is below `prefix`, wherever it is. */
  readonly path: string
  /** Whether users may have a whole device erased. */
  readonly wipe: boolean
}

export type UserPageParts = {
  readonly settings: UserPageSettings
  readonly sessions: Sessions
  readonly open: Open
  readonly serversOf: ServersOf
  /** Undefined: nothing is remembered of devices. */
  readonly devices: DeviceStore | undefined
  /** Of whoever is called so. */
  readonly rule: (names: readonly string[]) => Rule
  /** Where the mail of whoever is called so is, if not here. */
  readonly elsewhere: (name: string) => string | undefined
  /** Whole days until a password ends, negative after it, and where it is changed; undefined where that is not known or not near. */
  readonly expiry: (names: readonly string[]) => { readonly days: number; readonly url: string } | undefined
  /** What people are told of this server. */
  readonly site: {
    readonly name: string | undefined
    /** Without a slash at its end: see `autodiscover.url`. */
    readonly url: (domain: string, visit: Visit) => string
    /** The path and query of a user's profile for Apple's devices; undefined where there are none. */
    readonly profile: ((address: string) => string) | undefined
    readonly signed: boolean
  }
  readonly log: Log
}

export const prefix = '/.postern/user/'

/**
 * The users' page. A session's `name` is the user's address, or login name where none is known, and its `mark` the account, by
 * which devices are looked up. `GET api/me` says all that the page shows, `GET api/profile.svg` is a QR code of the profile's address,
 * `POST api/devices/{action}` (`id`) is one of `ownActions`.
 */
export function userPage(parts: UserPageParts): Front {
  const { settings, sessions, devices, log } = parts
  const house: House = { ...parts, own: devices && ownDevices(devices) }
  return pageFront({
    kind: 'user', path: prefix, home: settings.path, files: readFiles('user.html', 'page.css', 'user.css', 'page.js', 'user.js', 'user-words.js', 'user-guides.js'),
    sessions, log, told: true, prove: (name, password, visit) => prove(parts, name, password, visit),
    holds: ({ name, mark }) => parts.elsewhere(name) === undefined && parts.serversOf(name)?.account === mark,
    ask: asked => ask(house, asked), order: ordered => order(house, ordered),
  })
}

type House = UserPageParts & { readonly own: OwnDevices | undefined }

/** By the mail server, as phones are: a wrong password here is counted with those of phones. */
async function prove({ elsewhere, open, serversOf, expiry, log }: UserPageParts, name: string, password: string, { address }: Visit): Promise<Pick<Session, 'name' | 'mark'>> {
  const user = loginName(name)
  const there = elsewhere(user)
  if (there !== undefined) throw new Failure('denied', `Your mail is served elsewhere: ${new URL(there).origin}`)
  try {
    const { person: { account, addresses } } = await open({ kind: 'password', user, password }, address)
    // A name by which the same user is found again, the nicest first.
    return { name: [addresses[0]!, user].find(one => serversOf(one)?.account === account) ?? user, mark: account }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { kind, message, retryAfter = 60 } = error, ended = kind === 'auth' ? expiry([user]) : undefined
    if (ended && ended.days < 0) throw new Failure('denied', `Your password has expired. Change it at ${ended.url}`)
    if (kind === 'auth') throw error
    if (kind === 'busy') throw new Failure('busy', 'There were too many wrong passwords, or too many people at once. Try again in a minute.', { retryAfter })
    log.warn({ page: 'user', user: user.slice(0, 256), address, failure: kind, why: message.slice(0, 300) }, 'nobody could sign in')
    throw new Failure('unavailable', 'The mail server does not answer now. Try again in a while.', { retryAfter })
  }
}

async function ask(parts: House, { path, session, visit }: Asked): Promise<unknown> {
  const [what, ...rest] = path
  if (rest.length) return missing()
  if (what === 'me') return me(parts, session, visit)
  if (what !== 'profile.svg') return missing()
  const { profileUrl } = setUp(parts, session, visit)
  if (profileUrl === undefined) return missing()
  const code = renderSVG(profileUrl, { ecc: 'M', border: 4 })
  return { status: 200, headers: [['content-type', 'image/svg+xml'], ['cache-control', 'no-store']], body: Buffer.from(code) }
}

async function me(parts: House, session: Session, visit: Visit): Promise<unknown> {
  const { own, settings: { wipe }, rule, expiry } = parts, { name, mark } = session
  const told = setUp(parts, session, visit), names = [told.login, name], rules = rule(names)
  const devices = own && await Promise.all((await own.of(mark)).map(one => shown(one, rules)))
  return {
    devices: devices?.map(one => ({ ...one, may: one.may.filter(action => wipe || action !== 'wipe') })) ?? null,
    password: expiry(names) ?? null, setUp: told,
  }
}

/** What people type into their programs, or what these find out by themselves. */
type SetUp = Partial<Omit<MailServers, 'login' | 'account'>> & {
  readonly site: string
  readonly address: string | null
  /** The user's name with ActiveSync; with IMAP and SMTP it is `login`. */
  readonly user: string
  readonly login: string
  readonly host: string
  readonly port: number
  readonly profile?: string
  readonly profileUrl?: string
  readonly signed: boolean
}

function setUp({ site, serversOf }: UserPageParts, { name, mark }: Session, visit: Visit): SetUp {
  const address = name.includes('@') ? name : null
  const domain = address ? address.slice(address.lastIndexOf('@') + 1).toLowerCase() : visit.origin.host.replace(/:\d+$/, '')
  const base = new URL(site.url(domain, visit)), { login = mark, imap, smtp, dav } = serversOf(name) ?? {}
  const profile = address ? site.profile?.(address) : undefined
  return {
    site: site.name ?? domain, address, user: name, login, host: base.hostname, port: Number(base.port || 443), signed: site.signed,
    ...(imap && { imap }), ...(smtp && { smtp }), ...(dav && { dav }),
    ...(profile !== undefined && { profile, profileUrl: `${base.origin}${profile}` }),
  }
}

async function order({ devices, own, settings, log }: House, { path, session, said, visit }: Ordered): Promise<unknown> {
  const [top, what = '', ...rest] = path
  if (top !== 'devices' || rest.length || !Object.hasOwn(ownActions, what) || !devices || !own) return missing()
  if (what === 'wipe' && !settings.wipe) throw new Failure('denied', 'Devices are erased by administrators only here.')
  const { id } = said, { mark } = session
  if (typeof id !== 'string' || id.length > 128) throw new Failure('malformed', 'Which device is not said.')
  const device = await own.one(mark, id)
  const key = device?.orders ?? device?.seen
  if (!key) throw new Failure('not-found', 'You have no such device.')
  await ownActions[what]!(devices, { user: key.user, id: key.id }, mark).finally(own.changed)
  log.info({ audit: what, user: key.user, device: key.id, by: mark, own: true, address: visit.address }, `user: ${what}`)
  return {}
}

function missing(): never {
  throw new Failure('not-found', 'There is nothing here.')
}

import { createSecureContext } from 'node:tls'
import * as z from 'zod'
import type { AutodiscoverSettings } from './autodiscover/settings.ts'
import type { Backend, BackendsConfig, Security } from './backend/connect.ts'
import { usualAttributes, type Attributes } from './backend/ldap-entry.ts'
import { eas } from './config-eas.ts'
import { count, domain, pem, range, seconds, text } from './config-words.ts'
import type { EasSettings } from './eas/settings.ts'
import type { AdminPlace } from './http/admin.ts'
import { signCms, type Signer } from './formats/cms-sign.ts'
import { isPasswordHash } from './pages/password-hash.ts'
import type { SharedConfig } from './state/shared-redis.ts'
import type { UserPageSettings } from './pages/user-page.ts'

// The one description of the configuration file: what may stand where, and what holds where nothing stands.

const upstream = z.url({ protocol: /^https?$/, error: 'must be a URL like http://127.0.0.1:8443' })
const template = z.string().refine(login => login === 'address' || login === 'local' || login.includes('{local}'), {
  error: 'must be address, local, or contain {local}, as in {local}@{domain}',
})

function canSign(signer: Signer): boolean {
  try {
    return signCms(new Uint8Array(), signer, new Date()).length > 0
  } catch {
    return false
  }
}

function isPair(pair: { cert: string; key: string }): boolean {
  try {
    createSecureContext(pair)
    return true
  } catch {
    return false
  }
}

const listen = z.strictObject({
  host: text.exactOptional(),
  port: z.int().min(0).max(65535).default(8080),
  tls: z.strictObject({ cert: pem, key: pem }).refine(isPair, { error: 'must be a certificate and its own key' }).exactOptional(),
  trustedProxies: z.array(range).default([]),
  proxyProtocol: z.boolean().default(false),
}).refine(({ proxyProtocol, trustedProxies }) => !proxyProtocol || trustedProxies.length > 0, {
  error: 'must have trustedProxies with proxyProtocol: whose word is taken',
})

const endpoint = {
  host: text,
  port: z.int().min(1).max(65535).exactOptional(),
  security: z.enum(['tls', 'starttls', 'none']).default('tls'),
  rejectUnauthorized: z.boolean().exactOptional(),
  ca: pem.exactOptional(),
}

/** Fills in the registered port of the kind of security. */
const withPort = (ports: Record<Security, number>) => <T extends { port?: number; security: Security }>(settings: T) =>
  ({ ...settings, port: settings.port ?? ports[settings.security] })

const folders = z.strictObject({
  inbox: text.exactOptional(), drafts: text.exactOptional(), trash: text.exactOptional(), sent: text.exactOptional(),
  outbox: text.exactOptional(), junk: text.exactOptional(), archive: text.exactOptional(),
})

const inPlace = /\{(login|local|domain)\}/g
const davUrl = z.string().refine(url => URL.canParse(url) && /^https?:\/\/[^/@{}]+(\/|$)/i.test(url) && !/[{}]/.test(url.replace(inPlace, 'x')), {
  error: 'must be a URL like https://dav.example.org/, without a user in it, and with {login}, {local} or {domain} after the host where the user stands',
})
const davLogin = text.refine(login => !/[{}]/.test(login.replace(inPlace, 'x')) && /\{(login|local)\}/.test(login), {
  error: 'must contain {login} or {local}, as in {local}@example.org',
})
const sameHost = (one: string, other: string): boolean => URL.parse(one)?.origin === URL.parse(other)?.origin

const dav = z.strictObject({
  url: davUrl, calendars: davUrl.exactOptional(), contacts: davUrl.exactOptional(),
  freeBusy: davUrl.refine(url => /\{(login|local)\}/.test(url), { error: 'must contain {login} or {local}: whose calendar it is' }).exactOptional(),
  login: davLogin.exactOptional(), rejectUnauthorized: z.boolean().exactOptional(), ca: pem.exactOptional(),
  pollSeconds: z.int().min(1).max(3600).default(20), create: z.boolean().default(true),
}).refine(({ url, calendars, contacts, freeBusy }) => [calendars, contacts, freeBusy].every(home => home === undefined || sameHost(url, home)), {
  error: 'must have calendars, contacts and freeBusy at the host and port of url: passwords go nowhere else',
})

/** Without a password in it: that may come from a file or the environment, and an address is logged. */
const redisUrl = z.url({ protocol: /^rediss?$/, error: 'must be a URL like rediss://cache.example.org:6379/0' })
  .refine(url => !URL.canParse(url) || (({ username, password, pathname, hostname }) => !username && !password && hostname !== '' && /^\/?\d{0,3}$/.test(pathname))(new URL(url)), {
    error: 'must be a host, its port and the number of a database at most: username and password are settings of their own',
  })
const shared = z.strictObject({
  url: redisUrl, username: text.exactOptional(), password: text.exactOptional(),
  rejectUnauthorized: z.boolean().exactOptional(), ca: pem.exactOptional(), prefix: text.max(100).exactOptional(),
}) satisfies z.ZodType<SharedConfig>

const filter = z.string().regex(/^\(.+\)$/s, { error: 'must be a filter like (objectClass=person)' })
const attribute = z.union([text.transform(name => [name]), z.array(text)], { error: 'must be an attribute, or a list of them' })
const attributes = z.strictObject(Object.fromEntries(Object.keys(usualAttributes)
  .map(name => [name, attribute.exactOptional()])) as Record<keyof Attributes, z.ZodExactOptional<typeof attribute>>)

const directory = z.strictObject({
  url: z.url({ protocol: /^ldaps?$/, error: 'must be a URL like ldaps://ldap.example.org' }),
  starttls: z.boolean().exactOptional(),
  rejectUnauthorized: z.boolean().exactOptional(),
  ca: pem.exactOptional(),
  bind: z.strictObject({ dn: text, password: text }).exactOptional(),
  bindAs: text.regex(/\{(login|local)\}/, { error: 'must contain {login} or {local}' }).exactOptional(),
  base: z.string(),
  groupBase: z.string().exactOptional(),
  filter: filter.exactOptional(),
  match: filter.refine(match => match.includes('{word}'), { error: 'must contain {word}' }).exactOptional(),
  attributes: attributes.exactOptional(),
  most: z.int().min(1).max(10_000).exactOptional(),
  timeoutSeconds: seconds.exactOptional(),
}).refine(({ url, starttls }) => !starttls || url.startsWith('ldap:'), { error: 'must not have starttls with ldaps://' })
  .refine(({ bind, bindAs }) => !bind || !bindAs, { error: 'must not have both bind and bindAs' })

const addressBook = z.strictObject({
  url: davUrl, account: z.strictObject({ user: text, password: text }).exactOptional(), login: davLogin.exactOptional(),
  rejectUnauthorized: z.boolean().exactOptional(), ca: pem.exactOptional(),
  most: z.int().min(1).max(10_000).exactOptional(), timeoutSeconds: seconds.exactOptional(),
}).refine(({ account, login }) => !account || login === undefined, { error: 'must not have both account and login' })
  .refine(({ url, account }) => !account || !/[{}]/.test(url), { error: 'must have a url without {login}, {local} or {domain} where an account reads for all' })

const publicServer = { host: text, port: endpoint.port, security: z.enum(['tls', 'starttls']).default('tls') }
const publicServers = z.strictObject({
  imap: z.strictObject(publicServer).transform(withPort({ tls: 993, starttls: 143, none: 143 })).exactOptional(),
  smtp: z.strictObject(publicServer).transform(withPort({ tls: 465, starttls: 587, none: 25 })).exactOptional(),
  dav: davUrl.exactOptional(),
})

const backend = z.strictObject({
  domains: z.union([z.literal('*'), z.array(domain).min(1)], { error: "must be a list of domains, or '*' for all others" })
    .default('*'),
  login: template.default('{local}@{domain}'),
  defaultDomain: domain.exactOptional(),
  imap: z.strictObject({
    ...endpoint, folders: folders.exactOptional(), watch: z.enum(['auto', 'notify', 'idle']).exactOptional(), pollSeconds: z.int().min(1).max(3600).exactOptional(),
  })
    .transform(withPort({ tls: 993, starttls: 143, none: 143 })),
  smtp: z.strictObject({ ...endpoint, auth: z.boolean().default(true), keepsSent: z.boolean().exactOptional() })
    .transform(withPort({ tls: 465, starttls: 587, none: 25 })),
  dav: dav.exactOptional(),
  notes: z.enum(['auto', 'dav', 'imap']).default('auto'),
  sieve: z.strictObject({ ...endpoint, security: endpoint.security.removeDefault().default('starttls'), script: text.default('postern') })
    .transform(withPort({ tls: 4190, starttls: 4190, none: 4190 })).exactOptional(),
  public: publicServers.exactOptional(),
  master: z.strictObject({ user: text, password: text, separator: text.exactOptional() }).exactOptional(),
  aliases: z.record(text, z.array(text)).exactOptional(),
  directory: directory.exactOptional(),
  addressBook: addressBook.exactOptional(),
}) satisfies z.ZodType<Backend>

const sessions = z.strictObject({
  idleSeconds: seconds.exactOptional(), max: count.exactOptional(), timeoutSeconds: seconds.exactOptional(), perUser: z.int().min(3).exactOptional(),
  connections: count.exactOptional(), logins: count.exactOptional(), watchLogins: count.exactOptional(),
}) satisfies z.ZodType<BackendsConfig['sessions']>

const breaker = z.strictObject({
  failures: count.exactOptional(), windowSeconds: seconds.exactOptional(), pauseSeconds: seconds.exactOptional(), mostSeconds: seconds.exactOptional(),
}) satisfies z.ZodType<BackendsConfig['breaker']>

const auth = z.strictObject({
  rememberSeconds: seconds.exactOptional(), refuseSeconds: seconds.exactOptional(), tries: z.int().min(1).exactOptional(),
}) satisfies z.ZodType<BackendsConfig['auth']>

const certificates = z.strictObject({
  authorities: pem.exactOptional(),
  crl: z.strictObject({
    hosts: z.array(text.toLowerCase()).exactOptional(), files: z.array(text).exactOptional(),
    largest: z.int().min(1024).max(256 * 1024 ** 2).exactOptional(), timeoutSeconds: seconds.exactOptional(),
  }).exactOptional(),
}) satisfies z.ZodType<BackendsConfig['certificates']>

/** Where clients find this server: no path, as the paths are those that clients know. */
const isOwnUrl = (url: string): boolean => /^https:\/\/[^/@{}?#]+\/?$/i.test(url) && URL.canParse(url)
const ownUrl = z.string().refine(url => isOwnUrl(url.replaceAll('{domain}', 'x.example')), {
  error: 'must be a URL like https://mail.example.org or https://mail.{domain}',
})

const autodiscover = z.strictObject({
  enabled: z.boolean().default(true),
  url: ownUrl.exactOptional(), name: text.exactOptional(), autoconfig: z.boolean().default(true), mobileconfig: z.boolean().default(true),
  signer: z.strictObject({ cert: pem, key: pem }).refine(isPair, { error: 'must be a certificate and its own key' })
    .refine(canSign, { error: 'must have a key of RSA or of an elliptic curve' }).exactOptional(),
})

const pagePath = z.string().toLowerCase().refine(path => /^\/([a-z0-9._~-]+\/)*([a-z0-9._~-]+)?$/.test(path) && !/\/\.{1,2}(\/|$)|^\/\.postern(\/|$)/.test(path), {
  error: 'must be a path like /devices/, and not one below /.postern/',
})

const userPage = z.strictObject({ enabled: z.boolean().exactOptional(), path: pagePath.exactOptional(), wipe: z.boolean().default(true) })

/** Backends that claim the same domain: each user must have one. */
function claimedTwice(backends: readonly Backend[]): string | undefined {
  const domains = backends.flatMap(({ domains }) => domains === '*' ? ['*'] : [...new Set(domains)])
  return domains.find((domain, index) => domains.indexOf(domain) !== index)
}

const backends = z.array(backend).min(1).superRefine((list, context) => {
  const twice = claimedTwice(list)
  if (twice) context.addIssue({ code: 'custom', message: `must not name the domain ${twice} in two backends` })
})

const drain = z.strictObject({
  pauseSeconds: z.number().min(0).max(600).default(0), seconds: z.number().min(0).max(3600).default(8),
})

const internal = z.strictObject({
  host: text.default('127.0.0.1'), port: z.int().min(0).max(65535), waitForMail: z.boolean().default(false),
})

const devices = z.strictObject({
  folder: text.exactOptional(), shared: z.literal(true).exactOptional(), most: z.int().min(100).max(1_000_000).default(20_000),
}).refine(({ folder, shared }) => (folder === undefined) !== (shared === undefined), { error: 'must have either folder or shared: true' })

const admin = z.strictObject({
  host: text.exactOptional(), port: z.int().min(0).max(65535).exactOptional(), socket: text.exactOptional(),
  token: text.min(24).max(512)
    .regex(/^[A-Za-z0-9+/_.~-]+=*$/, { error: 'must be letters, digits and - . _ ~ + / =, as openssl rand -base64 32 makes them' }),
  people: z.record(z.string(), z.string().refine(isPasswordHash, { error: 'must be the hash of a password: postern hash makes it' }))
    .refine(named => Object.keys(named).every(name => /^[^\p{C}\s]([^\p{C}]{0,98}[^\p{C}\s])?$/u.test(name)), { error: 'must have names of up to 100 characters' }).exactOptional(),
}).refine(({ port, socket }) => (port === undefined) !== (socket === undefined), { error: 'must have either port or socket' })
  .refine(({ host, socket }) => host === undefined || socket === undefined, { error: 'must not have both host and socket' })

const bounds = (requests: number, waits: number, megabytes: number) => z.strictObject({
  requests: count.default(requests), waits: count.default(waits), megabytes: count.default(megabytes),
}).prefault({})

const limits = z.strictObject({
  user: bounds(64, 100, 128),
  process: bounds(2000, 50_000, 512),
  overload: z.strictObject({ delayMilliseconds: count.default(400), megabytes: count.exactOptional() }).prefault({}),
})

/** The file as a whole. */
export const schema = z.strictObject({
  listen: listen.prefault({}),
  drain: drain.prefault({}),
  internal: internal.exactOptional(),
  admin: admin.exactOptional(),
  devices: devices.exactOptional(),
  secret: z.string().min(32),
  upstream: upstream.exactOptional(),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
  cache: z.strictObject({ megabytes: z.int().min(1).default(64), shared: shared.exactOptional() }).prefault({}),
  backends,
  limits: limits.prefault({}),
  sessions: sessions.exactOptional(),
  breaker: breaker.exactOptional(),
  auth: auth.exactOptional(),
  certificates: certificates.exactOptional(),
  eas: eas.prefault({}),
  autodiscover: autodiscover.prefault({}),
  page: userPage.prefault({}),
}).refine(({ admin, devices }) => !admin || devices, { path: ['admin'], error: 'wants devices: where they are remembered' })
  .refine(({ devices, cache }) => !devices?.shared || cache.shared, { path: ['devices', 'shared'], error: 'wants cache.shared' })
  .superRefine(({ eas, backends }, context) => {
    if (backends.some(({ directory }) => directory)) return
    for (const name of ['ceilings', 'merge', 'policies', 'access'] as const) for (const [n, rule] of eas[name].entries()) {
      if (rule.group !== undefined) context.addIssue({ code: 'custom', path: ['eas', name, n, 'group'], message: 'wants a directory in one of the backends: where groups are' })
    }
  })
  .refine(({ eas, devices }) => devices || !eas.access.some(({ access }) => access === 'quarantine'), { path: ['eas', 'access'], error: 'wants devices for a quarantine: where those that wait are remembered' })
  .refine(({ page, upstream }) => !upstream || !page.enabled || page.path !== undefined, { path: ['page', 'path'], error: 'must be named where there is an upstream, as /devices/: / is its own' })

type File = z.infer<typeof schema>

/** What the program is started with: the file's settings, put together as the parts want them. */
export type Config = Pick<File, 'listen' | 'drain' | 'log' | 'cache' | 'limits'> & {
  readonly internal: File['internal'] | undefined
  readonly admin: AdminPlace | undefined
  readonly devices: File['devices'] | undefined
  readonly upstream: string | undefined
  readonly backends: BackendsConfig
  readonly eas: EasSettings
  /** Undefined: its paths are the upstream's. */
  readonly autodiscover: AutodiscoverSettings | undefined
  /** Undefined: there is none. */
  readonly page: UserPageSettings | undefined
}

const placeOf = ({ host = '127.0.0.1', port = 0, socket, ...others }: NonNullable<File['admin']>): AdminPlace =>
  socket === undefined ? { host, port, ...others } : { socket, ...others }

export function arrange(file: File): Config {
  const {
    listen, drain, internal, admin, devices, log, cache, limits, upstream, secret, backends, sessions, breaker, auth, certificates, eas, autodiscover: { enabled, ...found }, page,
  } = file
  return {
    listen, drain, internal, log, cache, limits, upstream, devices, admin: admin && placeOf(admin),
    backends: { backends, ...(sessions && { sessions }), ...(breaker && { breaker }), ...(auth && { auth }), ...(certificates && { certificates }) },
    eas: {
      ceiling: eas.ceiling, ceilings: eas.ceilings, merge: eas.merge, redirects: eas.redirects, passwords: eas.passwords, heartbeat: eas.heartbeat, pingFolders: eas.pingFolders,
      recipientCache: eas.recipientCache, maxRequest: eas.maxRequest, maxHeld: eas.maxHeld,
      ...(eas.timeZone === undefined ? {} : { timeZone: eas.timeZone }),
      secret: Buffer.from(secret),
      policy: eas.policy as EasSettings['policy'],
      policies: eas.policies.map(({ policy: wanted, ...rule }) => ({ ...rule, policy: wanted === 'none' ? undefined : wanted as EasSettings['policy'] })),
      access: eas.access,
      ...(eas.quarantineNotice === undefined ? {} : { quarantineNotice: eas.quarantineNotice }),
    },
    autodiscover: enabled
      ? { url: found.url, name: found.name, autoconfig: found.autoconfig, mobileconfig: found.mobileconfig, signer: found.signer } : undefined,
    page: page.enabled ?? (upstream === undefined || page.path !== undefined) ? { path: page.path ?? '/', wipe: page.wipe } : undefined,
  }
}

/** The part of the schema that describes one setting; undefined where the path leads nowhere. */
export function schemaAt(path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema
  for (const key of path) {
    here = bare(here)
    if (here instanceof z.ZodObject) here = here.shape[String(key)] as z.core.$ZodType | undefined
    else if (here instanceof z.ZodArray) here = here.element
    else if (here instanceof z.ZodRecord) here = here.valueType
    else if (here instanceof z.ZodUnion) here = here.options.map(bare).find(option => option instanceof z.ZodArray)?.element
    else return undefined
  }
  return here && bare(here)
}

/** What a default, an optional mark or a transformation is wrapped around. */
function bare(wrapped: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = wrapped
  for (;;) {
    if (inner instanceof z.ZodPipe) inner = inner.in
    else if (wrappers.some(wrapper => inner instanceof wrapper)) inner = (inner as z.ZodDefault).unwrap()
    else return inner
  }
}

const wrappers = [z.ZodDefault, z.ZodPrefault, z.ZodExactOptional]

/** Names of the settings a group may have. */
export function namesAt(path: readonly PropertyKey[]): readonly string[] {
  const group = schemaAt(path)
  return group instanceof z.ZodObject ? Object.keys(group.shape) : []
}

/** Whether a setting is text, so that what an environment variable says is not read as a number. */
export const isText = (path: readonly PropertyKey[]): boolean =>
  [z.ZodString, z.ZodEnum].some(kind => schemaAt(path) instanceof kind)

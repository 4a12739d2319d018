import { autodiscoverFront } from '../../src/autodiscover/server.ts'
import type { AutodiscoverParts } from '../../src/autodiscover/house.ts'
import type { AutodiscoverSettings } from '../../src/autodiscover/settings.ts'
import type { Backend } from '../../src/backend/connect.ts'
import { publicServers } from '../../src/backend/public-servers.ts'
import { Failure } from '../../src/base/failure.ts'
import type { HttpOptions } from '../../src/http/server.ts'
import { redirectFor, type Redirect } from '../../src/eas/rules.ts'
import { expiryOf } from '../../src/eas/response-head.ts'
import type { EasSettings } from '../../src/eas/settings.ts'
import { MemoryAccount } from './memory.ts'
import { serve, type Served } from './http.ts'

export const mailHost: Backend = {
  domains: ['postern.test'], login: '{local}@{domain}', defaultDomain: 'postern.test',
  imap: { host: '10.0.0.7', port: 143, security: 'none' }, smtp: { host: '10.0.0.7', port: 25, security: 'none', auth: false },
  dav: { url: 'http://10.0.0.8:5232/' },
  public: {
    imap: { host: 'imap.postern.test', port: 993, security: 'tls' }, smtp: { host: 'smtp.postern.test', port: 587, security: 'starttls' },
    dav: 'https://dav.postern.test/{login}/',
  },
}

export type House = {
  readonly settings?: Partial<AutodiscoverSettings>
  readonly backends?: readonly Backend[]
  readonly redirects?: readonly Redirect[]
  readonly passwords?: EasSettings['passwords']
  readonly account?: MemoryAccount
  /** In place of the mail host's answer. */
  readonly open?: AutodiscoverParts['open']
  readonly http?: Partial<HttpOptions>
}

export const now = new Date('2026-11-25T16:56:32.616Z')

export type AutodiscoverServer = Served & { readonly account: MemoryAccount }

/** The front over an account in memory, behind a real HTTP server that believes what 127.0.0.1 says. The password is `secret`. */
export async function autodiscoverServer(house: House = {}): Promise<AutodiscoverServer> {
  const { account = new MemoryAccount(), redirects = [], passwords } = house
  const served = await serve(autodiscoverFront({
    settings: { url: undefined, name: undefined, autoconfig: true, mobileconfig: true, signer: undefined, ...house.settings },
    serversOf: publicServers(house.backends ?? [mailHost]), elsewhere: names => redirectFor({ redirects }, names),
    expiry: (names, at) => expiryOf({ passwords }, names, at), now: () => now,
    open: house.open ?? (async ({ user, ...secret }) => {
      if (secret.kind !== 'password' || secret.password !== 'secret') throw new Failure('auth', 'wrong password')
      if (![account.person.login, ...account.person.addresses].includes(user)) throw new Failure('auth', 'no such user')
      return account.stores()
    }),
  }), { trustedProxies: ['127.0.0.1'], ...house.http })
  return { ...served, account }
}

export const basic = (user: string, password = 'secret'): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const exchange = 'http://schemas.microsoft.com/exchange/autodiscover'
export const requestSpaces = { mobilesync: `${exchange}/mobilesync/requestschema/2006`, outlook: `${exchange}/outlook/requestschema/2006` }
export const responseSpaces = {
  mobilesync: `${exchange}/mobilesync/responseschema/2006`, outlook: `${exchange}/outlook/responseschema/2006a`, plain: `${exchange}/responseschema/2006`,
}

export type Kind = keyof typeof requestSpaces

export const poxRequest = (address: string, kind: Kind = 'mobilesync', schema = responseSpaces[kind]): string => `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${requestSpaces[kind]}"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${schema}</AcceptableResponseSchema></Request></Autodiscover>`

export type Wish = {
  readonly user?: string | undefined
  readonly password?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly path?: string
}

/** A POST of XML as a client sends it; without credentials where `user` is undefined. */
export async function post({ url }: Pick<Served, 'url'>, body: string | Uint8Array, wish: Wish = {}) {
  const { password, headers, path = '/autodiscover/autodiscover.xml' } = wish
  const user = 'user' in wish ? wish.user : 'anna@postern.test'
  const response = await fetch(`${url}${path}`, {
    method: 'POST', body: body as string, redirect: 'manual',
    headers: { 'content-type': 'text/xml', ...(user === undefined ? {} : { authorization: basic(user, password) }), ...headers },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

export async function get({ url }: Pick<Served, 'url'>, path: string, { user, password, headers, method = 'GET' }: Wish = {}) {
  const response = await fetch(`${url}${path}`, {
    method, redirect: 'manual', headers: { ...(user === undefined ? {} : { authorization: basic(user, password) }), ...headers },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

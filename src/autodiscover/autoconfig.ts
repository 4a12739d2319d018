import type { PublicServer } from '../model/mail-servers.ts'
import { mark, printMarkup, type Markup } from '../wire/xml-write.ts'
import { domainOf, domainOfHost, isAddress, notAllowed, uncached, type Ask } from './house.ts'

/** draft-ietf-mailmaint-autoconfig, XML config file; Thunderbird puts the user's local part in. The same for each user of a domain. */
export function answerAutoconfig(ask: Ask): Response {
  const { request: { method, url }, visit, house } = ask
  if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD')
  const address = url.searchParams.get('emailaddress')?.trim() ?? ''
  const domain = isAddress(address) ? domainOf(address) : domainOfHost(visit.origin.host)
  visit.facts['domain'] = domain
  const servers = house.serversOf(`${local}@${domain}`)
  if (!servers?.imap || !servers.smtp) return new Response(null, { status: 404, headers: uncached })
  const name = house.settings.name ?? domain
  const root = mark('clientConfig', [
    mark('emailProvider', [
      mark('domain', domain), mark('displayName', name), mark('displayShortName', name),
      mark('incomingServer', serverOf(servers.imap, servers.login), { type: 'imap' }),
      mark('outgoingServer', serverOf(servers.smtp, servers.login), { type: 'smtp' }),
    ], { id: domain }),
    ...(servers.dav ? [davOf('addressBook', 'carddav', servers.dav), davOf('calendar', 'caldav', servers.dav)] : []),
  ], { version: '1.1' })
  return new Response(printMarkup(root), { headers: { ...uncached, 'content-type': 'text/xml; charset=utf-8' } })
}

/** Stands for what is before the @. */
const local = '%EMAILLOCALPART%'

const serverOf = ({ host, port, security }: PublicServer, login: string): Markup[] => [
  mark('hostname', host), mark('port', String(port)), mark('socketType', security === 'tls' ? 'SSL' : 'STARTTLS'),
  mark('authentication', 'password-cleartext'), mark('username', login),
]

/** A login of a user stands in a URL as part of its path. */
const davOf = (name: string, type: string, { url, login }: { readonly url: string; readonly login: string }): Markup => mark(name, [
  mark('username', login), mark('authentication', 'http-basic'), mark('serverURL', url.replaceAll(encodeURIComponent(local), local)),
], { type })

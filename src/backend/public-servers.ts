import { isIP } from 'node:net'
import type { MailServers, PublicServer, ServersOf } from '../model/mail-servers.ts'
import { davUser } from './address-list.ts'
import type { Backend, Endpoint } from './connect.ts'
import { fillPath, fillText } from './dav-homes.ts'
import { identities, identityOf, type Identity } from './identity.ts'

/** What the configuration says about servers for others: `public`, else the servers Postern itself uses, where others can. */
export function publicServers(backends: readonly Backend[]): ServersOf {
  const identify = identities(backends)
  return address => {
    const identity = identityOf(identify, address)
    return identity && serversOf(identity)
  }
}

function serversOf(identity: Identity): MailServers {
  const { backend: { imap, smtp, public: told = {} }, person: { login, account } } = identity
  return {
    login, account, imap: told.imap ?? reachable(imap),
    // A relay that trusts this host trusts nobody else.
    smtp: told.smtp ?? (smtp.auth ? reachable(smtp) : undefined), dav: davOf(identity),
  }
}

/** Whether a mail program of somebody there can be told where to go. */
export const isReachable = ({ imap, smtp, public: told = {} }: Backend): boolean =>
  (told.imap ?? reachable(imap)) !== undefined && (told.smtp ?? (smtp.auth ? reachable(smtp) : undefined)) !== undefined

function reachable({ host, port, security }: Endpoint): PublicServer | undefined {
  return security !== 'none' && isPublic(host) ? { host, port, security } : undefined
}

function davOf({ backend: { dav, public: told = {} }, person }: Identity): MailServers['dav'] {
  if (!dav && told.dav === undefined) return undefined
  const user = davUser(person), url = fillPath(told.dav ?? dav!.url, user)
  if (told.dav === undefined && !(url.startsWith('https:') && isPublic(new URL(url).hostname))) return undefined
  return { url, login: dav?.login === undefined ? user.login : fillText(dav.login, user) }
}

/** RFC 6761, RFC 6762, and names that are in use for networks of one's own. */
const isPublic = (host: string): boolean =>
  !isIP(host.replace(/^\[|\]$/g, '')) && host.includes('.') && !/\.(local|localdomain|localhost|internal|lan|home|corp|test|invalid)\.?$/i.test(host)

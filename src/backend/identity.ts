import { Failure } from '../base/failure.ts'
import type { Person } from '../model/ports.ts'
import type { Backend } from './connect.ts'
import type { Recipient } from './sieve-script.ts'
import { addressOf } from './ways.ts'

/** Whom a login name means: the backend that serves the domain, and what the user is called there. */
export type Identity = { readonly backend: Backend; readonly person: Person }

/** Throws `auth` for a name that no backend serves. Domains compare in lower case, local parts as they are. */
export type Identify = (name: string) => Identity

export function identities(backends: readonly Backend[]): Identify {
  const shared = sharesLogins(backends)
  return name => {
    const at = name.lastIndexOf('@')
    const local = at < 0 ? name : name.slice(0, at)
    const given = at < 0 ? undefined : name.slice(at + 1).toLowerCase()
    const backend = backends.find(({ domains }) => given !== undefined && domains !== '*' && domains.includes(given)) ??
      backends.find(({ domains, defaultDomain }) => domains === '*' || (given === undefined && defaultDomain !== undefined))
    if (!backend || !local) throw new Failure('auth', 'no backend serves this name')
    const domain = given ?? backend.defaultDomain, login = called(backend, local, domain)
    const address = domain === undefined ? login : `${local}@${domain}`
    // By login name or address, else for everybody: `'*': ['{local}@example.net']`.
    const aliases = [login, address, '*'].flatMap(key => Object.hasOwn(backend.aliases ?? {}, key) ? backend.aliases![key]! : [])
    const addresses = [...new Set([address, ...aliases.map(alias => fill(alias, local, domain))])]
    return { backend, person: { login, account: shared ? `${login} at ${addressOf(backend.imap)}` : login, displayName: undefined, addresses } }
  }
}

/** Undefined for a name that no backend serves. */
export function identityOf(identify: Identify, name: string): Identity | undefined {
  try {
    return identify(name)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Whether users of two mail servers may have the same login name, so that it does not tell whose it is. At one server they are one user. */
function sharesLogins(backends: readonly Backend[]): boolean {
  const servers = new Map<string, string>()
  return backends.some(backend => (backend.domains === '*' ? ['any.invalid'] : backend.domains).some(domain => {
    const login = called(backend, 'local', domain).toLowerCase(), server = addressOf(backend.imap), other = servers.get(login)
    servers.set(login, server)
    return other !== undefined && other !== server
  }))
}

const called = (backend: Backend, local: string, domain: string | undefined): string =>
  fill(templates[backend.login] ?? backend.login, local, domain)

const fill = (template: string, local: string, domain: string | undefined): string => domain === undefined && template.includes('{domain}')
  ? local
  : template.replaceAll('{local}', () => local).replaceAll('{domain}', () => domain ?? '')

/** The user as filters see them: the organization is every domain of the backend, and those the user has an address in. */
export function recipientOf({ backend: { domains }, person }: Identity): Recipient {
  const addresses = person.addresses.filter(address => /^[^\s@]+@[^\s@]+$/.test(address))
  const own = addresses.map(address => address.slice(address.indexOf('@') + 1).toLowerCase())
  return { addresses, domains: [...new Set([...domains === '*' ? [] : domains, ...own])] }
}

const templates: Readonly<Record<string, string>> = { address: '{local}@{domain}', local: '{local}' }

import { Failure } from '../base/failure.ts'
import type { Person } from '../model/ports.ts'
import type { Backend } from './connect.ts'
import type { Recipient } from './sieve-script.ts'

/** Whom a login name means: the backend that serves the domain, and what the user is called there. */
export type Identity = { readonly backend: Backend; readonly person: Person }

/** Throws `auth` for a name that no backend serves. Domains compare in lower case, local parts as they are. */
export function identify(backends: readonly Backend[], name: string): Identity {
  const at = name.lastIndexOf('@')
  const local = at < 0 ? name : name.slice(0, at)
  const given = at < 0 ? undefined : name.slice(at + 1).toLowerCase()
  const backend = backends.find(({ domains }) => given !== undefined && domains !== '*' && domains.includes(given)) ??
    backends.find(({ domains, defaultDomain }) => domains === '*' || (given === undefined && defaultDomain !== undefined))
  if (!backend || !local) throw new Failure('auth', 'no backend serves this name')
  const domain = given ?? backend.defaultDomain
  const fill = (template: string): string => domain === undefined && template.includes('{domain}')
    ? local
    : template.replaceAll('{local}', () => local).replaceAll('{domain}', () => domain ?? '')
  const login = fill(templates[backend.login] ?? backend.login)
  const address = domain === undefined ? login : `${local}@${domain}`
  // By login name or address, else for everybody: `'*': ['{local}@example.net']`.
  const aliases = [login, address, '*'].flatMap(key => Object.hasOwn(backend.aliases ?? {}, key) ? backend.aliases![key]! : [])
  return { backend, person: { login, displayName: undefined, addresses: [...new Set([address, ...aliases.map(fill)])] } }
}

/** Undefined for a name that no backend serves. */
export function identityOf(backends: readonly Backend[], name: string): Identity | undefined {
  try {
    return identify(backends, name)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/**
 * Whether users of two backends may have the same login name, so that it does not tell whose it is. Two addresses of one backend with one login
 * name are one user.
 */
export function sharesLogins(backends: readonly Backend[]): boolean {
  const logins = backends.flatMap(backend => [...new Set((backend.domains === '*' ? ['any.invalid'] : backend.domains)
    .map(domain => identify([backend], `local@${domain}`).person.login.toLowerCase()))])
  return new Set(logins).size < logins.length
}

/** The user as filters see them: the organization is every domain of the backend, and those the user has an address in. */
export function recipientOf({ backend: { domains }, person }: Identity): Recipient {
  const addresses = person.addresses.filter(address => /^[^\s@]+@[^\s@]+$/.test(address))
  const own = addresses.map(address => address.slice(address.indexOf('@') + 1).toLowerCase())
  return { addresses, domains: [...new Set([...domains === '*' ? [] : domains, ...own])] }
}

const templates: Readonly<Record<string, string>> = { address: '{local}@{domain}', local: '{local}' }

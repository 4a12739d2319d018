import { Filter } from 'ldapts'
import { Failure } from '../base/failure.ts'
import type { LdapConnection } from './ldap-connection.ts'
import { textsOf, type Attributes } from './ldap-entry.ts'
import { canonicalDn } from './ldap-name.ts'

/** Who is looked for: by the primary address, or as the servers call the user. */
export type Wanted = { readonly login: string; readonly address: string }

export type GroupPlaces = { readonly base: string; readonly groupBase: string; readonly attributes: Attributes }

/** Groups of one user, groups within groups, and DNs in one search. */
const mostGroups = 2000, deepest = 20, together = 50

/**
 * DNs of the groups somebody is in, directly or by other groups: those that have the entry as a member (RFC 4519, groupOfNames), or the user by
 * name (RFC 2307, posixGroup), and those that the entry itself says (memberOf). Nobody, for whom the directory does not know. Never a part:
 * throws `unavailable` where it cannot be told whole.
 */
export async function groupsOf(connection: LdapConnection, { base, groupBase, attributes }: GroupPlaces, { login, address }: Wanted): Promise<string[]> {
  const found = await connection.search(base, {
    scope: 'sub', filter: either([...equal(attributes.addresses, [address, `smtp:${address}`]), ...equal(attributes.alias, [login])]),
    attributes: [...attributes.addresses, ...attributes.alias, ...attributes.memberOf],
  })
  // A login name may be somebody else's in another domain.
  const addressed = found.filter(entry => attributes.addresses.some(name => textsOf(entry, name).some(value => isAddress(value, address))))
  const own = addressed.length > 0 ? addressed : found
  const names = own.length > 0 ? [...new Set(own.flatMap(entry => attributes.alias.flatMap(name => textsOf(entry, name))))] : [login]
  const known = new Map<string, string>()
  const take = (dns: readonly string[]): string[] => dns.filter(dn => {
    const name = canonicalDn(dn) ?? dn
    return !known.has(name) && known.set(name, dn)
  })
  let next = take(own.flatMap(entry => attributes.memberOf.flatMap(name => textsOf(entry, name))))
  next.push(...take(await groupsWith([...equal(attributes.members, own.map(({ dn }) => dn)), ...equal(attributes.memberNames, names)])))
  for (let depth = 0; next.length > 0; depth++) {
    if (depth === deepest || known.size > mostGroups) throw new Failure('unavailable', `LDAP at ${connection.name} has too many groups of one user`)
    const above: string[] = []
    for (let at = 0; at < next.length; at += together) above.push(...await groupsWith(equal(attributes.members, next.slice(at, at + together))))
    next = take(above)
  }
  return [...known.values()]

  async function groupsWith(conditions: readonly string[]): Promise<string[]> {
    return (await connection.search(groupBase, { scope: 'sub', filter: either(conditions), attributes: ['1.1'] })).map(({ dn }) => dn)
  }
}

const isAddress = (value: string, address: string): boolean => value.toLowerCase().replace(/^smtp:/, '') === address.toLowerCase()

const either = (conditions: readonly string[]): string => `(|${conditions.join('')})`

const equal = (names: readonly string[], values: readonly string[]): string[] =>
  names.flatMap(name => values.map(value => `(${name}=${Filter.escape(value)})`))

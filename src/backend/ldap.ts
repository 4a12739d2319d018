import { Filter } from 'ldapts'
import type { Breaker } from '../base/breaker.ts'
import type { Certificates, Entries, Entry, Members } from '../model/directory.ts'
import type { Directory } from '../model/ports.ts'
import { groupsOf, type Wanted } from './ldap-groups.ts'
import { LdapConnection, type LdapLogin, type LdapServer } from './ldap-connection.ts'
import { octetsOf, readEntry, shownAttributes, textsOf, usualAttributes, type Attributes, type Field } from './ldap-entry.ts'
import { nameOf, wordsOf } from './recipient-words.ts'

export type LdapConfig = LdapServer & {
  /** Reads with this account; anonymously where neither this nor `bindAs` is there. */
  readonly bind?: LdapLogin
  /** Reads with the user's own password: a DN, or what the server takes for one, made of `{login}`, `{local}` and `{domain}`. */
  readonly bindAs?: string
  readonly base: string
  /** Where groups are; below `base` where it is absent. */
  readonly groupBase?: string
  /** Whom the address list has. Default `(mail=*)`. */
  readonly filter?: string
  /** What one `{word}` of a search is looked for in, instead of the names, the addresses and the alias. */
  readonly match?: string
  readonly attributes?: Partial<Attributes>
  /** Entries one search may find. Default 1000. */
  readonly most?: number
}

export type LdapDirectory = Directory & {
  /** Entries the base has, at most `most`: for an administrator who wants to know whether it works. */
  count(most: number): Promise<number>
  /** DNs of the groups somebody is in, all of them. */
  groups(wanted: Wanted): Promise<string[]>
  close(): void
}

/** Members of a group whose certificates are read; at the same time. */
const mostMembers = 200, together = 20
const mostCertificates = 10

/** RFC 4511, an address list of LDAP. Names compare as the server's schema has it. */
export function ldapDirectory(config: LdapConfig, login: LdapLogin | undefined, breaker?: Breaker): LdapDirectory {
  const { base, filter = '(mail=*)' } = config
  const attributes = { ...usualAttributes, ...config.attributes }
  const connection = new LdapConnection(config, login, breaker)
  const collator = new Intl.Collator(undefined, { sensitivity: 'base' })

  async function find(condition: string, most: number): Promise<Entries> {
    const limit = Math.min(most, config.most ?? 1000)
    const found = await connection.search(base, {
      scope: 'sub', filter: `(&${filter}${condition})`, attributes: shownAttributes(attributes), sizeLimit: limit + 1,
    })
    const entries = found.slice(0, limit + 1).flatMap(one => readEntry(one, attributes) ?? [])
    entries.sort((a, b) => collator.compare(a.displayName, b.displayName))
    return { entries: entries.slice(0, limit), total: entries.length }
  }

  const search = (words: string, most: number): Promise<Entries> =>
    find(wordsOf(words).map(word => matching(word, attributes, config.match)).join(''), most)

  async function certificatesOf(dn: string): Promise<Uint8Array[]> {
    const found = await connection.read(dn, certificateAttributes(attributes))
    return found ? octetsOf(found, attributes.certificates).slice(0, mostCertificates) : []
  }

  return {
    search,
    async resolve(recipient, most) {
      const name = nameOf(recipient)
      if (name.includes('@')) {
        const { entries } = await find(equal(name, attributes.addresses, ['', 'smtp:']), most)
        const own = entries.filter(entry => primary(entry) === name.toLowerCase())
        return counted(own.length === 1 ? own : entries)
      }
      const exact = await find(equal(name, [...attributes.displayName, ...attributes.alias]), 2)
      return exact.total === 1 ? exact : search(name, most)
    },
    async photo(id) {
      const found = await connection.read(id, attributes.photo)
      return found && attributes.photo.flatMap(name => octetsOf(found, [name]))[0]
    },
    async certificates(id): Promise<Certificates> {
      const found = await connection.read(id, certificateAttributes(attributes), attributes.members)
      const members = found ? attributes.members.flatMap(name => textsOf(found, name)) : []
      if (!found || members.length === 0) {
        return { members: 1, certificates: found ? octetsOf(found, attributes.certificates).slice(0, mostCertificates) : [] }
      }
      const certificates: Uint8Array[] = []
      for (let at = 0; at < members.length && members.length <= mostMembers; at += together) {
        certificates.push(...(await Promise.all(members.slice(at, at + together).map(certificatesOf))).flat())
      }
      return { members: members.length, certificates }
    },
    async members(id, most): Promise<Members | undefined> {
      const found = await connection.read(id, [], attributes.members)
      const members = found ? attributes.members.flatMap(name => textsOf(found, name)) : []
      if (members.length === 0) return undefined
      const people = await Promise.all(members.slice(0, Math.min(most, together)).map(dn => connection.read(dn, [], shownAttributes(attributes))))
      const addresses = people.flatMap(one => one && readEntry(one, attributes)?.addresses[0] || [])
      return { total: members.length, addresses }
    },
    async count(most) {
      return (await connection.search(base, { scope: 'sub', filter, attributes: ['1.1'], sizeLimit: most })).length
    },
    groups: wanted => groupsOf(connection, { base, groupBase: config.groupBase ?? base, attributes }, wanted),
    close: () => connection.close(),
  }
}

const counted = (entries: readonly Entry[]): Entries => ({ entries, total: entries.length })
const primary = ({ addresses: [first] }: Entry): string => first.toLowerCase()

/** Directories ask for the octets of a certificate by an option (RFC 4523, userCertificate), Active Directory without. */
const certificateAttributes = ({ certificates }: Attributes): string[] => certificates.flatMap(name => [name, `${name};binary`])

const either = (conditions: readonly string[]): string => `(|${conditions.join('')})`

const equal = (value: string, names: readonly string[], prefixes: readonly string[] = ['']): string =>
  either(names.flatMap(name => prefixes.map(prefix => `(${name}=${Filter.escape(prefix + value)})`)))

/** A value that begins with the word; of names of several words also one within. */
function matching(word: string, attributes: Attributes, template: string | undefined): string {
  const escaped = Filter.escape(word)
  if (template !== undefined) return template.replaceAll('{word}', () => escaped)
  const begin = (field: Field): string[] => attributes[field].map(name => `(${name}=${escaped}*)`)
  return either([
    ...begin('displayName'), ...attributes.displayName.map(name => `(${name}=* ${escaped}*)`),
    ...begin('firstName'), ...begin('lastName'), ...begin('alias'), ...begin('addresses'),
    ...attributes.addresses.map(name => `(${name}=smtp:${escaped}*)`),
  ])
}

import type { Entry as LdapEntry } from 'ldapts'
import type { Entry } from '../model/directory.ts'

/** What is told of an entry, each from the first of these attributes that has a value. */
export type Attributes = Readonly<Record<Field, readonly string[]>>

export type Field =
  | 'displayName' | 'addresses' | 'alias' | 'firstName' | 'lastName' | 'phone' | 'homePhone' | 'mobilePhone' | 'title' | 'company' | 'office'
  | 'photo' | 'certificates' | 'members' | 'memberNames' | 'memberOf'

/** RFC 2798, inetOrgPerson; RFC 4519; the names of Active Directory; the usual ones for further addresses. */
export const usualAttributes: Attributes = {
  displayName: ['displayName', 'cn'],
  addresses: ['mail', 'proxyAddresses', 'mailAlternateAddress'],
  alias: ['mailNickname', 'uid', 'sAMAccountName'],
  firstName: ['givenName'],
  lastName: ['sn'],
  phone: ['telephoneNumber'],
  homePhone: ['homePhone'],
  mobilePhone: ['mobile'],
  title: ['title'],
  company: ['company', 'o'],
  office: ['physicalDeliveryOfficeName', 'roomNumber'],
  photo: ['thumbnailPhoto', 'jpegPhoto'],
  certificates: ['userCertificate'],
  members: ['member', 'uniqueMember'],
  memberNames: ['memberUid'],
  memberOf: ['memberOf'],
}

const told = [
  'alias', 'firstName', 'lastName', 'phone', 'homePhone', 'mobilePhone', 'title', 'company', 'office',
] as const satisfies readonly (Field & keyof Entry)[]

/** The attributes that `readEntry` reads. */
export const shownAttributes = (attributes: Attributes): string[] =>
  [...new Set((['displayName', 'addresses', ...told] as const).flatMap(field => attributes[field]))]

/** Characters of a value, addresses of an entry. */
const longest = 256, mostAddresses = 50

/** Undefined for an entry without an address or a name. */
export function readEntry(found: LdapEntry, attributes: Attributes): Entry | undefined {
  const one = (field: Field): string | undefined => texts(found, attributes[field])[0]
  const [first, ...more] = [...new Set(attributes.addresses.flatMap(name => addressesOf(texts(found, [name]))))].slice(0, mostAddresses)
  const displayName = one('displayName')
  if (first === undefined || displayName === undefined) return undefined
  const known = told.flatMap(field => {
    const value = one(field)
    return value === undefined ? [] : [[field, value] as const]
  })
  return { id: found.dn, kind: 'gal', displayName, addresses: [first, ...more], ...Object.fromEntries(known) }
}

const texts = (found: LdapEntry, names: readonly string[]): string[] => names.flatMap(name => valuesOf(found, name))
  .flatMap(value => typeof value === 'string' ? value.replace(/[\p{Cc}\s]+/gu, ' ').trim().slice(0, longest) || [] : [])

/** `proxyAddresses` marks the primary one by capitals. */
function addressesOf(values: readonly string[]): string[] {
  const found = values.flatMap(value => {
    const [, prefix = '', address] = /^(smtp:)?([^\s:<>@"]+@[^\s:<>@"]+)$/i.exec(value) ?? []
    return address ? [{ address, primary: prefix === 'SMTP:' }] : []
  })
  return found.sort((a, b) => Number(b.primary) - Number(a.primary)).map(({ address }) => address)
}

/** Octets of a binary attribute. `;binary` and other options are no part of the name (RFC 4512, Attribute Options). */
export const octetsOf = (found: LdapEntry, names: readonly string[]): Uint8Array[] =>
  names.flatMap(name => valuesOf(found, name)).map(value => typeof value === 'string' ? Buffer.from(value, 'utf8') : value)
    .filter(value => value.length > 0)

export const textsOf = (found: LdapEntry, name: string): string[] => valuesOf(found, name).filter(value => typeof value === 'string')

function valuesOf(found: LdapEntry, name: string): (string | Buffer)[] {
  const wanted = name.toLowerCase()
  return Object.entries(found).flatMap(([key, value]) => key.toLowerCase().split(';')[0] === wanted && key !== 'dn' ? value : [])
}

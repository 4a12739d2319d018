import type { LdapPerson } from './slapd.ts'
import { BASE, dnOf } from './slapd.ts'

const given = ['Anna', 'Bernd', 'Çağla', 'Dörte', 'Élodie', 'Friedrich', 'Günter', 'Hélène', 'İpek', 'Jürgen', 'Käthe', 'Łukasz', 'Mária', 'Noël', 'Øystein']
const family = ['Müller', 'Schmidt', 'Çelik', 'Größ', 'Dvořák', 'Åberg', 'Nuñez', 'Weiß', 'Kowalski', 'Öztürk', 'van den Berg', 'O’Neill', 'Ahn', 'Lindqvist', 'Šimić',
  'Brown', 'Rossi', 'Ivanov', 'Tanaka', 'Yılmaz']

const ascii = (text: string): string => text.normalize('NFD').replace(/[^\p{ASCII}]/gu, '').replace(/\W/g, '').toLowerCase()

/** A JPEG as far as anyone looks. */
export const photo = (length: number): Uint8Array => Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(length - 10, 0xab)])

export const person = (uid: string, cn: string, more: LdapPerson['attributes'] = {}): LdapPerson => ({
  uid, attributes: {
    objectClass: ['inetOrgPerson'], uid, cn, sn: cn.split(' ').at(-1)!, givenName: cn.split(' ')[0]!, mail: `${uid}@postern.test`, ...more,
  },
})

/** 300 people whose names are all different, and a few whom tests know by name. */
export function makePeople(more: readonly LdapPerson[] = []): LdapPerson[] {
  const many = given.flatMap((first, n) => family.map((last, m) => person(`${ascii(first)}.${ascii(last)}.${n}.${m}`, `${first} ${last}`, {
    telephoneNumber: `+49 30 ${n}${m}`, title: 'Clerk', o: 'Postern Test', ...(m % 3 === 0 ? { jpegPhoto: [photo(500 + m)] } : {}),
  })))
  return [...many, ...more]
}

export const group = (uid: string, cn: string, members: readonly string[]): LdapPerson => ({
  uid, attributes: { objectClass: ['groupOfNames', 'uidObject', 'inetLocalMailRecipient', 'extensibleObject'], uid, cn, mail: `${uid}@postern.test`, member: members.map(dnOf) },
})

export const groupDn = (cn: string): string => `cn=${cn},ou=groups,${BASE}`

/** A group that is no recipient of mail. `cn` as it stands in a DN. */
export const groupOfNames = (cn: string, member: readonly string[]): LdapPerson => ({
  uid: cn, dn: groupDn(cn), attributes: { objectClass: ['groupOfNames'], cn: cn.replaceAll('\\', ''), member },
})

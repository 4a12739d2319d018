import type { Breaker } from '../base/breaker.ts'
import { Failure } from '../base/failure.ts'
import { directories } from '../model/directories.ts'
import type { Directory, Person } from '../model/ports.ts'
import type { Backend } from './connect.ts'
import { davBook, type DavBook, type DavCopies } from './dav-book.ts'
import { davChanges } from './dav-changes.ts'
import { davClient, type DavClient } from './dav-client.ts'
import { lookAtBook } from './dav-collections.ts'
import { davDirectory, type BookConfig } from './dav-directory.ts'
import { fillPath, fillText, type DavUser } from './dav-homes.ts'
import type { DavLists } from './dav-lists.ts'
import { withSlash } from './dav-rows.ts'
import type { DavStore } from './dav-store.ts'
import type { Login } from './imap-connection.ts'
import { ldapDirectory, type LdapDirectory } from './ldap.ts'
import type { Measure } from './measured.ts'

/** What all users of a process remember together, by user: what a DAV server cannot tell, and people of address books. */
export type DavMemory = { readonly lists: DavLists; readonly copies: DavCopies }

/** Where people of everybody's address list are found. */
export type AddressList = { readonly ldap: LdapDirectory | undefined; readonly book: BookDirectory | undefined }

export type BookDirectory = Directory & { readonly book: DavBook; close(): void }

/** What is read with an account of its own, by one for all users. */
export function sharedList({ directory, addressBook }: Backend, memory: DavMemory, breakerOf?: BreakerOf): AddressList {
  return {
    ldap: directory && !directory.bindAs ? ldapDirectory(directory, directory.bind, breakerOf?.(directory.url)) : undefined,
    book: addressBook?.account && bookDirectory(addressBook, { kind: 'password', ...addressBook.account }, nobody, memory, breakerOf),
  }
}

/** One for each server, whatever it is asked for. */
type BreakerOf = (server: string) => Breaker

const nobody: DavUser = { login: '', local: '', domain: '' }

/** What is read with the user's own credentials; LDAP knows passwords only. */
export function ownList(backend: Backend, person: Person, own: Login, memory: DavMemory, breakerOf?: BreakerOf): AddressList {
  const { directory, addressBook } = backend
  const user = davUser(person)
  return {
    ldap: directory?.bindAs && own.kind === 'password'
      ? ldapDirectory(directory, { dn: fillDn(directory.bindAs, person), password: own.password }, breakerOf?.(directory.url)) : undefined,
    book: addressBook && !addressBook.account ? bookDirectory(addressBook, loginAt(addressBook.login, user, own), user, memory, breakerOf) : undefined,
  }
}

/** LDAP before the book. Undefined where there is none. */
export function addressList(shared: AddressList | undefined, own: AddressList, measured: Measure): Directory | undefined {
  const ldap = shared?.ldap ?? own.ldap, book = shared?.book ?? own.book
  const books = [ldap && measured<Directory>('ldap', ldap), book && measured<Directory>('dav', book)].flatMap(one => one ?? [])
  return books.length > 0 ? directories(books) : undefined
}

/** Asks for the DNs of a user's groups. Without an LDAP directory to read them in nobody knows. */
export const groupsAsked = (ldap: LdapDirectory | undefined, { login, addresses: [address = login] }: Person) => async (): Promise<readonly string[]> => {
  if (!ldap) throw new Failure('unavailable', "the directory is read with users' passwords, and the user shows none")
  return ldap.groups({ login, address })
}

export function closeList({ ldap, book }: AddressList): void {
  ldap?.close()
  book?.close()
}

const usualMost = 1000, usualPatience = 10

function bookDirectory(config: BookConfig, login: Login, user: DavUser, { lists, copies }: DavMemory, breakerOf?: BreakerOf): BookDirectory {
  const { url, most = usualMost, timeoutSeconds = usualPatience } = config
  const client = davClient(config, login, timeoutSeconds, breakerOf?.(new URL(url).origin))
  const path = withSlash(new URL(fillPath(url, user)).pathname)
  const book = davBook({ client, changes: davChanges(client, lists), copies, kind: 'gal', look: () => lookAtBook(client, path), path, most })
  return { ...davDirectory({ client, books: async () => [book], most }), book, close: () => void client.close() }
}

/** The user's own contacts, of all address books. */
export function contactsDirectory(store: DavStore, client: DavClient, { lists, copies }: DavMemory, trouble?: (error: unknown) => void): Directory {
  const changes = davChanges(client, lists)
  const known = new Map<string, DavBook>()
  return davDirectory({
    client, most: usualMost, ...(trouble ? { trouble } : {}),
    books: async () => (await store.books()).map(({ path }) => {
      const book = known.get(path) ?? davBook({ client, changes, copies, kind: 'contact', look: () => lookAtBook(client, path), path, most: usualMost })
      known.set(path, book)
      return book
    }),
  })
}

/** What a user is called in addresses of a DAV server. */
export function davUser({ login, addresses: [address = login] }: Person): DavUser {
  const at = address.lastIndexOf('@')
  return { login, local: at < 0 ? address : address.slice(0, at), domain: at < 0 ? '' : address.slice(at + 1) }
}

/** The user's credentials as a DAV server takes them. */
export const loginAt = (template: string | undefined, user: DavUser, own: Login): Login =>
  ({ ...own, user: template === undefined ? user.login : fillText(template, user) })

function fillDn(template: string, person: Person): string {
  const [local = '', domain = ''] = person.addresses[0]!.split('@')
  return Object.entries({ login: person.login, local, domain }).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => escapeDn(value)), template)
}

/** RFC 4514, Converting an AttributeValue from ASN.1 to a String. */
const escapeDn = (value: string): string => value.replace(/[,+"\\<>;=]|^[# ]| $/g, '\\$&').replaceAll('\0', '\\00')

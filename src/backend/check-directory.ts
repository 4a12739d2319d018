import { Failure } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'
import { silent } from '../base/log.ts'
import type { Directory, Person } from '../model/ports.ts'
import { closeList, groupsAsked, ownList, sharedList, type BookDirectory, type DavMemory } from './address-list.ts'
import { bad, complaint, good, type Finding } from './check-finding.ts'
import { davMemory, loginOf, type Backend, type BackendsConfig } from './connect.ts'
import { isRefusal } from './dav-client.ts'
import { identities } from './identity.ts'
import type { Login } from './imap-connection.ts'
import type { LdapDirectory } from './ldap.ts'
import { memberships } from './memberships.ts'

const counted = 100

/** The address list, in LDAP, in an address book, or in both. */
export async function checkDirectory(backend: Backend, person: Person, login: Login, memory: DavMemory): Promise<Finding[]> {
  if (!backend.directory && !backend.addressBook) return [good('No directory is configured: phones find nobody in the address list.')]
  const shared = sharedList(backend, memory), own = ownList(backend, person, login, memory)
  try {
    return [
      ...(backend.directory ? await checkLdap(backend.directory, shared.ldap ?? own.ldap, person) : []),
      ...(backend.addressBook ? await checkBook(backend.addressBook, (shared.book ?? own.book)!, person) : []),
    ]
  } finally {
    closeList(shared)
    closeList(own)
  }
}

/** Which of the groups that rules name a user is in. */
export async function checkGroups(config: Pick<BackendsConfig, 'backends'>, credentials: Credentials, groups: readonly string[]): Promise<Finding[]> {
  if (groups.length === 0) return []
  const { backend, person } = identities(config.backends)(credentials.user)
  const { login } = person, own = loginOf(login, credentials), memory = davMemory()
  if (!backend.directory) return [good(`The backend of ${login} has no directory: of the rules for groups none concerns its users.`)]
  const shared = sharedList(backend, memory), lists = [shared, ownList(backend, person, own, memory)]
  try {
    const asked = groupsAsked(lists.flatMap(({ ldap }) => ldap ?? [])[0], person), known = memberships(silent).of(login, asked)
    const there = await Promise.all(groups.map(async group => [group, await known.has(group)] as const))
    return there.map(([group, is]) => good(`The directory ${is ? 'has' : 'does not have'} ${login} in the group ${group}.`))
  } catch (error) {
    return [bad(`The groups of ${login} are not known: the directory ${complaint(error, 'the login')}. While that is so, who is not known yet is let in by nobody.`)]
  } finally {
    lists.forEach(closeList)
  }
}

async function checkLdap(config: NonNullable<Backend['directory']>, directory: LdapDirectory | undefined, person: Person): Promise<Finding[]> {
  const name = `The directory at ${config.url}`
  if (!directory) return [bad(`${name} is read with the user's password, and the user shows none.`)]
  const who = config.bindAs ? 'as the user' : config.bind ? `as ${config.bind.dn}` : 'anonymously'
  try {
    const count = await directory.count(counted)
    if (count === 0) return [bad(`${name} answers, but shows nobody below ${config.base} when it is read ${who}.`)]
    return [good(`${name} answers and shows ${count === counted ? `${counted} entries or more` : `${count} entries`} when it is read ${who}.`), await knows(directory, person)]
  } catch (error) {
    return [bad(`${name} ${complaint(error, 'the login')}.`)]
  }
}

async function checkBook({ url, account }: NonNullable<Backend['addressBook']>, directory: BookDirectory, person: Person): Promise<Finding[]> {
  const name = `The address book at ${url}`, who = account ? `as ${account.user}` : 'as the user'
  try {
    const people = await directory.book.all(), [first] = people
    if (!first) return [bad(`${name} answers, but shows nobody with an address when it is read ${who}.`)]
    return [
      good(`${name} answers and shows ${people.length} ${people.length === 1 ? 'person' : 'people'} with an address when it is read ${who}.`),
      good(await directory.book.looks(first.displayName) ? 'Its server looks for names itself.'
        : 'Its server does not look for names: Postern reads the whole book and keeps it up to date.'),
      await knows(directory, person),
    ]
  } catch (error) {
    if (error instanceof Failure && isRefusal(error)) return [bad(`${name} answers and refuses ${account ? account.user : 'the user'}.`)]
    return [bad(`${name} ${complaint(error, 'the login')}.`)]
  }
}

async function knows(directory: Directory, { addresses: [address = ''] }: Person): Promise<Finding> {
  const { entries: [own] } = await directory.resolve(address, 1)
  return good(own ? `It knows ${address} as ${own.displayName}.` : `It does not know ${address}.`)
}

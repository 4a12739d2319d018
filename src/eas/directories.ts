import { Failure } from '../base/failure.ts'
import { directories } from '../model/directories.ts'
import type { Entries, Entry } from '../model/directory.ts'
import type { Directory, Stores } from '../model/ports.ts'
import { soon } from './folders.ts'
import { outcome } from './outcome.ts'

/** Whom a recipient means, and the book that knows more of them; none for the user, who is known without one. */
export type Meant = Entries & { readonly book: Directory | undefined }

/** The user as an entry of the address list. */
function self({ person: { addresses: [first, ...more], displayName } }: Stores): Entry | undefined {
  return first === undefined ? undefined : { id: '', kind: 'gal', displayName: displayName ?? first, addresses: [first, ...more] }
}

/**
 * Whom a recipient means, in the address list and in the user's own contacts; who is in both is of the address list. The user's own addresses
 * are known also where neither has them.
 */
export async function resolveRecipient(stores: Stores, recipient: string, most: number): Promise<Meant> {
  const { directory, contacts } = stores
  const me = self(stores), wanted = (/<([^<>]+)>\s*$/.exec(recipient)?.[1] ?? recipient).trim().toLowerCase()
  const isMe = me !== undefined && [me.displayName, ...me.addresses].some(name => name.toLowerCase() === wanted)
  const otherwise: Meant = isMe ? { entries: [me], total: 1, book: undefined } : { entries: [], total: 0, book: undefined }
  const listed = async (): Promise<Meant | undefined> => {
    const found = await directory?.resolve(recipient, most)
    return found && found.total > 0 ? { ...found, book: directory } : undefined
  }
  if (!contacts) return await listed() ?? otherwise
  const book = directories([...(directory ? [directory] : []), patient(contacts)])
  const found = await outcome(book.resolve(recipient, most))
  if (!(found instanceof Failure)) return found.total > 0 ? { ...found, book } : otherwise
  // Whom the address list knows need not wait for contacts that cannot be read now, and who is refused by their server has none.
  const known = await listed()
  if (known || isMe || found.kind === 'denied') return known ?? otherwise
  throw found
}

/** Contacts that are worth no longer wait than news of them are. */
const patient = (contacts: Directory): Directory => {
  const wait = async <T>(work: Promise<T>): Promise<T> => {
    const found = await soon(work)
    if (found instanceof Failure) throw found
    return found
  }
  return {
    search: (words, most) => wait(contacts.search(words, most)), resolve: (recipient, most) => wait(contacts.resolve(recipient, most)),
    photo: id => wait(contacts.photo(id)), certificates: id => wait(contacts.certificates(id)),
    members: (id, most) => wait(contacts.members(id, most)),
  }
}

/** Throws `not-found` where there is no address list. */
export function addressList({ directory }: Stores): Directory {
  if (!directory) throw new Failure('not-found', 'no directory is configured')
  return directory
}

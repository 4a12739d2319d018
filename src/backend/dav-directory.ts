import { Failure } from '../base/failure.ts'
import { cardCertificates } from '../formats/contact-entry.ts'
import { readContact } from '../formats/contact-read.ts'
import type { Entries, Entry } from '../model/directory.ts'
import type { Directory } from '../model/ports.ts'
import { folded, plainOf, readCard, type DavBook } from './dav-book.ts'
import type { DavClient, DavServer } from './dav-client.ts'
import { nameOf, wordsOf } from './recipient-words.ts'

/** An address book of a CardDAV server that is everybody's address list. */
export type BookConfig = Pick<DavServer, 'url' | 'login' | 'rejectUnauthorized' | 'ca'> & {
  /** Reads with this account; with the user's own credentials where absent. */
  readonly account?: { readonly user: string; readonly password: string }
  /** Entries one search may find. Default 1000. */
  readonly most?: number
  /** Seconds for the connection and for each answer. Default 10. */
  readonly timeoutSeconds?: number
}

export type DavDirectoryOptions = {
  readonly client: DavClient
  /** One, or all of a user. */
  readonly books: () => Promise<readonly DavBook[]>
  readonly most: number
  /** Hears of what went wrong at the server. */
  readonly trouble?: (error: unknown) => void
}

/** RFC 6352, people of address books. An id is the path of a card. */
export function davDirectory({ client, books, most: limit, trouble = () => {} }: DavDirectoryOptions): Directory {
  const collator = new Intl.Collator(undefined, { sensitivity: 'base' })

  /** The server looks for a piece of the text, the rest is done here. */
  async function find(said: string, is: (entry: Entry) => boolean, most: number): Promise<Entries> {
    const text = plainOf(said)
    const found = await Promise.all((await books()).map(async book => text === undefined ? book.all() : (await book.find(text)).entries))
    const entries = found.flatMap(one => one.filter(is))
    entries.sort((a, b) => collator.compare(a.displayName, b.displayName))
    return { entries: entries.slice(0, Math.min(most, limit)), total: entries.length }
  }

  function search(said: string, most: number): Promise<Entries> {
    const words = wordsOf(said).map(folded)
    return find(words.join(' '), entry => words.every(word => begins(entry, word)), most)
  }

  async function resolve(recipient: string, most: number): Promise<Entries> {
    const name = nameOf(recipient), wanted = folded(name)
    if (name.includes('@')) {
      const { entries, total } = await find(name, ({ addresses }) => addresses.some(one => folded(one) === wanted), most)
      const own = entries.filter(({ addresses: [first] }) => folded(first) === wanted)
      return own.length === 1 ? { entries: own, total: 1 } : { entries, total }
    }
    const exact = await find(name, ({ displayName }) => folded(displayName) === wanted, 2)
    return exact.total === 1 ? exact : search(name, most)
  }

  const told = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => {
    trouble(error)
    throw error
  })

  return {
    search: async (words, most) => told(search(words, most)),
    resolve: (recipient, most) => told(resolve(recipient, most)),
    photo: id => told(readCard(client, id).then(octets => octets && understood(() => readContact(octets).picture))),
    certificates: id => told(readCard(client, id).then(octets => ({ members: 1, certificates: (octets && understood(() => cardCertificates(octets))) ?? [] }))),
    // Groups of address books have hardly ever an address.
    members: async () => undefined,
  }
}

function understood<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** As in other directories: the name, a word of it, or an address begins so. Nicknames are nobody's account, and not looked for by all servers. */
const begins = ({ displayName, addresses }: Entry, word: string): boolean =>
  [displayName, ...addresses].some(value => folded(value).startsWith(word)) || folded(displayName).includes(` ${word}`)

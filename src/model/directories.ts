import type { Entries, Entry } from './directory.ts'
import type { Directory } from './ports.ts'

/**
 * Several books as one. Somebody who is in more than one, by any address, is told once, as the first of them does; a photo and
 * certificates are those of the first that has any. A book that fails fails all.
 */
export function directories(books: readonly Directory[]): Directory {
  const [only] = books
  if (only && books.length === 1) return only

  async function gather(ask: (book: Directory) => Promise<Entries>, most: number): Promise<Entries> {
    const found = await Promise.all(books.map(ask))
    const people: Person[] = [], byAddress = new Map<string, Person>()
    let same = 0
    for (const [book, { entries }] of found.entries()) {
      for (const entry of entries) {
        const known = entry.addresses.map(address => byAddress.get(address.toLowerCase())).find(one => one !== undefined)
        // Two of one book are two there.
        if (known && known.places.every(place => place[0] !== book)) {
          known.places.push([book, entry.id])
          same++
        } else {
          const person: Person = { entry, places: [[book, entry.id]] }
          people.push(person)
          for (const address of entry.addresses) if (!byAddress.has(address.toLowerCase())) byAddress.set(address.toLowerCase(), person)
        }
      }
    }
    const entries = people.map(({ entry, places }) => ({ ...entry, id: JSON.stringify(places) }))
    entries.sort((a, b) => collator.compare(a.displayName, b.displayName))
    return { entries: entries.slice(0, most), total: found.reduce((sum, { total }) => sum + total, 0) - same }
  }

  async function firstOf<T>(id: string, ask: (book: Directory, id: string) => Promise<T>, isSome: (found: T) => boolean): Promise<T | undefined> {
    let first: T | undefined
    for (const [at, inside] of JSON.parse(id) as Places) {
      const found = await ask(books[at]!, inside)
      if (isSome(found)) return found
      first ??= found
    }
    return first
  }

  return {
    search: (words, most) => gather(book => book.search(words, most), most),
    async resolve(recipient, most) {
      const { entries, total } = await gather(book => book.resolve(recipient, most), most)
      const exact = entries.filter(entry => isCalled(entry, recipient))
      return exact.length === 1 && total > 1 ? { entries: exact, total: 1 } : { entries, total }
    },
    photo: id => firstOf(id, (book, inside) => book.photo(inside), found => found !== undefined),
    certificates: async id => await firstOf(id, (book, inside) => book.certificates(inside), found => found.certificates.length > 0) ?? { members: 1, certificates: [] },
    members: (id, most) => firstOf(id, (book, inside) => book.members(inside, most), found => found !== undefined),
  }
}

type Places = [book: number, id: string][]
type Person = { readonly entry: Entry; readonly places: Places }

const collator = new Intl.Collator(undefined, { sensitivity: 'base' })

/** Whether that is somebody's own name, not the beginning of it. An address may be several people's. */
function isCalled({ displayName, alias }: Entry, recipient: string): boolean {
  const wanted = recipient.trim().toLowerCase()
  return displayName.toLowerCase() === wanted || alias?.toLowerCase() === wanted
}

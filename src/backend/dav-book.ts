import type { LRUCache } from 'lru-cache'
import { Failure } from '../base/failure.ts'
import { readCardEntry } from '../formats/contact-entry.ts'
import type { Entry } from '../model/directory.ts'
import type { DavChanges, DavPlace } from './dav-changes.ts'
import { isUnableTo, octetsOf, type DavClient } from './dav-client.ts'
import { askForAll, objectRows, type ObjectRow } from './dav-rows.ts'
import { document, escapeXml, names, readMultistatus } from './dav-xml.ts'

/** Everybody of a book, kept where its server does not look for names; by user and address of the book. */
export type DavCopies = LRUCache<string, DavCopy>
export type DavCopy = { readonly token: string; readonly entries: ReadonlyMap<string, Entry>; readonly state: DavPlace['state']; readonly at: number }

export type DavBook = {
  /**
   * Those in whose names or addresses the text is, and maybe others. It is to be of plain letters of ASCII: what servers make of others, and
   * of nicknames, differs. Throws `too-large` for a book that is too large to be looked through.
   */
  find(text: string): Promise<Found>
  /** Everybody. Throws `too-large`. */
  all(): Promise<readonly Entry[]>
  /** Whether the server finds somebody of that name by a part of it. */
  looks(name: string): Promise<boolean>
}

/** `complete` false: there may be more. */
type Found = { readonly entries: readonly Entry[]; readonly complete: boolean }

export type DavBookOptions = {
  readonly client: DavClient
  readonly changes: DavChanges
  readonly copies: DavCopies
  readonly kind: Entry['kind']
  /** The book as it is now; one request. */
  readonly look: () => Promise<DavPlace>
  readonly path: string
  /** Entries one search may find. */
  readonly most: number
}

const { carddav } = names
/** Seconds a copy is believed; cards named in one REPORT; cards of a book that is read as a whole. */
const fresh = 60, batch = 100, largest = 50_000
/** Milliseconds that a server may look for somebody, before it is spared that. */
const slow = 1000
/** So many answers, of which less than half have the text, are those of a server that does not look for it. */
const suspicious = 20

/** What is read of a card for a list (RFC 6352, CARDDAV:address-data): not the picture. */
const shown = ['VERSION', 'UID', 'KIND', 'FN', 'N', 'NICKNAME', 'EMAIL', 'TEL', 'TITLE', 'ORG', 'X-ABSHOWAS', 'X-ABLABEL', 'X-MS-TEL', 'X-OFFICE', 'X-EVOLUTION-OFFICE']
const data = `<D:prop><D:getetag/><A:address-data>${shown.map(name => `<A:prop name="${name}"/>`).join('')}</A:address-data></D:prop>`

/**
 * RFC 6352, one address book, in which people are found. The server is asked for them (CARDDAV:addressbook-query). Where it does not look for
 * text, or does so wrongly or slowly, the book is read once and kept up to date.
 */
export function davBook({ client, changes, copies, kind, look, path, most }: DavBookOptions): DavBook {
  const slot = `${client.user}\0${client.origin}${path}`
  /** Whether the server looks for text: not known until it found somebody by a part of a name, and nothing it says is believed until then. */
  let filters: boolean | undefined
  let reading: Promise<readonly Entry[]> | undefined

  async function query(text: string): Promise<Found> {
    const match = `<A:text-match collation="i;unicode-casemap" match-type="contains">${escapeXml(text)}</A:text-match>`
    const filter = ['FN', 'EMAIL'].map(name => `<A:prop-filter name="${name}">${match}</A:prop-filter>`).join('')
    const body = document('A:addressbook-query', `${data}<A:filter test="anyof">${filter}</A:filter><A:limit><A:nresults>${most + 1}</A:nresults></A:limit>`)
    const { objects, partial } = objectRows(await report(body), path)
    return { entries: entriesOf(objects, kind, path), complete: !partial && objects.length <= most }
  }

  const report = async (body: string) =>
    (await readMultistatus((await client.ask({ method: 'REPORT', path, headers: { depth: '1' }, body })).body)).rows

  async function find(text: string): Promise<Found> {
    if (copies.has(slot)) return { entries: await all(), complete: true }
    const begun = performance.now()
    const asked = filters === false ? undefined : await query(text).catch((error: unknown) => {
      if (isUnableTo(error)) return undefined
      // A server that takes too long to look may still hand out the book piece by piece.
      if (performance.now() - begun > slow) filters = false
      throw error
    })
    if (!asked) filters = false
    // Some look for a name by reading all there is, each time: they are asked for that once.
    if (performance.now() - begun > slow) void all().catch(() => {})
    const fitting = asked?.entries.filter(entry => holds(entry, text)) ?? []
    if (asked && asked.entries.length > suspicious && fitting.length * 2 < asked.entries.length) filters = false
    if (fitting.some(entry => valuesOf(entry).some(value => value.includes(folded(text)) && value !== folded(text)))) filters ??= true
    if (asked?.complete && (filters || (fitting.length > 0 && text.includes('@')))) return asked
    return all().then(entries => {
      if (asked?.complete && entries.filter(entry => holds(entry, text)).length > fitting.length) filters = false
      return { entries, complete: true }
    }, (error: unknown) => {
      if (asked && error instanceof Failure && error.kind === 'too-large') return { ...asked, complete: false }
      throw error
    })
  }

  async function all(): Promise<readonly Entry[]> {
    const known = copies.get(slot)
    if (known && performance.now() - known.at < fresh * 1000) return [...known.entries.values()]
    reading ??= read(known).finally(() => { reading = undefined })
    return reading
  }

  async function read(before: DavCopy | undefined): Promise<readonly Entry[]> {
    const where = await look(), { state } = where
    const at = performance.now()
    const isSame = before !== undefined && await changes.isSame(where, before.token, state)
    const entries = isSame ? before.entries : undefined
    const copy = entries ? { ...before!, state, at } : { ...await updated(where, before), state, at }
    copies.set(slot, copy, { size: sizeOf(copy) })
    return [...copy.entries.values()]
  }

  async function updated(where: DavPlace, before: DavCopy | undefined): Promise<{ token: string; entries: Map<string, Entry> }> {
    const found = await changes.changes(where, before?.token).catch((error: unknown) => {
      if (before && error instanceof Failure && error.kind === 'stale') return undefined
      throw error
    })
    if (!found) return updated(where, undefined)
    const entries = new Map(before?.entries)
    for (const name of [...found.gone, ...found.present.map(({ name }) => name)]) entries.delete(name)
    if (entries.size + found.present.length > largest) throw new Failure('too-large', 'the address book is too large to be read as a whole')
    for (let from = 0; from < found.present.length; from += batch) await multiget(found.present.slice(from, from + batch).map(({ name }) => name), entries)
    return { token: found.token, entries }
  }

  const multiget = (all: readonly string[], into: Map<string, Entry>): Promise<void> => askForAll(all, async wanted => {
    const hrefs = wanted.map(name => `<D:href>${escapeXml(path + encodeURIComponent(name))}</D:href>`).join('')
    const { objects, partial } = objectRows(await report(document('A:addressbook-multiget', data + hrefs)), path)
    for (const row of objects) {
      const [entry] = entriesOf([row], kind, path)
      if (entry) into.set(row.name, entry)
    }
    return { told: new Set(objects.map(({ name }) => name)), partial }
  })

  return {
    find, all,
    async looks(name) {
      const part = plainOf(name)?.slice(0, -1)
      if (part === undefined) return filters === true
      const { entries } = await query(part).catch((error: unknown) => {
        if (isUnableTo(error)) return { entries: [] }
        throw error
      })
      return entries.length > 0 && entries.every(entry => holds(entry, part))
    },
  }
}

/** Octets, about. */
const sizeOf = ({ entries }: DavCopy): number => 200 + entries.size * 700

const valuesOf = ({ displayName, addresses }: Entry): string[] => [displayName, ...addresses].map(folded)

/** Whether a name or an address has the text in it. */
const holds = (entry: Entry, text: string): boolean => valuesOf(entry).some(value => value.includes(folded(text)))

/** What of a text servers agree about: the longest run of plain letters, as long as it says anything. */
export function plainOf(text: string): string | undefined {
  const runs = folded(text).match(/[\w@.+-]+/g) ?? []
  const longest = runs.reduce((a, b) => b.length > a.length ? b : a, '')
  return longest.length > 1 ? longest : undefined
}

/** Text as it is compared. */
export const folded = (text: string): string => text.normalize('NFC').toLowerCase()

/** A card that nobody understands is left out. */
function entriesOf(objects: readonly ObjectRow[], kind: Entry['kind'], path: string): Entry[] {
  return objects.flatMap(({ name, properties, trouble }) => {
    if (trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${trouble} for an object`)
    const text = properties.get(`${carddav}address-data`)?.text
    if (text === undefined) return []
    try {
      return readCardEntry(Buffer.from(text), path + encodeURIComponent(name), kind) ?? []
    } catch (error) {
      if (error instanceof Failure) return []
      throw error
    }
  })
}

/** One card, octet for octet; undefined where it is not there any more. */
export async function readCard(client: DavClient, path: string): Promise<Uint8Array | undefined> {
  const answer = await client.ask({ method: 'GET', path, expect: [404, 410] })
  const octets = await octetsOf(answer, mostOctets)
  if (answer.status >= 400) return undefined
  if (!/BEGIN:VCARD/i.test(octets.toString('latin1', 0, 1000))) throw new Failure('unavailable', 'the DAV server answers with something else than a vCard')
  return octets
}

const mostOctets = 32 * 1024 * 1024

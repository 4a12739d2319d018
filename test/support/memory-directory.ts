import { readFileSync } from 'node:fs'
import { Failure } from '../../src/base/failure.ts'
import type { Entries, Entry } from '../../src/model/directory.ts'
import type { Directory } from '../../src/model/ports.ts'

export type MemoryPerson = Omit<Entry, 'id' | 'kind'> & {
  readonly kind?: Entry['kind']
  readonly photo?: Uint8Array
  readonly certificates?: readonly Uint8Array[]
  readonly members?: number
  /** Those of the members. */
  readonly memberAddresses?: readonly string[]
}

/** Of Bob Builder, signed by himself, valid until 2126. */
export const bobPem = readFileSync(new URL('../golden/bob.pem', import.meta.url), 'utf8')
export const bobDer = Buffer.from(bobPem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')

/** An address book in memory; `outage` is thrown by whatever is asked. */
export class MemoryDirectory implements Directory {
  readonly people: MemoryPerson[]
  outage: Failure | undefined

  constructor(people: readonly MemoryPerson[]) {
    this.people = people.toSorted((a, b) => a.displayName < b.displayName ? -1 : 1)
  }

  async search(words: string, most: number): Promise<Entries> {
    this.#reach()
    if (!words.trim()) throw new Failure('malformed', 'no word')
    return this.#found(most, person => words.toLowerCase().trim().split(/\s+/).every(word => this.#texts(person).some(text => text.startsWith(word))))
  }

  async resolve(recipient: string, most: number): Promise<Entries> {
    this.#reach()
    const wanted = recipient.toLowerCase()
    const exact = this.#found(most, ({ displayName, addresses }) => [displayName, ...addresses].some(name => name.toLowerCase() === wanted))
    return exact.total === 1 || wanted.includes('@') ? exact : this.search(recipient, most)
  }

  async photo(id: string): Promise<Uint8Array | undefined> {
    this.#reach()
    return this.people[Number(id)]?.photo
  }

  async certificates(id: string): Promise<{ members: number; certificates: readonly Uint8Array[] }> {
    this.#reach()
    const { members = 1, certificates = [] } = this.people[Number(id)] ?? {}
    return { members, certificates }
  }

  async members(id: string, most: number): Promise<{ total: number; addresses: readonly string[] } | undefined> {
    this.#reach()
    const { members, memberAddresses = [] } = this.people[Number(id)] ?? {}
    return members === undefined ? undefined : { total: members, addresses: memberAddresses.slice(0, most) }
  }

  #reach(): void {
    if (this.outage) throw this.outage
  }

  #texts({ displayName, addresses, alias = '' }: MemoryPerson): string[] {
    return [...displayName.split(' '), ...addresses, alias].map(text => text.toLowerCase())
  }

  #found(most: number, is: (person: MemoryPerson) => boolean): Entries {
    const entries = this.people.flatMap((person, n) => is(person) ? [{ ...person, kind: person.kind ?? 'gal', id: String(n) } as const] : [])
    return { entries: entries.slice(0, most), total: entries.length }
  }
}

export const builders = (): MemoryDirectory => new MemoryDirectory([
  {
    displayName: 'Bob Builder', addresses: ['bob@postern.test', 'bob.builder@postern.test'], alias: 'bob', firstName: 'Bob', lastName: 'Builder',
    phone: '+1 555', homePhone: '+1 556', mobilePhone: '+1 557', title: 'Head', company: 'Postern', office: 'B 12', photo: Buffer.from('ffd8ff0102', 'hex'),
    certificates: [bobDer],
  },
  { displayName: 'Carol Builder', addresses: ['carol@postern.test'], kind: 'contact' },
  { displayName: 'Dörte Builder', addresses: ['doerte@postern.test'], photo: Buffer.alloc(5000, 1) },
  { displayName: 'All Hands', addresses: ['all@postern.test'], members: 3, certificates: [bobDer, bobDer] },
])

import type { Entry } from '../model/directory.ts'
import type { Directory } from '../model/ports.ts'
import { freeBusy, together, type Availability } from './availability.ts'
import type { Call } from './command.ts'
import { mostRecipients, type ResolveRequest } from './commands/resolve-request.ts'
import type { Meant } from './directories.ts'

/** When somebody has time, or why that is not told: asked of too many, of too large a group, not now, not at all. */
export type Time = { readonly digits: string } | 'too many' | 'too large' | 'later' | 'unknown'

/** [MS-ASCMD] To (ResolveRecipients): members of a group whose time is told. */
const mostMembers = 20

/** Of each who is meant without a doubt; that of a group is that of all members. */
export async function recipientsTimes(call: Call, { availability, to }: ResolveRequest, found: readonly Meant[]): Promise<ReadonlyMap<Entry, Time>> {
  if (!availability) return new Map()
  const certain = found.flatMap(({ total, entries: [entry], book }) => total === 1 && entry ? [{ entry, book }] : [])
  if (to.length >= mostRecipients) return new Map(certain.map(({ entry }) => [entry, 'too many']))
  const asked = await Promise.all(certain.map(async ({ entry, book }) => [entry, await addressesOf(entry, book)] as const))
  const of = await freeBusy(call, asked.flatMap(([, addresses]) => addresses === 'too large' ? [] : addresses.flatMap(one => one ?? [])), availability)
  const time = (addresses: Addresses): Time => addresses === 'too large' ? addresses
    : told(together(addresses.map(address => address === undefined ? undefined : of(address)), availability))
  return new Map(asked.map(([entry, addresses]) => [entry, time(addresses)]))
}

/** Undefined for a member who has none. */
type Addresses = readonly (string | undefined)[] | 'too large'

async function addressesOf(entry: Entry, book: Directory | undefined): Promise<Addresses> {
  const members = await book?.members(entry.id, mostMembers)
  if (!members) return [entry.addresses[0]]
  return members.total > mostMembers ? 'too large' : Array.from({ length: members.total }, (_, at) => members.addresses[at])
}

const told = (one: Availability): Time => one ?? 'unknown'

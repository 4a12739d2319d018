import { Failure } from '../base/failure.ts'
import type { Entries, Entry } from '../model/directory.ts'
import type { Directory, Stores } from '../model/ports.ts'

/** Whom an entry was found by; undefined for the user, who is known without a directory. */
export const directoryOf = ({ directory }: Stores, { id }: Entry): Directory | undefined => id === own ? undefined : directory

const own = ''

/** The user as an entry of the address list. */
function self({ person: { addresses: [first, ...more], displayName } }: Stores): Entry | undefined {
  return first === undefined ? undefined : { id: own, kind: 'gal', displayName: displayName ?? first, addresses: [first, ...more] }
}

/** Whom a recipient means. The user's own addresses are known also where no directory has them. */
export async function resolveRecipient(stores: Stores, recipient: string, most: number): Promise<Entries> {
  const found = await stores.directory?.resolve(recipient, most) ?? { entries: [], total: 0 }
  if (found.total > 0) return found
  const me = self(stores), wanted = (/<([^<>]+)>\s*$/.exec(recipient)?.[1] ?? recipient).trim().toLowerCase()
  const isMe = me !== undefined && [me.displayName, ...me.addresses].some(name => name.toLowerCase() === wanted)
  return isMe ? { entries: [me], total: 1 } : found
}

/** Throws `not-found` where there is no address list. */
export function addressList({ directory }: Stores): Directory {
  if (!directory) throw new Failure('not-found', 'no directory is configured')
  return directory
}

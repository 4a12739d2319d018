import { createHash } from 'node:crypto'

/**
 * Objects a client is known to hold, and in which version: names and versions as digests of 48 bits, which a number holds exactly. It is
 * found by the client's key, which other processes may print for other answers. So a version may be in it only if whoever has that key
 * holds it: the one of the state that the key's token stands for, or what the client has written itself.
 */
export type Held = ReadonlyMap<number, number>

const digest48 = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6)

export const isHeld = (held: Held, name: string): boolean => held.has(digest48(name))
export const holdsVersion = (held: Held, name: string, etag: string): boolean => etag !== noVersion && held.get(digest48(name)) === digest48(etag)

/** Of what is held in a version that nobody can name; none has it. */
export const noVersion = ''
const noDigest = digest48(noVersion)

/** It is held, in a version that is known and another one. */
export function holdsOther(held: Held, name: string, etag: string): boolean {
  const version = held.get(digest48(name))
  return version !== undefined && version !== noDigest && version !== digest48(etag)
}

/** What is held after some has been told, or made by the client; undefined for what it has no longer. */
export function nowHeld(held: Held, told: Iterable<readonly [name: string, etag: string | undefined]>): Held {
  const now = new Map(held)
  for (const [name, etag] of told) {
    if (etag === undefined) now.delete(digest48(name))
    else now.set(digest48(name), digest48(etag))
  }
  return now
}

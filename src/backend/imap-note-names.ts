import { stale } from '../base/failure.ts'

/**
 * What notes of a mailbox are called. A message cannot be changed: an edit is another message with another UID. A note is called by the UID
 * it was first told by (`born`), which the edits of this program carry along in a header field; those of other programs do not, and are
 * told as one note that went and one that came. Whoever is asked must find the same names, also of what is gone: a message that was
 * expunged says nothing any more. So a note whose name is not its UID has it while it is among the `mostKept` newest of these, and a token
 * carries those.
 */
export type Born = { readonly uid: number; readonly born: number }

/** UIDs by names: of several messages with one name the newest is the note, the others are what it was before. */
export type Names = ReadonlyMap<number, number>

/** A mailbox of notes at one moment, and the names that are not UIDs. */
export type NotesState = { readonly validity: number; readonly uidNext: number; readonly modseq: bigint; readonly kept: readonly Born[] }

const mostKept = 3

/** Those that keep their name, newest first. */
export function keptOf(messages: Iterable<Born>): readonly Born[] {
  const found = new Map<number, Born>()
  for (const one of [...messages].sort((a, b) => b.uid - a.uid)) if (one.born < one.uid && !found.has(one.born)) found.set(one.born, one)
  return [...found.values()].slice(0, mostKept)
}

export function namesOf(messages: Iterable<Born>, kept: readonly Born[]): Names {
  const names = new Map<number, number>(), newest = new Map(kept.map(({ uid, born }) => [born, uid]))
  for (const { uid, born } of messages) if (uid >= (newest.get(born) ?? 0)) names.set(newest.has(born) ? born : uid, uid)
  return names
}

/** A name as others see it: it can never mean a message from before the mailbox was made anew. */
export const printName = (validity: number, born: number): string => `${validity.toString(36)}-${born.toString(36)}`

/** Undefined for what is no name of this mailbox. */
export function parseName(name: string, validity: number): number | undefined {
  const [, mark, born] = /^([0-9a-z]{1,7})-([0-9a-z]{1,7})$/.exec(name) ?? []
  return born !== undefined && parseInt(mark!, 36) === validity ? parseInt(born, 36) : undefined
}

/** In hexadecimal digits, which a sync key holds as octets. */
export function printToken({ validity, uidNext, modseq, kept }: NotesState): string {
  const numbers = [BigInt(validity), BigInt(uidNext), modseq, ...kept.flatMap(({ uid, born }) => [BigInt(uidNext - uid), BigInt(uid - born)])]
  return Buffer.from(numbers.flatMap(sevenBits)).toString('hex')
}

function sevenBits(number: bigint): number[] {
  const low = Number(number & 127n)
  return number < 128n ? [low] : [low | 128, ...sevenBits(number >> 7n)]
}

/** Throws `stale` for what is no token. */
export function parseToken(token: string): NotesState {
  const numbers: bigint[] = []
  let number = 0n, shift = 0n
  for (const octet of Buffer.from(token, 'hex')) {
    number |= BigInt(octet & 127) << shift
    shift = octet & 128 ? shift + 7n : 0n
    if (shift > 63n) throw stale('version', 'a token that is none')
    if (shift === 0n) {
      numbers.push(number)
      number = 0n
    }
  }
  const [validity, uidNext, modseq, ...rest] = numbers
  if (modseq === undefined || shift > 0n || rest.length % 2 || rest.length > mostKept * 2) throw stale('version', 'a token that is none')
  const kept: Born[] = []
  for (let at = 0; at < rest.length; at += 2) {
    const uid = Number(uidNext) - Number(rest[at])
    kept.push({ uid, born: uid - Number(rest[at + 1]) })
  }
  return { validity: Number(validity), uidNext: Number(uidNext), modseq, kept }
}

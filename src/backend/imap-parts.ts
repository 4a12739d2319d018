import type { PartWish } from '../model/ports.ts'
import { setsOf } from './imap-mailbox.ts'
import { list, number, octets, pairs, type Response } from './imap-response.ts'
import { gone, type Batch, type Command } from './imap-session.ts'
import { ofUids, print } from './uid-ranges.ts'

// RFC 9051 knows no "to the end": more than any part has.
const toTheEnd = 0x7fffffff

/**
 * RFC 9051, FETCH with BODY.PEEK[section]<partial>. Wishes for the same piece of many messages become one command, several pieces of the
 * same messages too. Undefined where the message or the part is not there. PREVIEW (RFC 8970) takes no part's place: Dovecot's ends at 200
 * characters where clients ask for 255, and is of the plain text where they are shown the HTML.
 */
export function partsBatch(wishes: readonly PartWish[]): Batch<(Uint8Array | undefined)[]> {
  const pieces = new Map<string, number[]>()
  /** What was asked for, by its name in the answer and by UID; undefined until it is there. */
  const found = new Map<string, Map<number, Uint8Array | undefined>>()
  for (const wish of wishes) {
    const piece = item(wish), name = nameOf(wish)
    const uids = pieces.get(piece) ?? [], octetsOf = found.get(name) ?? new Map<number, undefined>()
    uids.push(wish.uid)
    pieces.set(piece, uids)
    found.set(name, octetsOf.set(wish.uid, undefined))
  }
  const fetches = new Map<string, string[]>()
  for (const [piece, uids] of pieces) {
    const set = print(ofUids(uids))
    fetches.set(set, [...fetches.get(set) ?? [], piece])
  }

  const on = ({ name, values }: Response): void => {
    if (name !== 'FETCH') return
    const items = [...pairs(list(values[0]))]
    const uid = number(items.find(([each]) => each === 'UID')?.[1])
    for (const [each, value] of items) {
      const octetsOf = found.get(each)
      if (value === null || !octetsOf?.has(uid)) continue
      const there = octets(value)
      // Somebody else may ask for fewer octets of the same part at the same time: its answer looks alike.
      if (there.length >= (octetsOf.get(uid)?.length ?? 0)) octetsOf.set(uid, there)
    }
  }
  const commands = [...fetches].flatMap(([set, items]) =>
    setsOf(set).map((uids): Command => ({ line: `UID FETCH ${uids} (UID ${items.join(' ')})`, on, optional: true })))
  return {
    commands,
    result: answers => {
      gone(answers)
      return wishes.map(wish => found.get(nameOf(wish))?.get(wish.uid)?.subarray(0, wish.length))
    },
  }
}

const partial = ({ offset, length }: PartWish): boolean => offset !== undefined || length !== undefined
const item = (wish: PartWish): string =>
  `BODY.PEEK[${section(wish)}]${partial(wish) ? `<${wish.offset ?? 0}.${Math.max(1, Math.min(wish.length ?? toTheEnd, toTheEnd))}>` : ''}`
const nameOf = (wish: PartWish): string => `BODY[${section(wish)}]${partial(wish) ? `<${wish.offset ?? 0}>` : ''}`

/** A section comes from a client by way of a file reference. */
const section = ({ section: wanted }: PartWish): string => /^[\d.]{0,200}(?:TEXT|MIME|HEADER)?$/.test(wanted) ? wanted : '0'

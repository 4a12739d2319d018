/** The first value of a MAPI property. Fixed types up to four octets are numbers, all others octets as they stand. */
export type Property = { readonly type: number; readonly value: number | Buffer }
/** By property id; a named one by its set and number: `6ed8da90-8233`. */
export type Properties = ReadonlyMap<number | string, Property>

const most = 5000

// [MS-OXCDATA] Property Data Types: octets of a value
const sizes: Readonly<Record<number, number>> = {
  0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0a: 4, 0x0b: 2, 0x14: 8, 0x40: 8, 0x48: 16,
}
const variable = new Set([0x0d, 0x1e, 0x1f, 0x102])

const padded = (length: number): number => length + 3 & ~3

/** [MS-OXTNEF] MsgPropertyList. Reads as far as it can be understood; never throws. */
export function readProperties(data: Buffer): Properties {
  const found = new Map<number | string, Property>()
  const input = new Input(data)
  for (let left = Math.min(input.long(), most); left > 0 && !input.ended; left--) {
    const type = input.short(), id = input.short()
    const name = id >= 0x8000 ? input.name() : id
    const property = input.values(type)
    if (!property) break
    if (name !== undefined && !found.has(name)) found.set(name, property)
  }
  return found
}

class Input {
  ended = false
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#data.length) this.ended = true
    const taken = this.#data.subarray(this.#at, this.#at + length)
    this.#at += padded(length)
    return taken
  }

  short(): number {
    const value = this.#at + 2 <= this.#data.length ? this.#data.readUInt16LE(this.#at) : 0
    this.#at += 2
    if (this.#at > this.#data.length) this.ended = true
    return value
  }

  long(): number {
    const taken = this.take(4)
    return taken.length === 4 ? taken.readUInt32LE(0) : 0
  }

  /** PropertyName: a GUID, then a number or a string. Strings are of no use here. */
  name(): string | undefined {
    const set = this.take(16)
    const kind = this.long()
    if (kind !== 0) {
      this.take(this.long())
      return undefined
    }
    const number = this.long()
    return this.ended ? undefined : `${set.readUInt32LE(0).toString(16)}-${number.toString(16)}`
  }

  /** The first of one or many; undefined where nothing is there or the type is none. */
  values(type: number): Property | undefined {
    const kind = type & 0x0fff
    const many = (type & 0x1000) !== 0, size = sizes[kind]
    if (size === undefined && !variable.has(kind)) return undefined
    const count = many || size === undefined ? this.long() : 1
    if (count > most) return undefined
    let first: Property | undefined
    for (let left = count; left > 0 && !this.ended; left--) {
      const value = this.take(size ?? this.long())
      if (!this.ended) first ??= { type: kind, value: size === 2 ? value.readInt16LE(0) : size === 4 ? value.readInt32LE(0) : value }
    }
    return this.ended ? undefined : first ?? { type: kind, value: Buffer.alloc(0) }
  }
}

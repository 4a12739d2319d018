/** Grows as it is written to; integers as the wire formats of this program want them. */
export class Writer {
  #bytes: Uint8Array
  length = 0

  constructor(size = 256) {
    this.#bytes = new Uint8Array(size)
  }

  #room(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + more))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
  }

  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.length++] = value
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.length)
    this.length += value.length
  }

  /** The bytes so far; the writer starts empty again on memory of its own. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.length)
    this.#bytes = new Uint8Array(256)
    this.length = 0
    return taken
  }
}

/** A piece of a command: text, and the literal behind it. */
export type Piece = { readonly line: string; readonly literal?: Uint8Array | undefined }

type Chunks = readonly (string | Uint8Array)[]

export type WriterOptions = {
  readonly write: (octets: string | Uint8Array) => void
  /** Whether a literal of so many octets may be sent without asking: RFC 7888, LITERAL+ and LITERAL-. */
  readonly unasked: (length: number) => boolean
}

/**
 * RFC 9051, literal: writes commands one after the other. Where a server wants to be asked before a literal, whatever comes behind waits
 * until it was taken or refused: sent earlier, the next command would be read as the literal's octets.
 */
export class CommandWriter {
  readonly #options: WriterOptions
  /** The command that waits for the server, by the runs that are left of it. */
  #asking: { readonly tag: string; readonly runs: Chunks[] } | undefined
  #queue: { readonly tag: string; readonly runs: Chunks[] }[] = []

  constructor(options: WriterOptions) {
    this.#options = options
  }

  write(tag: string, pieces: readonly Piece[]): void {
    this.#queue.push({ tag, runs: this.#runs(tag, pieces) })
    this.#flow()
  }

  /** The server asks to go on; false where no literal was announced. */
  go(): boolean {
    if (!this.#asking) return false
    this.#run(this.#asking)
    this.#flow()
    return true
  }

  /** A command was answered: a literal that was refused is not waited for any more. */
  ended(tag: string): void {
    if (this.#asking?.tag !== tag) return
    this.#asking = undefined
    this.#flow()
  }

  #flow(): void {
    while (!this.#asking && this.#queue.length > 0) this.#run(this.#queue.shift()!)
  }

  #run(command: { readonly tag: string; readonly runs: Chunks[] }): void {
    for (const chunk of command.runs.shift() ?? []) this.#options.write(chunk)
    this.#asking = command.runs.length > 0 ? command : undefined
  }

  /** What may be written in one go. */
  #runs(tag: string, pieces: readonly Piece[]): Chunks[] {
    const runs: (string | Uint8Array)[][] = [[]]
    let text = `${tag} `
    for (const { line, literal } of pieces) {
      text += line
      if (!literal) continue
      const unasked = this.#options.unasked(literal.length)
      runs.at(-1)!.push(`${text} {${literal.length}${unasked ? '+' : ''}}\r\n`)
      text = ''
      if (!unasked) runs.push([])
      runs.at(-1)!.push(literal)
    }
    runs.at(-1)!.push(`${text}\r\n`)
    return runs
  }
}

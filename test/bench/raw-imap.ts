import { connect, type Socket } from 'node:net'

export type Account = { readonly host: string; readonly port: number; readonly login: string; readonly password: string }

type Waiting = { readonly tag: string; readonly resolve: () => void; readonly reject: (error: Error) => void }

/** A bare IMAP connection that counts octets and waits for tags: what the server can do, and nothing of a client. */
export class RawImap {
  readonly #socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  /** Octets of a literal still to come. */
  #skip = 0
  #line = ''
  #tag = 0
  #waiting: Waiting[] = []
  received = 0
  /** Gets every untagged response with its literals left out. Unset, nothing is made a string of. */
  on: ((line: string) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true)
    socket.on('data', chunk => this.#feed(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => this.#waiting.forEach(({ reject }) => reject(new Error('IMAP connection closed'))))
  }

  static async open({ host, port, login, password }: Account): Promise<RawImap> {
    const socket = connect(port, host)
    await new Promise<void>((resolve, reject) => void socket.once('connect', resolve).once('error', reject))
    const imap = new RawImap(socket)
    await imap.run([`LOGIN "${login}" "${password}"`])
    return imap
  }

  /** Writes commands in one go; resolves when the last has its tagged OK. */
  async run(commands: readonly string[]): Promise<void> {
    const lines = commands.map(command => ({ tag: `t${++this.#tag}`, command }))
    const answers = lines.map(({ tag }) => new Promise<void>((resolve, reject) => void this.#waiting.push({ tag, resolve, reject })))
    this.#socket.write(lines.map(({ tag, command }) => `${tag} ${command}\r\n`).join(''))
    await Promise.all(answers)
  }

  /** RFC 2177: from when this settles, `on` hears of news until the connection is closed. */
  async idle(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => void this.#waiting.push({ tag: '+', resolve, reject }))
    this.#socket.write(`t${++this.#tag} IDLE\r\n`)
    await ready
  }

  /** Ends an IDLE. */
  async done(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => void this.#waiting.push({ tag: `t${this.#tag}`, resolve, reject }))
    this.#socket.write('DONE\r\n')
    await ended
  }

  close(): void {
    this.#socket.destroy()
  }

  #feed(chunk: Buffer): void {
    this.received += chunk.length
    let at = 0
    const bytes = this.#buffer.length ? Buffer.concat([this.#buffer, chunk]) : chunk
    for (;;) {
      const skipped = Math.min(this.#skip, bytes.length - at)
      at += skipped
      this.#skip -= skipped
      const end = this.#skip > 0 ? -1 : bytes.indexOf('\r\n', at)
      if (end < 0) break
      this.#piece(bytes, at, end)
      at = end + 2
    }
    this.#buffer = bytes.subarray(at)
  }

  /** A line, or what of it stands before or after a literal. */
  #piece(bytes: Buffer, from: number, to: number): void {
    const literal = bytes[to - 1] === 0x7d ? /\{(\d+)\}$/.exec(bytes.toString('latin1', Math.max(from, to - 12), to)) : null
    if (literal) this.#skip = Number(literal[1])
    const begins = this.#line === ''
    const untagged = begins ? bytes[from] === 0x2a : this.#line[0] === '*'
    if (this.on || !untagged) this.#line += bytes.toString('latin1', from, to)
    else this.#line = '*'
    // As the line was but for the literal's octets, so that a parser finds its way.
    if (literal) return void (this.#line += '\r\n')
    const line = this.#line
    this.#line = ''
    if (untagged) this.on?.(line)
    else this.#tagged(line)
  }

  #tagged(line: string): void {
    const [tag, status] = line.split(' ', 2)
    const index = this.#waiting.findIndex(one => one.tag === tag)
    if (index < 0) return
    const [{ resolve, reject }] = this.#waiting.splice(index, 1) as [Waiting]
    if (tag === '+' || status === 'OK') resolve()
    else reject(new Error(`IMAP refused: ${line.slice(0, 200)}`))
  }
}

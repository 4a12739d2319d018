import { connect, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'

export type Answered = {
  readonly status: number
  /** Status line and header fields. */
  readonly head: string
  readonly body: Buffer
  /** Octets of the answer on the wire. */
  readonly octets: number
  /** Milliseconds from asking to the first octets, and to the last. */
  readonly first: number
  readonly last: number
}

/** One keep-alive HTTP connection, as bare as can be: a client's own work must not weigh in what is measured. */
export class HttpLine {
  readonly #socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  #state: 'head' | 'body' | 'size' | 'gap' | 'end' = 'head'
  #chunked = false
  #gzip = false
  #left = 0
  #status = 0
  #said = ''
  #pieces: Buffer[] = []
  #octets = 0
  #asked = 0
  #first = 0
  #waiting: { readonly resolve: (answer: Answered) => void; readonly reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true)
    socket.on('data', chunk => this.#feed(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed before an answer')))
  }

  static open(host: string, port: number): Promise<HttpLine> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => resolve(new HttpLine(socket)))
      socket.once('error', reject)
    })
  }

  /** `head`: request line and header fields, each with its CRLF, without Content-Length. One request at a time. */
  ask(head: string, body: Uint8Array): Promise<Answered> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection was closed before it was asked'))
      this.#waiting = { resolve, reject }
      this.#pieces = []
      this.#octets = this.#first = 0
      this.#asked = performance.now()
      this.#socket.write(Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]))
    })
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  close(): void {
    this.#socket.destroy()
  }

  #feed(chunk: Buffer): void {
    this.#octets += chunk.length
    this.#first ||= performance.now() - this.#asked
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, chunk]) : chunk
    while (this.#waiting && this.#step()) { /* as far as it goes */ }
  }

  /** RFC 9112, Message Body Length. Whether more may follow from what is there. */
  #step(): boolean {
    if (this.#state === 'body') return this.#body()
    const mark = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
    const end = this.#buffer.indexOf(mark)
    if (end < 0) return false
    const line = this.#buffer.toString('latin1', 0, end)
    this.#buffer = this.#buffer.subarray(end + mark.length)
    if (this.#state === 'head') this.#head(line)
    else if (this.#state === 'gap') this.#state = 'size'
    else if (this.#state === 'end') this.#done()
    else {
      this.#left = parseInt(line, 16)
      this.#state = this.#left > 0 ? 'body' : 'end'
    }
    return this.#buffer.length > 0
  }

  #head(text: string): void {
    this.#status = Number(text.slice(9, 12))
    this.#said = text
    this.#chunked = /\r\ntransfer-encoding: chunked/i.test(text)
    this.#gzip = /\r\ncontent-encoding: gzip/i.test(text)
    this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    this.#state = this.#chunked ? 'size' : 'body'
    if (!this.#chunked && this.#left === 0) this.#done()
  }

  #body(): boolean {
    const piece = this.#buffer.subarray(0, this.#left)
    this.#buffer = this.#buffer.subarray(piece.length)
    this.#pieces.push(piece)
    this.#left -= piece.length
    if (this.#left > 0) return false
    if (this.#chunked) this.#state = 'gap'
    else this.#done()
    return this.#buffer.length > 0
  }

  #done(): void {
    const last = performance.now() - this.#asked
    const body = Buffer.concat(this.#pieces)
    this.#state = 'head'
    const { resolve } = this.#waiting!
    this.#waiting = undefined
    resolve({ status: this.#status, head: this.#said, body: this.#gzip ? gunzipSync(body) : body, octets: this.#octets, first: this.#first, last })
  }
}

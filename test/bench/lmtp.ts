import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A kept LMTP connection, so that a delivery is nothing but a delivery. */
export class Lmtp {
  readonly #socket: Socket
  #text = ''

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true)
  }

  static async open({ host, port }: { host: string; port: number }): Promise<Lmtp> {
    const lmtp = new Lmtp(connect(port, host))
    await lmtp.#answer(/^220 /m)
    await lmtp.#say('LHLO bench.test', /^250 /m)
    return lmtp
  }

  /** Delivers, and answers when the message's end was written, in milliseconds of `performance.now()`. */
  async deliver(to: string, message: Uint8Array): Promise<number> {
    await this.#say('MAIL FROM:<sender@corpus.test>', /^250 /m)
    await this.#say(`RCPT TO:<${to}>`, /^250 /m)
    await this.#say('DATA', /^354 /m)
    this.#socket.write(message)
    const end = performance.now()
    await this.#say('\r\n.', /^250 /m)
    return end
  }

  close(): void {
    this.#socket.destroy()
  }

  async #say(line: string, expected: RegExp): Promise<void> {
    this.#socket.write(`${line}\r\n`)
    await this.#answer(expected)
  }

  async #answer(expected: RegExp): Promise<void> {
    this.#text = ''
    do {
      const [chunk] = await once(this.#socket, 'data') as [Buffer]
      this.#text += chunk.toString('latin1')
      if (/^[45]\d\d /m.test(this.#text)) throw new Error(`LMTP: ${this.#text}`)
    } while (!expected.test(this.#text))
  }
}

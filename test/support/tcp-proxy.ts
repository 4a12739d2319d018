import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Link {
  /** Milliseconds added to what the client says, and to what the server says. */
  delayUp: number
  delayDown: number
  /** Breaks a connection once the server has sent so many bytes on it. */
  cutAfter: number
  /** Lets connections be opened and holds back all that is said, from the next bytes on. */
  stalled: boolean
  /** Stalls the connections whose client began so (4 KB of it), as if a server hung for one user. */
  silent: (begin: string) => boolean
  /** What a chunk of the client's becomes on its way. */
  rewriteUp: (chunk: Buffer) => Buffer
  /** Hears of what has been handed on, `up` from the client; undefined when the connection, known by its number, is gone. */
  passed: (connection: number, way: 'up' | 'down', chunk: Buffer | undefined) => void
}

export interface Counts {
  connections: number
  /** How often a client spoke after hearing the server (or first): round trips. Exact only with a delay in place. */
  turns: number
  bytesUp: number
  bytesDown: number
}

/** A line between a client and a real server that can be slow, broken or silent, and counts. */
export class TcpProxy {
  readonly host = '127.0.0.1'
  /** May be changed at any time. */
  readonly link: Link = { delayUp: 0, delayDown: 0, cutAfter: Infinity, stalled: false, silent: () => false, rewriteUp: chunk => chunk, passed: () => {} }
  counts: Counts = { connections: 0, turns: 0, bytesUp: 0, bytesDown: 0 }
  readonly #server = createServer(client => this.#join(client))
  readonly #sockets = new Set<Socket>()
  #joined = 0
  readonly #target: { readonly host: string, readonly port: number }

  private constructor(target: { readonly host: string, readonly port: number }) { this.#target = target }

  static async start(target: { readonly host: string, readonly port: number }, link: Partial<Link> = {}): Promise<TcpProxy> {
    const self = new TcpProxy(target)
    Object.assign(self.link, link)
    await new Promise<void>(resolve => self.#server.listen(0, self.host, resolve))
    return self
  }

  get port(): number { return (this.#server.address() as AddressInfo).port }

  /** Connections that are open now. */
  get open(): number { return this.#sockets.size / 2 }

  /** The counts so far; counting starts anew. */
  take(): Counts {
    const { counts } = this
    this.counts = { connections: 0, turns: 0, bytesUp: 0, bytesDown: 0 }
    return counts
  }

  /** Breaks every open connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = connect(this.#target.port, this.#target.host)
    this.counts.connections += 1
    const number = ++this.#joined
    client.once('close', () => this.link.passed(number, 'up', undefined))
    let clientSpoke = false
    let down = 0
    let begin = ''
    const held = (): boolean => this.link.stalled || this.link.silent(begin)
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true).on('error', () => {}).on('close', failed => {
        this.#sockets.delete(socket)
        if (failed) other.destroy()
      })
    }
    this.#pipe(client, server, 'delayUp', held, chunk => {
      if (begin.length < 4096) begin += chunk.toString('latin1')
      if (!clientSpoke) this.counts.turns += 1
      clientSpoke = true
      this.counts.bytesUp += chunk.length
      return chunk => {
        this.link.passed(number, 'up', chunk)
        return server.write(this.link.rewriteUp(chunk))
      }
    })
    this.#pipe(server, client, 'delayDown', held, chunk => {
      this.counts.bytesDown += chunk.length
      const left = this.link.cutAfter - down
      down += chunk.length
      return chunk => {
        // Only now has the client something to answer to: commands written ahead are no new turn.
        clientSpoke = false
        this.link.passed(number, 'down', chunk.subarray(0, left))
        if (chunk.length < left) return client.write(chunk)
        client.end(chunk.subarray(0, left), () => server.destroy())
        return true
      }
    })
  }

  /** Hands on each chunk in order, as late as the link says. */
  #pipe(from: Socket, to: Socket, delay: 'delayUp' | 'delayDown', held: () => boolean, arrive: (chunk: Buffer) => (chunk: Buffer) => boolean): void {
    let queue = Promise.resolve()
    const later = (act: () => void) => {
      const at = Date.now() + this.link[delay]
      queue = queue.then(async () => {
        if (at > Date.now()) await sleep(at - Date.now())
        while (held() && !to.destroyed) await sleep(5)
        if (!to.destroyed) act()
      })
    }
    from.on('data', chunk => {
      const pass = arrive(chunk)
      later(() => {
        if (pass(chunk)) return
        from.pause()
        to.once('drain', () => from.resume())
      })
    })
    from.on('end', () => later(() => to.end()))
  }
}

import type { Server, Socket } from 'node:net'
import { readProxyHeader } from './proxy-header.ts'

export type Proxied = {
  /** Whether this peer is a proxy, and so has to begin with the PROXY protocol. Anybody else speaks for himself. */
  readonly isProxy: (address: string) => boolean
  /** Milliseconds until it has to be there. */
  readonly patience: number
  /** A connection that did not begin with it, and is closed. */
  readonly onFault: (why: string) => void
}

export type Sources = {
  /** Whose connection it is, where a proxy said so. */
  of(socket: Socket): string | undefined
  /** Closes the connections that have not said it. */
  close(): void
}

/** Reads the PROXY protocol before anything else sees a connection of `server`. */
export function readProxied(server: Server, { isProxy, patience, onFault }: Proxied): Sources {
  const waiting = new Set<Socket>()
  const sources = new WeakMap<Socket, string>()
  const takers = server.listeners('connection')
  server.removeAllListeners('connection')

  server.on('connection', (socket: Socket) => {
    const take = () => takers.forEach(taker => void taker.call(server, socket))
    if (!isProxy(socket.remoteAddress ?? '')) return take()
    let bytes = Buffer.alloc(0)
    const late = setTimeout(() => fail('the PROXY protocol does not come'), patience)
    const fail = (why: string) => {
      onFault(why)
      socket.destroy()
    }
    const quiet = () => {}
    const read = () => {
      try {
        for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null);) bytes = Buffer.concat([bytes, chunk])
        const header = readProxyHeader(bytes)
        if (!header) return
        leave()
        if (header.source !== undefined) sources.set(socket, header.source)
        if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
        take()
      } catch (error) {
        fail((error as Error).message)
      }
    }
    const leave = () => {
      waiting.delete(socket)
      clearTimeout(late)
      socket.off('readable', read).off('close', leave).off('error', quiet)
    }
    waiting.add(socket)
    socket.on('readable', read).on('close', leave).on('error', quiet)
  })
  return {
    // TLS is a socket around the one that was read.
    of: socket => sources.get(socket) ?? sources.get((socket as Socket & { _parent?: Socket })._parent ?? socket),
    close: () => waiting.forEach(socket => socket.destroy()),
  }
}

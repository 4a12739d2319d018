import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Credentials, FrontRequest, Origin } from '../base/front.ts'
import { identify } from './auth.ts'
import { pathOf, targetOf } from './incoming.ts'
import { takesGzip } from './outgoing.ts'

/** What the head of a request says. */
export type Head = {
  /** As fronts compare it. */
  readonly path: string
  /** Whose request it is and where it means to be. */
  readonly address: string
  readonly origin: Origin
  readonly credentials: Credentials | undefined
  readonly gzip: boolean
  /** Undefined where the Host header names no host, null where the rest is no URL. */
  readonly url: URL | null | undefined
  readonly headers: FrontRequest['headers']
}

export type HeadReader = {
  /** The same object for as long as a connection brings the same head: only the last one is kept, octet for octet. */
  read(message: IncomingMessage): Head
  /** A connection that waits keeps nothing. */
  forget(socket: Socket): void
}

type Kept = { readonly method: string | undefined; readonly url: string | undefined; readonly raw: readonly string[]; readonly head: Head }

/** `clientOf` tells whose request it is; the same for all requests of a connection that say the same. */
export function headReader(scheme: 'http' | 'https', clientOf: (message: IncomingMessage) => Pick<Head, 'address' | 'origin'>): HeadReader {
  const last = new WeakMap<Socket, Kept>()
  return {
    read(message) {
      const { method, url, rawHeaders: raw, socket } = message
      const kept = last.get(socket)
      if (kept && kept.method === method && kept.url === url && areSame(kept.raw, raw)) return kept.head
      const head = readHead(message, scheme, clientOf(message))
      last.set(socket, { method, url, raw, head })
      return head
    },
    forget: socket => void last.delete(socket),
  }
}

const areSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one, index) => one === others[index])

function readHead(message: IncomingMessage, scheme: 'http' | 'https', client: Pick<Head, 'address' | 'origin'>): Head {
  const { headers, url = '' } = message
  const host = headers.host || 'localhost'
  return {
    ...client, path: pathOf(message), credentials: identify(headers.authorization, url), gzip: takesGzip(headers['accept-encoding']),
    url: /^[\w.:[\]-]+$/.test(host) ? URL.parse(`${scheme}://${host}${targetOf(message)}`) : undefined,
    headers: { get: name => headers[name]?.toString() ?? null },
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import util from 'node:util'
import type { Log } from '../base/log.ts'

// http-proxy 1.18.1 calls `util._extend`, which warns (DEP0060) in every version of node we run on; they do the same.
Object.assign(util, { _extend: Object.assign })
const httpProxy = createRequire(import.meta.url)('http-proxy') as typeof import('http-proxy')

/** The way to the server that answers all that no front does. */
export type PassThrough = {
  web(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Who is signed in to a page of ours (pages/session.ts) is not the upstream's business: a cookie goes to a whole host. */
function hideSessions({ headers }: IncomingMessage): void {
  if (!headers.cookie?.includes('postern-')) return
  const others = headers.cookie.split(';').filter(pair => !/^ *(__Host-)?postern-(user|admin)=/.test(pair)).join(';').trim()
  if (others) headers.cookie = others
  else delete headers.cookie
}

/** Hands requests on to `upstream` (a URL) with X-Forwarded-*, each on a connection of its own: NTLM belongs to a connection. */
export function passThrough(upstream: string, log: Log): PassThrough {
  const proxy = httpProxy.createProxyServer({ target: upstream, xfwd: true })

  // http-proxy 1.18.1 goes on with the one side when the other has gone.
  proxy.on('proxyReq', (request, _, res) => {
    res.once('close', () => {
      if (!res.writableFinished) request.destroy()
    })
  })
  proxy.on('proxyRes', (response, _, res) => {
    response.once('close', () => {
      if (!response.complete) res.destroy()
    })
  })
  proxy.on('proxyReqWs', (request, _, socket) => void socket.once('close', () => request.destroy()))

  proxy.on('error', (error: NodeJS.ErrnoException, _, to) => {
    if (to.destroyed || ('writableEnded' in to && to.writableEnded)) return
    log.warn({ code: error.code, why: error.message }, 'upstream does not answer')
    if (!('headersSent' in to)) to.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    else if (to.headersSent) to.destroy()
    else to.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end('The server behind this one does not answer.\n')
  })

  return {
    web(req, res) {
      hideSessions(req)
      // Node has answered it already, and http-proxy would not tell `proxyReq` about a request that carries it.
      delete req.headers.expect
      proxy.web(req, res)
    },
    upgrade(req, socket, head) {
      hideSessions(req)
      proxy.ws(req, socket, head)
    },
  }
}

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Failure } from '../base/failure.ts'
import type { Counted, Front, Visit } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { unmeasured, type Metrics } from '../base/metrics.ts'
import { untraced, type Span, type Told, type Tracing } from '../base/tracing.ts'
import { addressReader, originReader, proxyCheck } from './address.ts'
import { exchange, stackOf } from './exchange.ts'
import { headReader, type Head } from './head.ts'
import { hasBody, pathOf } from './incoming.ts'
import type { PassThrough } from './pass-through.ts'
import { readProxied } from './proxied.ts'
import { type BodyPace, watchBodies } from './slow-bodies.ts'
import { traffic } from './traffic.ts'

/** PEM, not paths. */
export type Certificate = { readonly cert: string; readonly key: string }

/** Who answers: the first front that claims the path, else the upstream, else 404. */
export type Routes = { readonly fronts: readonly Front[]; readonly passThrough: PassThrough | undefined }

export type HttpOptions = {
  /** All addresses when undefined. */
  readonly host?: string | undefined
  /** A Unix socket in place of host and port. */
  readonly socket?: string
  /** 0 takes a free one. */
  readonly port: number
  readonly tls?: Certificate | undefined
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For, -Host and -Proto are believed. */
  readonly trustedProxies?: readonly string[]
  /** They begin each connection with the PROXY protocol. */
  readonly proxyProtocol?: boolean
  readonly log: Log
  readonly metrics?: Metrics
  readonly tracing?: Tracing
  readonly pace?: BodyPace
  /** Seconds a client may take for the head of a request. */
  readonly headSeconds?: number
}

export type HttpServer = {
  readonly port: number
  /** Answers the requests from now on by other routes; settles when the last one answered by the former has ended. */
  replace(routes: Routes): Promise<void>
  /** For connections from now on. */
  secure(certificate: Certificate): void
  /** Errors so far that no one expected. A test run that leaves one has failed. */
  readonly bugs: () => number
  /** Has this part of what waits answered early. */
  shed(part: number): void
  /** From now on each answer is the last one of its connection. */
  part(): void
  /**
   * Stops accepting, has waiting requests answered, and cuts what has not ended after so many seconds. A connection between two requests
   * ends at once, or may bring one more for `linger` seconds: what its client has just sent would be lost.
   */
  close(seconds: number, linger?: number): Promise<void>
}

const usual: https.ServerOptions = {
  /** A bearer token alone may take 8 KiB. */
  maxHeaderSize: 32 * 1024,
  /** Longer than the pauses between a phone's requests, and than the idle time of the proxies in front of us. */
  keepAliveTimeout: 180_000,
  /** A whole request has no limit: see `BodyPace`. */
  requestTimeout: 0,
  connectionsCheckingInterval: 1000,
  handshakeTimeout: 30_000,
  // Some clients offer h2c with any request; those are answered as if they had not.
  shouldUpgradeCallback: req => req.headers.upgrade?.toLowerCase() === 'websocket',
}
const clientErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413, ERR_HTTP_REQUEST_TIMEOUT: 408,
}
const usualPace: BodyPace = { seconds: 20, octets: 2048 }

/** Listens; rejects when it cannot. */
export async function listen(options: HttpOptions, first: Routes): Promise<HttpServer> {
  const { log, tls, metrics = unmeasured, tracing = untraced } = options
  const count = traffic(metrics)
  const scheme = tls ? 'https' : 'http'
  const addressOf = addressReader(options.trustedProxies ?? [])
  const originOf = originReader(options.trustedProxies ?? [])
  const nextId = counter()
  let routes = generation(first)
  const retired = new Set<Routes>()
  /** The end as clients see it: answers say so; then connections without a request are closed. */
  let parting = false, closing = false
  let bugs = 0
  /** The latest answer on a connection, for what goes wrong below HTTP. */
  const answers = new WeakMap<Duplex, ServerResponse>()
  const upgraded = new Set<Duplex>()
  const bodies = watchBodies(options.pace ?? usualPace, ({ socket }) => refuseConnection(socket, 408, answers.get(socket)))

  const settings = { ...usual, headersTimeout: (options.headSeconds ?? 30) * 1000 }
  const server = tls ? https.createServer({ ...settings, ...tls }) : http.createServer(settings)

  const sources = options.proxyProtocol ? readProxied(server, {
    isProxy: proxyCheck(options.trustedProxies ?? []), patience: settings.headersTimeout, onFault: why => log.info({ why }, 'no request'),
  }) : undefined
  /** Whoever opens a Unix socket is on this host. */
  const here = options.socket === undefined ? undefined : '127.0.0.1'
  const heads = headReader(scheme, ({ socket, headers }) => {
    const peer = sources?.of(socket) ?? socket.remoteAddress ?? here
    return { address: addressOf(peer, headers['x-forwarded-for'] as string | undefined), origin: originOf(peer, scheme === 'https', headers) }
  })
  /** What a proxy said before a request is told to whoever gets it. */
  const forwarded = (req: IncomingMessage): IncomingMessage => {
    const source = sources?.of(req.socket), { headers } = req
    if (source !== undefined) headers['x-forwarded-for'] = [headers['x-forwarded-for'], source].filter(Boolean).join(', ')
    return req
  }

  const onBug = (id: string, error: unknown) => {
    bugs++
    metrics.add('bugs', {})
    log.error({ id, stack: stackOf(error) }, 'bug')
  }

  server.on('request', (req, res) => {
    const own = routes, head = heads.read(forwarded(req)), front = own.frontFor(head.path)
    const traced = front?.quiet ? untraced : tracing
    traced.request(req.method!, req.headers, span => take({ req, res, own, front, span }, head))
  })

  function take({ req, res, own, front, span }: Taken, head: Head): void {
    const started = performance.now()
    const visit = new Visiting(nextId(), head)
    answers.set(req.socket, res)
    own.begin()
    res.once('close', () => {
      bodies.delete(req)
      visit.end(!res.writableFinished)
      const name = front?.name ?? 'upstream', ms = performance.now() - started
      count(req, res, { front: name, counted: visit.counted, seconds: ms / 1000 })
      span.end(() => toldOf(res, name, visit.counted))
      if (!front?.quiet) writeLine(log, res, { visit, front: name, ms })
      own.end()
      if (closing) setImmediate(() => server.closeIdleConnections())
    })
    if (!front) return own.passThrough!.web(req, res)
    if (hasBody(req)) bodies.add(req)
    void exchange(front, visit, { head, req, res, last: () => parting, onBug, waits: () => heads.forget(req.socket) })
  }

  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (routes.frontFor(pathOf(req))) return refuseConnection(socket, 404, undefined)
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    log.info({ front: 'upstream', address: heads.read(forwarded(req)).address, method: req.method }, 'upgrade')
    routes.passThrough!.upgrade(req, socket, head)
  })

  // What is no HTTP, or comes too slowly to be a request.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const status = clientErrors[error.code ?? ''] ?? 400
    const res = answers.get(socket)
    if (!res || res.writableFinished) log.info({ http: status, why: error.code }, 'no request')
    refuseConnection(socket, status, res)
  })

  if (options.socket === undefined) server.listen(options.port, options.host)
  else server.listen(options.socket)
  await once(server, 'listening')

  return {
    port: options.socket === undefined ? (server.address() as AddressInfo).port : 0,
    async replace(next) {
      const former = routes
      routes = generation(next)
      retired.add(former)
      await former.retire()
      retired.delete(former)
    },
    secure(certificate) {
      if (server instanceof https.Server) server.setSecureContext(certificate)
    },
    bugs: () => bugs,
    shed(part) {
      for (const { fronts } of [routes, ...retired]) fronts.forEach(front => front.shed?.(part))
    },
    part: () => void (parting = true),
    async close(seconds, linger = 0) {
      parting = true
      // What http.Server adds to it ends the connections between two requests.
      const closed = new Promise(resolve => net.Server.prototype.close.call(server, resolve))
      for (const { fronts } of [routes, ...retired]) fronts.forEach(front => front.drain?.())
      const quiet = setTimeout(() => {
        closing = true
        sources?.close()
        server.closeIdleConnections()
      }, linger * 1000)
      const cut = setTimeout(() => {
        sources?.close()
        server.closeAllConnections()
        for (const socket of upgraded) socket.destroy()
      }, seconds * 1000)
      await closed
      clearTimeout(quiet)
      clearTimeout(cut)
      bodies.close()
      // Ends its timer, which would hold all of this.
      server.close(() => {})
    },
  }
}

/** Ids that are told apart across processes and restarts. */
function counter(): () => string {
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}

/** What a request's front is told. The signal is made when somebody asks for it: most requests are answered before anybody does. */
class Visiting implements Visit {
  readonly id: string
  readonly facts = {}
  readonly counted: Counted = {}
  readonly address: string
  readonly origin: Visit['origin']
  readonly credentials: Visit['credentials']
  readonly #endings: (() => void)[] = []
  #ended: 'answered' | 'gone' | undefined
  #gone: AbortController | undefined

  constructor(id: string, { address, origin, credentials }: Head) {
    this.id = id
    this.address = address
    this.origin = origin
    this.credentials = credentials
  }

  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.#ended === 'gone') this.#gone.abort()
    return this.#gone.signal
  }

  onEnd(done: () => void): void {
    if (this.#ended) done()
    else this.#endings.push(done)
  }

  /** `gone`: the client went before it had the whole answer. */
  end(gone: boolean): void {
    this.#ended = gone ? 'gone' : 'answered'
    if (gone) this.#gone?.abort()
    for (const done of this.#endings.splice(0)) done()
  }
}

/** A request, who answers it, and where that is told of. */
type Taken = {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly own: ReturnType<typeof generation>
  readonly front: Front | undefined
  readonly span: Span
}

/** Routes that know how many requests are under way on them. */
function generation(routes: Routes) {
  let active = 0
  let settle: (() => void) | undefined
  return {
    ...routes,
    /** Undefined: the upstream's. */
    frontFor: (path: string): Front | undefined =>
      routes.fronts.find(front => front.matches(path)) ?? (routes.passThrough ? undefined : nothing),
    begin: () => void active++,
    end() {
      if (--active === 0) settle?.()
    },
    retire: () => new Promise<void>(resolve => {
      settle = resolve
      if (active === 0) resolve()
    }),
  }
}

const nothing: Front = {
  name: 'none',
  matches: () => true,
  answer: async () => {
    throw new Failure('not-found', 'no front and no upstream')
  },
}

/** What a span says of a request: nothing of who sent it. */
function toldOf(res: ServerResponse, front: string, { command = 'none', version, status }: Counted): Told {
  return {
    name: `${front} ${command}`,
    attributes: {
      'postern.front': front, 'postern.command': command, 'http.response.status_code': res.statusCode,
      ...(version && { 'postern.version': version }), ...(status && { 'postern.status': status }),
    },
    failed: res.statusCode >= 500 ? String(res.statusCode) : res.writableFinished ? undefined : 'cut',
  }
}

function writeLine(log: Log, res: ServerResponse, { visit, front, ms }: { visit: Visit; front: string; ms: number }): void {
  const { id, address, facts, counted: { waited } } = visit
  // 499: the client went before it was answered; cut: it did not get all.
  const http = res.writableFinished ? res.statusCode : res.headersSent ? `${res.statusCode} cut` : 499
  const line = { id, address, front, ms: Math.round(ms), waited: waited && Math.round(waited), ...facts, method: res.req.method, http }
  log[res.statusCode >= 500 ? 'warn' : 'info'](line, 'request')
}

/** Ends a connection with a status, unless its answer is under way already. */
function refuseConnection(socket: Duplex, status: number, res: ServerResponse | undefined): void {
  if (!res || res.writableFinished) {
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  } else if (res.headersSent) socket.destroy()
  else res.once('finish', () => {
    socket.destroy()
    // An answered request is not told that its socket is gone: whoever still reads its body would wait for ever.
    res.req.destroy()
  }).writeHead(status, { connection: 'close' }).end()
}

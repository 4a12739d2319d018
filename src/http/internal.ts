import type { Log } from '../base/log.ts'
import { plainText } from './refusal.ts'
import { type HttpServer, listen } from './server.ts'

/** By its path, what is told to those who look after Postern; never to clients. */
export type Pages = Readonly<Record<string, () => Response | Promise<Response>>>

/** Where a process stands between its beginning and its end. */
export type Stage = 'starting' | 'ready' | 'draining'

/** A listener of its own for probes and the like, which wants no credentials. Rejects when it cannot listen. */
export const listenInternally = ({ host, port }: { host: string; port: number }, pages: Pages, log: Log): Promise<HttpServer> =>
  listen({ host, port, log }, {
    fronts: [{
      name: 'internal', quiet: true,
      matches: path => Object.hasOwn(pages, path),
      answer: async request => request.method === 'GET' || request.method === 'HEAD'
        ? pages[new URL(request.url).pathname.toLowerCase()]!()
        : new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } }),
    }],
    passThrough: undefined,
  })

/**
 * `/healthz`: this process answers; one that does not is to be started anew. `/readyz`: new requests are welcome here. Neither asks the mail
 * servers: where they are away every process would be taken out, and with them the answer that says so to clients, and the upstream.
 */
export const probes = (stage: () => Stage): Pages => ({
  '/healthz': () => plainText(200, 'ok'),
  '/readyz': () => plainText(stage() === 'ready' ? 200 : 503, stage()),
})

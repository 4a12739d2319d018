import { readJson } from '../base/body.ts'
import { Failure } from '../base/failure.ts'
import type { FrontAnswer, FrontRequest } from '../base/front.ts'
import type { Log } from '../base/log.ts'
import { plainText } from './refusal.ts'
import { type HttpServer, listen } from './server.ts'

/** By its path, what is told to those who look after Postern, or what it hears from them (`post`); never from clients. */
export type Pages = Readonly<Record<string, Page>>
type Page = (() => FrontAnswer | Promise<FrontAnswer>) | { readonly post: (request: FrontRequest) => Promise<FrontAnswer> }

/** Where a process stands between its beginning and its end. */
export type Stage = 'starting' | 'ready' | 'draining'

/** A listener of its own for probes and the like, which wants no credentials. Rejects when it cannot listen. */
export const listenInternally = ({ host, port }: { host: string; port: number }, pages: Pages, log: Log): Promise<HttpServer> =>
  listen({ host, port, log }, {
    fronts: [{
      name: 'internal', quiet: true,
      matches: path => Object.hasOwn(pages, path),
      answer: async request => {
        const page = pages[request.url.pathname.toLowerCase()]!, { method } = request
        if (typeof page === 'function') return method === 'GET' || method === 'HEAD' ? page() : allowed('GET, HEAD')
        return method === 'POST' ? page.post(request) : allowed('POST')
      },
    }],
    passThrough: undefined,
  })

const allowed = (methods: string): FrontAnswer => ({ status: 405, headers: [['allow', methods]], body: null })

/** What a mail server says: something happened in this mailbox of this user. */
export type News = { readonly user: string; readonly mailbox: string }

/** `/news`: a mail server tells of a delivery before IMAP does. A JSON object of `user` and `mailbox`, or a list of them. */
export const newsPage = (on: (news: News) => void): Pages => ({
  '/news': {
    async post(request) {
      const said = await readJson(request, mostNews, 'no JSON')
      const all = Array.isArray(said) ? said : [said]
      if (!all.every(isNews)) throw new Failure('malformed', 'no user and mailbox')
      all.forEach(({ user, mailbox }) => on({ user, mailbox }))
      return { status: 204, headers: [], body: null }
    },
  },
})

/** Octets. */
const mostNews = 64 * 1024

const isNews = (value: unknown): value is News => typeof value === 'object' && value !== null &&
  'user' in value && typeof value.user === 'string' && 'mailbox' in value && typeof value.mailbox === 'string'

/**
 * `/healthz`: this process answers; one that does not is to be started anew. `/readyz`: new requests are welcome here. Neither asks the mail
 * servers: where they are away every process would be taken out, and with them the answer that says so to clients, and the upstream.
 */
export const probes = (stage: () => Stage): Pages => ({
  '/healthz': () => plainText(200, 'ok'),
  '/readyz': () => plainText(stage() === 'ready' ? 200 : 503, stage()),
})

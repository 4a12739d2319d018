import { Agent, request } from 'undici'

/** Bare DAV requests on one connection: what the server can do, and nothing of a client. */
export class RawDav {
  readonly #agent = new Agent({ connections: 1 })
  readonly #url: string
  readonly #authorization: string
  /** Requests so far. */
  count = 0

  constructor(url: string, login: string, password: string) {
    this.#url = url
    this.#authorization = `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`
  }

  async ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<string> {
    this.count += 1
    const answer = await request(new URL(path, this.#url), {
      dispatcher: this.#agent, method: method as 'GET', ...(body === undefined ? {} : { body }),
      headers: { authorization: this.#authorization, 'content-type': 'application/xml; charset=utf-8', ...headers },
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}`)
    return text
  }

  /** RFC 6578: names of what differs from `token`, and the token of now. */
  async changes(path: string, token = ''): Promise<{ hrefs: string[]; token: string }> {
    const xml = await this.ask('REPORT', path, `<d:sync-collection xmlns:d="DAV:"><d:sync-token>${token}</d:sync-token><d:sync-level>1</d:sync-level>
      <d:prop><d:getetag/></d:prop></d:sync-collection>`, { depth: '0' })
    const hrefs = [...xml.matchAll(/<(?:\w+:)?href>([^<]*)</g)].map(([, href]) => href!).filter(href => !href.endsWith('/'))
    return { hrefs, token: /<(?:\w+:)?sync-token>([^<]*)</.exec(xml)?.[1] ?? '' }
  }

  async multiget(path: string, hrefs: readonly string[]): Promise<string> {
    const [root, data, space] = path.includes('/book') ? ['addressbook-multiget', 'address-data', 'carddav'] : ['calendar-multiget', 'calendar-data', 'caldav']
    return this.ask('REPORT', path, `<c:${root} xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:${space}"><d:prop><d:getetag/><c:${data}/></d:prop>
      ${hrefs.map(href => `<d:href>${href}</d:href>`).join('')}</c:${root}>`, { depth: '1' })
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

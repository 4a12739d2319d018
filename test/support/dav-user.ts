type Kind = 'calendar' | 'contacts' | 'tasks' | 'notes'
const components: Partial<Record<Kind, string>> = { calendar: 'VEVENT', tasks: 'VTODO', notes: 'VJOURNAL' }

/** Somebody at another client of the DAV server: plain requests, and nothing of Postern's. */
export class DavUser {
  readonly #url: string
  readonly #authorization: string
  readonly #home: string
  #path = ''
  readonly #seen = new Map<string, string>()

  constructor(url: string, login: string, password: string, home = `/${login}/`) {
    this.#url = url
    this.#home = home
    this.#authorization = `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`
  }

  async #ask(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    const answer = await fetch(new URL(path, this.#url), {
      method, headers: { authorization: this.#authorization, ...headers }, ...(body === undefined ? {} : { body: Buffer.from(body as Uint8Array) }),
    })
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  async #propfind(path: string, properties: string): Promise<string> {
    const body = `<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>${properties}</d:prop></d:propfind>`
    return (await this.#ask('PROPFIND', path, body, { depth: '1', 'content-type': 'application/xml' })).text()
  }

  /** Collections: their paths, names and what is in them, as text. */
  async #collections(): Promise<{ path: string; name: string; xml: string }[]> {
    const xml = await this.#propfind(this.#home, '<d:resourcetype/><d:displayname/><c:supported-calendar-component-set/>')
    return xml.split(/<(?:\w+:)?response[ >]/).slice(1).map(response => ({
      path: unescapeXml(/<(?:\w+:)?href[^>]*>([^<]*)</.exec(response)?.[1] ?? ''),
      name: unescapeXml(/<(?:\w+:)?displayname[^>]*>([^<]*)</.exec(response)?.[1] ?? ''), xml: response,
    }))
  }

  async names(): Promise<string[]> {
    return (await this.#collections()).map(({ name }) => name)
  }

  /** Works in the collection of this kind from now on: the one of that name, else the first. */
  async open(kind: Kind, name?: string): Promise<void> {
    // Radicale tells components of address books too.
    const holds = (xml: string): boolean => /addressbook\s*\/?>/.test(xml) ? kind === 'contacts' : xml.includes(`name="${components[kind]!}"`)
    const found = (await this.#collections()).find(one => holds(one.xml) && (name === undefined || one.name === name))
    if (!found) throw new Error(`no collection of ${kind}`)
    this.#path = found.path
  }

  /** Where an object is. */
  address(name: string): string {
    return new URL(this.#path + name, this.#url).href
  }

  async put(name: string, text: string | Uint8Array): Promise<void> {
    await this.#ask('PUT', this.#path + name, text, { 'content-type': this.#typeOf(name) })
  }

  #typeOf(name: string): string {
    return name.endsWith('.vcf') ? 'text/vcard; charset=utf-8' : 'text/calendar; charset=utf-8'
  }

  async remove(name: string): Promise<void> {
    await this.#ask('DELETE', this.#path + name)
  }

  /** What is there: octets by name. Only versions not seen before are fetched. */
  async list(): Promise<Map<string, string>> {
    const xml = await this.#propfind(this.#path, '<d:getetag/>')
    const rows = xml.split(/<(?:\w+:)?response[ >]/).slice(1).flatMap(row => {
      const href = unescapeXml(/<(?:\w+:)?href[^>]*>([^<]*)</.exec(row)?.[1] ?? '/')
      const etag = /<(?:\w+:)?getetag[^>]*>([^<]*)</.exec(row)?.[1] ?? ''
      return href.endsWith('/') ? [] : [{ href, etag }]
    })
    const found = new Map<string, string>()
    for (const { href, etag } of rows) {
      const known = this.#seen.get(`${href} ${etag}`) ?? await (await this.#ask('GET', href)).text()
      this.#seen.set(`${href} ${etag}`, known)
      found.set(decodeURIComponent(href.split('/').at(-1)!), known)
    }
    return found
  }

  get path(): string {
    return this.#path
  }
}

const unescapeXml = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&').trim()

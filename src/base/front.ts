/** Who is asking, as the HTTP request says it. Not verified until a backend has accepted it. */
export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly user: string; readonly token: string }

/** Facts a front adds to the one log line of its request. Never content, never secrets. */
export type Facts = Record<string, string | number | boolean | undefined>

/** Where a client means to be: host, with a port where one is named, and whether its connection is encrypted all the way it knows of. */
export type Origin = { readonly host: string; readonly secure: boolean }

/** What is counted of a request: words of the front's own tables, never what a client made up. */
export type Counted = {
  command?: string
  version?: string
  status?: string | undefined
  /** Milliseconds it waited for something to happen. */
  waited?: number
}

/** What a front knows about one request beyond the request itself. */
export type Visit = {
  readonly id: string
  /** The client's address, for throttling and the log. */
  readonly address: string
  /** As trusted proxies say it in X-Forwarded-Host and X-Forwarded-Proto, else as the request came. */
  readonly origin: Origin
  /** Undefined when the request carried none, or none that could be read. */
  readonly credentials: Credentials | undefined
  /** Ends when the client's socket closes: stop waiting, stop working. */
  readonly signal: AbortSignal
  readonly facts: Facts
  /** Called when the answer was sent, or cannot be: at once where that was before. */
  onEnd(done: () => void): void
  readonly counted: Counted
}

/** An HTTP request as a front sees it. */
export type FrontRequest = {
  readonly method: string
  readonly url: URL
  /** By names in lower case. It and `url` are the same objects where a connection brings the same head once more. */
  readonly headers: { get(name: string): string | null }
  /** Read once. Whoever stops early leaves the rest unread. */
  readonly body: AsyncIterable<Uint8Array> | null
}

/** The answer to it: a web-standard Response fits, but costs more than all the rest of a short answer. */
export type FrontAnswer = {
  readonly status: number
  /** A name may come several times. */
  readonly headers: Iterable<readonly [name: string, value: string]>
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null
}

/** An answer that waits for something to happen: whatever the request came with is let go meanwhile. */
export type Later = { readonly later: Promise<FrontAnswer> }

/** A protocol offered to clients: EAS and Autodiscover today, MAPI and EWS later. */
export type Front = {
  readonly name: string
  /** Whether this front claims the path, which is compared in lower case. */
  matches(path: string): boolean
  /** Answers; throws `Failure` only for what is an HTTP status of its own (auth, too-large, busy, unavailable). */
  answer(request: FrontRequest, visit: Visit): Promise<FrontAnswer | Later>
  /** Its requests are not worth a line in the log. */
  readonly quiet?: true
  /** The server is going away: whatever waits here answers now, as if its time were up. May be called more than once. */
  drain?(): void
  /** The server has too much to do: this part of what waits here, what waits longest, answers now as if its time were up. */
  shed?(part: number): void
}

/** What went wrong, in words every front can translate into its own status numbers. */
export type Kind =
  | 'auth'        // credentials refused by the backend
  | 'denied'      // known user, not allowed
  | 'not-found'
  | 'exists'      // a name or an item that is already there
  | 'conflict'    // somebody else changed it first
  | 'stale'       // a mark this server cannot continue from; the client starts again
  | 'malformed'   // the client's request breaks its protocol
  | 'unsupported'
  | 'too-large'
  | 'quota'
  | 'busy'        // try later: our own limits
  | 'unavailable' // try later: the backend cannot be reached or broke off

/** An expected failure. Anything else that is thrown is a bug in this program. */
export class Failure extends Error {
  readonly kind: Kind
  /** Seconds after which trying again makes sense, where known. */
  readonly retryAfter: number | undefined

  constructor(kind: Kind, message: string, options: ErrorOptions & { retryAfter?: number } = {}) {
    super(message, options)
    this.name = 'Failure'
    this.kind = kind
    this.retryAfter = options.retryAfter
  }
}

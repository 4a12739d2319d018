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

/** Why a mark is stale, in words that are counted. */
export type Reason =
  | 'uidvalidity' | 'modseq'  // the mailbox is another one, or an older one
  | 'holes'                   // more went from the mailbox than can be told apart
  | 'sync-token'              // the DAV server does not know it any more
  | 'forgotten'               // what this process remembered is lost
  | 'foreign'                 // made with another secret, for somebody else, or altered
  | 'version'                 // made by another version of this program
  | 'overflow'                // numbers too large for a key
  | 'options'                 // the client asks for what does not go together

/** An expected failure. Anything else that is thrown is a bug in this program. */
export class Failure extends Error {
  readonly kind: Kind
  /** Seconds after which trying again makes sense, where known. */
  readonly retryAfter: number | undefined
  /** Of what is `stale`. */
  readonly reason: Reason | undefined

  constructor(kind: Kind, message: string, options: ErrorOptions & { retryAfter?: number; reason?: Reason } = {}) {
    super(message, options)
    this.name = 'Failure'
    this.kind = kind
    this.retryAfter = options.retryAfter
    this.reason = options.reason
  }
}

export const stale = (reason: Reason, message: string, options: ErrorOptions = {}): Failure => new Failure('stale', message, { ...options, reason })

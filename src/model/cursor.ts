/** UIDs from `from` to `to`, both included. */
export type Range = { readonly from: number; readonly to: number }

/**
 * All that a client holds of one mailbox (RFC 7162 for the terms). Three protocols wrap it: the EAS SyncKey,
 * the EWS SyncState, the MAPI ICS state. Holding it in the client is what makes a database needless.
 */
export type MailCursor = {
  /** UIDVALIDITY the UIDs below belong to. */
  readonly validity: number
  /** The client has every flag change and expunge up to here, for the UIDs it holds. 0 where the server keeps no MODSEQ. */
  readonly modseq: bigint
  /** UIDNEXT when last looked: nothing at or above it has been offered yet. */
  readonly top: number
  /** At most two ranges below `top` not delivered yet, newest first, delivered from their upper end down. */
  readonly gaps: readonly Range[]
  /** Day (since 1970-01-01) the client's view is cut at; 0 shows all. */
  readonly since: number
  /** Only while one long list of changes is being paged. */
  readonly pass: Pass | undefined
}

export type Pass = {
  /** HIGHESTMODSEQ when the pass began; becomes `modseq` when it ends. */
  readonly end: bigint
  /** `widened`: items that an earlier time filter had hidden are being added. */
  readonly phase: 'expunged' | 'aged' | 'flags' | 'widened'
  /** The list has been delivered up to and including this UID (ascending; `widened` descending). */
  readonly reached: number
  /** The time filter's day this pass leads to. */
  readonly since: number
}

/** A client that holds nothing; the first look at the mailbox adopts its UIDVALIDITY. */
export const fresh: MailCursor = { validity: 0, modseq: 0n, top: 1, gaps: [], since: 0, pass: undefined }

/**
 * All that a client holds of one collection of objects (RFC 6578). While a list longer than a window is told, in the order of a digest of
 * names, `pass` says how far it has come.
 */
export type ObjectCursor = {
  /** Sync-token of the state the client holds, or is on its way to; empty for a client that holds nothing. */
  readonly token: string
  /** Day (since 1970-01-01) the client's view is cut at; 0 shows all, `incompleteOnly` the tasks that are not done. */
  readonly since: number
  /** Week, of 256, in which it was told last what is shown but for a time; undefined where nothing is. */
  readonly week?: number | undefined
  readonly pass: ObjectPass | undefined
}

/** Places in the order are 6 hexadecimal digits: all up to and including `reached` have been told. */
export type ObjectPass =
  /**
   * What is gone since `token` is being told; `told`, a digest in 6 hexadecimal digits, says of what. `anew`: then comes all that is there,
   * as nobody knows what the client holds of the state of that token.
   */
  | { readonly phase: 'going'; readonly reached: string; readonly told: string; readonly anew?: true }
  /** What there was at `token` is being told; `first` to a client that held nothing before. */
  | { readonly phase: 'coming'; readonly reached: string; readonly first: boolean }

/** FilterType 8 of tasks in the place of a day. */
export const incompleteOnly = 0xffff

export const freshObjects: ObjectCursor = { token: '', since: 0, week: undefined, pass: undefined }

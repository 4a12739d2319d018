/** Somebody mail can be sent to, as an address book knows them. A name or a value that is not known is missing. */
export type Entry = {
  /** What the book calls the entry; means nothing outside of it. */
  readonly id: string
  /** Everybody's address list, or the user's own contacts. */
  readonly kind: 'gal' | 'contact'
  readonly displayName: string
  /** SMTP addresses, the primary one first; at least one. */
  readonly addresses: readonly [string, ...string[]]
  readonly alias?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly phone?: string
  readonly homePhone?: string
  readonly mobilePhone?: string
  readonly title?: string
  readonly company?: string
  readonly office?: string
}

export type Entries = {
  /** By display name. */
  readonly entries: readonly Entry[]
  /** How many match; where the book stopped counting, at least so many. */
  readonly total: number
}

/** X.509 certificates in DER: of one person, or of all members of a group. */
export type Certificates = {
  /** 1 for a person. */
  readonly members: number
  readonly certificates: readonly Uint8Array[]
}

/** The members of a group. */
export type Members = {
  readonly total: number
  /** One of each that has one, of as many members as were asked for. */
  readonly addresses: readonly string[]
}

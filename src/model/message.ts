/** One node of a message's MIME tree as BODYSTRUCTURE tells it (RFC 9051, BODYSTRUCTURE). Names are lower case. */
export type Part = {
  /** Section number to fetch the part by: `1`, `1.2`. Empty for the root when it is a multipart. */
  readonly section: string
  /** `text/plain`, `multipart/signed`, `message/rfc822` ... */
  readonly type: string
  /** Content-Type parameters, RFC 2231 and 2047 decoded. */
  readonly parameters: Readonly<Record<string, string>>
  /** Content-Transfer-Encoding, `7bit` when absent. */
  readonly encoding: string
  /** Octets as stored, still encoded. 0 for a multipart. */
  readonly size: number
  /** Content-ID without angle brackets. */
  readonly contentId: string | undefined
  readonly location: string | undefined
  /** `inline`, `attachment` or what else was there. */
  readonly disposition: string | undefined
  /** From Content-Disposition `filename`, else Content-Type `name`; decoded. */
  readonly filename: string | undefined
  /** Parts of a multipart, or the one root of a message/rfc822. */
  readonly children: readonly Part[]
}

/** A message as a listing needs it: nothing here required reading a body. */
export type Message = {
  readonly uid: number
  /** IMAP flags and keywords as the server spells them. */
  readonly flags: ReadonlySet<string>
  readonly modseq: bigint
  /** INTERNALDATE. */
  readonly received: Date
  /** RFC822.SIZE */
  readonly size: number
  /** The listed header fields as octets, unfolded by nobody: see `listedFields`. */
  readonly header: Uint8Array
  readonly structure: Part
}

/** What tells whom a message went to, and what it answers or forwards: the fields of `sentFields` as octets. */
export type Head = { readonly uid: number; readonly received: Date; readonly header: Uint8Array }

/** The last one is what Thunderbird writes, and this program: what a message forwards. */
export const sentFields = ['To', 'Cc', 'In-Reply-To', 'X-Forwarded-Message-Id'] as const

/** Octets that are read when they are wanted; `length` says how many they will be. `once`: they cannot be had a second time. */
export type Flow = { readonly length: number; readonly once?: boolean; read(): AsyncIterable<Uint8Array> }

/** Header fields a `Message` carries. */
export const listedFields = [
  'From', 'Sender', 'To', 'Cc', 'Bcc', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'In-Reply-To', 'References',
  'Importance', 'X-Priority', 'Priority', 'Content-Type', 'Content-Class', 'Thread-Topic', 'Thread-Index',
  'X-Microsoft-Content-Class', 'Auto-Submitted',
] as const

/**
 * What a search asks of a message. Texts match anywhere in a field or body, in any case of letters; dates are those of INTERNALDATE.
 * Within `or` and `not`, dates count by the day (UTC) and attachments by the message's outermost type; elsewhere both are exact.
 */
export type MailQuery =
  /** In header or body. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'field'; readonly field: QueryField; readonly text: string }
  /** At or after this instant. */
  | { readonly kind: 'since'; readonly at: Date }
  | { readonly kind: 'before'; readonly at: Date }
  /** Carries this flag or keyword. */
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'attachment' }
  /** Of none: every message. */
  | { readonly kind: 'and'; readonly of: readonly MailQuery[] }
  | { readonly kind: 'or'; readonly of: readonly MailQuery[] }
  | { readonly kind: 'not'; readonly of: MailQuery }

export type QueryField = 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'message-id' | 'references' | 'in-reply-to' | 'importance'

export const everything: MailQuery = { kind: 'and', of: [] }

/** The conditions that hold for every match, out of nested `and`. */
export const conditions = (query: MailQuery): readonly MailQuery[] => query.kind === 'and' ? query.of.flatMap(conditions) : [query]
